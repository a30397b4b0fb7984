/* Parameters of events, one by one and as a line. */
#include "replay/dialects/falco/bind_priv.h"

static bool is_generic(const struct fctx *c)
{
	struct code_set codes = { 0 };

	if (fctx_is_imported(c))
		return true; /* also where the call has an event of its own by now */
	return falco_type_codes(hc_str_c(fctx_name(c)), &codes) && code_set_has(&codes, CODE_GENERIC);
}

/* The two parameters of a call without an event of its own: what it is called, and the kernel's number for it. */
static struct hc_value row_generic_arg(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct fjson out = begin(v);
	int64_t nr;

	if (!is_generic(&c))
		return absent();
	if (!arg)
		return word(fctx_name(&c));
	if (!hc_view_int(v, dom, HC_COL_NR, entry, &nr))
		return absent();
	fjson_i64(&out, nr);
	return falco_out_value(&out);
}
ROW_LEAF(row_generic_arg, HC_VT_STR);

static struct hc_value row_generic_rawarg(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	int64_t nr;

	if (!is_generic(&c))
		return absent();
	if (!arg)
		return hc_value_u64(falco_syscall_id(hc_str_c(fctx_name(&c))));
	return hc_view_int(v, dom, HC_COL_NR, entry, &nr) ? hc_value_u64((uint64_t)nr) : absent();
}
ROW_LEAF(row_generic_rawarg, HC_VT_U64);

/* Of a call that was recorded without a type of its own: arg is the parameter's name, or its place. */
static struct hc_value row_former_arg(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct fjson out = begin(v);
	struct pval val;
	const struct fparam *p = falco_former_param(&c, *(const struct hc_str *)arg, &val);

	if (!p)
		return absent();
	falco_param_resolved(&c, p, &val, &out);
	if (!out.n)
		falco_param_raw(&c, p, &val, &out);
	return falco_out_value(&out);
}
ROW_LEAF(row_former_arg, HC_VT_STR);

static struct hc_value row_former_num(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct pval val;

	return falco_former_param(&c, *(const struct hc_str *)arg, &val) ? hc_value_i64(val.i) : absent();
}
ROW_LEAF(row_former_num, HC_VT_I64);

static struct hc_value row_former_unum(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct pval val;

	return falco_former_param(&c, *(const struct hc_str *)arg, &val) ? hc_value_u64((uint64_t)val.i)
	                                                                 : absent();
}
ROW_LEAF(row_former_unum, HC_VT_U64);

/* Our own events have no layout of Falco's: their columns as name=value. */
static void own_args(struct hc_view *v, unsigned dom, uint32_t entry, struct fjson *out)
{
	const struct hc_table_desc *d = hc_event_desc(HC_DOM_EVENT(dom));
	struct fparam plain = { .type = PT_I64 };

	for (unsigned i = 0; d && i < d->n_args; i++) {
		unsigned col = d->arg_cols[i];
		const struct hc_col_desc *desc = &d->cols[col];
		struct hc_value value = hc_view_value(v, dom, col, entry);
		struct fctx c = falco_ctx(v, HC_DOM_EVENT(dom), entry);
		struct pval p = { .kind = PV_INT };
		uint32_t ref = desc->ref ? hc_view_ref(v, dom, col, entry) : 0;
		struct hc_str s = { 0 };

		if (desc->ref == HC_OBJ_PATH)
			s = falco_path_real(v, ref);
		else if (desc->ref == HC_OBJ_CTR)
			s = hc_view_text(v, HC_OBJ_CTR, HC_O_CTR_id, ref);
		else if (desc->ref == HC_OBJ_PROC)
			s = hc_view_text(v, HC_OBJ_PROC, HC_O_PROC_comm, ref);
		else if (value.type == HC_VT_STR)
			s = value.s;
		if (!s.p && desc->ref == HC_OBJ_SOCK && ref) {
			if (out->n)
				fjson_char(out, ' ');
			fjson_raw(out, desc->arg);
			fjson_char(out, '=');
			falco_sock_name(v, ref, out);
			continue;
		}
		if (!s.p && value.type != HC_VT_I64 && value.type != HC_VT_U64 && value.type != HC_VT_LIST)
			continue;
		if (out->n)
			fjson_char(out, ' ');
		fjson_raw(out, desc->arg);
		fjson_char(out, '=');
		if (s.p) {
			fjson_bytes(out, s.p, s.len);
		} else if (value.type == HC_VT_LIST) {
			for (uint32_t k = 0; k < value.list.n; k++) {
				if (k)
					fjson_char(out, ',');
				if (value.list.v[k].type == HC_VT_STR)
					fjson_bytes(out, value.list.v[k].s.p, value.list.v[k].s.len);
				else
					fjson_i64(out, value.list.v[k].i);
			}
		} else {
			p.i = value.i;
			falco_param_raw(&c, &plain, &p, out);
		}
	}
}

static struct hc_value row_args(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct fjson out = begin(v);

	out.base64 = arg_num(arg);
	if (c.row->code)
		falco_args(&c, &out);
	else
		own_args(v, dom, entry, &out);
	return falco_out_value(&out);
}
ROW_LEAF(row_args, HC_VT_STR);

static struct hc_value arg_text(struct hc_view *v, unsigned dom, uint32_t entry, const struct fparam *p,
                                bool base64)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct pval val = fctx_param(&c, p);
	struct fjson out = begin(v);

	out.base64 = base64;
	falco_param_resolved(&c, p, &val, &out);
	if (!out.n)
		falco_param_raw(&c, p, &val, &out);
	return falco_out_value(&out);
}

/* arg: the parameter */
static struct hc_value row_arg(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	return arg_text(v, dom, entry, arg, false);
}
ROW_LEAF(row_arg, HC_VT_STR);

static struct hc_value row_arg_base64(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	return arg_text(v, dom, entry, arg, true);
}
ROW_LEAF(row_arg_base64, HC_VT_STR);

/* Of "3:f1 4:p1", which is what poll was given, the numbers. */
static struct hc_value row_fdlist_nums(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct pval val = fctx_param(&c, arg);
	struct fjson text = begin(v), out = begin(v);

	falco_param_raw(&c, arg, &val, &text);
	for (uint32_t i = 0; i < text.n;) {
		uint64_t fd = 0;

		for (; i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++)
			fd = fd * 10 + (uint64_t)(text.p[i] - '0');
		if (out.n)
			fjson_char(&out, ',');
		fjson_i64(&out, (int64_t)fd); /* -1 is written without its sign there */
		while (i < text.n && text.p[i++] != ' ')
			;
	}
	return out.n ? falco_out_value(&out) : absent();
}
ROW_LEAF(row_fdlist_nums, HC_VT_STR);

/* evt.arg of a path, from the path alone: resolved where it is relative, as given where it is not. */
static struct hc_value path_arg(struct hc_view *v, unsigned dom, uint32_t path, const void *arg)
{
	struct hc_value given = heap_text(v, HC_OBJ_PATH, HC_O_PATH_given, path), abs;
	struct fjson out = begin(v);

	UNUSED_ARG;
	if (!path)
		return absent();
	if (!given.type)
		given = path_value(v, path, false);
	if (!given.type)
		return hc_value_str(HC_STR("<NA>"));
	if (!given.s.len || given.s.p[0] == '/')
		return given;
	abs = heap_text(v, HC_OBJ_PATH, HC_O_PATH_abs, path);
	if (abs.type)
		return abs;
	falco_path_normal(given.s, &out);
	return out.n ? falco_out_value(&out) : given;
}
LEAF(path_arg, HC_OBJ_PATH, HC_VT_STR, MAY_BE(abs), MAY_CONTAIN(path));

static struct hc_value row_rawarg_num(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct pval val = fctx_param(&c, arg);

	return val.kind == PV_INT ? hc_value_i64(val.i) : absent();
}
ROW_LEAF(row_rawarg_num, HC_VT_I64);

static struct hc_value row_rawarg_unum(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct pval val = fctx_param(&c, arg);

	return val.kind == PV_INT ? hc_value_u64((uint64_t)val.i) : absent();
}
ROW_LEAF(row_rawarg_unum, HC_VT_U64);

static struct hc_value row_rawarg_text(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct pval val = fctx_param(&c, arg);

	if (val.kind != PV_TEXT && val.kind != PV_PATH)
		return absent();
	return hc_value_str(val.s.len ? val.s : HC_STR("<NA>"));
}
ROW_LEAF(row_rawarg_text, HC_VT_STR);

static struct hc_value row_rawarg_bytes(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct pval val = fctx_param(&c, arg);

	return val.kind == PV_BYTES ? hc_value_bytes(HC_VT_BYTES, val.s.p, val.s.len) : absent();
}
ROW_LEAF(row_rawarg_bytes, HC_VT_BYTES);

/* What was imported without data had none. */
static struct hc_value row_no_data(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	int64_t num;

	(void)arg;
	return hc_view_int(v, dom, HC_COL_SRC_NUM, entry, &num) ? hc_value_bytes(HC_VT_BYTES, "", 0) : absent();
}
ROW_LEAF(row_no_data, HC_VT_BYTES);

const struct fparam *falco_param_of(const struct fbinder *b, const struct fref *f)
{
	const struct fparam *p = falco_events[b->row->code].params;
	int i = f->arg == FARG_NAME ? falco_param_find(b->row->code, f->name) : (int)f->index;

	if (!p || b->row->code <= CODE_GENERIC || i < 0 || i >= MAX_PARAMS ||
	    (b->row->code == CODE_ASYNC && b->type != HC_EV_ASYNC_EVENT))
		return NULL;
	for (int k = 0; k <= i; k++)
		if (!p[k].name)
			return NULL;
	return &p[i];
}

static const struct hc_access *bind_former_arg(struct fbinder *b, const struct fref *f)
{
	const struct hc_str *which;
	bool any = f->arg != FARG_NAME;

	for (unsigned type = HC_EV_SEND; type < HC_EV_MAX && !any; type++)
		any = falco_former_type(falco_row_map(type)->code) == type &&
		      falco_param_find(falco_row_map(type)->code, f->name) >= 0;
	which = any ? fbinder_keep(b, f->name) : NULL;
	if (!which)
		return NULL;
	if (f->id == F_EVT_ARG || f->type == FT_UNCOMPARABLE)
		return row(b, &leaf_row_former_arg, which);
	switch (f->type) {
	case FT_CHARBUF:
	case FT_FSPATH:
	case FT_BYTEBUF:
	case FT_IPADDR:
		return NULL;
	case FT_INT64:
		return row(b, &leaf_row_former_num, which);
	default:
		return row(b, &leaf_row_former_unum, which);
	}
}

static const struct hc_access *bind_generic_arg(struct fbinder *b, const struct fref *f)
{
	int i = f->arg == FARG_NAME ? falco_param_find(CODE_GENERIC, f->name) : (int)f->index;
	const struct hc_access *a = NULL, *former = b->type == HC_EV_SYS ? bind_former_arg(b, f) : NULL;

	if (i >= 0 && i <= 1)
		a = row(b, f->id == F_EVT_ARG ? &leaf_row_generic_arg : &leaf_row_generic_rawarg, i ? "" : NULL);
	return a && former ? hc_access_else(b->ir, a, former) : a ? a : former;
}

static const struct hc_access *bind_evt_arg(struct fbinder *b, const struct fref *f)
{
	const struct fparam *p = falco_param_of(b, f);
	const struct ffrom *from = p ? falco_from(b->type, hc_str_c(p->name), false) : NULL;
	const struct ffrom *imported = p ? falco_from(b->type, hc_str_c(p->name), true) : NULL;

	if (!p)
		return NULL;
	if (!from) {
		why(b, "this parameter is not recorded", NULL, NULL);
		if (!imported)
			return NULL;
		from = imported; /* captures of other recorders have it */
	}
	if (from->how == HOW_BYTES)
		why(b, "payloads are not recorded", "data", "--snaplen 80");
	if (f->id == F_EVT_ARG) {
		if (from->how == HOW_PATH && from == imported && (p->type == PT_PATH || p->type == PT_RPATH))
			return either(b, leaf(b, hop(b, b->at_row, (unsigned)from->what), &leaf_path_arg, NULL),
			              constant(b, hc_value_str(HC_STR("<NA>"))));
		return row(b, b->base64 ? &leaf_row_arg_base64 : &leaf_row_arg, p);
	}
	switch (f->type) {
	case FT_CHARBUF:
	case FT_FSPATH:
		return row(b, &leaf_row_rawarg_text, p);
	case FT_BYTEBUF:
		return row(b, &leaf_row_rawarg_bytes, p);
	case FT_INT64:
		return row(b, &leaf_row_rawarg_num, p);
	case FT_IPADDR:
		return NULL;
	case FT_UNCOMPARABLE:
		return row(b, &leaf_row_arg, p); /* exists, and printing */
	default:
		return row(b, &leaf_row_rawarg_unum, p);
	}
}

const struct hc_access *falco_bind_arg(struct fbinder *b, const struct fref *f)
{
	return b->row->code == CODE_GENERIC ? bind_generic_arg(b, f) : bind_evt_arg(b, f);
}

const struct hc_access *falco_bind_args(struct fbinder *b)
{
	return row(b, &leaf_row_args, num_arg(b->base64));
}

const struct hc_access *falco_bind_buffer(struct fbinder *b)
{
	const struct ffrom *from = falco_from(b->type, HC_STR("data"), false);

	if (!from || from->how != HOW_BYTES)
		return NULL;
	why(b, "payloads are not recorded", "data", "--snaplen 80");
	return either(b, col(b, b->at_row, (unsigned)from->what), row(b, &leaf_row_no_data, NULL));
}

const struct hc_access *falco_bind_fdlist(struct fbinder *b, const struct fref *f)
{
	int i = falco_param_find(b->row->code, HC_STR("fds"));

	if (i < 0)
		return NULL;
	why(b, "the descriptors given to poll are not recorded",
	    f->id == F_FDLIST_NUMS ? "descriptors of poll" : NULL, NULL);
	return f->id == F_FDLIST_NUMS && falco_from(b->type, HC_STR("fds"), true)
	               ? row(b, &leaf_row_fdlist_nums, &falco_events[b->row->code].params[i])
	               : NULL;
}
