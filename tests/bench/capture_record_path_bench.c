/*
 * What a record costs on its way from the ring to disk: the tracker, the block, its encoding and writing. The load
 * is a web server that answers small requests over connections that stay open, as the recorder sees it with
 * `security` (one open a request) and with `full` (13 calls). The baseline is the floor: the bytes of the same
 * records read and added up.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bpf/wire.h"
#include "capture/tracker.h"

enum { N_ROUNDS = 9, N_REQUESTS = 40000, N_CONNECTIONS = 16, N_WORKERS = 2, ROOM_BYTES = 96 << 20 };

#define REQUEST_NS 25000u
#define START_NS UINT64_C(1000000000) /* of the processes */

static uint8_t *room;
static size_t n_bytes;
static uint64_t clock_ns = 10 * START_NS;

/* ---- records ---- */

static struct hc_wire_head *begin(unsigned type, uint32_t pid, int64_t ret)
{
	unsigned n_slots = hc_event_desc(type)->n_wire;
	struct hc_wire_head *h = (void *)(room + n_bytes);

	*h = (struct hc_wire_head){ .bytes = (uint32_t)(sizeof(*h) + 8 * n_slots),
		                    .type = (uint16_t)type,
		                    .ts_ns = clock_ns += REQUEST_NS / 13,
		                    .tid = pid,
		                    .tgid = pid,
		                    .start_ns = START_NS,
		                    .ret = ret,
		                    .nr = type,
		                    .cpu = (uint16_t)(pid % 2),
		                    .n_slots = (uint8_t)n_slots,
		                    .exec_id = 1,
		                    .cgroup_id = 1 };
	memset(h + 1, 0, 8 * n_slots);
	return h;
}

static void set(struct hc_wire_head *h, unsigned i, uint64_t v)
{
	if (i < h->n_slots)
		((uint64_t *)(h + 1))[i] = v;
}

static void fact(struct hc_wire_head *h, unsigned kind, unsigned subject, const void *p, size_t n)
{
	struct hc_wire_fact *f = (void *)((uint8_t *)h + h->bytes);

	*f = (struct hc_wire_fact){ .kind = (uint8_t)kind, .subject = (uint16_t)subject, .bytes = (uint32_t)n };
	memset(f + 1, 0, (n + 7) / 8 * 8);
	memcpy(f + 1, p, n);
	h->bytes += (uint32_t)(sizeof(*f) + (n + 7) / 8 * 8);
}

static void end(const struct hc_wire_head *h)
{
	n_bytes += h->bytes;
	if (n_bytes > ROOM_BYTES - 4096)
		abort();
}

static void fd_fact(struct hc_wire_head *h, unsigned subject, int fd, uint64_t key, uint32_t mode, unsigned flags)
{
	struct hc_wire_fd w = { .key = key,
		                .inode_key = key + 1,
		                .ino = key,
		                .dev = 8 << 20,
		                .f_flags = 2,
		                .f_mode = 3,
		                .i_mode = mode,
		                .fd = fd,
		                .flags = (uint16_t)flags };

	fact(h, HC_WIRE_F_FD, subject, &w, sizeof(w));
}

static void sock_fact(struct hc_wire_head *h, unsigned subject, uint64_t key, unsigned port)
{
	struct hc_wire_sock w = { .key = key,
		                  .ino = key,
		                  .netns = 1,
		                  .family = 2,
		                  .type = 1,
		                  .protocol = 6,
		                  .state = 1,
		                  .sock_state = 3,
		                  .lport = 80,
		                  .rport = (uint16_t)port,
		                  .laddr = { 10, 0, 0, 1 },
		                  .raddr = { 10, 0, 0, 2 } };

	fact(h, HC_WIRE_F_SOCK, subject, &w, sizeof(w));
}

static void alive(uint32_t pid)
{
	struct hc_wire_task w = { .start_ns = START_NS,
		                  .leader_start_ns = START_NS,
		                  .tid = pid,
		                  .tgid = pid,
		                  .ppid = 1,
		                  .sid = 1,
		                  .pgid = 1,
		                  .exec_id = 1,
		                  .n_levels = 1,
		                  .vtid = { pid },
		                  .vpid = { pid },
		                  .comm = "server" };
	struct hc_wire_head *h = begin(HC_EV_META_STATE, pid, 0);

	h->flags = HC_WIRE_SNAPSHOT;
	fact(h, HC_WIRE_F_TASK, HC_WIRE_SUBJ_ROW, &w, sizeof(w));
	end(h);
}

/* A call on one descriptor with a number as its result, and one more as its second argument. */
static void call(unsigned type, uint32_t pid, int fd, uint64_t key, uint32_t mode, int64_t ret, uint64_t a)
{
	struct hc_wire_head *h = begin(type, pid, ret);

	set(h, 0, (uint64_t)fd);
	set(h, 1, a);
	fd_fact(h, 0, fd, key, mode, 0);
	end(h);
}

static void watch(uint32_t pid, int fd, uint64_t key)
{
	struct hc_wire_head *h = begin(HC_EV_EPOLL_CTL, pid, 0);

	set(h, HC_A_EPOLL_CTL_epfd, 9);
	set(h, HC_A_EPOLL_CTL_op, 3);
	set(h, HC_A_EPOLL_CTL_fd, (uint64_t)fd);
	fd_fact(h, HC_A_EPOLL_CTL_epfd, 9, 0x60000, 0, 0);
	fd_fact(h, HC_A_EPOLL_CTL_fd, fd, key, 0140777, 0);
	end(h);
}

static void open_file(uint32_t pid, uint64_t key)
{
	static const char name[] = "/srv/www/index.html";
	static const char parts[] = "index.html\0www\0srv";
	struct hc_wire_file file = { .ino = 77, .size = 1024, .dev = 8 << 20, .mode = 0100644, .nlink = 1 };
	struct hc_wire_head *h = begin(HC_EV_OPENAT, pid, 12);
	struct hc_wire_path path = { .mnt_ns = 1, .n_comps = 3, .n_fs_comps = 3 };
	uint8_t walk[sizeof(path) + sizeof(parts)];

	memcpy(walk, &path, sizeof(path));
	memcpy(walk + sizeof(path), parts, sizeof(parts));
	set(h, HC_A_OPENAT_dirfd, (uint64_t)-100);
	set(h, HC_A_OPENAT_pathname, 0x7f0012345678);
	set(h, HC_A_OPENAT_flags, 04000);
	fact(h, HC_WIRE_F_STR, HC_A_OPENAT_pathname, name, sizeof(name) - 1);
	fd_fact(h, HC_A_OPENAT_newfd, 12, key, 0100644, HC_WIRE_FD_NEW | HC_WIRE_FD_DEF);
	fact(h, HC_WIRE_F_FILE, HC_A_OPENAT_newfd, &file, sizeof(file));
	fact(h, HC_WIRE_F_PATH, HC_A_OPENAT_newfd, walk, sizeof(walk));
	end(h);
}

/* The calls of one request. The connection's other end is a process of this machine. */
static void request(unsigned n, bool full)
{
	uint32_t pid = 100 + n % N_WORKERS, peer = 200 + n % N_WORKERS;
	unsigned k = n % N_CONNECTIONS;
	uint64_t conn = 0x10000 + k * 0x100, far = 0x20000 + k * 0x100, file = 0x30000 + n % 5 * 0x100;
	int fd = 20 + (int)k;
	struct hc_wire_head *h;

	if (!full) {
		open_file(pid, file);
		return;
	}
	call(HC_EV_EPOLL_WAIT, pid, 8, 0x40000, 0, 1, 512);
	h = begin(HC_EV_RECVFROM, pid, 40);
	set(h, 0, (uint64_t)fd);
	set(h, HC_A_RECVFROM_len, 1024);
	fd_fact(h, 0, fd, conn, 0140777, 0);
	sock_fact(h, HC_A_RECVFROM_sock_after, conn, 40000 + k);
	end(h);
	h = begin(HC_EV_NEWFSTATAT, pid, 0);
	set(h, 0, (uint64_t)-100);
	fact(h, HC_WIRE_F_STR, 1, "/srv/www/index.html", 19);
	end(h);
	open_file(pid, file);
	call(HC_EV_NEWFSTATAT, pid, 12, file, 0100644, 0, 0);
	call(HC_EV_PREAD64, pid, 12, file, 0100644, 1024, 1024);
	call(HC_EV_WRITEV, pid, fd, conn, 0140777, 1262, 2);
	call(HC_EV_WRITE, pid, 5, 0x50000, 0100644, 86, 86);
	h = begin(HC_EV_CLOSE, pid, 0);
	set(h, 0, 12);
	end(h);
	watch(peer, fd, far);
	call(HC_EV_READ, peer, fd, far, 0140777, 1262, 8192);
	watch(peer, fd, far);
	call(HC_EV_WRITE, peer, fd, far, 0140777, 40, 40);
}

/* ---- the way ---- */

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Pushes what is in `room` from `at` on, with times that go on from round to round; returns the records. */
static uint64_t push_all(struct hc_tracker *t, size_t at, struct hc_err *err)
{
	uint64_t n = 0;

	for (; at < n_bytes; n++) {
		const struct hc_wire_head *h = (const void *)(room + at);

		if (hc_tracker_push(t, h, h->bytes, false, err) < 0)
			return 0;
		at += h->bytes;
	}
	return n;
}

static void later(size_t at, uint64_t by_ns)
{
	while (at < n_bytes) {
		struct hc_wire_head *h = (void *)(room + at);

		h->ts_ns += by_ns;
		at += h->bytes;
	}
}

static uint64_t read_all(size_t at)
{
	uint64_t sum = 0;

	for (; at < n_bytes; at += 8)
		sum += *(const uint64_t *)(const void *)(room + at);
	return sum;
}

static int measure(const char *name, const char *dir, bool full)
{
	struct hc_writer_opts wo = { .dir = dir, .node = "n", .tool = "t", .capture_id = { 1 }, .boot_id = { 2 } };
	struct hc_tracker_opts to = { 0 };
	struct hc_tracker *t = NULL;
	struct hc_writer *w = NULL;
	struct hc_err err = { 0 };
	double way[N_ROUNDS], floor[N_ROUNDS];
	uint64_t n = 0, sum = 0;
	size_t from;

	n_bytes = 0;
	for (uint32_t i = 0; i < N_WORKERS; i++) {
		alive(100 + i);
		alive(200 + i);
	}
	from = n_bytes;
	for (unsigned i = 0; i < N_REQUESTS; i++)
		request(i, full);
	if (hc_tracker_new(&to, &t, &err) < 0 || hc_writer_open(&wo, &w, &err) < 0)
		goto failed;
	hc_tracker_set_writer(t, w);
	push_all(t, 0, &err);
	hc_tracker_snapshot_done(t, &err);
	for (int round = 0; round < N_ROUNDS; round++) {
		double at;

		later(from, (uint64_t)N_REQUESTS * REQUEST_NS);
		at = now();
		n = push_all(t, from, &err);
		way[round] = (now() - at) / (double)n;
		at = now();
		sum += read_all(from);
		floor[round] = (now() - at) / (double)n;
		if (!n || !sum || hc_tracker_stats(t).n_bad)
			goto failed;
	}
	qsort(way, N_ROUNDS, sizeof(*way), by_value);
	qsort(floor, N_ROUNDS, sizeof(*floor), by_value);
	printf("record_path_%s,%.1f,ns/row,%.1f,%.2f\n", name, way[N_ROUNDS / 2], floor[N_ROUNDS / 2],
	       way[N_ROUNDS / 2] / floor[N_ROUNDS / 2]);
	hc_tracker_free(t);
	return hc_writer_close(w, &err);
failed:
	fprintf(stderr, "%s\n", err.msg[0] ? err.msg : "the records are not what the tracker takes");
	return -1;
}

int main(void)
{
	char dir[] = "/tmp/hcbenchXXXXXX", command[64], sub[64];
	int r;

	room = malloc(ROOM_BYTES);
	if (!room || !mkdtemp(dir))
		return 1;
	snprintf(sub, sizeof(sub), "%s/security", dir);
	r = measure("security", sub, false);
	snprintf(sub, sizeof(sub), "%s/full", dir);
	if (r == 0)
		r = measure("full", sub, true);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command) != 0)
		r = -1;
	free(room);
	return r == 0 ? 0 : 1;
}
