/* What the files of the binder share. Not for others. */
#ifndef HC_FALCO_BIND_PRIV_H
#define HC_FALCO_BIND_PRIV_H

#include "replay/dialects/falco/bind.h"
#include "replay/dialects/falco/clues.h"

/* ---- what all leaves need ---- */

static inline struct fjson begin(struct hc_view *v)
{
	return (struct fjson){ .arena = hc_view_arena(v) };
}

static inline struct hc_value absent(void)
{
	return (struct hc_value){ 0 };
}

static inline struct hc_value word(const char *s)
{
	return s ? hc_value_str(hc_str_c(s)) : absent();
}

static inline struct hc_value heap_text(struct hc_view *v, unsigned dom, unsigned col, uint32_t entry)
{
	struct hc_value value = hc_value_str(hc_view_text(v, dom, col, entry));

	value.ref = hc_view_ref(v, dom, col, entry);
	return value;
}

/* A path's text with its place in the heap, which makes comparing it cheap. */
static inline struct hc_value path_value(struct hc_view *v, uint32_t path, bool real)
{
	static const unsigned orders[2][3] = { { HC_O_PATH_abs, HC_O_PATH_real, HC_O_PATH_given },
		                               { HC_O_PATH_real, HC_O_PATH_abs, HC_O_PATH_given } };
	struct hc_value value = absent();

	for (unsigned i = 0; i < 3 && !value.type; i++)
		value = heap_text(v, HC_OBJ_PATH, orders[real][i], path);
	return value;
}

static inline int64_t arg_num(const void *arg)
{
	return (int64_t)(intptr_t)arg;
}

static inline const void *num_arg(int64_t n)
{
	return (const void *)(intptr_t)n; /* NOLINT: leaves' arguments are compared by address */
}

static inline struct fctx ctx_of(struct hc_view *v, unsigned dom, uint32_t entry)
{
	return falco_ctx(v, HC_DOM_EVENT(dom), entry);
}

/* Behind the type: what a block must hold for its values (clues.h). */
#define LEAF(fn, dom_, type_, ...)                                                  \
	static const struct hc_leaf leaf_##fn = {                                   \
		.name = #fn, .dom = (dom_), .type = (type_), .get = fn, __VA_ARGS__ \
	}

/* Of a descriptor: what it is, and is to rules (falco_fd_type), and what it leads to tell the value, not who
 * opened it when. */
#define FD_LEAF(fn, type_, ...)                                            \
	static const struct hc_leaf leaf_##fn = { .name = #fn,             \
		                                  .dom = HC_OBJ_FDOBJ,     \
		                                  .type = (type_),         \
		                                  .reads = FALCO_FD_READS, \
		                                  .get = fn,               \
		                                  __VA_ARGS__ }
#define ROW_LEAF(fn, type_, ...) LEAF(fn, HC_DOM_ROWS(0), type_, __VA_ARGS__)
#define MAY_BE(what) .may_be = falco_may_be_##what
#define MAY_CONTAIN(what) .may_contain = falco_may_contain_##what
#define UNUSED_ARG (void)dom, (void)arg

/* ---- what all bindings need ---- */

static inline void why(struct fbinder *b, const char *text, const char *fact, const char *remedy)
{
	b->why.text = text;
	b->why.fact = fact;
	b->why.remedy = remedy;
}

static inline const struct hc_access *col(struct fbinder *b, const struct hc_path *p, unsigned c)
{
	return p ? hc_access_col(b->ir, p, c) : NULL;
}

static inline const struct hc_access *leaf(struct fbinder *b, const struct hc_path *p, const struct hc_leaf *l,
                                           const void *arg)
{
	return p ? hc_access_leaf(b->ir, p, l, arg) : NULL;
}

static inline const struct hc_access *row(struct fbinder *b, const struct hc_leaf *l, const void *arg)
{
	return leaf(b, b->at_row, l, arg);
}

static inline const struct hc_access *constant(struct fbinder *b, struct hc_value v)
{
	return hc_access_const(b->ir, b->type, &v);
}

static inline const struct hc_access *either(struct fbinder *b, const struct hc_access *a,
                                             const struct hc_access *other)
{
	if (!a || !other)
		return a ? a : other;
	return hc_access_else(b->ir, a, other);
}

static inline const struct hc_path *hop(struct fbinder *b, const struct hc_path *p, unsigned c)
{
	return p ? hc_path_hop(b->ir, p, c) : NULL;
}

static inline uint32_t event_flags(const struct fbinder *b)
{
	return b->row->code ? falco_events[b->row->code].flags : 0;
}

/* ---- from each other ---- */

/* Of a class of fields; NULL: no value on rows of the binder's type. */
const struct hc_access *falco_bind_evt(struct fbinder *b, const struct fref *f);
const struct hc_access *falco_bind_proc(struct fbinder *b, const struct fref *f);
const struct hc_access *falco_bind_user(struct fbinder *b, const struct fref *f);
const struct hc_access *falco_bind_container(struct fbinder *b, const struct fref *f);
const struct hc_access *falco_bind_fd(struct fbinder *b, const struct fref *f);
const struct hc_access *falco_bind_fdlist(struct fbinder *b, const struct fref *f);
const struct hc_access *falco_bind_fs_path(struct fbinder *b, const struct fref *f);
const struct hc_access *falco_bind_abspath(struct fbinder *b, const struct fref *f);
/* evt.arg and evt.rawarg; evt.args; evt.buffer */
const struct hc_access *falco_bind_arg(struct fbinder *b, const struct fref *f);
const struct hc_access *falco_bind_args(struct fbinder *b);
const struct hc_access *falco_bind_buffer(struct fbinder *b);
/* Name or type of a standard descriptor, 0 to 2. */
const struct hc_access *falco_bind_std(struct fbinder *b, unsigned which, bool type);
/* How long it has been there. 0: the process, 1: its parent, 2: its pid namespace's first process. */
const struct hc_access *falco_bind_duration(struct fbinder *b, int which);
const struct hc_access *falco_bind_container_start(struct fbinder *b); /* container.start_ts */

/* Parameter of the binder's event type that evt.arg or evt.rawarg names; NULL: it has none such. */
const struct fparam *falco_param_of(const struct fbinder *b, const struct fref *f);
struct hc_value falco_value_of_fd_name(struct hc_view *v, uint32_t fd);        /* fd.name */
struct hc_value falco_value_of_container_id(struct hc_view *v, uint32_t proc); /* container.id */
/* A relative path below what is not known; normal, which "<UNKNOWN>" is a part of: it goes with a ".." behind it.
 */
void falco_put_unknown(struct hc_view *v, const char *base, struct hc_str path, struct fjson *out);

#endif
