/* The .def files, unfolded, and look-ups in them. All of this is used while policies load, not while rows are
 * evaluated. */
#include "replay/dialects/falco/table.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define FT_UINT8 FT_UINT32
const struct ffield falco_fields[N_FIELDS] = {
#define FALCO_FIELD(class, ID, name_, type_, flags_, print_) \
	{ .name = (name_),                                   \
	  .len = sizeof(name_) - 1,                          \
	  .cls = FCLASS_##class,                             \
	  .type = FT_##type_,                                \
	  .print = FP_##print_,                              \
	  .flags = (flags_) },
#include "replay/dialects/falco/fields.def"
};

/* All parameters; a nameless one stands before each event's, and at the end. */
static const struct fparam params[] = {
#define SCAP_EVENT(code, ID, name_, category, flags) { 0 },
#define SCAP_PARAM(code, name_, type_, base_, table_, dirfd_) \
	{ .name = #name_,                                     \
	  .type = PT_##type_,                                 \
	  .base = PB_##base_,                                 \
	  .table = HC_SCAP_TAB_##table_,                      \
	  .dirfd = (dirfd_) },
#include "store/scap_events.def"
	{ 0 },
};

enum {
	POS__before = -1,
#define SCAP_EVENT(code, ID, name_, category, flags) POS_##code,
#define SCAP_PARAM(code, name_, type_, base_, table_, dirfd_) POS_##code##_##name_,
#include "store/scap_events.def"
};

const struct fevent falco_events[N_CODES] = {
#define SCAP_EVENT(code, ID, name_, category, flags_) \
	[code] = { .name = #name_, .cat = CAT_##category, .flags = (flags_), .params = &params[POS_##code + 1] },
#define SCAP_OLD(code, ID, name_, n_params, flags_) [code] = { .name = #name_, .flags = (flags_) | EVF_OLD },
#include "store/scap_events.def"
};

static const struct fname names[] = {
#define SCAP_NAME(table_, name_, value_) { .table = HC_SCAP_TAB_##table_, .name = (name_), .value = (value_) },
#include "store/scap_flags.def"
};

static const char *const syscall_ids[] = {
#define FALCO_SYSCALL(id, name) [id] = #name,
#include "replay/dialects/falco/syscall_ids.def"
};

static const char *const linux_64[] = {
#define LINUX_64(nr, name) [nr] = #name,
#include "replay/dialects/falco/linux_syscalls.def"
};

static const char *const linux_32[] = {
#define LINUX_32(nr, name) [nr] = #name,
#include "replay/dialects/falco/linux_syscalls.def"
};

/* Where each table begins: a name takes one place, a table's begin takes none. */
enum {
	NAME_POS__before = -1,
#define SCAP_TABLE(table) NAME_BEGIN_##table, NAME_POS_##table = NAME_BEGIN_##table - 1,
#define SCAP_NAME(table, name, value) NAME_POS_AT(table, __COUNTER__),
#define NAME_POS_AT(table, n) NAME_POS_AT_(table, n)
#define NAME_POS_AT_(table, n) NAME_POS_##table##_##n
#include "store/scap_flags.def"
	NAME_END
};

static const uint16_t table_begins[HC_SCAP_N_TABS] = {
#define SCAP_TABLE(table) [HC_SCAP_TAB_##table] = NAME_BEGIN_##table,
#include "store/scap_flags.def"
};

_Static_assert(COUNT(names) == NAME_END, "names and their numbering agree");

const struct fname *falco_table_names(unsigned table, unsigned *ret_n)
{
	size_t from = table_begins[table], until = from;

	while (until < COUNT(names) && names[until].table == table)
		until++;
	*ret_n = (unsigned)(until - from);
	return until > from ? &names[from] : NULL;
}

void code_set_all(struct code_set *s)
{
	for (unsigned i = 0; i < CODE_WORDS; i++)
		s->w[i] = i < N_CODES / 64 ? UINT64_MAX : (UINT64_C(1) << N_CODES % 64) - 1;
}

bool code_set_has(const struct code_set *s, unsigned code)
{
	return code < N_CODES && (s->w[code / 64] >> (code % 64) & 1);
}

void code_set_add(struct code_set *s, unsigned code)
{
	s->w[code / 64] |= UINT64_C(1) << (code % 64);
}

void code_set_not(struct code_set *s)
{
	struct code_set all = { 0 };

	code_set_all(&all);
	for (unsigned i = 0; i < CODE_WORDS; i++)
		s->w[i] = all.w[i] & ~s->w[i];
}

unsigned code_set_count(const struct code_set *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CODE_WORDS; i++)
		n += (unsigned)__builtin_popcountll(s->w[i]);
	return n;
}

bool falco_type_codes(struct hc_str name, struct code_set *add)
{
	bool found = false;

	for (unsigned code = 0; code < N_CODES; code++) {
		const struct fevent *e = &falco_events[code];

		if (e->name && name.len && e->name[0] == name.p[0] && hc_str_eq(name, hc_str_c(e->name))) {
			code_set_add(add, code);
			found = true;
		}
	}
	if (found)
		return true;
	if (hc_str_eq(name, HC_STR("container")) || hc_str_eq(name, HC_STR("container_removed"))) {
		code_set_add(add, CODE_ASYNC);
		return true;
	}
	if (falco_syscall_id(name)) {
		code_set_add(add, 0);
		code_set_add(add, CODE_GENERIC);
		return true;
	}
	return false;
}

uint32_t falco_param_prefix(struct hc_str text)
{
	uint32_t longest = 0;

	for (size_t i = 0; i < COUNT(params); i++) {
		struct hc_str name;

		if (!params[i].name || !text.len || params[i].name[0] != text.p[0])
			continue;
		name = hc_str_c(params[i].name);
		if (name.len > longest && hc_str_starts(text, name))
			longest = name.len;
	}
	return longest;
}

int falco_param_find(unsigned code, struct hc_str name)
{
	const struct fparam *p = falco_events[code].params;

	for (int i = 0; p && p[i].name; i++)
		if (hc_str_eq(name, hc_str_c(p[i].name)))
			return i;
	return -1;
}

const struct fparam *falco_param_first(struct hc_str name)
{
	for (size_t i = 0; i < COUNT(params); i++)
		if (params[i].name && hc_str_eq(name, hc_str_c(params[i].name)))
			return &params[i];
	return NULL;
}

const char *falco_errno_name(int64_t e)
{
	static const struct {
		int number;
		const char *name;
	} kernel_only[] = {
		{ 512, "ERESTARTSYS" },
		{ 513, "ERESTARTNOINTR" },
		{ 514, "ERESTARTNOHAND" },
		{ 515, "ENOIOCTLCMD" },
		{ 516, "ERESTART_RESTARTBLOCK" },
		{ 521, "EBADHANDLE" },
		{ 522, "ENOTSYNC" },
		{ 523, "EBADCOOKIE" },
		{ 524, "ENOTSUPP" },
		{ 525, "ETOOSMALL" },
		{ 526, "ESERVERFAULT" },
		{ 527, "EBADTYPE" },
		{ 528, "EJUKEBOX" },
		{ 529, "EIOCBQUEUED" },
		{ 530, "EIOCBRETRY" },
	};

	if (e == EOPNOTSUPP)
		return "EOPNOTSUPP";
	if (e >= 1 && e <= 125)
		return strerrorname_np((int)e);
	for (size_t i = 0; i < COUNT(kernel_only); i++)
		if (kernel_only[i].number == e)
			return kernel_only[i].name;
	return NULL;
}

const char *falco_signal_name(int64_t sig)
{
	static const char *const signals[] = {
		NULL,        "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
		"SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
		"SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
		"SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS",
	};

	return sig > 0 && sig < (int64_t)COUNT(signals) ? signals[sig] : NULL;
}

const char *falco_syscall_name(uint64_t nr, bool compat)
{
	if (compat)
		return nr < COUNT(linux_32) ? linux_32[nr] : NULL;
	return nr < COUNT(linux_64) ? linux_64[nr] : NULL;
}

unsigned falco_syscall_id(struct hc_str name)
{
	for (unsigned id = 1; id < COUNT(syscall_ids); id++)
		if (hc_str_eq(name, hc_str_c(syscall_ids[id])))
			return id;
	return 0;
}
