/* Any bytes as an ELF file: never read beyond, never more kept than there is room for, and the same twice. */
#include "elf_facts.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct file {
	const uint8_t *p;
	size_t n;
	unsigned n_reads;
};

static ssize_t at(void *ctx, void *buf, size_t n, uint64_t off)
{
	struct file *f = ctx;

	if (++f->n_reads > 4096) /* the headers of a file bound the work it makes */
		abort();
	if (off >= f->n)
		return 0;
	n = n < f->n - off ? n : f->n - (size_t)off;
	memcpy(buf, f->p + off, n);
	return (ssize_t)n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct elf_facts a, b;
	struct file f = { data, size, 0 };
	int r = elf_read(at, &f, &a);

	if (a.n_interp >= sizeof(a.interp) || a.n_build_id > sizeof(a.build_id) ||
	    (r < 0 && (a.n_interp || a.n_build_id)) || strnlen(a.interp, sizeof(a.interp)) < a.n_interp)
		abort();
	f.n_reads = 0;
	if (elf_read(at, &f, &b) != r || a.n_interp != b.n_interp || a.n_build_id != b.n_build_id ||
	    memcmp(a.interp, b.interp, a.n_interp) || memcmp(a.build_id, b.build_id, a.n_build_id))
		abort();
	return 0;
}
