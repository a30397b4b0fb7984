/* Who asks for metrics, and what they get. */
#include "metrics_priv.h"

#include <errno.h>
#include <stdlib.h>

int hc_metrics_new(const struct hc_metrics_opts *opts, struct hc_metrics **ret, struct hc_err *err)
{
	struct hc_metrics *m = calloc(1, sizeof(*m));

	if (!m)
		return hc_err_set(err, -ENOMEM, "out of memory");
	m->opts = *opts;
	*ret = m;
	return 0;
}

struct hc_metrics *hc_metrics_free(struct hc_metrics *m)
{
	free(m);
	return NULL;
}
