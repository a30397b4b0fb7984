# A container that is older than the recording: what is run in it and ends at once (as a probe does) is told as of it.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command crun
[ -x /bin/busybox ] || skip "no busybox (busybox-static) here"
unshare --mount true 2>/dev/null || skip "no mount namespaces here"

S=$PWD
id=5$(printf %011x%052d $$ 0) group=hc-exec-$$
mkdir -p root/bin root/dev root/proc state old
cp /bin/busybox root/bin/
cat >old/config.json <<END
{ "ociVersion": "1.0.0",
  "process": { "terminal": false, "user": { "uid": 0, "gid": 0 }, "cwd": "/", "args": ["/bin/busybox", "sleep", "1000"], "env": ["PATH=/bin"],
    "capabilities": { "bounding": [], "effective": [], "permitted": [] } },
  "root": { "path": "$S/root" },
  "mounts": [ { "destination": "/proc", "type": "proc", "source": "proc" } ],
  "linux": { "cgroupsPath": "/$group/$id", "namespaces": [{ "type": "pid" }, { "type": "mount" }, { "type": "ipc" }, { "type": "uts" }] } }
END
in_groups=(unshare --mount "$HC_SOURCE_DIR/tests/e2e/v1_groups")
runtime() { "${in_groups[@]}" crun --cgroup-manager=cgroupfs --root "$S/state" "$@"; }

runtime run --detach --bundle "$S/old" "$id" </dev/null >out 2>&1 || fail "$(cat out)"
cat >probe <<'END'
for i in 1 2 3 4 5 6 7 8; do
	crun --cgroup-manager=cgroupfs --root "$1" exec "$2" /bin/busybox true $i
done
END
"$HINDCAST" record -q -o cap --container-root "crun=$S/state" -- "${in_groups[@]}" sh probe "$S/state" "$id" ||
	{ runtime delete --force "$id"; fail "recording failed"; }
runtime delete --force "$id"
for d in /sys/fs/cgroup /sys/fs/cgroup/*; do rmdir "$d/$group" 2>/dev/null || true; done

"$HINDCAST" events cap -f "evt.type = execve and proc.args startswith true" -o '*%container.full_id %proc.args' >got
for i in 1 2 3 4 5 6 7 8; do echo "$id true $i"; done >want
diff want got || fail "not all of it is told as of its container"

# they are in the container, which is older than the recording, by setns, and none of its first process's children
"$HINDCAST" query cap "SELECT DISTINCT entered, in_init_tree, ctr_phase, pidns_start_ns > 0 AND pidns_start_ns < start_ns
  FROM process_versions WHERE cmdline LIKE '/bin/busybox true %' AND cause = 'exec'" --csv | tr -d '\r' >got
printf '%s\n' 'entered,in_init_tree,ctr_phase,pidns_start_ns > 0 AND pidns_start_ns < start_ns' 1,0,3,1 >want
[ "$(tail -n +2 got)" = "$(tail -n +2 want)" ] || fail "not told how they came there: $(cat got)"
