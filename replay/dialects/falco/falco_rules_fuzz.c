/* Any bytes as a rules file: it loads or says why not; what loads can be built and told about. */
#include <stdlib.h>
#include <string.h>

#include "replay/falco.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HC_AUTO(hc_falco_free) struct hc_falco *f = hc_falco_new(NULL);
	HC_AUTO(hc_ir_free) struct hc_ir *ir = NULL;
	struct hc_arena arena = { 0 };
	struct hc_err err = { 0 };
	bool failed = false;
	int r;

	if (size > 64u << 10)
		return 0;
	r = hc_falco_load_text(f, "f", data, size, &err);
	for (uint32_t i = 0; i < hc_falco_n_diags(f); i++) {
		const struct hc_falco_diag *d = hc_falco_diag(f, i);

		failed = failed || d->is_error;
		if (!hc_falco_diag_text(f, d, &arena))
			abort();
	}
	if ((r < 0) != failed || (r < 0 && !err.code))
		abort();
	if (!hc_falco_results_json(f, &arena))
		abort();
	hc_arena_done(&arena);
	if (r < 0 || hc_falco_n_rules(f) > 50)
		return 0;
	ir = hc_ir_new();
	hc_falco_build(f, ir, &err);
	return 0;
}
