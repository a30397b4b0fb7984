/* bpf/compat.bpf.h: what differs between kernels, in one place. Probes for the feature, never for a version. */
#ifndef HC_BPF_COMPAT_H
#define HC_BPF_COMPAT_H

#include "core.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct timespec64 {
	s64 tv_sec;
	long tv_nsec;
};

/* 5.8 .. 6.5: i_ctime; 6.6 .. 6.10: __i_ctime (i_mtime stays until 6.6, __i_mtime 6.7); 6.11: four plain members.
 */
struct inode___ts {
	struct timespec64 i_mtime;
	struct timespec64 i_ctime;
};

struct inode___uts {
	struct timespec64 __i_mtime;
	struct timespec64 __i_ctime;
};

struct inode___sec {
	s64 i_mtime_sec, i_ctime_sec;
	u32 i_mtime_nsec, i_ctime_nsec;
};

/* 6.14 renamed d_iname to the union d_shortname; both are the bytes of a short name behind d_inode. */
struct dentry___iname {
	unsigned char d_iname[32];
};

union shortname_store {
	unsigned char string[40];
};

struct dentry___short {
	union shortname_store d_shortname;
};

/* 6.1x moved the program's name and id around; user_data lay in the request itself before 5.19. */
struct io_kiocb___old {
	u64 user_data;
};

/* 6.13 made the files of a ring nodes of their own. */
struct io_fixed_file {
	u64 file_ptr;
};

struct io_file_table___old {
	struct io_fixed_file *files;
};

/* 6.0 .. 6.12: rings of one submitter have a table that their lock guards */
struct io_ring_ctx___locked {
	struct io_hash_table cancel_table_locked;
};

struct io_ring_ctx___old {
	struct io_file_table___old file_table;
};

/* 5.8 .. 5.10 have the exec id as u32 in some vendor kernels. */
struct task_struct___x32 {
	u32 self_exec_id;
};

/* 6.4 moved a module's sizes from core_layout to mem[]. */
struct module_memory {
	unsigned int size;
};

struct module_layout {
	unsigned int size;
};

struct module___mem {
	struct module_memory mem[1];
};

struct module___layout {
	struct module_layout core_layout;
};

/* 6.18 made the flags of an mm a bitmap; its first word has what was there before. */
struct mm_struct___old {
	unsigned long flags;
};

struct mm_bitmap {
	unsigned long word;
};

struct mm_struct___bitmap {
	struct mm_bitmap flags;
};

/* 6.10 moved sk_type and sk_protocol; before 5.6 they were bit fields: not supported. */

#pragma clang attribute pop

/* What bpf_probe_read_user_str() returns for an empty string: 0 before "maccess: fix
 * strncpy_from_user_nofault() empty string handling", 1 since. Returns its length with the NUL, or a negative
 * errno. `size` > 0. */
static __always_inline long hc_read_user_str(void *dst, const u32 size, const void *ptr)
{
	long n = bpf_probe_read_user_str(dst, size, ptr);

	return n ? n : 1;
}

#endif
