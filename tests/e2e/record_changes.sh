# What is known of a process follows what another one does to it, and what changes nobody's numbers.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command python3

cat >changes.py <<'END_OF_SCRIPT'
import ctypes, os, resource, struct, sys, threading
libc = ctypes.CDLL(None)
CLONE_FS, SIGCHLD, SECCOMP_SET_MODE_FILTER, RLIMIT_NOFILE = 0x200, 17, 1, 7
PR_GET_DUMPABLE, PR_SET_DUMPABLE = 3, 4
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

def dumpable(value):
    """As the kernel has it, or as it will be when the process is another program."""
    print("dumpable", os.getpid(), libc.prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) if value is None else value)

def undumpable():
    assert libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0

def heirs():
    undumpable()
    os.waitpid(child(lambda: dumpable(0)), 0)
    dumpable(1)
    os.execv("/bin/true", ["true"])

def by_thread():
    thread = threading.Thread(target=undumpable)
    thread.start()
    thread.join()
    dumpable(0)

def other_user():
    os.setresuid(65534, 65534, 65534)
    dumpable(None)

if sys.argv[1:]: # it was there before the recorder
    undumpable()
    dumpable(0)
    open(sys.argv[1]).read()
    sys.exit()
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
# who may read its memory
for fn in heirs, by_thread, other_user:
    os.waitpid(child(fn), 0)
END_OF_SCRIPT
python=$(real_python)
mkfifo never
"$python" -u changes.py never >before &
old=$!
trap 'kill $old 2>/dev/null || :' EXIT
waits dumpable before
hindcast record -q -o cap -- "$python" -u changes.py >seen 2>err || fail "not recorded: $(cat err)"
cat before >>seen
[ "$(wc -l <seen)" = 12 ] || fail "the script did not do it: $(cat seen err)"
while read -r what who value; do
	case $what in
	cwd) query="SELECT DISTINCT cwd FROM openat WHERE pathname_given = '$who'" ;;
	*) query="SELECT $what FROM process_versions WHERE pid = $who AND NOT is_thread ORDER BY version DESC LIMIT 1" ;;
	esac
	got=$(hindcast query cap "$query" --csv | tail -n +2 | tr -d '\r')
	[ "$got" = "$value" ] || fail "$what $who: '$got' instead of '$value'"
done <seen
echo ok
