# A recording of everything becomes a scap file and a capture again: the same events and fields, and alerts of the same rules.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live

cat >script <<'END'
cd "$1"
mkdir -p deep/er
echo hello >deep/one
cp deep/one deep/er/two
mv deep/er/two deep/three
ln -s three deep/link
chmod 4755 deep/three
cat /etc/shadow >/dev/null
(exec 3<deep/one; cat <&3 >/dev/null)
cat deep/one | tr a-z A-Z | cat >deep/upper
env -i X=1 /bin/sh -c 'cd /; ls >/dev/null; exit 3'
cat missing 2>/dev/null
rm deep/link
python3 - <<'PY'
import ctypes, os, socket, threading
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(1)
def answer():
    peer, _ = server.accept()
    peer.sendall(peer.recv(100))
    peer.close()
thread = threading.Thread(target=answer)
thread.start()
client = socket.create_connection(server.getsockname())
client.sendall(b"hello")
client.recv(100)
client.close()
thread.join()
a, b = socket.socketpair()
os.write(a.fileno(), b"x")
os.read(b.fileno(), 1)
os.setgid(os.getgid())
os.open("deep/er", os.O_RDONLY)
os.open("deep", os.O_RDONLY | os.O_DIRECTORY)
os.geteuid()
os.getcwd()
libc = ctypes.CDLL(None)
libc.ppoll(None, 0, ctypes.byref((ctypes.c_long * 2)(0, 1)), None)
PY
sleep 1 &
kill -TERM $!
wait
END
mkdir area
hindcast record -o cap --profile full -- /bin/sh script "$(realpath area)" >out 2>err
expect_exit 0 hindcast export cap --format scap -o cap.scap >out
cat out
expect_exit 0 hindcast import cap.scap -o again >/dev/null
expect_exit 0 hindcast verify again >/dev/null

cat >compare.py <<'PY'
import collections
import sys

from pairs import load, pairs

# What rules ask for most; what may differ is in docs/scap.md. Of the descriptor's fields those of sockets are left out.
FIELDS = """evt.rawtime evt.type evt.rawres thread.tid proc.pid proc.ppid proc.name proc.exe proc.exepath proc.args proc.cmdline
proc.pname proc.pcmdline proc.aname[2] proc.sid proc.tty proc.is_exe_writable user.uid user.name user.loginuid group.gid group.name
container.id fd.num fd.typechar""".split()

PROGRAMS = "proc.name in (sh, cat, cp, mv, ln, chmod, tr, env, ls, rm, python3, sleep, mkdir)"

before = load("cap", FIELDS, "-f", PROGRAMS)
differ, missing, compared = collections.Counter(), collections.Counter(), 0
for event, other in pairs(before, load("again", FIELDS, "-f", PROGRAMS)):
    if not other:
        missing[event["evt.type"]] += 1
        continue
    compared += 1
    for field in FIELDS:
        if event[field] != other[field]:
            differ[field] += 1
            if differ[field] <= 3:
                print(f"{field} of {event['evt.type']}: {event[field]!r} became {other[field]!r}")
print(f"{len(before)} events, {compared} compared; missing {dict(missing)}; differ {dict(differ)}")
# calls that made a process: the fork itself is there
known = {"clone", "clone3", "fork", "vfork", "proc_rename", "sig_send", "tcp_state", "cap_check", "net_dns", "cg_attach", "cg_mkdir", "cg_rmdir"}
bad = [name for name, n in differ.items() if n * 50 > compared]
sys.exit(bool(set(missing) - known or bad or compared < 300))
PY
PYTHONPATH=$HC_SOURCE_DIR/tests/e2e python3 compare.py || fail "events differ"

ours="proc.cwd = '$(realpath area)/'" # others run on this machine, too
# on both sides a directory is one by the flag of its open, and a call of numbers has its result
for capture in cap again; do
	hindcast events $capture -f "proc.name = python3 and evt.type = openat and fd.name contains /area/deep and $ours" \
		-o '*%fd.filename %fd.type %fd.typechar' >$capture.dirs
	printf 'er file f\n<NA> directory d\n' | diff - $capture.dirs || fail "types of directories in $capture"
	hindcast events $capture -f "proc.name = python3 and evt.type in (geteuid, ppoll) and $ours" \
		-o '*%evt.type %evt.category %evt.res %evt.rawres' | sort -u >$capture.calls
	printf 'geteuid user SUCCESS 0\nppoll wait SUCCESS 0\n' | diff - $capture.calls || fail "results in $capture"
	hindcast events $capture -f "proc.name = python3 and evt.type = geteuid and $ours" -o '*%evt.args' | sort -u >$capture.args
	echo 'euid=0(root)' | diff - $capture.args || fail "arguments in $capture"
	hindcast events $capture -f "proc.name = python3 and evt.type = getcwd and $ours" -o '*%evt.args' | sort -u >$capture.cwd
	echo "res=$(realpath area | wc -c) path=$(realpath area)" | diff - $capture.cwd || fail "directory in $capture"
done

# alerts: of the rules that come with it, and of Falco's own where they are at hand
rules=(-p "$HC_SOURCE_DIR/policies/falco")
corpus=${HINDCAST_CORPUS:-$HC_SOURCE_DIR/../shared/corpus}/falco/rules
if [ -e "$corpus/falco_rules.yaml" ]; then
	rules=(-p "$corpus/falco_rules.yaml" -p "$corpus/falco-incubating_rules.yaml" -p "$corpus/falco-sandbox_rules.yaml")
else
	echo "Falco's own rules are not at hand: the shipped ones are compared"
fi
for capture in cap again; do
	code=0
	hindcast replay -q "${rules[@]}" --format falco-json "$capture" >$capture.json 2>/dev/null || code=$?
	[ "$code" -le 1 ] || fail "replay of $capture ended with $code"
	python3 -c 'import json, sys
for line in sys.stdin:
    a = json.loads(line)
    print(a["time"], a["rule"])' <$capture.json | sort >$capture.alerts
done
wc -l cap.alerts again.alerts
grep -q . cap.alerts || fail "no alerts"
diff cap.alerts again.alerts || fail "other alerts"

# each side of a fork once, though a recording of everything has the call's row beside it
cat >forks.yaml <<END
- rule: Fork
  desc: each side
  condition: evt.type in (clone, clone3, fork, vfork) and proc.name in (sh, python3) and $ours
  output: "%evt.type %evt.rawres %thread.tid"
  priority: INFORMATIONAL
END
for capture in cap again; do
	hindcast replay -q -p forks.yaml --format falco-json $capture 2>/dev/null |
		python3 -c 'import json, sys
for line in sys.stdin:
    print(json.loads(line)["output"].split(" ", 2)[2])' | sort >$capture.forks
	grep -q ' 0 ' $capture.forks || fail "no child in $capture"
	[ -z "$(uniq -d $capture.forks)" ] || fail "forks are told twice in $capture"
done
diff cap.forks again.forks || fail "other forks"
