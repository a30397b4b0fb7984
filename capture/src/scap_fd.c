/* Descriptors of a scap file's processes: a table for each process, copied at a fork; and the paths behind them.
 */
#include "scap_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/scap_flags.h"

struct sfds *scap_fds(struct hc_scap_import *im, struct sthr *k)
{
	return k->own_fds ? &k->fds : &scap_main(im, k)->fds;
}

void scap_fds_note(struct hc_scap_import *im, struct sfds *f, int64_t num, const struct tfd *was,
                   const struct tfd *is)
{
	bool seen = num < 3;

	if (is && !f->n_kind[is->kind]++) {
		f->kinds |= UINT64_C(1) << is->kind;
		seen = true;
	}
	if (was && !--f->n_kind[was->kind]) {
		f->kinds &= ~(UINT64_C(1) << was->kind);
		seen = true;
	}
	if (seen)
		f->gen = ++im->state_gen;
}

void scap_fds_clear(struct hc_scap_import *im, struct sfds *f)
{
	struct sfd *d;

	TABLE_ALL(&f->by_num, at, d)
	{
		fd_unref(im->t, d->fd);
		free(d);
	}
	table_done(&f->by_num);
	*f = (struct sfds){ .gen = ++im->state_gen };
}

static struct sfd *fd_entry(struct hc_scap_import *im, const struct sfds *f, int64_t num)
{
	struct sfd *d;

	TABLE_EACH(&f->by_num, scap_hash(im, num), at, d)
	{
		if (d->num == num)
			return d;
	}
	return NULL;
}

struct tfd *scap_fd(struct hc_scap_import *im, struct sthr *k, int64_t num)
{
	struct sfd *d = k && num >= 0 ? fd_entry(im, scap_fds(im, k), num) : NULL;

	return d ? d->fd : NULL;
}

/* Takes the reference. */
static void fds_put(struct hc_scap_import *im, struct sfds *f, int64_t num, struct tfd *fd)
{
	struct sfd *d = fd ? fd_entry(im, f, num) : NULL;

	if (!fd)
		return;
	if (d) {
		scap_fds_note(im, f, num, d->fd, fd);
		fd_unref(im->t, d->fd);
		d->fd = fd;
		return;
	}
	d = num >= 0 && f->by_num.n < SCAP_MAX_FDS ? calloc(1, sizeof(*d)) : NULL;
	if (d) {
		d->num = num;
		d->fd = fd;
	}
	if (!d || !table_add(&f->by_num, scap_hash(im, num), d)) {
		free(d);
		fd_unref(im->t, fd);
		return;
	}
	scap_fds_note(im, f, num, NULL, fd);
}

void scap_fd_put(struct hc_scap_import *im, struct sthr *k, int64_t num, struct tfd *fd)
{
	fds_put(im, scap_fds(im, k), num, fd);
}

void scap_fd_drop(struct hc_scap_import *im, struct sthr *k, int64_t num)
{
	struct sfds *f = scap_fds(im, k);
	struct sfd *d = fd_entry(im, f, num);

	if (!d)
		return;
	table_remove(&f->by_num, scap_hash(im, num), d);
	scap_fds_note(im, f, num, d->fd, NULL);
	fd_unref(im->t, d->fd);
	free(d);
}

void scap_fds_copy(struct hc_scap_import *im, struct sthr *to, struct sthr *from)
{
	struct sfds *source = scap_fds(im, from);
	struct sfd *d;

	if (source == &to->fds)
		return;
	scap_fds_clear(im, &to->fds);
	TABLE_ALL(&source->by_num, at, d)
	{
		fds_put(im, &to->fds, d->num, REF(d->fd));
	}
}

void scap_fds_exec(struct hc_scap_import *im, struct sthr *k)
{
	struct sfds *f = scap_fds(im, k);
	struct sfd *d;

	TABLE_SWEEP(&f->by_num, at, d)
	{
		if (!d->fd->cloexec)
			continue;
		TABLE_SWEEP_REMOVE(&f->by_num, at);
		scap_fds_note(im, f, d->num, d->fd, NULL);
		fd_unref(im->t, d->fd);
		free(d);
	}
}

struct tfd *scap_fd_make(struct hc_scap_import *im, uint8_t kind)
{
	struct tfd *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->refs = 1;
	f->kind = kind;
	f->id = ++im->next_fd;
	f->defined = true;
	return f;
}

struct tfile *scap_file_make(struct hc_scap_import *im, uint32_t dev, uint64_t ino, uint32_t flags)
{
	struct hc_wire_file w = { .ino = ino, .dev = (uint32_t)hc_scap_dev_native(dev) };

	w.layer = flags & HC_SCAP_OPEN_UPPER_LAYER ? 1 : flags & HC_SCAP_OPEN_LOWER_LAYER ? 2 : 0;
	return file_get(im->t, &w);
}

/* Below a directory of which itself no more is known than what it is below. Returns the length; 0: too long. */
static uint32_t join_relative(struct hc_str base, struct hc_str given, char *buf, uint32_t room)
{
	char all[SCAP_MAX_PATH + 16];
	int n = snprintf(all, sizeof(all), HC_STR_FMT "/" HC_STR_FMT, HC_STR_ARG(base), HC_STR_ARG(given));
	uint32_t joined;

	if (n < 0 || (size_t)n >= sizeof(all))
		return 0;
	joined = path_join(HC_STR("/"), (struct hc_str){ all, (uint32_t)n }, buf, room);
	memmove(buf, buf + 1, joined ? joined - 1 : 0);
	return joined ? joined - 1 : 0;
}

/* Below a directory of which nothing is known. Of a thread of which no process is known the reference takes it for
 * "./": a component that ".." takes away as any other. Returns the length; 0: too long, or nothing is left. */
static uint32_t join_nothing(struct hc_str given, bool dot, char *buf, uint32_t room)
{
	uint32_t depth = 1, n;

	for (uint32_t i = 0, len; i < given.len; i += len + 1) {
		struct hc_str part = { given.p + i, 0 };

		while (i + part.len < given.len && part.p[part.len] != '/')
			part.len++;
		len = part.len;
		if (hc_str_eq(part, HC_STR("..")))
			depth -= depth > 0;
		else if (len && !hc_str_eq(part, HC_STR(".")))
			depth++;
		dot = dot && depth;
	}
	n = path_join(HC_STR("/"), given, buf + 1, room - 1); /* from a slash on */
	if (!dot) {
		memmove(buf, buf + 2, n - (n > 0));
		return n - (n > 0);
	}
	buf[0] = '.';
	return n > 1 ? n + 1 : 1;
}

struct tpath *scap_path_below(struct hc_scap_import *im, const struct sevent *s, struct hc_str given,
                              int64_t below)
{
	static const struct hc_str too_long = { "/DIR_TOO_LONG/FILENAME_TOO_LONG", 31 };
	struct path_ask ask = { .given = given, .prov = 6 };
	bool relative = given.len && given.p[0] != '/', nowhere = false;
	char joined[SCAP_MAX_PATH + 16];
	struct tfd *dir;

	if (!given.p)
		return NULL;
	if (below != SCAP_AT_FDCWD) {
		dir = scap_fd(im, s->k, below);
		ask.base = dir && dir->path ? dir->path->abs ? dir->path->abs : dir->path->real : NULL;
	} else if (s->k && s->before && s->before->cwd) {
		ask.base = s->before->cwd->abs ? s->before->cwd->abs : s->before->cwd->real;
	} else {
		nowhere = s->k;
	}
	if (given.len + 1 + (relative && ask.base ? ask.base->len + 1 : 0) > SCAP_MAX_PATH)
		ask.abs = too_long; /* as the reference has it */
	else if (relative && nowhere)
		ask.abs = (struct hc_str){ joined, join_nothing(given, s->k->pid < 0, joined, sizeof(joined)) };
	else if (relative && ask.base && ask.base->len && ask.base->p[0] != '/')
		ask.abs =
			(struct hc_str){ joined, join_relative(txt_str(ask.base), given, joined, sizeof(joined)) };
	return path_get(im->t, &ask);
}

struct tpath *scap_path(struct hc_scap_import *im, const struct sevent *s, struct hc_str given, int dirfd)
{
	return scap_path_below(im, s, given,
	                       dirfd < 0 ? SCAP_AT_FDCWD : hc_scap_i64(s->e, (unsigned)dirfd, SCAP_AT_FDCWD));
}

struct tpath *scap_opened_path(struct hc_scap_import *im, const struct sevent *s, struct hc_str given, int64_t num)
{
	struct tpath *path = scap_path_below(im, s, given, num), *unknown;
	char name[SCAP_MAX_PATH + 16], joined[SCAP_MAX_PATH + 16];
	uint32_t n;

	if (!path || path->abs || num == SCAP_AT_FDCWD || !given.len || given.p[0] == '/' ||
	    given.len > SCAP_MAX_PATH)
		return path;
	n = (uint32_t)snprintf(name, sizeof(name), "<UNKNOWN>" HC_STR_FMT, HC_STR_ARG(given));
	n = path_join(HC_STR("/"), (struct hc_str){ name, n }, joined, sizeof(joined));
	unknown = path_get(im->t, &(struct path_ask){ .given = given, .real = { joined + 1, n - 1 }, .prov = 6 });
	path_unref(im->t, path);
	return unknown;
}

struct tpath *scap_dir_path(struct hc_scap_import *im, struct hc_str s)
{
	while (s.len > 1 && s.p[s.len - 1] == '/')
		s.len--;
	return s.p ? path_of_text(im->t, s, 6, 0) : NULL;
}
