/* Values of accesses from an entry on the way. */
#ifndef HC_REPLAY_ACCESS_PRIV_H
#define HC_REPLAY_ACCESS_PRIV_H

#include "ir_priv.h"

#define HC_MAX_ANCESTORS 4096 /* a chain that is longer is none that a kernel made */

/* The value for an entry of the domain to which the first `skip` steps of the access's path lead; 0: of the row.
 */
struct hc_value hc_access_from(struct hc_view *v, const struct hc_access *a, uint32_t entry, unsigned skip);

#endif
