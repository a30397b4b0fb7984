/* ELF headers, as far as the kernel reads them too: program headers, the interpreter's name, notes. */
#include "elf_facts.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define MAX_PHDRS_BYTES 65536u /* the kernel's own limit */
#define MAX_NOTE_SEGMENTS 16u
#define MAX_NOTES_BYTES 8192u /* of one segment */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OUR_DATA ELFDATA2LSB
#else
#define OUR_DATA ELFDATA2MSB
#endif

struct segment {
	uint32_t type;
	uint64_t off, bytes, align;
};

static bool read_whole(elf_read_fn *fn, void *ctx, void *buf, size_t n, uint64_t off)
{
	return off <= INT64_MAX - n && fn(ctx, buf, n, off) == (ssize_t)n;
}

/* One program header of either class. */
static struct segment segment_of(const uint8_t *p, bool wide)
{
	if (wide) {
		Elf64_Phdr h;

		memcpy(&h, p, sizeof(h));
		return (struct segment){ h.p_type, h.p_offset, h.p_filesz, h.p_align };
	} else {
		Elf32_Phdr h;

		memcpy(&h, p, sizeof(h));
		return (struct segment){ h.p_type, h.p_offset, h.p_filesz, h.p_align };
	}
}

static void take_interp(elf_read_fn *fn, void *ctx, const struct segment *s, struct elf_facts *ret)
{
	if (s->bytes < 2 || s->bytes > sizeof(ret->interp) ||
	    !read_whole(fn, ctx, ret->interp, (size_t)s->bytes, s->off) || ret->interp[s->bytes - 1])
		return; /* the kernel would not run it either */
	ret->n_interp = (uint32_t)strlen(ret->interp);
}

static void take_notes(elf_read_fn *fn, void *ctx, const struct segment *s, struct elf_facts *ret)
{
	uint32_t buf[MAX_NOTES_BYTES / 4]; /* notes are aligned */
	const uint8_t *p = (const uint8_t *)buf;
	size_t n = s->bytes < sizeof(buf) ? (size_t)s->bytes : sizeof(buf), at = 0;
	size_t align = s->align == 8 ? 8 : 4;

	if (!read_whole(fn, ctx, buf, n, s->off))
		return;
	while (n - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr h; /* the same in both classes */
		uint64_t name, desc, end;

		memcpy(&h, p + at, sizeof(h));
		name = at + sizeof(h);
		desc = (name + h.n_namesz + align - 1) / align * align;
		end = desc + h.n_descsz;
		if (end > n)
			return;
		if (h.n_type == NT_GNU_BUILD_ID && h.n_namesz == 4 && !memcmp(p + name, "GNU", 4) && h.n_descsz &&
		    h.n_descsz <= sizeof(ret->build_id)) {
			memcpy(ret->build_id, p + desc, h.n_descsz);
			ret->n_build_id = h.n_descsz;
			return;
		}
		at = (size_t)((end + align - 1) / align * align);
		if (at > n)
			return;
	}
}

int elf_read(elf_read_fn *fn, void *ctx, struct elf_facts *ret)
{
	uint8_t head[sizeof(Elf64_Ehdr)] = { 0 }, phdrs[16 * sizeof(Elf64_Phdr)];
	unsigned n_notes = 0;
	bool wide, interp_seen = false;
	uint64_t off;
	size_t n, each;
	ssize_t got;

	ret->n_interp = ret->n_build_id = 0;
	got = fn(ctx, head, sizeof(head), 0);
	if (got < (ssize_t)sizeof(Elf32_Ehdr) || memcmp(head, ELFMAG, SELFMAG) != 0 || head[EI_DATA] != OUR_DATA)
		return -ENOEXEC;
	wide = head[EI_CLASS] == ELFCLASS64;
	if (wide) {
		Elf64_Ehdr h;

		memcpy(&h, head, sizeof(h));
		off = h.e_phoff;
		n = h.e_phnum;
		each = h.e_phentsize == sizeof(Elf64_Phdr) && got == sizeof(h) ? sizeof(Elf64_Phdr) : 0;
	} else {
		Elf32_Ehdr h;

		memcpy(&h, head, sizeof(h));
		off = h.e_phoff;
		n = h.e_phnum;
		each = head[EI_CLASS] == ELFCLASS32 && h.e_phentsize == sizeof(Elf32_Phdr) ? sizeof(Elf32_Phdr)
		                                                                           : 0;
	}
	if (!each || n * each > MAX_PHDRS_BYTES)
		return -ENOEXEC;
	while (n) {
		size_t k = n * each < sizeof(phdrs) ? n : sizeof(phdrs) / each;

		if (!read_whole(fn, ctx, phdrs, k * each, off)) {
			ret->n_interp = ret->n_build_id = 0;
			return -ENOEXEC;
		}
		for (size_t i = 0; i < k; i++) {
			struct segment s = segment_of(phdrs + i * each, wide);

			if (s.type == PT_INTERP && !interp_seen) { /* the kernel takes the first */
				interp_seen = true;
				take_interp(fn, ctx, &s, ret);
			} else if (s.type == PT_NOTE && !ret->n_build_id && n_notes++ < MAX_NOTE_SEGMENTS) {
				take_notes(fn, ctx, &s, ret);
			}
		}
		off += k * each;
		n -= k;
	}
	return 0;
}
