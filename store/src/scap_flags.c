/* Each table of numbers once, as pairs, read in both directions. The kernel's are x86_64's. */
#include "store/scap_flags.h"

#include <stddef.h>

struct pair {
	uint64_t kernel;
	uint32_t portable;
};

static const struct pair open_bits[] = {
	{ 0100, 4 },       { 02000, 8 },      { 010000, 16 },     { 0200, 32 },
	{ 04000, 64 },     { 04010000, 128 }, { 01000, 256 },     { 040000, 512 },
	{ 0200000, 1024 }, { 0100000, 2048 }, { 02000000, 4096 }, { 020200000, 8192 },
};

static const struct pair clone_bits[] = {
	{ 0x400, 1 },
	{ 0x200, 2 },
	{ 0x80000000, 4 },
	{ 0x8000000, 8 },
	{ 0x40000000, 16 },
	{ 0x20000, 32 },
	{ 0x20000000, 64 },
	{ 0x4000000, 128 },
	{ 0x8000, 256 },
	{ 0x100000, 512 },
	{ 0x2000, 1024 },
	{ 0x800, 2048 },
	{ 0x40000, 4096 },
	{ 0x10000, 8192 },
	{ 0x800000, 16384 },
	{ 0x100, 32768 },
	{ 0x10000000, 1048576 },
	{ 0x200000, 8388608 },
	{ 0x1000000, 16777216 },
	{ 0x80000, 33554432 },
	{ 0x4000, 134217728 },
	{ 0x2000000, 268435456 },
	{ HC_SCAP_CLONE_CHILD_IN_PIDNS, 536870912 },
};

static const struct pair prot_bits[] = {
	{ 1, 1 }, { 2, 2 }, { 4, 4 }, { 8, 8 }, { 0x01000000, 16 }, { 0x02000000, 32 },
};

static const struct pair mmap_bits[] = {
	{ 1, 1 },        { 2, 2 },         { 0x10, 4 },    { 0x20, 8 },     { 0x40, 16 },     { 0x4000, 64 },
	{ 0x8000, 128 }, { 0x10000, 256 }, { 0x100, 512 }, { 0x800, 1024 }, { 0x1000, 2048 }, { 0x2000, 16384 },
};

static const struct pair openat2_bits[] = { { 8, 1 }, { 16, 2 }, { 2, 4 }, { 4, 8 }, { 1, 16 }, { 32, 32 } };
static const struct pair accept4_bits[] = { { 04000, 64 }, { 02000000, 4096 } };
static const struct pair fchownat_bits[] = { { 0x100, 1024 }, { 0x1000, 4096 } };
static const struct pair delete_module_bits[] = { { 04000, 2 }, { 01000, 1 } };

static const struct pair ptrace_values[] = {
	{ 0, 1 },       { 1, 2 },       { 2, 3 },       { 3, 4 },       { 4, 5 },       { 5, 6 },
	{ 6, 7 },       { 7, 8 },       { 8, 9 },       { 9, 10 },      { 16, 11 },     { 17, 12 },
	{ 24, 13 },     { 0x4200, 14 }, { 0x4201, 15 }, { 0x4202, 16 }, { 0x4203, 17 }, { 0x4204, 18 },
	{ 0x4205, 19 }, { 0x4206, 20 }, { 0x4207, 21 }, { 0x4208, 22 }, { 0x4209, 23 }, { 0x420a, 24 },
	{ 0x420b, 25 }, { 12, 26 },     { 13, 27 },     { 14, 28 },     { 15, 29 },     { 18, 30 },
	{ 19, 31 },     { 21, 32 },     { 25, 33 },     { 26, 34 },     { 30, 35 },     { 31, 36 },
	{ 32, 37 },     { 33, 38 },
};

static const struct pair fcntl_values[] = {
	{ 0, 1 },     { 1, 2 },     { 2, 3 },     { 3, 4 },     { 4, 5 },     { 5, 6 },
	{ 6, 8 },     { 7, 9 },     { 8, 10 },    { 9, 12 },    { 10, 13 },   { 11, 15 },
	{ 15, 21 },   { 16, 22 },   { 36, 30 },   { 37, 31 },   { 38, 32 },   { 1024, 23 },
	{ 1025, 24 }, { 1026, 27 }, { 1029, 25 }, { 1030, 26 }, { 1031, 28 }, { 1032, 29 },
};

static const struct pair epoll_create1_bits[] = { { 02000000, 1 } };

static const struct pair sockopt_levels[] = { { 1, 1 }, { 6, 2 } };

enum form { SAME, BITS, VALUES, MASK_ACCESS, UP_TO };

struct table {
	uint8_t form;
	uint8_t n;
	uint16_t unknown; /* VALUES: what stands for all others. UP_TO: for those above .n */
	const struct pair *pairs;
};

/* Tables that are not here have the kernel's numbers. */
static const struct table tables[HC_SCAP_N_TABS] = {
#define PAIRS(a) .n = sizeof(a) / sizeof((a)[0]), .pairs = (a)
	[HC_SCAP_TAB_file_flags] = { .form = MASK_ACCESS, PAIRS(open_bits) },
	[HC_SCAP_TAB_clone_flags] = { .form = BITS, PAIRS(clone_bits) },
	[HC_SCAP_TAB_prot_flags] = { .form = BITS, PAIRS(prot_bits) },
	[HC_SCAP_TAB_mmap_flags] = { .form = BITS, PAIRS(mmap_bits) },
	[HC_SCAP_TAB_openat2_flags] = { .form = BITS, PAIRS(openat2_bits) },
	[HC_SCAP_TAB_accept4_flags] = { .form = BITS, PAIRS(accept4_bits) },
	[HC_SCAP_TAB_fchownat_flags] = { .form = BITS, PAIRS(fchownat_bits) },
	[HC_SCAP_TAB_epoll_create1_flags] = { .form = BITS, PAIRS(epoll_create1_bits) },
	[HC_SCAP_TAB_delete_module_flags] = { .form = BITS, PAIRS(delete_module_bits) },
	[HC_SCAP_TAB_ptrace_requests] = { .form = VALUES, PAIRS(ptrace_values) },
	[HC_SCAP_TAB_fcntl_commands] = { .form = VALUES, PAIRS(fcntl_values) },
	[HC_SCAP_TAB_sockopt_levels] = { .form = VALUES, PAIRS(sockopt_levels) },
	[HC_SCAP_TAB_shutdown_how] = { .form = UP_TO, .n = 2, .unknown = 65535 },
	[HC_SCAP_TAB_rlimit_resources] = { .form = UP_TO, .n = 15, .unknown = 255 },
};

/* What the driver makes of these an import keeps as it is in the file: it cannot be turned back, as bits are left
 * out, or one stands for two. */
static const struct pair uring_setup_bits[] = {
	{ 1, 1 | 4 }, { 2, 2 }, { 4, 8 }, { 8, 16 }, { 16, 32 }, { 32, 64 }, { 64, 128 },
};
static const struct pair uring_feature_bits[] = {
	{ 1, 1 },   { 2, 2 },     { 4, 4 },     { 8, 8 },     { 16, 16 },     { 32, 32 },
	{ 64, 64 }, { 128, 128 }, { 256, 256 }, { 512, 512 }, { 1024, 1024 },
};
static const struct pair low_bits[] = { { 1, 1 }, { 2, 2 }, { 4, 4 }, { 8, 8 } };
static const struct pair pidfd_open_bits[] = { { 04000, 1 } };
static const struct pair semget_bits[] = { { 01000, 8192 }, { 02000, 16384 } };
static const struct pair semop_bits[] = { { 04000, 1 }, { 0x1000, 2 } };
static const struct pair semctl_values[] = {
	{ 2, 1 },    { 1, 2 },    { 0, 4 },    { 3, 8 },     { 19, 16 },   { 18, 32 },   { 13, 64 },
	{ 14, 128 }, { 11, 256 }, { 12, 512 }, { 15, 1024 }, { 17, 2048 }, { 16, 4096 },
};

static const struct table driver_tables[HC_SCAP_N_TABS] = {
	[HC_SCAP_TAB_io_uring_setup_flags] = { .form = BITS, PAIRS(uring_setup_bits) },
	[HC_SCAP_TAB_io_uring_setup_feats] = { .form = BITS, PAIRS(uring_feature_bits) },
	[HC_SCAP_TAB_io_uring_enter_flags] = { .form = BITS, PAIRS(low_bits) },
	[HC_SCAP_TAB_mlockall_flags] = { .form = BITS, .n = 3, .pairs = low_bits },
	[HC_SCAP_TAB_mlock2_flags] = { .form = BITS, .n = 1, .pairs = low_bits },
	[HC_SCAP_TAB_memfd_create_flags] = { .form = BITS, .n = 3, .pairs = low_bits },
	[HC_SCAP_TAB_pidfd_open_flags] = { .form = BITS, PAIRS(pidfd_open_bits) },
	[HC_SCAP_TAB_semget_flags] = { .form = BITS, PAIRS(semget_bits) },
	[HC_SCAP_TAB_semop_flags] = { .form = BITS, PAIRS(semop_bits) },
	[HC_SCAP_TAB_semctl_commands] = { .form = VALUES, PAIRS(semctl_values) },
};

/* O_RDONLY, O_WRONLY, O_RDWR are 0, 1, 2 to the kernel and the bits 1, 2, both in files. */
static uint64_t access_portable(uint64_t v)
{
	return (v & 3) == 1 ? 2 : (v & 3) == 2 ? 3 : 1;
}

static uint64_t access_native(uint64_t v)
{
	return (v & 3) == 2 ? 1 : (v & 3) == 3 ? 2 : 0;
}

static uint64_t portable(const struct table *t, uint64_t v)
{
	uint64_t out = 0;

	switch ((enum form)t->form) {
	case MASK_ACCESS:
		out = access_portable(v);
		__attribute__((fallthrough));
	case BITS:
		for (unsigned i = 0; i < t->n; i++)
			if ((v & t->pairs[i].kernel) == t->pairs[i].kernel)
				out |= t->pairs[i].portable;
		return out;
	case VALUES:
		for (unsigned i = 0; i < t->n; i++)
			if (t->pairs[i].kernel == v)
				return t->pairs[i].portable;
		return t->unknown;
	case UP_TO:
		return v <= t->n ? v : t->unknown;
	case SAME:
		break;
	}
	return v;
}

uint64_t hc_scap_driver(enum hc_scap_table table, uint64_t v)
{
	return portable(&driver_tables[table], v);
}

uint64_t hc_scap_portable(enum hc_scap_table table, uint64_t v)
{
	if (tables[table].form != SAME)
		return portable(&tables[table], v);
	if (table == HC_SCAP_TAB_mount_flags && (v & 0xffff0000) == 0xc0ed0000)
		return v & 0xffff; /* a magic number of old */
	return v;
}

uint64_t hc_scap_native(enum hc_scap_table table, uint64_t v)
{
	const struct pair *pairs = tables[table].pairs;
	uint64_t out = 0;

	switch ((enum form)tables[table].form) {
	case MASK_ACCESS:
		out = access_native(v);
		__attribute__((fallthrough));
	case BITS:
		for (unsigned i = 0; i < tables[table].n; i++)
			if ((v & pairs[i].portable) == pairs[i].portable)
				out |= pairs[i].kernel;
		return out;
	case VALUES:
		if (table == HC_SCAP_TAB_fcntl_commands && v >= 17 && v <= 19)
			return v - 12; /* the locks of 32-bit programs: F_GETLK, F_SETLK, F_SETLKW */
		for (unsigned i = 0; i < tables[table].n; i++)
			if (pairs[i].portable == v)
				return pairs[i].kernel;
		return UINT32_MAX;
	case UP_TO:
		return v <= tables[table].n ? v : UINT32_MAX;
	case SAME:
		break;
	}
	return v;
}

uint32_t hc_scap_dev_portable(uint64_t dev)
{
	uint32_t major = (uint32_t)(dev >> 20), minor = (uint32_t)(dev & 0xfffff);

	return (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

uint64_t hc_scap_dev_native(uint32_t dev)
{
	uint64_t major = (dev >> 8) & 0xfff, minor = (dev & 0xff) | ((dev >> 12) & ~0xffu);

	return major << 20 | minor;
}
