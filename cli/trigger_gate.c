/* A short table of rules and places, and a ring of the moments of the last starts. */
#include "trigger_gate.h"

#include <stdlib.h>
#include <string.h>

#define HOUR_NS UINT64_C(3600000000000)
#define TELL_NS UINT64_C(60000000000) /* a budget that refuses is told no more often, without a cool-down too */

struct entry {
	char *rule, *place;
	uint64_t until_ns; /* of the cool-down; 0: none */
	uint64_t told_ns;  /* until when what a budget refuses is only counted; 0: not told */
	uint64_t n_held;
	enum hc_trigger_verdict verdict;
};

struct hc_trigger_gate {
	struct entry v[HC_TRIGGER_MAX_PLACES];
	uint32_t n;
	uint64_t started_ns[HC_TRIGGER_MAX_HOUR]; /* the last ones, a ring */
	uint64_t n_started;
	uint64_t n_others;  /* held back while the table was full */
	struct entry given; /* what hc_trigger_gate_over gave last */
};

const char *hc_trigger_verdict_text(enum hc_trigger_verdict v)
{
	static const char *const texts[] = {
		[HC_TRIGGER_START] = "started",
		[HC_TRIGGER_COOLDOWN] = "cooldown",
		[HC_TRIGGER_MAX_STARTED] = "max-hour",
		[HC_TRIGGER_MAX_RUNNING] = "max-running",
		[HC_TRIGGER_MAX_PINNED] = "max-pinned",
		[HC_TRIGGER_MANY_KEPT] = "too-many-kept",
		[HC_TRIGGER_MANY_PLACES] = "too-many-places",
	};

	return texts[v];
}

static void entry_done(struct entry *e)
{
	free(e->rule);
	free(e->place);
	*e = (struct entry){ 0 };
}

struct hc_trigger_gate *hc_trigger_gate_new(void)
{
	return calloc(1, sizeof(struct hc_trigger_gate));
}

struct hc_trigger_gate *hc_trigger_gate_free(struct hc_trigger_gate *g)
{
	if (!g)
		return NULL;
	for (uint32_t i = 0; i < g->n; i++)
		entry_done(&g->v[i]);
	entry_done(&g->given);
	free(g);
	return NULL;
}

/* The entry of a rule and place, made when missing; NULL: no room. */
static struct entry *entry_of(struct hc_trigger_gate *g, const char *rule, const char *place)
{
	struct entry *e;

	for (uint32_t i = 0; i < g->n; i++)
		if (strcmp(g->v[i].rule, rule) == 0 && strcmp(g->v[i].place, place) == 0)
			return &g->v[i];
	if (g->n == HC_TRIGGER_MAX_PLACES)
		return NULL;
	e = &g->v[g->n];
	e->rule = strdup(rule);
	e->place = strdup(place);
	if (!e->rule || !e->place) {
		entry_done(e);
		return NULL;
	}
	g->n++;
	return e;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Whether one more would be more than max within the hour before now. */
static bool hour_is_full(const struct hc_trigger_gate *g, uint32_t max, uint64_t now_ns)
{
	if (!max || max > HC_TRIGGER_MAX_HOUR)
		max = HC_TRIGGER_MAX_HOUR;
	return g->n_started >= max && g->started_ns[(g->n_started - max) % HC_TRIGGER_MAX_HOUR] + HOUR_NS > now_ns;
}

static enum hc_trigger_verdict judge(const struct hc_trigger_gate *g, const struct hc_trigger_budget *b,
                                     uint64_t now_ns)
{
	if (b->pinned_full)
		return HC_TRIGGER_MAX_PINNED;
	if (b->max_running && b->n_running >= b->max_running)
		return HC_TRIGGER_MAX_RUNNING;
	if (hour_is_full(g, b->max_hour, now_ns))
		return HC_TRIGGER_MAX_STARTED;
	return b->n_kept >= HC_TRIGGER_MAX_KEPT ? HC_TRIGGER_MANY_KEPT : HC_TRIGGER_START;
}

static void start(struct hc_trigger_gate *g, struct entry *e, uint64_t cooldown_ns, uint64_t now_ns)
{
	e->until_ns = plus(now_ns, cooldown_ns);
	g->started_ns[g->n_started++ % HC_TRIGGER_MAX_HOUR] = now_ns;
}

enum hc_trigger_verdict hc_trigger_gate_ask(struct hc_trigger_gate *g, const char *rule, const char *place,
                                            uint64_t n, uint64_t cooldown_ns,
                                            const struct hc_trigger_budget *budget, uint64_t now_ns,
                                            bool *ret_tell)
{
	struct entry *e = entry_of(g, rule, place);

	*ret_tell = false;
	if (!e) {
		g->n_others += n;
		return HC_TRIGGER_MANY_PLACES;
	}
	e->verdict = now_ns < e->until_ns ? HC_TRIGGER_COOLDOWN : judge(g, budget, now_ns);
	if (e->verdict == HC_TRIGGER_START) {
		start(g, e, cooldown_ns, now_ns);
		*ret_tell = true;
	} else if (e->verdict != HC_TRIGGER_COOLDOWN && now_ns >= e->told_ns) {
		e->told_ns = plus(now_ns, cooldown_ns > TELL_NS ? cooldown_ns : TELL_NS);
		*ret_tell = true;
	} else {
		e->n_held += n;
	}
	return e->verdict;
}

void hc_trigger_gate_started(struct hc_trigger_gate *g, const char *rule, const char *place, uint64_t cooldown_ns,
                             uint64_t started_ns)
{
	struct entry *e = entry_of(g, rule, place);

	if (e)
		start(g, e, cooldown_ns, started_ns);
}

bool hc_trigger_gate_over(struct hc_trigger_gate *g, uint64_t now_ns, bool all, struct hc_trigger_held *ret)
{
	entry_done(&g->given);
	for (uint32_t i = g->n; i--;) {
		struct entry *e = &g->v[i];

		if (!all && (now_ns < e->until_ns || now_ns < e->told_ns))
			continue;
		g->given = *e;
		*e = g->v[--g->n];
		g->v[g->n] = (struct entry){ 0 };
		if (g->given.n_held) {
			*ret = (struct hc_trigger_held){ g->given.rule, g->given.place, g->given.verdict,
				                         g->given.n_held };
			return true;
		}
		entry_done(&g->given);
	}
	if (!g->n_others || (!all && g->n == HC_TRIGGER_MAX_PLACES))
		return false;
	*ret = (struct hc_trigger_held){ "", "", HC_TRIGGER_MANY_PLACES, g->n_others };
	g->n_others = 0;
	return true;
}
