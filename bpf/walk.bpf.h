/* bpf/walk.bpf.h: the path of an open file, from its dentry to the task's root, components leaf first.
 *
 * One probe read per component: {d_hash.pprev, d_parent, d_name, d_inode, the short name} lie side by side from 5.8 to
 * 6.18; that is checked at load time against the kernel's BTF, and single reads are the fallback. The write position
 * lives in memory, not in a register, so that the verifier finds every turn of the loop equal to the one before. */
#ifndef HC_BPF_WALK_H
#define HC_BPF_WALK_H

#include "obj.bpf.h"

#define HC_WALK_STEPS 160
#define HC_WALK_BYTES (HC_WIRE_PATH_BYTES - 256 - 8)

struct hc_chunk {
	u64 pprev;
	u64 parent;
	u64 hash_len;
	u64 name;
	u64 inode;
	u64 iname[5];
};

#define hc_dentry_packed \
	(bpf_core_field_offset(struct dentry, d_parent) == bpf_core_field_offset(struct dentry, d_hash) + 16 && \
	 bpf_core_field_offset(struct dentry, d_name) == bpf_core_field_offset(struct dentry, d_hash) + 24 && \
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

static __always_inline void hc_walk(struct hc_scratch *s, struct task_struct *task, const struct hc_walk *walk)
{
	struct hc_wire_fact *f = hc_fact(s);
	struct hc_chunk *c = (struct hc_chunk *)s->name;
	struct hc_wire_path *w;
	u64 d = walk->dentry, m = walk->vfsmnt; /* m: struct vfsmount */
	u64 root_d = 0, root_m = 0, mnt_root = 0;
	u32 begin = s->off, bytes;
	struct nsproxy *proxy;
	struct fs_struct *fs;

	if (!f)
		return;
	w = (struct hc_wire_path *)(f + 1);
	proxy = hc_rd(task, nsproxy);
	w->mnt_ns = hc_rd(hc_rd(proxy, mnt_ns), ns.inum);
	if (!walk->absolute) {
		fs = hc_rd(task, fs);
		root_d = (u64)hc_rd(fs, root.dentry);
		root_m = (u64)hc_rd(fs, root.mnt);
	}
	s->off += sizeof(*f) + sizeof(*w);
	s->w.n = 0;
	s->w.n_fs = 0;
	s->w.crossed = 0;
	s->w.flags = HC_WIRE_PATH_CUT;
	mnt_root = (u64)hc_pr((struct vfsmount *)m, mnt_root);
#pragma clang loop unroll(disable)
	for (u32 step = 0; step < HC_WALK_STEPS; step++) {
		u64 off, len;

		if (d == root_d && m == root_m) {
			s->w.flags &= ~HC_WIRE_PATH_CUT;
			break;
		}
		if (d == mnt_root) {
			u64 mount = m - bpf_core_field_offset(struct mount, mnt);
			u64 up = (u64)hc_pr((struct mount *)mount, mnt_parent);

			if (up == mount || !up) {
				s->w.flags &= ~HC_WIRE_PATH_CUT;
				if (root_d)
					s->w.flags |= HC_WIRE_PATH_OUTSIDE;
				if (!hc_pr((struct mount *)mount, mnt_ns))
					s->w.flags |= HC_WIRE_PATH_DETACHED;
				break;
			}
			d = (u64)hc_pr((struct mount *)mount, mnt_mountpoint);
			m = up + bpf_core_field_offset(struct mount, mnt);
			mnt_root = (u64)hc_pr((struct vfsmount *)m, mnt_root);
			if (!s->w.crossed)
				s->w.n_fs = s->w.n;
			s->w.crossed = 1;
			continue;
		}
		if (hc_dentry_packed && hc_iname_offset() == bpf_core_field_offset(struct dentry, d_inode) + 8) {
			if (bpf_probe_read_kernel(c, sizeof(*c), (void *)(d + bpf_core_field_offset(struct dentry, d_hash) + 8))) {
				s->w.flags |= HC_WIRE_PATH_FAULT;
				break;
			}
		} else {
			struct dentry *e = (struct dentry *)d;

			c->pprev = (u64)hc_pr(e, d_hash.pprev);
			c->parent = (u64)hc_pr(e, d_parent);
			c->hash_len = hc_pr(e, d_name.hash_len);
			c->name = (u64)hc_pr(e, d_name.name);
		}
		if (c->parent == d) {
			/* no place in any tree: memfd, pipe, socket, anonymous inode; what there is, is a name */
			s->w.flags &= ~HC_WIRE_PATH_CUT;
			s->w.flags |= HC_WIRE_PATH_NAME;
		} else if (!s->w.n && !c->pprev) {
			s->w.flags |= HC_WIRE_PATH_DELETED;
		}
		off = s->off;
		if (off - begin > HC_WALK_BYTES)
			break;
		hc_mask(off, HC_WIRE_MAX_BYTES - 1);
		len = c->hash_len >> 32;
		if (hc_dentry_packed && hc_iname_offset() == bpf_core_field_offset(struct dentry, d_inode) + 8 &&
		    c->name == d + hc_iname_offset() && len < 32) {
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
				break;
			}
			s->off += got;
		}
		s->w.n++;
		if (s->w.flags & HC_WIRE_PATH_NAME)
			break;
		d = c->parent;
	}
	w->flags = s->w.flags;
	w->n_comps = s->w.n;
	w->n_fs_comps = s->w.crossed ? s->w.n_fs : s->w.n;
	w->reserved[0] = 0;
	w->reserved[1] = 0;
	w->reserved[2] = 0;
	bytes = s->off - begin - sizeof(*f);
	s->off = begin;
	hc_fact_end(s, f, HC_WIRE_F_PATH, s->w.flags & HC_WIRE_PATH_CUT ? HC_WIRE_FF_TRUNC : 0, walk->subject, bytes);
}

#endif
