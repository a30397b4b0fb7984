/* Taking over from the recorder before: from one that is at work, or from what a dead one left. */
#include "record_priv.h"

#include <errno.h>
#include <string.h>

#define ASK_MS 5000                     /* the other looks every 50 ms */
#define LET_GO_NS UINT64_C(30000000000) /* it reads its rings empty, writes and closes */

/* Both recorders know the capture by its directory, so the other's programs lead to us before it has let go of it.
 * What comes meanwhile waits in our rings. */
static int take_over(struct hc_record *r, struct hc_err *err)
{
	uint64_t began;
	int code = hc_live_pin(r->live, err);

	if (code >= 0 && r->opts.group) /* it is asked when nothing is left that may fail */
		code = hc_capture_share(r->opts.dir, *r->opts.group, err);
	if (code >= 0)
		code = hc_live_take_over(r->live, ASK_MS, err);
	if (code < 0) {
		hc_err_note(err, "while taking over '%s'", r->opts.dir);
		return code;
	}
	r->started = true;
	began = r->start_ns = record_boot_ns();
	do {
		struct hc_err why = { 0 };

		code = hc_capture_prepare(r->opts.dir, r->node, r->boot_id, &r->start, &why);
		if (code != -EBUSY && code < 0)
			*err = why;
	} while (code == -EBUSY && record_boot_ns() - began < LET_GO_NS);
	if (code == -EBUSY)
		hc_err_set(err, code, "the other recorder has handed over but still writes into '%s'",
		           r->opts.dir);
	hc_log(r->opts.log, HC_LOG_INFO, "took over from another recorder",
	       HC_LOG_F64("waited_seconds", (double)(record_boot_ns() - began) / 1e9));
	return code;
}

int resume_open(struct hc_record *r, struct hc_err *err)
{
	struct hc_err why = { 0 };
	int code = hc_capture_prepare(r->opts.dir, r->node, r->boot_id, &r->start, &why);

	if (code == -EBUSY && r->opts.take_over && r->opts.pin_root)
		return take_over(r, err);
	if (code < 0) {
		if (err)
			*err = why;
		return code;
	}
	if (r->opts.pin_root && hc_live_pin(r->live, &why) < 0)
		hc_log_err(
			r->opts.log, HC_LOG_WARN,
			"what happens between this recorder's end and the next one's start will not be recorded",
			&why);
	return 0;
}

/* Rows that the dead recorder had read, and not yet written. */
static int unwritten(struct hc_record *r, const struct hc_live_kept *kept, uint64_t *n_lost, struct hc_err *err)
{
	int code = 0;

	for (unsigned k = 0; k < HC_N_STREAMS; k++) {
		const struct hc_writer_unsealed *u = &kept->unsealed[k];

		for (unsigned type = 32; type < HC_EV_MAX && code >= 0; type++) {
			if (!u->rows_by_type[type] || !hc_event_desc(type))
				continue;
			*n_lost += u->rows_by_type[type];
			code = gap_tell(r, u->first_ns, u->last_ns, -1, hc_event_desc(type)->name,
			                u->rows_by_type[type], "crash", err);
		}
	}
	return code;
}

/* Losses that it had not told of: from where records are missing to the moment when ours began. */
static int untold(struct hc_record *r, const struct hc_live_left *left, uint64_t *n_lost, struct hc_err *err)
{
	int code = 0;

	for (unsigned cpu = 0; cpu < r->n_cpus; cpu++) {
		for (unsigned type = 0; type < HC_EV_MAX && code >= 0; type++) {
			struct hc_wire_count c = hc_live_left_lost(left, cpu, type);
			uint64_t from = hc_live_left_lost_from(left, cpu, type);

			if (!from || from > r->start_ns)
				from = r->start.last_boot_ns;
			if (!hc_event_desc(type))
				continue;
			r->sampled[type] += c.sampled;
			r->lost[type] += c.lost_full + c.lost_busy;
			*n_lost += c.lost_full + c.lost_busy;
			if (c.lost_full)
				code = gap_tell(r, from, r->start_ns, (int)cpu, hc_event_desc(type)->name,
				                c.lost_full, "ring_full", err);
			if (c.lost_busy && code >= 0)
				code = gap_tell(r, from, r->start_ns, (int)cpu, hc_event_desc(type)->name,
				                c.lost_busy, "too_big", err);
		}
	}
	return code;
}

static int one_left(struct hc_record *r, const struct hc_live_left *left, uint64_t *n_lost, struct hc_err *err)
{
	int code;

	if (!hc_live_left_readable(left)) /* what it lost beyond that nobody can tell */
		return gap_tell(r, r->start.last_boot_ns, r->start_ns, -1, NULL, hc_live_left_waiting(left),
		                "other_version", err);
	hc_writer_drops_add(r->writer, &hc_live_left_kept(left)->untold);
	code = unwritten(r, hc_live_left_kept(left), n_lost, err);
	return code < 0 ? code : untold(r, left, n_lost, err);
}

int resume_find(struct hc_record *r, struct hc_err *err)
{
	size_t n = hc_live_look_left(r->live);

	for (r->n_left = 0; r->n_left < n && r->n_left < MAX_LEFT; r->n_left++) {
		r->left[r->n_left] = hc_live_left(r->live, r->n_left, err);
		if (!r->left[r->n_left])
			return err->code;
	}
	return 0;
}

bool resume_unread(const struct hc_record *r)
{
	for (size_t i = 0; i < r->n_left; i++)
		if (!hc_live_left_readable(r->left[i]))
			return true;
	return false;
}

int resume_left(struct hc_record *r, struct hc_err *err)
{
	uint64_t n_read = 0, n_unread = 0, n_lost = 0;
	int code = 0;

	told_use(&r->tracker->told, hc_live_descriptions(r->live), r->n_cpus);
	if (!r->n_left)
		return 0;
	for (size_t i = 0; i < r->n_left && code >= 0; i++) {
		int64_t got;

		told_use(&r->tracker->told, hc_live_left_descriptions(r->left[i]), r->n_cpus);
		got = hc_live_left_drain(r->left[i], record_take, r);
		code = got < 0 ? (int)got : one_left(r, r->left[i], &n_lost, err);
		n_read += got > 0 ? (uint64_t)got : 0;
		if (!hc_live_left_readable(r->left[i]))
			n_unread += hc_live_left_waiting(r->left[i]);
	}
	told_use(&r->tracker->told, hc_live_descriptions(r->live), r->n_cpus);
	if (code >= 0) /* on disk before it goes from the rings */
		code = hc_writer_flush(r->writer, err);
	if (code < 0)
		return code;
	for (size_t i = 0; i < r->n_left; i++)
		r->left[i] = hc_live_left_remove(r->left[i]);
	r->n_left = 0;
	hc_log(r->opts.log, n_unread || n_lost ? HC_LOG_WARN : HC_LOG_INFO,
	       "went on where another recorder had ended", HC_LOG_U64("records_waiting", n_read),
	       HC_LOG_U64("records_of_another_version", n_unread), HC_LOG_U64("events_lost", n_lost));
	return 0;
}

void resume_done(struct hc_record *r)
{
	for (size_t i = 0; i < r->n_left; i++)
		r->left[i] = hc_live_left_free(r->left[i]);
	r->n_left = 0;
}

int resume_told(struct hc_record *r, struct hc_err *err)
{
	int code = 0;

	if (!hc_live_is_pinned(r->live))
		return 0;
	if (r->n_gaps)
		code = hc_writer_flush(r->writer, err);
	if (code >= 0 && gaps_on_disk(r))
		hc_live_told(r->live, r->count);
	return code;
}

void hc_record_note_waiting(const struct hc_record *r, struct hc_err *err)
{
	if (r->started && hc_live_resumes(r->live))
		hc_err_note(err,
		            "the recorder before is gone and its programs stay attached: what happens waits in "
		            "their rings for the next start; `hindcast recorder --unpin` gives it up");
}

bool hc_record_handed_over(struct hc_record *r)
{
	return hc_live_handed_over(r->live);
}

int hc_record_unpin(const char *pin_root, unsigned *ret_n, unsigned *ret_used, struct hc_err *err)
{
	return hc_live_unpin(pin_root, ret_n, ret_used, err);
}
