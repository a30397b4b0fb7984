# The service: it tells its manager how it is, refuses a second one, reloads, stops, goes on where it ended, also after a kill.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live

# value QUERY: the query's only value
value() { hindcast query cap "$1" --csv 2>/dev/null | tail -n +2 | tr -d '\r'; }
# serve LOG: a recorder by the file recorder.yaml, told to speak to the manager
serve() {
	NOTIFY_SOCKET=$PWD/ear WATCHDOG_USEC=400000 hindcast recorder --config recorder.yaml --pin none 2>"$1" & # pinned, it would lose nothing to a kill
	pid=$!
	waits ' msg=recording |"recording"' "$1"
}
pid=
ear=
trap '[ -z "$pid" ] || kill -9 $pid 2>/dev/null || :; [ -z "$ear" ] || kill $ear 2>/dev/null || :' EXIT

"$HC_SOURCE_DIR/tests/e2e/notified.py" ear told &
ear=$!
within 5 [ -S ear ] || fail "nobody listens"

cat >recorder.yaml <<-EOC
	dir: $PWD/cap
	control: $PWD/control.sock
	retain-age: 30d
	segment-time: 1h
EOC
serve log
waits '^READY=1 STATUS=recording' told
code=0
hindcast recorder --config recorder.yaml 2>second || code=$?
[ $code = 4 ] || fail "a second recorder: exit code $code"
expect_match 'error="another process writes into' second
kill -0 $pid || fail "the first one ended"

# a good file, then a broken one
echo 'retain-bulk-age: 12h' >>recorder.yaml
echo 'profile: full' >>recorder.yaml
echo 'log-format: json' >>recorder.yaml
kill -HUP $pid
waits '^RELOADING=1 MONOTONIC_USEC=[0-9]+$' told
waits '"option":"retain-bulk-age"' log
expect_match '"level":"warn","msg":"an option was changed that takes effect at the next start","option":"profile"' log
echo 'retain-bulk-age: 13h' >>recorder.yaml
kill -HUP $pid
waits "\"error\":\"recorder.yaml:8:1: 'retain-bulk-age' is given twice \\(first in line 5\\)\"" log
sed -i '$d' recorder.yaml
within 2 eval '[ "$(grep -c "^WATCHDOG=1$" told)" -ge 3 ]' || fail "the watchdog was not fed"
kill -TERM $pid
code=0
wait $pid || code=$?
[ $code = 0 ] || fail "exit code $code after SIGTERM"
waits '^STOPPING=1' told
python3 - log <<-'EOC'
	import json, sys
	lines = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
	assert lines[-1]["msg"] == "stopped" and lines[-1]["reason"] == "SIGTERM", lines[-1]
EOC
hindcast verify cap >out || { cat out >&2; fail "not whole after SIGTERM"; }
got=$(value "SELECT group_concat(retention, '; ') FROM (SELECT DISTINCT retention FROM meta_config ORDER BY seq)")
[ "$got" = "size=20GiB age=30d keep-free=5.0%; size=20GiB age=30d bulk-age=12h keep-free=5.0%" ] || fail "meta_config says: $got"

# again: it goes on, and the time between is a gap
serve log2
gap_is_there() { [ "$(value "SELECT group_concat(cause, ' ') FROM meta_gap WHERE count IS NULL")" = stopped ]; }
within 10 gap_is_there || fail "no gap where nobody recorded"
[ "$(value "SELECT count(DISTINCT profile) FROM meta_config")" = 2 ] || fail "the profile did not change at the next start"
kill -9 $pid
wait $pid 2>/dev/null || :
serve log3
kill -INT $pid
code=0
wait $pid || code=$?
[ $code = 0 ] || fail "exit code $code after SIGINT"
pid=
got=$(value "SELECT group_concat(cause, ' ') FROM (SELECT cause FROM meta_gap WHERE count IS NULL AND until_ns > from_ns ORDER BY seq)")
[ "$got" = "stopped crash" ] || fail "the gaps' causes: $got"
hindcast verify cap >out || { cat out >&2; fail "not whole after a kill"; }
hindcast reindex cap >/dev/null && hindcast verify cap >/dev/null || fail "after reindex"
echo ok
