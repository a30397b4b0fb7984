/*
 * What a block must hold for a computed field to have a value: struct hc_leaf's may_be and may_contain. Each knows
 * how its field is made (bind.c, rows.c): of which texts of the heap, and of what between them.
 */
#ifndef HC_FALCO_CLUES_H
#define HC_FALCO_CLUES_H

#include "replay/prune.h"

/* A text of the heap, or none. */
bool falco_may_be_text(struct hc_prune *p, const void *arg, struct hc_str s);
bool falco_may_contain_text(struct hc_prune *p, const void *arg, struct hc_str part);
/* A part of a text of the heap. */
bool falco_may_be_part(struct hc_prune *p, const void *arg, struct hc_str s);
/* Texts of the heap, joined by a space. */
bool falco_may_be_joined(struct hc_prune *p, const void *arg, struct hc_str s);
bool falco_may_contain_joined(struct hc_prune *p, const void *arg, struct hc_str part);
/* The path of a program, less " (deleted)". */
bool falco_may_be_exepath(struct hc_prune *p, const void *arg, struct hc_str s);
/* A directory, with a slash behind it. */
bool falco_may_be_cwd(struct hc_prune *p, const void *arg, struct hc_str s);
/* Names of users and groups; of containers and what they have. */
bool falco_may_be_user(struct hc_prune *p, const void *arg, struct hc_str s);
bool falco_may_be_container(struct hc_prune *p, const void *arg, struct hc_str s);
bool falco_may_contain_container(struct hc_prune *p, const void *arg, struct hc_str part);
bool falco_may_be_container_id(struct hc_prune *p, const void *arg, struct hc_str s);
/* An end of a socket. */
bool falco_may_be_addr(struct hc_prune *p, const void *arg, struct hc_str raw);
/* A path as given, made normal, or a part of one; with a directory before it, or without. */
bool falco_may_be_path(struct hc_prune *p, const void *arg, struct hc_str s);
bool falco_may_be_abs(struct hc_prune *p, const void *arg, struct hc_str s);
bool falco_may_contain_path(struct hc_prune *p, const void *arg, struct hc_str part);
/* Whatever a descriptor can be called. */
bool falco_may_be_fd_name(struct hc_prune *p, const void *arg, struct hc_str s);
bool falco_may_contain_fd_name(struct hc_prune *p, const void *arg, struct hc_str part);
/* A descriptor's name or a path. */
bool falco_may_be_fs_path(struct hc_prune *p, const void *arg, struct hc_str s);
/* A socket's address as bytes. */
bool falco_may_be_addr_name(struct hc_prune *p, const void *arg, struct hc_str s);
bool falco_may_contain_addr_name(struct hc_prune *p, const void *arg, struct hc_str part);

#endif
