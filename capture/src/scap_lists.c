/* The lists at the beginning of a scap file, and of each of its sections. */
#include "scap_state.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "store/scap_flags.h"

#define L4_NONE 253 /* whatever it sends */

static const uint8_t l4_proto[] = { SCAP_L4_UNKNOWN, L4_NONE, 6, 17, 1, 255 };

void scap_begin_section(struct hc_scap_import *im)
{
	struct tuser *u;
	struct sthr *k;

	TABLE_ALL(&im->threads, at, k)
	scap_thread_free(im, k);
	table_done(&im->threads);
	im->found = NULL;
	table_done(&im->groups);
	memset(im->gone, 0, sizeof(im->gone));
	im->busy = NULL;
	TABLE_ALL(&im->users, at, u)
	user_unref(im->t, u);
	table_done(&im->users);
	for (unsigned i = 0; i < SCAP_MAX_TOLD; i++)
		ctr_facts_free(im->told[i].facts);
	memset(im->told, 0, sizeof(im->told));
	for (unsigned i = 0; i < SCAP_N_MET; i++)
		sock_unref(im->t, im->met[i].sock);
	memset(im->met, 0, sizeof(im->met));
	im->gone_tid = im->closed_tid = -1;
	im->begun = im->listed = false;
	im->first_ns = 0;
	im->tree_gen++;
}

struct lst *scap_argv_of(struct hc_scap_import *im, struct hc_str exe, struct hc_str args)
{
	char *p = malloc((size_t)exe.len + args.len + 2);
	struct lst *l;

	if (!p)
		return NULL;
	if (args.len == 1 && !args.p[0])
		args.len = 0; /* an end of nothing */
	if (exe.len)
		memcpy(p, exe.p, exe.len);
	p[exe.len] = '\0';
	if (args.len)
		memcpy(p + exe.len + 1, args.p, args.len);
	l = lst_of_block(im->t, p, (size_t)exe.len + 1 + args.len);
	free(p);
	return l;
}

void scap_add_proc(struct hc_scap_import *im, const struct hc_scap_proc *p)
{
	struct sthr *k = scap_thread(im, p->tid);
	struct timage *i = image_new(im->t);
	struct hc_wire_file exe = { .ino = p->exe_ino,
		                    .ctime_ns = (int64_t)p->exe_ctime_ns,
		                    .mtime_ns = (int64_t)p->exe_mtime_ns };
	struct tver *v;

	if (!k)
		k = scap_thread_new(im, p->tid);
	v = k && i ? scap_version_new(im, p->pid) : NULL;
	if (!v) {
		image_unref(im->t, i);
		return;
	}
	ver_unref(im->t, k->cur);
	k->cur = v;
	k->pid = p->pid;
	scap_set_parent(im, k, p->ptid);
	k->vtid = p->vtid;
	k->vpid = p->vpid;
	i->argc = i->envc = UINT32_MAX;
	i->argv = scap_argv_of(im, p->exe, p->args);
	i->env = lst_of_block(im->t, p->env.p ? p->env.p : "", p->env.len);
	i->exe = path_of_text(im->t, p->exepath, 6, 0);
	i->exe_file = file_get(im->t, &exe);
	i->has_flags = true;
	i->flags = (p->exe_writable ? HC_IMAGE_WRITABLE : 0u) | (p->exe_upper_layer ? HC_IMAGE_UPPER : 0u) |
	           (p->exe_from_memfd ? HC_IMAGE_MEMFD : 0u) | (p->exe_lower_layer ? HC_IMAGE_LOWER : 0u);
	v->image = i;
	v->comm = txt_get(im->t, p->comm.p, p->comm.len);
	v->image_comm = REF(v->comm);
	v->cwd = scap_dir_path(im, p->cwd);
	v->root = p->root.len ? path_of_text(im->t, p->root, 6, 0) : NULL;
	v->creds.euid = p->uid;
	v->creds.egid = p->gid;
	v->creds.loginuid = p->loginuid;
	v->creds.cap_inheritable = p->cap_inheritable;
	v->creds.cap_permitted = p->cap_permitted;
	v->creds.cap_effective = p->cap_effective;
	v->sid = v->vsid = (uint32_t)p->sid;
	v->pgid = (uint32_t)p->pgid;
	v->vpgid = (uint32_t)p->vpgid;
	v->tty_nr = (uint32_t)hc_scap_dev_native(p->tty);
	v->pidns_ns = p->pidns_init_start_ns;
	v->nofile = (uint64_t)p->fdlimit;
	v->has |= HAS_NOFILE;
	v->cgs = scap_cgs_of(im, p->cgroups);
	if (p->vpid > 0) {
		v->vpids[0] = (uint32_t)p->vpid;
		v->n_vpids = 1;
	}
	k->mem = (struct smem){ p->pfmajor, p->pfminor, p->vmsize_kb, p->vmrss_kb, p->vmswap_kb };
	k->mem_gen = ++im->state_gen;
	scap_group_join(im, k);
	scap_version_users(im, v);
	im->tree_gen++;
	im->stats.n_processes++;
}

void scap_add_fd(struct hc_scap_import *im, const struct hc_scap_fd *f)
{
	static const uint8_t kinds[] = {
		[HC_SCAP_FD_FILE] = HC_FD_FILE,          [HC_SCAP_FD_DIRECTORY] = HC_FD_DIR,
		[HC_SCAP_FD_IPV4_SOCK] = HC_FD_IPV4,     [HC_SCAP_FD_IPV6_SOCK] = HC_FD_IPV6,
		[HC_SCAP_FD_IPV4_SERVSOCK] = HC_FD_IPV4, [HC_SCAP_FD_IPV6_SERVSOCK] = HC_FD_IPV6,
		[HC_SCAP_FD_FIFO] = HC_FD_PIPE,          [HC_SCAP_FD_UNIX_SOCK] = HC_FD_UNIX,
		[HC_SCAP_FD_EVENT] = HC_FD_EVENTFD,      [HC_SCAP_FD_UNSUPPORTED] = HC_FD_UNKNOWN,
		[HC_SCAP_FD_SIGNALFD] = HC_FD_SIGNALFD,  [HC_SCAP_FD_EVENTPOLL] = HC_FD_EVENTPOLL,
		[HC_SCAP_FD_INOTIFY] = HC_FD_INOTIFY,    [HC_SCAP_FD_TIMERFD] = HC_FD_TIMERFD,
		[HC_SCAP_FD_NETLINK] = HC_FD_NETLINK,    [HC_SCAP_FD_FILE_V2] = HC_FD_FILE,
		[HC_SCAP_FD_BPF] = HC_FD_BPF_MAP,        [HC_SCAP_FD_USERFAULTFD] = HC_FD_USERFAULTFD,
		[HC_SCAP_FD_IOURING] = HC_FD_IO_URING,   [HC_SCAP_FD_MEMFD] = HC_FD_MEMFD,
		[HC_SCAP_FD_PIDFD] = HC_FD_PIDFD,
	};
	struct sthr *k = scap_thread(im, f->tid);
	struct hc_scap_tuple tuple = { .sport = f->sport,
		                       .dport = f->dport,
		                       .source = f->unix_source,
		                       .peer = f->unix_peer,
		                       .path = f->name };
	struct tfd *fd;

	if (!k)
		return;
	fd = scap_fd_make(im, f->type < sizeof(kinds) ? kinds[f->type] : HC_FD_UNKNOWN);
	if (!fd)
		return;
	memcpy(tuple.sip, f->src, 16);
	memcpy(tuple.dip, f->dst, 16);
	fd->f_flags = (uint32_t)hc_scap_native(HC_SCAP_TAB_file_flags, f->open_flags);
	fd->cloexec = f->open_flags & HC_SCAP_OPEN_CLOEXEC;
	switch (f->type) {
	case HC_SCAP_FD_IPV4_SOCK:
	case HC_SCAP_FD_IPV6_SOCK:
	case HC_SCAP_FD_IPV4_SERVSOCK:
	case HC_SCAP_FD_IPV6_SERVSOCK:
	case HC_SCAP_FD_UNIX_SOCK:
		tuple.family = fd->kind == HC_FD_IPV4 ? AF_INET : fd->kind == HC_FD_IPV6 ? AF_INET6 : AF_UNIX;
		fd->sock = scap_tuple_sock(im, &tuple,
		                           fd->kind != HC_FD_UNIX ? ROLE_NONE /* its own address stands first */
		                           : f->name.len          ? ROLE_SERVER
		                                                  : ROLE_CLIENT,
		                           NULL);
		if (fd->sock && f->type == HC_SCAP_FD_IPV6_SERVSOCK) { /* whatever its address */
			fd->sock->w.family = AF_INET6;
			memcpy(fd->sock->w.laddr, f->src, 16);
		}
		if (fd->sock && fd->kind != HC_FD_UNIX) {
			fd->kind = scap_kind_of_family(fd->sock->w.family);
			fd->sock->w.protocol = l4_proto[f->l4 < sizeof(l4_proto) ? f->l4 : 0];
			if (f->type == HC_SCAP_FD_IPV6_SOCK && fd->kind == HC_FD_IPV6 && f->l4 != HC_SCAP_L4_RAW &&
			    f->l4 != HC_SCAP_L4_NA)
				scap_hide_protocol(fd->sock, fd->sock->w.protocol);
			if (f->type == HC_SCAP_FD_IPV4_SERVSOCK || f->type == HC_SCAP_FD_IPV6_SERVSOCK)
				fd->sock->near_end = NEAR_BOUND;
			else
				fd->sock->connected = f->l4 == HC_SCAP_L4_TCP;
			scap_near_end(im, k, fd->sock);
		}
		break;
	case HC_SCAP_FD_FILE:
	case HC_SCAP_FD_FILE_V2:
	case HC_SCAP_FD_DIRECTORY:
		if (f->name.p)
			fd->path = path_of_text(im->t, f->name, 6, 0);
		fd->file = scap_file_make(im, f->dev, f->ino, f->open_flags);
		break;
	default:
		if (f->name.len || f->type == HC_SCAP_FD_UNSUPPORTED)
			fd->name = txt_get(im->t, f->name.p ? f->name.p : "", f->name.len);
	}
	if (!fd->file && f->ino)
		fd->file = scap_file_make(im, 0, f->ino, 0);
	scap_fd_put(im, k, f->fd, fd);
}

static bool listens_on(const struct sthr *k, uint16_t port)
{
	const struct sfd *d;

	TABLE_ALL(&k->fds.by_num, at, d)
	{
		const struct tsock *s = d->fd->kind == HC_FD_IPV4 ? d->fd->sock : NULL;

		if (s && s->near_end == NEAR_BOUND && s->w.lport == port)
			return true;
	}
	return false;
}

/* Sockets that were there at the beginning: those on a port at which the process listens are a server's, of IPv6
 * none are known to be. Which end is the machine's can be told only now: its addresses may come behind its
 * descriptors. */
void scap_lists_done(struct hc_scap_import *im)
{
	struct sthr *k;
	struct sfd *d;

	TABLE_ALL(&im->threads, at, k)
	{
		TABLE_ALL(&k->fds.by_num, i, d)
		{
			struct tsock *s =
				d->fd->kind == HC_FD_IPV4 || d->fd->kind == HC_FD_IPV6 ? d->fd->sock : NULL;

			if (!s || s->near_end == NEAR_BOUND)
				continue;
			if (d->fd->kind == HC_FD_IPV4)
				s->role = listens_on(k, s->w.lport) ? ROLE_SERVER : ROLE_CLIENT;
			scap_near_end(im, k, s);
		}
	}
}
