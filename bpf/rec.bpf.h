/* bpf/rec.bpf.h: how a record comes about: configuration, per-CPU state, rings, scratch, facts, sampling tables.
 *
 * Two ways out. A record whose shape is fixed is reserved in the ring, filled and submitted (hc_reserve,
 * hc_submit). Anything with text or a descriptor is built in the CPU's scratch buffer and copied out whole; the
 * copying, and every path walk that the handler asked for, is done by one tail-called program (hc_sys_finish,
 * hc_exec_finish), so that the walk is verified once. Tracing programs run with preemption off, so a CPU's scratch
 * has one user at a time; hooks that interrupts can reach (tcp_state, sig_send) use neither scratch nor the other
 * lanes' sequence numbers. */
#ifndef HC_BPF_REC_H
#define HC_BPF_REC_H

#include "compat.bpf.h"
#include "wire.h"
#include "conf.h"

enum hc_event_type {
	HC_EV_NONE = 0,
#define HC_EVENT(ID, number, name, stream, cls, profile, mode) HC_EV_##ID = (number),
#include "store/event_types.def"
};

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Typed loads need a typed task (5.11); older kernels read through the probe helper. */
#define HC_TYPED bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)

/* p->m, by a direct load where the verifier knows p's type, else by a probe read. */
#define hc_rd(p, m)                                                              \
	({                                                                       \
		typeof(p) hc_p_ = (p);                                           \
		typeof(hc_p_->m) hc_v_;                                          \
		if (HC_TYPED)                                                    \
			hc_v_ = hc_p_->m;                                        \
		else                                                             \
			bpf_core_read((void *)&hc_v_, sizeof(hc_v_), &hc_p_->m); \
		hc_v_;                                                           \
	})

/* p->m by a probe read, for pointers without a type. */
#define hc_pr(p, m)                                                      \
	({                                                               \
		typeof(p) hc_q_ = (p);                                   \
		typeof(hc_q_->m) hc_w_;                                  \
		bpf_core_read((void *)&hc_w_, sizeof(hc_w_), &hc_q_->m); \
		hc_w_;                                                   \
	})

/* Numbers that are kernel addresses become typed pointers again where the kernel lets them: a member then costs a
 * load instead of a call. The condition is a constant to the verifier, which drops the other branch, but not the
 * load of the condition: what runs all the time asks once, and hands the answer to the forms with _if. */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

#define hc_cast_if(cast, type, address)                                                                      \
	({                                                                                                   \
		u64 hc_a_ = (u64)(address);                                                                  \
		(cast) ? (struct type *)bpf_rdonly_cast((void *)hc_a_, bpf_core_type_id_kernel(struct type)) \
		       : (struct type *)hc_a_;                                                               \
	})
#define hc_cast(type, address) hc_cast_if(hc_conf.cast, type, address)

/* p->m of a pointer that hc_cast made, or that such a pointer's member holds. */
#define hc_ld_if(cast, p, m)                                                     \
	({                                                                       \
		typeof(p) hc_r_ = (p);                                           \
		typeof(hc_r_->m) hc_x_;                                          \
		if (cast)                                                        \
			hc_x_ = hc_r_->m;                                        \
		else                                                             \
			bpf_core_read((void *)&hc_x_, sizeof(hc_x_), &hc_r_->m); \
		hc_x_;                                                           \
	})
#define hc_ld(p, m) hc_ld_if(hc_conf.cast, p, m)

static __always_inline struct task_struct *hc_current(void)
{
	if (HC_TYPED)
		return (struct task_struct *)bpf_get_current_task_btf();
	return (struct task_struct *)bpf_get_current_task();
}

/* ---- configuration ---- */

const volatile struct hc_conf hc_conf = {};
const volatile struct hc_sys_desc hc_sys[HC_WIRE_MAX_NR] = {};   /* by native number */
const volatile struct hc_sys_desc hc_sys32[HC_WIRE_MAX_NR] = {}; /* by number of the 32-bit table */

struct hc_dials hc_dials = {}; /* .bss: changed while running, through the mapping */

/* ---- maps ---- */

struct hc_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, u32);
	__array(values, struct hc_ring);
} hc_rings SEC(".maps"); /* by CPU: lane BULK */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, u32);
	__array(values, struct hc_ring);
} hc_rings_sec SEC(".maps"); /* by CPU, CPUs may share one: the other lanes */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct hc_cpu);
} hc_cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(struct hc_front));
} hc_fronts SEC(".maps"); /* by hc_cpu.front; the loader makes it, where there is one */

#define HC_DATA_BYTES \
	(HC_WIRE_MAX_BYTES + 72 * 1024) /* a fact may begin anywhere below the limit and end above it */
#define HC_DATA_LAST (HC_WIRE_MAX_BYTES - 68 * 1024) /* .. but none begins after this */
#define HC_N_WALKS 8
#define HC_N_TAGS 8

struct hc_walk {
	u64 dentry;
	u64 vfsmnt;
	u16 subject;
	u16 absolute; /* do not stop at the task's root */
	u32 pad;
};

struct hc_scratch {
	u64 busy; /* 0, or the task whose program is using it */
	u32 off;  /* end of the record so far */
	u16 n_walks, i_walk;
	u32 n_tags; /* objects this record defines */
	u32 tags[HC_N_TAGS];
	u32 walking;
	/* What follows is in memory so that the verifier knows nothing about it, and takes all ways through a
	 * program that differ only in it for one. */
	struct { /* of the walk under way */
		u64 d, m, mnt_root, root_d, root_m;
		u32 begin, n, n_fs, crossed, flags;
	} w;
	struct hc_sys_desc desc; /* of the call under way */
	u64 ret;
	u32 nr, compat;
	u32 mux;            /* desc and arg were filled by the demultiplexer of socketcall and ipc */
	u32 part;           /* message number of sendmmsg, recvmmsg */
	u32 raises, detail; /* of the caller: a set of raises, and what they come to */
	struct {            /* which slot is which, where types differ */
		u32 name, rights, sock, data;
	} slot_of;
	struct { /* of the message under way */
		u64 name, iov, n_iov, control, n_control, buf, pos, sk, ino, peer;
		u32 namelen, want, n_rights, inet53;
		s32 rights[16];
	} m;
	struct { /* of the argument under way */
		u64 value;
		s32 fd;
		u32 how;
	} g;
	struct { /* descriptors among the arguments */
		s32 fd;
		u16 how, subject;
	} fds[4];
	u32 n_fds;
	u64 told;       /* the record tells of the file with this tag, see told.bpf.h; 0: of none */
	u32 told_place; /* which place that is, or where what it refers to is, from 1; 0: no place */
	u64 number;     /* a typed pointer on its way to being a number */
	u64 arg[8];     /* the call's registers, narrowed by nobody */
	struct hc_walk walk[HC_N_WALKS];
	u8 file[256]; /* block copies of kernel objects */
	u8 inode[256];
	u8 sock[256];
	u8 iov[256];
	u8 name[512]; /* one dentry or one user structure */
	u8 data[HC_DATA_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct hc_scratch);
} hc_scratch_map SEC(".maps"); /* by CPU */

/* Direct-mapped tables of 64-bit tags: what has been seen. A collision evicts, which costs a row too many. In
 * front of each stands a small one, which holds what was asked for last: a busy server asks for the same few again
 * and again, and two pages stay in the caches where half a megabyte does not. */
#define HC_TAB_BITS 16
#define HC_TAB_SIZE (1u << HC_TAB_BITS)
#define HC_NEAR_SIZE 1024u

struct hc_tab {
	u64 tag[HC_TAB_SIZE];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3); /* HC_N_TABS */
	__type(key, u32);
	__type(value, struct hc_tab);
} hc_tabs SEC(".maps");

enum { HC_TAB_DEFS, HC_TAB_FIRST, HC_TAB_PEER, HC_N_TABS };

static u64 hc_near[HC_N_TABS][HC_NEAR_SIZE]; /* by the low bits of what the table goes by */

struct hc_set_u32 {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, u8);
};

struct hc_set_u32 hc_skip_pids SEC(".maps"); /* tgids */
struct hc_set_u32 hc_skip_uids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, u8);
} hc_skip_cgroups SEC(".maps");

struct hc_comm {
	char s[HC_WIRE_COMM_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct hc_comm);
	__type(value, u8);
} hc_skip_comms SEC(".maps");

/* ---- small things ---- */

/* The compiler drops a mask that it thinks redundant, and the verifier then misses it. */
#define hc_mask(v, m) asm volatile("%0 &= %1" : "+r"(v) : "i"(m))

static __always_inline bool hc_bit(const u64 *words, u32 n_words_mask, u64 bit)
{
	u64 word = bit >> 6;

	hc_mask(word, n_words_mask);
	return words[word] >> (bit & 63) & 1;
}

/* Recorded of everybody? */
static __always_inline bool hc_type_on(u16 type)
{
	/* constant index: types are constants here */
	return hc_dials.detail[0].types[type >> 6 & 3] >> (type & 63) & 1;
}

/* Of a task with this detail? The type need be no constant. */
static __always_inline bool hc_type_on_at(u64 detail, u64 type)
{
	hc_mask(detail, HC_N_DETAILS - 1);
	return hc_bit(hc_dials.detail[detail].types, HC_WIRE_MAX_TYPES / 64 - 1, type);
}

static __always_inline u16 hc_mode_at(u64 detail, u64 type)
{
	hc_mask(detail, HC_N_DETAILS - 1);
	hc_mask(type, HC_WIRE_MAX_TYPES - 1);
	return hc_dials.detail[detail].mode[type];
}

static __always_inline struct hc_cpu *hc_cpu(u32 cpu)
{
	return bpf_map_lookup_elem(&hc_cpus, &cpu);
}

static __always_inline struct hc_scratch *hc_scratch(u32 cpu)
{
	return bpf_map_lookup_elem(&hc_scratch_map, &cpu);
}

static __always_inline struct hc_wire_count *hc_count(struct hc_cpu *c, u64 type);

/* Takes the CPU's scratch for a record of `type`. Should a kernel run tracing programs preemptibly, another may
 * have it: that is counted as a loss. Left behind by the same task it is free. */
static __always_inline struct hc_scratch *hc_take_by(u32 cpu, u16 type, u8 lane, u64 pid_tgid)
{
	struct hc_scratch *s = hc_scratch(cpu);
	u64 me = pid_tgid | 1ULL << 63;
	struct hc_cpu *c;

	if (!s)
		return NULL;
	if (s->busy && s->busy != me) {
		c = hc_cpu(cpu);
		if (c) {
			hc_count(c, type)->seen++;
			hc_count(c, type)->lost_busy++;
			c->seq[lane & (HC_WIRE_N_LANES - 1)]++;
		}
		return NULL;
	}
	s->busy = me;
	return s;
}

static __always_inline struct hc_scratch *hc_take(u32 cpu, u16 type, u8 lane)
{
	return hc_take_by(cpu, type, lane, bpf_get_current_pid_tgid());
}

static __always_inline void hc_release(struct hc_scratch *s)
{
	s->busy = 0;
}

static __always_inline struct hc_wire_count *hc_count(struct hc_cpu *c, u64 type)
{
	hc_mask(type, HC_WIRE_MAX_TYPES - 1);
	return &c->count[type];
}

/* The word at a kernel address, as a number whatever it means: read as the first member of a type that begins with
 * one. */
static __always_inline u64 hc_word_if(const bool cast, u64 address)
{
	u64 v = 0;

	if (cast)
		return hc_cast_if(true, timespec64, address)->tv_sec;
	bpf_probe_read_kernel(&v, sizeof(v), (void *)address);
	return v;
}

#define hc_word(address) hc_word_if(hc_conf.cast, address)

/* The member, a pointer, of the kernel object at `address`, as a number. */
#define hc_word_of_if(cast, type, address, member) \
	hc_word_if(cast, (address) + bpf_core_field_offset(struct type, member))
#define hc_word_of(type, address, member) hc_word_of_if(hc_conf.cast, type, address, member)

/* Kernel addresses leave the kernel only in this form: equal stays equal, and that is all. */
static __always_inline u64 hc_key(u64 address)
{
	return address ? (address ^ hc_conf.key) * 0x9e3779b97f4a7c15ULL : 0;
}

static __always_inline u64 hc_hash(u64 a, u64 b)
{
	u64 h = (a ^ (b << 23 | b >> 41)) * 0x9e3779b97f4a7c15ULL;

	h = (h ^ h >> 29 ^ b) * 0xbf58476d1ce4e5b9ULL;
	return h ^ h >> 32;
}

/* Where the small table in front of `tab` (a constant) keeps what goes by `key`. */
static __always_inline u64 *hc_near_at(const u32 tab, u64 key)
{
	hc_mask(key, HC_NEAR_SIZE - 1);
	return &hc_near[tab][key];
}

/* A clock that moves with the kernel's ticks: a load, where one that is right to the nanosecond asks the hardware.
 */
static __always_inline u64 hc_about_ns(void)
{
	return bpf_jiffies64() * hc_conf.tick_ns;
}

/* True when the entry of `key` did not hold `tag`; it does then. */
static __always_inline bool hc_tab_changed(const u32 tab, u64 key, u64 tag)
{
	u64 *near = hc_near_at(tab, key);
	u32 idx = tab;
	struct hc_tab *t;

	tag |= 1;
	if (*near == tag)
		return false;
	*near = tag;
	t = bpf_map_lookup_elem(&hc_tabs, &idx);
	if (!t)
		return true;
	hc_mask(key, HC_TAB_SIZE - 1);
	if (t->tag[key] == tag)
		return false;
	t->tag[key] = tag;
	return true;
}

/* True when `tag` was not in the table; it is then. */
static __always_inline bool hc_tab_first(const u32 tab, u64 tag)
{
	return hc_tab_changed(tab, tag, tag);
}

/* Empties entry `key`. */
static __always_inline void hc_tab_clear(const u32 tab, u64 key)
{
	u32 idx = tab;
	struct hc_tab *t = bpf_map_lookup_elem(&hc_tabs, &idx);

	*hc_near_at(tab, key) = 0;
	hc_mask(key, HC_TAB_SIZE - 1);
	if (t)
		t->tag[key] = 0;
}

static __always_inline void hc_tab_forget(const u32 tab, u64 tag)
{
	u64 *near = hc_near_at(tab, tag), key = tag;
	u32 idx = tab;
	struct hc_tab *t = bpf_map_lookup_elem(&hc_tabs, &idx);

	tag |= 1;
	if (*near == tag)
		*near = 0;
	hc_mask(key, HC_TAB_SIZE - 1);
	if (t && t->tag[key] == tag)
		t->tag[key] = 0;
}

static __always_inline u64 hc_cgroup(struct task_struct *task)
{
	struct css_set *set;

	if (!hc_conf.cgroup_v2)
		return 0;
	set = hc_rd(task, cgroups);
	return hc_rd(hc_rd(hc_rd(set, dfl_cgrp), kn), id);
}

/* Its place in the hierarchy that tells containers apart: a v1 one where controllers are on v1. */
static __always_inline struct cgroup *hc_cgroup_ptr(struct task_struct *task)
{
	struct css_set *set = hc_pr(task, cgroups);
	struct cgroup_subsys_state *css = NULL;
	u64 idx = hc_conf.cgroup_subsys;

	if (hc_conf.cgroup_v2)
		return hc_pr(set, dfl_cgrp);
	bpf_probe_read_kernel(&css, sizeof(css), (void *)((u64)&set->subsys + 8 * (idx & 31)));
	return hc_pr(css, cgroup);
}

static __always_inline u64 hc_cgroup_any(struct task_struct *task)
{
	return BPF_CORE_READ(hc_cgroup_ptr(task), kn, id);
}

/* ---- the filters users set: whom to leave out ---- */

static __always_inline bool hc_skipped(struct task_struct *task, u32 tgid)
{
	u32 filters = hc_dials.filters;

	if (filters & HC_FILTER_PID && bpf_map_lookup_elem(&hc_skip_pids, &tgid))
		return true;
	if (filters & HC_FILTER_UID) {
		u32 uid = (u32)bpf_get_current_uid_gid();

		if (bpf_map_lookup_elem(&hc_skip_uids, &uid))
			return true;
	}
	if (filters & HC_FILTER_CGROUP) {
		u64 id = hc_cgroup_any(task);

		if (bpf_map_lookup_elem(&hc_skip_cgroups, &id))
			return true;
	}
	if (filters & HC_FILTER_COMM) {
		struct hc_comm comm = {};

		bpf_get_current_comm(&comm, sizeof(comm));
		if (bpf_map_lookup_elem(&hc_skip_comms, &comm))
			return true;
	}
	return false;
}

/* ---- head, rings ---- */

static __always_inline void hc_head(struct hc_wire_head *h, struct task_struct *task, u16 type, u8 lane,
                                    u8 n_slots, u16 flags, s64 ret, u32 nr)
{
	h->type = type;
	h->flags = flags;
	h->tid = hc_rd(task, pid);
	h->tgid = hc_rd(task, tgid);
	h->start_ns = hc_rd(hc_rd(task, group_leader), start_boottime);
	h->ret = ret;
	h->nr = nr;
	h->n_slots = n_slots;
	h->lane = lane;
	h->exec_id = hc_rd(task, self_exec_id);
	h->cgroup_id = hc_cgroup(task);
}

static __always_inline void *hc_ring_of(u32 cpu, u8 lane)
{
	/* The verifier makes loads of a look-up whose map it knows: the compiler must not make one call of these
	 * two. */
	if (lane != HC_WIRE_LANE_BULK) {
		void *ring = bpf_map_lookup_elem(&hc_rings_sec, &cpu);

		asm volatile("" ::: "memory");
		return ring;
	}
	return bpf_map_lookup_elem(&hc_rings, &cpu);
}

/* The consumer sleeps in epoll_wait with a timeout. It is woken once per so many bytes, not whenever that many
 * wait: it leaves the youngest records in the ring on purpose, and a wake-up costs more than many records. */
static __always_inline u64 hc_wake(struct hc_cpu *c, u8 lane, u32 bytes)
{
	u32 since = c->since_wake[lane & (HC_WIRE_N_LANES - 1)] + bytes;

	if (since < hc_conf.wake_bytes) {
		c->since_wake[lane & (HC_WIRE_N_LANES - 1)] = since;
		return BPF_RB_NO_WAKEUP;
	}
	c->since_wake[lane & (HC_WIRE_N_LANES - 1)] = 0;
	return BPF_RB_FORCE_WAKEUP;
}

#define HC_EINPROGRESS 115 /* of a connection that was begun */

/* Anybody can make some records of the security classes as fast as he likes, and so have others find the ring
 * full. So the last quarter of it is for births, execs and ends, which cost whoever makes them far more than the
 * recorder; and half of it is all that there is for what comes cheapest: names, sockets without a peer and calls
 * that fail. */
static __always_inline bool hc_crowded(void *ring, u8 lane, u16 type, bool failed)
{
	u64 size, used;

	if (lane == HC_WIRE_LANE_BULK || type == HC_EV_PROC_EXEC || type == HC_EV_PROC_FORK ||
	    type == HC_EV_PROC_EXIT)
		return false;
	size = bpf_ringbuf_query(ring, BPF_RB_RING_SIZE);
	used = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);
	if (failed || type == HC_EV_PROC_RENAME || type == HC_EV_PRCTL || type == HC_EV_CAP_CHECK ||
	    type == HC_EV_SOCKET)
		return used > size / 2;
	return used > size - size / 4;
}

/* A fixed-shape record; NULL when the ring is full, which is counted. */
static __always_inline void *hc_reserve(struct hc_cpu *c, u32 cpu, u8 lane, u16 type, const u64 bytes)
{
	struct hc_wire_count *count = hc_count(c, type);
	void *ring = hc_ring_of(cpu, lane);
	struct hc_wire_head *h = NULL;
	u32 seq;

	count->seen++;
	seq = c->seq[lane]++;
	if (ring && !hc_crowded(ring, lane, type, false))
		h = bpf_ringbuf_reserve(ring, bytes, 0);
	if (!h) {
		count->lost_full++;
		return NULL;
	}
	h->ts_ns = bpf_ktime_get_boot_ns();
	h->cpu_seq = seq;
	h->bytes = bytes;
	h->cpu = cpu;
	return h;
}

static __always_inline void hc_submit(struct hc_cpu *c, u8 lane, void *rec, u32 bytes)
{
	bpf_ringbuf_submit(rec, hc_wake(c, lane, bytes));
}

/* ---- the front ring ---- */

#if defined(__TARGET_ARCH_x86) /* others order stores only by what older kernels do not load */
#define HC_FRONT 1
#else
#define HC_FRONT 0
#endif

struct hc_front_at {
	struct hc_front *ring; /* NULL: the record is in the ring behind it */
	u64 begin;             /* of the record with its length, as a position */
};

/* Finds room for a record of at most `max` bytes, and does nothing else: whoever then sees that the record cannot
 * be made here leaves it. NULL when there is none, or no such ring. */
static __always_inline struct hc_wire_head *hc_front_find(struct hc_cpu *c, const u64 max,
                                                          struct hc_front_at *ret_at)
{
	const u64 size = hc_conf.front_bytes, need = max + BPF_RINGBUF_HDR_SZ;
	u64 pos, off, skip = 0, last = size - 8;
	u32 idx = c->front - 1;
	struct hc_front *f;

	_Static_assert(sizeof(struct hc_front) % 8 == 0, "records begin at multiples of 8");
	f = HC_FRONT && size ? bpf_map_lookup_elem(&hc_fronts, &idx) : NULL;
	if (!f)
		return NULL;
	pos = f->producer;
	off = pos;
	asm volatile("%0 &= %1" : "+r"(off) : "r"(last));
	if (off + need > size)
		skip = size - off;
	if (pos + skip + need - *(volatile u64 *)&f->consumer > size)
		return NULL;
	if (skip) {
		*(u64 *)(f->data + off) = (skip - BPF_RINGBUF_HDR_SZ) | BPF_RINGBUF_DISCARD_BIT;
		off = 0;
	}
	ret_at->ring = f;
	ret_at->begin = pos + skip;
	return (struct hc_wire_head *)(f->data + off + BPF_RINGBUF_HDR_SZ);
}

/* What was found becomes a record of `bytes`, a multiple of 8. */
static __always_inline void hc_front_begin(struct hc_cpu *c, u32 cpu, u16 type, struct hc_wire_head *h, u32 bytes)
{
	*((u64 *)h - 1) = bytes;
	hc_count(c, type)->seen++;
	h->cpu_seq = c->seq[HC_WIRE_LANE_BULK]++;
	h->ts_ns = bpf_ktime_get_boot_ns();
	h->bytes = bytes;
	h->cpu = cpu;
}

/* hc_reserve of a bulk record of hc_sys_exit. */
static __always_inline void *hc_front_reserve(struct hc_cpu *c, u32 cpu, u16 type, const u64 bytes,
                                              struct hc_front_at *ret_at)
{
	struct hc_wire_head *h = hc_front_find(c, bytes, ret_at);

	if (h) {
		hc_front_begin(c, cpu, type, h, bytes);
		return h;
	}
	ret_at->ring = NULL;
	return hc_reserve(c, cpu, HC_WIRE_LANE_BULK, type, bytes);
}

/* A front ring wakes nobody. The ring behind it does, with a record that nobody is to read. */
static __always_inline void hc_front_wake(u32 cpu)
{
	void *ring = hc_ring_of(cpu, HC_WIRE_LANE_BULK), *nothing;

	if (!ring)
		return;
	nothing = bpf_ringbuf_reserve(ring, 8, 0);
	if (nothing)
		bpf_ringbuf_discard(nothing, BPF_RB_FORCE_WAKEUP);
}

static __always_inline void hc_front_submit(struct hc_cpu *c, u32 cpu, const struct hc_front_at *at, void *rec,
                                            u32 bytes)
{
	if (!at->ring) {
		hc_submit(c, HC_WIRE_LANE_BULK, rec, bytes);
		return;
	}
	/* All of the record is there when the reader sees the position: this processor keeps stores in order. */
	asm volatile("" ::: "memory");
	*(volatile u64 *)&at->ring->producer = at->begin + BPF_RINGBUF_HDR_SZ + bytes;
	if (hc_wake(c, HC_WIRE_LANE_BULK, bytes) == BPF_RB_FORCE_WAKEUP)
		hc_front_wake(cpu);
}

/* ---- records in scratch ---- */

/* Begins one: head and slots are there (slots zero), facts follow. */
static __always_inline struct hc_wire_head *hc_begin(struct hc_scratch *s, struct task_struct *task, u16 type,
                                                     u8 lane, u8 n_slots, u16 flags, s64 ret, u32 nr)
{
	struct hc_wire_head *h = (struct hc_wire_head *)s->data;
	u64 *slot = (u64 *)(s->data + sizeof(*h));

	hc_head(h, task, type, lane, n_slots, flags, ret, nr);
	for (u32 i = 0; i < HC_WIRE_MAX_SLOTS; i++)
		slot[i] = 0;
	s->off = sizeof(*h) + 8 * (n_slots & (HC_WIRE_MAX_SLOTS - 1));
	s->n_walks = 0;
	s->i_walk = 0;
	s->walking = 0;
	s->n_tags = 0;
	s->told = 0;
	s->told_place = 0;
	return h;
}

#define hc_slots(s) ((u64 *)((s)->data + sizeof(struct hc_wire_head)))

static __always_inline void hc_set_flag(struct hc_scratch *s, u16 flag)
{
	((struct hc_wire_head *)s->data)->flags |= flag;
}

/* Where the next fact goes; NULL when the record is as long as it may get. */
static __always_inline struct hc_wire_fact *hc_fact(struct hc_scratch *s)
{
	u64 off = s->off;

	if (off > HC_DATA_LAST) {
		hc_set_flag(s, HC_WIRE_TRUNC);
		return NULL;
	}
	hc_mask(off, HC_WIRE_MAX_BYTES - 1);
	return (struct hc_wire_fact *)(s->data + off);
}

/* `bytes` of payload lie behind `f`; the next fact begins at the next multiple of 8. */
static __always_inline void hc_fact_end(struct hc_scratch *s, struct hc_wire_fact *f, u8 kind, u8 flags,
                                        u16 subject, u32 bytes)
{
	*(u64 *)f = (u64)bytes << 32 | (u64)subject << 16 | (u64)flags << 8 | kind;
	s->off += sizeof(*f) + ((bytes + 7) & ~7u);
	if (flags & HC_WIRE_FF_TRUNC)
		hc_set_flag(s, HC_WIRE_TRUNC);
}

/* A fact of fixed size: the payload is returned to be filled. */
static __always_inline void *hc_fact_fixed(struct hc_scratch *s, u8 kind, u8 flags, u16 subject, u32 bytes)
{
	struct hc_wire_fact *f = hc_fact(s);

	if (!f)
		return NULL;
	hc_fact_end(s, f, kind, flags, subject, bytes);
	return f + 1;
}

static __always_inline void hc_walk_later(struct hc_scratch *s, u16 subject, u64 dentry, u64 vfsmnt, bool absolute)
{
	u64 n = s->n_walks;

	if (n >= HC_N_WALKS || !dentry)
		return;
	hc_mask(n, HC_N_WALKS - 1);
	s->walk[n].dentry = dentry;
	s->walk[n].vfsmnt = vfsmnt;
	s->walk[n].subject = subject;
	s->walk[n].absolute = absolute;
	s->n_walks = n + 1;
}

/* Copies the scratch record out; false when it was lost. */
static __always_inline bool hc_output(struct hc_scratch *s, u32 cpu)
{
	struct hc_wire_head *h = (struct hc_wire_head *)s->data;
	struct hc_cpu *c = hc_cpu(cpu);
	struct hc_wire_count *count;
	u64 bytes = s->off;
	u8 lane = h->lane & (HC_WIRE_N_LANES - 1);
	void *ring;

	if (!c)
		return false;
	count = hc_count(c, h->type);
	count->seen++;
	ring = hc_ring_of(cpu, lane);
	hc_mask(bytes, HC_WIRE_MAX_BYTES - 1);
	h->bytes = bytes;
	h->cpu = cpu;
	h->cpu_seq = c->seq[lane]++;
	h->ts_ns = bpf_ktime_get_boot_ns();
	if (ring && !hc_crowded(ring, lane, h->type, h->ret < 0 && h->ret != -HC_EINPROGRESS) &&
	    !bpf_ringbuf_output(ring, s->data, bytes, hc_wake(c, lane, bytes)))
		return true;
	count->lost_full++;
	/* What this record was to introduce has not been introduced. */
	for (u32 i = 0; i < HC_N_TAGS && i < s->n_tags; i++)
		hc_tab_clear(HC_TAB_DEFS, s->tags[i]);
	return false;
}

#endif
