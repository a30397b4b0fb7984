/* What was learnt late of containers: where it is filled in, and where not. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen.h"
#include "replay/falco.h"
#include "replay/replay.h"
#include "store/capture.h"

#define WALL INT64_C(1714550400000000000)
#define BOOT UINT64_C(3600000000000)
#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* A version of a container; NULL and 0: absent. */
struct version {
	const char *id, *name, *image, *source, *pod_source, *label, *pod_label, *owner, *runtime, *ns_label;
	uint64_t known_s, pod_known_s, ns_known_s, cgroup_id; /* seconds */
	int privileged;                                       /* 0 absent, 1 no, 2 yes */
};

struct scene {
	char *dir;
	struct hc_writer *w;
	uint64_t next_seq;
	unsigned n, n_opened;
};

static void scene_open(struct scene *s, uint8_t boot)
{
	struct hc_writer_opts wo = { .node = "n", .tool = "test", .capture_id = { 1 }, .boot_id = { boot } };
	struct hc_err err = { 0 };

	if (!s->dir)
		s->dir = hc_gen_tmpdir();
	wo.dir = s->dir;
	wo.next_seq = s->next_seq;
	for (unsigned i = 0; i < HC_N_STREAMS; i++)
		wo.next_number[i] = 1 + 16 * s->n_opened;
	s->n_opened++;
	cr_assert_eq(hc_writer_open(&wo, &s->w, &err), 0, "%s", err.msg);
	hc_writer_set_wall_offset(s->w, WALL - (int64_t)BOOT);
}

static void set_text(struct hc_builder *b, struct hc_cells *c, unsigned col, const char *text)
{
	if (text)
		c->v[col] = hc_build_str(b, hc_str_c(text));
}

static void set_list(struct hc_builder *b, struct hc_cells *c, unsigned col, const char *item)
{
	uint32_t ref = item ? hc_build_str(b, hc_str_c(item)) : 0;

	if (item)
		c->v[col] = hc_build_strs(b, &ref, 1);
}

static uint32_t container(struct hc_builder *b, const struct version *v)
{
	struct hc_cells c = { 0 };

	set_text(b, &c, HC_O_CTR_id, v->id);
	set_text(b, &c, HC_O_CTR_name, v->name);
	set_text(b, &c, HC_O_CTR_image, v->image);
	set_text(b, &c, HC_O_CTR_source, v->source);
	set_text(b, &c, HC_O_CTR_pod_source, v->pod_source);
	set_text(b, &c, HC_O_CTR_owner_name, v->owner);
	set_text(b, &c, HC_O_CTR_runtime, v->runtime);
	set_list(b, &c, HC_O_CTR_labels, v->label);
	set_list(b, &c, HC_O_CTR_pod_labels, v->pod_label);
	set_list(b, &c, HC_O_CTR_pod_ns_labels, v->ns_label);
	if (v->ns_known_s)
		hc_cell_set(&c, HC_O_CTR_pod_ns_known_at_ns, BOOT + v->ns_known_s * 1000000000);
	if (v->known_s)
		hc_cell_set(&c, HC_O_CTR_known_at_ns, BOOT + v->known_s * 1000000000);
	if (v->pod_known_s)
		hc_cell_set(&c, HC_O_CTR_pod_known_at_ns, BOOT + v->pod_known_s * 1000000000);
	if (v->cgroup_id)
		hc_cell_set(&c, HC_O_CTR_cgroup_id, v->cgroup_id);
	if (v->privileged)
		hc_cell_set(&c, HC_O_CTR_privileged, v->privileged == 2);
	return hc_build_obj(b, HC_OBJ_CTR, &c);
}

/* A row of a process in the container, at a second; type CTR_UPDATE or CTR_START: about the container itself. */
static void row(struct scene *s, unsigned type, uint64_t at_s, const struct version *v)
{
	struct hc_row_head head = { .type = (uint16_t)type, .ts_ns = BOOT + at_s * 1000000000 };
	struct hc_cells c = { 0 }, task = { 0 }, proc = { 0 };
	struct hc_err err = { 0 };
	struct hc_builder *b = hc_writer_begin(s->w, type, head.ts_ns, &err);

	cr_assert_not_null(b, "%s", err.msg);
	if (type == HC_EV_CTR_UPDATE || type == HC_EV_CTR_START) {
		c.v[HC_C_CTR_START_container] = container(b, v);
	} else if (type != HC_EV_META_START) {
		hc_cell_set(&proc, HC_O_PROC_pid, 7);
		proc.v[HC_O_PROC_container] = container(b, v);
		hc_cell_set(&task, HC_O_TASK_tid, 7);
		task.v[HC_O_TASK_proc] = hc_build_obj(b, HC_OBJ_PROC, &proc);
		c.v[HC_COL_TASK] = hc_build_obj(b, HC_OBJ_TASK, &task);
	}
	cr_assert_eq(hc_writer_row(s->w, &head, &c, &err), 0, "%s", err.msg);
	s->n++;
}

static void next_block(struct scene *s)
{
	cr_assert_eq(hc_writer_flush(s->w, NULL), 0);
}

static void scene_close(struct scene *s)
{
	cr_assert_eq(hc_writer_close(s->w, NULL), 0);
	s->next_seq += s->n;
}

enum { AS_OF, KNOWN };

static struct hc_capture *open_it(const struct scene *s, bool known)
{
	struct hc_capture *c = NULL;
	struct hc_err err = { 0 };
	uint64_t left = 1;

	cr_assert_eq(hc_capture_open(s->dir, 0, &c, &err), 0, "%s", err.msg);
	if (known) {
		cr_assert_eq(hc_capture_backfill(c, false, &left, &err), 0, "%s", err.msg);
		cr_assert_eq(left, 0);
	}
	return c;
}

static void scene_done(struct scene *s)
{
	hc_gen_rm(s->dir);
	free(s->dir);
}

/* "id name image source pod_source label pod_label owner known@s privileged" of each entry of a block. */
static const char *entries(struct hc_capture *c, uint32_t block)
{
	static char text[4096];
	HC_AUTO(hc_block_close) struct hc_block *b = NULL;
	HC_AUTO(hc_view_free) struct hc_view *v = hc_view_new();
	struct hc_err err = { 0 };
	size_t at = 0;

	text[0] = '\0';
	cr_assert_eq(hc_capture_load(c, block, &b, &err), 0, "%s", err.msg);
	hc_view_set(v, b, NULL);
	for (uint32_t i = 1; i <= hc_view_n(v, HC_OBJ_CTR); i++) {
		static const unsigned cols[] = { HC_O_CTR_name,       HC_O_CTR_image,  HC_O_CTR_source,
			                         HC_O_CTR_pod_source, HC_O_CTR_labels, HC_O_CTR_pod_labels,
			                         HC_O_CTR_owner_name };
		int64_t known = hc_view_int_or(v, HC_OBJ_CTR, HC_O_CTR_known_at_ns, i, 0);

		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s", i > 1 ? "; " : "");
		for (size_t k = 0; k < sizeof(cols) / sizeof(cols[0]); k++) {
			struct hc_value value = hc_view_value(v, HC_OBJ_CTR, cols[k], i);

			if (value.type == HC_VT_LIST && value.list.n)
				value = value.list.v[0];
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%.*s ",
			                       value.type ? (int)value.s.len : 1, value.type ? value.s.p : "-");
		}
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%lld %lld",
		                       known ? (long long)((known - (int64_t)BOOT) / 1000000000) : 0,
		                       (long long)hc_view_int_or(v, HC_OBJ_CTR, HC_O_CTR_privileged, i, -1));
	}
	cr_assert_eq(hc_view_error(v, &err), 0, "%s", err.msg);
	return text;
}

static void expect(struct hc_capture *c, uint32_t block, const char *want)
{
	const char *got = entries(c, block);

	cr_assert_str_eq(got, want, "block %u\nis  %s\nnot %s", block, got, want);
}

/* The scene of most tests: only its group is known at 1, its files at 3, its labels have changed at 5. */
static const struct version unknown = { .id = A, .source = "cgroup", .runtime = "oci" };
static const struct version known = { .id = A,
	                              .source = "disk:docker",
	                              .runtime = "docker",
	                              .known_s = 3,
	                              .name = "web",
	                              .image = "nginx:1",
	                              .label = "v=1",
	                              .privileged = 2 };
static const struct version changed = { .id = A,
	                                .source = "disk:docker",
	                                .runtime = "docker",
	                                .known_s = 3,
	                                .name = "web",
	                                .image = "nginx:1",
	                                .label = "v=2",
	                                .privileged = 2,
	                                .pod_source = "api",
	                                .pod_known_s = 5 };

static void scene_make(struct scene *s)
{
	*s = (struct scene){ .next_seq = 1 };
	scene_open(s, 1);
	row(s, HC_EV_CTR_START, 1, &unknown);
	row(s, HC_EV_PROC_EXIT, 1, &unknown);
	next_block(s);
	row(s, HC_EV_PROC_EXIT, 2, &unknown);
	next_block(s);
	row(s, HC_EV_CTR_UPDATE, 3, &known);
	row(s, HC_EV_PROC_EXIT, 4, &known);
	next_block(s);
	row(s, HC_EV_CTR_UPDATE, 5, &changed);
	next_block(s);
	row(s, HC_EV_PROC_EXIT, 6, &changed);
	scene_close(s);
}

Test(backfill, fills_what_was_unknown_and_keeps_what_changed)
{
	struct scene s;
	struct hc_capture *c;

	scene_make(&s);
	c = open_it(&s, AS_OF);
	expect(c, 0, "- - cgroup - - - - 0 -1");
	expect(c, 2, "web nginx:1 disk:docker - v=1 - - 3 1");
	hc_capture_close(c);
	c = open_it(&s, KNOWN);
	for (uint32_t block = 0; block < 2; block++) /* the labels of before their change */
		expect(c, block, "web nginx:1 disk:docker api v=1 - - 3 1");
	expect(c, 2, "web nginx:1 disk:docker api v=1 - - 3 1");
	expect(c, 3, "web nginx:1 disk:docker api v=2 - - 3 1");
	expect(c, 4, "web nginx:1 disk:docker api v=2 - - 3 1");
	hc_capture_close(c);
	scene_done(&s);
}

static int emit(void *ctx, const struct hc_hit *hit, int64_t wall_ns, void *rendered, struct hc_err *err)
{
	char *text = ctx;
	size_t n = strlen(text);

	(void)wall_ns;
	(void)rendered;
	(void)err;
	snprintf(text + n, 64 - n, "%s%llu", n ? " " : "", (unsigned long long)hit->seq);
	return 0;
}

/* The numbers of the rows for which it holds, between two seconds. */
static const char *matches(struct hc_capture *c, const char *filter, unsigned since_s, unsigned until_s)
{
	static char text[64];
	HC_AUTO(hc_ir_free) struct hc_ir *ir = hc_ir_new();
	HC_AUTO(hc_plan_free) struct hc_plan *plan = NULL;
	struct hc_replay_opts opts = { .n_threads = 1,
		                       .has_since = true,
		                       .has_until = true,
		                       .since_wall_ns = WALL + (int64_t)since_s * 1000000000,
		                       .until_wall_ns = WALL + (int64_t)until_s * 1000000000,
		                       .emit = emit,
		                       .ctx = text };
	struct hc_replay_stats stats;
	struct hc_err err = { 0 };

	text[0] = '\0';
	cr_assert_eq(hc_falco_filter_compile(ir, filter, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_plan_new(ir, HC_MATCH_ALL, &plan, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_replay(plan, c, &opts, &stats, &err), 0, "%s", err.msg);
	hc_replay_stats_done(&stats);
	return text;
}

Test(backfill, counts_for_rules_also_in_blocks_without_the_text)
{
	static const char *const filters[] = {
		"evt.type = procexit and container.name = web",
		"evt.type = procexit and container.name startswith we",
		"evt.type = procexit and container.image contains ginx",
		"evt.type = procexit and container.privileged = true",
		"evt.type = procexit and container.label[v] = 1",
	};
	struct scene s;
	struct hc_capture *c;

	scene_make(&s);
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		bool by_label = i == 4;

		c = open_it(&s, AS_OF);
		cr_assert_str_eq(matches(c, filters[i], 0, 9), by_label ? "5" : "5 7", "%s", filters[i]);
		hc_capture_close(c);
		c = open_it(&s, KNOWN);
		cr_assert_str_eq(matches(c, filters[i], 0, 9), by_label ? "2 3 5" : "2 3 5 7", "%s", filters[i]);
		/* facts from behind the range, and from before it */
		cr_assert_str_eq(matches(c, filters[i], 2, 3), "3", "%s", filters[i]);
		cr_assert_str_eq(matches(c, filters[i], 6, 9), by_label ? "" : "7", "%s", filters[i]);
		hc_capture_close(c);
	}
	scene_done(&s);
}

Test(backfill, is_of_the_same_container_of_the_same_boot)
{
	static const struct version first = { .id = "job", .source = "cgroup", .cgroup_id = 1 };
	static const struct version second = {
		.id = "job", .source = "disk:runc", .cgroup_id = 2, .known_s = 3, .name = "again"
	};
	struct scene s = { .next_seq = 1 };
	struct hc_capture *c;

	scene_open(&s, 1);
	row(&s, HC_EV_PROC_EXIT, 1, &first); /* the name is given again later */
	row(&s, HC_EV_PROC_EXIT, 1, &unknown);
	next_block(&s);
	row(&s, HC_EV_CTR_UPDATE, 3, &second);
	scene_close(&s);
	scene_open(&s, 2);
	row(&s, HC_EV_CTR_UPDATE, 3, &known);
	scene_close(&s);
	c = open_it(&s, KNOWN);
	expect(c, 0, "- - cgroup - - - - 0 -1; - - cgroup - - - - 0 -1");
	hc_capture_close(c);
	scene_done(&s);
}

Test(backfill, takes_what_a_recorder_that_began_anew_found)
{
	static const struct version found = { .id = A, .source = "disk:docker", .known_s = 5, .name = "web" };
	struct scene s = { .next_seq = 1 };
	struct hc_capture *c;

	scene_open(&s, 1);
	row(&s, HC_EV_PROC_EXIT, 1, &unknown);
	next_block(&s);
	row(&s, HC_EV_META_START, 5, NULL);
	row(&s, HC_EV_CTR_START, 5, &found);
	scene_close(&s);
	c = open_it(&s, KNOWN);
	expect(c, 0, "web - disk:docker - - - - 5 -1");
	hc_capture_close(c);
	scene_done(&s);
}

Test(backfill, gives_a_recorder_that_began_anew_what_was_known_last)
{
	static const struct version found = { .id = A, .source = "none", .pod_source = "waiting" };
	static const struct version again = {
		.id = A, .source = "none", .pod_source = "api", .pod_known_s = 9, .label = "v=3", .name = "web"
	};
	struct scene s = { 0 };
	struct hc_capture *c;

	scene_make(&s);
	scene_open(&s, 1);
	row(&s, HC_EV_META_START, 7, NULL);
	row(&s, HC_EV_CTR_START, 7, &found);
	next_block(&s);
	row(&s, HC_EV_PROC_EXIT, 8, &found);
	next_block(&s);
	row(&s, HC_EV_CTR_UPDATE, 9, &again);
	scene_close(&s);
	c = open_it(&s, KNOWN);
	expect(c, 0, "web nginx:1 disk:docker api v=1 - - 3 1");
	expect(c, 6, "web nginx:1 disk:docker api v=2 - - 3 1");
	hc_capture_close(c);
	scene_done(&s);
}

Test(backfill, tells_why_something_stays_unknown)
{
	static const struct version none = { .id = A, .source = "none", .pod_source = "waiting" };
	static const struct version no_pod = { .id = A, .source = "none", .pod_source = "none" };
	struct scene s = { .next_seq = 1 };
	struct hc_capture *c;

	scene_open(&s, 1);
	row(&s, HC_EV_PROC_EXIT, 1, &unknown);
	next_block(&s);
	row(&s, HC_EV_CTR_UPDATE, 2, &none);
	next_block(&s);
	row(&s, HC_EV_CTR_UPDATE, 3, &no_pod);
	next_block(&s);
	row(&s, HC_EV_CTR_UPDATE, 4, &unknown); /* an old version does not ask anew */
	scene_close(&s);
	c = open_it(&s, KNOWN);
	expect(c, 0, "- - none none - - - 0 -1");
	hc_capture_close(c);
	scene_done(&s);
}

Test(backfill, does_not_give_to_a_known_pod_what_it_did_not_have)
{
	static const struct version waiting = { .id = A, .source = "none", .pod_source = "waiting" };
	static const struct version bare = { .id = A, .source = "none", .pod_source = "api", .pod_known_s = 2 };
	static const struct version later = { .id = A,
		                              .source = "none",
		                              .pod_source = "api",
		                              .pod_known_s = 4,
		                              .pod_label = "app=x",
		                              .owner = "web-5",
		                              .name = "main" };
	struct scene s = { .next_seq = 1 };
	struct hc_capture *c;

	scene_open(&s, 1);
	row(&s, HC_EV_PROC_EXIT, 1, &waiting);
	next_block(&s);
	row(&s, HC_EV_CTR_UPDATE, 2, &bare);
	next_block(&s);
	row(&s, HC_EV_CTR_UPDATE, 4, &later);
	scene_close(&s);
	c = open_it(&s, KNOWN);
	expect(c, 1, "main - none api - - - 0 -1");
	expect(c, 2, "main - none api - app=x web-5 0 -1");
	hc_capture_close(c);
	scene_done(&s);
}

Test(backfill, leaves_a_block_alone_that_is_read_as_it_was_written)
{
	HC_AUTO(hc_view_free) struct hc_view *v = hc_view_new();
	struct scene s;
	struct hc_capture *c;

	scene_make(&s);
	c = open_it(&s, KNOWN);
	for (unsigned as_written = 0; as_written < 2; as_written++) {
		HC_AUTO(hc_block_close) struct hc_block *b = NULL;
		struct hc_str name;

		cr_assert_eq(hc_capture_load(c, 0, &b, NULL), 0);
		if (as_written)
			hc_block_as_written(b);
		hc_view_set(v, b, NULL);
		name = hc_view_text(v, HC_OBJ_CTR, HC_O_CTR_name, 1);
		cr_assert(as_written ? !name.p : hc_str_eq(name, HC_STR("web")));
	}
	hc_capture_close(c);
	scene_done(&s);
}

/* The labels of the namespace and the second at which they became known, of the only container of a block. */
static void expect_ns(struct hc_capture *c, uint32_t block, const char *label, int64_t known_s)
{
	HC_AUTO(hc_block_close) struct hc_block *b = NULL;
	HC_AUTO(hc_view_free) struct hc_view *v = hc_view_new();
	struct hc_value value;

	cr_assert_eq(hc_capture_load(c, block, &b, NULL), 0);
	hc_view_set(v, b, NULL);
	value = hc_view_value(v, HC_OBJ_CTR, HC_O_CTR_pod_ns_labels, 1);
	cr_assert(value.type == HC_VT_LIST && value.list.n == 1 && hc_str_eq(value.list.v[0].s, hc_str_c(label)),
	          "block %u", block);
	cr_assert_eq(hc_view_int_or(v, HC_OBJ_CTR, HC_O_CTR_pod_ns_known_at_ns, 1, 0),
	             (int64_t)BOOT + known_s * 1000000000, "block %u", block);
}

Test(backfill, gives_what_was_told_late_of_the_namespace_with_its_time)
{
	struct version v = { .id = A, .source = "disk:crun", .known_s = 1, .pod_source = "api", .pod_known_s = 2 };
	struct scene s = { .next_seq = 1 };
	struct hc_capture *c;

	scene_open(&s, 1);
	row(&s, HC_EV_PROC_EXIT, 2, &v);
	next_block(&s);
	v.ns_label = "team=red";
	v.ns_known_s = 4;
	row(&s, HC_EV_CTR_UPDATE, 4, &v);
	next_block(&s);
	v.ns_label = "team=blue";
	v.ns_known_s = 6;
	row(&s, HC_EV_CTR_UPDATE, 6, &v);
	scene_close(&s);
	c = open_it(&s, KNOWN);
	expect_ns(c, 0, "team=red", 4); /* the exit and the first update, in streams of their own */
	expect_ns(c, 1, "team=red", 4);
	expect_ns(c, 2, "team=blue", 6);
	hc_capture_close(c);
	scene_done(&s);
}

Test(backfill, gives_blocks_that_can_be_read_whatever_there_is)
{
	struct hc_gen_opts opts = { .seed = 3, .n_rows = 3000, .flush_rows = 500 };
	struct hc_gen_result res;
	struct hc_capture *c;
	char *dir = hc_gen_tmpdir();
	uint64_t left;
	uint32_t n;

	/* random containers share their ids by chance: whatever is filled in, every block can be read */
	cr_assert_eq(hc_gen_capture(dir, &opts, &res, NULL), 0);
	cr_assert_eq(hc_capture_open(dir, 0, &c, NULL), 0);
	cr_assert_eq(hc_capture_backfill(c, true, &left, NULL), 0);
	hc_capture_blocks(c, &n);
	for (uint32_t i = 0; i < n; i++) {
		HC_AUTO(hc_block_close) struct hc_block *b = NULL;
		uint64_t *hash;

		cr_assert_eq(hc_capture_load(c, i, &b, NULL), 0);
		hash = calloc(hc_block_info(b)->n_rows + 1, sizeof(*hash));
		cr_assert_eq(hc_gen_block_hashes(b, hash, NULL), 0);
		cr_assert_eq(hc_block_check(b, NULL), 0);
		free(hash);
	}
	hc_capture_close(c);
	hc_gen_result_done(&res);
	hc_gen_rm(dir);
	free(dir);
}
