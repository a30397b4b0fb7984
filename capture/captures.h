/*
 * On-demand captures of a running recorder (capture/daemon.h): starts, ends, expires and deletes them, keeps them
 * over a restart (their rows tell of them, store/marks.h), and says which past retention must leave alone.
 *
 * A capture is a span of the recording with a name: from `pre` before it was asked for until it is stopped or its
 * time is over. Several may overlap; each pins its own span. While it runs, its scope may be recorded in more
 * detail than all else (hc_record_set_raises). All calls on the daemon's thread.
 *
 * Durations are measured by the boot clock: a wall clock that is set ends and expires nothing, and the moments of
 * what runs follow it.
 */
#ifndef HC_CAPTURE_CAPTURES_H
#define HC_CAPTURE_CAPTURES_H

#include "capture/daemon.h"
#include "store/marks.h"

struct hc_captures;

#define HC_CAPTURES_MAX 256 /* that are not deleted; more are refused */

/* What is asked for. */
struct hc_capture_request {
	const char *name;   /* hc_mark_name_ok */
	const char *scope;  /* hc_mark_scope_ok */
	const char *by;     /* who asks */
	const char *note;   /* NULL: none */
	const char *detail; /* profile that its scope is recorded with at least; NULL: that of the recorder */
	uint32_t snaplen;   /* payload bytes kept of its scope at least; 0: those of the recorder */
	uint64_t pre_ns;    /* how much of the past belongs to it */
	uint64_t for_ns;    /* 0: until it is stopped */
	uint64_t keep_ns;   /* after its end, 0: until it is deleted */
};

/* Why the past that was asked for is not all there. */
enum hc_capture_past {
	HC_CAPTURE_PAST_WHOLE,      /* it is; or not known any more */
	HC_CAPTURE_PAST_BEGINNING,  /* the recording begins then */
	HC_CAPTURE_PAST_UNRECORDED, /* nobody recorded before, but earlier something was */
	HC_CAPTURE_PAST_REMOVED,    /* retention has removed what was before, but there is something earlier */
};
/* "beginning", "unrecorded", "removed"; NULL: whole. */
const char *hc_capture_past_text(enum hc_capture_past past);

/* One capture as it is now. */
struct hc_capture_now {
	char id[33], name[HC_MARK_NAME_MAX + 1];
	char *scope, *by, *note, *detail; /* never NULL */
	enum hc_mark_state state;
	uint32_t snaplen;
	/* As in struct hc_mark: of one that runs until it is stopped, `expires` is as if it had ended when asked
	 * for. */
	int64_t asked_wall_ns, from_wall_ns, until_wall_ns, expires_wall_ns;
	/* The same by the boot clock, which no one sets: these count. May be of before the boot; 0: none. */
	int64_t asked_boot_ns, until_boot_ns, expires_boot_ns;
	uint64_t begin_seq, end_seq, state_seq, clock_seq; /* as in struct hc_mark */
	int64_t latest_wall_ns; /* of its rows by recorders before, while it runs; 0: none */
	/* From where the recording really has its past, without a hole: later than from_wall_ns when nobody
	 * recorded for a while, or retention had taken it. 0: nothing was recorded before it was asked for. Of
	 * the bulk stream it may be later still. */
	int64_t past_wall_ns, past_bulk_wall_ns;
	enum hc_capture_past past_limit; /* of one that was started by this recorder */
	uint32_t n_in_scope; /* processes or control groups in its scope when it began; 0 for the host */
	bool given_up;       /* it is being deleted: retention need not leave its span alone any more */
};

/* How long it is kept after its end; 0: until it is deleted. */
uint64_t hc_capture_keep_ns(const struct hc_capture_now *k);

/* NULL: out of memory. */
struct hc_captures *hc_captures_new(void);
/* Reads the captures of the directory, which may not be there yet: once, when nobody else adds to them. */
int hc_captures_load(struct hc_captures *c, const char *dir, struct hc_err *err);
struct hc_captures *hc_captures_free(struct hc_captures *c);
HC_DEFINE_AUTO(struct hc_captures, hc_captures_free)
/* To be added to the daemon. */
struct hc_daemon_part *hc_captures_part(struct hc_captures *c);

/* -EEXIST the name is in use, -EINVAL the request makes no sense, -E2BIG too many, or why detail could not be
 * raised or the row not be written. ret is borrowed until the next call. When it returns 0 its beginning is on
 * disk and its past is pinned.
 */
int hc_captures_start(struct hc_captures *c, const struct hc_capture_request *request,
                      const struct hc_capture_now **ret, struct hc_err *err);
/* -ENOENT no such capture. One that has ended already stays as it is. */
int hc_captures_stop(struct hc_captures *c, const char *name, const char *by, const struct hc_capture_now **ret,
                     struct hc_err *err);
/* Ends it when it runs, and gives up what it pinned; on a disk that is full, before the rows that tell of it,
 * which may find no other room. -ENOENT, or why they were not written: then it is there still, without what made
 * room. */
int hc_captures_delete(struct hc_captures *c, const char *name, const char *by, struct hc_err *err);

/* Those that are not deleted, in the order in which they were started. Borrowed until the next call. */
const struct hc_capture_now *hc_captures_list(const struct hc_captures *c, uint32_t *ret_n);

/* Tells the recording which spans retention must leave alone. Before it starts; later changes tell it by
 * themselves. -ENOMEM. */
int hc_captures_pin(const struct hc_captures *c, struct hc_record *r);

#endif
