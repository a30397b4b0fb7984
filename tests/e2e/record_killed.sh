# A recorder killed without warning leaves a capture that is readable, and that can be continued.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live

# value CAPTURE QUERY: the query's only value
value() { hindcast query "$1" "$2" --csv 2>/dev/null | tail -n +2 | tr -d '\r'; }

hindcast record -q -o cap >/dev/null 2>&1 &
pid=$!
disown
within 30 eval '/bin/true; [ "$(cat cap/segments/*/*/security-* 2>/dev/null | wc -c)" -gt 4096 ]' || fail "nothing is written"
kill -9 $pid
tail --pid=$pid -f /dev/null
n=$(value cap "SELECT count(*) FROM events")
[ "${n:-0}" -gt 0 ] || fail "nothing can be read"
expect_exit 0 hindcast record -q -o cap --for 300ms
m=$(value cap "SELECT count(*) FROM events")
[ "$m" -gt "$n" ] || fail "it was not continued ($n, then $m)"
echo ok
