/* Reading a scap file: processor time per event, beyond what decompressing it costs. Of the largest capture of the
 * corpus. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "scap_priv.h"

#include <fcntl.h>

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t read_all(const char *path, uint64_t *ret_events)
{
	struct hc_err err = { 0 };
	struct hc_scap_reader *r = NULL;
	const struct hc_scap_item *item;
	uint64_t begin = now(), took;
	int e = hc_scap_open(path, &r, &err);

	while (e >= 0 && (e = hc_scap_next(r, &item, &err)) > 0)
		;
	took = now() - begin;
	if (e < 0) {
		fprintf(stderr, "%s\n", err.msg);
		exit(1);
	}
	*ret_events = hc_scap_stats(r)->n_events;
	hc_scap_close(r);
	return took;
}

static uint64_t unpack_all(const char *path)
{
	struct hc_scap_stream *s = NULL;
	const uint8_t *p;
	uint64_t begin = now();
	int64_t n = hc_scap_stream_take(open(path, O_RDONLY | O_CLOEXEC), path, &s, NULL);

	while (n >= 0 && (n = hc_scap_stream_need(s, 65536, &p, NULL)) > 0)
		hc_scap_stream_skip(s, (size_t)n);
	if (n < 0)
		exit(1);
	hc_scap_stream_free(s);
	return now() - begin;
}

int main(void)
{
	const char *corpus = getenv("HINDCAST_CORPUS");
	char path[4096];
	uint64_t best = UINT64_MAX, floor_ns = UINT64_MAX, n = 0;

	snprintf(path, sizeof(path), "%s/scap/big.scap.zst", corpus ? corpus : HC_SOURCE_DIR "/../shared/corpus");
	if (access(path, R_OK) != 0) {
		printf("%s is not here: set HINDCAST_CORPUS\n", path);
		return 77;
	}
	for (unsigned i = 0; i < 3; i++) {
		uint64_t t = read_all(path, &n), f = unpack_all(path);

		best = t < best ? t : best;
		floor_ns = f < floor_ns ? f : floor_ns;
	}
	printf("scap_read,%.1f,ns/event,%.1f,%.2f\n", (double)best / (double)n, (double)floor_ns / (double)n,
	       (double)best / (double)floor_ns);
	return 0;
}
