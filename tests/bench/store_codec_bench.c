/*
 * The block codec: what a row costs to add and to seal, how small it gets, and what a column costs to read back.
 * Rows are those of a busy server: reads and writes on a few descriptors of a few processes, some opens.
 * References are remembered as the state tracker does it, so interning is not what is measured. The floor of
 * reading is memcpy of the decoded bytes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "block_priv.h"
#include "store/writer.h"

enum { N_ROWS = 65536, N_ROUNDS = 9, N_FDS = 64 };

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t rnd(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v)
{
	qsort(v, N_ROUNDS, sizeof(*v), by_value);
	return v[N_ROUNDS / 2];
}

static void add_rows(struct hc_builder *b, uint64_t *seed)
{
	uint32_t fd[N_FDS] = { 0 }, task[8] = { 0 }, path[256] = { 0 };
	uint64_t ts = 1000000000;

	for (uint32_t i = 0; i < N_ROWS; i++) {
		uint64_t r = rnd(seed);
		unsigned t = (unsigned)(r % 8), f = (unsigned)(r / 8 % N_FDS), p = (unsigned)(r / 512 % 256);
		struct hc_row_head head = { .seq = i + 1,
			                    .cpu = (uint16_t)(t & 1),
			                    .ts_ns = ts += 300 + r / 65536 % 2000 };
		struct hc_cells c;
		char buf[64];

		if (!task[t]) {
			struct hc_cells o = { 0 };
			uint32_t proc;

			hc_cell_set(&o, HC_O_PROC_pid, 1000 + t);
			o.v[HC_O_PROC_comm] = hc_build_str(b, HC_STR("nginx"));
			proc = hc_build_obj(b, HC_OBJ_PROC, &o);
			o = (struct hc_cells){ 0 };
			hc_cell_set(&o, HC_O_TASK_tid, 1000 + t);
			o.v[HC_O_TASK_proc] = proc;
			task[t] = hc_build_obj(b, HC_OBJ_TASK, &o);
		}
		if (!fd[f]) {
			struct hc_cells o = { 0 };

			hc_cell_set(&o, HC_O_FDOBJ_id, f);
			fd[f] = hc_build_obj(b, HC_OBJ_FDOBJ, &o);
		}
		c.valid[0] = c.valid[1] = 0;
		memset(c.v, 0, 16 * sizeof(c.v[0]));
		c.v[HC_COL_TASK] = task[t];
		if (i % 16 == 0) {
			if (!path[p]) {
				struct hc_cells o = { 0 };

				o.v[HC_O_PATH_given] = hc_build_str(
					b, (struct hc_str){ buf, (uint32_t)snprintf(buf, sizeof(buf),
				                                                    "/srv/www/page-%u", p) });
				o.v[HC_O_PATH_abs] = o.v[HC_O_PATH_real] = o.v[HC_O_PATH_given];
				path[p] = hc_build_obj(b, HC_OBJ_PATH, &o);
			}
			head.type = HC_EV_OPENAT;
			hc_cell_set(&c, HC_COL_RET, f);
			hc_cell_set(&c, HC_COL_NR, 257);
			hc_cell_set(&c, HC_C_OPENAT_dirfd, (uint64_t)-100);
			hc_cell_set(&c, HC_C_OPENAT_flags, 0x80000);
			c.v[HC_C_OPENAT_pathname] = path[p];
			c.v[HC_C_OPENAT_newfd] = fd[f];
		} else {
			head.type = r & 1 ? HC_EV_READ : HC_EV_WRITE;
			hc_cell_set(&c, HC_COL_RET, r >> 40 & 0xfff);
			hc_cell_set(&c, HC_COL_NR, r & 1 ? 0 : 1);
			hc_cell_set(&c, HC_COL_ROW_FLAGS, 0);
			hc_cell_set(&c, HC_C_READ_fd, f);
			c.v[HC_C_READ_fd_obj] = fd[f];
			hc_cell_set(&c, HC_C_READ_count, 4096);
		}
		hc_build_row(b, &head, &c);
	}
}

int main(void)
{
	double add[N_ROUNDS], seal[N_ROUNDS], refs_ns[N_ROUNDS], copy_ns[N_ROUNDS], open_ns[N_ROUNDS];
	struct hc_builder *b = hc_builder_new(HC_STREAM_BULK, 3);
	struct hc_block_out out = { 0 };
	struct hc_err err = { 0 };
	uint64_t seed = 88172645463325252u;
	uint32_t *floor_to = malloc(N_ROWS * 4), *floor_from = calloc(N_ROWS, 4);
	double n_read = 1;
	int fd = memfd_create("bench", MFD_CLOEXEC);

	if (!b || fd < 0 || !floor_to || !floor_from)
		return 1;
	for (int i = 0; i < N_ROUNDS; i++) {
		struct hc_block *block = NULL;
		struct hc_refs refs;
		uint64_t t0 = now(), t1, t2;

		add_rows(b, &seed);
		t1 = now();
		if (hc_builder_seal(b, 0, &out, &err) < 0 ||
		    pwrite(fd, out.bytes, out.n_bytes, 0) != (ssize_t)out.n_bytes)
			return 1;
		t2 = now();
		add[i] = (double)(t1 - t0) / N_ROWS;
		seal[i] = (double)(t2 - t1) / N_ROWS;
		t0 = now();
		if (hc_block_open(fd, 0, "bench", &block, &err) < 0)
			return 1;
		open_ns[i] = (double)(now() - t0) / 1e3;
		t0 = now();
		if (hc_block_event_refs(block, HC_EV_READ, HC_C_READ_fd_obj, &refs, &err) < 0)
			return 1;
		refs_ns[i] = (double)(now() - t0) / refs.n;
		n_read = refs.n;
		t0 = now();
		memcpy(floor_to, floor_from, refs.n * sizeof(*floor_to));
		__asm__ volatile("" : : "r"(floor_to) : "memory");
		copy_ns[i] = (double)(now() - t0) / n_read;
		hc_block_close(block);
	}
	printf("store.row_add,%.1f,ns,,\n", median(add));
	printf("store.row_seal,%.1f,ns,,\n", median(seal));
	printf("store.row_bytes,%.2f,bytes,,\n", (double)out.n_bytes / N_ROWS);
	printf("store.block_open,%.1f,us,,\n", median(open_ns));
	printf("store.column_read,%.2f,ns,%.2f,%.1f\n", median(refs_ns), median(copy_ns),
	       median(refs_ns) / median(copy_ns));
	hc_builder_free(b);
	free(floor_to);
	free(floor_from);
	close(fd);
	return 0;
}
