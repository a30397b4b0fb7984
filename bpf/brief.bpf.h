/* bpf/brief.bpf.h: the short way of calls that a busy server makes all the time: reads, writes, messages without
 * an address, calls of numbers and descriptors, and with them a short name. When the reader has been told of every
 * object that such a call names, nothing in its record is of variable length but the name: it is made in the ring
 * itself, without scratch. Whatever else there may be to say (an object that is not known, no such descriptor,
 * payload, DNS, raised detail) is for the call's handler, whose record would be the same but for the order of its
 * facts. For kernels that can cast pointers. */
#ifndef HC_BPF_BRIEF_H
#define HC_BPF_BRIEF_H

#include "call.bpf.h"
#include "obj.bpf.h"

struct hc_brief_fd {
	struct hc_wire_fact fact;
	struct hc_wire_fd fd;
};

struct hc_brief_file {
	u64 file, inode, id, pos;
	u32 mode;
};

/* The open file behind a descriptor; false when there is none. */
static __always_inline bool hc_brief_load(struct task_struct *task, s32 fd, struct hc_brief_file *ret)
{
	ret->file = hc_file_of_if(true, task, fd);
	if (!ret->file)
		return false;
	ret->inode = hc_word_of_if(true, file, ret->file, f_inode);
	ret->id = hc_file_id_if(true, ret->file, ret->inode);
	ret->pos = hc_cast_if(true, file, ret->file)->f_pos;
	ret->mode = hc_cast_if(true, inode, ret->inode)->i_mode;
	return true;
}

/* Is there one, and has the reader been told of it? */
static __always_inline bool hc_brief_known(struct task_struct *task, s32 fd, struct hc_brief_file *ret)
{
	u64 def;

	if (!hc_brief_load(task, fd, ret))
		return false;
	def = hc_def_tag(ret->file, ret->id, hc_word_of_if(true, file, ret->file, f_path.dentry));
	return *hc_near_at(HC_TAB_DEFS, def) == (def | 1);
}

static __always_inline void hc_brief_fact(struct hc_brief_fd *w, u16 subject, s32 fd,
                                          const struct hc_brief_file *f)
{
	struct file *file = hc_cast_if(true, file, f->file);

	*(u64 *)&w->fact = (u64)sizeof(w->fd) << 32 | (u64)subject << 16 | HC_WIRE_F_FD;
	w->fd.key = hc_key(f->file);
	w->fd.inode_key = hc_key(f->inode);
	w->fd.ino = hc_cast_if(true, inode, f->inode)->i_ino;
	w->fd.pos = f->pos;
	w->fd.dev = 0;
	w->fd.f_flags = file->f_flags;
	w->fd.f_mode = file->f_mode;
	w->fd.i_mode = f->mode;
	w->fd.fs_magic = 0;
	w->fd.fd = fd;
	*(u64 *)&w->fd.flags = 0; /* place and target too */
}

static __always_inline void hc_brief_head(struct hc_wire_head *h, struct task_struct *task, u16 type, u8 n_slots,
                                          s64 ret, u32 nr)
{
	hc_head(h, task, type, HC_WIRE_LANE_BULK, n_slots, hc_call_flags(task, nr, ret, false), ret, nr);
}

/* ---- reads and writes: fd count pos data | fd iovcnt size pos data ---- */

#define HC_BRIEF_IOV 4 /* vectors */

struct hc_brief_rw {
	struct hc_wire_head head;
	u64 slot[4];
	struct hc_brief_fd fd;
};

struct hc_brief_rwv {
	struct hc_wire_head head;
	u64 slot[5];
	struct hc_brief_fd fd;
};

static __always_inline bool hc_brief_rw(struct hc_cpu *c, u32 cpu, struct task_struct *task, struct pt_regs *regs,
                                        const volatile struct hc_sys_desc *d, s64 ret)
{
	u64 arg[6], pos = HC_WIRE_ABSENT, type = d->type;
	struct hc_brief_file file;
	struct hc_front_at at;
	u32 special;

	hc_mask(type, HC_WIRE_MAX_TYPES - 1);
	hc_args(arg, regs, false);
	if (hc_dials.snap[type] || !hc_brief_known(task, arg[0], &file))
		return false;
	special = d->special;
	if (special & HC_RW_POS)
		pos = arg[3];
	if (pos == HC_WIRE_ABSENT && (file.mode & S_IFMT) == S_IFREG && ret >= 0)
		pos = file.pos - ret;
	if (special & HC_RW_VEC) {
		u64 v[2 * HC_BRIEF_IOV] = {}, n = arg[2];
		struct hc_brief_rwv *r;

		if (n > HC_BRIEF_IOV)
			return false;
		hc_mask(n, 7);
		if (n && n <= HC_BRIEF_IOV && bpf_probe_read_user(v, 16 * n, (void *)arg[1]))
			return false;
		r = hc_front_reserve(c, cpu, type, sizeof(*r), &at);
		if (!r)
			return true;
		hc_brief_head(&r->head, task, type, 5, ret, hc_nr(regs));
		r->slot[0] = (s64)(s32)arg[0];
		r->slot[1] = arg[2];
		r->slot[2] = v[1] + v[3] + v[5] + v[7];
		r->slot[3] = pos;
		r->slot[4] = 0;
		hc_brief_fact(&r->fd, 0, arg[0], &file);
		hc_front_submit(c, cpu, &at, r, sizeof(*r));
	} else {
		struct hc_brief_rw *r = hc_front_reserve(c, cpu, type, sizeof(*r), &at);

		if (!r)
			return true;
		hc_brief_head(&r->head, task, type, 4, ret, hc_nr(regs));
		r->slot[0] = (s64)(s32)arg[0];
		r->slot[1] = arg[2];
		r->slot[2] = pos;
		r->slot[3] = 0;
		hc_brief_fact(&r->fd, 0, arg[0], &file);
		hc_front_submit(c, cpu, &at, r, sizeof(*r));
	}
	return true;
}

/* ---- internet messages without an address: sockfd len flags dest_addr | src_addr sock_after data ---- */

struct hc_brief_msg {
	struct hc_wire_head head;
	u64 slot[6];
	struct hc_brief_fd fd;
	struct hc_wire_fact fact;
	struct hc_wire_sock sock;
};

static __always_inline bool hc_brief_msg(struct hc_cpu *c, u32 cpu, struct task_struct *task, struct pt_regs *regs,
                                         const volatile struct hc_sys_desc *d, s64 ret)
{
	u64 arg[6], type = d->type, sk;
	struct hc_brief_file file;
	struct hc_brief_msg *r;
	struct hc_front_at at;
	u16 family;

	hc_mask(type, HC_WIRE_MAX_TYPES - 1);
	hc_args(arg, regs, false);
	if (arg[4] || hc_dials.snap[type] || !hc_brief_load(task, arg[0], &file) ||
	    (file.mode & S_IFMT) != S_IFSOCK)
		return false;
	sk = hc_word_of_if(true, socket, hc_word_of_if(true, file, file.file, private_data), sk);
	if (!sk)
		return false;
	family = hc_cast_if(true, sock_common, sk)->skc_family;
	if ((family != AF_INET && family != AF_INET6) || hc_sock_is_dns_if(true, sk))
		return false;
	r = hc_front_reserve(c, cpu, type, sizeof(*r), &at);
	if (!r)
		return true;
	hc_brief_head(&r->head, task, type, 6, ret, hc_nr(regs));
	r->slot[0] = (s64)(s32)arg[0];
	r->slot[1] = arg[2];
	r->slot[2] = (u32)arg[3];
	r->slot[3] = 0;
	r->slot[4] = 0;
	r->slot[5] = 0;
	hc_brief_fact(&r->fd, 0, arg[0], &file);
	*(u64 *)&r->fact = (u64)sizeof(r->sock) << 32 | 4ULL << 16 | HC_WIRE_F_SOCK;
	hc_sock_fill_if(true, NULL, &r->sock, sk, r->fd.fd.ino);
	hc_front_submit(c, cpu, &at, r, sizeof(*r));
	return true;
}

/* ---- by the table: numbers, and descriptors in the first and the third argument ---- */

/* A slot from the call's registers. */
static __always_inline u64 hc_brief_value(const u64 *arg, u64 what)
{
	u64 v, reg = what & 7;

	hc_mask(reg, 7);
	v = arg[reg];
	switch (what >> 4) {
	case HC_SA_U64:
	case HC_SA_STR:
		return v;
	case HC_SA_U32:
		return (u32)v;
	case HC_SA_I32:
	case HC_SA_FD:
		return (s64)(s32)v;
	default:
		return 0;
	}
}

/* Makes the record of a call with n slots and n_fds descriptors, both constants. */
#define hc_brief_make(n, n_fds)                                                                    \
	do {                                                                                       \
		struct {                                                                           \
			struct hc_wire_head head;                                                  \
			u64 slot[n];                                                               \
			struct hc_brief_fd fd[n_fds];                                              \
		} *hc_m_ = hc_front_reserve(c, cpu, d->type, sizeof(*hc_m_), &at);                 \
		if (!hc_m_)                                                                        \
			return true;                                                               \
		hc_brief_head(&hc_m_->head, task, d->type, n, ret, hc_nr(regs));                   \
		for (u32 hc_i_ = 0; hc_i_ < (n); hc_i_++)                                          \
			hc_m_->slot[hc_i_] = hc_brief_value(arg, d->arg[hc_i_]);                   \
		for (u32 hc_i_ = 0; hc_i_ < (n_fds); hc_i_++)                                      \
			hc_brief_fact(&hc_m_->fd[hc_i_], 2 * hc_i_, arg[2 * hc_i_], &file[hc_i_]); \
		hc_front_submit(c, cpu, &at, hc_m_, sizeof(*hc_m_));                               \
		return true;                                                                       \
	} while (0)

static __always_inline bool hc_brief_gen(struct hc_cpu *c, u32 cpu, struct task_struct *task, struct pt_regs *regs,
                                         const volatile struct hc_sys_desc *d, s64 ret)
{
	struct hc_brief_file file[2];
	struct hc_front_at at;
	u32 n = d->n_slots;
	u64 arg[8];

	hc_args(arg, regs, false);
	arg[6] = 0;
	arg[7] = 0;
	if (d->arg[0] >> 4 != HC_SA_FD) {
		switch (n) {
		case 0:
			hc_brief_make(0, 0);
		case 1:
			hc_brief_make(1, 0);
		case 2:
			hc_brief_make(2, 0);
		case 3:
			hc_brief_make(3, 0);
		}
		return false;
	}
	if (!hc_brief_known(task, arg[0], &file[0]))
		return false;
	if (n == 3 && d->arg[2] >> 4 == HC_SA_FD) {
		if (!hc_brief_known(task, arg[2], &file[1]))
			return false;
		hc_brief_make(3, 2);
	}
	switch (n) {
	case 1:
		hc_brief_make(1, 1);
	case 2:
		hc_brief_make(2, 1);
	case 3:
		hc_brief_make(3, 1);
	}
	return false;
}

/* ---- with a text: a short one, behind all else; in front rings, whose records end where they turn out to ---- */

#define HC_BRIEF_SLOTS 5
#define HC_BRIEF_TEXT 256 /* bytes, with the NUL */

struct hc_brief_named {
	struct hc_wire_head head;
	u64 slot[HC_BRIEF_SLOTS]; /* a multiple of 8 bytes less for each that a call has not */
	struct hc_brief_fd fd;    /* none, if it names no descriptor */
	struct hc_wire_fact fact;
	u8 text[HC_BRIEF_TEXT];
};

_Static_assert(sizeof(struct hc_brief_named) + BPF_RINGBUF_HDR_SZ <= HC_FRONT_SLACK, "fits behind the last place");

/* The user's text as a fact at `f`; its bytes. 0: it is longer, or cannot be read. */
static __always_inline u64 hc_brief_text(struct hc_wire_fact *f, u64 subject, u64 ptr)
{
	u64 n;

	if (!ptr)
		return 0;
	n = hc_read_user_str(f + 1, HC_BRIEF_TEXT, (void *)ptr);
	if (n - 1 >= HC_BRIEF_TEXT - 1)
		return 0;
	*(u64 *)f = (n - 1) << 32 | subject << 16 | (u64)HC_WIRE_FF_USER << 8 | HC_WIRE_F_STR;
	return sizeof(*f) + ((n + 6) & ~7ULL);
}

/* By the table: numbers, a descriptor in the first argument or none, and a text in the one after it. */
static __always_inline bool hc_brief_name(struct hc_cpu *c, u32 cpu, struct task_struct *task,
                                          struct pt_regs *regs, const volatile struct hc_sys_desc *d, s64 ret)
{
	u64 arg[8], n = d->n_slots, subject = 0, bytes, text;
	struct hc_brief_file file;
	struct hc_front_at at;
	struct hc_wire_head *h;

	hc_args(arg, regs, false);
	arg[6] = 0;
	arg[7] = 0;
	h = hc_front_find(c, sizeof(struct hc_brief_named), &at);
	if (!h)
		return false;
	hc_mask(n, 7);
	bytes = sizeof(*h) + 8 * n;
	if (d->arg[0] >> 4 == HC_SA_FD) {
		subject = 1;
		if ((s32)arg[0] >= 0) {
			if (!hc_brief_known(task, arg[0], &file))
				return false;
			hc_brief_fact((struct hc_brief_fd *)((u8 *)h + bytes), 0, arg[0], &file);
			bytes += sizeof(struct hc_brief_fd);
		}
	}
	text = hc_brief_text((struct hc_wire_fact *)((u8 *)h + bytes), subject, subject ? arg[1] : arg[0]);
	if (!text)
		return false;
	bytes += text;
	for (u32 i = 0; i < HC_BRIEF_SLOTS; i++) {
		if (i < n)
			((u64 *)(h + 1))[i] = hc_brief_value(arg, d->arg[i]);
	}
	hc_front_begin(c, cpu, d->type, h, bytes);
	hc_brief_head(h, task, d->type, n, ret, hc_nr(regs));
	hc_front_submit(c, cpu, &at, h, bytes);
	return true;
}

/* openat and open of what the reader is about to be told of anyway (told.bpf.h), by no directory's descriptor.
 * Called by their handler, which knows what was opened. */
static __always_inline bool hc_brief_open(u32 cpu, struct task_struct *task, struct pt_regs *regs, s64 ret,
                                          const struct hc_fileinfo *opened, u16 place)
{
	u64 arg[6], nr = hc_nr(regs), n, subject, text;
	const volatile struct hc_sys_desc *d;
	struct hc_cpu *c = hc_cpu(cpu);
	struct hc_front_at at;
	struct hc_wire_head *h;
	struct hc_brief_fd *f;
	u64 *slot;
	u16 type;

	hc_mask(nr, HC_WIRE_MAX_NR - 1);
	d = &hc_sys[nr];
	type = d->type;
	subject = type == HC_EV_OPENAT;
	hc_args(arg, regs, false);
	if (!c || hc_compat(task) || (type != HC_EV_OPENAT && type != HC_EV_OPEN) ||
	    (subject && (s32)arg[0] >= 0) || opened->magic == HC_MAGIC_NSFS || opened->magic == HC_MAGIC_PIDFS)
		return false;
	h = hc_front_find(c, sizeof(struct hc_brief_named), &at);
	if (!h)
		return false;
	slot = (u64 *)(h + 1);
	if (subject)
		*slot++ = (s64)(s32)arg[0];
	slot[0] = subject ? arg[1] : arg[0];
	slot[1] = (u32)(subject ? arg[2] : arg[1]);
	slot[2] = (u16)(subject ? arg[3] : arg[2]);
	slot[3] = 0;
	n = 4 + subject;
	f = (struct hc_brief_fd *)(slot + 4);
	text = hc_brief_text((struct hc_wire_fact *)(f + 1), subject, slot[0]);
	if (!text)
		return false;
	*(u64 *)&f->fact = (u64)sizeof(f->fd) << 32 | (n - 1) << 16 | HC_WIRE_F_FD;
	hc_fd_fill(&f->fd, ret, HC_WIRE_FD_NEW | HC_WIRE_FD_SAME, place, opened);
	hc_obj_begins(&c->number, task, opened);
	text += sizeof(*h) + 8 * n + sizeof(*f);
	hc_front_begin(c, cpu, type, h, text);
	hc_brief_head(h, task, type, n, ret, hc_nr(regs));
	hc_front_submit(c, cpu, &at, h, text);
	return true;
}

/* Makes the record of a native call whose type is not sampled, if there is a short way for it; false: it is the
 * handler's, and nothing has happened. */
static __always_inline bool hc_brief(struct task_struct *task, struct pt_regs *regs,
                                     const volatile struct hc_sys_desc *d, s64 ret)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_cpu *c = hc_cpu(cpu);

	if (!c)
		return false;
	switch (d->brief) {
	case HC_BRIEF_GEN:
		return hc_brief_gen(c, cpu, task, regs, d, ret);
	case HC_BRIEF_RW:
		return hc_brief_rw(c, cpu, task, regs, d, ret);
	case HC_BRIEF_MSG:
		return hc_brief_msg(c, cpu, task, regs, d, ret);
	case HC_BRIEF_NAME:
		return hc_brief_name(c, cpu, task, regs, d, ret);
	default:
		return false;
	}
}

#endif
