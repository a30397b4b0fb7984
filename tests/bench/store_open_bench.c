/* Opening a capture of 1000 segments: what `info` needs, with the index, without it, and as the whole command. */
#include <spawn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gen.h"
#include "store/capture.h"

#define N_SEGMENTS 1000u
#define ROUNDS 9

extern char **environ;

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *v)
{
	qsort(v, ROUNDS, sizeof(*v), by_value);
	return v[ROUNDS / 2];
}

static double open_ms(const char *dir, unsigned flags, uint32_t want_segs)
{
	double v[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		const struct hc_capture_totals *t;
		struct hc_capture *c;
		struct hc_err err = { 0 };
		uint32_t n;

		v[i] = now_ms();
		if (hc_capture_open(dir, flags, &c, &err) < 0 || hc_capture_totals(c, &t, &err) < 0) {
			fprintf(stderr, "%s\n", err.msg);
			exit(1);
		}
		v[i] = now_ms() - v[i];
		hc_capture_segs(c, &n);
		if (n != want_segs || hc_capture_index_note(c)) {
			fprintf(stderr, "the capture has %u segments: %s\n", n,
			        hc_capture_index_note(c) ? hc_capture_index_note(c) : "");
			exit(1);
		}
		hc_capture_close(c);
	}
	return median(v);
}

/* The command, from fork to exit. */
static double info_ms(char *dir)
{
	static char info[] = "info", json[] = "--json", program[] = HC_BUILD_DIR "/hindcast";
	const char *given = getenv("HINDCAST");
	char *path = given ? strdup(given) : program, *argv[] = { path, info, json, dir, NULL };
	posix_spawn_file_actions_t actions;
	double v[ROUNDS];

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid;
		int status;

		v[i] = now_ms();
		if (posix_spawn(&pid, path, &actions, NULL, argv, environ) != 0 ||
		    waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
			fprintf(stderr, "%s info did not succeed\n", path);
			exit(1);
		}
		v[i] = now_ms() - v[i];
	}
	posix_spawn_file_actions_destroy(&actions);
	return median(v);
}

int main(void)
{
	struct hc_gen_opts opts = { .seed = 1,
		                    .mix = HC_GEN_NODE,
		                    .n_rows = N_SEGMENTS * 11 / 20 * 10,
		                    .flush_rows = 10,
		                    .index = true,
		                    .no_hashes = true,
		                    .writer.segment_bytes = 1 };
	struct hc_gen_result res;
	struct hc_err err = { 0 };
	char *dir = hc_gen_tmpdir();
	struct hc_capture *c;
	double with, without;
	uint32_t n;

	if (hc_gen_capture(dir, &opts, &res, &err) < 0 || hc_capture_open(dir, 0, &c, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	hc_capture_segs(c, &n);
	hc_capture_close(c);
	without = open_ms(dir, HC_CAPTURE_NO_INDEX, n);
	with = open_ms(dir, 0, n);
	printf("store.open_segments,%u,segments,,\n", n);
	printf("store.open_indexed,%.2f,ms,%.2f,%.3f\n", with, without, with / without);
	with = info_ms(dir);
	printf("store.info_command,%.2f,ms,%.2f,%.3f\n", with, without, with / without);
	hc_gen_result_done(&res);
	hc_gen_rm(dir);
	free(dir);
	return 0;
}
