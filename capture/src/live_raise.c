/* Raises: which bit of the programs' sets is whose, and the maps that say who is in a scope. */
#include "live_priv.h"
#include "store/base/clock.h"

#include <errno.h>

#if HC_HAVE_BPF /* else: live_none.c */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#define SETTLE_NS UINT64_C(1000000000) /* longer than any program runs: what was begun under a raise is over */
#define MAX_ROUNDS 64                  /* generations that may be born while a tree is walked */

static const struct hc_live_raise *with_id(const struct hc_live_raise *v, size_t n, uint64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].id == id && v[i].scope != HC_LIVE_HOST)
			return &v[i];
	return NULL;
}

static int slot_of(const struct hc_raises *r, uint64_t id)
{
	for (int i = 0; i < HC_N_RAISES; i++)
		if (r->slot[i].state == RAISE_USED && r->slot[i].id == id)
			return i;
	return -1;
}

/* Processes keep the bits of raises that have ended, and their children get none: after a while all bits in the
 * map can be taken back, and given to others. */
void hc_raises_settle(struct hc_raises *r)
{
	uint32_t gone = 0, key, next, set;
	uint64_t now = hc_clock_ns(CLOCK_BOOTTIME);
	bool more;

	for (unsigned i = 0; i < HC_N_RAISES; i++)
		if (r->slot[i].state == RAISE_ENDED && now - r->slot[i].ended_ns >= SETTLE_NS)
			gone |= 1u << i;
	if (!gone)
		return;
	/* the next one is asked for before the key goes, and its place with it */
	for (more = bpf_map_get_next_key(r->pids_fd, NULL, &next) == 0; more;) {
		key = next;
		more = bpf_map_get_next_key(r->pids_fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(r->pids_fd, &key, &set) || !(set & gone))
			continue;
		set &= ~gone;
		/* one that ends meanwhile must not come back: its number may be another's soon */
		if (set)
			(void)bpf_map_update_elem(r->pids_fd, &key, &set, BPF_EXIST);
		else
			(void)bpf_map_delete_elem(r->pids_fd, &key);
	}
	for (unsigned i = 0; i < HC_N_RAISES; i++)
		if (gone >> i & 1)
			r->slot[i].state = RAISE_FREE;
}

int hc_raises_plan(struct hc_raises *r, const struct hc_live_raise *v, size_t n)
{
	struct hc_raises next;

	hc_raises_settle(r);
	next = *r;
	next.host_detail = next.host_snaplen = 0;
	for (unsigned i = 0; i < HC_N_RAISES; i++) {
		struct hc_raise_slot *s = &next.slot[i];

		if (s->state == RAISE_USED && !with_id(v, n, s->id)) {
			s->state = RAISE_ENDED;
			s->ended_ns = hc_clock_ns(CLOCK_BOOTTIME);
		}
	}
	for (size_t k = 0; k < n; k++) {
		int at = 0;

		if (v[k].scope == HC_LIVE_HOST) {
			next.host_detail = v[k].detail > next.host_detail ? v[k].detail : next.host_detail;
			next.host_snaplen = v[k].snaplen > next.host_snaplen ? v[k].snaplen : next.host_snaplen;
			continue;
		}
		if (slot_of(&next, v[k].id) >= 0)
			continue;
		while (at < HC_N_RAISES && next.slot[at].state != RAISE_FREE)
			at++;
		if (at == HC_N_RAISES)
			return -E2BIG;
		next.slot[at] = (struct hc_raise_slot){ .state = RAISE_USED,
			                                .is_new = true,
			                                .id = v[k].id,
			                                .scope = v[k].scope,
			                                .detail = v[k].detail,
			                                .snaplen = v[k].snaplen };
	}
	*r = next;
	return 0;
}

unsigned hc_raises_details(const struct hc_raises *r)
{
	unsigned details = 0;

	for (unsigned i = 0; i < HC_N_RAISES; i++)
		if (r->slot[i].state == RAISE_USED)
			details |= 1u << r->slot[i].detail;
	return details;
}

void hc_raises_put(const struct hc_raises *r, struct hc_dials *dials)
{
	uint32_t raising = 0, pids = 0, cgroups = 0, to[HC_N_DETAILS] = { 0 };

	for (unsigned i = 0; i < HC_N_RAISES; i++) {
		const struct hc_raise_slot *s = &r->slot[i];
		uint32_t snaplen = s->snaplen < HC_MAX_SNAPLEN ? s->snaplen : HC_MAX_SNAPLEN;

		if (s->state != RAISE_USED)
			continue;
		dials->raise_snap[i] = (uint16_t)snaplen;
		raising |= 1u << i;
		*(s->scope == HC_LIVE_PID ? &pids : &cgroups) |= 1u << i;
		for (unsigned detail = 1; detail <= s->detail; detail++)
			to[detail] |= 1u << i;
	}
	memcpy(dials->raise_to, to, sizeof(dials->raise_to));
	dials->raise_pids = pids;
	dials->raise_cgroups = cgroups;
	__atomic_store_n(&dials->raising, raising, __ATOMIC_RELEASE);
}

/* ---- the maps ---- */

static int fill_cgroups(struct hc_raises *r, struct hc_dials *dials, const struct hc_live_raise *v, size_t n)
{
	struct group {
		uint64_t id;
		uint32_t set;
	} *groups = NULL;
	size_t n_groups = 0, room = 1;
	uint64_t key, next;
	int code = 0;
	bool more;

	for (size_t k = 0; k < n; k++)
		room += v[k].scope == HC_LIVE_CGROUP ? v[k].n_cgroups : 0;
	groups = calloc(room, sizeof(*groups));
	if (!groups)
		return -ENOMEM;
	for (size_t k = 0; k < n; k++) {
		for (size_t c = 0; v[k].scope == HC_LIVE_CGROUP && c < v[k].n_cgroups; c++) {
			size_t at = 0;

			while (at < n_groups && groups[at].id != v[k].cgroups[c])
				at++;
			n_groups += at == n_groups;
			groups[at].id = v[k].cgroups[c];
			groups[at].set |= 1u << slot_of(r, v[k].id);
		}
	}
	for (size_t i = 0; i < n_groups && code == 0; i++)
		code = bpf_map_update_elem(r->groups_fd, &groups[i].id, &groups[i].set, BPF_ANY);
	for (more = bpf_map_get_next_key(r->groups_fd, NULL, &next) == 0; more;) {
		size_t at = 0;

		key = next;
		more = bpf_map_get_next_key(r->groups_fd, &key, &next) == 0;
		while (at < n_groups && groups[at].id != key)
			at++;
		if (at == n_groups)
			(void)bpf_map_delete_elem(r->groups_fd, &key);
	}
	free(groups);
	/* after the map: what was found out under the old number is asked again */
	__atomic_fetch_add(&dials->raise_gen, 1, __ATOMIC_RELEASE);
	return code == -E2BIG ? -ENOSPC : code;
}

static int add_pid(struct hc_raises *r, uint32_t tgid, uint32_t bit)
{
	uint32_t set = 0;

	(void)bpf_map_lookup_elem(r->pids_fd, &tgid, &set);
	set |= bit;
	return bpf_map_update_elem(r->pids_fd, &tgid, &set, BPF_ANY);
}

static int walk_tree(struct hc_raises *r, struct hc_dials *dials)
{
	for (unsigned round = 0; round < MAX_ROUNDS; round++) {
		int fd = bpf_iter_create(r->tree_fd);
		char byte;

		if (fd < 0)
			return fd;
		dials->raise_grown = 0;
		while (read(fd, &byte, 1) > 0)
			;
		close(fd);
		if (!dials->raise_grown)
			break;
	}
	return 0;
}

int hc_raises_fill(struct hc_raises *r, struct hc_dials *dials, const struct hc_live_raise *v, size_t n)
{
	int code = fill_cgroups(r, dials, v, n);
	bool any = false;

	for (unsigned i = 0; i < HC_N_RAISES && code == 0; i++) {
		const struct hc_live_raise *raise;

		if (r->slot[i].state != RAISE_USED || !r->slot[i].is_new)
			continue;
		r->slot[i].is_new = false;
		raise = r->slot[i].scope == HC_LIVE_PID ? with_id(v, n, r->slot[i].id) : NULL;
		for (size_t k = 0; raise && k < raise->n_pids && code == 0; k++, any = true)
			code = add_pid(r, raise->pids[k], 1u << i);
	}
	if (code == -E2BIG)
		code = -ENOSPC;
	return code == 0 && any ? walk_tree(r, dials) : code;
}

uint32_t hc_raises_count(const struct hc_raises *r, uint64_t id)
{
	uint32_t key, next, set, n = 0, *prev = NULL;
	int at = slot_of(r, id);

	if (at < 0)
		return 0;
	for (unsigned turn = 0; turn < 2 * HC_RAISE_MAX_PIDS; turn++) { /* it changes while it is read */
		if (bpf_map_get_next_key(r->pids_fd, prev, &next))
			break;
		key = next;
		prev = &key;
		n += bpf_map_lookup_elem(r->pids_fd, &key, &set) == 0 && set >> at & 1;
	}
	return n;
}

#endif /* HC_HAVE_BPF */
