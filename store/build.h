/*
 * Building one block: rows of any type, and the dictionaries they refer to.
 *
 * A builder belongs to one stream of a writer and to one thread. Interning returns a 1-based reference that is
 * valid until the block is sealed: the epoch tells. Everything is copied on interning; nothing borrowed is kept.
 */
#ifndef HC_STORE_BUILD_H
#define HC_STORE_BUILD_H

#include <string.h>

#include "store/base/err.h"
#include "store/base/str.h"
#include "store/schema.h"

struct hc_builder;

/* The values of one row or one dictionary entry, by column. Zero-initialise: every cell is absent then. */
struct hc_cells {
	uint64_t valid[(HC_MAX_COLS + 63) / 64]; /* bit per column; ignored for references, where 0 is absent */
	uint64_t v[HC_MAX_COLS];                 /* int64_t values in two's complement; references */
};

static inline void hc_cell_set(struct hc_cells *c, unsigned col, uint64_t v)
{
	c->valid[col / 64] |= UINT64_C(1) << (col % 64);
	c->v[col] = v;
}

/* Makes all cells of an object absent: what there are columns for, the rest is never looked at. */
static inline void hc_cells_clear(struct hc_cells *c, enum hc_obj_type obj)
{
	memset(c->valid, 0, sizeof(c->valid));
	memset(c->v, 0, hc_obj_descs[obj].n_cols * sizeof(c->v[0]));
}

/* Where a long-lived object of the caller remembers its reference, per stream. Zero-initialise. */
struct hc_slot {
	uint32_t epoch[HC_N_STREAMS];
	uint32_t ref[HC_N_STREAMS];
};

struct hc_row_head {
	uint16_t type; /* enum hc_event_type */
	uint16_t cpu;
	uint64_t seq;   /* given by the writer */
	uint64_t ts_ns; /* boot clock */
};

/* What a builder begins with: for the functions below and the writer, which ask for it with every row. */
struct hc_builder_head {
	uint32_t epoch; /* never 0; another one for each block of each stream */
	uint32_t n_rows;
	enum hc_stream stream;
	size_t raw_bytes;  /* of all that was added, about */
	uint64_t first_ns; /* boot clock; of the first row, where there is one */
};

static inline const struct hc_builder_head *hc_build_head(const struct hc_builder *b)
{
	return (const struct hc_builder_head *)b;
}

static inline uint32_t hc_build_epoch(const struct hc_builder *b)
{
	return hc_build_head(b)->epoch;
}

static inline enum hc_stream hc_build_stream(const struct hc_builder *b)
{
	return hc_build_head(b)->stream;
}

static inline uint32_t hc_slot_get(const struct hc_slot *s, const struct hc_builder *b)
{
	enum hc_stream stream = hc_build_stream(b);

	return s->epoch[stream] == hc_build_epoch(b) ? s->ref[stream] : 0;
}

static inline uint32_t hc_slot_put(struct hc_slot *s, const struct hc_builder *b, uint32_t ref)
{
	enum hc_stream stream = hc_build_stream(b);

	s->epoch[stream] = hc_build_epoch(b);
	s->ref[stream] = ref;
	return ref;
}

/*
 * Each returns the reference of an equal entry or of a new one; 0 means "absent" (out of memory included: the
 * builder remembers it and sealing fails with -ENOMEM). A present but empty string is an entry of its own, not 0,
 * unless .p is NULL.
 */
uint32_t hc_build_str(struct hc_builder *b, struct hc_str s);
uint32_t hc_build_bytes(struct hc_builder *b, const void *p, uint32_t n_bytes);
uint32_t hc_build_strs(struct hc_builder *b, const uint32_t *str_refs, uint32_t n);
uint32_t hc_build_ints(struct hc_builder *b, const int64_t *values, uint32_t n);
/* cells by HC_O_<OBJ>_ column; references in it must be of this epoch (and of earlier entries for the same kind).
 * Objects may refer to each other in circles (a socket's creator has that socket as its stdin): the caller breaks
 * the circle with 0. */
uint32_t hc_build_obj(struct hc_builder *b, enum hc_obj_type obj, const struct hc_cells *cells);
/* The same without looking for an equal one: for kinds whose objects carry a number of their own and are kept from
 * coming twice by a slot. An entry that comes twice all the same is not wrong, but a waste. From the first of
 * these in a block on, hc_build_obj does not look for others of this kind either. */
uint32_t hc_build_obj_new(struct hc_builder *b, enum hc_obj_type obj, const struct hc_cells *cells);
/* Where hc_build_obj_new will put the next one of the kind, all cells absent: filled there, it is not copied. As
 * long as none of the kind has been added; only the columns of the kind are there. NULL: out of memory. */
struct hc_cells *hc_build_obj_cells(struct hc_builder *b, enum hc_obj_type obj);

/* Where the next row of the type will be, all cells absent: filled there, it is not copied. As long as no row of
 * the type has been added; only the columns of the type are there. NULL: out of memory. */
struct hc_cells *hc_build_cells(struct hc_builder *b, unsigned type);
/* cells by HC_C_<TYPE>_ or HC_COL_ column. Rows must come in the order they are to be read. */
int hc_build_row(struct hc_builder *b, const struct hc_row_head *head, const struct hc_cells *cells);

#endif
