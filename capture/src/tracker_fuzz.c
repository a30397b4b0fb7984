/* Any bytes as a sequence of wire records: the tracker takes all, its tables stay bounded by what it was given,
 * and the capture it writes is a whole one. */
#include "tracker_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "written_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64];

static void clean(void)
{
	char cmd[128];

	if (!dir[0])
		return;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd) != 0)
		abort();
}

/* One in a number of inputs is written out and read back. */
static struct hc_writer *writer_of(void)
{
	struct hc_writer_opts wo = {
		.dir = dir, .node = "n", .tool = "fuzz", .capture_id = { 1 }, .boot_id = { 2 }
	};
	struct hc_writer *w;

	if (!dir[0]) {
		snprintf(dir, sizeof(dir), "/tmp/hc-tracker-fuzz-XXXXXX");
		if (!mkdtemp(dir))
			abort();
		atexit(clean);
	}
	return hc_writer_open(&wo, &w, NULL) == 0 ? w : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint64_t rec[HC_WIRE_MAX_BYTES / 8];
	struct hc_tracker_opts to = { 0 };
	struct hc_tracker *t;
	struct hc_writer *w;

	if (hc_tracker_new(&to, &t, NULL) < 0 || !(w = writer_of()))
		abort();
	hc_tracker_set_writer(t, w);
	while (size >= sizeof(struct hc_wire_head)) {
		struct hc_wire_head h;
		size_t n;

		memcpy(&h, data, sizeof(h));
		n = h.bytes % 2048 / 8 * 8;
		n = n < sizeof(h) ? sizeof(h) : n;
		n = n > size ? size / 8 * 8 : n;
		memcpy(rec, data, n);
		h.bytes = (uint32_t)n;
		h.type = (uint16_t)(h.type % HC_EV_MAX);
		h.n_slots %= HC_WIRE_MAX_SLOTS + 1;
		h.tid %= 8; /* few processes, so that they meet */
		h.tgid = h.tid & 6;
		h.start_ns %= 2;
		memcpy(rec, &h, sizeof(h));
		if (hc_tracker_push(t, (struct hc_wire_head *)rec, n, h.ts_ns & 1, NULL) < 0)
			abort();
		data += n;
		size -= n;
	}
	hc_tracker_snapshot_done(t, NULL);
	hc_tracker_tick(t, UINT64_MAX / 2, NULL);
	if (hc_writer_close(w, NULL) < 0)
		abort();
	hc_tracker_free(t);
	check_written(dir);
	clean();
	dir[0] = '\0';
	return 0;
}
