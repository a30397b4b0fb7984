/* Any bytes as a Capture object: what comes out is within the limits of its schema, or says what is wrong. */
#include "cluster_spec.h"

#include <stdlib.h>
#include <string.h>

#define HOUR_NS UINT64_C(3600000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check_labels(const struct cluster_labels *l)
{
	must(l->n <= CLUSTER_MAX_LABELS);
	must(cluster_labels_match(l, l->v, l->n));
	must(l->n == 0 || !cluster_labels_match(l, l->v, l->n - 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HC_AUTO(cluster_spec_free) struct cluster_spec *s = NULL;
	char *text = malloc(size + 1);

	must(text != NULL);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (cluster_spec_parse(text, size, "node-1", &s) == 0) {
		must(s->n_containers <= CLUSTER_MAX_CONTAINERS);
		for (uint32_t i = 0; i < s->n_containers; i++)
			must(cluster_spec_has_container(s, s->containers[i]));
		if (s->node) {
			check_labels(&s->pod);
			check_labels(&s->ns);
		}
		must(s->pre_ns <= 24 * HOUR_NS && s->for_ns <= 24 * HOUR_NS && (s->for_ns > 0 || s->error[0]));
		must(s->keep_ns <= 8784 * HOUR_NS && s->snaplen <= 4096 && s->detail);
		must(strnlen(s->error, sizeof(s->error)) < sizeof(s->error));
	}
	free(text);
	return 0;
}
