/*
 * Equal: a hash table. Beginnings and ends: sorted literals (the ends reversed), narrowed byte by byte from the range of
 * those that begin with the first byte; most texts leave the range empty after one or two. Anywhere: the automaton of Aho
 * and Corasick, made deterministic, over classes of bytes; one step for each byte of the text.
 */
#include "textset.h"

#include <errno.h>
#include <stdlib.h>

#include "op_priv.h"

#define MAX_AUTOMATON_BYTES (64u << 20)
#define NONE UINT32_MAX

struct literal {
	struct hc_str text;
	uint32_t number;
};

struct list {
	struct literal *v;
	uint32_t n, cap;
	uint32_t first[257]; /* sorted lists: of each first byte */
};

struct automaton {
	uint8_t class_of[256];
	uint32_t n_classes, n_states;
	uint32_t *next;   /* by state * n_classes + class */
	uint32_t *output; /* by state: first of its literals + 1, in `literals`; 0 when there are none */
	uint32_t *suffix; /* by state: the nearest state on the way of failures that has output, or 0 */
	uint32_t *chain;  /* by literal: next of the same state + 1 */
};

struct hc_textset {
	struct list lists[HC_N_WHERES];
	uint32_t *always;
	uint32_t n_always, cap_always;
	uint32_t *hash, hash_mask; /* of the EQUAL list: index + 1 */
	struct automaton any[2];   /* IN, IN_ANYCASE */
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

struct hc_textset *hc_textset_free(struct hc_textset *t)
{
	if (!t)
		return NULL;
	for (unsigned i = 0; i < HC_N_WHERES; i++)
		free(t->lists[i].v);
	free(t->always);
	free(t->hash);
	automaton_done(&t->any[0]);
	automaton_done(&t->any[1]);
	free(t);
	return NULL;
}

int hc_textset_add_always(struct hc_textset *t, uint32_t number)
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
		return hc_textset_add_always(t, number);
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

static int by_text(const void *pa, const void *pb)
{
	const struct literal *a = pa, *b = pb;
	int r = hc_str_cmp(a->text, b->text);

	return r ? r : (a->number > b->number) - (a->number < b->number);
}

static uint8_t byte_at(struct hc_str s, uint32_t i, bool from_end)
{
	return (uint8_t)s.p[from_end ? s.len - 1 - i : i];
}

/* From the last byte to the first. */
static int by_end(const void *pa, const void *pb)
{
	const struct literal *a = pa, *b = pb;

	for (uint32_t i = 0; i < a->text.len && i < b->text.len; i++) {
		int r = (int)byte_at(a->text, i, true) - (int)byte_at(b->text, i, true);

		if (r)
			return r;
	}
	if (a->text.len != b->text.len)
		return a->text.len < b->text.len ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

static void sort_list(struct list *l, bool from_end)
{
	uint32_t at = 0;

	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), from_end ? by_end : by_text);
	for (unsigned c = 0; c < 256; c++) {
		l->first[c] = at;
		while (at < l->n && byte_at(l->v[at].text, 0, from_end) == c)
			at++;
	}
	l->first[256] = at;
}

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

/* Bytes that stand in no literal are one class, 0. */
static void make_classes(struct automaton *a, const struct list *l, bool fold)
{
	bool used[256] = { false };

	for (uint32_t i = 0; i < l->n; i++)
		for (uint32_t j = 0; j < l->v[i].text.len; j++)
			used[folded((uint8_t)l->v[i].text.p[j], fold)] = true;
	a->n_classes = 1;
	for (unsigned c = 0; c < 256; c++)
		if (used[c] && a->n_classes < 256)
			a->class_of[c] = (uint8_t)a->n_classes++;
	for (unsigned c = 'A'; fold && c <= 'Z'; c++)
		a->class_of[c] = a->class_of[c | 0x20];
}

/* The trie: next[] has only the literals' own steps, NONE elsewhere. */
static void make_trie(struct automaton *a, const struct list *l)
{
	a->n_states = 1;
	for (uint32_t i = 0; i < l->n; i++) {
		uint32_t state = 0;

		for (uint32_t j = 0; j < l->v[i].text.len; j++) {
			uint32_t *next = &a->next[(size_t)state * a->n_classes + a->class_of[(uint8_t)l->v[i].text.p[j]]];

			if (*next == NONE)
				*next = a->n_states++;
			state = *next;
		}
		a->chain[i] = a->output[state];
		a->output[state] = i + 1;
	}
}

/* Breadth first: a missing step is that of the state one falls back to. */
static void make_failures(struct automaton *a, uint32_t *fail, uint32_t *queue)
{
	uint32_t head = 0, tail = 0;

	for (uint32_t c = 0; c < a->n_classes; c++) {
		uint32_t *next = &a->next[c];

		if (*next == NONE)
			*next = 0;
		else
			queue[tail++] = *next; /* falls back to the root */
	}
	while (head < tail) {
		uint32_t state = queue[head++];

		a->suffix[state] = a->output[fail[state]] ? fail[state] : a->suffix[fail[state]];
		for (uint32_t c = 0; c < a->n_classes; c++) {
			uint32_t *next = &a->next[(size_t)state * a->n_classes + c];
			uint32_t other = a->next[(size_t)fail[state] * a->n_classes + c];

			if (*next == NONE) {
				*next = other;
			} else {
				fail[*next] = other;
				queue[tail++] = *next;
			}
		}
	}
}

static int make_automaton(struct automaton *a, const struct list *l, bool fold)
{
	size_t states = 1, cells;
	uint32_t *fail, *queue;

	if (!l->n)
		return 0;
	make_classes(a, l, fold);
	for (uint32_t i = 0; i < l->n; i++)
		states += l->v[i].text.len;
	cells = states * a->n_classes;
	if (cells > MAX_AUTOMATON_BYTES / sizeof(uint32_t))
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
	memset(a->next, 0xff, cells * sizeof(*a->next));
	make_trie(a, l);
	make_failures(a, fail, queue);
	free(fail);
	free(queue);
	return 0;
}

int hc_textset_finish(struct hc_textset *t)
{
	int r;

	sort_list(&t->lists[HC_WHERE_BEGIN], false);
	sort_list(&t->lists[HC_WHERE_END], true);
	r = make_hash(t);
	if (r == 0)
		r = make_automaton(&t->any[0], &t->lists[HC_WHERE_IN], false);
	if (r == 0)
		r = make_automaton(&t->any[1], &t->lists[HC_WHERE_IN_ANYCASE], true);
	return r;
}

/* ---- scanning ---- */

static void scan_equal(const struct hc_textset *t, struct hc_str s, void (*hit)(void *ctx, uint32_t number), void *ctx)
{
	const struct list *l = &t->lists[HC_WHERE_EQUAL];

	for (uint32_t at = (uint32_t)(hc_quick_hash(s) >> 32) & t->hash_mask; t->hash[at]; at = (at + 1) & t->hash_mask)
		if (hc_str_eq(l->v[t->hash[at] - 1].text, s))
			hit(ctx, l->v[t->hash[at] - 1].number);
}

/* Literals lo..hi agree with the text so far. */
static void scan_edge(const struct list *l, struct hc_str s, bool from_end, void (*hit)(void *ctx, uint32_t number),
                      void *ctx)
{
	uint32_t lo, hi;

	if (!s.len)
		return;
	lo = l->first[byte_at(s, 0, from_end)];
	hi = l->first[byte_at(s, 0, from_end) + 1];
	for (uint32_t depth = 1; lo < hi; depth++) {
		uint8_t c;
		uint32_t from, to;

		while (lo < hi && l->v[lo].text.len == depth)
			hit(ctx, l->v[lo++].number); /* the whole literal: it stands before the longer ones */
		if (lo == hi || depth == s.len)
			return;
		c = byte_at(s, depth, from_end);
		for (from = lo, to = hi; from < to;) { /* the first with a byte that is not smaller */
			uint32_t mid = from + (to - from) / 2;

			if (byte_at(l->v[mid].text, depth, from_end) < c)
				from = mid + 1;
			else
				to = mid;
		}
		lo = from;
		for (to = hi; from < to;) { /* the first with a larger one */
			uint32_t mid = from + (to - from) / 2;

			if (byte_at(l->v[mid].text, depth, from_end) <= c)
				from = mid + 1;
			else
				to = mid;
		}
		hi = from;
	}
}

static void scan_any(const struct automaton *a, const struct list *l, struct hc_str s,
                     void (*hit)(void *ctx, uint32_t number), void *ctx)
{
	uint32_t state = 0;

	for (uint32_t i = 0; i < s.len; i++) {
		state = a->next[(size_t)state * a->n_classes + a->class_of[(uint8_t)s.p[i]]];
		for (uint32_t at = a->output[state] ? state : a->suffix[state]; at; at = a->suffix[at])
			for (uint32_t literal = a->output[at]; literal; literal = a->chain[literal - 1])
				hit(ctx, l->v[literal - 1].number);
	}
}

void hc_textset_scan(const struct hc_textset *t, struct hc_str s, void (*hit)(void *ctx, uint32_t number), void *ctx)
{
	for (uint32_t i = 0; i < t->n_always; i++)
		hit(ctx, t->always[i]);
	if (t->lists[HC_WHERE_EQUAL].n)
		scan_equal(t, s, hit, ctx);
	if (t->lists[HC_WHERE_BEGIN].n)
		scan_edge(&t->lists[HC_WHERE_BEGIN], s, false, hit, ctx);
	if (t->lists[HC_WHERE_END].n)
		scan_edge(&t->lists[HC_WHERE_END], s, true, hit, ctx);
	for (unsigned i = 0; i < 2; i++)
		if (t->any[i].n_states)
			scan_any(&t->any[i], &t->lists[HC_WHERE_IN + i], s, hit, ctx);
}
