/* bpf/raise.bpf.h: who is recorded in more detail than everybody. A raise is a bit; its scope is a set of
 * processes that grows with their children, or of control groups with all that lies below them. hc_dials says what
 * the bits come to. Nothing of this runs while no raise is in force (hc_dials.raising). */
#ifndef HC_BPF_RAISE_H
#define HC_BPF_RAISE_H

#include "rec.bpf.h"

#define HC_RAISE_LEVELS 64 /* a control group's ancestors that are asked */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HC_RAISE_MAX_PIDS);
	__type(key, u32);
	__type(value, u32);
} hc_raised_pids SEC(".maps"); /* by tgid: a set of raises */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HC_RAISE_MAX_CGROUPS);
	__type(key, u64);
	__type(value, u32);
} hc_raised_groups SEC(".maps"); /* by cgroup id, as hc_cgroup_any has it: a set of raises */

/* What has been found out for a cgroup and its ancestors, which never change: good while the number is. */
struct hc_raise_known {
	u32 gen, raises;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct hc_raise_known);
} hc_raise_cache SEC(".maps"); /* by cgroup id */

static __always_inline u32 hc_raises_of_cgroup(struct task_struct *task)
{
	struct cgroup *cgrp = hc_cgroup_ptr(task);
	u64 id = BPF_CORE_READ(cgrp, kn, id);
	struct hc_raise_known now = { .gen = hc_dials.raise_gen }, *known;

	known = bpf_map_lookup_elem(&hc_raise_cache, &id);
	if (known && known->gen == now.gen)
		return known->raises;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < HC_RAISE_LEVELS; i++) {
		struct cgroup_subsys_state *parent;
		u64 at = BPF_CORE_READ(cgrp, kn, id);
		u32 *raises = bpf_map_lookup_elem(&hc_raised_groups, &at);

		if (raises)
			now.raises |= *raises;
		parent = hc_pr(cgrp, self.parent);
		if (!parent)
			goto found;
		cgrp = hc_pr(parent, cgroup);
	}
	now.raises |= hc_dials.raise_cgroups; /* so deep that it cannot be told: better too much */
found:
	bpf_map_update_elem(&hc_raise_cache, &id, &now, BPF_ANY);
	return now.raises;
}

/* The raises whose scope a task is in. */
static __always_inline u32 hc_raises_of(struct task_struct *task, u32 tgid)
{
	u32 raises = 0, *found;

	if (hc_dials.raise_pids) {
		found = bpf_map_lookup_elem(&hc_raised_pids, &tgid);
		if (found)
			raises = *found;
	}
	if (hc_dials.raise_cgroups)
		raises |= hc_raises_of_cgroup(task);
	return raises & hc_dials.raising; /* a scope outlives its raise for a moment */
}

static __always_inline u32 hc_raise_detail(u32 raises)
{
	if (!raises)
		return 0;
	return raises & hc_dials.raise_to[3]   ? 3
	       : raises & hc_dials.raise_to[2] ? 2
	       : raises & hc_dials.raise_to[1] ? 1
	                                       : 0;
}

/* The most payload bytes that one of them keeps. */
static __always_inline u32 hc_raise_snap(u32 raises)
{
	u32 most = 0;

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < HC_N_RAISES; i++) {
		u32 snap = hc_dials.raise_snap[i];

		if (raises >> i & 1 && snap > most)
			most = snap;
	}
	return most & HC_MAX_SNAPLEN;
}

/* The detail that a task has; for events that are no calls. */
static __always_inline u32 hc_detail_of(struct task_struct *task, u32 tgid)
{
	return hc_dials.raising ? hc_raise_detail(hc_raises_of(task, tgid)) : 0;
}

/* ---- scopes of processes grow ---- */

static __always_inline void hc_raise_add(u32 tgid, u32 raises)
{
	if (bpf_map_update_elem(&hc_raised_pids, &tgid, &raises, BPF_ANY))
		__sync_fetch_and_add(&hc_dials.raise_missed, 1);
}

static __always_inline void hc_raise_fork(struct task_struct *child)
{
	u32 tgid, mine, *raises;

	if (!hc_dials.raise_pids)
		return;
	tgid = hc_pr(child, tgid);
	mine = bpf_get_current_pid_tgid() >> 32;
	if (tgid == mine)
		return; /* a thread */
	raises = bpf_map_lookup_elem(&hc_raised_pids, &mine);
	if (raises && *raises & hc_dials.raise_pids)
		hc_raise_add(tgid, *raises & hc_dials.raise_pids);
}

static __always_inline void hc_raise_exit(struct task_struct *task)
{
	u32 tgid;

	if (!hc_dials.raise_pids || hc_pr(hc_pr(task, signal), live.counter))
		return;
	tgid = hc_pr(task, tgid);
	bpf_map_delete_elem(&hc_raised_pids, &tgid);
}

/* Adds the living children of those in a scope. Once a run adds nobody, all descendants are there: one that is
 * born meanwhile is added by its birth, when its parent is in, or seen by the next run. */
SEC("iter/task")
int hc_raise_tree(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	u32 tgid, parent, raises, *of_parent, *own;

	if (!task)
		return 0;
	tgid = hc_pr(task, tgid);
	if ((u32)hc_pr(task, pid) != tgid)
		return 0;
	parent = BPF_CORE_READ(task, real_parent, tgid);
	of_parent = bpf_map_lookup_elem(&hc_raised_pids, &parent);
	if (!of_parent || tgid == parent)
		return 0;
	raises = *of_parent & hc_dials.raise_pids;
	own = bpf_map_lookup_elem(&hc_raised_pids, &tgid);
	if (own)
		raises |= *own;
	if (!raises || (own && *own == raises))
		return 0;
	hc_raise_add(tgid, raises);
	hc_dials.raise_grown++;
	return 0;
}

#endif
