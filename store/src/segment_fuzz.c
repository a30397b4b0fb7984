/* Any bytes as a segment: reading ends, whatever is accepted keeps its promises, and all bytes are accounted for.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "block_priv.h"
#include "segment_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_block(struct hc_block *b)
{
	struct hc_heap heap;
	struct hc_lists lists;
	struct hc_refs refs;
	struct hc_rows rows;
	uint64_t sum = 0;

	if (hc_block_check(b, NULL) < 0)
		return;
	if (hc_block_heap(b, HC_OBJ_STR, &heap, NULL) == 0)
		for (uint32_t i = 1; i <= heap.n; i++) {
			struct hc_str s = hc_heap_get(&heap, i);

			for (uint32_t k = 0; k < s.len; k += 64)
				sum += (uint8_t)s.p[k];
		}
	if (hc_block_lists(b, HC_OBJ_STRS, &lists, NULL) == 0 && lists.n)
		for (uint32_t k = 0; k < lists.first[lists.n]; k++)
			if (lists.refs[k] > heap.n)
				abort();
	if (hc_block_obj_refs(b, HC_OBJ_PROC, HC_O_PROC_parent, &refs, NULL) == 0)
		for (uint32_t i = 0; i < refs.n; i++)
			if (refs.v[i] > i)
				abort();
	if (hc_block_rows(b, &rows, NULL) == 0)
		for (uint32_t i = 0; i < rows.n; i++)
			if (rows.pos[i] >= hc_block_n_rows(b, rows.type[i]))
				abort();
	if (sum == UINT64_MAX)
		abort(); /* keeps the loops */
}

/* Reading on from any of its blocks finds that one, and nothing beyond the end. */
static void read_on(int fd, const struct hc_seg *seg, size_t size)
{
	const struct hc_seg_block *from = seg->n_blocks ? &seg->blocks[seg->n_blocks / 2] : NULL;
	struct hc_seg *more = NULL;

	if (!from || hc_seg_load_more(fd, from->off, seg->header.stream, "fuzz", &more, NULL) < 0)
		return;
	if (!more->n_blocks || more->blocks[0].off != from->off)
		abort();
	for (uint32_t i = 0; i < more->n_blocks; i++)
		if (more->blocks[i].off + more->blocks[i].info.bytes > size)
			abort();
	hc_seg_free(more);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hc_seg *seg = NULL;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || size > (1u << 20) || write(fd, data, size) != (ssize_t)size) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	for (unsigned walk = 0; walk < 2; walk++) {
		int r = walk ? hc_seg_walk(fd, 0, UINT64_MAX, "fuzz", true, &seg, NULL)
		             : hc_seg_load(fd, 0, UINT64_MAX, "fuzz", &seg, NULL);

		if (r < 0)
			continue;
		for (uint32_t i = 0; i < seg->n_blocks; i++) {
			struct hc_block *b = NULL;

			if (seg->blocks[i].off + seg->blocks[i].info.bytes > size)
				abort();
			if (hc_block_open(fd, (off_t)seg->blocks[i].off, "fuzz", &b, NULL) == 0)
				use_block(b);
			hc_block_close(b);
		}
		if (walk)
			read_on(fd, seg, size);
		seg = hc_seg_free(seg);
	}
	close(fd);
	return 0;
}
