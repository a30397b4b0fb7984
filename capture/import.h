/*
 * Captures of other recorders become captures of ours: the events in their order and with their times, each with
 * what was known of its process, descriptors and sockets at that moment, by the rules of the recorder that they
 * come from.
 */
#ifndef HC_CAPTURE_IMPORT_H
#define HC_CAPTURE_IMPORT_H

#include <stdint.h>

#include "store/base/cleanup.h"
#include "store/base/err.h"
#include "store/scap.h"
#include "store/writer.h"

struct hc_scap_import;

struct hc_scap_import_stats {
	uint64_t n_events;         /* that rules can see */
	uint64_t n_enter;          /* that only tell what a call was asked for */
	uint64_t n_rows;           /* written, with those that the importer adds */
	uint64_t n_processes;      /* seen */
	uint64_t n_no_type;        /* events that no type of ours stands for, left out */
	uint64_t n_ctrs;           /* events that told of a container */
	uint64_t n_ctr_cut;        /* facts in them that were left out for their size or number */
	uint64_t n_bad_ctrs;       /* the same that could not be read */
	int64_t from_ns, until_ns; /* of events, since 1970; 0 without any */
};

/* The state of one scap file. The writer is the caller's, set before the first event. */
int hc_scap_import_new(struct hc_scap_import **ret, struct hc_err *err);
void hc_scap_import_set_writer(struct hc_scap_import *im, struct hc_writer *w);
/* One item of the file, in its order. A failed write is returned; nothing in the item can make it fail. */
int hc_scap_import_item(struct hc_scap_import *im, const struct hc_scap_item *item, struct hc_err *err);
struct hc_scap_import_stats hc_scap_import_stats(const struct hc_scap_import *im);
struct hc_scap_import *hc_scap_import_free(struct hc_scap_import *im);
HC_DEFINE_AUTO(struct hc_scap_import, hc_scap_import_free)

/* A whole file into a new capture. */
struct hc_import_opts {
	const char *file, *dir; /* dir: made; one that is there must be empty */
	const char *tool;       /* "hindcast VERSION" */
	/* Now and then, with what has been read of the file so far; total 0: not known. True ends the import with
	 * -EINTR. NULL: nobody looks. */
	bool (*progress)(void *ctx, uint64_t bytes, uint64_t total_bytes);
	void *ctx;
};

struct hc_import_summary {
	struct hc_scap_import_stats import;
	struct hc_scap_stats file;
	uint64_t n_rows, bytes, n_segments; /* of the capture */
	bool damaged; /* the file ends before its end: all before is imported, and `why` has the place */
	struct hc_err why;
};

/* 0, also when the file is damaged behind its beginning; a negative errno when nothing was imported, or writing
 * failed. */
int hc_import_scap(const struct hc_import_opts *opts, struct hc_import_summary *ret, struct hc_err *err);

#endif
