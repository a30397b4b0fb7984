/*
 * A slot holds a copy of the payloads of a FILE and a PATH fact. A record says in which slot its description goes
 * (its place), and a later record of the same CPU that opens the same file names that place instead of describing
 * the file again.
 *
 * Slots may outlive a reader that was killed. Its successor gets some records a second time: those that the dead
 * reader had taken and not finished. Each that describes something fills its slot again, before any other refers
 * to it. But where the record that described a file does not come again, its slot may already hold what a later
 * record described; cpu_seq tells, and such a description is not taken.
 */
#include "told.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN8(n) (((n) + 7) & ~UINT32_C(7))

_Static_assert(sizeof(struct told_slot) == HC_WIRE_TOLD_BYTES, "no hidden padding: it is kept across processes");
_Static_assert(sizeof(struct hc_wire_head) >= offsetof(struct told_slot, bytes) + 7,
               "what a record that may be referred to describes fits into a slot");

static struct told_cpu *own_cpu(struct told *t, uint32_t cpu)
{
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
	return t->cpus[cpu];
}

/* Where the place of `r` is; NULL: nowhere. */
static struct told_slot *slot_of(struct told *t, const struct wrec *r, const struct hc_wire_fd *w)
{
	uint32_t n_cpus = t->kept ? t->n_kept : TOLD_MAX_CPUS;
	struct told_cpu *c;

	if (r->head->cpu >= n_cpus || r->head->lane != HC_WIRE_LANE_BULK || w->place > HC_WIRE_N_TOLD)
		return NULL;
	c = t->kept ? &t->kept[r->head->cpu] : own_cpu(t, r->head->cpu);
	return c ? &c->at[w->place - 1] : NULL;
}

static void remember(struct told_slot *s, uint32_t cpu_seq, const struct wfact *file, const struct wfact *path)
{
	uint32_t n_file = file ? file->bytes : 0, n_path = path ? path->bytes : 0;

	s->n_file = (uint16_t)n_file;
	s->n_path = (uint16_t)n_path;
	s->path_flags = path ? path->flags : 0;
	s->told = 1;
	s->cpu_seq = cpu_seq;
	if (file)
		memcpy(s->bytes, file->p, n_file);
	if (path)
		memcpy(s->bytes + ALIGN8(n_file), path->p, n_path);
}

static int recall(const struct told_slot *s, uint16_t subject, struct wrec *r)
{
	uint32_t path_at = ALIGN8((uint32_t)s->n_file);

	if (!s->told || (int32_t)(s->cpu_seq - r->head->cpu_seq) > 0)
		return -EBADMSG;
	if (path_at + s->n_path > sizeof(s->bytes) || r->n_facts > WREC_MAX_FACTS - 2)
		return -EBADMSG;
	if (s->n_file)
		wrec_add(r,
		         (struct wfact){
				 .p = s->bytes, .bytes = s->n_file, .subject = subject, .kind = HC_WIRE_F_FILE });
	if (s->n_path)
		wrec_add(r, (struct wfact){ .p = s->bytes + path_at,
		                            .bytes = s->n_path,
		                            .subject = subject,
		                            .kind = HC_WIRE_F_PATH,
		                            .flags = s->path_flags });
	return 0;
}

int told_facts(struct told *t, struct wrec *r)
{
	uint32_t n = wrec_has(r, HC_WIRE_F_FD) ? r->n_facts : 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct hc_wire_fd *w = r->fact[i].p;
		uint16_t subject = r->fact[i].subject;
		struct told_slot *s;
		int code = 0;

		if (r->fact[i].kind != HC_WIRE_F_FD || r->fact[i].bytes < sizeof(*w) || !w->place)
			continue;
		s = slot_of(t, r, w);
		if (!s)
			return w->flags & HC_WIRE_FD_SAME ? -EBADMSG : -ENOMEM;
		if (w->flags & HC_WIRE_FD_SAME)
			code = recall(s, subject, r);
		else if (r->n_facts > n) /* facts that it took over are not its own to tell */
			code = -EBADMSG;
		else if (r->head->bytes <= HC_WIRE_TOLD_BYTES)
			remember(s, r->head->cpu_seq, wrec_fact(r, HC_WIRE_F_FILE, subject),
			         wrec_fact(r, HC_WIRE_F_PATH, subject));
		if (code < 0)
			return code;
	}
	return 0;
}

void told_free(struct told *t)
{
	for (uint32_t cpu = 0; cpu < t->n_cpus; cpu++)
		free(t->cpus[cpu]);
	free(t->cpus);
	*t = (struct told){ 0 };
}

void told_use(struct told *t, struct told_cpu *kept, uint32_t n)
{
	told_free(t);
	t->kept = kept;
	t->n_kept = n;
}
