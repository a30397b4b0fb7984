/* What the recorder says about itself: where it runs, what it records, what it left out and what was lost. */
#include "record_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/sha256.h"
#include "store/render.h"

#define MINUTE_NS UINT64_C(60000000000)
#define STEP_NS 5000000 /* clocks that part by more than this within a second did not drift: they were set */
#define SAMPLED_NS UINT64_C(10000000000)
#define MAX_LIST 512

static const char *const profile_names[] = { "minimal", "security", "full", "option" };

uint64_t record_boot_ns(void)
{
	return hc_clock_ns(CLOCK_BOOTTIME);
}

static void cell_text(struct hc_record *r, struct hc_builder *b, unsigned col, const char *text)
{
	if (text)
		cell_ref(&r->tracker->cells, col, hc_build_str(b, hc_str_c(text)));
}

/* A list of texts under way. */
struct list {
	struct hc_builder *b;
	uint32_t ref[MAX_LIST], n;
};

__attribute__((format(printf, 2, 3))) static void list_add(struct list *l, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (l->n < MAX_LIST)
		l->ref[l->n++] = hc_build_str(l->b, hc_str_c(text));
}

static int failed(const struct hc_err *err)
{
	return err && err->code ? err->code : -EIO;
}

static struct hc_builder *begin(struct hc_record *r, unsigned type, struct hc_err *err)
{
	return row_begin(r->tracker, type, record_boot_ns(), err);
}

static int end(struct hc_record *r, unsigned type, struct hc_err *err)
{
	return row_end(r->tracker, type, 0, record_boot_ns(), NULL, err);
}

/* The first line of a small file; NULL when it cannot be read. */
static const char *line_of(const char *path, char *buf, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, buf, room - 1) : -1;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return NULL;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return buf;
}

static void list_interfaces(struct list *l)
{
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		char text[INET6_ADDRSTRLEN] = "";
		unsigned bits = 0;
		const uint8_t *mask = NULL;
		size_t n = 0;

		if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		if (i->ifa_addr->sa_family == AF_INET) {
			inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr,
			          text, sizeof(text));
			if (i->ifa_netmask)
				mask = (const uint8_t *)&((const struct sockaddr_in *)(const void *)i->ifa_netmask)
				               ->sin_addr;
			n = 4;
		} else {
			inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr,
			          text, sizeof(text));
			if (i->ifa_netmask)
				mask = (const uint8_t *)&(
					       (const struct sockaddr_in6 *)(const void *)i->ifa_netmask)
				               ->sin6_addr;
			n = 16;
		}
		for (size_t k = 0; mask && k < n; k++)
			bits += (unsigned)__builtin_popcount(mask[k]);
		list_add(l, "%s %u %s/%u", i->ifa_name, if_nametoindex(i->ifa_name), text, bits);
	}
	freeifaddrs(all);
}

static const char *cgroup_mode(void)
{
	struct statfs fs;

	if (statfs("/sys/fs/cgroup", &fs) == 0 && (uint32_t)fs.f_type == 0x63677270)
		return "v2";
	if (statfs("/sys/fs/cgroup/unified", &fs) == 0 && (uint32_t)fs.f_type == 0x63677270)
		return "hybrid";
	return statfs("/sys/fs/cgroup", &fs) == 0 ? "v1" : NULL;
}

static const char *btf_digest(char hex[HC_SHA256_HEX])
{
	uint8_t digest[HC_SHA256_BYTES], *buf = malloc(64u << 20);
	int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);
	const char *ret = NULL;
	size_t have = 0;
	ssize_t n = 0;

	while (fd >= 0 && buf && have < 64u << 20 && (n = read(fd, buf + have, (64u << 20) - have)) > 0)
		have += (size_t)n;
	if (have && n >= 0 && hc_sha256_of(buf, have, digest, NULL) == 0) {
		hc_sha256_hex(digest, hex);
		ret = hex;
	}
	free(buf);
	if (fd >= 0)
		close(fd);
	return ret;
}

static void id_text(const uint8_t id[16], char text[33])
{
	for (unsigned i = 0; i < 16; i++)
		snprintf(text + 2 * i, 3, "%02x", id[i]);
}

static void cell_ns(struct hc_record *r, unsigned col, const char *which)
{
	char name[32], link[64], *p;

	snprintf(name, sizeof(name), "ns/%s", which);
	if (procfs_link(r->tracker, 1, name, link, sizeof(link)) > 0 && (p = strchr(link, '[')) != NULL)
		hc_cell_set(&r->tracker->cells, col, strtoul(p + 1, NULL, 10));
}

/* Add it to a boot time for ns since the epoch: between two looks at the boot clock, the closest pair of five.
 * *ret_error_ns: how far apart they were. */
static int64_t calibrate(int64_t *ret_error_ns)
{
	int64_t offset = 0;

	*ret_error_ns = INT64_MAX;
	for (int i = 0; i < 5; i++) {
		int64_t before = (int64_t)hc_clock_ns(CLOCK_BOOTTIME), real = hc_wall_ns();
		int64_t apart = (int64_t)hc_clock_ns(CLOCK_BOOTTIME) - before;

		if (apart < *ret_error_ns) {
			*ret_error_ns = apart;
			offset = real - (before + apart / 2);
		}
	}
	return offset;
}

int meta_start(struct hc_record *r, const char *why, struct hc_err *err)
{
	struct hc_builder *b = begin(r, HC_EV_META_START, err);
	struct hc_cells *c = &r->tracker->cells;
	char id[33], buf[512], hex[HC_SHA256_HEX];
	struct utsname un = { 0 };
	struct sysinfo si = { 0 };
	struct list l = { .b = b };
	int64_t clock_error;

	if (!b)
		return failed(err);
	uname(&un);
	sysinfo(&si);
	id_text(r->start.capture_id, id);
	cell_text(r, b, HC_C_META_START_capture_id, id);
	cell_text(r, b, HC_C_META_START_recorder, r->opts.tool);
	cell_text(r, b, HC_C_META_START_boot_id, r->boot_text);
	cell_text(r, b, HC_C_META_START_machine_id, line_of("/etc/machine-id", buf, sizeof(buf)));
	cell_text(r, b, HC_C_META_START_node, r->node);
	cell_text(r, b, HC_C_META_START_kernel_release, un.release);
	cell_text(r, b, HC_C_META_START_kernel_version, un.version);
	cell_text(r, b, HC_C_META_START_machine, un.machine);
	cell_text(r, b, HC_C_META_START_btf_sha256, btf_digest(hex));
	hc_cell_set(c, HC_C_META_START_page_size, (uint64_t)sysconf(_SC_PAGESIZE));
	hc_cell_set(c, HC_C_META_START_clock_tick, (uint64_t)sysconf(_SC_CLK_TCK));
	hc_cell_set(c, HC_C_META_START_n_cpus, (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
	hc_cell_set(c, HC_C_META_START_mem_bytes, (uint64_t)si.totalram * si.mem_unit);
	hc_cell_set(c, HC_C_META_START_boot_wall_ns, (uint64_t)calibrate(&clock_error));
	cell_ns(r, HC_C_META_START_ns_mnt, "mnt");
	cell_ns(r, HC_C_META_START_ns_pid, "pid");
	cell_ns(r, HC_C_META_START_ns_net, "net");
	cell_ns(r, HC_C_META_START_ns_user, "user");
	cell_ns(r, HC_C_META_START_ns_uts, "uts");
	cell_ns(r, HC_C_META_START_ns_ipc, "ipc");
	cell_ns(r, HC_C_META_START_ns_cgroup, "cgroup");
	list_interfaces(&l);
	cell_ref(c, HC_C_META_START_interfaces, hc_build_strs(b, l.ref, l.n));
	cell_text(r, b, HC_C_META_START_lsms, line_of("/sys/kernel/security/lsm", buf, sizeof(buf)));
	cell_text(r, b, HC_C_META_START_cgroup_mode, cgroup_mode());
	if (r->start.continues)
		cell_text(r, b, HC_C_META_START_prev_capture_id, id);
	cell_text(r, b, HC_C_META_START_why, why);
	return end(r, HC_EV_META_START, err);
}

static const char *mode_text(unsigned mode, char *buf, size_t room)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = {
		{ HC_MODE_FIRST, "first" }, { HC_MODE_PEER, "peer" },     { HC_MODE_P53, "p53" },
		{ HC_MODE_MAGIC, "magic" }, { HC_MODE_X, "x" },           { HC_MODE_FAIL, "fail" },
		{ HC_MODE_FATAL, "fatal" }, { HC_MODE_VALUES, "values" },
	};
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && n < room; i++)
		if (mode & names[i].bit)
			n += (size_t)snprintf(buf + n, room - n, "%s%s", n ? "+" : "", names[i].name);
	return n ? buf : "all";
}

/* How a type is recorded of those who have the detail (capture/live.h), with so much payload, and what is known
 * beyond its arguments. */
static void type_line(struct hc_record *r, struct list *l, unsigned type, unsigned detail, uint32_t snaplen)
{
	const struct hc_table_desc *d = hc_event_desc(type);
	char mode[80], facts[128] = "";
	unsigned snap = hc_live_snaplen_at(r->live, type, snaplen);
	bool path = false, data = false;
	size_t n = 0;

	for (unsigned i = 0; i < d->n_args; i++) {
		path |= d->cols[d->arg_cols[i]].kind == HC_KIND_PATH;
		data |= d->cols[d->arg_cols[i]].kind == HC_KIND_BYTES;
	}
	if (path && r->tracker->opts.late_paths && !r->tracker->late_off)
		n += (size_t)snprintf(facts, sizeof(facts), "late,");
	if (data && snap)
		n += (size_t)snprintf(facts + n, sizeof(facts) - n, "data=%u,", snap);
	if (type == HC_EV_PROC_EXEC)
		n += (size_t)snprintf(facts + n, sizeof(facts) - n, "env,elf,%s",
		                      r->tracker->opts.hash_exe ? "sha256," : "");
	if (r->tracker->opts.containers)
		n += (size_t)snprintf(facts + n, sizeof(facts) - n, "container,");
	if (n)
		facts[n - 1] = '\0';
	list_add(l, "%s %s %s", d->name, mode_text(hc_live_mode_at(r->live, detail, type), mode, sizeof(mode)),
	         facts[0] ? facts : "-");
}

int meta_config(struct hc_record *r, struct hc_err *err)
{
	static const char *const states[] = { "attached", "off", "missing", "failed" };
	struct hc_builder *b = begin(r, HC_EV_META_CONFIG, err);
	struct hc_cells *c = &r->tracker->cells;
	struct list l = { .b = b };

	if (!b)
		return failed(err);
	cell_text(r, b, HC_C_META_CONFIG_profile, profile_names[r->opts.profile]);
	for (unsigned type = 32; type < HC_EV_MAX; type++)
		if (hc_event_desc(type) && hc_type_set_has(hc_live_types(r->live), type))
			type_line(r, &l, type, 0, 0);
	cell_ref(c, HC_C_META_CONFIG_types, hc_build_strs(b, l.ref, l.n));
	l.n = 0;
	for (size_t i = 0; i < hc_live_n_hooks(r->live); i++) {
		struct hc_live_hook h = hc_live_hook(r->live, i);

		list_add(&l, "%s %s%s%s", h.name, states[h.state], h.reason && h.reason[0] ? " " : "",
		         h.reason ? h.reason : "");
	}
	cell_ref(c, HC_C_META_CONFIG_hooks, hc_build_strs(b, l.ref, l.n));
	hc_cell_set(c, HC_C_META_CONFIG_snaplen, hc_live_snaplen_at(r->live, HC_EV_READ, r->opts.snaplen));
	cell_text(r, b, HC_C_META_CONFIG_env_mode, "whole");
	hc_cell_set(c, HC_C_META_CONFIG_ring_bytes, hc_live_ring_bytes(r->live));
	cell_text(r, b, HC_C_META_CONFIG_masking, r->opts.mask ? hc_mask_text(r->opts.mask) : "none");
	if (r->retain)
		cell_text(r, b, HC_C_META_CONFIG_retention, r->retain_text);
	l.n = 0;
	for (size_t i = 0; i < r->privilege.n_lines; i++)
		list_add(&l, "%s", r->privilege.line[i]);
	if (l.n)
		cell_ref(c, HC_C_META_CONFIG_privileges, hc_build_strs(b, l.ref, l.n));
	return end(r, HC_EV_META_CONFIG, err);
}

static uint64_t n_filtered(const struct hc_record *r)
{
	uint64_t n = r->tracker->stats.n_excluded;

	for (unsigned type = 0; type < HC_EV_MAX; type++)
		n += hc_live_total(r->live, type).filtered;
	return n;
}

static int filter_row(struct hc_record *r, uint64_t id, const char *reason, const char *expression,
                      uint64_t n_rows, bool has_n, bool ended, struct hc_err *err)
{
	struct hc_builder *b = begin(r, HC_EV_META_FILTER, err);
	struct hc_cells *c = &r->tracker->cells;
	struct list l = { .b = b };

	if (!b)
		return failed(err);
	hc_cell_set(c, HC_C_META_FILTER_id, id);
	cell_text(r, b, HC_C_META_FILTER_reason, reason);
	cell_text(r, b, HC_C_META_FILTER_expression, expression);
	for (unsigned type = 0; id == 2 && r->opts.exclude_types && type < HC_EV_MAX; type++)
		if (hc_type_set_has(r->opts.exclude_types, type) && hc_event_desc(type))
			list_add(&l, "%s", hc_event_desc(type)->name);
	if (l.n)
		cell_ref(c, HC_C_META_FILTER_types, hc_build_strs(b, l.ref, l.n));
	hc_cell_set(c, HC_C_META_FILTER_from_ns, r->start_ns);
	if (ended)
		hc_cell_set(c, HC_C_META_FILTER_until_ns, record_boot_ns());
	if (has_n)
		hc_cell_set(c, HC_C_META_FILTER_n_rows, n_rows);
	return end(r, HC_EV_META_FILTER, err);
}

int meta_filters(struct hc_record *r, bool ended, struct hc_err *err)
{
	char text[64];
	int code;

	snprintf(text, sizeof(text), "pid=%u", hc_live_self(r->live));
	/* the recorder's own calls are not even counted */
	code = filter_row(r, 1, "self", text, 0, false, ended, err);
	if (code >= 0 && r->opts.exclude_text && r->opts.exclude_text[0])
		code = filter_row(r, 2, "user", r->opts.exclude_text, n_filtered(r), true, ended, err);
	return code;
}

int meta_raise(struct hc_record *r, const struct meta_raise *row, bool ended, struct hc_err *err)
{
	struct hc_type_set types = hc_live_types_at(r->live, row->detail);
	struct hc_builder *b = begin(r, HC_EV_META_FILTER, err);
	struct hc_cells *c = &r->tracker->cells;
	struct list l = { .b = b };
	char text[4096 + 256];
	size_t n;

	if (!b)
		return failed(err);
	n = (size_t)snprintf(text, sizeof(text), "%s capture=%s", row->scope, row->capture);
	if (row->detail)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " detail=%s", profile_names[row->detail - 1]);
	if (row->snaplen)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " snaplen=%u", row->snaplen);
	if (row->what)
		snprintf(text + n, sizeof(text) - n, " %s=%u", row->what, row->n);
	hc_cell_set(c, HC_C_META_FILTER_id, row->id);
	cell_text(r, b, HC_C_META_FILTER_reason, "raise");
	cell_text(r, b, HC_C_META_FILTER_expression, text);
	for (unsigned type = 32; type < HC_EV_MAX; type++)
		if (hc_event_desc(type) && hc_type_set_has(&types, type))
			type_line(r, &l, type, row->detail, row->keeps);
	if (l.n)
		cell_ref(c, HC_C_META_FILTER_types, hc_build_strs(b, l.ref, l.n));
	hc_cell_set(c, HC_C_META_FILTER_from_ns, row->from_ns);
	if (ended)
		hc_cell_set(c, HC_C_META_FILTER_until_ns, record_boot_ns());
	return end(r, HC_EV_META_FILTER, err);
}

/* `types`: by name alone those that are not recorded, with their mode those of which less is. */
int meta_shed(struct hc_record *r, const struct meta_shed *row, bool ended, struct hc_err *err)
{
	struct hc_builder *b = begin(r, HC_EV_META_FILTER, err);
	struct hc_cells *c = &r->tracker->cells;
	struct list l = { .b = b };

	if (!b)
		return failed(err);
	hc_cell_set(c, HC_C_META_FILTER_id, row->id);
	cell_text(r, b, HC_C_META_FILTER_reason, "shed");
	cell_text(r, b, HC_C_META_FILTER_expression, row->expression);
	for (unsigned type = 32; type < HC_EV_MAX; type++) {
		int was = hc_live_shed_mode(r->live, row->step - 1, type);
		int mode = hc_live_shed_mode(r->live, row->step, type);
		char text[80];

		if (mode != was && mode < 0)
			list_add(&l, "%s", hc_event_desc(type)->name);
		else if (mode != was)
			list_add(&l, "%s %s", hc_event_desc(type)->name,
			         mode_text((unsigned)mode, text, sizeof(text)));
	}
	if (l.n)
		cell_ref(c, HC_C_META_FILTER_types, hc_build_strs(b, l.ref, l.n));
	hc_cell_set(c, HC_C_META_FILTER_from_ns, row->id);
	if (ended)
		hc_cell_set(c, HC_C_META_FILTER_until_ns, record_boot_ns());
	return end(r, HC_EV_META_FILTER, err);
}

#define RETAIN_ID 3u /* and the following: of each stream */

static int removed_row(struct hc_record *r, enum hc_stream stream, const char *reason, const char *expression,
                       const struct hc_retain_removed *x, int64_t until_wall_ns, struct hc_err *err)
{
	struct hc_builder *b = begin(r, HC_EV_META_FILTER, err);
	struct hc_cells *c = &r->tracker->cells;
	char boot[HC_BOOT_ID_TEXT];

	if (!b)
		return failed(err);
	hc_cell_set(c, HC_C_META_FILTER_id, RETAIN_ID + (unsigned)stream);
	cell_text(r, b, HC_C_META_FILTER_reason, reason);
	cell_text(r, b, HC_C_META_FILTER_expression, expression);
	cell_text(r, b, HC_C_META_FILTER_of_stream, hc_stream_name(stream));
	if (until_wall_ns)
		hc_cell_set(c, HC_C_META_FILTER_until_wall_ns, (uint64_t)until_wall_ns);
	if (x) {
		if (x->from_wall_ns)
			hc_cell_set(c, HC_C_META_FILTER_from_wall_ns, (uint64_t)x->from_wall_ns);
		hc_boot_id_text(x->boot_id, boot);
		hc_cell_set(c, HC_C_META_FILTER_n_rows, x->n_rows);
		hc_cell_set(c, HC_C_META_FILTER_bytes, x->bytes);
		cell_text(r, b, HC_C_META_FILTER_of_boot_id, boot);
		hc_cell_set(c, HC_C_META_FILTER_first_number, x->first_number);
		hc_cell_set(c, HC_C_META_FILTER_last_number, x->last_number);
	}
	return end(r, HC_EV_META_FILTER, err);
}

int meta_removed(struct hc_record *r, const struct hc_retain_removed *x, struct hc_err *err)
{
	bool disk = x->reason == HC_RETAIN_FREE || x->reason == HC_RETAIN_FULL;
	char text[96];

	snprintf(text, sizeof(text), "segments %u to %u of %s were removed (%s)", x->first_number, x->last_number,
	         hc_stream_name(x->stream), hc_retain_reason_text(x->reason));
	return removed_row(r, x->stream, disk ? "disk" : "retention", text, x, x->until_wall_ns, err);
}

int meta_horizon(struct hc_record *r, struct hc_err *err)
{
	struct hc_retain_stats st;
	char text[96];
	int code = 0;

	if (!r->retain)
		return 0;
	hc_retain_stats(r->retain, &st);
	for (unsigned k = 0; k < HC_N_STREAMS && code >= 0; k++) {
		const struct hc_retain_stream_stats *s = &st.stream[k];

		if (!s->removed_until_wall_ns)
			continue;
		snprintf(text, sizeof(text), "of %s before this only what is pinned is kept",
		         hc_stream_name((enum hc_stream)k));
		code = removed_row(r, (enum hc_stream)k, "retention", text, NULL, s->removed_until_wall_ns, err);
	}
	return code;
}

int meta_clock(struct hc_record *r, const char *why, struct hc_err *err)
{
	struct hc_cells *c = &r->tracker->cells;
	struct timex tx = { 0 };
	struct hc_builder *b;
	int64_t mono, tai, best, offset = calibrate(&best), step;
	int state;

	step = offset - r->wall_offset_ns;
	if (!why && step < STEP_NS && step > -STEP_NS && record_boot_ns() - r->last_clock_ns < MINUTE_NS)
		return 0;
	if (!why)
		why = step >= STEP_NS || step <= -STEP_NS ? "step" : "minute";
	r->n_clock_steps += r->wall_offset_ns && (step >= STEP_NS || step <= -STEP_NS);
	if (!r->first_wall_offset_ns)
		r->first_wall_offset_ns = offset;
	r->wall_offset_ns = offset;
	r->last_clock_ns = record_boot_ns();
	hc_writer_set_wall_offset(r->writer, offset);
	state = adjtimex(&tx);
	mono = (int64_t)hc_clock_ns(CLOCK_MONOTONIC);
	tai = (int64_t)hc_clock_ns(CLOCK_TAI);
	b = begin(r, HC_EV_META_CLOCK, err);
	if (!b)
		return failed(err);
	hc_cell_set(c, HC_C_META_CLOCK_boot_ns, hc_clock_ns(CLOCK_BOOTTIME));
	hc_cell_set(c, HC_C_META_CLOCK_real_ns, (uint64_t)((int64_t)hc_clock_ns(CLOCK_BOOTTIME) + offset));
	hc_cell_set(c, HC_C_META_CLOCK_tai_ns, (uint64_t)tai);
	hc_cell_set(c, HC_C_META_CLOCK_mono_ns, (uint64_t)mono);
	hc_cell_set(c, HC_C_META_CLOCK_read_error_ns, (uint64_t)best);
	if (state >= 0) {
		hc_cell_set(c, HC_C_META_CLOCK_freq_ppb, (uint64_t)((int64_t)tx.freq * 1000 / 65536));
		cell_text(r, b, HC_C_META_CLOCK_ntp_state,
		          state == TIME_ERROR ? "unsynchronised" : "synchronised");
		hc_cell_set(c, HC_C_META_CLOCK_est_error_ns, (uint64_t)tx.esterror * 1000);
		hc_cell_set(c, HC_C_META_CLOCK_max_error_ns, (uint64_t)tx.maxerror * 1000);
		hc_cell_set(c, HC_C_META_CLOCK_leap,
		            (uint64_t)(state == TIME_INS   ? 1
		                       : state == TIME_DEL ? -1
		                                           : 0));
	}
	hc_cell_set(c, HC_C_META_CLOCK_step_ns, (uint64_t)(strcmp(why, "start") == 0 ? 0 : step));
	cell_text(r, b, HC_C_META_CLOCK_why, why);
	return end(r, HC_EV_META_CLOCK, err);
}

int meta_gap(struct hc_record *r, const struct gap_row *row, struct hc_err *err)
{
	struct hc_builder *b = begin(r, HC_EV_META_GAP, err);
	struct hc_cells *c = &r->tracker->cells;

	if (!b)
		return failed(err);
	hc_cell_set(c, HC_C_META_GAP_from_ns, row->from_ns);
	hc_cell_set(c, HC_C_META_GAP_until_ns, row->until_ns);
	if (row->cpu >= 0)
		hc_cell_set(c, HC_C_META_GAP_on_cpu, (uint64_t)row->cpu);
	cell_text(r, b, HC_C_META_GAP_of_type, row->type);
	if (row->count)
		hc_cell_set(c, HC_C_META_GAP_count, row->count);
	hc_cell_set(c, HC_C_META_GAP_exact, row->count > 0);
	cell_text(r, b, HC_C_META_GAP_cause, row->cause);
	return end(r, HC_EV_META_GAP, err);
}

/* Counters tell how many of which type; jumps of the sequence numbers tell when. */
int meta_gaps(struct hc_record *r, struct hc_err *err)
{
	uint64_t now = record_boot_ns(), missed;
	struct hc_live_gap gap;
	int code = 0;

	while (hc_live_gap_next(r->live, &gap)) {
		struct gap_window *w = gap.cpu < MAX_GAP_CPUS ? &r->window[gap.cpu] : NULL;

		if (!w)
			continue;
		if (!w->from_ns || gap.from_ns < w->from_ns)
			w->from_ns = gap.from_ns;
		if (gap.until_ns > w->until_ns)
			w->until_ns = gap.until_ns;
	}
	for (unsigned cpu = 0; cpu < r->n_cpus && code >= 0; cpu++) {
		struct gap_window *w = cpu < MAX_GAP_CPUS ? &r->window[cpu] : NULL;
		bool placed = w && w->from_ns && w->until_ns >= w->from_ns;
		bool any = false;

		for (unsigned type = 0; type < HC_EV_MAX && code >= 0; type++) {
			struct hc_wire_count *old = &r->count[cpu * HC_EV_MAX + type], new;
			uint64_t full, busy, from, until;

			if (!hc_event_desc(type))
				continue;
			new = hc_live_count(r->live, cpu, type);
			full = new.lost_full - old->lost_full;
			busy = new.lost_busy - old->lost_busy;
			r->sampled[type] += new.sampled - old->sampled;
			*old = new;
			if (!full && !busy)
				continue;
			any = true;
			r->lost[type] += full + busy;
			from = placed ? w->from_ns : r->last_look_ns;
			until = placed ? w->until_ns : now;
			if (full)
				code = gap_tell(r, from, until, (int)cpu, hc_event_desc(type)->name, full,
				                "ring_full", err);
			if (busy && code >= 0)
				code = gap_tell(r, from, until, (int)cpu, hc_event_desc(type)->name, busy,
				                "too_big", err);
		}
		if (w && any)
			memset(w, 0, sizeof(*w));
	}
	missed = hc_live_missed(r->live);
	if (missed > r->missed && code >= 0) {
		code = gap_tell(r, r->last_look_ns, now, -1, NULL, missed - r->missed, "program_missed", err);
		r->lost[0] += missed - r->missed;
		r->missed = missed;
	}
	r->last_look_ns = now;
	return code;
}

int meta_sampled(struct hc_record *r, bool ended, struct hc_err *err)
{
	uint64_t now = record_boot_ns();
	char mode[80];
	int code = 0;

	if (!ended && now - r->last_sampled_ns < SAMPLED_NS)
		return 0;
	for (unsigned type = 0; type < HC_EV_MAX && code >= 0; type++) {
		uint64_t n = r->sampled[type] - r->sampled_told[type];
		struct hc_cells *c = &r->tracker->cells;
		struct hc_builder *b;

		if (!n)
			continue;
		b = begin(r, HC_EV_META_SAMPLED, err);
		if (!b)
			return failed(err);
		cell_text(r, b, HC_C_META_SAMPLED_of_type, hc_event_desc(type)->name);
		hc_cell_set(c, HC_C_META_SAMPLED_from_ns, r->last_sampled_ns);
		hc_cell_set(c, HC_C_META_SAMPLED_until_ns, now);
		hc_cell_set(c, HC_C_META_SAMPLED_count, n);
		cell_text(r, b, HC_C_META_SAMPLED_mode,
		          mode_text(hc_live_mode(r->live, type), mode, sizeof(mode)));
		code = end(r, HC_EV_META_SAMPLED, err);
		r->sampled_told[type] = r->sampled[type];
	}
	r->last_sampled_ns = now;
	return code;
}

/* Nobody recorded since the last row of this boot. */
int meta_pause(struct hc_record *r, struct hc_err *err)
{
	uint64_t last = r->start.last_boot_ns;

	if (!last || last >= r->start_ns)
		return 0;
	return gap_tell(r, last, r->start_ns, -1, NULL, 0, r->start.killed ? "crash" : "stopped", err);
}

int meta_masked(struct hc_record *r, struct hc_err *err)
{
	struct hc_tracker *t = r->tracker;
	int code = 0;

	for (size_t i = 0; i < t->n_masked && code >= 0; i++) {
		struct mask_count *k = &t->masked[i];
		struct hc_builder *b;

		if (k->count == k->told)
			continue;
		b = begin(r, HC_EV_META_MASKED, err);
		if (!b)
			return failed(err);
		k = &t->masked[i]; /* a new segment's rows may have added some */
		cell_text(r, b, HC_C_META_MASKED_of_type, hc_event_desc(k->type)->name);
		cell_text(r, b, HC_C_META_MASKED_in_column, k->column);
		cell_text(r, b, HC_C_META_MASKED_rule, hc_mask_rule(r->opts.mask, k->rule));
		hc_cell_set(&t->cells, HC_C_META_MASKED_count, k->count - k->told);
		k->told = k->count;
		code = end(r, HC_EV_META_MASKED, err);
	}
	return code;
}

int meta_blind_row(struct hc_record *r, const char *what, const char *scope, uint64_t from_ns, struct hc_err *err)
{
	struct hc_builder *b = begin(r, HC_EV_META_BLIND, err);

	if (!b)
		return failed(err);
	cell_text(r, b, HC_C_META_BLIND_what, what);
	cell_text(r, b, HC_C_META_BLIND_scope, scope);
	hc_cell_set(&r->tracker->cells, HC_C_META_BLIND_from_ns, from_ns);
	return end(r, HC_EV_META_BLIND, err);
}

/* Attachment points that are missing, where something recorded needs them, and the call that looks paths up. */
int meta_blind(struct hc_record *r, struct hc_err *err)
{
	int code = 0;

	if (r->tracker->late_off) {
		char what[160];

		snprintf(what, sizeof(what), "openat2: %s: no look-up of paths, nor of programs that have ended",
		         strerror(r->tracker->late_off));
		code = meta_blind_row(r, what, "node", r->start_ns, err);
	}
	for (size_t i = 0; i < hc_live_n_hooks(r->live) && code >= 0; i++) {
		struct hc_live_hook h = hc_live_hook(r->live, i);
		char what[160];

		if (h.state != HC_HOOK_MISSING && h.state != HC_HOOK_FAILED)
			continue;
		snprintf(what, sizeof(what), "%s: %s", h.name, h.reason && h.reason[0] ? h.reason : "not there");
		code = meta_blind_row(r, what, "node", r->start_ns, err);
	}
	return code;
}

int meta_stop(struct hc_record *r, const char *reason, struct hc_err *err)
{
	struct hc_builder *b = begin(r, HC_EV_META_STOP, err);
	struct hc_cells *c = &r->tracker->cells;
	const struct hc_writer_stats *w = hc_writer_stats(r->writer);
	struct list l = { .b = b };

	if (!b)
		return failed(err);
	cell_text(r, b, HC_C_META_STOP_reason, reason);
	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		const struct hc_table_desc *d = hc_event_desc(type);

		if (d && (w->rows_by_type[type] || r->sampled[type] || r->lost[type]))
			list_add(&l, "%s %llu %llu %llu %llu", d->name, (unsigned long long)w->rows_by_type[type],
			         (unsigned long long)r->sampled[type], (unsigned long long)r->lost[type],
			         (unsigned long long)r->tracker->stats.masked_by_type[type]);
	}
	cell_ref(c, HC_C_META_STOP_totals, hc_build_strs(b, l.ref, l.n));
	hc_cell_set(c, HC_C_META_STOP_last_seq, r->start.next_seq + w->n_rows);
	return end(r, HC_EV_META_STOP, err);
}

static void cell_time(struct hc_record *r, unsigned col, int64_t wall_ns)
{
	if (wall_ns)
		hc_cell_set(&r->tracker->cells, col, (uint64_t)wall_ns);
}

int hc_record_mark(struct hc_record *r, const struct hc_record_mark *m, uint64_t *ret_seq, struct hc_err *err)
{
	const struct hc_writer_drops *drops = hc_writer_drops(r->writer);
	struct hc_err own = { 0 };
	struct hc_builder *b;
	uint64_t n_dropped;
	int code;

	r->err = err ? err : &own;
	if (r->failed)
		return hc_err_set(r->err, r->failed, "the recording has failed");
	b = begin(r, HC_EV_META_MARK, r->err);
	if (!b)
		return r->failed = failed(r->err);
	cell_text(r, b, HC_C_META_MARK_op, m->op);
	cell_text(r, b, HC_C_META_MARK_id, m->id);
	cell_text(r, b, HC_C_META_MARK_name, m->name);
	cell_text(r, b, HC_C_META_MARK_by, m->by);
	cell_text(r, b, HC_C_META_MARK_note, m->note);
	cell_text(r, b, HC_C_META_MARK_scope, m->scope);
	cell_text(r, b, HC_C_META_MARK_detail, m->detail);
	cell_time(r, HC_C_META_MARK_from_wall_ns, m->from_wall_ns);
	cell_time(r, HC_C_META_MARK_until_wall_ns, m->until_wall_ns);
	cell_time(r, HC_C_META_MARK_expires_wall_ns, m->expires_wall_ns);
	if (m->snaplen)
		hc_cell_set(&r->tracker->cells, HC_C_META_MARK_snaplen, m->snaplen);
	hc_cell_set(&r->tracker->cells, HC_C_META_MARK_pinned, m->pinned);
	code = end(r, HC_EV_META_MARK, r->err);
	*ret_seq = r->start.next_seq + hc_writer_stats(r->writer)->n_rows - 1;
	n_dropped = drops->rows_by_type[HC_EV_META_MARK];
	if (code >= 0)
		code = hc_writer_flush(r->writer, r->err);
	if (code < 0)
		return r->failed = code;
	if (drops->rows_by_type[HC_EV_META_MARK] == n_dropped)
		return 0;
	/* recording goes on; that it is on disk cannot be said */
	*r->err = drops->err;
	r->err->code = drops->err.code == -ENOSPC || drops->err.code == -EDQUOT ? -ENOSPC : -EIO;
	return r->err->code;
}

int hc_record_alert(struct hc_record *r, const struct hc_record_alert *a, struct hc_err *err)
{
	struct hc_err own = { 0 };
	struct hc_builder *b;
	int64_t seq = (int64_t)a->seq;
	int code;

	r->err = err ? err : &own;
	if (r->failed)
		return hc_err_set(r->err, r->failed, "the recording has failed");
	b = begin(r, HC_EV_META_ALERT, r->err);
	if (!b)
		return r->failed = failed(r->err);
	cell_text(r, b, HC_C_META_ALERT_rule, a->rule);
	cell_text(r, b, HC_C_META_ALERT_policy_sha256, a->policy_sha256);
	cell_text(r, b, HC_C_META_ALERT_dialect, a->dialect);
	cell_text(r, b, HC_C_META_ALERT_severity, a->severity);
	if (seq)
		cell_ref(&r->tracker->cells, HC_C_META_ALERT_seqs, hc_build_ints(b, &seq, 1));
	cell_text(r, b, HC_C_META_ALERT_output, a->output);
	cell_text(r, b, HC_C_META_ALERT_origin, "trigger");
	cell_text(r, b, HC_C_META_ALERT_outcome, a->outcome);
	cell_text(r, b, HC_C_META_ALERT_capture, a->capture);
	cell_text(r, b, HC_C_META_ALERT_scope, a->scope);
	if (a->count)
		hc_cell_set(&r->tracker->cells, HC_C_META_ALERT_count, a->count);
	if (a->event_ns)
		hc_cell_set(&r->tracker->cells, HC_C_META_ALERT_event_ns, a->event_ns);
	code = end(r, HC_EV_META_ALERT, r->err);
	return code < 0 ? r->failed = code : 0;
}
