/* Prints wire records as they come from the kernel: what the recorder's kernel side says before anybody interprets
 * it.
 *
 *     hc-wiredump [-p minimal|security|full] [-t TYPE[,TYPE..]] [-s SNAPLEN] [-S] [-q] [-- COMMAND...]
 *
 * -t: only these types; -S: the tasks alive first; -q: no records, only counters. With a command: its life long,
 * else until SIGINT. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/live.h"

static volatile sig_atomic_t stop_now;
static bool quiet;
static pid_t only_tree;
static uint64_t n_records, n_late;

static void on_signal(int sig)
{
	(void)sig;
	stop_now = 1;
}

static void put_text(const uint8_t *p, size_t n)
{
	putchar('"');
	for (size_t i = 0; i < n; i++) {
		if (p[i] >= ' ' && p[i] < 127 && p[i] != '"' && p[i] != '\\')
			putchar(p[i]);
		else
			printf("\\x%02x", p[i]);
	}
	putchar('"');
}

static void put_subject(unsigned subject)
{
	static const char *const names[] = { "row",   "ret",    "ret2",   "cwd",    "root",   "exe",
		                             "stdin", "stdout", "stderr", "target", "parent", "file" };
	unsigned i = 0xffffu - subject;

	if (subject < HC_WIRE_MAX_SLOTS)
		printf("%u", subject);
	else if (i < sizeof(names) / sizeof(names[0]))
		printf("%s", names[i]);
	else
		printf("%#x", subject);
}

static void put_path(const uint8_t *p, size_t n)
{
	struct hc_wire_path w;
	const char *comps[256];
	size_t n_comps = 0;
	const uint8_t *end = p + n;

	memcpy(&w, p, sizeof(w));
	p += sizeof(w);
	while (p < end && n_comps < 256) {
		const uint8_t *nul = memchr(p, 0, (size_t)(end - p));

		if (!nul)
			break;
		comps[n_comps++] = (const char *)p;
		p = nul + 1;
	}
	if (!(w.flags & HC_WIRE_PATH_NAME))
		putchar('/');
	for (size_t i = n_comps; i-- > 0;)
		printf("%s%s", comps[i], i ? "/" : "");
	if (n_comps != w.n_comps)
		printf(" <%u comps said>", w.n_comps);
	printf(" fs=%u flags=%x mntns=%u", w.n_fs_comps, w.flags, w.mnt_ns);
}

static void put_addr(unsigned family, const uint8_t *a, unsigned port)
{
	char text[64] = "-";

	if (family == 2)
		inet_ntop(AF_INET, a, text, sizeof(text));
	else if (family == 10)
		inet_ntop(AF_INET6, a, text, sizeof(text));
	printf("%s:%u", text, port);
}

static void put_fact(const struct hc_wire_fact *f, const uint8_t *p)
{
	printf("\n    ");
	switch (f->kind) {
	case HC_WIRE_F_STR:
		printf("str[");
		put_subject(f->subject);
		printf("]=");
		put_text(p, f->bytes);
		break;
	case HC_WIRE_F_PATH:
		printf("path[");
		put_subject(f->subject);
		printf("]=");
		put_path(p, f->bytes);
		break;
	case HC_WIRE_F_FILE: {
		struct hc_wire_file w;

		memcpy(&w, p, sizeof(w));
		printf("file[");
		put_subject(f->subject);
		printf("] dev=%u:%u ino=%llu size=%llu mode=%o nlink=%u uid=%u gid=%u rdev=%u:%u magic=%x "
		       "mnt=%u/%x sb=%x layer=%u mtime=%lld.%09lld ctime=%lld",
		       w.dev >> 20, w.dev & 0xfffff, (unsigned long long)w.ino, (unsigned long long)w.size, w.mode,
		       w.nlink, w.uid, w.gid, w.rdev >> 20, w.rdev & 0xfffff, w.fs_magic, w.mnt_id, w.mnt_flags,
		       w.sb_flags, w.layer, (long long)w.mtime_ns / 1000000000, (long long)w.mtime_ns % 1000000000,
		       (long long)w.ctime_ns / 1000000000);
		break;
	}
	case HC_WIRE_F_FD: {
		struct hc_wire_fd w;

		memcpy(&w, p, sizeof(w));
		printf("fd[");
		put_subject(f->subject);
		printf("] %d key=%llx ino=%llu dev=%u:%u f_flags=%o f_mode=%x i_mode=%o magic=%x pos=%llu "
		       "target=%u place=%u%s%s%s%s",
		       w.fd, (unsigned long long)w.key & 0xffffff, (unsigned long long)w.ino, w.dev >> 20,
		       w.dev & 0xfffff, w.f_flags, w.f_mode, w.i_mode, w.fs_magic, (unsigned long long)w.pos,
		       w.target, w.place, w.flags & HC_WIRE_FD_NEW ? " NEW" : "",
		       w.flags & HC_WIRE_FD_DEF ? " DEF" : "", w.flags & HC_WIRE_FD_BAD ? " BAD" : "",
		       w.flags & HC_WIRE_FD_SAME ? " SAME" : "");
		break;
	}
	case HC_WIRE_F_SOCK: {
		struct hc_wire_sock w;

		memcpy(&w, p, sizeof(w));
		printf("sock[");
		put_subject(f->subject);
		printf("] af=%u type=%u proto=%u state=%u/%u ", w.family, w.type, w.protocol, w.state,
		       w.sock_state);
		put_addr(w.family, w.laddr, w.lport);
		printf(" -> ");
		put_addr(w.family, w.raddr, w.rport);
		printf(" netns=%u uid=%u ino=%llu key=%llx extra=%u,%u,%u if=%u", w.netns, w.uid,
		       (unsigned long long)w.ino, (unsigned long long)w.key & 0xffffff, w.extra[0], w.extra[1],
		       w.extra[2], w.ifindex);
		break;
	}
	case HC_WIRE_F_UNIX: {
		struct hc_wire_unix w;

		memcpy(&w, p, sizeof(w));
		printf("unix[");
		put_subject(f->subject);
		printf("] local=");
		put_text(p + sizeof(w), w.local_bytes);
		printf(" peer=");
		put_text(p + sizeof(w) + w.local_bytes, w.peer_bytes);
		printf(" peer_pid=%d uid=%d gid=%d", w.peer_pid, (int)w.peer_uid, (int)w.peer_gid);
		break;
	}
	case HC_WIRE_F_CREDS: {
		struct hc_wire_creds w;

		memcpy(&w, p, sizeof(w));
		printf("creds[");
		put_subject(f->subject);
		printf("] uid=%u/%u/%u/%u gid=%u/%u/%u/%u eff=%llx perm=%llx inh=%llx bset=%llx amb=%llx sb=%x "
		       "userns=%u/%u auid=%d ses=%d seccomp=%u nnp=%u ngroups=%u dumpable=%d",
		       w.uid, w.suid, w.euid, w.fsuid, w.gid, w.sgid, w.egid, w.fsgid,
		       (unsigned long long)w.cap_effective, (unsigned long long)w.cap_permitted,
		       (unsigned long long)w.cap_inheritable, (unsigned long long)w.cap_bset,
		       (unsigned long long)w.cap_ambient, w.securebits, w.userns, w.userns_level, (int)w.loginuid,
		       (int)w.session_id, w.seccomp, w.no_new_privs, w.n_groups, (int)w.dumpable - 1);
		break;
	}
	case HC_WIRE_F_NS: {
		struct hc_wire_ns w;

		memcpy(&w, p, sizeof(w));
		printf("ns[");
		put_subject(f->subject);
		printf("] mnt=%u pid=%u pfc=%u net=%u ipc=%u uts=%u cg=%u time=%u mmuser=%u node=%s", w.mnt, w.pid,
		       w.pid_for_children, w.net, w.ipc, w.uts, w.cgroup, w.time, w.mm_userns, w.uts_node);
		break;
	}
	case HC_WIRE_F_TASK: {
		struct hc_wire_task w;

		memcpy(&w, p, sizeof(w));
		printf("task[");
		put_subject(f->subject);
		printf("] tid=%u tgid=%u ppid=%u start=%llu leader=%llu parent=%llu sid=%u pgid=%u vsid=%u "
		       "vpgid=%u vtid=%u vpid=%u levels=%u exec=%u flags=%x exitsig=%d tty=%u:%u cg=%llu "
		       "nofile=%llu comm=%.16s",
		       w.tid, w.tgid, w.ppid, (unsigned long long)w.start_ns,
		       (unsigned long long)w.leader_start_ns, (unsigned long long)w.parent_start_ns, w.sid, w.pgid,
		       w.vsid, w.vpgid, w.n_levels ? w.vtid[(w.n_levels - 1) & 7] : 0,
		       w.n_levels ? w.vpid[(w.n_levels - 1) & 7] : 0, w.n_levels, w.exec_id, w.flags,
		       w.exit_signal, w.tty_nr >> 20, w.tty_nr & 0xfffff, (unsigned long long)w.cgroup_id,
		       (unsigned long long)w.nofile, w.comm);
		break;
	}
	case HC_WIRE_F_CUT: {
		struct hc_wire_cut w;

		memcpy(&w, p, sizeof(w));
		printf("cut argv=%llu env=%llu", (unsigned long long)w.argv, (unsigned long long)w.env);
		break;
	}
	case HC_WIRE_F_TASKREF: {
		struct hc_wire_taskref w;

		memcpy(&w, p, sizeof(w));
		printf("taskref[");
		put_subject(f->subject);
		printf("] tid=%u tgid=%u start=%llu", w.tid, w.tgid, (unsigned long long)w.leader_start_ns);
		break;
	}
	case HC_WIRE_F_BYTES: {
		struct hc_wire_bytes w;

		memcpy(&w, p, sizeof(w));
		printf("bytes[");
		put_subject(f->subject);
		printf("] total=%llu offset=%lld ", (unsigned long long)w.total, (long long)w.offset);
		put_text(p + sizeof(w), f->bytes - sizeof(w));
		break;
	}
	case HC_WIRE_F_LIST:
	case HC_WIRE_F_GROUPS: {
		const uint8_t *q = f->kind == HC_WIRE_F_LIST ? p + sizeof(struct hc_wire_list) : p;

		printf("list[");
		put_subject(f->subject);
		printf("]");
		for (; q + 4 <= p + f->bytes; q += 4) {
			int v;

			memcpy(&v, q, 4);
			printf(" %d", v);
		}
		break;
	}
	case HC_WIRE_F_MAPPING: {
		struct hc_wire_mapping w;

		memcpy(&w, p, sizeof(w));
		printf("mapping %llx-%llx flags=%llx kind=%u prot=%u", (unsigned long long)w.start,
		       (unsigned long long)w.end, (unsigned long long)w.vm_flags, w.kind, w.prot);
		break;
	}
	case HC_WIRE_F_KOBJ: {
		struct hc_wire_kobj w;

		memcpy(&w, p, sizeof(w));
		printf("kobj[");
		put_subject(f->subject);
		printf("] kind=%u id=%u type=%u name=%.16s", w.kind, w.id, w.subtype, w.name);
		break;
	}
	case HC_WIRE_F_URING: {
		struct hc_wire_uring w;

		memcpy(&w, p, sizeof(w));
		printf("uring opcode=%u user_data=%llx ring=%u", w.opcode, (unsigned long long)w.user_data,
		       w.ring_tgid);
		break;
	}
	case HC_WIRE_F_RUSAGE: {
		struct hc_wire_rusage w;

		memcpy(&w, p, sizeof(w));
		printf("rusage u=%llu s=%llu rss=%llu rd=%llu wr=%llu flt=%llu/%llu",
		       (unsigned long long)w.utime_ns, (unsigned long long)w.stime_ns,
		       (unsigned long long)w.max_rss_bytes, (unsigned long long)w.read_bytes,
		       (unsigned long long)w.write_bytes, (unsigned long long)w.min_faults,
		       (unsigned long long)w.maj_faults);
		break;
	}
	case HC_WIRE_F_ADDR:
	case HC_WIRE_F_ARGV:
	case HC_WIRE_F_ENV:
	case HC_WIRE_F_STRUCT:
		printf("%s[", f->kind == HC_WIRE_F_ADDR   ? "addr"
		              : f->kind == HC_WIRE_F_ARGV ? "argv"
		              : f->kind == HC_WIRE_F_ENV  ? "env"
		                                          : "struct");
		put_subject(f->subject);
		printf("]=");
		put_text(p, f->bytes > 400 ? 400 : f->bytes);
		break;
	default:
		printf("fact kind %u[", f->kind);
		put_subject(f->subject);
		printf("] %u bytes", f->bytes);
	}
	if (f->flags)
		printf(" ff=%x", f->flags);
}

static int on_record(void *ctx, const struct hc_live_rec *rec)
{
	const struct hc_wire_head *h = rec->head;
	const struct hc_table_desc *d = hc_event_desc(h->type);
	const uint8_t *p = (const uint8_t *)h, *end = p + h->bytes;
	uint64_t slot;

	(void)ctx;
	n_records++;
	n_late += rec->late;
	if (quiet)
		return 0;
	printf("%llu.%09llu cpu%u/%u#%u %u/%u %s", (unsigned long long)h->ts_ns / 1000000000,
	       (unsigned long long)h->ts_ns % 1000000000, h->cpu, h->lane, h->cpu_seq, h->tgid, h->tid,
	       d ? d->name : "?");
	if (h->nr != UINT32_MAX)
		printf(" nr=%u", h->nr);
	if (!(h->flags & HC_WIRE_NORET))
		printf(" ret=%lld", (long long)h->ret);
	if (h->flags)
		printf(" flags=%x", h->flags);
	if (rec->late)
		printf(" LATE");
	p += sizeof(*h);
	printf(" (");
	for (unsigned i = 0; i < h->n_slots; i++, p += 8) {
		memcpy(&slot, p, 8);
		if (slot == HC_WIRE_ABSENT)
			printf("%s-", i ? ", " : "");
		else
			printf(slot < 100000 ? "%s%llu" : "%s%#llx", i ? ", " : "", (unsigned long long)slot);
	}
	printf(") exec=%u cg=%llu", h->exec_id, (unsigned long long)h->cgroup_id);
	while ((size_t)(end - p) >= sizeof(struct hc_wire_fact)) {
		struct hc_wire_fact f;

		memcpy(&f, p, sizeof(f));
		p += sizeof(f);
		if (f.bytes > (size_t)(end - p)) {
			printf("\n    BAD FACT kind=%u bytes=%u left=%zd", f.kind, f.bytes, end - p);
			break;
		}
		put_fact(&f, p);
		p += (f.bytes + 7) & ~7u;
	}
	putchar('\n');
	return 0;
}

static void put_counters(struct hc_live *live)
{
	fprintf(stderr, "%-20s %12s %10s %10s %10s %10s\n", "type", "seen", "lost_full", "lost_busy", "sampled",
	        "filtered");
	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		struct hc_wire_count c = hc_live_total(live, type);

		if (c.seen)
			fprintf(stderr, "%-20s %12llu %10llu %10llu %10llu %10llu\n", hc_event_desc(type)->name,
			        (unsigned long long)c.seen, (unsigned long long)c.lost_full,
			        (unsigned long long)c.lost_busy, (unsigned long long)c.sampled,
			        (unsigned long long)c.filtered);
	}
	for (size_t i = 0; i < hc_live_n_hooks(live); i++) {
		struct hc_live_hook h = hc_live_hook(live, i);

		if (h.state != HC_HOOK_ATTACHED)
			fprintf(stderr, "hook %s: state %d, %s\n", h.name, h.state, h.reason);
	}
	fprintf(stderr, "records %llu, late %llu, missed %llu\n", (unsigned long long)n_records,
	        (unsigned long long)n_late, (unsigned long long)hc_live_missed(live));
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct hc_live_options opt = { .profile = HC_PROFILE_SECURITY };
	struct hc_type_set only = { 0 };
	struct hc_live *live = NULL;
	struct hc_err err = { 0 };
	struct hc_live_gap gap;
	bool snapshot = false;
	pid_t child = 0;
	double t0;
	int c, go[2];

	while ((c = getopt(argc, argv, "+p:t:s:Sqr:")) != -1) {
		switch (c) {
		case 'p':
			opt.profile = *optarg == 'm'   ? HC_PROFILE_MINIMAL
			              : *optarg == 'f' ? HC_PROFILE_FULL
			                               : HC_PROFILE_SECURITY;
			break;
		case 't':
			for (char *name = strtok(optarg, ","); name; name = strtok(NULL, ",")) {
				const struct hc_table_desc *d =
					hc_event_desc_by_name((struct hc_str){ name, (uint32_t)strlen(name) });

				if (!d) {
					fprintf(stderr, "no type %s\n", name);
					return 2;
				}
				hc_type_set_add(&only, d->number);
			}
			opt.only = &only;
			break;
		case 's':
			opt.snaplen = (uint32_t)atoi(optarg);
			break;
		case 'r':
			opt.ring_bytes = (size_t)atoll(optarg);
			break;
		case 'S':
			snapshot = true;
			break;
		case 'q':
			quiet = true;
			break;
		default:
			return 2;
		}
	}
	t0 = seconds();
	if (hc_live_open(&opt, &live, &err)) {
		fprintf(stderr, "%s\n%s\n", err.msg, err.notes);
		return 4;
	}
	fprintf(stderr, "loaded in %.3f s\n", seconds() - t0);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	if (optind < argc) {
		if (pipe(go))
			return 4;
		child = fork();
		if (!child) {
			char byte;

			close(go[1]);
			if (read(go[0], &byte, 1) < 0)
				_exit(127);
			close(go[0]);
			execvp(argv[optind], argv + optind);
			_exit(127);
		}
		close(go[0]);
	}
	if (hc_live_start(live, &err)) {
		fprintf(stderr, "%s\n%s\n", err.msg, err.notes);
		return 4;
	}
	if (snapshot && hc_live_snapshot(live, on_record, NULL, &err) < 0)
		fprintf(stderr, "%s\n", err.msg);
	(void)only_tree;
	if (child)
		close(go[1]);
	while (!stop_now) {
		int64_t n = hc_live_poll(live, 50, on_record, NULL);

		if (n < 0 && n != -EINTR)
			break;
		if (child && waitpid(child, NULL, WNOHANG) == child)
			break;
	}
	hc_live_stop(live);
	hc_live_drain(live, on_record, NULL);
	fflush(stdout);
	put_counters(live);
	while (hc_live_gap_next(live, &gap))
		fprintf(stderr, "gap cpu%u lane %u: %llu records between %llu and %llu\n", gap.cpu, gap.lane,
		        (unsigned long long)gap.count, (unsigned long long)gap.from_ns,
		        (unsigned long long)gap.until_ns);
	hc_live_close(live);
	return 0;
}
