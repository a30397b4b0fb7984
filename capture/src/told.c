/*
 * A description is a copy of the payloads of a FILE and a PATH fact. Its room is kept when another takes its
 * place.
 */
#include "told.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct description {
	uint32_t room, n_file, n_path; /* bytes; 0: there is no such fact */
	uint8_t path_flags;
	_Alignas(8) uint8_t bytes[]; /* FILE, then PATH at the next multiple of 8 */
};

struct told_cpu {
	struct description *at[HC_WIRE_N_LANES][HC_WIRE_N_TOLD];
};

#define ALIGN8(n) (((n) + 7) & ~UINT32_C(7))

/* Where the place of `r` is; NULL: nowhere. */
static struct description **place_of(struct told *t, const struct wrec *r, const struct hc_wire_fd *w)
{
	uint32_t cpu = r->head->cpu, lane = r->head->lane;

	if (cpu >= TOLD_MAX_CPUS || lane >= HC_WIRE_N_LANES || !w->place || w->place > HC_WIRE_N_TOLD)
		return NULL;
	if (cpu >= t->n_cpus) {
		struct told_cpu **cpus = realloc(t->cpus, (cpu + 1) * sizeof(*cpus));

		if (!cpus)
			return NULL;
		memset(cpus + t->n_cpus, 0, (cpu + 1 - t->n_cpus) * sizeof(*cpus));
		t->cpus = cpus;
		t->n_cpus = cpu + 1;
	}
	if (!t->cpus[cpu])
		t->cpus[cpu] = calloc(1, sizeof(**t->cpus));
	return t->cpus[cpu] ? &t->cpus[cpu]->at[lane][w->place - 1] : NULL;
}

static int remember(struct description **at, const struct wfact *file, const struct wfact *path)
{
	uint32_t n_file = file ? file->bytes : 0, n_path = path ? path->bytes : 0;
	uint32_t room = ALIGN8(n_file) + n_path;
	struct description *d = *at;

	if (!d || d->room < room) {
		free(d);
		*at = d = malloc(sizeof(*d) + room);
		if (!d)
			return -ENOMEM;
		d->room = room;
	}
	d->n_file = n_file;
	d->n_path = n_path;
	d->path_flags = path ? path->flags : 0;
	if (file)
		memcpy(d->bytes, file->p, n_file);
	if (path)
		memcpy(d->bytes + ALIGN8(n_file), path->p, n_path);
	return 0;
}

int told_facts(struct told *t, struct wrec *r)
{
	uint32_t n = wrec_has(r, HC_WIRE_F_FD) ? r->n_facts : 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct hc_wire_fd *w = r->fact[i].p;
		uint16_t subject = r->fact[i].subject;
		struct description **at;
		int code = 0;

		if (r->fact[i].kind != HC_WIRE_F_FD || r->fact[i].bytes < sizeof(*w) || !w->place)
			continue;
		at = place_of(t, r, w);
		if (!at)
			return w->flags & HC_WIRE_FD_SAME ? -EBADMSG : -ENOMEM;
		if (!(w->flags & HC_WIRE_FD_SAME)) {
			if (r->head->bytes <= HC_WIRE_TOLD_BYTES)
				code = remember(at, wrec_fact(r, HC_WIRE_F_FILE, subject),
				                wrec_fact(r, HC_WIRE_F_PATH, subject));
		} else if (!*at || r->n_facts > WREC_MAX_FACTS - 2) {
			code = -EBADMSG;
		} else {
			const struct description *d = *at;

			if (d->n_file)
				wrec_add(r, (struct wfact){ .p = d->bytes,
				                            .bytes = d->n_file,
				                            .subject = subject,
				                            .kind = HC_WIRE_F_FILE });
			if (d->n_path)
				wrec_add(r, (struct wfact){ .p = d->bytes + ALIGN8(d->n_file),
				                            .bytes = d->n_path,
				                            .subject = subject,
				                            .kind = HC_WIRE_F_PATH,
				                            .flags = d->path_flags });
		}
		if (code < 0)
			return code;
	}
	return 0;
}

void told_free(struct told *t)
{
	for (uint32_t cpu = 0; cpu < t->n_cpus; cpu++) {
		for (unsigned i = 0; t->cpus[cpu] && i < HC_WIRE_N_LANES * HC_WIRE_N_TOLD; i++)
			free(t->cpus[cpu]->at[i / HC_WIRE_N_TOLD][i % HC_WIRE_N_TOLD]);
		free(t->cpus[cpu]);
	}
	free(t->cpus);
	*t = (struct told){ 0 };
}
