# On-demand captures: started while the recorder runs, with their past, ended by time, found by name, kept over a kill, deleted.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live

sock=$PWD/control.sock
# a program that nobody else on this machine runs
say=$PWD/say$$
cp /bin/echo "$say"
ask() { hindcast capture "$@" --control "$sock"; }
begin() { # starts a recorder and waits until it answers
	hindcast recorder -d rec --control "$sock" >>log 2>&1 &
	pid=$!
	answers "$sock" log
}
trap 'kill -9 $pid 2>/dev/null || true' EXIT
value() { hindcast query rec --capture "$1" "$2" --csv | tail -n +2 | tr -d '\r'; }

expect_exit 4 hindcast capture list --control "$sock" 2>err
expect_match 'no recorder listens on' err
begin
"$say" before-the-call >/dev/null
rests 1.2
"$say" shortly-before >/dev/null
ask start case-1 --pre 10m --note 'why not' >out
expect_match '^case-1: running, host$' out
expect_match 'of the 10 min 0 s before it was asked for, [0-9.]+ s are there' out
expect_match 'until  it is stopped' out
expect_exit 2 hindcast capture start case-1 --control "$sock" 2>err
expect_match "there is a capture 'case-1' already" err
expect_exit 2 hindcast capture start two --pid 1 --host --control "$sock" 2>err
expect_exit 2 hindcast capture start ../up --control "$sock" 2>err
expect_exit 2 hindcast capture start two --pid 0 --control "$sock" 2>err
expect_exit 2 hindcast capture start two --note $'caf\xe9' --control "$sock" 2>err
expect_match 'the note is not UTF-8' err
expect_exit 2 hindcast capture stop case-1 --for 10m --control "$sock" 2>err
expect_match 'stop takes no scope, time, detail or note: these are for start' err
sleep 60 &
slept=$!
ask start lives --pid $slept >out
expect_match '^  scope  1 process' out
kill $slept
wait $slept || true
for detail in '' '--detail full'; do
	ask delete lives
	within 10 eval 'ask start lives --pid $slept $detail 2>err >out; grep -q "^hindcast: warning: no process has the number $slept now" err ||
		{ ask delete lives; false; }' || fail "a process that is gone is in scope"
done
ask delete lives
expect_exit 2 hindcast capture stop nothing --control "$sock" 2>err
expect_match "there is no capture 'nothing'" err
ask start short --for 300ms --pid 1 >/dev/null
# what runs until it is stopped is kept from then on, also by the next recorder
ask start stopped --keep 1500ms >out
expect_match '^  kept   for ' out

# a recorder that dies at once after the answer has not forgotten
ask start late --cgroup /some/where 2>err >/dev/null
expect_match "nothing is in the scope 'cgroup=/some/where' now" err
kill -9 $pid
wait $pid 2>/dev/null || true
begin
rests 0.5
ask list --json >list
[ "$(jq -c '.captures[] | select(.name == "stopped") | [.state, .expires_ns, (.keep_ns / 1e8 | round)]' list)" = '["running",null,15]' ] ||
	{ cat list >&2; fail "how long it is to be kept is not known any more"; }
ask stop stopped >out
expect_match '^  kept   until ' out
within 10 eval '! ask list | grep -q stopped' || fail "--keep does not count from the stop"
ask list --json >list
within 10 eval 'ask list --json >list; jq -e '\''.captures[] | select(.name == "short") | .state == "ended"'\'' list >/dev/null' || :
[ "$(jq -r '[.captures[] | .name + "=" + .state + "=" + .scope] | join(" ")' list)" = \
	"case-1=running=host short=ended=pid=1 late=running=cgroup=/some/where" ] || { cat list >&2; fail "not the captures of before"; }
"$say" after-the-kill >/dev/null
rests 1.2
ask stop case-1 >out
expect_match '^case-1: ended' out
"$say" after-the-end >/dev/null
rests 0.3
ask delete late
ask list >out
expect_no_match 'late' out
expect_match '^case-1 +ended ' out
expect_match '^  by uid=0 pid=[0-9]+: why not$' out
hindcast export --bundle --capture case-1 -o live.hcb rec >/dev/null
hindcast verify live.hcb >out || { cat out >&2; fail "a bundle of what is being written is not whole"; }
expect_match 'security-[0-9]+.hcs: was not closed: it was being written when it was exported, or' out
kill -TERM $pid
wait $pid || fail "the recorder did not stop well"
[ ! -e "$sock" ] || fail "the socket is left"

echo_of="SELECT count(*) FROM execs WHERE cmdline = '$say"
[ "$(value case-1 "$echo_of before-the-call'")" = 1 ] || fail "the past is not in it"
[ "$(value case-1 "$echo_of after-the-kill'")" = 1 ] || fail "it does not go on after a restart"
[ "$(value case-1 "$echo_of after-the-end'")" = 0 ] || fail "what came after its end is in it"
[ "$(value short "$echo_of before-the-call'")" = 0 ] || fail "one without a past has one"
hindcast events rec --capture case-1 -f "evt.type = execve and proc.name = say$$" -o '%proc.args' >out
[ "$(tr '\n' ' ' <out)" = "before-the-call shortly-before after-the-kill " ] || { cat out >&2; fail "events --capture"; }
expect_exit 2 hindcast events rec --capture late 2>err
expect_match "there are: case-1, short" err
cat >rule.yaml <<END
- macro: spawned
  condition: evt.type = execve and evt.rawres = 0
- rule: echoes
  desc: d
  condition: spawned and proc.name = say$$
  output: "echo %proc.args"
  priority: NOTICE
END
hindcast replay -p rule.yaml --capture case-1 rec >out 2>&1
[ "$(grep -c 'echo [a-z-]*$' out)" = 3 ] || { cat out >&2; fail "replay --capture"; }
hindcast export --bundle --capture case-1 -o case.hcb rec >/dev/null
hindcast verify case.hcb >/dev/null || fail "the bundle is not whole"
hindcast info rec >info
expect_match '^captures +2: case-1 \(ended\), short \(ended\)' info
hindcast reindex rec >/dev/null
hindcast verify rec >/dev/null || fail "the recording is not whole"

# the protocol, as others speak it
begin
python3 - "$sock" <<'PY'
import json, socket, sys, time

def ask(*lines):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(sys.argv[1])
        s.sendall(b"".join(line + b"\n" for line in lines))
        s.shutdown(socket.SHUT_WR)
        data = b""
        while piece := s.recv(65536):
            data += piece
    return [json.loads(line) for line in data.splitlines()]

def code(line):
    return ask(line)[0]["error"]["code"]

status, listed = ask(b'{"hindcast":1,"op":"status"}', b'{"hindcast":1,"op":"capture.list"}')
assert status["ok"] and status["ready"] and status["events"] > 0, status
assert [k["name"] for k in listed["captures"]] == ["case-1", "short"], listed
assert code(b"no json") == "bad_request"
assert code(b"[]") == "bad_request"
assert code(b'{"hindcast":1,"op":"capture.list"} {}') == "bad_request"
assert code(b'{"hindcast":2,"op":"status"}') == "bad_version"
assert code(b'{"hindcast":1,"op":"nothing"}') == "unknown_op"
assert code(b'{"hindcast":1,"op":"status\\u0000x"}') == "bad_request"
assert code(b'{"hindcast":1,"op":"status"}\0{') == "bad_request"
assert code(b'{"hindcast":1,"op":"capture.start","name":"a"}') == "bad_request"
assert code(b'{"hindcast":1,"op":"capture.start","name":"a","scope":"host","pre_ns":-1}') == "bad_request"
assert code(b'{"hindcast":1,"op":"capture.start","name":"a","scope":"host","pree_ns":1}') == "bad_request"
assert code(b'{"hindcast":1,"op":"capture.start","name":"a","scope":"host","detail":"most"}') == "bad_request"
assert code(b'{"hindcast":1,"op":"capture.start","name":"a","scope":"host","snaplen":4294967297}') == "bad_request"
assert code(b'{"hindcast":1,"op":"capture.start","name":"a\\u0000b","scope":"host"}') == "bad_request"
assert code(b'{"hindcast":1,"op":"capture.start","name":"a","scope":"moon"}') == "bad_request"
assert code(b"[" * 1000) == "bad_request"
assert "no member" in ask(('{"hindcast":1,"op":"status","x%s":1}' % ("é" * 40)).encode())[0]["error"]["message"]  # cut, and UTF-8
with socket.socket(socket.AF_UNIX) as s:  # a request without an end
    s.connect(sys.argv[1])
    try:
        s.sendall(b"x" * 70000)
    except BrokenPipeError:
        pass
    assert json.loads(s.makefile().readline())["error"]["code"] == "too_long"
idle = [socket.socket(socket.AF_UNIX) for _ in range(40)]  # one that says nothing does not keep others out for ever
for s in idle:
    s.connect(sys.argv[1])
# nor does a crowd that stays and sends a byte now and then
for _ in range(100):
    for s in idle:
        try:
            s.send(b" ")
        except OSError:
            pass
    try:
        status, = ask(b'{"hindcast":1,"op":"status"}')
        if status["ok"]:
            break
    except OSError:  # refused, and closed, before it was asked
        pass
    time.sleep(0.1)
assert status["ok"], status
PY
ask list >/dev/null || fail "it does not answer after all that"
# one that finds no descriptor left waits, and is taken when there is one
prlimit --pid $pid --nofile=3: # no number that a new one could have, whatever is open
ask list >waited 2>&1 &
waiting=$!
waits 'msg="a request has to wait" error="Too many open files"' log
sleep 2 # less than whoever asks waits
[ "$(grep -c 'a request has to wait' log)" -le $((5 * slow)) ] || fail "the loop is told of it again and again"
prlimit --pid $pid --nofile=1024:
wait $waiting || { cat waited >&2; fail "it was not answered"; }

# a time in which nobody recorded is a hole in the past of those that come after it, and of no other
past() { ask list --json | jq ".captures[] | select(.name == \"$1\") | .past_from_ns"; }
before=$(past case-1)
kill -INT $pid
wait $pid || fail "the recorder did not stop well"
now=$(date +%s%N)
begin
ask start holed --pre 10m >out
expect_match 'of the 10 min 0 s before it was asked for, [0-9.]+ s are there: nobody recorded before then; what there is from' out
[ "$(past holed)" -gt "$now" ] || fail "the hole is not said"
[ "$(past case-1)" = "$before" ] || fail "the past of an older capture is another one after a restart"
kill -INT $pid
wait $pid || fail "the recorder did not stop well"
begin
[ "$(past holed)" -gt "$now" ] || fail "the hole is forgotten"
kill -TERM $pid
wait $pid || fail "the recorder did not stop well"
echo ok
