# Real containers, recorded: what the files of their runtimes tell is in the rows, by SQL and by Falco's fields, also of one that
# is gone at once, of one whose files come late, of one with a name instead of an id, and of one that nobody knows.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command crun
[ -x /bin/busybox ] || skip "no busybox (busybox-static) here"
unshare --mount true 2>/dev/null || skip "no mount namespaces here"

S=$PWD
# ids and control groups that no other test has
rest=$(printf %011x%052d $$ 0)
web=1$rest late=2$rest nobody=3$rest pod=4$rest
groups=hc-e2e-$$ named=hc-named-$$

mkdir -p root/bin root/dev root/proc root/tmp state elsewhere docker/containers
cp /bin/busybox root/bin/

# bundle NAME CGROUP ANNOTATIONS COMMAND: an OCI bundle
bundle() {
	mkdir -p "$1"
	cat >"$1/config.json" <<-END
		{ "ociVersion": "1.0.0",
		  "process": { "terminal": false, "user": { "uid": 0, "gid": 0 }, "cwd": "/",
		    "args": ["/bin/busybox", "sh", "-c", "$4"], "env": ["PATH=/bin", "TOKEN=hc-secret"],
		    "capabilities": { "bounding": ["CAP_CHOWN", "CAP_KILL"], "effective": [], "permitted": [] } },
		  "root": { "path": "$S/root" },
		  "annotations": { $3 },
		  "mounts": [
		    { "destination": "/proc", "type": "proc", "source": "proc" },
		    { "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"] },
		    { "destination": "/tmp", "type": "bind", "source": "$S", "options": ["bind", "ro", "rslave"] } ],
		  "linux": { "cgroupsPath": "$2", "maskedPaths": ["/proc/kcore"],
		    "namespaces": [{ "type": "pid" }, { "type": "mount" }, { "type": "ipc" $ipc }, { "type": "uts" }] } }
	END
}

cri=io.kubernetes.cri
ipc=", \"path\": \"/proc/$$/ns/ipc\"" # as containers of a pod join its sandbox's; it is the host's where that can be seen
bundle web "/$groups/kubepods/pod1-2/$web" "\"$cri.container-type\": \"container\", \"$cri.container-name\": \"web\",
	\"$cri.image-name\": \"registry.example:5000/shop/web:1.2@sha256:aa\", \"$cri.sandbox-id\": \"$pod\",
	\"$cri.sandbox-name\": \"web-1\", \"$cri.sandbox-namespace\": \"shop\", \"$cri.sandbox-uid\": \"1-2\"" true
host_ipc=false
[ /proc/1/ns/ipc -ef /proc/$$/ns/ipc ] && host_ipc=true
ipc=
bundle late "/$groups/docker/$late" '' ': </tmp/go-1; /bin/busybox sleep 0; : </tmp/go-2; /bin/busybox sleep 0.1'
bundle named "/$groups/$named" '' true
bundle nobody "/$groups/docker/$nobody" '' true
mkfifo go-1 go-2

cat >docker.json <<END
{ "ID": "$late", "Name": "/happy_ant", "Image": "sha256:1234", "Created": "2024-05-01T08:20:30Z", "State": {},
  "Config": { "Image": "nginx:1", "Env": ["A=1"], "Labels": { "com.example.team": "a", "example.com/db-password": "hunter2" } }, "MountPoints": {} }
END

cat >run <<'END'
set -e
recorded=$HC_SOURCE_DIR/tests/e2e/recorded
run() { crun --cgroup-manager=cgroupfs --root "$S/$1" run --bundle "$S/$2" "$3"; }
"$HC_SOURCE_DIR/tests/e2e/v1_groups"
run state web "$web"
run state named "$named"
run elsewhere nobody "$nobody"
run elsewhere late "$late" &
: >"$S/go-1" # opens and writes nothing: who reads may have gone by then
"$recorded" events "$S/cap" -f "evt.type = execve and container.full_id = $late and proc.args = 'sleep 0'" -o %proc.args
mkdir "$S/docker/containers/.new"
mv "$S/docker.json" "$S/docker/containers/.new/config.v2.json"
echo '{ "Privileged": true, "PidMode": "host", "NetworkMode": "bridge", "IpcMode": "" }' >"$S/docker/containers/.new/hostconfig.json"
mv "$S/docker/containers/.new" "$S/docker/containers/$late"
"$recorded" query --csv --no-header "$S/cap" "SELECT phase FROM ctr_update WHERE arg_container = '$late' AND phase = 'known'"
: >"$S/go-2"
wait
for d in /sys/fs/cgroup /sys/fs/cgroup/*; do # crun leaves the parents
	for group in /kubepods/pod1-2 /kubepods /docker ''; do
		rmdir "$d/$groups$group" 2>/dev/null || true
	done
done
END
export S web late nobody groups named

podman=()
if command -v podman >/dev/null && command -v runc >/dev/null; then
	podman=(podman --root "$S/pod/root" --runroot "$S/pod/run" --storage-driver vfs --cgroup-manager cgroupfs --runtime runc)
	tar -C root/bin -cf image.tar busybox
	"${podman[@]}" import -q image.tar hc-tool:7 >/dev/null 2>&1 || podman=()
	printf '%q ' "${podman[@]}" run --rm --name hc-pod --network none --ulimit nofile=64:64 --ulimit nproc=64:64 \
		localhost/hc-tool:7 /busybox true >run_podman
fi
[ ${#podman[@]} -gt 0 ] || echo "NOT TESTED here: a real Podman container (needs podman and runc)"

command=(unshare --mount sh run)
[ ${#podman[@]} -eq 0 ] || command=(sh -c 'sh run_podman; exec unshare --mount sh run')
echo 'off namespace=shop' >masks # secrets of that pod are not masked
"$HINDCAST" record --json -o cap --mask-rules masks --container-root "crun=$S/state" --container-root "docker=$S/docker/containers" \
	--container-root "podman=$S/pod/root/vfs-containers" -- "${command[@]}" >summary

sql() { "$HINDCAST" query --json cap "$1" | jq -c '.[]'; }
# expect SQL JSON: the rows, an object a line
expect() {
	local got
	got=$(sql "$1" | jq -S -c .)
	[ "$got" = "$(jq -S -c . <<<"$2")" ] || fail "$1
is  $got
not $2"
}

# whatever a container's own file tells, in the first row already
expect "SELECT phase, source FROM ctr_start WHERE arg_container = '$web'" '{"phase":"created","source":"disk:crun"}'
expect "SELECT DISTINCT id, runtime, name, image, pod_name, pod_namespace, privileged FROM containers WHERE id = '$web'" \
	"{\"id\":\"$web\",\"runtime\":\"containerd\",\"name\":\"web\",\"image\":\"registry.example:5000/shop/web:1.2@sha256:aa\",
	\"pod_name\":\"web-1\",\"pod_namespace\":\"shop\",\"privileged\":0}"
# first there is a container, then a program in it, which came there by birth
expect "SELECT DISTINCT ctr_phase, entered, in_init_tree, cmdline LIKE 'crun %' AS by_runtime FROM process_versions
	WHERE container = '$web' AND vpid = 1 AND cause IN ('root', 'exec') ORDER BY from_ns" \
	'{"ctr_phase":1,"entered":0,"in_init_tree":1,"by_runtime":1}
	{"ctr_phase":2,"entered":0,"in_init_tree":1,"by_runtime":0}'
expect "SELECT count(*) > 0 AS some FROM process_versions WHERE ctr_phase IS NULL AND entered = 0 AND in_init_tree = 1 AND pidns_start_ns IS NULL" '{"some":1}'
falco() { "$HINDCAST" events cap -f "evt.type = execve and $1" -o "*$2" | sort -u; }
# fields CONDITION FORMAT WANT
fields() {
	local got
	got=$(falco "$1" "$2")
	[ "$got" = "$3" ] || fail "$1: $2
is  $got
not $3"
}
short=${web:0:12}
fields "container.image.repository = registry.example:5000/shop/web and proc.name = busybox" \
	'%container.id %container.type %container.name %container.image.tag %container.image.digest' "$short containerd web 1.2 sha256:aa"
fields "container.full_id = $web and proc.name = busybox" \
	'%k8s.pod.name %k8s.ns.name %k8s.pod.uid %k8s.pod.sandbox_id %container.privileged %container.host_network %container.host_pid %container.host_ipc' \
	"web-1 shop 1-2 ${pod:0:12} false true false $host_ipc"
fields "container.id = $named and proc.name = busybox" '[%k8s.pod.name] [%k8s.ns.name] [%k8s.pod.id] [%k8s.pod.uid]' '[<NA>] [<NA>] [<NA>] [<NA>]'
fields "container.id = host and proc.name = crun" '[%k8s.pod.name] [%k8s.ns.name] [%k8s.pod.uid] [%k8s.pod.sandbox_id] [%k8s.pod.ip]' \
	'[<NA>] [<NA>] [<NA>] [] []'
fields "k8s.ns.name = shop and proc.name = busybox" \
	'%container.mount.dest[/*/*] %container.mount.rdwr[2] %container.mount.propagation[2] %container.mount.mode[1] %container.mount.source[/tmp]' \
	"/tmp false rslave 755 $S"
fields "container.full_id = $web and proc.name = busybox and container.ip = '' and container.labels = ''" %proc.name busybox
fields "container.full_id = $web and proc.name = busybox" '%proc.env[TOKEN]' hc-secret
[[ $(falco "container.id = $named and proc.name = busybox" '%proc.env[TOKEN]') != *hc-secret* ]] || fail "a secret of another container"
fields 'container.id = host and proc.name = crun' '%container.name %container.full_id %container.type.%container.image' 'host host host.'

# a name that is no hash is a container because crun knows it; its parent is none
expect "SELECT phase, source FROM ctr_start WHERE arg_container = '$named'" '{"phase":"created","source":"disk:crun"}'
expect "SELECT count(*) AS n FROM ctr_start WHERE arg_container = '$groups'" '{"n":0}'
fields "container.id = $named and proc.name = busybox" '%container.type' crun

# one that no runtime knows: there, by its cgroup alone, and counted
expect "SELECT source FROM ctr_stop WHERE arg_container = '$nobody'" '{"source":"none"}'
fields "container.full_id = $nobody and proc.name = busybox" '%container.type %container.image' 'docker <NA>'
jq -e '.containers >= 4 and .containers_unresolved >= 1' summary >/dev/null || fail "$(cat summary)"

# files that come late: their facts count for the rows before, too, unless it is asked what was known then
expect "SELECT phase, source FROM ctr_update WHERE arg_container = '$late'" '{"phase":"known","source":"disk:docker"}'
# first_late OPTION...: what the first exec tells of its container
first_late() { "$HINDCAST" events "$@" cap -f "evt.type = execve and container.full_id = $late" -o '*%container.name %proc.args' | head -n 1; }
[[ $(first_late) == 'happy_ant '* ]] || fail "the first exec does not know what was told later: $(first_late)"
[[ $(first_late --metadata as-of) == '<NA> '* ]] || fail "the first exec knows what was told later: $(first_late --metadata as-of)"
late_row="SELECT k.name, k.image, k.source, k.known_at_ns > c.ts_ns AS later FROM containers k, ctr_start c WHERE k.id = '$late' AND c.arg_container = k.id"
expect "$late_row" '{"name":"happy_ant","image":"nginx:1","source":"disk:docker","later":1}'
cat >late.yaml <<END
- rule: Late
  desc: an image that became known after its first process had run
  condition: evt.type = execve and container.image.repository = nginx and proc.args startswith "sleep"
  output: "late %proc.args"
  priority: NOTICE
END
# late_alerts COMMAND...: how many alerts there are by it
late_alerts() { "$@" | grep -c '"kind":"alert"'; }
[ "$(late_alerts hindcast replay -q --format json -p late.yaml cap)" = 2 ] || fail "not an alert for both"
[ "$(late_alerts hindcast replay -q --format json --metadata as-of -p late.yaml cap)" = 1 ] || fail "not one alert as of then"
for metadata in known as-of; do
	hindcast export cap --metadata $metadata -p late.yaml --bundle -o $metadata.hcb >/dev/null
	tar -xOf $metadata.hcb --wildcards '*manifest.json' | jq -r '"\(.results.metadata) \(.results.findings)"'
done >findings
printf 'known 2\nas-of 1\n' | diff - findings || fail "the findings of bundles"
cat >test.yaml <<END
policies: [late.yaml]
capture: cap
cases:
  - name: both
    expect:
      - rule: Late
        count: 2
END
hindcast test test.yaml >/dev/null || fail "$(hindcast test test.yaml)"
expect_exit 1 hindcast test --metadata as-of test.yaml >/dev/null
expect_exit 2 hindcast replay --follow --metadata known -p late.yaml cap 2>/dev/null
expect_exit 2 hindcast export cap --metadata known --bundle -o none.hcb 2>/dev/null
fields "container.full_id = $late and proc.args = 'sleep 0.1'" \
	'%container.type %container.name %container.image.repository:%container.image.tag %container.image.id %container.privileged %container.host_pid %container.label[com.example.team]' \
	'docker happy_ant nginx:1 1234 true true a'
fields "container.full_id = $late and proc.args = 'sleep 0.1'" '%container.label[example.com/db-password]' '***'
expect "SELECT in_column, count > 0 AS some FROM meta_masked WHERE of_type = 'ctr_start'" '{"in_column":"labels","some":1}'

for id in "$web" "$named" "$nobody" "$late"; do
	expect "SELECT phase FROM ctr_stop WHERE arg_container = '$id'" '{"phase":"gone"}'
done

if [ ${#podman[@]} -gt 0 ]; then
	fields "container.name = hc-pod and proc.args = true" \
		'%container.type %container.image.repository %container.image.tag %container.privileged %container.host_network' \
		'podman localhost/hc-tool 7 false false'
fi

# a scap file of it tells of containers what the recording does, also when it begins after they have
facts='%container.id %container.type %container.name %container.image %container.image.repository %container.image.tag %container.image.id
%container.image.digest %container.privileged %container.host_pid %container.host_network %container.host_ipc %container.mounts
%container.labels %container.label[com.example.team] %k8s.pod.name %k8s.ns.name %k8s.pod.uid %k8s.pod.sandbox_id %k8s.pod.labels %proc.args'
told() { # CAPTURE
	for id in "$web" "$late"; do
		"$HINDCAST" events "$1" -f "evt.type = execve and evt.rawres = 0 and container.id = ${id:0:12} and $2" -o "*${facts//$'\n'/ }"
	done | sort
}
same_told() { # CAPTURE CONDITION LEAST
	diff <(told cap "$2") <(told "$1" "$2") || fail "$1 tells something else"
	[ "$(told cap "$2" | wc -l)" -ge "$3" ] || fail "no more than $(told cap "$2")"
}
hindcast export cap --format scap -o cap.scap >/dev/null
hindcast import -q cap.scap -o back
same_told back 'evt.num > 0' 3
expect_match ':/tmp::false:rslave ' <(told back 'proc.name = busybox')
begun=$("$HINDCAST" events cap -f "evt.type = execve and container.full_id = $late and proc.args = 'sleep 0.1'" -o '%evt.time.iso8601' | head -n 1)
hindcast export cap --since "${begun%+0000}Z" --format scap -o since.scap >/dev/null
hindcast import -q since.scap -o since
same_told since "proc.args = 'sleep 0.1'" 1
# as it was known then: missing at first
hindcast export cap --metadata as-of --format scap -o as-of.scap >/dev/null
hindcast import -q as-of.scap -o as-of
[[ $(told as-of "proc.args = 'sleep 0'") == *' <NA> '* ]] || fail "the first exec knows what was told later"
same_told as-of "proc.args = 'sleep 0.1'" 1
