# A file that is opened again and again is described once in a while; each of its opens has its path all the same, also when
# it, its directory or its mount changes in between, by several processes on several processors.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live

cat >open.py <<'END'
import os
import sys

DIRECTORY = sys.argv[1]
N = 300


def opens(path, want):
    """N times `path`, each with its own line of what it should be recorded as."""
    for _ in range(N):
        os.close(os.open(path, os.O_RDONLY | os.O_NOCTTY))
    os.write(1, (want + "\n").encode())


def changes(name):
    top = f"{DIRECTORY}/{name}"
    os.makedirs(f"{top}/one/sub")
    with open(f"{top}/one/sub/f", "w", encoding="ascii") as f:
        f.write("x")
    os.link(f"{top}/one/sub/f", f"{top}/hard")
    os.symlink("one/sub/f", f"{top}/soft")
    opens(f"{top}/one/sub/f", f"{top}/one/sub/f")
    os.rename(f"{top}/one", f"{top}/two")  # a directory above it, of a name as long as the old one
    opens(f"{top}/two/sub/f", f"{top}/two/sub/f")
    os.rename(f"{top}/two/sub/f", f"{top}/two/sub/g")
    opens(f"{top}/two/sub/g", f"{top}/two/sub/g")
    opens(f"{top}/hard", f"{top}/hard")
    os.chdir(f"{top}/two")
    opens("sub/g", f"{top}/two/sub/g")
    opens("sub", f"{top}/two/sub")
    os.mkdir(f"{top}/two/jail")
    with open(f"{top}/two/jail/g", "w", encoding="ascii") as f:
        f.write("another file of that name")
    opens("jail/g", f"{top}/two/jail/g")
    fd = os.open("sub/g", os.O_RDONLY)
    os.unlink("sub/g")
    opens(f"/proc/self/fd/{fd}", f"{top}/two/sub/g")
    if os.getuid() == 0:
        os.chroot(f"{top}/two/jail")
        os.chdir("/")
        opens("/g", "/g")


children = []
for child in ("a", "b", "c"):
    pid = os.fork()
    if not pid:
        changes(child)
        os._exit(0)
    children.append(pid)
sys.exit(any(os.waitpid(pid, 0)[1] for pid in children))
END
mkdir "$PWD/tree"
hindcast record -q -o cap -- python3 open.py "$PWD/tree" >>want || fail "exit code $?"
sort want | uniq -c | awk '{ print $2, $1 * 300 }' | sort >want.counts
hindcast query cap --csv "SELECT newfd_real, count(*) FROM openat WHERE comm = 'python3' AND flags & 256 AND ret >= 0 GROUP BY 1" | tail -n +2 |
	tr -d '\r' | tr ',' ' ' | sed "s#  *(deleted)##" | sort >got.counts
[ "$(wc -l <want.counts)" = 19 ] || fail "$(wc -l <want.counts) paths are wanted"
diff want.counts got.counts || fail "opens have other paths"
gaps=$(hindcast query cap --csv "SELECT count(*) FROM meta_gap" | tail -n +2 | tr -d '\r')
[ "$gaps" = 0 ] || fail "something was lost"
echo ok
