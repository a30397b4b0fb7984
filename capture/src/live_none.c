/* The live source in a build without a BPF toolchain: opening it fails, and so nothing else is ever called. */
#include "live_priv.h"

#include <errno.h>

#if !HC_HAVE_BPF

int hc_live_open(const struct hc_live_options *options, struct hc_live **ret_live, struct hc_err *err)
{
	(void)options;
	(void)ret_live;
	hc_err_set(err, -ENOTSUP, "this hindcast was built without live recording");
	hc_err_note(err, "build it where clang (with the bpf target), bpftool and libbpf are installed");
	return -ENOTSUP;
}

int hc_live_start(struct hc_live *live, struct hc_err *err)
{
	(void)live;
	return hc_err_set(err, -ENOTSUP, "this hindcast was built without live recording");
}

void hc_live_stop(struct hc_live *live)
{
	(void)live;
}

struct hc_live *hc_live_close(struct hc_live *live)
{
	(void)live;
	return NULL;
}

int64_t hc_live_poll(struct hc_live *live, int timeout_ms, hc_live_fn fn, void *ctx)
{
	(void)live;
	(void)timeout_ms;
	(void)fn;
	(void)ctx;
	return -ENOTSUP;
}

double hc_live_fill(const struct hc_live *live, bool security)
{
	(void)live;
	(void)security;
	return 0;
}

uint64_t hc_live_newest_ns(const struct hc_live *live)
{
	(void)live;
	return 0;
}

int hc_live_fd(const struct hc_live *live)
{
	(void)live;
	return -1;
}

int64_t hc_live_drain(struct hc_live *live, hc_live_fn fn, void *ctx)
{
	return hc_live_poll(live, 0, fn, ctx);
}

int64_t hc_live_snapshot(struct hc_live *live, hc_live_fn fn, void *ctx, struct hc_err *err)
{
	(void)err;
	return hc_live_poll(live, 0, fn, ctx);
}

unsigned hc_live_n_cpus(const struct hc_live *live)
{
	(void)live;
	return 0;
}

struct hc_wire_count hc_live_count(const struct hc_live *live, unsigned cpu, unsigned type)
{
	(void)live;
	(void)cpu;
	(void)type;
	return (struct hc_wire_count){ 0 };
}

struct hc_wire_count hc_live_total(const struct hc_live *live, unsigned type)
{
	return hc_live_count(live, 0, type);
}

int hc_live_usable(const struct hc_live *live)
{
	(void)live;
	return -ENOTSUP;
}

uint64_t hc_live_unhandled(const struct hc_live *live)
{
	(void)live;
	return 0;
}

bool hc_live_program(const struct hc_live *live, size_t i, struct hc_live_program *ret)
{
	(void)live;
	(void)i;
	(void)ret;
	return false;
}

size_t hc_live_rings_bytes(const struct hc_live *live, bool security)
{
	(void)live;
	(void)security;
	return 0;
}

uint64_t hc_live_missed(struct hc_live *live)
{
	(void)live;
	return 0;
}

bool hc_live_gap_next(struct hc_live *live, struct hc_live_gap *ret_gap)
{
	(void)live;
	(void)ret_gap;
	return false;
}

size_t hc_live_n_hooks(const struct hc_live *live)
{
	(void)live;
	return 0;
}

struct hc_live_hook hc_live_hook(const struct hc_live *live, size_t i)
{
	(void)live;
	(void)i;
	return (struct hc_live_hook){ .name = "", .state = HC_HOOK_MISSING, .reason = "" };
}

const struct hc_type_set *hc_live_types(const struct hc_live *live)
{
	static const struct hc_type_set none;

	(void)live;
	return &none;
}

unsigned hc_live_mode(const struct hc_live *live, unsigned type)
{
	(void)live;
	(void)type;
	return 0;
}

unsigned hc_live_snaplen(const struct hc_live *live, unsigned type)
{
	(void)live;
	(void)type;
	return 0;
}

size_t hc_live_ring_bytes(const struct hc_live *live)
{
	(void)live;
	return 0;
}

uint32_t hc_live_self(const struct hc_live *live)
{
	(void)live;
	return 0;
}

bool hc_live_cgroup_v2(const struct hc_live *live)
{
	(void)live;
	return false;
}

int hc_live_skip_pid(struct hc_live *live, uint32_t tgid, bool skip)
{
	(void)live;
	(void)tgid;
	(void)skip;
	return -ENOTSUP;
}

int hc_live_set_raises(struct hc_live *live, const struct hc_live_raise *v, size_t n, struct hc_err *err)
{
	(void)live;
	(void)v;
	(void)n;
	return hc_err_set(err, -ENOTSUP, "this hindcast was built without live recording");
}

void hc_live_tick(struct hc_live *live)
{
	(void)live;
}

void hc_live_set_shed(struct hc_live *live, enum hc_shed upto)
{
	(void)live;
	(void)upto;
}

int hc_live_shed_mode(const struct hc_live *live, enum hc_shed upto, unsigned type)
{
	(void)live;
	(void)upto;
	(void)type;
	return -1;
}

uint32_t hc_live_shed_snaplen(const struct hc_live *live, enum hc_shed upto)
{
	(void)live;
	(void)upto;
	return 0;
}

uint32_t hc_live_raised(const struct hc_live *live, uint64_t id)
{
	(void)live;
	(void)id;
	return 0;
}

uint32_t hc_live_raise_missed(const struct hc_live *live)
{
	(void)live;
	return 0;
}

unsigned hc_live_mode_at(const struct hc_live *live, unsigned detail, unsigned type)
{
	(void)detail;
	return hc_live_mode(live, type);
}

unsigned hc_live_snaplen_at(const struct hc_live *live, unsigned type, uint32_t snaplen)
{
	(void)snaplen;
	return hc_live_snaplen(live, type);
}

struct hc_type_set hc_live_types_at(const struct hc_live *live, unsigned detail)
{
	struct hc_type_set none = { 0 };

	(void)live;
	(void)detail;
	return none;
}

const char *hc_live_hierarchy(const struct hc_live *live)
{
	(void)live;
	return "";
}

int hc_live_pin(struct hc_live *live, struct hc_err *err)
{
	return hc_live_start(live, err);
}

bool hc_live_is_pinned(const struct hc_live *live)
{
	(void)live;
	return false;
}

int hc_live_take_over(struct hc_live *live, int timeout_ms, struct hc_err *err)
{
	(void)timeout_ms;
	return hc_live_start(live, err);
}

bool hc_live_resumes(const struct hc_live *live)
{
	(void)live;
	return false;
}

bool hc_live_handed_over(struct hc_live *live)
{
	(void)live;
	return false;
}

void hc_live_leave(struct hc_live *live)
{
	(void)live;
}

int hc_live_unpin(const char *root, unsigned *ret_n, unsigned *ret_used, struct hc_err *err)
{
	(void)root;
	(void)err;
	*ret_n = *ret_used = 0;
	return 0;
}

struct hc_live_kept *hc_live_kept(struct hc_live *live)
{
	(void)live;
	return NULL;
}

struct told_cpu *hc_live_descriptions(struct hc_live *live)
{
	(void)live;
	return NULL;
}

void hc_live_told(struct hc_live *live, const struct hc_wire_count *count)
{
	(void)live;
	(void)count;
}

size_t hc_live_look_left(struct hc_live *live)
{
	(void)live;
	return 0;
}

struct hc_live_left *hc_live_left(struct hc_live *live, size_t i, struct hc_err *err)
{
	(void)live;
	(void)i;
	(void)err;
	return NULL;
}

bool hc_live_left_readable(const struct hc_live_left *left)
{
	(void)left;
	return false;
}

uint64_t hc_live_left_waiting(const struct hc_live_left *left)
{
	(void)left;
	return 0;
}

int64_t hc_live_left_drain(struct hc_live_left *left, hc_live_fn fn, void *ctx)
{
	(void)left;
	(void)fn;
	(void)ctx;
	return 0;
}

struct hc_wire_count hc_live_left_lost(const struct hc_live_left *left, unsigned cpu, unsigned type)
{
	(void)left;
	(void)cpu;
	(void)type;
	return (struct hc_wire_count){ 0 };
}

uint64_t hc_live_left_lost_from(const struct hc_live_left *left, unsigned cpu, unsigned type)
{
	(void)left;
	(void)cpu;
	(void)type;
	return 0;
}

const struct hc_live_kept *hc_live_left_kept(const struct hc_live_left *left)
{
	(void)left;
	return NULL;
}

struct told_cpu *hc_live_left_descriptions(struct hc_live_left *left)
{
	(void)left;
	return NULL;
}

struct hc_live_left *hc_live_left_remove(struct hc_live_left *left)
{
	(void)left;
	return NULL;
}

struct hc_live_left *hc_live_left_free(struct hc_live_left *left)
{
	(void)left;
	return NULL;
}

#endif
