/* The disk below a recording: what is removed from it, and what it did not take. */
#include "record_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "store/base/clock.h"
#include "store/render.h"

#define AGAIN_NS UINT64_C(60000000000)     /* a trouble that lasts is logged this often */
#define INDEX_TRY_NS UINT64_C(10000000000) /* and an index that failed is opened anew */
#define INDEX_MEND_NS UINT64_C(50000000)   /* of each second, for segments that it lacks */

int disk_open(struct hc_record *r, struct hc_err *err)
{
	int code;

	if (!r->opts.retain)
		return 0;
	code = hc_retain_open(r->opts.dir, r->boot_id, &r->retain, err);
	if (code < 0)
		return code;
	hc_retain_set_index(r->retain, r->index);
	r->retain_rules = *r->opts.retain;
	snprintf(r->retain_text, sizeof(r->retain_text), "%s", r->opts.retain_text ? r->opts.retain_text : "");
	return 0;
}

void disk_set_since(struct hc_record *r, bool paused)
{
	int64_t began = hc_wall_ns() - (int64_t)(record_boot_ns() - r->start_ns);

	if (r->retain)
		hc_retain_set_unrecorded(r->retain,
		                         paused || !r->start.since_wall_ns ? began : r->start.since_wall_ns);
}

bool disk_full(struct hc_record *r, uint64_t need_bytes)
{
	return r->retain && hc_retain_make_room(r->retain, need_bytes) > 0;
}

int hc_record_set_retain(struct hc_record *r, const struct hc_retain_rules *rules, const char *text,
                         struct hc_err *err)
{
	if (!r->retain)
		return hc_err_set(err, -EINVAL, "this recording keeps everything");
	r->retain_rules = *rules;
	snprintf(r->retain_text, sizeof(r->retain_text), "%s", text ? text : "");
	return r->started ? meta_config(r, err) : 0;
}

int hc_record_set_pins(struct hc_record *r, const struct hc_retain_pin *pins, size_t n)
{
	return r->retain ? hc_retain_set_pins(r->retain, pins, n) : 0;
}

bool hc_record_keeps(const struct hc_record *r, const struct hc_retain_pin *row, const struct hc_retain_pin *pins,
                     size_t n)
{
	return r->retain && hc_retain_keeps(r->retain, row, pins, n);
}

uint32_t hc_record_held(const struct hc_record *r, const struct hc_retain_pin *pin, struct hc_retain_segment *ret,
                        uint32_t max)
{
	return r->retain ? hc_retain_held(r->retain, pin, ret, max) : 0;
}

const char *record_time_text(int64_t wall_ns, char *buf, size_t room)
{
	time_t t = wall_ns / 1000000000;
	struct tm tm;

	if (!wall_ns || !gmtime_r(&t, &tm))
		return NULL;
	strftime(buf, room, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buf;
}

/* True once when a trouble begins, and then once a minute. */
static bool say(uint64_t *last_ns)
{
	uint64_t now = record_boot_ns();

	if (*last_ns && now - *last_ns < AGAIN_NS)
		return false;
	*last_ns = now;
	return true;
}

static int tell_removed(struct hc_record *r, struct hc_err *err)
{
	struct hc_retain_removed x;
	char from[32], until[32];
	int code = 0;

	while (code >= 0 && hc_retain_removed_next(r->retain, &x)) {
		bool forced = x.reason == HC_RETAIN_FREE || x.reason == HC_RETAIN_FULL;

		hc_log(r->opts.log, forced ? HC_LOG_WARN : HC_LOG_INFO, "segments were removed",
		       HC_LOG_STR("reason", hc_retain_reason_text(x.reason)),
		       HC_LOG_STR("stream", hc_stream_name(x.stream)),
		       HC_LOG_U64("segments", x.last_number - x.first_number + 1), HC_LOG_U64("bytes", x.bytes),
		       HC_LOG_U64("events", x.n_rows),
		       HC_LOG_STR("from", record_time_text(x.from_wall_ns, from, sizeof(from))),
		       HC_LOG_STR("until", record_time_text(x.until_wall_ns, until, sizeof(until))));
		code = meta_removed(r, &x, err);
	}
	return code;
}

static int retain_look(struct hc_record *r, struct hc_err *err)
{
	struct hc_retain_stats st;
	struct hc_err why = { 0 };

	uint64_t boot = record_boot_ns();
	int64_t offset = r->wall_offset_ns < r->first_wall_offset_ns ? r->wall_offset_ns : r->first_wall_offset_ns;

	/* a clock that is set ahead makes nothing old */
	if (hc_retain_apply(r->retain, &r->retain_rules, (int64_t)boot + offset, boot, &why) < 0) {
		r->n_remove_failures++;
		if (say(&r->retain_log_ns))
			hc_log_err(r->opts.log, HC_LOG_ERROR, "what is too old or too much cannot be removed",
			           &why);
	}
	hc_retain_stats(r->retain, &st);
	if (st.over && say(&r->over_log_ns))
		hc_log(r->opts.log, HC_LOG_WARN,
		       "more is kept than the limits allow: all that is left is pinned or being written",
		       HC_LOG_U64("bytes", st.stream[HC_STREAM_SECURITY].bytes + st.stream[HC_STREAM_BULK].bytes),
		       HC_LOG_U64("limit_bytes", st.limit_bytes),
		       HC_LOG_U64("disk_free_bytes", st.disk_free_bytes));
	return tell_removed(r, err);
}

/* What is being written cannot be removed, but that somebody tried is worth a look. */
static void restored_look(struct hc_record *r)
{
	uint32_t n = hc_writer_stats(r->writer)->n_restored;

	if (n != r->n_restored_told)
		hc_log(r->opts.log, HC_LOG_WARN,
		       "segments that were being written have been removed, and were written anew",
		       HC_LOG_U64("segments", n - r->n_restored_told));
	r->n_restored_told = n;
}

/* Rows for what was dropped. They count as told when the block that has them was taken. */
static int drops_look(struct hc_record *r, struct hc_err *err)
{
	const struct hc_writer_drops *d = hc_writer_drops(r->writer);
	const struct hc_writer_unsealed untold = *d->untold;
	uint64_t n_blocks = d->n_blocks, n_gap_rows = d->rows_by_type[HC_EV_META_GAP];
	int code;

	if (d->failing && say(&r->disk_log_ns))
		hc_log_err(r->opts.log, HC_LOG_ERROR,
		           "the disk does not take what is recorded; it is counted as lost", &d->err);
	if (d->failing || (!untold.first_ns && n_blocks == r->n_drops_told))
		return 0;
	code = gaps_dropped(r, &untold, err);
	if (code >= 0)
		code = hc_writer_flush(r->writer, err);
	if (code < 0 || d->rows_by_type[HC_EV_META_GAP] != n_gap_rows)
		return code; /* not this time */
	hc_writer_drops_told(r->writer, &untold);
	if (d->failing)
		return 0;
	if (n_blocks != r->n_drops_told) /* else it was a recorder before */
		hc_log(r->opts.log, HC_LOG_WARN, "the disk takes what is recorded again",
		       HC_LOG_U64("blocks_lost", n_blocks - r->n_drops_told));
	r->n_drops_told = n_blocks;
	r->disk_log_ns = 0;
	return 0;
}

int disk_open_index(struct hc_record *r, struct hc_err *err)
{
	struct hc_err why = { 0 };
	int code = hc_index_writer_open(r->opts.dir, &r->index, &why);

	if (code == 0) {
		r->n_index_missing = hc_index_writer_missing(r->index);
		if (r->n_index_missing)
			hc_log(r->opts.log, HC_LOG_INFO, "the index lacks segments; they are taken in",
			       HC_LOG_U64("segments", r->n_index_missing));
		return 0;
	}
	if (!r->opts.go_on) {
		if (err)
			*err = why;
		return code;
	}
	r->n_index_failures++;
	r->index_try_ns = record_boot_ns();
	if (say(&r->index_log_ns))
		hc_log_err(r->opts.log, HC_LOG_WARN, "the index cannot be opened", &why);
	return 0;
}

static void index_mend(struct hc_record *r)
{
	if (!r->n_index_missing)
		return;
	r->n_index_missing = hc_index_writer_mend(r->index, INDEX_MEND_NS);
	if (!r->n_index_missing && !hc_index_writer_failure(r->index))
		hc_log(r->opts.log, HC_LOG_INFO, "the index lacks no segment any more");
}

static void index_look(struct hc_record *r)
{
	const struct hc_err *failure;
	uint64_t now = record_boot_ns();

	if (r->index)
		index_mend(r);
	failure = r->index ? hc_index_writer_failure(r->index) : NULL;
	if (failure && !r->index_failed)
		r->n_index_failures++;
	r->index_failed = failure != NULL;
	if ((r->index && !failure) || (r->index_try_ns && now - r->index_try_ns < INDEX_TRY_NS))
		return;
	if (failure && say(&r->index_log_ns))
		hc_log_err(r->opts.log, HC_LOG_WARN, "the index is not written; the segments are read without it",
		           failure);
	r->index_try_ns = now;
	r->index = hc_index_writer_abort(r->index);
	disk_open_index(r, NULL);
	if (r->index) {
		hc_log(r->opts.log, HC_LOG_INFO, "the index is written again");
		r->index_log_ns = 0;
	}
	if (r->retain)
		hc_retain_set_index(r->retain, r->index);
}

int disk_close_index(struct hc_record *r, struct hc_err *err)
{
	struct hc_index_writer *index = hc_steal(r->index);
	struct hc_err why = { 0 }, again = { 0 };
	int code = index ? hc_index_writer_close(index, &why) : -EIO;

	if (code < 0 && hc_index_writer_open(r->opts.dir, &index, &again) == 0) /* it takes in what is missing */
		code = hc_index_writer_close(index, &again);
	if (code >= 0)
		return 0;
	if (!r->opts.go_on) {
		if (err && !err->code)
			*err = why;
		return code;
	}
	hc_log_err(r->opts.log, HC_LOG_WARN, "the index is not up to date; the segments are read without it",
	           again.code ? &again : &why);
	return 0;
}

int disk_look(struct hc_record *r, struct hc_err *err)
{
	int code = drops_look(r, err);

	restored_look(r);
	if (code >= 0)
		code = gaps_again(r, err);
	if (code >= 0 && r->retain)
		code = retain_look(r, err);
	if (r->opts.go_on)
		index_look(r);
	return code;
}
