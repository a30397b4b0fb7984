# The sockets of real runtimes, where they are here: containerd asked as by a kubelet, and Podman's service.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command podman
need_command runc
[ -x /bin/busybox ] || skip "no busybox (busybox-static) here"
S=$PWD
export PYTHONPATH=$HC_SOURCE_DIR/tests/e2e PYTHONDONTWRITEBYTECODE=1
cleanup() {
	kill ${service:-} ${containerd:-} 2>/dev/null || true
	wait
	for m in $(grep -o "$S/[^ ]*" /proc/mounts | tac); do umount -l "$m" 2>/dev/null || true; done
	find /sys/fs/cgroup -depth -type d -path '*/kubepods/besteffort/podhc-11-22*' -exec rmdir {} + 2>/dev/null || true
}
trap cleanup EXIT

mkdir root
cp /bin/busybox root/
tar -C root -cf image.tar busybox
podman=(podman --root "$S/pod/root" --runroot "$S/pod/run" --storage-driver vfs --cgroup-manager cgroupfs --runtime runc)
"${podman[@]}" import -q -c 'CMD ["/busybox","sleep","9999"]' image.tar hc-tool:7 >/dev/null 2>&1 || skip "Podman cannot import an image here"
"${podman[@]}" system service --time 0 "unix://$S/podman.sock" >service.log 2>&1 &
service=$!

containerd= py=
for try in python3 /usr/bin/python3; do
	"$try" -c 'import h2' 2>/dev/null && { py=$try; break; }
done
if command -v containerd >/dev/null && command -v ctr >/dev/null && [ -n "$py" ]; then
	cat >config.toml <<-END
		version = 2
		root = "$S/ctd/root"
		state = "$S/ctd/state"
		[grpc]
		  address = "$S/containerd.sock"
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "localhost/hc-tool:7"
		  restrict_oom_score_adj = true
		  [plugins."io.containerd.grpc.v1.cri".containerd]
		    snapshotter = "native"
	END
	"${podman[@]}" save -q --format oci-archive -o oci.tar localhost/hc-tool:7 >/dev/null
	containerd -c config.toml >containerd.log 2>&1 &
	containerd=$!
	for _ in $(seq 100); do
		ctr -a containerd.sock version >/dev/null 2>&1 && break
		sleep 0.1
	done
	image() { ctr -a containerd.sock -n k8s.io images "$@" >>images.log 2>&1; }
	image import --snapshotter native oci.tar || fail "$(cat images.log containerd.log)"
	digest=$(ctr -a containerd.sock -n k8s.io images ls | grep -o 'sha256:[0-9a-f]*' | head -n 1)
	image tag localhost/hc-tool:7 "localhost/hc-tool@$digest" # as a pull has it
	printf '%q ' "$py" "$HC_SOURCE_DIR/tests/e2e/kubelet.py" containerd.sock localhost/hc-tool:7 1 >pod.cmd
	echo '>ids' >>pod.cmd
else
	echo "NOT TESTED here: a real containerd (needs containerd and python3-h2)"
fi

for _ in $(seq 100); do
	[ -S podman.sock ] && break
	sleep 0.1
done
{
	run() { # NAME OPTION..
		printf '%q ' "${podman[@]}" run -d --name "$@" --ulimit nofile=64:64 --ulimit nproc=64:64 localhost/hc-tool:7 /busybox sleep 1000
		echo '>/dev/null'
	}
	run hc-pod -l team=red --network none -e TOKEN=secret -v "$S/root:/data:ro"
	run hc-priv --privileged --network host --pid host --uidmap 0:100000:1000 --gidmap 0:100000:1000
	printf '%q ' "${podman[@]}" inspect hc-pod hc-priv
	echo '>inspect'
	[ -z "$containerd" ] || cat pod.cmd || echo sleep 1
	printf '%q ' "${podman[@]}" rm -f -t 0 hc-pod hc-priv
	echo '>/dev/null'
} >both
began=$(date +%s)
"$HINDCAST" record --json -o cap --container-root "podman=$S/pod/root/vfs-containers" --container-root "containerd=$S/ctd/state/io.containerd.runtime.v2.task" \
	--runtime-socket "$S/podman.sock" --runtime-socket "$S/containerd.sock" -- sh -e both >summary || fail "$(cat containerd.log)"
ended=$(date +%s)
jq -e '.command_status == 0' summary >/dev/null || fail "$(tail -n 5 containerd.log)"

sql() { "$HINDCAST" query --json cap "$1" | jq -S -c '.[]'; }
# expect SQL JSON: the row
expect() {
	local got
	got=$(sql "$1")
	[ "$got" = "$(jq -S -c . <<<"$2")" ] || fail "$1
is  $got
not $2"
}
# What Podman itself says of its containers, as columns.
said() { # NAME JSON-OF-THE-REST
	jq -c --argjson rest "$2" ".[] | select(.Name == \"$1\")"' | {
		id: .Id, name: .Name, runtime: "podman", source: "disk:podman+overlay,socket:podman",
		image: .ImageName, image_id: .Image, image_repo: "localhost/hc-tool", image_tag: "7", image_digest: .ImageDigest,
		privileged: (if .HostConfig.Privileged then 1 else 0 end), is_sandbox: 0, sandbox_id: null,
		host_pid: (if .HostConfig.PidMode == "host" then 1 else 0 end), host_net: (if .HostConfig.NetworkMode == "host" then 1 else 0 end),
		host_ipc: (if .HostConfig.IpcMode == "host" then 1 else 0 end),
		caps: (.BoundingCaps | sort), env: ([.Config.Env[] | split("=")[0]] | sort), cgroup_path: ("/libpod_parent/libpod-" + .Id),
		pod_name: null, pod_namespace: null, pod_uid: null, owner_name: null, ip: null, outer_id: null,
		created_s: (.Created | sub("\\.(?<f>[0-9]{3}).*"; "Z") | fromdate), start_s: (.State.StartedAt | sub("\\.(?<f>[0-9]{3}).*"; "Z") | fromdate)
	} + $rest' inspect
}
for name in hc-pod hc-priv; do
	rest='{"user_ns":0,"masked_paths":11,"readonly_paths":6,"seccomp":"SCMP_ACT_ERRNO","apparmor":"","selinux":"","labels":"[\"team=red\"]","ours":1}'
	[ $name = hc-pod ] || rest='{"user_ns":1,"masked_paths":0,"readonly_paths":0,"seccomp":"","apparmor":"","selinux":"","labels":null,"ours":0}'
	said $name "$rest" >want
	sql "SELECT DISTINCT id, name, runtime, source, image, image_id, image_repo, image_tag, image_digest, privileged, is_sandbox, sandbox_id,
		host_pid, host_net, host_ipc, caps_text, env_names, cgroup_path, pod_name, pod_namespace, pod_uid, owner_name, ip, outer_id,
		created_ns / 1000000000 AS created_s, start_ns / 1000000000 AS start_s, user_ns, masked_paths, readonly_paths, seccomp, apparmor,
		selinux, labels, mounts LIKE '%$S/root:/data::false:rprivate%' AS ours FROM containers WHERE name = '$name' AND start_ns IS NOT NULL" |
		jq -c '.caps = (.caps_text | split("|") | sort) | .env = (.env_names | fromjson | sort) | del(.caps_text, .env_names)' >is
	diff <(jq -S 'del(.created_s)' want) <(jq -S 'del(.created_s)' is) || fail "not what podman inspect says of $name"
	# the files have the time of its storage, which is made a moment after what inspect tells of
	later=$(jq -s '.[1].created_s - .[0].created_s' want is)
	[[ $later -ge 0 && $later -le $((2 * slow)) ]] || fail "$name was made $later s after it was"
done
[ -n "$containerd" ] || exit 0
read -r pod ctr <ids
expect "SELECT DISTINCT source, runtime, name, image, image_repo, image_tag, image_digest, pod_annotations, sandbox_id, pod_name, pod_namespace, pod_uid,
	pod_ip, is_sandbox, privileged, host_pid, host_net, host_ipc, user_ns, printf('%x', caps) AS caps, env_names, seccomp, masked_paths, readonly_paths,
	cgroup_path, mounts LIKE '%\"/tmp:/data::false:rprivate\"%' AS data, created_ns / 1000000000 BETWEEN $began AND $ended AS created
	FROM containers WHERE id = '$ctr' AND labels IS NOT NULL" \
	"{\"source\":\"disk:containerd,socket:cri\",\"runtime\":\"containerd\",\"name\":\"web\",\"image\":\"localhost/hc-tool:7\",
	\"image_repo\":\"localhost/hc-tool\",\"image_tag\":\"7\",\"image_digest\":\"$digest\",
	\"pod_annotations\":\"[\\\"example.com/note=hello\\\"]\",\"sandbox_id\":\"$pod\",\"pod_name\":\"web-0\",\"pod_namespace\":\"shop\",
	\"pod_uid\":\"11-22\",\"pod_ip\":\"\",\"is_sandbox\":0,\"privileged\":0,\"host_pid\":0,\"host_net\":1,\"host_ipc\":1,\"user_ns\":0,
	\"caps\":\"a80425fb\",\"env_names\":\"[\\\"PATH\\\",\\\"HOSTNAME\\\",\\\"TOKEN\\\"]\",\"seccomp\":\"\",\"masked_paths\":0,
	\"readonly_paths\":0,\"cgroup_path\":\"/kubepods/besteffort/podhc-11-22/$ctr\",\"data\":1,\"created\":1}"
expect "SELECT DISTINCT is_sandbox, name, pod_annotations FROM containers WHERE id = '$pod' AND labels IS NOT NULL" \
	'{"is_sandbox":1,"name":"web-0","pod_annotations":"[\"example.com/note=hello\"]"}'
for id in "$pod" "$ctr"; do
	sql "SELECT DISTINCT pod_labels FROM containers WHERE id = '$id' AND pod_labels IS NOT NULL" | grep -q 'app=web' || fail "no labels of the pod: $id"
done
jq -e '.runtime_socket_failures == 0' summary >/dev/null || fail "$(cat summary)"
