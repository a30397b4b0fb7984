/*
 * On-demand captures: named parts of a recording, each a span of time that retention leaves alone until the
 * capture is deleted or expires. They are `meta_mark` rows, so they survive restarts, reindexing and export:
 *
 *     op = begin   a capture was started: id, name, by, note, scope, detail, snaplen; from_wall_ns is where its
 *                  past begins (pre-roll), until_wall_ns when it is to end by itself, expires_wall_ns until when
 *                  it is kept
 *     op = clock   the wall clock was set: these three as they are now
 *     op = end     it has ended at until_wall_ns
 *     op = unpin   it was deleted, or has expired: its past goes as any other
 *
 * A name belongs to one capture at a time; a deleted one's name can be given again.
 */
#ifndef HC_STORE_MARKS_H
#define HC_STORE_MARKS_H

#include "store/base/arena.h"
#include "store/base/cleanup.h"
#include "store/capture.h"

#define HC_MARK_NAME_MAX 64 /* bytes: letters, digits, dot, underscore, hyphen; not first a dot or hyphen */

enum hc_mark_state { HC_MARK_RUNNING, HC_MARK_ENDED, HC_MARK_DELETED };

struct hc_mark {
	const char *id; /* 32 hex digits */
	const char *name;
	const char *by;     /* who started it: "uid=0 pid=812", "rule NAME", ... */
	const char *note;   /* free text, "" when none was given */
	const char *scope;  /* host, container=ID, pod=NAMESPACE/NAME, pid=N, cgroup=PATH */
	const char *detail; /* profile it was raised to; "" when it was not */
	enum hc_mark_state state;
	uint32_t snaplen;
	uint64_t begin_seq, end_seq;   /* of the rows that say so; 0: none yet */
	uint64_t state_seq, clock_seq; /* of the newest row that says its state, and its times; 0: none */
	int64_t asked_wall_ns, from_wall_ns;
	int64_t until_wall_ns; /* when it ended or is to end; 0: until it is stopped */
	/* 0: kept until deleted. While until_wall_ns is 0: as if it had ended at asked_wall_ns. */
	int64_t expires_wall_ns;
};

struct hc_marks {
	struct hc_mark *v; /* in the order in which they were started */
	uint32_t n;
	struct hc_arena arena; /* has the texts */
};

/* All captures that the rows of a recording tell of, deleted ones too. Blocks that cannot be read are problems of
 * the recording (hc_capture_problems), not errors. */
int hc_marks_load(struct hc_capture *c, struct hc_marks *ret, struct hc_err *err);
void hc_marks_done(struct hc_marks *m);

/* The capture that has the name now: the newest that is not deleted. NULL: none. */
const struct hc_mark *hc_marks_find(const struct hc_marks *m, const char *name);

bool hc_mark_name_ok(const char *name);
/* Checks a scope's form; what it is of need not exist. */
bool hc_mark_scope_ok(const char *scope);
/* "running", "ended", "deleted" */
const char *hc_mark_state_text(enum hc_mark_state state);

#endif
