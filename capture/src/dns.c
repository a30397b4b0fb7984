/* A strict, bounded parser: pointers go backwards only, names have at most 255 bytes, counts are held against the
 * payload. */
#include "dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAX_WIRE_NAME 255

struct msg {
	const uint8_t *p;
	size_t n;
};

static bool put(char *out, size_t *at, char c)
{
	if (*at + 1 >= DNS_NAME_BYTES)
		return false;
	out[(*at)++] = c;
	return true;
}

/* The label's bytes, with all that is not plain text as \DDD (RFC 4343). */
static bool put_label(char *out, size_t *at, const uint8_t *p, unsigned n)
{
	char esc[5];

	for (unsigned i = 0; i < n; i++) {
		if (p[i] > 0x20 && p[i] < 0x7f && p[i] != '.' && p[i] != '\\') {
			if (!put(out, at, (char)p[i]))
				return false;
			continue;
		}
		snprintf(esc, sizeof(esc), "\\%03u", p[i]);
		for (const char *e = esc; *e; e++)
			if (!put(out, at, *e))
				return false;
	}
	return true;
}

/* A name at `off`. Returns the offset behind it, or 0 when it is no name or is cut. */
static size_t get_name(const struct msg *m, size_t off, char out[DNS_NAME_BYTES])
{
	size_t at = 0, behind = 0, wire = 0, bound = off;

	out[0] = '\0';
	for (;;) {
		unsigned len;

		if (off >= m->n)
			return 0;
		len = m->p[off];
		if ((len & 0xc0) == 0xc0) {
			size_t to;

			if (off + 1 >= m->n)
				return 0;
			to = (size_t)(len & 0x3f) << 8 | m->p[off + 1];
			if (!behind)
				behind = off + 2;
			if (to >= bound)
				return 0; /* forwards or onto itself: for ever */
			off = bound = to;
			continue;
		}
		if (len & 0xc0)
			return 0;
		wire += len + 1;
		if (wire > MAX_WIRE_NAME || off + 1 + len > m->n)
			return 0;
		if (!len)
			break;
		if (at && !put(out, &at, '.'))
			return 0;
		if (!put_label(out, &at, m->p + off + 1, len))
			return 0;
		off += len + 1;
	}
	if (!at)
		out[at++] = '.';
	out[at] = '\0';
	return behind ? behind : off + 1;
}

static uint16_t u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void answer_data(const struct msg *m, size_t off, unsigned len, struct dns_answer *a)
{
	const uint8_t *p = m->p + off;
	size_t at = 0;

	a->data[0] = '\0';
	switch (a->type) {
	case 1: /* A */
		if (len == 4)
			inet_ntop(AF_INET, p, a->data, DNS_NAME_BYTES);
		return;
	case 28: /* AAAA */
		if (len == 16)
			inet_ntop(AF_INET6, p, a->data, DNS_NAME_BYTES);
		return;
	case 2:  /* NS */
	case 5:  /* CNAME */
	case 12: /* PTR */
		if (!get_name(m, off, a->data))
			a->data[0] = '\0';
		return;
	case 15: /* MX */
		if (len < 3 || !get_name(m, off + 2, a->data))
			a->data[0] = '\0';
		return;
	case 33: /* SRV: priority, weight, port, name */
		if (len < 7 || !get_name(m, off + 6, a->data))
			a->data[0] = '\0';
		return;
	case 16: /* TXT: strings with a length byte */
		for (unsigned i = 0; i < len;) {
			unsigned n = p[i++];

			if (n > len - i)
				break;
			if (!put_label(a->data, &at, p + i, n))
				break;
			i += n;
		}
		a->data[at] = '\0';
		return;
	default:
		for (unsigned i = 0; i < len && i < 64; i++)
			at += (size_t)snprintf(a->data + at, DNS_NAME_BYTES - at, "%02x", p[i]);
	}
}

int dns_parse(const void *p, size_t bytes, struct dns_msg *ret)
{
	struct msg m = { p, bytes };
	unsigned n_questions, n_answers;
	size_t off = 12;

	if (bytes < 12)
		return -EBADMSG;
	ret->id = u16(m.p);
	ret->qr = m.p[2] >> 7;
	ret->opcode = m.p[2] >> 3 & 15;
	ret->truncated = m.p[2] >> 1 & 1;
	ret->rcode = m.p[3] & 15;
	ret->qtype = ret->qclass = 0;
	ret->has_question = false;
	ret->qname[0] = '\0';
	ret->n_answers = 0;
	n_questions = u16(m.p + 4);
	n_answers = u16(m.p + 6);
	if (n_questions > 1 || ret->opcode > 6 || (!n_questions && !n_answers))
		return -EBADMSG; /* nobody sends two questions: some other protocol on this port */
	if (!ret->qr && n_answers)
		return -EBADMSG;
	if (n_questions) {
		size_t next = get_name(&m, off, ret->qname);

		if (!next || bytes - next < 4)
			return -EBADMSG;
		ret->qtype = u16(m.p + next);
		ret->qclass = u16(m.p + next + 2);
		ret->has_question = true;
		off = next + 4;
	}
	for (unsigned i = 0; i < n_answers; i++) {
		struct dns_answer *a;
		size_t next;
		unsigned len;

		if (ret->n_answers == DNS_MAX_ANSWERS) {
			ret->truncated = true;
			break;
		}
		a = &ret->answer[ret->n_answers];
		next = get_name(&m, off, a->name);
		if (!next || bytes - next < 10) {
			ret->truncated = true;
			break;
		}
		a->type = u16(m.p + next);
		a->ttl = (uint32_t)u16(m.p + next + 4) << 16 | u16(m.p + next + 6);
		len = u16(m.p + next + 8);
		next += 10;
		if (bytes - next < len) {
			ret->truncated = true;
			break;
		}
		answer_data(&m, next, len, a);
		ret->n_answers++;
		off = next + len;
	}
	return 0;
}
