/*
 * Values, and a view of a block through which front ends and output read them one at a time. The vectorised
 * evaluator does not come this way except for computed leaves.
 *
 * A *domain* is a set of entries: a dictionary of the block (an object, a heap or a list table: enum hc_obj_type)
 * or the rows of one event type. Entries are 1-based everywhere in this header, rows included: 0 is "absent", and
 * every accessor takes it and answers "absent". Nothing here fails: a column that turns out to be damaged reads as
 * absent, and the view remembers the error, so that the block is reported as damaged and its alerts are dropped.
 */
#ifndef HC_REPLAY_VALUE_H
#define HC_REPLAY_VALUE_H

#include "store/base/arena.h"
#include "store/base/str.h"
#include "store/block.h"
#include "store/schema.h"

enum hc_vt {
	HC_VT_NONE, /* absent */
	HC_VT_I64,
	HC_VT_U64,
	HC_VT_BOOL, /* in .u: 0 or 1 */
	HC_VT_STR,
	HC_VT_BYTES,
	HC_VT_IP,   /* in .s: 4 or 16 raw bytes */
	HC_VT_LIST, /* of values of one type, none of them absent in what a computed leaf gives */
};

struct hc_value {
	uint8_t type; /* enum hc_vt */
	uint32_t ref; /* of a string or bytes: its heap entry when it is one, else 0. Makes comparing it cheaper */
	union {
		int64_t i;
		uint64_t u;
		struct hc_str s;
		struct {
			const struct hc_value *v;
			uint32_t n;
		} list;
	};
};

static inline struct hc_value hc_value_i64(int64_t i)
{
	return (struct hc_value){ .type = HC_VT_I64, .i = i };
}

static inline struct hc_value hc_value_u64(uint64_t u)
{
	return (struct hc_value){ .type = HC_VT_U64, .u = u };
}

static inline struct hc_value hc_value_bool(bool b)
{
	return (struct hc_value){ .type = HC_VT_BOOL, .u = b };
}

/* Absent when s.p is NULL. */
static inline struct hc_value hc_value_str(struct hc_str s)
{
	return (struct hc_value){ .type = s.p ? HC_VT_STR : HC_VT_NONE, .s = s };
}

static inline struct hc_value hc_value_bytes(enum hc_vt type, const void *p, uint32_t n_bytes)
{
	return (struct hc_value){ .type = p ? (uint8_t)type : HC_VT_NONE, .s = { (const char *)p, n_bytes } };
}

/* Domains: an enum hc_obj_type below HC_OBJ_MAX, or HC_DOM_ROWS(event type). */
#define HC_DOM_ROWS(event_type) ((unsigned)HC_OBJ_MAX + (unsigned)(event_type))
#define HC_DOM_MAX ((unsigned)HC_OBJ_MAX + HC_EV_MAX)
#define HC_DOM_IS_ROWS(dom) ((dom) >= (unsigned)HC_OBJ_MAX)
#define HC_DOM_EVENT(dom) ((dom) - (unsigned)HC_OBJ_MAX)

/* What the block's list of rows knows of a row, beside the columns of its table. */
enum hc_row_field { HC_ROWF_SEQ, HC_ROWF_TS_NS, HC_ROWF_WALL_NS, HC_ROWF_CPU, HC_N_ROWFS };

struct hc_view; /* one thread, one block at a time */

struct hc_view *hc_view_new(void);
struct hc_view *hc_view_free(struct hc_view *v);
HC_DEFINE_AUTO(struct hc_view, hc_view_free)
/* Borrows the block until the next call. user is for computed leaves (hc_view_user). */
void hc_view_set(struct hc_view *v, struct hc_block *block, const void *user);

struct hc_block *hc_view_block(const struct hc_view *v);
const void *hc_view_user(const struct hc_view *v);
/* For texts that live as long as the block is open. */
struct hc_arena *hc_view_arena(struct hc_view *v);
/* The first damage met, or 0. */
int hc_view_error(const struct hc_view *v, struct hc_err *err);

/* Number of entries: the valid ones are 1..n. */
uint32_t hc_view_n(const struct hc_view *v, unsigned dom);
/* A column of references; 0 absent. */
uint32_t hc_view_ref(struct hc_view *v, unsigned dom, unsigned col, uint32_t entry);
/* A column of numbers; false when absent. Unsigned ones are the same bits. */
bool hc_view_int(struct hc_view *v, unsigned dom, unsigned col, uint32_t entry, int64_t *ret);
/* The same with a default, for code that does not care. */
int64_t hc_view_int_or(struct hc_view *v, unsigned dom, unsigned col, uint32_t entry, int64_t otherwise);
/* Texts and bytes by reference; .p NULL when absent, never NULL otherwise. */
struct hc_str hc_view_str(struct hc_view *v, uint32_t str_ref);
struct hc_str hc_view_bytes(struct hc_view *v, uint32_t bytes_ref);
/* Column and text in one step: hc_view_str(v, hc_view_ref(...)). */
struct hc_str hc_view_text(struct hc_view *v, unsigned dom, unsigned col, uint32_t entry);
/* Items of a list: the string references of HC_OBJ_STRS, the numbers of HC_OBJ_INTS. NULL and 0 when absent. */
const uint32_t *hc_view_strs(struct hc_view *v, uint32_t list_ref, uint32_t *ret_n);
const int64_t *hc_view_ints(struct hc_view *v, uint32_t list_ref, uint32_t *ret_n);
/* From the list of rows; entry is the row of event type + 1. */
bool hc_view_row_field(struct hc_view *v, unsigned event_type, uint32_t entry, enum hc_row_field f, int64_t *ret);

/* The value of any column: number, text, bytes (an address is bytes), list; HC_VT_NONE when absent or a reference
 * to an object. */
struct hc_value hc_view_value(struct hc_view *v, unsigned dom, unsigned col, uint32_t entry);

#endif
