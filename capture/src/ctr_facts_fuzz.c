/* Any bytes as a runtime's file or answer, the first of them choosing which: limits hold, and what is told lies in
 * the facts. */
#include "ctr_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int parse(unsigned which, struct hc_str text, struct ctr_facts *f)
{
	switch ((which - '0') % 12) {
	case 0:
		return ctr_parse_oci(text, f);
	case 1:
		return ctr_parse_oci_sandbox(text, f);
	case 2:
		return ctr_parse_docker(text, f);
	case 3:
		return ctr_parse_docker_host(text, f);
	case 4:
		f->image_id = HC_STR("1234");
		return ctr_parse_docker_repos(text, f);
	case 5:
		return ctr_parse_podman(text, HC_STR("0123"), f);
	case 6:
		return ctr_parse_runc(text, f);
	case 7:
		return ctr_parse_crun(text, f);
	case 8:
		return ctr_parse_falco(text, f, &(struct hc_str){ 0 });
	case 9:
		return ctr_parse_docker_api(text, HC_STR("0123"), f);
	case 10:
		return ctr_parse_podman_api(text, HC_STR("0123"), f);
	default:
		f->image_id = HC_STR("1234");
		return ctr_parse_docker_image(text, f);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctr_facts *f = ctr_facts_new();
	uint32_t files;

	if (!f || !size) {
		ctr_facts_free(f);
		return 0;
	}
	files = f->files;
	if (parse(data[0], (struct hc_str){ (const char *)data + 1, (uint32_t)size - 1 }, f) < 0 &&
	    f->files != files)
		abort(); /* a file that is none told something */
	ctr_check(f);
	if (f->arena.used_bytes > CTR_MAX_BYTES + 6 * CTR_MAX_ITEMS * (sizeof(struct hc_str) + 16) + (64u << 10))
		abort();
	ctr_facts_free(f);
	return 0;
}
