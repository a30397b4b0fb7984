/* What the files that follow a scap file's state share. Not for others. */
#ifndef HC_CAPTURE_SCAP_STATE_H
#define HC_CAPTURE_SCAP_STATE_H

#include "scap_priv.h"

#define SCAP_L4_UNKNOWN 254
#define SCAP_AT_FDCWD (-100)

static inline uint64_t scap_hash(const struct hc_scap_import *im, int64_t n)
{
	return hash_u64(im->t->seed.a, (uint64_t)n);
}

static inline bool scap_is_text(const struct txt *t, struct hc_str s)
{
	return t && t->len == s.len && (!s.len || !memcmp(t->p, s.p, s.len));
}

/* ---- threads, processes, beginnings of calls (scap_thread.c) ---- */

void scap_group_join(struct hc_scap_import *im, struct sthr *k);
void scap_enter_keep(struct hc_scap_import *im, struct sthr *k, const struct hc_scap_event *e);
/* The beginning of the call that this event is the end of; NULL: none. */
const struct senter *scap_enter(const struct sevent *s);
struct hc_str scap_enter_text(const struct senter *in, unsigned i);
uint64_t scap_enter_num(const struct senter *in, unsigned i, uint64_t none);
/* Numbers that share a place may say that there are some; none are missed. */
void scap_set_parent(struct hc_scap_import *im, struct sthr *k, int64_t ptid);
void scap_thread_free(struct hc_scap_import *im, struct sthr *k);
struct tver *scap_version_new(struct hc_scap_import *im, int64_t pid);
/* A copy to be changed in place, which becomes the thread's version. */
struct tver *scap_version_next(struct hc_scap_import *im, struct sthr *k, uint8_t cause, uint64_t ns);
struct sthr *scap_thread_new(struct hc_scap_import *im, int64_t tid);
void scap_thread_remove(struct hc_scap_import *im, struct sthr *k);
bool scap_in_pidns(const struct sthr *k);
/* A thread's end. The main one stays as long as others of its process live. */
void scap_thread_end(struct hc_scap_import *im, struct sthr *k);
struct sgone *scap_gone_at(struct hc_scap_import *im, int64_t tid, int64_t ptid);
/* Did this child of that thread end within the last two seconds? */
bool scap_gone_lately(struct hc_scap_import *im, int64_t tid, int64_t ptid, uint64_t now_ns);
/* Seen without having been told of. */
struct sthr *scap_thread_invalid(struct hc_scap_import *im, int64_t tid);

/* ---- descriptors and paths (scap_fd.c) ---- */

/* A descriptor came or went: does a TASK show it? */
void scap_fds_note(struct hc_scap_import *im, struct sfds *f, int64_t num, const struct tfd *was,
                   const struct tfd *is);
void scap_fds_clear(struct hc_scap_import *im, struct sfds *f);
void scap_fd_put(struct hc_scap_import *im, struct sthr *k, int64_t num, struct tfd *fd);
void scap_fd_drop(struct hc_scap_import *im, struct sthr *k, int64_t num);
/* A new process begins with what the other has open. */
void scap_fds_copy(struct hc_scap_import *im, struct sthr *to, struct sthr *from);
void scap_fds_exec(struct hc_scap_import *im, struct sthr *k);
struct tfd *scap_fd_make(struct hc_scap_import *im, uint8_t kind);
struct tfile *scap_file_make(struct hc_scap_import *im, uint32_t dev, uint64_t ino, uint32_t flags);
/* below: the number of the directory's descriptor. */
struct tpath *scap_path_below(struct hc_scap_import *im, const struct sevent *s, struct hc_str given,
                              int64_t below);
/* What an open has opened: below a descriptor that nobody knows it is named so, as in the reference. */
struct tpath *scap_opened_path(struct hc_scap_import *im, const struct sevent *s, struct hc_str given,
                               int64_t num);
struct tpath *scap_dir_path(struct hc_scap_import *im, struct hc_str s);

/* ---- sockets (scap_net.c) ---- */

struct tsock *scap_sock_make(uint16_t family, uint16_t protocol);
/* As in the reference it shows when the socket gets a role; until then an export has it from the type. */
void scap_hide_protocol(struct tsock *s, uint32_t protocol);
void scap_near_end(struct hc_scap_import *im, struct sthr *k, struct tsock *s);
uint8_t scap_kind_of_family(uint16_t family);
void scap_on_socket(struct hc_scap_import *im, struct sevent *s);
void scap_on_connect(struct hc_scap_import *im, struct sevent *s);
void scap_on_bind(struct hc_scap_import *im, struct sevent *s);
void scap_on_accept(struct hc_scap_import *im, struct sevent *s);
/* Whatever is read or written: it is connected, and datagrams tell who the peer is. tuple_at -1: no addresses. */
void scap_on_traffic(struct hc_scap_import *im, struct sevent *s, int tuple_at, bool sent);
/* Nobody told of the socket that something is sent with: it must be one for datagrams. */
void scap_infer_socket(struct hc_scap_import *im, struct sevent *s);

/* ---- users, containers (scap_ctr.c) ---- */

/* The lists of a file are the host's: a container's users are others, whatever their numbers. */
void scap_version_users(struct hc_scap_import *im, struct tver *v);
struct tcgs *scap_cgs_of(struct hc_scap_import *im, struct hc_str block);
/* Users and groups that come and go while it is recorded, of the host and of containers. */
void scap_on_user(struct hc_scap_import *im, const struct hc_scap_event *e);
/* An event that has what the container plugin knows of one, as JSON. */
void scap_on_container(struct hc_scap_import *im, struct sevent *s, struct hc_str json, bool removed);
void scap_on_async(struct hc_scap_import *im, struct sevent *s);

/* ---- lists (scap_lists.c) ---- */

/* argv[0] and what follows it, as one list. */
struct lst *scap_argv_of(struct hc_scap_import *im, struct hc_str exe, struct hc_str args);

/* ---- processes' events (scap_proc.c) ---- */

/* Changes of the address space tell the new sizes. */
void scap_mem_of_map(struct hc_scap_import *im, struct sthr *k, const struct hc_scap_event *e);
void scap_mem_of_switch(struct hc_scap_import *im, struct sthr *k, const struct hc_scap_event *e);
void scap_on_exec(struct hc_scap_import *im, struct sevent *s);
void scap_on_clone(struct hc_scap_import *im, struct sevent *s);
void scap_on_procexit(struct hc_scap_import *im, struct sevent *s);
void scap_on_limit(struct hc_scap_import *im, struct sevent *s, struct sthr *k, int64_t limit);

/* ---- events (scap_state.c) ---- */

struct hc_str scap_block_of(const struct hc_scap_event *e, unsigned i);
/* The event's thread has another version now. */
void scap_note_change(struct hc_scap_import *im, struct sevent *s);
struct tver *scap_change(struct hc_scap_import *im, struct sevent *s, uint8_t cause);
void scap_put_new(struct hc_scap_import *im, struct sevent *s, int64_t num, struct tfd *fd);

#endif
