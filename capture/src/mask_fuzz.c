/* Any bytes as a rules file, then as a text under its rules: what is refused says where, and what is masked keeps
 * its length as a payload, its number of entries as a list, and nothing twice. */
#include "capture/mask.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t n_entries(const char *p, size_t n)
{
	size_t entries = 0;

	for (size_t i = 0; i < n; i++)
		entries += p[i] == '\0';
	return entries;
}

static void check(struct hc_mask *m, const char *text, size_t n)
{
	for (int form = HC_MASK_ARGS; form <= HC_MASK_BYTES; form++) {
		struct hc_mask_hits hits;
		size_t got;
		const char *p = hc_mask_apply(m, form, text, n, &got, &hits);

		if (!p || (p == text) != (hits.n == 0) || (form == HC_MASK_BYTES && got != n))
			abort();
		if (form <= HC_MASK_ENV && n_entries(p, got) != n_entries(text, n))
			abort();
		for (uint32_t i = 0; i < hits.n; i++)
			if (hits.hit[i].rule >= hc_mask_n_rules(m) || !hits.hit[i].count)
				abort();
	}
}

/* Up to the first line "%%" the rules, behind it the text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size ? memmem(data, size, "%%\n", 3) : NULL;
	size_t rules = text ? (size_t)(text - (const char *)data) : size;
	struct hc_mask *m = NULL;
	struct hc_err err = { 0 };

	if (hc_mask_new(&m, &err) < 0)
		abort();
	check(m, (const char *)data, size);
	if (hc_mask_add(m, "fuzz", (const char *)data, rules, &err) == 0)
		check(m, text ? text + 3 : (const char *)data, text ? size - rules - 3 : size);
	else if (!err.msg[0] || (err.code == -22 && (!err.line || !err.column)))
		abort();
	hc_mask_free(m);
	return 0;
}
