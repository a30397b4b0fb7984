/*
 * The recorder: records from the kernel through the tracker into the writer, and once a second a look at losses,
 * clocks and what is due. The programs are attached before anything alive is read, so that nothing falls between;
 * what happens meanwhile waits in the rings.
 */
#include "record_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP_NS UINT64_C(10000000) /* the rings are read for so long at once */
#define LOOK_RECORDS 64            /* between two looks at the clock meanwhile */

int hc_record_root_check(const char *root, struct hc_err *err)
{
	return ctr_disk_root_check(root, err);
}

int hc_record_socket_check(const char *path, struct hc_err *err)
{
	return ctr_socket_check(path, err);
}

static int node_and_boot(struct hc_record *r, struct hc_err *err)
{
	char hex[33];
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, r->boot_text, sizeof(r->boot_text) - 1) : -1;
	unsigned k = 0;

	if (fd >= 0)
		close(fd);
	if (n < 36)
		return hc_err_set(err, -EIO, "cannot read /proc/sys/kernel/random/boot_id (is /proc mounted?)");
	r->boot_text[36] = '\0';
	for (unsigned i = 0; i < 36 && k < 32; i++)
		if (r->boot_text[i] != '-')
			hex[k++] = r->boot_text[i];
	hex[k] = '\0';
	for (unsigned i = 0; i < 16 && k == 32; i++) {
		char two[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		r->boot_id[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	if (gethostname(r->node, sizeof(r->node) - 1) < 0 || !r->node[0])
		snprintf(r->node, sizeof(r->node), "localhost");
	return 0;
}

/* The ids of the cgroups named, where they exist: the kernel can leave those out itself. */
static size_t cgroup_ids(const struct hc_exclude *x, uint64_t *ids, size_t room)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids",
		                             "/sys/fs/cgroup/memory" };
	size_t n = 0;

	for (size_t i = 0; i < x->n_cgroups; i++) {
		for (size_t k = 0; k < sizeof(roots) / sizeof(roots[0]) && n < room; k++) {
			char path[PATH_MAX];
			struct stat st;

			snprintf(path, sizeof(path), "%s/%s", roots[k], x->cgroups[i]);
			if (stat(path, &st) == 0)
				ids[n++] = st.st_ino;
		}
	}
	return n;
}

static int live_open(struct hc_record *r, struct hc_err *err)
{
	const struct hc_record_opts *o = &r->opts;
	uint64_t ids[64];
	struct hc_live_options lo = {
		.profile = o->profile,
		.remove = o->exclude_types,
		.snaplen = o->snaplen,
		.may_raise = o->may_raise,
		.ring_bytes = o->ring_bytes,
		.skip_pids = o->exclude.pids,
		.n_skip_pids = o->exclude.n_pids,
		.skip_uids = o->exclude.uids,
		.n_skip_uids = o->exclude.n_uids,
		.skip_comms = o->exclude.comms,
		.n_skip_comms = o->exclude.n_comms,
		.skip_cgroups = ids,
		.pin_root = o->pin_root,
		.pin_dir = o->dir,
	};

	lo.n_skip_cgroups = cgroup_ids(&o->exclude, ids, sizeof(ids) / sizeof(ids[0]));
	return hc_live_open(&lo, &r->live, err);
}

static int on_block(void *ctx, const char *path, const struct hc_seg_header *seg, const struct hc_seg_block *block,
                    struct hc_err *err)
{
	struct hc_record *r = ctx;
	int code;

	if (seg->stream == HC_STREAM_SECURITY)
		gaps_written(r);
	code = r->index ? hc_index_writer_block(r->index, path, seg, block, err) : 0;

	if (code >= 0 && r->retain && hc_retain_block(r->retain, path, seg, block) < 0)
		code = hc_err_set(err, -ENOMEM, "out of memory");
	return code >= 0 && r->opts.on_block ? r->opts.on_block(r->opts.ctx, path, seg, block) : code;
}

static bool on_full(void *ctx, uint64_t need_bytes)
{
	return disk_full(ctx, need_bytes);
}

static int on_segment(void *ctx, enum hc_stream stream, struct hc_err *err)
{
	struct hc_record *r = ctx;
	int code;

	if (stream != HC_STREAM_SECURITY || r->in_segment)
		return 0;
	r->in_segment = true;
	code = meta_start(r, r->first_segment_done ? "segment" : r->start.continues ? "continue" : "start", err);
	if (code >= 0)
		code = meta_config(r, err);
	if (code >= 0)
		code = meta_filters(r, false, err);
	if (code >= 0)
		code = raise_rows(r, false, err);
	if (code >= 0)
		code = shed_rows(r, false, err);
	if (code >= 0)
		code = meta_horizon(r, err);
	if (code >= 0)
		code = meta_clock(r, r->first_segment_done ? "segment" : "start", err);
	if (code >= 0)
		code = hc_tracker_write_state(r->tracker, record_boot_ns(), !r->first_segment_done, err);
	r->first_segment_done = true;
	r->in_segment = false;
	return code < 0 ? code : 0;
}

int hc_record_open(const struct hc_record_opts *opts, struct hc_record **ret, struct hc_err *err)
{
	struct hc_record *r = calloc(1, sizeof(*r));
	struct hc_tracker_opts to = { .proc = "/proc", .late_paths = true, .exclude = opts->exclude };
	struct hc_writer_opts wo = { .dir = opts->dir, .tool = opts->tool };
	int code;

	if (!r)
		return hc_err_set(err, -ENOMEM, "out of memory");
	r->opts = *opts;
	r->start.lock_fd = -1;
	r->budget.budget = opts->max_cpu;
	code = node_and_boot(r, err);
	if (code >= 0)
		code = live_open(r, err); /* first: without it no directory is made */
	if (code < 0)
		goto failed;
	r->n_cpus = hc_live_n_cpus(r->live);
	r->count = calloc((size_t)r->n_cpus * HC_EV_MAX, sizeof(*r->count));
	if (!r->count) {
		code = hc_err_set(err, -ENOMEM, "out of memory");
		goto failed;
	}
	to.own_pid = (uint32_t)getpid();
	to.hash_exe = opts->hash_exe;
	to.mask = opts->mask;
	to.containers = !opts->no_containers;
	to.container_roots = opts->container_roots;
	to.n_container_roots = opts->n_container_roots;
	to.sockets = !opts->no_runtime_sockets;
	to.runtime_sockets = opts->runtime_sockets;
	to.n_runtime_sockets = opts->n_runtime_sockets;
	to.pods = opts->pods;
	to.hierarchy = hc_live_hierarchy(r->live);
	if (record_hierarchy_root(r, r->hierarchy_root, sizeof(r->hierarchy_root)))
		to.hierarchy_root = r->hierarchy_root;
	code = hc_tracker_new(&to, &r->tracker, err);
	if (code >= 0)
		code = resume_open(r, err);
	if (code >= 0 && opts->group)
		code = hc_capture_share(opts->dir, *opts->group, err);
	if (code < 0)
		goto failed;
	wo.node = r->node;
	memcpy(wo.capture_id, r->start.capture_id, 16);
	memcpy(wo.boot_id, r->boot_id, 16);
	wo.next_seq = r->start.next_seq;
	memcpy(wo.next_number, r->start.next_number, sizeof(wo.next_number));
	wo.on_block = on_block;
	wo.on_segment = on_segment;
	wo.on_full = on_full;
	wo.go_on = opts->go_on;
	if (hc_live_kept(r->live)) {
		wo.unsealed = hc_live_kept(r->live)->unsealed;
		wo.untold = &hc_live_kept(r->live)->untold;
	}
	wo.segment_bytes = opts->segment_bytes;
	wo.segment_ns = opts->segment_ns;
	wo.ctx = r;
	code = hc_writer_open(&wo, &r->writer, err);
	if (code < 0)
		goto failed;
	hc_tracker_set_writer(r->tracker, r->writer);
	code = disk_open_index(r, err);
	if (code >= 0)
		code = disk_open(r, err);
	if (code < 0)
		goto failed;
	*ret = r;
	return 0;
failed:
	if (r->live)
		hc_record_note_waiting(r, err);
	hc_record_abort(r);
	return code;
}

int record_take(void *ctx, const struct hc_live_rec *rec)
{
	struct hc_record *r = ctx;

	if (rec->again)
		return hc_tracker_recall(r->tracker, rec->head, rec->head->bytes, r->err);
	r->n_late += rec->late;
	return hc_tracker_push(r->tracker, rec->head, rec->head->bytes, rec->late, r->err);
}

/* The same for a while: whoever calls has more to do than to read the rings. */
static int take_some(void *ctx, const struct hc_live_rec *rec)
{
	struct hc_record *r = ctx;
	int code = record_take(ctx, rec);

	if (code != 0 || ++r->n_taken % LOOK_RECORDS)
		return code;
	r->more = record_boot_ns() >= r->take_until_ns;
	return r->more;
}

static int maps_usable(void *ctx)
{
	return hc_live_usable(((struct hc_record *)ctx)->live);
}

static int give_up(struct hc_record *r, struct hc_err *err)
{
	struct hc_privilege_opts o;

	if (!r->opts.privilege)
		return 0;
	o = *r->opts.privilege;
	o.dir = r->opts.dir;
	o.asks = !r->opts.no_runtime_sockets;
	o.probe = maps_usable;
	o.ctx = r;
	return hc_privilege_drop(&o, &r->privilege, err);
}

int hc_record_start(struct hc_record *r, struct hc_err *err)
{
	struct hc_err own = { 0 };
	bool unread;
	int64_t n;
	int code;

	r->err = err ? err : &own;
	if (!r->start_ns)
		r->start_ns = record_boot_ns();
	r->last_look_ns = r->last_sampled_ns = r->start_ns;
	code = hc_live_start(r->live, r->err);
	if (code < 0)
		return code;
	r->started = true;
	n = hc_live_snapshot(r->live, record_take, r, r->err);
	if (n < 0) {
		hc_err_note(r->err, "while reading what is alive");
		return (int)n;
	}
	code = resume_find(r, r->err);
	unread = resume_unread(r);
	if (code >= 0)
		code = give_up(r, r->err);
	if (code < 0)
		return code;
	r->tracker->now_ns = record_boot_ns();
	hc_tracker_snapshot_done(r->tracker, r->err);
	/* the first row begins the segment, and with it come the rows about all that is alive */
	if (!hc_writer_begin(r->writer, HC_EV_META_STATE, record_boot_ns(), r->err))
		return r->failed = r->err->code ? r->err->code : -EIO;
	if (!r->first_segment_done)
		code = on_segment(r, HC_STREAM_SECURITY, r->err);
	if (code >= 0)
		code = resume_left(r, r->err);
	if (code >= 0 && !hc_live_resumes(r->live))
		code = meta_pause(r, r->err);
	if (code >= 0)
		code = meta_blind(r, r->err);
	if (r->tracker->late_off)
		hc_log(r->opts.log, HC_LOG_WARN,
		       "openat2 is refused: paths cannot be looked up, nor programs that have ended",
		       HC_LOG_STR("error", strerror(r->tracker->late_off)));
	disk_set_since(r, !hc_live_resumes(r->live) || unread);
	/* who looks after containers is at work before what is recorded begins: some are gone at once */
	if (code >= 0)
		code = hc_tracker_tick(r->tracker, record_boot_ns(), r->err);
	if (code >= 0) /* whatever comes: who was there, and what is recorded, is on disk */
		code = hc_writer_flush(r->writer, r->err);
	return r->failed = code < 0 ? code : 0;
}

bool hc_record_socket_news(struct hc_record *r, struct hc_tracker_socket *ret)
{
	return hc_tracker_socket_news(r->tracker, ret);
}

static void log_sockets(struct hc_record *r)
{
	struct hc_tracker_socket s;

	while (r->opts.log && hc_tracker_socket_news(r->tracker, &s)) {
		if (s.failing)
			hc_log(r->opts.log, HC_LOG_WARN,
			       "a container runtime's socket does not answer as it should; containers are known "
			       "without it",
			       HC_LOG_STR("socket", s.path), HC_LOG_STR("kind", s.kind),
			       HC_LOG_STR("error", s.why));
		else
			hc_log(r->opts.log, HC_LOG_INFO, "a container runtime's socket answers again",
			       HC_LOG_STR("socket", s.path), HC_LOG_STR("kind", s.kind));
	}
}

static int each_second(struct hc_record *r, struct hc_err *err)
{
	uint64_t now = record_boot_ns();
	int code = hc_tracker_tick(r->tracker, now, err);

	if (code >= 0)
		code = hc_writer_tick(r->writer, now, err);
	if (code >= 0)
		code = raise_look(r, now - r->last_look_ns >= 1000000000, err);
	if (code < 0 || now - r->last_look_ns < 1000000000)
		return code;
	log_sockets(r);
	code = meta_gaps(r, err);
	if (code >= 0)
		code = meta_sampled(r, false, err);
	if (code >= 0)
		code = resume_told(r, err);
	if (code >= 0)
		code = shed_look(r, err);
	if (code >= 0)
		code = meta_masked(r, err);
	if (code >= 0)
		code = meta_clock(r, NULL, err);
	return code >= 0 ? disk_look(r, err) : code;
}

int hc_record_step(struct hc_record *r, int timeout_ms, struct hc_err *err)
{
	struct hc_err own = { 0 };
	int64_t n;
	int code;

	r->err = err ? err : &own;
	if (r->more)
		timeout_ms = 0;
	r->more = false;
	r->take_until_ns = record_boot_ns() + (uint64_t)timeout_ms * 1000000 + STEP_NS;
	n = hc_live_poll(r->live, timeout_ms, take_some, r);
	if (n < 0 && n != -EINTR) {
		if (!r->err->code)
			hc_err_set(r->err, (int)n, "cannot read the rings: %s", strerror((int)-n));
		return r->failed = (int)n;
	}
	code = each_second(r, r->err);
	if (code < 0)
		return r->failed = code;
	return n == -EINTR ? -EINTR : 0;
}

bool hc_record_more(const struct hc_record *r)
{
	return r->more;
}

void hc_record_set_kube(struct hc_record *r, struct hc_kube *k)
{
	hc_tracker_set_kube(r->tracker, k);
}

struct hc_record_summary hc_record_summary(struct hc_record *r)
{
	const struct hc_writer_stats *w = hc_writer_stats(r->writer);
	struct hc_record_summary s = { 0 };

	s.lasted_ns = r->start_ns ? (r->stop_ns ? r->stop_ns : record_boot_ns()) - r->start_ns : 0;
	s.tracker = hc_tracker_stats(r->tracker);
	s.n_records = s.tracker.n_records;
	s.n_bad = s.tracker.n_bad;
	s.n_unborn = s.tracker.n_unborn;
	s.n_procs = s.tracker.n_procs;
	s.n_late = r->n_late;
	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		struct hc_wire_count c = hc_live_total(r->live, type);

		s.rows_by_type[type] = w->rows_by_type[type];
		if (type >= 32)
			s.n_rows += w->rows_by_type[type];
		s.lost_by_type[type] = c.lost_full + c.lost_busy;
		s.sampled_by_type[type] = c.sampled;
		s.n_lost += c.lost_full + c.lost_busy;
		s.n_sampled += c.sampled;
		s.n_filtered += c.filtered;
	}
	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		uint64_t n = hc_writer_drops(r->writer)->rows_by_type[type];

		s.lost_by_type[type] += n;
		s.n_dropped += type >= 32 ? n : 0;
	}
	s.n_dropped_blocks = hc_writer_drops(r->writer)->n_blocks;
	s.disk_failing = hc_writer_drops(r->writer)->failing;
	s.shed = r->shed;
	s.n_sheds = r->n_sheds;
	s.index_failing = !r->index || hc_index_writer_failure(r->index);
	if (r->retain)
		hc_retain_stats(r->retain, &s.retain);
	s.n_index_failures = r->n_index_failures;
	s.n_remove_failures = r->n_remove_failures;
	s.n_missed = hc_live_missed(r->live);
	s.n_gaps = r->n_gap_rows;
	s.gap_ns = r->gap_ns;
	s.n_clock_steps = r->n_clock_steps;
	s.wall_offset_ns = r->wall_offset_ns;
	s.writer = *w;
	s.n_lost += s.n_missed + s.n_dropped;
	s.n_filtered += s.tracker.n_excluded;
	s.bytes = w->bytes;
	s.n_blocks = w->n_blocks;
	s.n_segments = w->n_segments;
	s.first_seq = r->start.next_seq;
	s.last_seq = r->start.next_seq + w->n_rows - (w->n_rows > 0);
	s.continued = r->start.continues;
	s.privilege = r->privilege;
	s.late_off = r->tracker->late_off;
	s.n_hooks = (unsigned)hc_live_n_hooks(r->live);
	for (size_t i = 0; i < s.n_hooks; i++) {
		enum hc_hook_state state = hc_live_hook(r->live, i).state;

		s.n_hooks_missing += state == HC_HOOK_MISSING || state == HC_HOOK_FAILED;
	}
	return s;
}

int hc_record_stop(struct hc_record *r, const char *reason, struct hc_record_summary *ret, struct hc_err *err)
{
	struct hc_err own = { 0 };
	int code = r->failed, last;
	int64_t n;

	r->err = err ? err : &own;
	/* one that fails after another is gone leaves what happens to the next */
	if (r->started && ((r->opts.hold && strcmp(reason, "SIGTERM") == 0) || r->n_left ||
	                   (strcmp(reason, "error") == 0 && hc_live_resumes(r->live))))
		hc_live_leave(r->live);
	else if (r->started)
		hc_live_stop(r->live);
	r->stop_ns = record_boot_ns();
	if (code >= 0 && r->started) {
		n = hc_live_drain(r->live, record_take, r);
		code = n < 0 ? (int)n : 0;
		if (code < 0 && !r->err->code)
			hc_err_set(r->err, code, "cannot read the rings: %s", strerror(-code));
		if (code >= 0)
			code = hc_tracker_end(r->tracker, record_boot_ns(), r->err);
		if (code >= 0)
			code = meta_gaps(r, r->err);
		if (code >= 0)
			code = disk_look(r, r->err);
		if (code >= 0)
			code = meta_sampled(r, true, r->err);
		if (code >= 0)
			code = meta_masked(r, r->err);
		if (code >= 0)
			code = meta_filters(r, true, r->err);
		if (code >= 0)
			code = raise_rows(r, true, r->err);
		if (code >= 0)
			code = shed_rows(r, true, r->err);
		if (code >= 0)
			code = meta_clock(r, "stop", r->err);
		if (code >= 0)
			code = meta_stop(r, reason, r->err);
	}
	if (code >= 0)
		code = hc_writer_flush(r->writer, r->err);
	if (code >= 0 && r->started)
		code = resume_told(r, r->err);
	if (ret)
		*ret = hc_record_summary(r);
	last = hc_writer_close(hc_steal(r->writer), r->err);
	code = code < 0 ? code : last;
	last = disk_close_index(r, r->err);
	code = code < 0 ? code : last;
	hc_record_abort(r);
	return code < 0 ? code : 0;
}

struct hc_record *hc_record_abort(struct hc_record *r)
{
	if (!r)
		return NULL;
	resume_done(r);
	hc_live_close(r->live);
	hc_tracker_free(r->tracker);
	hc_writer_abort(r->writer);
	hc_index_writer_abort(r->index);
	hc_retain_free(r->retain);
	raise_free(r);
	if (r->start.lock_fd >= 0)
		close(r->start.lock_fd);
	free(r->count);
	free(r->gaps);
	free(r);
	return NULL;
}
