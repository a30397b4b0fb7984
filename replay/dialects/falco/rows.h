/* Our rows as Falco's events, and what can be read from them: the values of parameters, of descriptors and of
 * processes. */
#ifndef HC_FALCO_ROWS_H
#define HC_FALCO_ROWS_H

#include "replay/dialects/falco/json.h"
#include "replay/dialects/falco/table.h"
#include "replay/value.h"

enum ffd { FD_NONE, FD_NEW, FD_ARG, FD_DUP };

/* Where a parameter's value comes from. */
enum fhow {
	HOW_RET,
	HOW_ZERO,
	HOW_FORKRET,
	HOW_NUM,
	HOW_READSIZE,
	HOW_TGTID, /* the thread that tgkill names, of its process */
	HOW_FD,
	HOW_PID,
	HOW_PIDBYNUM, /* a number whose process is the caller or an ancestor, or stays without a name */
	HOW_PIDOR0,   /* absent: 0 */
	HOW_NUMOR0,
	HOW_TID,
	HOW_STR,
	HOW_PATH,
	HOW_BYTES,
	HOW_ADDR,
	HOW_TUPLE,
	HOW_NEWDEV,
	HOW_NEWINO,
	HOW_NEWLAYER,
	HOW_NEWPATH,
	HOW_PIPEINO,
	HOW_NEWFD,
	HOW_SOCKFLAGS,
	HOW_OPENMODE,
	HOW_LEN,
	HOW_LIST_FIRST,
	HOW_LIST_REST,
	HOW_LIST_ALL,
	HOW_PROC,
	HOW_ALSOREF, /* what the recorder's own rows have, and the column of what it stands for */
	HOW_RETREF,  /* the result, and the column of what it stands for */
	HOW_SOCKCOL, /* the endpoint in the column */
	HOW_FDLIST,
	HOW_DYN, /* what the call's own selector says */
};

/* Of a process: parameters of execve and clone. */
enum fproc_param {
	PP_exe,
	PP_args,
	PP_tid,
	PP_pid,
	PP_ptid,
	PP_cwd,
	PP_fdlimit,
	PP_comm,
	PP_cgroups,
	PP_env,
	PP_tty,
	PP_vpgid,
	PP_loginuid,
	PP_exe_flags,
	PP_cap_inheritable,
	PP_cap_permitted,
	PP_cap_effective,
	PP_exe_ino,
	PP_exe_ino_ctime,
	PP_exe_ino_mtime,
	PP_uid,
	PP_trusted_exepath,
	PP_pgid,
	PP_gid,
	PP_vtid,
	PP_vpid,
	PP_pidns_init_start_ts,
};

struct ffrom {
	uint16_t type; /* event type */
	const char *param;
	uint8_t how;
	int16_t what;
	bool imported; /* in rows that were imported, instead of the other */
};

struct frow {
	uint16_t code;                                 /* 0: not an event of Falco's */
	uint8_t fd;                                    /* enum ffd */
	int16_t fd_col, after_col, sock_col, path_col; /* -1: none */
	uint16_t first_from;                           /* of its parameters */
};

const struct frow *falco_row_map(unsigned type);
/* NULL: not recorded, or not told by the imported events */
const struct ffrom *falco_from(unsigned type, struct hc_str param, bool imported);
/* Name of a type's event where it does not depend on the row; NULL where it does. */
const char *falco_row_name(unsigned type);
/* The type that recorders give to calls whose event has that code, where earlier ones wrote rows of `sys`; 0:
 * none. */
unsigned falco_former_type(unsigned code);
/* The same of a type whose event is the generic one. */
bool falco_row_was_sys(unsigned type);
/* Does the event have a return value? */
bool falco_row_has_ret(unsigned type);
/* Have its errors names? A result that is a process or a size is printed as a number. */
bool falco_row_names_errors(unsigned type);

/* Is it a call that makes a process? */
bool falco_makes_process(unsigned type);
/* .. or two descriptors? Their numbers are parameters, also where there are none. */
bool falco_makes_pair(unsigned type);

/* A row being read. */
struct fctx {
	struct hc_view *v;
	unsigned type, dom;
	uint32_t entry;
	const struct frow *row;
};

struct fctx falco_ctx(struct hc_view *v, unsigned type, uint32_t entry);
const char *fctx_name(const struct fctx *c); /* of the event; never NULL */
bool fctx_ret(const struct fctx *c, int64_t *ret);
bool fctx_is_imported(const struct fctx *c); /* from a capture of another recorder */
uint32_t fctx_task(const struct fctx *c);
uint32_t fctx_proc(const struct fctx *c); /* after the event where it changed */
uint32_t fctx_fdobj(const struct fctx *c);
bool fctx_fd_num(const struct fctx *c, int64_t *ret);

/* A parameter's value. */
enum pv_kind { PV_NONE, PV_INT, PV_TEXT, PV_BYTES, PV_PATH, PV_SOCK, PV_ADDR };
struct pval {
	uint8_t kind;
	int64_t i;
	struct hc_str s; /* text, bytes, given path, raw address */
	uint8_t dyn;     /* PT_DYN: the type that it has this time */
	uint32_t ref;    /* PV_PATH: PATH; PV_SOCK: SOCK; a descriptor's FDOBJ; a pid's PROC */
};

struct pval fctx_param(const struct fctx *c, const struct fparam *p);
/* Of a call that an earlier recorder wrote a row of `sys` for: a parameter of the event that it has by now, by its
 * name, or its place as a decimal number. NULL: the row is none of these, or does not tell it. */
const struct fparam *falco_former_param(const struct fctx *c, struct hc_str which, struct pval *ret);
/* Does such a row tell a parameter of a type that has been given its name since? */
bool falco_former_tells(unsigned type, const struct fparam *p);
/* As evt.args has them. Nothing is written when there is no such rendering. */
void falco_param_raw(const struct fctx *c, const struct fparam *p, const struct pval *v, struct fjson *out);
void falco_param_resolved(const struct fctx *c, const struct fparam *p, const struct pval *v, struct fjson *out);
void falco_args(const struct fctx *c, struct fjson *out);
/* The code of the row's event: its type's, but of a call of which the result alone was recorded and whose event
 * has only numbers beside it, that event's. */
unsigned falco_result_code(const struct fctx *c);
/* Its parameter, where it is not the type's event. */
struct pval falco_result_param(const struct fctx *c, unsigned code, unsigned i);

/* Descriptors. */
#define O_DIRECTORY_NATIVE 0200000
/* What all of these look at. */
#define FALCO_FD_READS                                                                                          \
	{                                                                                                       \
		.cols = 1u << HC_O_FDOBJ_what | 1u << HC_O_FDOBJ_path | 1u << HC_O_FDOBJ_sock |                 \
		        1u << HC_O_FDOBJ_target | 1u << HC_O_FDOBJ_name,                                        \
		.there = 1u << HC_O_FDOBJ_opened_by, .bits = O_DIRECTORY_NATIVE, .bits_col = HC_O_FDOBJ_f_flags \
	}
unsigned falco_fd_kind(struct hc_view *v, uint32_t fdobj); /* to rules: enum hc_fd_kind */
/* Made by a call that Falco has no event for: it knows nothing of it. */
bool falco_fd_unseen(struct hc_view *v, uint32_t fdobj);
/* The file of which Falco learns the inode, or the device: of what is opened by a name; the inode of pipes, too.
 */
uint32_t falco_fd_file(struct hc_view *v, uint32_t fdobj, bool dev);
const char *falco_fd_type(struct hc_view *v, uint32_t fdobj); /* "file", ... */
const char *falco_kind_type(unsigned kind);                   /* of an enum hc_fd_kind */
char falco_fd_typechar(struct hc_view *v, uint32_t fdobj);
void falco_fd_name(struct hc_view *v, uint32_t fdobj, struct fjson *out);
const char *falco_sock_type(struct hc_view *v, uint32_t sock); /* "ipv4", ...; NULL: no sock */
/* The session as the namespace numbers it that setsid() was called in; one from outside has no number there, and
 * keeps its own. */
int64_t falco_proc_sid(struct hc_view *v, uint32_t proc, int64_t none);

/* Does the driver record both ends of a socket of that family, and addresses of it? Of others nothing. */
bool falco_has_ends(int64_t family);
const char *falco_sock_proto(struct hc_view *v, uint32_t sock); /* "tcp", ..., "<NA>" */
void falco_sock_name(struct hc_view *v, uint32_t sock, struct fjson *out);
bool falco_is_listener(struct hc_view *v, uint32_t sock);
/* One that was there before an imported capture began, and has not been seen to serve. */
bool falco_is_roleless(struct hc_view *v, uint32_t sock);
struct fends {
	struct hc_str local, peer, client, server; /* raw addresses, mapped IPv4 as 4 bytes; .p NULL: not known */
	int64_t local_port, peer_port, client_port, server_port; /* -1: not known */
	struct hc_str near, far; /* fd.lip, fd.rip: the machine's end, and the other */
	int64_t near_port, far_port;
};
bool falco_sock_ends(struct hc_view *v, uint32_t sock, struct fends *ret);
void falco_ip_text(struct hc_str raw, struct fjson *out);
void falco_addr_text(struct hc_str raw, struct fjson *out); /* struct sockaddr */

/* Processes and paths. */
struct hc_str falco_path_text(struct hc_view *v,
                              uint32_t path); /* what fd.name is: absolute, links not followed */
struct hc_str falco_path_given(struct hc_view *v, uint32_t path);
struct hc_str falco_path_real(struct hc_view *v, uint32_t path);
/* The program's path. What was run from a memfd has a name that is no path: memfd:x; lists made of links have it
 * as a path. */
struct hc_str falco_image_exe(struct hc_view *v, uint32_t image);
void falco_path_normal(struct hc_str s, struct fjson *out); /* // . .. and a last / removed */
uint32_t falco_proc_image(struct hc_view *v, uint32_t proc);
struct hc_str falco_exe(struct hc_view *v, uint32_t image); /* argv[0] */
void falco_join(struct hc_view *v, uint32_t list, uint32_t from, struct fjson *out);
void falco_caps(uint64_t caps, struct fjson *out);
int64_t falco_wall(struct hc_view *v, uint64_t boot_ns);

/* A mount of a container: source:dest:mode:rw:propagation. Only the two paths may hold colons: the destination is
 * what follows the first ":/" of them. */
enum { FMOUNT_WHOLE, FMOUNT_SOURCE, FMOUNT_DEST, FMOUNT_MODE, FMOUNT_RDWR, FMOUNT_PROPAGATION, FMOUNT_N };
bool falco_mount_parts(struct hc_str s, struct hc_str part[FMOUNT_N]);

/* "HH:MM:SS.nnnnnnnnn" and the others, by the C library's time zone. */
enum ftime { FTIME_CLOCK, FTIME_CLOCK_S, FTIME_ISO, FTIME_DATETIME, FTIME_DATETIME_S, FTIME_JSON, FTIME_PARAM };
void falco_time(int64_t wall_ns, enum ftime form, struct fjson *out);

/* Takes what was written as a value. */
struct hc_value falco_out_value(struct fjson *out);

#endif
