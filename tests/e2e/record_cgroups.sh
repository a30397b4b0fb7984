# A process that moves to another control group and ends at once, and a thread that moves alone, are in the rows where they were, in
# whichever hierarchy that is, and in the others where they were before.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command python3

cat >moves.py <<'END_OF_SCRIPT'
import ctypes, glob, json, os, sys, threading
libc = ctypes.CDLL(None)
SYS_gettid = os.uname().machine == "x86_64" and 186 or 178

def groups(of="self"):
    lines = [line.rstrip("\n").split(":", 2) for line in open(f"/proc/{of}/cgroup")]
    return sorted((names or "unified") + "=" + path for _, names, path in lines)

def look(name, want):
    """An open that fails: the version that its row belongs to has the groups."""
    try:
        os.open(name, 0)
    except OSError:
        print(json.dumps([name, want]), flush=True)

def move(to, name, task):
    with open(f"{to}/{name}", "w") as f:
        f.write(str(task))

def alone(to, name):
    move(to, "tasks", libc.syscall(SYS_gettid))
    look(name, groups("thread-self"))

made = []
for line in open("/proc/mounts"):
    _, where, kind, options = line.split()[:4]
    to = f"{where}/hct-{os.getpid()}"
    if kind not in ("cgroup", "cgroup2") or "rw" not in options.split(","):
        continue
    try:
        os.mkdir(to)
        made.append(to)
        for f in ("cpuset.cpus", "cpuset.mems"):  # or nobody may enter it
            if kind == "cgroup" and os.path.exists(f"{to}/{f}"):
                with open(f"{where}/{f}") as of, open(f"{to}/{f}", "w") as out:
                    out.write(of.read())
    except OSError:
        continue
    if not os.fork():
        try:
            move(to, "cgroup.procs", 0)
        except OSError:
            os._exit(0)
        want = groups()
        look(f"in-{len(made)}", want)
        os._exit(0)
    os.wait()
    if kind == "cgroup" and not os.fork():
        before = groups()
        t = threading.Thread(target=alone, args=(to, f"alone-{len(made)}"))
        t.start()
        t.join()
        look(f"leader-{len(made)}", before)
        os._exit(0)
    elif kind == "cgroup":
        os.wait()
for to in made:
    os.rmdir(to)
END_OF_SCRIPT
python=$(real_python)
hindcast record -q -o cap -- "$python" moves.py >seen 2>err || fail "not recorded: $(cat err)"
[ -s seen ] || skip "no control group can be made: $(cat err)"
hindcast query cap "SELECT pathname_given name, o.pid, tid, (SELECT cgroups FROM process_versions v WHERE v.guid = o.guid AND
	v.from_ns <= o.ts_ns AND v.is_thread = (pathname_given LIKE 'alone-%') ORDER BY version DESC LIMIT 1) AS cgroups
	FROM openat o WHERE pathname_given GLOB 'in-*' OR pathname_given GLOB 'alone-*' OR pathname_given GLOB 'leader-*'" --format jsonl >rows
python3 - <<'END_OF_SCRIPT' || fail "not the groups that they were in: $(cat seen)"
import json, sys
got = {row["name"]: sorted(json.loads(row["cgroups"] or "[]")) for row in map(json.loads, open("rows"))}
bad = 0
for name, want in map(json.loads, open("seen")):
    if got.get(name) != want:
        print(name, got.get(name), "instead of", want, file=sys.stderr)
        bad = 1
sys.exit(bad)
END_OF_SCRIPT
# an attachment says of which hierarchy it is
[ "$(hindcast query cap "SELECT count(*) FROM cg_attach WHERE path LIKE '/%hct-%' AND hierarchy NOT IN
	(SELECT hierarchy FROM cg_mkdir WHERE cg_mkdir.path = cg_attach.path AND cg_mkdir.cgroup_id = cg_attach.cgroup_id)" --csv |
	tail -n +2 | tr -d '\r')" = 0 ] || fail "an attachment to a group of another hierarchy"
echo ok
