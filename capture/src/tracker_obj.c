/* The tracker's objects: making, counting, and putting them into the block being built. */
#include "tracker_priv.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "store/scap_flags.h"

/* ---- texts and lists ---- */

static size_t txt_bytes(const struct txt *s)
{
	return sizeof(*s) + s->len + HEAP_BYTES;
}

static size_t lst_bytes(const struct lst *l)
{
	return sizeof(*l) + HEAP_BYTES + l->n * sizeof(int64_t) + HEAP_BYTES +
	       (l->hits ? sizeof(*l->hits) + HEAP_BYTES : 0);
}

struct txt *txt_get(struct hc_tracker *t, const char *p, size_t len)
{
	struct hc_hash128 h;
	struct txt *s;

	if (!p || len > UINT32_MAX / 2)
		return NULL;
	h = hash_bytes(t->seed, p, len);
	TABLE_EACH(&t->txts, h.a, at, s)
	{
		if (s->len == len && memcmp(s->p, p, len) == 0)
			return REF(s);
	}
	s = obj_alloc(sizeof(*s) + len);
	if (!s)
		return NULL;
	s->refs = 1;
	s->len = (uint32_t)len;
	s->hash = h.a;
	memcpy(s->p, p, len);
	if (!table_add(&t->txts, s->hash, s)) {
		free(s);
		return NULL;
	}
	t->text_bytes += txt_bytes(s);
	return s;
}

void txt_free(struct hc_tracker *t, struct txt *s)
{
	table_remove(&t->txts, s->hash, s);
	t->text_bytes -= txt_bytes(s);
	free(s);
}

bool txt_is(const struct txt *s, const char *literal)
{
	return s && s->len == strlen(literal) && memcmp(s->p, literal, s->len) == 0;
}

struct lst *lst_find(struct hc_tracker *t, struct hc_hash128 h)
{
	struct lst *l;

	TABLE_EACH(&t->lists, h.a, i, l)
	{
		if (l->key_b == h.b)
			return REF(l);
	}
	return NULL;
}

struct lst *lst_make(struct hc_tracker *t, struct hc_hash128 h, const void *p, size_t bytes)
{
	const char *at = p, *end = at + bytes;
	struct lst *l;
	uint32_t n = 0;

	for (const char *q = at; q < end; n++)
		q += strnlen(q, (size_t)(end - q)) + 1;
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->refs = 1;
	l->key_a = h.a;
	l->key_b = h.b;
	l->txt = calloc(n ? n : 1, sizeof(struct txt *));
	if (!l->txt || !table_add(&t->lists, h.a, l)) {
		free(l->txt);
		free(l);
		return NULL;
	}
	for (; at < end && l->n < n; l->n++) {
		size_t len = strnlen(at, (size_t)(end - at));

		l->txt[l->n] = txt_get(t, at, len);
		at += len + 1;
	}
	t->text_bytes += lst_bytes(l);
	return l;
}

struct lst *lst_of_block(struct hc_tracker *t, const void *p, size_t bytes)
{
	struct hc_hash128 h = hash_bytes(hash_add(t->seed, 1), p, bytes);
	struct lst *l = lst_find(t, h);

	return l ? l : lst_make(t, h, p, bytes);
}

struct lst *lst_of_u32(struct hc_tracker *t, const uint32_t *v, uint32_t n)
{
	struct lst *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->refs = 1;
	l->n = n;
	l->num = calloc(n ? n : 1, sizeof(int64_t));
	if (!l->num) {
		free(l);
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++)
		l->num[i] = v[i];
	t->text_bytes += lst_bytes(l);
	return l;
}

struct lst *lst_of_txts(struct hc_tracker *t, struct txt **txts, uint32_t n)
{
	struct lst *l = calloc(1, sizeof(*l));

	if (l)
		l->txt = calloc(n ? n : 1, sizeof(struct txt *));
	if (!l || !l->txt) {
		for (uint32_t i = 0; i < n; i++)
			txt_unref(t, txts[i]);
		free(l);
		return NULL;
	}
	l->refs = 1;
	l->n = n;
	if (n)
		memcpy(l->txt, txts, n * sizeof(struct txt *));
	t->text_bytes += lst_bytes(l);
	return l;
}

void lst_unref(struct hc_tracker *t, struct lst *l)
{
	if (!l || --l->refs)
		return;
	if (l->key_a || l->key_b)
		table_remove(&t->lists, l->key_a, l);
	for (uint32_t i = 0; l->txt && i < l->n; i++)
		txt_unref(t, l->txt[i]);
	t->text_bytes -= lst_bytes(l);
	free(l->txt);
	free(l->num);
	free(l->hits);
	free(l);
}

void lst_set_hits(struct hc_tracker *t, struct lst *l, const struct hc_mask_hits *hits)
{
	l->hits = malloc(sizeof(*hits));
	if (!l->hits)
		return;
	*l->hits = *hits;
	t->text_bytes += sizeof(*hits) + HEAP_BYTES;
}

/* ---- paths, files, sockets, descriptors ---- */

void path_free(struct hc_tracker *t, struct tpath *p)
{
	txt_unref(t, p->given);
	txt_unref(t, p->abs);
	txt_unref(t, p->real);
	txt_unref(t, p->fsrel);
	free(p);
}

struct tfile *file_of(const struct hc_wire_file *w)
{
	struct tfile *f = obj_alloc(sizeof(*f));

	if (!f)
		return NULL;
	f->refs = 1;
	f->w = *w;
	return f;
}

struct tfile *file_get(struct hc_tracker *t, const struct hc_wire_file *w)
{
	struct tfile **at = &t->files[hash_u64(t->seed.a ^ w->dev, w->ino) % N_FILES];

	if (*at && memcmp(&(*at)->w, w, sizeof(*w)) == 0)
		return REF1(*at);
	file_unref(t, *at);
	*at = file_of(w);
	return REF(*at);
}

void file_free(struct hc_tracker *t, struct tfile *f)
{
	exe_unref(t, f->exe);
	free(f);
}

struct tsock *sock_new(void)
{
	struct tsock *s = obj_alloc(sizeof(*s));

	if (s)
		s->refs = 1;
	return s;
}

struct tsock *sock_copy(const struct tsock *from)
{
	struct tsock *s = sock_new();

	if (!s)
		return NULL;
	*s = *from;
	s->refs = 1;
	memset(&s->slot, 0, sizeof(s->slot));
	REF(s->local);
	REF(s->peer);
	REF(s->shown);
	REF(s->creator);
	REF(s->peer_proc);
	return s;
}

void sock_drop(struct hc_tracker *t, struct tsock *s)
{
	txt_unref(t, s->local);
	txt_unref(t, s->peer);
	txt_unref(t, s->shown);
	ver_unref(t, s->creator);
	ver_unref(t, s->peer_proc);
}

void sock_free(struct hc_tracker *t, struct tsock *s)
{
	sock_drop(t, s);
	free(s);
}

struct tfd *fd_copy(const struct tfd *from)
{
	struct tfd *f = malloc(sizeof(*f));

	if (!f)
		return NULL;
	*f = *from;
	f->refs = 1;
	memset(&f->slot, 0, sizeof(f->slot));
	REF(f->path);
	REF(f->path_now);
	REF(f->file);
	REF(f->sock);
	REF(f->name);
	REF(f->opened_by);
	REF(f->target_proc);
	return f;
}

void fd_free(struct hc_tracker *t, struct tfd *f)
{
	path_unref(t, f->path);
	path_unref(t, f->path_now);
	file_unref(t, f->file);
	sock_unref(t, f->sock);
	txt_unref(t, f->name);
	ver_unref(t, f->opened_by);
	ver_unref(t, f->target_proc);
	free(f);
}

/* ---- images, users, containers, versions ---- */

struct timage *image_new(struct hc_tracker *t)
{
	struct timage *i = calloc(1, sizeof(*i));

	if (!i)
		return NULL;
	i->refs = 1;
	t->n_images++;
	return i;
}

void image_unref(struct hc_tracker *t, struct timage *i)
{
	while (i && !--i->refs) {
		struct timage *prev = i->prev;

		path_unref(t, i->filename);
		path_unref(t, i->exe);
		path_unref(t, i->script);
		path_unref(t, i->elf_interp);
		file_unref(t, i->exe_file);
		file_unref(t, i->elf_interp_file);
		txt_unref(t, i->interp);
		txt_unref(t, i->comm);
		lst_unref(t, i->argv);
		lst_unref(t, i->env);
		for (unsigned n = 0; n < 3; n++)
			fd_unref(t, i->std[n]);
		free(i);
		t->n_images--;
		i = prev;
	}
}

void user_unref(struct hc_tracker *t, struct tuser *u)
{
	if (!u || --u->refs)
		return;
	txt_unref(t, u->name);
	txt_unref(t, u->home);
	txt_unref(t, u->shell);
	txt_unref(t, u->ctr);
	free(u);
}

void ctr_unref(struct hc_tracker *t, struct tctr *c)
{
	if (!c || --c->refs)
		return;
	txt_unref(t, c->id);
	txt_unref(t, c->runtime);
	txt_unref(t, c->path);
	txt_unref(t, c->outer);
	ctr_facts_free(c->facts);
	ctr_facts_free(c->sandbox);
	pod_done(t, c);
	free(c);
}

void cgs_unref(struct hc_tracker *t, struct tcgs *c)
{
	if (!c || --c->refs)
		return;
	lst_unref(t, c->list);
	ctr_unref(t, c->ctr);
	free(c);
}

struct tver *ver_new(struct hc_tracker *t)
{
	struct tver *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->refs = 1;
	t->n_vers++;
	return v;
}

struct tver *ver_copy(struct hc_tracker *t, const struct tver *from)
{
	struct tver *v = ver_new(t);

	if (!v)
		return NULL;
	*v = *from;
	v->refs = 1;
	memset(&v->slot, 0, sizeof(v->slot));
	REF(v->image);
	REF(v->parent_image);
	REF(v->parent);
	REF(v->creator);
	REF(v->comm);
	REF(v->image_comm);
	REF(v->cwd);
	REF(v->root);
	REF(v->groups);
	REF(v->cgs);
	REF(v->cgs_exec);
	REF(v->sid_leader);
	REF(v->pgid_leader);
	REF(v->vpgid_leader);
	REF(v->user);
	REF(v->login_user);
	REF(v->group);
	REF(v->lsm_label);
	return v;
}

/* A chain of parents and creators may be long: freeing one goes down no deeper than those chains do, which are cut
 * at MAX_CREATORS dead ones and by the depth of the process tree. */
void ver_free(struct hc_tracker *t, struct tver *v)
{
	do {
		struct tver *parent = v->parent;

		ver_unref(t, v->creator);
		image_unref(t, v->image);
		image_unref(t, v->parent_image);
		txt_unref(t, v->comm);
		txt_unref(t, v->image_comm);
		path_unref(t, v->cwd);
		path_unref(t, v->root);
		lst_unref(t, v->groups);
		cgs_unref(t, v->cgs);
		cgs_unref(t, v->cgs_exec);
		ver_unref(t, v->sid_leader);
		ver_unref(t, v->pgid_leader);
		ver_unref(t, v->vpgid_leader);
		user_unref(t, v->user);
		user_unref(t, v->login_user);
		user_unref(t, v->group);
		txt_unref(t, v->lsm_label);
		free(v);
		t->n_vers--;
		v = parent;
	} while (v && !--v->refs);
}

/* ---- into the block ---- */

uint32_t in_txt(struct hc_builder *b, struct txt *s)
{
	uint32_t ref;

	if (!s)
		return 0;
	ref = hc_slot_get(&s->slot, b);
	return ref ? ref : hc_slot_put(&s->slot, b, hc_build_str(b, txt_str(s)));
}

uint32_t in_lst(struct hc_builder *b, struct lst *l)
{
	uint32_t few[256], *refs = few, ref;

	few[0] = 0;
	if (!l)
		return 0;
	ref = hc_slot_get(&l->slot, b);
	if (ref)
		return ref;
	if (l->num)
		return hc_slot_put(&l->slot, b, hc_build_ints(b, l->num, l->n));
	if (l->n > 256) {
		refs = malloc(l->n * sizeof(*refs));
		if (!refs)
			return 0;
	}
	for (uint32_t i = 0; i < l->n; i++)
		refs[i] = in_txt(b, l->txt[i]);
	ref = hc_build_strs(b, refs, l->n);
	if (refs != few)
		free(refs);
	return hc_slot_put(&l->slot, b, ref);
}

static __attribute__((noinline)) uint32_t add_path(struct hc_builder *b, struct tpath *p)
{
	struct hc_cells c;

	hc_cells_clear(&c, HC_OBJ_PATH);
	cell_ref(&c, HC_O_PATH_given, in_txt(b, p->given));
	cell_ref(&c, HC_O_PATH_abs, in_txt(b, p->abs));
	cell_ref(&c, HC_O_PATH_real, in_txt(b, p->real));
	cell_ref(&c, HC_O_PATH_fsrel, in_txt(b, p->fsrel));
	hc_cell_set(&c, HC_O_PATH_prov, p->prov);
	hc_cell_set(&c, HC_O_PATH_flags, p->flags);
	return hc_slot_put(&p->slot, b, hc_build_obj(b, HC_OBJ_PATH, &c));
}

uint32_t in_path(struct hc_builder *b, struct tpath *p)
{
	uint32_t ref = p ? hc_slot_get(&p->slot, b) : 0;

	return ref || !p ? ref : add_path(b, p);
}

static const char *fs_name(uint32_t magic)
{
	static const struct {
		uint32_t magic;
		const char *name;
	} names[] = {
		{ 0xef53, "ext4" },          { 0x58465342, "xfs" },
		{ 0x9123683e, "btrfs" },     { 0x01021994, "tmpfs" },
		{ 0x794c7630, "overlay" },   { 0x9fa0, "proc" },
		{ 0x62656572, "sysfs" },     { 0x1cd1, "devpts" },
		{ 0x858458f6, "ramfs" },     { 0x6969, "nfs" },
		{ 0x65735546, "fuse" },      { 0xff534d42, "cifs" },
		{ 0xfe534d42, "smb3" },      { 0x73717368, "squashfs" },
		{ 0x27e0eb, "cgroup" },      { 0x63677270, "cgroup2" },
		{ 0x64626720, "debugfs" },   { 0x74726163, "tracefs" },
		{ 0xcafe4a11, "bpf" },       { 0x19800202, "mqueue" },
		{ 0x958458f6, "hugetlbfs" }, { 0x534f434b, "sockfs" },
		{ 0x50495045, "pipefs" },    { 0x09041934, "anon_inodefs" },
		{ 0x50494446, "pidfs" },     { 0x6e736673, "nsfs" },
		{ 0x4d44, "vfat" },          { 0x5346544e, "ntfs" },
		{ 0x2fc12fc1, "zfs" },       { 0xf2f52010, "f2fs" },
		{ 0xe0f5e1e2, "erofs" },     { 0x73636673, "securityfs" },
		{ 0xde5e81e4, "efivarfs" },  { 0x42494e4d, "binfmt_misc" },
		{ 0x00c36400, "ceph" },      { 0x01021997, "9p" },
		{ 0x9660, "iso9660" },       { 0x6165676c, "pstore" },
		{ 0x2011bab0, "exfat" },     { 0x62656570, "configfs" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].magic == magic)
			return names[i].name;
	return NULL;
}

static __attribute__((noinline)) uint32_t add_file(struct hc_builder *b, struct tfile *f)
{
	const struct hc_wire_file *w;
	struct hc_cells c;
	const char *fs;

	hc_cells_clear(&c, HC_OBJ_FILE);
	w = &f->w;
	fs = fs_name(w->fs_magic);
	hc_cell_set(&c, HC_O_FILE_dev, w->dev);
	hc_cell_set(&c, HC_O_FILE_ino, w->ino);
	hc_cell_set(&c, HC_O_FILE_ctime_ns, (uint64_t)w->ctime_ns);
	hc_cell_set(&c, HC_O_FILE_mtime_ns, (uint64_t)w->mtime_ns);
	if (f->has_btime)
		hc_cell_set(&c, HC_O_FILE_btime_ns, (uint64_t)f->btime_ns);
	hc_cell_set(&c, HC_O_FILE_size, w->size);
	hc_cell_set(&c, HC_O_FILE_mode, w->mode);
	hc_cell_set(&c, HC_O_FILE_uid, w->uid);
	hc_cell_set(&c, HC_O_FILE_gid, w->gid);
	hc_cell_set(&c, HC_O_FILE_nlink, w->nlink);
	hc_cell_set(&c, HC_O_FILE_rdev, w->rdev);
	if (w->fs_magic)
		hc_cell_set(&c, HC_O_FILE_fs_magic, w->fs_magic);
	cell_ref(&c, HC_O_FILE_fs_type, hc_build_str(b, hc_str_c(fs)));
	if (w->mnt_id)
		hc_cell_set(&c, HC_O_FILE_mount_id, w->mnt_id);
	hc_cell_set(&c, HC_O_FILE_layer, w->layer);
	hc_cell_set(&c, HC_O_FILE_mount_flags, w->mnt_flags);
	if (f->exe)
		cells_of_exe(b, &c, f->exe);
	return hc_slot_put(&f->slot, b, hc_build_obj(b, HC_OBJ_FILE, &c));
}

uint32_t in_file(struct hc_builder *b, struct tfile *f)
{
	uint32_t ref = f ? hc_slot_get(&f->slot, b) : 0;

	return ref || !f ? ref : add_file(b, f);
}

static uint32_t in_ip(struct hc_builder *b, uint16_t family, const uint8_t *addr)
{
	return family == 2 ? hc_build_bytes(b, addr, 4) : family == 10 ? hc_build_bytes(b, addr, 16) : 0;
}

static bool no_addr(const uint8_t *addr)
{
	static const uint8_t none[16];

	return memcmp(addr, none, 16) == 0;
}

/* Context ids are addresses, of 8 bytes; a port that is not chosen yet has all bits set. */
static void vsock_end(struct hc_builder *b, struct hc_cells *c, unsigned addr_col, unsigned port_col, uint32_t cid,
                      const uint8_t *port_at)
{
	uint64_t id = htole64(cid);
	uint32_t port;

	memcpy(&port, port_at, sizeof(port));
	if (port == UINT32_MAX)
		return;
	cell_ref(c, addr_col, hc_build_bytes(b, &id, sizeof(id)));
	hc_cell_set(c, port_col, port);
}

static __attribute__((noinline)) uint32_t add_sock(struct hc_tracker *t, struct hc_builder *b, struct tsock *s)
{
	const struct hc_wire_sock *w;
	struct hc_cells c;

	if (t->depth >= MAX_DEPTH)
		return 0;
	t->depth++;
	hc_cells_clear(&c, HC_OBJ_SOCK);
	w = &s->w;
	hc_cell_set(&c, HC_O_SOCK_family, w->family);
	hc_cell_set(&c, HC_O_SOCK_sock_type, w->type);
	hc_cell_set(&c, HC_O_SOCK_protocol, w->protocol);
	if (w->family == 2 || w->family == 10) {
		if (w->lport || !no_addr(w->laddr)) {
			cell_ref(&c, HC_O_SOCK_local_addr, in_ip(b, w->family, w->laddr));
			hc_cell_set(&c, HC_O_SOCK_local_port, w->lport);
		}
		if (w->rport || !no_addr(w->raddr)) {
			cell_ref(&c, HC_O_SOCK_peer_addr, in_ip(b, w->family, w->raddr));
			hc_cell_set(&c, HC_O_SOCK_peer_port, w->rport);
		}
	} else if (w->family == 40) {
		vsock_end(b, &c, HC_O_SOCK_local_addr, HC_O_SOCK_local_port, w->extra[0], w->laddr);
		vsock_end(b, &c, HC_O_SOCK_peer_addr, HC_O_SOCK_peer_port, w->extra[1], w->raddr);
	} else if (w->family == 16) { /* netlink: port ids */
		hc_cell_set(&c, HC_O_SOCK_local_port, w->extra[0]);
		hc_cell_set(&c, HC_O_SOCK_peer_port, w->extra[1]);
	}
	cell_ref(&c, HC_O_SOCK_local_path, in_txt(b, s->local));
	cell_ref(&c, HC_O_SOCK_peer_path, in_txt(b, s->peer));
	if (w->state)
		hc_cell_set(&c, HC_O_SOCK_state, w->state);
	hc_cell_set(&c, HC_O_SOCK_role, s->role);
	if (s->near_end)
		hc_cell_set(&c, HC_O_SOCK_near_end, s->near_end);
	if (s->serves_here)
		hc_cell_set(&c, HC_O_SOCK_serves_here, 1);
	cell_ref(&c, HC_O_SOCK_shown, in_txt(b, s->shown));
	hc_cell_set(&c, HC_O_SOCK_connected, s->connected);
	if (w->netns)
		hc_cell_set(&c, HC_O_SOCK_netns, w->netns);
	hc_cell_set(&c, HC_O_SOCK_mark, w->mark);
	if (w->cookie)
		hc_cell_set(&c, HC_O_SOCK_cookie, w->cookie);
	if (w->ino)
		hc_cell_set(&c, HC_O_SOCK_ino, w->ino);
	if (s->peer_ino)
		hc_cell_set(&c, HC_O_SOCK_peer_ino, s->peer_ino);
	cell_ref(&c, HC_O_SOCK_creator, in_ver(t, b, s->creator));
	cell_ref(&c, HC_O_SOCK_peer, in_ver(t, b, s->peer_proc));
	t->depth--;
	return hc_slot_put(&s->slot, b, hc_build_obj(b, HC_OBJ_SOCK, &c));
}

uint32_t in_sock(struct hc_tracker *t, struct hc_builder *b, struct tsock *s)
{
	uint32_t ref = s ? hc_slot_get(&s->slot, b) : 0;

	return ref || !s ? ref : add_sock(t, b, s);
}

uint32_t in_fd_new(struct hc_tracker *t, struct hc_builder *b, struct tfd *f)
{
	uint32_t path, path_now, file, sock, target_proc, name, opened_by;
	struct hc_cells *c;

	if (t->depth >= MAX_DEPTH)
		return 0;
	t->depth++;
	/* first, because there may be descriptors among what they refer to */
	path = in_path(b, f->path);
	path_now = in_path(b, f->path_now);
	file = in_file(b, f->file);
	sock = in_sock(t, b, f->sock);
	target_proc = in_ver(t, b, f->target_proc);
	name = in_txt(b, f->name);
	opened_by = in_ver(t, b, f->opened_by);
	t->depth--;
	c = hc_build_obj_cells(b, HC_OBJ_FDOBJ);
	if (!c)
		return 0;
	hc_cell_set(c, HC_O_FDOBJ_id, f->id);
	hc_cell_set(c, HC_O_FDOBJ_what, f->kind);
	cell_ref(c, HC_O_FDOBJ_path, path);
	cell_ref(c, HC_O_FDOBJ_path_now, path_now);
	cell_ref(c, HC_O_FDOBJ_file, file);
	hc_cell_set(c, HC_O_FDOBJ_f_flags, f->f_flags);
	hc_cell_set(c, HC_O_FDOBJ_f_mode, f->f_mode);
	hc_cell_set(c, HC_O_FDOBJ_created, f->created);
	cell_ref(c, HC_O_FDOBJ_sock, sock);
	if (f->target)
		hc_cell_set(c, HC_O_FDOBJ_target, f->target);
	cell_ref(c, HC_O_FDOBJ_target_proc, target_proc);
	cell_ref(c, HC_O_FDOBJ_name, name);
	hc_cell_set(c, HC_O_FDOBJ_cloexec, f->cloexec);
	cell_ref(c, HC_O_FDOBJ_opened_by, opened_by);
	return hc_slot_put(&f->slot, b, hc_build_obj_new(b, HC_OBJ_FDOBJ, c));
}

static __attribute__((noinline)) uint32_t add_image(struct hc_tracker *t, struct hc_builder *b, struct timage *i)
{
	struct hc_cells c;

	if (t->depth >= MAX_DEPTH)
		return 0;
	t->depth++;
	hc_cells_clear(&c, HC_OBJ_IMAGE);
	if (i->has_exec_ns)
		hc_cell_set(&c, HC_O_IMAGE_exec_ns, i->exec_ns);
	hc_cell_set(&c, HC_O_IMAGE_exec_seq, i->exec_seq);
	hc_cell_set(&c, HC_O_IMAGE_what, i->what);
	cell_ref(&c, HC_O_IMAGE_filename, in_path(b, i->filename));
	cell_ref(&c, HC_O_IMAGE_exe, in_path(b, i->exe));
	cell_ref(&c, HC_O_IMAGE_exe_file, in_file(b, i->exe_file));
	cell_ref(&c, HC_O_IMAGE_interp, in_txt(b, i->interp));
	cell_ref(&c, HC_O_IMAGE_script, in_path(b, i->script));
	cell_ref(&c, HC_O_IMAGE_elf_interp, in_path(b, i->elf_interp));
	cell_ref(&c, HC_O_IMAGE_elf_interp_file, in_file(b, i->elf_interp_file));
	cell_ref(&c, HC_O_IMAGE_argv, in_lst(b, i->argv));
	if (i->argc != UINT32_MAX)
		hc_cell_set(&c, HC_O_IMAGE_argc, i->argc);
	cell_ref(&c, HC_O_IMAGE_env, in_lst(b, i->env));
	if (i->envc != UINT32_MAX)
		hc_cell_set(&c, HC_O_IMAGE_envc, i->envc);
	if (i->argv_bytes)
		hc_cell_set(&c, HC_O_IMAGE_argv_bytes, i->argv_bytes);
	if (i->env_bytes)
		hc_cell_set(&c, HC_O_IMAGE_env_bytes, i->env_bytes);
	cell_ref(&c, HC_O_IMAGE_std0, in_fd(t, b, i->std[0]));
	cell_ref(&c, HC_O_IMAGE_std1, in_fd(t, b, i->std[1]));
	cell_ref(&c, HC_O_IMAGE_std2, in_fd(t, b, i->std[2]));
	if (i->has_flags)
		hc_cell_set(&c, HC_O_IMAGE_flags, i->flags);
	cell_ref(&c, HC_O_IMAGE_comm, in_txt(b, i->comm));
	cell_ref(&c, HC_O_IMAGE_prev, in_image(t, b, i->prev));
	t->depth--;
	return hc_slot_put(&i->slot, b, hc_build_obj(b, HC_OBJ_IMAGE, &c));
}

uint32_t in_image(struct hc_tracker *t, struct hc_builder *b, struct timage *i)
{
	uint32_t ref = i ? hc_slot_get(&i->slot, b) : 0;

	return ref || !i ? ref : add_image(t, b, i);
}

static __attribute__((noinline)) uint32_t add_user(struct hc_builder *b, struct tuser *u)
{
	struct hc_cells c;

	hc_cells_clear(&c, u->is_group ? HC_OBJ_GROUP : HC_OBJ_USER);
	if (u->is_group) {
		hc_cell_set(&c, HC_O_GROUP_gid, u->id);
		cell_ref(&c, HC_O_GROUP_name, in_txt(b, u->name));
		return hc_slot_put(&u->slot, b, hc_build_obj(b, HC_OBJ_GROUP, &c));
	}
	hc_cell_set(&c, HC_O_USER_uid, u->id);
	cell_ref(&c, HC_O_USER_name, in_txt(b, u->name));
	cell_ref(&c, HC_O_USER_home, in_txt(b, u->home));
	cell_ref(&c, HC_O_USER_shell, in_txt(b, u->shell));
	return hc_slot_put(&u->slot, b, hc_build_obj(b, HC_OBJ_USER, &c));
}

uint32_t in_user(struct hc_builder *b, struct tuser *u)
{
	uint32_t ref = u ? hc_slot_get(&u->slot, b) : 0;

	return ref || !u ? ref : add_user(b, u);
}

static __attribute__((noinline)) uint32_t add_ctr(struct hc_tracker *t, struct hc_builder *b, struct tctr *k)
{
	struct hc_cells c;

	hc_cells_clear(&c, HC_OBJ_CTR);
	cell_ref(&c, HC_O_CTR_id, in_txt(b, k->id));
	cell_ref(&c, HC_O_CTR_runtime, in_txt(b, k->runtime));
	cell_ref(&c, HC_O_CTR_cgroup_path, in_txt(b, k->path));
	if (k->cgroup_id)
		hc_cell_set(&c, HC_O_CTR_cgroup_id, k->cgroup_id);
	cell_ref(&c, HC_O_CTR_outer_id, in_txt(b, k->outer));
	cells_of_facts(t, b, &c, k);
	return hc_slot_put(&k->slot, b, hc_build_obj(b, HC_OBJ_CTR, &c));
}

uint32_t in_ctr(struct hc_tracker *t, struct hc_builder *b, struct tctr *k)
{
	uint32_t ref = k ? hc_slot_get(&k->slot, b) : 0;

	return ref || !k ? ref : add_ctr(t, b, k);
}

static uint32_t in_tty(struct hc_builder *b, uint32_t tty)
{
	unsigned major = tty >> 20, minor = tty & 0xfffff;
	char name[32];

	if (major >= 136 && major <= 143)
		snprintf(name, sizeof(name), "/dev/pts/%u", minor + (major - 136) * 256);
	else if (major == 4 && minor < 64)
		snprintf(name, sizeof(name), "/dev/tty%u", minor);
	else if (major == 4)
		snprintf(name, sizeof(name), "/dev/ttyS%u", minor - 64);
	else if (major == 5 && minor == 1)
		snprintf(name, sizeof(name), "/dev/console");
	else if (major == 229)
		snprintf(name, sizeof(name), "/dev/hvc%u", minor);
	else if (major == 204)
		snprintf(name, sizeof(name), "/dev/ttyAMA%u", minor - 64);
	else
		return 0;
	return hc_build_str(b, hc_str_c(name));
}

static void cells_of_creds(struct hc_cells *c, const struct tver *v)
{
	const struct hc_wire_creds *k = &v->creds;

	hc_cell_set(c, HC_O_PROC_uid, k->uid);
	hc_cell_set(c, HC_O_PROC_gid, k->gid);
	hc_cell_set(c, HC_O_PROC_euid, k->euid);
	hc_cell_set(c, HC_O_PROC_egid, k->egid);
	hc_cell_set(c, HC_O_PROC_suid, k->suid);
	hc_cell_set(c, HC_O_PROC_sgid, k->sgid);
	hc_cell_set(c, HC_O_PROC_fsuid, k->fsuid);
	hc_cell_set(c, HC_O_PROC_fsgid, k->fsgid);
	hc_cell_set(c, HC_O_PROC_securebits, k->securebits);
	hc_cell_set(c, HC_O_PROC_cap_eff, k->cap_effective);
	hc_cell_set(c, HC_O_PROC_cap_perm, k->cap_permitted);
	hc_cell_set(c, HC_O_PROC_cap_inh, k->cap_inheritable);
	hc_cell_set(c, HC_O_PROC_cap_bset, k->cap_bset);
	hc_cell_set(c, HC_O_PROC_cap_amb, k->cap_ambient);
	if (k->userns) {
		hc_cell_set(c, HC_O_PROC_userns, k->userns);
		if (k->userns_level != HC_UNKNOWN)
			hc_cell_set(c, HC_O_PROC_userns_level, k->userns_level);
		if (k->userns_owner != HC_UNKNOWN)
			hc_cell_set(c, HC_O_PROC_userns_owner, k->userns_owner);
	}
	hc_cell_set(c, HC_O_PROC_no_new_privs, k->no_new_privs);
	if (v->dumpable)
		hc_cell_set(c, HC_O_PROC_dumpable, v->dumpable - 1);
	hc_cell_set(c, HC_O_PROC_seccomp, k->seccomp);
	if (v->has & HAS_LOGIN) {
		hc_cell_set(c, HC_O_PROC_loginuid, k->loginuid);
		hc_cell_set(c, HC_O_PROC_audit_session, k->session_id);
	}
}

static void cells_of_ns(struct hc_cells *c, struct hc_builder *b, const struct tver *v)
{
	const struct hc_wire_ns *n = &v->ns;
	const struct {
		unsigned col;
		uint32_t inum;
	} all[] = {
		{ HC_O_PROC_ns_mnt, n->mnt },
		{ HC_O_PROC_ns_pid, n->pid },
		{ HC_O_PROC_ns_pid_children, n->pid_for_children },
		{ HC_O_PROC_ns_net, n->net },
		{ HC_O_PROC_ns_ipc, n->ipc },
		{ HC_O_PROC_ns_uts, n->uts },
		{ HC_O_PROC_ns_cgroup, n->cgroup },
		{ HC_O_PROC_ns_time, n->time },
		{ HC_O_PROC_mm_userns, n->mm_userns },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].inum)
			hc_cell_set(c, all[i].col, all[i].inum);
	if (n->uts_node[0])
		cell_ref(c, HC_O_PROC_uts_node,
		         hc_build_str(b, (struct hc_str){ n->uts_node,
		                                          (uint32_t)strnlen(n->uts_node, sizeof(n->uts_node)) }));
}

/* Numbers as the source has them: -1 is a value there. */
static void cells_imported(struct hc_cells *c, const struct tver *v)
{
	const struct hc_wire_creds *k = &v->creds;

	hc_cell_set(c, HC_O_PROC_euid, k->euid);
	hc_cell_set(c, HC_O_PROC_egid, k->egid);
	hc_cell_set(c, HC_O_PROC_cap_eff, k->cap_effective);
	hc_cell_set(c, HC_O_PROC_cap_perm, k->cap_permitted);
	hc_cell_set(c, HC_O_PROC_cap_inh, k->cap_inheritable);
	hc_cell_set(c, HC_O_PROC_loginuid, k->loginuid);
	hc_cell_set(c, HC_O_PROC_sid, (uint64_t)(int32_t)v->sid);
	hc_cell_set(c, HC_O_PROC_vsid, (uint64_t)(int32_t)v->vsid);
	hc_cell_set(c, HC_O_PROC_pgid, (uint64_t)(int32_t)v->pgid);
	hc_cell_set(c, HC_O_PROC_vpgid, (uint64_t)(int32_t)v->vpgid);
	hc_cell_set(c, HC_O_PROC_tty_nr, hc_scap_dev_portable(v->tty_nr));
	hc_cell_set(c, HC_O_PROC_subreaper, v->subreaper);
}

/* Parents first, oldest first, so that a deep tree does not make a deep recursion. */
static void in_ancestors(struct hc_tracker *t, struct hc_builder *b, const struct tver *v)
{
	struct tver *chain[64];
	unsigned n = 0;

	for (struct tver *up = v->parent; up && n < 64 && !hc_slot_get(&up->slot, b); up = up->parent)
		chain[n++] = up;
	while (n)
		in_ver(t, b, chain[--n]);
}

static __attribute__((noinline)) uint32_t add_ver(struct hc_tracker *t, struct hc_builder *b, struct tver *v)
{
	struct hc_cells c;

	if (t->depth >= MAX_DEPTH)
		return 0;
	t->depth++;
	hc_cells_clear(&c, HC_OBJ_PROC);
	in_ancestors(t, b, v);
	hc_cell_set(&c, HC_O_PROC_pid, v->pid == UINT32_MAX ? UINT64_MAX : v->pid); /* -1: nobody told */
	hc_cell_set(&c, HC_O_PROC_start_ns, v->start_ns);
	hc_cell_set(&c, HC_O_PROC_version, v->version);
	hc_cell_set(&c, HC_O_PROC_cause, v->cause);
	hc_cell_set(&c, HC_O_PROC_from_ns, v->from_ns);
	cell_ref(&c, HC_O_PROC_parent, in_ver(t, b, v->parent));
	cell_ref(&c, HC_O_PROC_creator, in_ver(t, b, v->creator));
	cell_ref(&c, HC_O_PROC_image, in_image(t, b, v->image));
	cell_ref(&c, HC_O_PROC_parent_image, in_image(t, b, v->parent_image));
	if (v->n_vpids) {
		int64_t vpids[HC_WIRE_MAX_NSPIDS];

		for (unsigned i = 0; i < v->n_vpids; i++)
			vpids[i] = v->vpids[i];
		cell_ref(&c, HC_O_PROC_vpids, hc_build_ints(b, vpids, v->n_vpids));
		hc_cell_set(&c, HC_O_PROC_vpid, v->vpids[v->n_vpids - 1]);
	}
	hc_cell_set(&c, HC_O_PROC_ppid, v->ppid);
	cell_ref(&c, HC_O_PROC_comm, in_txt(b, v->comm));
	cell_ref(&c, HC_O_PROC_image_comm, in_txt(b, v->image_comm));
	cell_ref(&c, HC_O_PROC_cwd, in_path(b, v->cwd));
	cell_ref(&c, HC_O_PROC_root, in_path(b, v->root));
	if (v->has & HAS_CREDS)
		cells_of_creds(&c, v);
	if (v->has & HAS_IMPORTED)
		cells_imported(&c, v);
	cell_ref(&c, HC_O_PROC_groups, in_lst(b, v->groups));
	cell_ref(&c, HC_O_PROC_user, in_user(b, v->user));
	cell_ref(&c, HC_O_PROC_login_user, in_user(b, v->login_user));
	cell_ref(&c, HC_O_PROC_group, in_user(b, v->group));
	if (v->has & HAS_NS)
		cells_of_ns(&c, b, v);
	if (v->has & HAS_CGROUP && v->cgroup_id)
		hc_cell_set(&c, HC_O_PROC_cgroup_id, v->cgroup_id);
	if (v->cgs) {
		cell_ref(&c, HC_O_PROC_cgroups, in_lst(b, v->cgs->list));
		cell_ref(&c, HC_O_PROC_container, in_ctr(t, b, v->cgs->ctr));
	}
	if (v->cgs_exec)
		cell_ref(&c, HC_O_PROC_cgroups_at_exec, in_lst(b, v->cgs_exec->list));
	if (v->ctr_phase != CTR_NO_PHASE)
		hc_cell_set(&c, HC_O_PROC_ctr_phase, v->ctr_phase);
	if (v->has & HAS_NS && v->entered != ENTERED_UNKNOWN)
		hc_cell_set(&c, HC_O_PROC_entered, v->entered == ENTERED);
	if (v->has & HAS_TREE)
		hc_cell_set(&c, HC_O_PROC_in_init_tree, v->in_init_tree);
	if (v->pidns_ns)
		hc_cell_set(&c, HC_O_PROC_pidns_start_ns, v->pidns_ns);
	if (v->has & HAS_IDS) {
		hc_cell_set(&c, HC_O_PROC_sid, v->sid);
		hc_cell_set(&c, HC_O_PROC_pgid, v->pgid);
		hc_cell_set(&c, HC_O_PROC_vsid, v->vsid);
		hc_cell_set(&c, HC_O_PROC_vpgid, v->vpgid);
		hc_cell_set(&c, HC_O_PROC_tty_nr, hc_scap_dev_portable(v->tty_nr));
		cell_ref(&c, HC_O_PROC_tty_name, in_tty(b, v->tty_nr));
		hc_cell_set(&c, HC_O_PROC_subreaper, v->subreaper);
	}
	cell_ref(&c, HC_O_PROC_sid_leader, in_ver(t, b, v->sid_leader));
	cell_ref(&c, HC_O_PROC_pgid_leader, in_ver(t, b, v->pgid_leader));
	cell_ref(&c, HC_O_PROC_vpgid_leader, in_ver(t, b, v->vpgid_leader));
	if (v->fork_ns)
		hc_cell_set(&c, HC_O_PROC_fork_ns, v->fork_ns);
	if (v->has & HAS_NOFILE)
		hc_cell_set(&c, HC_O_PROC_nofile, v->nofile);
	cell_ref(&c, HC_O_PROC_lsm_label, in_txt(b, v->lsm_label));
	hc_cell_set(&c, HC_O_PROC_flags, v->flags);
	t->depth--;
	return hc_slot_put(&v->slot, b, hc_build_obj(b, HC_OBJ_PROC, &c));
}

uint32_t in_ver(struct hc_tracker *t, struct hc_builder *b, struct tver *v)
{
	uint32_t ref = v ? hc_slot_get(&v->slot, b) : 0;

	return ref || !v ? ref : add_ver(t, b, v);
}

uint32_t in_task_new(struct hc_tracker *t, struct hc_builder *b, struct ttask *k, struct tver *v)
{
	struct hc_cells c;

	if (k->slot_version != v->version) { /* another version: another entry */
		k->slot_version = v->version;
		memset(&k->slot, 0, sizeof(k->slot));
	}
	hc_cells_clear(&c, HC_OBJ_TASK);
	hc_cell_set(&c, HC_O_TASK_tid, k->tid);
	if (k->vtid)
		hc_cell_set(&c, HC_O_TASK_vtid, k->vtid);
	if (k->start_ns)
		hc_cell_set(&c, HC_O_TASK_start_ns, k->start_ns);
	cell_ref(&c, HC_O_TASK_proc, in_ver(t, b, v));
	return hc_slot_put(&k->slot, b, hc_build_obj(b, HC_OBJ_TASK, &c));
}
