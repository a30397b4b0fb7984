/* bpf/walk.bpf.h: the path of an open file, from its dentry to the task's root, components leaf first.
 *
 * Loads where pointers can be cast. Else one probe read per component: {d_hash.pprev, d_parent, d_name, d_inode,
 * the short name} lie side by side from 5.8 to 6.18; that is checked at load time against the kernel's BTF, and
 * single reads are the fallback. The write position lives in memory, not in a register, so that the verifier finds
 * every turn of the loop equal to the one before. */
#ifndef HC_BPF_WALK_H
#define HC_BPF_WALK_H

#include "obj.bpf.h"

#define HC_WALK_STEPS 24 /* components and mounts per run; a deeper path goes on in another run */
#define HC_WALK_BYTES (HC_WIRE_PATH_BYTES - 256 - 8)

struct hc_chunk {
	u64 pprev;
	u64 parent;
	u64 hash_len;
	u64 name;
	u64 inode;
	u64 iname[5];
};

#define hc_dentry_packed                                                                                        \
	(bpf_core_field_offset(struct dentry, d_parent) == bpf_core_field_offset(struct dentry, d_hash) + 16 && \
	 bpf_core_field_offset(struct dentry, d_name) == bpf_core_field_offset(struct dentry, d_hash) + 24 &&   \
	 bpf_core_field_offset(struct dentry, d_inode) == bpf_core_field_offset(struct dentry, d_hash) + 40)

/* Where a short name lies inside the dentry. */
static __always_inline u32 hc_iname_offset(void)
{
	if (bpf_core_field_exists(struct dentry___short, d_shortname))
		return bpf_core_field_offset(struct dentry___short, d_shortname);
	if (bpf_core_field_exists(struct dentry___iname, d_iname))
		return bpf_core_field_offset(struct dentry___iname, d_iname);
	return 0;
}

/* Begins walk number i_walk: the state lies in s->w, where the verifier knows nothing about it. */
static __always_inline bool hc_walk_begin(struct hc_scratch *s, struct task_struct *task)
{
	struct hc_wire_fact *f = hc_fact(s);
	struct hc_wire_path *w;
	struct hc_walk *walk;
	struct nsproxy *proxy;
	struct fs_struct *fs;
	u64 i = s->i_walk;

	if (!f)
		return false;
	hc_mask(i, HC_N_WALKS - 1);
	walk = &s->walk[i];
	w = (struct hc_wire_path *)(f + 1);
	proxy = hc_rd(task, nsproxy);
	w->mnt_ns = hc_rd(hc_rd(proxy, mnt_ns), ns.inum);
	s->w.d = walk->dentry;
	s->w.m = walk->vfsmnt;
	s->w.mnt_root = hc_word_of(vfsmount, walk->vfsmnt, mnt_root);
	s->w.root_d = 0;
	s->w.root_m = 0;
	if (!walk->absolute) {
		fs = hc_rd(task, fs);
		s->w.root_d = (u64)hc_rd(fs, root.dentry);
		s->w.root_m = (u64)hc_rd(fs, root.mnt);
	}
	s->w.begin = s->off;
	s->w.n = 0;
	s->w.n_fs = 0;
	s->w.crossed = 0;
	s->w.flags = HC_WIRE_PATH_CUT;
	s->off += sizeof(*f) + sizeof(*w);
	return true;
}

/* What a step needs of the dentry `d`; false when it cannot be read. The short name is there when `c` is whole. */
static __always_inline bool hc_dentry_read(struct hc_chunk *c, u64 d, const bool packed)
{
	struct dentry *e = (struct dentry *)d;

	if (hc_conf.cast) {
		u64 name = d + hc_iname_offset();

		c->pprev = hc_word_of(dentry, d, d_hash.pprev);
		c->parent = hc_word_of(dentry, d, d_parent);
		c->hash_len = hc_word_of(dentry, d, d_name.hash_len);
		c->name = hc_word_of(dentry, d, d_name.name);
		c->iname[0] = hc_word(name);
		c->iname[1] = hc_word(name + 8);
		c->iname[2] = hc_word(name + 16);
		c->iname[3] = hc_word(name + 24);
		return c->parent;
	}
	if (packed)
		return !bpf_probe_read_kernel(c, sizeof(*c),
		                              (void *)(d + bpf_core_field_offset(struct dentry, d_hash) + 8));
	c->pprev = (u64)hc_pr(e, d_hash.pprev);
	c->parent = (u64)hc_pr(e, d_parent);
	c->hash_len = hc_pr(e, d_name.hash_len);
	c->name = (u64)hc_pr(e, d_name.name);
	return true;
}

/* Walks on; true when the path is complete, or as long as it may get. */
static __always_inline bool hc_walk_steps(struct hc_scratch *s)
{
	const bool packed =
		hc_dentry_packed && hc_iname_offset() == bpf_core_field_offset(struct dentry, d_inode) + 8;
	struct hc_chunk *c = (struct hc_chunk *)s->name;

#pragma clang loop unroll(disable)
	for (u32 step = 0; step < HC_WALK_STEPS; step++) {
		u64 d = s->w.d, m = s->w.m, off, len;

		if (d == s->w.root_d && m == s->w.root_m) {
			s->w.flags &= ~HC_WIRE_PATH_CUT;
			return true;
		}
		if (d == s->w.mnt_root) {
			u64 mount = m - bpf_core_field_offset(struct mount, mnt);
			u64 parent = hc_word_of(mount, mount, mnt_parent);

			if (parent == mount || !parent) {
				s->w.flags &= ~HC_WIRE_PATH_CUT;
				if (s->w.root_d)
					s->w.flags |= HC_WIRE_PATH_OUTSIDE;
				if (!hc_pr((struct mount *)mount, mnt_ns))
					s->w.flags |= HC_WIRE_PATH_DETACHED;
				return true;
			}
			if (!s->w.crossed)
				s->w.n_fs = s->w.n;
			s->w.crossed = 1;
			s->w.d = hc_word_of(mount, mount, mnt_mountpoint);
			s->w.m = parent + bpf_core_field_offset(struct mount, mnt);
			s->w.mnt_root = hc_word_of(vfsmount, s->w.m, mnt_root);
			continue;
		}
		if (!hc_dentry_read(c, d, packed)) {
			s->w.flags |= HC_WIRE_PATH_FAULT;
			return true;
		}
		if (c->parent == d) {
			/* no place in any tree: memfd, pipe, socket, anonymous inode; what there is, is a name */
			s->w.flags &= ~HC_WIRE_PATH_CUT;
			s->w.flags |= HC_WIRE_PATH_NAME;
		} else if (!s->w.n && !c->pprev) {
			s->w.flags |= HC_WIRE_PATH_DELETED;
		}
		off = s->off;
		if (off - s->w.begin > HC_WALK_BYTES)
			return true;
		hc_mask(off, HC_WIRE_MAX_BYTES - 1);
		len = c->hash_len >> 32;
		if ((packed || hc_conf.cast) && len < 32 && c->name == d + hc_iname_offset()) {
			u64 *to = (u64 *)(s->data + off);

			to[0] = c->iname[0];
			to[1] = c->iname[1];
			to[2] = c->iname[2];
			to[3] = c->iname[3];
			s->data[off + len] = 0;
			s->off += len + 1;
		} else {
			long got = bpf_probe_read_kernel_str(s->data + off, 256, (void *)c->name);

			if (got <= 0) {
				s->w.flags |= HC_WIRE_PATH_FAULT;
				return true;
			}
			s->off += got;
		}
		s->w.n++;
		if (s->w.flags & HC_WIRE_PATH_NAME)
			return true;
		s->w.d = c->parent;
	}
	return false;
}

static __always_inline void hc_walk_end(struct hc_scratch *s)
{
	u64 begin = s->w.begin, i = s->i_walk;
	struct hc_wire_fact *f;
	struct hc_wire_path *w;
	u32 bytes;

	hc_mask(begin, HC_WIRE_MAX_BYTES - 1);
	hc_mask(i, HC_N_WALKS - 1);
	f = (struct hc_wire_fact *)(s->data + begin);
	w = (struct hc_wire_path *)(f + 1);
	w->flags = s->w.flags;
	w->n_comps = s->w.n;
	w->n_fs_comps = s->w.crossed ? s->w.n_fs : s->w.n;
	w->reserved[0] = 0;
	w->reserved[1] = 0;
	w->reserved[2] = 0;
	bytes = s->off - begin - sizeof(*f);
	s->off = begin;
	hc_fact_end(s, f, HC_WIRE_F_PATH, s->w.flags & HC_WIRE_PATH_CUT ? HC_WIRE_FF_TRUNC : 0, s->walk[i].subject,
	            bytes);
}

/* One run of a finishing program: goes on with the walks; true when another run is needed. */
static __always_inline bool hc_walk_run(struct hc_scratch *s, struct task_struct *task)
{
	if (s->i_walk >= s->n_walks)
		return false;
	if (!s->walking) {
		if (!hc_walk_begin(s, task)) {
			s->i_walk = s->n_walks; /* no room */
			return false;
		}
		s->walking = 1;
	}
	if (hc_walk_steps(s)) {
		hc_walk_end(s);
		s->walking = 0;
		s->i_walk++;
	}
	return s->i_walk < s->n_walks;
}

/* The last run has been refused (there are at most 33 tail calls): what was walked so far is kept, marked as cut.
 */
static __always_inline void hc_walk_stop(struct hc_scratch *s)
{
	if (s->walking)
		hc_walk_end(s);
	s->walking = 0;
}

#endif
