/*
 * What is asked of a runtime by the Kubernetes Container Runtime Interface, and its answers (k8s.io/cri-api,
 * pkg/apis/runtime/v1/api.proto): gRPC messages, written and read by hand, for three calls need no more.
 *
 * An answer is foreign bytes: each length is held against what is there, each text and list against the limits of
 * ctr_facts.h. Facts are added as by the parsers there.
 */
#ifndef HC_CAPTURE_CTR_CRI_H
#define HC_CAPTURE_CTR_CRI_H

#include <stddef.h>

#include "ctr_facts.h"

#define CTR_CRI_MAX_ASK_BYTES (CTR_MAX_TEXT_BYTES + 32)

/* Write a request with gRPC's head before it; the number of bytes, 0: the text is too long. */
size_t ctr_cri_ask_container(struct hc_str id, uint8_t ret[CTR_CRI_MAX_ASK_BYTES]); /* ContainerStatus, verbose */
size_t ctr_cri_ask_sandbox(struct hc_str id, uint8_t ret[CTR_CRI_MAX_ASK_BYTES]);   /* PodSandboxStatus */
size_t ctr_cri_ask_image(struct hc_str image, uint8_t ret[CTR_CRI_MAX_ASK_BYTES]);  /* ImageStatus */

/* Each takes the whole body of an answer. 0, -EBADMSG no such answer, -ENOENT it tells of another container,
 * sandbox or image than was asked for: then the facts are as before. */
int ctr_cri_parse_container(const void *p, size_t n, struct hc_str id, struct ctr_facts *f);
/* id: of the sandbox; own: it is the container itself, not the sandbox that it is in. */
int ctr_cri_parse_sandbox(const void *p, size_t n, struct hc_str id, bool own, struct ctr_facts *f);
/* Of the image f->image_id. */
int ctr_cri_parse_image(const void *p, size_t n, struct ctr_facts *f);

#endif
