/* Any bytes as a DNS message: parsing ends, texts are terminated, and what is accepted is within its limits. */
#include "dns.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_msg m;

	memset(&m, 0xaa, sizeof(m));
	if (dns_parse(data, size, &m) < 0)
		return 0;
	if (m.n_answers > DNS_MAX_ANSWERS || !memchr(m.qname, '\0', sizeof(m.qname)))
		abort();
	for (uint32_t i = 0; i < m.n_answers; i++)
		if (!memchr(m.answer[i].name, '\0', DNS_NAME_BYTES) ||
		    !memchr(m.answer[i].data, '\0', DNS_NAME_BYTES))
			abort();
	return 0;
}
