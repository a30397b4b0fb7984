/* Finding segments in a directory or a bundle, and what the parts of a capture share. */
#ifndef HC_STORE_CAPTURE_PRIV_H
#define HC_STORE_CAPTURE_PRIV_H

#include "store/base/arena.h"
#include "store/capture.h"

#define HC_SEG_PATH_MAX 320u /* segments/NODE/BOOT/STREAM-NUMBER.hcs */
#define HC_CAPTURE_MAX_SEGMENTS (1u << 20)
#define HC_CAPTURE_MAX_BLOCKS (64u << 20)
#define HC_BUNDLE_MAX_MEMBERS (1u << 20)

/* What is made in a capture is its owner's alone, or may be read by the group of its directory too. */
#define HC_MODE_FILE 0600
#define HC_MODE_DIR 0700
#define HC_MODE_FILE_SHARED 0640
#define HC_MODE_DIR_SHARED 02750

/* Whether the directory's group is to read what is made in it (hc_capture_share). */
bool hc_dir_shared(const char *dir);

/* A segment file: its name below the root, and where it lies. */
struct hc_seg_file {
	const char *path; /* in the list's arena */
	uint64_t base;    /* in the file that holds it: 0, or the member's offset */
	uint64_t bytes;
	uint8_t stream;
	uint32_t number;
};

/* A member of a bundle that is no segment. */
struct hc_member {
	const char *name;
	uint64_t base, bytes;
};

struct hc_seg_files {
	struct hc_arena arena;
	struct hc_seg_file *v; /* by path, in byte order */
	uint32_t n, cap;
	struct hc_member *members; /* bundles only, in the file's order */
	uint32_t n_members, cap_members;
	struct hc_capture_problem *problems; /* directories and members that could not be read */
	uint32_t n_problems;
};

/* True for segments/NODE/BOOT/(security|bulk)-NNNNNNNN.hcs with names that are no more than names. */
bool hc_seg_path_parse(const char *path, uint8_t *ret_stream, uint32_t *ret_number);
/* -ENOENT when there is no segments/ in it. */
int hc_seg_files_scan_dir(int root_fd, const char *name, struct hc_seg_files *files, struct hc_err *err);
/* Members of a tar, without reading their data. */
int hc_seg_files_scan_tar(int fd, const char *name, struct hc_seg_files *files, struct hc_err *err);
void hc_seg_files_done(struct hc_seg_files *files);
/* A regular file below the root, no symbolic link, never waiting (a pipe lying there must not hang us). */
int hc_open_below(int root_fd, const char *path, struct hc_err *err);

/* The directory's one writer: -EBUSY when there is another. Held until the descriptor is closed. */
int hc_dir_lock(int fd, const char *dir, struct hc_err *err);
/* Somebody else has such a lock now. fd: a descriptor that holds none. */
bool hc_dir_is_locked(int fd, bool shared_too);
/* The root's descriptor, and the list of segment files made when it was opened: both the capture's. */
int hc_capture_root(const struct hc_capture *c);
const struct hc_seg_files *hc_capture_found(const struct hc_capture *c);
bool hc_block_wanted(const struct hc_block_info *i, const struct hc_block_filter *f);
/* Lists a problem; -ENOMEM. */
int hc_capture_problem_at(struct hc_capture *c, const char *path, uint64_t off, uint64_t bytes, const char *what);
/* What was found wrong while listing the files, before any of them was read. */
const struct hc_capture_problem *hc_capture_listing_problems(const struct hc_capture *c, uint32_t *ret_n);

#endif
