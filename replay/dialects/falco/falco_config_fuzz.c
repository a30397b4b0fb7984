/* Any bytes as falco.yaml: what is accepted is whole, lists end where they say, and a set of rules can be made
 * with it. */
#include <stdlib.h>
#include <string.h>

#include "replay/falco_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char rules[] = "- rule: R\n  desc: d\n  condition: evt.type = open\n  output: o %proc.name\n"
				    "  priority: NOTICE\n  tags: [x]\n";
	struct hc_falco_config c = { 0 };
	struct hc_err err = { 0 };
	struct hc_falco *f;
	size_t n = 0;

	if (hc_falco_config_load_text("falco.yaml", data, size, &c, &err) < 0) {
		if (!err.code || !err.msg[0])
			abort();
		return 0;
	}
	while (c.rules_files[n])
		n += strlen(c.rules_files[n]) < (2u << 20);
	for (size_t i = 0; i < c.opts.n_appends; i++)
		for (n = 0; c.opts.appends[i].extra_fields && c.opts.appends[i].extra_fields[n]; n++)
			;
	for (size_t i = 0; i < c.opts.n_selects; i++)
		if (!c.opts.selects[i].rule && !c.opts.selects[i].tag)
			abort();
	f = hc_falco_new(&c.opts);
	if (f)
		hc_falco_load_text(f, "rules.yaml", rules, sizeof(rules) - 1, NULL);
	hc_falco_free(f);
	hc_falco_config_done(&c);
	return 0;
}
