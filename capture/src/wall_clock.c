#include "wall_clock.h"

#include <string.h>

/* The two oldest become one. */
static void forget_oldest(struct wall_clock *w)
{
	struct wall_span *a = &w->v[0], *b = &w->v[1];

	a->low_ns = b->low_ns < a->low_ns ? b->low_ns : a->low_ns;
	a->high_ns = b->high_ns > a->high_ns ? b->high_ns : a->high_ns;
	w->n--;
	memmove(b, b + 1, (w->n - 1) * sizeof(*b));
}

int64_t wall_clock_look(struct wall_clock *w, int64_t boot_ns, int64_t wall_ns)
{
	int64_t offset = wall_ns - boot_ns, step = w->n ? offset - w->offset_ns : 0;

	w->offset_ns = offset;
	if (w->n && step < WALL_STEP_NS && step > -WALL_STEP_NS) {
		struct wall_span *s = &w->v[w->n - 1];

		s->low_ns = offset < s->low_ns ? offset : s->low_ns;
		s->high_ns = offset > s->high_ns ? offset : s->high_ns;
		return 0;
	}
	if (w->n == WALL_MAX_STEPS)
		forget_oldest(w);
	w->v[w->n++] = (struct wall_span){ .from_boot_ns = boot_ns, .low_ns = offset, .high_ns = offset };
	return step;
}

int64_t wall_clock_first(const struct wall_clock *w, int64_t from_boot_ns, int64_t until_boot_ns)
{
	int64_t first = INT64_MAX;

	for (unsigned i = 0; i < w->n; i++) {
		int64_t from = i && w->v[i].from_boot_ns > from_boot_ns ? w->v[i].from_boot_ns : from_boot_ns;

		if ((i && from > until_boot_ns) || (i + 1 < w->n && w->v[i + 1].from_boot_ns <= from_boot_ns))
			continue;
		first = from + w->v[i].low_ns < first ? from + w->v[i].low_ns : first;
	}
	return first;
}

int64_t wall_clock_last(const struct wall_clock *w, int64_t from_boot_ns, int64_t until_boot_ns)
{
	int64_t last = INT64_MIN;

	for (unsigned i = 0; i < w->n; i++) {
		int64_t until = i + 1 < w->n && w->v[i + 1].from_boot_ns < until_boot_ns ? w->v[i + 1].from_boot_ns
		                                                                         : until_boot_ns;

		if ((i && w->v[i].from_boot_ns > until_boot_ns) ||
		    (i + 1 < w->n && w->v[i + 1].from_boot_ns <= from_boot_ns))
			continue;
		last = until + w->v[i].high_ns > last ? until + w->v[i].high_ns : last;
	}
	return last;
}
