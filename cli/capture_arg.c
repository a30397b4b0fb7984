#include "capture_arg.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "store/marks.h"
#include "store/render.h"
#include "store/scap.h"

static bool is_scap(const char *path)
{
	struct hc_scap_reader *scap;
	struct stat st;

	/* a regular file: a pipe may have nothing to read for a long time */
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || hc_scap_open(path, &scap, NULL) < 0)
		return false;
	hc_scap_close(scap);
	return true;
}

void hc_cli_capture_hint(const char *path, struct hc_err *err)
{
	if (err->code == -EINVAL && is_scap(path))
		hc_err_note(err, "it is a scap file: 'hindcast import FILE -o DIR' makes a capture of it");
	else if (err->code == -EACCES)
		hc_err_note(err,
		            "a recording can be read by who made it, and by the group that --group gave it to");
}

void hc_cli_capture_ahead(struct hc_cli_capture *ahead, const char *path, unsigned flags)
{
	*ahead = (struct hc_cli_capture){ .path = path };
	ahead->result = hc_capture_open(path, flags, &ahead->capture, &ahead->err);
}

int hc_cli_capture_take(const struct hc_command *cmd, struct hc_cli_capture *ahead, struct hc_capture **ret)
{
	struct hc_cli_capture a = *ahead;
	int code;

	*ahead = (struct hc_cli_capture){ 0 };
	if (a.result < 0) {
		hc_cli_capture_hint(a.path, &a.err);
		code = hc_cli_error(cmd, &a.err);
		return a.result == -ENOTSUP ? HC_EXIT_DAMAGED
		                            : code; /* of a newer version: as good as unreadable */
	}
	if (hc_capture_index_note(a.capture))
		hc_cli_warn("%s", hc_capture_index_note(a.capture));
	*ret = a.capture;
	return HC_CLI_GO;
}

int hc_cli_capture_open(const struct hc_command *cmd, const char *path, unsigned flags, struct hc_capture **ret)
{
	struct hc_cli_capture ahead;

	hc_cli_capture_ahead(&ahead, path, flags);
	return hc_cli_capture_take(cmd, &ahead, ret);
}

int hc_cli_capture_close(struct hc_capture *c, int code)
{
	const struct hc_capture_problem *p;
	uint32_t n;

	if (!c)
		return code;
	p = hc_capture_problems(c, &n);
	for (uint32_t i = 0; i < n; i++) {
		hc_cli_print_text(stderr, p[i].path, strlen(p[i].path));
		if (p[i].bytes)
			fprintf(stderr, ": at byte %" PRIu64 ", %" PRIu64 " bytes not read", p[i].off, p[i].bytes);
		fputs(": ", stderr);
		hc_cli_print_text(stderr, p[i].what, strlen(p[i].what));
		fputc('\n', stderr);
	}
	hc_capture_close(c);
	return n ? hc_exit_max(code, HC_EXIT_DAMAGED) : code;
}

/* Names the captures there are, so that a slip of the finger costs one try. */
static int no_such_capture(const struct hc_command *cmd, const struct hc_marks *marks, const char *name)
{
	char names[256] = "";
	size_t n = 0;

	for (uint32_t i = 0; i < marks->n && n < sizeof(names); i++)
		if (marks->v[i].state != HC_MARK_DELETED)
			n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", n ? ", " : "",
			                      marks->v[i].name);
	if (!n)
		return hc_cli_usage(cmd, "--capture: there is no on-demand capture in this recording");
	return hc_cli_usage(cmd, "--capture: there is no capture '%s' in this recording; there are: %s%s", name,
	                    names, n >= sizeof(names) ? " ..." : "");
}

static int narrow(const struct hc_command *cmd, const struct hc_mark *m, struct hc_time_arg *since,
                  struct hc_time_arg *until)
{
	if (!since->set || since->ns < m->from_wall_ns)
		*since = (struct hc_time_arg){ .set = true, .ns = m->from_wall_ns };
	if (m->until_wall_ns && (!until->set || until->ns > m->until_wall_ns))
		*until = (struct hc_time_arg){ .set = true, .ns = m->until_wall_ns };
	if (until->set && since->ns >= until->ns)
		return hc_cli_usage(cmd, "--since and --until leave nothing of the capture '%s'", m->name);
	return HC_CLI_GO;
}

int hc_cli_capture_range(const struct hc_command *cmd, struct hc_capture *c, const char *name, bool in_scope,
                         struct hc_time_arg *since, struct hc_time_arg *until, struct hc_cli_scope *ret_scope)
{
	struct hc_marks marks = { 0 };
	struct hc_err err = { 0 };
	const struct hc_mark *m = NULL;
	int code = HC_CLI_GO;

	*ret_scope = (struct hc_cli_scope){ 0 };
	if (!name)
		return in_scope ? hc_cli_usage(cmd, "--in-scope: of which capture? Say --capture NAME too")
		                : HC_CLI_GO;
	if (hc_marks_load(c, &marks, &err) < 0)
		code = hc_cli_error(cmd, &err);
	else if (!(m = hc_marks_find(&marks, name)))
		code = no_such_capture(cmd, &marks, name);
	else
		code = narrow(cmd, m, since, until);
	if (code == HC_CLI_GO && m && in_scope) {
		ret_scope->text = strdup(m->scope);
		ret_scope->scope = (struct hc_scope){ ret_scope->text, m->asked_wall_ns };
		if (!ret_scope->text)
			code = hc_cli_usage(cmd, "out of memory");
	}
	hc_marks_done(&marks);
	return code;
}

int hc_cli_capture_metadata(const struct hc_command *cmd, struct hc_capture *c, unsigned metadata, bool follow)
{
	struct hc_err err = { 0 };
	uint64_t n_left_out;
	int r;

	if (follow && metadata == HC_METADATA_KNOWN)
		return hc_cli_usage(cmd,
		                    "--metadata known: with --follow nothing is known of what will be learnt; "
		                    "run it without --follow when the recording is there");
	if (follow || metadata == HC_METADATA_AS_OF)
		return HC_CLI_GO;
	r = hc_capture_backfill(c, metadata == HC_METADATA_KNOWN, &n_left_out, &err);
	if (r < 0)
		return hc_cli_error(cmd, &err);
	if (n_left_out)
		hc_cli_warn("there are more containers than can be kept in memory: %" PRIu64
		            " of their descriptions stay as they were known then",
		            n_left_out);
	return HC_CLI_GO;
}

const char *hc_time_text(int64_t wall_ns, char buf[HC_TIME_TEXT])
{
	hc_render_time(wall_ns, buf, HC_TIME_TEXT); /* 2024-05-01T12:00:00.123456789Z */
	buf[10] = ' ';
	memcpy(buf + 23, " UTC", 5);
	return buf;
}

const char *hc_bytes_text(uint64_t bytes, char buf[32])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double v = (double)bytes / 1024;
	unsigned u = 0;

	if (bytes < 1024) {
		snprintf(buf, 32, "%" PRIu64 " B", bytes);
		return buf;
	}
	while (v >= 1023.95 && u < 5) {
		v /= 1024;
		u++;
	}
	snprintf(buf, 32, "%.1f %s", v, units[u]);
	return buf;
}

const char *hc_count_text(uint64_t n, char buf[32])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	char *p = buf;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*p++ = ',';
		*p++ = digits[i];
	}
	*p = '\0';
	return buf;
}

const char *hc_span_text(uint64_t ns, char buf[48])
{
	uint64_t s = ns / 1000000000;

	if (s < 60)
		snprintf(buf, 48, "%.1f s", (double)ns / 1e9);
	else if (s < 3600)
		snprintf(buf, 48, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, 48, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s / 60 % 60);
	else
		snprintf(buf, 48, "%" PRIu64 " d %" PRIu64 " h", s / 86400, s / 3600 % 24);
	return buf;
}
