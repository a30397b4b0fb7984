# A new recorder takes over from one at work: every event comes once. And what happens after a kill waits in the rings.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
. "$HC_SOURCE_DIR/tests/e2e/lib_pinned.sh"

# two hand-overs under load
serve log1
first=$pid
calls a 20000 5000 &
load=$!
sleep 0.5
expect_exit 4 hindcast recorder --dir cap --control none --pin "$pins" 2>refused
expect_match 'another process writes into' refused
serve log2 --take-over
wait $first || fail "the first recorder: exit code $?"
expect_match 'msg=stopped reason=handed_over ' log1
expect_match 'msg="took over from another recorder"' log2
second=$pid
serve log3 --take-over
wait $second || fail "the second recorder: exit code $?"
wait $load
[ "$(seen a)" = "20000 20000" ] || fail "of 20000 calls during hand-overs: $(seen a)"
[ "$(find "$pins" -name 'g[0-9]*' | wc -l)" = 1 ] || fail "the rings of those before are still there"


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
