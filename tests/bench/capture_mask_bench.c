/*
 * Masking: what an exec and a byte of payload cost more than writing them as they are. The baseline is a copy of
 * the same bytes. Arguments and environment are those of a service started by systemd; payloads are HTTP, noise,
 * what /proc has of that service, and numbers of which most bytes are zero.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture/mask.h"

enum { N_ROUNDS = 9, N_TIMES = 4000, PAYLOAD_BYTES = 512 };

static const char args[] =
	"/usr/sbin/service\0--config\0/etc/service/main.conf\0--listen=0.0.0.0:8080\0--workers\0"
	"4\0--verbose";
static const char env[] =
	"LANG=C.UTF-8\0PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\0HOME=/var/lib/service\0"
	"LOGNAME=service\0USER=service\0SHELL=/usr/sbin/nologin\0INVOCATION_ID=9c9b1e1d4f0a4c7f8d1d4d4b5a1c2e3f\0"
	"JOURNAL_STREAM=8:25167\0SYSTEMD_EXEC_PID=1234\0RUNTIME_DIRECTORY=/run/service\0TZ=UTC\0"
	"STATE_DIRECTORY=/var/lib/service\0CACHE_DIRECTORY=/var/cache/service\0LC_ALL=C.UTF-8\0EDITOR=vi\0"
	"SERVICE_OPTIONS=--max-connections=1000 --timeout=30 --cache-size=256m\0TERM=linux\0PWD=/\0SHLVL=1";
static const char request[] = "GET /api/v1/items?page=3&limit=50 HTTP/1.1\r\nHost: shop.example.com\r\n"
			      "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: application/json\r\n"
			      "Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n\r\n";

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(struct hc_mask *m, const char *name, enum hc_mask_form form, const char *p, size_t n,
                    double per)
{
	double with[N_ROUNDS], without[N_ROUNDS];
	struct hc_mask_hits hits;
	char *copy = malloc(n);
	size_t got, sum = 0;

	for (int round = 0; copy && round < N_ROUNDS; round++) {
		double at = now();

		for (int i = 0; i < N_TIMES; i++) {
			hc_mask_apply(m, form, p, n, &got, &hits);
			sum += got + hits.n;
		}
		with[round] = (now() - at) / N_TIMES;
		at = now();
		for (int i = 0; i < N_TIMES; i++) {
			memcpy(copy, p, n);
			__asm__ volatile("" : : "r"(copy) : "memory");
		}
		without[round] = (now() - at) / N_TIMES;
	}
	if (!copy || !sum)
		exit(1);
	qsort(with, N_ROUNDS, sizeof(*with), by_value);
	qsort(without, N_ROUNDS, sizeof(*without), by_value);
	printf("%s,%.3f,ns,%.3f,%.2f\n", name, with[N_ROUNDS / 2] / per, without[N_ROUNDS / 2] / per,
	       with[N_ROUNDS / 2] / without[N_ROUNDS / 2]);
	free(copy);
}

int main(void)
{
	struct hc_mask *m = NULL;
	struct hc_err err = { 0 };
	char payload[PAYLOAD_BYTES], noise[PAYLOAD_BYTES], words[PAYLOAD_BYTES], numbers[PAYLOAD_BYTES];
	uint64_t seed = 88172645463325252u;

	if (hc_mask_new(&m, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	for (size_t i = 0; i < PAYLOAD_BYTES; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		noise[i] = (char)seed;
		payload[i] = request[i % (sizeof(request) - 1)];
		words[i] = i < sizeof(args) ? args[i] : env[(i - sizeof(args)) % sizeof(env)];
		numbers[i] = (char)(i % 4 ? 0 : seed);
	}
	measure(m, "mask_exec_args", HC_MASK_ARGS, args, sizeof(args), 1);
	measure(m, "mask_exec_env", HC_MASK_ENV, env, sizeof(env), 1);
	measure(m, "mask_payload_http_byte", HC_MASK_BYTES, payload, sizeof(payload), PAYLOAD_BYTES);
	measure(m, "mask_payload_noise_byte", HC_MASK_BYTES, noise, sizeof(noise), PAYLOAD_BYTES);
	measure(m, "mask_payload_words_byte", HC_MASK_BYTES, words, sizeof(words), PAYLOAD_BYTES);
	measure(m, "mask_payload_numbers_byte", HC_MASK_BYTES, numbers, sizeof(numbers), PAYLOAD_BYTES);
	hc_mask_free(m);
	return 0;
}
