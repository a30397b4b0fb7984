# Record, replay: the rule that fits fires once, its twin is silent, and what was not recorded is said to be unanswerable.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live

cat >rules.yaml <<END
- rule: Touched the marker
  desc: the marker file was opened for writing
  condition: evt.type in (open, openat, creat) and evt.is_open_write = true and fd.name = $PWD/hc-replay-marker and proc.name = bash
  output: marker touched by %proc.name (%fd.name)
  priority: WARNING
- rule: Touched the other marker
  desc: nobody does that here
  condition: evt.type in (open, openat, creat) and evt.is_open_write = true and fd.name = $PWD/hc-replay-other
  output: other marker (%fd.name)
  priority: WARNING
END

hindcast record -q -o full -- bash -c ': >hc-replay-marker; cat hc-replay-marker'
expect_exit 0 hindcast replay -p rules.yaml full >out 2>summary
[ "$(wc -l <out)" = 1 ] || fail "$(cat out)"
expect_match 'Warning marker touched by bash \(.*/hc-replay-marker\)' out
expect_match '^1 alerts? from 1 of 2 rules' summary
expect_no_match 'cannot be answered' summary

hindcast record -q -o less --profile minimal -- bash -c ': >hc-replay-marker'
expect_exit 1 hindcast replay -p rules.yaml less >out 2>summary
[ ! -s out ]
expect_match '^2 rules cannot be answered' summary
expect_match 'not recorded: open, openat, creat \(hindcast record --profile security\)' summary
expect_exit 1 hindcast replay -p rules.yaml --format json less >json
python3 -c '
import json, sys
s = [json.loads(l) for l in open("json")][-1]
assert s["unanswerable"] == 2 and all(not r["answerable"] and r["reasons"] for r in s["rules"]), s'
