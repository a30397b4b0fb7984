# A process whose parent ends has the parent that the kernel gives it: the nearest ancestor that asked for orphans, with each profile.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command python3

cat >orphan.py <<'END_OF_SCRIPT'
import ctypes, os, time
libc = ctypes.CDLL(None)
PR_SET_CHILD_SUBREAPER = 36

def orphan():
    """A child that ends before its own child, which sees whose it is then."""
    r, w = os.pipe()
    child = os.fork()
    if not child:
        if os.fork():
            os._exit(0)
        os.read(r, 1)
        print(os.getpid(), os.getppid(), flush=True)
        os.execv("/bin/sleep", ["sleep", "0.2"])
    os.waitpid(child, 0)
    os.write(w, b"x")

libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
orphan()
os.wait()
libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
orphan()
time.sleep(0.4)
END_OF_SCRIPT
python=$(real_python)
for profile in minimal security; do
	hindcast record -q --profile $profile -o $profile -- "$python" orphan.py >seen 2>err || fail "not recorded: $(cat err)"
	hindcast query $profile "SELECT pid || ' ' || ppid FROM execs WHERE cmdline = 'sleep 0.2' ORDER BY seq" --csv | tr -d '\r' |
		tail -n +2 >recorded
	[ "$(wc -l <seen)" = 2 ] || fail "no two orphans: $(cat seen)"
	cmp -s seen recorded || fail "$profile: seen as '$(cat seen)', recorded as '$(cat recorded)'"
done
echo ok
