/* scap_events.def, unfolded. */
#include "store/scap.h"
#include "store/scap_flags.h"

enum {
#define HC_SCAP_TYPE(t, width, is_signed) WIDTH_##t = (width), SIGNED_##t = (is_signed),
	HC_SCAP_TYPES(HC_SCAP_TYPE)
#undef HC_SCAP_TYPE
};

/* All parameters; a nameless one stands before each event's, and at the end. */
static const struct hc_scap_param_info params[] = {
#define SCAP_EVENT(code, ID, name_, category, flags) { 0 },
#define SCAP_PARAM(code, name_, type_, base, table_, dirfd) \
	{ .name = #name_,                                   \
	  .type = HC_SCAP_T_##type_,                        \
	  .width = WIDTH_##type_,                           \
	  .is_signed = SIGNED_##type_,                      \
	  .table = HC_SCAP_TAB_##table_ },
#include "store/scap_events.def"
	{ 0 },
};

/* Where each event's begin and end. */
enum {
	POS__before = -1,
#define SCAP_EVENT(code, ID, name_, category, flags) POS_##code,
#define SCAP_PARAM(code, name_, type_, base, table_, dirfd) POS_##code##_##name_,
#include "store/scap_events.def"
};

/* How many: what follows the code's enumerator is added to it. */
enum {
	N__before = 0
#define SCAP_EVENT(code, ID, name_, category, flags) , N_##code = 0
#define SCAP_PARAM(code, name_, type_, base, table_, dirfd) +1
#include "store/scap_events.def"
};

const struct hc_scap_event_info hc_scap_events[HC_SCAP_N_CODES] = {
#define SCAP_EVENT(code, ID, name_, category, flags_) \
	[code] = { .name = #name_, .flags = (flags_), .n_params = N_##code, .params = &params[POS_##code + 1] },
#define SCAP_OLD(code, ID, name_, n_params_, flags_) \
	[code] = { .name = #name_, .flags = (flags_) | HC_SCAP_F_OLD, .n_params = (n_params_) },
#define SCAP_UNUSED(code) [code] = { .flags = HC_SCAP_F_UNUSED },
#include "store/scap_events.def"
};

const char *const hc_scap_ctr_types[HC_SCAP_N_CTR_TYPES] = {
	[0] = "docker", [1] = "lxc", [2] = "libvirt-lxc", [6] = "cri",     [7] = "containerd",
	[8] = "cri-o",  [9] = "bpm", [10] = "static",     [11] = "podman",
};
