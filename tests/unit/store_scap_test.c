/* Scap files: what is written is read back, older forms become current ones, and no cut or wrong byte is taken for
 * data. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "scap_priv.h"
#include "store/scap.h"
#include "store/scap_flags.h"

struct buf {
	uint8_t p[1 << 20];
	size_t n;
};

static struct buf file;

static void u16(uint16_t v)
{
	memcpy(file.p + file.n, &v, 2);
	file.n += 2;
}

static void u32(uint32_t v)
{
	memcpy(file.p + file.n, &v, 4);
	file.n += 4;
}

static void u64(uint64_t v)
{
	memcpy(file.p + file.n, &v, 8);
	file.n += 8;
}

static void text(const char *s)
{
	u16((uint16_t)strlen(s));
	memcpy(file.p + file.n, s, strlen(s));
	file.n += strlen(s);
}

static size_t begin(uint32_t type)
{
	size_t at = file.n;

	u32(type);
	u32(0);
	return at;
}

static void end(size_t at)
{
	uint32_t total;

	while (file.n % 4)
		file.p[file.n++] = 0;
	total = (uint32_t)(file.n - at + 4);
	memcpy(file.p + at + 4, &total, 4);
	u32(total);
}

static void section(void)
{
	size_t at = begin(0x0A0D0D0A);

	u32(0x1A2B3C4D);
	u16(1);
	u16(2);
	u64(UINT64_MAX);
	end(at);
}

/* An event of the first form, whose numbers are all of 8 bytes unless said otherwise. */
static void event_v1(uint64_t tid, uint16_t code, unsigned n, const uint8_t *widths, const uint64_t *values)
{
	size_t at = begin(0x204);
	uint32_t len = 22;

	for (unsigned i = 0; i < n; i++)
		len += 2u + widths[i];
	u16(3);
	u64(1000);
	u64(tid);
	u32(len);
	u16(code);
	for (unsigned i = 0; i < n; i++)
		u16(widths[i]);
	for (unsigned i = 0; i < n; i++) {
		memcpy(file.p + file.n, &values[i], widths[i]);
		file.n += widths[i];
	}
	end(at);
}

static struct hc_scap_reader *reader(const void *p, size_t n)
{
	struct hc_scap_reader *r = NULL;
	int fd = memfd_create("scap", MFD_CLOEXEC);

	cr_assert_eq(write(fd, p, n), (ssize_t)n);
	lseek(fd, 0, SEEK_SET);
	return hc_scap_take_fd(fd, "test", &r, NULL) == 0 ? r : NULL;
}

static const struct hc_scap_event *next_event(struct hc_scap_reader *r)
{
	const struct hc_scap_item *item;

	while (hc_scap_next(r, &item, NULL) > 0)
		if (item->kind == HC_SCAP_EVENT)
			return &item->event;
	return NULL;
}

static void no_err(int r, const struct hc_err *err)
{
	cr_assert_eq(r, 0, "%s", err->msg);
}

/* A file with one of each, by our writer, into `file`. */
static void write_all(unsigned flags)
{
	struct hc_err err = { 0 };
	struct hc_scap_writer *w = NULL;
	int fd = memfd_create("scap", MFD_CLOEXEC);
	int64_t res = -2;
	struct hc_str param[HC_SCAP_MAX_PARAMS] = { { (const char *)&res, 8 }, { "/tmp/x", 7 } };
	char *big = calloc(1, 100000);
	struct hc_str json[HC_SCAP_MAX_PARAMS] = { { big, 100000 } };
	ssize_t n;

	no_err(hc_scap_writer_new(fd, "test", flags, &w, &err), &err);
	no_err(hc_scap_write_machine(
		       w, &(struct hc_scap_machine){ .n_cpus = 4, .hostname = HC_STR("node"), .boot_ns = 5 },
		       &err),
	       &err);
	no_err(hc_scap_write_iface(w, &(struct hc_scap_iface){ .addr = { 127, 0, 0, 1 }, .name = HC_STR("lo") },
	                           &err),
	       &err);
	no_err(hc_scap_write_iface(
		       w, &(struct hc_scap_iface){ .ipv6 = true, .addr = { 0xfe }, .name = HC_STR("eth0") }, &err),
	       &err);
	no_err(hc_scap_write_user(
		       w, &(struct hc_scap_user){ .uid = 7, .gid = 8, .name = HC_STR("u"), .shell = HC_STR("/s") },
		       &err),
	       &err);
	no_err(hc_scap_write_group(w, &(struct hc_scap_user){ .gid = 9, .name = HC_STR("g") }, &err), &err);
	no_err(hc_scap_write_proc(w,
	                          &(struct hc_scap_proc){ .tid = 10,
	                                                  .pid = 10,
	                                                  .ptid = 1,
	                                                  .comm = HC_STR("c"),
	                                                  .args = HC_STR("a\0b\0"),
	                                                  .exe_ino = 99,
	                                                  .pgid = 11,
	                                                  .exe_lower_layer = true,
	                                                  .tty = 34816 },
	                          &err),
	       &err);
	no_err(hc_scap_write_fd(w,
	                        &(struct hc_scap_fd){ .tid = 10,
	                                              .fd = 3,
	                                              .type = HC_SCAP_FD_FILE_V2,
	                                              .dev = 6,
	                                              .name = HC_STR("/etc/passwd"),
	                                              .open_flags = 1 },
	                        &err),
	       &err);
	no_err(hc_scap_write_fd(w,
	                        &(struct hc_scap_fd){ .tid = 10,
	                                              .fd = 4,
	                                              .type = HC_SCAP_FD_IPV4_SOCK,
	                                              .sport = 80,
	                                              .dport = 81,
	                                              .src = { 1, 2, 3, 4 },
	                                              .l4 = HC_SCAP_L4_TCP },
	                        &err),
	       &err);
	no_err(hc_scap_write_event(w,
	                           &(struct hc_scap_event){ .ts_ns = 77,
	                                                    .tid = 10,
	                                                    .cpu = 2,
	                                                    .code = HC_SCAP_SYSCALL_CHDIR_X,
	                                                    .n_params = 2,
	                                                    .param = param },
	                           &err),
	       &err);
	no_err(hc_scap_write_event(w,
	                           &(struct hc_scap_event){ .tid = -1,
	                                                    .code = HC_SCAP_CONTAINER_JSON_2_E,
	                                                    .n_params = 1,
	                                                    .param = json,
	                                                    .state_only = true },
	                           &err),
	       &err);
	no_err(hc_scap_writer_finish(w, &err), &err);
	hc_scap_writer_free(w);
	n = pread(fd, file.p, sizeof(file.p), 0);
	cr_assert_gt(n, 0);
	file.n = (size_t)n;
	close(fd);
	free(big);
}

Test(scap, reads_back_what_it_writes)
{
	for (unsigned flags = 0; flags <= HC_SCAP_PLAIN; flags += HC_SCAP_PLAIN) {
		static const enum hc_scap_kind order[] = { HC_SCAP_SECTION, HC_SCAP_MACHINE, HC_SCAP_IFACE,
			                                   HC_SCAP_IFACE,   HC_SCAP_USER,    HC_SCAP_GROUP,
			                                   HC_SCAP_PROC,    HC_SCAP_FD,      HC_SCAP_FD,
			                                   HC_SCAP_EVENT,   HC_SCAP_EVENT };
		const struct hc_scap_item *item = NULL;
		struct hc_scap_reader *r;

		write_all(flags);
		r = reader(file.p, file.n);
		for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
			cr_assert_eq(hc_scap_next(r, &item, NULL), 1);
			cr_assert_eq(item->kind, order[i], "item %u", i);
			if (i == 1) {
				cr_assert(hc_str_eq(item->machine.hostname, HC_STR("node")));
				cr_assert_eq(item->machine.boot_ns, 5);
			} else if (i == 2 || i == 3) {
				cr_assert_eq(item->iface.first, i == 2);
				cr_assert_eq(item->iface.ipv6, i == 3);
			} else if (i == 4) {
				cr_assert_eq(item->user.uid, 7);
				cr_assert(hc_str_eq(item->user.shell, HC_STR("/s")));
			} else if (i == 6) {
				cr_assert_eq(item->proc.pgid, 11);
				cr_assert_eq(item->proc.tty, 34816);
				cr_assert(item->proc.exe_lower_layer && !item->proc.exe_upper_layer);
				cr_assert_eq(item->proc.args.len, 4);
				cr_assert_eq(item->proc.has, 0xffff);
			} else if (i == 7) {
				cr_assert_eq(item->fd.dev, 6);
				cr_assert(hc_str_eq(item->fd.name, HC_STR("/etc/passwd")));
			} else if (i == 8) {
				cr_assert_eq(item->fd.dport, 81);
				cr_assert_eq(item->fd.tid, 10);
			} else if (i == 9) {
				cr_assert_eq(item->event.num, 1);
				cr_assert_eq(hc_scap_i64(&item->event, 0, 0), -2);
				cr_assert(hc_str_eq(hc_scap_text(&item->event, 1), HC_STR("/tmp/x")));
				cr_assert_eq(item->event.cpu, 2);
				cr_assert(!item->event.state_only && !item->event.enter);
			} else if (i == 10) {
				cr_assert_eq(item->event.param[0].len, 100000);
				cr_assert(item->event.state_only);
				cr_assert_eq(item->event.tid, -1);
			}
		}
		cr_assert_eq(hc_scap_next(r, &item, NULL), 0);
		hc_scap_close(r);
	}
}

Test(scap, cut_at_any_byte_gives_what_is_whole_and_an_error)
{
	size_t ends[64];
	unsigned n_ends = 0;

	write_all(HC_SCAP_PLAIN);
	file.n -= 100060; /* the large event is as good as any, and slow */
	for (size_t at = 0; at + 8 < file.n;) {
		uint32_t total;

		memcpy(&total, file.p + at + 4, 4);
		at += total;
		ends[n_ends++] = at;
	}
	for (size_t n = 0; n < file.n && n < ends[n_ends - 2] + 4; n++) {
		struct hc_scap_reader *r = reader(file.p, n);
		const struct hc_scap_item *item;
		bool whole = false;
		int e = 0;

		for (unsigned i = 0; i < n_ends; i++)
			whole |= ends[i] == n;
		if (n < 4) {
			cr_assert_null(r, "at %zu bytes", n);
			continue;
		}
		while ((e = hc_scap_next(r, &item, NULL)) > 0)
			;
		cr_assert_eq(e, whole ? 0 : -EBADMSG, "at %zu bytes: %d", n, e);
		cr_assert_eq(hc_scap_next(r, &item, NULL), e);
		hc_scap_close(r);
	}
}

Test(scap, cut_inside_compressed_data_is_an_error)
{
	struct hc_scap_reader *r;
	const struct hc_scap_item *item;
	int e;

	write_all(0);
	r = reader(file.p, file.n - 5);
	cr_assert_not_null(r);
	while ((e = hc_scap_next(r, &item, NULL)) > 0)
		;
	cr_assert_eq(e, -EBADMSG);
	hc_scap_close(r);
}

Test(scap, what_came_before_damage_in_compressed_data_is_given_out)
{
	struct hc_scap_reader *r;
	const struct hc_scap_item *item;
	unsigned n_items = 0;
	int e;

	write_all(0);
	file.p[file.n - 8] ^= 1; /* the checksum of it all */
	r = reader(file.p, file.n);
	cr_assert_not_null(r);
	while ((e = hc_scap_next(r, &item, NULL)) > 0)
		n_items++;
	cr_assert_eq(e, -EBADMSG);
	cr_assert_eq(n_items, 11);
	cr_assert_eq(hc_scap_next(r, &item, NULL), -EBADMSG);
	hc_scap_close(r);
}

Test(scap, frames_without_data_are_passed_over)
{
	static const char skipped[] = { 0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c' };
	struct hc_scap_reader *r;
	size_t n = sizeof(skipped);
	char *both;

	write_all(HC_SCAP_ZSTD);
	both = calloc(1, n + file.n);
	cr_assert_not_null(both);
	memcpy(both, skipped, n);
	memcpy(both + n, file.p, file.n);
	r = reader(both, n + file.n);
	cr_assert_not_null(r);
	cr_assert_not_null(next_event(r));
	hc_scap_close(r);
	free(both);
}

Test(scap, reads_every_version_of_the_process_list)
{
	static const uint32_t types[] = { 0x202, 0x207, 0x209, 0x210, 0x211, 0x212, 0x213, 0x214 };

	for (unsigned v = 1; v <= 8; v++) {
		const struct hc_scap_item *item;
		struct hc_scap_reader *r;
		size_t at;

		file.n = 0;
		section();
		at = begin(types[v - 1]);
		for (unsigned k = 0; k < 2; k++) {
			u64(10 + k);
			u64(11);
			u64(1);
			if (v >= 6)
				u64(21);
			if (v >= 8)
				u64(22);
			text("comm");
			text("exe");
			if (v >= 7)
				text("/exe/path");
			text("args");
			text("/cwd");
			u64(1024);
			u32(1);
			u32(2);
			u32(3);
			if (v >= 2) {
				u32(4);
				u32(5);
				u32(6);
				u64(7);
				u64(8);
			}
			if (v >= 3)
				text("env");
			if (v >= 4) {
				u64(31);
				u64(32);
				text("cpu=/");
			}
			if (v >= 5)
				text("/root");
		}
		end(at);
		r = reader(file.p, file.n);
		cr_assert_eq(hc_scap_next(r, &item, NULL), 1);
		for (unsigned k = 0; k < 2; k++) {
			cr_assert_eq(hc_scap_next(r, &item, NULL), 1, "V%u", v);
			cr_assert_eq(item->proc.tid, 10 + k);
			cr_assert_eq(item->proc.version, v);
			cr_assert_eq(item->proc.sid, v >= 6 ? 21 : -1);
			cr_assert_eq(item->proc.vpgid, v >= 8 ? 22 : -1);
			cr_assert_eq(item->proc.vpid, v >= 4 ? 32 : -1);
			cr_assert_eq(item->proc.exepath.len, v >= 7 ? 9u : 0u);
			cr_assert_eq(item->proc.root.len, v >= 5 ? 5u : 0u);
			cr_assert_eq(item->proc.gid, 3);
			cr_assert_eq(item->proc.loginuid, UINT32_MAX);
		}
		cr_assert_eq(hc_scap_next(r, &item, NULL), 0);
		hc_scap_close(r);
	}
}

Test(scap, completes_an_old_exit_from_its_enter)
{
	const struct hc_scap_event *e;
	struct hc_scap_reader *r;

	file.n = 0;
	section();
	event_v1(5, HC_SCAP_SYSCALL_CLOSE_E, 1, (uint8_t[]){ 8 }, (uint64_t[]){ 42 });
	event_v1(6, HC_SCAP_SYSCALL_CLOSE_E, 1, (uint8_t[]){ 8 }, (uint64_t[]){ 43 });
	event_v1(5, HC_SCAP_SYSCALL_CLOSE_X, 1, (uint8_t[]){ 8 }, (uint64_t[]){ 0 });
	event_v1(5, HC_SCAP_SYSCALL_CLOSE_X, 1, (uint8_t[]){ 8 }, (uint64_t[]){ 0 }); /* its enter was used */
	event_v1(6, HC_SCAP_SYSCALL_MUNMAP_X, 4, (uint8_t[]){ 8, 4, 4, 4 },
	         (uint64_t[4]){ 0 });                                                  /* of another call */
	event_v1(7, HC_SCAP_SYSCALL_SETUID_X, 1, (uint8_t[]){ 8 }, (uint64_t[]){ 0 }); /* no enter: absent */
	event_v1(7, HC_SCAP_SYSCALL_CLONE_11_E, 0, NULL, NULL);
	r = reader(file.p, file.n);
	e = next_event(r);
	cr_assert_eq(e->code, HC_SCAP_SYSCALL_CLOSE_X);
	cr_assert_eq(e->num, 1);
	cr_assert_eq(e->n_params, 2);
	cr_assert_eq(hc_scap_i64(e, 1, -1), 42);
	e = next_event(r);
	cr_assert(hc_scap_has(e, 1));
	cr_assert_eq(hc_scap_i64(e, 1, -1), 0);
	e = next_event(r);
	cr_assert_eq(e->code, HC_SCAP_SYSCALL_SETUID_X);
	cr_assert_eq(e->num, 3);
	cr_assert(!hc_scap_has(e, 1));
	cr_assert_null(next_event(r));
	cr_assert_eq(hc_scap_stats(r)->n_enter_merged, 3);
	cr_assert_eq(hc_scap_stats(r)->n_unconverted, 1);
	cr_assert_eq(hc_scap_stats(r)->first_unconverted_code, HC_SCAP_SYSCALL_MUNMAP_X);
	hc_scap_close(r);
}

/* An exit of two steps takes what the first needs of its enter, as the reference does. */
Test(scap, uses_an_enter_for_one_step_alone)
{
	const struct hc_scap_event *e;
	struct hc_scap_reader *r;

	file.n = 0;
	section();
	event_v1(5, HC_SCAP_SOCKET_CONNECT_E, 2, (uint8_t[]){ 8, 7 }, (uint64_t[]){ 42, 0x50000001000102 });
	event_v1(5, HC_SCAP_SOCKET_CONNECT_X, 2, (uint8_t[]){ 8, 0 }, (uint64_t[]){ 0, 0 });
	r = reader(file.p, file.n);
	e = next_event(r);
	cr_assert(e->enter);
	cr_assert(hc_scap_has(e, 1));
	e = next_event(r);
	cr_assert_eq(e->code, HC_SCAP_SOCKET_CONNECT_X);
	cr_assert_eq(e->n_params, 4);
	cr_assert_eq(hc_scap_i64(e, 2, -1), 42);
	cr_assert(!hc_scap_has(e, 3));
	cr_assert_null(next_event(r));
	hc_scap_close(r);
}

Test(scap, brings_every_old_exit_to_a_current_form)
{
	static const struct {
		uint16_t code;
		uint8_t n;
	} forms[] = {
#define SCAP_TO(ID, n, TO, ...) { HC_SCAP_##ID, n },
#define SCAP_ADD(ID, n, ...) { HC_SCAP_##ID, n },
#include "store/scap_convert.def"
	};
	struct hc_scap_conv *c = hc_scap_conv_new();

	for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct hc_str param[HC_SCAP_MAX_PARAMS] = { 0 };
		struct hc_scap_raw raw = { .code = forms[i].code, .n = forms[i].n, .tid = 1, .param = param };
		int r = hc_scap_convert(c, &raw);

		if (!(forms[i].code & 1) && r == 0)
			continue; /* kept for its exit */
		cr_assert_eq(r, 1, "code %u with %u parameters: %d", forms[i].code, forms[i].n, r);
		cr_assert_leq(raw.n, hc_scap_events[raw.code].n_params);
		if (raw.code & 1)
			cr_assert_eq(raw.n, hc_scap_events[raw.code].n_params, "code %u", raw.code);
	}
	hc_scap_conv_free(c);
}

Test(scap, skips_what_it_does_not_know_and_counts_it)
{
	struct hc_scap_reader *r;
	size_t at;

	file.n = 0;
	section();
	at = begin(0x7777);
	u64(1);
	end(at);
	at = begin(0x216);
	u16(0);
	u64(0);
	u64(0);
	u32(26);
	u16(HC_SCAP_N_CODES);
	u32(0);
	end(at);
	r = reader(file.p, file.n);
	cr_assert_null(next_event(r));
	cr_assert_eq(hc_scap_stats(r)->n_unknown_blocks, 1);
	cr_assert_eq(hc_scap_stats(r)->n_newer_events, 1);
	hc_scap_close(r);
}

Test(scap, takes_files_one_after_another)
{
	struct hc_scap_reader *r;
	size_t n;

	write_all(0);
	n = file.n;
	memcpy(file.p + n, file.p, n);
	r = reader(file.p, 2 * n);
	for (unsigned i = 1; i <= 4; i++)
		cr_assert_eq(next_event(r)->num, i);
	cr_assert_null(next_event(r));
	cr_assert_eq(hc_scap_stats(r)->n_sections, 2);
	hc_scap_close(r);
}

Test(scap, refuses_the_other_byte_order)
{
	struct hc_scap_reader *r;
	const struct hc_scap_item *item;
	struct hc_err err = { 0 };
	uint32_t v = __builtin_bswap32(0x1A2B3C4D), total = __builtin_bswap32(28);

	file.n = 0;
	section();
	memcpy(file.p + 4, &total, 4);
	memcpy(file.p + 8, &v, 4);
	r = reader(file.p, file.n);
	cr_assert_eq(hc_scap_next(r, &item, &err), -ENOTSUP);
	cr_assert(strstr(err.msg, "byte order"));
	hc_scap_close(r);
}

Test(scap, numbers_go_to_portable_ones_and_back)
{
	cr_assert_eq(hc_scap_portable(HC_SCAP_TAB_file_flags, 02 | 0100 | 02000000), 3 | 4 | 4096);
	cr_assert_eq(hc_scap_native(HC_SCAP_TAB_file_flags, 3 | 4 | 4096), 02 | 0100 | 02000000);
	cr_assert_eq(
		hc_scap_native(HC_SCAP_TAB_fcntl_commands, hc_scap_portable(HC_SCAP_TAB_fcntl_commands, 1030)),
		1030);
	cr_assert_eq(hc_scap_native(HC_SCAP_TAB_clone_flags, hc_scap_portable(HC_SCAP_TAB_clone_flags, 0x3d0f00)),
	             0x3d0f00);
	cr_assert_eq(hc_scap_dev_native(hc_scap_dev_portable(UINT64_C(259) << 20 | 70000)),
	             UINT64_C(259) << 20 | 70000);
}
