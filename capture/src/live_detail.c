/* What is recorded of whom, as the programs read it: of everybody, and of those for whom detail is raised. All
 * that has a say comes together in hc_detail_choose. */
#include "live_priv.h"

#include <string.h>

/* In which mode a profile records a type; -1: not at all. */
static int profile_mode(const struct hc_table_desc *d, enum hc_profile profile)
{
	if (d->profile > profile || d->profile >= HC_PROFILE_OPTION)
		return -1;
	return profile == HC_PROFILE_FULL ? HC_MODE_ALL : d->mode;
}

/* Types that the tracker or an importer makes, not the kernel. */
static bool made_elsewhere(unsigned type)
{
	switch (type) {
	case HC_EV_CTR_START:
	case HC_EV_CTR_UPDATE:
	case HC_EV_CTR_STOP:
	case HC_EV_USR_CHANGE:
	case HC_EV_NET_DNS:
		return true;
	default:
		return hc_event_desc(type)->cls == HC_CLASS_META;
	}
}

static bool has_payload(unsigned type)
{
	switch (type) {
	case HC_EV_READ:
	case HC_EV_PREAD64:
	case HC_EV_READV:
	case HC_EV_PREADV:
	case HC_EV_PREADV2:
	case HC_EV_WRITE:
	case HC_EV_PWRITE64:
	case HC_EV_WRITEV:
	case HC_EV_PWRITEV:
	case HC_EV_PWRITEV2:
	case HC_EV_SENDTO:
	case HC_EV_SENDMSG:
	case HC_EV_SENDMMSG:
	case HC_EV_RECVFROM:
	case HC_EV_RECVMSG:
	case HC_EV_RECVMMSG:
		return true;
	default:
		return false;
	}
}

/* What is left of a mode when so many steps of detail are shed; -1: nothing. Each step has in it those before. */
static int shed_mode(const struct hc_table_desc *d, int mode, unsigned shed)
{
	if (mode < 0 || d->stream != HC_STREAM_BULK)
		return mode;
	switch (d->cls) {
	case HC_CLASS_IO:
		if (shed >= HC_SHED_IO && mode == HC_MODE_ALL)
			mode = profile_mode(d, HC_PROFILE_SECURITY);
		if (shed >= HC_SHED_SAMPLES && mode > 0) {
			mode &= ~(HC_MODE_FIRST | HC_MODE_PEER);
			return mode ? mode : -1;
		}
		return mode;
	case HC_CLASS_OTHER:
		return shed >= HC_SHED_OTHER ? -1 : mode;
	case HC_CLASS_FILE:
	case HC_CLASS_NET:
		return shed >= HC_SHED_METADATA ? -1 : mode;
	default:
		return mode;
	}
}

int hc_detail_base(const struct hc_wanted *w, unsigned type, unsigned shed)
{
	const struct hc_table_desc *d = hc_event_desc(type);
	int mode = d && !made_elsewhere(type) ? profile_mode(d, w->profile) : -1;

	if (!d || hc_type_set_has(&w->remove, type))
		return -1;
	if (w->has_only)
		mode = hc_type_set_has(&w->only, type) ? HC_MODE_ALL : -1;
	if (hc_type_set_has(&w->add, type))
		mode = HC_MODE_ALL;
	return shed_mode(d, mode, shed);
}

/* In which mode a type is recorded of those who have the detail; -1: not at all. */
static int mode_of(const struct hc_wanted *w, const struct hc_table_desc *d, unsigned detail)
{
	unsigned type = d->number, more = detail > w->host_detail ? detail : w->host_detail;
	int mode = hc_detail_base(w, type, w->shed),
	    raised = more ? profile_mode(d, (enum hc_profile)(more - 1)) : -1;

	if (raised >= 0 && (mode < 0 || raised == HC_MODE_ALL))
		mode = raised;
	return hc_type_set_has(&w->remove, type) ? -1 : mode;
}

static void set_bit(__u64 *words, unsigned bit)
{
	words[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static void choose_numbers(struct hc_detail *d, const struct hc_type_set *types)
{
	static struct hc_sys_desc native[HC_WIRE_MAX_NR], compat[HC_WIRE_MAX_NR];

	hc_live_table(native, compat);
	for (unsigned nr = 0; nr < HC_WIRE_MAX_NR; nr++) {
		if (hc_type_set_has(types, native[nr].type))
			set_bit(d->on, nr);
		if (hc_type_set_has(types, compat[nr].type) || compat[nr].handler == HC_H_MUX)
			set_bit(d->on32, nr);
	}
	memcpy(d->types, types->w, sizeof(d->types));
	d->on_unknown = hc_type_set_has(types, HC_EV_SYS);
}

void hc_detail_choose(const struct hc_wanted *w, struct hc_dials *ret, struct hc_type_set *ret_types,
                      struct hc_type_set *ret_any)
{
	uint32_t base = w->shed >= HC_SHED_PAYLOAD ? 0 : w->snaplen;
	uint32_t snaplen = base > w->host_snaplen ? base : w->host_snaplen;

	memset(ret, 0, sizeof(*ret));
	memset(ret_any, 0, sizeof(*ret_any));
	snaplen = snaplen < HC_MAX_SNAPLEN ? snaplen : HC_MAX_SNAPLEN;
	for (unsigned detail = 0; detail < HC_N_DETAILS; detail++) {
		struct hc_detail *d = &ret->detail[detail];
		struct hc_type_set types = { 0 };

		for (unsigned type = 1; type < HC_EV_MAX; type++) {
			const struct hc_table_desc *desc = hc_event_desc(type);
			int mode = desc && !made_elsewhere(type) ? mode_of(w, desc, detail) : -1;

			if (mode < 0)
				continue;
			hc_type_set_add(&types, type);
			d->mode[type] = (uint16_t)mode;
			if (has_payload(type)) {
				set_bit(ret->payload, type);
				if (detail == 0)
					ret->snap[type] = (uint16_t)snaplen;
			}
		}
		choose_numbers(d, &types);
		if (detail == 0)
			*ret_types = types;
		if (detail && !(w->details_used >> detail & 1))
			continue;
		for (unsigned i = 0; i < HC_WIRE_MAX_NR / 64; i++)
			ret->any[i] |= d->on[i] | d->on32[i];
		for (unsigned i = 0; i < HC_EV_MAX / 64; i++)
			ret_any->w[i] |= types.w[i];
		ret->any_unknown |= d->on_unknown;
	}
	ret->tcp_all = w->profile == HC_PROFILE_FULL || w->host_detail == HC_PROFILE_FULL + 1;
}

const char *hc_live_shed_name(enum hc_shed step)
{
	static const char *const names[HC_N_SHEDS] = {
		[HC_SHED_NONE] = "",       [HC_SHED_PAYLOAD] = "payload",   [HC_SHED_IO] = "io",
		[HC_SHED_OTHER] = "other", [HC_SHED_METADATA] = "metadata", [HC_SHED_SAMPLES] = "samples",
	};

	return names[step];
}

void hc_detail_put(struct hc_dials *to, const struct hc_dials *next)
{
	memcpy(to->detail, next->detail, sizeof(to->detail));
	memcpy(to->snap, next->snap, sizeof(to->snap));
	memcpy(to->payload, next->payload, sizeof(to->payload));
	to->tcp_all = next->tcp_all;
	/* last: whoever sees a bit of these looks into those */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(to->any, next->any, sizeof(to->any));
	to->any_unknown = next->any_unknown;
}
