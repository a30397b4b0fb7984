# A small scap file made on the spot becomes a capture; what is no scap file, and what is in the way, is refused.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
python3 - <<'PY'
import json
import struct

def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))

def text(s):
    return struct.pack("<H", len(s)) + s

def event(ts, tid, code, params):
    head = struct.pack("<QQIHI", ts, tid, 26 + 2 * len(params) + sum(map(len, params)), code, len(params))
    return block(0x216, struct.pack("<H", 1) + head + b"".join(struct.pack("<H", len(p)) for p in params) + b"".join(params))

boot = 1700000000 * 10**9
section = block(0x0A0D0D0A, struct.pack("<IHHQ", 0x1A2B3C4D, 1, 2, 2**64 - 1))
machine = block(0x201, struct.pack("<IQQ128sQQQQ", 2, 1 << 30, 32768, b"box", boot, 0, 0, 0))
entry = struct.pack("<qqqqq", 100, 100, 1, 100, 100) + text(b"sh") + text(b"/bin/sh") + text(b"/usr/bin/dash") + text(b"-c\0x\0")
entry += text(b"/tmp") + struct.pack("<q", 1024) + struct.pack("<III", 0, 1000, 1000) + struct.pack("<IIIQQ", 1, 2, 3, 4, 5)
entry += text(b"A=1\0") + struct.pack("<qq", 100, 100) + text(b"cpu=/\0") + text(b"/")
processes = block(0x215, struct.pack("<I", 4 + len(entry)) + entry)
user = struct.pack("<BII", 0, 1000, 1000) + text(b"alice") + text(b"/home/alice") + text(b"/bin/sh")
users = block(0x220, struct.pack("<I", 4 + len(user)) + user)
opened = event(boot + 5 * 10**9, 100, 307, [struct.pack("<q", 3), struct.pack("<q", -100), b"secret\0", struct.pack("<I", 1),
               struct.pack("<I", 0), struct.pack("<I", 8), struct.pack("<Q", 77)])
closed = event(boot + 6 * 10**9, 100, 5, [struct.pack("<q", 0), struct.pack("<q", 3)])
whole = section + machine + processes + users + opened + closed
open("small.scap", "wb").write(whole)

def large(ts, code, params):
    head = struct.pack("<QqIHI", ts, -1, 26 + 4 * len(params) + sum(map(len, params)), code, len(params))
    return block(0x222, struct.pack("<HI", 1, 0) + head + b"".join(struct.pack("<I", len(p)) for p in params) + b"".join(params))

def told(ts, what, **facts):
    return large(ts, 402, [struct.pack("<I", 0), what, json.dumps({"container": facts}).encode() + b"\0"])

def look(n):
    return event(boot + n * 10**9, 200, 5, [struct.pack("<q", 0), struct.pack("<q", 3)])

full = "3f4c9d0b1e7a" + "9d0b1e7a" * 6 + "9d0b"
inside = entry.replace(struct.pack("<qq", 100, 100), struct.pack("<qq", 200, 200)).replace(
    text(b"cpu=/\0"), text(b"cpu=/docker/" + full.encode() + b"\0"))
facts = {"id": full[:12], "full_id": full, "type": 11, "name": "web", "image": "reg/web:1.2", "imagerepo": "reg/web",
         "imagetag": "1.2", "privileged": True, "labels": {"io.kubernetes.pod.name": "web-0", "io.kubernetes.pod.namespace": "prod"},
         "Mounts": [{"Source": "/proc", "Destination": "/host", "Mode": "", "RW": True, "Propagation": "rprivate"}], "ip": "10.0.0.7"}
ctr_lists = section + machine + processes + block(0x215, struct.pack("<I", 4 + len(inside)) + inside)
open("containers.scap", "wb").write(
    ctr_lists + look(1) + told(boot + 2 * 10**9, b"container\0", **facts) + look(3) +
    told(boot + 4 * 10**9, b"container\0", id=full[:12], type=0, name="other") + look(5) +
    told(boot + 6 * 10**9, b"container_removed\0", id=full[:12]) + look(7) +
    large(boot + 8 * 10**9, 324, [json.dumps({"container": dict(facts, imagetag="2")}).encode() + b"\0"]) + look(9) +
    large(boot + 10 * 10**9, 402, [struct.pack("<I", 0), b"container\0", b"{\0"]) + look(11))
cases = [dict(facts, pod_sandbox_id="a" * 64), dict(facts, pod_sandbox_id="a" * 64, cni_json='{"own":1}'),
         dict(facts, pod_sandbox_id="b" * 64), facts]
pods = ctr_lists + told(boot, b"container\0", id="b" * 12, type=7, ip="10.9.9.9") + told(boot, b"container_removed\0", id="b" * 12)
pods += told(boot, b"container\0", id="a" * 12, type=7, ip="10.1.1.1", cni_json='{"pod":2}', is_pod_sandbox=True,
             pod_sandbox_labels={"app": "web", "io.kubernetes.pod.uid": "u"})
for n, case in enumerate(cases):
    pods += told(boot + (2 * n + 1) * 10**9, b"container\0", **case) + look(2 * n + 2)
open("pods.scap", "wb").write(pods + event(boot + 20 * 10**9, 100, 5, [struct.pack("<q", 0), struct.pack("<q", 3)]))
memory = [event(boot + n * 10**9, 100, 405, [struct.pack("<q", fd), b"m\0", struct.pack("<I", fd == 3)]) for n, fd in ((1, 3), (2, 4))]
ran = event(boot + 4 * 10**9, 100, 293, [struct.pack("<q", 0), b"m\0", b"", *[struct.pack("<q", n) for n in (100, 100, 1)], b"/\0",
            struct.pack("<q", 9), *[struct.pack("<Q", 0)] * 2, *[struct.pack("<I", 0)] * 3, b"m\0", b"", b"", struct.pack("<I", 0),
            struct.pack("<q", 100)])
held = [event(boot + n * 10**9, 100, 71, [struct.pack("<q", 0), struct.pack("<q", 3)]) for n in (3, 5)]
open("memory.scap", "wb").write(section + machine + processes + b"".join(memory) + held[0] + ran + held[1] +
                                event(boot + 6 * 10**9, 100, 5, [struct.pack("<q", 0), struct.pack("<q", 4)]))
# what is rare, damaged by time or written by old programs
q = lambda *numbers: [struct.pack("<q", n) for n in numbers]
u4 = lambda *numbers: [struct.pack("<I", n) for n in numbers]
inet = lambda a, port: bytes(a) + struct.pack("<H", port)

def task(tid, parent, cgroups=b"cpu=/\0"):
    moved = entry.replace(struct.pack("<qqqqq", 100, 100, 1, 100, 100), struct.pack("<qqqqq", tid, tid, parent, tid, tid))
    moved = moved.replace(struct.pack("<qq", 100, 100) + text(b"cpu=/\0"), struct.pack("<qq", tid, tid) + text(cgroups))
    return struct.pack("<I", 4 + len(moved)) + moved

def listed(fd, ino, kind, rest):
    body = struct.pack("<qQB", fd, ino, kind) + rest
    return struct.pack("<I", 4 + len(body)) + body

def forked(res, tid, pid, ptid, comm, flags=0):
    return [*q(res), b"/bin/made\0", b"-x\0", *q(tid, pid, ptid), b"\0", *q(9), *[struct.pack("<Q", 0)] * 2, *u4(0, 0, 0), comm, b"",
            *u4(flags, 0, 0), *q(tid, pid), struct.pack("<Q", 0)]

descriptors = block(0x218, struct.pack("<Q", 100) + listed(0, 7, 7, text(b"pipe:[7]")) +
                    listed(6, 8, 6, bytes(16) + struct.pack("<HB", 8000, 2)) +
                    listed(9, 99, 8, struct.pack("<QQ", 1, 2) + text(b"/run/s")))
ends = b"\x02" + inet([10, 0, 0, 5], 4000) + inet([1, 2, 3, 4], 0)
rare = [
    (100, 71, q(0, 0)),
    (100, 71, q(0, 6)),
    (100, 71, q(0, 9)),
    (100, 307, [*q(10, 77), b"x/./y\0", *u4(1, 0, 8), struct.pack("<Q", 5)]),
    (100, 3, [*q(-2), b"/etc//shadow\0", *u4(1, 0, 0), struct.pack("<Q", 0)]),
    (100, 306, [*q(-100), b"passed\0", *u4(2, 0)]),
    (100, 307, [*q(11, 10), b"changed\0", *u4(1 | 16384, 0, 8), struct.pack("<Q", 6)]),
    (100, 71, q(0, 11)),
    (100, 23, [*q(-115), ends, *q(50), b"\x02" + inet([1, 2, 3, 4], 9)]),
    (100, 29, [*q(1), b"d", *q(9), *u4(1), ends]),
    (100, 177, [*q(0, 10), b"a\0", *q(77), b"../b\0"]),
    (100, 223, forked(-11, 100, 100, 1, b"sh\0")),
    (100, 393, [*q(-24, 3, 4), struct.pack("<Q", 0), *u4(0)]),
    (100, 415, [*q(0), b"/dev/b\0", *u4(24576, 1)]),
    (100, 263, [*q(0), *u4(2**32 - 5, 1, 0)]),
    (4242, 223, forked(4243, 4242, 4242, 1, b"made\0")),
    (301, 71, q(0, 0)),
    (300, 186, [*q(0, 0), b"\0", b"\0", *q(0)]),
    (301, 71, q(0, 0)),
    (100, 18, u4(2, 1 | 0x80000, 6)),
    (100, 19, q(12)),
    (400, 15, [*q(0), b"/bin/old\0", b"-o\0", *q(400, 400, 100), b"/\0", *q(9), *u4(0, 0, 0)]),
    (100, 3, [*q(13), b"/old\0", *u4(1, 0)]),
]
open("rare.scap", "wb").write(section + machine + processes + block(0x215, task(300, 100, b"cpu_cgroup=/a\0mem=/b\0") + task(301, 300)) +
    users + descriptors + b"".join(event(boot + (n + 1) * 10**9, *one) for n, one in enumerate(rare)))
led = task(600, 1).replace(struct.pack("<qqqqq", 600, 600, 1, 600, 600), struct.pack("<qqqqq", 600, 600, 1, 500, 600))
open("led.scap", "wb").write(section + machine + processes + block(0x215, led + task(500, 100)) + users +
                             b"".join(event(boot + n * 10**9, tid, 71, q(0, 0)) for n, tid in enumerate((600, 500))))
# what old programs wrote for a pointer to nothing; events about threads, before the first call and after it
seconds = lambda n, *one: event(boot + n * 10**9, *one)
null = b"(NULL)\0"
told_times = [(tid, 234, [struct.pack("<Q", 5), struct.pack("<Q", 6)]) for tid in (100, 300, 4242)]
odd = [*told_times, (100, 71, q(0, 3)), (100, 3, [*q(-14), null, *u4(1, 0, 0), struct.pack("<Q", 0)]),
       (100, 257, [*q(-14), b"(NULL)x\0", null, null, *u4(0)]), *told_times]
open("odd.scap", "wb").write(section + machine + processes + users + b"".join(seconds(n, *one) for n, one in enumerate(odd, 1)))
# a socket of which its traffic tells; a list between events; users of the file that is behind another
sent = b"\x02" + inet([10, 0, 0, 5], 4000) + inet([1, 2, 3, 4], 53)
sends = [(100, 71, q(0, 5)), (100, 31, [*q(1), b"d", *q(5), *u4(1), sent]), (100, 71, q(0, 5)), (100, 71, q(0, 0))]
begun = section + machine + processes + users
open("sends.scap", "wb").write(begun + block(0x218, struct.pack("<Q", 100) + listed(0, 7, 7, text(b"pipe:[7]"))) +
                               b"".join(seconds(n, *one) for n, one in enumerate(sends, 1)))
six = [(b"\x20\x01\x0d\xb8" + bytes(11) + bytes([n])) for n in (5, 9)]
ends_of = lambda six_or_four, l4: six_or_four[0] + six_or_four[1] + struct.pack("<HHB", 77, 53, l4)
inets = [(7, 4, ends_of(six, 3)), (8, 3, ends_of([bytes([10, 0, 0, 5]), bytes([1, 2, 3, 4])], 0)),
         (9, 3, ends_of([bytes([10, 0, 0, 5]), bytes([1, 2, 3, 4])], 1))]
protocols = [(100, 18, u4(2, 5, 132)), (100, 19, q(10))]
for fd in (7, 8, 9, 10):
    to = b"\x0a" + inet(six[0], 4000) + inet(six[1], 53) if fd == 7 else sent
    protocols += [(100, 71, q(0, fd)), (100, 31, [*q(1), b"d", *q(fd), *u4(1), to])]
open("protocols.scap", "wb").write(begun + block(0x218, struct.pack("<Q", 100) + b"".join(listed(fd, fd, *one) for fd, *one in inets)) +
                                   b"".join(seconds(n, *one) for n, one in enumerate(protocols, 1)))
# the machine's addresses may be told before or after the sockets that have them as an end
iface = struct.pack("<HH", 2, 2) + six[1] + bytes(32) + struct.pack("<Q", 0) + b"lo"
ifaces = block(0x219, struct.pack("<I", len(iface)) + iface)
to_here = block(0x218, struct.pack("<Q", 100) + listed(7, 7, 4, ends_of(six, 2)))
for name, told in (("before", ifaces + to_here), ("after", to_here + ifaces)):
    open(f"{name}.scap", "wb").write(begun + told + seconds(1, 100, 71, q(0, 7)))
# of a thread that nothing is told of nobody knows a directory, nor does a relative one become known
opened_as = lambda name: (4242, 307, [*q(5, -100), name, *u4(1, 0, 0), struct.pack("<Q", 0)])
lost = [(4242, 95, [*q(0), b"at\0"])] + [opened_as(name) for name in (b"a/./b\0", b"../c\0", b"d/..\0", b"..\0", b"/e\0")]
open("lost.scap", "wb").write(begun + b"".join(seconds(n, *one) for n, one in enumerate(lost, 1)))
# a socket whose connect was lost: it is connected, and has no name
unnamed = [(100, 18, u4(2, 1, 0)), (100, 19, q(12)), (100, 7, [*q(1), b"d", *q(12), *u4(1)]),
           (100, 33, [*q(1), b"d", *q(12), *u4(1), b""]), (100, 71, q(0, 12))]
open("unnamed.scap", "wb").write(begun + b"".join(seconds(n, *one) for n, one in enumerate(unnamed, 1)))
# a fork that failed tells nothing of its thread, the next call does
failed = [(4343, 223, forked(-11, 4343, 4343, 1, b"sh\0")), (4343, 71, q(0, 5))]
open("failed.scap", "wb").write(begun + b"".join(seconds(n, *one) for n, one in enumerate(failed, 1)))
# when the pid namespace of a process began, of the host's own nothing is told
spaced = entry.replace(struct.pack("<qqqqq", 100, 100, 1, 100, 100), struct.pack("<qqqqq", 700, 700, 100, 700, 5))
spaced += struct.pack("<QIIBQQQB", 77, 0, 1000, 0, 0, 0, 0, 0)
open("spaced.scap", "wb").write(begun + block(0x215, struct.pack("<I", 4 + len(spaced)) + spaced) +
                                b"".join(seconds(n, tid, 71, q(0, 0)) for n, tid in enumerate((100, 700), 1)))
# forms of old: the beginning of an exec says what was run, its end does not; no name of the program; other old calls
exec_of_2021 = [*q(0), b"run\0", b"-r\0", *q(100, 100, 1), b"/\0", *q(9), *[struct.pack("<Q", 0)] * 2, *u4(0, 0, 0), b"run\0", b"", b"",
                *u4(0), *q(100)]
forms = [(100, 292, [b"bin/../tool\0"]), (100, 293, exec_of_2021), (100, 330, [*q(5), b"at\0", *u4(0)]), (100, 293, exec_of_2021),
         (100, 292, [b"<NA>\0"]), (100, 293, exec_of_2021), (100, 293, exec_of_2021),
         (100, 13, [*q(0), b"/bin/older\0", b"-o\0", *q(100, 100, 1), b"/\0", *q(9)]),
         (100, 296, q(5)), (100, 297, q(7)), (100, 298, [struct.pack("<Q", 1)]), (100, 299, q(0)),
         (100, 307, [*q(8, -100), b"/f\0", *u4(1, 0, 2049)]), (100, 148, u4(3))]
open("forms.scap", "wb").write(begun + block(0x218, struct.pack("<Q", 100) + listed(5, 9, 2, text(b"/opt"))) +
                               b"".join(seconds(n, *one) for n, one in enumerate(forms, 1)))
open("between.scap", "wb").write(begun + look(1) + block(0x215, task(200, 100)) + look(2))
open("joined.scap", "wb").write(begun + seconds(1, *sends[0]) + section + machine + processes + seconds(2, *sends[0]))
open("cut.scap", "wb").write(whole[:-9])
lists = section + machine + processes + users
open("empty.scap", "wb").write(lists)
open("newer.scap", "wb").write(lists + event(boot, 100, 500, []))
strange = event(boot + 5 * 10**9, 100, 13, [b"\0" * 8] * 3)  # an execve of 2012 has 8 parameters or more
open("strange.scap", "wb").write(lists + opened + strange + closed)
open("strange_alone.scap", "wb").write(lists + strange)
open("foreign.scap", "wb").write(whole[:8] + whole[11:7:-1] + whole[12:])
PY
expect_exit 0 hindcast import small.scap -o capture >out
expect_match '^2 events imported' out
expect_exit 0 hindcast verify capture >/dev/null
expect_exit 0 hindcast events capture -f 'evt.type in (openat, close)' \
	-o '%evt.num %evt.type %proc.name %proc.cmdline %user.name %fd.name %evt.rawtime %evt.rawres' >events
cat >want <<'END'
1 openat sh sh -c x alice /tmp/secret 1700000005000000000 3
2 close sh sh -c x alice /tmp/secret 1700000006000000000 0
END
diff -u want events
expect_exit 0 hindcast query capture --csv "SELECT comm, path FROM files" >csv
expect_match 'sh,/tmp/secret' csv

# a file that is cut: all before is there, and the place is said
expect_exit 3 hindcast import cut.scap -o cut >out 2>err
expect_match '^1 events imported' out
expect_match 'cut.scap: at byte [0-9]+' err
expect_exit 0 hindcast verify cut >/dev/null

# the digest is of the file, or of all that came out of a pipe: in pieces, compressed, damaged long before its end
gzip -c small.scap >small.scap.gz
{ cat small.scap; head -c 300000 /dev/zero; } >long.scap
for file in small.scap small.scap.gz long.scap; do
	code=$([ $file = long.scap ] && echo 3 || echo 0)
	expect_exit "$code" hindcast import -q $file -o of-file 2>err
	{ head -c 1 $file; sleep 0.1; tail -c +2 $file; } | expect_exit "$code" hindcast import -q /dev/stdin -o of-pipe 2>err
	for from in file pipe; do
		[ "$(hindcast query of-$from 'SELECT file_sha256 FROM meta_import' --csv | sed 1d | tr -d '\r')" = "$(sha256sum <$file | cut -d' ' -f1)" ] ||
			fail "the digest of $file by $from"
		rm -r of-$from
	done
done

# refused: another byte order, no scap file at all, no file, a directory with something in it
expect_exit 2 hindcast import foreign.scap -o none 2>err
expect_match 'the other byte order' err
printf 'hello, this is no capture' >text
expect_exit 3 hindcast import text -o none 2>err
expect_match '^text: at byte 0: not a scap file' err
expect_exit 4 hindcast import absent.scap -o none 2>err
expect_match "absent.scap" err
expect_exit 4 hindcast import small.scap -o capture 2>err
expect_match "'capture' is not empty" err
expect_exit 2 hindcast import small.scap 2>err
[ ! -e none ]

# no events at all, or none that can be read: an error, and nothing is made
expect_exit 3 hindcast import empty.scap -o none 2>err
expect_match "'empty.scap' has no events$" err
expect_exit 3 hindcast import newer.scap -o none 2>err
expect_match "has no events that can be read: 1 are of a newer writer" err
expect_exit 3 hindcast import strange_alone.scap -o none 2>err
expect_match "1 of an old form" err
[ ! -e none ] || fail "something was made"

# some that cannot be read: the others are there, the first is said with its place, and so is their number
expect_exit 3 hindcast import strange.scap -o strange >out 2>err
expect_match '^2 events imported' out
expect_match '^strange.scap: at byte [0-9]+: the first of 1 events .*code 13' err
expect_exit 0 hindcast verify strange >/dev/null

# what is closed on exec, files in memory too, is no descriptor of the program that was run
expect_exit 0 hindcast import memory.scap -o memory >out
expect_exit 0 hindcast events memory -o '*%evt.type %fd.num %fd.name.' >events
cat >want <<'EOF'
memfd_create 3 m.
memfd_create 4 m.
fstat 3 m.
execve <NA> <NA>.
fstat 3 .
close 4 m.
EOF
diff -u want events

# calls that old programs wrote otherwise
expect_exit 0 hindcast import -q forms.scap -o forms
expect_exit 0 hindcast events forms -o '*%evt.num %evt.type %proc.name %proc.exepath %fd.num %fd.type %fd.dev' >events
cat >want <<'END'
2 execve run /tmp/tool <NA> <NA> <NA>
4 execve run /opt/at <NA> <NA> <NA>
6 execve run <NA> <NA> <NA> <NA>
7 execve run <NA> <NA> <NA> <NA>
8 execve /bin/older <NA> <NA> <NA> <NA>
9 bpf /bin/older <NA> 7 bpf 0
10 seccomp /bin/older <NA> <NA> <NA> <NA>
11 openat /bin/older <NA> 8 file 0
12 drop /bin/older <NA> <NA> <NA> <NA>
END
diff -u want events
expect_exit 0 hindcast events forms -f 'evt.type in (bpf, seccomp)' -o '%evt.args' >events
cat >want <<'END'
fd=7(<b>) cmd=5(BPF_PROG_LOAD)
res=0 op=1 flags=0
END
diff -u want events

# what is rare, or was written by old programs, is seen as Falco sees it
expect_exit 0 hindcast import rare.scap -o rare >out
expect_exit 0 hindcast verify rare >/dev/null
expect_exit 0 hindcast events rare -o '*%evt.num %evt.type %evt.res|%fd.num|%fd.name|%fd.type|%fd.directory|%fd.ino|%fd.sip|%fs.path.source|%proc.name|%proc.pname' >events
sed 's/-/<NA>/g; s/_/-/g' >want <<'END'
1 fstat SUCCESS|0|pipe:[7]|pipe|-|7|-|-|sh|-
2 fstat SUCCESS|6|:::8000|ipv6|-|8|-|-|sh|-
3 fstat SUCCESS|9|/run/s|unix|-|99|-|-|sh|-
4 openat SUCCESS|10|<UNKNOWN>x/y|file|<UNKNOWN>x|5|-|-|sh|-
5 open ENOENT|_1|/etc//shadow|-|/etc/|-|-|-|sh|-
7 openat SUCCESS|11|/tmp/passed|file|/tmp|6|-|-|sh|-
8 fstat SUCCESS|11|/tmp/passed|file|/tmp|6|-|-|sh|-
9 connect EINPROGRESS|50|10.0.0.5:4000_>1.2.3.4:0|-|/|-|-|-|sh|-
10 send SUCCESS|9|1.2.3.4:0_>10.0.0.5:4000|ipv4|-|99|10.0.0.5|-|sh|-
11 renameat SUCCESS|-|-|-|-|-|-|/tmp/a|sh|-
12 clone _11|-|-|-|-|-|-|-|sh|-
13 pipe2 EMFILE|_1||-|/|-|-|-|sh|-
14 mknod SUCCESS|-|-|-|-|-|-|-|sh|-
15 semget SUCCESS|-|-|-|-|-|-|-|sh|-
16 clone SUCCESS|-|-|-|-|-|-|-|made|-
17 fstat SUCCESS|0||-|/|-|-|-|sh|sh
18 procexit -|-|-|-|-|-|-|-|sh|sh
19 fstat SUCCESS|0||-|/|-|-|-|sh|-
20 socket SUCCESS|12||ipv4|-|0|-|-|sh|-
21 clone SUCCESS|-|-|-|-|-|-|-|/bin/old|sh
22 open SUCCESS|13|/old|file|/|0|-|-|sh|-
END
diff -u want events
expect_exit 0 hindcast events rare -f 'evt.num in (7, 9, 10, 11, 14, 15, 20, 22)' -o '%evt.args' >events
cat >want <<'END'
fd=11(<f>/tmp/passed) dirfd=10(<f><UNKNOWN>x/y) name=changed(<UNKNOWN>x/y/changed) flags=16385(O_RDONLY|O_F_CREATED) mode=0 dev=8 ino=6
res=-115(EINPROGRESS) tuple=10.0.0.5:4000->1.2.3.4:0 fd=50 addr=1.2.3.4:9
res=1 data=d fd=9(<4u>1.2.3.4:0->10.0.0.5:4000) size=1 tuple=10.0.0.5:4000->1.2.3.4:0
res=0 olddirfd=10(<f><UNKNOWN>x/y) oldpath=a(<UNKNOWN>x/y/a) newdirfd=77 newpath=../b(b)
res=0 path=/dev/b mode=060000(S_IFCHR|S_IFBLK) dev=1
res=0 key=FFFFFFFB nsems=1 semflg=0
fd=12(<4>) domain=2(AF_INET) type=524289 proto=6 flags=0(O_NONE)
fd=13(<f>/old) name=/old flags=1(O_RDONLY) mode=0 dev=<NA> ino=<NA>
END
diff -u want events
expect_exit 0 hindcast events rare -f 'evt.num = 18' -o '%thread.cgroups %proc.ppid' >events
expect_match '^cpu=/a memory=/b 100$' events
expect_exit 0 hindcast events rare -f 'evt.res in (EAGAIN, ENOENT) or evt.res = "-11"' -o '%evt.num %evt.type' >events
printf '5 open\n12 clone\n' | diff -u - events
expect_exit 0 hindcast events rare -f 'evt.res = EAGAIN' -o '%evt.num' >events
[ ! -s events ]

# a session's leader that is seen as such before it does anything keeps its parent in an export
expect_exit 0 hindcast import led.scap -o led >out
expect_exit 0 hindcast export led --format scap -o again.scap >out
expect_exit 0 hindcast import again.scap -o again >out
for capture in led again; do
	expect_exit 0 hindcast events $capture -o '*%thread.tid %proc.pid %proc.ppid %proc.pname %proc.sname' >events
	printf '600 600 <NA> <NA> sh\n500 500 100 sh sh\n' | diff -u - events
done

# a socket of which its traffic tells is not there before it, in an export neither; memory is that of the list
expect_exit 0 hindcast import sends.scap -o sends >out
expect_exit 0 hindcast export sends --format scap -o sends.again.scap >out
expect_exit 0 hindcast import sends.again.scap -o sends.again >out
for capture in sends sends.again; do
	expect_exit 0 hindcast events $capture \
		-o '*%evt.type|%fd.name|%fd.types|%proc.vmsize|%proc.vmrss|%proc.vmswap|%thread.pfmajor|%thread.pfminor' >events
	cat >want <<-'END'
		fstat||(pipe)|1|2|3|4|5
		sendto|10.0.0.5:4000->1.2.3.4:53|(pipe,ipv4)|1|2|3|4|5
		fstat|10.0.0.5:4000->1.2.3.4:53|(pipe,ipv4)|1|2|3|4|5
		fstat|pipe:[7]|(pipe,ipv4)|1|2|3|4|5
	END
	diff -u want events
done

# what a socket's protocol is shows by what it sends, unless a list says that it has none
for capture in before after; do
	expect_exit 0 hindcast import $capture.scap -o $capture >out
	expect_exit 0 hindcast events $capture -o '%fd.type %fd.is_server' >events
	printf 'ipv6 true\n' | cmp - events || fail "$capture: $(cat events)"
done

expect_exit 0 hindcast import failed.scap -o failed >out
expect_exit 0 hindcast events failed -o '*%evt.type %thread.tid %proc.pid %proc.name' >events
printf '%s\n' 'clone 4343 <NA> <NA>' 'fstat 4343 -1 <NA>' | diff - events || fail "a failed fork of nobody"

expect_exit 0 hindcast import spaced.scap -o spaced >out
expect_exit 0 hindcast events spaced -o '*%container.id %container.start_ts %proc.pidns_init_start_ts' >events
printf '%s\n' 'host <NA> <NA>' 'host 77 77' | diff - events || fail "beginnings of namespaces"

expect_exit 0 hindcast import unnamed.scap -o unnamed >out
expect_exit 0 hindcast events unnamed -f 'evt.type != socket' -o '%evt.type [%fd.name] %fd.connected %fd.name_changed' >events
printf '%s [] true false\n' read recv fstat | diff - events || fail "a socket without a name"

expect_exit 0 hindcast import lost.scap -o lost >out
expect_exit 0 hindcast events lost -f 'evt.type = openat' -o '%proc.cwd %fd.name, %fs.path.name' >events
printf '%s\n' './ ./a/b, a/b' './ c, c' './ ., ' './ , ' './ /e, /e' | diff - events || fail "directories of nobody"

expect_exit 0 hindcast import protocols.scap -o protocols >out
expect_exit 0 hindcast export protocols --format scap -o protocols.again.scap >out
expect_exit 0 hindcast import protocols.again.scap -o protocols.again >out
for capture in protocols protocols.again; do
	expect_exit 0 hindcast events $capture -f 'evt.type in (fstat, sendto)' -o '*%fd.num|%fd.name|%fd.l4proto' >events
	cat >want <<-'END'
		7|2001:db8::5:77->2001:db8::9:53|<NA>
		7|2001:db8::5:4000->2001:db8::9:53|udp
		8|10.0.0.5:77->1.2.3.4:53|<NA>
		8|10.0.0.5:4000->1.2.3.4:53|udp
		9|10.0.0.5:77->1.2.3.4:53|<NA>
		9|<unknown>|<NA>
		10||<NA>
		10|10.0.0.5:4000->1.2.3.4:53|udp
	END
	diff -u want events
done

# lists between events count from there on; a file behind another knows nothing of that one's users
expect_exit 0 hindcast import between.scap -o between >out
expect_exit 0 hindcast events between -o '*%thread.tid %proc.name' >events
printf '200 <NA>\n200 sh\n' | diff -u - events
expect_exit 0 hindcast import joined.scap -o joined >out
expect_exit 0 hindcast events joined -o '*%proc.name %user.uid %user.name' >events
printf 'sh 1000 alice\nsh 1000 <NA>\n' | diff -u - events

# what old programs wrote for a pointer to nothing is nothing; events about threads count from the first call on
expect_exit 0 hindcast import odd.scap -o odd >out
expect_exit 0 hindcast events odd -f 'evt.type in (open, mount)' -o '%evt.args' >events
cat >want <<'END'
fd=-14(EFAULT) name=<NA> flags=1(O_RDONLY) mode=0 dev=0 ino=0
res=-14(EFAULT) dev=(NULL)x dir=<NA> type=<NA> flags=0
END
diff -u want events
expect_exit 0 hindcast events odd -f 'evt.type in (procinfo, fstat)' \
	-o '*%evt.type %thread.tid %proc.name %evt.count.procinfo %evt.count.threadinfo %evt.reltime' >events
cat >want <<'END'
procinfo 100 sh 1 1 1700000001000000000
procinfo 300 <NA> 0 1 1700000002000000000
procinfo 4242 <NA> 0 1 1700000003000000000
fstat 100 sh 0 0 000000000
procinfo 100 sh 1 1 3000000000
procinfo 300 <NA> 0 1 4000000000
procinfo 4242 <NA> 0 1 5000000000
END
diff -u want events

# what events tell of containers counts from then on, until they take it back
expect_exit 0 hindcast import containers.scap -o containers >/dev/null
expect_exit 0 hindcast events containers -f 'evt.type = close' \
	-o '*%container.id %container.type %container.name %container.image.repository:%container.image.tag %container.privileged %container.mounts %container.ip %k8s.pod.name %k8s.ns.name' >events
none='<NA>'
sed 's/;/ /g' >want <<END
3f4c9d0b1e7a docker;$none;$none:$none;$none;$none;$none;$none;$none
3f4c9d0b1e7a podman web reg/web:1.2 true /proc:/host::true:rprivate 10.0.0.7 web-0 prod
3f4c9d0b1e7a docker other : false  ;$none;$none
3f4c9d0b1e7a docker;$none;$none:$none;$none;$none;$none;$none;$none
3f4c9d0b1e7a podman web reg/web:2 true /proc:/host::true:rprivate 10.0.0.7 web-0 prod
3f4c9d0b1e7a podman web reg/web:2 true /proc:/host::true:rprivate 10.0.0.7 web-0 prod
END
diff -u want events
# and is an event of the name that it has
expect_exit 0 hindcast events containers -f 'evt.type in (container_removed, container) and evt.is_async = true and evt.num > 3' \
	-o '*%evt.num %evt.type %evt.asynctype %evt.arg.name %evt.arg.plugin_id' >events
cat >want <<'END'
4 container container container 0
6 container_removed container_removed container_removed 0
8 container container <NA> <NA>
10 container container container 0
END
diff -u want events
expect_exit 0 hindcast events containers -f 'evt.type = container_removed' -o '%evt.args' >events
[ "$(cat events)" = 'plugin_id=0 name=container_removed data={"container": {"id": "3f4c9d0b1e7a"}}.' ] || fail "arguments of an event about a container"
# of a pod's network the sandbox tells, where the container's own event does not
expect_exit 0 hindcast import pods.scap -o pods >/dev/null
expect_exit 0 hindcast events pods -f 'evt.type = close' \
	-o '*%container.id %container.ip [%container.cni.json] [%k8s.pod.ip] [%k8s.pod.cni.json] [%k8s.pod.labels]' >events
cat >want <<'END'
3f4c9d0b1e7a 10.0.0.7 [] [10.1.1.1] [{"pod":2}] [app:web]
3f4c9d0b1e7a 10.0.0.7 [{"own":1}] [10.0.0.7] [{"own":1}] []
3f4c9d0b1e7a 10.0.0.7 [] [<NA>] [<NA>] []
3f4c9d0b1e7a 10.0.0.7 [] [] [] []
host  [] [] [] []
END
diff -u want events
expect_exit 0 hindcast events pods -f 'k8s.pod.ip = 10.1.1.1 and evt.type = close' -o '%k8s.pod.cni.json' >events
expect_match '^{"pod":2}$' events
expect_exit 0 hindcast query containers --csv "SELECT not_understood, cannot_hold FROM meta_import" >csv
expect_match '1 events about containers' csv
expect_no_match ':container' csv
expect_exit 0 hindcast query capture --csv "SELECT cannot_hold FROM meta_import" >csv
expect_match ':container' csv
