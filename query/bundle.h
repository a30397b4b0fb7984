/*
 * Evidence bundles: a tar that anybody can unpack and check with sha256sum, and that Hindcast reads like a
 * capture's directory.
 *
 *     HINDCAST-BUNDLE      one line: the bundle format's version
 *     SHA256SUMS           of every other file, in sha256sum's own form
 *     VERIFY.txt           how to check it
 *     manifest.json        what it is, where it comes from, what is missing: canonical JSON
 *     policies/<sha256>/   policy files as given
 *     results/findings.jsonl, results/summary.json
 *     segments/...         byte for byte
 *
 * Equal selections of equal captures give equal bytes, but for created_utc and bundle_id; with SOURCE_DATE_EPOCH
 * set these too.
 */
#ifndef HC_QUERY_BUNDLE_H
#define HC_QUERY_BUNDLE_H

#include "replay/scope.h"
#include "store/capture.h"

#define HC_BUNDLE_VERSION 1

struct hc_bundle_opts {
	const char *tool_version;             /* of the program, "0.1.0" */
	bool has_since, has_until;            /* whole segments that overlap this span are taken */
	int64_t since_wall_ns, until_wall_ns; /* inclusive, exclusive */
	const char *const
		*policies; /* files, in the order they are loaded; their alerts in the span are findings */
	size_t n_policies;
	const char *metadata; /* what is known of containers in the replay, "known" or "as-of"; NULL: not said */
	/* Findings are about this scope alone, of the capture of this name; the segments are whole. NULL: about
	 * all.
	 */
	const struct hc_scope *scope;
	const char *scope_capture;
	unsigned n_threads; /* for the replay; 0: one per processor */
	bool replace;       /* an existing file */
};

struct hc_bundle_stats {
	uint32_t n_segments, n_left_out; /* of the capture */
	uint64_t n_rows, bytes;          /* rows in the segments taken; bytes of the bundle */
	uint64_t n_lost;
	uint64_t n_findings;
	uint32_t n_unanswerable; /* rules that this capture cannot answer */
	char sha256[65];         /* of SHA256SUMS: what to tell the receiver by another way */
};

/* -ENODATA when no segment overlaps the span, -EEXIST when there is such a file, -EISDIR a directory,
 * -EINVAL for a policy that does not load. What stood at `path` stays until the bundle is whole. */
int hc_bundle_export(struct hc_capture *c, const char *path, const struct hc_bundle_opts *opts,
                     struct hc_bundle_stats *ret, struct hc_err *err);

/* One thing wrong with a bundle; path NULL: with the bundle as a whole. */
typedef void (*hc_bundle_tell)(void *ctx, const char *path, const char *what);

/*
 * Holds every file of an open bundle against SHA256SUMS and the manifest: nothing missing, nothing more, nothing
 * changed. Returns the number of findings; the segments' inside is hc_verify's.
 */
int hc_bundle_verify(struct hc_capture *c, hc_bundle_tell tell, void *ctx, struct hc_err *err);

#endif
