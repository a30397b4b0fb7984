/*
 * A span of a capture as a scap file, which Falco, sysdig and Stratoshark read: what Falco's driver would have
 * written of the same events, with the threads, descriptors and users that were there before the first of them.
 */
#ifndef HC_QUERY_SCAP_EXPORT_H
#define HC_QUERY_SCAP_EXPORT_H

#include "replay/scope.h"
#include "store/capture.h"
#include "store/scap.h"

struct hc_scap_export_opts {
	bool has_since, has_until;
	int64_t since_wall_ns, until_wall_ns; /* inclusive, exclusive */
	const struct hc_scope *scope;         /* others' events are left out; NULL: everybody's are wanted */
	unsigned flags;                       /* of the writer: HC_SCAP_PLAIN, HC_SCAP_ZSTD; 0: gzip */
	bool replace;                         /* an existing file */
	/* Now and then; true ends the export with -EINTR. NULL: nobody looks. */
	bool (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
};

struct hc_scap_export_stats {
	uint64_t n_events, bytes;
	uint64_t n_threads, n_fds, n_users; /* in the lists at the beginning */
	uint64_t n_state_only; /* events beside them that tell of processes, descriptors and containers what no
	                          event of the span does */
	uint32_t n_sections;   /* one for each boot */
	/* Nothing is left out that is not counted here. */
	uint64_t n_own;                       /* rows in which a recorder speaks of itself */
	uint64_t n_told;                      /* rows of calls whose fork has its own */
	uint64_t n_no_event;                  /* rows that Falco has no event for ... */
	uint64_t no_event_by_type[HC_EV_MAX]; /* ... by their type */
	uint64_t n_cut;                       /* parameters longer than an event can have */
	uint64_t n_unplaced_fds;              /* descriptors of processes that begin nowhere in the span */
	uint64_t n_over_limit;                /* threads and descriptors beyond what is kept */
	uint64_t n_out_of_scope;              /* rows of others than the scope's, and of no process */
	uint64_t n_lost;                      /* events that were lost while the capture was recorded */
};

/* -ENODATA when no event is in the span, -EEXIST when there is such a file, -EISDIR a directory, -EINTR. What
 * stood at `path` stays until the new file is whole. Damaged blocks are passed over and listed as problems of the
 * capture. */
int hc_scap_export(struct hc_capture *c, const char *path, const struct hc_scap_export_opts *opts,
                   struct hc_scap_export_stats *ret, struct hc_err *err);

#endif
