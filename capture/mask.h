/*
 * Masking: secrets in arguments, environments and payloads are overwritten before anything is written. What the
 * text says beside them stays: `--password=hunter2` becomes `--password=***`, so a policy that asks whether the
 * option was given still answers. docs/privacy.md has the rules.
 *
 * A value in a text becomes `***` whatever its length; in a payload each of its bytes becomes '*', so that offsets
 * and lengths that a protocol names stay true. One thread.
 */
#ifndef HC_CAPTURE_MASK_H
#define HC_CAPTURE_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/cleanup.h"
#include "store/base/err.h"
#include "store/base/str.h"

#define HC_MASK_MAX_RULES 1024u
#define HC_MASK_MAX_FILE_BYTES (256u << 10)
#define HC_MASK_MAX_HITS 8u /* rules told apart in one text; more are counted with the last */

struct hc_mask;

/* The default rules. */
int hc_mask_new(struct hc_mask **ret, struct hc_err *err);
struct hc_mask *hc_mask_free(struct hc_mask *m);
HC_DEFINE_AUTO(struct hc_mask, hc_mask_free)
/* Adds the rules of a text; `file` names it in errors (file:line:column). After an error only hc_mask_free. */
int hc_mask_add(struct hc_mask *m, const char *file, const char *text, size_t n_bytes, struct hc_err *err);
int hc_mask_add_file(struct hc_mask *m, const char *file, struct hc_err *err);
/* "default", "default, /etc/rules sha256=...": which rules are in force, for meta_config. Borrowed until changed.
 */
const char *hc_mask_text(const struct hc_mask *m);
/* As it was written: "name *password*". Borrowed. */
const char *hc_mask_rule(const struct hc_mask *m, uint32_t rule);
uint32_t hc_mask_n_rules(const struct hc_mask *m);

enum hc_mask_form {
	HC_MASK_ARGS,  /* NUL-separated arguments; options take their value from the next one */
	HC_MASK_ENV,   /* NUL-separated NAME=VALUE */
	HC_MASK_TEXT,  /* one text */
	HC_MASK_BYTES, /* a payload, perhaps cut at its end; the length stays. What NULs separate in it is taken
	                * for arguments and NAME=VALUE, too (/proc/PID/cmdline) */
};

struct hc_mask_hits {
	uint32_t n;
	struct {
		uint32_t rule, count; /* values overwritten by it */
	} hit[HC_MASK_MAX_HITS];
};

/*
 * The masked text: `p` itself when there is nothing to mask, else memory of `m`, valid until the next call.
 * hits->n is 0 when nothing was masked. NULL when out of memory.
 */
const void *hc_mask_apply(struct hc_mask *m, enum hc_mask_form form, const void *p, size_t n_bytes,
                          size_t *ret_bytes, struct hc_mask_hits *hits);

/* ---- where it is off ---- */

enum hc_mask_scope_kind {
	HC_MASK_COMM,
	HC_MASK_EXE,
	HC_MASK_CGROUP,    /* and those below it */
	HC_MASK_CONTAINER, /* its whole id */
	HC_MASK_IMAGE,     /* a glob: '*' any text, '?' one character */
	HC_MASK_NAMESPACE, /* of its pod */
	HC_MASK_N_SCOPES
};

/* A process, as far as scopes ask; .p NULL: not known, and no scope of that kind takes it. */
struct hc_mask_who {
	struct hc_str comm, exe, cgroup, container, image, ns;
};

/* From now on (or no more) processes of this kind are not masked. */
int hc_mask_scope_add(struct hc_mask *m, enum hc_mask_scope_kind kind, struct hc_str value);
void hc_mask_scope_remove(struct hc_mask *m, enum hc_mask_scope_kind kind, struct hc_str value);
bool hc_mask_has_scopes(const struct hc_mask *m);
/* False when a scope takes the process. */
bool hc_mask_wants(const struct hc_mask *m, const struct hc_mask_who *who);

#endif
