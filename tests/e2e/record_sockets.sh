# Runtimes asked on their sockets for what their files lack: what they tell is in the rows that follow; sockets that lie, hang or speak
# something else are harmless, counted and told of once.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
py=
for try in python3 /usr/bin/python3; do
	"$try" -c 'import h2' 2>/dev/null && { py=$try; break; }
done
[ -n "$py" ] || skip "no python3-h2 here"
root=/sys/fs/cgroup
[ -e $root/cgroup.procs ] || root=/sys/fs/cgroup/unified
root=$root/hc-sockets-$$
mkdir "$root" 2>/dev/null || skip "no control groups can be made here"
cleanup() {
	kill "${servers:-}" "${daemon:-}" "${service:-}" 2>/dev/null || true
	find "$root" -depth -type d -exec rmdir {} + 2>/dev/null || true
}
trap cleanup EXIT
export PYTHONPATH=$HC_SOURCE_DIR/tests/e2e PYTHONDONTWRITEBYTECODE=1

# id DIGIT: of a container that no other test has
rest=$(printf %011x%052d $$ 0)
id() { echo "$1$rest"; }
export root rest
"$py" "$HC_SOURCE_DIR/tests/e2e/runtimes.py" ready &
servers=$!
for _ in $(seq 100); do
	[ -e ready ] && break
	sleep 0.1
done

# groups SECONDS NAME/DIGIT...: a process in each group for as long, its last part the id of that digit
cat >groups <<'END'
for_s=$1
shift
for at; do
	mkdir -p "$root/$at$rest"
	(echo 0 >"$root/$at$rest/cgroup.procs"; sleep "$for_s"; exec true) &
done
wait
sleep 0.1
for at; do
	rmdir "$root/$at$rest"
done
END

# A socket that has answered badly is left alone for a while: those that it knows come first, and are asked for before the others are there.
# Another group with the id of one is the same container as long as that is there, and would be a new one after it: it is in the first turn.
cat >in_turn <<'END'
sh groups "$(($1 + 1)).5" docker/1 docker/6 libpod_parent/7 kubepods/pod1/a kubepods/pod1/9 free/1 &
for asked in "docker.sock.*/1$rest" "docker.sock.*/6$rest" "podman.sock.*/7$rest" "cri .*a$rest" "cri .*9$rest" "cri ImageStatus" "docker.sock /images"; do
	for _ in $(seq 100); do
		grep -q "$asked" asked.log && break
		sleep 0.02
	done
done
sh groups "$1.5" docker/2 docker/3 docker/4 docker/5 docker/0 kubepods/pod1/b kubepods/pod1/c kubepods/pod1/d kubepods/pod1/e kubepods/pod1/f
wait
END

sql() { "$HINDCAST" query --json "$1" "$2" | jq -S -c '.[]'; }
# expect CAPTURE SQL JSON...: the rows, an object a line
expect() {
	local got want
	got=$(sql "$1" "$2")
	want=$(printf '%s\n' "${@:3}" | jq -S -c .)
	[ "$got" = "$want" ] || fail "$2
is  $got
not $want"
}
digest() { printf "%064d" 0 | tr 0 "$1"; }

"$HINDCAST" record --json -o cap --container-root none --runtime-socket docker.sock 2>err </dev/null && fail "a relative path is taken"
expect_match "'docker.sock' is no \[KIND=\]PATH" err
"$HINDCAST" record -o cap --runtime-socket /run/x.sock 2>err && fail "a socket of nobody is taken"
expect_match 'say docker=/run/x.sock, podman=/run/x.sock or cri=/run/x.sock' err
"$HINDCAST" record -o cap --runtime-socket off --runtime-socket /run/docker.sock 2>err && fail "off and on"
expect_match "'off' excludes all others" err

mkdir none
"$HINDCAST" record --json -o cap --container-root "crun=$PWD/none" --runtime-socket "$PWD/docker.sock" --runtime-socket "$PWD/podman.sock" \
	--runtime-socket "cri=$PWD/cri.sock" -- sh in_turn $slow >summary 2>err

image=$(printf 'ab%.0s' $(seq 32))
names='source, name, runtime, image, image_repo, image_tag, image_id, image_digest, labels, pod_name, pod_labels, pod_annotations'
facts='privileged, is_sandbox, sandbox_id, mounts, env_names, caps, host_pid, host_net, host_ipc, ip, annotations, created, start'
known() { echo "SELECT DISTINCT $2 FROM containers WHERE known_at_ns > 0 AND id = '$(id "$1")'"; }
expect cap "$(known 1 "$names")" "{\"source\":\"socket:docker\",\"name\":\"happy_ant\",\"runtime\":\"docker\",\"image\":\"shop/web:1.2\",
	\"image_repo\":\"shop/web\",\"image_tag\":\"1.2\",\"image_id\":\"$image\",\"image_digest\":\"sha256:$(digest c)\",
	\"labels\":\"[\\\"team=red\\\",\\\"tier=2\\\"]\",\"pod_name\":null,\"pod_labels\":null,\"pod_annotations\":null}"
expect cap "$(known 1 "privileged, host_pid, host_net, ip, env_names, mounts, created_ns, start_ns")" '{"privileged":1,"host_pid":1,
	"host_net":0,"ip":"172.17.0.9","env_names":"[\"TOKEN\"]","mounts":"[\"/srv:/data:z:false:rprivate\"]",
	"created_ns":1714551630500000000,"start_ns":1714551631000000000}'
expect cap "$(known 7 "source, name, image, image_digest, labels, annotations")" "{\"source\":\"socket:podman\",\"name\":\"tool\",
	\"image\":\"localhost/tool:7\",\"image_digest\":\"sha256:$(digest d)\",\"labels\":\"[\\\"team=red\\\",\\\"tier=2\\\"]\",
	\"annotations\":\"[\\\"a.b=c\\\"]\"}"
expect cap "$(known a "source, name, runtime, image_repo, image_id, image_digest, pod_name, pod_namespace, pod_uid, sandbox_id")" \
	"{\"source\":\"socket:cri\",\"name\":\"web\",\"runtime\":\"cri\",\"image_repo\":\"registry.example/shop/web\",\"image_id\":\"$image\",
	\"image_digest\":\"sha256:$(digest e)\",\"pod_name\":\"web-0\",\"pod_namespace\":\"shop\",\"pod_uid\":\"11-22\",\"sandbox_id\":\"$(id 9)\"}"
expect cap "$(known a "annotations, pod_annotations, privileged, host_net, host_pid, ip, env_names, caps, mounts, created_ns")" \
	'{"annotations":"[\"example.com/own=yes\"]","pod_annotations":"[\"example.com/note=hello\"]","privileged":1,"host_net":1,
	"host_pid":0,"ip":"10.1.2.3","env_names":"[\"PATH\"]","caps":1,"mounts":"[\"proc:/proc::true:\"]","created_ns":1714551630000000000}'
expect cap "$(known a pod_ip)" '{"pod_ip":"10.1.2.3"}'
expect cap "$(known 9 "source, name, is_sandbox, pod_name, pod_uid, ip, pod_ip")" '{"source":"socket:cri","name":"web-0","is_sandbox":1,
	"pod_name":"web-0","pod_uid":"11-22","ip":"10.1.2.3","pod_ip":"10.1.2.3"}'
for of in a 9; do
	sql cap "$(known $of pod_labels)" | grep -q 'app=web' || fail "$of: no labels of the pod"
done
sql cap "$(known 6 labels)" | jq -e '.labels | fromjson | length == 256' >/dev/null || fail "limits"
jq -e '.container_values_cut > 0' summary >/dev/null || fail "$(cat summary)"

# told later than the container began: rows before that keep what was known, and have the rest filled in when they are read
expect cap "SELECT phase, source FROM ctr_start WHERE arg_container = '$(id 1)'" '{"phase":"created","source":"cgroup"}'
expect cap "SELECT phase, source FROM ctr_update WHERE arg_container = '$(id 1)'" '{"phase":"known","source":"socket:docker"}'
first_name() { hindcast events cap --metadata "$1" -f "evt.type = execve and container.full_id = $(id 1)" -o '*%container.name' | head -n 1; }
[ "$(first_name as-of)" = '<NA>' ] || fail "the first exec knows what was told later"
[ "$(first_name known)" = happy_ant ] || fail "the first exec lacks what was told later: $(first_name known)"

# what is about another container, deep, huge or no message at all tells nothing
for of in 2 3 4 5 b c d e; do
	expect cap "$(known $of source)"
done
expect cap "SELECT count(*) AS n FROM containers WHERE name = 'happy_ant' AND id NOT IN ('$(id 1)', '$(id 6)')" '{"n":0}'
jq -e '.runtime_socket_failures >= 8' summary >/dev/null || fail "$(cat summary)"
expect_match "warning: the socket '.*docker.sock' \(docker\) does not answer as it should: " err
[ "$(grep -c 'podman.sock' err)" = 0 ] || fail "$(cat err)"

# only runtimes that may know a container are asked, of a container that nobody knows four times at most
grep -q "podman.sock.*/$(id 1)/" asked.log && fail "Podman was asked for a container of Docker's"
[ "$(grep -c "docker.sock /containers/$(id 0)/json" asked.log)" -le 4 ] || fail "asked again and again"
[ "$(grep -c "docker.sock /containers/$(id 1)/json" asked.log)" = 1 ] || fail "asked although it was told"

# sockets that hang, drip, are missing or serve something else: the recorder goes on and says so; the one that answers does
cat >bad.yaml <<END
dir: bad
container-root: [none]
runtime-socket:
 - docker=$PWD/hang.sock
 - docker=$PWD/missing.sock
 - podman=$PWD/slow.sock
 - cri=$PWD/off.sock
 - cri=$PWD/docker.sock
 - cri=$PWD/cri.sock
END
hindcast recorder --config bad.yaml --control none --pin none --metrics "$PWD/metrics.sock" 2>log &
daemon=$!
waits ' msg=recording ' log
# meanwhile: 1500 calls, of which none may be missing
python3 - $$ <<'END' &
import os, sys, time
for i in range(1500):
    try:
        os.open("/nowhere-%s/meanwhile-%d" % (sys.argv[1], i), os.O_RDONLY)
    except OSError:
        pass
    time.sleep(0.003)
END
load=$!
sh groups 4.5 docker/1 libpod_parent/7 kubepods/pod1/a
wait $load
python3 - "$PWD/metrics.sock" <<'END'
import sys
from openmetrics import must, scrape, value

m = scrape(sys.argv[1])
for kind, most in (("docker", 20), ("podman", 10), ("cri", 20)):
    n = value(m, "hindcast_metadata_failures_total", of=kind + "_socket")
    must(1 <= n <= most, m["hindcast_metadata_failures"], "failures of " + kind)
must(value(m, "hindcast_enrichment_total", source="socket", result="known") == 1, m["hindcast_enrichment"], "what a socket told")
END
kill -TERM $daemon
wait $daemon || fail "$(cat log)"
daemon=
expect bad "$(known a "source, name")" '{"source":"socket:cri","name":"web"}'
expect bad "$(known 1 source)"
# all that these processes did, whatever others made the recorder lose
expect bad "SELECT count(*) AS n, count(DISTINCT pathname) AS names FROM openat WHERE pathname LIKE '/nowhere-$$/meanwhile-%'" '{"n":1500,"names":1500}'
for of in docker/1 libpod_parent/7 kubepods/pod1/a; do
	expect bad "SELECT group_concat(comm, ' ') AS ran FROM (SELECT e.comm FROM proc_exec e WHERE e.container = '$(id "${of: -1}")' ORDER BY e.seq)" '{"ran":"sleep true"}'
done
told='msg="a container runtime.s socket does not answer as it should; containers are known without it"'
expect_match "level=warn $told socket=$PWD/off.sock kind=cri error=\"the runtime does not serve runtime.v1 of the CRI: its CRI plugin is off" log
expect_match "$told socket=$PWD/missing.sock kind=docker error=" log
expect_match "$told socket=$PWD/hang.sock kind=docker error=" log
expect_match "$told socket=$PWD/slow.sock kind=podman error=" log
expect_match "$told socket=$PWD/docker.sock kind=cri error=" log
for of in missing off hang slow docker; do
	[ "$(grep -c "socket=$PWD/$of.sock" log)" = 1 ] || fail "$of.sock: not told of once: $(cat log)"
done
