/* The tables of schema.h, unfolded from the two .def files. */
#include "store/schema.h"

#include <stddef.h>

#define ONE(name_, kind_, fmt_, ref_, signed_) \
	{ .name = #name_,                      \
	  .arg = #name_,                       \
	  .kind = HC_KIND_##kind_,             \
	  .fmt = HC_FMT_##fmt_,                \
	  .ref = HC_OBJ_##ref_,                \
	  .is_signed = (signed_) },
#define TWO(name_, suffix, kind_, fmt_, ref_) \
	{ .name = #name_ #suffix,             \
	  .arg = #name_,                      \
	  .kind = HC_KIND_##kind_,            \
	  .fmt = HC_FMT_##fmt_,               \
	  .ref = HC_OBJ_##ref_ },

#define COLS_INT(n, f) ONE(n, INT, f, NONE, true)
#define COLS_UINT(n, f) ONE(n, UINT, f, NONE, false)
#define COLS_STR(n, f) ONE(n, STR, f, STR, false)
#define COLS_ADDR(n, f) ONE(n, ADDR, f, BYTES, false)
#define COLS_STRS(n, f) ONE(n, STRS, f, STRS, false)
#define COLS_INTS(n, f) ONE(n, INTS, f, INTS, false)
#define COLS_PATH(n, f) ONE(n, PATH, f, PATH, false)
#define COLS_FILE(n, f) ONE(n, FILE, f, FILE, false)
#define COLS_SOCK(n, f) ONE(n, SOCK, f, SOCK, false)
#define COLS_FDOBJ(n, f) ONE(n, FDOBJ, f, FDOBJ, false)
#define COLS_IMAGE(n, f) ONE(n, IMAGE, f, IMAGE, false)
#define COLS_PROC(n, f) ONE(n, PROC, f, PROC, false)
#define COLS_CTR(n, f) ONE(n, CTR, f, CTR, false)
#define COLS_USER(n, f) ONE(n, USER, f, USER, false)
#define COLS_GROUP(n, f) ONE(n, GROUP, f, GROUP, false)
#define COLS_TASK(n, f) ONE(n, TASK, f, TASK, false)
#define COLS_BYTES(n, f) ONE(n, BYTES, f, BYTES, false) TWO(n, _len, UINT, DEC, NONE)
#define COLS_FD(n, f) ONE(n, FD, f, NONE, true) TWO(n, _obj, FDOBJ, PLAIN, FDOBJ)
#define COLS_PID(n, f) ONE(n, PID, f, NONE, true) TWO(n, _proc, PROC, PLAIN, PROC)

#define COMMON_COLS                              \
	ONE(task, TASK, PLAIN, TASK, false)      \
	ONE(ret, INT, DEC, NONE, true)           \
	ONE(nr, UINT, DEC, NONE, false)          \
	ONE(row_flags, UINT, HEX, NONE, false)   \
	ONE(dur_ns, UINT, DURATION, NONE, false) \
	ONE(src_num, UINT, DEC, NONE, false)

/* All event columns in one array: each type's common columns, then its arguments. */
static const struct hc_col_desc event_cols[] = {
#define HC_EVENT(ID, number, name, stream, cls, profile, mode) COMMON_COLS
#define HC_ARG(ID, name, kind, format) COLS_##kind(name, format)
#include "store/event_types.def"
};

static const struct hc_col_desc obj_cols[] = {
#define HC_FIELD(ID, name, kind, format) COLS_##kind(name, format)
#include "store/object_types.def"
};

/* Positions in these arrays, counted by enums: a column enumerator takes one place, a type's begin and end take
 * none. */
enum {
	EVENT_POS__before = -1,
#define HC_EVENT(ID, number, name, stream, cls, profile, mode) \
	EVENT_BEGIN_##ID, EVENT_POS_##ID = EVENT_BEGIN_##ID + HC_N_COMMON_COLS - 1,
#define HC_ARG(ID, name, kind, format) HC_COLENUM_##kind(EVENT_POS, ID, name)
#include "store/event_types.def"
	EVENT_END
};

enum {
	OBJ_POS__before = -1,
#define HC_OBJ(ID, number, name) OBJ_BEGIN_##ID, OBJ_POS_##ID = OBJ_BEGIN_##ID - 1,
#define HC_FIELD(ID, name, kind, format) HC_COLENUM_##kind(OBJ_POS, ID, name)
#include "store/object_types.def"
	OBJ_END
};

_Static_assert(sizeof(event_cols) / sizeof(event_cols[0]) == EVENT_END, "columns and their numbering agree");
_Static_assert(sizeof(obj_cols) / sizeof(obj_cols[0]) == OBJ_END, "columns and their numbering agree");

/* First column of each logical argument, within its table. */
static const uint16_t event_arg_cols[] = {
#define HC_ARG(ID, name, kind, format) HC_C_##ID##_##name,
#include "store/event_types.def"
};

static const uint16_t obj_arg_cols[] = {
#define HC_FIELD(ID, name, kind, format) HC_O_##ID##_##name,
#include "store/object_types.def"
};

enum {
	ARG_POS__before = -1,
#define HC_EVENT(ID, number, name, stream, cls, profile, mode) ARG_BEGIN_##ID, ARG_POS_##ID = ARG_BEGIN_##ID - 1,
#define HC_ARG(ID, name, kind, format) ARG_POS_##ID##_##name,
#include "store/event_types.def"
	ARG_END
};

enum {
	FIELD_POS__before = -1,
#define HC_OBJ(ID, number, name) FIELD_BEGIN_##ID, FIELD_POS_##ID = FIELD_BEGIN_##ID - 1,
#define HC_FIELD(ID, name, kind, format) FIELD_POS_##ID##_##name,
#include "store/object_types.def"
	FIELD_END
};

_Static_assert(sizeof(event_arg_cols) / sizeof(event_arg_cols[0]) == ARG_END,
               "arguments and their numbering agree");
_Static_assert(sizeof(obj_arg_cols) / sizeof(obj_arg_cols[0]) == FIELD_END, "fields and their numbering agree");

/* n_args and n_cols of a type: one sum per type. */
enum {
	COUNT__first = 0
#define HC_EVENT(ID, number, name, stream, cls, profile, mode) , N_ARGS_##ID = 0
#define HC_ARG(ID, name, kind, format) +1
#include "store/event_types.def"
};

enum {
	COUNT_WIRE__first = 0
#define HC_EVENT(ID, number, name, stream, cls, profile, mode) , N_WIRE_##ID = 0
#define HC_ARG(ID, name, kind, format) +1
#define HC_IMPORTED(ID, name, kind, format)
#include "store/event_types.def"
};

#define W_INT 1
#define W_UINT 1
#define W_STR 1
#define W_ADDR 1
#define W_STRS 1
#define W_INTS 1
#define W_PATH 1
#define W_FILE 1
#define W_SOCK 1
#define W_FDOBJ 1
#define W_IMAGE 1
#define W_PROC 1
#define W_CTR 1
#define W_USER 1
#define W_GROUP 1
#define W_TASK 1
#define W_BYTES 2
#define W_FD 2
#define W_PID 2

enum {
	WIDTH__first = 0
#define HC_EVENT(ID, number, name, stream, cls, profile, mode) , N_COLS_##ID = HC_N_COMMON_COLS
#define HC_ARG(ID, name, kind, format) +W_##kind
#include "store/event_types.def"
};

enum {
	WIDTH_OBJ__first = 0
#define HC_OBJ(ID, number, name) , N_OBJ_COLS_##ID = 0
#define HC_FIELD(ID, name, kind, format) +W_##kind
#include "store/object_types.def"
};

#define HC_EVENT(ID, number, name, stream, cls, profile, mode) \
	_Static_assert(N_COLS_##ID <= HC_MAX_COLS, "HC_MAX_COLS is too small for " #name);
#include "store/event_types.def"
#define HC_OBJ(ID, number, name) \
	_Static_assert(N_OBJ_COLS_##ID <= HC_MAX_COLS, "HC_MAX_COLS is too small for " #name);
#include "store/object_types.def"

#define ALL HC_MODE_ALL

const struct hc_table_desc hc_event_descs[HC_EV_MAX] = {
#define HC_EVENT(ID, number_, name_, stream_, cls_, profile_, mode_) \
	[number_] = {                                                \
		.name = #name_,                                      \
		.number = (number_),                                 \
		.stream = HC_STREAM_##stream_,                       \
		.cls = HC_CLASS_##cls_,                              \
		.profile = HC_PROFILE_##profile_,                    \
		.mode = (uint8_t)(mode_),                            \
		.n_args = N_ARGS_##ID,                               \
		.n_wire = N_WIRE_##ID,                               \
		.n_cols = N_COLS_##ID,                               \
		.cols = event_cols + EVENT_BEGIN_##ID,               \
		.arg_cols = event_arg_cols + ARG_BEGIN_##ID,         \
	},
#include "store/event_types.def"
};

const struct hc_table_desc hc_obj_descs[HC_OBJ_MAX] = {
#define HC_OBJ(ID, number_, name_)                           \
	[number_] = {                                        \
		.name = #name_,                              \
		.number = (number_),                         \
		.n_cols = N_OBJ_COLS_##ID,                   \
		.cols = obj_cols + OBJ_BEGIN_##ID,           \
		.arg_cols = obj_arg_cols + FIELD_BEGIN_##ID, \
	},
#include "store/object_types.def"
};

const struct hc_table_desc *hc_event_desc_by_name(struct hc_str name)
{
	for (unsigned i = 0; i < HC_EV_MAX; i++)
		if (hc_event_descs[i].name && hc_str_eq(hc_str_c(hc_event_descs[i].name), name))
			return &hc_event_descs[i];
	return NULL;
}

int hc_col_find(const struct hc_table_desc *table, struct hc_str name)
{
	for (int i = 0; i < table->n_cols; i++)
		if (hc_str_eq(hc_str_c(table->cols[i].name), name))
			return i;
	return -1;
}
