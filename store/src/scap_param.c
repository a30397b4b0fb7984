/* Parameters that have parts. */
#include "store/scap.h"

#include "store/base/rd.h"

/* What is left up to a NUL; .p NULL once the reader is bad. */
static struct hc_str rest_text(const struct hc_rd *rd)
{
	const char *p = (const char *)rd->p;

	return rd->bad ? (struct hc_str){ NULL, 0 } : (struct hc_str){ p, (uint32_t)strnlen(p, hc_rd_left(rd)) };
}

bool hc_scap_saddr(struct hc_str param, struct hc_scap_addr *ret)
{
	struct hc_rd rd = hc_rd_init(param.p, param.len);
	struct hc_scap_addr a = { .family = hc_rd_u8(&rd) };

	switch (a.family) {
	case HC_SCAP_AF_INET:
	case HC_SCAP_AF_INET6:
		hc_rd_copy(&rd, a.ip, a.family == HC_SCAP_AF_INET ? 4 : 16);
		a.port = hc_rd_u16(&rd);
		break;
	case HC_SCAP_AF_UNIX:
		a.path = rest_text(&rd);
		break;
	default:
		break;
	}
	if (rd.bad)
		return false;
	*ret = a;
	return true;
}

bool hc_scap_stuple(struct hc_str param, struct hc_scap_tuple *ret)
{
	struct hc_rd rd = hc_rd_init(param.p, param.len);
	struct hc_scap_tuple t = { .family = hc_rd_u8(&rd) };
	size_t n = t.family == HC_SCAP_AF_INET ? 4 : 16;

	switch (t.family) {
	case HC_SCAP_AF_INET:
	case HC_SCAP_AF_INET6:
		hc_rd_copy(&rd, t.sip, n);
		t.sport = hc_rd_u16(&rd);
		hc_rd_copy(&rd, t.dip, n);
		t.dport = hc_rd_u16(&rd);
		break;
	case HC_SCAP_AF_UNIX:
		t.source = hc_rd_u64(&rd);
		t.peer = hc_rd_u64(&rd);
		t.path = rest_text(&rd);
		break;
	default:
		break;
	}
	if (rd.bad)
		return false;
	*ret = t;
	return true;
}

bool hc_scap_fdlist(struct hc_str param, uint32_t *pos, int64_t *ret_fd, uint16_t *ret_flags)
{
	struct hc_rd rd = hc_rd_init(param.p, param.len);
	uint16_t n = hc_rd_u16(&rd);

	if (rd.bad || *pos >= n || !hc_rd_bytes(&rd, (size_t)*pos * 10))
		return false;
	*ret_fd = (int64_t)hc_rd_u64(&rd);
	*ret_flags = hc_rd_u16(&rd);
	if (rd.bad)
		return false;
	++*pos;
	return true;
}

bool hc_scap_strings(struct hc_str *rest, struct hc_str *ret)
{
	uint32_t n;

	if (!rest->len)
		return false;
	n = (uint32_t)strnlen(rest->p, rest->len);
	*ret = (struct hc_str){ rest->p, n };
	n += n < rest->len;
	rest->p += n;
	rest->len -= n;
	return true;
}
