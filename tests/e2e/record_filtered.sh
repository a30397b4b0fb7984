# A recorder in a mount namespace of its own, as the installed unit gives it, reads programs of the host that have ended; one that is
# refused the calls for it (by the filter of a service manager, or of a container) says what it does not see.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command python3
need_command jq
unshare -m true 2>/dev/null || skip "no mount namespace of our own"

# value CAPTURE QUERY: the query's only value
value() { hindcast query "$1" "$2" --csv 2>/dev/null | tail -n +2 | tr -d '\r'; }
facts() { value "$1" "SELECT count(*) FROM meta_config WHERE types LIKE '%\"openat % late%'"; }
pid=
trap '[ -z "$pid" ] || kill -9 $pid 2>/dev/null || :' EXIT
cat >script <<'END_OF_SCRIPT'
echo $PPID >"$1.new"
mv "$1.new" "$1"
while [ ! -e "$1.end" ]; do sleep 0.1; done
END_OF_SCRIPT
cp /bin/true small
hash=$(sha256sum <small) hash=${hash%% *}

# ended NAME COMMAND...: a recorder, run by the command, and a program that begins and ends while it stands still
ended() {
	local name=$1
	shift
	"$@" "$HINDCAST" record -o "$name" --hash-exe -- sh script "$name.pid" 2>"$name.err" &
	pid=$!
	within 60 [ -s "$name.pid" ] || { cat "$name.err" >&2; fail "the recorder does not come"; }
	kill -STOP "$(cat "$name.pid")"
	./small
	kill -CONT "$(cat "$name.pid")"
	touch "$name.pid.end"
	wait $pid || fail "exit code $? of the recorder"
	pid=
	[ "$(value "$name" "SELECT count(*) FROM proc_exec WHERE proc_after_exe = '$PWD/small'")" = 1 ] || fail "$name: no row of the program"
}
ended free unshare -m
[ "$(value free "SELECT lower(proc_after_sha256) FROM proc_exec WHERE proc_after_exe = '$PWD/small'")" = "$hash" ] ||
	fail "no hash of a program that has ended"
[ "$(value free "SELECT count(*) FROM meta_blind WHERE what LIKE 'openat2%'")" = 0 ] || fail "blind without a reason"
[ "$(facts free)" -ge 1 ] || fail "paths are looked up, and meta_config does not say so"
expect_no_match 'openat2' free.err

ended filtered "$HC_SOURCE_DIR/tests/e2e/refusing.py" unshare -m
[ "$(value filtered "SELECT count(proc_after_sha256) FROM proc_exec WHERE proc_after_exe = '$PWD/small'")" = 0 ] ||
	fail "the filter refuses nothing: this test shows nothing"
[ "$(value filtered "SELECT count(*) FROM meta_blind WHERE what LIKE 'openat2: Function not implemented: no look-up of paths%'")" = 1 ] || fail "it does not say that it is blind"
[ "$(facts filtered)" = 0 ] || fail "meta_config says that paths are looked up"
expect_match 'openat2 is refused here: Function not implemented' filtered.err

# the same in the summary that programs read
summary() { "$@" "$HINDCAST" record -o json --json -- true | jq -c .openat2_error; }
[ "$(summary env)" = null ] || fail "an error without a reason"
[ "$(summary "$HC_SOURCE_DIR/tests/e2e/refusing.py")" = '"Function not implemented"' ] || fail "the JSON summary does not say that openat2 is refused"

# one that always runs says it in its log; and of a clock that it is not told of, that it is wrong it does not say
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$HC_SOURCE_DIR/tests/e2e/refusing.py" "$HINDCAST" recorder --config /dev/null -d always --control "$PWD/control.sock" \
	--metrics "127.0.0.1:$port" --pin none 2>log &
pid=$!
waits ' msg=recording ' log
expect_match 'level=warn .*openat2 is refused.*error="Function not implemented"' log
PYTHONPATH=$HC_SOURCE_DIR/tests/e2e PYTHONDONTWRITEBYTECODE=1 python3 - "127.0.0.1:$port" <<'END_OF_PYTHON'
import sys
from openmetrics import must, scrape
m = scrape(sys.argv[1])
for name in ("synchronized", "error_seconds", "offset_seconds"):
    must("hindcast_clock_" + name not in m, m.get("hindcast_clock_" + name), "told of a clock that nobody may read")
must("hindcast_clock_steps" in m, "", "the clock's steps are not told")
END_OF_PYTHON
kill -TERM $pid
wait $pid || fail "exit code $? of the recorder that always runs"
pid=
[ "$(value always "SELECT count(*) || '|' || count(ntp_state) FROM meta_clock WHERE why = 'start'")" = "1|0" ] || fail "meta_clock"
echo ok
