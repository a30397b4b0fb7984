/* Any bytes as YAML: parsing ends within its limits, every place lies in the text, and every weight is that of its
 * children. */
#include <stdlib.h>

#include "replay/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void visit(const struct hc_yaml *y, const struct hc_yaml_node *n, unsigned depth)
{
	uint32_t line, column, weight = 1,
			       n_items = n->kind == HC_YAML_MAP   ? 2 * n->n
	                                 : n->kind == HC_YAML_SEQ ? n->n
	                                                          : 0;

	if (depth > HC_YAML_MAX_DEPTH || !n->line || !n->column)
		abort();
	for (uint32_t off = 0; off <= n->text.len; off += 1 + n->text.len / 7) {
		hc_yaml_place(y, n, off, &line, &column);
		if (line < n->line || column > hc_yaml_line(y, line).len + 2)
			abort();
	}
	for (uint32_t i = 0; i < n_items; i++) {
		weight += n->items[i]->weight;
		if (n->weight < 5000)
			visit(y, n->items[i], depth + 1);
	}
	if (weight != n->weight)
		abort();
}

static int parse(int (*how)(const char *, const void *, size_t, struct hc_yaml **, struct hc_err *),
                 const uint8_t *data, size_t size)
{
	struct hc_yaml *y;
	struct hc_err err = { 0 };

	if (how("f", data, size, &y, &err) < 0) {
		if (!err.code)
			abort();
		return -1;
	}
	for (uint32_t i = 0; i < hc_yaml_n_docs(y); i++)
		visit(y, hc_yaml_doc(y, i), 1);
	hc_yaml_free(y);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	parse(hc_yaml_parse, data, size);
	parse(hc_yaml_parse_any, data, size);
	return 0;
}
