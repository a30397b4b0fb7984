/* Values as text. */
#include <criterion/criterion.h>

#include "store/base/utf8.h"
#include "store/render.h"

static void expect(enum hc_fmt fmt, int64_t v, const char *want)
{
	char text[HC_RENDER_MAX];
	size_t n = hc_render_int(fmt, v, false, text, sizeof(text));

	cr_assert_str_eq(text, want, "%d, %ld: '%s' instead of '%s'", (int)fmt, (long)v, text, want);
	cr_assert_eq(n, strlen(want));
}

Test(render, names_flags_and_shows_the_rest_in_hex)
{
	expect(HC_FMT_FL_OPEN, 0, "O_RDONLY");
	expect(HC_FMT_FL_OPEN, 02000101, "O_WRONLY|O_CREAT|O_CLOEXEC");
	expect(HC_FMT_FL_OPEN, 04010002, "O_RDWR|O_SYNC");
	expect(HC_FMT_FL_OPEN, 010000, "O_RDONLY|O_DSYNC");
	expect(HC_FMT_FL_OPEN, 020200002, "O_RDWR|O_TMPFILE");
	expect(HC_FMT_FL_OPEN, 0200000, "O_RDONLY|O_DIRECTORY");
	expect(HC_FMT_FL_OPEN, 0x40000000, "O_RDONLY|0x40000000");
	expect(HC_FMT_FL_CLONE, 0x11, "SIGCHLD");
	expect(HC_FMT_FL_CLONE, 0x20000000 | 17, "SIGCHLD|CLONE_NEWPID");
	expect(HC_FMT_FL_CLONE, 0x80, "CLONE_NEWTIME");
	expect(HC_FMT_FL_PROT, 0, "PROT_NONE");
	expect(HC_FMT_FL_PROT, 5, "PROT_READ|PROT_EXEC");
	expect(HC_FMT_FL_MMAP, 0x22, "MAP_PRIVATE|MAP_ANONYMOUS");
	expect(HC_FMT_FL_SOCK_TYPE, 02000001, "SOCK_STREAM|SOCK_CLOEXEC");
	expect(HC_FMT_FL_SOCK_TYPE, 04000, "SOCK_NONBLOCK");
	expect(HC_FMT_FL_SOCK_TYPE, 0, "0");
	expect(HC_FMT_FL_MOUNT, (int64_t)0xc0ed1001, "MS_RDONLY|MS_BIND");
	expect(HC_FMT_FL_AT, 0x1100, "AT_SYMLINK_NOFOLLOW|AT_EMPTY_PATH");
}

Test(render, names_single_values)
{
	expect(HC_FMT_ERRNO, -13, "EACCES");
	expect(HC_FMT_ERRNO, 4095, "4095");
	expect(HC_FMT_SIGNAL, 9, "SIGKILL");
	expect(HC_FMT_SIGNAL, 34, "SIGRT_2");
	expect(HC_FMT_SIGNAL, 99, "99");
	expect(HC_FMT_CAP, 21, "CAP_SYS_ADMIN");
	expect(HC_FMT_CAPS, (1 << 21) | 1, "CAP_CHOWN|CAP_SYS_ADMIN");
	expect(HC_FMT_CAPS, 0, "0");
	expect(HC_FMT_CAPS, INT64_MIN, "0x8000000000000000");
	expect(HC_FMT_EN_AF, 10, "AF_INET6");
	expect(HC_FMT_EN_TCP_STATE, 10, "TCP_LISTEN");
	expect(HC_FMT_EN_PTRACE, 0x4206, "PTRACE_SEIZE");
	expect(HC_FMT_EN_BPF_CMD, 5, "BPF_PROG_LOAD");
	expect(HC_FMT_EN_PRCTL, 15, "PR_SET_NAME");
	expect(HC_FMT_EN_FCNTL, 1030, "F_DUPFD_CLOEXEC");
	expect(HC_FMT_EN_FD_KIND, HC_FD_PIPE, "pipe");
	expect(HC_FMT_EN_CAUSE, HC_CAUSE_EXEC, "exec");
	expect(HC_FMT_MODE, 0100644, "0100644");
	expect(HC_FMT_MODE, 0, "0");
	expect(HC_FMT_DEV, 8 << 20 | 1, "8:1");
	expect(HC_FMT_HEX, 255, "0xff");
	expect(HC_FMT_DEC, -1, "18446744073709551615");
	cr_assert_null(hc_enum_name(HC_FMT_EN_AF, 4000));
	cr_assert_null(hc_enum_name(HC_FMT_SIGNAL, INT64_MIN));
}

Test(render, never_writes_past_the_room)
{
	for (unsigned fmt = 0; fmt < HC_N_FMTS; fmt++) {
		for (size_t room = 0; room < 40; room++) {
			char *text = malloc(room ? room : 1); /* the sanitizer watches its end */
			size_t n = hc_render_int((enum hc_fmt)fmt, INT64_MAX, true, text, room);

			cr_assert(room ? n < room && text[n] == 0 : n == 0, "format %u, room %zu: %zu", fmt, room,
			          n);
			free(text);
		}
	}
}

Test(render, has_room_for_every_number_of_every_format)
{
	char text[HC_RENDER_MAX];

	for (unsigned fmt = 0; fmt < HC_N_FMTS; fmt++)
		for (unsigned i = 0; i < 64; i++) {
			cr_assert_lt(hc_render_int((enum hc_fmt)fmt, (int64_t)(~UINT64_C(0) >> i), true, text,
			                           sizeof(text)),
			             sizeof(text) - 1);
			cr_assert_lt(hc_render_int((enum hc_fmt)fmt, (int64_t)(~UINT64_C(0) << i), true, text,
			                           sizeof(text)),
			             sizeof(text) - 1);
		}
}

static void expect_time(int64_t ns, const char *want)
{
	char text[HC_RENDER_TIME_MAX];

	hc_render_time(ns, text, sizeof(text));
	cr_assert_str_eq(text, want);
}

Test(render, writes_times)
{
	expect_time(0, "1970-01-01T00:00:00.000000000Z");
	expect_time(1714521600123456789, "2024-05-01T00:00:00.123456789Z");
	expect_time(951782399999999999, "2000-02-28T23:59:59.999999999Z");
	expect_time(951782400000000000, "2000-02-29T00:00:00.000000000Z");
	expect_time(-1, "1969-12-31T23:59:59.999999999Z");
	expect_time(INT64_MAX, "2262-04-11T23:47:16.854775807Z");
	expect_time(INT64_MIN, "1677-09-21T00:12:43.145224192Z");
}

static void expect_ip(const char *raw, uint32_t n, int64_t port, const char *want)
{
	char text[HC_RENDER_ADDR_MAX];

	hc_render_endpoint((struct hc_str){ raw, n }, port, text, sizeof(text));
	cr_assert_str_eq(text, want);
}

Test(render, writes_addresses)
{
	expect_ip("\x7f\0\0\1", 4, 80, "127.0.0.1:80");
	expect_ip("\x7f\0\0\1", 4, -1, "127.0.0.1");
	expect_ip("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, -1, "::");
	expect_ip("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16, 443, "[::1]:443");
	expect_ip("\x20\1\xd\xb8\0\0\0\0\0\1\0\0\0\0\0\1", 16, -1, "2001:db8::1:0:0:1");
	expect_ip("\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, -1, "fe80::");
	expect_ip("\0\1\0\0\0\2\0\3\0\4\0\5\0\6\0\7", 16, -1, "1:0:2:3:4:5:6:7");
	expect_ip("\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\1\2\3", 16, -1, "::ffff:10.1.2.3");
	expect_ip("\2\0\0\0\0\0\0\0", 8, 305419896, "2:305419896"); /* of vsock */
	expect_ip("\1\2\3", 3, -1, "010203");
	expect_ip("", 0, -1, "");
}

static void expect_sockaddr(const char *raw, uint32_t n, const char *want)
{
	char text[HC_RENDER_MAX];

	hc_render_sockaddr((struct hc_str){ raw, n }, text, sizeof(text));
	cr_assert_str_eq(text, want);
}

/* The examples of the Unicode Standard, 3.9. */
Test(render, finds_how_much_of_a_broken_character_is_there)
{
	static const struct {
		const char *text;
		unsigned n;
	} cases[] = {
		{ "\xf1\x80\x80\xe1", 3 },
		{ "\xe1\x80\xc2", 2 },
		{ "\xc2"
		  "b",
		  1 },
		{ "\x80\xbf", 1 },
		{ "\xed\xa0\x80", 1 },
		{ "\xe0\x80", 1 },
		{ "\xf0\x8f", 1 },
		{ "\xf4\x90", 1 },
		{ "\xf4\x8f\xbf", 3 },
		{ "\xe2\x82", 2 },
		{ "\xff\xfe", 1 },
		{ "\xc0\xaf", 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t c;

		cr_expect_eq(hc_utf8(cases[i].text, strlen(cases[i].text), &c), 0);
		cr_expect_eq(hc_utf8_broken(cases[i].text, strlen(cases[i].text)), cases[i].n, "case %zu", i);
	}
}

Test(render, writes_socket_addresses_of_any_length)
{
	expect_sockaddr("\2\0\1\xbb\x0a\1\2\3\0\0\0\0\0\0\0\0", 16, "10.1.2.3:443");
	expect_sockaddr("\2\0\1\xbb\x0a\1\2", 7, "AF_INET:01bb0a0102");
	expect_sockaddr("\x0a\0\0\x50\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0", 28, "[::1]:80");
	expect_sockaddr("\1\0/run/x.sock\0junk", 18, "unix:/run/x.sock");
	expect_sockaddr("\1\0\0abstract", 11, "unix:@abstract");
	expect_sockaddr("\1\0", 2, "unix:");
	expect_sockaddr("\x10\0\0\0\x2a\0\0\0\0\0\0\0", 12, "netlink:42");
	expect_sockaddr("\x28\0\0\0\x78\x56\x34\x12\2\0\0\0\0\0\0\0", 16, "vsock:2:305419896");
	expect_sockaddr("\x28\0\0\0\x78\x56\x34\x12\2\0\0", 11, "AF_VSOCK:000078563412020000");
	expect_sockaddr("\x11\0\1\2", 4, "AF_PACKET:0102");
	expect_sockaddr("\1", 1, "?");
	expect_sockaddr("", 0, "");
}
