/* How the parsers put what they read into the facts: only what is not known yet, within the limits. */
#ifndef HC_CAPTURE_CTR_FACTS_PRIV_H
#define HC_CAPTURE_CTR_FACTS_PRIV_H

#include "ctr_facts.h"

/* A copy of the text, when `at` is not told; .p NULL tells nothing. */
void ctr_set(struct ctr_facts *f, struct hc_str *at, struct hc_str s);
/* The same, but an empty text tells nothing either. */
void ctr_set_some(struct ctr_facts *f, struct hc_str *at, struct hc_str s);
void ctr_set_tri(uint8_t *at, bool on);
/* Room for n items, of which CTR_MAX_ITEMS are kept; false when the list is told already, or empty. */
bool ctr_list_begin(struct ctr_facts *f, struct ctr_strs *list, bool *has, size_t n);
void ctr_list_add(struct ctr_facts *f, struct ctr_strs *list, struct hc_str s);
/* Parts joined, with c between them. */
void ctr_list_add_joined(struct ctr_facts *f, struct ctr_strs *list, char c, const struct hc_str *part, size_t n);
/* Without "sha256:" before it. */
struct hc_str ctr_less_sha256(struct hc_str s);
/* "NAME@DIGEST" of an image: unless another repository than NAME is known. */
void ctr_set_repo_digest(struct ctr_facts *f, struct hc_str name_at_digest);

#endif
