/*
 * scapcmp A B: holds the events of two scap files against each other, parameter by parameter, as the reader
 * delivers them. Prints the number of events and what differs, the first of each kind with its bytes; exit 1 when
 * anything does.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/scap.h"

#define MAX_SHOWN 20

static unsigned long n_different[HC_SCAP_N_CODES][HC_SCAP_MAX_PARAMS + 1];

static const struct hc_scap_event *next_event(struct hc_scap_reader *r, const char *name)
{
	struct hc_err err = { 0 };
	const struct hc_scap_item *item;
	int more;

	while ((more = hc_scap_next(r, &item, &err)) > 0)
		if (item->kind == HC_SCAP_EVENT && !item->event.enter)
			return &item->event;
	if (more < 0) {
		fprintf(stderr, "%s: %s\n", name, err.msg);
		exit(2);
	}
	return NULL;
}

static void print_bytes(const char *what, struct hc_str s)
{
	printf("    %s %u:", what, s.len);
	for (uint32_t i = 0; i < s.len && i < 48; i++)
		printf(" %02x", (unsigned char)s.p[i]);
	putchar('\n');
}

static unsigned long compare(const struct hc_scap_event *a, const struct hc_scap_event *b)
{
	static unsigned shown;
	unsigned long n = 0;

	if (a->ts_ns != b->ts_ns || a->tid != b->tid || a->cpu != b->cpu || a->code != b->code ||
	    a->num != b->num || a->state_only != b->state_only) {
		if (shown++ < MAX_SHOWN)
			printf("  event %" PRIu64 ": code %u tid %" PRId64 " became code %u tid %" PRId64 "\n",
			       a->num, a->code, a->tid, b->code, b->tid);
		n_different[a->code][HC_SCAP_MAX_PARAMS]++;
		return 1;
	}
	for (unsigned i = 0; i < a->info->n_params; i++) {
		struct hc_str p = hc_scap_param(a, i), q = hc_scap_param(b, i);

		if (hc_str_eq(p, q))
			continue;
		n = 1;
		if (!n_different[a->code][i]++ && shown++ < MAX_SHOWN) {
			printf("  event %" PRIu64 " %s %s\n", a->num, a->info->name, a->info->params[i].name);
			print_bytes("was", p);
			print_bytes("is", q);
		}
	}
	return n;
}

int main(int argc, char **argv)
{
	struct hc_scap_reader *a = NULL, *b = NULL;
	unsigned long n = 0, n_bad = 0;
	struct hc_err err = { 0 };

	if (argc != 3 || hc_scap_open(argv[1], &a, &err) < 0 || hc_scap_open(argv[2], &b, &err) < 0) {
		fprintf(stderr, "usage: scapcmp A B: %s\n", err.msg);
		return 2;
	}
	for (;;) {
		const struct hc_scap_event *e = next_event(a, argv[1]), *f = next_event(b, argv[2]);

		if (!e || !f) {
			if (e || f) {
				printf("  one ends after %lu events\n", n);
				n_bad++;
			}
			break;
		}
		n++;
		n_bad += compare(e, f);
	}
	for (unsigned code = 0; code < HC_SCAP_N_CODES; code++)
		for (unsigned i = 0; i <= HC_SCAP_MAX_PARAMS; i++)
			if (n_different[code][i])
				printf("  %lu of %s: %s\n", n_different[code][i], hc_scap_events[code].name,
				       i < HC_SCAP_MAX_PARAMS ? hc_scap_events[code].params[i].name : "head");
	printf("%lu events, %lu differ\n", n, n_bad);
	hc_scap_close(a);
	hc_scap_close(b);
	return n_bad ? 1 : 0;
}
