# What is known of a process follows what another one does to it, and what changes nobody's numbers.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command python3

cat >changes.py <<'END_OF_SCRIPT'
import ctypes, os, resource, struct
libc = ctypes.CDLL(None)
CLONE_FS, SIGCHLD, SECCOMP_SET_MODE_FILTER, RLIMIT_NOFILE = 0x200, 17, 1, 7
PR_SET_NO_NEW_PRIVS, SYS_clone, SYS_seccomp = 38, os.uname().machine == "x86_64" and 56 or 220, os.uname().machine == "x86_64" and 317 or 277

def child(fn):
    pid = os.fork()
    if not pid:
        fn()
        os._exit(0)
    return pid

def sharing(fn):
    pid = libc.syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0)
    if not pid:
        fn()
        os._exit(0)
    os.waitpid(pid, 0)

def look(name):
    """An open that fails, by a relative name: its row says where the recorder thinks that it was."""
    try:
        os.open(name, 0)
    except OSError:
        print("cwd", name, os.getcwd())

def filtered():
    code = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7fff0000))
    prog = ctypes.create_string_buffer(struct.pack("H6xQ", 1, ctypes.addressof(code)))
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    assert libc.syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, prog) == 0
    print("seccomp", os.getpid(), 2)

# somebody else's limit
r, w = os.pipe()
pid = child(lambda: os.read(r, 1))
resource.prlimit(pid, RLIMIT_NOFILE, (123, 200))
print("nofile", pid, 123)
os.write(w, b"x")
os.waitpid(pid, 0)
# a directory that two processes share, until one has its own
sharing(lambda: os.chdir("/usr"))
look("shared-1")
sharing(lambda: (libc.unshare(CLONE_FS), os.chdir("/etc")))
look("unshared")
sharing(lambda: (os.chdir("/"), look("shared-2")))
look("shared-3")
os.waitpid(child(lambda: os.chdir("/etc")), 0)
look("forked")
os.waitpid(child(filtered), 0)
END_OF_SCRIPT
python=$(real_python)
hindcast record -q -o cap -- "$python" -u changes.py >seen 2>err || fail "not recorded: $(cat err)"
[ "$(wc -l <seen)" = 7 ] || fail "the script did not do it: $(cat seen err)"
while read -r what who value; do
	case $what in
	cwd) query="SELECT DISTINCT cwd FROM openat WHERE pathname_given = '$who'" ;;
	*) query="SELECT $what FROM process_versions WHERE pid = $who AND NOT is_thread ORDER BY version DESC LIMIT 1" ;;
	esac
	got=$(hindcast query cap "$query" --csv | tail -n +2 | tr -d '\r')
	[ "$got" = "$value" ] || fail "$what $who: '$got' instead of '$value'"
done <seen
echo ok
