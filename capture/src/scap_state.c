/*
 * What events of a scap file do to what is known, by the reference implementation's rules: state is as it is after
 * each event.
 */
#include "scap_state.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "store/scap_flags.h"

#define ALL_CAPS UINT64_C(0x1ffffffffff)

/* Where the descriptor stands that an event is about. */
static unsigned fd_position(unsigned code)
{
	switch (code) {
	case HC_SCAP_SYSCALL_READ_X:
	case HC_SCAP_SYSCALL_PREAD_X:
	case HC_SCAP_SYSCALL_WRITE_X:
	case HC_SCAP_SYSCALL_PWRITE_X:
	case HC_SCAP_SYSCALL_WRITEV_X:
	case HC_SCAP_SYSCALL_PWRITEV_X:
	case HC_SCAP_SOCKET_BIND_X:
	case HC_SCAP_SOCKET_CONNECT_X:
	case HC_SCAP_SOCKET_SEND_X:
	case HC_SCAP_SOCKET_SENDTO_X:
	case HC_SCAP_SOCKET_SENDMSG_X:
	case HC_SCAP_SOCKET_RECV_X:
	case HC_SCAP_SYSCALL_SENDFILE_X:
	case HC_SCAP_SYSCALL_SPLICE_X:
	case HC_SCAP_SYSCALL_SYMLINKAT_X:
		return 2;
	case HC_SCAP_SOCKET_RECVFROM_X:
	case HC_SCAP_SYSCALL_READV_X:
	case HC_SCAP_SYSCALL_PREADV_X:
		return 3;
	case HC_SCAP_SOCKET_RECVMSG_X:
		return 5;
	case HC_SCAP_SYSCALL_MMAP_X:
	case HC_SCAP_SYSCALL_MMAP2_X:
		return 8;
	default:
		return 1;
	}
}

struct hc_str scap_block_of(const struct hc_scap_event *e, unsigned i)
{
	struct hc_str s = hc_scap_param(e, i);

	return s.len ? s : (struct hc_str){ "", 0 };
}

void scap_note_change(struct hc_scap_import *im, struct sevent *s)
{
	ver_unref(im->t, s->after);
	s->after = REF(s->k->cur);
}

struct tver *scap_change(struct hc_scap_import *im, struct sevent *s, uint8_t cause)
{
	struct tver *v = scap_version_next(im, s->k, cause, s->e->ts_ns);

	if (v)
		scap_note_change(im, s);
	return v;
}

void scap_put_new(struct hc_scap_import *im, struct sevent *s, int64_t num, struct tfd *fd)
{
	if (!fd)
		return;
	fd_unref(im->t, s->newfd);
	s->newfd = REF(fd);
	s->fd_num = num;
	scap_fd_put(im, s->k, num, fd);
}

/* creat tells of layers in a word of its own. */
static uint32_t flags_of_creat(const struct hc_scap_event *e)
{
	uint64_t f = hc_scap_u64(e, 5, 0);

	return f & HC_SCAP_CREAT_UPPER_LAYER   ? HC_SCAP_OPEN_UPPER_LAYER
	       : f & HC_SCAP_CREAT_LOWER_LAYER ? HC_SCAP_OPEN_LOWER_LAYER
	                                       : 0;
}

static void on_open(struct hc_scap_import *im, struct sevent *s, unsigned name, int dirfd, int flags, int dev)
{
	int64_t num = hc_scap_i64(s->e, 0, -1);
	int64_t below = dirfd < 0 ? SCAP_AT_FDCWD : hc_scap_i64(s->e, (unsigned)dirfd, SCAP_AT_FDCWD);
	uint32_t f = flags < 0 ? flags_of_creat(s->e) : (uint32_t)hc_scap_u64(s->e, (unsigned)flags, 0);
	const struct senter *in = s->e->code == HC_SCAP_SYSCALL_OPEN_BY_HANDLE_AT_X ? NULL : scap_enter(s);
	struct hc_str given = hc_scap_text(s->e, name), passed = { 0 };
	struct tfd *fd;
	uint32_t on_dev;
	bool has_ino;

	if (num < 0)
		return;
	if (in)
		passed = scap_enter_text(in, dirfd < 0 ? 0 : 1);
	if (passed.p && !hc_str_eq(passed, HC_STR("<NA>"))) {
		given = passed;
		if (dirfd >= 0)
			below = (int64_t)scap_enter_num(in, 0, (uint64_t)SCAP_AT_FDCWD);
		if (flags >= 0) /* and what the exit alone knows */
			f = (f & ~(uint32_t)(HC_SCAP_OPEN_CREATED - 1)) |
			    (uint32_t)scap_enter_num(in, dirfd < 0 ? 1 : 2, 0);
	}
	fd = scap_fd_make(im, f & HC_SCAP_OPEN_DIRECTORY ? HC_FD_DIR : HC_FD_FILE);
	if (!fd)
		return;
	fd->path = scap_opened_path(im, s, given, below);
	fd->f_flags = (uint32_t)hc_scap_native(HC_SCAP_TAB_file_flags, f);
	fd->cloexec = f & HC_SCAP_OPEN_CLOEXEC;
	fd->created = f & HC_SCAP_OPEN_CREATED;
	has_ino = hc_scap_has(s->e, (unsigned)dev + 1);
	on_dev =
		dirfd < 0 || has_ino ? (uint32_t)hc_scap_u64(s->e, (unsigned)dev, 0) : 0; /* as in the reference */
	if (on_dev || has_ino || f & (HC_SCAP_OPEN_UPPER_LAYER | HC_SCAP_OPEN_LOWER_LAYER))
		fd->file = scap_file_make(im, on_dev, hc_scap_u64(s->e, (unsigned)dev + 1, 0), f);
	scap_put_new(im, s, num, fd);
}

static void on_dup(struct hc_scap_import *im, struct sevent *s, int64_t old, bool cloexec)
{
	int64_t num = hc_scap_i64(s->e, 0, -1);
	struct tfd *from = num < 0 ? NULL : scap_fd(im, s->k, old), *fd;

	if (!from)
		return;
	fd = fd_copy(from);
	if (!fd)
		return;
	fd->cloexec = cloexec;
	scap_put_new(im, s, num, fd);
}

static void set_cloexec(struct hc_scap_import *im, struct sthr *k, int64_t num, bool cloexec)
{
	struct tfd *fd = scap_fd(im, k, num);

	if (!fd || fd->cloexec == cloexec || (fd = fd_copy(fd)) == NULL)
		return;
	fd->cloexec = cloexec;
	scap_fd_put(im, k, num, fd);
}

static void on_close_range(struct hc_scap_import *im, struct sevent *s)
{
	int64_t first = (int64_t)hc_scap_u64(s->e, 1, 0), last = (int64_t)hc_scap_u64(s->e, 2, 0);
	bool mark = hc_scap_u64(s->e, 3, 0) & HC_SCAP_CLOSE_RANGE_CLOEXEC;
	struct sfds *f = scap_fds(im, s->k);
	struct sfd *d;

	TABLE_SWEEP(&f->by_num, at, d)
	{
		if (d->num < first || d->num > last)
			continue;
		if (mark) {
			set_cloexec(im, s->k, d->num, true); /* in its place */
			continue;
		}
		TABLE_SWEEP_REMOVE(&f->by_num, at);
		scap_fds_note(im, f, d->num, d->fd, NULL);
		fd_unref(im->t, d->fd);
		free(d);
	}
}

/* A descriptor of another process. */
static void on_getfd(struct hc_scap_import *im, struct sevent *s)
{
	int64_t num = hc_scap_i64(s->e, 0, -1);
	struct tfd *pidfd = num < 0 ? NULL : scap_fd(im, s->k, hc_scap_i64(s->e, 1, -1)), *from, *fd;
	struct sthr *of = pidfd && pidfd->kind == HC_FD_PIDFD ? scap_thread(im, (int64_t)pidfd->target) : NULL;

	from = of ? scap_fd(im, of, hc_scap_i64(s->e, 2, -1)) : NULL;
	fd = from ? fd_copy(from) : NULL;
	if (!fd)
		return;
	fd->cloexec = true;
	scap_put_new(im, s, num, fd);
}

/* It is the process's: of a thread of which no process is known the reference does not follow it. */
static void set_cwd(struct hc_scap_import *im, struct sevent *s, struct tpath *cwd)
{
	struct tver *v = cwd && s->k->pid >= 0 ? scap_change(im, s, HC_CAUSE_CWD) : NULL;

	if (!v) {
		path_unref(im->t, cwd);
		return;
	}
	path_unref(im->t, v->cwd);
	v->cwd = cwd;
	/* threads have one in common */
	for (struct sthr *k = s->k->group ? s->k->group->first : NULL; k; k = k->group_next) {
		if (k == s->k || !k->cur)
			continue;
		v = scap_version_next(im, k, HC_CAUSE_CWD, s->e->ts_ns);
		if (!v)
			continue;
		path_unref(im->t, v->cwd);
		v->cwd = REF(cwd);
	}
}

static void set_id(struct hc_scap_import *im, struct sevent *s, unsigned at, bool group)
{
	struct tver *v;

	if (hc_scap_i64(s->e, 0, -1) < 0 || !hc_scap_has(s->e, at))
		return;
	v = scap_change(im, s, HC_CAUSE_CREDS);
	if (!v)
		return;
	*(group ? &v->creds.egid : &v->creds.euid) = (uint32_t)hc_scap_u64(s->e, at, 0);
	scap_version_users(im, v);
}

/* Of the calls without a path, by their flags: those that the reference looks at, in the width that it does. */
static bool made_cloexec(const struct hc_scap_event *e)
{
	switch (e->code) {
	case HC_SCAP_SYSCALL_EPOLL_CREATE1_X:
		return hc_scap_u64(e, 1, 0) & 1; /* EPOLL_CLOEXEC */
	case HC_SCAP_SYSCALL_EVENTFD2_X:
	case HC_SCAP_SYSCALL_INOTIFY_INIT1_X:
	case HC_SCAP_SYSCALL_SIGNALFD4_X:
		return hc_scap_u64(e, 1, 0) & HC_SCAP_OPEN_CLOEXEC;
	case HC_SCAP_SYSCALL_MEMFD_CREATE_X:
		return hc_scap_u64(e, 2, 0) & (1 | HC_SCAP_OPEN_CLOEXEC); /* 1: MFD_CLOEXEC */
	case HC_SCAP_SYSCALL_PIDFD_OPEN_X:
		return hc_scap_u64(e, 2, 0) & HC_SCAP_OPEN_CLOEXEC;
	default:
		return false;
	}
}

static void plain_fd(struct hc_scap_import *im, struct sevent *s, uint8_t kind, int name)
{
	int64_t num = hc_scap_i64(s->e, 0, -1);
	struct tfd *fd = num < 0 ? NULL : scap_fd_make(im, kind);

	if (fd && name >= 0)
		fd->name = txt_get(im->t, hc_scap_text(s->e, (unsigned)name).p,
		                   hc_scap_text(s->e, (unsigned)name).len);
	if (fd && kind == HC_FD_PIDFD)
		fd->target = hc_scap_u64(s->e, 1, 0);
	if (fd)
		fd->cloexec = made_cloexec(s->e);
	scap_put_new(im, s, num, fd);
}

static void on_pair(struct hc_scap_import *im, struct sevent *s, uint8_t kind)
{
	int64_t a = hc_scap_i64(s->e, 1, -1), b = hc_scap_i64(s->e, 2, -1);

	if (hc_scap_i64(s->e, 0, -1) < 0 || a == b)
		return;
	for (unsigned i = 0; i < 2; i++) {
		struct tfd *fd = scap_fd_make(im, kind);

		if (fd && kind == HC_FD_UNIX)
			fd->sock = scap_sock_make(AF_UNIX, 0);
		if (fd && kind == HC_FD_PIPE && hc_scap_u64(s->e, 3, 0))
			fd->file = scap_file_make(im, 0, hc_scap_u64(s->e, 3, 0), 0);
		if (fd && s->e->code == HC_SCAP_SYSCALL_PIPE2_X)
			fd->cloexec = hc_scap_u64(s->e, 4, 0) & HC_SCAP_OPEN_CLOEXEC;
		scap_put_new(im, s, i ? b : a, fd);
	}
}

static void on_getcwd(struct hc_scap_import *im, struct sevent *s)
{
	struct tpath *is = scap_path(im, s, hc_scap_text(s->e, 1), -1), *was = s->k->cur ? s->k->cur->cwd : NULL;
	const struct txt *a = is ? is->abs ? is->abs : is->real : NULL;
	const struct txt *b = was ? was->abs ? was->abs : was->real : NULL;

	if (!a || (b && scap_is_text(b, (struct hc_str){ a->p, a->len })))
		path_unref(im->t, is);
	else
		set_cwd(im, s, is);
}

static void set_reaper(struct sthr *k, bool reaper)
{
	if (k->group)
		k->group->reaper = reaper;
}

static void on_change(struct hc_scap_import *im, struct sevent *s, bool worked)
{
	const struct hc_scap_event *e = s->e;
	struct tver *v;

	switch (e->code) {
	case HC_SCAP_SYSCALL_CHDIR_X:
		if (worked)
			set_cwd(im, s, scap_path(im, s, hc_scap_text(e, 1), -1));
		break;
	case HC_SCAP_SYSCALL_GETCWD_X:
		if (worked)
			on_getcwd(im, s);
		break;
	case HC_SCAP_SYSCALL_BRK_4_X:
	case HC_SCAP_SYSCALL_MMAP_X:
	case HC_SCAP_SYSCALL_MMAP2_X:
	case HC_SCAP_SYSCALL_MUNMAP_X:
		scap_mem_of_map(im, s->k, e);
		break;
	case HC_SCAP_SYSCALL_CHROOT_X:
		v = worked ? scap_change(im, s, HC_CAUSE_ROOT) : NULL;
		if (v) {
			path_unref(im->t, v->root);
			v->root = scap_path(im, s, hc_scap_text(e, 1), -1);
		}
		break;
	case HC_SCAP_SYSCALL_PRCTL_X:
		if (worked && (hc_scap_u64(e, 1, 0) == PR_SET_CHILD_SUBREAPER ||
		               hc_scap_u64(e, 1, 0) == PR_GET_CHILD_SUBREAPER))
			set_reaper(s->k, hc_scap_i64(e, 3, 0) != 0);
		break;
	case HC_SCAP_SYSCALL_SETRLIMIT_X:
	case HC_SCAP_SYSCALL_GETRLIMIT_X:
		if (worked && hc_scap_u64(e, 3, 0) == RLIMIT_NOFILE)
			scap_on_limit(im, s, s->k, hc_scap_i64(e, 1, -1));
		break;
	case HC_SCAP_SYSCALL_PRLIMIT_X:
		if (worked && hc_scap_u64(e, 6, 0) == RLIMIT_NOFILE)
			scap_on_limit(im, s,
			              hc_scap_i64(e, 5, 0) > 0 ? scap_thread(im, hc_scap_i64(e, 5, 0)) : s->k,
			              hc_scap_i64(e, 1, -1));
		break;
	case HC_SCAP_SYSCALL_FCHDIR_X:
		if (worked && s->fd)
			set_cwd(im, s, REF(s->fd->path));
		break;
	case HC_SCAP_SYSCALL_SETUID_X:
		set_id(im, s, 1, false);
		break;
	case HC_SCAP_SYSCALL_SETREUID_X:
	case HC_SCAP_SYSCALL_SETRESUID_X:
		set_id(im, s, 2, false);
		break;
	case HC_SCAP_SYSCALL_SETGID_X:
		set_id(im, s, 1, true);
		break;
	case HC_SCAP_SYSCALL_SETREGID_X:
	case HC_SCAP_SYSCALL_SETRESGID_X:
		set_id(im, s, 2, true);
		break;
	case HC_SCAP_SYSCALL_SETSID_X:
		v = worked ? scap_change(im, s, HC_CAUSE_SESSION) : NULL;
		if (v)
			v->sid = v->vsid = (uint32_t)hc_scap_i64(e, 0, -1);
		break;
	case HC_SCAP_SYSCALL_CAPSET_X:
		v = worked ? scap_change(im, s, HC_CAUSE_CREDS) : NULL;
		if (v) {
			v->creds.cap_inheritable = hc_scap_u64(e, 1, 0);
			v->creds.cap_permitted = hc_scap_u64(e, 2, 0);
			v->creds.cap_effective = hc_scap_u64(e, 3, 0);
		}
		break;
	case HC_SCAP_SYSCALL_UNSHARE_X:
	case HC_SCAP_SYSCALL_SETNS_X:
		if (!worked ||
		    !(hc_scap_u64(e, e->code == HC_SCAP_SYSCALL_SETNS_X ? 2 : 1, 0) & HC_SCAP_CLONE_NEWUSER))
			break;
		v = scap_change(im, s, HC_CAUSE_NS);
		if (v)
			v->creds.cap_inheritable = v->creds.cap_permitted = v->creds.cap_effective = ALL_CAPS;
		break;
	default:
		break;
	}
}

static void on_descriptor(struct hc_scap_import *im, struct sevent *s)
{
	const struct hc_scap_event *e = s->e;

	switch (e->code) {
	case HC_SCAP_SYSCALL_OPEN_X:
		on_open(im, s, 1, -1, 2, 4);
		break;
	case HC_SCAP_SYSCALL_OPENAT_2_X:
		on_open(im, s, 2, 1, 3, 5);
		break;
	case HC_SCAP_SYSCALL_OPENAT2_X:
		on_open(im, s, 2, 1, 3, 6);
		break;
	case HC_SCAP_SYSCALL_CREAT_X:
		on_open(im, s, 1, -1, -1, 3);
		break;
	case HC_SCAP_SYSCALL_OPEN_BY_HANDLE_AT_X:
		on_open(im, s, 3, -1, 2, 4);
		break;
	case HC_SCAP_SYSCALL_CLOSE_X:
		if (hc_scap_i64(e, 0, -1) >= 0 && s->fd) {
			im->closed_tid = e->tid;
			im->closed_fd = s->fd_num;
		}
		break;
	case HC_SCAP_SYSCALL_DUP_1_X:
	case HC_SCAP_SYSCALL_DUP2_X:
		on_dup(im, s, hc_scap_i64(e, 1, -1), false);
		break;
	case HC_SCAP_SYSCALL_DUP3_X:
		on_dup(im, s, hc_scap_i64(e, 1, -1), hc_scap_u64(e, 3, 0) & HC_SCAP_OPEN_CLOEXEC);
		break;
	case HC_SCAP_SYSCALL_FCNTL_X:
		if (hc_scap_u64(e, 2, 0) == 1 || hc_scap_u64(e, 2, 0) == 26)
			on_dup(im, s, hc_scap_i64(e, 1, -1), hc_scap_u64(e, 2, 0) == 26);
		else if (hc_scap_u64(e, 2, 0) == 3 && hc_scap_i64(e, 0, -1) >= 0)
			set_cloexec(im, s->k, s->fd_num, hc_scap_u64(e, 3, 0) & FD_CLOEXEC);
		break;
	case HC_SCAP_SYSCALL_CLOSE_RANGE_X:
		if (hc_scap_i64(e, 0, -1) >= 0)
			on_close_range(im, s);
		break;
	case HC_SCAP_SYSCALL_PIDFD_GETFD_X:
		on_getfd(im, s);
		break;
	case HC_SCAP_SYSCALL_PIPE_X:
	case HC_SCAP_SYSCALL_PIPE2_X:
		on_pair(im, s, HC_FD_PIPE);
		break;
	case HC_SCAP_SOCKET_SOCKETPAIR_X:
		on_pair(im, s, HC_FD_UNIX);
		break;
	case HC_SCAP_SOCKET_SOCKET_X:
		scap_on_socket(im, s);
		break;
	case HC_SCAP_SOCKET_BIND_X:
		scap_on_bind(im, s);
		break;
	case HC_SCAP_SOCKET_CONNECT_X:
		scap_on_connect(im, s);
		break;
	case HC_SCAP_SOCKET_ACCEPT_5_X:
	case HC_SCAP_SOCKET_ACCEPT4_6_X:
		scap_on_accept(im, s);
		break;
	case HC_SCAP_SOCKET_SENDTO_X:
	case HC_SCAP_SOCKET_SENDMSG_X:
	case HC_SCAP_SOCKET_SEND_X:
		scap_infer_socket(im, s);
		scap_on_traffic(im, s, 4, true);
		break;
	case HC_SCAP_SOCKET_SENDMMSG_X:
		scap_on_traffic(im, s, 4, true);
		break;
	case HC_SCAP_SYSCALL_WRITE_X:
	case HC_SCAP_SYSCALL_WRITEV_X:
	case HC_SCAP_SYSCALL_PWRITE_X:
	case HC_SCAP_SYSCALL_PWRITEV_X:
		scap_on_traffic(im, s, -1, true);
		break;
	case HC_SCAP_SYSCALL_READ_X:
	case HC_SCAP_SYSCALL_READV_X:
	case HC_SCAP_SYSCALL_PREAD_X:
	case HC_SCAP_SYSCALL_PREADV_X:
		scap_on_traffic(im, s, -1, false);
		break;
	case HC_SCAP_SOCKET_RECVFROM_X:
		scap_on_traffic(im, s, 2, false);
		break;
	case HC_SCAP_SOCKET_RECVMSG_X:
		scap_on_traffic(im, s, 3, false);
		break;
	case HC_SCAP_SOCKET_RECV_X:
	case HC_SCAP_SOCKET_RECVMMSG_X:
		scap_on_traffic(im, s, 4, false);
		break;
	case HC_SCAP_SYSCALL_EVENTFD_X:
	case HC_SCAP_SYSCALL_EVENTFD2_X:
		plain_fd(im, s, HC_FD_EVENTFD, -1);
		break;
	case HC_SCAP_SYSCALL_SIGNALFD_X:
	case HC_SCAP_SYSCALL_SIGNALFD4_X:
		plain_fd(im, s, HC_FD_SIGNALFD, -1);
		break;
	case HC_SCAP_SYSCALL_TIMERFD_CREATE_X:
		plain_fd(im, s, HC_FD_TIMERFD, -1);
		break;
	case HC_SCAP_SYSCALL_INOTIFY_INIT_X:
	case HC_SCAP_SYSCALL_INOTIFY_INIT1_X:
		plain_fd(im, s, HC_FD_INOTIFY, -1);
		break;
	case HC_SCAP_SYSCALL_EPOLL_CREATE_X:
	case HC_SCAP_SYSCALL_EPOLL_CREATE1_X:
		plain_fd(im, s, HC_FD_EVENTPOLL, -1);
		break;
	case HC_SCAP_SYSCALL_BPF_2_X:
		plain_fd(im, s, HC_FD_BPF_MAP, -1);
		break;
	case HC_SCAP_SYSCALL_USERFAULTFD_X:
		plain_fd(im, s, HC_FD_USERFAULTFD, -1);
		break;
	case HC_SCAP_SYSCALL_IO_URING_SETUP_X:
		plain_fd(im, s, HC_FD_IO_URING, -1);
		break;
	case HC_SCAP_SYSCALL_MEMFD_CREATE_X:
		plain_fd(im, s, HC_FD_MEMFD, 1);
		break;
	case HC_SCAP_SYSCALL_PIDFD_OPEN_X:
		plain_fd(im, s, HC_FD_PIDFD, -1);
		break;
	default:
		break;
	}
}

/* What was still to be seen by the event that ended it. */
static void remove_gone(struct hc_scap_import *im, uint64_t now_ns)
{
	struct sthr *k;

	if (im->gone_tid >= 0 && (k = scap_thread(im, im->gone_tid)) != NULL) {
		*scap_gone_at(im, k->tid, k->ptid) = (struct sgone){ k->tid, k->ptid, now_ns };
		scap_thread_end(im, k);
	}
	if (im->closed_tid >= 0 && (k = scap_thread(im, im->closed_tid)) != NULL)
		scap_fd_drop(im, k, im->closed_fd);
	im->gone_tid = im->closed_tid = -1;
}

/* Of the events that no call makes, those whose thread is whose state the reader shows. */
static bool names_thread(unsigned code)
{
	return !scap_tells_of_user(code) && code != HC_SCAP_CONTAINER_JSON_2_E && code != HC_SCAP_ASYNCEVENT_E;
}

/* Of a thread that nothing has told of these tell nothing either: the reference makes none of them. */
static bool tells_of_no_thread(const struct hc_scap_event *e)
{
	switch (e->code) {
	case HC_SCAP_SCHEDSWITCH_6_E:
	case HC_SCAP_PROCEXIT_1_E:
		return true;
	case HC_SCAP_SYSCALL_CLONE_20_X:
	case HC_SCAP_SYSCALL_FORK_20_X:
	case HC_SCAP_SYSCALL_VFORK_20_X:
	case HC_SCAP_SYSCALL_CLONE3_X:
		return hc_scap_i64(e, 0, -1) < 0;
	default:
		return false;
	}
}

void scap_apply(struct hc_scap_import *im, struct sevent *s)
{
	const struct hc_scap_event *e = s->e;
	uint32_t flags = e->info->flags;

	if (im->gone_tid >= 0 || im->closed_tid >= 0)
		remove_gone(im, e->ts_ns);
	s->fd_num = -1;
	im->busy = NULL;
	if (flags & (HC_SCAP_F_METAEVENT | HC_SCAP_F_PLUGIN)) {
		if (scap_tells_of_user(e->code))
			scap_on_user(im, e);
		if (e->code == HC_SCAP_CONTAINER_JSON_2_E)
			scap_on_container(im, s, hc_scap_param(e, 0), false);
		if (e->code == HC_SCAP_ASYNCEVENT_E)
			scap_on_async(im, s);
		if (names_thread(e->code))
			s->k = scap_thread(im, e->tid); /* it is about one, and changes nothing */
		if (s->k)
			s->before = REF(scap_refresh(im, s->k));
		return;
	}
	s->k = scap_thread(im, e->tid);
	if (!s->k && !tells_of_no_thread(e))
		s->k = scap_thread_invalid(im, e->tid);
	if (!s->k)
		return;
	im->busy = s->k;
	s->before = REF(scap_refresh(im, s->k));
	if (flags & HC_SCAP_F_USES && !e->enter) {
		s->fd_num = hc_scap_i64(e, fd_position(e->code), -1);
		s->fd = REF(scap_fd(im, s->k, s->fd_num));
	}
	if (e->enter) {
		scap_enter_keep(im, s->k, e);
		return;
	}
	switch (e->code) {
	case HC_SCAP_SYSCALL_EXECVE_19_X:
	case HC_SCAP_SYSCALL_EXECVEAT_X:
		scap_on_exec(im, s);
		break;
	case HC_SCAP_SYSCALL_CLONE_20_X:
	case HC_SCAP_SYSCALL_FORK_20_X:
	case HC_SCAP_SYSCALL_VFORK_20_X:
	case HC_SCAP_SYSCALL_CLONE3_X:
		scap_on_clone(im, s);
		break;
	case HC_SCAP_PROCEXIT_1_E:
		scap_on_procexit(im, s);
		break;
	case HC_SCAP_SCHEDSWITCH_6_E:
		scap_mem_of_switch(im, s->k, e);
		break;
	default:
		on_descriptor(im, s);
		on_change(im, s, hc_scap_i64(e, 0, -1) >= 0);
	}
	scap_refresh(im, s->k);
	if (s->after) {
		ver_unref(im->t, s->after);
		s->after = REF(s->k->cur);
	}
}

void scap_event_done(struct hc_scap_import *im, struct sevent *s)
{
	ver_unref(im->t, s->before);
	ver_unref(im->t, s->after);
	fd_unref(im->t, s->fd);
	fd_unref(im->t, s->newfd);
	fd_unref(im->t, s->fd_after);
	sock_unref(im->t, s->sock_after);
}
