/* Users, groups and containers of a scap file. */
#include "scap_state.h"

#include <stdlib.h>
#include <string.h>

/* Containers are called in events by the first twelve characters of whole ids. */
static bool same_id(struct hc_str a, struct hc_str b)
{
	a.len = a.len == 64 ? 12 : a.len;
	b.len = b.len == 64 ? 12 : b.len;
	return hc_str_eq(a, b);
}

static bool same_ctr(const struct txt *a, struct hc_str id)
{
	return same_id(a ? txt_str(a) : HC_STR(""), id);
}

static struct tuser *user_of(struct hc_scap_import *im, uint32_t id, bool group, struct hc_str ctr)
{
	uint64_t h = hash_u64(im->t->seed.b, (uint64_t)id << 1 | group);
	struct tuser *u;

	TABLE_EACH(&im->users, h, at, u)
	{
		if (u->id == id && u->is_group == group && same_ctr(u->ctr, ctr))
			return REF(u);
	}
	return NULL;
}

void scap_version_users(struct hc_scap_import *im, struct tver *v)
{
	const struct txt *id = v->cgs && v->cgs->ctr ? v->cgs->ctr->id : NULL;
	struct hc_str ctr = { id ? id->p : "", id ? id->len : 0 };

	user_unref(im->t, v->user);
	user_unref(im->t, v->login_user);
	user_unref(im->t, v->group);
	v->user = user_of(im, v->creds.euid, false, ctr);
	v->login_user = user_of(im, v->creds.loginuid, false, ctr);
	v->group = user_of(im, v->creds.egid, true, ctr);
}

static struct tctr *ctr_find(struct hc_scap_import *im, struct hc_str id)
{
	struct tctr *c;

	TABLE_ALL(&im->t->cgroups, at, c)
	{
		if (same_ctr(c->id, id))
			return c;
	}
	return NULL;
}

/* What is told of a container's network may be told of its sandbox alone, which is a container, too. `c` is in no
 * row yet. */
static void find_sandbox(struct hc_scap_import *im, struct tctr *c)
{
	struct hc_str id = c->facts ? c->facts->sandbox_id : HC_STR("");
	struct tctr *sandbox;

	if (!id.len || c->facts->cni_json.len || same_ctr(c->id, id))
		return;
	sandbox = ctr_find(im, id);
	if (sandbox && sandbox->facts) {
		c->sandbox = ctr_facts_share(sandbox->facts);
		return;
	}
	for (unsigned i = 1; i <= SCAP_MAX_TOLD && !c->sandbox; i++) { /* nothing runs in it, as far as is known */
		const struct stold *told = &im->told[(im->next_told - i) % SCAP_MAX_TOLD];

		if (told->facts && same_id(told->id, id))
			c->sandbox = ctr_facts_share(told->facts);
	}
}

/* The container, with what was told of it before its first process came. Takes a reference, gives one. */
static struct tctr *ctr_with_told(struct hc_scap_import *im, struct tctr *c)
{
	for (unsigned i = 0; c && !c->facts && i < SCAP_MAX_TOLD; i++) {
		struct stold told = im->told[i];
		struct tctr *now;

		if (!told.facts || !same_ctr(c->id, told.id))
			continue;
		im->told[i] = (struct stold){ 0 };
		now = REF(ctr_retold(im->t, c, told.facts, told.ns));
		if (!now)
			continue;
		find_sandbox(im, now);
		ctr_unref(im->t, c);
		c = now;
	}
	return c;
}

struct tcgs *scap_cgs_of(struct hc_scap_import *im, struct hc_str block)
{
	struct tcgs *c = calloc(1, sizeof(*c));
	struct hc_str rest = block, item;

	if (!c)
		return NULL;
	c->refs = 1;
	c->list = lst_of_block(im->t, block.p ? block.p : "", block.len);
	while (!c->ctr && hc_scap_strings(&rest, &item)) {
		const char *eq = item.len ? memchr(item.p, '=', item.len) : NULL;

		if (eq)
			c->ctr = ctr_with_told(
				im,
				ctr_of_path(im->t,
			                    (struct hc_str){ eq + 1, item.len - (uint32_t)(eq - item.p) - 1 }, 0));
	}
	return c;
}

static void user_drop(struct hc_scap_import *im, uint32_t id, bool group, struct hc_str ctr)
{
	struct tuser *old = user_of(im, id, group, ctr);

	if (!old)
		return;
	table_remove(&im->users, hash_u64(im->t->seed.b, (uint64_t)id << 1 | group), old);
	user_unref(im->t, old); /* the table's */
	user_unref(im->t, old);
}

static bool user_put(struct hc_scap_import *im, const struct hc_scap_user *u, bool group, struct hc_str ctr)
{
	uint32_t id = group ? u->gid : u->uid;
	uint64_t h = hash_u64(im->t->seed.b, (uint64_t)id << 1 | group);
	struct tuser *new, *old = user_of(im, id, group, ctr);
	bool same = old && scap_is_text(old->name, u->name) &&
	            (group || (scap_is_text(old->home, u->home) && scap_is_text(old->shell, u->shell)));

	user_unref(im->t, old);
	if (same || im->users.n >= SCAP_MAX_USERS)
		return false;
	user_drop(im, id, group, ctr);
	new = calloc(1, sizeof(*new));
	if (!new)
		return false;
	new->refs = 1;
	new->id = id;
	new->is_group = group;
	new->name = txt_get(im->t, u->name.p, u->name.len);
	new->ctr = ctr.len ? txt_get(im->t, ctr.p, ctr.len) : NULL;
	if (!group) {
		new->home = txt_get(im->t, u->home.p, u->home.len);
		new->shell = txt_get(im->t, u->shell.p, u->shell.len);
	}
	if (!table_add(&im->users, h, new)) {
		user_unref(im->t, new);
		return false;
	}
	return true;
}

void scap_add_user(struct hc_scap_import *im, const struct hc_scap_user *u, bool group)
{
	if (!user_put(im, u, group, HC_STR("")))
		return;
	/* Lists come in any order; before the first event no row has the versions yet. */
	if (!im->stats.n_events && !im->stats.n_enter) {
		struct sthr *k;

		TABLE_ALL(&im->threads, at, k)
		{
			if (k->cur)
				scap_version_users(im, k->cur);
		}
	}
}

void scap_on_user(struct hc_scap_import *im, const struct hc_scap_event *e)
{
	bool group = e->code == HC_SCAP_GROUP_ADDED_E || e->code == HC_SCAP_GROUP_DELETED_E;
	bool added = e->code == HC_SCAP_USER_ADDED_E || e->code == HC_SCAP_GROUP_ADDED_E, changed = true;
	struct hc_str ctr = scap_block_of(e, group ? 2 : 5);
	struct hc_scap_user u = { .uid = (uint32_t)hc_scap_u64(e, 0, 0),
		                  .gid = (uint32_t)hc_scap_u64(e, group ? 0 : 1, 0),
		                  .name = hc_scap_text(e, group ? 1 : 2) };
	struct tver *v;
	struct sthr *k;

	ctr.len = ctr.len ? (uint32_t)strnlen(ctr.p, ctr.len) : 0;
	if (!group) {
		u.home = hc_scap_text(e, 3);
		u.shell = hc_scap_text(e, 4);
	}
	if (added)
		changed = user_put(im, &u, group, ctr);
	else
		user_drop(im, group ? u.gid : u.uid, group, ctr);
	if (!changed)
		return;
	TABLE_ALL(&im->threads, at, k)
	{
		const struct tcgs *cgs = k->cur ? k->cur->cgs : NULL;
		bool is_it = k->cur && (group ? k->cur->creds.egid == u.gid
		                              : k->cur->creds.euid == u.uid || k->cur->creds.loginuid == u.uid);

		if (!is_it || !same_ctr(cgs && cgs->ctr ? cgs->ctr->id : NULL, ctr))
			continue;
		v = scap_version_next(im, k, HC_CAUSE_CREDS, e->ts_ns);
		if (v)
			scap_version_users(im, v);
	}
}

/* The processes of a container that is another version now. */
static void move_to_ctr(struct hc_scap_import *im, const struct tctr *old, struct tctr *now, uint64_t ns)
{
	struct sthr *k;

	TABLE_ALL(&im->threads, at, k)
	{
		struct tcgs *cgs =
			k->cur && k->cur->cgs && k->cur->cgs->ctr == old ? cgs_with_ctr(k->cur->cgs, now) : NULL;
		struct tver *v = cgs ? scap_version_next(im, k, HC_CAUSE_METADATA, ns) : NULL;

		if (!v) {
			cgs_unref(im->t, cgs);
			continue;
		}
		cgs_unref(im->t, v->cgs);
		v->cgs = cgs;
	}
}

static void told_drop(struct hc_scap_import *im, struct hc_str id)
{
	for (unsigned i = 0; i < SCAP_MAX_TOLD; i++) {
		struct stold *told = &im->told[i];

		if (!told->facts || !same_id(told->id, id))
			continue;
		ctr_facts_free(told->facts);
		*told = (struct stold){ 0 };
	}
}

void scap_on_container(struct hc_scap_import *im, struct sevent *s, struct hc_str json, bool removed)
{
	struct ctr_facts *facts = ctr_facts_new();
	struct tctr *old, *now;
	struct stold *told;
	struct hc_str id;

	json.len = json.len ? (uint32_t)strnlen(json.p, json.len) : 0;
	if (!facts || ctr_parse_falco(json, facts, &id) < 0) {
		ctr_facts_free(facts);
		im->stats.n_bad_ctrs++;
		return;
	}
	im->stats.n_ctrs += !removed;
	im->stats.n_ctr_cut += facts->n_cut;
	old = ctr_find(im, id);
	if (!old && removed) {
		told_drop(im, id);
		ctr_facts_free(facts);
		return;
	}
	if (!old) {
		told = &im->told[im->next_told++ % SCAP_MAX_TOLD];
		ctr_facts_free(told->facts);
		*told = (struct stold){ id, facts, s->e->ts_ns };
		return;
	}
	REF(old);
	if (removed)
		facts = ctr_facts_free(facts);
	now = ctr_retold(im->t, old, facts, s->e->ts_ns);
	if (now) {
		find_sandbox(im, now);
		move_to_ctr(im, old, now, s->e->ts_ns);
	}
	s->ctr = now;
	ctr_unref(im->t, old);
}

void scap_on_async(struct hc_scap_import *im, struct sevent *s)
{
	struct hc_str name = hc_scap_text(s->e, 1);

	if (hc_str_eq(name, HC_STR("container")))
		scap_on_container(im, s, hc_scap_param(s->e, 2), false);
	else if (hc_str_eq(name, HC_STR("container_removed")))
		scap_on_container(im, s, hc_scap_param(s->e, 2), true);
}
