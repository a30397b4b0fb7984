/* Any text as an output format: tokens and text together are the format again. */
#include <stdlib.h>
#include <string.h>

#include "replay/dialects/falco/falco_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hc_arena arena = { 0 };
	struct fcheck c = { .arena = &arena };
	struct hc_str text = { (const char *)data, (uint32_t)size };
	struct fformat *f;

	if (size > 8192)
		return 0;
	if (falco_format_parse(text, &c, &f)) {
		size_t at = f->keep;

		for (uint32_t i = 0; i < f->n; i++) {
			if (f->tokens[i].inner)
				continue;
			if (f->tokens[i].val) {
				at++; /* the percent sign, then the width */
				while (at < size && data[at] >= '0' && data[at] <= '9')
					at++;
			}
			if (at + f->tokens[i].text.len > size ||
			    memcmp(data + at, f->tokens[i].text.p, f->tokens[i].text.len) != 0)
				abort();
			at += f->tokens[i].text.len;
		}
		if (at != size)
			abort();
	} else if (!c.msg[0] || c.pos > size) {
		abort();
	}
	hc_arena_done(&arena);
	return 0;
}
