/*
 * One function per field that is computed, one case per field that is reached. A field is bound to a column where
 * it is one, to a leaf of the dictionary entry where it is made from that alone, and to a leaf of the row where
 * only the row decides. Each class of fields has a file of its own, bind_*.c.
 */
#include "replay/dialects/falco/bind_priv.h"

struct fkeep {
	struct fkeep *next;
	struct hc_str s;
};

void fbinder_init(struct fbinder *b, struct hc_ir *ir, bool own_events)
{
	*b = (struct fbinder){ .ir = ir, .own_events = own_events };
}

const struct hc_str *fbinder_keep(struct fbinder *b, struct hc_str s)
{
	struct fkeep *k;

	for (k = b->kept; k; k = k->next)
		if (hc_str_eq(k->s, s))
			return &k->s;
	k = hc_arena_alloc(hc_ir_arena(b->ir), sizeof(*k));
	if (!k)
		return NULL;
	k->s = hc_arena_str(hc_ir_arena(b->ir), s);
	k->next = b->kept;
	b->kept = k;
	return &k->s;
}

void fbinder_type(struct fbinder *b, unsigned type)
{
	const struct hc_path *now, *after;

	b->stamp++;
	b->type = type;
	b->child = false;
	b->row = falco_row_map(type);
	b->at_row = hc_path_row(b->ir, type);
	b->task = hc_path_hop(b->ir, b->at_row, HC_COL_TASK);
	now = hc_path_hop(b->ir, b->task, HC_O_TASK_proc);
	b->proc = now;
	if (b->row->after_col >= 0) {
		after = hc_path_hop(b->ir, b->at_row, (unsigned)b->row->after_col);
		b->proc = hc_path_else(b->ir, after, now);
	}
	b->image = hc_path_hop(b->ir, b->proc, HC_O_PROC_image);
	b->fd = b->sock = NULL;
	if (b->row->fd != FD_NONE) {
		b->fd = hc_path_hop(b->ir, b->at_row, (unsigned)b->row->fd_col + (b->row->fd != FD_NEW));
		b->sock = hc_path_hop(b->ir, b->fd, HC_O_FDOBJ_sock);
	}
	if (b->row->sock_col >= 0) {
		after = hc_path_hop(b->ir, b->at_row, (unsigned)b->row->sock_col);
		b->sock = b->sock ? hc_path_else(b->ir, after, b->sock) : after;
	}
}

void fbinder_base64(struct fbinder *b, bool base64)
{
	if (b->base64 != base64)
		b->stamp++;
	b->base64 = base64;
}

void fbinder_type_child(struct fbinder *b)
{
	fbinder_type(b, HC_EV_PROC_FORK);
	b->child = true;
	b->task = NULL;
	b->proc = hc_path_hop(b->ir, b->at_row, HC_C_PROC_FORK_child);
	b->image = hc_path_hop(b->ir, b->proc, HC_O_PROC_image);
}

struct hc_type_set falco_event_types(bool own)
{
	struct hc_type_set set = { 0 };

	for (unsigned type = 0; type < HC_EV_MAX; type++)
		if (hc_event_desc(type) &&
		    (falco_row_map(type)->code || (own && hc_event_desc(type)->cls != HC_CLASS_META)))
			hc_type_set_add(&set, type);
	return set;
}

static const struct hc_access *bind_new(struct fbinder *b, const struct fref *f)
{
	switch (falco_fields[f->id].cls) {
	case FCLASS_EVT:
	case FCLASS_SYSCALL:
	case FCLASS_UTIL:
		return falco_bind_evt(b, f);
	case FCLASS_PROC:
		return falco_bind_proc(b, f);
	case FCLASS_USER:
	case FCLASS_GROUP:
		return falco_bind_user(b, f);
	case FCLASS_FD:
		return falco_bind_fd(b, f);
	case FCLASS_FSPATH:
		return falco_bind_fs_path(b, f);
	case FCLASS_CONTAINER:
		return falco_bind_container(b, f);
	default:
		return falco_bind_fdlist(b, f);
	}
}

static struct fknown *known_place(struct fbinder *b, const struct fref *f)
{
	uint32_t h = f->id * 31u + f->arg * 7u + f->index;

	for (uint32_t i = 0; i < f->name.len; i++)
		h = h * 31 + (uint8_t)f->name.p[i];
	return &b->known[h % FBINDER_KNOWN];
}

const struct hc_access *falco_bind(struct fbinder *b, const struct fref *f)
{
	struct fknown *k = known_place(b, f);

	if (k->stamp != b->stamp || k->field.id != f->id || k->field.arg != f->arg || k->field.type != f->type ||
	    k->field.index != f->index || !hc_str_eq(k->field.name, f->name)) {
		b->why = (struct fwhy){ .field = f->id };
		*k = (struct fknown){ .stamp = b->stamp, .field = *f, .access = bind_new(b, f) };
		k->why = b->why;
	}
	b->why = k->why;
	return k->access;
}

/* What stands for a descriptor or a process in words. */
static bool has_name(const struct fparam *p)
{
	return p->type == PT_FD || p->type == PT_PID || p->type == PT_FD32 || p->type == PT_PID32;
}

bool falco_former_lacks(struct fbinder *b, unsigned type, const struct fref *f)
{
	const struct fparam *p = NULL;
	bool waits, there;

	fbinder_type(b, type);
	there = falco_bind(b, f) != NULL;
	waits = event_flags(b) & EVF_WAITS;
	if (f->id == F_EVT_ARG || f->id == F_EVT_RAWARG)
		p = falco_param_of(b, f);
	fbinder_type(b, HC_EV_SYS);
	if (!there)
		return false;
	switch (f->id) {
	case F_EVT_ARG:
		return !p || !falco_former_tells(type, p) || has_name(p);
	case F_EVT_RAWARG:
		return !p || !falco_former_tells(type, p);
	case F_EVT_ARGS:
	case F_EVT_INFO:
		return true;
	case F_EVT_IS_WAIT:
		return waits;
	case F_EVT_TYPE_IS:
		return true;
	default:
		return !falco_bind(b, f);
	}
}
