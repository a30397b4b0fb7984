# What a recorder of system call entries does not see, or sees wrongly, is in the capture: one check for each way.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command python3
need_command unshare
need_command setpriv
evade=${EVADE:-$HC_BUILD_DIR/tests/lib/evade}
[ -x "$evade" ] || skip "no $evade"

# value CAPTURE QUERY: the query's only value
value() { hindcast query "$1" "$2" --csv 2>/dev/null | tail -n +2 | tr -d '\r'; }

cp "$evade" evade
for name in plain deleted capable setid; do cp /bin/true prog-$name; done
for name in int80 thread handle a b old direct; do echo $name >file-$name; done
ln -s file-a link
mkdir view real
echo bound >real/file-bound
python3 -c '
import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(9)
print(s.getsockname()[1], flush=True)
time.sleep(600)' >port &
server=$!
./evade wait-open go "$PWD/file-old" & # older than the recording
old=$!
./evade uring-wait uring-port || echo "uring-wait $?" >>done &
waiting=$!
many=
for way in many single; do
	./evade uring-$way port-$way || echo "uring-$way $?" >>done &
	many+=" $!"
done
within 10 eval '[ -s uring-port ] || ! kill -0 $waiting 2>/dev/null' || fail "nobody waits"
for way in many single; do
	within 10 eval '[ -s port-$way ] || grep -q "^uring-$way " done' || fail "nobody waits for many"
done
trap 'kill $server $old $waiting $many 2>/dev/null || true' EXIT
within 10 [ -s port ] || fail "the server does not come"
chmod 4755 prog-setid
chmod 755 . ..
cat >script <<'END'
: >go
try() {
	./evade "$@"
	echo "$1 $?" >>done
}
try uring file-uring "$1"
try sqpoll file-sqpoll "$1"
try uring-quiet file-quiet
try uring-full file-full
try uring-direct file-direct
try uring-accept
try uring-refused 1
[ ! -s uring-port ] || timeout 10 python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])))' "$(cat uring-port)"
for file in port-many port-many port-single port-single; do
	[ ! -s $file ] || timeout 10 python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])))' "$(cat $file)"
done
try int80-open file-int80
try int80-exec "$PWD/prog-plain"
try thread-open file-thread
try thread-exec ./prog-plain
try vfork-exec ./prog-plain
try memfd-exec ./prog-plain
try deleted-exec ./prog-deleted
try handle-open file-handle .
try caps-set prog-capable
try race-open link file-a file-b
setpriv --reuid 65534 --regid 65534 --clear-groups ./prog-setid by-setid
setpriv --reuid 65534 --regid 65534 --clear-groups ./prog-capable by-capability
unshare -m sh -c 'mount --bind real view && cat view/file-bound && true'
python3 -c 'import os; os.execv("/bin/true", ["/bin/true", "x" * 131000, "END"])'
python3 -c 'import os; os.execv("/bin/true", ["/bin/true"] + ["y" * 1000] * 200 + ["END"])'
END
hindcast record -q -o cap -- /bin/sh script "$(cat port)" >/dev/null
hindcast verify cap >/dev/null || fail "the capture does not verify"
cat done
here=$PWD
bad=0
# seen NAME WANT QUERY: unless the machine has no such way
seen() {
	local got
	grep -qx "$1 77" done && return
	got=$(value cap "$3")
	[ "$got" = "$2" ] || { echo "$1: '$got' instead of '$2': $3" >&2; bad=1; }
}
for way in uring sqpoll; do
	me="guid IN (SELECT guid FROM proc_exec WHERE proc_after_cmdline LIKE './evade $way %')"
	seen $way 1 "SELECT count(*) FROM openat WHERE pathname_real = '$here/file-$way' AND row_flags & 4 AND ret >= 0 AND $me"
	seen $way 1 "SELECT count(*) FROM connect WHERE row_flags & 4 AND ret = 0 AND $me"
	seen $way 1 "SELECT count(*) FROM write WHERE row_flags & 4 AND ret = 8 AND $me"
done
by() { echo "row_flags & 4 AND guid IN (SELECT guid FROM process_versions WHERE cmdline LIKE './evade $1%')"; }
# no completion when it works; its name, which is as long as may be, is whole
seen uring-quiet "$here/file-quiet" "SELECT pathname_abs FROM openat WHERE ret IS NULL AND NOT row_flags & 32 AND $(by uring-quiet)"
# no room for a completion
seen uring-full 1 "SELECT count(*) FROM openat WHERE pathname_real = '$here/file-full' AND ret >= 0 AND $(by uring-full)"
# no descriptor, and none of its number is taken for it
seen uring-direct 1 "SELECT count(*) FROM openat WHERE pathname_real = '$here/file-direct' AND newfd = pathname_real AND ret = 0 AND $(by uring-direct)"
seen uring-direct 1 "SELECT count(*) FROM read WHERE fd IS NULL AND fd_name = '$here/file-direct' AND ret > 0 AND $(by uring-direct)"
# one request, many completions
seen uring-accept 2 "SELECT count(*) FROM accept4 WHERE ret >= 0 AND newfd LIKE '127.0.0.1:%' AND $(by uring-accept)"
# to whom, though nobody was there
seen uring-refused 1 "SELECT count(*) FROM connect WHERE addr = '127.0.0.1:1' AND ret = -111 AND $(by uring-refused)"
# asked for before anybody recorded
seen uring-wait 1 "SELECT count(*) FROM accept4 WHERE row_flags & 128 AND newfd LIKE '127.0.0.1:%' AND ret >= 0 AND $(by uring-wait)"
for way in uring-many uring-single; do
	seen $way 2 "SELECT count(*) FROM accept4 WHERE row_flags & 128 AND newfd LIKE '127.0.0.1:%' AND ret >= 0 AND $(by $way)"
done
seen int80-open 1 "SELECT count(*) FROM open WHERE pathname_real = '$here/file-int80' AND row_flags & 1"
seen int80-exec 1 "SELECT count(*) FROM proc_exec WHERE proc_after_exe = '$here/prog-plain' AND proc_after_cmdline LIKE '% by-int80'"
seen thread-open 1 "SELECT count(*) FROM openat WHERE pathname_real = '$here/file-thread' AND tid != pid"
seen thread-exec 1 "SELECT count(*) FROM proc_exec WHERE proc_after_exe = '$here/prog-plain' AND proc_after_cmdline LIKE '% by-thread' AND tid = pid"
# .. and it is the same process, ended once
seen thread-exec 1 "SELECT count(*) FROM proc_exit WHERE guid IN (SELECT guid FROM proc_exec WHERE proc_after_cmdline LIKE '% by-thread') AND group_dead"
seen vfork-exec 1 "SELECT count(*) FROM proc_exec WHERE proc_after_exe = '$here/prog-plain' AND proc_after_cmdline LIKE '% by-vfork'
	AND ppid IN (SELECT pid FROM proc_exec WHERE proc_after_cmdline LIKE './evade vfork-exec %')"
seen memfd-exec 1 "SELECT count(*) FROM proc_exec WHERE proc_after_exe LIKE '%memfd:evade%' AND proc_after_cmdline LIKE '% by-memfd'"
seen deleted-exec 1 "SELECT count(*) FROM proc_exec WHERE proc_after_exe LIKE '$here/prog-deleted%' AND proc_after_cmdline LIKE '% by-descriptor'"
seen handle-open 1 "SELECT count(*) FROM open_by_handle_at WHERE ret >= 0 AND guid IN (SELECT guid FROM proc_exec WHERE proc_after_cmdline LIKE './evade handle-open %')"
seen race-open 1 "SELECT count(*) FROM openat WHERE pathname_given = 'link' AND pathname_real = '$here/file-a'"
seen setid '65534|0' "SELECT DISTINCT uid || '|' || euid FROM process_versions WHERE cmdline = './prog-setid by-setid' AND exe LIKE '%/prog-setid'"
seen caps-set 1 "SELECT count(DISTINCT guid) FROM process_versions WHERE cmdline = './prog-capable by-capability' AND euid = 65534 AND cap_eff != 0
	AND exe LIKE '%/prog-capable'"
seen bound 1 "SELECT count(*) FROM openat WHERE pathname_real = '$here/view/file-bound' AND ret >= 0"
seen old 1 "SELECT count(*) FROM openat WHERE pathname_real = '$here/file-old' AND guid IN (SELECT guid FROM processes WHERE pid = $old)"
# whole, however long
seen long '131014
200213' "SELECT length(proc_after_cmdline) FROM proc_exec WHERE proc_after_cmdline LIKE '/bin/true % END' AND NOT row_flags & 32 ORDER BY 1"
[ $bad = 0 ] || fail "something was not seen"
echo ok
