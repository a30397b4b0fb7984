/* What was there before the first event of an export, found by going through its rows once. */
#ifndef HC_QUERY_SCAP_LISTS_H
#define HC_QUERY_SCAP_LISTS_H

#include "query/scap_export.h"
#include "replay/falco_scap.h"
#include "replay/value.h"

struct scap_lists;

struct scap_lists *scap_lists_new(bool imported); /* from a scap file */
struct scap_lists *scap_lists_free(struct scap_lists *l);
HC_DEFINE_AUTO(struct scap_lists, scap_lists_free)

/* A block that rows are about to come from, then its rows in the order of the capture. -ENOMEM. */
int scap_lists_block(struct scap_lists *l, struct hc_view *v);
/* Of each PROC of the row's block, zero at first, so that each is looked at once. */
struct scap_seen {
	uint64_t *proc;               /* a bit each */
	struct hc_falco_known *known; /* .image is 0 until then */
};
int scap_lists_row(struct scap_lists *l, struct hc_view *v, unsigned type, uint32_t entry, struct scap_seen *seen);
/* The row of META_START: the machine and its interfaces. */
int scap_lists_machine(struct scap_lists *l, struct hc_view *v, uint32_t entry, const char *node);

/* Before the rows come for the second time: from then on each call of scap_lists_row finds what readers would have
 * wrong of the row's thread, the descriptors that are others than the events so far have told of, and the
 * container of the row's process, of which more is known than they have, and its users. */
int scap_lists_again(struct scap_lists *l);
struct scap_fix {
	int64_t num;
	uint32_t fdobj;
};
const struct scap_fix *scap_lists_fixes(const struct scap_lists *l, uint32_t *ret_n);
/* HC_FALCO_TELL_*; and the thread whose end has to be told first, or -1. */
unsigned scap_lists_tell(const struct scap_lists *l, int64_t *ret_end);
uint32_t scap_lists_container(const struct scap_lists *l); /* 0: there is nothing to tell */
/* Users and groups of the container that the row's process is in, of whom no event has told. */
struct scap_name {
	uint32_t ref, ctr;
	bool group;
};
const struct scap_name *scap_lists_names(const struct scap_lists *l, uint32_t *ret_n);

int scap_lists_write(struct scap_lists *l, struct hc_scap_writer *w, struct hc_scap_export_stats *stats,
                     struct hc_err *err);

#endif
