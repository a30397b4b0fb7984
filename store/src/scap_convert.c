/*
 * Older forms become current ones, by the table scap_convert.def, step by step until there is nothing to change.
 * Enter events that only complete their exits are kept by thread.
 */
#include "scap_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/base/utf8.h"

#define MAX_STEPS 32
#define N_SLOTS (1u << 16) /* a power of two */
#define MAX_KEPT_BYTES (UINT32_C(64) << 20)

enum act { NOTHING, STORE, STORE_PASS, PASS, ADD, TO };

/* Instructions: an operation in the upper bits, the number of a parameter in the lower. */
enum {
	OP_OLD = 0x00,
	OP_ENTER = 0x20,
	OP_ENTER_OR_ABSENT = 0x40,
	OP_ABSENT = 0x60,
	OP_ZERO = 0x80,
	OP_JSON = 0xa0,
	OP_MASK = 0xe0
};
#define O(i) (OP_OLD | (i))
#define E(i) (OP_ENTER | (i))
#define X(i) (OP_ENTER_OR_ABSENT | (i))
#define ABSENT OP_ABSENT
#define ZERO OP_ZERO
#define JSON OP_JSON
#define END 0xff

static const struct step {
	uint16_t code;
	uint8_t n, act;
	uint16_t to;
	uint8_t op[HC_SCAP_MAX_PARAMS + 1];
} steps[] = {
#define SCAP_STORE(ID, n_) { .code = HC_SCAP_##ID, .n = (n_), .act = STORE, .op = { END } },
#define SCAP_STORE_PASS(ID, n_) { .code = HC_SCAP_##ID, .n = (n_), .act = STORE_PASS, .op = { END } },
#define SCAP_PASS(ID, n_) { .code = HC_SCAP_##ID, .n = (n_), .act = PASS, .op = { END } },
#define SCAP_ADD(ID, n_, ...) { .code = HC_SCAP_##ID, .n = (n_), .act = ADD, .op = { __VA_ARGS__, END } },
#define SCAP_TO(ID, n_, TO_, ...) \
	{ .code = HC_SCAP_##ID, .n = (n_), .act = TO, .to = HC_SCAP_##TO_, .op = { __VA_ARGS__, END } },
#include "store/scap_convert.def"
};
#define N_STEPS (sizeof(steps) / sizeof(steps[0]))

struct kept {
	int64_t tid;
	uint16_t code; /* HC_SCAP_N_CODES: the slot is free, or its event was used */
	uint16_t n;
	uint32_t cap;
	uint32_t len[HC_SCAP_MAX_PARAMS];
	uint8_t *bytes;
};

struct hc_scap_conv {
	struct kept **slots; /* N_SLOTS; NULL until there is one to keep: captures of today have none */
	uint64_t kept_bytes, n_forgotten;
	char *json;
	int16_t step_of[HC_SCAP_N_CODES]; /* first step of a code, in `order`; -1: none */
	uint16_t order[N_STEPS];
};

struct hc_scap_conv *hc_scap_conv_new(void)
{
	struct hc_scap_conv *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	for (unsigned code = 0, k = 0; code < HC_SCAP_N_CODES; code++) {
		c->step_of[code] = -1;
		for (unsigned i = 0; i < N_STEPS; i++)
			if (steps[i].code == code) {
				if (c->step_of[code] < 0)
					c->step_of[code] = (int16_t)k;
				c->order[k++] = (uint16_t)i;
			}
	}
	return c;
}

static struct kept *kept_free(struct kept *k)
{
	if (k)
		free(k->bytes);
	free(k);
	return NULL;
}

void hc_scap_conv_reset(struct hc_scap_conv *c)
{
	for (unsigned i = 0; c->slots && i < N_SLOTS; i++)
		kept_free(c->slots[i]);
	free(c->slots);
	c->slots = NULL;
	c->kept_bytes = 0;
}

struct hc_scap_conv *hc_scap_conv_free(struct hc_scap_conv *c)
{
	if (c) {
		hc_scap_conv_reset(c);
		free(c->json);
	}
	free(c);
	return NULL;
}

uint64_t hc_scap_conv_forgotten(const struct hc_scap_conv *c)
{
	return c->n_forgotten;
}

/* Threads that share a slot push each other out: with so many slots that is rare, and counted. */
static struct kept **slot_of(struct hc_scap_conv *c, int64_t tid)
{
	return &c->slots[((uint64_t)tid * UINT64_C(0x9e3779b97f4a7c15)) >> 48];
}

static struct kept *kept_of(struct hc_scap_conv *c, int64_t tid)
{
	struct kept *k = c->slots ? *slot_of(c, tid) : NULL;

	return k && k->tid == tid && k->code < HC_SCAP_N_CODES ? k : NULL;
}

static int keep(struct hc_scap_conv *c, const struct hc_scap_raw *ev)
{
	struct kept **slot, *k;
	uint32_t total = 0, at = 0;

	if (!c->slots)
		c->slots = calloc(N_SLOTS, sizeof(struct kept *));
	if (!c->slots)
		return -ENOMEM;
	slot = slot_of(c, ev->tid);
	k = *slot;
	for (unsigned i = 0; i < ev->n; i++)
		total += ev->param[i].len;
	if (!k || k->cap < total) {
		if (c->kept_bytes + total > MAX_KEPT_BYTES) {
			c->n_forgotten++;
			return 0;
		}
		if (k)
			c->kept_bytes -= k->cap;
		*slot = k ? kept_free(k) : NULL;
		k = calloc(1, sizeof(*k));
		if (!k)
			return -ENOMEM;
		k->code = HC_SCAP_N_CODES;
		k->cap = total < 64 ? 64 : total;
		k->bytes = malloc(k->cap);
		if (!k->bytes) {
			kept_free(k);
			return -ENOMEM;
		}
		c->kept_bytes += k->cap;
		*slot = k;
	} else if (k->code < HC_SCAP_N_CODES && k->tid != ev->tid) {
		c->n_forgotten++;
	}
	for (unsigned i = 0; i < ev->n; i++) {
		k->len[i] = ev->param[i].len;
		if (k->len[i])
			memcpy(k->bytes + at, ev->param[i].p, k->len[i]);
		at += k->len[i];
	}
	k->tid = ev->tid;
	k->code = ev->code;
	k->n = ev->n;
	return 0;
}

static struct hc_str kept_param(const struct kept *k, unsigned i)
{
	const uint8_t *p = k->bytes;

	for (unsigned j = 0; j < i; j++)
		p += k->len[j];
	return (struct hc_str){ (const char *)p, k->len[i] };
}

static struct hc_str zero(uint16_t code, unsigned i)
{
	static const char zeros[16], ones[4] = { '\xff', '\xff', '\xff', '\xff' };
	const struct hc_scap_event_info *info = &hc_scap_events[code];

	if (!info->params || i >= info->n_params)
		return (struct hc_str){ 0 };
	if (info->params[i].type == HC_SCAP_T_UID || info->params[i].type == HC_SCAP_T_GID)
		return (struct hc_str){ ones, 4 };
	return info->params[i].width ? (struct hc_str){ zeros, info->params[i].width } : (struct hc_str){ 0 };
}

static void put_json(FILE *f, struct hc_str s)
{
	s.len = s.len ? (uint32_t)strnlen(s.p, s.len) : 0;
	fputc('"', f);
	for (uint32_t i = 0; i < s.len; i++) {
		unsigned char ch = (unsigned char)s.p[i];
		char esc[HC_JSON_ESCAPE_ROOM];

		if (ch < 0x20) {
			hc_json_escape(ch, esc);
			fputs(esc, f);
		} else if (ch == '"' || ch == '\\') {
			fprintf(f, "\\%c", ch);
		} else {
			fputc(ch, f);
		}
	}
	fputc('"', f);
}

/* The four parameters of the oldest container event as the text of the next. */
static int container_json(struct hc_scap_conv *c, const struct hc_scap_raw *ev, struct hc_str *ret)
{
	size_t n = 0;
	uint32_t type = 0;
	FILE *f;

	free(c->json);
	c->json = NULL;
	f = open_memstream(&c->json, &n);
	if (!f)
		return -ENOMEM;
	if (ev->param[1].len >= sizeof(type))
		memcpy(&type, ev->param[1].p, sizeof(type));
	fputs("{\"container\":{\"id\":", f);
	put_json(f, ev->param[0]);
	fprintf(f, ",\"type\":%u,\"name\":", le32toh(type));
	put_json(f, ev->param[2]);
	fputs(",\"image\":", f);
	put_json(f, ev->param[3]);
	fputs("}}", f);
	if (fclose(f) != 0)
		return -ENOMEM;
	*ret = (struct hc_str){ c->json, (uint32_t)n + 1 };
	return 0;
}

static int apply(struct hc_scap_conv *c, const struct step *step, struct hc_scap_raw *ev)
{
	struct hc_str out[HC_SCAP_MAX_PARAMS] = { 0 };
	uint16_t code = step->act == TO ? step->to : ev->code;
	struct kept *k = NULL;
	unsigned n = 0;

	if (step->act == ADD) {
		memcpy(out, ev->param, ev->n * sizeof(out[0]));
		n = ev->n;
	}
	for (const uint8_t *op = step->op; *op != END; op++, n++) {
		unsigned i = *op & (unsigned)~OP_MASK;
		int r;

		if (n == HC_SCAP_MAX_PARAMS)
			return -EBADMSG;
		switch (*op & OP_MASK) {
		case OP_OLD:
			if (i < ev->n)
				out[n] = ev->param[i];
			break;
		case OP_ENTER:
		case OP_ENTER_OR_ABSENT:
			k = k ? k : kept_of(c, ev->tid);
			if (k && k->code != ev->code - 1)
				return -EBADMSG; /* of another call */
			if (k && i < k->n)
				out[n] = kept_param(k, i);
			else if ((*op & OP_MASK) == OP_ENTER)
				out[n] = zero(code, n);
			break;
		case OP_ZERO:
			out[n] = zero(code, n);
			break;
		case OP_JSON:
			r = container_json(c, ev, &out[n]);
			if (r < 0)
				return r;
			break;
		default:
			break;
		}
	}
	if (k)
		k->code = HC_SCAP_N_CODES; /* for one step alone, as in the reference; its bytes stay until the
		                              next is kept */
	memcpy(ev->param, out, sizeof(out));
	ev->code = code;
	ev->n = (uint16_t)n;
	return 0;
}

static const struct step *step_for(const struct hc_scap_conv *c, const struct hc_scap_raw *ev)
{
	int at = c->step_of[ev->code];

	if (at < 0)
		return NULL;
	for (; (size_t)at < N_STEPS && steps[c->order[at]].code == ev->code; at++)
		if (steps[c->order[at]].n == ev->n)
			return &steps[c->order[at]];
	return NULL;
}

int hc_scap_convert(struct hc_scap_conv *c, struct hc_scap_raw *ev)
{
	for (unsigned round = 0; round < MAX_STEPS; round++) {
		const struct hc_scap_event_info *info = &hc_scap_events[ev->code];
		bool old = info->flags & HC_SCAP_F_OLD, exits = ev->code & 1;
		const struct step *step;
		int r;

		if (!(info->flags & HC_SCAP_F_CONVERTED))
			return !old ? 1 : exits ? -EBADMSG : 0;
		if (exits && ev->n > info->n_params)
			return -EBADMSG;
		if (exits && !old && ev->n == info->n_params)
			return 1;
		step = step_for(c, ev);
		if (!step)
			return -EBADMSG;
		switch ((enum act)step->act) {
		case PASS:
			return 1;
		case STORE:
			return keep(c, ev);
		case STORE_PASS:
			r = keep(c, ev);
			return r < 0 ? r : 1;
		default:
			r = apply(c, step, ev);
			if (r < 0)
				return r;
		}
	}
	return -EBADMSG;
}
