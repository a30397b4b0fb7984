/* Falco's vocabulary as data: fields, events, flag names, system calls. */
#ifndef HC_FALCO_TABLE_H
#define HC_FALCO_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/base/str.h"
#include "store/scap.h"
#include "store/scap_flags.h"

enum ftype {
	FT_UINT32,
	FT_UINT64,
	FT_INT16,
	FT_INT32,
	FT_INT64,
	FT_DOUBLE,
	FT_BOOL,
	FT_PORT,
	FT_RELTIME,
	FT_ABSTIME,
	FT_CHARBUF,
	FT_BYTEBUF,
	FT_IPADDR,
	FT_IPNET,
	FT_DYN,
	FT_FSPATH,
	FT_UNCOMPARABLE, /* uid, socket tuple and the like: of evt.rawarg only */
	FT_N
};

enum fprint { FP_NA, FP_DEC, FP_HEX, FP_OCT, FP_ID, FP_PADDED, FP_DIR, FP_TEXT };

enum {
	FF_ARG_REQ = 1 << 0,
	FF_ARG_OPT = 1 << 1,
	FF_NO_RHS = 1 << 2,
	FF_NO_TR = 1 << 3,
	FF_FILTER_ONLY = 1 << 4,
	FF_LIST = 1 << 5,
	FF_DEPRECATED = 1 << 6,
	FF_STATEFUL = 1 << 7,
	FF_DEAD = 1 << 8, /* known, never has a value */
};

enum fclass {
#define FALCO_CLASS(class, name) FCLASS_##class,
#include "replay/dialects/falco/fields.def"
	N_FCLASSES
};

enum ffield_id {
#define FALCO_FIELD(class, ID, name, type, flags, print) F_##ID,
#include "replay/dialects/falco/fields.def"
	N_FIELDS
};

struct ffield {
	const char *name;
	uint8_t len; /* of the name */
	uint8_t cls, type, print;
	uint16_t flags;
};

extern const struct ffield falco_fields[N_FIELDS];

/* Flags of events; those of older forms say so. */
enum {
	EVF_CREATES = HC_SCAP_F_CREATES, /* a descriptor */
	EVF_USES = HC_SCAP_F_USES,
	EVF_READS = HC_SCAP_F_READS,
	EVF_WRITES = HC_SCAP_F_WRITES,
	EVF_WAITS = HC_SCAP_F_WAITS,
	EVF_OLD = HC_SCAP_F_OLD,
	EVF_SYSCALL = HC_SCAP_F_SYSCALL,
	EVF_METAEVENT = HC_SCAP_F_METAEVENT,
};

enum fcat {
	CAT_OTHER,
	CAT_FILE,
	CAT_NET,
	CAT_IPC,
	CAT_MEMORY,
	CAT_PROCESS,
	CAT_SLEEP,
	CAT_SYSTEM,
	CAT_SIGNAL,
	CAT_USER,
	CAT_TIME,
	CAT_IO_READ,
	CAT_IO_WRITE,
	CAT_IO_OTHER,
	CAT_WAIT,
	CAT_SCHEDULER,
	CAT_INTERNAL,
};

enum fparam_type {
	PT_ERRNO,
	PT_FD,
	PT_PID,
	PT_STR,
	PT_BUF,
	PT_PATH,
	PT_RPATH,
	PT_SADDR,
	PT_STUPLE,
	PT_FDLIST,
	PT_SIGSET,
	PT_MODE,
	PT_UID,
	PT_GID,
	PT_PORT,
	PT_SCID,
	PT_SIG,
	PT_REL,
	PT_ABS,
	PT_DYN,
	PT_PID32,
	PT_FD32,
	PT_STRARR,
	PT_IP4,
	PT_IP6,
	PT_U8,
	PT_U16,
	PT_U32,
	PT_U64,
	PT_I8,
	PT_I16,
	PT_I32,
	PT_I64,
	PT_FLAGS,
	PT_ENUM,
	/* how wide they are matters in files only */
	PT_FLAGS8 = PT_FLAGS,
	PT_FLAGS16 = PT_FLAGS,
	PT_FLAGS32 = PT_FLAGS,
	PT_ENUM8 = PT_ENUM,
	PT_ENUM16 = PT_ENUM,
	PT_ENUM32 = PT_ENUM,
};

enum fbase { PB_DEC, PB_HEX, PB_OCT, PB_TEXT };

struct fparam {
	const char *name;
	uint8_t type, base, table;
	int8_t dirfd;
};

#define N_CODES HC_SCAP_N_CODES
#define MAX_PARAMS HC_SCAP_MAX_PARAMS

struct fevent {
	const char *name; /* NULL: the code is not assigned */
	uint8_t cat;
	uint32_t flags;
	const struct fparam *params; /* ends with a nameless one; NULL when there are none */
};

extern const struct fevent falco_events[N_CODES];

#define CODE_GENERIC HC_SCAP_GENERIC_X
#define CODE_ASYNC HC_SCAP_ASYNCEVENT_E

struct fname {
	uint8_t table;
	const char *name;
	uint32_t value;
};

/* Names of a table in their order; ends at *ret_n. */
const struct fname *falco_table_names(unsigned table, unsigned *ret_n);

/* A set of event codes. */
#define CODE_WORDS ((N_CODES + 63) / 64)
struct code_set {
	uint64_t w[CODE_WORDS];
};
void code_set_all(struct code_set *s);
bool code_set_has(const struct code_set *s, unsigned code);
void code_set_add(struct code_set *s, unsigned code);
void code_set_not(struct code_set *s);
unsigned code_set_count(const struct code_set *s);

/* Adds the codes that evt.type = name means; false when there is no such event, system call or asynchronous event.
 */
bool falco_type_codes(struct hc_str name, struct code_set *add);
/* Is it a parameter of some event? The longest one that begins `text`; its length, 0 for none. */
uint32_t falco_param_prefix(struct hc_str text);
/* Position of a parameter in an event, or -1. */
int falco_param_find(unsigned code, struct hc_str name);
/* First event in the order of codes that has it: gives evt.rawarg its type. NULL when there is none. */
const struct fparam *falco_param_first(struct hc_str name);

const char *falco_errno_name(int64_t positive); /* NULL: no name */
const char *falco_signal_name(int64_t sig);
/* Name of a Linux system call by the number of the 64-bit or 32-bit x86 table; NULL when there is none. */
const char *falco_syscall_name(uint64_t nr, bool compat);
/* Falco's own number of a system call's name; 0 when unknown. */
unsigned falco_syscall_id(struct hc_str name);

#endif
