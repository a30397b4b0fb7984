# The kernel numbers a mount namespace as one that has just ended: what was known of that one, its users, its root and what its names
# lead to, is not said of the next.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command python3

cat >inside.py <<'END_OF_SCRIPT'
import ctypes, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH = 0x20000, 0x1000, 0x4000, 1 << 18, 2
wait = float(sys.argv[1])

def must(result, what):
    if result < 0:
        sys.exit(f"{what}: {os.strerror(ctypes.get_errno())}")

def inside(name):
    root = os.path.realpath(name).encode()
    must(libc.unshare(CLONE_NEWNS), "unshare")
    must(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "private")
    must(libc.mount(root, root, None, MS_BIND, None), "bind")
    number = os.readlink("/proc/self/ns/mnt")
    os.chdir(root)
    must(libc.pivot_root(b".", b"."), "pivot_root")
    must(libc.umount2(b".", MNT_DETACH), "umount")
    os.chdir("/")
    os.setgid(1234)
    os.setuid(1234)
    os.rename("/dir/a", "/dir/b")
    print(name, f"/real-{name}/b", os.stat("/dir/b").st_ino, number, flush=True)
    time.sleep(wait)

time.sleep(wait)
for name in ("alpha", "beta", "gamma"):
    os.makedirs(f"{name}/etc")
    os.makedirs(f"{name}/real-{name}")
    os.symlink(f"real-{name}", f"{name}/dir")
    open(f"{name}/real-{name}/a", "w").close()
    os.chown(f"{name}/real-{name}", 1234, 1234)
    with open(f"{name}/etc/passwd", "w") as f:
        f.write(f"{name}:x:1234:1234::/:/bin/sh\n")
    child = os.fork()
    if not child:
        inside(name)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit("a child failed")
END_OF_SCRIPT

chmod 755 . ..
unshare --mount true 2>/dev/null || skip "no mount namespaces here"
hindcast record -q -o cap -- sh -c "$(real_python) inside.py $slow >told"
[ "$(cut -d' ' -f4 told | sort -u | wc -l)" = 1 ] || echo "note: each namespace had a number of its own"
cut -d' ' -f1-3 told >expected
hindcast query cap --format csv "SELECT user || ' ' || newpath_real || ' ' || file_ino FROM rename WHERE newpath_given = '/dir/b' ORDER BY seq" |
	tail -n +2 | tr -d '\r"' >got
diff expected got || fail "what was recorded of them (>) is not what they were"
