/* Insides of the metrics, shared by metrics.c (text), metrics_recorder.c (what the recorder tells) and
 * metrics_http.c (the server). */
#ifndef HC_CAPTURE_METRICS_PRIV_H
#define HC_CAPTURE_METRICS_PRIV_H

#include "capture/metrics.h"

#include <sys/types.h>

#define METRICS_MAX_PEERS 64

struct MHD_Daemon;
struct MHD_Connection;
struct MHD_Response;

struct hc_metrics_out {
	bool openmetrics;
	char *text;
	size_t n, room;
	int code;         /* -ENOMEM, -E2BIG: nothing more is written */
	const char *name; /* of the family being written; NULL: none yet */
	enum hc_metric_type type;
};

struct metrics_collector {
	hc_metrics_fn fn;
	void *ctx;
};

/* What became of a connection. */
enum metrics_peer_end {
	METRICS_PEER_BROKEN,   /* no whole request came: too long, not HTTP, gone */
	METRICS_PEER_ANSWERED, /* what it asked for */
	METRICS_PEER_REFUSED,  /* it asked for another page, or with another method */
	METRICS_PEER_SLOW,     /* it was there for too long */
	METRICS_PEER_TOO_MANY, /* it made room for newer ones */
	METRICS_PEER_N_ENDS,
};

#define METRICS_OWNER_BYTES 16

struct metrics_peer {
	struct MHD_Connection *connection; /* NULL: free */
	int fd;
	bool cut;                  /* told to go */
	enum metrics_peer_end end; /* as it would be now */
	uint64_t begun_ns;         /* boot clock */
	uint8_t owner[METRICS_OWNER_BYTES];
};

struct hc_metrics {
	struct hc_metrics_opts opts;
	struct metrics_collector collector[HC_METRICS_MAX_COLLECTORS];
	uint32_t n_collectors;
	struct hc_daemon *daemon; /* NULL until it runs */
	struct hc_daemon_part part;
	gid_t group;
	/* the server; http NULL: does not listen */
	struct MHD_Daemon *http;
	int fd, epoll_fd; /* listening; the library's */
	struct metrics_peer peer[METRICS_MAX_PEERS];
	struct {
		struct MHD_Response *response; /* NULL: none is kept */
		uint64_t made_ns;              /* boot clock */
	} kept[2];                             /* plain, OpenMetrics */
	bool runs_again;                       /* a timer is set */
	uint64_t n_scrapes[2], text_ns;        /* text_ns: spent in making texts */
	uint64_t n_peers_ended[METRICS_PEER_N_ENDS];
};

/* The recorder's own families. m->daemon is set. */
void metrics_recorder(struct hc_metrics *m, struct hc_metrics_out *out);

#endif
