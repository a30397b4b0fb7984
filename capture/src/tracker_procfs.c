/* What /proc tells of a process: for those alive at the start, and for those whose birth nobody saw. */
#include "tracker_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define TICK_NS UINT64_C(10000000) /* /proc/PID/stat has the start time in hundredths of a second */

ssize_t procfs_read(struct hc_tracker *t, uint32_t pid, const char *name, void *buf, size_t room)
{
	char path[64];
	size_t have = 0;
	ssize_t n = 0;
	int fd;

	if (pid)
		snprintf(path, sizeof(path), "%u/%s", pid, name);
	else /* of the system */
		snprintf(path, sizeof(path), "%s", name);
	fd = openat(t->proc_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	while (have < room - 1 && (n = read(fd, (char *)buf + have, room - 1 - have)) > 0)
		have += (size_t)n;
	if (n < 0 && !have)
		n = -errno;
	close(fd);
	((char *)buf)[have] = '\0';
	return n < 0 ? n : (ssize_t)have;
}

ssize_t procfs_link(struct hc_tracker *t, uint32_t pid, const char *name, char *buf, size_t room)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "%u/%s", pid, name);
	n = readlinkat(t->proc_fd, path, buf, room - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return n;
}

int procfs_each(struct hc_tracker *t, uint32_t pid, const char *which, void (*fn)(void *ctx, uint32_t n),
                void *ctx)
{
	char path[64];
	struct dirent *e;
	DIR *d;
	int fd, n = 0;

	if (which)
		snprintf(path, sizeof(path), "%u/%s", pid, which);
	else
		snprintf(path, sizeof(path), ".");
	fd = openat(t->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while ((e = readdir(d)) != NULL && n < (1 << 20)) {
		char *end;
		unsigned long v = strtoul(e->d_name, &end, 10);

		if (e->d_name[0] < '0' || e->d_name[0] > '9' || *end)
			continue;
		fn(ctx, (uint32_t)v);
		n++;
	}
	closedir(d);
	return n;
}

/* The numbers behind the name in stat; comm may hold anything, so the last ')' counts. */
struct stat_line {
	char comm[HC_WIRE_COMM_BYTES];
	long long ppid, pgrp, sid, tty, flags, start;
};

static bool read_stat(struct hc_tracker *t, uint32_t pid, struct stat_line *s)
{
	char buf[2048], *open, *close_, *p;
	long long v[20] = { 0 };
	size_t n;

	if (procfs_read(t, pid, "stat", buf, sizeof(buf)) <= 0)
		return false;
	open = strchr(buf, '(');
	close_ = strrchr(buf, ')');
	if (!open || !close_ || close_ < open)
		return false;
	memset(s, 0, sizeof(*s));
	n = (size_t)(close_ - open - 1);
	memcpy(s->comm, open + 1, n < sizeof(s->comm) - 1 ? n : sizeof(s->comm) - 1);
	p = close_ + 1;
	while (*p == ' ')
		p++;
	if (*p)
		p++;                 /* state */
	for (int i = 0; i < 19; i++) /* fields 4..22 */
		v[i] = strtoll(p, &p, 10);
	s->ppid = v[0];
	s->pgrp = v[1];
	s->sid = v[2];
	s->tty = v[3];
	s->flags = v[5];
	s->start = v[18];
	return true;
}

static const char *find_line(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = text; p; p = strchr(p, '\n')) {
		if (*p == '\n')
			p++;
		if (strncmp(p, key, n) == 0)
			return p + n;
	}
	return NULL;
}

static unsigned numbers(const char *p, int base, uint64_t *v, unsigned room)
{
	unsigned n = 0;

	while (p && *p && *p != '\n' && n < room) {
		char *end;

		while (*p == ' ' || *p == '\t')
			p++;
		if (*p == '\n' || !*p)
			break;
		v[n] = strtoull(p, &end, base);
		if (end == p)
			break;
		p = end;
		n++;
	}
	return n;
}

static uint64_t one(const char *status, const char *key, int base, uint64_t none)
{
	uint64_t v;

	return numbers(find_line(status, key), base, &v, 1) ? v : none;
}

static void fill_status(struct hc_tracker *t, uint32_t pid, struct tver *v)
{
	char buf[8192] = "";
	uint64_t n[64];
	unsigned k;

	if (procfs_read(t, pid, "status", buf, sizeof(buf)) <= 0)
		return;
	if (!(v->has & HAS_CREDS)) {
		struct hc_wire_creds *c = &v->creds;
		char text[32];

		if (numbers(find_line(buf, "Uid:"), 10, n, 4) == 4) {
			c->uid = (uint32_t)n[0];
			c->euid = (uint32_t)n[1];
			c->suid = (uint32_t)n[2];
			c->fsuid = (uint32_t)n[3];
			v->has |= HAS_CREDS;
		}
		if (numbers(find_line(buf, "Gid:"), 10, n, 4) == 4) {
			c->gid = (uint32_t)n[0];
			c->egid = (uint32_t)n[1];
			c->sgid = (uint32_t)n[2];
			c->fsgid = (uint32_t)n[3];
		}
		c->cap_inheritable = one(buf, "CapInh:", 16, 0);
		c->cap_permitted = one(buf, "CapPrm:", 16, 0);
		c->cap_effective = one(buf, "CapEff:", 16, 0);
		c->cap_bset = one(buf, "CapBnd:", 16, 0);
		c->cap_ambient = one(buf, "CapAmb:", 16, 0);
		c->no_new_privs = (uint32_t)one(buf, "NoNewPrivs:", 10, 0);
		c->seccomp = (uint32_t)one(buf, "Seccomp:", 10, 0);
		if (procfs_read(t, pid, "loginuid", text, sizeof(text)) > 0) {
			c->loginuid = (uint32_t)strtoul(text, NULL, 10);
			v->has |= HAS_LOGIN;
		}
		if (procfs_read(t, pid, "sessionid", text, sizeof(text)) > 0)
			c->session_id = (uint32_t)strtoul(text, NULL, 10);
	}
	if (!v->groups) {
		uint32_t gids[64];

		k = numbers(find_line(buf, "Groups:"), 10, n, 64);
		for (unsigned i = 0; i < k; i++)
			gids[i] = (uint32_t)n[i];
		v->groups = lst_of_u32(t, gids, k);
	}
	if (!v->n_vpids) {
		k = numbers(find_line(buf, "NSpid:"), 10, n, HC_WIRE_MAX_NSPIDS);
		for (unsigned i = 0; i < k; i++)
			v->vpids[i] = (uint32_t)n[i];
		v->n_vpids = (uint8_t)k;
	}
	if (!(v->has & HAS_IDS)) {
		k = numbers(find_line(buf, "NSpgid:"), 10, n, HC_WIRE_MAX_NSPIDS);
		if (k) {
			v->pgid = (uint32_t)n[0];
			v->vpgid = (uint32_t)n[k - 1];
		}
		k = numbers(find_line(buf, "NSsid:"), 10, n, HC_WIRE_MAX_NSPIDS);
		if (k) {
			v->sid = (uint32_t)n[0];
			v->vsid = (uint32_t)n[k - 1];
			v->has |= HAS_IDS;
		}
	}
}

static uint32_t ns_inum(struct hc_tracker *t, uint32_t pid, const char *which)
{
	char name[32], link[64], *p;

	snprintf(name, sizeof(name), "ns/%s", which);
	if (procfs_link(t, pid, name, link, sizeof(link)) <= 0)
		return 0;
	p = strchr(link, '[');
	return p ? (uint32_t)strtoul(p + 1, NULL, 10) : 0;
}

const struct tver *ver_seeing(struct hc_tracker *t, const struct tver *v, uint32_t ns_mnt, const struct txt *root,
                              unsigned *left)
{
	for (; v && *left; v = v->parent) {
		uint32_t now;

		--*left;
		if (!(v->has & HAS_NS) || v->ns.mnt != ns_mnt || (v->root ? v->root->real : NULL) != root)
			return NULL;
		now = ns_inum(t, v->pid, "mnt");
		if (!now || now == ns_mnt)
			return v;
	}
	return NULL;
}

static void fill_ns(struct hc_tracker *t, uint32_t pid, struct tver *v)
{
	struct hc_wire_ns *n = &v->ns;

	if (v->has & HAS_NS)
		return;
	n->mnt = ns_inum(t, pid, "mnt");
	n->pid = ns_inum(t, pid, "pid");
	n->pid_for_children = ns_inum(t, pid, "pid_for_children");
	n->net = ns_inum(t, pid, "net");
	n->ipc = ns_inum(t, pid, "ipc");
	n->uts = ns_inum(t, pid, "uts");
	n->cgroup = ns_inum(t, pid, "cgroup");
	n->time = ns_inum(t, pid, "time");
	n->time_for_children = ns_inum(t, pid, "time_for_children");
	v->creds.userns = ns_inum(t, pid, "user");
	v->creds.userns_level = v->creds.userns_owner = HC_UNKNOWN;
	if (n->mnt)
		v->has |= HAS_NS;
}

static struct tpath *link_path(struct hc_tracker *t, uint32_t pid, const char *name)
{
	char buf[PATH_MAX];
	ssize_t n = procfs_link(t, pid, name, buf, sizeof(buf));
	uint8_t flags = 0;

	if (n <= 0 || buf[0] != '/')
		return NULL;
	if (n > 10 && memcmp(buf + n - 10, " (deleted)", 10) == 0) {
		n -= 10;
		flags = HC_PATH_DELETED;
	}
	return path_of_text(t, (struct hc_str){ buf, (uint32_t)n }, 4, flags);
}

static struct lst *block_list(struct hc_tracker *t, uint32_t pid, const char *name, const struct tver *v,
                              const struct timage *image, enum hc_mask_form form, const char *column)
{
	char *buf = malloc(HC_WIRE_ARGV_BYTES + 1);
	struct lst *l = NULL;
	ssize_t n;

	if (!buf)
		return NULL;
	n = procfs_read(t, pid, name, buf, HC_WIRE_ARGV_BYTES + 1);
	if (n >= 0)
		l = lst_masked(t, v, image, form, HC_EV_META_STATE, column, buf, (size_t)n);
	free(buf);
	return l;
}

static void fill_image(struct hc_tracker *t, uint32_t pid, struct tver *v)
{
	struct timage *i = image_new(t);
	char name[32];
	struct stat st;

	if (!i)
		return;
	i->argc = i->envc = UINT32_MAX;
	i->exec_ns = v->start_ns;
	i->has_exec_ns = true;
	i->what = v->flags & HC_PROC_KTHREAD ? 1 : 0;
	i->comm = REF(v->comm);
	if (!i->what) {
		i->exe = link_path(t, pid, "exe");
		i->filename = REF(i->exe);
		snprintf(name, sizeof(name), "%u/exe", pid);
		if (i->exe && fstatat(t->proc_fd, name, &st, AT_STATX_DONT_SYNC) == 0) {
			struct hc_wire_file w = {
				.ino = st.st_ino,
				.size = (uint64_t)st.st_size,
				.ctime_ns = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec,
				.mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
				.dev = (uint32_t)major(st.st_dev) << 20 | (minor(st.st_dev) & 0xfffff),
				.mode = st.st_mode,
				.nlink = (uint32_t)st.st_nlink,
				.uid = st.st_uid,
				.gid = st.st_gid,
			};

			i->exe_file = file_of(&w);
		}
		i->argv = block_list(t, pid, "cmdline", v, i, HC_MASK_ARGS, "argv");
		i->env = block_list(t, pid, "environ", v, i, HC_MASK_ENV, "env");
		if (i->argv)
			i->argc = i->argv->n;
		if (i->env)
			i->envc = i->env->n;
		for (int fd = 0; fd < 3; fd++)
			i->std[fd] = fd_from_proc(t, pid, fd);
	}
	image_unref(t, v->image);
	v->image = i;
}

bool procfs_fill(struct hc_tracker *t, uint32_t pid, uint64_t start_ns, unsigned want, struct tver *v)
{
	struct stat_line s;
	char buf[4096];
	ssize_t n;

	if (t->proc_fd < 0 || !read_stat(t, pid, &s))
		return false;
	if (start_ns && (uint64_t)s.start != start_ns / TICK_NS)
		return false; /* the number has another owner */
	if (want & PROCFS_IDENT) {
		v->ppid = (uint32_t)s.ppid;
		if (s.flags & 0x200000)
			v->flags |= HC_PROC_KTHREAD;
		if (!v->comm)
			v->comm = txt_get(t, s.comm, strnlen(s.comm, sizeof(s.comm)));
		fill_status(t, pid, v);
		if (!v->tty_nr && s.tty) /* the old encoding: minor in bits 0..7 and 20..31 */
			v->tty_nr =
				(uint32_t)((s.tty >> 8 & 0xfff) << 20 | (s.tty & 0xff) | (s.tty >> 12 & 0xfff00));
		fill_ns(t, pid, v);
	}
	if (want & PROCFS_DIRS && !(v->flags & HC_PROC_KTHREAD)) {
		path_unref(t, v->cwd);
		path_unref(t, v->root);
		v->cwd = link_path(t, pid, "cwd");
		v->root = link_path(t, pid, "root");
	}
	if (want & PROCFS_CGROUP) {
		n = procfs_read(t, pid, "cgroup", buf, sizeof(buf));
		if (n > 0) {
			cgs_unref(t, v->cgs);
			v->cgs = cgs_of_proc_text(t, buf, (size_t)n, v->cgroup_id);
		}
	}
	if (want & PROCFS_IMAGE)
		fill_image(t, pid, v);
	if (want == PROCFS_ALL && !v->lsm_label) {
		n = procfs_read(t, pid, "attr/current", buf, sizeof(buf));
		if (n > 0)
			v->lsm_label = txt_get(t, buf, strcspn(buf, "\n"));
	}
	return true;
}
