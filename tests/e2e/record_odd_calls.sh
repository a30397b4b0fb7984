# Calls whose arguments mean another thing, or nothing, by what else they are given: each row has what was passed, and no value where
# there is none.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command python3
[ "$(uname -m)" = x86_64 ] || skip "the calls are made by their x86-64 numbers"

cat >odd.py <<'END_OF_SCRIPT'
import ctypes, os, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
AT_EXECVE_CHECK, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, VMADDR_CID_ANY = 0x10000, 0x1000, 0x100, 0xffffffff
EXECVEAT, BPF, CLONE3, PERF_EVENT_OPEN = 322, 321, 435, 298

def call(nr, *args):
    args = [a if isinstance(a, ctypes.Array) else ctypes.c_long(a) for a in args]
    r = libc.syscall(ctypes.c_long(nr), *args)
    return r if r != -1 else -ctypes.get_errno()

def buf(data):
    return ctypes.create_string_buffer(data, len(data))

def expect(query, want):
    print(want, query, sep="\t", flush=True)

# a question whether a program would run, which runs none
fd = os.open("/bin/true", os.O_RDONLY)
argv = (ctypes.c_char_p * 2)(b"asked", None)
r = call(EXECVEAT, fd, buf(b"\0"), argv, argv, AT_EMPTY_PATH | AT_EXECVE_CHECK)
expect("SELECT ret FROM execveat WHERE argv = '[\"asked\"]'", r)

# a number is no descriptor, nor is half of a pointer, and what has no flags has none
m = call(BPF, 0, buf(struct.pack("5I", 1, 4, 8, 16, 0) + bytes(52)), 72)
call(BPF, 22, buf(struct.pack("I", m)), 4)  # MAP_FREEZE
call(BPF, 14, buf(struct.pack("3I", 424242, 0, 0)), 12)  # MAP_GET_FD_BY_ID
call(BPF, 18, buf(struct.pack("QQ4I", ctypes.addressof(argv), 0, 1, 0, 0, 0)), 32)  # BTF_LOAD
expect(f"SELECT group_concat(cmd || ':' || coalesce(target_fd, '-') || coalesce(flags, '-'), ' ') FROM bpf WHERE {{me}} AND cmd != 0",
       f"22:{m}- 14:-- 18:--")

# the link, or what it leads to
target, link = os.stat("link").st_ino, os.lstat("link").st_ino
opened = os.open("link", os.O_PATH | os.O_NOFOLLOW)
libc.fchownat(-100, b"followed", 0, 0, 0)
libc.fchownat(-100, b"link", 0, 0, AT_SYMLINK_NOFOLLOW)
libc.fchownat(opened, b"", 0, 0, AT_EMPTY_PATH)
expect("SELECT group_concat(file_ino, ' ') FROM fchownat WHERE {me}", f"{target} {link} {link}")

# two ways to another name of one's own
with open("/proc/self/comm", "w") as f:
    f.write("written")
libc.prctl(15, b"called", 0, 0, 0)
expect("SELECT group_concat(new_comm || ':' || cause, ' ') FROM proc_rename WHERE {me} AND cause != 'exec'", "written:procfs called:prctl")

# a structure that cannot be read
call(CLONE3, 16, 88)
expect("SELECT coalesce(pidfd, flags, cgroup, exit_signal, '-') FROM clone3 WHERE {me}", "-")
call(PERF_EVENT_OPEN, 16, 0, -1, -1, 0)
expect("SELECT coalesce(pe_type, config, config1, config2, attr_flags, '-') FROM perf_event_open WHERE {me}", "-")

# addresses that are no numbers of IP, and ports of more than 16 bits
try:
    s = socket.socket(socket.AF_VSOCK)
    s.bind((VMADDR_CID_ANY, 305419896))
    expect("SELECT addr || ' ' || sock_after || ' ' || sock_after_local_port || ' ' || coalesce(sock_after_peer_port, '-') FROM bind WHERE {me}",
           "vsock:4294967295:305419896 vsock:4294967295:305419896 305419896 -")
except OSError:
    pass  # not in this kernel
END_OF_SCRIPT
: >target
ln -s target link
ln -s target followed
cat followed # when it is followed in the kernel's cache alone, its time of access is set already
python=$(real_python)
hindcast record -q --profile full -o cap -- "$python" odd.py >expected 2>err || fail "not recorded: $(cat err)"
[ "$(wc -l <expected)" -ge 4 ] || fail "the script did not do it: $(cat err)"
while IFS=$'\t' read -r want query; do
	query=${query//\{me\}/"guid IN (SELECT guid FROM process_versions WHERE cmdline LIKE '% odd.py')"}
	got=$(hindcast query cap "$query" --csv | tail -n +2 | tr -d '\r"')
	[ "$got" = "$want" ] || fail "'$got' instead of '$want': $query"
done <expected
echo ok
