# A file system that turns read-only below a running recorder: said once, counted, and over when it can be
# written again; nothing from before is lost, and no answer says that something is on disk that is not.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command mkfs.ext4
need_command python3

sock=$PWD/control.sock
disk=$PWD/disk
ask() { hindcast capture "$@" --control "$sock"; }
value() { hindcast query "$disk/cap" "$1" --csv 2>/dev/null | tail -n +2 | tr -d '\r'; }
get() { PYTHONPATH=$HC_SOURCE_DIR/tests/e2e PYTHONDONTWRITEBYTECODE=1 python3 -c "from openmetrics import *; a = '$PWD/metrics.sock'; $1"; }
begin() {
	hindcast recorder --config /dev/null --control "$sock" --metrics "$PWD/metrics.sock" -d "$disk/cap" --keep-free 0% 2>log &
	pid=$!
	answers "$sock" log
}
say=$PWD/say$$
cp /bin/echo "$say"
mkdir disk
truncate -s 24M image
mkfs.ext4 -q -F image
mount -o loop image disk 2>/dev/null || skip "cannot mount an ext4 from a file here"
pid=
trap '[ -z "$pid" ] || kill -9 $pid 2>/dev/null || :; sleep 0.2; umount -l disk 2>/dev/null || :' EXIT

begin
"$say" before >/dev/null
ask start kept --pre 1m >/dev/null
ask start short --for 2s >/dev/null
exec 7>disk/probe
sync -f disk
mount -o remount,abort disk 2>/dev/null || skip "the file system cannot be made to fail"
# ext4 of Linux 6.1 takes into memory what it will not write any more, and nobody can tell: it is shut down (EXT4_IOC_SHUTDOWN)
! echo x 2>/dev/null >&7 || python3 -c 'import fcntl, struct; fcntl.ioctl(7, 0x8004587D, struct.pack("I", 2))' ||
	fail "the file system cannot be shut down"
exec 7>&-
touch disk/x 2>/dev/null && skip "the file system does not turn read-only"
"$say" meanwhile >/dev/null
expect_exit 4 hindcast capture start refused --control "$sock" 2>err >out
expect_match 'Read-only file system|Input/output error' err
[ "$(ask list --json | jq -r '[.captures[].name] | join(" ")')" = "kept short" ] || fail "a capture that is not on disk is listed"
waits 'level=error msg="the disk does not take what is recorded; it is counted as lost"' log
get 'must(get(a, "/healthz")[0] == 200 and get(a, "/readyz")[0] == 503, "", "not ready is what it should be")
m = scrape(a); must(value(m, "hindcast_store_errors_total", op="write") > 0 and value(m, "hindcast_recorder_state", state="disk_failing") == 1, m, "refused blocks")'
rests 3
for line in 'the disk does not take what is recorded' 'the end of a capture cannot be written'; do
	[ "$(grep -c "$line" log)" = 1 ] || { cat log >&2; fail "not said once: $line"; }
done
expect_exit 4 hindcast record -q -o "$disk/other" --for 1s 2>err
expect_match 'Read-only file system|Input/output error' err

# the file system is repaired and mounted in its place, as recording goes on
umount -l disk
expect_exit 4 hindcast capture start refused --control "$sock" 2>err
expect_match 'No such file or directory' err
cp image repaired
mount -o loop repaired disk || fail "the repaired file system cannot be mounted"
ask start later >/dev/null || fail "no capture can be started again"
waits 'msg="the disk takes what is recorded again" blocks_lost=' log
get 'must(get(a, "/readyz")[0] == 200, "", "ready again is what it should be")'
waits 'msg="a capture has ended" capture=short' log
"$say" after >/dev/null
kill -TERM $pid
wait $pid || { cat log >&2; fail "exit code $?"; }
pid=
expect_exit 0 hindcast verify "$disk/cap" >out 2>&1 || { cat out >&2; fail "not whole"; }
seen=$(value "SELECT group_concat(substr(cmdline, length('$say') + 2), ' ') FROM execs WHERE cmdline LIKE '$say %'")
case $seen in "before after" | "before meanwhile after") ;; *) fail "what is there: $seen" ;; esac
[ "$(value "SELECT count(*) FROM meta_gap WHERE cause = 'block_dropped' AND count > 0")" -gt 0 ] || fail "no gap tells what was lost"

# at the start
within 5 mount -o remount,ro disk 2>err || { cat err >&2; fail "it cannot be made read-only"; }
expect_exit 4 hindcast recorder --config /dev/null --control none -d "$disk/cap" 2>err
[ "$(grep -c . err)" -le 2 ] || { cat err >&2; fail "more than one error"; }
expect_match 'level=error .*Read-only file system' err
expect_exit 4 hindcast recorder --config /dev/null --control none -d "$disk/new" 2>err
expect_match 'level=error .*Read-only file system' err
echo ok
