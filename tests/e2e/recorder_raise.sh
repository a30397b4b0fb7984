# Detail raised for a scope while recording: only what is in it, only while the capture runs, the most of what overlaps.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live

sock=$PWD/control.sock
mkdir docker
py=$(real_python)
export py
ask() { hindcast capture "$@" --control "$sock"; }
begin() { # starts a recorder that records no reads and writes, and waits until it answers
	hindcast recorder -d rec -p minimal --ring-size 4MiB --container-root "docker=$PWD/docker" --control "$sock" >>log 2>&1 &
	pid=$!
	answers "$sock" log
}
cg=
trap 'kill -9 $pid $in $out 2>/dev/null || true
	for tag in child orphan early late grouped boxed; do kill -9 "$(cat $tag.pid 2>/dev/null)" 2>/dev/null || true; done
	[ -z "$cg" ] || { sleep 0.1; find "$cg" -depth -type d -exec rmdir {} +; }' EXIT

# act.py TAG: writes "TAG:PHASE.." again and again; what it is told by files it does in between
cat >act.py <<'END'
import os, sys, time

null = os.open("/dev/null", os.O_WRONLY)

def act(tag, todo):
    with open(tag + ".pid", "w") as f:
        f.write(str(os.getpid()))
    did = None
    while True:
        with open("phase") as f:
            phase = f.read().strip()
        os.write(null, f"{tag}:{phase}:".ljust(300, "x").encode())
        os.getppid()
        if phase != did:
            did = phase
            with open(tag + ".did.new", "w") as f:
                f.write(phase + "\n")
            os.rename(tag + ".did.new", tag + ".did")
        for name in [n for n in todo if os.path.exists("do-" + n)]:
            todo.pop(name)()
        time.sleep(0.01)

def child(tag, todo):
    if os.fork() == 0:
        act(tag, todo)

def orphan(tag):  # nobody's child any more
    pid = os.fork()
    if pid == 0:
        child(tag, {})
        os._exit(0)
    os.waitpid(pid, 0)

tag = sys.argv[1]
if tag == "in":
    orphan("early")  # belongs to it, though the kernel does not know that any more
    act(tag, {"child": lambda: child("child", {"orphan": lambda: orphan("orphan")})})
act(tag, {})
END
all_did() { # PHASE: until everybody who lives has done it
	local phase=$1 of tag
	for of in *.pid; do
		tag=${of%.pid}
		within 30 eval '[ "$(cat "$tag.did" 2>/dev/null)" = "$phase" ] || ! kill -0 "$(cat "$of")" 2>/dev/null' || fail "$tag does not get to '$phase'"
	done
}
phase() { # what is done in it is surely done in it
	echo "$1" >phase.new
	mv phase.new phase
	all_did "$1"
	echo >phase.new
	mv phase.new phase
	all_did ''
}
do_now() { # NAME TAG: told to do it, and done
	>"do-$1"
	within 30 [ -s "$2.pid" ] || fail "$2 does not come"
}
# who(PHASE): who was recorded writing in it, with how much of what was written
who() {
	hindcast query rec --csv "SELECT DISTINCT substr(CAST(data AS TEXT), 1, instr(CAST(data AS TEXT), ':') - 1) || '=' || length(data)
		FROM write WHERE CAST(data AS TEXT) LIKE '%:$1:%' ORDER BY 1" | tail -n +2 | tr -d '\r' | tr '\n' ' '
}
is() { [ "$(who "$1")" = "$2" ] || fail "in phase $1 were recorded: $(who "$1"), not $2"; }
value() { hindcast query rec --csv "$1" | tail -n +2 | tr -d '\r'; }

: >phase
begin
$py act.py out &
out=$!
$py act.py in &
in=$!
within 30 [ -s early.pid -a -s in.pid -a -s out.pid ] || fail "nobody is there to record"
rests 0.3

# a tree of processes
phase before
ask start tree --pid $in --detail full --snaplen 100 >answer
expect_match 'detail full, 100 bytes of payload$' answer
expect_match 'scope  2 process' answer
do_now child child
do_now orphan orphan
phase tree

# another capture of a part of it: the most of both, then what is left
ask start part --pid "$(cat child.pid)" --snaplen 200 >/dev/null
phase both
ask stop part >/dev/null
phase rest

ask start flush --pre 1h >answer # what is before it is on disk
expect_match 'of the 1 h 0 min before it was asked for, .* the recording begins then' answer
expect_no_match 'of reads, writes' answer # the profile has none: no older ones are removed

# a recorder that is killed, or reads its configuration again, goes on with it
kill -9 $pid
wait $pid 2>/dev/null || true
begin
kill -HUP $pid
phase again
ask stop tree >/dev/null
phase after

# everybody
ask start all --host --detail full --snaplen 60 >/dev/null
phase host
ask stop all >/dev/null
phase none

# control groups: one that comes later, with one below it
root=/sys/fs/cgroup
[ -e $root/cgroup.controllers ] || root=$root/pids
if mkdir $root/hc-e2e-$$ 2>/dev/null; then
	cg=$root/hc-e2e-$$
	ask start group --cgroup /hc-e2e-$$/late --detail full --snaplen 80 >answer
	expect_match 'scope  0 control group' answer
	sh -c 'echo $$ >'$cg'/cgroup.procs && exec $py act.py grouped' &
	mkdir $cg/late
	rests 0.5 # as long as the recorder may take to see it
	mkdir $cg/late/below
	sh -c 'echo $$ >'$cg'/late/below/cgroup.procs && exec $py act.py late' &
	within 30 [ -s late.pid -a -s grouped.pid ] || fail "nobody is in the groups"
	phase group
	# the first thing that a new child group does is seen
	mkdir $cg/late/next
	sh -c 'echo $$ >'$cg'/late/next/cgroup.procs && exec dd if=/dev/zero of=/dev/null bs=77 count=1' 2>/dev/null
	ask stop group >/dev/null
	phase ungrouped

	# a container by its name, its pod, the beginning of its id: known when it comes, or before
	box=7$(printf %011x%052d $$ 0)
	ask start byname --container hc_web --detail security --snaplen 70 >/dev/null
	ask start bypod --pod shop/web-0 --detail full --snaplen 90 >/dev/null
	mkdir docker/$box
	echo '{ "ID": "'$box'", "Name": "/hc_web", "State": {}, "Config": { "Image": "nginx:1",
		"Labels": { "io.kubernetes.pod.name": "web-0", "io.kubernetes.pod.namespace": "shop" } } }' >docker/$box/config.v2.json
	mkdir $cg/docker-$box.scope
	sh -c 'echo $$ >'$cg/docker-$box.scope'/cgroup.procs && exec $py act.py boxed' &
	within 30 [ -s boxed.pid ] || fail "nobody is in the container"
	rests 0.3
	phase pod
	ask stop bypod >/dev/null
	ask start byid --container ${box:0:12} --detail full --snaplen 75 >answer
	expect_match 'scope  1 control group' answer
	phase id
	ask stop byname >/dev/null
	ask stop byid >/dev/null
	phase unboxed
fi

# refused, and nothing is left of it
expect_exit 2 ask start x --detail most 2>err
expect_exit 2 ask start x --snaplen 5000 2>err
rests 1.2 # until what has ended is forgotten
# an answer comes soon: the quickest of some, on a machine that has other things to do
python3 - "$sock" $in "$slow" <<'PY'
import json, socket, sys, time

best = 1.0
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    f = s.makefile()
    for i in range(34):
        begin = time.monotonic()
        s.sendall(json.dumps({"hindcast": 1, "op": "capture.start", "name": f"n{i}", "scope": f"pid={sys.argv[2]}",
                              "detail": "full", "snaplen": 10 + i}).encode() + b"\n")
        answer = json.loads(f.readline())
        best = min(best, time.monotonic() - begin)
        # so many at a time
        assert answer["ok"] == (i < 32) and (i < 32 or answer["error"]["code"] == "too_many"), (i, answer)
        assert i >= 32 or answer["in_scope"] == 2, answer
    for i in range(32):
        s.sendall(json.dumps({"hindcast": 1, "op": "capture.delete", "name": f"n{i}"}).encode() + b"\n")
        assert json.loads(f.readline())["ok"]
assert best < 0.1 * int(sys.argv[3]), best
PY
phase last
kill -TERM $pid
wait $pid || { tail log >&2; fail "the recorder did not stop well"; }

is before ''
is tree 'child=100 early=100 in=100 orphan=100 '
is both 'child=200 early=100 in=100 orphan=200 '
is rest 'child=100 early=100 in=100 orphan=100 '
is again 'child=100 in=100 ' # whose parent had ended, a new recorder cannot know
is after ''
case $(who host) in *'in=60 '*'out=60 '*) ;; *) fail "the host: $(who host)" ;; esac
is none ''
is last ''
[ "$(value "SELECT count(DISTINCT pid) FROM sys WHERE nr = 110 AND pid = $out")" = 1 ] || [ "$(uname -m)" != x86_64 ] ||
	fail "no getppid of everybody"
if [ "$cg" ]; then
	is group 'late=80 '
	is ungrouped ''
	is pod 'boxed=90 '
	is id 'boxed=75 '
	is unboxed ''
	[ "$(value "SELECT count(*) FROM write WHERE ret = 77 AND length(data) = 77")" = 1 ] || fail "the first write below a new group"
else
	echo "no control group can be made here: not tried"
fi

# the recording says so
value "SELECT expression FROM meta_filter WHERE reason = 'raise' AND until_ns IS NULL" >rows
expect_match "^pid=$in capture=tree detail=full snaplen=100 processes=[0-9]+$" rows
expect_match "^pid=[0-9]+ capture=part snaplen=200 processes=2$" rows
expect_match '^host capture=all detail=full snaplen=60$' rows
[ "$(value "SELECT count(*) FROM meta_filter WHERE reason = 'raise' AND until_ns IS NOT NULL AND expression LIKE '% capture=tree %'")" = 1 ] ||
	fail "no end of the raise"
[ "$(value "SELECT count(*) FROM meta_config WHERE types LIKE '%\"write all data=60%'")" -ge 1 ] || fail "meta_config of the host"
hindcast info rec >info
expect_match "^raised +profile full, 100 bytes of payload of pid=$in, while tree ran\$" info
cat >rule.yaml <<'END'
- rule: writes
  desc: d
  condition: evt.type = write
  output: "w"
  priority: NOTICE
END
expect_exit 1 hindcast replay -p rule.yaml --capture tree rec >out 2>&1
expect_match "not recorded: write .*; of pid=$in it was \(capture tree\)" out
# of the scope alone it can be answered, and told who else was there
hindcast replay -p rule.yaml --capture tree --in-scope rec >out 2>&1 || { cat out >&2; fail "not answered for the scope"; }
expect_no_match 'recorded' out
pids() { hindcast events rec --capture "$1" ${2-} -f 'evt.type = write and evt.buflen = 300' -o '%proc.pid' | sort -un | tr '\n' ' '; }
of() { for name; do cat $name.pid; echo; done | sort -n | tr '\n' ' '; }
[ "$(pids tree --in-scope)" = "$(of in child early orphan)" ] || fail "in the tree: $(pids tree --in-scope)"
[ "$(pids all --in-scope)" = "$(pids all)" ] || fail "everybody is in the host"
if [ "$cg" ]; then
	[ "$(pids group --in-scope)" = "$(of late)" ] || fail "in the group: $(pids group --in-scope)"
	[ "$(pids bypod --in-scope)" = "$(of boxed)" ] || fail "in the pod: $(pids bypod --in-scope)"
	[ "$(pids byname --in-scope)" = "$(of boxed)" ] || fail "in the container: $(pids byname --in-scope)"
fi
hindcast events rec --capture part --in-scope -f 'proc.pid != 0' -o '%proc.pid' | sort -un | tr '\n' ' ' >out
[ "$(cat out)" = "$(of child orphan)" ] || { cat out >&2; fail "all that the part did"; }
expect_exit 2 hindcast events rec --in-scope 2>err
# so in SQL, in a scap file, and in what policies find in a bundle, which itself is whole
all_pids() { hindcast query "$@" "SELECT DISTINCT pid FROM events WHERE pid > 0 ORDER BY pid" --csv --no-header | tr -d '\r' | tr '\n' ' '; }
[ "$(all_pids rec --capture part --in-scope)" = "$(of child orphan)" ] || fail "SQL of the part: $(all_pids rec --capture part --in-scope)"
[ "$(all_pids rec --capture all --in-scope)" = "$(all_pids rec --capture all)" ] || fail "SQL of the host"
expect_exit 2 hindcast query rec --in-scope 'SELECT 1' 2>err
hindcast export rec --format scap --capture part --in-scope -o part.scap >out
expect_match '^left out: [0-9,]+ rows of others than the scope' out
hindcast import part.scap -o part.imported >/dev/null
[ "$(all_pids part.imported)" = "$(of child orphan)" ] || fail "a scap file of the part: $(all_pids part.imported)"
sed 's/evt.type = write/proc.pid exists/' rule.yaml >more.yaml
n=$(hindcast replay -q -p more.yaml --capture tree --in-scope rec | wc -l)
m=$(hindcast replay -q -p more.yaml --capture tree rec 2>/dev/null | wc -l) || :
[ "$n" -gt 0 ] && [ "$n" -lt "$m" ] || fail "no other than the scope did something: $n of $m"
hindcast export rec --bundle --capture tree --in-scope -p more.yaml -o tree.hcb >out
expect_match "^$(sed ':a;s/\B[0-9]\{3\}\>/,&/;ta' <<<"$n") findings$" out
hindcast verify tree.hcb >out || { cat out >&2; fail "the bundle"; }
[ "$(all_pids tree.hcb)" = "$(all_pids rec)" ] || fail "the bundle is not whole"
expect_exit 2 hindcast export rec --bundle --capture tree --in-scope -o no.hcb 2>err
expect_match 'a bundle holds whole segments, byte for byte' err
hindcast replay -p rule.yaml --capture all rec >out 2>&1 || { cat out >&2; fail "a capture of the host can answer it"; }
expect_no_match 'recorded' out
echo ok
