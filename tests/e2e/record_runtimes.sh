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
	printf '%q ' "${podman[@]}" run --rm --name hc-pod -l team=red --network none --ulimit nofile=64:64 --ulimit nproc=64:64 \
		localhost/hc-tool:7 /busybox sleep 1
	echo
	[ -z "$containerd" ] || cat pod.cmd
} >both
"$HINDCAST" record --json -o cap --container-root "podman=$S/pod/root/vfs-containers" --container-root "containerd=$S/ctd/state/io.containerd.runtime.v2.task" \
	--runtime-socket "$S/podman.sock" --runtime-socket "$S/containerd.sock" -- sh -e both >summary || fail "$(cat containerd.log)"
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
expect "SELECT DISTINCT source, image, labels, image_digest LIKE 'sha256:%' AS digest FROM containers WHERE name = 'hc-pod' AND labels IS NOT NULL" \
	'{"source":"disk:podman+overlay,socket:podman","image":"localhost/hc-tool:7","labels":"[\"team=red\"]","digest":1}'
[ -n "$containerd" ] || exit 0
read -r pod ctr <ids
expect "SELECT DISTINCT source, name, image, image_digest, pod_annotations, sandbox_id FROM containers WHERE id = '$ctr' AND labels IS NOT NULL" \
	"{\"source\":\"disk:containerd,socket:cri\",\"name\":\"web\",\"image\":\"localhost/hc-tool:7\",\"image_digest\":\"$digest\",
	\"pod_annotations\":\"[\\\"example.com/note=hello\\\"]\",\"sandbox_id\":\"$pod\"}"
expect "SELECT DISTINCT is_sandbox, name, pod_annotations FROM containers WHERE id = '$pod' AND labels IS NOT NULL" \
	'{"is_sandbox":1,"name":"web-0","pod_annotations":"[\"example.com/note=hello\"]"}'
for id in "$pod" "$ctr"; do
	sql "SELECT DISTINCT pod_labels FROM containers WHERE id = '$id' AND pod_labels IS NOT NULL" | grep -q 'app=web' || fail "no labels of the pod: $id"
done
jq -e '.runtime_socket_failures == 0' summary >/dev/null || fail "$(cat summary)"
