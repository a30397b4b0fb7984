# hindcast query: answers, formats, where SQL comes from, exit codes.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
gen=$HC_BUILD_DIR/tests/lib/hc-gen
"$gen" cap rows=6000 flush=600 index >/dev/null

[ "$(hindcast query --no-header cap 'SELECT count(*) FROM events')" = 6000 ] || fail "not all events"
[ "$(echo 'SELECT count(*) FROM events' | hindcast query --csv cap | tr -d '\r' | tail -1)" = 6000 ] || fail "SQL from standard input"
[ "$(echo 'SELECT 1 AS a' | hindcast query --format jsonl cap -)" = '{"a": 1}' ] || fail "SQL from standard input, named -"
hindcast query --json cap 'SELECT * FROM events ORDER BY seq DESC LIMIT 7' | python3 -c '
import json, sys
rows = json.load(sys.stdin)
assert [r["seq"] for r in rows] == list(range(6000, 5993, -1)), rows
assert all("time" in r and "args" in r for r in rows)'
hindcast query --csv cap 'SELECT seq, comm, args FROM events' | python3 -c '
import csv, sys
rows = list(csv.reader(open(sys.stdin.fileno(), newline="", encoding="utf-8", errors="surrogateescape")))
assert rows[0] == ["seq", "comm", "args"] and len(rows) == 6001, len(rows)
assert [int(r[0]) for r in rows[1:]] == list(range(1, 6001))'
# No control character leaves by way of a table.
hindcast query cap 'SELECT * FROM events' | LC_ALL=C grep -qP '[\x00-\x09\x0b-\x1f\x7f]' && fail "control characters in a table"

# The capture without its index, one segment, a directory that is none.
rm -f cap/index.db*
[ "$(hindcast query --no-header cap 'SELECT count(*) FROM events')" = 6000 ] || fail "without the index"
seg=$(find cap -name '*.hcs' | sort | head -1)
n=$(hindcast query --no-header "$seg" 'SELECT count(*) FROM events')
[ "$n" -gt 0 ] && [ "$n" -lt 6000 ] || fail "one segment has $n events"
mkdir empty
expect_exit 4 hindcast query nowhere 'SELECT 1' 2>err
expect_match 'nowhere' err

# Errors: one line, with place, and 2.
expect_exit 2 hindcast query cap 'SELECT seq, nope FROM events' 2>err
expect_match '^SQL:1:13: no such column: nope$' err
expect_match "^  'hindcast query --tables TABLE' lists the columns of a table$" err
expect_exit 2 hindcast query cap 'DROP VIEW files' 2>err
expect_match 'only statements that read' err
echo 'SELECT 1; DELETE FROM events' | expect_exit 2 hindcast query cap 2>err
expect_match '^standard input:1:11: a second statement' err
expect_exit 2 hindcast query cap 2>err </dev/null
expect_exit 2 hindcast query cap 'SELECT 1' more 2>err
expect_exit 2 hindcast query --format xml cap 'SELECT 1' 2>err
expect_exit 2 hindcast query --tables nope 2>err
hindcast query --tables | grep -q '^processes ' || fail "--tables"
hindcast query --tables proc_exec | grep -q ' filename ' || fail "--tables proc_exec"

# Stopping: a reader that has enough, a timeout, an interrupt.
hindcast query --csv cap 'SELECT a.seq FROM events a, events b, events c' | head -3 >/dev/null || fail "a closed pipe is an error"
endless='WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r'
expect_exit 4 hindcast query --timeout 200ms cap "$endless" 2>err
expect_match 'timeout' err
# (a background job of a shell without job control ignores SIGINT; python does not pass that on)
python3 - "$HINDCAST" cap "$endless" <<'PY'
import signal, subprocess, sys, time
p = subprocess.Popen([sys.argv[1], "query", *sys.argv[2:]], stderr=subprocess.DEVNULL,
                     preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
time.sleep(1)
p.send_signal(signal.SIGINT)
assert p.wait(timeout=20) == 130, p.returncode
PY

# Damage: the rest is answered, the place is said, 3.
cp -r cap torn
seg=$(find torn -name 'security-*.hcs' | sort | head -1)
truncate -s -3000 "$seg"
expect_exit 3 hindcast query --no-header torn 'SELECT count(*) FROM events' >out 2>err
[ "$(cat out)" -gt 3000 ] && [ "$(cat out)" -lt 6000 ] || fail "$(cat out) events of a torn capture"
expect_match "security-0*1\\.hcs" err
expect_exit 3 hindcast query --no-header torn 'SELECT count(*) FROM problems' >out 2>err
[ "$(cat out)" -gt 0 ] || fail "no problems listed"
