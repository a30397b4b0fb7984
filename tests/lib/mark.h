/* A row of no other meaning than to be there. */
#ifndef HC_TESTS_MARK_H
#define HC_TESTS_MARK_H

#include <criterion/criterion.h>

#include "store/writer.h"

static inline void add_mark(struct hc_writer *w, uint64_t now)
{
	struct hc_row_head head = { .type = HC_EV_META_MARK, .ts_ns = now };
	struct hc_cells cells = { 0 };
	struct hc_err err = { 0 };

	cr_assert_not_null(hc_writer_begin(w, head.type, now, &err));
	cr_assert_eq(hc_writer_row(w, &head, &cells, &err), 0, "%s", err.msg);
}

#endif
