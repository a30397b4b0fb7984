/* Falco's fields as accesses of the IR, per event type. */
#ifndef HC_FALCO_BIND_H
#define HC_FALCO_BIND_H

#include "replay/dialects/falco/check.h"
#include "replay/dialects/falco/rows.h"
#include "replay/ir.h"

/* Why a field has no value, beside "not on this event". */
struct fwhy {
	uint16_t field;
	const char *text; /* NULL: nothing is wrong */
	const char *fact; /* what a capture may have or not; NULL: none has it */
	const char *remedy;
};

#define FBINDER_KNOWN 128 /* a power of two */

struct fbinder {
	struct hc_ir *ir;
	bool own_events; /* rows that Falco does not know have fields too */
	bool base64;     /* bytes in evt.args and evt.arg are in base64: see fbinder_base64() */
	unsigned type;
	bool child;
	const struct frow *row;
	const struct hc_path *at_row, *task, *proc, *image, *fd, *sock; /* NULL: the type has none */
	struct fkeep *kept;                                             /* arguments of leaves, one of each */
	struct fwhy why;                                                /* of the last falco_bind */
	/* What fields were bound to on this type, by a hash of the field: rules ask for a few, again and again. */
	uint32_t stamp;
	struct fknown {
		uint32_t stamp; /* of the type; another: empty */
		struct fref field;
		const struct hc_access *access;
		struct fwhy why;
	} known[FBINDER_KNOWN];
};

void fbinder_init(struct fbinder *b, struct hc_ir *ir, bool own_events);
void fbinder_type(struct fbinder *b, unsigned type);
/* The event that a fork is for the new process: type is that of the fork. */
void fbinder_type_child(struct fbinder *b);

/* From now on; what was bound is forgotten. */
void fbinder_base64(struct fbinder *b, bool base64);

/* A field's value; NULL: it never has one on rows of this type (b->why may say more). */
const struct hc_access *falco_bind(struct fbinder *b, const struct fref *f);
/* Of a field of processes, reached over another process: bare ancestor fields. NULL when it is none of them. */
const struct hc_access *falco_bind_any_ancestor(struct fbinder *b, const struct fref *f);
/* Address or port of one end of the row's socket, and of the other: what fd.ip, fd.net and fd.port look at. */
const struct hc_access *falco_bind_end(struct fbinder *b, bool port, bool other);
bool falco_is_ancestor_field(const struct fref *f); /* bare: any ancestor */
/* Transformers and lists too. */
const struct hc_access *falco_bind_val(struct fbinder *b, const struct fx_val *v);
/* Is that field of the type, which earlier recorders did not know, without its value in the rows of `sys` that
 * they wrote instead? The binder's type is another one afterwards. */
bool falco_former_lacks(struct fbinder *b, unsigned type, const struct fref *f);
/* A text at an address of its own: leaves' arguments are compared by address. */
const struct hc_str *fbinder_keep(struct fbinder *b, struct hc_str s);

/* Event types that have a row for Falco; own: all but those of the recorder. */
struct hc_type_set falco_event_types(bool own);

#endif
