#include "grow.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen.h"
#include "store/capture.h"

struct hc_grow {
	struct hc_capture *from;
	const char *to;
	int lock_fd;
	struct hc_gen_rng rng;
	uint32_t boot;
	struct {
		uint32_t seg; /* in order of the capture */
		uint64_t done_bytes;
	} at[HC_N_STREAMS];
};

static void must(bool fine, const char *what)
{
	if (!fine) {
		perror(what);
		abort();
	}
}

/* The segment that a stream is at; NULL when it has none left in this boot. */
static const struct hc_capture_seg *seg_at(struct hc_grow *g, unsigned stream)
{
	uint32_t n;
	const struct hc_capture_seg *segs = hc_capture_segs(g->from, &n);
	uint32_t i = g->at[stream].seg;

	while (i < n && (segs[i].header.stream != stream || segs[i].boot < g->boot))
		i++;
	if (i == n || segs[i].boot != g->boot)
		return NULL;
	g->at[stream].seg = i;
	return &segs[i];
}

struct hc_grow *hc_grow_new(const char *from, const char *to, uint64_t seed)
{
	struct hc_grow *g = calloc(1, sizeof(*g));

	must(g, "calloc");
	g->to = to;
	g->rng.s = seed;
	must(hc_capture_open(from, 0, &g->from, NULL) == 0, from);
	must(mkdir(to, 0700) == 0, to);
	g->lock_fd = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(g->lock_fd >= 0 && flock(g->lock_fd, LOCK_EX | LOCK_NB) == 0, to);
	return g;
}

static void make_dirs(char *path, size_t from)
{
	for (char *p = path + from + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
}

/* Appends; true when the segment is whole then. */
static void append(struct hc_grow *g, unsigned stream, const struct hc_capture_seg *seg, uint64_t n_bytes)
{
	uint64_t done = g->at[stream].done_bytes;
	int in = hc_capture_file_open(g->from, hc_capture_seg_file(g->from, g->at[stream].seg), NULL), out;
	uint8_t *buf = malloc(n_bytes + 1);
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", g->to, seg->path);
	make_dirs(path, strlen(g->to));
	out = open(path, O_WRONLY | O_CREAT | (done ? 0 : O_EXCL) | O_CLOEXEC, 0600);
	must(in >= 0 && out >= 0 && buf, path);
	must(pread(in, buf, n_bytes, (off_t)done) == (ssize_t)n_bytes, path);
	must(pwrite(out, buf, n_bytes, (off_t)done) == (ssize_t)n_bytes, path);
	close(in);
	close(out);
	free(buf);
	g->at[stream].done_bytes += n_bytes;
	if (g->at[stream].done_bytes == seg->bytes) {
		g->at[stream].seg++;
		g->at[stream].done_bytes = 0;
	}
}

bool hc_grow_segment(struct hc_grow *g, unsigned stream)
{
	const struct hc_capture_seg *seg = seg_at(g, stream);

	if (seg)
		append(g, stream, seg, seg->bytes - g->at[stream].done_bytes);
	return seg;
}

bool hc_grow_step(struct hc_grow *g, uint64_t max_bytes)
{
	unsigned stream = (unsigned)hc_gen_below(&g->rng, HC_N_STREAMS);
	const struct hc_capture_seg *seg = seg_at(g, stream);
	uint64_t left, n = 1 + hc_gen_below(&g->rng, max_bytes);
	uint32_t n_segs, last;

	if (!seg) {
		stream ^= 1;
		seg = seg_at(g, stream);
	}
	if (!seg) {
		last = hc_capture_segs(g->from, &n_segs)[0].boot;
		last = n_segs ? hc_capture_segs(g->from, &n_segs)[n_segs - 1].boot : last;
		if (g->boot == last)
			return false;
		g->boot++;
		return hc_grow_step(g, max_bytes);
	}
	left = seg->bytes - g->at[stream].done_bytes;
	append(g, stream, seg, n < left ? n : left);
	return true;
}

void hc_grow_end(struct hc_grow *g)
{
	close(g->lock_fd);
	hc_capture_close(g->from);
	free(g);
}
