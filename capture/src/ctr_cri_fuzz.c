/* Any bytes as a runtime's answer by the CRI, the first of them choosing to what: limits hold, what is told lies
 * in the facts, and an answer that is none tells nothing. */
#include "ctr_cri.h"

#include <stdlib.h>
#include <string.h>

#include "ctr_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int parse(unsigned which, const uint8_t *p, size_t n, struct ctr_facts *f)
{
	switch (which % 4) {
	case 0:
		return ctr_cri_parse_container(p, n, HC_STR("01"), f);
	case 1:
		return ctr_cri_parse_sandbox(p, n, HC_STR("01"), false, f);
	case 2:
		return ctr_cri_parse_sandbox(p, n, HC_STR("01"), true, f);
	default:
		f->image_id = HC_STR("01");
		return ctr_cri_parse_image(p, n, f);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctr_facts *f = ctr_facts_new();
	uint8_t *body = malloc(size + 4);
	size_t n = size ? size - 1 : 0;

	if (f && body && size) {
		/* the head of gRPC, right: what is behind it is the matter */
		body[0] = 0;
		for (unsigned i = 0; i < 4; i++)
			body[1 + i] = (uint8_t)(n >> (24 - 8 * i));
		memcpy(body + 5, data + 1, n);
		if (parse(data[0], body, 5 + n, f) < 0 &&
		    (f->files || f->name.p || f->has_labels || f->has_pod_labels))
			abort();
		ctr_check(f);
		parse(data[0], data + 1, n, f); /* a wrong head */
	}
	free(body);
	ctr_facts_free(f);
	return 0;
}
