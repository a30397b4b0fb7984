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
timeout 120 "$HINDCAST" record -q -o small/cap -p full --snaplen 4096 --ring-size 32MiB -- \
	dd if=/dev/urandom of=/dev/null bs=4096 count=3000 2>err || code=$?
[ "$code" = 4 ] || { cat err >&2; fail "exit code $code"; }
expect_match "No space left|disk is full" err
n=$(value small/cap "SELECT count(*) FROM events")
[ "${n:-0}" -gt 0 ] || fail "nothing of it can be read"
echo ok
