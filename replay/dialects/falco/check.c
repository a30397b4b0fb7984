/* Field look-up, operator fit, constants, and the event codes a condition can match. */
#include "replay/dialects/falco/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/schema.h"

/* ---- fields ---- */

static bool all_digits(struct hc_str s)
{
	if (!s.len)
		return false;
	for (uint32_t i = 0; i < s.len; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

static uint32_t to_index(struct hc_str s)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < s.len && v < INT_MAX; i++)
		v = v * 10 + (uint64_t)(s.p[i] - '0');
	return v < INT_MAX ? (uint32_t)v : INT_MAX;
}

/* Of digits, with blanks and a plus before them or not; of a negative number: what nothing has. */
static bool read_index(struct hc_str s, uint32_t *ret)
{
	struct hc_str digits;
	bool has_sign;

	while (s.len && strchr(" \t\n\v\f\r", s.p[0]))
		s.p++, s.len--;
	has_sign = s.len && (s.p[0] == '+' || s.p[0] == '-');
	digits = (struct hc_str){ s.p + has_sign, s.len - has_sign };
	if (!all_digits(digits))
		return false;
	*ret = has_sign && s.p[0] == '-' ? INT_MAX : to_index(digits);
	return true;
}

static enum ftype param_type(const struct fparam *p)
{
	switch (p->type) {
	case PT_STR:
		return FT_CHARBUF;
	case PT_PATH:
	case PT_RPATH:
		return FT_FSPATH;
	case PT_BUF:
		return FT_BYTEBUF;
	case PT_ERRNO:
	case PT_FD:
	case PT_PID:
	case PT_I8:
	case PT_I16:
	case PT_I32:
	case PT_I64:
	case PT_FD32:
	case PT_PID32:
		return FT_INT64;
	case PT_PORT:
		return FT_PORT;
	case PT_REL:
		return FT_RELTIME;
	case PT_ABS:
		return FT_ABSTIME;
	case PT_IP4:
	case PT_IP6:
		return FT_IPADDR;
	case PT_SADDR:
	case PT_STUPLE:
	case PT_FDLIST:
	case PT_SIGSET:
	case PT_UID:
	case PT_GID:
	case PT_DYN:
	case PT_STRARR:
		return FT_UNCOMPARABLE;
	default:
		return FT_UINT64;
	}
}

/* Fields by their first character and the one behind their dot, in order of the table: this is asked about every
 * constant that has a dot. */
static int16_t first_field[1024], next_field[N_FIELDS];
static pthread_once_t fields_once = PTHREAD_ONCE_INIT;

/* Every field's name has a dot: a text that begins with it has the same characters there. */
static int16_t *chain_of(const char *p, uint32_t len)
{
	const char *dot = memchr(p, '.', len), *end = p + len;
	unsigned behind = dot && dot + 1 < end ? (uint8_t)dot[1] : 0;

	return &first_field[((uint8_t)p[0] * 31u + behind) % (sizeof(first_field) / sizeof(first_field[0]))];
}

static void chain_fields(void)
{
	memset(first_field, -1, sizeof(first_field));
	for (int i = N_FIELDS; i-- > 0;) {
		int16_t *head = chain_of(falco_fields[i].name, falco_fields[i].len);

		next_field[i] = *head;
		*head = (int16_t)i;
	}
}

/* The field whose name begins the text: of the first class that has one, as Falco's classes are searched, the
 * longest. */
static int longest(struct hc_str text, uint32_t *ret_len)
{
	int best = -1;

	*ret_len = 0;
	if (!text.len)
		return best;
	pthread_once(&fields_once, chain_fields);
	for (int i = *chain_of(text.p, text.len); i >= 0; i = next_field[i]) {
		const struct ffield *f = &falco_fields[i];

		if (best >= 0 && f->cls != falco_fields[best].cls)
			break;
		if (f->len > *ret_len && f->len <= text.len && text.p[f->len - 1] == f->name[f->len - 1] &&
		    memcmp(text.p, f->name, f->len) == 0) {
			best = i;
			*ret_len = f->len;
		}
	}
	return best;
}

/* All of the rest, up to the first bracket that closes. */
static bool brackets(struct hc_str rest, struct hc_str *ret)
{
	if (rest.len < 3 || rest.p[0] != '[' || memchr(rest.p, ']', rest.len) != rest.p + rest.len - 1)
		return false;
	*ret = (struct hc_str){ rest.p + 1, rest.len - 2 };
	return true;
}

/* Of evt.rawarg the type of the first event that has the parameter, old events being among them: there user and
 * group are plain numbers. */
static enum ftype raw_type(struct hc_str param)
{
	if (hc_str_eq(param, HC_STR("uid")) || hc_str_eq(param, HC_STR("gid")))
		return FT_UINT64;
	return param_type(falco_param_first(param));
}

#define NO_FIELD "filter_check called with nonexistent field "

static void syntax_message(const struct fref *f, char *msg, size_t msg_bytes)
{
	snprintf(msg, msg_bytes, "filter syntax error: " HC_STR_FMT, HC_STR_ARG(f->text));
}

/* Of an argument in brackets that is no number. */
static void number_message(struct hc_str rest, char *msg, size_t msg_bytes)
{
	const char *end = memchr(rest.p, ']', rest.len);
	struct hc_str inner = { rest.p + 1, (uint32_t)(end ? end - rest.p - 1 : 0) };

	snprintf(msg, msg_bytes, HC_STR_FMT " is not a valid number", HC_STR_ARG(inner));
}

static enum flookup event_arg(struct hc_str rest, struct fref *f, char *msg, size_t msg_bytes)
{
	struct hc_str inner;
	uint32_t n;

	if (f->id == F_EVT_ARG && brackets(rest, &inner) && read_index(inner, &f->index)) {
		f->arg = FARG_INDEX;
		f->name = inner;
		return FLOOKUP_OK;
	}
	if (rest.len < 2 || rest.p[0] != '.') {
		if (rest.len && rest.p[0] == '[' && f->id == F_EVT_RAWARG)
			snprintf(msg, msg_bytes, "evt.arg fields must be expressed explicitly");
		else if (rest.len && rest.p[0] == '[')
			number_message(rest, msg, msg_bytes);
		else if (rest.len)
			snprintf(msg, msg_bytes, "unknown event argument ");
		else
			syntax_message(f, msg, msg_bytes);
		return FLOOKUP_ERROR;
	}
	inner = (struct hc_str){ rest.p + 1, rest.len - 1 };
	n = falco_param_prefix(inner);
	if (!n) {
		snprintf(msg, msg_bytes, "unknown event argument " HC_STR_FMT, HC_STR_ARG(inner));
		return FLOOKUP_ERROR;
	}
	if (n < inner.len)
		return FLOOKUP_NONE;
	f->arg = FARG_NAME;
	f->name = inner;
	if (f->id == F_EVT_RAWARG)
		f->type = (uint8_t)raw_type(inner);
	return FLOOKUP_OK;
}

static bool is_suffix_word(struct hc_str s)
{
	for (uint32_t i = 0; i < s.len; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') || s.p[i] == '_'))
			return false;
	return s.len;
}

static enum flookup dotted(struct hc_str rest, struct fref *f, char *msg, size_t msg_bytes)
{
	struct hc_str inner = { rest.p + 1, rest.len - 1 };

	if (!rest.len && f->id == F_EVT_ABSPATH)
		return FLOOKUP_OK;
	if (rest.len < 2 || rest.p[0] != '.') {
		if (f->id == F_EVT_ABSPATH)
			return FLOOKUP_NONE;
		syntax_message(f, msg, msg_bytes);
		return FLOOKUP_ERROR;
	}
	f->arg = FARG_NAME;
	f->name = inner;
	if (f->id == F_EVT_ABSPATH)
		return hc_str_eq(inner, HC_STR("src")) || hc_str_eq(inner, HC_STR("dst")) ? FLOOKUP_OK
		                                                                          : FLOOKUP_NONE;
	if (f->id == F_THREAD_CGROUP)
		return is_suffix_word(inner) ? FLOOKUP_OK : FLOOKUP_NONE;
	if (all_digits(inner)) {
		f->arg = FARG_INDEX;
		f->index = to_index(inner);
		return FLOOKUP_OK;
	}
	for (unsigned code = 0; code < N_CODES; code++)
		if (falco_events[code].name && hc_str_eq(inner, hc_str_c(falco_events[code].name))) {
			f->arg = FARG_INDEX;
			f->index = code;
			return FLOOKUP_OK;
		}
	snprintf(msg, msg_bytes, NO_FIELD HC_STR_FMT, HC_STR_ARG(f->text));
	return FLOOKUP_NONE;
}

/* A plugin reads its field's argument itself: up to the first bracket that closes, in a text that ends at its
 * first blank. */
static enum flookup container_arg(struct hc_str rest, struct fref *f, char *msg, size_t msg_bytes)
{
	const struct ffield *d = &falco_fields[f->id];
	bool wants = d->flags & FF_ARG_REQ;
	const char *blank = rest.len ? memchr(rest.p, ' ', rest.len) : NULL, *end;
	struct hc_str arg = { rest.p + 1, 0 };

	if (rest.len && rest.p[0] != '[' && !wants)
		return FLOOKUP_NONE;
	end = rest.len ? memchr(rest.p, ']', rest.len) : NULL;
	if (!rest.len || rest.p[0] != '[') {
		snprintf(msg, msg_bytes, "filter '" HC_STR_FMT "': %s requires an argument but none provided",
		         HC_STR_ARG(f->text), d->name);
		return FLOOKUP_ERROR;
	}
	if (!end || (blank && blank < end)) {
		snprintf(msg, msg_bytes, "filter '" HC_STR_FMT "': %s has unbalanced argument brackets",
		         HC_STR_ARG(f->text), d->name);
		return FLOOKUP_ERROR;
	}
	if (!wants) {
		snprintf(msg, msg_bytes,
		         "filter '" HC_STR_FMT
		         "': %s does not allow nor require an argument but one is provided: " HC_STR_FMT,
		         HC_STR_ARG(f->text), d->name, (int)(end - rest.p - 1), rest.p + 1);
		return FLOOKUP_ERROR;
	}
	if (end + 1 < rest.p + rest.len)
		return FLOOKUP_NONE;
	arg.len = rest.len - 2;
	f->arg = FARG_NAME;
	f->name = arg;
	if (all_digits(arg) && (arg.len == 1 || arg.p[0] != '0')) {
		f->arg = FARG_INDEX;
		f->index = to_index(arg);
	}
	return FLOOKUP_OK;
}

/* [N], or [-1], which is as good as none; of an environment also [NAME]. */
static enum flookup bracket_arg(struct hc_str rest, struct fref *f, char *msg, size_t msg_bytes)
{
	bool only_number = f->id == F_EVT_AROUND || f->id == F_FD_TYPES;
	bool or_name = f->id == F_PROC_ENV || f->id == F_PROC_AENV;

	if (!brackets(rest, &f->name)) {
		if (f->id != F_EVT_AROUND)
			return FLOOKUP_NONE;
		if (rest.len && rest.p[0] == '.')
			snprintf(msg, msg_bytes, "wrong syntax for evt.around");
		else
			syntax_message(f, msg, msg_bytes);
		return FLOOKUP_ERROR;
	}
	if (hc_str_eq(f->name, HC_STR("-1")) && !only_number && !or_name) {
		f->name = (struct hc_str){ 0 };
		return FLOOKUP_OK;
	}
	if ((!or_name || all_digits(f->name)) && read_index(f->name, &f->index)) {
		f->arg = FARG_INDEX;
		return FLOOKUP_OK;
	}
	if (only_number) {
		snprintf(msg, msg_bytes, HC_STR_FMT " is not a valid number", HC_STR_ARG(f->name));
		return FLOOKUP_ERROR;
	}
	f->arg = FARG_NAME;
	return or_name ? FLOOKUP_OK : FLOOKUP_NONE;
}

enum flookup falco_field_find(struct hc_str name, bool has_arg, struct hc_str arg, struct hc_arena *arena,
                              struct fref *ret, char *msg, size_t msg_bytes)
{
	struct hc_str text = name, rest;
	struct fref f = { 0 };
	enum flookup found = FLOOKUP_OK;
	uint32_t len;
	int id;

	if (has_arg) {
		const char *both =
			hc_arena_printf(arena, HC_STR_FMT "[" HC_STR_FMT "]", HC_STR_ARG(name), HC_STR_ARG(arg));

		if (!both)
			return FLOOKUP_NONE;
		text = hc_str_c(both);
	}
	id = longest(text, &len);
	if ((id < 0 || len < text.len) && msg_bytes)
		snprintf(msg, msg_bytes, NO_FIELD HC_STR_FMT, HC_STR_ARG(text));
	if (id < 0)
		return FLOOKUP_NONE;
	rest = (struct hc_str){ text.p + len, text.len - len };
	f.id = (uint16_t)id;
	f.type = falco_fields[id].type;
	f.text = text;
	if (f.id == F_EVT_ARG || f.id == F_EVT_RAWARG)
		found = event_arg(rest, &f, msg, msg_bytes);
	else if (f.id == F_EVT_ABSPATH || f.id == F_EVT_TYPE_IS || f.id == F_THREAD_CGROUP)
		found = dotted(rest, &f, msg, msg_bytes);
	else if (falco_fields[id].cls == FCLASS_CONTAINER && (rest.len || (falco_fields[id].flags & FF_ARG_REQ)))
		found = container_arg(rest, &f, msg, msg_bytes);
	else if (rest.len && (falco_fields[id].flags & (FF_ARG_OPT | FF_ARG_REQ)))
		found = bracket_arg(rest, &f, msg, msg_bytes);
	else if (rest.len)
		found = FLOOKUP_NONE;
	else if (falco_fields[id].flags & FF_ARG_REQ) {
		syntax_message(&f, msg, msg_bytes);
		found = FLOOKUP_ERROR;
	}
	if (found == FLOOKUP_OK)
		*ret = f;
	return found;
}

/* ---- operators and constants ---- */

static bool is_text(enum ftype t)
{
	return t == FT_CHARBUF || t == FT_FSPATH;
}

static bool op_fits(enum ftype type, bool list, enum fop op)
{
	if (op == FOP_EXISTS)
		return true;
	if (list)
		return op == FOP_IN || op == FOP_INTERSECTS;
	switch (type) {
	case FT_UNCOMPARABLE:
		return false;
	case FT_BOOL:
	case FT_IPADDR:
	case FT_IPNET:
		return op == FOP_EQ || op == FOP_NE || op == FOP_IN || op == FOP_INTERSECTS;
	case FT_CHARBUF:
	case FT_FSPATH:
		return op != FOP_BCONTAINS && op != FOP_BSTARTSWITH;
	case FT_BYTEBUF:
		return op == FOP_EQ || op == FOP_NE || op == FOP_CONTAINS || op == FOP_STARTSWITH ||
		       op == FOP_ENDSWITH || op == FOP_BCONTAINS || op == FOP_BSTARTSWITH || op == FOP_IN ||
		       op == FOP_INTERSECTS;
	default:
		return (op >= FOP_LE && op <= FOP_NE) || op == FOP_IN || op == FOP_INTERSECTS;
	}
}

/* As scanf() reads it: blanks and a sign first, nothing behind; too large saturates, then the cast cuts. */
static bool read_number(struct hc_str s, bool is_signed, uint64_t *ret)
{
	char buf[64], *end;

	if (!s.len || s.len >= sizeof(buf))
		return false;
	memcpy(buf, s.p, s.len);
	buf[s.len] = 0;
	if (strlen(buf) != s.len)
		return false;
	*ret = is_signed ? (uint64_t)strtoll(buf, &end, 10) : strtoull(buf, &end, 10);
	return end != buf && !*end;
}

static bool read_port(struct hc_str s, uint64_t *ret)
{
	struct servent entry, *found = NULL;
	char name[64], buf[1024];

	*ret = 0;
	if (!s.len)
		return true;
	if (all_digits(s))
		return read_number(s, false, ret) && *ret <= INT_MAX;
	if (s.len >= sizeof(name))
		return false;
	memcpy(name, s.p, s.len);
	name[s.len] = 0;
	if (getservbyname_r(name, NULL, &entry, buf, sizeof(buf), &found) || !found)
		return false;
	*ret = ntohs((uint16_t)found->s_port);
	return true;
}

/* Address, and for a network one byte of prefix length behind it. */
static bool read_ip(struct hc_str s, bool net, struct hc_arena *arena, struct hc_value *ret)
{
	char buf[80], *slash;
	bool v4;
	uint8_t *out = hc_arena_alloc(arena, 17);
	uint64_t bits = 0;

	if (!out || s.len >= sizeof(buf))
		return false;
	memcpy(buf, s.p, s.len);
	buf[s.len] = 0;
	v4 = strchr(buf, '.'); /* so ::ffff:1.2.3.4 is none */
	if (net) {
		slash = strchr(buf, '/');
		if (!slash)
			return false;
		*slash = 0;
		if (!read_number(hc_str_c(slash + 1), false, &bits) || bits > (v4 ? 32 : 128) || (!v4 && !bits))
			return false;
	}
	if (inet_pton(v4 ? AF_INET : AF_INET6, buf, out) != 1)
		return false;
	out[v4 ? 4 : 16] = (uint8_t)bits;
	*ret = hc_value_bytes(net ? HC_VT_BYTES : HC_VT_IP, out, (v4 ? 4u : 16u) + net);
	return true;
}

/* What is wrong with a text that read_ip() refused. */
static void ip_message(struct hc_str s, bool net, char *msg, size_t msg_bytes)
{
	const char *slash = s.len ? memchr(s.p, '/', s.len) : NULL;
	bool v4 = s.len && memchr(s.p, '.', s.len);
	struct hc_str address = s, mask = { 0 };
	uint8_t ignored[16];
	char buf[80];
	uint64_t bits;

	if (net && slash) {
		address.len = (uint32_t)(slash - s.p);
		mask = (struct hc_str){ slash + 1, s.len - address.len - 1 };
	}
	snprintf(buf, sizeof(buf), HC_STR_FMT, HC_STR_ARG(address));
	if (net && !slash)
		snprintf(msg, msg_bytes,
		         v4 ? "unrecognized IP network " HC_STR_FMT : "invalid v6 netmask: " HC_STR_FMT,
		         HC_STR_ARG(s));
	else if (!net || inet_pton(v4 ? AF_INET : AF_INET6, buf, ignored) != 1)
		snprintf(msg, msg_bytes, "unrecognized %s address " HC_STR_FMT,
		         !v4   ? "IPv6"
		         : net ? "IP"
		               : "IPv4",
		         HC_STR_ARG(s));
	else if (!read_number(mask, false, &bits))
		snprintf(msg, msg_bytes, HC_STR_FMT " is not a valid number", HC_STR_ARG(mask));
	else
		snprintf(msg, msg_bytes, v4 ? "invalid netmask " HC_STR_FMT : "invalid v6 netmask " HC_STR_FMT,
		         HC_STR_ARG(mask));
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(struct hc_str s, struct hc_arena *arena, struct hc_value *ret)
{
	uint8_t *out = hc_arena_alloc(arena, s.len / 2 + 1);

	if (!out || s.len % 2)
		return false;
	for (uint32_t i = 0; i < s.len; i += 2) {
		int high = hex_value(s.p[i]), low = hex_value(s.p[i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i / 2] = (uint8_t)(high * 16 + low);
	}
	*ret = hc_value_bytes(HC_VT_BYTES, out, s.len / 2);
	return true;
}

static int64_t cut(enum ftype type, uint64_t v)
{
	switch (type) {
	case FT_INT16:
		return (int16_t)v;
	case FT_INT32:
	case FT_DOUBLE:
		return (int32_t)v;
	case FT_UINT32:
		return (uint32_t)v;
	case FT_PORT:
		return (uint16_t)v;
	default:
		return (int64_t)v;
	}
}

bool falco_const_read(enum ftype type, enum fop op, struct hc_str text, struct hc_arena *arena,
                      struct hc_value *ret, char *msg, size_t msg_bytes)
{
	uint64_t number;
	struct hc_str pattern;

	if (is_text(type)) {
		if (text.len && memchr(text.p, 0, text.len)) {
			snprintf(msg, msg_bytes, "filter error: filter value cannot contain a NUL byte (\\x00)");
			return false;
		}
		if (op == FOP_REGEX) {
			if (!falco_regex_translate(text, arena, &pattern, msg, msg_bytes))
				return false;
			text = pattern;
		}
		*ret = hc_value_str((struct hc_str){ text.p ? text.p : "", text.len });
		return true;
	}
	switch (type) {
	case FT_BYTEBUF:
		if (op == FOP_BCONTAINS || op == FOP_BSTARTSWITH) {
			if (read_hex(text, arena, ret))
				return true;
			snprintf(msg, msg_bytes,
			         "filter error: bcontains and bstartswith operator support hex strings only");
			return false;
		}
		*ret = hc_value_bytes(HC_VT_BYTES, text.p ? text.p : "", text.len);
		return true;
	case FT_BOOL:
		if (hc_str_eq(text, HC_STR("true")) || hc_str_eq(text, HC_STR("false"))) {
			*ret = hc_value_bool(text.len == 4);
			return true;
		}
		snprintf(msg, msg_bytes, "filter error: unrecognized boolean value " HC_STR_FMT, HC_STR_ARG(text));
		return false;
	case FT_IPADDR:
	case FT_IPNET:
		if (read_ip(text, type == FT_IPNET, arena, ret))
			return true;
		ip_message(text, type == FT_IPNET, msg, msg_bytes);
		return false;
	case FT_PORT:
		if (read_port(text, &number))
			break;
		snprintf(msg, msg_bytes, "unrecognized protocol " HC_STR_FMT, HC_STR_ARG(text));
		return false;
	case FT_UNCOMPARABLE:
		snprintf(msg, msg_bytes, "operator not supported for type");
		return false;
	default:
		if (read_number(text,
		                type == FT_INT16 || type == FT_INT32 || type == FT_INT64 || type == FT_DOUBLE,
		                &number))
			break;
		snprintf(msg, msg_bytes, HC_STR_FMT " is not a valid number", HC_STR_ARG(text));
		return false;
	}
	*ret = type == FT_INT16 || type == FT_INT32 || type == FT_INT64 || type == FT_DOUBLE
	               ? hc_value_i64(cut(type, number))
	               : hc_value_u64((uint64_t)cut(type, number));
	return true;
}

/* ---- trees ---- */

__attribute__((format(printf, 3, 4))) static void *fail(struct fcheck *c, uint32_t pos, const char *fmt, ...)
{
	va_list ap;

	if (c->msg[0] || c->no_memory)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(c->msg, sizeof(c->msg), fmt, ap);
	va_end(ap);
	c->pos = pos;
	return NULL;
}

static void *mem(struct fcheck *c, size_t n_bytes)
{
	void *p = hc_arena_alloc(c->arena, n_bytes);

	if (!p)
		c->no_memory = true;
	return p;
}

/* A list for a transformer of several arguments: what getopt() gives is none to Falco. */
static bool is_argument_list(const struct fx_val *v)
{
	bool list = v->list;

	while (v->kind == FVAL_TRANSFORM && v->tr < FTR_JOIN)
		v = v->kids[0];
	return list && v->kind != FVAL_TRANSFORM;
}

static const char *type_word(enum ftype type)
{
	static const char *const words[FT_N] = {
		[FT_UINT32] = "UINT32",   [FT_UINT64] = "UINT64",   [FT_INT16] = "INT16",
		[FT_INT32] = "INT32",     [FT_INT64] = "INT64",     [FT_DOUBLE] = "DOUBLE",
		[FT_BOOL] = "BOOL",       [FT_PORT] = "PORT",       [FT_RELTIME] = "RELTIME",
		[FT_ABSTIME] = "ABSTIME", [FT_CHARBUF] = "CHARBUF", [FT_BYTEBUF] = "BYTEBUF",
		[FT_IPADDR] = "IPADDR",   [FT_IPNET] = "IPNET",     [FT_DYN] = "DYNAMIC",
		[FT_FSPATH] = "FSPATH",
	};

	return words[type] ? words[type] : "NONE";
}

/* The field that a value is of, through transformers of one argument; NULL: of several, or of none. */
static const struct fref *field_of(const struct fx_val *v)
{
	while (v->kind == FVAL_TRANSFORM && v->n == 1)
		v = v->kids[0];
	return v->kind == FVAL_FIELD ? &v->field : NULL;
}

/* That field's name; of a value that is of none, its transformer's. */
static const char *name_of(const struct fx_val *v)
{
	const struct fref *of = field_of(v);

	return of ? falco_fields[of->id].name : v->kind == FVAL_TRANSFORM ? ftr_name(v->tr) : "";
}

/* The transformer cannot be applied to what it stands around. */
static bool no_transform(struct fcheck *c, const struct fx_val *v, const struct fval *from)
{
	const struct fx_val *first = v->kids[0];

	return fail(c, from->pos,
	            "can't add field transformer: type '%s' is not supported by '%s' transformer applied on %s"
	            "field '%s'",
	            type_word(first->type), ftr_name(v->tr), first->list ? "list " : "", name_of(first));
}

static bool takes_no_arg(struct fcheck *c, const struct fval *from)
{
	return !from->has_arg ||
	       fail(c, from->pos, "transformer '%s' does not support field arguments", ftr_name(from->tr));
}

static bool check_transform(struct fcheck *c, struct fx_val *v, const struct fval *from)
{
	const struct fx_val *first = v->n ? v->kids[0] : NULL;
	const char *name = ftr_name(v->tr);
	bool takes_any = v->tr >= FTR_JOIN; /* the flag is heeded by those alone that change one argument */

	if (v->tr < FTR_JOIN && v->n != 1)
		return fail(c, from->pos, "%s() takes exactly one argument", name);
	if (from->has_arg && !takes_any)
		return fail(c, from->pos, "filter error: transformer '%s' does not support field arguments", name);
	for (uint32_t i = 0; i < v->n && !takes_any && v->tr != FTR_VAL; i++)
		if (v->kids[i]->kind == FVAL_FIELD && (falco_fields[v->kids[i]->field.id].flags & FF_NO_TR))
			return fail(c, from->pos, "field '%s' does not support transformers",
			            falco_fields[v->kids[i]->field.id].name);
	switch (v->tr) {
	case FTR_VAL:
		v->type = first->type;
		v->list = first->list;
		return true;
	case FTR_TOLOWER:
	case FTR_TOUPPER:
	case FTR_BASENAME:
		v->type = first->type;
		v->list = first->list;
		return is_text(first->type) || no_transform(c, v, from);
	case FTR_B64:
		v->type = first->type;
		v->list = first->list;
		return is_text(first->type) || first->type == FT_BYTEBUF || no_transform(c, v, from);
	case FTR_LEN:
		v->type = FT_UINT64;
		return first->list || is_text(first->type) || first->type == FT_BYTEBUF ||
		       no_transform(c, v, from);
	case FTR_JOIN:
		v->type = FT_CHARBUF;
		if (v->n != 2)
			return fail(c, from->pos, "join() requires exactly 2 arguments: separator and list");
		if (first->list)
			return fail(c, from->pos,
			            "join() first argument (separator) must be a single value, not a list");
		if (!is_argument_list(v->kids[1]))
			return fail(c, from->pos, "join() second argument must be a list");
		if (!is_text(first->type) || !is_text(v->kids[1]->type))
			return fail(c, from->pos, "join() arguments must be strings");
		return takes_no_arg(c, from);
	case FTR_CONCAT:
		v->type = FT_CHARBUF;
		if (v->n < 2)
			return fail(c, from->pos, "concat() requires at least 2 arguments");
		for (uint32_t i = 0; i < v->n; i++)
			if (v->kids[i]->list || !is_text(v->kids[i]->type) ||
			    (v->kids[i]->kind == FVAL_FIELD && v->kids[i]->field.id == F_EVT_RAWARG))
				return fail(c, from->pos, "concat() arguments must be strings");
		return takes_no_arg(c, from);
	default:
		v->type = FT_CHARBUF;
		v->list = !from->has_arg;
		v->has_opt = from->has_arg;
		v->text = from->arg;
		if (v->n != 2)
			return fail(c, from->pos,
			            "getopt() requires exactly 2 arguments: args list and optstring");
		if (!is_argument_list(first))
			return fail(c, from->pos, "getopt() first argument must be a list");
		if (v->kids[1]->list)
			return fail(c, from->pos, "getopt() second argument (optstring) must be a single value");
		if (!is_text(first->type) || !is_text(v->kids[1]->type))
			return fail(c, from->pos, "getopt() arguments must be strings");
		return !from->has_arg || from->arg.len == 1 ||
		       fail(c, from->pos, "getopt() field argument must be a single option character");
	}
}

const struct fx_val *falco_check_val(struct fcheck *c, const struct fval *from)
{
	struct fx_val *v = mem(c, sizeof(*v));
	char msg[512];

	if (!v)
		return NULL;
	v->kind = from->kind;
	v->tr = from->tr;
	switch (from->kind) {
	case FVAL_FIELD:
		switch (falco_field_find(from->name, from->has_arg, from->arg, c->arena, &v->field, msg,
		                         sizeof(msg))) {
		case FLOOKUP_OK:
			break;
		case FLOOKUP_NONE:
			c->skippable = true;
			return fail(c, from->pos, "%s", msg);
		default:
			return fail(c, from->pos, "%s", msg);
		}
		v->type = v->field.type;
		v->list = falco_fields[v->field.id].flags & FF_LIST;
		return v;
	case FVAL_CONST:
		v->type = FT_CHARBUF;
		v->text = from->name;
		return v;
	default:
		break;
	}
	if (from->n) {
		v->kids = mem(c, from->n * sizeof(const struct fx_val *));
		if (!v->kids)
			return NULL;
	}
	for (uint32_t i = 0; i < from->n; i++) {
		v->kids[i] = falco_check_val(c, from->kids[i]);
		if (!v->kids[i])
			return NULL;
	}
	v->n = from->n;
	if (from->kind == FVAL_LIST) {
		v->type = FT_CHARBUF;
		v->list = true;
		for (uint32_t i = 0; i < v->n; i++)
			if (v->kids[i]->list || !is_text(v->kids[i]->type))
				return fail(c, from->pos, "the items of a list argument must be strings");
		return v;
	}
	return check_transform(c, v, from) ? v : NULL;
}

static bool is_own_event(struct hc_str name)
{
	return hc_event_desc_by_name(name) != NULL;
}

/* Names in Falco's table that no event has. */
static bool is_nobodys_type(struct hc_str name)
{
	return !name.len || hc_str_eq(name, HC_STR("NA"));
}

/* Parameters that evt.rawarg names but compares with nothing. */
static bool is_raw_without_constants(const struct fref *f)
{
	const struct fparam *p = f->id == F_EVT_RAWARG ? falco_param_first(f->name) : NULL;

	return p && (p->type == PT_BUF || p->type == PT_SCID || p->type == PT_SIG || p->type == PT_PID32);
}

#define MAX_CONST 255 /* bytes of a text that a rule compares with: more do not compile in the original */

static bool is_too_long(const struct fx *x, struct hc_str text)
{
	return text.len > MAX_CONST && x->op != FOP_BCONTAINS && x->op != FOP_BSTARTSWITH &&
	       (is_text(x->lhs->type) || x->lhs->type == FT_BYTEBUF);
}

/* Of texts Falco counts the NUL behind them. */
static bool too_long(struct fcheck *c, const struct fx *x, const struct fval *k)
{
	if (x->lhs->type == FT_BYTEBUF)
		return fail(c, k->pos, "filter parameter too long (byte buf)");
	return fail(c, k->pos, "filter parameter too long (used=%u, available=%u):" HC_STR_FMT, k->name.len + 1,
	            MAX_CONST + 1, HC_STR_ARG(k->name));
}

static bool check_consts(struct fcheck *c, struct fx *x, const struct fast *from)
{
	const struct fref *of = field_of(x->lhs);
	char msg[512];

	if (from->n_consts && x->lhs->kind == FVAL_FIELD && is_raw_without_constants(&x->lhs->field))
		return fail(c, from->pos, "wrong parameter type: no constant of it can be written");

	x->consts = mem(c, from->n_consts * sizeof(*x->consts) + 1);
	x->texts = mem(c, from->n_consts * sizeof(*x->texts) + 1);
	if (!x->consts || !x->texts)
		return false;
	for (uint32_t i = 0; i < from->n_consts; i++) {
		const struct fval *k = from->consts[i];
		struct code_set unused = { 0 };

		if (!c->any_length && is_too_long(x, k->name))
			return too_long(c, x, k);
		if (!falco_const_read(x->lhs->type, x->op, k->name, c->arena, &x->consts[i], msg, sizeof(msg)))
			return fail(c, k->pos, "%s", msg);
		if (of && of->id == F_EVT_TYPE && !is_nobodys_type(k->name) &&
		    !falco_type_codes(k->name, &unused) && !(c->own_events && is_own_event(k->name))) {
			c->skippable = true;
			return fail(c, k->pos, "unknown event type " HC_STR_FMT, HC_STR_ARG(k->name));
		}
		x->texts[i] = k->name;
	}
	x->n_consts = from->n_consts;
	return true;
}

static const char *kind_word(enum ftype type)
{
	switch (type) {
	case FT_CHARBUF:
	case FT_FSPATH:
		return "string";
	case FT_BYTEBUF:
		return "buffer";
	case FT_IPADDR:
	case FT_IPNET:
		return "ip address and network";
	default:
		return "numeric";
	}
}

/* Falco's word for the type of a parameter that compares with nothing. */
static const char *raw_word(const struct fx_val *v)
{
	const struct fparam *p = falco_param_first(v->field.name);

	switch (p ? p->type : PT_DYN) {
	case PT_SADDR:
		return "SOCKADDR";
	case PT_STUPLE:
		return "SOCKTUPLE";
	case PT_FDLIST:
		return "FDLIST";
	case PT_SIGSET:
		return "SIGSET";
	case PT_UID:
		return "UID";
	case PT_GID:
		return "GID";
	case PT_STRARR:
		return "CHARBUFARRAY";
	default:
		return "DYNAMIC";
	}
}

/* The operator is none for the field's type. */
static bool no_operator(struct fcheck *c, const struct fx *x, const struct fast *from)
{
	const char *op = fop_name(x->op);
	const struct fx_val *lhs = x->lhs;

	if (lhs->list && op_fits(FT_CHARBUF, true, x->op))
		return fail(c, from->pos, "filter error: list filters are not supported for type '%s'",
		            type_word(lhs->type));
	if (lhs->list)
		return fail(c, from->pos, "filter error: '%s' operator not supported list filters", op);
	if (lhs->type == FT_UNCOMPARABLE)
		return fail(c, from->pos, "filter error: '%s' operator not supported for type '%s'", op,
		            raw_word(lhs));
	if (x->mod && (lhs->type == FT_IPADDR || lhs->type == FT_IPNET))
		return fail(c, from->pos, "filter error: '%s' with modifier not supported for %s filters", op,
		            kind_word(lhs->type));
	return fail(c, from->pos, "filter error: '%s' operator not supported for %s filters", op,
	            kind_word(lhs->type));
}

static const struct ffield *no_rhs(const struct fx_val *v)
{
	const struct fref *f = field_of(v);

	return f && falco_fields[f->id].flags & FF_NO_RHS ? &falco_fields[f->id] : NULL;
}

/* The operators by which an event's type says which events a condition can match. */
static bool chooses_types(const struct fx *x)
{
	return !x->mod && (x->op == FOP_EQ || x->op == FOP_NE || x->op == FOP_IN);
}

static bool check_rhs(struct fcheck *c, struct fx *x, const struct fast *from)
{
	const struct ffield *f;

	x->rhs = falco_check_val(c, from->rhs);
	if (!x->rhs)
		return false;
	if (x->op == FOP_PMATCH || x->op == FOP_REGEX)
		return fail(c, from->pos, "operator '%s' doesn't support right-hand side fields",
		            x->op == FOP_REGEX ? "REGEX" : "PMATCH");
	if (x->lhs->type == FT_IPNET)
		return fail(c, from->pos, "field type 'IPNET' doesn't support right-hand side fields");
	f = no_rhs(x->lhs);
	if (f)
		return fail(c, from->pos, "field '%s' doesn't support right-hand side fields", f->name);
	f = no_rhs(x->rhs);
	if (f)
		return fail(c, from->rhs->pos, "field '%s' can't be used as a right-hand side field", f->name);
	if (x->lhs->type != x->rhs->type || x->lhs->list != x->rhs->list)
		return fail(
			c, from->rhs->pos,
			"field '%s' has type '%s%s' while the right-hand side field '%s' has incompatible type "
			"'%s%s'",
			name_of(x->lhs), type_word(x->lhs->type), x->lhs->list ? " (list)" : "", name_of(x->rhs),
			type_word(x->rhs->type), x->rhs->list ? " (list)" : "");
	if (chooses_types(x) && x->lhs->kind == FVAL_FIELD && x->lhs->field.id == F_EVT_TYPE)
		return fail(c, from->pos, "evt.type compares with constants only");
	return true;
}

/* What Falco accepts and then stops at while it runs. */
static bool check_special(struct fcheck *c, const struct fx *x, const struct fast *from)
{
	if (x->lhs->kind != FVAL_FIELD)
		return true;
	switch (x->lhs->field.id) {
	case F_FD_IP:
	case F_FD_PORT:
	case F_FD_PROTO:
		return x->op != FOP_INTERSECTS || fail(c, from->pos, "'intersects' operator not supported for %s",
		                                       falco_fields[x->lhs->field.id].name);
	case F_FD_CIP_NAME:
	case F_FD_SIP_NAME:
	case F_FD_LIP_NAME:
	case F_FD_RIP_NAME:
		return x->op == FOP_EXISTS || x->op == FOP_EQ || x->op == FOP_NE || x->op == FOP_IN ||
		       fail(c, from->pos, "'%s' operator not supported for %s", fop_name(x->op),
		            falco_fields[x->lhs->field.id].name);
	case F_EVT_AROUND:
		return x->op == FOP_EQ || fail(c, from->pos, "evt.around supports only '=' comparison operator");
	default:
		return true;
	}
}

static struct fx *check_test(struct fcheck *c, struct fx *x, const struct fast *from)
{
	enum fop base = from->op;
	const struct fref *of;

	x->op = from->op;
	x->mod = from->mod;
	x->lhs = falco_check_val(c, from->lhs);
	if (!x->lhs)
		return NULL;
	of = field_of(x->lhs);
	if ((chooses_types(x) || base == FOP_EXISTS) && of && of != &x->lhs->field && of->id == F_EVT_TYPE)
		return fail(c, from->pos, "transformers can't be applied to evt.type here");
	if (!op_fits(x->lhs->type, x->lhs->list, base))
		return no_operator(c, x, from) ? x : NULL;
	if (!check_special(c, x, from))
		return NULL;
	if (base == FOP_EXISTS)
		return x;
	if (from->rhs)
		return check_rhs(c, x, from) ? x : NULL;
	return check_consts(c, x, from) ? x : NULL;
}

/* Depth is that of each text's nesting times that of macros: held by the loader's limit on unfolded size. */
struct fx *falco_check(struct fcheck *c, struct fast *tree)
{
	struct fx *x;

	if (tree->typed)
		return tree->typed;
	if (tree->kind == FAST_MACRO) {
		if (!tree->macro || !tree->kids[0]) /* it did not compile, which was told */
			return NULL;
		x = falco_check(c, tree->kids[0]);
		tree->typed = x;
		return x;
	}
	x = mem(c, sizeof(*x));
	if (!x)
		return NULL;
	if (tree->kind == FAST_CHECK) {
		c->text = tree->text;
		x->kind = FX_TEST;
		x = check_test(c, x, tree);
	} else {
		x->kind = tree->kind == FAST_AND ? FX_AND : tree->kind == FAST_OR ? FX_OR : FX_NOT;
		x->kids = mem(c, tree->n * sizeof(struct fx *));
		for (uint32_t i = 0; x->kids && i < tree->n; i++) {
			x->kids[i] = falco_check(c, tree->kids[i]);
			if (!x->kids[i])
				return NULL;
		}
		if (!x->kids)
			return NULL;
		x->n = tree->n;
	}
	tree->typed = x;
	return x;
}

/* ---- event codes ---- */

static bool number_test(const struct fx *x, bool *ret_empty)
{
	int64_t v;

	if (x->rhs || x->mod || x->op == FOP_EXISTS || (!x->n_consts && x->op != FOP_IN))
		return false;
	v = x->n_consts ? (int64_t)x->consts[0].u : 0;
	*ret_empty = false;
	switch (x->op) {
	case FOP_EQ:
		*ret_empty = v == 0;
		return v == 0;
	case FOP_NE:
		return v == 0;
	case FOP_LT:
		*ret_empty = v == 0 || v == 1;
		return v == 0 || v == 1;
	case FOP_LE:
		*ret_empty = v == 0;
		return v == 0;
	case FOP_GT:
		return v == 0;
	case FOP_GE:
		return v == 0 || v == 1;
	case FOP_IN:
		for (uint32_t i = 0; i < x->n_consts; i++)
			if (x->consts[i].u)
				return false;
		*ret_empty = true;
		return true;
	default:
		return false;
	}
}

static void test_codes(struct fx *x)
{
	const struct fref *f = x->lhs->kind == FVAL_FIELD ? &x->lhs->field : NULL;
	struct code_set *yes = &x->codes[0], *no = &x->codes[1];
	bool empty;

	code_set_all(yes);
	code_set_all(no);
	if (!f)
		return;
	if (f->id == F_EVT_NUM && number_test(x, &empty)) {
		memset(empty ? yes : no, 0, sizeof(*yes));
		return;
	}
	if (f->id != F_EVT_TYPE && f->id != F_SYSCALL_TYPE)
		return;
	if (x->op == FOP_EXISTS) {
		memset(no, 0, sizeof(*no));
		return;
	}
	if (x->rhs || x->mod || (x->op != FOP_EQ && x->op != FOP_NE && x->op != FOP_IN))
		return;
	memset(yes, 0, sizeof(*yes));
	for (uint32_t i = 0; i < x->n_consts; i++)
		falco_type_codes(x->texts[i], yes);
	*no = *yes;
	code_set_not(no);
	if (x->op == FOP_NE) {
		struct code_set swap = *yes;

		*yes = *no;
		*no = swap;
	}
}

static void combine(struct code_set *to, const struct code_set *with, bool both)
{
	for (unsigned i = 0; i < CODE_WORDS; i++)
		to->w[i] = both ? to->w[i] & with->w[i] : to->w[i] | with->w[i];
}

static void make_codes(struct fx *x)
{
	if (x->has_codes)
		return;
	x->has_codes = true;
	for (uint32_t i = 0; i < x->n; i++)
		make_codes(x->kids[i]);
	switch (x->kind) {
	case FX_TEST:
		test_codes(x);
		break;
	case FX_NOT:
		x->codes[0] = x->kids[0]->codes[1];
		x->codes[1] = x->kids[0]->codes[0];
		break;
	default:
		x->codes[0] = x->kids[0]->codes[0];
		x->codes[1] = x->kids[0]->codes[1];
		for (uint32_t i = 1; i < x->n; i++) {
			combine(&x->codes[0], &x->kids[i]->codes[0], x->kind == FX_AND);
			combine(&x->codes[1], &x->kids[i]->codes[1], x->kind == FX_OR);
		}
	}
}

struct code_set falco_codes(struct fx *x)
{
	make_codes(x);
	return x->codes[0];
}
