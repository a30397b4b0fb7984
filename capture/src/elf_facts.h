/* What an ELF file says of itself: its interpreter and its build id. Any bytes may come; what is read and kept is
 * bounded, and nothing is mapped: a mapped file that somebody shortens would kill the reader, which is why libelf
 * does not do this. */
#ifndef HC_CAPTURE_ELF_FACTS_H
#define HC_CAPTURE_ELF_FACTS_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ELF_MAX_BUILD_ID 64 /* bytes; what linkers write has 8, 16 or 20 */

struct elf_facts {
	uint32_t n_interp;   /* 0: none */
	uint32_t n_build_id; /* 0: none */
	char interp[PATH_MAX];
	uint8_t build_id[ELF_MAX_BUILD_ID];
};

/* Up to `n` bytes at `off`, as pread. */
typedef ssize_t elf_read_fn(void *ctx, void *buf, size_t n, uint64_t off);

/* 0, or -ENOEXEC: not an ELF file of this machine's byte order, or a damaged one; then there are no facts. */
int elf_read(elf_read_fn *fn, void *ctx, struct elf_facts *ret);

#endif
