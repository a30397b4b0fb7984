# What is recorded is removed by somebody while the recorder is at work: what is being written outlives that, and where it cannot, it is said.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live

sock=$PWD/control.sock
# a program that nobody else on this machine runs
say=$PWD/say$$
cp /bin/echo "$say"
ask() { hindcast capture "$@" --control "$sock" >out 2>&1; }
value() { hindcast query rec "$1" --csv | tail -n +2 | tr -d '\r'; }
args() { value "SELECT group_concat(cmdline, '+') FROM (SELECT cmdline FROM execs WHERE cmdline LIKE '$say %' ORDER BY seq)"; }
pid=
follower=
trap 'kill -9 $pid $follower 2>/dev/null || :' EXIT

hindcast recorder --config /dev/null --control "$sock" --pin none -d rec 2>log &
pid=$!
answers "$sock" log
hindcast events --follow rec -f "proc.exepath = '$say' and evt.type = execve and proc.args != ''" -o '%proc.args' >followed 2>follow.err &
follower=$!
"$say" before >/dev/null
within 30 eval '[ -s followed ]' || { cat follow.err >&2; fail "nothing is followed"; }
ask start case --pre 1h || { cat out >&2; fail "no capture"; }
rm -r rec/*
"$say" after >/dev/null
ask stop case || { cat out >&2; fail "the end of a capture finds no place"; }
waits 'level=warn msg="segments that were being written have been removed, and were written anew" segments=' log
[ "$(args)" = "$say before+$say after" ] || fail "is there: $(args)"
[ "$(value "SELECT count(*) FROM unlinkat WHERE pathname LIKE '%.hcs' AND ret = 0")" -gt 0 ] || fail "nothing tells who removed it"
within 20 eval '"$say" >/dev/null; grep -q "the index is written again" log' || { cat log >&2; fail "there is no index"; }
rm -r rec/segments
kill -TERM $pid
wait $pid || fail "it did not stop well"
wait $follower || { cat follow.err >&2; fail "the one who follows misses something"; }
[ "$(paste -sd+ followed)" = before+after ] || { cat follow.err >&2; fail "followed: $(cat followed)"; }
hindcast verify rec >out || { cat out log >&2; fail "not whole"; }
[ "$(args)" = "$say before+$say after" ] || fail "is there after the end: $(args)"
[ "$(value "SELECT count(*) FROM meta_stop")" = 1 ] || fail "its end is not there"

# hindcast record
hindcast record -o once -- sh -c "sleep 1.5; '$say' first; rm -r once/*; sleep 1.5; '$say' second" >out 2>&1 || { cat out >&2; fail "it has not gone on"; }
hindcast verify once >out || { cat out >&2; fail "not whole"; }
[ "$(hindcast query once --csv --no-header "SELECT count(*) FROM execs WHERE cmdline LIKE '$say %'" | tr -d '\r')" = 2 ] || fail "something is missing"

# the control socket, with its directory
mkdir run
hindcast recorder --config /dev/null --control "$PWD/run/sock" --pin none -d rec 2>log &
pid=$!
answers "$PWD/run/sock" log
rm -r run
waits 'level=warn msg="the control socket was removed, and is there again" open_to=root$' log
answers "$PWD/run/sock" log
[ "$(stat -c %a run/sock)" = 600 ] || fail "it is open to others"
kill -TERM $pid
wait $pid || fail "it did not stop well"
[ ! -e run/sock ] || fail "it is left behind"
rm -r rec

# the directory itself: another one under its name is not the recorder's
hindcast recorder --config /dev/null --control "$sock" --pin none -d rec 2>log &
pid=$!
answers "$sock" log
mv rec aside
rm -r aside/*
mkdir rec
expect_exit 4 hindcast capture start gone --control "$sock" 2>err
expect_match "the directory 'rec' was removed" err
waits 'level=error msg="the disk does not take what is recorded; it is counted as lost" error=".*was removed' log
[ -z "$(ls -A rec/segments 2>/dev/null)" ] || fail "it writes into a directory that is not its own"
rm -r rec
mv aside rec
"$say" back >/dev/null
within 20 ask start back || { cat out log >&2; fail "it does not go on when its directory is back"; }
kill -TERM $pid
wait $pid || fail "it did not stop well"
[ "$(args)" = "$say back" ] || fail "is there at last: $(args)"
echo ok
