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
cat deep/one | cat /dev/fd/0 >/dev/null
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
[ "$(uname -m)" != x86_64 ] || python3 - <<'PY'
# calls that make a descriptor of a kind of its own, and calls of numbers
import ctypes, os, re, struct
libc = ctypes.CDLL(None)
mfd_exec = 0x10 if tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups())) >= (6, 3) else 0
def call(nr, *args):
    return libc.syscall(ctypes.c_long(nr), *[ctypes.c_char_p(a) if isinstance(a, bytes) else ctypes.c_long(a) if isinstance(a, int)
                                             else a for a in args])
os.closerange(3, 64)
file = open("/etc/passwd")
assert file.fileno() == 3
eight = ctypes.create_string_buffer(struct.pack("Q", 1 << 9))
call(289, -1, eight, 8, 0o2004000)  # signalfd4: 4
call(283, 1, 0o2000000)  # timerfd_create: 5
call(294, 0o2000000)  # inotify_init1: 6
call(290, 7, 0o2000000)  # eventfd2: 7
call(319, b"hidden", mfd_exec | 1)  # memfd_create: 8
call(434, os.getpid(), 0o4000)  # pidfd_open: 9
call(438, 9, 3, 0)  # pidfd_getfd: 10
os.read(10, 1)
call(283, 99, 0)
ring = ctypes.create_string_buffer(120)
if call(425, 8, ring) >= 0:  # io_uring_setup: 11
    call(426, 11, 0, 0, 1, 0, 0)
    call(427, 11, 9, 0, 0)
page = ctypes.create_string_buffer(8192)
call(325, ctypes.addressof(page), 4096, 1)  # mlock2
semaphore = call(64, 0, 1, 0o1600)  # semget
call(66, semaphore, 0, 16, 5)  # semctl
call(65, semaphore, ctypes.create_string_buffer(struct.pack("Hhh", 0, -2, 0o4000)), 1)  # semop
call(66, semaphore, 0, 0, 0)
PY
python3 - <<'PY'
# directories that calls leave a process in, which readers of scap files do not follow
import os
os.mkdir("jail")
os.chdir("jail")
if not os.fork():
    os.chroot(".")  # from here on the directory is /
    os.close(os.open("hc-jailed", os.O_WRONLY | os.O_CREAT))
    if not os.fork():
        os.close(os.open("hc-jailed-child", os.O_WRONLY | os.O_CREAT))
        os._exit(0)
    os.wait()
    os._exit(0)
os.wait()
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
	# a pipe that is opened by a name is what the name says; who connects to the machine itself is taken for its server
	hindcast events $capture -f "proc.name = cat and evt.type in (openat, read) and fd.name = /dev/fd/0 and $ours" \
		-o '*%fd.name %fd.type' | sort -u >$capture.fd
	echo '/dev/fd/0 file' | diff - $capture.fd || fail "pipe opened by a name in $capture"
	hindcast events $capture -f "proc.name = python3 and evt.type = connect and fd.type = ipv4 and $ours" -o '*%fd.is_server' >$capture.server
	echo true | diff - $capture.server || fail "server in $capture"
	hindcast events $capture -f "proc.name = python3 and evt.type in (geteuid, ppoll) and $ours" \
		-o '*%evt.type %evt.category %evt.res %evt.rawres' | sort -u >$capture.calls
	printf 'geteuid user SUCCESS 0\nppoll wait SUCCESS 0\n' | diff - $capture.calls || fail "results in $capture"
	# a call that Falco has no event of its own for is told of by its name and number, whatever was recorded of it
	hindcast events $capture -f "proc.name = python3 and evt.type = rt_sigaction and evt.arg.nativeID exists and $ours" \
		-o '*%evt.arg.ID %evt.arg[0]' | sort -u >$capture.generic
	echo 'rt_sigaction rt_sigaction' | diff - $capture.generic || fail "generic events in $capture"
	hindcast events $capture -f "proc.name = python3 and evt.type = geteuid and $ours" -o '*%evt.args' | sort -u >$capture.args
	echo 'euid=0(root)' | diff - $capture.args || fail "arguments in $capture"
	hindcast events $capture -f "proc.name = python3 and evt.type = getcwd and $ours" -o '*%evt.args' | sort -u >$capture.cwd
	echo "res=$(realpath area | wc -c) path=$(realpath area)" | diff - $capture.cwd || fail "directory in $capture"
done

# descriptors of a kind of their own, and parameters, as Falco's driver has them
if [ "$(uname -m)" = x86_64 ]; then
	cat >made.want <<'END'
signalfd4 4 s signalfd | res=4(<s>) flags=4160(O_NONBLOCK|O_CLOEXEC) fd=-1(EPERM) mask=0 | SUCCESS
timerfd_create 5 t timerfd | res=5(<t>) clockid=1 flags=0 | SUCCESS
inotify_init1 6 i inotify | res=6(<i>) flags=4096(O_CLOEXEC) | SUCCESS
eventfd2 7 e event | res=7(<e>) flags=4096(O_CLOEXEC) initval=7 | SUCCESS
memfd_create 8 m memfd hidden | fd=8(<m>hidden) name=hidden flags=1(MFD_CLOEXEC) | SUCCESS
pidfd_open 9 P pidfd /proc/N | fd=9(<P>/proc/N) pid=N(python3) flags=1(PIDFD_NONBLOCK) | SUCCESS
pidfd_getfd 10 f file /etc/passwd | fd=10(<f>/etc/passwd) pid_fd=9(<P>/proc/N) target_fd=3 flags=0 | SUCCESS
read 10 f file /etc/passwd
timerfd_create -1 t <NA> | res=-22(EINVAL) clockid=99 flags=0 | EINVAL
io_uring_setup 11 r io_uring | res=11 | SUCCESS
io_uring_enter 11 r io_uring | res=0 fd=11(<r>) to_submit=0 min_complete=0 flags=1(IORING_ENTER_GETEVENTS) sig= | SUCCESS
io_uring_register 11 r io_uring | fd=11(<r>) opcode=9(IORING_REGISTER_PERSONALITY) arg=0 nr_args=0 | SUCCESS
mlock2 <NA> <NA> <NA> <NA> | res=0 len=4096 flags=1(MLOCK_ONFAULT) | SUCCESS
semget <NA> <NA> <NA> <NA> | key=0 nsems=1 semflg=8192(IPC_CREAT) | SUCCESS
semctl <NA> <NA> <NA> <NA> | semnum=0 cmd=4096(SETVAL) val=5 | SUCCESS
semop <NA> <NA> <NA> <NA> | res=0 nsops=1 sem_num_0=0 sem_op_0=-2 sem_flg_0=1(IPC_NOWAIT) sem_num_1=0 sem_op_1=0 sem_flg_1=0 | SUCCESS
semctl <NA> <NA> <NA> <NA> | semnum=0 cmd=4(IPC_RMID) val=0 | SUCCESS
END
	for capture in cap again; do
		# what is there by chance is left out: numbers of processes, addresses, what a kernel has of io_uring
		hindcast events $capture -o '*%evt.type %fd.num %fd.typechar %fd.type %fd.name | %evt.args | %evt.res' -f "
			proc.name = python3 and $ours and (evt.type in (signalfd4, timerfd_create, inotify_init1, eventfd2, memfd_create, pidfd_open,
			pidfd_getfd, io_uring_setup, io_uring_enter, io_uring_register, mlock2, semget, semctl, semop)
			or evt.type = read and fd.num = 10)" |
			sed -E -e "s,$(realpath area)/,,g" -e 's,/proc/[0-9]+,/proc/N,g' -e 's,pid=[0-9]+\(,pid=N(,' -e 's/  +/ /' \
				-e '/^read/s/ \|.*//' -e '/^mlock2/s/addr=[^ ]* //' -e '/^sem(get|ctl)/s/res=[^ ]* //' -e 's/ semid=[0-9]*//' \
				-e 's/semid=[0-9]* //' -e '/^io_uring_setup/s/ entries=.* \| / | /' -e '/^io_uring_register/s/res=[^ ]* //' \
				-e 's/  / /g' >$capture.made
		if grep -q '^io_uring_setup -1' $capture.made; then # this kernel refuses it
			grep -v io_uring $capture.made | diff <(grep -v io_uring made.want) - || fail "descriptors in $capture"
		else
			# of what pidfd_getfd names in the other process readers take the name in the caller's
			sed 's/target_fd=3(<f>.etc.passwd)/target_fd=3/' $capture.made | diff made.want - || fail "descriptors in $capture"
		fi
	done
fi

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
[ ! -e "$corpus/falco_rules.yaml" ] || grep -q 'Write below root' cap.alerts || fail "no alert of what was written in a new root"
# of each alert that one of them alone has, what both have of its thread
cat >explain.py <<'END'
import datetime

from pairs import load

FIELDS = """evt.rawtime evt.type evt.rawres thread.tid proc.pid proc.ppid proc.name proc.exepath proc.cmdline proc.cwd proc.pname user.uid
container.id fd.num fd.typechar fd.name evt.args""".split()
alerts = [set(open(f"{name}.alerts", encoding="utf-8")) for name in ("cap", "again")]
for alert in sorted(alerts[0] ^ alerts[1])[:4]:
    whole, _, fraction = alert.split()[0].rstrip("Z").partition(".")
    at = int(datetime.datetime.fromisoformat(f"{whole}+00:00").timestamp()) * 10**9 + int(fraction.ljust(9, "0"))
    for tid in {event["thread.tid"] for event in load("cap", FIELDS, "-f", f"evt.rawtime = {at}")}:
        for capture in ("cap", "again"):
            print(f"{capture}: thread {tid} around {alert.strip()}, {at}")
            events = load(capture, FIELDS, "-f", f"thread.tid = {tid}")
            last = max((i for i, event in enumerate(events) if event["evt.rawtime"] == str(at)), default=len(events) - 1)
            for event in events[max(0, last - 25) : last + 10]:
                print("  ", " ".join(f"{name}={value[:200]!r}" for name, value in event.items()))
END
diff cap.alerts again.alerts || {
	PYTHONPATH=$HC_SOURCE_DIR/tests/e2e python3 explain.py
	fail "other alerts"
}

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
