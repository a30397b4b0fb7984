/* Looking up a container's files by id. Each look opens the runtimes' directories anew: they come and go. */
#include "ctr_disk.h"
#include "store/base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROOTS 128u
#define MAX_NAMESPACES 64u /* of containerd, below one root */
#define MAX_PENDING 128u
#define MAX_KEPT 256u
#define MAX_WATCHES 512u
#define MAX_READS 16u /* of events in one turn: whoever makes directories may be as fast as we are */
#define RESCAN_NS UINT64_C(2000000000) /* for roots that appear without anybody telling */
#define PENDING_NS UINT64_C(2000000000)
#define EAGER_NS UINT64_C(200000000) /* so long a new one is looked at every 2 ms, then every 50 */
#define USERS_REST 9u                /* times what looking at users' places took, the watcher of them rests */
#define LONGEST_REST_NS UINT64_C(5000000000)

enum kind {
	KIND_DOCKER,
	KIND_PODMAN,
	KIND_CRIO,
	KIND_CONTAINERD,
	KIND_CRUN,
	KIND_RUNC,
	KIND_LXC,
	KIND_NSPAWN,
	N_KINDS
};

static const char *const kind_names[N_KINDS] = { "docker", "podman", "crio", "containerd",
	                                         "crun",   "runc",   "lxc",  "nspawn" };

/* Whose a place is. What users tell is taken for a container that no runtime of the system's knows, and for no
 * other: else whoever guesses an id, or reads it in /sys/fs/cgroup, would tell what a container of others is. */
enum owner { OF_SYSTEM, OF_USERS, N_OWNERS };

struct root {
	enum kind kind;
	enum owner owner;
	char *pattern;
};

/* Where the runtimes and the distributions that move them keep their state. Read in this order: the first file
 * that tells something wins. */
static const char *const default_roots[] = {
	"docker=/var/lib/docker/containers",
	"docker=/var/snap/docker/common/var-lib-docker/containers",
	"docker=/home/*/.local/share/docker/containers",
	"podman=/var/lib/containers/storage/overlay-containers",
	"podman=/var/lib/containers/storage/vfs-containers",
	"podman=/home/*/.local/share/containers/storage/overlay-containers",
	"podman=/home/*/.local/share/containers/storage/vfs-containers",
	"crio=/run/containers/storage/overlay-containers",
	"containerd=/run/containerd/io.containerd.runtime.v2.task",
	"containerd=/run/k3s/containerd/io.containerd.runtime.v2.task",
	"containerd=/run/k0s/containerd/io.containerd.runtime.v2.task",
	"containerd=/var/snap/microk8s/common/run/containerd/io.containerd.runtime.v2.task",
	"containerd=/run/user/*/containerd/io.containerd.runtime.v2.task",
	"crun=/run/crun",
	"crun=/run/user/*/crun",
	"runc=/run/runc",
	"runc=/run/user/*/runc",
	"lxc=/var/lib/lxc",
	"nspawn=/run/systemd/machines",
};

struct pending {
	char id[CTR_MAX_ID_BYTES + 1];
	uint64_t since_ns, next_ns;
};

struct kept {
	char id[CTR_MAX_ID_BYTES + 1];
	struct ctr_facts *facts;
};

/* A thread that is told of new entries, and what it waits for. Users' places have one of their own: a home on a
 * server that is gone holds it for ever, and one that fills with directories keeps it busy. */
struct watcher {
	struct ctr_disk *d;
	enum owner owner;
	pthread_t thread;
	bool running;
	int inotify_fd, stop_fd;
	int root_wd[MAX_WATCHES]; /* of directories whose entries are containers */
	unsigned n_root_wds;
	struct pending pending[MAX_PENDING];
	unsigned n_pending;
	/* with the lock */
	struct kept kept[MAX_KEPT];
	unsigned next_kept;
};

struct ctr_disk {
	struct root root[MAX_ROOTS];
	unsigned n_roots;
	atomic_uint_fast64_t n_refused;
	struct watcher watcher[N_OWNERS];
	pthread_mutex_t lock;
};

/* ---- files ---- */

/* Below dir, without following links or crossing into another file system; whoever owns the place may have put
 * anything there. */
static int open_below(int dir, const char *name, int flags)
{
	struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW),
		                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV };

	return (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

struct content {
	char *p; /* malloc'ed; NULL: there is none */
	uint32_t len;
};

static struct hc_str content_str(struct content c)
{
	return (struct hc_str){ c.p, c.len };
}

/* A whole regular file, malloc'ed; .p NULL when there is none. own: only when root owns it. */
static struct content read_below(struct ctr_disk *d, int dir, const char *name, size_t max, bool own)
{
	struct content none = { NULL, 0 };
	int fd = open_below(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	size_t have = 0;
	char *buf;

	if (fd < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			d->n_refused++;
		return none;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > (off_t)max || (own && st.st_uid != 0)) {
		d->n_refused++;
		close(fd);
		return none;
	}
	buf = malloc((size_t)st.st_size + 1);
	while (buf && have < (size_t)st.st_size) {
		ssize_t n = read(fd, buf + have, (size_t)st.st_size - have);

		if (n <= 0)
			break;
		have += (size_t)n;
	}
	close(fd);
	return buf ? (struct content){ buf, (uint32_t)have } : none;
}

/* Reads a file and has it parsed. Whether it told something. A file that is being written is none yet: not counted
 * as refused. */
static bool parse_below(struct ctr_disk *d, int dir, const char *name,
                        int (*parse)(struct hc_str json, struct ctr_facts *f), struct ctr_facts *f)
{
	struct content s = read_below(d, dir, name, CTR_MAX_FILE_BYTES, false);
	bool ok = s.len && parse(content_str(s), f) == 0;

	free(s.p);
	return ok;
}

static bool exists_below(int dir, const char *name)
{
	int fd = open_below(dir, name, O_PATH);
	struct stat st;
	bool is = fd >= 0 && fstat(fd, &st) == 0 && !S_ISLNK(st.st_mode); /* as a place, a link can be opened */

	if (fd >= 0)
		close(fd);
	return is;
}

/* ---- one container in one root ---- */

static bool in_docker(struct ctr_disk *d, int dir, const char *id, struct ctr_facts *f)
{
	static const char *const drivers[] = { "overlay2", "vfs", "btrfs", "zfs", "fuse-overlayfs" };
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%s/config.v2.json", id);
	if (!parse_below(d, dir, name, ctr_parse_docker, f))
		return exists_below(dir, id);
	snprintf(name, sizeof(name), "%s/hostconfig.json", id);
	parse_below(d, dir, name, ctr_parse_docker_host, f);
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]) && f->image_id.len; i++) {
		int image = openat(dir, "../image", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		struct content s;

		if (image < 0)
			break;
		snprintf(name, sizeof(name), "%s/repositories.json", drivers[i]);
		s = read_below(d, image, name, CTR_MAX_SHARED_BYTES, false);
		close(image);
		if (s.p && ctr_parse_docker_repos(content_str(s), f) == 0)
			i = sizeof(drivers) / sizeof(drivers[0]) - 1;
		free(s.p);
	}
	return true;
}

static bool in_overlay(struct ctr_disk *d, int dir, const char *id, struct ctr_facts *f)
{
	struct content s = read_below(d, dir, "containers.json", CTR_MAX_SHARED_BYTES, false);
	char name[PATH_MAX], sandbox[CTR_MAX_ID_BYTES + 1];
	bool found = s.len && ctr_parse_podman(content_str(s), hc_str_c(id), f) == 0;

	free(s.p);
	snprintf(name, sizeof(name), "%s/userdata/config.json", id);
	if (!parse_below(d, dir, name, ctr_parse_oci, f))
		return found || exists_below(dir, id);
	f->files |= CTR_FILE_OVERLAY;
	if (f->sandbox_id.len && f->sandbox_id.len <= CTR_MAX_ID_BYTES && !f->has_pod_labels &&
	    !memchr(f->sandbox_id.p, '/', f->sandbox_id.len) && f->sandbox_id.p[0] != '.') {
		snprintf(sandbox, sizeof(sandbox), HC_STR_FMT, HC_STR_ARG(f->sandbox_id));
		snprintf(name, sizeof(name), "%s/userdata/config.json", sandbox);
		parse_below(d, dir, name, ctr_parse_oci_sandbox, f);
	}
	return true;
}

/* ROOT/NAMESPACE/ID/config.json */
static bool in_containerd(struct ctr_disk *d, int dir, const char *id, struct ctr_facts *f)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *e;
	bool found = false;

	if (!list) {
		if (copy >= 0)
			close(copy);
		return false;
	}
	for (unsigned n = 0; !found && n < MAX_NAMESPACES && (e = readdir(list)) != NULL; n++) {
		char name[PATH_MAX];

		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", e->d_name, id);
		if (!exists_below(dir, name))
			continue;
		found = true;
		snprintf(name, sizeof(name), "%s/%s/config.json", e->d_name, id);
		if (parse_below(d, dir, name, ctr_parse_oci, f)) {
			f->files |= CTR_FILE_CONTAINERD;
			if (!f->runtime.p)
				f->runtime =
					strcmp(e->d_name, "moby") == 0 ? HC_STR("docker") : HC_STR("containerd");
		}
	}
	closedir(list);
	return found;
}

/* crun keeps a copy of the configuration beside its status. */
static bool in_crun(struct ctr_disk *d, int dir, const char *id, struct ctr_facts *f)
{
	char name[PATH_MAX];
	bool found;

	snprintf(name, sizeof(name), "%s/config.json", id);
	found = parse_below(d, dir, name, ctr_parse_oci, f);
	if (found)
		f->files |= CTR_FILE_CRUN;
	snprintf(name, sizeof(name), "%s/status", id);
	found |= parse_below(d, dir, name, ctr_parse_crun, f);
	if (found && !f->runtime.p)
		f->runtime = HC_STR("crun");
	return found || exists_below(dir, id);
}

/* runc names the bundle. It is followed only on root's word: any file could be named. */
static bool in_runc(struct ctr_disk *d, int dir, const char *id, struct ctr_facts *f)
{
	char name[PATH_MAX];
	struct content s;
	int bundle = -1;

	snprintf(name, sizeof(name), "%s/state.json", id);
	s = read_below(d, dir, name, CTR_MAX_FILE_BYTES, true);
	if (!s.len || ctr_parse_runc(content_str(s), f) < 0) {
		free(s.p);
		return exists_below(dir, id);
	}
	free(s.p);
	if (!f->runtime.p)
		f->runtime = HC_STR("runc");
	if (f->bundle.len && f->bundle.p[0] == '/' && f->bundle.len < sizeof(name)) {
		snprintf(name, sizeof(name), HC_STR_FMT, HC_STR_ARG(f->bundle));
		bundle = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	if (bundle >= 0) {
		parse_below(d, bundle, "config.json", ctr_parse_oci, f);
		close(bundle);
	}
	return true;
}

static bool in_lxc(struct ctr_disk *d, int dir, const char *id, struct ctr_facts *f)
{
	char name[PATH_MAX];

	(void)d;
	snprintf(name, sizeof(name), "%s/config", id);
	if (!exists_below(dir, name))
		return false;
	f->files |= CTR_FILE_LXC | CTR_FILE_OCI; /* there is nothing more to come */
	f->runtime = HC_STR("lxc");
	if (!f->name.p)
		f->name = hc_arena_str(&f->arena, hc_str_c(id));
	return true;
}

static bool in_nspawn(struct ctr_disk *d, int dir, const char *id, struct ctr_facts *f)
{
	(void)d;
	if (!exists_below(dir, id))
		return false;
	f->files |= CTR_FILE_NSPAWN | CTR_FILE_OCI;
	f->runtime = HC_STR("nspawn");
	if (!f->name.p)
		f->name = hc_arena_str(&f->arena, hc_str_c(id));
	return true;
}

static bool (*const looks[N_KINDS])(struct ctr_disk *d, int dir, const char *id, struct ctr_facts *f) = {
	[KIND_DOCKER] = in_docker, [KIND_PODMAN] = in_overlay,
	[KIND_CRIO] = in_overlay,  [KIND_CONTAINERD] = in_containerd,
	[KIND_CRUN] = in_crun,     [KIND_RUNC] = in_runc,
	[KIND_LXC] = in_lxc,       [KIND_NSPAWN] = in_nspawn,
};

/* ---- roots ---- */

static bool is_pattern(const char *path)
{
	return strpbrk(path, "*?[") != NULL;
}

/* Many places that one pattern names are many owners'. */
static enum owner owner_of(const char *pattern)
{
	bool users = !strncmp(pattern, "/home/", 6) || !strncmp(pattern, "/run/user/", 10) || is_pattern(pattern);

	return users ? OF_USERS : OF_SYSTEM;
}

static int root_parse(const char *text, struct root *ret, struct hc_err *err)
{
	const char *eq = strchr(text, '=');

	for (unsigned k = 0; eq && k < N_KINDS; k++) {
		if (strlen(kind_names[k]) != (size_t)(eq - text) ||
		    memcmp(text, kind_names[k], (size_t)(eq - text)) != 0)
			continue;
		if (eq[1] != '/' || strlen(eq + 1) > PATH_MAX / 2)
			return hc_err_set(err, -EINVAL, "'%s' needs an absolute path after the '='", text);
		*ret = (struct root){ .kind = k, .owner = owner_of(eq + 1), .pattern = strdup(eq + 1) };
		return ret->pattern ? 0 : hc_err_set(err, -ENOMEM, "out of memory");
	}
	return hc_err_set(
		err, -EINVAL,
		"'%s' is no KIND=DIR with a KIND of docker, podman, crio, containerd, crun, runc, lxc or "
		"nspawn",
		text);
}

int ctr_disk_root_check(const char *root, struct hc_err *err)
{
	struct root r = { 0 };
	int code = root_parse(root, &r, err);

	free(r.pattern);
	return code;
}

struct place {
	enum kind kind;
	const char *path;
};

/* Calls fn for each directory that the roots name. */
static void each_place(struct ctr_disk *d, enum owner owner, void (*fn)(void *ctx, const struct place *p),
                       void *ctx)
{
	for (unsigned i = 0; i < d->n_roots; i++) {
		const struct root *r = &d->root[i];
		struct place p = { .kind = r->kind, .path = r->pattern };
		glob_t g = { 0 };

		if (r->owner != owner)
			continue;
		if (!is_pattern(r->pattern)) {
			fn(ctx, &p);
			continue;
		}
		if (glob(r->pattern, GLOB_NOSORT | GLOB_ONLYDIR, NULL, &g) == 0) {
			for (size_t k = 0; k < g.gl_pathc && k < MAX_WATCHES; k++) {
				p.path = g.gl_pathv[k];
				fn(ctx, &p);
			}
		}
		globfree(&g);
	}
}

struct search {
	struct ctr_disk *d;
	const char *id;
	struct ctr_facts *f;
	bool found;
};

static void search_place(void *ctx, const struct place *p)
{
	struct search *s = ctx;
	int dir = open(p->path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (dir < 0)
		return;
	s->found |= looks[p->kind](s->d, dir, s->id, s->f);
	close(dir);
}

/* A name that is one component, and no hidden file: containerd renames what it removes to .ID. */
static bool id_ok(struct hc_str id)
{
	return id.len && id.len <= CTR_MAX_ID_BYTES && id.p[0] != '.' && !memchr(id.p, '/', id.len) &&
	       !memchr(id.p, '\0', id.len);
}

static struct ctr_facts *look_up(struct ctr_disk *d, const char *id, enum owner owner)
{
	struct search s = { .d = d, .id = id, .f = ctr_facts_new() };

	if (!s.f)
		return NULL;
	each_place(d, owner, search_place, &s);
	if (!s.found)
		return ctr_facts_free(s.f);
	s.f->exists = true;
	ctr_image_parts(s.f);
	ctr_facts_look_at_joins(s.f);
	return s.f;
}

/* ---- what the threads keep ---- */

static struct ctr_facts *kept_take(struct watcher *w, const char *id, bool whole)
{
	struct ctr_facts *f = NULL;

	pthread_mutex_lock(&w->d->lock);
	for (unsigned i = 0; i < MAX_KEPT && !f; i++) {
		struct kept *k = &w->kept[i];

		if (k->facts && strcmp(k->id, id) == 0 && (!whole || k->facts->files & CTR_FILE_OCI)) {
			f = k->facts;
			k->facts = NULL;
		}
	}
	pthread_mutex_unlock(&w->d->lock);
	return f;
}

static void kept_put(struct watcher *w, const char *id, struct ctr_facts *f)
{
	struct kept *k = NULL;

	pthread_mutex_lock(&w->d->lock);
	for (unsigned i = 0; i < MAX_KEPT && !k; i++)
		if (w->kept[i].facts && strcmp(w->kept[i].id, id) == 0)
			k = &w->kept[i];
	if (!k)
		k = &w->kept[w->next_kept++ % MAX_KEPT];
	ctr_facts_free(k->facts);
	snprintf(k->id, sizeof(k->id), "%s", id);
	k->facts = f;
	pthread_mutex_unlock(&w->d->lock);
}

struct ctr_facts *ctr_disk_find(struct ctr_disk *d, struct hc_str id)
{
	struct watcher *of_system = &d->watcher[OF_SYSTEM];
	char name[CTR_MAX_ID_BYTES + 1];
	struct ctr_facts *f, *part;

	if (!id_ok(id))
		return NULL;
	snprintf(name, sizeof(name), HC_STR_FMT, HC_STR_ARG(id));
	f = kept_take(of_system, name, true);
	if (f)
		return f;
	f = look_up(d, name, OF_SYSTEM);
	if (f && f->files)
		return f;
	part = kept_take(of_system, name, false);
	if (!part && !f)
		part = kept_take(&d->watcher[OF_USERS], name, false);
	if (!part)
		return f;
	ctr_facts_free(f);
	return part;
}

/* ---- the threads ---- */

/* since_ns: what has been there for longer than EAGER_NS is looked at less often. */
static void pending_add(struct watcher *w, const char *id, uint64_t since_ns)
{
	uint64_t now = hc_clock_ns(CLOCK_MONOTONIC);

	if (!id_ok(hc_str_c(id)))
		return;
	for (unsigned i = 0; i < w->n_pending; i++)
		if (strcmp(w->pending[i].id, id) == 0)
			return;
	if (w->n_pending == MAX_PENDING) /* the oldest has had its time */
		memmove(&w->pending[0], &w->pending[1], --w->n_pending * sizeof(w->pending[0]));
	w->pending[w->n_pending] = (struct pending){ .since_ns = since_ns, .next_ns = now };
	snprintf(w->pending[w->n_pending].id, sizeof(w->pending[0].id), "%s", id);
	w->n_pending++;
}

static void pending_look(struct watcher *w)
{
	uint64_t now = hc_clock_ns(CLOCK_MONOTONIC);

	for (unsigned i = 0; i < w->n_pending;) {
		struct pending *p = &w->pending[i];
		struct ctr_facts *f;
		bool whole;

		if (p->next_ns > now) {
			i++;
			continue;
		}
		f = look_up(w->d, p->id, w->owner);
		whole = f && f->files & CTR_FILE_OCI;
		if (f && f->files)
			kept_put(w, p->id, f);
		else
			ctr_facts_free(f);
		if (whole || now - p->since_ns > PENDING_NS) {
			memmove(p, p + 1, (--w->n_pending - i) * sizeof(*p));
			continue;
		}
		p->next_ns = now + (now - p->since_ns < EAGER_NS ? 2000000 : 50000000);
		i++;
	}
}

/* How long until the next of them is due, in ms; -1: none is waiting. */
static int pending_wait(const struct watcher *w)
{
	uint64_t now = hc_clock_ns(CLOCK_MONOTONIC), next = UINT64_MAX;

	for (unsigned i = 0; i < w->n_pending; i++)
		next = w->pending[i].next_ns < next ? w->pending[i].next_ns : next;
	if (next == UINT64_MAX)
		return -1;
	return next > now ? (int)((next - now + 999999) / 1000000) : 0;
}

static bool is_root_wd(const struct watcher *w, int wd)
{
	for (unsigned i = 0; i < w->n_root_wds; i++)
		if (w->root_wd[i] == wd)
			return true;
	return false;
}

/* Watches a directory whose entries are containers; those that are there already are new to us, and older than
 * what is eagerly waited for. */
static void watch_entries(struct watcher *w, const char *path)
{
	uint64_t since_ns = hc_clock_ns(CLOCK_MONOTONIC) - EAGER_NS;
	int wd = inotify_add_watch(w->inotify_fd, path,
	                           IN_CREATE | IN_MOVED_TO | IN_ONLYDIR | IN_DONT_FOLLOW | IN_DELETE_SELF);
	DIR *list;
	struct dirent *e;

	if (wd < 0 || is_root_wd(w, wd) || w->n_root_wds == MAX_WATCHES)
		return;
	w->root_wd[w->n_root_wds++] = wd;
	list = opendir(path);
	for (unsigned n = 0; list && n < MAX_PENDING && (e = readdir(list)) != NULL; n++)
		pending_add(w, e->d_name, since_ns);
	if (list)
		closedir(list);
}

static void watch_place(void *ctx, const struct place *p)
{
	struct watcher *w = ctx;
	char path[PATH_MAX];
	struct dirent *e;
	char *slash;
	DIR *list;

	if (p->kind != KIND_CONTAINERD)
		watch_entries(w, p->path);
	/* what makes it appear, and the namespaces of containerd, are told by their parents */
	snprintf(path, sizeof(path), "%s", p->path);
	inotify_add_watch(w->inotify_fd, path,
	                  IN_CREATE | IN_MOVED_TO | IN_ONLYDIR | IN_DONT_FOLLOW | IN_MASK_ADD);
	slash = strrchr(path, '/');
	if (slash && slash != path) {
		*slash = '\0';
		inotify_add_watch(w->inotify_fd, path,
		                  IN_CREATE | IN_MOVED_TO | IN_ONLYDIR | IN_DONT_FOLLOW | IN_MASK_ADD);
	}
	list = p->kind == KIND_CONTAINERD ? opendir(p->path) : NULL;
	for (unsigned n = 0; list && n < MAX_NAMESPACES && (e = readdir(list)) != NULL; n++) {
		if (e->d_name[0] == '.')
			continue;
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", p->path, e->d_name) < sizeof(path))
			watch_entries(w, path);
	}
	if (list)
		closedir(list);
}

static void forget_root_wd(struct watcher *w, int wd)
{
	for (unsigned i = 0; i < w->n_root_wds; i++)
		if (w->root_wd[i] == wd)
			w->root_wd[i] = w->root_wd[--w->n_root_wds];
}

/* Returns whether the places are to be looked at anew. */
static bool take_event(struct watcher *w, const struct inotify_event *ev)
{
	if (ev->mask & IN_IGNORED) {
		forget_root_wd(w, ev->wd);
		return false;
	}
	if (!(ev->mask & (IN_CREATE | IN_MOVED_TO)) || !ev->len || !is_root_wd(w, ev->wd))
		return true; /* a parent, or what was lost of a full queue */
	/* what is kept of that name was of one before it */
	ctr_facts_free(kept_take(w, ev->name, false));
	pending_add(w, ev->name, hc_clock_ns(CLOCK_MONOTONIC));
	return false;
}

/* As take_event(), for all that wait. */
static bool take_events(struct watcher *w)
{
	_Alignas(struct inotify_event) char buf[16384];
	bool rescan = false;
	ssize_t n;

	for (unsigned turn = 0; turn < MAX_READS && (n = read(w->inotify_fd, buf, sizeof(buf))) > 0; turn++) {
		for (char *p = buf; p < buf + n;) {
			const struct inotify_event *ev = (const void *)p;

			p += sizeof(*ev) + ev->len;
			rescan |= take_event(w, ev);
		}
	}
	return rescan;
}

/* So long that a tenth of the time at most is spent on what anybody may put there. False: it is to stop. */
static bool rest(const struct watcher *w, uint64_t since_ns)
{
	struct pollfd stop = { .fd = w->stop_fd, .events = POLLIN };
	uint64_t ns = (hc_clock_ns(CLOCK_MONOTONIC) - since_ns) * USERS_REST;

	if (w->owner != OF_USERS || ns < 1000000)
		return true;
	return poll(&stop, 1, (int)((ns < LONGEST_REST_NS ? ns : LONGEST_REST_NS) / 1000000)) == 0;
}

static void *watch_thread(void *ctx)
{
	struct watcher *w = ctx;
	struct pollfd fds[2] = { { .fd = w->inotify_fd, .events = POLLIN },
		                 { .fd = w->stop_fd, .events = POLLIN } };
	uint64_t scanned_ns = 0, woke_ns;

	do {
		int timeout = pending_wait(w);
		bool rescan;

		if (timeout < 0)
			timeout = (int)(RESCAN_NS / 1000000);
		if (poll(fds, 2, timeout) < 0 && errno != EINTR)
			break;
		if (fds[1].revents)
			break;
		woke_ns = hc_clock_ns(CLOCK_MONOTONIC);
		rescan = take_events(w);
		if (rescan || woke_ns - scanned_ns >= RESCAN_NS) {
			each_place(w->d, w->owner, watch_place, w);
			scanned_ns = hc_clock_ns(CLOCK_MONOTONIC);
		}
		pending_look(w);
	} while (rest(w, woke_ns));
	return NULL;
}

/* ---- life ---- */

static bool has_places(const struct ctr_disk *d, enum owner owner)
{
	for (unsigned i = 0; i < d->n_roots; i++)
		if (d->root[i].owner == owner)
			return true;
	return false;
}

static int watcher_open(struct watcher *w)
{
	if (!has_places(w->d, w->owner))
		return 0;
	w->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	w->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (w->inotify_fd < 0 || w->stop_fd < 0)
		return -errno;
	if (w->owner == OF_SYSTEM)
		each_place(w->d, w->owner, watch_place, w); /* from now on nothing is missed */
	return 0;
}

static void watcher_done(struct watcher *w)
{
	if (w->inotify_fd >= 0)
		close(w->inotify_fd);
	if (w->stop_fd >= 0)
		close(w->stop_fd);
	for (unsigned i = 0; i < MAX_KEPT; i++)
		ctr_facts_free(w->kept[i].facts);
}

/* Signals are for the others. */
static int watcher_start(struct watcher *w)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&w->thread, NULL, watch_thread, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	w->running = r == 0;
	return -r;
}

int ctr_disk_start(struct ctr_disk *d, struct hc_err *err)
{
	for (unsigned i = 0; i < N_OWNERS; i++) {
		struct watcher *w = &d->watcher[i];
		int r = w->running || w->inotify_fd < 0 ? 0 : watcher_start(w);

		if (r < 0)
			return hc_err_set(err, r, "cannot watch the directories of container runtimes: %s",
			                  strerror(-r));
	}
	return 0;
}

int ctr_disk_open(const char *const *roots, size_t n, bool watch, struct ctr_disk **ret, struct hc_err *err)
{
	struct ctr_disk *d = calloc(1, sizeof(*d));
	int code = 0;

	if (!d)
		return hc_err_set(err, -ENOMEM, "out of memory");
	for (unsigned i = 0; i < N_OWNERS; i++)
		d->watcher[i] = (struct watcher){ .d = d, .owner = i, .inotify_fd = -1, .stop_fd = -1 };
	pthread_mutex_init(&d->lock, NULL);
	if (!n) {
		roots = default_roots;
		n = sizeof(default_roots) / sizeof(default_roots[0]);
	}
	if (n > MAX_ROOTS)
		code = hc_err_set(err, -E2BIG, "more than %u directories of container state", MAX_ROOTS);
	for (size_t i = 0; i < n && code >= 0; i++) {
		code = root_parse(roots[i], &d->root[d->n_roots], err);
		d->n_roots += code >= 0;
	}
	for (unsigned i = 0; i < N_OWNERS && code >= 0 && watch; i++) {
		code = watcher_open(&d->watcher[i]);
		if (code < 0)
			hc_err_set(err, code, "cannot watch the directories of container runtimes: %s",
			           strerror(-code));
	}
	if (code < 0) {
		ctr_disk_close(d);
		return code;
	}
	*ret = d;
	return 0;
}

struct ctr_disk *ctr_disk_close(struct ctr_disk *d)
{
	struct timespec until;
	bool held = false;

	if (!d)
		return NULL;
	for (unsigned i = 0; i < N_OWNERS; i++)
		if (d->watcher[i].running)
			eventfd_write(d->watcher[i].stop_fd, 1);
	clock_gettime(CLOCK_MONOTONIC, &until); /* the wall clock may be set meanwhile */
	until.tv_sec += 5;
	for (unsigned i = 0; i < N_OWNERS; i++) {
		struct watcher *w = &d->watcher[i];

		if (w->running && pthread_clockjoin_np(w->thread, NULL, CLOCK_MONOTONIC, &until) != 0) {
			pthread_detach(w->thread); /* by a user's file system */
			held = true;
		}
	}
	if (held)
		return NULL; /* what it uses stays */
	for (unsigned i = 0; i < N_OWNERS; i++)
		watcher_done(&d->watcher[i]);
	for (unsigned i = 0; i < d->n_roots; i++)
		free(d->root[i].pattern);
	pthread_mutex_destroy(&d->lock);
	free(d);
	return NULL;
}

uint64_t ctr_disk_n_refused(struct ctr_disk *d)
{
	return d ? d->n_refused : 0;
}
