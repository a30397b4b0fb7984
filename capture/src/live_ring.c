/* Reading the rings. Every record carries the boot time of its hook, and within one ring times only grow (but for
 * an interrupt's record between two, which comes microseconds late): merging is a heap of ring heads. A record may
 * be handed out once no ring can bring an older one. Between taking the time and writing the record a program runs
 * for a few microseconds with preemption off, so what is older than now - slack has been written, unless the
 * machine itself stood still; such a record comes later and says so. Records stay where they are in the ring until
 * they have been handed out. A front ring (struct hc_front) is read like the kernel's. */
#include "live_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/bpf.h>

/* So much of a ring is given back to the kernel at a time: programs look with every record where the reader is,
 * and its telling takes that from their caches. Should the reader be killed before, `handed` says where it was. */
#define BATCH_BYTES (16 * 1024)
#define CACHE_LINE_BYTES 64
#define PREFETCH_BYTES (4 * CACHE_LINE_BYTES) /* most records are no longer */

int hc_merge_init(struct hc_merge *m, unsigned n_rings, unsigned n_cpus)
{
	memset(m, 0, sizeof(*m));
	m->n_rings = n_rings;
	m->n_cpus = n_cpus;
	m->rings = calloc(n_rings, sizeof(*m->rings));
	m->heap = calloc(n_rings, sizeof(*m->heap));
	m->seq = calloc((size_t)n_cpus * HC_WIRE_N_LANES, sizeof(*m->seq));
	m->seq_ts = calloc((size_t)n_cpus * HC_WIRE_N_LANES, sizeof(*m->seq_ts));
	m->seq_known = calloc((size_t)n_cpus * HC_WIRE_N_LANES, 1);
	m->gaps = calloc(HC_MERGE_MAX_GAPS, sizeof(*m->gaps));
	if (!m->rings || !m->heap || !m->seq || !m->seq_ts || !m->seq_known || !m->gaps) {
		hc_merge_done(m);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < n_rings; i++)
		m->rings[i].fd = -1;
	return 0;
}

void hc_merge_done(struct hc_merge *m)
{
	for (unsigned i = 0; m->rings && i < m->n_rings; i++) {
		struct hc_ring *r = &m->rings[i];

		if (r->map_consumer)
			munmap(r->map_consumer, (size_t)sysconf(_SC_PAGESIZE));
		if (r->map_producer)
			munmap(r->map_producer, r->map_bytes);
		free(r->straddle);
	}
	if (m->fronts)
		munmap(m->fronts, m->fronts_bytes);
	free(m->rings);
	free(m->heap);
	free(m->seq);
	free(m->seq_ts);
	free(m->seq_known);
	free(m->gaps);
	memset(m, 0, sizeof(*m));
}

int hc_merge_map(struct hc_merge *m, unsigned i, int fd, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct hc_ring *r = &m->rings[i];
	void *p;

	r->straddle = malloc(HC_WIRE_MAX_BYTES);
	if (!r->straddle)
		return -ENOMEM;
	p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	r->map_consumer = p;
	r->consumer = p;
	/* The kernel would map the data twice in a row, and every page would count twice as ours. */
	p = mmap(NULL, page + bytes, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (p == MAP_FAILED)
		return -errno;
	r->map_producer = p;
	r->map_bytes = page + bytes;
	r->producer = p;
	r->data = (const uint8_t *)p + page;
	r->mask = bytes - 1;
	r->fd = fd;
	r->pos = r->released = __atomic_load_n(r->consumer, __ATOMIC_ACQUIRE);
	return 0;
}

int hc_merge_map_fronts(struct hc_merge *m, unsigned first, int fd, unsigned n, size_t value_bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (value_bytes * n + page - 1) & ~(page - 1);
	size_t data_bytes = value_bytes - sizeof(struct hc_front) - HC_FRONT_SLACK;
	void *p;

	if (value_bytes <= sizeof(struct hc_front) + HC_FRONT_SLACK || data_bytes & (data_bytes - 1) ||
	    m->fronts || first > m->n_rings || n > m->n_rings - first)
		return -EBADMSG;
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	m->fronts = p;
	m->fronts_bytes = bytes;
	for (unsigned i = 0; i < n; i++) {
		struct hc_front *f = (struct hc_front *)(void *)((uint8_t *)p + value_bytes * i);
		struct hc_ring *r = &m->rings[first + i];

		r->consumer = (unsigned long *)&f->consumer;
		r->producer = (unsigned long *)&f->producer;
		r->data = f->data;
		r->mask = data_bytes - 1;
		r->pos = r->released = __atomic_load_n(r->consumer, __ATOMIC_ACQUIRE);
	}
	return 0;
}

/* The record's bytes behind its ring header: where they lie, or put together when they go on at the ring's start.
 */
static const uint8_t *whole(const struct hc_ring *r, uint32_t bytes)
{
	uint64_t from = (r->pos + BPF_RINGBUF_HDR_SZ) & r->mask, room = r->mask + 1 - from;

	if (bytes <= room || bytes > HC_WIRE_MAX_BYTES || bytes - 1 > r->mask || !r->straddle)
		return r->data + from;
	memcpy(r->straddle, r->data + from, room);
	memcpy(r->straddle + room, r->data, bytes - room);
	return r->straddle;
}

/* Steps to the ring's next record below its limit: sets head, or NULL. */
static void ring_step(struct hc_merge *m, struct hc_ring *r)
{
	r->head = NULL;
	while (r->pos < r->limit) {
		const uint8_t *at = r->data + (r->pos & r->mask);
		uint32_t len = __atomic_load_n((const uint32_t *)(const void *)at, __ATOMIC_ACQUIRE);
		const struct hc_wire_head *h;
		uint32_t bytes;

		if (len & BPF_RINGBUF_BUSY_BIT)
			return; /* being written; what follows must wait for it */
		bytes = len & ~(uint32_t)(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		r->next = r->pos + ((bytes + BPF_RINGBUF_HDR_SZ + 7) & ~(uint64_t)7);
		if (!(len & BPF_RINGBUF_DISCARD_BIT)) {
			h = (const struct hc_wire_head *)(const void *)whole(r, bytes);
			if (bytes >= sizeof(*h) && bytes <= HC_WIRE_MAX_BYTES && bytes - 1 <= r->mask &&
			    h->bytes <= bytes && !(h->bytes & 7) && h->bytes >= sizeof(*h) + 8u * h->n_slots &&
			    h->cpu < m->n_cpus && h->lane < HC_WIRE_N_LANES) {
				r->head = h;
				return;
			}
			m->n_bad++;
		}
		r->pos = r->next;
	}
}

/* Where times are the same: of one CPU and lane, which may have two rings, by number. */
static bool numbered_before(const struct hc_wire_head *x, const struct hc_wire_head *y)
{
	if (x->cpu != y->cpu)
		return x->cpu < y->cpu;
	if (x->lane != y->lane)
		return x->lane < y->lane;
	return (int32_t)(x->cpu_seq - y->cpu_seq) < 0;
}

static bool heap_less(const struct hc_merge *m, const struct hc_merge_head *a, const struct hc_merge_head *b)
{
	if (a->ts_ns != b->ts_ns)
		return a->ts_ns < b->ts_ns;
	return numbered_before(m->rings[a->ring].head, m->rings[b->ring].head);
}

static void heap_down(struct hc_merge *m, unsigned i)
{
	struct hc_merge_head moved = m->heap[i];

	for (;;) {
		unsigned child = 2 * i + 1;

		if (child >= m->n_heap)
			break;
		if (child + 1 < m->n_heap && heap_less(m, &m->heap[child + 1], &m->heap[child]))
			child++;
		if (!heap_less(m, &m->heap[child], &moved))
			break;
		m->heap[i] = m->heap[child];
		i = child;
	}
	m->heap[i] = moved;
}

static void note_gap(struct hc_merge *m, const struct hc_wire_head *h, uint64_t from_ns, uint32_t count)
{
	struct hc_live_gap *g;

	if (m->n_gaps == HC_MERGE_MAX_GAPS) {
		g = &m->gaps[(m->first_gap + m->n_gaps - 1) % HC_MERGE_MAX_GAPS];
		g->count += count;
		g->until_ns = h->ts_ns > g->until_ns ? h->ts_ns : g->until_ns;
		return;
	}
	g = &m->gaps[(m->first_gap + m->n_gaps++) % HC_MERGE_MAX_GAPS];
	*g = (struct hc_live_gap){
		.from_ns = from_ns, .until_ns = h->ts_ns, .count = count, .cpu = h->cpu, .lane = h->lane
	};
}

/* A CPU counts its records per lane, lost ones included. */
static void check_seq(struct hc_merge *m, const struct hc_wire_head *h)
{
	size_t i = (size_t)h->cpu * HC_WIRE_N_LANES + h->lane;
	uint32_t missing = m->joins && !m->seq_known[i] ? 0 : h->cpu_seq - m->seq[i];

	/* Half the range backwards is a record out of order, not four thousand million lost ones. */
	if (missing && missing < UINT32_C(1) << 31)
		note_gap(m, h, m->seq_known[i] ? m->seq_ts[i] : 0, missing);
	if (missing < UINT32_C(1) << 31)
		m->seq[i] = h->cpu_seq + 1;
	m->seq_ts[i] = h->ts_ns;
	m->seq_known[i] = 1;
}

/* Begins to load what lies behind the ring's head: another CPU wrote it, and its caches have it. */
static void fetch_next(const struct hc_ring *r)
{
	for (unsigned i = 0; i < PREFETCH_BYTES; i += CACHE_LINE_BYTES)
		__builtin_prefetch(r->data + ((r->next + i) & r->mask));
}

static int hand_out(struct hc_merge *m, struct hc_ring *r, hc_live_fn fn, void *ctx)
{
	struct hc_live_rec rec = { .head = r->head,
		                   .late = r->head->ts_ns < m->last_ts,
		                   .again = r->pos < r->again_until };

	fetch_next(r);
	check_seq(m, r->head);
	if (!rec.late)
		m->last_ts = r->head->ts_ns;
	return fn(ctx, &rec);
}

static void release(struct hc_ring *r)
{
	if (r->released != r->pos)
		__atomic_store_n(r->consumer, r->pos, __ATOMIC_RELEASE);
	r->released = r->pos;
}

int64_t hc_merge_run(struct hc_merge *m, uint64_t now_ns, uint64_t slack_ns, hc_live_fn fn, void *ctx)
{
	uint64_t floor_ns = now_ns > slack_ns ? now_ns - slack_ns : 0;
	bool all = now_ns == UINT64_MAX;
	int64_t n = 0;
	int stop = 0;

	m->n_heap = 0;
	for (unsigned i = 0; i < m->n_rings; i++) {
		struct hc_ring *r = &m->rings[i];

		if (!r->data)
			continue;
		r->limit = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);
		ring_step(m, r);
		if (r->head)
			m->heap[m->n_heap++] = (struct hc_merge_head){ r->head->ts_ns, i };
		else
			release(r); /* discarded ones may have been stepped over */
	}
	for (unsigned i = m->n_heap; i-- > 0;)
		heap_down(m, i);
	while (m->n_heap && !stop) {
		struct hc_ring *r = &m->rings[m->heap[0].ring];
		uint64_t second = UINT64_MAX;

		/* The next best head bounds how long this ring may go on without touching the heap. */
		for (unsigned k = 1; k < m->n_heap && k < 3; k++)
			second = m->heap[k].ts_ns < second ? m->heap[k].ts_ns : second;
		if (!all && m->heap[0].ts_ns > floor_ns)
			break;
		do {
			stop = hand_out(m, r, fn, ctx);
			n += r->pos >= r->again_until;
			r->pos = r->next;
			if (r->handed && r->pos > r->again_until)
				__atomic_store_n(r->handed, r->pos, __ATOMIC_RELAXED);
			ring_step(m, r);
			if (stop)
				break;
			if (r->pos - r->released >= BATCH_BYTES)
				release(r);
		} while (r->head && r->head->ts_ns < second && (all || r->head->ts_ns <= floor_ns));
		if (r->head) {
			m->heap[0].ts_ns = r->head->ts_ns;
		} else {
			release(r);
			m->heap[0] = m->heap[--m->n_heap];
		}
		if (m->n_heap)
			heap_down(m, 0);
	}
	for (unsigned i = 0; i < m->n_heap; i++)
		release(&m->rings[m->heap[i].ring]);
	return stop ? stop : n;
}
