/* Misspelt words: by the number of characters that are missing, too many, other ones, or changed places. */
#include "cmd.h"

#include <string.h>

#define MAX_LEN 32u
#define MAX_CHANGES 2u

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Changes that make `b` of `a`, both of at most MAX_LEN bytes (optimal string alignment). */
static unsigned changes(const char *a, size_t n_a, const char *b, size_t n_b)
{
	unsigned rows[3][MAX_LEN + 1] = { { 0 } }; /* of the last three characters of `a` */

	for (unsigned j = 0; j <= n_b; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= n_a; i++) {
		const unsigned *before = rows[(i + 1) % 3], *last = rows[(i + 2) % 3];
		unsigned *row = rows[i % 3];

		row[0] = i;
		for (unsigned j = 1; j <= n_b; j++) {
			row[j] = least(last[j - 1] + (a[i - 1] != b[j - 1]), least(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return rows[n_a % 3][n_b];
}

void hc_cli_nearest(struct hc_nearest *best, const char *word, size_t len, const char *name)
{
	size_t n = strlen(name);
	unsigned c;

	if (len < 2 || len > MAX_LEN || n > MAX_LEN)
		return;
	/* the beginning of one name is it; of several it is none */
	if (n > len && memcmp(word, name, len) == 0)
		c = 0;
	else
		c = changes(word, len, name, n);
	if (c > MAX_CHANGES || (c && c * 3 > len))
		return;
	if (best->name && c == best->changes)
		best->ambiguous = true;
	if (best->name && c >= best->changes)
		return;
	*best = (struct hc_nearest){ .name = name, .changes = c };
}

const char *hc_cli_nearest_name(const struct hc_nearest *best)
{
	return best->ambiguous ? NULL : best->name;
}
