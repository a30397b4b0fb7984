/* bpf/told.bpf.h: files that the reader is about to be told of anyway. On a busy server one file is opened
 * thousands of times a second; FILE and PATH facts of each open are then a copy of what still waits in the same
 * ring, and the row refers to it (HC_WIRE_FD_SAME) instead.
 *
 * Each CPU has a few places. A place holds what identifies a file as a record of this CPU told of it: everything
 * that its FILE and PATH facts come from, up to the root. The record is named by the ring's position before it: as
 * long as the reader's position is not beyond that, whoever reads the reference will have read the facts. Should
 * it be killed between the two, the next one finds them beside the rings (capture/src/told.h). So nothing has to
 * be forgotten when a reader goes, and a slow system tells everything every time. */
#ifndef HC_BPF_TOLD_H
#define HC_BPF_TOLD_H

#include "walk.bpf.h"

struct hc_told_at {
	u64 tag; /* 0: free */
	u64 pos; /* of the ring, before the record */
};

struct hc_told {
	struct hc_told_at at[HC_WIRE_N_TOLD];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct hc_told);
} hc_told_map SEC(".maps"); /* by CPU */

static __always_inline u64 hc_told_mix(u64 h, u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 29;
}

/* A tag of the path of `d` under `m`: every dentry on it, with the hash and length of its name, every mount, and
 * whether the file has been unlinked. 0: it has no path, or too long a one. */
static __always_inline u64 hc_told_path(struct task_struct *task, u64 d, u64 m)
{
	struct fs_struct *fs = hc_rd(task, fs);
	struct nsproxy *proxy = hc_rd(task, nsproxy);
	u64 root_d = (u64)hc_rd(fs, root.dentry), root_m = (u64)hc_rd(fs, root.mnt);
	u64 mnt_root = hc_word_of(vfsmount, m, mnt_root);
	u64 h = hc_told_mix(hc_rd(hc_rd(proxy, mnt_ns), ns.inum), !hc_word_of(dentry, d, d_hash.pprev));

#pragma clang loop unroll(disable)
	for (u32 step = 0; step < HC_WALK_STEPS; step++) {
		u64 parent;

		h = hc_told_mix(h, d);
		if (d == root_d && m == root_m)
			return h | 1;
		if (d == mnt_root) {
			u64 mount = m - bpf_core_field_offset(struct mount, mnt);

			h = hc_told_mix(h, m);
			parent = hc_word_of(mount, mount, mnt_parent);
			if (parent == mount || !parent)
				return 0; /* outside the root, or detached */
			d = hc_word_of(mount, mount, mnt_mountpoint);
			m = parent + bpf_core_field_offset(struct mount, mnt);
			mnt_root = hc_word_of(vfsmount, m, mnt_root);
			continue;
		}
		parent = hc_word_of(dentry, d, d_parent);
		if (parent == d)
			return 0;
		h = hc_told_mix(h, hc_word_of(dentry, d, d_name.hash_len));
		d = parent;
	}
	return 0;
}

/* A tag of all that FILE and PATH facts say of a regular file or a directory; 0: always tell. */
static __always_inline u64 hc_told_tag(struct task_struct *task, struct hc_fileinfo *i)
{
	struct super_block *sb = hc_cast(super_block, i->sb);
	struct mount *m = hc_cast(mount, i->vfsmnt - bpf_core_field_offset(struct mount, mnt));
	struct inode *inode = hc_cast(inode, i->inode);
	struct hc_wire_file times = {};
	u64 h;

	if (!hc_conf.cast || ((i->mode & S_IFMT) != S_IFREG && (i->mode & S_IFMT) != S_IFDIR))
		return 0;
	h = hc_told_path(task, i->dentry, i->vfsmnt);
	if (!h)
		return 0;
	hc_file_times(NULL, i, &times); /* needs no scratch where pointers can be cast */
	hc_file_super(i);
	h = hc_told_mix(h, i->inode);
	h = hc_told_mix(h, i->ino);
	h = hc_told_mix(h, (u64)hc_ld(inode, i_generation) << 32 | i->dev);
	h = hc_told_mix(h, hc_ld(inode, i_size));
	h = hc_told_mix(h, times.ctime_ns);
	h = hc_told_mix(h, times.mtime_ns);
	h = hc_told_mix(h, (u64)i->mode << 32 | hc_ld(inode, i_nlink));
	h = hc_told_mix(h, (u64)hc_ld(inode, i_uid.val) << 32 | hc_ld(inode, i_gid.val));
	h = hc_told_mix(h, (u64)(u32)hc_ld(m, mnt.mnt_flags) << 32 | (u32)hc_ld(m, mnt_id));
	h = hc_told_mix(h, hc_ld(sb, s_flags) << 8 | hc_layer(i->inode, i->magic));
	return h | 1;
}

/* What was opened: HC_OBJ_SAME if it has been told of by a record that still waits, else HC_OBJ_NEW. */
struct hc_told_found {
	u64 tag;   /* 0: always tell */
	u32 place; /* from 1; 0: no place */
	u32 how;
};

static __always_inline void hc_told_find(struct task_struct *task, u32 cpu, u8 lane, struct hc_fileinfo *i,
                                         struct hc_told_found *ret)
{
	struct hc_told *told = bpf_map_lookup_elem(&hc_told_map, &cpu);
	u64 tag = told ? hc_told_tag(task, i) : 0, idx = tag >> 32;
	void *ring;

	ret->tag = 0;
	ret->place = 0;
	ret->how = HC_OBJ_NEW;
	if (!tag)
		return;
	hc_mask(idx, HC_WIRE_N_TOLD - 1);
	tag ^= lane; /* another lane is another ring */
	ret->tag = tag;
	ret->place = idx + 1;
	if (told->at[idx].tag != tag)
		return;
	ring = hc_ring_of(cpu, lane);
	if (ring && (s64)(told->at[idx].pos - bpf_ringbuf_query(ring, BPF_RB_CONS_POS)) >= 0)
		ret->how = HC_OBJ_SAME;
}

/* The scratch record refers to what was found, or will be what others refer to. */
static __always_inline void hc_told_by(struct hc_scratch *s, const struct hc_told_found *found)
{
	s->told_place = found->place;
	if (found->how == HC_OBJ_NEW)
		s->told = found->tag;
}

/* hc_output of a record that may tell of a file. */
static __always_inline void hc_told_output(struct hc_scratch *s, u32 cpu)
{
	struct hc_told *told;
	u64 pos = 0, idx;
	void *ring;

	if (s->told) {
		ring = hc_ring_of(cpu, s->desc.lane);
		if (ring)
			pos = bpf_ringbuf_query(ring, BPF_RB_PROD_POS);
	}
	if (!hc_output(s, cpu) || !s->told || s->off > HC_WIRE_TOLD_BYTES)
		return;
	told = bpf_map_lookup_elem(&hc_told_map, &cpu);
	if (!told)
		return;
	idx = s->told_place - 1;
	hc_mask(idx, HC_WIRE_N_TOLD - 1);
	told->at[idx].tag = s->told;
	told->at[idx].pos = pos;
}

#endif
