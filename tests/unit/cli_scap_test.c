/* A recording becomes a scap file and a capture again: what came in another order than it happened, and what
 * readers of such files do not follow, is the same in both. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/import.h"
#include "capture/tracker.h"
#include "query/scap_export.h"
#include "replay/value.h"
#include "store/block.h"
#include "store/capture.h"
#include "wire_rec.h"

#define MAX_OPENS 32

static char dir[64];
static struct hc_tracker *tracker;
static struct hc_writer *writer;

static void make_recording(void)
{
	struct hc_tracker_opts to = { 0 };
	struct hc_writer_opts wo = { .node = "n", .tool = "t", .capture_id = { 1 }, .boot_id = { 2 } };
	struct hc_err err = { 0 };
	static char capture[80];

	snprintf(dir, sizeof(dir), "/tmp/hc-scap-XXXXXX");
	cr_assert(mkdtemp(dir));
	snprintf(capture, sizeof(capture), "%s/cap", dir);
	wo.dir = capture;
	cr_assert_eq(hc_tracker_new(&to, &tracker, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_writer_open(&wo, &writer, &err), 0, "%s", err.msg);
	hc_tracker_set_writer(tracker, writer);
}

static uint64_t start_of(uint32_t pid)
{
	return pid * SECOND / 100;
}

static void row(struct rec *r, unsigned type, uint32_t tid, uint32_t pid, unsigned n_slots)
{
	rec(r, type, tid, pid, start_of(pid), n_slots);
}

static struct hc_wire_task child_of(uint32_t ppid, uint32_t tid, uint32_t pid, const char *comm)
{
	return task_of(tid, pid, start_of(pid), ppid, start_of(ppid), comm);
}

static void push(struct rec *r)
{
	struct hc_err err = { 0 };

	cr_assert_eq(hc_tracker_push(tracker, &r->u.head, r->u.head.bytes, false, &err), 0, "%s", err.msg);
}

/* Alive at the start, in /home. */
static void alive(uint32_t pid, const char *comm)
{
	struct hc_wire_task w = child_of(1, pid, pid, comm);
	struct rec r;

	row(&r, HC_EV_META_STATE, pid, pid, 0);
	r.u.head.flags = HC_WIRE_SNAPSHOT;
	fact(&r, HC_WIRE_F_TASK, HC_WIRE_SUBJ_ROW, &w, sizeof(w));
	creds(&r, 1000);
	path(&r, HC_WIRE_SUBJ_CWD, "/home");
	push(&r);
}

/* A recording of a machine with one process, 100. */
static void begin(void)
{
	make_recording();
	alive(100, "sh");
	hc_tracker_snapshot_done(tracker, NULL);
}

static void fork_child(uint32_t parent, uint32_t tid, uint32_t pid, const char *comm)
{
	struct hc_wire_task w = child_of(parent, tid, pid, comm);
	struct rec r;

	row(&r, HC_EV_PROC_FORK, parent, parent, 8);
	set(&r, HC_A_PROC_FORK_child_tid, tid);
	set(&r, HC_A_PROC_FORK_child_pid, pid);
	set(&r, HC_A_PROC_FORK_child_vtid, tid);
	set(&r, HC_A_PROC_FORK_is_thread, tid != pid);
	set(&r, HC_A_PROC_FORK_clone_flags, tid != pid ? 0x10f00 : 0);
	fact(&r, HC_WIRE_F_TASK, HC_WIRE_SUBJ_TARGET, &w, sizeof(w));
	push(&r);
}

static void exec_of(uint32_t pid, uint32_t ppid, const char *exe, const char *comm, uint32_t exec_id)
{
	struct hc_wire_task w = child_of(ppid, pid, pid, comm);
	struct rec r;

	row(&r, HC_EV_PROC_EXEC, pid, pid, 9);
	r.u.head.exec_id = exec_id;
	w.exec_id = exec_id;
	set(&r, HC_A_PROC_EXEC_argc, 2);
	set(&r, HC_A_PROC_EXEC_old_tid, pid);
	fact(&r, HC_WIRE_F_STR, HC_A_PROC_EXEC_filename, exe, strlen(exe));
	fact(&r, HC_WIRE_F_ARGV, HC_A_PROC_EXEC_argc, "prog\0arg", 9);
	fact(&r, HC_WIRE_F_TASK, HC_WIRE_SUBJ_ROW, &w, sizeof(w));
	creds(&r, 1000);
	path(&r, HC_WIRE_SUBJ_EXE, exe);
	push(&r);
}

static void exit_of(uint32_t tid, uint32_t pid, bool last)
{
	struct rec r;

	row(&r, HC_EV_PROC_EXIT, tid, pid, 10);
	set(&r, HC_A_PROC_EXIT_group_dead, last);
	push(&r);
}

/* A call that leaves the process in another directory; `given`: what it is called with. */
static void moves(unsigned type, uint32_t pid, const char *given, const char *cwd)
{
	struct rec r;

	row(&r, type, pid, pid, 2);
	fact(&r, HC_WIRE_F_STR, 0, given, strlen(given));
	path(&r, HC_WIRE_SUBJ_CWD, cwd);
	push(&r);
}

/* setresuid(-1, given, -1), which leaves the process with a user. */
static void becomes(uint32_t pid, uint32_t given, uint32_t uid)
{
	struct rec r;

	row(&r, HC_EV_SETRESUID, pid, pid, 3);
	set(&r, 0, UINT32_MAX);
	set(&r, 1, given);
	set(&r, 2, UINT32_MAX);
	creds(&r, uid);
	push(&r);
}

static void open_by(uint32_t tid, uint32_t pid, uint32_t exec_id, const char *given, const char *real)
{
	static uint64_t key = 1000;
	struct hc_wire_file file = { .ino = key + 1, .mode = 0100644, .fs_magic = 0xef53, .dev = 8 << 20 | 1 };
	struct hc_wire_fd w = { .key = key += 10,
		                .inode_key = key + 1,
		                .ino = key + 1,
		                .fd = 3,
		                .flags = HC_WIRE_FD_NEW | HC_WIRE_FD_DEF,
		                .i_mode = 0100644,
		                .f_mode = 2,
		                .fs_magic = 0xef53 };
	struct rec r;

	row(&r, HC_EV_OPENAT, tid, pid, 5);
	r.u.head.ret = w.fd;
	r.u.head.exec_id = exec_id;
	set(&r, HC_A_OPENAT_dirfd, (uint64_t)(int64_t)AT_FDCWD);
	set(&r, HC_A_OPENAT_flags, O_WRONLY | O_CREAT);
	fact(&r, HC_WIRE_F_STR, HC_A_OPENAT_pathname, given, strlen(given));
	fact(&r, HC_WIRE_F_FD, HC_WIRE_SUBJ_RET, &w, sizeof(w));
	fact(&r, HC_WIRE_F_FILE, HC_WIRE_SUBJ_RET, &file, sizeof(file));
	path(&r, HC_WIRE_SUBJ_RET, real);
	push(&r);
}

/* ---- what both have of each open ---- */

static struct hc_str path_text(struct hc_view *v, uint32_t p)
{
	struct hc_str s = hc_view_text(v, HC_OBJ_PATH, HC_O_PATH_abs, p);

	if (!s.p)
		s = hc_view_text(v, HC_OBJ_PATH, HC_O_PATH_real, p);
	return s.p ? s : hc_view_text(v, HC_OBJ_PATH, HC_O_PATH_given, p);
}

static void describe(struct hc_view *v, uint32_t entry, char *buf, size_t room)
{
	unsigned dom = HC_DOM_ROWS(HC_EV_OPENAT);
	uint32_t task = hc_view_ref(v, dom, HC_COL_TASK, entry);
	uint32_t proc = hc_view_ref(v, HC_OBJ_TASK, HC_O_TASK_proc, task), n;
	uint32_t image = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_image, proc);
	uint32_t fd = hc_view_ref(v, dom, HC_C_OPENAT_newfd, entry);
	const uint32_t *argv = hc_view_strs(v, hc_view_ref(v, HC_OBJ_IMAGE, HC_O_IMAGE_argv, image), &n);
	struct hc_str comm = hc_view_text(v, HC_OBJ_PROC, HC_O_PROC_image_comm, proc);
	struct hc_str name = path_text(v, hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_path, fd));
	struct hc_str exe = path_text(v, hc_view_ref(v, HC_OBJ_IMAGE, HC_O_IMAGE_exe, image));
	struct hc_str last = n > 1 ? hc_view_str(v, argv[n - 1]) : HC_STR("");

	snprintf(buf, room,
	         "tid %" PRId64 " pid %" PRId64 " '" HC_STR_FMT "' " HC_STR_FMT " [" HC_STR_FMT "] uid %" PRId64
	         ": " HC_STR_FMT,
	         hc_view_int_or(v, HC_OBJ_TASK, HC_O_TASK_tid, task, -1),
	         hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_pid, proc, -1), HC_STR_ARG(comm), HC_STR_ARG(exe),
	         HC_STR_ARG(last),
	         (int64_t)(uint32_t)hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_euid, proc, UINT32_MAX),
	         HC_STR_ARG(name));
}

/* Of those that rules see, in their order. */
static unsigned opens_of(const char *capture, char got[MAX_OPENS][256])
{
	struct hc_capture *cap;
	struct hc_err err = { 0 };
	uint32_t *selected, n_blocks, n = 0;

	cr_assert_eq(hc_capture_open(capture, HC_CAPTURE_NO_INDEX, &cap, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_capture_select(cap, &(struct hc_block_filter){ 0 }, &selected, &n_blocks, &err), 0, "%s",
	             err.msg);
	for (uint32_t i = 0; i < n_blocks; i++) {
		struct hc_view *v = hc_view_new();
		struct hc_block *b;
		struct hc_rows rows;

		cr_assert_eq(hc_capture_load(cap, selected[i], &b, &err), 0, "%s", err.msg);
		cr_assert_eq(hc_block_rows(b, &rows, &err), 0, "%s", err.msg);
		hc_view_set(v, b, NULL);
		for (uint32_t k = 0; k < rows.n; k++) {
			unsigned dom = HC_DOM_ROWS(rows.type[k]);
			uint32_t entry = rows.pos[k] + 1;

			if (rows.type[k] != HC_EV_OPENAT ||
			    hc_view_int_or(v, dom, HC_COL_ROW_FLAGS, entry, 0) & HC_ROW_STATEONLY)
				continue;
			cr_assert_lt(n, MAX_OPENS);
			describe(v, entry, got[n++], 256);
		}
		hc_view_free(v);
		hc_block_close(b);
	}
	free(selected);
	hc_capture_close(cap);
	return n;
}

static void expect_same(unsigned n_opens)
{
	static char before[MAX_OPENS][256], after[MAX_OPENS][256];
	char capture[80], file[80], again[80], cmd[80];
	struct hc_scap_export_opts eo = { 0 };
	struct hc_scap_export_stats stats;
	struct hc_import_opts io = { .file = file, .dir = again, .tool = "t" };
	struct hc_import_summary summary;
	struct hc_capture *cap;
	struct hc_err err = { 0 };

	snprintf(capture, sizeof(capture), "%s/cap", dir);
	snprintf(file, sizeof(file), "%s/file.scap", dir);
	snprintf(again, sizeof(again), "%s/again", dir);
	cr_assert_eq(hc_writer_close(writer, &err), 0, "%s", err.msg);
	tracker = hc_tracker_free(tracker);
	cr_assert_eq(hc_capture_open(capture, HC_CAPTURE_NO_INDEX, &cap, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_scap_export(cap, file, &eo, &stats, &err), 0, "%s", err.msg);
	hc_capture_close(cap);
	cr_assert_eq(hc_import_scap(&io, &summary, &err), 0, "%s", err.msg);
	cr_expect_eq(opens_of(capture, before), n_opens);
	cr_expect_eq(opens_of(again, after), n_opens);
	for (unsigned i = 0; i < n_opens; i++)
		cr_expect_str_eq(after[i], before[i], "open %u: %s became %s", i, before[i], after[i]);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	cr_assert_eq(system(cmd), 0);
}

/* ---- */

Test(scap, what_comes_after_a_process_has_ended_is_still_its_own)
{
	begin();
	fork_child(100, 200, 200, "sh");
	exec_of(200, 100, "/bin/writer", "writer", 1);
	open_by(200, 200, 1, "/x1", "/x1");
	exit_of(200, 200, true);
	open_by(200, 200, 1, "/x2", "/x2");
	open_by(200, 200, 1, "x3", "/home/x3");
	/* one that its late fork makes */
	fork_child(200, 201, 201, "writer");
	open_by(201, 201, 1, "x4", "/home/x4");
	open_by(100, 100, 0, "x5", "/home/x5");
	expect_same(5);
}

Test(scap, a_number_used_again_is_nobody_who_came_late)
{
	begin();
	fork_child(100, 200, 200, "sh");
	exec_of(200, 100, "/bin/writer", "writer", 1);
	exit_of(200, 200, true);
	open_by(200, 200, 1, "/x1", "/x1");
	fork_child(100, 200, 200, "sh");
	open_by(200, 200, 0, "x2", "/home/x2");
	expect_same(2);
}

Test(scap, threads_that_come_after_their_end_do_not_disturb_the_others)
{
	begin();
	fork_child(100, 200, 200, "sh");
	exec_of(200, 100, "/bin/writer", "writer", 1);
	fork_child(200, 201, 200, "writer");
	fork_child(200, 202, 200, "writer");
	moves(HC_EV_CHDIR, 200, "/", "/");
	exit_of(201, 200, false);
	open_by(201, 200, 1, "x1", "/x1");
	open_by(202, 200, 1, "x2", "/x2");
	open_by(200, 200, 1, "x3", "/x3");
	exit_of(200, 200, false);
	open_by(202, 200, 1, "x4", "/x4");
	open_by(200, 200, 1, "x5", "/x5");
	exit_of(202, 200, true);
	open_by(202, 200, 1, "x6", "/x6");
	open_by(200, 200, 1, "x7", "/x7");
	open_by(201, 200, 1, "x8", "/x8");
	open_by(202, 200, 1, "x9", "/x9");
	expect_same(9);
}

Test(scap, what_comes_before_the_birth_of_its_process_is_seen_the_same)
{
	begin();
	open_by(200, 200, 0, "x1", "/x1");
	open_by(200, 200, 0, "/x2", "/x2");
	moves(HC_EV_CHDIR, 200, "/", "/");
	open_by(200, 200, 0, "x3", "/x3");
	fork_child(100, 200, 200, "sh");
	open_by(200, 200, 0, "x4", "/x4");
	exec_of(200, 100, "/bin/writer", "writer", 1);
	open_by(200, 200, 1, "x5", "/x5");
	open_by(201, 200, 1, "x6", "/x6");
	fork_child(200, 201, 200, "writer");
	open_by(201, 200, 1, "x7", "/x7");
	expect_same(7);
}

Test(scap, what_comes_after_the_end_of_a_process_that_another_thread_went_on_as_is_its_own)
{
	begin();
	fork_child(100, 200, 200, "sh");
	fork_child(200, 201, 200, "sh");
	exit_of(200, 200, false);
	exec_of(200, 100, "/bin/writer", "writer", 1); /* the other one's, which has the number then */
	open_by(200, 200, 1, "x1", "/home/x1");
	exit_of(200, 200, true);
	open_by(200, 200, 1, "x2", "/home/x2");
	expect_same(2);
}

Test(scap, users_are_those_that_any_call_leaves_the_process_with)
{
	begin();
	fork_child(100, 200, 200, "sh");
	becomes(200, 7, 7);
	open_by(200, 200, 0, "x1", "/home/x1");
	becomes(200, UINT32_MAX, 7); /* the saved one alone: readers take the parameter for the user */
	open_by(200, 200, 0, "x2", "/home/x2");
	expect_same(2);
}

Test(scap, directories_are_those_that_any_call_leaves_the_process_in)
{
	begin();
	fork_child(100, 200, 200, "sh");
	moves(HC_EV_CHDIR, 200, "jail", "/home/jail");
	open_by(200, 200, 0, "x1", "/home/jail/x1");
	moves(HC_EV_CHROOT, 200, ".", "/");
	open_by(200, 200, 0, "x2", "/x2");
	fork_child(200, 201, 201, "sh");
	open_by(201, 201, 0, "x3", "/x3");
	moves(HC_EV_CHDIR, 201, "link", "/target");
	open_by(201, 201, 0, "x4", "/target/x4");
	moves(HC_EV_PIVOT_ROOT, 201, "/mnt", "/old");
	open_by(201, 201, 0, "x5", "/old/x5");
	open_by(100, 100, 0, "x6", "/home/x6");
	expect_same(6);
}
