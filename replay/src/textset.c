/*
 * Equal: a hash table. All else: automata over classes of bytes, one table look-up for each byte of the text. For
 * beginnings and ends (read backwards) the trie of the literals, left where no literal goes on; for anywhere the
 * automaton of Aho and Corasick, made deterministic. Whether a literal ends at a state stands in the table itself,
 * beside the state.
 *
 * While the literals to be found anywhere are few, a look-up that does not wait for the one before is quicker:
 * each literal is known by one pair of neighbouring bytes, its rarest, and at most places of a text there is no
 * such pair.
 */
#include "textset.h"

#include <errno.h>
#include <stdlib.h>

#include "op_priv.h"

#define MAX_AUTOMATON_BYTES (64u << 20)
#define NONE UINT32_MAX       /* no step */
#define HAS_OUTPUT (1u << 31) /* in next[]: a literal ends at this state, or at one that it falls back to */
#define MAX_STATES (1u << 24)

struct literal {
	struct hc_str text;
	uint32_t number;
};

struct list {
	struct literal *v;
	uint32_t n, cap;
};

struct automaton {
	uint8_t class_of[256];
	uint32_t shift, n_states; /* rows of next[] are 1 << shift long */
	uint32_t *next;           /* by state << shift | class: state, HAS_OUTPUT; NONE */
	uint32_t *output;         /* by state: first of its literals + 1; 0 when there are none */
	uint32_t *suffix;         /* by state: the nearest state on the way of failures that has output, or 0 */
	uint32_t *chain;          /* by literal: next of the same state + 1 */
};

#define MAX_PAIRS 256 /* different ones: more are met too often */
#define PAIR_WORDS (65536u / 64)

/* Literals by their rarest pair of bytes, first | second << 8. */
struct pairs {
	uint64_t *known;  /* 65536 bits */
	uint16_t *before; /* by word of known: pairs in the words before it */
	uint16_t *first;  /* by pair, counted in order: first of its literals + 1 */
	uint16_t *chain;  /* by literal: the next of the same pair + 1 */
	uint32_t *offset; /* by literal: of its pair */
};

struct hc_textset {
	struct list lists[HC_N_WHERES];
	uint32_t *always;
	uint32_t n_always, cap_always;
	uint32_t *hash, hash_mask;              /* of the EQUAL list: index + 1 */
	struct pairs pairs;                     /* instead of the automaton of IN, where known is not NULL */
	struct automaton automata[HC_N_WHERES]; /* n_states 0: no literal */
};

struct hc_textset *hc_textset_new(void)
{
	return calloc(1, sizeof(struct hc_textset));
}

static void automaton_done(struct automaton *a)
{
	free(a->next);
	free(a->output);
	free(a->suffix);
	free(a->chain);
}

static void pairs_done(struct pairs *p)
{
	free(p->known);
	free(p->before);
	free(p->first);
	free(p->chain);
	free(p->offset);
	*p = (struct pairs){ 0 };
}

struct hc_textset *hc_textset_free(struct hc_textset *t)
{
	if (!t)
		return NULL;
	for (unsigned i = 0; i < HC_N_WHERES; i++) {
		free(t->lists[i].v);
		automaton_done(&t->automata[i]);
	}
	pairs_done(&t->pairs);
	free(t->always);
	free(t->hash);
	free(t);
	return NULL;
}

static int add_always(struct hc_textset *t, uint32_t number)
{
	if (t->n_always == t->cap_always) {
		uint32_t cap = t->cap_always ? t->cap_always * 2 : 8;
		uint32_t *v = realloc(t->always, cap * sizeof(*v));

		if (!v)
			return -ENOMEM;
		t->always = v;
		t->cap_always = cap;
	}
	t->always[t->n_always++] = number;
	return 0;
}

int hc_textset_add(struct hc_textset *t, enum hc_where where, struct hc_str literal, uint32_t number)
{
	struct list *l = &t->lists[where];

	if (!literal.len && where != HC_WHERE_EQUAL)
		return add_always(t, number);
	if (l->n == l->cap) {
		uint32_t cap = l->cap ? l->cap * 2 : 16;
		struct literal *v = realloc(l->v, cap * sizeof(*v));

		if (!v)
			return -ENOMEM;
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = (struct literal){ literal, number };
	return 0;
}

/* ---- making ---- */

static int make_hash(struct hc_textset *t)
{
	struct list *l = &t->lists[HC_WHERE_EQUAL];
	uint32_t size = 16;

	while (size < l->n * 2)
		size *= 2;
	t->hash = calloc(size, sizeof(*t->hash));
	if (!t->hash)
		return -ENOMEM;
	t->hash_mask = size - 1;
	for (uint32_t i = 0; i < l->n; i++) {
		uint32_t at = (uint32_t)(hc_quick_hash(l->v[i].text) >> 32) & t->hash_mask;

		while (t->hash[at])
			at = (at + 1) & t->hash_mask;
		t->hash[at] = i + 1;
	}
	return 0;
}

static uint8_t folded(uint8_t c, bool fold)
{
	return fold && c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static uint8_t byte_at(struct hc_str s, uint32_t i, bool from_end)
{
	return (uint8_t)s.p[from_end ? s.len - 1 - i : i];
}

/* Bytes that stand in no literal are one class, 0. Returns the number of classes. */
static uint32_t make_classes(struct automaton *a, const struct list *l, bool fold)
{
	bool used[256] = { false };
	uint32_t n = 1;

	for (uint32_t i = 0; i < l->n; i++)
		for (uint32_t j = 0; j < l->v[i].text.len; j++)
			used[folded((uint8_t)l->v[i].text.p[j], fold)] = true;
	for (unsigned c = 0; c < 256; c++)
		if (used[c] && n < 256) /* when all are used, class 0 is the last of them */
			a->class_of[c] = (uint8_t)n++;
	for (unsigned c = 'A'; fold && c <= 'Z'; c++)
		a->class_of[c] = a->class_of[c | 0x20];
	return n;
}

/* A state without steps. Only rows of states that there are get written: literals share many. */
static uint32_t add_state(struct automaton *a)
{
	memset(&a->next[(size_t)a->n_states << a->shift], 0xff, sizeof(*a->next) << a->shift);
	return a->n_states++;
}

/* The trie: next[] has only the literals' own steps. Where nothing will be added to them, the last one of each is
 * marked. */
static void make_trie(struct automaton *a, const struct list *l, bool from_end, bool mark)
{
	a->n_states = 0;
	add_state(a);
	for (uint32_t i = 0; i < l->n; i++) {
		uint32_t state = 0, *next = NULL;

		for (uint32_t j = 0; j < l->v[i].text.len; j++) {
			next = &a->next[(size_t)state << a->shift |
			                a->class_of[byte_at(l->v[i].text, j, from_end)]];
			if (*next == NONE)
				*next = add_state(a);
			state = *next & ~HAS_OUTPUT;
		}
		a->chain[i] = a->output[state];
		a->output[state] = i + 1;
		if (mark && next)
			*next |= HAS_OUTPUT;
	}
}

/* Breadth first: a missing step is that of the state one falls back to. */
static void make_failures(struct automaton *a, uint32_t *fail, uint32_t *queue)
{
	uint32_t head = 0, tail = 0, n_classes = 1u << a->shift;

	for (uint32_t c = 0; c < n_classes; c++) {
		uint32_t *next = &a->next[c];

		if (*next == NONE)
			*next = 0;
		else
			queue[tail++] = *next; /* falls back to the root */
	}
	while (head < tail) {
		uint32_t state = queue[head++];

		a->suffix[state] = a->output[fail[state]] ? fail[state] : a->suffix[fail[state]];
		for (uint32_t c = 0; c < n_classes; c++) {
			uint32_t *next = &a->next[(size_t)state << a->shift | c];
			uint32_t other = a->next[(size_t)fail[state] << a->shift | c];

			if (*next == NONE) {
				*next = other;
			} else {
				fail[*next] = other;
				queue[tail++] = *next;
			}
		}
	}
}

static void mark_output(struct automaton *a)
{
	for (size_t i = 0; i < (size_t)a->n_states << a->shift; i++)
		if (a->next[i] != NONE && (a->output[a->next[i]] || a->suffix[a->next[i]]))
			a->next[i] |= HAS_OUTPUT;
}

static int make_automaton(struct automaton *a, const struct list *l, enum hc_where where)
{
	bool anywhere = where == HC_WHERE_IN || where == HC_WHERE_IN_ANYCASE;
	size_t states = 1, cells;
	uint32_t n_classes;
	uint32_t *fail, *queue, *fit;

	if (!l->n)
		return 0;
	n_classes = make_classes(a, l, where == HC_WHERE_IN_ANYCASE);
	while (1u << a->shift < n_classes)
		a->shift++;
	for (uint32_t i = 0; i < l->n; i++)
		states += l->v[i].text.len;
	cells = states << a->shift;
	if (states > MAX_STATES || cells > MAX_AUTOMATON_BYTES / sizeof(uint32_t))
		return -E2BIG;
	a->next = malloc(cells * sizeof(*a->next));
	a->output = calloc(states, sizeof(*a->output));
	a->suffix = calloc(states, sizeof(*a->suffix));
	a->chain = calloc(l->n, sizeof(*a->chain));
	fail = calloc(states, sizeof(*fail));
	queue = calloc(states, sizeof(*queue));
	if (!a->next || !a->output || !a->suffix || !a->chain || !fail || !queue) {
		free(fail);
		free(queue);
		return -ENOMEM;
	}
	make_trie(a, l, where == HC_WHERE_END, !anywhere);
	if (anywhere) {
		make_failures(a, fail, queue);
		mark_output(a);
	}
	free(fail);
	free(queue);
	fit = realloc(a->next, ((size_t)a->n_states << a->shift) * sizeof(*a->next));
	a->next = fit ? fit : a->next;
	return 0;
}

/* How often a byte is met in paths and command lines, roughly. */
static unsigned frequency(uint8_t c)
{
	if (c == '/')
		return 120;
	if (c && strchr("esioratnlcu ", c))
		return 60;
	if ((c >= 'a' && c <= 'z') || (c && strchr(".-_", c)))
		return 25;
	return c >= '0' && c <= '9' ? 20 : 4;
}

static unsigned pair_frequency(uint8_t a, uint8_t b)
{
	return a == b ? frequency(a) : frequency(a) * frequency(b);
}

static uint32_t rarest_pair(struct hc_str s)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i + 1 < s.len; i++)
		if (pair_frequency((uint8_t)s.p[i], (uint8_t)s.p[i + 1]) <
		    pair_frequency((uint8_t)s.p[best], (uint8_t)s.p[best + 1]))
			best = i;
	return best;
}

static uint32_t pair_at(const char *p)
{
	return (uint8_t)p[0] | (uint32_t)(uint8_t)p[1] << 8;
}

/* A known pair's place among all. There are few pairs of many: a table of all would be memory that is cleared, and
 * hardly ever read, for each set. */
static uint32_t pair_index(const struct pairs *p, uint32_t pair)
{
	uint64_t below = p->known[pair / 64] & ((UINT64_C(1) << pair % 64) - 1);

	return p->before[pair / 64] + (uint32_t)__builtin_popcountll(below);
}

/* The number of different pairs. */
static uint32_t collect_pairs(struct pairs *p, const struct list *l)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		uint32_t pair;

		p->offset[i] = rarest_pair(l->v[i].text);
		pair = pair_at(l->v[i].text.p + p->offset[i]);
		p->known[pair / 64] |= UINT64_C(1) << pair % 64;
	}
	for (uint32_t w = 0; w < PAIR_WORDS; w++) {
		p->before[w] = (uint16_t)n;
		if (p->known[w]) /* hardly any has a pair */
			n += (uint32_t)__builtin_popcountll(p->known[w]);
	}
	return n;
}

/* 1 when the pairs do it, 0 when there are too many of them, or too short literals. */
static int make_pairs(struct pairs *p, const struct list *l)
{
	uint32_t n_pairs;

	if (!l->n || l->n > UINT16_MAX - 1)
		return 0;
	for (uint32_t i = 0; i < l->n; i++)
		if (l->v[i].text.len < 2)
			return 0;
	p->known = calloc(PAIR_WORDS, sizeof(*p->known));
	p->before = calloc(PAIR_WORDS, sizeof(*p->before));
	p->chain = calloc(l->n, sizeof(*p->chain));
	p->offset = calloc(l->n, sizeof(*p->offset));
	if (!p->known || !p->before || !p->chain || !p->offset)
		return -ENOMEM;
	n_pairs = collect_pairs(p, l);
	if (n_pairs > MAX_PAIRS) {
		pairs_done(p);
		return 0;
	}
	p->first = calloc(n_pairs, sizeof(*p->first));
	if (!p->first)
		return -ENOMEM;
	for (uint32_t i = 0; i < l->n; i++) {
		uint16_t *first = &p->first[pair_index(p, pair_at(l->v[i].text.p + p->offset[i]))];

		p->chain[i] = *first;
		*first = (uint16_t)(i + 1);
	}
	return 1;
}

int hc_textset_finish(struct hc_textset *t)
{
	int r = make_hash(t), by_pairs;

	if (r < 0)
		return r;
	by_pairs = make_pairs(&t->pairs, &t->lists[HC_WHERE_IN]);
	if (by_pairs < 0)
		return by_pairs;
	for (unsigned where = HC_WHERE_BEGIN; r == 0 && where < HC_N_WHERES; where++) {
		if (where != HC_WHERE_IN || !by_pairs)
			r = make_automaton(&t->automata[where], &t->lists[where], (enum hc_where)where);
	}
	return r;
}

/* ---- scanning ---- */

static void scan_equal(const struct hc_textset *t, struct hc_str s, void (*hit)(void *ctx, uint32_t number),
                       void *ctx)
{
	const struct list *l = &t->lists[HC_WHERE_EQUAL];

	for (uint32_t at = (uint32_t)(hc_quick_hash(s) >> 32) & t->hash_mask; t->hash[at];
	     at = (at + 1) & t->hash_mask)
		if (hc_str_eq(l->v[t->hash[at] - 1].text, s))
			hit(ctx, l->v[t->hash[at] - 1].number);
}

static void report(const struct automaton *a, const struct list *l, uint32_t state,
                   void (*hit)(void *ctx, uint32_t number), void *ctx)
{
	for (uint32_t at = a->output[state] ? state : a->suffix[state]; at; at = a->suffix[at])
		for (uint32_t literal = a->output[at]; literal; literal = a->chain[literal - 1])
			hit(ctx, l->v[literal - 1].number);
}

static void scan_edge(const struct automaton *a, const struct list *l, struct hc_str s, bool from_end,
                      void (*hit)(void *ctx, uint32_t number), void *ctx)
{
	uint32_t state = 0;

	for (uint32_t i = 0; i < s.len; i++) {
		uint32_t next = a->next[(size_t)state << a->shift | a->class_of[byte_at(s, i, from_end)]];

		if (next == NONE)
			return;
		state = next & ~HAS_OUTPUT;
		if (next & HAS_OUTPUT)
			report(a, l, state, hit, ctx);
	}
}

/* The text as if it began and ended with a slash and had no two in a row. */
static void scan_parts(const struct automaton *a, const struct list *l, struct hc_str s,
                       void (*hit)(void *ctx, uint32_t number), void *ctx)
{
	uint32_t state = 0;
	uint8_t before = 0;

	for (uint64_t i = 0; i < (uint64_t)s.len + 2; i++) {
		uint8_t c = i && i <= s.len ? (uint8_t)s.p[i - 1] : '/';
		uint32_t next;

		if (c == '/' && before == '/')
			continue;
		before = c;
		next = a->next[(size_t)state << a->shift | a->class_of[c]];
		if (next == NONE)
			return;
		state = next & ~HAS_OUTPUT;
		if (next & HAS_OUTPUT)
			report(a, l, state, hit, ctx);
	}
}

static void scan_any(const struct automaton *a, const struct list *l, struct hc_str s,
                     void (*hit)(void *ctx, uint32_t number), void *ctx)
{
	uint32_t state = 0;

	for (uint32_t i = 0; i < s.len; i++) {
		uint32_t next = a->next[(size_t)state << a->shift | a->class_of[(uint8_t)s.p[i]]];

		state = next & ~HAS_OUTPUT;
		if (next & HAS_OUTPUT)
			report(a, l, state, hit, ctx);
	}
}

static void scan_pairs(const struct pairs *p, const struct list *l, struct hc_str s,
                       void (*hit)(void *ctx, uint32_t number), void *ctx)
{
	for (uint32_t i = 0; i + 1 < s.len; i++) {
		uint32_t pair = pair_at(s.p + i);

		if (!(p->known[pair / 64] >> pair % 64 & 1))
			continue;
		for (uint32_t literal = p->first[pair_index(p, pair)]; literal; literal = p->chain[literal - 1]) {
			struct hc_str want = l->v[literal - 1].text;
			uint32_t before = p->offset[literal - 1];

			if (before <= i && want.len <= s.len - (i - before) &&
			    memcmp(s.p + i - before, want.p, want.len) == 0)
				hit(ctx, l->v[literal - 1].number);
		}
	}
}

void hc_textset_scan(const struct hc_textset *t, struct hc_str s, void (*hit)(void *ctx, uint32_t number),
                     void *ctx)
{
	for (uint32_t i = 0; i < t->n_always; i++)
		hit(ctx, t->always[i]);
	if (t->lists[HC_WHERE_EQUAL].n)
		scan_equal(t, s, hit, ctx);
	if (t->pairs.known)
		scan_pairs(&t->pairs, &t->lists[HC_WHERE_IN], s, hit, ctx);
	for (unsigned where = HC_WHERE_BEGIN; where < HC_N_WHERES; where++) {
		const struct automaton *a = &t->automata[where];

		if (!a->n_states)
			continue;
		if (where == HC_WHERE_BEGIN || where == HC_WHERE_END)
			scan_edge(a, &t->lists[where], s, where == HC_WHERE_END, hit, ctx);
		else if (where == HC_WHERE_PARTS)
			scan_parts(a, &t->lists[where], s, hit, ctx);
		else
			scan_any(a, &t->lists[where], s, hit, ctx);
	}
}
