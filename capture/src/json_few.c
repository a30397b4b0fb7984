/* Counts what stands before a value. In a text that is no JSON the number means nothing: the parser refuses it. */
#include "json_few.h"

bool json_has_few(const char *p, size_t n_bytes, uint32_t max)
{
	bool in_string = false;
	uint32_t n = 1;

	for (size_t i = 0; i < n_bytes; i++) {
		if (in_string) {
			if (p[i] == '\\')
				i++;
			else if (p[i] == '"')
				in_string = false;
		} else if (p[i] == '"') {
			in_string = true;
		} else if ((p[i] == ',' || p[i] == '[' || p[i] == '{') && ++n > max) {
			return false;
		}
	}
	return true;
}
