/* A recording's insides, shared by record.c and the record_*.c. */
#ifndef HC_CAPTURE_RECORD_PRIV_H
#define HC_CAPTURE_RECORD_PRIV_H

#include "capture/live.h"
#include "capture/record.h"
#include "store/capture.h"
#include "store/index.h"

#include "cpu_budget.h"
#include "tracker_priv.h"

#define MAX_GAP_CPUS 1024u
#define MAX_LEFT 16

struct gap_window {
	uint64_t from_ns, until_ns; /* 0: none seen since the last look */
};

/* A meta_gap row. */
struct gap_row {
	uint64_t from_ns, until_ns; /* boot clock */
	uint64_t count;             /* 0: not known */
	const char *type, *cause;   /* names that stay; type NULL: of no one type */
	int cpu;                    /* -1: of no one CPU */
};

struct hc_record {
	struct hc_record_opts opts;
	struct hc_live *live;
	struct hc_tracker *tracker;
	struct hc_writer *writer;
	struct hc_index_writer *index;
	struct hc_retain *retain; /* NULL: nothing is removed */
	struct hc_retain_rules retain_rules;
	char retain_text[256];
	uint64_t n_drops_told;    /* blocks */
	uint32_t n_restored_told; /* segments that were written anew */
	uint32_t n_index_missing; /* segments that it still lacks */
	/* Boot clock: when each was last said or tried; 0: not yet. */
	uint64_t disk_log_ns, retain_log_ns, over_log_ns, index_log_ns, index_try_ns;
	struct hc_capture_start start;
	char node[65], boot_text[40];
	uint8_t boot_id[16];
	uint64_t start_ns, stop_ns; /* boot clock */
	uint64_t last_look_ns, last_clock_ns, last_sampled_ns;
	int64_t wall_offset_ns, first_wall_offset_ns; /* now, and at the start */
	uint64_t n_late;
	int failed;
	uint64_t take_until_ns, n_taken; /* of the step under way */
	bool more;                       /* it ended with records left in the rings */
	bool started, in_segment, first_segment_done;
	unsigned n_cpus;
	struct hc_wire_count *count; /* n_cpus x HC_EV_MAX: what has been told of so far */
	uint64_t missed;
	struct gap_window window[MAX_GAP_CPUS];
	uint64_t sampled[HC_EV_MAX], sampled_told[HC_EV_MAX];
	uint64_t lost[HC_EV_MAX], filtered_told, n_gap_rows;
	uint64_t gap_until_ns, gap_ns, n_clock_steps, n_index_failures, n_remove_failures;
	bool index_failed;    /* counted */
	struct gap_row *gaps; /* not on disk yet: first those that went with a block, record_gaps.c */
	size_t n_gaps, n_gaps_dropped, gap_room;
	uint64_t gap_drops_seen;
	struct hc_live_left *left[MAX_LEFT]; /* by recorders before, to be read */
	size_t n_left;
	struct hc_privilege privilege; /* what is left */
	struct record_raise *raises;   /* record_raise.c */
	size_t n_raises;
	uint64_t last_raise_id;
	uint32_t cgroup_changes_seen, raise_missed;
	struct cpu_budget budget; /* record_shed.c */
	enum hc_shed shed;        /* all up to it, where it takes anything */
	uint64_t n_sheds;
	uint64_t shed_from_ns[HC_N_SHEDS]; /* boot clock, by step; 0: not shed, or nothing is in it */
	char shed_text[HC_N_SHEDS][64];
	char hierarchy_root[512];
	struct hc_err *err; /* of the call under way, for callbacks */
};

uint64_t record_boot_ns(void);
/* hc_live_fn: to the tracker. */
int record_take(void *ctx, const struct hc_live_rec *rec);

int meta_start(struct hc_record *r, const char *why, struct hc_err *err);
int meta_config(struct hc_record *r, struct hc_err *err);
int meta_filters(struct hc_record *r, bool end, struct hc_err *err);
/* Reads the clocks; a row when a minute has gone by, or one of them jumped. why NULL: only look. */
int meta_clock(struct hc_record *r, const char *why, struct hc_err *err);
/* Rows for what was lost since the last look. */
int meta_gaps(struct hc_record *r, struct hc_err *err);
int meta_sampled(struct hc_record *r, bool end, struct hc_err *err);
/* Rows for what was masked since the last look. */
int meta_masked(struct hc_record *r, struct hc_err *err);
int meta_blind(struct hc_record *r, struct hc_err *err);
int meta_blind_row(struct hc_record *r, const char *what, const char *scope, uint64_t from_ns, struct hc_err *err);
/* What is not there any more: the beginning of every segment says so. */
int meta_horizon(struct hc_record *r, struct hc_err *err);
int meta_removed(struct hc_record *r, const struct hc_retain_removed *removed, struct hc_err *err);
int meta_gap(struct hc_record *r, const struct gap_row *row, struct hc_err *err);
int meta_pause(struct hc_record *r, struct hc_err *err);
int meta_stop(struct hc_record *r, const char *reason, struct hc_err *err);

/* That detail is raised for a scope. */
struct meta_raise {
	uint64_t id; /* unique in a boot */
	const char *capture, *scope;
	unsigned detail; /* as in struct hc_record_raise */
	uint32_t snaplen;
	uint32_t keeps;   /* payload bytes, those that the recorder keeps anyway included */
	uint64_t from_ns; /* boot clock */
	uint32_t n;       /* of `what` are in it; NULL: everybody */
	const char *what;
};
int meta_raise(struct hc_record *r, const struct meta_raise *row, bool ended, struct hc_err *err);

/* A step of detail that is shed. */
struct meta_shed {
	unsigned step;
	uint64_t id; /* unique in a boot: since when */
	const char *expression;
};
int meta_shed(struct hc_record *r, const struct meta_shed *row, bool ended, struct hc_err *err);

/* ---- record_gaps.c ---- */

/* A row, and again when the disk does not take the block that it is in. cpu -1, type NULL, count 0: as in struct
 * gap_row. */
int gap_tell(struct hc_record *r, uint64_t from, uint64_t until, int cpu, const char *type, uint64_t count,
             const char *cause, struct hc_err *err);
/* A block of the security stream is on disk. */
void gaps_written(struct hc_record *r);
/* Once a second: rows that went with a block. */
int gaps_again(struct hc_record *r, struct hc_err *err);
/* Whether all rows so far are on disk; after a flush. */
bool gaps_on_disk(struct hc_record *r);
/* Rows for what was dropped but rows of gaps, which come again; these ones do not by themselves. */
int gaps_dropped(struct hc_record *r, const struct hc_writer_unsealed *dropped, struct hc_err *err);

/* ---- record_shed.c ---- */

/* The rows of what is shed now: the beginning of every segment says so, and the end of the recording. */
int shed_rows(struct hc_record *r, bool ended, struct hc_err *err);
/* Once a second: sheds a step, or takes one back. */
int shed_look(struct hc_record *r, struct hc_err *err);

/* ---- record_raise.c ---- */

/* The rows of what is raised now: the beginning of every segment says so, and the end of the recording. */
int raise_rows(struct hc_record *r, bool ended, struct hc_err *err);
/* After each step: scopes whose control groups have come or gone. second: one has gone by. */
int raise_look(struct hc_record *r, bool second, struct hc_err *err);
void raise_free(struct hc_record *r);
/* Where the hierarchy by which the kernel's programs tell control groups apart is mounted; false: nowhere. */
bool record_hierarchy_root(const struct hc_record *r, char *path, size_t room);

/* ---- record_disk.c ---- */

/* RFC 3339, in seconds; NULL: the time is 0, or none. */
const char *record_time_text(int64_t wall_ns, char *buf, size_t room);
int disk_open(struct hc_record *r, struct hc_err *err);
/* Since when it is recorded without a hole: since now, when nobody has recorded until now. */
void disk_set_since(struct hc_record *r, bool paused);
bool disk_full(struct hc_record *r, uint64_t need_bytes);
/* Once a second: what is due to go, what was dropped, an index that failed. */
int disk_look(struct hc_record *r, struct hc_err *err);
/* A recorder that is to go on does without an index that cannot be opened, and tries again later. */
int disk_open_index(struct hc_record *r, struct hc_err *err);
/* At the end, when the segments are closed. A recorder that is to go on fails by no index. */
int disk_close_index(struct hc_record *r, struct hc_err *err);

/* ---- record_resume.c: recorders that follow each other ---- */

/* Gets the capture's directory to write into: from another recorder where that is asked for. */
int resume_open(struct hc_record *r, struct hc_err *err);
/* Finds what earlier recorders left in their rings; before privileges are given up. */
int resume_find(struct hc_record *r, struct hc_err *err);
/* Whether some of what was found is of another version, and will not be read. */
bool resume_unread(const struct hc_record *r);
/* Reads what was found, and writes rows of what the earlier recorders lost. */
int resume_left(struct hc_record *r, struct hc_err *err);
void resume_done(struct hc_record *r);
/* Losses that have been told of must not be told of again by the next recorder. */
int resume_told(struct hc_record *r, struct hc_err *err);

#endif
