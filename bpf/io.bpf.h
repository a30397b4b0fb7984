/* bpf/io.bpf.h: reads, writes, mappings. */
#ifndef HC_BPF_IO_H
#define HC_BPF_IO_H

#include "sys.bpf.h"

#define HC_MAX_IOV_SUM 64 /* vectors whose lengths are added up */
#define HC_MAX_IOV_COPY 7 /* vectors of which bytes are kept */
#define HC_MAGIC_BYTES 32
#define HC_P53_BYTES 512

#define PROT_EXEC 4
#define MAP_SHARED_OR_PRIVATE 3
#define MAP_ANONYMOUS 0x20

/* Vector `i` of a user's iovec array, of either width. */
static __always_inline void hc_iov_at(struct hc_scratch *s, u64 iov, u64 i, u64 *base, u64 *len)
{
	if (s->compat) {
		u32 v[2] = {};

		bpf_probe_read_user(v, sizeof(v), (void *)(iov + 8 * i));
		*base = v[0];
		*len = v[1];
	} else {
		u64 v[2] = {};

		bpf_probe_read_user(v, sizeof(v), (void *)(iov + 16 * i));
		*base = v[0];
		*len = v[1];
	}
}

/* Sum of the lengths; HC_WIRE_ABSENT when there are too many to look at. */
static __always_inline u64 hc_iov_sum(struct hc_scratch *s, u64 iov, u64 n)
{
	s->g.value = 0;
	if (n > HC_MAX_IOV_SUM)
		return HC_WIRE_ABSENT;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < HC_MAX_IOV_SUM; i++) {
		u64 base, len;

		if (i >= n)
			break;
		hc_iov_at(s, iov, i, &base, &len);
		s->g.value += len;
	}
	return s->g.value;
}

/* The first `want` bytes (below 4096) behind a vector array, as a BYTES fact. */
static __always_inline void hc_iov_bytes(struct hc_scratch *s, u16 subject, u64 iov, u64 n, u64 total, u64 offset,
                                         u32 want)
{
	struct hc_wire_fact *f = hc_fact(s);
	struct hc_wire_bytes *b;
	u8 flags = HC_WIRE_FF_USER;

	if (!f)
		return;
	b = (struct hc_wire_bytes *)(f + 1);
	b->total = total;
	b->offset = offset;
	if (want > total)
		want = total;
	s->g.value = want; /* bytes wanted */
	s->g.how = 0;      /* bytes there */
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < HC_MAX_IOV_COPY; i++) {
		u64 base, len, have = s->g.how, left = s->g.value - have;

		if (i >= n || !left || left > 4095)
			break;
		hc_iov_at(s, iov, i, &base, &len);
		if (len > left)
			len = left;
		hc_mask(len, 4095);
		hc_mask(have, 4095);
		if (len && bpf_probe_read_user((u8 *)(b + 1) + have, len, (void *)base)) {
			flags |= HC_WIRE_FF_FAULT;
			break;
		}
		s->g.how = have + len;
	}
	if (s->g.how < total)
		flags |= HC_WIRE_FF_TRUNC;
	hc_fact_end(s, f, HC_WIRE_F_BYTES, flags & ~HC_WIRE_FF_TRUNC, subject, sizeof(*b) + (s->g.how & 4095));
	f->flags = flags;
}

/* ---- read, write and their variants: fd, count | iovcnt, size; pos, [flags], data ---- */

SEC("tp_btf/sys_exit")
int BPF_PROG(hc_sys_rw, struct pt_regs *regs, long ret)
{
	struct task_struct *task = hc_current();
	u32 cpu = bpf_get_smp_processor_id(), want, data_slot;
	struct hc_scratch *s = hc_call(cpu, task, regs, ret);
	struct hc_fileinfo info;
	u64 *slot, pos, file;
	u16 mode;
	bool wanted;

	if (!s)
		return 0;
	mode = hc_mode(s);
	want = hc_snap(s);
	pos = HC_WIRE_ABSENT;
	if (s->desc.special & HC_RW_POS) {
		pos = s->arg[3];
		if (s->compat)
			pos = (u32)pos | s->arg[4] << 32;
		if ((s64)pos == -1 && s->desc.special & HC_RW_FLAGS)
			pos = HC_WIRE_ABSENT; /* preadv2: the file's own position */
	}
	file = hc_file_of(task, s->arg[0]);
	hc_file_none(&info);
	if (file)
		hc_file_load(s, file, &info);
	if (pos == HC_WIRE_ABSENT && (info.mode & S_IFMT) == S_IFREG && (s64)s->ret >= 0)
		pos = info.pos - s->ret;
	if (mode) {
		u32 dir = s->desc.facts & HC_SF_DIR_OUT ? 1 : 0;

		wanted = false;
		if (mode & HC_WIRE_MODE_FIRST)
			wanted = hc_first(s, task, file, info.inode, dir);
		if (mode & HC_WIRE_MODE_MAGIC && !pos && (info.mode & S_IFMT) == S_IFREG && (s64)s->ret > 0) {
			wanted = true;
			if (want < HC_MAGIC_BYTES)
				want = HC_MAGIC_BYTES;
		}
		if (mode & HC_WIRE_MODE_P53 && (info.mode & S_IFMT) == S_IFSOCK && (s64)s->ret > 0) {
			if (hc_sock_is_dns(hc_sock_of(&info))) {
				wanted = true;
				if (want < HC_P53_BYTES)
					want = HC_P53_BYTES;
			}
		}
		if (!wanted)
			return hc_sampled_out(s, cpu);
	}
	s->m.want = want;
	s->m.pos = pos == HC_WIRE_ABSENT ? ~0ULL : pos;
	hc_call_begin(s, task, mode ? HC_WIRE_SAMPLED : 0);
	slot = hc_slots(s);
	slot[0] = (s64)(s32)s->arg[0];
	if (s->desc.special & HC_RW_VEC) {
		slot[1] = s->arg[2];
		slot[2] = hc_iov_sum(s, s->arg[1], s->arg[2]);
		slot[3] = pos;
		data_slot = 4;
		if (s->desc.special & HC_RW_FLAGS) {
			slot[4] = (u32)s->arg[5];
			data_slot = 5;
		}
	} else {
		slot[1] = s->arg[2];
		slot[2] = pos;
		data_slot = 3;
	}
	hc_obj_fact(s, task, 0, s->arg[0], HC_OBJ_USE, &info);
	if (s->m.want && (s64)s->ret > 0) {
		if (s->desc.special & HC_RW_VEC)
			hc_iov_bytes(s, data_slot, s->arg[1], s->arg[2], s->ret, s->m.pos, s->m.want);
		else
			hc_bytes_user(s, data_slot, s->arg[1], s->ret, s->m.pos, s->m.want, 4096);
	}
	hc_done(ctx, s, cpu);
	return 0;
}

/* ---- mmap, mprotect ---- */

/* A mapping as it was when mprotect was entered; by thread. */
struct hc_entry {
	struct hc_wire_mapping map;
	u64 file, inode, dentry, vfsmnt;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct hc_entry);
} hc_entries SEC(".maps");

static long hc_on_vma(struct task_struct *task, struct vm_area_struct *vma, void *ctx)
{
	struct hc_entry *e = ctx;
	struct mm_struct *mm = vma->vm_mm;
	struct file *file = vma->vm_file;

	e->map.start = vma->vm_start;
	e->map.end = vma->vm_end;
	e->map.vm_flags = vma->vm_flags;
	e->map.prot = e->map.vm_flags & 7;
	if (file) {
		e->map.kind = 1;
		e->file = (u64)file;
		e->inode = (u64)file->f_inode;
		e->dentry = (u64)file->f_path.dentry;
		e->vfsmnt = (u64)file->f_path.mnt;
	} else if (e->map.start <= mm->brk && e->map.end >= mm->start_brk) {
		e->map.kind = 2;
	} else if (e->map.start <= mm->start_stack && e->map.end >= mm->start_stack) {
		e->map.kind = 3;
	}
	return 0;
}

static __always_inline int hc_enter_mprotect(struct hc_enter_ctx *ctx)
{
	u64 id = bpf_get_current_pid_tgid();
	struct hc_entry e = {};

	if (!(ctx->arg[2] & PROT_EXEC) || id >> 32 == hc_dials.self_tgid)
		return 0;
	if (bpf_find_vma(bpf_get_current_task_btf(), ctx->arg[0], hc_on_vma, &e, 0))
		return 0;
	bpf_map_update_elem(&hc_entries, &id, &e, BPF_ANY);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_mprotect")
int hc_ent_mprot(struct hc_enter_ctx *ctx)
{
	if (!hc_type_on(HC_EV_MPROTECT))
		return 0;
	return hc_enter_mprotect(ctx);
}

SEC("tracepoint/syscalls/sys_enter_pkey_mprotect")
int hc_ent_pkey(struct hc_enter_ctx *ctx)
{
	if (!hc_type_on(HC_EV_PKEY_MPROTECT))
		return 0;
	return hc_enter_mprotect(ctx);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(hc_sys_map, struct pt_regs *regs, long ret)
{
	struct task_struct *task = hc_current();
	u32 cpu = bpf_get_smp_processor_id(), first;
	struct hc_scratch *s = hc_call(cpu, task, regs, ret);
	struct hc_fileinfo info;
	u64 *slot, id = bpf_get_current_pid_tgid();
	struct hc_entry *e;
	u16 mode;
	s32 fd;

	if (!s)
		return 0;
	mode = hc_mode(s);
	if (s->desc.type == HC_EV_MMAP) {
		if (s->desc.special == 1) { /* i386: all six in a structure */
			u32 six[6] = {};

			if (bpf_probe_read_user(six, sizeof(six), (void *)s->arg[0])) {
				hc_release(s);
				return 0;
			}
			for (u32 i = 0; i < 6; i++)
				s->arg[i] = six[i];
		} else if (s->desc.special == 2) { /* mmap2: offset in pages */
			s->arg[5] <<= 12;
		}
		fd = s->arg[3] & MAP_ANONYMOUS ? -1 : (s32)s->arg[4];
		if (mode & HC_WIRE_MODE_X && !(s->arg[2] & PROT_EXEC)) {
			u64 file = fd >= 0 ? hc_file_of(task, fd) : 0;

			if (!file ||
			    !hc_tab_first(HC_TAB_FIRST, hc_first_tag(hc_conf.cast, &s->number, task, file,
			                                             (u64)hc_pr((struct file *)file, f_inode),
			                                             0x100 | (s->arg[2] & 7) << 4 |
			                                                     (s->arg[3] & MAP_SHARED_OR_PRIVATE))))
				return hc_sampled_out(s, cpu);
		}
		hc_call_begin(s, task, mode ? HC_WIRE_SAMPLED : 0);
		slot = hc_slots(s);
		slot[0] = s->arg[0];
		slot[1] = s->arg[1];
		slot[2] = (u32)s->arg[2];
		slot[3] = (u32)s->arg[3];
		slot[4] = (s64)(s32)s->arg[4];
		slot[5] = s->arg[5];
		if (fd >= 0)
			hc_fd_fact(s, task, 4, fd, HC_OBJ_USE, &info);
		hc_done(ctx, s, cpu);
		return 0;
	}
	/* mprotect: addr len prot | prev_prot map_start map_bytes map_path map_file; pkey_mprotect: pkey before
	 * them */
	if (mode & HC_WIRE_MODE_X && !(s->arg[2] & PROT_EXEC))
		return hc_sampled_out(s, cpu);
	hc_call_begin(s, task, mode ? HC_WIRE_SAMPLED : 0);
	slot = hc_slots(s);
	slot[0] = s->arg[0];
	slot[1] = s->arg[1];
	slot[2] = (u32)s->arg[2];
	first = 3;
	if (s->desc.type == HC_EV_PKEY_MPROTECT) {
		slot[3] = (s64)(s32)s->arg[3];
		first = 4;
	}
	e = bpf_map_lookup_elem(&hc_entries, &id);
	if (e && s->arg[2] & PROT_EXEC) {
		slot[first] = e->map.prot;
		slot[first + 1] = e->map.start;
		slot[first + 2] = e->map.end - e->map.start;
		struct hc_wire_mapping *w =
			hc_fact_fixed(s, HC_WIRE_F_MAPPING, HC_WIRE_FF_ENTRY, HC_WIRE_SUBJ_ROW, sizeof(*w));

		if (w)
			*w = e->map;
		/* The file may be gone when another thread unmapped it meanwhile. */
		if (e->file && (u64)hc_pr((struct file *)e->file, f_inode) == e->inode) {
			hc_file_none(&info);
			hc_file_load(s, e->file, &info);
			hc_file_super(&info);
			hc_file_fact(s, first + 4, &info);
			hc_walk_later(s, first + 3, e->dentry, e->vfsmnt, false);
		}
		bpf_map_delete_elem(&hc_entries, &id);
	} else {
		slot[first] = HC_WIRE_ABSENT;
		slot[first + 1] = HC_WIRE_ABSENT;
		slot[first + 2] = HC_WIRE_ABSENT;
		if (s->arg[2] & PROT_EXEC)
			hc_set_flag(s, HC_WIRE_NOENTRY);
	}
	hc_done(ctx, s, cpu);
	return 0;
}

#endif
