# Replay of a generated capture: the same for any number of threads, exact at the borders of time, whole where blocks are damaged;
# policies that do not load.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
"$HC_BUILD_DIR/tests/lib/hc-gen" capture rows=20000 flush=900 mix=node segment_bytes=200000 index >/dev/null

cat >rules.yaml <<'END'
- rule: Failed open
  desc: an open that failed
  condition: evt.type in (open, openat) and evt.failed = true
  output: failed (number=%evt.num file=%fd.name)
  priority: NOTICE
- rule: Any open
  desc: an open
  condition: evt.type in (open, openat)
  output: open (number=%evt.num)
  priority: INFO
- rule: Connection
  desc: a connection
  condition: evt.type = connect
  output: connect (number=%evt.num)
  priority: ERROR
END

expect_exit 0 hindcast replay -p rules.yaml --threads 1 capture >one 2>summary
expect_match '^[0-9,]+ alerts from [23] of 3 rules; 20,000 events' summary
[ -s one ]
for threads in 2 3 8; do
	expect_exit 0 hindcast replay -p rules.yaml --threads $threads -q capture >other
	cmp one other
done

# first and all
expect_exit 0 hindcast replay -p rules.yaml --matching all -q capture >all
[ "$(wc -l <all)" -gt "$(wc -l <one)" ]
[ "$(grep -c 'open (number' all)" -gt "$(grep -c 'open (number' one)" ]
grep -c 'failed (number' one >n; [ "$(grep -c 'failed (number' all)" = "$(<n)" ]

# JSON: an object for each alert, in order, and a summary that agrees
expect_exit 0 hindcast replay -p rules.yaml --format json --profile-rules capture >json
expect_exit 0 hindcast replay -p rules.yaml --json capture >same
diff <(grep '"kind":"alert"' json) <(grep '"kind":"alert"' same) || fail "--json is not --format json"
python3 - json one <<'PY'
import json, sys
lines = [json.loads(l) for l in open(sys.argv[1], encoding="utf-8")]
summary, alerts = lines[-1], lines[:-1]
assert summary["kind"] == "summary" and all(a["kind"] == "alert" for a in alerts)
assert summary["alerts"] == len(alerts) == sum(1 for _ in open(sys.argv[2], "rb"))
assert [a["seq"] for a in alerts] == sorted(a["seq"] for a in alerts)
assert sum(r["alerts"] for r in summary["rules"]) == len(alerts)
assert all("ns" in r for r in summary["rules"]) and summary["unanswerable"] == 0
for r in summary["rules"]:
    assert 0 < r["blocks_read"] <= r["blocks"] <= summary["blocks"] or not r["alerts"], r
    assert r["candidates"] >= r["alerts"], r
with open("middle", "w") as f:
    f.write(alerts[len(alerts) // 2]["time"])
PY

# a fork is two events, of the parent and of the new process: the rule that fires on both is one rule
printf -- '- rule: Births\n  desc: d\n  condition: evt.type = clone\n  output: o\n  priority: INFO\n' >births.yaml
demo=$HC_SOURCE_DIR/tests/demo/capture.hcb
expect_exit 0 hindcast replay -p births.yaml --format json --profile-rules "$demo" >json
python3 - json <<'PY'
import json, sys
lines = [json.loads(l) for l in open(sys.argv[1], encoding="utf-8")]
rules, n = lines[-1]["rules"], len(lines) - 1
assert n > 1 and len({a["seq"] for a in lines[:-1]}) == n / 2, n
assert [(r["rule"], r["alerts"]) for r in rules] == [("Births", n)] and rules[0]["candidates"] >= n, rules
PY
expect_exit 0 hindcast replay -p births.yaml --profile-rules "$demo" >out 2>summary
expect_match '^[0-9]+ alerts from 1 of 1 rules; ' summary
[ "$(grep -c 'Births$' summary)" = 2 ] || { cat summary >&2; fail "not one line of alerts and one of costs"; }

# a span is exact: what is before a moment and what is from it on are the whole
middle=$(<middle)
expect_exit 0 hindcast replay -p rules.yaml -q --until "$middle" capture >before
expect_exit 0 hindcast replay -p rules.yaml -q --since "$middle" capture >after
[ -s before ]
[ -s after ]
cat before after | cmp - one

# Falco's JSON is one object a line
hindcast replay -p rules.yaml -q --format falco-json capture | python3 -c '
import json, sys
for line in sys.stdin:
    a = json.loads(line)
    assert {"output", "priority", "rule", "time", "output_fields", "source", "tags"} <= set(a), a'
# a reader that goes away is no error
hindcast replay -p rules.yaml -q capture 2>err | head -1 >/dev/null
[ ! -s err ] || fail "$(cat err)"

# policies that do not load: nothing runs, unless told to go on
printf -- '- rule: x\n  desc: d\n  condition: evt.type = nope\n  output: o\n  priority: ERROR\n' >bad.yaml
expect_exit 2 hindcast replay -p bad.yaml -p rules.yaml capture >out 2>err
[ ! -s out ] || fail "something ran"
expect_match '^bad.yaml:3:.*unknown event type nope' err
expect_match 'nothing has run' err
expect_exit 2 hindcast replay -p bad.yaml -p rules.yaml --keep-going -q capture >out 2>err
cmp out one
expect_match 'going on without bad.yaml' err
mkdir empty
expect_exit 2 hindcast replay -p empty capture 2>err
expect_exit 4 hindcast replay -p missing.yaml capture 2>err
expect_exit 2 hindcast replay capture 2>err
expect_exit 2 hindcast replay -p rules.yaml 2>err
expect_exit 2 hindcast replay -p rules.yaml --since @2 --until @1 capture 2>err
expect_exit 4 hindcast replay -p rules.yaml nowhere 2>err

# a damaged block is passed over, named, and makes it 3; all others are evaluated
cp -r capture broken
segment=$(find broken -name 'security-*.hcs' | sort | head -1)
python3 - "$segment" <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    data = f.read()
    f.seek(len(data) // 2)
    f.write(bytes(b ^ 0xff for b in data[len(data) // 2:len(data) // 2 + 400]))
PY
expect_exit 3 hindcast replay -p rules.yaml -q broken >out 2>err
expect_match "$(basename "$segment")" err
python3 - one out <<'PY'
import sys
whole, rest = (open(p, "rb").read().splitlines() for p in sys.argv[1:])
at = iter(whole)
assert all(line in at for line in rest), "not a part of the whole, in order"
PY
