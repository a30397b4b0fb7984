/*
 * SQL tables from the event model: common columns, then the columns that each argument unfolds into. The short
 * form of an argument has its name; what else is known of it has the name and a suffix.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "sql_priv.h"
#include "store/render.h"

/* ---- which tables there are ---- */

static const struct q_table fixed[] = {
	{ .name = "events", .kind = Q_KIND_EVENTS },
	{ .name = "processes", .kind = Q_KIND_OBJS, .type = HC_OBJ_PROC },
	{ .name = "process_versions", .kind = Q_KIND_OBJS, .type = HC_OBJ_PROC, .versions = true },
	{ .name = "containers", .kind = Q_KIND_OBJS, .type = HC_OBJ_CTR },
	{ .name = "segments", .kind = Q_KIND_LIST, .type = 0 },
	{ .name = "blocks", .kind = Q_KIND_LIST, .type = 1 },
	{ .name = "problems", .kind = Q_KIND_LIST, .type = 2 },
	{ .name = "event_types", .kind = Q_KIND_LIST, .type = 3 },
};

#define N_FIXED (sizeof(fixed) / sizeof(fixed[0]))

static const struct q_table typed[] = {
#define HC_EVENT(ID, number, name_, stream, cls, profile, mode) \
	{ .name = #name_, .kind = Q_KIND_EVENTS, .type = (number) },
#include "store/event_types.def"
};

const struct q_table *hc_q_table_at(unsigned n)
{
	if (n < N_FIXED)
		return &fixed[n];
	n -= N_FIXED;
	return n < sizeof(typed) / sizeof(typed[0]) ? &typed[n] : NULL;
}

const struct q_table *hc_q_table_find(struct hc_str name)
{
	const struct q_table *t;

	for (unsigned i = 0; (t = hc_q_table_at(i)); i++)
		if (strlen(t->name) == name.len && strncasecmp(t->name, name.p, name.len) == 0)
			return t;
	return NULL;
}

/* ---- adding columns ---- */

/* Words of SQL that cannot be a column's name without quotes. */
static bool is_reserved(const char *name)
{
	static const char *const words[] = {
		"add",         "all",     "alter",      "and",     "as",       "autoincrement",
		"between",     "case",    "check",      "collate", "commit",   "constraint",
		"create",      "default", "deferrable", "delete",  "distinct", "drop",
		"else",        "escape",  "exists",     "foreign", "from",     "group",
		"having",      "in",      "index",      "insert",  "into",     "is",
		"isnull",      "join",    "limit",      "not",     "nothing",  "notnull",
		"null",        "on",      "or",         "order",   "primary",  "references",
		"returning",   "select",  "set",        "table",   "then",     "to",
		"transaction", "union",   "unique",     "update",  "using",    "values",
		"when",        "where",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(words[i], name) == 0)
			return true;
	return false;
}

static bool has_name(const struct q_table *t, const char *name)
{
	for (uint32_t i = 0; i < t->n_cols; i++)
		if (strcasecmp(t->cols[i].name, name) == 0)
			return true;
	return false;
}

struct q_col *hc_q_col_add(struct q_table *t, const char *name, const char *decl, enum q_from from, unsigned col,
                           bool hidden)
{
	bool taken = is_reserved(name) || has_name(t, name);
	struct q_col *c;
	char *copy;

	copy = t->n_cols < Q_MAX_COLS ? hc_arena_printf(&t->arena, taken ? "arg_%s" : "%s", name) : NULL;
	if (!copy || has_name(t, copy)) {
		t->n_lost++;
		return &t->nowhere;
	}
	c = &t->cols[t->n_cols++];
	*c = (struct q_col){
		.name = copy, .decl = decl, .from = (uint8_t)from, .col = (uint16_t)col, .hidden = hidden
	};
	return c;
}

/* What an object is shown as: suffixes behind the argument's name. */
struct part {
	const char *suffix, *decl;
	hc_q_leaf_fn *leaf;
	unsigned arg;
	uint8_t plain;
	bool hidden;
};

#define INTEGER "INTEGER"
#define TEXT "TEXT"
#define TIME Q_DECL_TIME

static const struct part path_parts[] = {
	{ "", TEXT, hc_q_leaf_main, 0, Q_PLAIN, false },
	{ "_given", TEXT, hc_q_leaf_col, HC_O_PATH_given, Q_PLAIN, true },
	{ "_abs", TEXT, hc_q_leaf_col, HC_O_PATH_abs, Q_PLAIN, true },
	{ "_real", TEXT, hc_q_leaf_col, HC_O_PATH_real, Q_PLAIN, true },
	{ "_fsrel", TEXT, hc_q_leaf_col, HC_O_PATH_fsrel, Q_PLAIN, true },
	{ "_prov", TEXT, hc_q_leaf_col_text, HC_O_PATH_prov, Q_COMPUTED, true },
	{ "_flags", INTEGER, hc_q_leaf_col, HC_O_PATH_flags, Q_COMPUTED, true },
};

static const struct part file_parts[] = {
	{ "", TEXT, hc_q_leaf_main, 0, Q_COMPUTED, false },
	{ "_dev", TEXT, hc_q_leaf_col_text, HC_O_FILE_dev, Q_COMPUTED, true },
	{ "_ino", INTEGER, hc_q_leaf_col, HC_O_FILE_ino, Q_COMPUTED, true },
	{ "_size", INTEGER, hc_q_leaf_col, HC_O_FILE_size, Q_COMPUTED, true },
	{ "_mode", INTEGER, hc_q_leaf_col, HC_O_FILE_mode, Q_COMPUTED, true },
	{ "_mode_text", TEXT, hc_q_leaf_col_text, HC_O_FILE_mode, Q_COMPUTED, true },
	{ "_uid", INTEGER, hc_q_leaf_col, HC_O_FILE_uid, Q_COMPUTED, true },
	{ "_gid", INTEGER, hc_q_leaf_col, HC_O_FILE_gid, Q_COMPUTED, true },
	{ "_nlink", INTEGER, hc_q_leaf_col, HC_O_FILE_nlink, Q_COMPUTED, true },
	{ "_rdev", TEXT, hc_q_leaf_col_text, HC_O_FILE_rdev, Q_COMPUTED, true },
	{ "_ctime", TIME, hc_q_leaf_col_time, HC_O_FILE_ctime_ns, Q_COMPUTED, true },
	{ "_mtime", TIME, hc_q_leaf_col_time, HC_O_FILE_mtime_ns, Q_COMPUTED, true },
	{ "_btime", TIME, hc_q_leaf_col_time, HC_O_FILE_btime_ns, Q_COMPUTED, true },
	{ "_fs_type", TEXT, hc_q_leaf_col, HC_O_FILE_fs_type, Q_PLAIN, true },
	{ "_fs_magic", INTEGER, hc_q_leaf_col, HC_O_FILE_fs_magic, Q_COMPUTED, true },
	{ "_mount_id", INTEGER, hc_q_leaf_col, HC_O_FILE_mount_id, Q_COMPUTED, true },
	{ "_mount_flags", INTEGER, hc_q_leaf_col, HC_O_FILE_mount_flags, Q_COMPUTED, true },
	{ "_layer", TEXT, hc_q_leaf_col_text, HC_O_FILE_layer, Q_COMPUTED, true },
	{ "_sha256", TEXT, hc_q_leaf_col, HC_O_FILE_sha256, Q_COMPUTED, true },
	{ "_build_id", TEXT, hc_q_leaf_col, HC_O_FILE_build_id, Q_COMPUTED, true },
};

static const struct part sock_parts[] = {
	{ "", TEXT, hc_q_leaf_main, 0, Q_COMPUTED, false },
	{ "_local_addr", TEXT, hc_q_leaf_col, HC_O_SOCK_local_addr, Q_PLAIN_IP, true },
	{ "_local_port", INTEGER, hc_q_leaf_col, HC_O_SOCK_local_port, Q_COMPUTED, true },
	{ "_peer_addr", TEXT, hc_q_leaf_col, HC_O_SOCK_peer_addr, Q_PLAIN_IP, true },
	{ "_peer_port", INTEGER, hc_q_leaf_col, HC_O_SOCK_peer_port, Q_COMPUTED, true },
	{ "_local_path", TEXT, hc_q_leaf_col, HC_O_SOCK_local_path, Q_PLAIN, true },
	{ "_peer_path", TEXT, hc_q_leaf_col, HC_O_SOCK_peer_path, Q_PLAIN, true },
	{ "_family", TEXT, hc_q_leaf_col_text, HC_O_SOCK_family, Q_COMPUTED, true },
	{ "_sock_type", TEXT, hc_q_leaf_col_text, HC_O_SOCK_sock_type, Q_COMPUTED, true },
	{ "_protocol", TEXT, hc_q_leaf_col_text, HC_O_SOCK_protocol, Q_COMPUTED, true },
	{ "_state", TEXT, hc_q_leaf_col_text, HC_O_SOCK_state, Q_COMPUTED, true },
	{ "_role", TEXT, hc_q_leaf_col_text, HC_O_SOCK_role, Q_COMPUTED, true },
	{ "_netns", INTEGER, hc_q_leaf_col, HC_O_SOCK_netns, Q_COMPUTED, true },
	{ "_cookie", INTEGER, hc_q_leaf_col, HC_O_SOCK_cookie, Q_COMPUTED, true },
	{ "_ino", INTEGER, hc_q_leaf_col, HC_O_SOCK_ino, Q_COMPUTED, true },
	{ "_creator", INTEGER, hc_q_leaf_col, HC_O_SOCK_creator, Q_COMPUTED, true },
	{ "_creator_guid", TEXT, hc_q_leaf_hop_guid, HC_O_SOCK_creator, Q_COMPUTED, true },
	{ "_peer_pid", INTEGER, hc_q_leaf_col, HC_O_SOCK_peer, Q_COMPUTED, true },
	{ "_peer_guid", TEXT, hc_q_leaf_hop_guid, HC_O_SOCK_peer, Q_COMPUTED, true },
};

/* Behind the number of a descriptor the object's short form is "_name", alone it has the argument's own name. */
static const struct part fd_parts[] = {
	{ "_kind", TEXT, hc_q_leaf_col_text, HC_O_FDOBJ_what, Q_COMPUTED, true },
	{ "_id", INTEGER, hc_q_leaf_col, HC_O_FDOBJ_id, Q_COMPUTED, true },
	{ "_path", TEXT, hc_q_leaf_col, HC_O_FDOBJ_path, Q_PLAIN, true },
	{ "_real", TEXT, hc_q_leaf_hop, Q_HOP(HC_O_FDOBJ_path, HC_O_PATH_real), Q_PLAIN, true },
	{ "_path_now", TEXT, hc_q_leaf_col, HC_O_FDOBJ_path_now, Q_PLAIN, true },
	{ "_open_flags", INTEGER, hc_q_leaf_col, HC_O_FDOBJ_f_flags, Q_COMPUTED, true },
	{ "_open_flags_text", TEXT, hc_q_leaf_col_text, HC_O_FDOBJ_f_flags, Q_COMPUTED, true },
	{ "_created", INTEGER, hc_q_leaf_col, HC_O_FDOBJ_created, Q_COMPUTED, true },
	{ "_target", INTEGER, hc_q_leaf_col, HC_O_FDOBJ_target, Q_COMPUTED, true },
	{ "_dev", TEXT, hc_q_leaf_hop_text, Q_HOP(HC_O_FDOBJ_file, HC_O_FILE_dev), Q_COMPUTED, true },
	{ "_ino", INTEGER, hc_q_leaf_hop, Q_HOP(HC_O_FDOBJ_file, HC_O_FILE_ino), Q_COMPUTED, true },
	{ "_size", INTEGER, hc_q_leaf_hop, Q_HOP(HC_O_FDOBJ_file, HC_O_FILE_size), Q_COMPUTED, true },
	{ "_mode", INTEGER, hc_q_leaf_hop, Q_HOP(HC_O_FDOBJ_file, HC_O_FILE_mode), Q_COMPUTED, true },
	{ "_uid", INTEGER, hc_q_leaf_hop, Q_HOP(HC_O_FDOBJ_file, HC_O_FILE_uid), Q_COMPUTED, true },
	{ "_fs_type", TEXT, hc_q_leaf_hop, Q_HOP(HC_O_FDOBJ_file, HC_O_FILE_fs_type), Q_PLAIN, true },
	{ "_local_addr", TEXT, hc_q_leaf_hop, Q_HOP(HC_O_FDOBJ_sock, HC_O_SOCK_local_addr), Q_PLAIN_IP, true },
	{ "_local_port", INTEGER, hc_q_leaf_hop, Q_HOP(HC_O_FDOBJ_sock, HC_O_SOCK_local_port), Q_COMPUTED, true },
	{ "_peer_addr", TEXT, hc_q_leaf_hop, Q_HOP(HC_O_FDOBJ_sock, HC_O_SOCK_peer_addr), Q_PLAIN_IP, true },
	{ "_peer_port", INTEGER, hc_q_leaf_hop, Q_HOP(HC_O_FDOBJ_sock, HC_O_SOCK_peer_port), Q_COMPUTED, true },
	{ "_family", TEXT, hc_q_leaf_hop_text, Q_HOP(HC_O_FDOBJ_sock, HC_O_SOCK_family), Q_COMPUTED, true },
	{ "_sock_type", TEXT, hc_q_leaf_hop_text, Q_HOP(HC_O_FDOBJ_sock, HC_O_SOCK_sock_type), Q_COMPUTED, true },
	{ "_protocol", TEXT, hc_q_leaf_hop_text, Q_HOP(HC_O_FDOBJ_sock, HC_O_SOCK_protocol), Q_COMPUTED, true },
};

static const struct part proc_parts[] = {
	{ "_guid", TEXT, hc_q_leaf_guid, 0, Q_COMPUTED, true },
	{ "_comm", TEXT, hc_q_leaf_col, HC_O_PROC_comm, Q_PLAIN, false },
	{ "_exe", TEXT, hc_q_leaf_hop, Q_HOP(HC_O_PROC_image, HC_O_IMAGE_exe), Q_PLAIN, true },
	{ "_sha256", TEXT, hc_q_leaf_exe_file, HC_O_FILE_sha256, Q_COMPUTED, true },
	{ "_build_id", TEXT, hc_q_leaf_exe_file, HC_O_FILE_build_id, Q_COMPUTED, true },
	{ "_cmdline", TEXT, hc_q_leaf_cmdline, 0, Q_COMPUTED, true },
	{ "_cwd", TEXT, hc_q_leaf_col, HC_O_PROC_cwd, Q_PLAIN, true },
	{ "_uid", INTEGER, hc_q_leaf_col, HC_O_PROC_uid, Q_COMPUTED, true },
	{ "_gid", INTEGER, hc_q_leaf_col, HC_O_PROC_gid, Q_COMPUTED, true },
	{ "_euid", INTEGER, hc_q_leaf_col, HC_O_PROC_euid, Q_COMPUTED, true },
	{ "_egid", INTEGER, hc_q_leaf_col, HC_O_PROC_egid, Q_COMPUTED, true },
	{ "_user", TEXT, hc_q_leaf_col, HC_O_PROC_user, Q_PLAIN, true },
	{ "_cap_eff", INTEGER, hc_q_leaf_col, HC_O_PROC_cap_eff, Q_COMPUTED, true },
	{ "_cap_eff_text", TEXT, hc_q_leaf_col_text, HC_O_PROC_cap_eff, Q_COMPUTED, true },
	{ "_userns", INTEGER, hc_q_leaf_col, HC_O_PROC_userns, Q_COMPUTED, true },
	{ "_container", TEXT, hc_q_leaf_col, HC_O_PROC_container, Q_PLAIN, true },
	{ "_version", INTEGER, hc_q_leaf_col, HC_O_PROC_version, Q_COMPUTED, true },
};

static const struct part ctr_parts[] = {
	{ "", TEXT, hc_q_leaf_main, 0, Q_PLAIN, false },
	{ "_name", TEXT, hc_q_leaf_col, HC_O_CTR_name, Q_PLAIN, true },
	{ "_image", TEXT, hc_q_leaf_col, HC_O_CTR_image, Q_PLAIN, true },
	{ "_runtime", TEXT, hc_q_leaf_col, HC_O_CTR_runtime, Q_PLAIN, true },
	{ "_pod_name", TEXT, hc_q_leaf_col, HC_O_CTR_pod_name, Q_PLAIN, true },
	{ "_pod_namespace", TEXT, hc_q_leaf_col, HC_O_CTR_pod_namespace, Q_PLAIN, true },
};

#define PARTS(table) (table), sizeof(table) / sizeof((table)[0])

static void add_part(struct q_table *t, const char *arg, enum q_from from, unsigned col, const struct part *p)
{
	char name[80];
	struct q_col *c;

	snprintf(name, sizeof(name), "%s%s", arg, p->suffix);
	c = hc_q_col_add(t, name, p->decl, from, col, p->hidden);
	c->leaf = p->leaf;
	c->arg = (uint16_t)p->arg;
	c->plain = p->plain;
}

static void add_parts(struct q_table *t, const char *arg, enum q_from from, unsigned col, const struct part *parts,
                      size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_part(t, arg, from, col, &parts[i]);
}

/* ---- arguments ---- */

/* from_ns becomes from_time, tp becomes tp_time. */
static void time_name(char *buf, size_t room, const char *name)
{
	size_t len = strlen(name);

	if (len > 3 && strcmp(name + len - 3, "_ns") == 0)
		len -= 3;
	if (len > 5 && strncmp(name + len - 5, "_time", 5) == 0)
		len -= 5;
	snprintf(buf, room, "%.*s_time", (int)len, name);
}

static void add_number(struct q_table *t, const struct hc_col_desc *d, unsigned col)
{
	char name[80];
	struct q_col *c;

	hc_q_col_add(t, d->name, INTEGER, Q_FROM_INT, col, false);
	if (d->fmt == HC_FMT_TIME || d->fmt == HC_FMT_BOOT) {
		time_name(name, sizeof(name), d->name);
		c = hc_q_col_add(t, name, TIME, Q_FROM_ROW, Q_ROW_TIME_OF, false);
		c->arg = (uint16_t)col;
	} else if (hc_fmt_is_named(d->fmt)) {
		snprintf(name, sizeof(name), "%s_text", d->name);
		c = hc_q_col_add(t, name, TEXT, Q_FROM_ROW, Q_ROW_TEXT_OF, false);
		c->arg = (uint16_t)col;
	}
}

static void add_bytes(struct q_table *t, const struct hc_col_desc *d, unsigned col)
{
	static const struct part blob = { "", "BLOB", hc_q_leaf_main, 0, Q_COMPUTED, false };
	static const struct part text = { "_text", TEXT, hc_q_leaf_bytes_text, 0, Q_COMPUTED, true };
	char name[80];

	add_part(t, d->name, Q_FROM_REF, col, &blob);
	snprintf(name, sizeof(name), "%s_len", d->name);
	hc_q_col_add(t, name, INTEGER, Q_FROM_INT, col + 1, true);
	add_part(t, d->name, Q_FROM_REF, col, &text);
}

static const struct part addr_parts[] = {
	{ "", TEXT, hc_q_leaf_sockaddr, Q_SOCKADDR_TEXT, Q_COMPUTED, false },
	{ "_family", TEXT, hc_q_leaf_sockaddr, Q_SOCKADDR_FAMILY, Q_COMPUTED, true },
	{ "_addr", TEXT, hc_q_leaf_sockaddr, Q_SOCKADDR_ADDR, Q_COMPUTED, true },
	{ "_port", INTEGER, hc_q_leaf_sockaddr, Q_SOCKADDR_PORT, Q_COMPUTED, true },
};

static const struct part str_part = { "", TEXT, hc_q_leaf_main, 0, Q_PLAIN, false };
static const struct part list_part = { "", TEXT, hc_q_leaf_json, 0, Q_COMPUTED, false };
static const struct part fd_name_part = { "_name", TEXT, hc_q_leaf_main, 0, Q_PLAIN_PATH, false };
static const struct part fdobj_name_part = { "", TEXT, hc_q_leaf_main, 0, Q_PLAIN_PATH, false };
static const struct part pid_part = { "", INTEGER, hc_q_leaf_main, 0, Q_COMPUTED, false };

static void add_arg(struct q_table *t, const struct hc_table_desc *desc, unsigned col)
{
	const struct hc_col_desc *d = &desc->cols[col];

	switch ((enum hc_kind)d->kind) {
	case HC_KIND_INT:
	case HC_KIND_UINT:
		add_number(t, d, col);
		break;
	case HC_KIND_STR:
		add_part(t, d->name, Q_FROM_REF, col, &str_part);
		break;
	case HC_KIND_BYTES:
		add_bytes(t, d, col);
		break;
	case HC_KIND_ADDR:
		add_parts(t, d->name, Q_FROM_REF, col, PARTS(addr_parts));
		break;
	case HC_KIND_STRS:
	case HC_KIND_INTS:
		add_part(t, d->name, Q_FROM_REF, col, &list_part);
		break;
	case HC_KIND_PATH:
		add_parts(t, d->name, Q_FROM_REF, col, PARTS(path_parts));
		break;
	case HC_KIND_FILE:
		add_parts(t, d->name, Q_FROM_REF, col, PARTS(file_parts));
		break;
	case HC_KIND_SOCK:
		add_parts(t, d->name, Q_FROM_REF, col, PARTS(sock_parts));
		break;
	case HC_KIND_FDOBJ:
		add_part(t, d->name, Q_FROM_REF, col, &fdobj_name_part);
		add_parts(t, d->name, Q_FROM_REF, col, PARTS(fd_parts));
		break;
	case HC_KIND_FD:
		hc_q_col_add(t, d->name, INTEGER, Q_FROM_INT, col, false);
		add_part(t, d->name, Q_FROM_REF, col + 1, &fd_name_part);
		add_parts(t, d->name, Q_FROM_REF, col + 1, PARTS(fd_parts));
		break;
	case HC_KIND_PID:
		hc_q_col_add(t, d->name, INTEGER, Q_FROM_INT, col, false);
		add_parts(t, d->name, Q_FROM_REF, col + 1, PARTS(proc_parts));
		break;
	case HC_KIND_PROC:
		add_part(t, d->name, Q_FROM_REF, col, &pid_part);
		add_parts(t, d->name, Q_FROM_REF, col, PARTS(proc_parts));
		break;
	case HC_KIND_CTR:
		add_parts(t, d->name, Q_FROM_REF, col, PARTS(ctr_parts));
		break;
	case HC_KIND_IMAGE:
	case HC_KIND_USER:
	case HC_KIND_GROUP:
	case HC_KIND_TASK:
		add_part(t, d->name, Q_FROM_REF, col, &str_part);
		break;
	case HC_N_KINDS:
		break;
	}
}

/* ---- common columns ---- */

struct common {
	const char *name, *decl;
	uint8_t from;
	uint16_t col;
	hc_q_leaf_fn *leaf;
	unsigned arg;
	uint8_t plain;
	uint8_t shown; /* bit 0: in SELECT * of events, bit 1: of a type's table */
};

static const struct common head[] = {
	{ "seq", INTEGER, Q_FROM_ROW, Q_ROW_SEQ, NULL, 0, 0, 3 },
	{ "time", TIME, Q_FROM_ROW, Q_ROW_TIME, NULL, 0, 0, 3 },
	{ "type", TEXT, Q_FROM_ROW, Q_ROW_TYPE, NULL, 0, 0, 1 },
	{ "pid", INTEGER, Q_FROM_PROC, 0, hc_q_leaf_col, HC_O_PROC_pid, 0, 3 },
	{ "tid", INTEGER, Q_FROM_TASK, 0, hc_q_leaf_col, HC_O_TASK_tid, 0, 0 },
	{ "ppid", INTEGER, Q_FROM_PROC, 0, hc_q_leaf_col, HC_O_PROC_ppid, 0, 0 },
	{ "comm", TEXT, Q_FROM_PROC, 0, hc_q_leaf_col, HC_O_PROC_comm, Q_PLAIN, 3 },
	{ "exe", TEXT, Q_FROM_PROC, 0, hc_q_leaf_hop, Q_HOP(HC_O_PROC_image, HC_O_IMAGE_exe), Q_PLAIN, 0 },
	{ "cmdline", TEXT, Q_FROM_PROC, 0, hc_q_leaf_cmdline, 0, 0, 0 },
	{ "cwd", TEXT, Q_FROM_PROC, 0, hc_q_leaf_col, HC_O_PROC_cwd, Q_PLAIN, 0 },
	{ "uid", INTEGER, Q_FROM_PROC, 0, hc_q_leaf_col, HC_O_PROC_uid, 0, 0 },
	{ "euid", INTEGER, Q_FROM_PROC, 0, hc_q_leaf_col, HC_O_PROC_euid, 0, 0 },
	{ "user", TEXT, Q_FROM_PROC, 0, hc_q_leaf_col, HC_O_PROC_user, 0, 3 },
	{ "loginuid", INTEGER, Q_FROM_PROC, 0, hc_q_leaf_col, HC_O_PROC_loginuid, 0, 0 },
	{ "tty", TEXT, Q_FROM_PROC, 0, hc_q_leaf_col, HC_O_PROC_tty_name, Q_PLAIN, 0 },
	{ "container", TEXT, Q_FROM_PROC, 0, hc_q_leaf_col, HC_O_PROC_container, Q_PLAIN, 0 },
	{ "guid", TEXT, Q_FROM_PROC, 0, hc_q_leaf_guid, 0, 0, 0 },
	{ "parent_guid", TEXT, Q_FROM_PROC, 0, hc_q_leaf_hop_guid, HC_O_PROC_parent, 0, 0 },
	{ "parent_comm", TEXT, Q_FROM_PROC, 0, hc_q_leaf_hop, Q_HOP(HC_O_PROC_parent, HC_O_PROC_comm), Q_PLAIN,
	  0 },
	{ "parent_exe", TEXT, Q_FROM_PROC, 0, hc_q_leaf_hop2, Q_HOP(HC_O_PROC_parent, HC_O_IMAGE_exe), Q_PLAIN,
	  0 },
	{ "ret", INTEGER, Q_FROM_INT, HC_COL_RET, NULL, 0, 0, 3 },
	{ "error", TEXT, Q_FROM_ROW, Q_ROW_ERROR, NULL, 0, 0, 3 },
};

/* Of `events` only: what most types have in some form. */
static const struct common any_type[] = {
	{ "path", TEXT, Q_FROM_PATH, 0, hc_q_leaf_main, 0, Q_PLAIN, 0 },
	{ "path2", TEXT, Q_FROM_PATH, 1, hc_q_leaf_main, 0, Q_PLAIN, 0 },
	{ "fd", INTEGER, Q_FROM_FD, 0, NULL, 0, 0, 0 },
	{ "fd_name", TEXT, Q_FROM_FDOBJ, 0, hc_q_leaf_main, 0, Q_PLAIN_PATH, 0 },
	{ "fd_kind", TEXT, Q_FROM_FDOBJ, 0, hc_q_leaf_col_text, HC_O_FDOBJ_what, 0, 0 },
	{ "args", TEXT, Q_FROM_ROW, Q_ROW_ARGS, NULL, 0, 0, 1 },
};

static const struct common tail[] = {
	{ "cpu", INTEGER, Q_FROM_ROW, Q_ROW_CPU, NULL, 0, 0, 0 },
	{ "class", TEXT, Q_FROM_ROW, Q_ROW_CLASS, NULL, 0, 0, 0 },
	{ "stream", TEXT, Q_FROM_ROW, Q_ROW_STREAM, NULL, 0, 0, 0 },
	{ "nr", INTEGER, Q_FROM_INT, HC_COL_NR, NULL, 0, 0, 0 },
	{ "row_flags", INTEGER, Q_FROM_INT, HC_COL_ROW_FLAGS, NULL, 0, 0, 0 },
	{ "dur_ns", INTEGER, Q_FROM_INT, HC_COL_DUR_NS, NULL, 0, 0, 0 },
	{ "src_num", INTEGER, Q_FROM_INT, HC_COL_SRC_NUM, NULL, 0, 0, 0 },
	{ "ts_ns", INTEGER, Q_FROM_ROW, Q_ROW_TS_NS, NULL, 0, 0, 0 },
	{ "wall_ns", INTEGER, Q_FROM_ROW, Q_ROW_WALL_NS, NULL, 0, 0, 0 },
	{ "boot", TEXT, Q_FROM_ROW, Q_ROW_BOOT, NULL, 0, 0, 0 },
	{ "node", TEXT, Q_FROM_ROW, Q_ROW_NODE, NULL, 0, 0, 0 },
};

static void add_common(struct q_table *t, const struct common *v, size_t n)
{
	unsigned bit = t->type ? 2 : 1;

	for (size_t i = 0; i < n; i++) {
		struct q_col *c = hc_q_col_add(t, v[i].name, v[i].decl, v[i].from, v[i].col, !(v[i].shown & bit));

		c->leaf = v[i].leaf;
		c->arg = (uint16_t)v[i].arg;
		c->plain = v[i].plain;
	}
}

/* After an exec the common columns tell what the process became; what it was has columns of its own. */
static void add_before(struct q_table *t)
{
	static const struct common before[] = {
		{ "old_comm", TEXT, Q_FROM_TASK, 0, hc_q_leaf_hop, Q_HOP(HC_O_TASK_proc, HC_O_PROC_comm), Q_PLAIN,
		  0 },
		{ "old_exe", TEXT, Q_FROM_TASK, 0, hc_q_leaf_hop2, Q_HOP(HC_O_TASK_proc, HC_O_IMAGE_exe), Q_PLAIN,
		  0 },
		{ "old_uid", INTEGER, Q_FROM_TASK, 0, hc_q_leaf_hop, Q_HOP(HC_O_TASK_proc, HC_O_PROC_uid), 0, 0 },
		{ "old_euid", INTEGER, Q_FROM_TASK, 0, hc_q_leaf_hop, Q_HOP(HC_O_TASK_proc, HC_O_PROC_euid), 0,
		  0 },
	};

	add_common(t, before, sizeof(before) / sizeof(before[0]));
}

struct q_table *hc_q_table_new(const struct q_table *plan)
{
	struct q_table *t = calloc(1, sizeof(*t));
	const struct hc_table_desc *desc;

	if (!t)
		return NULL;
	*t = *plan;
	t->cols = calloc(Q_MAX_COLS, sizeof(*t->cols));
	if (!t->cols)
		return hc_q_table_free(t);
	switch (plan->kind) {
	case Q_KIND_OBJS:
		hc_q_objs_cols(t);
		return t;
	case Q_KIND_LIST:
		hc_q_list_cols(t);
		return t;
	default:
		break;
	}
	add_common(t, PARTS(head));
	if (!plan->type)
		add_common(t, PARTS(any_type));
	/* The row's own columns first: an argument of the same name gets the prefix arg_. */
	add_common(t, PARTS(tail));
	desc = plan->type ? hc_event_desc(plan->type) : NULL;
	for (unsigned i = 0; desc && i < desc->n_args; i++)
		add_arg(t, desc, desc->arg_cols[i]);
	if (plan->type == HC_EV_PROC_EXEC)
		add_before(t);
	return t;
}

struct q_table *hc_q_table_free(struct q_table *t)
{
	if (!t)
		return NULL;
	hc_arena_done(&t->arena);
	free(t->cols);
	free(t);
	return NULL;
}

char *hc_q_table_sql(const struct q_table *t)
{
	sqlite3_str *s = sqlite3_str_new(NULL);

	sqlite3_str_appendall(s, "CREATE TABLE x(");
	for (uint32_t i = 0; i < t->n_cols; i++) {
		const char *decl = t->cols[i].decl;
		size_t type = strcspn(decl, " "); /* HIDDEN belongs to the type, before COLLATE */

		sqlite3_str_appendf(s, "%s\"%w\" %.*s%s%s", i ? "," : "", t->cols[i].name, (int)type, decl,
		                    t->cols[i].hidden ? " HIDDEN" : "", decl + type);
	}
	sqlite3_str_appendall(s, ")");
	return sqlite3_str_finish(s);
}

/* ---- columns by role ---- */

static int nth_col(unsigned type, unsigned kind, unsigned n)
{
	const struct hc_table_desc *d = hc_event_desc(type);

	for (unsigned i = 0; d && i < d->n_args; i++)
		if (d->cols[d->arg_cols[i]].kind == kind && n-- == 0)
			return d->arg_cols[i];
	return -1;
}

int hc_q_path_col(unsigned type, unsigned n)
{
	return nth_col(type, HC_KIND_PATH, n);
}

int hc_q_fd_col(unsigned type)
{
	return nth_col(type, HC_KIND_FD, 0);
}

int hc_q_made_col(unsigned type)
{
	return nth_col(type, HC_KIND_FDOBJ, 0);
}

int hc_q_fdobj_col(unsigned type)
{
	int col = hc_q_made_col(type);

	if (col >= 0)
		return col;
	col = hc_q_fd_col(type);
	return col >= 0 ? col + 1 : -1;
}
