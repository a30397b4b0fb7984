/* What holds for facts of a container whatever they were read from: shared by the fuzz targets of their readers.
 */
#ifndef HC_CAPTURE_CTR_FUZZ_H
#define HC_CAPTURE_CTR_FUZZ_H

#include <stdlib.h>

#include "ctr_facts.h"

static inline void ctr_check_list(const struct ctr_strs *list)
{
	if (list->n > CTR_MAX_ITEMS)
		abort();
	for (uint32_t i = 0; i < list->n; i++)
		if (!list->v[i].p || list->v[i].len > CTR_MAX_TEXT_BYTES || list->v[i].p[list->v[i].len] != '\0')
			abort();
}

/* Limits hold, and what is told lies in the facts. */
static inline void ctr_check(struct ctr_facts *f)
{
	ctr_image_parts(f);
	ctr_check_list(&f->mounts);
	ctr_check_list(&f->labels);
	ctr_check_list(&f->annotations);
	ctr_check_list(&f->pod_labels);
	ctr_check_list(&f->pod_annotations);
	ctr_check_list(&f->env_names);
}

#endif
