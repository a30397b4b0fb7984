/* Lines of the service's log: what is in them, and what cannot get out of them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/log.h"

static char out[16384];

/* The lines written since the last call, without their times. */
static const char *read_back(int fd)
{
	ssize_t n = read(fd, out, sizeof(out) - 1);

	out[n > 0 ? n : 0] = '\0';
	for (char *p = out; (p = strstr(p, "20")) != NULL; p++)
		if (p[4] == '-' && p[23] == 'Z')
			memset(p, 'T', 24);
	return out;
}

static struct hc_log open_log(enum hc_log_format format, int *ret_fd)
{
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	*ret_fd = fds[0];
	return (struct hc_log){ .fd = fds[1], .level = HC_LOG_INFO, .format = format };
}

#define T "TTTTTTTTTTTTTTTTTTTTTTTT"

Test(log, has_all_kinds_of_fields_in_both_formats)
{
	static const char *const want[] = {
		"time=" T " level=warn msg=\"two words\" s=bare q=\"a b\" e=\"\" u=18446744073709551615 i=-1 "
		"f=1.500 b=true\n",
		"{\"time\":\"" T
		"\",\"level\":\"warn\",\"msg\":\"two words\",\"s\":\"bare\",\"q\":\"a b\",\"e\":\"\","
		"\"u\":18446744073709551615,\"i\":-1,\"f\":1.500,\"b\":true}\n",
	};

	for (unsigned format = 0; format < 2; format++) {
		int fd;
		struct hc_log log = open_log((enum hc_log_format)format, &fd);

		hc_log(&log, HC_LOG_WARN, "two words", HC_LOG_STR("s", "bare"), HC_LOG_STR("q", "a b"),
		       HC_LOG_STR("e", ""), HC_LOG_STR("none", NULL), HC_LOG_U64("u", UINT64_MAX),
		       HC_LOG_I64("i", -1), HC_LOG_F64("f", 1.5), HC_LOG_BOOL("b", true));
		cr_assert_str_eq(read_back(fd), want[format]);
	}
}

Test(log, hostile_text_stays_in_its_field)
{
	static const char text[] = "x\n\"level\"=error\x1b[31m\xc2\x9b\xff\\\xc3\xa4\xe2\x80\xae";
	static const char *const want[] = {
		"time=" T " level=info msg=m p=\"x\\u000a\\\"level\\\"=error\\u001b[31m\\u009b\\ufffd\\\\\xc3\xa4"
		"\\u202e\"\n",
		"{\"time\":\"" T "\",\"level\":\"info\",\"msg\":\"m\",\"p\":\"x\\u000a\\\"level\\\"=error\\u001b["
		"31m\\u009b\\ufffd\\\\\xc3\xa4\\u202e\"}\n",
	};

	for (unsigned format = 0; format < 2; format++) {
		int fd;
		struct hc_log log = open_log((enum hc_log_format)format, &fd);

		hc_log(&log, HC_LOG_INFO, "m", HC_LOG_STR("p", text));
		cr_assert_str_eq(read_back(fd), want[format]);
	}
}

Test(log, what_is_too_long_is_left_out_and_said)
{
	char big[9000];
	int fd;
	struct hc_log log = open_log(HC_LOG_JSON, &fd);

	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	hc_log(&log, HC_LOG_INFO, "m", HC_LOG_U64("n", 1), HC_LOG_STR("p", big), HC_LOG_U64("after", 2));
	cr_assert_str_eq(read_back(fd),
	                 "{\"time\":\"" T "\",\"level\":\"info\",\"msg\":\"m\",\"n\":1,\"cut\":true}\n");
}

Test(log, levels_below_are_silent_and_errors_have_their_place)
{
	int fd;
	struct hc_log log = open_log(HC_LOG_LOGFMT, &fd);
	struct hc_err err = { 0 };

	hc_log(&log, HC_LOG_DEBUG, "nobody reads this");
	hc_log(NULL, HC_LOG_ERROR, "nor this");
	hc_err_at(&err, -22, "f.yaml", 3, 4, "bad");
	hc_err_note(&err, "a remedy");
	hc_log_err(&log, HC_LOG_ERROR, "failed", &err);
	cr_assert_str_eq(read_back(fd),
	                 "time=" T " level=error msg=failed error=\"f.yaml:3:4: bad\" note=\"a remedy\"\n");
	close(log.fd);
	log.fd = -1;
	hc_log(&log, HC_LOG_ERROR, "x");
	cr_assert_eq(log.n_lost, 1);
}
