/* Tables of names, and the few formats that are more than a table. */
#include "store/render.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* A writer that never passes its end; `len` counts what fitted. */
struct out {
	char *buf;
	size_t room, len;
};

static void put(struct out *o, const char *text, size_t n)
{
	if (o->len + 1 >= o->room)
		return;
	if (n > o->room - o->len - 1)
		n = o->room - o->len - 1;
	memcpy(o->buf + o->len, text, n);
	o->len += n;
}

static void put_c(struct out *o, const char *text)
{
	put(o, text, strlen(text));
}

static void put_hex(struct out *o, uint64_t v)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "0x%" PRIx64, v);

	put(o, text, (size_t)n);
}

static void put_dec(struct out *o, int64_t v, bool is_signed)
{
	char text[24];
	int n = is_signed ? snprintf(text, sizeof(text), "%" PRId64, v)
	                  : snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)v);

	put(o, text, (size_t)n);
}

static size_t end(struct out *o)
{
	if (o->room)
		o->buf[o->len] = 0;
	return o->len;
}

/* ---- names of single values ---- */

struct name {
	int64_t value;
	const char *name;
};

static const char *const errnos[] = {
	[1] = "EPERM",
	[2] = "ENOENT",
	[3] = "ESRCH",
	[4] = "EINTR",
	[5] = "EIO",
	[6] = "ENXIO",
	[7] = "E2BIG",
	[8] = "ENOEXEC",
	[9] = "EBADF",
	[10] = "ECHILD",
	[11] = "EAGAIN",
	[12] = "ENOMEM",
	[13] = "EACCES",
	[14] = "EFAULT",
	[15] = "ENOTBLK",
	[16] = "EBUSY",
	[17] = "EEXIST",
	[18] = "EXDEV",
	[19] = "ENODEV",
	[20] = "ENOTDIR",
	[21] = "EISDIR",
	[22] = "EINVAL",
	[23] = "ENFILE",
	[24] = "EMFILE",
	[25] = "ENOTTY",
	[26] = "ETXTBSY",
	[27] = "EFBIG",
	[28] = "ENOSPC",
	[29] = "ESPIPE",
	[30] = "EROFS",
	[31] = "EMLINK",
	[32] = "EPIPE",
	[33] = "EDOM",
	[34] = "ERANGE",
	[35] = "EDEADLK",
	[36] = "ENAMETOOLONG",
	[37] = "ENOLCK",
	[38] = "ENOSYS",
	[39] = "ENOTEMPTY",
	[40] = "ELOOP",
	[42] = "ENOMSG",
	[43] = "EIDRM",
	[44] = "ECHRNG",
	[45] = "EL2NSYNC",
	[46] = "EL3HLT",
	[47] = "EL3RST",
	[48] = "ELNRNG",
	[49] = "EUNATCH",
	[50] = "ENOCSI",
	[51] = "EL2HLT",
	[52] = "EBADE",
	[53] = "EBADR",
	[54] = "EXFULL",
	[55] = "ENOANO",
	[56] = "EBADRQC",
	[57] = "EBADSLT",
	[59] = "EBFONT",
	[60] = "ENOSTR",
	[61] = "ENODATA",
	[62] = "ETIME",
	[63] = "ENOSR",
	[64] = "ENONET",
	[65] = "ENOPKG",
	[66] = "EREMOTE",
	[67] = "ENOLINK",
	[68] = "EADV",
	[69] = "ESRMNT",
	[70] = "ECOMM",
	[71] = "EPROTO",
	[72] = "EMULTIHOP",
	[73] = "EDOTDOT",
	[74] = "EBADMSG",
	[75] = "EOVERFLOW",
	[76] = "ENOTUNIQ",
	[77] = "EBADFD",
	[78] = "EREMCHG",
	[79] = "ELIBACC",
	[80] = "ELIBBAD",
	[81] = "ELIBSCN",
	[82] = "ELIBMAX",
	[83] = "ELIBEXEC",
	[84] = "EILSEQ",
	[85] = "ERESTART",
	[86] = "ESTRPIPE",
	[87] = "EUSERS",
	[88] = "ENOTSOCK",
	[89] = "EDESTADDRREQ",
	[90] = "EMSGSIZE",
	[91] = "EPROTOTYPE",
	[92] = "ENOPROTOOPT",
	[93] = "EPROTONOSUPPORT",
	[94] = "ESOCKTNOSUPPORT",
	[95] = "EOPNOTSUPP",
	[96] = "EPFNOSUPPORT",
	[97] = "EAFNOSUPPORT",
	[98] = "EADDRINUSE",
	[99] = "EADDRNOTAVAIL",
	[100] = "ENETDOWN",
	[101] = "ENETUNREACH",
	[102] = "ENETRESET",
	[103] = "ECONNABORTED",
	[104] = "ECONNRESET",
	[105] = "ENOBUFS",
	[106] = "EISCONN",
	[107] = "ENOTCONN",
	[108] = "ESHUTDOWN",
	[109] = "ETOOMANYREFS",
	[110] = "ETIMEDOUT",
	[111] = "ECONNREFUSED",
	[112] = "EHOSTDOWN",
	[113] = "EHOSTUNREACH",
	[114] = "EALREADY",
	[115] = "EINPROGRESS",
	[116] = "ESTALE",
	[117] = "EUCLEAN",
	[118] = "ENOTNAM",
	[119] = "ENAVAIL",
	[120] = "EISNAM",
	[121] = "EREMOTEIO",
	[122] = "EDQUOT",
	[123] = "ENOMEDIUM",
	[124] = "EMEDIUMTYPE",
	[125] = "ECANCELED",
	[126] = "ENOKEY",
	[127] = "EKEYEXPIRED",
	[128] = "EKEYREVOKED",
	[129] = "EKEYREJECTED",
	[130] = "EOWNERDEAD",
	[131] = "ENOTRECOVERABLE",
	[132] = "ERFKILL",
	[133] = "EHWPOISON",
	[512] = "ERESTARTSYS",
	[513] = "ERESTARTNOINTR",
	[514] = "ERESTARTNOHAND",
	[515] = "ENOIOCTLCMD",
	[516] = "ERESTART_RESTARTBLOCK",
	[517] = "EPROBE_DEFER",
	[524] = "ENOTSUPP",
	[529] = "EIOCBQUEUED",
};

static const char *const signals[] = {
	[1] = "SIGHUP",     [2] = "SIGINT",   [3] = "SIGQUIT",   [4] = "SIGILL",   [5] = "SIGTRAP",
	[6] = "SIGABRT",    [7] = "SIGBUS",   [8] = "SIGFPE",    [9] = "SIGKILL",  [10] = "SIGUSR1",
	[11] = "SIGSEGV",   [12] = "SIGUSR2", [13] = "SIGPIPE",  [14] = "SIGALRM", [15] = "SIGTERM",
	[16] = "SIGSTKFLT", [17] = "SIGCHLD", [18] = "SIGCONT",  [19] = "SIGSTOP", [20] = "SIGTSTP",
	[21] = "SIGTTIN",   [22] = "SIGTTOU", [23] = "SIGURG",   [24] = "SIGXCPU", [25] = "SIGXFSZ",
	[26] = "SIGVTALRM", [27] = "SIGPROF", [28] = "SIGWINCH", [29] = "SIGIO",   [30] = "SIGPWR",
	[31] = "SIGSYS",
};

/* The kernel's first real-time signal is 32; the C library keeps the first two for itself and counts from 34. */
static const char *const rt_signals[] = {
	"SIGRTMIN", "SIGRT_1",  "SIGRT_2",  "SIGRT_3",  "SIGRT_4",  "SIGRT_5",  "SIGRT_6",  "SIGRT_7",  "SIGRT_8",
	"SIGRT_9",  "SIGRT_10", "SIGRT_11", "SIGRT_12", "SIGRT_13", "SIGRT_14", "SIGRT_15", "SIGRT_16", "SIGRT_17",
	"SIGRT_18", "SIGRT_19", "SIGRT_20", "SIGRT_21", "SIGRT_22", "SIGRT_23", "SIGRT_24", "SIGRT_25", "SIGRT_26",
	"SIGRT_27", "SIGRT_28", "SIGRT_29", "SIGRT_30", "SIGRT_31", "SIGRT_32",
};

static const char *const caps[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

static const char *const families[] = {
	"AF_UNSPEC",   "AF_UNIX",       "AF_INET",    "AF_AX25",      "AF_IPX",     "AF_APPLETALK", "AF_NETROM",
	"AF_BRIDGE",   "AF_ATMPVC",     "AF_X25",     "AF_INET6",     "AF_ROSE",    "AF_DECnet",    "AF_NETBEUI",
	"AF_SECURITY", "AF_KEY",        "AF_NETLINK", "AF_PACKET",    "AF_ASH",     "AF_ECONET",    "AF_ATMSVC",
	"AF_RDS",      "AF_SNA",        "AF_IRDA",    "AF_PPPOX",     "AF_WANPIPE", "AF_LLC",       "AF_IB",
	"AF_MPLS",     "AF_CAN",        "AF_TIPC",    "AF_BLUETOOTH", "AF_IUCV",    "AF_RXRPC",     "AF_ISDN",
	"AF_PHONET",   "AF_IEEE802154", "AF_CAIF",    "AF_ALG",       "AF_NFC",     "AF_VSOCK",     "AF_KCM",
	"AF_QIPCRTR",  "AF_SMC",        "AF_XDP",     "AF_MCTP",
};

static const char *const sock_types[] = {
	[1] = "SOCK_STREAM",    [2] = "SOCK_DGRAM", [3] = "SOCK_RAW",     [4] = "SOCK_RDM",
	[5] = "SOCK_SEQPACKET", [6] = "SOCK_DCCP",  [10] = "SOCK_PACKET",
};

static const struct name protocols[] = {
	{ 0, "IPPROTO_IP" },      { 1, "IPPROTO_ICMP" },       { 2, "IPPROTO_IGMP" },
	{ 4, "IPPROTO_IPIP" },    { 6, "IPPROTO_TCP" },        { 8, "IPPROTO_EGP" },
	{ 12, "IPPROTO_PUP" },    { 17, "IPPROTO_UDP" },       { 22, "IPPROTO_IDP" },
	{ 29, "IPPROTO_TP" },     { 33, "IPPROTO_DCCP" },      { 41, "IPPROTO_IPV6" },
	{ 46, "IPPROTO_RSVP" },   { 47, "IPPROTO_GRE" },       { 50, "IPPROTO_ESP" },
	{ 51, "IPPROTO_AH" },     { 58, "IPPROTO_ICMPV6" },    { 92, "IPPROTO_MTP" },
	{ 94, "IPPROTO_BEETPH" }, { 98, "IPPROTO_ENCAP" },     { 103, "IPPROTO_PIM" },
	{ 108, "IPPROTO_COMP" },  { 132, "IPPROTO_SCTP" },     { 136, "IPPROTO_UDPLITE" },
	{ 137, "IPPROTO_MPLS" },  { 143, "IPPROTO_ETHERNET" }, { 255, "IPPROTO_RAW" },
	{ 262, "IPPROTO_MPTCP" },
};

static const char *const tcp_states[] = {
	[1] = "TCP_ESTABLISHED", [2] = "TCP_SYN_SENT",  [3] = "TCP_SYN_RECV", [4] = "TCP_FIN_WAIT1",
	[5] = "TCP_FIN_WAIT2",   [6] = "TCP_TIME_WAIT", [7] = "TCP_CLOSE",    [8] = "TCP_CLOSE_WAIT",
	[9] = "TCP_LAST_ACK",    [10] = "TCP_LISTEN",   [11] = "TCP_CLOSING", [12] = "TCP_NEW_SYN_RECV",
};

static const struct name ptraces[] = {
	{ 0, "PTRACE_TRACEME" },
	{ 1, "PTRACE_PEEKTEXT" },
	{ 2, "PTRACE_PEEKDATA" },
	{ 3, "PTRACE_PEEKUSER" },
	{ 4, "PTRACE_POKETEXT" },
	{ 5, "PTRACE_POKEDATA" },
	{ 6, "PTRACE_POKEUSER" },
	{ 7, "PTRACE_CONT" },
	{ 8, "PTRACE_KILL" },
	{ 9, "PTRACE_SINGLESTEP" },
	{ 12, "PTRACE_GETREGS" },
	{ 13, "PTRACE_SETREGS" },
	{ 14, "PTRACE_GETFPREGS" },
	{ 15, "PTRACE_SETFPREGS" },
	{ 16, "PTRACE_ATTACH" },
	{ 17, "PTRACE_DETACH" },
	{ 18, "PTRACE_GETFPXREGS" },
	{ 19, "PTRACE_SETFPXREGS" },
	{ 21, "PTRACE_OLDSETOPTIONS" },
	{ 24, "PTRACE_SYSCALL" },
	{ 25, "PTRACE_GET_THREAD_AREA" },
	{ 26, "PTRACE_SET_THREAD_AREA" },
	{ 30, "PTRACE_ARCH_PRCTL" },
	{ 31, "PTRACE_SYSEMU" },
	{ 32, "PTRACE_SYSEMU_SINGLESTEP" },
	{ 33, "PTRACE_SINGLEBLOCK" },
	{ 0x4200, "PTRACE_SETOPTIONS" },
	{ 0x4201, "PTRACE_GETEVENTMSG" },
	{ 0x4202, "PTRACE_GETSIGINFO" },
	{ 0x4203, "PTRACE_SETSIGINFO" },
	{ 0x4204, "PTRACE_GETREGSET" },
	{ 0x4205, "PTRACE_SETREGSET" },
	{ 0x4206, "PTRACE_SEIZE" },
	{ 0x4207, "PTRACE_INTERRUPT" },
	{ 0x4208, "PTRACE_LISTEN" },
	{ 0x4209, "PTRACE_PEEKSIGINFO" },
	{ 0x420a, "PTRACE_GETSIGMASK" },
	{ 0x420b, "PTRACE_SETSIGMASK" },
	{ 0x420c, "PTRACE_SECCOMP_GET_FILTER" },
	{ 0x420d, "PTRACE_SECCOMP_GET_METADATA" },
	{ 0x420e, "PTRACE_GET_SYSCALL_INFO" },
	{ 0x420f, "PTRACE_GET_RSEQ_CONFIGURATION" },
	{ 0x4210, "PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG" },
	{ 0x4211, "PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG" },
};

static const struct name prctls[] = {
	{ 1, "PR_SET_PDEATHSIG" },
	{ 2, "PR_GET_PDEATHSIG" },
	{ 3, "PR_GET_DUMPABLE" },
	{ 4, "PR_SET_DUMPABLE" },
	{ 5, "PR_GET_UNALIGN" },
	{ 6, "PR_SET_UNALIGN" },
	{ 7, "PR_GET_KEEPCAPS" },
	{ 8, "PR_SET_KEEPCAPS" },
	{ 9, "PR_GET_FPEMU" },
	{ 10, "PR_SET_FPEMU" },
	{ 11, "PR_GET_FPEXC" },
	{ 12, "PR_SET_FPEXC" },
	{ 13, "PR_GET_TIMING" },
	{ 14, "PR_SET_TIMING" },
	{ 15, "PR_SET_NAME" },
	{ 16, "PR_GET_NAME" },
	{ 19, "PR_GET_ENDIAN" },
	{ 20, "PR_SET_ENDIAN" },
	{ 21, "PR_GET_SECCOMP" },
	{ 22, "PR_SET_SECCOMP" },
	{ 23, "PR_CAPBSET_READ" },
	{ 24, "PR_CAPBSET_DROP" },
	{ 25, "PR_GET_TSC" },
	{ 26, "PR_SET_TSC" },
	{ 27, "PR_GET_SECUREBITS" },
	{ 28, "PR_SET_SECUREBITS" },
	{ 29, "PR_SET_TIMERSLACK" },
	{ 30, "PR_GET_TIMERSLACK" },
	{ 31, "PR_TASK_PERF_EVENTS_DISABLE" },
	{ 32, "PR_TASK_PERF_EVENTS_ENABLE" },
	{ 33, "PR_MCE_KILL" },
	{ 34, "PR_MCE_KILL_GET" },
	{ 35, "PR_SET_MM" },
	{ 36, "PR_SET_CHILD_SUBREAPER" },
	{ 37, "PR_GET_CHILD_SUBREAPER" },
	{ 38, "PR_SET_NO_NEW_PRIVS" },
	{ 39, "PR_GET_NO_NEW_PRIVS" },
	{ 40, "PR_GET_TID_ADDRESS" },
	{ 41, "PR_SET_THP_DISABLE" },
	{ 42, "PR_GET_THP_DISABLE" },
	{ 45, "PR_SET_FP_MODE" },
	{ 46, "PR_GET_FP_MODE" },
	{ 47, "PR_CAP_AMBIENT" },
	{ 50, "PR_SVE_SET_VL" },
	{ 51, "PR_SVE_GET_VL" },
	{ 52, "PR_GET_SPECULATION_CTRL" },
	{ 53, "PR_SET_SPECULATION_CTRL" },
	{ 54, "PR_PAC_RESET_KEYS" },
	{ 55, "PR_SET_TAGGED_ADDR_CTRL" },
	{ 56, "PR_GET_TAGGED_ADDR_CTRL" },
	{ 57, "PR_SET_IO_FLUSHER" },
	{ 58, "PR_GET_IO_FLUSHER" },
	{ 59, "PR_SET_SYSCALL_USER_DISPATCH" },
	{ 60, "PR_PAC_SET_ENABLED_KEYS" },
	{ 61, "PR_PAC_GET_ENABLED_KEYS" },
	{ 62, "PR_SCHED_CORE" },
	{ 63, "PR_SME_SET_VL" },
	{ 64, "PR_SME_GET_VL" },
	{ 65, "PR_SET_MDWE" },
	{ 66, "PR_GET_MDWE" },
	{ 67, "PR_SET_MEMORY_MERGE" },
	{ 68, "PR_GET_MEMORY_MERGE" },
	{ 0x53564d41, "PR_SET_VMA" },
	{ 0x59616d61, "PR_SET_PTRACER" },
};

static const char *const bpf_cmds[] = {
	"BPF_MAP_CREATE",        "BPF_MAP_LOOKUP_ELEM",
	"BPF_MAP_UPDATE_ELEM",   "BPF_MAP_DELETE_ELEM",
	"BPF_MAP_GET_NEXT_KEY",  "BPF_PROG_LOAD",
	"BPF_OBJ_PIN",           "BPF_OBJ_GET",
	"BPF_PROG_ATTACH",       "BPF_PROG_DETACH",
	"BPF_PROG_TEST_RUN",     "BPF_PROG_GET_NEXT_ID",
	"BPF_MAP_GET_NEXT_ID",   "BPF_PROG_GET_FD_BY_ID",
	"BPF_MAP_GET_FD_BY_ID",  "BPF_OBJ_GET_INFO_BY_FD",
	"BPF_PROG_QUERY",        "BPF_RAW_TRACEPOINT_OPEN",
	"BPF_BTF_LOAD",          "BPF_BTF_GET_FD_BY_ID",
	"BPF_TASK_FD_QUERY",     "BPF_MAP_LOOKUP_AND_DELETE_ELEM",
	"BPF_MAP_FREEZE",        "BPF_BTF_GET_NEXT_ID",
	"BPF_MAP_LOOKUP_BATCH",  "BPF_MAP_LOOKUP_AND_DELETE_BATCH",
	"BPF_MAP_UPDATE_BATCH",  "BPF_MAP_DELETE_BATCH",
	"BPF_LINK_CREATE",       "BPF_LINK_UPDATE",
	"BPF_LINK_GET_FD_BY_ID", "BPF_LINK_GET_NEXT_ID",
	"BPF_ENABLE_STATS",      "BPF_ITER_CREATE",
	"BPF_LINK_DETACH",       "BPF_PROG_BIND_MAP",
	"BPF_TOKEN_CREATE",
};

static const struct name fcntls[] = {
	{ 0, "F_DUPFD" },
	{ 1, "F_GETFD" },
	{ 2, "F_SETFD" },
	{ 3, "F_GETFL" },
	{ 4, "F_SETFL" },
	{ 5, "F_GETLK" },
	{ 6, "F_SETLK" },
	{ 7, "F_SETLKW" },
	{ 8, "F_SETOWN" },
	{ 9, "F_GETOWN" },
	{ 10, "F_SETSIG" },
	{ 11, "F_GETSIG" },
	{ 15, "F_SETOWN_EX" },
	{ 16, "F_GETOWN_EX" },
	{ 17, "F_GETOWNER_UIDS" },
	{ 36, "F_OFD_GETLK" },
	{ 37, "F_OFD_SETLK" },
	{ 38, "F_OFD_SETLKW" },
	{ 1024, "F_SETLEASE" },
	{ 1025, "F_GETLEASE" },
	{ 1026, "F_NOTIFY" },
	{ 1027, "F_DUPFD_QUERY" },
	{ 1028, "F_CREATED_QUERY" },
	{ 1029, "F_CANCELLK" },
	{ 1030, "F_DUPFD_CLOEXEC" },
	{ 1031, "F_SETPIPE_SZ" },
	{ 1032, "F_GETPIPE_SZ" },
	{ 1033, "F_ADD_SEALS" },
	{ 1034, "F_GET_SEALS" },
	{ 1035, "F_GET_RW_HINT" },
	{ 1036, "F_SET_RW_HINT" },
	{ 1037, "F_GET_FILE_RW_HINT" },
	{ 1038, "F_SET_FILE_RW_HINT" },
};

static const char *const vias[] = { "execve", "execveat", "kernel" };
static const char *const provs[] = { "absent", "kernel",  "user_entry", "user_exit",
	                             "late",   "lexical", "imported",   "inferred" };
static const char *const layers[] = { "none", "upper", "lower" };
static const char *const roles[] = { "unknown", "client", "server" };
static const char *const image_kinds[] = { "user", "kernel_thread", "usermode_helper" };
static const char *const causes[] = { "start", "fork",    "exec",   "creds",  "cwd",   "root",  "ns",
	                              "comm",  "session", "cgroup", "parent", "prctl", "limit", "metadata" };
static const char *const fd_kinds[] = {
	[HC_FD_UNKNOWN] = "unknown",
	[HC_FD_FILE] = "file",
	[HC_FD_DIR] = "dir",
	[HC_FD_CHR] = "chr",
	[HC_FD_BLK] = "blk",
	[HC_FD_FIFO] = "fifo",
	[HC_FD_PIPE] = "pipe",
	[HC_FD_IPV4] = "ipv4",
	[HC_FD_IPV6] = "ipv6",
	[HC_FD_UNIX] = "unix",
	[HC_FD_NETLINK] = "netlink",
	[HC_FD_PACKET] = "packet",
	[HC_FD_VSOCK] = "vsock",
	[HC_FD_ALG] = "alg",
	[HC_FD_SOCK_OTHER] = "sock",
	[HC_FD_EVENTFD] = "eventfd",
	[HC_FD_EVENTPOLL] = "eventpoll",
	[HC_FD_SIGNALFD] = "signalfd",
	[HC_FD_TIMERFD] = "timerfd",
	[HC_FD_INOTIFY] = "inotify",
	[HC_FD_FANOTIFY] = "fanotify",
	[HC_FD_BPF_MAP] = "bpf_map",
	[HC_FD_BPF_PROG] = "bpf_prog",
	[HC_FD_BPF_LINK] = "bpf_link",
	[HC_FD_PERF] = "perf",
	[HC_FD_IO_URING] = "io_uring",
	[HC_FD_USERFAULTFD] = "userfaultfd",
	[HC_FD_MEMFD] = "memfd",
	[HC_FD_PIDFD] = "pidfd",
	[HC_FD_NAMESPACE] = "namespace",
	[HC_FD_MQUEUE] = "mqueue",
	[HC_FD_TTY] = "tty",
	[HC_FD_ANON] = "anon",
	[HC_FD_LNK] = "symlink",
};

#define DENSE(table)                                                      \
	{                                                                 \
		.dense = (table), .n = sizeof(table) / sizeof((table)[0]) \
	}
#define SPARSE(table)                                                      \
	{                                                                  \
		.sparse = (table), .n = sizeof(table) / sizeof((table)[0]) \
	}

static const struct {
	const char *const *dense;  /* by value */
	const struct name *sparse; /* in order of value */
	size_t n;
} enums[HC_N_FMTS] = {
	[HC_FMT_SIGNAL] = DENSE(signals),
	[HC_FMT_ERRNO] = DENSE(errnos),
	[HC_FMT_CAP] = DENSE(caps),
	[HC_FMT_EN_AF] = DENSE(families),
	[HC_FMT_EN_SOCK_TYPE] = DENSE(sock_types),
	[HC_FMT_EN_IPPROTO] = SPARSE(protocols),
	[HC_FMT_EN_TCP_STATE] = DENSE(tcp_states),
	[HC_FMT_EN_PTRACE] = SPARSE(ptraces),
	[HC_FMT_EN_PRCTL] = SPARSE(prctls),
	[HC_FMT_EN_BPF_CMD] = DENSE(bpf_cmds),
	[HC_FMT_EN_FCNTL] = SPARSE(fcntls),
	[HC_FMT_EN_EXEC_VIA] = DENSE(vias),
	[HC_FMT_EN_PROV] = DENSE(provs),
	[HC_FMT_EN_LAYER] = DENSE(layers),
	[HC_FMT_EN_ROLE] = DENSE(roles),
	[HC_FMT_EN_FD_KIND] = DENSE(fd_kinds),
	[HC_FMT_EN_IMAGE_KIND] = DENSE(image_kinds),
	[HC_FMT_EN_CAUSE] = DENSE(causes),
};

const char *hc_enum_name(enum hc_fmt fmt, int64_t value)
{
	if ((unsigned)fmt >= HC_N_FMTS || value < 0)
		return NULL;
	if (fmt == HC_FMT_SIGNAL && value >= 32 && value <= 64)
		return rt_signals[value - 32];
	if (enums[fmt].dense)
		return (uint64_t)value < enums[fmt].n ? enums[fmt].dense[value] : NULL;
	for (size_t i = 0; i < enums[fmt].n; i++)
		if (enums[fmt].sparse[i].value == value)
			return enums[fmt].sparse[i].name;
	return NULL;
}

/* ---- flags ---- */

static const struct name open_flags[] = {
	{ 04010000, "O_SYNC" },     { 020200000, "O_TMPFILE" }, { 0100, "O_CREAT" },
	{ 0200, "O_EXCL" },         { 0400, "O_NOCTTY" },       { 01000, "O_TRUNC" },
	{ 02000, "O_APPEND" },      { 04000, "O_NONBLOCK" },    { 010000, "O_DSYNC" },
	{ 020000, "O_ASYNC" },      { 040000, "O_DIRECT" },     { 0100000, "O_LARGEFILE" },
	{ 0200000, "O_DIRECTORY" }, { 0400000, "O_NOFOLLOW" },  { 01000000, "O_NOATIME" },
	{ 02000000, "O_CLOEXEC" },  { 010000000, "O_PATH" },
};

static const struct name clone_flags[] = {
	{ 0x80, "CLONE_NEWTIME" },
	{ 0x100, "CLONE_VM" },
	{ 0x200, "CLONE_FS" },
	{ 0x400, "CLONE_FILES" },
	{ 0x800, "CLONE_SIGHAND" },
	{ 0x1000, "CLONE_PIDFD" },
	{ 0x2000, "CLONE_PTRACE" },
	{ 0x4000, "CLONE_VFORK" },
	{ 0x8000, "CLONE_PARENT" },
	{ 0x10000, "CLONE_THREAD" },
	{ 0x20000, "CLONE_NEWNS" },
	{ 0x40000, "CLONE_SYSVSEM" },
	{ 0x80000, "CLONE_SETTLS" },
	{ 0x100000, "CLONE_PARENT_SETTID" },
	{ 0x200000, "CLONE_CHILD_CLEARTID" },
	{ 0x400000, "CLONE_DETACHED" },
	{ 0x800000, "CLONE_UNTRACED" },
	{ 0x1000000, "CLONE_CHILD_SETTID" },
	{ 0x2000000, "CLONE_NEWCGROUP" },
	{ 0x4000000, "CLONE_NEWUTS" },
	{ 0x8000000, "CLONE_NEWIPC" },
	{ 0x10000000, "CLONE_NEWUSER" },
	{ 0x20000000, "CLONE_NEWPID" },
	{ 0x40000000, "CLONE_NEWNET" },
	{ 0x80000000, "CLONE_IO" },
	{ 0x100000000, "CLONE_CLEAR_SIGHAND" },
	{ 0x200000000, "CLONE_INTO_CGROUP" },
};

static const struct name at_flags[] = {
	{ 0x100, "AT_SYMLINK_NOFOLLOW" }, { 0x200, "AT_REMOVEDIR" },   { 0x400, "AT_SYMLINK_FOLLOW" },
	{ 0x800, "AT_NO_AUTOMOUNT" },     { 0x1000, "AT_EMPTY_PATH" }, { 0x8000, "AT_RECURSIVE" },
};

static const struct name msg_flags[] = {
	{ 0x1, "MSG_OOB" },
	{ 0x2, "MSG_PEEK" },
	{ 0x4, "MSG_DONTROUTE" },
	{ 0x8, "MSG_CTRUNC" },
	{ 0x10, "MSG_PROBE" },
	{ 0x20, "MSG_TRUNC" },
	{ 0x40, "MSG_DONTWAIT" },
	{ 0x80, "MSG_EOR" },
	{ 0x100, "MSG_WAITALL" },
	{ 0x200, "MSG_FIN" },
	{ 0x400, "MSG_SYN" },
	{ 0x800, "MSG_CONFIRM" },
	{ 0x1000, "MSG_RST" },
	{ 0x2000, "MSG_ERRQUEUE" },
	{ 0x4000, "MSG_NOSIGNAL" },
	{ 0x8000, "MSG_MORE" },
	{ 0x10000, "MSG_WAITFORONE" },
	{ 0x4000000, "MSG_ZEROCOPY" },
	{ 0x20000000, "MSG_FASTOPEN" },
	{ 0x40000000, "MSG_CMSG_CLOEXEC" },
};

static const struct name mount_flags[] = {
	{ 1, "MS_RDONLY" },          { 2, "MS_NOSUID" },           { 4, "MS_NODEV" },
	{ 8, "MS_NOEXEC" },          { 16, "MS_SYNCHRONOUS" },     { 32, "MS_REMOUNT" },
	{ 64, "MS_MANDLOCK" },       { 128, "MS_DIRSYNC" },        { 256, "MS_NOSYMFOLLOW" },
	{ 1024, "MS_NOATIME" },      { 2048, "MS_NODIRATIME" },    { 4096, "MS_BIND" },
	{ 8192, "MS_MOVE" },         { 16384, "MS_REC" },          { 32768, "MS_SILENT" },
	{ 1 << 16, "MS_POSIXACL" },  { 1 << 17, "MS_UNBINDABLE" }, { 1 << 18, "MS_PRIVATE" },
	{ 1 << 19, "MS_SLAVE" },     { 1 << 20, "MS_SHARED" },     { 1 << 21, "MS_RELATIME" },
	{ 1 << 22, "MS_KERNMOUNT" }, { 1 << 23, "MS_I_VERSION" },  { 1 << 24, "MS_STRICTATIME" },
	{ 1 << 25, "MS_LAZYTIME" },
};

static const struct name umount_flags[] = {
	{ 1, "MNT_FORCE" },
	{ 2, "MNT_DETACH" },
	{ 4, "MNT_EXPIRE" },
	{ 8, "UMOUNT_NOFOLLOW" },
};

static const struct name prot_flags[] = {
	{ 1, "PROT_READ" },
	{ 2, "PROT_WRITE" },
	{ 4, "PROT_EXEC" },
	{ 8, "PROT_SEM" },
	{ 0x1000000, "PROT_GROWSDOWN" },
	{ 0x2000000, "PROT_GROWSUP" },
};

static const struct name mmap_flags[] = {
	{ 0x10, "MAP_FIXED" },      { 0x20, "MAP_ANONYMOUS" },
	{ 0x40, "MAP_32BIT" },      { 0x100, "MAP_GROWSDOWN" },
	{ 0x800, "MAP_DENYWRITE" }, { 0x1000, "MAP_EXECUTABLE" },
	{ 0x2000, "MAP_LOCKED" },   { 0x4000, "MAP_NORESERVE" },
	{ 0x8000, "MAP_POPULATE" }, { 0x10000, "MAP_NONBLOCK" },
	{ 0x20000, "MAP_STACK" },   { 0x40000, "MAP_HUGETLB" },
	{ 0x80000, "MAP_SYNC" },    { 0x100000, "MAP_FIXED_NOREPLACE" },
};

static const struct name rename_flags[] = {
	{ 1, "RENAME_NOREPLACE" },
	{ 2, "RENAME_EXCHANGE" },
	{ 4, "RENAME_WHITEOUT" },
};

static const struct name resolve_flags[] = {
	{ 1, "RESOLVE_NO_XDEV" }, { 2, "RESOLVE_NO_MAGICLINKS" }, { 4, "RESOLVE_NO_SYMLINKS" },
	{ 8, "RESOLVE_BENEATH" }, { 16, "RESOLVE_IN_ROOT" },      { 32, "RESOLVE_CACHED" },
};

static const struct name sock_flags[] = { { 04000, "SOCK_NONBLOCK" }, { 02000000, "SOCK_CLOEXEC" } };

static const struct name memfd_flags[] = {
	{ 1, "MFD_CLOEXEC" },     { 2, "MFD_ALLOW_SEALING" }, { 4, "MFD_HUGETLB" },
	{ 8, "MFD_NOEXEC_SEAL" }, { 16, "MFD_EXEC" },
};

#define FLAGS(table) (table), sizeof(table) / sizeof((table)[0])

/* Appends the names of the bits in v that the table knows, the rest in hex; `any` says that something stands
 * there. */
static void put_flags(struct out *o, uint64_t v, const struct name *names, size_t n, bool any, const char *zero)
{
	if (!v && !any) {
		put_c(o, zero);
		return;
	}
	for (size_t i = 0; i < n && v; i++) {
		uint64_t bits = (uint64_t)names[i].value;

		if ((v & bits) != bits)
			continue;
		if (any)
			put_c(o, "|");
		put_c(o, names[i].name);
		v &= ~bits;
		any = true;
	}
	if (v) {
		if (any)
			put_c(o, "|");
		put_hex(o, v);
	}
}

static void put_enum(struct out *o, enum hc_fmt fmt, int64_t v, bool is_signed)
{
	const char *name = hc_enum_name(fmt, v);

	if (name)
		put_c(o, name);
	else
		put_dec(o, v, is_signed);
}

static void put_open(struct out *o, uint64_t v)
{
	static const char *const access[] = { "O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE" };

	put_c(o, access[v & 3]);
	put_flags(o, v & ~UINT64_C(3), FLAGS(open_flags), true, "");
}

/* The low byte of clone's flags is the signal at exit; CLONE_NEWTIME, its high bit, is for the calls that have no
 * signal. */
static void put_clone(struct out *o, uint64_t v)
{
	uint64_t sig = v & 0x7f;

	if (sig) {
		put_enum(o, HC_FMT_SIGNAL, (int64_t)sig, false);
		put_flags(o, v & ~UINT64_C(0x7f), FLAGS(clone_flags), true, "");
	} else {
		put_flags(o, v, FLAGS(clone_flags), false, "0");
	}
}

static void put_sock_type(struct out *o, uint64_t v)
{
	if (v & 0xf)
		put_enum(o, HC_FMT_EN_SOCK_TYPE, (int64_t)(v & 0xf), false);
	put_flags(o, v & ~UINT64_C(0xf), FLAGS(sock_flags), (v & 0xf) != 0, "0");
}

static void put_mmap(struct out *o, uint64_t v)
{
	static const char *const kinds[16] = {
		[1] = "MAP_SHARED", [2] = "MAP_PRIVATE", [3] = "MAP_SHARED_VALIDATE", [8] = "MAP_DROPPABLE"
	};
	const char *kind = kinds[v & 0xf];

	if (kind) {
		put_c(o, kind);
		v &= ~UINT64_C(0xf);
	}
	put_flags(o, v, FLAGS(mmap_flags), kind != NULL, "0");
}

static void put_caps(struct out *o, uint64_t v)
{
	bool any = false;

	for (unsigned i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		if (!(v >> i & 1))
			continue;
		if (any)
			put_c(o, "|");
		put_c(o, caps[i]);
		v &= ~(UINT64_C(1) << i);
		any = true;
	}
	if (v || !any) {
		if (any)
			put_c(o, "|");
		if (v)
			put_hex(o, v);
		else
			put_c(o, "0");
	}
}

static void put_mode(struct out *o, uint64_t v)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%#" PRIo64, v);

	put(o, text, (size_t)n);
}

bool hc_fmt_is_named(enum hc_fmt fmt)
{
	switch (fmt) {
	case HC_FMT_MODE:
	case HC_FMT_SIGNAL:
	case HC_FMT_ERRNO:
	case HC_FMT_DEV:
	case HC_FMT_CAP:
	case HC_FMT_CAPS:
		return true;
	default:
		return fmt >= HC_FMT_FL_OPEN && fmt < HC_N_FMTS;
	}
}

static void put_int(struct out *o, enum hc_fmt fmt, int64_t value, bool is_signed)
{
	uint64_t v = (uint64_t)value;

	switch (fmt) {
	case HC_FMT_HEX:
		put_hex(o, v);
		break;
	case HC_FMT_MODE:
		put_mode(o, v);
		break;
	case HC_FMT_ERRNO:
		put_enum(o, fmt, value < 0 && value > INT64_MIN ? -value : value, true);
		break;
	case HC_FMT_DEV:
		put_dec(o, (int64_t)(v >> 20), false);
		put_c(o, ":");
		put_dec(o, (int64_t)(v & 0xfffff), false);
		break;
	case HC_FMT_TIME:
		o->len += hc_render_time(value, o->buf + o->len, o->room - o->len);
		break;
	case HC_FMT_CAPS:
		put_caps(o, v);
		break;
	case HC_FMT_FL_OPEN:
		put_open(o, v);
		break;
	case HC_FMT_FL_CLONE:
		put_clone(o, v);
		break;
	case HC_FMT_FL_AT:
		put_flags(o, v, FLAGS(at_flags), false, "0");
		break;
	case HC_FMT_FL_MSG:
		put_flags(o, v, FLAGS(msg_flags), false, "0");
		break;
	case HC_FMT_FL_MOUNT:
		if ((v & 0xffff0000) == 0xc0ed0000) /* the magic that old programs still pass */
			v &= 0xffff;
		put_flags(o, v, FLAGS(mount_flags), false, "0");
		break;
	case HC_FMT_FL_UMOUNT:
		put_flags(o, v, FLAGS(umount_flags), false, "0");
		break;
	case HC_FMT_FL_PROT:
		put_flags(o, v, FLAGS(prot_flags), false, "PROT_NONE");
		break;
	case HC_FMT_FL_MMAP:
		put_mmap(o, v);
		break;
	case HC_FMT_FL_RENAME:
		put_flags(o, v, FLAGS(rename_flags), false, "0");
		break;
	case HC_FMT_FL_RESOLVE:
		put_flags(o, v, FLAGS(resolve_flags), false, "0");
		break;
	case HC_FMT_FL_SOCK_TYPE:
		put_sock_type(o, v);
		break;
	case HC_FMT_FL_MEMFD:
		put_flags(o, v, FLAGS(memfd_flags), false, "0");
		break;
	case HC_FMT_CAP:
	case HC_FMT_SIGNAL:
		put_enum(o, fmt, value, is_signed);
		break;
	default:
		if (fmt >= HC_FMT_EN_AF && fmt < HC_N_FMTS)
			put_enum(o, fmt, value, is_signed);
		else
			put_dec(o, value, is_signed);
	}
}

size_t hc_render_int(enum hc_fmt fmt, int64_t value, bool is_signed, char *buf, size_t room)
{
	struct out o = { buf, room, 0 };

	put_int(&o, fmt, value, is_signed);
	return end(&o);
}

/* ---- time ---- */

static char *two(char *p, unsigned v)
{
	p[0] = (char)('0' + v / 10 % 10);
	p[1] = (char)('0' + v % 10);
	return p + 2;
}

/* The civil date of a day number, by counting in eras of 400 years that begin on the first of March of year 0. */
static void civil(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	unsigned doe = (unsigned)(z - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

	*ret_day = doy - (153 * mp + 2) / 5 + 1;
	*ret_month = mp < 10 ? mp + 3 : mp - 9;
	*ret_year = (int64_t)yoe + era * 400 + (*ret_month <= 2);
}

size_t hc_render_time(int64_t wall_ns, char *buf, size_t room)
{
	int64_t seconds = wall_ns / 1000000000, ns = wall_ns % 1000000000, days, year;
	unsigned month, day, second;
	char text[HC_RENDER_TIME_MAX], *p = text;
	struct out o = { buf, room, 0 };

	if (ns < 0) {
		ns += 1000000000;
		seconds--;
	}
	days = seconds / 86400;
	if (seconds % 86400 < 0)
		days--;
	second = (unsigned)(seconds - days * 86400);
	civil(days, &year, &month, &day); /* 64 bits of ns reach from 1677 to 2262 */
	p = two(p, (unsigned)(year / 100));
	p = two(p, (unsigned)(year % 100));
	*p++ = '-';
	p = two(p, month);
	*p++ = '-';
	p = two(p, day);
	*p++ = 'T';
	p = two(p, second / 3600);
	*p++ = ':';
	p = two(p, second / 60 % 60);
	*p++ = ':';
	p = two(p, second % 60);
	*p++ = '.';
	for (int i = 8; i >= 0; i--, ns /= 10)
		p[i] = (char)('0' + ns % 10);
	p += 9;
	*p++ = 'Z';
	put(&o, text, (size_t)(p - text));
	return end(&o);
}

/* ---- addresses ---- */

size_t hc_render_hex(struct hc_str raw, char *buf, size_t room)
{
	static const char digits[] = "0123456789abcdef";
	struct out o = { buf, room, 0 };

	for (uint32_t i = 0; i < raw.len && o.len + 3 <= o.room; i++) {
		uint8_t b = (uint8_t)raw.p[i];

		buf[o.len++] = digits[b >> 4];
		buf[o.len++] = digits[b & 15];
	}
	return end(&o);
}

static void put_ip4(struct out *o, const uint8_t *b)
{
	for (int i = 0; i < 4; i++) {
		put_dec(o, b[i], false);
		if (i < 3)
			put_c(o, ".");
	}
}

/* RFC 5952: lower case, the longest run of two or more zero groups shortened, the first of equals. */
static void put_ip6(struct out *o, const uint8_t *b)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	int best = -1, best_len = 1;

	if (memcmp(b, mapped, sizeof(mapped)) == 0) {
		put_c(o, "::ffff:");
		put_ip4(o, b + 12);
		return;
	}
	for (int i = 0; i < 8; i++) {
		int len = 0;

		while (i + len < 8 && !b[2 * (i + len)] && !b[2 * (i + len) + 1])
			len++;
		if (len > best_len) {
			best = i;
			best_len = len;
		}
	}
	for (int i = 0; i < 8; i++) {
		char text[8];
		int n;

		if (i == best) {
			put_c(o, "::");
			i += best_len - 1;
			continue;
		}
		if (i && i != best + best_len)
			put_c(o, ":");
		n = snprintf(text, sizeof(text), "%x", (unsigned)(b[2 * i] << 8 | b[2 * i + 1]));
		put(o, text, (size_t)n);
	}
}

static void put_ip(struct out *o, struct hc_str raw)
{
	uint8_t b[16];
	uint64_t id;

	if (raw.len == sizeof(id)) { /* a context id of vsock */
		memcpy(&id, raw.p, sizeof(id));
		put_dec(o, (int64_t)le64toh(id), true);
		return;
	}
	if (raw.len == 4 || raw.len == 16)
		memcpy(b, raw.p, raw.len);
	if (raw.len == 4)
		put_ip4(o, b);
	else if (raw.len == 16)
		put_ip6(o, b);
	else
		o->len += hc_render_hex(raw, o->buf + o->len, o->room - o->len);
}

size_t hc_render_ip(struct hc_str raw, char *buf, size_t room)
{
	struct out o = { buf, room, 0 };

	put_ip(&o, raw);
	return end(&o);
}

size_t hc_render_endpoint(struct hc_str raw, int64_t port, char *buf, size_t room)
{
	struct out o = { buf, room, 0 };
	bool brackets = raw.len == 16 && port >= 0;

	if (brackets)
		put_c(&o, "[");
	put_ip(&o, raw);
	if (brackets)
		put_c(&o, "]");
	if (port >= 0) {
		put_c(&o, ":");
		put_dec(&o, port, true);
	}
	return end(&o);
}

static uint32_t le32(const uint8_t *b)
{
	uint32_t v;

	memcpy(&v, b, sizeof(v));
	return le32toh(v);
}

size_t hc_render_sockaddr(struct hc_str raw, char *buf, size_t room)
{
	struct out o = { buf, room, 0 };
	const uint8_t *b = (const uint8_t *)raw.p;
	unsigned family;

	if (raw.len < 2) {
		put_c(&o, raw.len ? "?" : "");
		return end(&o);
	}
	family = (unsigned)(b[0] | b[1] << 8);
	if (family == 2 && raw.len >= 8)
		return hc_render_endpoint((struct hc_str){ raw.p + 4, 4 }, b[2] << 8 | b[3], buf, room);
	if (family == 10 && raw.len >= 24)
		return hc_render_endpoint((struct hc_str){ raw.p + 8, 16 }, b[2] << 8 | b[3], buf, room);
	if (family == 1) {
		uint32_t n = raw.len - 2;

		put_c(&o, "unix:");
		if (n && !b[2]) { /* abstract: the length counts, not a NUL */
			put_c(&o, "@");
			put(&o, raw.p + 3, n - 1);
		} else if (n) {
			put(&o, raw.p + 2, strnlen(raw.p + 2, n));
		}
		return end(&o);
	}
	if (family == 16 && raw.len >= 8) {
		put_c(&o, "netlink:");
		put_dec(&o, le32(b + 4), false);
		return end(&o);
	}
	if (family == 40 && raw.len >= 12) { /* struct sockaddr_vm: port, then context id */
		put_c(&o, "vsock:");
		put_dec(&o, le32(b + 8), true);
		put_c(&o, ":");
		put_dec(&o, le32(b + 4), true);
		return end(&o);
	}
	put_enum(&o, HC_FMT_EN_AF, family, false);
	if (raw.len > 2) {
		put_c(&o, ":");
		o.len += hc_render_hex((struct hc_str){ raw.p + 2, raw.len - 2 }, o.buf + o.len, o.room - o.len);
	}
	return end(&o);
}

/* ---- names of the model's own words ---- */

const char *hc_class_name(unsigned cls)
{
	static const char *const names[HC_N_CLASSES] = {
		[HC_CLASS_META] = "meta",     [HC_CLASS_PROC] = "proc", [HC_CLASS_CRED] = "cred",
		[HC_CLASS_KERNEL] = "kernel", [HC_CLASS_CTR] = "ctr",   [HC_CLASS_NET] = "net",
		[HC_CLASS_FILE] = "file",     [HC_CLASS_IO] = "io",     [HC_CLASS_OTHER] = "other",
	};

	return cls < HC_N_CLASSES ? names[cls] : "?";
}

const char *hc_stream_name(unsigned stream)
{
	return stream == HC_STREAM_SECURITY ? "security" : stream == HC_STREAM_BULK ? "bulk" : "?";
}

const char *hc_profile_name(unsigned profile)
{
	static const char *const names[] = { "minimal", "security", "full", "option", "imported" };

	return profile < sizeof(names) / sizeof(names[0]) ? names[profile] : "?";
}
