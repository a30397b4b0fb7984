# It ends by time and by signals, with 0, and what it wrote is whole; a second recording goes on where the first ended.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live

# value CAPTURE QUERY: the query's only value
value() { hindcast query "$1" "$2" --csv 2>/dev/null | tail -n +2 | tr -d '\r'; }

expect_exit 0 hindcast record -q -o cap --for 700ms
hindcast verify cap >/dev/null || fail "after --for"
last=$(value cap "SELECT max(seq) FROM events")

for sig in INT TERM HUP; do
	before=$(ls cap/segments/*/* | wc -l)
	hindcast record --json -o cap >json 2>err &
	pid=$!
	within 30 eval '[ "$(ls cap/segments/*/* | wc -l)" -gt "$before" ]' || fail "no new segment"
	sleep 0.5
	kill -$sig $pid
	code=0
	wait $pid || code=$?
	[ $code = 0 ] || { cat err >&2; fail "SIG$sig: exit code $code"; }
	expect_match '"continued":true' json
	first=$(sed -E 's/.*"first_seq":([0-9]+).*/\1/' json)
	[ "$first" -gt "$last" ] || fail "numbers begin at $first, but $last was there before"
	last=$(sed -E 's/.*"last_seq":([0-9]+).*/\1/' json)
	hindcast verify cap >/dev/null || fail "after SIG$sig"
done
reasons=$(value cap "SELECT group_concat(reason, ' ') FROM (SELECT reason FROM meta_stop ORDER BY seq)")
[ "$reasons" = "time SIGINT SIGTERM SIGHUP" ] || fail "meta_stop says: $reasons"
# every number once, none missing
gaps=$(value cap "SELECT max(seq) - min(seq) + 1 - count(DISTINCT seq) FROM events")
[ "$gaps" = 0 ] || fail "$gaps numbers missing"
echo ok
