# A new recorder takes over from one at work: every event comes once. And what happens after a kill waits in the rings.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
. "$HC_SOURCE_DIR/tests/e2e/lib_pinned.sh"

# two hand-overs under load, with sockets that go from one to the next
python3 -c 'import socket, time
s = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*[x.getsockname()[1] for x in s], flush=True)
s[1].close(), s[2].close()
time.sleep(600)' >ports &
others=$!
waits . ports
read -r taken theirs ours <ports
sockets() { serve "$@" --control "$PWD/c.sock" --metrics "127.0.0.1:$ours"; }
sockets log1
first=$pid
calls a 20000 5000 &
load=$!
sleep 0.5
expect_exit 4 hindcast recorder --dir cap --control none --pin "$pins" 2>refused
expect_match 'another process writes into' refused
sockets log2 --take-over
wait $first || fail "the first recorder: exit code $?"
expect_match 'msg=stopped reason=handed_over ' log1
expect_match 'msg="took over from another recorder"' log2
second=$pid
hindcast capture list --control "$PWD/c.sock" >/dev/null || fail "the control socket is not served any more"
python3 -c 'import sys, urllib.request as u; u.urlopen("http://127.0.0.1:%s/readyz" % sys.argv[1])' "$ours" || fail "nor are metrics"
serve log3 --take-over
wait $second || fail "the second recorder: exit code $?"
wait $load
[ "$(seen a)" = "20000 20000" ] || fail "of 20000 calls during hand-overs: $(seen a)"
[ "$(find "$pins" -name 'g[0-9]*' | wc -l)" = 1 ] || fail "the rings of those before are still there"

# what could not begin is told so before the one at work is asked to go
refused() { # REGEX OPTION...
	local regex=$1
	shift
	expect_exit 4 hindcast recorder --dir cap --pin "$pins" --take-over "$@" 2>refused
	expect_match "$regex" refused
	expect_no_match 'stay attached|took over' refused
	kill -0 $pid || { cat log3 >&2; fail "the recorder at work has gone"; }
}
hindcast recorder --config /dev/null --dir other --pin none --control "$PWD/other.sock" --metrics "127.0.0.1:$theirs" 2>other.log &
others="$others $!"
answers "$PWD/other.sock" other.log
touch file
refused "'$PWD/file' is there and is no socket" --control "$PWD/file"
refused "cannot make the directory '$PWD/file/below' for the control socket" --control "$PWD/file/below/c.sock"
refused "the recorder that listens on '$PWD/other.sock' does not write into 'cap'" --control "$PWD/other.sock"
refused "cannot listen on '127.0.0.1:$taken' for requests of metrics" --control none --metrics "127.0.0.1:$taken"
touch cap/stranger
refused "'cap' holds 'stranger', which is no part of a capture" --control none
rm cap/stranger

# one that fails all the same, when the other has gone: what happens waits
calls d 3000 2000 &
load=$!
sleep 0.3
third=$pid
expect_exit 4 hindcast recorder --dir cap --control none --pin "$pins" --take-over --metrics "127.0.0.1:$theirs" 2>late
expect_match "Address already in use.* note=.*programs stay attached.*hindcast recorder --unpin" late
wait $third || fail "the third recorder: exit code $?"
expect_match 'msg=stopped reason=handed_over ' log3
wait $load
serve log5
expect_match 'msg="went on where another recorder had ended" records_waiting=[0-9]+ records_of_another_version=0' log5
[ "$(seen d)" = "3000 3000" ] || fail "of 3000 calls around a recorder that failed: $(seen d)"
[ "$(value "SELECT count(*) FROM meta_gap WHERE of_type = 'openat'")" = 0 ] || fail "calls of this kind were lost: $(value "SELECT of_type, cause, count FROM meta_gap")"
kill $others

# killed: what it had read and not written is lost and counted, what came afterwards is there
calls b 2000 100000
sleep 0.3
cp /bin/true born$$
cp /bin/true changed$$
mkfifo go
bash -c 'read -r _ <go; exec ./changed'$$ &
older=$!
ends KILL 137
calls c 5000 100000
./born$$
echo >go
wait $older
serve log4
expect_match 'msg="went on where another recorder had ended" records_waiting=[0-9]+ records_of_another_version=0' log4
[ "$(seen c)" = "5000 5000" ] || fail "of 5000 calls while nobody read: $(seen c)"
[ "$(value "SELECT group_concat(DISTINCT comm) FROM openat WHERE pathname LIKE '/nowhere-$$/c-%'")" = python3 ] || fail "who called is not known"
# of processes whose whole life, or last part, nobody read
for name in born$$ changed$$; do
	[ "$(value "SELECT count(*) || ' ' || min(e.seq < x.seq) FROM proc_exec e JOIN proc_exit x ON x.pid = e.pid
		WHERE e.filename LIKE '%/$name' AND e.comm = '$name' AND x.comm = '$name'")" = "1 1" ] || fail "of the program '$name' that nobody read about"
done
read -r b _ <<<"$(seen b)"
[ $((2000 - b)) -le "$(lost crash)" ] || fail "$((2000 - b)) of what was read is missing, counted are $(lost crash)"
[ "$(value "SELECT count(*) FROM meta_gap WHERE exact = 0 OR until_ns < from_ns")" = 0 ] || fail "a gap that was none"
ends TERM 0
[ ! -e "$pins" ] || { find "$pins" >&2; fail "something stays pinned after SIGTERM"; }
echo ok
