# A full disk ends the recording with 4; what was written before can be read.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live

# value CAPTURE QUERY: the query's only value
value() { hindcast query "$1" "$2" --csv 2>/dev/null | tail -n +2 | tr -d '\r'; }
need_command mount

mkdir small
mount -t tmpfs -o size=3m none small 2>/dev/null || skip "cannot mount a tmpfs here"
trap 'umount small' EXIT
code=0
timeout 60 "$HINDCAST" record -q -o small/cap -p full --snaplen 4096 -- sh -c \
	'i=0; while [ $i -lt 3000 ]; do head -c 4096 /dev/urandom >/dev/null; i=$((i + 1)); done' 2>err || code=$?
[ "$code" = 4 ] || { cat err >&2; fail "exit code $code"; }
expect_match "No space left|disk is full" err
n=$(value small/cap "SELECT count(*) FROM events")
[ "${n:-0}" -gt 0 ] || fail "nothing of it can be read"
echo ok
