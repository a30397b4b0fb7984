#!/usr/bin/env python3
"""Every first-tier type and column, in a real recording.

  record_columns.py provoke        makes each type happen, as root, in an empty directory
  record_columns.py check CAPTURE  fails for a type without rows and a column without a value that ABSENT does not name
"""
import ctypes, os, re, signal, socket, struct, subprocess, sys, time

libc = ctypes.CDLL(None, use_errno=True)
SLOW = int(os.environ.get("HC_SLOW", "1"))  # how many times longer than usual things may take
FIRST, LAST = 32, 199  # numbers of the kernel's and the recorder's own types and of the first tier of calls

NR = {}
for line in open("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"):
    m = re.match(r"#define __NR_(\w+) (\d+)", line)
    if m:
        NR[m.group(1)] = int(m.group(2))
NR.setdefault("fchmodat2", 452)


def call(name, *args):
    """The call itself, whatever a library would make of it. Failures are rows too."""
    conv = [ctypes.c_char_p(a) if isinstance(a, bytes) else a if isinstance(a, ctypes.Array) else
            ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    return libc.syscall(ctypes.c_long(NR[name]), *conv)


def child(fn):
    pid = os.fork()
    if not pid:
        try:
            fn()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def buf(data):
    return ctypes.create_string_buffer(data, max(len(data), 1))


def iov(data):
    b = buf(data)
    v = (ctypes.c_ulong * 2)(ctypes.addressof(b), len(data))
    v.keep = b
    return v


AT = -100


def files():
    d = os.open(".", os.O_RDONLY)
    call("creat", b"a", 0o600)
    fd = call("open", b"a", os.O_RDWR, 0)
    call("openat", d, b"b", os.O_RDWR | os.O_CREAT, 0o600)
    call("openat2", d, b"b", buf(struct.pack("QQQ", os.O_RDWR | os.O_CREAT, 0o600, 8)), 24)
    handle = buf(struct.pack("Ii", 120, 0) + bytes(120))
    mount = ctypes.c_int()
    libc.name_to_handle_at(AT, b"a", handle, ctypes.byref(mount), 0)
    call("open_by_handle_at", d, handle, os.O_RDONLY)
    data, out = b"x" * 64, buf(bytes(64))
    call("write", fd, buf(data), 64)
    call("pwrite64", fd, buf(data), 64, 0)
    call("writev", fd, iov(data), 1)
    call("pwritev", fd, iov(data), 1, 0, 0)
    call("pwritev2", fd, iov(data), 1, 0, 0, 0)
    os.lseek(fd, 0, 0)
    call("read", fd, out, 32)
    call("pread64", fd, out, 32, 0)
    call("readv", fd, iov(data), 1)
    call("preadv", fd, iov(data), 1, 0, 0)
    call("preadv2", fd, iov(data), 1, 0, 0, 0)
    call("getdents", d, buf(bytes(4096)), 4096)
    os.lseek(d, 0, 0)
    call("getdents64", d, buf(bytes(4096)), 4096)
    fd2, (r, w) = os.open("c", os.O_RDWR | os.O_CREAT), os.pipe()
    off = lambda: ctypes.byref(ctypes.c_long(0))
    call("sendfile", fd2, fd, off(), 16)
    call("splice", fd, off(), w, None, 16, 0)
    call("splice", r, None, fd2, off(), 16, 0)
    call("copy_file_range", fd, off(), fd2, off(), 16, 0)
    call("fallocate", fd2, 0, 0, 4096)
    call("ftruncate", fd2, 100)
    call("truncate", b"a", 50)
    call("dup", fd)
    call("dup2", fd, fd2)
    call("dup3", fd, r, os.O_CLOEXEC)
    for name, args in (("mkdir", (b"d1", 0o700)), ("mkdirat", (d, b"d2", 0o700)), ("rmdir", (b"d1",)),
                       ("rename", (b"b", b"b1")), ("renameat", (d, b"b1", d, b"b2")), ("creat", (b"b", 0o600)),
                       # what is looked up late stays where it is: the recorder may be slower than the next call
                       ("creat", (b"ra", 0o600)), ("rename", (b"ra", b"rb")), ("creat", (b"rc", 0o600)),
                       ("renameat", (d, b"rc", d, b"rd")), ("creat", (b"re", 0o600)), ("renameat2", (d, b"re", d, b"rf", 0)),
                       ("renameat2", (d, b"c", d, b"c2", 1)), ("renameat2", (d, b"c", d, b"c2", 0)),
                       ("link", (b"b", b"l1")), ("linkat", (d, b"b", d, b"l2", 0)), ("symlink", (b"b", b"s1")),
                       ("symlinkat", (b"b", d, b"s2")), ("mknod", (b"n1", 0o10600, 0)),
                       ("mknodat", (d, b"n2", 0o20600, 0x103)), ("chmod", (b"b", 0o640)), ("fchmod", (fd, 0o640)),
                       ("fchmodat", (d, b"b", 0o600)), ("fchmodat2", (d, b"b", 0o640, 0)), ("chown", (b"b", 1, 1)),
                       ("lchown", (b"s1", 1, 1)), ("fchown", (fd, 1, 1)), ("fchownat", (d, b"b", 0, 0, 0)),
                       ("creat", (b"u1", 0o600)), ("unlink", (b"u1",)), ("unlinkat", (d, b"n1", 0))):
        call(name, *args)
    call("execve", b"b", (ctypes.c_char_p * 2)(b"b", None), (ctypes.c_char_p * 2)(b"V=1", None))
    call("execveat", d, b"b", (ctypes.c_char_p * 2)(b"b", None), (ctypes.c_char_p * 2)(b"V=1", None), 0)


def memory():
    libc.mmap.restype = ctypes.c_void_p
    fd = os.open("m", os.O_RDWR | os.O_CREAT)
    os.ftruncate(fd, 8192)
    p = libc.mmap(None, 8192, 3, 2, fd, 0)
    call("mprotect", ctypes.c_void_p(p), 4096, 5)
    call("pkey_mprotect", ctypes.c_void_p(p + 4096), 4096, 5, -1)
    call("shmat", libc.shmget(0, 4096, 0o1600), 0, 0)


def sockets():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(5)
    for name in ("accept", "accept4"):
        c = socket.create_connection(s.getsockname())
        call(name, s.fileno(), buf(bytes(128)), ctypes.byref(ctypes.c_int(128)), 0)
    u, v = socket.socket(type=socket.SOCK_DGRAM), socket.socket(type=socket.SOCK_DGRAM)
    u.bind(("127.0.0.1", 0))
    addr = struct.pack("H", 2) + struct.pack("!HI8x", u.getsockname()[1], 0x7F000001)
    a, vec = buf(addr), iov(b"hello")
    call("sendto", v.fileno(), buf(b"hello"), 5, 0, a, 16)
    r, w = socket.socketpair(socket.AF_UNIX)
    rights = buf(struct.pack("QiiI4x", 20, 1, 1, 0))
    msg = lambda n, nl, ctl, cl: struct.pack("QIxxxxQQQQi4x", n, nl, ctypes.addressof(vec), 1, ctl, cl, 0)
    fresh = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(2)]  # their peer is new
    call("sendmsg", fresh[0].fileno(), buf(msg(ctypes.addressof(a), 16, 0, 0)), 0)
    call("sendmsg", w.fileno(), buf(msg(0, 0, ctypes.addressof(rights), 24)), 0)
    mm = buf((msg(ctypes.addressof(a), 16, 0, 0) + bytes(8)) * 2)
    call("sendmmsg", fresh[1].fileno(), mm, 2, 0)
    query = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + b"\x07example\x03com\x00" + struct.pack("!HH", 1, 1)
    try:  # a name server of our own, if nobody has its port
        dns = socket.socket(type=socket.SOCK_DGRAM)
        dns.bind(("127.0.0.77", 53))
        v.sendto(query, ("127.0.0.77", 53))
        q, who = dns.recvfrom(512)
        dns.sendto(q[:2] + struct.pack("!5H", 0x8180, 1, 1, 0, 0) + q[12:] + b"\xc0\x0c" +
                   struct.pack("!HHIH4B", 1, 1, 60, 4, 127, 0, 0, 1), who)
        v.recvfrom(512)
    except OSError as e:
        print("no name server:", e)


def credentials():
    child(lambda: [call("setgroups", 2, (ctypes.c_uint * 2)(5, 6)), call("setfsuid", 3), call("setfsgid", 3),
                   call("setregid", 4, 4), call("setreuid", 0, 4), call("setreuid", -1, 0)])
    child(lambda: [call("setresgid", 5, 5, 5), call("setresuid", 5, 5, 5)])
    child(lambda: [call("setgid", 7), call("setuid", 7)])
    cap = lambda: [buf(struct.pack("Ii", 0x20080522, 0)), buf(struct.pack("6I", 0, 0, 0, 0, 0, 0))]
    child(lambda: call("capset", *cap()))
    child(lambda: [call("prctl", 15, b"renamed", 0, 0, 0), call("setsid"), call("setpgid", 0, 0)])
    child(lambda: call("setpgid", 0, 0))


def places():
    def inside():
        call("unshare", 0x20000)
        os.makedirs("root/old")
        call("mount", b"none", b"/", b"", 0x4C000, b"")
        call("mount", b"none", b"root", b"tmpfs", 0, b"size=1m")
        time.sleep(1.5 * SLOW)  # its number is looked up a moment later
        os.makedirs("root/old/x")
        call("move_mount", os.open("root", os.O_PATH), b"", os.open("/mnt", os.O_PATH), b"", 0x44)
        call("chdir", b"root/old")
        call("fchdir", os.open("/", os.O_RDONLY))
        call("setns", os.open("/proc/self/ns/uts", os.O_RDONLY), 0)
        call("pivot_root", b"/mnt", b"/mnt/old")
        call("umount2", b"/old", 2)
        call("chroot", b"/old")
    child(inside)


def others():
    pid = os.fork()
    if not pid:
        time.sleep(30)
        os._exit(0)
    call("ptrace", 16, pid, 0, 0)
    local = iov(b"data")
    call("process_vm_writev", pid, local, 1, local, 1, 0)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    insns = buf(struct.pack("<BBhi", 0xB7, 0, 0, 0) + struct.pack("<BBhi", 0x95, 0, 0, 0))
    lic = buf(b"GPL\0")
    attr = struct.pack("IIQQIIQII16s", 1, 2, ctypes.addressof(insns), ctypes.addressof(lic), 0, 0, 0, 0, 0, b"audit")
    prog = call("bpf", 5, buf(attr + bytes(128 - len(attr))), 128)
    m = struct.pack("IIIIIII16s", 2, 4, 8, 4, 0, 0, 0, b"audited")
    call("bpf", 0, buf(m + bytes(128 - len(m))), 128)
    os.makedirs("bpffs", exist_ok=True)
    path = buf(b"/nowhere/pin\0")
    call("bpf", 6, buf(struct.pack("QI", ctypes.addressof(path), prog) + bytes(116)), 128)
    call("bpf", 8, buf(struct.pack("IIII", 0, prog, 0, 0) + bytes(112)), 128)
    perf = call("perf_event_open", buf(struct.pack("IIQ", 1, 112, 0) + bytes(96)), 0, -1, -1, 8)
    probe = buf(b"no_such_function\0")
    call("perf_event_open", buf(struct.pack("IIQQQQQIIQQ", 8, 112, 0, 0, 0, 0, 0, 0, 0, ctypes.addressof(probe), 4) +
                                bytes(40)), -1, 0, perf, 8)
    call("init_module", buf(b"\x7fELF" + bytes(60)), 64, b"option=1")
    call("finit_module", os.open("/etc/passwd", os.O_RDONLY), b"option=1", 0)
    fd = os.open("/etc/passwd", os.O_RDONLY)
    call("kexec_file_load", fd, fd, 5, b"root\0", 0)
    pid = call("fork")
    if not pid:
        os._exit(3)
    os.waitpid(pid, 0)
    subprocess.run(["/bin/true"])  # by vfork
    call("clone", 0x10000, 0, 0, 0, 0)  # CLONE_THREAD without what it needs
    call("clone3", buf(struct.pack("11Q", 0x200010000, 0, 0, 0, 0, 0, 0, 0, 0, 0, fd)), 88)
    call("pselect6", 0, 0, 0, 0, buf(bytes(16)), 0)
    signal.signal(signal.SIGUSR1, lambda *_: None)
    os.kill(os.getpid(), signal.SIGUSR1)
    open("script", "w").write("#!/bin/sh\nexit 4\n")
    os.chmod("script", 0o755)
    subprocess.run(["./script"])
    child(lambda: os.kill(os.getpid(), signal.SIGSEGV))


def groups():
    base = next((d for d in ("/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified", "/sys/fs/cgroup")
                 if os.path.exists(d + "/cgroup.procs")), None)
    d = "%s/docker-%064x.scope" % (base, os.getpid())
    try:
        os.mkdir(d)
        limit = d + "/memory.limit_in_bytes"
        pid = os.fork()
        if not pid:
            open(d + "/cgroup.procs", "w").write(str(os.getpid()))
            if os.path.exists(limit):
                open(limit, "w").write("8388608")
                open("/proc/self/oom_score_adj", "w").write("1000")
                b"x" * (64 << 20)  # until the kernel ends it
            os._exit(0)
        os.waitpid(pid, 0)
        time.sleep(0.2)
        os.rmdir(d)
    except OSError as e:
        print("no cgroup:", e)


# ---- what need not be there ----

NO_MODULES = "this kernel has no loadable modules"
MISSING = {  # types that cannot be made to happen here: why
    "mod_load": NO_MODULES, "mod_free": NO_MODULES, "mod_request": NO_MODULES,
    "ctr_start": "needs a container runtime", "ctr_update": "needs a container runtime",
    "ctr_stop": "needs a container runtime",
    "usr_change": "would change the machine's accounts",
    "lsm_denied": "needs an SELinux policy that refuses something",
    "oom_kill": "needs a memory controller that a limit can be set on",
}
HOOKS = {"cap_check": "cap_capable"}  # types whose tracepoint not every kernel has
GONE = "gone when the call returns, and no object of the kernel's is left that names it"
ABSENT = {"unlink.file": GONE, "unlinkat.file": GONE}  # columns that need not have a value: why


def provoke():
    for fn in (files, memory, sockets, credentials, places, others, groups):
        child(fn)


def columns(source):
    """(type, [(column, kind)]) of the first tier out of the event table; what only imports have is left out."""
    types, number = {}, {}
    for line in open(source):
        m = re.match(r"HC_EVENT\((\w+), (\d+), (\w+),", line)
        if m and FIRST <= int(m.group(2)) <= LAST:
            types[m.group(1)] = (m.group(3), [])
        m = re.match(r"\s*HC_ARG\((\w+), (\w+), (\w+),", line)
        if m and m.group(1) in types:
            types[m.group(1)][1].append((m.group(2), m.group(3)))
    return list(types.values())


def query(capture, sql):
    r = subprocess.run(["hindcast", "query", capture, sql, "--csv"], capture_output=True, text=True)
    if r.returncode:
        sys.exit("%s: %s" % (sql, r.stderr))
    return [l for l in r.stdout.replace("\r", "").split("\n") if l]


def check(capture, source):
    bad, n_types, n_cols, n_excused = [], 0, 0, 0
    tables, shows, missing = columns(source), {}, dict(MISSING)
    for name, hook in HOOKS.items():
        if query(capture, """SELECT count(*) FROM meta_config WHERE hooks LIKE '%%"%s missing %%'""" % hook)[-1] != "0":
            missing[name] = "this kernel has no tracepoint " + hook
    for line in query(capture, " UNION ALL ".join("SELECT '%s', name FROM pragma_table_xinfo('%s')" % (t, t)
                                                  for t, _ in tables))[1:]:
        shows.setdefault(line.split(",")[0], set()).add(line.split(",")[1])
    for name, args in tables:
        have = shows.get(name, set())
        want = []
        for arg, kind in args:
            shown = "arg_" + arg if "arg_" + arg in have else arg
            if kind in ("FD", "PID"):
                want += [(arg, shown), (arg, arg + ("_name" if kind == "FD" else "_guid"))]
            else:
                want.append((arg, arg + "_guid" if kind == "PROC" else shown))
        for arg, col in want:
            if col not in have:
                bad.append("%s.%s: no such column" % (name, col))
        want = [w for w in want if w[1] in have]
        n = [int(x) for x in query(capture, "SELECT count(*)%s FROM %s" % (
            "".join(", count(%s)" % c for _, c in want), name))[-1].split(",")]
        if not n[0]:
            (bad.append("%s: no rows" % name) if name not in missing else print("%s: %s" % (name, missing[name])))
            continue
        n_types += 1
        for (arg, col), k in zip(want, n[1:]):
            n_cols += 1
            if k:
                continue
            if "%s.%s" % (name, col) in ABSENT:
                n_excused += 1
                print("%s.%s: %s" % (name, col, ABSENT["%s.%s" % (name, col)]))
            elif "error" in have and query(capture, "SELECT count(*) FROM %s WHERE error IS NOT 'ENOSYS'" % name)[-1] == "0":
                n_excused += 1
                print("%s.%s: this kernel has no such call" % (name, col))
            else:
                bad.append("%s.%s: no value in %d rows" % (name, col, n[0]))
    print("%d types with %d columns, %d of them without a value" % (n_types, n_cols, n_excused))
    if bad:
        sys.exit("\n".join(bad))


if sys.argv[1] == "provoke":
    provoke()
else:
    check(sys.argv[2], os.environ["HC_SOURCE_DIR"] + "/store/event_types.def")
