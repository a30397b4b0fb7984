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
