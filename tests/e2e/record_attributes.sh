# What changes a file, a mount, the host or the caller's own limits without opening anything: attributes, times, the mount API,
# names of the host, keys, landlock, requests to devices. Each in the profile `security`, with what was passed in columns.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command python3
[ "$(uname -m)" = x86_64 ] || skip "the calls are made by their x86-64 numbers"

cat >calls.py <<'END_OF_SCRIPT'
import ctypes, os, pty, struct, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
ENOSYS, EPERM, EOPNOTSUPP = 38, 1, 95

def call(nr, *args):
    args = [a if isinstance(a, (ctypes.Array, bytes)) else ctypes.c_long(a) for a in args]
    r = libc.syscall(ctypes.c_long(nr), *args)
    return r if r != -1 else -ctypes.get_errno()

def buf(form, *values):
    data = struct.pack(form, *values)
    return ctypes.create_string_buffer(data, len(data))

def expect(query, want):
    print(want, query, sep="\t", flush=True)

here = os.getcwd()
fd = os.open("file", os.O_RDWR)
at = os.open(".", os.O_PATH)
mine = "guid IN (SELECT guid FROM process_versions WHERE cmdline LIKE '% calls.py%')"

# extended attributes, of the file and of a link; a file system need not have them: the row is there all the same
r = call(188, b"link", b"user.one", b"value", 5, 0)
expect(f"SELECT pathname_abs || ' ' || name || ' ' || hex(value) || ' ' || value_len || ' ' || flags || ' ' || ret || ' ' || file_ino FROM setxattr WHERE {mine}",
       f"{here}/link user.one 76616C7565 5 0 {r} {os.stat('link').st_ino}" if r == 0 else "skip")
r = call(189, b"link", b"user.two", b"v", 1, 2)
expect(f"SELECT name || ' ' || flags || ' ' || error FROM lsetxattr WHERE {mine}", "user.two 2 EPERM" if r == -EPERM else "skip")
r = call(190, fd, b"trusted.three", b"x" * 300, 300, 0)
expect(f"SELECT fd_name || ' ' || name || ' ' || length(value) || ' ' || value_len || ' ' || ret FROM fsetxattr WHERE {mine}", f"{here}/file trusted.three 256 300 {r}")
r = call(197, b"file", b"user.one")
expect(f"SELECT pathname_abs || ' ' || name || ' ' || ret FROM removexattr WHERE {mine}", f"{here}/file user.one {r}")
r = call(199, fd, b"trusted.three")
expect(f"SELECT fd_name || ' ' || name || ' ' || ret FROM fremovexattr WHERE {mine}", f"{here}/file trusted.three {r}")
value = ctypes.create_string_buffer(b"four", 4)
r = call(463, at, b"file", 0, b"user.four", buf("QII", ctypes.addressof(value), 4, 1), 16)
expect(f"SELECT pathname_abs || ' ' || name || ' ' || hex(value) || ' ' || flags || ' ' || ret FROM setxattrat WHERE {mine}", f"{here}/file user.four 666F7572 1 {r}")
r = call(466, at, b"file", 0, b"user.four")
expect(f"SELECT pathname_abs || ' ' || at_flags || ' ' || name || ' ' || ret FROM removexattrat WHERE {mine}", f"{here}/file 0 user.four {r}")

# times: set, now, left as they are, of a descriptor, by each older form
NOW, OMIT = 0x3fffffff, 0x3ffffffe
for args in ((at, b"file", buf("4q", 100, 5, 200, 6), 0), (at, b"file", 0, 0), (at, b"stamped", buf("4q", 0, NOW, 0, OMIT), 0x100), (fd, 0, buf("4q", 0, OMIT, 300, 7), 0)):
    call(280, *args)
expect(f"SELECT group_concat(coalesce(pathname_abs, dirfd_name) || ' ' || coalesce(atime, '-') || ' ' || coalesce(mtime, '-') || ' ' || now || ' ' || flags, ', ') FROM (SELECT pathname_abs, dirfd_name, atime, mtime, now, flags FROM utimensat WHERE {mine} ORDER BY seq)",
       f"{here}/file 100000000005 200000000006 0 0, {here}/file - - 3 0, {here}/stamped - - 1 256, {here}/file - 300000000007 0 0")
expect(f"SELECT group_concat(file_ino) FROM (SELECT file_ino FROM utimensat WHERE {mine} AND pathname IS NOT NULL ORDER BY seq)",
       f"{os.stat('file').st_ino},{os.stat('file').st_ino},{os.lstat('stamped').st_ino}")
call(261, at, b"file", buf("4q", 101, 5, 201, 6))
expect(f"SELECT pathname_abs || ' ' || atime || ' ' || mtime FROM futimesat WHERE {mine}", f"{here}/file 101000005000 201000006000")
call(235, b"file", buf("4q", 102, 5, 202, 6))
expect(f"SELECT pathname_abs || ' ' || atime || ' ' || mtime || ' ' || now FROM utimes WHERE {mine} AND NOT row_flags & 1", f"{here}/file 102000005000 202000006000 0")
call(132, b"file", buf("2q", 103, 203))
expect(f"SELECT pathname_abs || ' ' || atime || ' ' || mtime || ' ' || now FROM utime WHERE {mine}", f"{here}/file 103000000000 203000000000 0")
if os.path.exists(sys.argv[1]) and subprocess.run([sys.argv[1], "int80-utimes", "file"], check=False).returncode == 0:
    expect(f"SELECT atime || ' ' || mtime || ' ' || (row_flags & 1) FROM utimes WHERE cmdline LIKE '%int80-utimes%'", "104000007000 204000008000 1")

# the mount API
fs = call(430, b"tmpfs", 0)
expect(f"SELECT fsname || ' ' || ret || ' ' || newfd FROM fsopen WHERE {mine}", f"tmpfs {fs} [fscontext]" if fs >= 0 else "skip")
call(431, fs, 6, 0, 0, 0)
m = call(432, fs, 0, 1)
expect(f"SELECT fs_fd || ' ' || attr_flags || ' ' || ret FROM fsmount WHERE {mine}", f"{fs} 1 {m}")
call(442, m, b"", 0x1000, buf("4Q", 8, 4, 0x40000, 0), 32)
call(442, m, b"", 0x1000, 16, 32)
expect(f"SELECT group_concat(dirfd || ' ' || flags || ' ' || coalesce(attr_set, '-') || ' ' || coalesce(attr_clr, '-') || ' ' || coalesce(propagation, '-') || ' ' || coalesce(userns_fd, '-'), ', ') FROM (SELECT * FROM mount_setattr WHERE {mine} ORDER BY seq)",
       f"{m} 4096 8 4 262144 -, {m} 4096 - - - -")
r = call(428, at, b"", 0x81000)
expect(f"SELECT dirfd_name || ' ' || flags || ' ' || ret FROM open_tree WHERE {mine}", f"{here} 528384 {r}")
r = call(433, -100, b"/", 0)
expect(f"SELECT pathname_abs || ' ' || ret FROM fspick WHERE {mine}", f"/ {r}")
user = os.open("/proc/self/ns/user", os.O_RDONLY)
r = call(467, at, b"", 0x1000, buf("4Q", 0x100000, 0, 0, user), 32)
expect(f"SELECT dirfd_name || ' ' || attr_set || ' ' || userns_fd || ' ' || ret FROM open_tree_attr WHERE {mine}", f"{here} 1048576 {user} {r}")

# the host: what cannot be done leaves a row as well
call(169, 0, 0, 4711, 0)
expect(f"SELECT cmd || ' ' || error FROM reboot WHERE {mine}", "4711 EINVAL")
call(272, 0x04000000)  # in a UTS namespace of its own
text = ctypes.create_string_buffer(b"renamed-and-more", 16)
call(170, text, 7)
call(171, text, 3)
expect(f"SELECT name || ' ' || ret || ' ' || (SELECT uts_node FROM process_versions v WHERE v.guid = e.proc_after_guid AND v.version = e.proc_after_version) FROM sethostname e WHERE {mine}", "renamed 0 renamed")
expect(f"SELECT name || ' ' || ret FROM setdomainname WHERE {mine}", "ren 0")
r = call(167, b"absent/swap", 0), call(168, b"absent/swap"), call(163, b"absent/acct")
expect(f"SELECT a.pathname_abs || ' ' || a.ret || ' ' || b.pathname_abs || ' ' || b.ret || ' ' || c.pathname_abs || ' ' || c.ret FROM swapon a, swapoff b, acct c WHERE a.{mine} AND b.{mine} AND c.{mine}",
       f"{here}/absent/swap {r[0]} {here}/absent/swap {r[1]} {here}/absent/acct {r[2]}")
call(159, ctypes.create_string_buffer(208))  # only asks
call(159, buf("Iiq192x", 0x8000, 0, 0))
call(305, 0, buf("Iiq192x", 0x8000, 0, 0))
expect(f"SELECT group_concat(modes || ' ' || error) FROM adjtimex WHERE {mine}", "32768 EINVAL")
expect(f"SELECT clockid || ' ' || modes || ' ' || error FROM clock_adjtime WHERE {mine}", "0 32768 EINVAL")

# what the caller does to itself
n = call(444, buf("3Q", 3, 0, 0), 8, 0)
if n != -ENOSYS and n != -EOPNOTSUPP:
    expect(f"SELECT handled_access_fs || ' ' || flags || ' ' || ret FROM landlock_create_ruleset WHERE {mine}", f"3 0 {n}")
    call(445, n, 1, buf("=Qi", 1, at), 0)
    call(445, n, 2, buf("QQ", 2, 443), 0)
    expect(f"SELECT group_concat(ruleset_fd || ' ' || rule_type || ' ' || allowed_access || ' ' || coalesce(parent_fd_name, port), ', ') FROM (SELECT * FROM landlock_add_rule WHERE {mine} ORDER BY seq)",
           f"{n} 1 1 {here}, {n} 2 2 443")
    r = call(446, -1, 0)
    expect(f"SELECT ruleset_fd || ' ' || ret FROM landlock_restrict_self WHERE {mine}", f"-1 {r}")
r = call(460, 100, buf("QQQQ8s", 104, 0, 40, 8, b"profile\0"), 40, 0)
expect(f"SELECT attr || ' ' || lsm || ' ' || hex(value) || ' ' || ret FROM lsm_set_self_attr WHERE {mine}", f"100 104 70726F66696C6500 {r}")
r = call(158, 0x1012, 1)  # ARCH_SET_CPUID; what each program's start does is left out
expect(f"SELECT group_concat(op || ' ' || addr || ' ' || ret) FROM arch_prctl WHERE {mine}", f"{0x1012} 1 {r}")
# the first returns an unsigned int
r = call(154, 17, 0, 0), call(172, 0), call(173, 0x80, 2, 0)
expect(f"SELECT a.func || ' ' || a.ret || ' ' || b.level || ' ' || b.ret || ' ' || c.arg_from || ' ' || c.num || ' ' || c.ret FROM modify_ldt a, iopl b, ioperm c WHERE a.{mine} AND b.{mine} AND c.{mine}",
       f"17 {r[0] & 0xffffffff} 0 {r[1]} 128 2 {r[2]}")
r = call(248, b"user", b"described", b"payload", 7, -2), call(249, b"user", b"sought", b"", -2)
expect(f"SELECT a.key_type || ' ' || a.description || ' ' || a.plen || ' ' || a.keyring || ' ' || a.ret || ' ' || b.key_type || ' ' || b.description || ' ' || b.ret FROM add_key a, request_key b WHERE a.{mine} AND b.{mine}",
       f"user described 7 -2 {r[0]} user sought {r[1]}")
r = call(300, 0, 2), call(447, 0x80000)
expect(f"SELECT a.event_f_flags || ' ' || a.ret || ' ' || b.flags || ' ' || b.ret FROM fanotify_init a, memfd_secret b WHERE a.{mine} AND b.{mine}", f"2 {r[0]} 524288 {r[1]}")

# requests: those that tell, and none of the others
master, slave = pty.openpty()
libc.ioctl(slave, ctypes.c_ulong(0x5401), ctypes.create_string_buffer(64))
libc.ioctl(slave, ctypes.c_ulong(0x5412), b"Z")
libc.ioctl(fd, ctypes.c_ulong(0x40086602), buf("q", 128))
import socket
libc.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM).fileno(), ctypes.c_ulong(0x8914), buf("16sH22x", b"absent0", 0x41))
expect(f"SELECT group_concat(printf('%x ', request) || value || ' ' || coalesce(name, ''), ', ') FROM (SELECT * FROM ioctl WHERE {mine} ORDER BY seq)", "5412 90 , 40086602 128 , 8914 65 absent0")
END_OF_SCRIPT
: >file
ln -s file link
ln -s file stamped
cat link # when it is followed in the kernel's cache alone, its time of access is set already
python=$(real_python)
evade=$HC_BUILD_DIR/tests/lib/evade
hindcast record -q -o cap -- "$python" calls.py "$evade" >expected 2>err || fail "not recorded: $(cat err)"
[ "$(wc -l <expected)" -ge 25 ] || fail "the script did not do it: $(cat err)"
while IFS=$'\t' read -r want query; do
	[ "$want" != skip ] || continue
	got=$(hindcast query cap "$query" --csv | tail -n +2 | tr -d '\r"')
	[ "$got" = "$want" ] || fail "'$got' instead of '$want': $query"
done <expected
# what has a type has no raw row beside it
hindcast record -q --profile full -o full -- "$python" calls.py "$evade" >/dev/null 2>&1 || fail "not recorded in full"
names="setxattr|utimensat|fsopen|mount_setattr|landlock_create_ruleset|sethostname|ioctl|arch_prctl"
[ "$(hindcast query full "SELECT count(DISTINCT type) FROM events WHERE type IN ('${names//|/\',\'}')" --csv | tail -1 | tr -d '\r')" -ge 7 ] ||
	fail "types are missing in the profile full"
[ "$(hindcast query full "SELECT count(*) FROM ioctl WHERE request = 0x5401 AND value IS NULL" --csv | tail -1 | tr -d '\r')" -ge 1 ] ||
	fail "the profile full leaves requests out"
# what a child ended with, what shall be done at a signal, how long a filter is
hindcast record -q --profile full -o more -- "$python" -c '
import ctypes, os, signal, struct
pid = os.fork()
if pid == 0:
    os._exit(3)
os.wait4(pid, 0)
signal.signal(signal.SIGUSR2, signal.SIG_IGN)
libc = ctypes.CDLL(None)
allow = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7fff0000))
libc.prctl(38, 1, 0, 0, 0)
libc.syscall(317, 1, 0, ctypes.create_string_buffer(struct.pack("H6xQ", 1, ctypes.addressof(allow))))' || fail "not recorded"
ask() { hindcast query more "SELECT $1 FROM $2 WHERE ${3:-} guid IN (SELECT guid FROM process_versions WHERE cmdline LIKE '%import ctypes, os, signal%')" --csv | tail -n +2 | tr -d '\r"'; }
[ "$(ask status wait4)" = 768 ] || fail "status: $(ask status wait4)"
[ "$(ask filter_len seccomp)" = 1 ] || fail "filter: $(ask filter_len seccomp)"
[ "$(ask 'DISTINCT handler' rt_sigaction 'sig = 12 AND handler IS NOT NULL AND')" = 1 ] || fail "handler: $(ask 'sig, handler' rt_sigaction)"
