/* The tracker on records made by hand: what each changes, and what the rows then refer to. */
#include <criterion/criterion.h>

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "decode.h"
#include "dns.h"
#include "tracker_priv.h"
#include "store/block.h"
#include "store/capture.h"
#include "wire_rec.h"

/* ---- a tracker with a capture behind it ---- */

static char dir[64];
static struct hc_tracker *tracker;
static struct hc_writer *writer;
static struct hc_exclude exclude;
static uint64_t max_bytes;
static const char *hierarchy; /* NULL: ids of control groups are not looked up */
static uint16_t more_flags;   /* of each record */
static bool recalls;          /* records have their rows elsewhere */
static uint32_t cpu_seq;      /* of each record */
static bool more_facts;       /* one that nobody knows, behind all others */

static void begin(void)
{
	struct hc_tracker_opts to = { .exclude = exclude, .max_bytes = max_bytes, .hierarchy = hierarchy };
	struct hc_writer_opts wo = { .dir = dir, .node = "n", .tool = "t", .capture_id = { 1 }, .boot_id = { 2 } };
	struct hc_err err = { 0 };

	snprintf(dir, sizeof(dir), "/tmp/hc-tracker-XXXXXX");
	cr_assert(mkdtemp(dir));
	cr_assert_eq(hc_tracker_new(&to, &tracker, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_writer_open(&wo, &writer, &err), 0, "%s", err.msg);
	hc_tracker_set_writer(tracker, writer);
}

static void push(struct rec *r)
{
	struct hc_err err = { 0 };

	r->u.head.flags |= more_flags;
	r->u.head.cpu_seq = cpu_seq;
	if (more_facts)
		fact(r, WREC_KNOWN_KINDS - 1, 0, "", 0);
	cr_assert_eq(recalls ? hc_tracker_recall(tracker, &r->u.head, r->u.head.bytes, &err)
	                     : hc_tracker_push(tracker, &r->u.head, r->u.head.bytes, false, &err),
	             0, "%s", err.msg);
}

/* Alive at the start. */
static void alive(uint32_t tid, uint32_t tgid, uint64_t start, uint32_t ppid, const char *comm, uint32_t uid)
{
	struct hc_wire_task w = task_of(tid, tgid, start, ppid, 0, comm);
	struct rec r;

	rec(&r, HC_EV_META_STATE, tid, tgid, start, 0);
	r.u.head.flags = HC_WIRE_SNAPSHOT;
	fact(&r, HC_WIRE_F_TASK, HC_WIRE_SUBJ_ROW, &w, sizeof(w));
	creds(&r, uid);
	push(&r);
}

static void settle(void)
{
	hc_tracker_snapshot_done(tracker, NULL);
}

static void fork_child_as(uint32_t parent, uint64_t pstart, uint32_t tid, uint32_t tgid, uint64_t start,
                          const char *comm, uint32_t flags)
{
	struct hc_wire_task w = task_of(tid, tgid, start, parent, pstart, comm);
	struct rec r;

	w.flags = flags;
	rec(&r, HC_EV_PROC_FORK, parent, parent, pstart, 8);
	set(&r, HC_A_PROC_FORK_child_tid, tid);
	set(&r, HC_A_PROC_FORK_child_pid, tgid);
	set(&r, HC_A_PROC_FORK_is_thread, tid != tgid);
	fact(&r, HC_WIRE_F_TASK, HC_WIRE_SUBJ_TARGET, &w, sizeof(w));
	push(&r);
}

static void fork_child(uint32_t parent, uint64_t pstart, uint32_t tid, uint32_t tgid, uint64_t start,
                       const char *comm)
{
	fork_child_as(parent, pstart, tid, tgid, start, comm, 0);
}

static void rename_self(uint32_t pid, uint64_t start, const char *comm)
{
	struct hc_wire_taskref ref = { .leader_start_ns = start, .tid = pid, .tgid = pid };
	struct rec r;

	rec(&r, HC_EV_PROC_RENAME, pid, pid, start, 5);
	str(&r, HC_A_PROC_RENAME_new_comm, comm);
	fact(&r, HC_WIRE_F_TASKREF, HC_WIRE_SUBJ_TARGET, &ref, sizeof(ref));
	push(&r);
}

static void exec_of(uint32_t pid, uint64_t start, uint32_t ppid, const char *exe, const char *comm,
                    uint32_t exec_id)
{
	struct hc_wire_task w = task_of(pid, pid, start, ppid, 0, comm);
	struct rec r;

	rec(&r, HC_EV_PROC_EXEC, pid, pid, start, 9);
	r.u.head.exec_id = exec_id;
	w.exec_id = exec_id;
	set(&r, HC_A_PROC_EXEC_argc, 2);
	set(&r, HC_A_PROC_EXEC_old_tid, pid);
	str(&r, HC_A_PROC_EXEC_filename, exe);
	fact(&r, HC_WIRE_F_ARGV, HC_A_PROC_EXEC_argc, "prog\0arg", 9);
	fact(&r, HC_WIRE_F_TASK, HC_WIRE_SUBJ_ROW, &w, sizeof(w));
	path(&r, HC_WIRE_SUBJ_EXE, exe);
	path(&r, HC_WIRE_SUBJ_CWD, "/home/user");
	push(&r);
}

static void exit_of(uint32_t tid, uint32_t pid, uint64_t start, bool last)
{
	struct rec r;

	rec(&r, HC_EV_PROC_EXIT, tid, pid, start, 10);
	set(&r, HC_A_PROC_EXIT_group_dead, last);
	push(&r);
}

/* Any call of a process: its row says which version it had. */
static void call(uint32_t tid, uint32_t pid, uint64_t start)
{
	struct rec r;

	rec(&r, HC_EV_PERSONALITY, tid, pid, start, 1);
	push(&r);
}

/* ---- reading back ---- */

static struct hc_capture *cap;
static struct hc_block *blocks[64];
static uint32_t n_blocks;

static void finish(void)
{
	struct hc_err err = { 0 };
	uint32_t *sel;

	cr_assert_eq(hc_writer_close(writer, &err), 0, "%s", err.msg);
	tracker = hc_tracker_free(tracker);
	cr_assert_eq(hc_capture_open(dir, HC_CAPTURE_NO_INDEX, &cap, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_capture_select(cap, &(struct hc_block_filter){ 0 }, &sel, &n_blocks, &err), 0, "%s",
	             err.msg);
	cr_assert_leq(n_blocks, 64);
	for (uint32_t i = 0; i < n_blocks; i++) {
		cr_assert_eq(hc_capture_load(cap, sel[i], &blocks[i], &err), 0, "%s", err.msg);
		cr_assert_eq(hc_block_check(blocks[i], &err), 0, "%s", err.msg);
	}
	free(sel);
}

static void end(void)
{
	char cmd[128];

	for (uint32_t i = 0; i < n_blocks; i++)
		hc_block_close(blocks[i]);
	n_blocks = 0;
	hc_capture_close(cap);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	cr_assert_eq(system(cmd), 0);
}

/* The nth row of a type: its block, and the row in the type's table. */
struct row_at {
	struct hc_block *b;
	unsigned type;
	uint32_t row;
};

static struct row_at row_of(unsigned type, uint32_t nth)
{
	for (uint32_t i = 0; i < n_blocks; i++) {
		uint32_t n = hc_block_n_rows(blocks[i], type);

		if (nth < n)
			return (struct row_at){ blocks[i], type, nth };
		nth -= n;
	}
	cr_assert_fail("no such row");
	return (struct row_at){ 0 };
}

static uint32_t n_rows(unsigned type)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < n_blocks; i++)
		n += hc_block_n_rows(blocks[i], type);
	return n;
}

static uint32_t ref_of(struct row_at r, unsigned col)
{
	struct hc_refs refs;

	cr_assert_eq(hc_block_event_refs(r.b, r.type, col, &refs, NULL), 0);
	return refs.v[r.row];
}

static uint32_t obj_ref(struct hc_block *b, unsigned obj, unsigned col, uint32_t ref)
{
	struct hc_refs refs;

	cr_assert_neq(ref, 0, "absent object %u, asked for column %u", obj, col);
	cr_assert_eq(hc_block_obj_refs(b, obj, col, &refs, NULL), 0);
	return refs.v[ref - 1];
}

static int64_t obj_int(struct hc_block *b, unsigned obj, unsigned col, uint32_t ref)
{
	struct hc_ints ints;

	cr_assert_neq(ref, 0, "absent object %u, asked for column %u", obj, col);
	cr_assert_eq(hc_block_obj_ints(b, obj, col, &ints, NULL), 0);
	cr_assert(hc_ints_valid(&ints, ref - 1), "object %u has no column %u", obj, col);
	return ints.v[ref - 1];
}

static bool obj_has(struct hc_block *b, unsigned obj, unsigned col, uint32_t ref)
{
	struct hc_ints ints;

	cr_assert_neq(ref, 0, "absent object %u, asked for column %u", obj, col);
	cr_assert_eq(hc_block_obj_ints(b, obj, col, &ints, NULL), 0);
	return hc_ints_valid(&ints, ref - 1);
}

static const char *text_of(struct hc_block *b, uint32_t ref)
{
	static char buf[4][4200];
	static unsigned at;
	struct hc_heap heap;
	struct hc_str s;

	if (!ref)
		return "(absent)";
	cr_assert_eq(hc_block_heap(b, HC_OBJ_STR, &heap, NULL), 0);
	s = hc_heap_get(&heap, ref);
	at = (at + 1) % 4;
	snprintf(buf[at], sizeof(buf[0]), HC_STR_FMT, HC_STR_ARG(s));
	return buf[at];
}

static const char *obj_text(struct hc_block *b, unsigned obj, unsigned col, uint32_t ref)
{
	return text_of(b, obj_ref(b, obj, col, ref));
}

static uint32_t proc_of(struct row_at r)
{
	return obj_ref(r.b, HC_OBJ_TASK, HC_O_TASK_proc, ref_of(r, HC_COL_TASK));
}

static const char *real_of(struct hc_block *b, uint32_t path_ref)
{
	return obj_text(b, HC_OBJ_PATH, HC_O_PATH_real, path_ref);
}

static const char *exe_of(struct hc_block *b, uint32_t proc)
{
	uint32_t image = obj_ref(b, HC_OBJ_PROC, HC_O_PROC_image, proc);

	return image ? real_of(b, obj_ref(b, HC_OBJ_IMAGE, HC_O_IMAGE_exe, image)) : "(no image)";
}

/* The kernel's programs mask the number of slots: one more, and no record of the type is whole. */
Test(event_table, leaves_a_slot_of_each_record_free)
{
	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		const struct hc_table_desc *d = hc_event_desc(type);

		if (d && d->cls != HC_CLASS_META) /* those come from no program */
			cr_expect_lt(d->n_wire, HC_WIRE_MAX_SLOTS, "%s", d->name);
	}
}

TestSuite(tracker, .fini = end);
#define START(n) ((n)*SECOND)

/* ---- processes ---- */

Test(tracker, exec_begins_a_version_and_the_row_has_both)
{
	struct row_at r;

	begin();
	alive(1, 1, START(1), 0, "init", 0);
	alive(100, 100, START(2), 1, "sh", 1000);
	settle();
	rename_self(100, START(2), "ls");
	exec_of(100, START(2), 1, "/usr/bin/ls", "ls", 1);
	call(100, 100, START(2));
	finish();
	r = row_of(HC_EV_PROC_EXEC, 0);
	/* the task is named before the exec is told: what was before the exec has the old name all the same */
	cr_expect_str_eq(obj_text(r.b, HC_OBJ_PROC, HC_O_PROC_comm, proc_of(r)), "sh");
	cr_expect_str_eq(obj_text(r.b, HC_OBJ_PROC, HC_O_PROC_comm, ref_of(r, HC_C_PROC_EXEC_proc_after)), "ls");
	cr_expect_str_eq(exe_of(r.b, ref_of(r, HC_C_PROC_EXEC_proc_after)), "/usr/bin/ls");
	cr_expect_eq(obj_int(r.b, HC_OBJ_PROC, HC_O_PROC_cause, ref_of(r, HC_C_PROC_EXEC_proc_after)),
	             HC_CAUSE_EXEC);
	cr_expect_str_eq(
		real_of(r.b, obj_ref(r.b, HC_OBJ_PROC, HC_O_PROC_cwd, ref_of(r, HC_C_PROC_EXEC_proc_after))),
		"/home/user");
	r = row_of(HC_EV_PERSONALITY, 0);
	cr_expect_str_eq(exe_of(r.b, proc_of(r)), "/usr/bin/ls");
	cr_expect_eq(obj_int(r.b, HC_OBJ_PROC, HC_O_PROC_uid, proc_of(r)), 1000);
}

Test(tracker, a_prctl_name_stays_when_an_exec_follows_later)
{
	struct row_at r;

	begin();
	alive(100, 100, START(2), 1, "sh", 0);
	settle();
	rename_self(100, START(2), "other");
	call(100, 100, START(2)); /* the call that named it has returned */
	exec_of(100, START(2), 1, "/bin/x", "x", 1);
	finish();
	r = row_of(HC_EV_PROC_EXEC, 0);
	cr_expect_str_eq(obj_text(r.b, HC_OBJ_PROC, HC_O_PROC_comm, proc_of(r)), "other");
}

Test(tracker, a_child_knows_its_parent_and_its_creator)
{
	struct row_at r;
	uint32_t child;

	begin();
	alive(100, 100, START(2), 1, "sh", 7);
	settle();
	fork_child(100, START(2), 200, 200, START(11), "sh");
	call(200, 200, START(11));
	finish();
	r = row_of(HC_EV_PROC_FORK, 0);
	child = ref_of(r, HC_C_PROC_FORK_child);
	cr_expect_eq(obj_int(r.b, HC_OBJ_PROC, HC_O_PROC_pid, child), 200);
	cr_expect_eq(obj_int(r.b, HC_OBJ_PROC, HC_O_PROC_version, child), 1);
	cr_expect_eq(obj_int(r.b, HC_OBJ_PROC, HC_O_PROC_uid, child), 7);
	cr_expect_eq(obj_ref(r.b, HC_OBJ_PROC, HC_O_PROC_parent, child), proc_of(r));
	cr_expect_eq(obj_ref(r.b, HC_OBJ_PROC, HC_O_PROC_creator, child), proc_of(r));
	r = row_of(HC_EV_PERSONALITY, 0);
	cr_expect_eq(proc_of(r), child);
}

Test(tracker, exec_of_an_ancestor_is_seen_by_its_descendants)
{
	struct row_at before, after;
	uint32_t parent, grandparent;

	begin();
	alive(100, 100, START(2), 1, "a", 0);
	settle();
	fork_child(100, START(2), 200, 200, START(11), "b");
	fork_child(200, START(11), 300, 300, START(12), "c");
	call(300, 300, START(12));
	exec_of(100, START(2), 1, "/bin/new", "new", 1);
	call(300, 300, START(12));
	call(300, 300, START(12));
	finish();
	before = row_of(HC_EV_PERSONALITY, 0);
	after = row_of(HC_EV_PERSONALITY, 1);
	cr_expect_neq(proc_of(before), proc_of(after));
	cr_expect_eq(obj_int(after.b, HC_OBJ_PROC, HC_O_PROC_cause, proc_of(after)), HC_CAUSE_PARENT);
	parent = obj_ref(after.b, HC_OBJ_PROC, HC_O_PROC_parent, proc_of(after));
	grandparent = obj_ref(after.b, HC_OBJ_PROC, HC_O_PROC_parent, parent);
	cr_expect_str_eq(exe_of(after.b, grandparent), "/bin/new");
	parent = obj_ref(before.b, HC_OBJ_PROC, HC_O_PROC_parent, proc_of(before));
	grandparent = obj_ref(before.b, HC_OBJ_PROC, HC_O_PROC_parent, parent);
	cr_expect_str_eq(exe_of(before.b, grandparent), "(no image)");
	/* once is enough */
	cr_expect_eq(proc_of(row_of(HC_EV_PERSONALITY, 2)), proc_of(after));
}

Test(tracker, other_changes_of_an_ancestor_make_no_new_versions)
{
	struct rec r;

	begin();
	alive(100, 100, START(2), 1, "a", 0);
	settle();
	fork_child(100, START(2), 200, 200, START(11), "b");
	call(200, 200, START(11));
	rec(&r, HC_EV_SETUID, 100, 100, START(2), 2);
	creds(&r, 5);
	push(&r);
	call(200, 200, START(11));
	finish();
	cr_expect_eq(proc_of(row_of(HC_EV_PERSONALITY, 0)), proc_of(row_of(HC_EV_PERSONALITY, 1)));
}

Test(tracker, nobody_takes_the_children_of_the_first_process)
{
	struct row_at r;

	begin();
	alive(1, 1, START(1), 0, "init", 0);
	settle();
	fork_child(1, START(1), 100, 100, START(11), "shell");
	exit_of(1, 1, START(1), true);
	finish();
	r = row_of(HC_EV_PROC_EXIT, 0);
	cr_expect_eq(ref_of(r, HC_C_PROC_EXIT_reaper_proc), 0);
}

Test(tracker, orphans_go_to_the_nearest_subreaper)
{
	struct hc_wire_task w;
	struct row_at r;
	struct rec sub;

	begin();
	alive(1, 1, START(1), 0, "init", 0);
	alive(50, 50, START(2), 1, "manager", 0);
	settle();
	w = task_of(50, 50, START(2), 1, 0, "manager");
	w.flags = HC_WIRE_TASK_SUBREAPER;
	rec(&sub, HC_EV_PRCTL, 50, 50, START(2), 7);
	fact(&sub, HC_WIRE_F_TASK, HC_WIRE_SUBJ_ROW, &w, sizeof(w));
	push(&sub);
	fork_child_as(50, START(2), 100, 100, START(11), "shell", HC_WIRE_TASK_OF_SUBREAPER);
	fork_child(100, START(11), 200, 200, START(12), "daemon");
	exit_of(100, 100, START(11), true);
	call(200, 200, START(12));
	finish();
	r = row_of(HC_EV_PROC_EXIT, 0);
	cr_expect_eq(obj_int(r.b, HC_OBJ_PROC, HC_O_PROC_pid, ref_of(r, HC_C_PROC_EXIT_reaper_proc)), 50);
	r = row_of(HC_EV_PERSONALITY, 0);
	cr_expect_eq(obj_int(r.b, HC_OBJ_PROC, HC_O_PROC_ppid, proc_of(r)), 50);
	cr_expect_eq(
		obj_int(r.b, HC_OBJ_PROC, HC_O_PROC_pid, obj_ref(r.b, HC_OBJ_PROC, HC_O_PROC_parent, proc_of(r))),
		50);
	/* who made it stays known */
	cr_expect_eq(
		obj_int(r.b, HC_OBJ_PROC, HC_O_PROC_pid, obj_ref(r.b, HC_OBJ_PROC, HC_O_PROC_creator, proc_of(r))),
		100);
}

Test(tracker, a_subreaper_is_known_by_its_child_until_it_is_none)
{
	begin();
	alive(1, 1, START(1), 0, "init", 0);
	alive(50, 50, START(2), 1, "manager", 0);
	settle();
	fork_child_as(50, START(2), 100, 100, START(11), "shell", HC_WIRE_TASK_OF_SUBREAPER);
	fork_child(100, START(11), 200, 200, START(12), "daemon");
	exit_of(100, 100, START(11), true);
	call(200, 200, START(12));
	fork_child(50, START(2), 101, 101, START(13), "shell");
	fork_child(101, START(13), 201, 201, START(14), "daemon");
	exit_of(101, 101, START(13), true);
	call(201, 201, START(14));
	finish();
	for (unsigned i = 0; i < 2; i++) {
		struct row_at r = row_of(HC_EV_PERSONALITY, i);

		cr_expect_eq(obj_int(r.b, HC_OBJ_PROC, HC_O_PROC_ppid, proc_of(r)), i ? 1 : 50);
	}
}

static void born_sharing(uint32_t parent, uint64_t pstart, uint32_t pid, uint64_t start)
{
	struct hc_wire_task w = task_of(pid, pid, start, parent, pstart, "x");
	struct rec r;

	rec(&r, HC_EV_PROC_FORK, parent, parent, pstart, 8);
	set(&r, HC_A_PROC_FORK_child_tid, pid);
	set(&r, HC_A_PROC_FORK_child_pid, pid);
	set(&r, HC_A_PROC_FORK_clone_flags, CLONE_FS);
	fact(&r, HC_WIRE_F_TASK, HC_WIRE_SUBJ_TARGET, &w, sizeof(w));
	push(&r);
}

static void changes_to(uint32_t pid, uint64_t start, const char *dir_name)
{
	struct rec r;

	rec(&r, HC_EV_CHDIR, pid, pid, start, 1);
	path(&r, HC_WIRE_SUBJ_CWD, dir_name);
	push(&r);
}

/* Its working directory when it makes the nth call. */
static const char *cwd_of(uint32_t nth)
{
	struct row_at r = row_of(HC_EV_PERSONALITY, nth);

	return real_of(r.b, obj_ref(r.b, HC_OBJ_PROC, HC_O_PROC_cwd, proc_of(r)));
}

Test(tracker, a_directory_is_shared_by_those_that_live)
{
	begin();
	alive(1, 1, START(1), 0, "init", 0);
	alive(50, 50, START(2), 1, "a", 0);
	settle();
	changes_to(50, START(2), "/first");
	born_sharing(50, START(2), 51, START(3));
	born_sharing(51, START(3), 52, START(4));
	exit_of(51, 51, START(3), true); /* who brought them together */
	changes_to(52, START(4), "/second");
	call(50, 50, START(2));
	exit_of(52, 52, START(4), true);
	changes_to(50, START(2), "/third");
	for (uint32_t i = 0; i < 200; i++) { /* the dead leave room */
		born_sharing(50, START(2), 100 + i, START(5) + i);
		exit_of(100 + i, 100 + i, START(5) + i, true);
	}
	for (uint32_t i = 0; i < 200; i++)
		born_sharing(50, START(2), 300 + i, START(6) + i);
	changes_to(300, START(6), "/fourth");
	call(50, 50, START(2));
	call(499, 499, START(6) + 199); /* more than are kept together */
	finish();
	cr_expect_str_eq(cwd_of(0), "/second");
	cr_expect_str_eq(cwd_of(1), "/fourth");
	cr_expect_str_eq(cwd_of(2), "/third");
}

Test(tracker, the_exit_of_the_leader_alone_is_no_end)
{
	struct row_at r;

	begin();
	alive(100, 100, START(2), 1, "a", 3);
	settle();
	fork_child(100, START(2), 101, 100, START(2), "a");
	exit_of(100, 100, START(2), false);
	call(101, 100, START(2));
	finish();
	r = row_of(HC_EV_PERSONALITY, 0);
	cr_expect_eq(obj_int(r.b, HC_OBJ_PROC, HC_O_PROC_uid, proc_of(r)), 3);
	cr_expect_eq(obj_int(r.b, HC_OBJ_TASK, HC_O_TASK_tid, ref_of(r, HC_COL_TASK)), 101);
}

Test(tracker, a_thread_with_other_credentials_has_a_version_of_its_own)
{
	struct row_at leader, thread;
	struct rec r;

	begin();
	alive(100, 100, START(2), 1, "a", 0);
	settle();
	fork_child(100, START(2), 101, 100, START(2), "a");
	rec(&r, HC_EV_SETUID, 101, 100, START(2), 2);
	creds(&r, 33);
	push(&r);
	call(100, 100, START(2));
	call(101, 100, START(2));
	/* now the leader follows: they share again */
	rec(&r, HC_EV_SETUID, 100, 100, START(2), 2);
	creds(&r, 33);
	push(&r);
	rec(&r, HC_EV_SETGID, 101, 100, START(2), 2);
	creds(&r, 33);
	push(&r);
	call(100, 100, START(2));
	call(101, 100, START(2));
	finish();
	leader = row_of(HC_EV_PERSONALITY, 0);
	thread = row_of(HC_EV_PERSONALITY, 1);
	cr_expect_eq(obj_int(leader.b, HC_OBJ_PROC, HC_O_PROC_uid, proc_of(leader)), 0);
	cr_expect_eq(obj_int(thread.b, HC_OBJ_PROC, HC_O_PROC_uid, proc_of(thread)), 33);
	cr_expect_eq(obj_int(thread.b, HC_OBJ_PROC, HC_O_PROC_flags, proc_of(thread)) & HC_PROC_THREAD,
	             HC_PROC_THREAD);
	leader = row_of(HC_EV_PERSONALITY, 2);
	thread = row_of(HC_EV_PERSONALITY, 3);
	cr_expect_eq(obj_int(leader.b, HC_OBJ_PROC, HC_O_PROC_uid, proc_of(leader)), 33);
	cr_expect_eq(obj_int(thread.b, HC_OBJ_PROC, HC_O_PROC_uid, proc_of(thread)), 33);
}

/* A thread of two says so by prctl, then gets credentials of its own, and ends. */
Test(tracker, threads_share_whether_they_are_dumpable)
{
	struct row_at at;
	struct rec r;

	begin();
	alive(100, 100, START(2), 1, "a", 0);
	settle();
	fork_child(100, START(2), 101, 100, START(2), "a");
	call(100, 100, START(2));
	rec(&r, HC_EV_PRCTL, 101, 100, START(2), 6);
	creds_of_mm(&r, 0, 1);
	push(&r);
	call(100, 100, START(2));
	rec(&r, HC_EV_SETUID, 101, 100, START(2), 2);
	creds_of_mm(&r, 33, 3);
	push(&r);
	call(101, 100, START(2));
	rec(&r, HC_EV_SETGID, 101, 100, START(2), 2);
	creds(&r, 33);
	push(&r);
	call(101, 100, START(2));
	call(100, 100, START(2));
	finish();
	at = row_of(HC_EV_PERSONALITY, 0);
	cr_expect_not(obj_has(at.b, HC_OBJ_PROC, HC_O_PROC_dumpable, proc_of(at)));
	at = row_of(HC_EV_PERSONALITY, 1);
	cr_expect_eq(obj_int(at.b, HC_OBJ_PROC, HC_O_PROC_dumpable, proc_of(at)), 0);
	cr_expect_eq(obj_int(at.b, HC_OBJ_PROC, HC_O_PROC_flags, proc_of(at)) & HC_PROC_THREAD, 0);
	for (unsigned i = 2; i < 4; i++) {
		at = row_of(HC_EV_PERSONALITY, i);
		cr_expect_eq(obj_int(at.b, HC_OBJ_PROC, HC_O_PROC_dumpable, proc_of(at)), 2);
		cr_expect_eq(obj_int(at.b, HC_OBJ_PROC, HC_O_PROC_uid, proc_of(at)), 33);
	}
	at = row_of(HC_EV_PERSONALITY, 4);
	cr_expect_eq(obj_int(at.b, HC_OBJ_PROC, HC_O_PROC_uid, proc_of(at)), 0);
}

Test(tracker, setuid_has_the_version_before_and_after)
{
	struct row_at at;
	struct rec r;

	begin();
	alive(100, 100, START(2), 1, "a", 0);
	settle();
	rec(&r, HC_EV_SETUID, 100, 100, START(2), 2);
	set(&r, 0, 1000);
	creds(&r, 1000);
	push(&r);
	rec(&r, HC_EV_SETUID, 100, 100, START(2), 2); /* refused: no facts */
	r.u.head.ret = -EPERM;
	push(&r);
	finish();
	at = row_of(HC_EV_SETUID, 0);
	cr_expect_eq(obj_int(at.b, HC_OBJ_PROC, HC_O_PROC_uid, proc_of(at)), 0);
	cr_expect_eq(obj_int(at.b, HC_OBJ_PROC, HC_O_PROC_uid, ref_of(at, HC_C_SETUID_proc_after)), 1000);
	at = row_of(HC_EV_SETUID, 1);
	cr_expect_eq(ref_of(at, HC_C_SETUID_proc_after), proc_of(at));
}

Test(tracker, a_process_nobody_saw_being_born_is_marked)
{
	struct row_at r;

	begin();
	settle();
	call(777, 777, START(5));
	finish();
	r = row_of(HC_EV_PERSONALITY, 0);
	cr_expect_eq(obj_int(r.b, HC_OBJ_PROC, HC_O_PROC_flags, proc_of(r)), HC_PROC_SYNTH | HC_PROC_INCOMPLETE);
	cr_expect_eq(obj_int(r.b, HC_OBJ_PROC, HC_O_PROC_pid, proc_of(r)), 777);
}

Test(tracker, a_pid_used_again_is_another_process)
{
	struct row_at r;

	begin();
	alive(100, 100, START(2), 1, "old", 1);
	settle();
	fork_child(100, START(2), 200, 200, START(11), "first");
	/* its end was lost */
	fork_child(100, START(2), 200, 200, START(12), "second");
	call(200, 200, START(12));
	finish();
	r = row_of(HC_EV_PERSONALITY, 0);
	cr_expect_eq(obj_int(r.b, HC_OBJ_PROC, HC_O_PROC_start_ns, proc_of(r)), (int64_t)START(12));
	cr_expect_str_eq(obj_text(r.b, HC_OBJ_PROC, HC_O_PROC_comm, proc_of(r)), "second");
}

Test(tracker, a_very_deep_tree_is_written_without_running_out_of_stack)
{
	begin();
	alive(1, 1, START(1), 0, "init", 0);
	settle();
	for (uint32_t i = 1; i < 5000; i++)
		fork_child(i, i == 1 ? START(1) : START(20) + i, i + 1, i + 1, START(20) + i + 1, "deep");
	call(5000, 5000, START(20) + 5000);
	finish();
	cr_expect_eq(n_rows(HC_EV_PERSONALITY), 1);
}

Test(tracker, forgets_the_dead)
{
	struct hc_tracker_stats s;

	begin();
	alive(1, 1, START(1), 0, "init", 0);
	settle();
	for (uint32_t i = 0; i < 3000; i++) {
		fork_child(1, START(1), 100 + i, 100 + i, START(20) + i, "x");
		exec_of(100 + i, START(20) + i, 1, "/bin/true", "true", 1);
		exit_of(100 + i, 100 + i, START(20) + i, true);
	}
	s = hc_tracker_stats(tracker);
	cr_expect_eq(s.n_procs, 3001);
	cr_expect_eq(s.n_tasks, 1);
	cr_assert_eq(hc_tracker_tick(tracker, 100 * SECOND, NULL), 0);
	s = hc_tracker_stats(tracker);
	cr_expect_eq(s.n_procs, 1);
	finish();
}

Test(tracker, the_state_rows_name_each_living_process_once)
{
	struct row_at r;
	const char *what[6] = { 0 };

	begin();
	alive(1, 1, START(1), 0, "init", 0);
	alive(100, 100, START(2), 1, "a", 0);
	alive(101, 100, START(2), 1, "a", 0); /* a thread */
	settle();
	fork_child(100, START(2), 200, 200, START(11), "b");
	fork_child(100, START(2), 201, 201, START(12), "gone");
	exit_of(201, 201, START(12), true);
	cr_assert_eq(hc_tracker_write_state(tracker, 20 * SECOND, true, NULL), 0);
	finish();
	cr_assert_eq(n_rows(HC_EV_META_STATE), 5);
	for (unsigned i = 0; i < 5; i++) {
		r = row_of(HC_EV_META_STATE, i);
		what[i] = strdup(text_of(r.b, ref_of(r, HC_C_META_STATE_what)));
	}
	cr_expect_str_eq(what[0], "begin");
	cr_expect_str_eq(what[4], "end");
	/* older ones first */
	for (unsigned i = 1; i < 4; i++) {
		static const int64_t pids[] = { 0, 1, 100, 200 };

		r = row_of(HC_EV_META_STATE, i);
		cr_expect_str_eq(what[i], "process");
		cr_expect_eq(obj_int(r.b, HC_OBJ_PROC, HC_O_PROC_pid, ref_of(r, HC_C_META_STATE_proc)), pids[i]);
	}
	for (unsigned i = 0; i < 5; i++)
		free((void *)(uintptr_t)what[i]);
}

Test(tracker, a_chain_of_creators_is_cut_not_kept_for_ever)
{
	unsigned n = 0;

	begin();
	alive(1, 1, START(1), 0, "init", 0);
	settle();
	/* each forks the next and dies: what a daemon that renews itself does */
	fork_child(1, START(1), 100, 100, START(20), "d");
	for (uint32_t i = 0; i < 20000; i++) {
		fork_child(100 + i, START(20) + i, 101 + i, 101 + i, START(20) + i + 1, "d");
		if (i) /* one later than it could: a child's first parent is alive */
			exit_of(99 + i, 99 + i, START(20) + i - 1, true);
		if (i % 1000 == 0)
			hc_tracker_tick(tracker, (1000 + i) * SECOND, NULL);
	}
	hc_tracker_tick(tracker, 100000 * SECOND, NULL);
	cr_expect_eq(hc_tracker_stats(tracker).n_procs, 3);
	for (const struct tver *v = proc_find(tracker, 20100, 0)->cur; v; v = v->creator ? v->creator : v->parent)
		n++;
	cr_expect_geq(n, MAX_CREATORS / 2);
	cr_expect_leq(n, 2 * MAX_CREATORS);
	call(20100, 20100, START(20) + 20000);
	finish();
}

/* type: HC_EV_CG_MKDIR or _RMDIR */
static void group_row(unsigned type, uint64_t id, const char *at, uint64_t hier)
{
	struct rec r;

	rec(&r, type, 1, 1, START(1), 4);
	set(&r, HC_A_CG_MKDIR_cgroup_id, id);
	str(&r, HC_A_CG_MKDIR_path, at);
	set(&r, HC_A_CG_MKDIR_hierarchy, hier);
	push(&r);
}

/* clone3 with CLONE_INTO_CGROUP: nothing tells of a move. */
static void born_into(uint32_t pid, uint64_t start, uint64_t id)
{
	struct hc_wire_task w = task_of(pid, pid, start, 1, START(1), "a");
	struct rec r;

	w.cgroup_id = id;
	rec(&r, HC_EV_PROC_FORK, 1, 1, START(1), 8);
	set(&r, HC_A_PROC_FORK_child_tid, pid);
	set(&r, HC_A_PROC_FORK_child_pid, pid);
	fact(&r, HC_WIRE_F_TASK, HC_WIRE_SUBJ_TARGET, &w, sizeof(w));
	push(&r);
}

/* The last group of the process of the nth call, "(absent)": none is known. */
static const char *group_of(uint32_t nth)
{
	struct row_at r = row_of(HC_EV_PERSONALITY, nth);
	uint32_t list = obj_ref(r.b, HC_OBJ_PROC, HC_O_PROC_cgroups, proc_of(r));
	struct hc_lists lists;

	if (!list)
		return "(absent)";
	cr_assert_eq(hc_block_lists(r.b, HC_OBJ_STRS, &lists, NULL), 0);
	return text_of(r.b, lists.refs[lists.first[list] - 1]);
}

Test(tracker, a_process_that_ends_at_once_is_in_the_group_it_was_born_into)
{
	static const char *const cgroups[] = { "/noisy/" };

	exclude = (struct hc_exclude){ .cgroups = cgroups, .n_cgroups = 1 };
	hierarchy = "";
	begin();
	alive(1, 1, START(1), 0, "init", 0);
	settle();
	group_row(HC_EV_CG_MKDIR, 77, "/a/b", 0);
	group_row(HC_EV_CG_MKDIR, 77, "/other", 5); /* the same number elsewhere */
	group_row(HC_EV_CG_MKDIR, 78, "/noisy/c", 0);
	born_into(200, START(10), 77);
	call(200, 200, START(10));
	born_into(201, START(11), 78);
	call(201, 201, START(11));
	group_row(HC_EV_CG_RMDIR, 77, "/other", 5);
	born_into(202, START(12), 77);
	call(202, 202, START(12));
	group_row(HC_EV_CG_RMDIR, 77, "/a/b", 0);
	born_into(203, START(13), 77);
	call(203, 203, START(13));
	finish();
	cr_assert_eq(n_rows(HC_EV_PERSONALITY), 3, "one of them is excluded");
	cr_expect_str_eq(group_of(0), "unified=/a/b");
	cr_expect_str_eq(group_of(1), "unified=/a/b");
	cr_expect_str_eq(group_of(2), "(absent)");
}

Test(tracker, groups_known_by_id_are_bounded)
{
	char at[32];

	hierarchy = "";
	begin();
	alive(1, 1, START(1), 0, "init", 0);
	settle();
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(at, sizeof(at), "/g%u", i);
		group_row(HC_EV_CG_MKDIR, 100 + i, at, 0);
	}
	cr_expect_leq(tracker->groups.n, 8192);
	born_into(200, START(10), 100 + 19999);
	call(200, 200, START(10));
	finish();
	cr_expect_str_eq(group_of(0), "unified=/g19999");
}

Test(tracker, a_name_in_the_cgroup_leaves_out_all_below_it)
{
	struct tver v = { 0 };
	static const char *const cgroups[] = { "/noisy/" };

	exclude = (struct hc_exclude){ .cgroups = cgroups, .n_cgroups = 1 };
	begin();
	v.cgs = cgs_of_proc_text(tracker, "3:cpu,cpuacct:/noisy/below\n0::/\n", 32, 1);
	cr_assert(v.cgs);
	cr_expect(proc_is_excluded(tracker, &v));
	cgs_unref(tracker, v.cgs);
	v.cgs = cgs_of_proc_text(tracker, "0::/noisyother\n", 15, 1);
	cr_expect_not(proc_is_excluded(tracker, &v));
	cgs_unref(tracker, v.cgs);
	v.cgs = cgs_of_proc_text(tracker, "0::/user/x=/noisy\n", 18, 1);
	cr_expect_not(proc_is_excluded(tracker, &v), "whoever may make cgroups does not hide in them");
	cgs_unref(tracker, v.cgs);
	v.cgs = cgs_of_proc_text(tracker, "1:name=systemd:/noisy/a=b\n", 26, 1);
	cr_expect(proc_is_excluded(tracker, &v));
	cgs_unref(tracker, v.cgs);
	settle();
	call(5, 5, START(3));
	finish();
}

Test(tracker, an_equals_sign_in_a_cgroup_leads_out_of_no_container)
{
	static const char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	struct tcgs *in, *moved;
	char text[256];

	begin();
	snprintf(text, sizeof(text), "1:name=systemd:/x\n0::/kubepods/pod1/%s/evil=x\n", id);
	in = cgs_of_proc_text(tracker, text, strlen(text), 1);
	cr_assert(in && in->ctr);
	cr_expect(txt_is(in->ctr->id, id));
	moved = cgs_with(tracker, in, 0, HC_STR("/a=b"), 2);
	cr_assert(moved);
	cgs_unref(tracker, in);
	in = cgs_with(tracker, moved, 1, HC_STR("/other"), 2);
	cr_assert(in);
	cr_expect(txt_is(in->list->txt[0], "name=systemd=/other"), "%s", in->list->txt[0]->p);
	cr_expect(txt_is(in->list->txt[1], "unified=/a=b"), "%s", in->list->txt[1]->p);
	cgs_unref(tracker, moved);
	moved = cgs_with(tracker, in, 0, HC_STR("/plain"), 2);
	cr_assert(moved);
	cr_expect(txt_is(moved->list->txt[1], "unified=/plain"), "%s", moved->list->txt[1]->p);
	cgs_unref(tracker, in);
	cgs_unref(tracker, moved);
	settle();
	call(5, 5, START(3));
	finish();
}

/* ---- descriptors and paths ---- */

static void fd_fact(struct rec *r, unsigned subject, int fd, uint64_t key, uint64_t ino_key, uint16_t flags,
                    const char *name)
{
	struct hc_wire_fd w = { .key = key,
		                .inode_key = ino_key,
		                .ino = ino_key,
		                .fd = fd,
		                .flags = flags,
		                .i_mode = 0100644,
		                .f_mode = 1,
		                .fs_magic = 0xef53 };
	struct hc_wire_file file = { .ino = ino_key, .mode = 0100644, .fs_magic = 0xef53, .dev = 8 << 20 | 1 };

	fact(r, HC_WIRE_F_FD, subject, &w, sizeof(w));
	if (flags & HC_WIRE_FD_DEF) {
		fact(r, HC_WIRE_F_FILE, subject, &file, sizeof(file));
		path(r, subject, name);
	}
}

static void open_at(uint32_t pid, uint64_t start, int dirfd, uint64_t dir_key, const char *given, const char *real,
                    int fd, uint64_t key)
{
	struct rec r;

	rec(&r, HC_EV_OPENAT, pid, pid, start, 5);
	r.u.head.ret = fd;
	set(&r, HC_A_OPENAT_dirfd, (uint64_t)(int64_t)dirfd);
	str(&r, HC_A_OPENAT_pathname, given);
	if (dirfd >= 0)
		fd_fact(&r, HC_A_OPENAT_dirfd, dirfd, dir_key, dir_key + 1, 0, NULL);
	if (fd >= 0)
		fd_fact(&r, HC_WIRE_SUBJ_RET, fd, key, key + 1, HC_WIRE_FD_NEW | HC_WIRE_FD_DEF, real);
	push(&r);
}

static void read_fd(uint32_t pid, uint64_t start, int fd, uint64_t key)
{
	struct rec r;

	rec(&r, HC_EV_READ, pid, pid, start, 4);
	set(&r, HC_A_READ_fd, (uint64_t)fd);
	set(&r, HC_A_READ_pos, HC_WIRE_ABSENT);
	fd_fact(&r, HC_A_READ_fd, fd, key, key + 1, 0, NULL);
	push(&r);
}

Test(tracker, an_opened_path_has_all_its_texts_and_the_descriptor_keeps_it)
{
	struct row_at r;
	uint32_t p, fd;

	begin();
	alive(100, 100, START(2), 1, "a", 0);
	settle();
	exec_of(100, START(2), 1, "/bin/a", "a", 1); /* works in /home/user */
	open_at(100, START(2), AT_FDCWD, 0, "../link//x/./f", "/data/x/f", 3, 1000);
	read_fd(100, START(2), 3, 1000);
	open_at(100, START(2), 3, 1000, "../g", "/data/x/g", 4, 2000);
	finish();
	r = row_of(HC_EV_OPENAT, 0);
	p = ref_of(r, HC_C_OPENAT_pathname);
	cr_expect_str_eq(obj_text(r.b, HC_OBJ_PATH, HC_O_PATH_given, p), "../link//x/./f");
	cr_expect_str_eq(obj_text(r.b, HC_OBJ_PATH, HC_O_PATH_abs, p), "/home/link/x/f");
	cr_expect_str_eq(real_of(r.b, p), "/data/x/f");
	cr_expect_eq(obj_int(r.b, HC_OBJ_PATH, HC_O_PATH_prov, p), 1);
	fd = ref_of(r, HC_C_OPENAT_newfd);
	cr_expect_eq(obj_ref(r.b, HC_OBJ_FDOBJ, HC_O_FDOBJ_path, fd), p);
	cr_expect_eq(obj_int(r.b, HC_OBJ_FDOBJ, HC_O_FDOBJ_what, fd), HC_FD_FILE);
	r = row_of(HC_EV_READ, 0);
	cr_expect_str_eq(real_of(r.b, obj_ref(r.b, HC_OBJ_FDOBJ, HC_O_FDOBJ_path, ref_of(r, HC_C_READ_fd_obj))),
	                 "/data/x/f");
	/* relative to a descriptor: joined with the name it was opened by */
	r = row_of(HC_EV_OPENAT, 1);
	cr_expect_str_eq(obj_text(r.b, HC_OBJ_PATH, HC_O_PATH_abs, ref_of(r, HC_C_OPENAT_pathname)),
	                 "/home/link/x/g");
}

Test(tracker, an_address_used_again_is_another_open_file)
{
	struct row_at a, b;

	begin();
	alive(100, 100, START(2), 1, "a", 0);
	settle();
	open_at(100, START(2), AT_FDCWD, 0, "/one", "/one", 3, 1000);
	read_fd(100, START(2), 3, 1000);
	open_at(100, START(2), AT_FDCWD, 0, "/two", "/two", 3, 1000);
	read_fd(100, START(2), 3, 1000);
	finish();
	a = row_of(HC_EV_READ, 0);
	b = row_of(HC_EV_READ, 1);
	cr_expect_str_eq(real_of(a.b, obj_ref(a.b, HC_OBJ_FDOBJ, HC_O_FDOBJ_path, ref_of(a, HC_C_READ_fd_obj))),
	                 "/one");
	cr_expect_str_eq(real_of(b.b, obj_ref(b.b, HC_OBJ_FDOBJ, HC_O_FDOBJ_path, ref_of(b, HC_C_READ_fd_obj))),
	                 "/two");
	cr_expect_neq(obj_int(a.b, HC_OBJ_FDOBJ, HC_O_FDOBJ_id, ref_of(a, HC_C_READ_fd_obj)),
	              obj_int(b.b, HC_OBJ_FDOBJ, HC_O_FDOBJ_id, ref_of(b, HC_C_READ_fd_obj)));
}

/* Opens a file with a place, as the CPU tells it: at length, or (`real` NULL) by the place. */
static void open_told(unsigned cpu, const char *given, const char *real, uint64_t key, uint16_t place)
{
	struct hc_wire_fd w = { .key = key,
		                .inode_key = 77,
		                .ino = 78,
		                .fd = 3,
		                .flags = HC_WIRE_FD_NEW | (real ? HC_WIRE_FD_DEF : HC_WIRE_FD_SAME),
		                .place = place,
		                .i_mode = 0100644 };
	struct hc_wire_file file = { .ino = 78, .mode = 0100644, .size = real ? strlen(real) : 0 };
	struct rec r;

	rec(&r, HC_EV_OPENAT, 100, 100, START(2), 5);
	r.u.head.ret = 3;
	r.u.head.cpu = (uint16_t)cpu;
	set(&r, HC_A_OPENAT_dirfd, (uint64_t)(int64_t)AT_FDCWD);
	str(&r, HC_A_OPENAT_pathname, given);
	fact(&r, HC_WIRE_F_FD, HC_WIRE_SUBJ_RET, &w, sizeof(w));
	if (real) {
		fact(&r, HC_WIRE_F_FILE, HC_WIRE_SUBJ_RET, &file, sizeof(file));
		path(&r, HC_WIRE_SUBJ_RET, real);
	}
	push(&r);
}

static void expect_opened(unsigned n, const char *real, int64_t size)
{
	struct row_at r = row_of(HC_EV_OPENAT, n);
	uint32_t fd = ref_of(r, HC_C_OPENAT_newfd), file = obj_ref(r.b, HC_OBJ_FDOBJ, HC_O_FDOBJ_file, fd);

	cr_expect_str_eq(real_of(r.b, obj_ref(r.b, HC_OBJ_FDOBJ, HC_O_FDOBJ_path, fd)), real, "open %u", n);
	cr_expect_eq(obj_int(r.b, HC_OBJ_FILE, HC_O_FILE_size, file), size, "open %u", n);
}

Test(tracker, an_open_may_refer_to_what_another_of_its_cpu_told)
{
	begin();
	alive(100, 100, START(2), 1, "a", 0);
	settle();
	open_told(0, "/link/x", "/data/x", 1000, 3);
	open_told(0, "/link/x", NULL, 2000, 3);
	open_told(1, "/link/y", "/other/longer/y", 3000, 3); /* of another CPU */
	open_told(0, "/x", NULL, 4000, 3);
	open_told(0, "/z", "/z", 5000, 3); /* the place is another's now */
	open_told(0, "/z", NULL, 6000, 3);
	open_told(1, "/link/y", NULL, 7000, 3);
	cr_expect_eq(hc_tracker_stats(tracker).n_bad, 0);
	open_told(0, "/nobody/told", NULL, 8000, 4);
	open_told(0, "/no/such/place", NULL, 9000, HC_WIRE_N_TOLD + 1);
	cr_expect_eq(hc_tracker_stats(tracker).n_bad, 2, "counted, and the row is there with what it says itself");
	finish();
	expect_opened(0, "/data/x", 7);
	expect_opened(1, "/data/x", 7);
	expect_opened(2, "/other/longer/y", 15);
	expect_opened(3, "/data/x", 7);
	expect_opened(4, "/z", 2);
	expect_opened(5, "/z", 2);
	expect_opened(6, "/other/longer/y", 15);
	for (unsigned n = 7; n < 9; n++) {
		struct row_at r = row_of(HC_EV_OPENAT, n);

		cr_expect_str_eq(obj_text(r.b, HC_OBJ_PATH, HC_O_PATH_abs, ref_of(r, HC_C_OPENAT_pathname)),
		                 n == 7 ? "/nobody/told" : "/no/such/place");
	}
}

/* The memory outlives the one reader, as its rings do. */
Test(tracker, an_open_may_refer_to_what_was_told_to_a_reader_that_is_gone)
{
	static struct told_cpu kept[2];

	begin();
	told_use(&tracker->told, kept, 2);
	alive(100, 100, START(2), 1, "a", 0);
	settle();
	open_told(1, "/link/x", "/data/x", 1000, 3);
	open_told(1, "/link/y", "/other/longer/y", 2000, HC_WIRE_N_TOLD);
	finish();
	end();
	begin();
	told_use(&tracker->told, kept, 2);
	alive(100, 100, START(2), 1, "a", 0);
	settle();
	open_told(1, "/link/x", NULL, 1000, 3);
	open_told(1, "/link/y", NULL, 2000, HC_WIRE_N_TOLD);
	recalls = true; /* what was handed out whole comes again */
	open_told(1, "/link/z", "/data/z", 3000, 3);
	recalls = false;
	open_told(1, "/link/z", NULL, 4000, 3);
	cr_expect_eq(hc_tracker_stats(tracker).n_bad, 0);
	open_told(0, "/nobody/told", NULL, 5000, 3);
	open_told(2, "/no/such/cpu", NULL, 6000, 3);
	kept[1].at[2].n_path = sizeof(kept[1].at[2].bytes); /* half written */
	open_told(1, "/link/z", NULL, 7000, 3);
	cr_expect_eq(hc_tracker_stats(tracker).n_bad, 3);
	told_use(&tracker->told, NULL, 0); /* other rings: what the former were told is not theirs */
	open_told(1, "/link/y", NULL, 8000, HC_WIRE_N_TOLD);
	cr_expect_eq(hc_tracker_stats(tracker).n_bad, 4);
	finish();
	expect_opened(0, "/data/x", 7);
	expect_opened(1, "/other/longer/y", 15);
	expect_opened(2, "/data/z", 7);
}

/* It comes again, and in the place of what it refers to the one that was killed had put what was told after it. */
Test(tracker, an_open_does_not_refer_to_what_was_told_after_it)
{
	struct hc_wire_fd w = { .key = 2000, .inode_key = 77, .ino = 78, .fd = 3, .i_mode = 0100644 };
	static struct told_cpu kept[1];
	struct row_at r;
	struct rec used;

	begin();
	told_use(&tracker->told, kept, 1);
	alive(100, 100, START(2), 1, "a", 0);
	settle();
	cpu_seq = 9;
	open_told(0, "/later", "/data/later", 1000, 3);
	cpu_seq = 8;
	recalls = true;
	open_told(0, "/link/x", NULL, 2000, 3);
	recalls = false;
	cpu_seq = 10;
	open_told(0, "/later", NULL, 3000, 3);
	rec(&used, HC_EV_READ, 100, 100, START(2), 4);
	fact(&used, HC_WIRE_F_FD, HC_A_READ_fd, &w, sizeof(w));
	push(&used);
	cr_expect_eq(hc_tracker_stats(tracker).n_bad, 0);
	finish();
	expect_opened(1, "/data/later", 11);
	r = row_of(HC_EV_READ, 0);
	cr_expect_eq(obj_ref(r.b, HC_OBJ_FDOBJ, HC_O_FDOBJ_path, ref_of(r, HC_C_READ_fd_obj)), 0);
}

/* Facts that were taken over are not told further: they might not fit. */
Test(tracker, a_record_that_refers_to_one_place_tells_of_no_other)
{
	struct hc_wire_fd same = { .key = 2000, .fd = 3, .flags = HC_WIRE_FD_NEW | HC_WIRE_FD_SAME, .place = 3 };
	struct hc_wire_fd def = { .key = 3000, .fd = 4, .flags = HC_WIRE_FD_NEW | HC_WIRE_FD_DEF, .place = 4 };
	char name[600] = "/";
	struct rec r;

	memset(name + 1, 'x', 500);
	begin();
	alive(100, 100, START(2), 1, "a", 0);
	settle();
	open_told(0, "/link/x", name, 1000, 3);
	rec(&r, HC_EV_OPENAT, 100, 100, START(2), 5);
	r.u.head.ret = 3;
	fact(&r, HC_WIRE_F_FD, HC_WIRE_SUBJ_RET, &same, sizeof(same));
	fact(&r, HC_WIRE_F_FD, HC_WIRE_SUBJ_RET, &def, sizeof(def));
	fact(&r, HC_WIRE_F_FILE, HC_WIRE_SUBJ_RET, name, sizeof(name)); /* longer than any */
	push(&r);
	cr_expect_eq(hc_tracker_stats(tracker).n_bad, 1);
	finish();
}

/* The kernel frees the file that dup2 replaces: a record made at entry says what it is, the row names it. */
Test(tracker, what_dup2_replaced_is_told_before_the_call_and_named_by_its_row)
{
	struct hc_wire_fd def = { .key = 7, .inode_key = 8, .fd = 5, .i_mode = S_IFREG, .flags = HC_WIRE_FD_DEF };
	struct hc_wire_fd again = { .key = 7, .inode_key = 8, .fd = 5, .i_mode = S_IFREG };
	struct hc_wire_file file = { .ino = 99, .mode = S_IFREG };
	struct row_at w;
	struct rec r;

	begin();
	alive(100, 100, START(2), 1, "a", 0);
	settle();
	rec(&r, HC_EV_DUP2, 100, 100, START(2), 0);
	r.u.head.flags = HC_WIRE_ENTRY | HC_WIRE_NORET;
	r.u.head.nr = UINT32_MAX;
	fact(&r, HC_WIRE_F_FD, HC_A_DUP2_replaced, &def, sizeof(def));
	fact(&r, HC_WIRE_F_FILE, HC_A_DUP2_replaced, &file, sizeof(file));
	path(&r, HC_A_DUP2_replaced, "/gone/soon");
	push(&r);
	open_at(100, START(2), AT_FDCWD, 0, "/one", "/one", 3, 1000);
	rec(&r, HC_EV_DUP2, 100, 100, START(2), 4);
	fact(&r, HC_WIRE_F_FD, HC_A_DUP2_replaced, &again, sizeof(again));
	push(&r);
	cr_expect_eq(hc_tracker_stats(tracker).n_excluded, 0);
	finish();
	cr_assert_eq(n_rows(HC_EV_DUP2), 1);
	w = row_of(HC_EV_DUP2, 0);
	cr_expect_str_eq(real_of(w.b, obj_ref(w.b, HC_OBJ_FDOBJ, HC_O_FDOBJ_path, ref_of(w, HC_C_DUP2_replaced))),
	                 "/gone/soon");
}

static void read_of(uint64_t ino, uint32_t mode, uint32_t magic, const char *name)
{
	struct hc_wire_fd w = {
		.key = 700, .inode_key = 701, .ino = ino, .fd = 5, .i_mode = mode, .fs_magic = magic
	};
	struct hc_wire_file file = { .ino = ino, .mode = mode, .fs_magic = magic };
	struct rec r;

	rec(&r, HC_EV_READ, 100, 100, START(2), 4);
	w.flags = name ? HC_WIRE_FD_DEF : 0;
	fact(&r, HC_WIRE_F_FD, HC_A_READ_fd, &w, sizeof(w));
	if (name) {
		fact(&r, HC_WIRE_F_FILE, HC_A_READ_fd, &file, sizeof(file));
		if (*name)
			path_flagged(&r, HC_A_READ_fd, name, HC_WIRE_PATH_NAME);
	}
	push(&r);
}

static uint64_t kind_read(unsigned nth)
{
	struct row_at r = row_of(HC_EV_READ, nth);

	return obj_int(r.b, HC_OBJ_FDOBJ, HC_O_FDOBJ_what, ref_of(r, HC_C_READ_fd_obj));
}

static uint32_t fd_read(unsigned nth)
{
	return ref_of(row_of(HC_EV_READ, nth), HC_C_READ_fd_obj);
}

/* Neither pipes nor anonymous files need a row of their creation. */
Test(tracker, a_file_where_another_was_is_none_of_its_kind)
{
	enum { PIPE = 0x50495045, ANON = 0x09041934, SHARED = 12 };
	struct row_at r;

	begin();
	alive(100, 100, START(2), 1, "a", 0);
	settle();
	read_of(31, S_IFIFO, PIPE, "");
	read_of(31, S_IFIFO, PIPE, NULL);
	read_of(32, S_IFIFO, PIPE, "");
	read_of(33, S_IFIFO, 0, NULL); /* what was told of it was lost */
	read_of(SHARED, 0, ANON, "/[eventfd]");
	read_of(SHARED, 0, ANON, NULL);
	read_of(SHARED, 0, ANON, "/[timerfd]");
	read_of(SHARED, 0, ANON, "/[timerfd]"); /* told again: the same */
	read_of(SHARED, 0, ANON, "/[made]");
	read_of(SHARED, 0, ANON, "/[other]");
	finish();
	for (unsigned n = 0; n < 3; n++) {
		static const unsigned ino[] = { 31, 31, 32 };

		r = row_of(HC_EV_READ, n);
		cr_expect_eq(kind_read(n), HC_FD_PIPE);
		cr_expect_eq(obj_int(r.b, HC_OBJ_FDOBJ, HC_O_FDOBJ_target, ref_of(r, HC_C_READ_fd_obj)), ino[n]);
	}
	cr_expect_eq(fd_read(0), fd_read(1));
	cr_expect_neq(fd_read(2), fd_read(3));
	cr_expect_eq(kind_read(4), HC_FD_EVENTFD);
	cr_expect_eq(fd_read(4), fd_read(5));
	cr_expect_eq(kind_read(6), HC_FD_TIMERFD);
	cr_expect_eq(kind_read(7), HC_FD_TIMERFD);
	r = row_of(HC_EV_READ, 8);
	cr_expect_str_eq(obj_text(r.b, HC_OBJ_FDOBJ, HC_O_FDOBJ_name, fd_read(8)), "[made]");
	cr_expect_str_eq(obj_text(r.b, HC_OBJ_FDOBJ, HC_O_FDOBJ_name, fd_read(9)), "[other]");
	cr_expect_neq(fd_read(8), fd_read(9));
}

Test(tracker, absent_is_not_zero)
{
	struct hc_ints pos;
	struct row_at r;

	begin();
	alive(100, 100, START(2), 1, "a", 0);
	settle();
	read_fd(100, START(2), 3, 1000);
	finish();
	r = row_of(HC_EV_READ, 0);
	cr_assert_eq(hc_block_event_ints(r.b, HC_EV_READ, HC_C_READ_pos, &pos, NULL), 0);
	cr_expect_not(hc_ints_valid(&pos, r.row));
}

/* ---- sockets ---- */

static void sock_fact_of(struct rec *r, unsigned subject, uint64_t key, uint64_t ino, uint8_t state,
                         uint16_t lport, uint16_t rport, uint16_t type)
{
	struct hc_wire_sock w = { .key = key,
		                  .ino = ino,
		                  .family = AF_INET,
		                  .type = type,
		                  .protocol = type == 1 ? 6 : 17,
		                  .lport = lport,
		                  .rport = rport,
		                  .laddr = { 127, 0, 0, 1 },
		                  .raddr = { rport ? 10 : 0 },
		                  .state = state };

	fact(r, HC_WIRE_F_SOCK, subject, &w, sizeof(w));
}

static void sock_fact(struct rec *r, unsigned subject, uint64_t key, uint16_t lport, uint16_t rport, uint16_t type)
{
	sock_fact_of(r, subject, key, key, 7, lport, rport, type);
}

static void sock_fd(struct rec *r, unsigned subject, uint64_t key, uint16_t flags)
{
	struct hc_wire_fd w = {
		.key = key, .inode_key = key, .ino = key, .fd = 5, .flags = flags, .i_mode = 0140777
	};

	fact(r, HC_WIRE_F_FD, subject, &w, sizeof(w));
}

Test(tracker, who_connects_is_the_client)
{
	struct row_at at;
	struct rec r;
	uint32_t s;

	begin();
	alive(100, 100, START(2), 1, "a", 0);
	settle();
	rec(&r, HC_EV_SOCKET, 100, 100, START(2), 4);
	r.u.head.ret = 5;
	sock_fd(&r, HC_A_SOCKET_newfd, 500, HC_WIRE_FD_NEW | HC_WIRE_FD_DEF);
	sock_fact(&r, HC_A_SOCKET_newfd, 500, 0, 0, 1);
	push(&r);
	rec(&r, HC_EV_CONNECT, 100, 100, START(2), 3);
	r.u.head.ret = -EINPROGRESS;
	set(&r, 0, 5);
	sock_fd(&r, HC_A_CONNECT_sockfd, 500, 0);
	sock_fact(&r, HC_A_CONNECT_sock_after, 500, 40000, 443, 1);
	push(&r);
	rec(&r, HC_EV_WRITE, 100, 100, START(2), 4);
	set(&r, 0, 5);
	sock_fd(&r, HC_A_WRITE_fd, 500, 0);
	push(&r);
	rec(&r, HC_EV_DUP2, 100, 100, START(2), 4);
	set(&r, 0, 5);
	sock_fd(&r, HC_A_DUP2_oldfd, 500, HC_WIRE_FD_DEF);
	sock_fact(&r, HC_A_DUP2_oldfd, 500, 40000, 443, 1);
	push(&r);
	finish();
	at = row_of(HC_EV_CONNECT, 0);
	s = ref_of(at, HC_C_CONNECT_sock_after);
	cr_expect_eq(obj_int(at.b, HC_OBJ_SOCK, HC_O_SOCK_role, s), ROLE_CLIENT);
	cr_expect_eq(obj_int(at.b, HC_OBJ_SOCK, HC_O_SOCK_peer_port, s), 443);
	/* the descriptor of the connect row is the one before */
	s = obj_ref(at.b, HC_OBJ_FDOBJ, HC_O_FDOBJ_sock, ref_of(at, HC_C_CONNECT_sockfd_obj));
	cr_expect_eq(obj_int(at.b, HC_OBJ_SOCK, HC_O_SOCK_role, s), ROLE_NONE);
	/* and later rows have the one after */
	at = row_of(HC_EV_WRITE, 0);
	s = obj_ref(at.b, HC_OBJ_FDOBJ, HC_O_FDOBJ_sock, ref_of(at, HC_C_WRITE_fd_obj));
	cr_expect_eq(obj_int(at.b, HC_OBJ_SOCK, HC_O_SOCK_peer_port, s), 443);
	cr_expect_eq(obj_int(at.b, HC_OBJ_FDOBJ, HC_O_FDOBJ_what, ref_of(at, HC_C_WRITE_fd_obj)), HC_FD_IPV4);
	/* whoever tells of the endpoint anew */
	at = row_of(HC_EV_DUP2, 0);
	s = obj_ref(at.b, HC_OBJ_FDOBJ, HC_O_FDOBJ_sock, ref_of(at, HC_C_DUP2_oldfd_obj));
	cr_expect_eq(obj_int(at.b, HC_OBJ_SOCK, HC_O_SOCK_role, s), ROLE_CLIENT);
}

static void tcp_state(uint8_t old, uint8_t new, uint64_t key, uint64_t ino, uint16_t lport, uint16_t rport)
{
	struct rec r;

	rec(&r, HC_EV_TCP_STATE, 100, 100, START(2), 3);
	set(&r, HC_A_TCP_STATE_old, old);
	set(&r, HC_A_TCP_STATE_new, new);
	sock_fact_of(&r, HC_A_TCP_STATE_sock, key, ino, new, lport, rport, 1);
	push(&r);
}

static uint64_t role_of_state(unsigned nth)
{
	struct row_at at = row_of(HC_EV_TCP_STATE, nth);

	return obj_int(at.b, HC_OBJ_SOCK, HC_O_SOCK_role, ref_of(at, HC_C_TCP_STATE_sock));
}

/* The kernel frees a socket and puts the next where it was: what was known of the one is not said of the other. */
Test(tracker, a_socket_where_another_was_is_none_of_its_kind)
{
	enum { ESTABLISHED = 1, SYN_SENT, SYN_RECV, FIN_WAIT1, CLOSE = 7 };
	struct row_at at;
	struct rec r;
	uint32_t s;

	begin();
	alive(100, 100, START(2), 1, "a", 0);
	settle();
	/* nobody accepts this connection, and it ends; then another process connects from there */
	tcp_state(SYN_RECV, ESTABLISHED, 500, 0, 80, 40000);
	tcp_state(ESTABLISHED, CLOSE, 500, 0, 80, 40000);
	tcp_state(CLOSE, SYN_SENT, 500, 900, 40001, 80);
	rec(&r, HC_EV_CONNECT, 100, 100, START(2), 3);
	r.u.head.ret = -ECONNREFUSED;
	set(&r, 0, 5);
	sock_fd(&r, HC_A_CONNECT_sockfd, 500, 0);
	sock_fact_of(&r, HC_A_CONNECT_sock_after, 500, 900, CLOSE, 40001, 80, 1);
	push(&r);
	/* it is closed with its connection still there, which ends later; then one comes in there */
	tcp_state(SYN_SENT, ESTABLISHED, 500, 900, 40001, 80);
	tcp_state(FIN_WAIT1, CLOSE, 500, 0, 40001, 80);
	tcp_state(SYN_RECV, ESTABLISHED, 500, 0, 80, 40002);
	/* one more that only ends */
	tcp_state(CLOSE, SYN_SENT, 600, 901, 40003, 80);
	tcp_state(SYN_RECV, CLOSE, 600, 0, 80, 40004);
	finish();
	cr_expect_eq(role_of_state(0), ROLE_SERVER);
	cr_expect_eq(role_of_state(1), ROLE_SERVER);
	cr_expect_eq(role_of_state(2), ROLE_CLIENT);
	at = row_of(HC_EV_CONNECT, 0);
	s = ref_of(at, HC_C_CONNECT_sock_after);
	cr_expect_eq(obj_int(at.b, HC_OBJ_SOCK, HC_O_SOCK_role, s), ROLE_CLIENT);
	cr_expect_eq(role_of_state(3), ROLE_CLIENT);
	cr_expect_eq(role_of_state(4), ROLE_CLIENT, "closed by whoever had it");
	cr_expect_eq(role_of_state(5), ROLE_SERVER);
	at = row_of(HC_EV_TCP_STATE, 5);
	cr_expect_not(obj_has(at.b, HC_OBJ_SOCK, HC_O_SOCK_ino, ref_of(at, HC_C_TCP_STATE_sock)));
	cr_expect_eq(role_of_state(6), ROLE_CLIENT);
	cr_expect_eq(role_of_state(7), ROLE_SERVER);
}

static void send_to(uint64_t key, uint16_t port, const void *data, size_t n)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htobe16(port) };
	char buf[600] = { 0 };
	struct hc_wire_bytes *h = (void *)buf;
	struct rec r;

	sin.sin_addr.s_addr = htobe32(0x0a000001);
	rec(&r, HC_EV_SENDTO, 100, 100, START(2), 6);
	r.u.head.ret = (int64_t)n;
	set(&r, 0, 5);
	sock_fd(&r, HC_A_SENDTO_sockfd, key, 0);
	fact(&r, HC_WIRE_F_ADDR, HC_A_SENDTO_dest_addr, &sin, sizeof(sin));
	sock_fact(&r, HC_A_SENDTO_sock_after, key, 30000, 0, 2);
	h->total = n;
	h->offset = UINT64_MAX;
	memcpy(h + 1, data, n);
	fact(&r, HC_WIRE_F_BYTES, HC_A_SENDTO_data, buf, sizeof(*h) + n);
	push(&r);
}

static const uint8_t question[] = { 0x12, 0x34, 1,   0,   0,   1, 0,   0,   0,   0, 0, 0, 7, 'e', 'x',
	                            'a',  'm',  'p', 'l', 'e', 3, 'o', 'r', 'g', 0, 0, 1, 0, 1 };

Test(tracker, a_new_peer_of_a_datagram_socket_is_told_once)
{
	struct row_at r;
	struct rec s;

	begin();
	alive(100, 100, START(2), 1, "a", 0);
	settle();
	rec(&s, HC_EV_SOCKET, 100, 100, START(2), 4);
	s.u.head.ret = 5;
	sock_fd(&s, HC_A_SOCKET_newfd, 600, HC_WIRE_FD_NEW | HC_WIRE_FD_DEF);
	sock_fact(&s, HC_A_SOCKET_newfd, 600, 0, 0, 2);
	push(&s);
	send_to(600, 1000, "a", 1);
	send_to(600, 1000, "b", 1);
	send_to(600, 2000, "c", 1);
	finish();
	r = row_of(HC_EV_SENDTO, 0);
	cr_expect_eq(obj_int(r.b, HC_OBJ_SOCK, HC_O_SOCK_peer_port, ref_of(r, HC_C_SENDTO_sock_after)), 1000);
	cr_expect_eq(ref_of(row_of(HC_EV_SENDTO, 1), HC_C_SENDTO_sock_after), 0);
	r = row_of(HC_EV_SENDTO, 2);
	cr_expect_eq(obj_int(r.b, HC_OBJ_SOCK, HC_O_SOCK_peer_port, ref_of(r, HC_C_SENDTO_sock_after)), 2000);
}

Test(tracker, a_datagram_to_port_53_becomes_a_dns_row)
{
	struct row_at r;

	begin();
	alive(100, 100, START(2), 1, "a", 0);
	settle();
	send_to(600, 53, question, sizeof(question));
	send_to(600, 5353, question, sizeof(question));
	finish();
	cr_assert_eq(n_rows(HC_EV_NET_DNS), 1);
	r = row_of(HC_EV_NET_DNS, 0);
	cr_expect_str_eq(text_of(r.b, ref_of(r, HC_C_NET_DNS_qname)), "example.org");
}

/* ---- records ---- */

Test(tracker, what_is_excluded_changes_state_and_makes_no_row)
{
	static const char *const comms[] = { "noisy" };
	struct hc_tracker_stats s;

	exclude = (struct hc_exclude){ .comms = comms, .n_comms = 1 };
	begin();
	alive(100, 100, START(2), 1, "noisy", 0);
	alive(101, 101, START(2), 1, "quiet", 0);
	settle();
	call(100, 100, START(2));
	call(101, 101, START(2));
	fork_child(100, START(2), 200, 200, START(11), "noisy");
	call(200, 200, START(11));
	exec_of(200, START(11), 100, "/bin/other", "other", 1);
	call(200, 200, START(11));
	s = hc_tracker_stats(tracker);
	finish();
	cr_expect_eq(n_rows(HC_EV_PERSONALITY), 2);
	cr_expect_eq(s.n_excluded, 3);
	cr_expect_str_eq(exe_of(row_of(HC_EV_PERSONALITY, 1).b, proc_of(row_of(HC_EV_PERSONALITY, 1))),
	                 "/bin/other");
}

Test(tracker, state_only_records_make_no_row)
{
	struct rec r;

	begin();
	alive(100, 100, START(2), 1, "a", 0);
	settle();
	rec(&r, HC_EV_SETUID, 100, 100, START(2), 2);
	r.u.head.flags = HC_WIRE_STATEONLY;
	creds(&r, 9);
	push(&r);
	call(100, 100, START(2));
	finish();
	cr_expect_eq(n_rows(HC_EV_SETUID), 0);
	cr_expect_eq(obj_int(row_of(HC_EV_PERSONALITY, 0).b, HC_OBJ_PROC, HC_O_PROC_uid,
	                     proc_of(row_of(HC_EV_PERSONALITY, 0))),
	             9);
}

Test(tracker, recalled_records_make_no_row_and_are_known)
{
	struct row_at r;

	begin();
	alive(100, 100, START(2), 1, "a", 0);
	settle();
	recalls = true;
	open_at(100, START(2), AT_FDCWD, 0, "/one", "/one", 3, 1000);
	read_fd(100, START(2), 3, 1000);
	read_fd(100, START(2), 3, 1000);
	exec_of(100, START(2), 1, "/bin/b", "b", 1);
	recalls = false;
	cr_expect_eq(hc_tracker_stats(tracker).n_records, 1);
	cr_expect_eq(hc_tracker_stats(tracker).n_excluded, 0);
	read_fd(100, START(2), 3, 1000);
	finish();
	cr_expect_eq(n_rows(HC_EV_OPENAT), 0);
	cr_expect_eq(n_rows(HC_EV_PROC_EXEC), 0);
	cr_assert_eq(n_rows(HC_EV_READ), 1);
	r = row_of(HC_EV_READ, 0);
	cr_expect_str_eq(real_of(r.b, obj_ref(r.b, HC_OBJ_FDOBJ, HC_O_FDOBJ_path, ref_of(r, HC_C_READ_fd_obj))),
	                 "/one");
}

Test(tracker, records_that_make_no_sense_are_counted)
{
	struct rec r;

	begin();
	settle();
	rec(&r, 255, 1, 1, 1, 0);
	push(&r);
	rec(&r, HC_EV_READ, 1, 1, 1, 4);
	r.u.head.n_slots = 17;
	push(&r);
	rec(&r, HC_EV_META_START, 1, 1, 1, 0);
	push(&r);
	call(100, 100, START(2)); /* the next one is fine */
	cr_expect_eq(hc_tracker_stats(tracker).n_bad, 3);
	finish();
	cr_expect_eq(n_rows(HC_EV_PERSONALITY), 1);
}

Test(record, is_refused_at_every_shorter_length)
{
	struct wrec w;
	struct rec r;

	rec(&r, HC_EV_OPENAT, 1, 1, 1, 5);
	str(&r, 1, "/etc/passwd");
	path(&r, HC_WIRE_SUBJ_RET, "/etc/passwd");
	cr_assert_eq(wrec_parse(&r, r.u.head.bytes, &w), 0);
	cr_assert_eq(w.n_facts, 2);
	for (size_t n = 0; n < r.u.head.bytes; n++)
		cr_assert_eq(wrec_parse(&r, n, &w), -EBADMSG, "at %zu bytes", n);
	/* and when it says itself that it is shorter, but inside a fact */
	for (uint32_t n = sizeof(r.u.head), all = r.u.head.bytes; n < all; n += 8) {
		r.u.head.bytes = n;
		if (wrec_parse(&r, n, &w) == 0)
			cr_assert_lt(w.n_facts, 2);
	}
}

Test(path, join_is_lexical)
{
	static const struct {
		const char *base, *rel, *want;
	} cases[] = {
		{ "/a/b", "c", "/a/b/c" },    { "/a/b", "../c", "/a/c" },
		{ "/", "x", "/x" },           { "/a", "/x//y/./z/..", "/x/y" },
		{ "/a", "../../../..", "/" }, { "/a", "", "/a" },
		{ "/a/", "b/", "/a/b" },      { "", "x", "" },
		{ "", "/..", "/" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char buf[256];
		uint32_t n = path_join(hc_str_c(cases[i].base), hc_str_c(cases[i].rel), buf, sizeof(buf));

		buf[n] = '\0';
		cr_expect_str_eq(buf, cases[i].want, "%s + %s = %s", cases[i].base, cases[i].rel, buf);
	}
}

Test(path, join_never_writes_beyond_the_room)
{
	char buf[16];

	memset(buf, 'Z', sizeof(buf));
	cr_expect_leq(path_join(HC_STR("/aaaaaaaa"), HC_STR("bbbbbbbbbbbb"), buf, 12), 12);
	cr_expect_eq(buf[12], 'Z');
}

Test(cgroup, names_the_innermost_and_the_outermost_container)
{
#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2 "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define NONE NULL, NULL, NULL
	static const struct {
		const char *path, *id, *runtime, *own; /* own: the container's own cgroup */
		const char *outer;                     /* NULL: the same as id */
	} cases[] = {
		/* the kubelet's levels, alone and with a runtime below them */
		{ "/kubepods/burstable/pod1-2", NONE, NULL },
		{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice", NONE, NULL },
		{ "/kubepods/burstable/pod1-2/" ID, ID, "cri", "/kubepods/burstable/pod1-2/" ID, NULL },
		{ "/kubepods/pod1-2/" ID, ID, "cri", "/kubepods/pod1-2/" ID, NULL },
		{ "/kubelet/kubepods/pod1/" ID, ID, "cri", "/kubelet/kubepods/pod1/" ID, NULL },
		{ "/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope", ID, "containerd",
		  "/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope", NULL },
		{ "/system.slice/x.slice:cri-containerd:" ID, ID, "containerd",
		  "/system.slice/x.slice:cri-containerd:" ID, NULL },
		{ "/kubepods/pod1/crio-" ID, ID, "cri-o", "/kubepods/pod1/crio-" ID, NULL },
		{ "/kubepods.slice/kubepods-pod1.slice/crio-" ID ".scope/container", ID, "cri-o",
		  "/kubepods.slice/kubepods-pod1.slice/crio-" ID ".scope", NULL },
		{ "/kubepods.slice/kubepods-pod1.slice/crio-conmon-" ID ".scope", NONE, NULL },
		{ "/kubepods/pod1/crio-conmon-" ID, NONE, NULL },
		/* Docker, Podman, nerdctl */
		{ "/docker/" ID, ID, "docker", "/docker/" ID, NULL },
		{ "/docker/" ID "/init", ID, "docker", "/docker/" ID, NULL },
		{ "/system.slice/docker-" ID ".scope", ID, "docker", "/system.slice/docker-" ID ".scope", NULL },
		{ "/system.slice/docker-" ID ".scope/init.scope", ID, "docker",
		  "/system.slice/docker-" ID ".scope", NULL },
		{ "/system.slice/docker-" ID ".scope/system.slice/x.service", ID, "docker",
		  "/system.slice/docker-" ID ".scope", NULL },
		{ "/libpod_parent/libpod-" ID, ID, "podman", "/libpod_parent/libpod-" ID, NULL },
		{ "/libpod_parent/conmon", NONE, NULL },
		{ "/machine.slice/libpod-conmon-" ID ".scope", NONE, NULL },
		{ "/machine.slice/libpod-" ID ".scope/container", ID, "podman",
		  "/machine.slice/libpod-" ID ".scope", NULL },
		{ "/user.slice/user-7.slice/user@7.service/user.slice/libpod-" ID ".scope/container", ID, "podman",
		  "/user.slice/user-7.slice/user@7.service/user.slice/libpod-" ID ".scope", NULL },
		{ "/system.slice/web.service/libpod-payload-" ID, ID, "podman",
		  "/system.slice/web.service/libpod-payload-" ID, NULL },
		{ "/system.slice/nerdctl-" ID ".scope", ID, "containerd", "/system.slice/nerdctl-" ID ".scope",
		  NULL },
		{ "/any/parent/" ID, ID, "oci", "/any/parent/" ID, NULL },
		/* LXC, nspawn */
		{ "/lxc.payload.web/init.scope", "web", "lxc", "/lxc.payload.web", NULL },
		{ "/lxc.monitor.web", NONE, NULL },
		{ "/lxc/web", "web", "lxc", "/lxc/web", NULL },
		{ "/machine.slice/systemd-nspawn@deb.service/payload", "deb", "nspawn",
		  "/machine.slice/systemd-nspawn@deb.service", NULL },
		/* names that only a runtime's files can tell to be containers, and what is none */
		{ "/default/hcctr1", NONE, NULL },
		{ "/hcrunc", NONE, NULL },
		{ "/machine.slice/machine-deb.scope/payload", NONE, NULL },
		{ "/payload", NONE, NULL },
		{ "/system.slice/foo.service/sub", NONE, NULL },
		{ "/user.slice/user-0.slice", NONE, NULL },
		{ "/", NONE, NULL },
		{ "", NONE, NULL },
		{ "/docker/abcdef", NONE, NULL },
		{ "/docker/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeg", NONE, NULL },
		/* one in another */
		{ "/kubepods/pod1/" ID "/docker/" ID2, ID2, "docker", "/kubepods/pod1/" ID "/docker/" ID2, ID },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cgroup_ctr c = cgroup_container(hc_str_c(cases[i].path));
		const char *outer = cases[i].outer ? cases[i].outer : cases[i].id;

		cr_expect(hc_str_eq(c.id, hc_str_c(cases[i].id)) && !c.id.p == !cases[i].id,
		          "%s: '" HC_STR_FMT "'", cases[i].path, HC_STR_ARG(c.id));
		cr_expect(hc_str_eq(c.runtime, hc_str_c(cases[i].runtime)), "%s: '" HC_STR_FMT "'", cases[i].path,
		          HC_STR_ARG(c.runtime));
		cr_expect(hc_str_eq(c.path, hc_str_c(cases[i].own)), "%s: '" HC_STR_FMT "'", cases[i].path,
		          HC_STR_ARG(c.path));
		cr_expect(hc_str_eq(c.outer, hc_str_c(outer)), "%s: '" HC_STR_FMT "'", cases[i].path,
		          HC_STR_ARG(c.outer));
	}
}

Test(dns, a_question_is_read)
{
	struct dns_msg m;

	cr_assert_eq(dns_parse(question, sizeof(question), &m), 0);
	cr_expect_eq(m.id, 0x1234);
	cr_expect_eq(m.qr, 0);
	cr_expect_str_eq(m.qname, "example.org");
	cr_expect_eq(m.qtype, 1);
}

Test(dns, answers_are_read_through_pointers)
{
	uint8_t p[64] = { 0 };
	static const uint8_t answer[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7 };
	struct dns_msg m;

	memcpy(p, question, sizeof(question));
	p[2] = 0x81;
	p[7] = 1;
	memcpy(p + sizeof(question), answer, sizeof(answer));
	cr_assert_eq(dns_parse(p, sizeof(question) + sizeof(answer), &m), 0);
	cr_assert_eq(m.n_answers, 1);
	cr_expect_str_eq(m.answer[0].name, "example.org");
	cr_expect_str_eq(m.answer[0].data, "192.0.2.7");
	cr_expect_eq(m.answer[0].ttl, 60);
	cr_expect_not(m.truncated);
	for (size_t n = 0; n < sizeof(question) + sizeof(answer); n++) { /* cut: never more than there is */
		int r = dns_parse(p, n, &m);

		cr_expect(r == -EBADMSG || (m.truncated && m.n_answers == 0), "at %zu bytes", n);
	}
}

Test(dns, pointers_that_go_round_are_refused)
{
	uint8_t p[32] = { 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0 };
	struct dns_msg m;

	p[12] = 0xc0;
	p[13] = 12; /* itself */
	cr_expect_eq(dns_parse(p, sizeof(p), &m), -EBADMSG);
	p[12] = 1;
	p[13] = 'a';
	p[14] = 0xc0;
	p[15] = 12; /* a name that contains itself */
	cr_expect_eq(dns_parse(p, sizeof(p), &m), -EBADMSG);
	p[14] = 0xc0;
	p[15] = 20; /* forwards */
	cr_expect_eq(dns_parse(p, sizeof(p), &m), -EBADMSG);
}

Test(table, loses_nothing_when_swept)
{
	static uint64_t keys[3000];
	struct table t = { 0 };
	uint64_t *k;
	uint32_t n = 0;

	for (unsigned i = 0; i < 3000; i++) {
		keys[i] = i;
		/* many share a slot, and the last slots run over into the first */
		cr_assert(table_add(&t, (uint64_t)0 - i % 37, &keys[i]));
	}
	TABLE_SWEEP(&t, at, k)
	{
		if (*k % 3)
			TABLE_SWEEP_REMOVE(&t, at);
	}
	cr_expect_eq(t.n, 1000);
	TABLE_ALL(&t, at, k)
	{
		cr_expect_eq(*k % 3, 0);
		n++;
	}
	cr_expect_eq(n, 1000);
	for (unsigned i = 0; i < 3000; i++) {
		bool found = false;

		TABLE_EACH(&t, (uint64_t)0 - i % 37, at, k)
		found |= k == &keys[i];
		cr_expect_eq(found, i % 3 == 0, "%u", i);
	}
	TABLE_SWEEP(&t, at, k)
	TABLE_SWEEP_REMOVE(&t, at);
	cr_expect_eq(t.n, 0);
	table_done(&t);
}

/* ---- how much is kept ---- */

extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated(void)
{
	struct mallinfo2 m;

	if (__sanitizer_get_current_allocated_bytes)
		return __sanitizer_get_current_allocated_bytes();
	m = mallinfo2();
	return m.uordblks + m.hblkhd;
}

/* Records that change what is known, and make no rows. */
static void begin_unwritten(void)
{
	begin();
	alive(1, 1, START(1), 0, "init", 0);
	settle();
	fork_child(1, START(1), 2, 2, START(2), "a");
	exec_of(2, START(2), 1, "/bin/a", "a", 1);
	more_flags = HC_WIRE_STATEONLY;
}

static void end_unwritten(void)
{
	tracker = hc_tracker_free(tracker); /* which finds that all it has counted is gone */
	writer = hc_writer_abort(writer);
}

/* A program with an environment of its own, as long as a record of the test can be. */
static void exec_big(uint32_t pid, uint64_t start, uint32_t ppid, uint32_t exec_id)
{
	struct hc_wire_task w = task_of(pid, pid, start, ppid, 0, "big");
	static char env[30000];
	struct rec r;

	for (size_t at = 0; at + 40 < sizeof(env); at += 40)
		snprintf(env + at, 41, "VARIABLE_%09zu_%09u_%08u", at, pid, exec_id);
	rec(&r, HC_EV_PROC_EXEC, pid, pid, start, 9);
	r.u.head.exec_id = w.exec_id = exec_id;
	set(&r, HC_A_PROC_EXEC_old_tid, pid);
	str(&r, HC_A_PROC_EXEC_filename, "/bin/big");
	fact(&r, HC_WIRE_F_ENV, HC_WIRE_SUBJ_ROW, env, sizeof(env));
	fact(&r, HC_WIRE_F_TASK, HC_WIRE_SUBJ_ROW, &w, sizeof(w));
	push(&r);
}

static void connect_to(uint32_t pid, uint64_t start, uint64_t key)
{
	struct rec r;

	rec(&r, HC_EV_CONNECT, pid, pid, start, 3);
	set(&r, 0, 5);
	sock_fd(&r, HC_A_CONNECT_sockfd, key, HC_WIRE_FD_DEF);
	sock_fact(&r, HC_A_CONNECT_sock_after, key, 40000, 443, 1);
	push(&r);
}

static void open_long(uint32_t pid, uint64_t start, uint64_t key)
{
	char name[200];

	snprintf(name, sizeof(name), "/data/%0150u/%08llu", pid, (unsigned long long)key);
	open_at(pid, start, AT_FDCWD, 0, name, name, 3, key);
}

Test(tracker, whatever_runs_what_is_known_stays_below_its_bound)
{
	const uint64_t slack = 1 << 20; /* what comes between two looks, and growing tables */
	size_t before;
	struct hc_tracker_stats s;

	max_bytes = 12 << 20;
	begin_unwritten();
	before = allocated();
	for (uint32_t i = 0; i < 1500; i++) {
		/* each the child of the one before, for a while: a deep tree of programs that differ, some of
		 * which run others in their turn, and half of which end */
		uint32_t parent = i % 300 ? 1000 + i - 1 : 1, pid = 1000 + i;
		uint64_t pstart = parent == 1 ? START(1) : START(20) + parent, start = START(20) + pid;

		fork_child(parent, pstart, pid, pid, start, "big");
		exec_big(pid, start, parent, 1);
		if (i % 3 == 0)
			exec_big(pid, start, parent, 2);
		for (unsigned k = 0; k < 4; k++) {
			open_long(pid, start, 100000 + 16 * i + 2 * k);
			connect_to(pid, start, 1000000 + 16 * i + k);
		}
		call(2, 2, START(2));
		if (i > 100 && i % 2)
			exit_of(pid - 100, pid - 100, start - 100, true);
		cr_assert_leq(tracker_bytes(tracker), max_bytes + slack, "after %u processes", i);
		cr_assert_not(proc_find(tracker, 2, START(2))->cur->flags & HC_PROC_SYNTH, "%u", i);
		cr_assert_leq(allocated() - before, max_bytes + slack, "after %u processes", i);
	}
	s = hc_tracker_stats(tracker);
	cr_expect_gt(s.n_limited, 0);
	cr_expect_gt(s.n_evicted_procs, 100);
	cr_expect_gt(s.n_evicted_fds, 1000);
	cr_expect_gt(s.n_evicted_socks, 1000);
	/* one that is heard of all the time is known as it was, and one that was not is as if it had not been born
	 */
	cr_assert(proc_find(tracker, 2, START(2)));
	cr_expect_not(proc_find(tracker, 2, START(2))->cur->flags & HC_PROC_SYNTH);
	cr_expect_eq(s.n_unborn, hc_tracker_stats(tracker).n_unborn);
	cr_assert_not(proc_find(tracker, 1010, START(20) + 1010));
	call(1010, 1010, START(20) + 1010);
	cr_expect_eq(hc_tracker_stats(tracker).n_unborn, s.n_unborn + 1);
	end_unwritten();
}

/* ---- records that change nothing ---- */

struct blocks_seen {
	uint32_t n;
	uint8_t sha256[64][32];
};

static int block_seen(void *ctx, const char *path, const struct hc_seg_header *seg,
                      const struct hc_seg_block *block, struct hc_err *err)
{
	struct blocks_seen *seen = ctx;

	(void)path, (void)seg, (void)err;
	cr_assert_lt(seen->n, 64);
	memcpy(seen->sha256[seen->n++], block->sha256, 32);
	return 0;
}

static uint64_t dice;

static unsigned roll(unsigned n)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (unsigned)(dice >> 32) % n;
}

/* A call with descriptors that are known, mostly, or not quite as they are known. */
static void some_call(uint32_t tid, uint32_t pid, uint64_t start, uint32_t exec_id)
{
	static const uint16_t types[] = { HC_EV_READ,      HC_EV_WRITE,  HC_EV_PREAD64,    HC_EV_CLOSE,
		                          HC_EV_EPOLL_CTL, HC_EV_FCNTL,  HC_EV_NEWFSTATAT, HC_EV_EPOLL_WAIT,
		                          HC_EV_LISTEN,    HC_EV_GETGID, HC_EV_IOCTL,      HC_EV_SETGROUPS,
		                          HC_EV_RECVFROM,  HC_EV_SENDTO, HC_EV_CONNECT,    HC_EV_BIND,
		                          HC_EV_ACCESS,    HC_EV_RMDIR,  HC_EV_STATX,      HC_EV_FANOTIFY_MARK,
		                          HC_EV_READLINK,  HC_EV_SYS };
	unsigned type = types[roll(sizeof(types) / sizeof(types[0]))], n_slots = hc_event_desc(type)->n_wire;
	struct rec r;

	rec(&r, type, tid, pid, start, n_slots);
	r.u.head.exec_id = exec_id;
	r.u.head.nr = roll(30) ? 1 : UINT32_MAX;
	r.u.head.ret = (int64_t)roll(100) - 10;
	r.u.head.flags = roll(20) ? 0 : (uint16_t)(1u << roll(15));
	r.u.head.flags &= (uint16_t) ~(HC_WIRE_SNAPSHOT | HC_WIRE_ENTRY);
	for (unsigned i = 0; i < n_slots; i++)
		set(&r, i, roll(10) ? roll(1000) : HC_WIRE_ABSENT);
	for (unsigned i = roll(8) ? roll(3) : roll(5); i > 0; i--) {
		struct hc_wire_fd w = { .key = 1000 + roll(12), .fd = 3, .pos = roll(100), .i_mode = 0100644 };

		w.inode_key = roll(3) ? w.key + 1 : w.key; /* of a file, or of a socket */
		w.f_flags = roll(20) ? 0 : 02000;
		w.flags = roll(20) ? 0 : roll(2) ? HC_WIRE_FD_BAD : HC_WIRE_FD_DEF;
		fact(&r, HC_WIRE_F_FD, roll(12) ? roll(2) * 2 : HC_WIRE_SUBJ_RET, &w,
		     sizeof(w) - (roll(60) ? 0 : 8));
	}
	for (unsigned i = roll(3) ? roll(2) : roll(3); i > 0; i--) {
		char name[32];

		snprintf(name, sizeof(name), roll(4) ? "/d%u" : roll(3) ? "d%u" : "", roll(20));
		fact(&r, HC_WIRE_F_STR, roll(3), name, strlen(name) + roll(2));
	}
	if (roll(30) == 0)
		r.u.head.bytes += 8; /* a fact of 0 bytes */
	push(&r);
}

/* What four processes of two threads and their children do, the same each time; the blocks that come of it. */
static void some_life(struct blocks_seen *seen)
{
	struct hc_tracker_opts to = { .exclude = exclude };
	struct hc_writer_opts wo = { .dir = dir,
		                     .node = "n",
		                     .tool = "t",
		                     .capture_id = { 1 },
		                     .boot_id = { 2 },
		                     .on_block = block_seen,
		                     .ctx = seen };
	uint32_t exec_ids[8] = { 0 };

	clock_ns = 10 * SECOND;
	dice = 88172645463325252;
	snprintf(dir, sizeof(dir), "/tmp/hc-tracker-XXXXXX");
	cr_assert(mkdtemp(dir));
	cr_assert_eq(hc_tracker_new(&to, &tracker, NULL), 0);
	cr_assert_eq(hc_writer_open(&wo, &writer, NULL), 0);
	hc_tracker_set_writer(tracker, writer);
	for (uint32_t i = 0; i < 4; i++)
		alive(100 + i, 100 + i, START(2), 1, "a", 0);
	settle();
	for (unsigned i = 0; i < 60000; i++) {
		uint32_t n = roll(4), pid = 100 + n, tid = roll(3) ? pid : 200 + n, parent = roll(4);
		uint64_t key = 1000 + roll(12);
		char name[32];

		snprintf(name, sizeof(name), "/f%u", roll(30));
		switch (roll(60)) {
		case 0:
			open_at(pid, START(2), AT_FDCWD, 0, name, name, 3, key);
			break;
		case 1:
			exec_of(pid, START(2), 1, "/bin/x", name, exec_ids[n] += 1 + (roll(4) == 0));
			break;
		case 2:
			rename_self(pid, START(2), name);
			break;
		case 3:
			connect_to(pid, START(2), key);
			break;
		case 4:
			if (roll(3) == 0 && parent != n)
				exit_of(pid, pid, START(2), true);
			break;
		case 5:
			fork_child(100 + parent, START(2), 300 + n, 300 + n, START(3), "c");
			break;
		case 6:
		case 7:
			some_call(300 + n, 300 + n, START(3), 0);
			break;
		default:
			some_call(tid, pid, START(2), exec_ids[n] + (roll(200) == 0));
		}
		clock_ns += roll(3000) ? 0 : SECOND;
	}
	finish();
	end();
}

Test(tracker, what_changes_nothing_makes_the_same_rows_by_the_short_way)
{
	struct blocks_seen by_short = { 0 }, by_long = { 0 };

	exclude.pids = (const uint32_t[]){ 103 };
	exclude.n_pids = 1;
	some_life(&by_short);
	more_facts = true;
	some_life(&by_long);
	begin(); /* for the end */
	finish();
	cr_assert_gt(by_short.n, 3);
	cr_assert_eq(by_short.n, by_long.n);
	for (uint32_t i = 0; i < by_short.n; i++)
		cr_expect_arr_eq(by_short.sha256[i], by_long.sha256[i], 32, "block %u", i);
}

Test(tracker, full_tables_let_go_of_what_was_not_used_lately)
{
	struct hc_tracker_stats s;
	struct tfd *f;
	bool found = false;

	begin_unwritten();
	open_long(2, START(2), 10);
	for (uint32_t i = 0; i < MAX_FDS + 3000; i++) {
		open_long(2, START(2), 1000 + 2 * i);
		if (i % 100 == 0)
			read_fd(2, START(2), 3, 10);
	}
	for (uint32_t i = 0; i < MAX_SOCKS + 3000; i++)
		connect_to(2, START(2), 1000000 + i);
	s = hc_tracker_stats(tracker);
	cr_expect_leq(s.n_fds, MAX_FDS);
	cr_expect_leq(s.n_paths, MAX_PATHS);
	cr_expect_leq(s.n_socks, MAX_SOCKS);
	cr_expect_geq(s.n_evicted_fds, 3000);
	cr_expect_geq(s.n_evicted_socks, 3000);
	cr_expect_geq(s.n_evicted_paths, 3000);
	cr_expect_eq(s.n_limited, 0);
	open_long(2, START(2), 12);
	for (uint32_t i = 0; i < MAX_FDS; i++) {
		open_long(2, START(2), 1000 + 2 * i);
		if (i % 100 == 0)
			read_fd(2, START(2), 3, 12);
	}
	TABLE_ALL(&tracker->fds, at, f)
	found |= f->key == 12 && f->path != NULL;
	cr_expect(found, "an open file that is used all the time was forgotten");
	end_unwritten();
}
