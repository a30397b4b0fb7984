/* DNS messages as they go over the wire: what net_dns rows are made of. */
#ifndef HC_CAPTURE_DNS_H
#define HC_CAPTURE_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_NAME_BYTES 1024 /* escaped text, with its NUL */
#define DNS_MAX_ANSWERS 16

struct dns_answer {
	char name[DNS_NAME_BYTES];
	char data[DNS_NAME_BYTES]; /* address or name or hex */
	uint16_t type;
	uint32_t ttl;
};

struct dns_msg {
	uint16_t id, qtype, qclass;
	uint8_t qr, opcode, rcode;
	bool truncated; /* TC, or the payload was cut before the end */
	bool has_question;
	char qname[DNS_NAME_BYTES];
	uint32_t n_answers;
	struct dns_answer answer[DNS_MAX_ANSWERS];
};

/* 0, or -EBADMSG when it is no DNS message. What is cut at the end is left out and marks the message truncated. */
int dns_parse(const void *p, size_t bytes, struct dns_msg *ret);

#endif
