# A disk that fills: bulk goes, then what cannot be written is counted; when there is room again, it goes on. A kill in between hides
# nothing of that.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command mount

value() { hindcast query small/cap "$1" --csv 2>/dev/null | tail -n +2 | tr -d '\r'; }
load() { dd if=/dev/urandom of=/dev/null bs=4096 count=60 2>/dev/null; }
# until REGEX: work goes on until the log has such a line
until_log() {
	local line=$1
	within 20 eval 'load; grep -qE -- "$line" log' && return
	cat log >&2
	fail "the log has no line: $1"
}
mkdir small
mount -t tmpfs -o size=8m none small 2>/dev/null || skip "cannot mount a tmpfs here"
pid=
filler=
trap 'kill -9 $pid $filler 2>/dev/null || :; sleep 0.2; umount -l small; umount fs 2>/dev/null || :' EXIT

hindcast recorder --config /dev/null --control none --metrics "$PWD/metrics.sock" -d small/cap -p full --snaplen 256 --segment-size 64KiB --segment-time 2s \
	--retain-size 0 --keep-free 70% 2>log &
pid=$!
until_log 'segments were removed.* reason=free stream=bulk'
# somebody else takes the rest: no room even for what is new
dd if=/dev/zero of=small/filler bs=64k 2>/dev/null || :
until_log 'reason=(free|full) '
for _ in $(seq 100); do
	dd if=/dev/zero of=small/filler bs=4k oflag=append conv=notrunc 2>/dev/null || :
	load
	grep -q 'the disk does not take what is recorded' log && break
	sleep 0.1
done
expect_match 'level=error msg="the disk does not take what is recorded; it is counted as lost"' log
kill -0 $pid || fail "it did not go on"
# it lives, but is not ready until there is room again
ask() { PYTHONPATH=$HC_SOURCE_DIR/tests/e2e PYTHONDONTWRITEBYTECODE=1 python3 -c "from openmetrics import *; a = '$PWD/metrics.sock'; $1"; }
ask 'must(get(a, "/healthz")[0] == 200 and get(a, "/readyz")[0] == 503, "", "not ready is what it should be")
m = scrape(a); must(value(m, "hindcast_events_lost_total", reason="disk") > 0 and value(m, "hindcast_store_errors_total", op="write") > 0 and value(m, "hindcast_recorder_state", state="disk_failing") == 1, m, "losses to the disk")'
rm small/filler
until_log 'msg="the disk takes what is recorded again" blocks_lost='
ask 'must(get(a, "/readyz")[0] == 200, "", "ready again is what it should be")'
kill -TERM $pid
wait $pid || fail "exit code $?"
pid=
# the segments are whole, and so is the index, though it could not be written for a while
hindcast verify small/cap >out || { cat out log >&2; fail "not whole"; }
n=$(value "SELECT sum(count) FROM meta_gap WHERE cause = 'block_dropped'")
[ "${n:-0}" -gt 0 ] || fail "no gap tells what was lost"
lost=$(sed -nE 's/.*msg=stopped .*events_lost=([0-9]+).*/\1/p' log)
[ "$lost" -gt 0 ] || fail "the loss is not counted"
# what captures keep has filled the disk: one that is deleted, or whose time to be kept is over, makes the room in which that is told
rm -r small/cap
sock=$PWD/control.sock
ask() { hindcast capture "$@" --control "$sock" >out 2>&1; }
hindcast recorder --config /dev/null --control "$sock" --pin none -d small/cap -p full --snaplen 256 --segment-size 4KiB --retain-size 0 \
	--keep-free 0 2>log4 &
pid=$!
answers "$sock" log4
fill() { # until not even a page is left
	within 60 eval 'load; [ "$(stat -f -c %a small)" -lt 100 ]' || fail "a capture does not fill the disk"
	dd if=/dev/zero of=small/filler bs=4k oflag=append conv=notrunc 2>/dev/null || :
	load
}
for how in delete delete expire; do
	within 20 ask start case --pre 1h $([ $how = delete ] || echo --for 1s --keep 2s) || { cat out >&2; fail "what was deleted left no room"; }
	fill
	if [ $how = delete ]; then
		expect_exit 0 hindcast capture delete case --control "$sock"
	else
		within 20 eval 'load; ask list; grep -q "no captures" out' || { cat out log4 >&2; fail "it does not go by itself"; }
	fi
done
ask start after || { cat out >&2; fail "what has gone left no room"; }
kill -TERM $pid
wait $pid || fail "exit code $?"
pid=
code=0
hindcast verify small/cap >out || code=$?
[ $code -le 1 ] || { cat out log4 >&2; fail "not whole"; } # 1: the index has no room
[ "$(value "SELECT group_concat(op || ' ' || by, ', ') FROM meta_mark WHERE name = 'case' AND op = 'unpin' AND by = 'expiry'")" = "unpin expiry" ] ||
	fail "nothing tells that it has expired"
rm -f small/filler
# killed while the disk is full: what it has not told of is told by the next one, also when that one finds the disk full
mkdir fs
if mount -t bpf bpf fs 2>/dev/null; then
	rm -r small/cap
	begin() {
		hindcast recorder --config /dev/null --control none -d small/cap --pin "$PWD/fs/hindcast" --segment-size 64KiB --retain-size 0 \
			--keep-free 0 2>"$1" &
		pid=$!
		waits ' msg=recording ' "$1"
	}
	calls() { python3 -c 'import os, sys; [os.close(os.memfd_create("x")) for _ in range(int(sys.argv[1]))]' "$1"; }
	full() { waits 'the disk does not take what is recorded' "$1"; }
	begin log2
	while :; do
		dd if=/dev/zero of=small/filler bs=4k oflag=append conv=notrunc 2>/dev/null || :
		load
		sleep 0.05
	done &
	filler=$!
	full log2
	calls 300
	rests 2.5
	kill -9 $pid
	wait $pid 2>/dev/null || :
	begin log3
	calls 400
	full log3
	rests 2
	kill $filler
	wait $filler 2>/dev/null || :
	rm small/filler
	within 20 eval 'load; grep -q "the disk takes what is recorded again" log3' || fail "there is room, and nothing is written"
	kill -TERM $pid
	wait $pid || fail "exit code $?"
	pid=
	hindcast verify small/cap >out 2>&1 || { cat out log2 log3 >&2; ls -laR small/cap >&2; fail "not whole"; }
	n=$(value "SELECT (SELECT count(*) FROM memfd_create) + (SELECT coalesce(sum(count), 0) FROM meta_gap WHERE of_type = 'memfd_create')")
	[ "$n" -ge 700 ] && [ "$n" -lt 800 ] || {
		value "SELECT cause, of_type, sum(count) FROM meta_gap GROUP BY 1, 2" >&2
		fail "of 700 calls, $n are recorded or counted"
	}
	[ "$(value "SELECT count(*) FROM meta_gap WHERE cause = 'crash'")" -gt 0 ] || fail "nothing tells what was lost with the process"
fi
mount -o remount,ro small
expect_exit 4 hindcast recorder --config /dev/null --control none -d small/cap 2>err
expect_match 'Read-only file system' err
echo ok
