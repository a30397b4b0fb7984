/*
 * Flags and enumerations as scap files and Falco have them: numbers of their own, the same on every architecture.
 * Our columns have the kernel's numbers.
 */
#ifndef HC_STORE_SCAP_FLAGS_H
#define HC_STORE_SCAP_FLAGS_H

#include <stdint.h>

enum hc_scap_table {
	HC_SCAP_TAB_none,
#define SCAP_TABLE(table) HC_SCAP_TAB_##table,
#include "store/scap_flags.def"
	HC_SCAP_N_TABS
};

/* The portable flags that code asks about: of opens, with what the driver adds of the file, and of clone. */
enum {
	HC_SCAP_OPEN_DIRECTORY = 1 << 10,
	HC_SCAP_OPEN_CLOEXEC = 1 << 12,
	HC_SCAP_OPEN_CREATED = 1 << 14,     /* the file is new */
	HC_SCAP_OPEN_UPPER_LAYER = 1 << 15, /* of an overlay */
	HC_SCAP_OPEN_LOWER_LAYER = 1 << 16,
	HC_SCAP_CREAT_UPPER_LAYER = 1 << 0,
	HC_SCAP_CREAT_LOWER_LAYER = 1 << 1,
	HC_SCAP_CLONE_FILES = 1 << 0,
	HC_SCAP_CLONE_NEWPID = 1 << 6,
	HC_SCAP_CLONE_PARENT = 1 << 8,
	HC_SCAP_CLONE_THREAD = 1 << 13,
	HC_SCAP_CLONE_NEWUSER = 1 << 20,
	HC_SCAP_CLONE_VFORK = 1 << 27,
	HC_SCAP_CLONE_IN_PIDNS = 1 << 29,
	HC_SCAP_CLOSE_RANGE_CLOEXEC = 1 << 2,
};

/* Flags of an open for our number of an overlay's layer: 1 upper, 2 lower. */
static inline uint32_t hc_scap_layer_flags(int64_t layer)
{
	return layer == 1 ? HC_SCAP_OPEN_UPPER_LAYER : layer == 2 ? HC_SCAP_OPEN_LOWER_LAYER : 0;
}

/* No flag of the kernel's: the driver's word that the child is in another pid name space than the one of the boot.
 * It stands among clone's flags in rows that were imported. */
#define HC_SCAP_CLONE_CHILD_IN_PIDNS (UINT64_C(1) << 40)

/* The kernel's numbers (x86_64) as portable ones, and back. Bits that have no counterpart are left out; a value of
 * an enumeration that has none becomes the table's "unknown", and back 2^32-1. Tables whose numbers are the
 * kernel's give `v`. */
uint64_t hc_scap_portable(enum hc_scap_table table, uint64_t v);
uint64_t hc_scap_native(enum hc_scap_table table, uint64_t v);
/* What Falco's driver makes of the kernel's number where an import keeps what the file has; others stay as they
 * are. */
uint64_t hc_scap_driver(enum hc_scap_table table, uint64_t v);

/* 32-bit device numbers of files: the minor's low byte, the major, the rest of the minor; ours are major << 20 |
 * minor. */
uint32_t hc_scap_dev_portable(uint64_t dev);
uint64_t hc_scap_dev_native(uint32_t dev);

#endif
