/* The parts of a bundle in the making. */
#ifndef HC_QUERY_BUNDLE_PRIV_H
#define HC_QUERY_BUNDLE_PRIV_H

#include <json-c/json.h>

#include "query/bundle.h"
#include "query/json.h"
#include "store/base/arena.h"
#include "store/base/sha256.h"

#define HC_BUNDLE_MAX_POLICY_BYTES (64u << 20)
#define HC_BUNDLE_MAX_MANIFEST_BYTES (256u << 20)

/* A file of the bundle: from memory, or from a part of an open file. */
struct hc_bundle_file {
	const char *path; /* in the arena */
	const char *role; /* segment, policy, result, info */
	uint64_t bytes;
	uint8_t sha256[32];
	const void *data;                   /* in memory; NULL: of the capture */
	const struct hc_capture_file *from; /* of the capture */
	void *owned;                        /* data to free, or NULL */
};

struct hc_bundle {
	struct hc_capture *c;
	const struct hc_bundle_opts *opts;
	struct hc_arena arena;
	struct hc_bundle_file *files;
	uint32_t n_files, cap_files;
	uint32_t *segs; /* indices of the segments taken */
	uint32_t n_segs;
	uint32_t first_seg_file; /* segments follow each other in files, in the order of segs, until files are
	                            sorted */
	int64_t first_wall_ns, last_wall_ns; /* of the rows taken, or of the request where that is given */
	struct json_object *policies;        /* of the manifest */
	struct json_object *results;
	struct hc_bundle_stats stats;
};

/* Data is taken: freed with the bundle, also when this fails. */
int hc_bundle_add(struct hc_bundle *b, const char *path, const char *role, void *take_data, size_t n_bytes,
                  struct hc_err *err);
/* Loads the policies into the bundle, replays them and adds the results. */
int hc_bundle_findings(struct hc_bundle *b, struct hc_err *err);
/* The manifest, all files but itself and SHA256SUMS being known. */
int hc_bundle_manifest(struct hc_bundle *b, struct json_object **ret, struct hc_err *err);

#endif
