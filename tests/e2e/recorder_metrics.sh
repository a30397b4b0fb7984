# Metrics and health of a running recorder: the text is OpenMetrics, the page about them has all of them, they agree with what the
# recording holds, losses are among them, and no client can hold the recorder up.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command python3
evade=${EVADE:-$HC_BUILD_DIR/tests/lib/evade}
[ -x "$evade" ] || skip "no $evade"
export PYTHONPATH=$HC_SOURCE_DIR/tests/e2e PYTHONDONTWRITEBYTECODE=1
begin() { # begin ADDRESS OPTIONS...: a recorder that serves its metrics there
	: >log # else the last one's could be taken for it
	hindcast recorder --config /dev/null -d cap --control "$PWD/control.sock" --metrics "$@" 2>log &
	pid=$!
	waits ' msg=recording ' log
}
end() {
	kill -TERM $pid
	wait $pid || fail "exit code $?"
	pid=
}
# in_group ID COMMAND...: below a control group as Docker names those of its containers, in each hierarchy
groups=hc-metrics-$$/docker
in_group() {
	local id=$1 d
	shift
	for d in /sys/fs/cgroup /sys/fs/cgroup/*; do
		[ -e "$d/cgroup.procs" ] && mountpoint -q "$d" && mkdir -p "$d/$groups/$id" 2>/dev/null && echo $BASHPID >"$d/$groups/$id/cgroup.procs"
	done 2>/dev/null || :
	exec "$@"
}
no_group() {
	local d
	for d in /sys/fs/cgroup /sys/fs/cgroup/*; do
		(cd "$d" 2>/dev/null && rmdir -p "$groups/$1" 2>/dev/null) || :
	done
}
pid=
trap '[ -z "$pid" ] || kill -9 $pid 2>/dev/null || :; kill $(jobs -p) 2>/dev/null || :; sleep 0.2; no_group $known; no_group $unknown' EXIT
rest=$(printf %011x%052d $$ 0)
known=8$rest unknown=9$rest
mkdir -p docker/$known
echo '{ "ID": "'$known'", "Name": "/one", "Config": { "Image": "nginx:1" } }' >docker/$known/config.v2.json
echo '{ }' >docker/$known/hostconfig.json

expect_exit 2 hindcast recorder --check-config --metrics nowhere:80 2>err
expect_match "^hindcast recorder: --metrics: 'nowhere:80' is no address to listen on: PORT, IPV4:PORT" err
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
begin "$port" -p full --ring-size 64KiB --segment-size 1MiB --retain-size 1GiB --container-root "docker=$PWD/docker"
(in_group $known sleep 60) &
(in_group $unknown sleep 0.1)
no_group $unknown # gone, and nobody could say what it was
hindcast capture start one --control "$PWD/control.sock" >/dev/null
cat >counts.py <<-'END'
	import json, os, signal, subprocess, sys, time
	from openmetrics import get, must, not_fallen, same_as_page, same_in_plain, scrape, value

	pid, address, evade, page = int(sys.argv[1]), "127.0.0.1:" + sys.argv[2], sys.argv[3], sys.argv[4]
	slow = int(os.environ.get("HC_SLOW", 1))
	def info():
	    d = json.loads(subprocess.run(["hindcast", "info", "--json", "cap"], check=True, capture_output=True).stdout)
	    return d["lost"], sum(n for t, n in d["types"].items() if not t.startswith("meta_")), d["bytes"]

	for path, want in (("/healthz", (200, b"ok\n")), ("/readyz", (200, b"ready\n")), ("/", (404, None))):
	    status, _, body = get(address, path)
	    must(status == want[0] and want[1] in (None, body), (path, status, body), "what came")
	first = scrape(address)
	subprocess.run([evade, "storm", "1.5"], check=True, stdout=subprocess.DEVNULL)
	time.sleep(1.2 * slow)
	before = info()
	live = sum(name.isdigit() for name in os.listdir("/proc"))
	m = scrape(address)
	plain = scrape(address, False)
	os.kill(pid, signal.SIGTERM)
	while os.path.exists(f"/proc/{pid}") and open(f"/proc/{pid}/stat").read().split()[2] != "Z":
	    time.sleep(0.05)
	after = info()
	not_fallen(first, m)
	same_in_plain(m, plain)
	same_as_page(m, page)
	# what is counted lies between what the recording held a moment before and a moment after
	now = (value(m, "hindcast_events_lost_total"), value(m, "hindcast_events_total"), value(m, "hindcast_store_used_bytes"))
	must(before[0] > 0, before, "nothing was lost: no storm")
	for low, v, high, what in zip(before, now, after, ("events lost", "events", "bytes")):
	    must((low if what != "bytes" else 1) <= v <= high, (low, v, high), what)
	detail = value(m, "hindcast_events_lost_detail_total") + value(m, "hindcast_events_lost_total", reason="program_missed")
	must(now[0] == detail, (now[0], detail), "losses by type and CPU")
	must(0.5 < value(m, "hindcast_ring_used_peak_ratio", group="bulk") <= 1, m["hindcast_ring_used_peak_ratio"], "the peak")
	must(value(m, "hindcast_gaps_total") > 0 and value(m, "hindcast_gap_seconds_total") > 0, m["hindcast_gaps"], "gaps")
	must(value(m, "hindcast_captures", state="running") == 1, m["hindcast_captures"], "captures")
	must(value(m, "hindcast_containers", runtime="docker") >= 1, m["hindcast_containers"], "containers")
	must(value(m, "hindcast_enrichment_total", result="known") >= 1, m["hindcast_enrichment"], "containers that are known")
	must(value(m, "hindcast_enrichment_delay_seconds_count") == value(m, "hindcast_enrichment_total", result="known"), m["hindcast_enrichment_delay_seconds"], "delays")
	must(value(m, "hindcast_containers_unresolved_total") >= 1, m["hindcast_containers_unresolved"], "containers that nobody knows")
	table = {name: value(m, "hindcast_table_entries", table=name) for name in ("processes", "threads", "files", "sockets", "paths", "texts")}
	must(min(table["processes"], table["threads"]) > 0.8 * live, table, f"tables, and {live} processes are alive")  # of lost ends and begins either may be more
	must(min(table.values()) >= 1 and table["texts"] > live and max(table.values()) < 1 << 20, table, "tables")
	must(value(m, "hindcast_store_limit_bytes") == 1 << 30, m["hindcast_store_limit_bytes"], "the limit")
	must(value(m, "hindcast_recorder_state", state="recording") == 1, m["hindcast_recorder_state"], "the state")
	must(abs(value(m, "hindcast_store_horizon_time_seconds", stream="security") - time.time()) < 60 * slow, m["hindcast_store_horizon_time_seconds"], "the horizon")
END
python3 counts.py $pid "$port" "$evade" "$HC_SOURCE_DIR/docs/metrics.md" || { cat log >&2; fail "metrics"; }
wait $pid || fail "exit code $?"
pid=

# on a Unix socket, for a group; with hostile company
begin "$PWD/metrics.sock" --control-group "$(id -gn)" -p minimal
[ "$(stat -c '%a %G' metrics.sock)" = "660 $(id -gn)" ] || fail "$(stat -c '%a %G' metrics.sock)"
python3 "$HC_SOURCE_DIR/tests/e2e/hostile.py" "$PWD/metrics.sock" $pid 1.5 || { cat log >&2; fail "clients"; }
end
[ ! -e metrics.sock ] || fail "the socket is left"
! grep -q level=error log || { cat log >&2; fail "errors in the log"; }
echo ok
