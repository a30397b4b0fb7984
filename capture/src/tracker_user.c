/*
 * Names of users and groups, from the passwd and group files below each process's root. The files belong to
 * whoever runs the container: read with limits, never waited for.
 */
#include "tracker_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE (1u << 20)
#define RECHECK_NS UINT64_C(2000000000)
#define RETRY_NS UINT64_C(20000000) /* when nobody was there to see the file through */

static uint64_t user_key(struct hc_tracker *t, uint32_t id, bool group)
{
	return hash_u64(t->seed.a, (uint64_t)group << 32 | id);
}

static struct tuser *db_find(struct hc_tracker *t, const struct user_db *db, uint32_t id, bool group)
{
	struct tuser *u;

	TABLE_EACH(&db->by_id, user_key(t, id, group), at, u)
	{
		if (u->id == id && u->is_group == group)
			return u;
	}
	return NULL;
}

static void db_clear(struct hc_tracker *t, struct user_db *db, bool group)
{
	struct tuser *u;

	TABLE_SWEEP(&db->by_id, at, u)
	{
		if (u->is_group == group) {
			TABLE_SWEEP_REMOVE(&db->by_id, at);
			user_unref(t, u);
		}
	}
}

/* name:x:id:gid:gecos:home:shell, or name:x:id:members */
static void db_line(struct hc_tracker *t, struct user_db *db, char *line, bool group)
{
	char *field[7] = { NULL }, *end;
	unsigned n = 0;
	struct tuser *u;
	unsigned long id;

	for (char *p = line; n < 7 && p; n++) {
		field[n] = p;
		p = strchr(p, ':');
		if (p)
			*p++ = '\0';
	}
	if (n < 3 || !field[0][0] || !field[2][0])
		return;
	id = strtoul(field[2], &end, 10);
	if (*end || id > UINT32_MAX || db_find(t, db, (uint32_t)id, group))
		return; /* the first line of an id is the one that counts */
	u = calloc(1, sizeof(*u));
	if (!u)
		return;
	u->refs = 1;
	u->id = (uint32_t)id;
	u->is_group = group;
	u->name = txt_get(t, field[0], strlen(field[0]));
	if (!group && n >= 6)
		u->home = txt_get(t, field[5], strlen(field[5]));
	if (!group && n >= 7)
		u->shell = txt_get(t, field[6], strlen(field[6]));
	if (!table_add(&db->by_id, user_key(t, u->id, group), u))
		user_unref(t, u);
}

static uint64_t file_sig(const struct stat *st)
{
	return hash_u64(hash_u64((uint64_t)st->st_ino, (uint64_t)st->st_size),
	                (uint64_t)st->st_mtim.tv_sec * 1000000007u + (uint64_t)st->st_mtim.tv_nsec) |
	       1;
}

/* The file below /proc/PID/root; pid 0: below our own root, which is that of the host. */
static int db_open(struct hc_tracker *t, uint32_t pid, bool group)
{
	char name[64];

	if (pid)
		snprintf(name, sizeof(name), "%u/root/etc/%s", pid, group ? "group" : "passwd");
	else
		snprintf(name, sizeof(name), "/etc/%s", group ? "group" : "passwd");
	return openat(t->proc_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
}

/* Reads the file when it is another one than last time. Returns whether it was. Takes the descriptor. */
static bool db_load(struct hc_tracker *t, struct user_db *db, int fd, bool group)
{
	uint64_t *sig = group ? &db->group_sig : &db->passwd_sig;
	char *text = NULL, *save = NULL;
	struct stat st;
	ssize_t n = 0;
	size_t have = 0;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > MAX_FILE ||
	    file_sig(&st) == *sig) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	text = malloc(MAX_FILE + 1);
	while (text && have < MAX_FILE && (n = read(fd, text + have, MAX_FILE - have)) > 0)
		have += (size_t)n;
	close(fd);
	if (!text || n < 0) {
		free(text);
		return false;
	}
	*sig = file_sig(&st);
	text[have] = '\0';
	db_clear(t, db, group);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		db_line(t, db, line, group);
	free(text);
	return true;
}

/* Reads the files anew, through the eyes of the process or of an ancestor that sees the same: who ran for a moment
 * only is gone by now. */
static void db_refresh(struct hc_tracker *t, struct user_db *db, const struct tver *v)
{
	struct txt *root = db->root;
	unsigned left = MAX_ANCESTORS;

	db->checked_ns = t->now_ns ? t->now_ns : 1;
	for (v = ver_seeing(t, v, db->ns_mnt, root, &left); v;
	     v = ver_seeing(t, v->parent, db->ns_mnt, root, &left)) {
		int fd;

		fd = db_open(t, v->pid, false);
		if (fd < 0 && errno != ENOENT && errno != ESRCH)
			return;
		if (fd < 0)
			continue; /* gone, or without such a file: then so is everybody's */
		db_load(t, db, fd, false);
		db_load(t, db, db_open(t, v->pid, true), true);
		return;
	}
	if (db->checked_ns > RECHECK_NS)
		db->checked_ns -= RECHECK_NS - RETRY_NS;
}

static void db_free(struct hc_tracker *t, struct user_db *db)
{
	db_clear(t, db, false);
	db_clear(t, db, true);
	table_done(&db->by_id);
	txt_unref(t, db->root);
	free(db);
}

void user_forget(struct hc_tracker *t)
{
	while (t->n_user_dbs > 1)
		db_free(t, t->user_db[--t->n_user_dbs]);
}

void user_forget_ns(struct hc_tracker *t, uint32_t ns_mnt)
{
	uint32_t kept = 1;

	for (uint32_t i = 1; i < t->n_user_dbs; i++) {
		if (t->user_db[i]->ns_mnt == ns_mnt)
			db_free(t, t->user_db[i]);
		else
			t->user_db[kept++] = t->user_db[i];
	}
	t->n_user_dbs = t->n_user_dbs ? kept : 0;
}

static struct user_db *db_of(struct hc_tracker *t, const struct tver *v)
{
	bool host = !(v->has & HAS_NS) || v->ns.mnt == t->own_mnt_ns;
	struct txt *root = v->root ? v->root->real : NULL;
	struct user_db *db = NULL;

	if (host && (!root || txt_is(root, "/")))
		return t->user_db[0];
	for (uint32_t i = 1; i < t->n_user_dbs; i++) {
		if (t->user_db[i]->ns_mnt == v->ns.mnt && t->user_db[i]->root == root) {
			db = t->user_db[i];
			break;
		}
	}
	if (!db) {
		if (t->n_user_dbs == N_USER_DBS) { /* the oldest but the host's goes */
			db_free(t, t->user_db[1]);
			memmove(&t->user_db[1], &t->user_db[2], (N_USER_DBS - 2) * sizeof(t->user_db[0]));
			t->n_user_dbs--;
		}
		db = calloc(1, sizeof(*db));
		if (!db)
			return NULL;
		db->ns_mnt = v->ns.mnt;
		db->root = REF(root);
		t->user_db[t->n_user_dbs++] = db;
	}
	if (db->checked_ns + RECHECK_NS <= t->now_ns || !db->checked_ns)
		db_refresh(t, db, v);
	return db;
}

/* A mount namespace of its own begins as a copy of another's: what a process there ended too soon to be asked for
 * is what the host's files say, unless it is a container's. */
static bool as_the_host(const struct user_db *db, const struct tver *v, bool group)
{
	return (group ? db->group_sig : db->passwd_sig) == 0 && !(v->cgs && v->cgs->ctr) &&
	       (!db->root || txt_is(db->root, "/"));
}

struct tuser *user_find(struct hc_tracker *t, const struct tver *v, uint32_t id, bool group)
{
	struct user_db *db;

	if (t->proc_fd < 0)
		return NULL;
	if (!t->n_user_dbs) {
		t->user_db[0] = calloc(1, sizeof(struct user_db));
		if (!t->user_db[0])
			return NULL;
		t->n_user_dbs = 1;
		db_load(t, t->user_db[0], db_open(t, 0, false), false);
		db_load(t, t->user_db[0], db_open(t, 0, true), true);
	}
	db = db_of(t, v);
	if (db && db != t->user_db[0] && as_the_host(db, v, group))
		db = t->user_db[0];
	return db ? REF(db_find(t, db, id, group)) : NULL;
}

static int change_row(struct hc_tracker *t, const char *op, const struct tuser *u, struct hc_err *err)
{
	struct hc_builder *b = row_begin(t, HC_EV_USR_CHANGE, t->now_ns, err);
	struct hc_cells *c = &t->cells;

	if (!b)
		return -EIO;
	cell_ref(c, HC_C_USR_CHANGE_op, hc_build_str(b, hc_str_c(op)));
	cell_ref(c, HC_C_USR_CHANGE_what, hc_build_str(b, u->is_group ? HC_STR("group") : HC_STR("user")));
	hc_cell_set(c, HC_C_USR_CHANGE_id, u->id);
	cell_ref(c, HC_C_USR_CHANGE_name, in_txt(b, u->name));
	cell_ref(c, HC_C_USR_CHANGE_home, in_txt(b, u->home));
	cell_ref(c, HC_C_USR_CHANGE_shell, in_txt(b, u->shell));
	return row_end(t, HC_EV_USR_CHANGE, 0, t->now_ns, NULL, err);
}

/* Looks at the host's files; tells the differences as rows. */
int user_watch(struct hc_tracker *t, struct hc_err *err)
{
	struct user_db *db = t->n_user_dbs ? t->user_db[0] : NULL, old;
	struct tuser *u, *was;
	int r = 0;

	if (!db || t->proc_fd < 0)
		return 0;
	for (int group = 0; group < 2 && r >= 0; group++) {
		memset(&old, 0, sizeof(old));
		TABLE_ALL(&db->by_id, at, u)
		{
			if (u->is_group == group && table_add(&old.by_id, user_key(t, u->id, group), u))
				REF(u);
		}
		if (db_load(t, db, db_open(t, 0, group), group)) {
			TABLE_ALL(&db->by_id, at, u)
			{
				if (u->is_group != group || r < 0)
					continue;
				was = db_find(t, &old, u->id, group);
				if (!was)
					r = change_row(t, "add", u, err);
				else if (was->name != u->name || was->home != u->home || was->shell != u->shell)
					r = change_row(t, "change", u, err);
			}
			TABLE_ALL(&old.by_id, at, u)
			{
				if (r >= 0 && !db_find(t, db, u->id, group))
					r = change_row(t, "del", u, err);
			}
		}
		db_clear(t, &old, group);
		table_done(&old.by_id);
	}
	return r;
}

void user_done(struct hc_tracker *t)
{
	while (t->n_user_dbs)
		db_free(t, t->user_db[--t->n_user_dbs]);
}
