/* Any text as a regular expression: what is accepted is one for PCRE2 too, unless it is too large for it. */
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "replay/dialects/falco/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hc_arena arena = { 0 };
	struct hc_str out;
	char msg[300];

	if (size > 1024)
		return 0;
	if (falco_regex_translate((struct hc_str){ (const char *)data, (uint32_t)size }, &arena, &out, msg,
	                          sizeof(msg))) {
		PCRE2_SIZE at;
		int code;
		pcre2_code *re = pcre2_compile((PCRE2_SPTR)out.p, out.len, PCRE2_NEVER_UTF, &code, &at, NULL);

		if (!re && code != PCRE2_ERROR_PATTERN_TOO_LARGE &&
		    code != PCRE2_ERROR_PARENTHESES_NEST_TOO_DEEP && code != PCRE2_ERROR_PATTERN_TOO_COMPLICATED)
			abort();
		pcre2_code_free(re);
	} else if (!msg[0]) {
		abort();
	}
	hc_arena_done(&arena);
	return 0;
}
