/*
 * The wire format of protobuf (protobuf.dev/programming-guides/encoding): fields of a number and a type, in any
 * order, those not known skipped. Before a message stands gRPC's head: a byte, 0 when it is not compressed, and
 * its length, big endian.
 */
#include "ctr_cri.h"

#include <errno.h>
#include <string.h>

#include "ctr_facts_priv.h"
#include "store/base/rd.h"

#define HEAD_BYTES 5u

enum wire { WIRE_VARINT, WIRE_I64, WIRE_TEXT, WIRE_I32 = 5 };

/* ---- requests ---- */

/* A text or message as a field; its length takes two bytes at most. */
static size_t put_text(uint8_t *to, unsigned field, const void *p, size_t n)
{
	size_t at = 0;

	to[at++] = (uint8_t)(field << 3 | WIRE_TEXT);
	if (n >= 0x80)
		to[at++] = (uint8_t)(0x80 | (n & 0x7f));
	to[at++] = (uint8_t)(n >= 0x80 ? n >> 7 : n);
	memcpy(to + at, p, n);
	return at + n;
}

static size_t finish(uint8_t *head, size_t n)
{
	head[0] = 0;
	for (unsigned i = 0; i < 4; i++)
		head[1 + i] = (uint8_t)(n >> (24 - 8 * i));
	return HEAD_BYTES + n;
}

static bool too_long(struct hc_str s)
{
	return !s.len || s.len > CTR_MAX_TEXT_BYTES;
}

size_t ctr_cri_ask_container(struct hc_str id, uint8_t ret[CTR_CRI_MAX_ASK_BYTES])
{
	size_t n;

	if (too_long(id))
		return 0;
	n = put_text(ret + HEAD_BYTES, 1, id.p, id.len);
	ret[HEAD_BYTES + n++] =
		2 << 3 | WIRE_VARINT; /* verbose: the id of its sandbox, and its OCI configuration */
	ret[HEAD_BYTES + n++] = 1;
	return finish(ret, n);
}

size_t ctr_cri_ask_sandbox(struct hc_str id, uint8_t ret[CTR_CRI_MAX_ASK_BYTES])
{
	return too_long(id) ? 0 : finish(ret, put_text(ret + HEAD_BYTES, 1, id.p, id.len));
}

size_t ctr_cri_ask_image(struct hc_str image, uint8_t ret[CTR_CRI_MAX_ASK_BYTES])
{
	uint8_t spec[CTR_CRI_MAX_ASK_BYTES];

	if (too_long(image))
		return 0;
	return finish(ret, put_text(ret + HEAD_BYTES, 1, spec, put_text(spec, 1, image.p, image.len)));
}

/* ---- answers ---- */

struct field {
	unsigned number;
	enum wire wire;
	uint64_t v;      /* of a varint */
	struct hc_str s; /* of a text, or of a message's bytes */
};

/* The next field; false at the end, and when the rest is none: then rd->bad. */
static bool next(struct hc_rd *rd, struct field *ret)
{
	uint64_t tag, n;

	if (!hc_rd_left(rd))
		return false;
	tag = hc_rd_varint(rd);
	*ret = (struct field){ .number = (unsigned)(tag >> 3), .wire = (enum wire)(tag & 7) };
	switch (tag & 7) {
	case WIRE_VARINT:
		ret->v = hc_rd_varint(rd);
		break;
	case WIRE_I64:
		hc_rd_u64(rd);
		break;
	case WIRE_I32:
		hc_rd_u32(rd);
		break;
	case WIRE_TEXT:
		n = hc_rd_varint(rd);
		if (n > hc_rd_left(rd)) {
			rd->bad = true;
			break;
		}
		ret->s = (struct hc_str){ (const char *)rd->p, (uint32_t)n };
		rd->p += n;
		break;
	default:
		rd->bad = true; /* groups are of the past */
	}
	rd->bad |= tag >> 3 == 0 || tag >> 32;
	return !rd->bad;
}

static struct hc_rd inner(struct hc_str message)
{
	return hc_rd_init(message.p, message.len);
}

/* Whether all of the message is fields, but for what is in them. */
static bool is_message(struct hc_str message)
{
	struct hc_rd rd = inner(message);
	struct field f;

	while (next(&rd, &f))
		;
	return !rd.bad;
}

/* Of several the last counts, as protobuf has it; .p NULL: there is none. */
static struct hc_str text_of(struct hc_str message, unsigned number)
{
	struct hc_rd rd = inner(message);
	struct hc_str ret = { NULL, 0 };
	struct field f;

	while (next(&rd, &f))
		if (f.number == number && f.wire == WIRE_TEXT)
			ret = f.s;
	return ret;
}

static uint64_t number_of(struct hc_str message, unsigned number)
{
	struct hc_rd rd = inner(message);
	uint64_t ret = 0;
	struct field f;

	while (next(&rd, &f))
		if (f.number == number && f.wire == WIRE_VARINT)
			ret = f.v;
	return ret;
}

static size_t count(struct hc_str message, unsigned number)
{
	struct hc_rd rd = inner(message);
	struct field f;
	size_t n = 0;

	while (next(&rd, &f))
		n += f.number == number && f.wire == WIRE_TEXT;
	return n;
}

/* The message of a body; .p NULL: it is none, or not the only one. */
static struct hc_str message_of(const void *p, size_t n)
{
	const uint8_t *head = p;
	struct hc_str none = { NULL, 0 };

	if (n < HEAD_BYTES || n - HEAD_BYTES > CTR_MAX_SHARED_BYTES || head[0] != 0 ||
	    (uint32_t)head[1] << 24 != 0 ||
	    ((uint32_t)head[2] << 16 | (uint32_t)head[3] << 8 | head[4]) != n - HEAD_BYTES)
		return none;
	return (struct hc_str){ (const char *)p + HEAD_BYTES, (uint32_t)(n - HEAD_BYTES) };
}

/* A map<string, string> as key=value. None is an empty one: there is no telling them apart. */
static void set_map(struct ctr_facts *f, struct ctr_strs *list, bool *has, struct hc_str message, unsigned number)
{
	struct hc_rd rd = inner(message);
	struct field e;

	if (!ctr_list_begin(f, list, has, count(message, number)))
		return;
	while (next(&rd, &e)) {
		struct hc_str part[2];

		if (e.number != number || e.wire != WIRE_TEXT)
			continue;
		part[0] = text_of(e.s, 1);
		part[1] = text_of(e.s, 2);
		ctr_list_add_joined(f, list, '=', part, 2);
	}
}

/* The value of a key in such a map. */
static struct hc_str map_value(struct hc_str message, unsigned number, const char *key)
{
	struct hc_rd rd = inner(message);
	struct hc_str ret = { NULL, 0 };
	struct field e;

	while (next(&rd, &e))
		if (e.number == number && e.wire == WIRE_TEXT && hc_str_eq(text_of(e.s, 1), hc_str_c(key)))
			ret = text_of(e.s, 2);
	return ret;
}

/* SOURCE:DESTINATION:MODE:WRITABLE:PROPAGATION, as of an OCI configuration. */
static void set_mounts(struct ctr_facts *f, struct hc_str status)
{
	static const char *const propagations[] = { "rprivate", "rslave", "rshared" };
	struct hc_rd rd = inner(status);
	struct field e;

	if (!count(status, 14) || !ctr_list_begin(f, &f->mounts, &f->has_mounts, count(status, 14)))
		return;
	while (next(&rd, &e)) {
		uint64_t how;
		struct hc_str part[5];

		if (e.number != 14 || e.wire != WIRE_TEXT)
			continue;
		how = number_of(e.s, 5);
		part[0] = text_of(e.s, 2);
		part[1] = text_of(e.s, 1);
		part[2] = HC_STR("");
		part[3] = number_of(e.s, 3) ? HC_STR("false") : HC_STR("true");
		part[4] = how < 3 ? hc_str_c(propagations[how]) : HC_STR("");
		ctr_list_add_joined(f, &f->mounts, ':', part, 5);
	}
}

static void set_time(int64_t *at, uint64_t ns)
{
	if (!*at && ns <= INT64_MAX)
		*at = (int64_t)ns;
}

/* image_ref is "NAME@DIGEST" (CRI-O) or "sha256:ID" (containerd); image_id, newer, the latter. */
static void set_image(struct ctr_facts *f, struct hc_str status)
{
	struct hc_str ref = text_of(status, 9), id = text_of(status, 17), name = text_of(text_of(status, 8), 18);

	ctr_set_some(f, &f->image, name);
	name = text_of(text_of(status, 8), 1);
	if (!hc_str_starts(name, HC_STR("sha256:")))
		ctr_set_some(f, &f->image, name);
	ctr_image_parts(f);
	ctr_set_repo_digest(f, ref);
	ctr_set_some(f, &f->image_digest, ctr_image_split(ref).digest);
	if (hc_str_starts(id, HC_STR("sha256:")))
		ctr_set_some(f, &f->image_id, ctr_less_sha256(id));
	if (hc_str_starts(ref, HC_STR("sha256:")))
		ctr_set_some(f, &f->image_id, ctr_less_sha256(ref));
}

int ctr_cri_parse_container(const void *p, size_t n, struct hc_str id, struct ctr_facts *f)
{
	struct hc_str message = message_of(p, n), status = text_of(message, 1), told = text_of(status, 1);

	if (!message.p || !status.p || !is_message(message) || !is_message(status))
		return -EBADMSG;
	if (!hc_str_eq(told, id))
		return -ENOENT;
	f->is_sandbox = CTR_NO;
	ctr_set_some(f, &f->name, text_of(text_of(status, 2), 1));
	set_image(f, status);
	set_time(&f->created_ns, number_of(status, 4));
	set_time(&f->start_ns, number_of(status, 5));
	ctr_set_some(f, &f->pod_name, map_value(status, 12, "io.kubernetes.pod.name"));
	ctr_set_some(f, &f->pod_namespace, map_value(status, 12, "io.kubernetes.pod.namespace"));
	ctr_set_some(f, &f->pod_uid, map_value(status, 12, "io.kubernetes.pod.uid"));
	set_map(f, &f->labels, &f->has_labels, status, 12);
	(void)ctr_parse_cri_info(map_value(message, 2, "info"), f); /* what it is made of is each runtime's own */
	set_map(f, &f->annotations, &f->has_annotations, status, 13);
	set_mounts(f, status);
	f->files |= CTR_SOCKET_CRI;
	return 0;
}

static void set_host(uint8_t *at, struct hc_str options, unsigned number)
{
	ctr_set_tri(at, number_of(options, number) == 2 /* NODE */);
}

int ctr_cri_parse_sandbox(const void *p, size_t n, struct hc_str id, bool own, struct ctr_facts *f)
{
	struct hc_str message = message_of(p, n), status = text_of(message, 1), told = text_of(status, 1);
	struct hc_str meta = text_of(status, 2), options = text_of(text_of(text_of(status, 6), 1), 2);
	struct hc_str ip = text_of(text_of(status, 5), 1);

	if (!message.p || !status.p || !is_message(message) || !is_message(status))
		return -EBADMSG;
	if (!hc_str_eq(told, id))
		return -ENOENT;
	ctr_set_some(f, &f->sandbox_id, told);
	ctr_set_some(f, &f->pod_name, text_of(meta, 1));
	ctr_set_some(f, &f->pod_uid, text_of(meta, 2));
	ctr_set_some(f, &f->pod_namespace, text_of(meta, 3));
	ctr_set_some(f, &f->ip, ip);
	ctr_set(f, &f->pod_ip, ip.p ? ip : HC_STR("")); /* none: the node's network */
	if (options.p) {
		set_host(&f->host_net, options, 1);
		set_host(&f->host_pid, options, 2);
		set_host(&f->host_ipc, options, 3);
	}
	set_map(f, &f->pod_labels, &f->has_pod_labels, status, 7);
	set_map(f, &f->pod_annotations, &f->has_pod_annotations, status, 8);
	if (own) {
		f->is_sandbox = CTR_YES;
		ctr_set_some(f, &f->name, text_of(meta, 1));
		set_time(&f->created_ns, number_of(status, 4));
		set_map(f, &f->labels, &f->has_labels, status, 7);
	}
	f->files |= CTR_SOCKET_CRI;
	return 0;
}

int ctr_cri_parse_image(const void *p, size_t n, struct ctr_facts *f)
{
	struct hc_str message = message_of(p, n), image = text_of(message, 1), first = { NULL, 0 };
	struct hc_rd rd = inner(image);
	struct field e;

	if (!message.p || !is_message(message) || !is_message(image))
		return -EBADMSG;
	/* no image in it: the runtime has none such */
	if (!f->image_id.len || !hc_str_eq(ctr_less_sha256(text_of(image, 1)), f->image_id))
		return -ENOENT;
	while (next(&rd, &e)) {
		if (e.number != 3 || e.wire != WIRE_TEXT)
			continue;
		ctr_set_repo_digest(f, e.s);
		first = first.p ? first : e.s;
	}
	ctr_set_some(f, &f->image_digest, ctr_image_split(first).digest);
	return 0;
}
