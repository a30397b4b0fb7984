/* What the recorder tells of itself as metrics. docs/metrics.md has the same list for its readers; a test compares
 * the two. */
#include "metrics_priv.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "record_priv.h"
#include "store/render.h"

#define N_LOST_REASONS 3

/* One look at everything. */
struct look {
	struct hc_metrics_out *out;
	struct hc_metrics *m;
	const struct hc_record *r;
	struct hc_daemon_stats s;
};

static void counter(const struct look *l, const char *name, const char *unit, const char *help, uint64_t n)
{
	hc_metric_family(l->out, HC_METRIC_COUNTER, name, unit, help);
	hc_metric_u64(l->out, n, NULL);
}

static void seconds_counter(const struct look *l, const char *name, const char *help, uint64_t ns)
{
	hc_metric_family(l->out, HC_METRIC_COUNTER, name, "seconds", help);
	hc_metric_f64(l->out, (double)ns / 1e9, NULL);
}

static void gauge(const struct look *l, const char *name, const char *unit, const char *help, uint64_t n)
{
	hc_metric_family(l->out, HC_METRIC_GAUGE, name, unit, help);
	hc_metric_u64(l->out, n, NULL);
}

static void seconds_gauge(const struct look *l, const char *name, const char *help, double seconds)
{
	hc_metric_family(l->out, HC_METRIC_GAUGE, name, "seconds", help);
	hc_metric_f64(l->out, seconds, NULL);
}

/* ---- the recorder ---- */

static const char *const peer_ends[METRICS_PEER_N_ENDS] = {
	[METRICS_PEER_BROKEN] = "broken", [METRICS_PEER_ANSWERED] = "answered", [METRICS_PEER_REFUSED] = "refused",
	[METRICS_PEER_SLOW] = "slow",     [METRICS_PEER_TOO_MANY] = "too_many",
};

static void tell_recorder(const struct look *l)
{
	static const char *const states[] = { "starting", "recording", "shedding", "disk_failing", "stopping" };
	unsigned now = l->s.stopping              ? 4
	               : !l->s.ready              ? 0
	               : l->s.record.disk_failing ? 3
	               : l->s.record.shed         ? 2
	                                          : 1;
	struct utsname un = { 0 };
	char format[16];

	uname(&un);
	snprintf(format, sizeof(format), "%d.%d", HC_FORMAT_MAJOR, HC_FORMAT_MINOR);
	hc_metric_family(l->out, HC_METRIC_INFO, "hindcast_build", NULL,
	                 "The program, the format that it writes, and the kernel below it.");
	hc_metric_u64(l->out, 1, "version", l->m->opts.version, "format", format, "arch", un.machine, "kernel",
	              un.release, NULL);
	hc_metric_family(l->out, HC_METRIC_GAUGE, "hindcast_recorder_state", NULL,
	                 "1 for the state that the recorder is in, 0 for all others.");
	for (unsigned i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		hc_metric_u64(l->out, i == now, "state", states[i], NULL);
	seconds_gauge(l, "hindcast_recorder_start_time_seconds", "When recording began, since the epoch.",
	              (double)l->s.start_wall_ns / 1e9);
	seconds_gauge(l, "hindcast_recorder_last_loop_time_seconds",
	              "When the loop that reads the rings last went round, since the epoch.",
	              (double)l->s.last_loop_wall_ns / 1e9);
	hc_metric_family(l->out, HC_METRIC_COUNTER, "hindcast_reloads", NULL,
	                 "Times that the configuration was read again.");
	hc_metric_u64(l->out, l->s.n_reloads, "result", "ok", NULL);
	hc_metric_u64(l->out, l->s.n_reloads_partly, "result", "rules_failed", NULL);
	hc_metric_u64(l->out, l->s.n_reloads_failed, "result", "failed", NULL);
	counter(l, "hindcast_log_lines_lost", NULL, "Lines of the log that could not be written.",
	        hc_daemon_log(l->m->daemon)->n_lost);
	hc_metric_family(l->out, HC_METRIC_COUNTER, "hindcast_scrapes", NULL, "Requests of these metrics.");
	hc_metric_u64(l->out, l->m->n_scrapes[0], "format", "text", NULL);
	hc_metric_u64(l->out, l->m->n_scrapes[1], "format", "openmetrics", NULL);
	seconds_counter(l, "hindcast_scrape_seconds", "Time spent in making the answers to them.", l->m->text_ns);
	hc_metric_family(l->out, HC_METRIC_COUNTER, "hindcast_http_connections", NULL,
	                 "Connections to the address of these metrics, by how they ended.");
	for (unsigned i = 0; i < METRICS_PEER_N_ENDS; i++)
		hc_metric_u64(l->out, l->m->n_peers_ended[i], "result", peer_ends[i], NULL);
}

/* ---- events ---- */

static bool is_event(unsigned type)
{
	const struct hc_table_desc *d = hc_event_desc(type);

	return d && d->cls != HC_CLASS_META;
}

/* Sums over the types of each class. */
static void by_class(const uint64_t *by_type, uint64_t ret[HC_N_CLASSES])
{
	memset(ret, 0, HC_N_CLASSES * sizeof(*ret));
	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		if (is_event(type))
			ret[hc_event_desc(type)->cls] += by_type[type];
	}
}

static void tell_classes(const struct look *l, const uint64_t *by_type, const char *key, const char *value)
{
	uint64_t n[HC_N_CLASSES];

	by_class(by_type, n);
	for (unsigned cls = HC_CLASS_META + 1; cls < HC_N_CLASSES; cls++)
		hc_metric_u64(l->out, n[cls], "class", hc_class_name(cls), key, value, NULL);
}

static void tell_lost(const struct look *l)
{
	static const char *const reasons[N_LOST_REASONS] = { "ring_full", "too_big", "disk" };
	uint64_t by_type[N_LOST_REASONS][HC_EV_MAX] = { 0 };
	const uint64_t *dropped = hc_writer_drops(l->r->writer)->rows_by_type;

	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		struct hc_wire_count c = hc_live_total(l->r->live, type);

		by_type[0][type] = c.lost_full;
		by_type[1][type] = c.lost_busy;
		by_type[2][type] = dropped[type];
	}
	hc_metric_family(l->out, HC_METRIC_COUNTER, "hindcast_events_lost", NULL,
	                 "Events that are missing from the recording. Evidence is lost.");
	for (unsigned i = 0; i < N_LOST_REASONS; i++)
		tell_classes(l, by_type[i], "reason", reasons[i]);
	hc_metric_u64(l->out, l->s.record.n_missed, "class", "unknown", "reason", "program_missed", NULL);

	hc_metric_family(
		l->out, HC_METRIC_COUNTER, "hindcast_events_lost_detail", NULL,
		"The same by type and CPU, as far as there are any. What the disk did not take has no CPU.");
	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		const char *name;

		if (!is_event(type) || (!by_type[0][type] && !by_type[1][type] && !by_type[2][type]))
			continue;
		name = hc_event_desc(type)->name;
		for (unsigned cpu = 0; cpu < l->s.n_cpus; cpu++) {
			struct hc_wire_count c = hc_live_count(l->r->live, cpu, type);
			char number[12];

			snprintf(number, sizeof(number), "%u", cpu);
			if (c.lost_full)
				hc_metric_u64(l->out, c.lost_full, "type", name, "cpu", number, "reason",
				              reasons[0], NULL);
			if (c.lost_busy)
				hc_metric_u64(l->out, c.lost_busy, "type", name, "cpu", number, "reason",
				              reasons[1], NULL);
		}
		if (by_type[2][type])
			hc_metric_u64(l->out, by_type[2][type], "type", name, "cpu", "", "reason", reasons[2],
			              NULL);
	}
}

static void tell_events(const struct look *l)
{
	uint64_t filtered[HC_EV_MAX];

	for (unsigned type = 0; type < HC_EV_MAX; type++)
		filtered[type] = hc_live_total(l->r->live, type).filtered;
	hc_metric_family(l->out, HC_METRIC_COUNTER, "hindcast_events", NULL, "Events that were recorded.");
	tell_classes(l, l->s.record.rows_by_type, NULL, NULL);
	tell_lost(l);
	hc_metric_family(l->out, HC_METRIC_COUNTER, "hindcast_events_filtered", NULL,
	                 "Events left out by request, in the kernel or behind it.");
	tell_classes(l, filtered, "stage", "kernel");
	tell_classes(l, l->s.record.tracker.excluded_by_type, "stage", "user");
	hc_metric_family(l->out, HC_METRIC_COUNTER, "hindcast_events_sampled", NULL,
	                 "Events of which the profile keeps some only, and which were left out.");
	tell_classes(l, l->s.record.sampled_by_type, NULL, NULL);
	hc_metric_family(l->out, HC_METRIC_GAUGE, "hindcast_detail_shed", NULL,
	                 "1 for detail that is not recorded now, because the recorder would use more of a "
	                 "processor than it may.");
	for (unsigned step = 1; step < HC_N_SHEDS; step++)
		hc_metric_u64(l->out, l->r->shed_from_ns[step] != 0, "detail", hc_live_shed_name(step), NULL);
	counter(l, "hindcast_detail_sheds", NULL, "Times that detail was shed for that.", l->s.record.n_sheds);
	counter(l, "hindcast_values_masked", NULL, "Secrets overwritten before they were written.",
	        l->s.record.tracker.n_masked);
	counter(l, "hindcast_records_malformed", NULL,
	        "Records of the kernel's side that made no sense. Evidence is lost.", l->s.record.n_bad);
	counter(l, "hindcast_gaps", NULL, "Rows of the recording that tell of losses. Evidence is lost.",
	        l->s.record.n_gaps);
	seconds_counter(l, "hindcast_gap_seconds",
	                "Time in which something was lost, or nothing recorded. Evidence is lost.",
	                l->s.record.gap_ns);
}

/* ---- the kernel's side ---- */

static void tell_programs(const struct look *l)
{
	struct hc_live_program p;

	hc_metric_family(l->out, HC_METRIC_COUNTER, "hindcast_bpf_program_missed", NULL,
	                 "Runs of a BPF program that did not happen. Evidence is lost.");
	for (size_t i = 0; i < hc_live_n_hooks(l->r->live); i++)
		if (hc_live_program(l->r->live, i, &p))
			hc_metric_u64(l->out, p.n_skipped, "program", p.name, NULL);
	hc_metric_u64(l->out, hc_live_unhandled(l->r->live), "program", "none", NULL);
	hc_metric_family(l->out, HC_METRIC_COUNTER, "hindcast_bpf_program_run_seconds", "seconds",
	                 "Time spent in a BPF program; 0 unless the sysctl kernel.bpf_stats_enabled is set.");
	for (size_t i = 0; i < hc_live_n_hooks(l->r->live); i++)
		if (hc_live_program(l->r->live, i, &p))
			hc_metric_f64(l->out, (double)p.ns / 1e9, "program", p.name, NULL);
}

static void tell_kernel(const struct look *l)
{
	static const char *const groups[] = { "bulk", "security" };
	static const char *const states[] = { "attached", "off", "missing", "failed" };
	uint64_t n[4] = { 0 };

	hc_metric_family(l->out, HC_METRIC_GAUGE, "hindcast_ring_size_bytes", "bytes",
	                 "All rings of a group together.");
	for (unsigned i = 0; i < 2; i++)
		hc_metric_u64(l->out, l->s.ring_bytes[i], "group", groups[i], NULL);
	hc_metric_family(l->out, HC_METRIC_GAUGE, "hindcast_ring_used_ratio", "ratio",
	                 "How full the fullest ring of a group is.");
	for (unsigned i = 0; i < 2; i++)
		hc_metric_f64(l->out, l->s.ring_fill[i], "group", groups[i], NULL);
	hc_metric_family(l->out, HC_METRIC_GAUGE, "hindcast_ring_used_peak_ratio", "ratio",
	                 "The same, the highest of the last one to two minutes; at 1 events are lost.");
	for (unsigned i = 0; i < 2; i++)
		hc_metric_f64(l->out, l->s.ring_peak[i], "group", groups[i], NULL);
	seconds_gauge(l, "hindcast_consumer_lag_seconds",
	              "Age of what is read from the rings now; 0 when nothing waits.", (double)l->s.lag_ns / 1e9);
	hc_metric_family(l->out, HC_METRIC_GAUGE, "hindcast_hooks", NULL,
	                 "Attachment points in the kernel. What is missing or failed is not seen.");
	for (size_t i = 0; i < hc_live_n_hooks(l->r->live); i++)
		n[hc_live_hook(l->r->live, i).state]++;
	for (unsigned i = 0; i < 4; i++)
		hc_metric_u64(l->out, n[i], "state", states[i], NULL);
	tell_programs(l);
}

/* ---- the store ---- */

static void tell_written(const struct look *l)
{
	static const uint64_t bounds_ms[HC_WRITER_N_TIMES] = HC_WRITER_TIMES_MS;
	const struct hc_writer_stats *w = &l->s.record.writer;
	double le[HC_WRITER_N_TIMES];
	const struct hc_metric_histogram h = {
		.le = le, .n_le = HC_WRITER_N_TIMES, .count = w->n_writes_by_time, .sum = (double)w->write_ns / 1e9
	};

	for (unsigned i = 0; i < HC_WRITER_N_TIMES; i++)
		le[i] = (double)bounds_ms[i] / 1e3;
	counter(l, "hindcast_blocks_written", NULL, "Blocks written to the disk.", w->n_blocks);
	counter(l, "hindcast_store_written_bytes", "bytes", "Bytes of segments written to the disk.", w->bytes);
	counter(l, "hindcast_store_raw_bytes", "bytes", "Bytes of the same blocks before compression.",
	        w->raw_bytes);
	hc_metric_family(l->out, HC_METRIC_HISTOGRAM, "hindcast_store_write_seconds", "seconds",
	                 "How long the file system took to take a block.");
	hc_metric_histogram(l->out, &h, NULL);
	hc_metric_family(l->out, HC_METRIC_COUNTER, "hindcast_store_errors", NULL,
	                 "What the disk did not do. Blocks that it did not take (write) are lost evidence.");
	hc_metric_u64(l->out, l->s.record.n_dropped_blocks, "op", "write", NULL);
	hc_metric_u64(l->out, l->s.record.n_index_failures, "op", "index", NULL);
	hc_metric_u64(l->out, l->s.record.n_remove_failures, "op", "remove", NULL);
}

static void tell_kept(const struct look *l)
{
	const struct hc_retain_stats *st = &l->s.record.retain;
	uint64_t bytes = 0, pinned = 0, n = 0, n_pinned = 0, n_open = l->s.record.writer.n_open;

	for (unsigned k = 0; k < HC_N_STREAMS; k++) {
		bytes += st->stream[k].bytes;
		pinned += st->stream[k].pinned_bytes;
		n += st->stream[k].n_segments;
		n_pinned += st->stream[k].n_pinned;
	}
	gauge(l, "hindcast_store_used_bytes", "bytes", "Bytes of all segments that are kept.", bytes);
	hc_metric_family(l->out, HC_METRIC_GAUGE, "hindcast_store_limit_bytes", "bytes",
	                 "What they may take in all; no sample without a limit.");
	if (st->limit_bytes)
		hc_metric_u64(l->out, st->limit_bytes, NULL);
	hc_metric_family(l->out, HC_METRIC_GAUGE, "hindcast_store_free_bytes", "bytes",
	                 "What is left for the recorder on the file system; no sample when it cannot be told.");
	if (st->disk_bytes)
		hc_metric_u64(l->out, st->disk_free_bytes, NULL);
	gauge(l, "hindcast_store_pinned_bytes", "bytes", "Bytes of segments that retention leaves alone.", pinned);
	hc_metric_family(l->out, HC_METRIC_GAUGE, "hindcast_segments", NULL, "Segments that are kept.");
	hc_metric_u64(l->out, n_open, "state", "open", NULL);
	hc_metric_u64(l->out, n > n_open ? n - n_open : 0, "state", "closed", NULL);
	gauge(l, "hindcast_segments_pinned", NULL, "Those of them that retention leaves alone.", n_pinned);
}

/* How far back one can look. */
static void tell_horizon(const struct look *l)
{
	const struct hc_retain_stats *st = &l->s.record.retain;

	hc_metric_family(l->out, HC_METRIC_COUNTER, "hindcast_store_shed_bytes", "bytes",
	                 "Bytes that retention has removed, for their age or for room.");
	for (unsigned k = 0; k < HC_N_STREAMS; k++)
		hc_metric_u64(l->out, st->stream[k].removed_bytes, "stream", hc_stream_name((enum hc_stream)k),
		              NULL);
	hc_metric_family(l->out, HC_METRIC_GAUGE, "hindcast_store_oldest_event_time_seconds", "seconds",
	                 "Time of the oldest event that is kept, pinned ones too, since the epoch.");
	if (l->s.oldest_wall_ns)
		hc_metric_f64(l->out, (double)l->s.oldest_wall_ns / 1e9, NULL);
	hc_metric_family(
		l->out, HC_METRIC_GAUGE, "hindcast_store_horizon_time_seconds", "seconds",
		"Since when it is recorded and kept without a hole, since the epoch: a new capture reaches "
		"back to here.");
	for (unsigned k = 0; k < HC_N_STREAMS; k++) {
		int64_t since = hc_retain_since(st, (enum hc_stream)k);

		if (since)
			hc_metric_f64(l->out, (double)since / 1e9, "stream", hc_stream_name((enum hc_stream)k),
			              NULL);
	}
}

/* What the recorder's memory grows with. */
static void tell_tables(const struct look *l)
{
	const struct hc_tracker_stats *t = &l->s.record.tracker;
	const struct {
		const char *table;
		uint64_t n;
	} tables[] = {
		{ "processes", t->n_procs }, { "threads", t->n_tasks }, { "files", t->n_fds },
		{ "sockets", t->n_socks },   { "paths", t->n_paths },   { "texts", t->n_texts },
	};

	hc_metric_family(l->out, HC_METRIC_GAUGE, "hindcast_table_entries", NULL,
	                 "What the recorder knows now of what runs, by table.");
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		hc_metric_u64(l->out, tables[i].n, "table", tables[i].table, NULL);
	gauge(l, "hindcast_table_bytes", "bytes", "Memory that all of it takes, by its own count.", t->n_bytes);
	hc_metric_family(l->out, HC_METRIC_COUNTER, "hindcast_table_evictions", NULL,
	                 "What was forgotten to make room, by table.");
	hc_metric_u64(l->out, t->n_evicted_procs, "table", "processes", NULL);
	hc_metric_u64(l->out, t->n_evicted_fds, "table", "files", NULL);
	hc_metric_u64(l->out, t->n_evicted_socks, "table", "sockets", NULL);
	hc_metric_u64(l->out, t->n_evicted_paths, "table", "paths", NULL);
}

/* ---- clocks ---- */

static void tell_clock(const struct look *l)
{
	struct timex tx = { 0 };
	int state = adjtimex(&tx); /* only reads */

	if (state >= 0) { /* refused, it says nothing of the clock */
		gauge(l, "hindcast_clock_synchronized", NULL,
		      "1 when the kernel holds the wall clock to be synchronized.", state != TIME_ERROR);
		seconds_gauge(l, "hindcast_clock_error_seconds",
		              "By how much at most the wall clock is wrong, as it says.",
		              (double)tx.maxerror / 1e6);
		seconds_gauge(l, "hindcast_clock_offset_seconds",
		              "What is still being corrected of the wall clock.",
		              (double)tx.offset / (tx.status & STA_NANO ? 1e9 : 1e6));
	}
	counter(l, "hindcast_clock_steps", NULL, "Times that the wall clock was set while recording.",
	        l->s.record.n_clock_steps);
	seconds_gauge(l, "hindcast_clock_boot_time_seconds",
	              "Wall time of the boot clock's zero: times of events are computed with it.",
	              (double)l->s.record.wall_offset_ns / 1e9);
}

/* ---- what is known of processes and containers ---- */

static void tell_metadata(const struct look *l)
{
	static const uint64_t bounds_ms[HC_TRACKER_N_TIMES] = HC_TRACKER_TIMES_MS;
	const struct hc_tracker_stats *t = &l->s.record.tracker;
	struct hc_tracker_runtime runtime[HC_TRACKER_MAX_RUNTIMES];
	size_t n = hc_tracker_runtimes(l->r->tracker, runtime);
	double le[HC_TRACKER_N_TIMES];
	const struct hc_metric_histogram h = { .le = le,
		                               .n_le = HC_TRACKER_N_TIMES,
		                               .count = t->ctrs_known_after,
		                               .sum = (double)t->ctrs_known_after_ns / 1e9 };
	uint64_t known = 0;

	for (unsigned i = 0; i < HC_TRACKER_N_TIMES; i++)
		le[i] = (double)bounds_ms[i] / 1e3;
	for (unsigned i = 0; i <= HC_TRACKER_N_TIMES; i++)
		known += t->ctrs_known_after[i];
	gauge(l, "hindcast_processes", NULL, "Processes that are alive.", l->s.record.n_procs);
	tell_tables(l);
	hc_metric_family(l->out, HC_METRIC_GAUGE, "hindcast_containers", NULL, "Containers that are known now.");
	for (size_t i = 0; i < n; i++)
		hc_metric_u64(l->out, runtime[i].n, "runtime", runtime[i].name, NULL);
	counter(l, "hindcast_containers_unresolved", NULL,
	        "Containers of which nothing but the cgroup could be learnt.", t->n_ctrs_unresolved);
	hc_metric_family(l->out, HC_METRIC_COUNTER, "hindcast_enrichment", NULL,
	                 "Containers looked up, by where and how it ended.");
	hc_metric_u64(l->out, known, "source", "disk", "result", "known", NULL);
	hc_metric_u64(l->out, t->n_ctrs_unresolved, "source", "disk", "result", "unresolved", NULL);
	hc_metric_u64(l->out, t->n_socket_known, "source", "socket", "result", "known", NULL);
	hc_metric_u64(l->out, t->n_socket_unknown, "source", "socket", "result", "unresolved", NULL);
	hc_metric_u64(l->out, t->n_socket_unasked, "source", "socket", "result", "not_asked", NULL);
	hc_metric_family(l->out, HC_METRIC_HISTOGRAM, "hindcast_enrichment_delay_seconds", "seconds",
	                 "From the first sight of a container until its runtime told of it.");
	hc_metric_histogram(l->out, &h, NULL);
	hc_metric_family(
		l->out, HC_METRIC_COUNTER, "hindcast_metadata_failures", NULL,
		"What could not be learnt: processes seen without their birth, paths that no kernel object "
		"names, hashes of program files, files of container runtimes, answers on their sockets.");
	hc_metric_u64(l->out, t->n_unborn, "of", "process", NULL);
	hc_metric_u64(l->out, t->n_late_failed, "of", "path", NULL);
	hc_metric_u64(l->out, t->n_unhashed, "of", "hash", NULL);
	hc_metric_u64(l->out, t->n_ctr_refused, "of", "runtime_file", NULL);
	for (unsigned i = 0; i < HC_TRACKER_N_SOCKET_KINDS; i++) {
		char of[32];

		snprintf(of, sizeof(of), "%s_socket", hc_tracker_socket_kind(i));
		hc_metric_u64(l->out, t->n_socket_failures[i], "of", of, NULL);
	}
}

static void tell_captures(const struct look *l)
{
	const struct hc_capture_now *v;
	uint64_t pinned = 0, n[2] = { 0 };
	uint32_t n_all;

	v = hc_captures_list(l->m->opts.captures, &n_all);
	for (uint32_t i = 0; i < n_all; i++)
		n[v[i].state == HC_MARK_ENDED]++;
	for (unsigned k = 0; k < HC_N_STREAMS; k++)
		pinned += l->s.record.retain.stream[k].pinned_bytes;
	hc_metric_family(l->out, HC_METRIC_GAUGE, "hindcast_captures", NULL,
	                 "On-demand captures that are not deleted.");
	hc_metric_u64(l->out, n[0], "state", hc_mark_state_text(HC_MARK_RUNNING), NULL);
	hc_metric_u64(l->out, n[1], "state", hc_mark_state_text(HC_MARK_ENDED), NULL);
	gauge(l, "hindcast_capture_bytes", "bytes", "Bytes of the segments that captures keep.", pinned);
}

/* ---- the process ---- */

static uint64_t resident_bytes(void)
{
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	char text[128];
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	unsigned long long pages = 0;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return sscanf(text, "%*u %llu", &pages) == 1 ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static uint64_t open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (!dir)
		return 0;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n > 3 ? n - 3 : 0; /* ".", "..", and the one that lists them */
}

static void tell_process(const struct look *l)
{
	struct rusage u = { 0 };

	getrusage(RUSAGE_SELF, &u);
	hc_metric_family(l->out, HC_METRIC_COUNTER, "process_cpu_seconds", "seconds",
	                 "User and system time of the recorder's process.");
	hc_metric_f64(l->out,
	              (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
	                      (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6,
	              NULL);
	gauge(l, "process_resident_memory_bytes", "bytes", "Resident memory of the recorder's process.",
	      resident_bytes());
	gauge(l, "process_open_fds", NULL, "Descriptors that the recorder's process has open.", open_fds());
}

void metrics_recorder(struct hc_metrics *m, struct hc_metrics_out *out)
{
	struct look l = { .out = out, .m = m, .r = hc_daemon_record(m->daemon) };

	if (!l.r)
		return;
	hc_daemon_stats(m->daemon, &l.s);
	tell_recorder(&l);
	tell_events(&l);
	tell_kernel(&l);
	tell_written(&l);
	tell_kept(&l);
	tell_horizon(&l);
	tell_clock(&l);
	tell_metadata(&l);
	tell_captures(&l);
	tell_process(&l);
}
