# Triggers: a rule that fires starts a capture with the past in it, its twin does not; cool-down, budgets and noise; reloading,
# also of policies that are broken; a kill in between.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live

sock=$PWD/control.sock
captures() { hindcast capture list --control "$sock" --json | jq -r "[.captures[] | $1] | join(\" \")"; }
soon() { # what was recorded up to now is written, and looked at
	hindcast capture start tick --quiet --control "$sock"
	hindcast capture delete tick --quiet --control "$sock"
	rests 0.2
}
begin() { # starts a recorder and waits until its rules are in force
	: >log
	hindcast recorder -d rec --control "$sock" "$@" >>log 2>&1 &
	pid=$!
	logged 'msg="rules of triggers are in force"'
}
logged() { waits "$1" log; }
reloads() { # reloads RESULT=N..: what the metrics tell of them, soon
	PYTHONPATH=$HC_SOURCE_DIR/tests/e2e PYTHONDONTWRITEBYTECODE=1 python3 - "$@" <<-'END' || fail "reloads are counted otherwise"
		import os, sys, time
		from openmetrics import scrape, value
		want, now = {k: float(v) for k, v in (a.split("=") for a in sys.argv[1:])}, None
		for _ in range(100):
		    m = scrape(os.path.abspath("metrics.sock"))
		    now = {k: value(m, "hindcast_reloads_total", result=k) for k in want}
		    if now == want:
		        sys.exit(0)
		    time.sleep(0.1)
		sys.exit(f"{now} instead of {want}")
	END
}
trap 'kill -9 $pid 2>/dev/null || true' EXIT

rule() { # rule NAME FILE: one that fires when FILE is opened
	printf -- '- rule: %s\n  desc: d\n  condition: evt.type in (open, openat) and fd.name = %s\n' "$1" "$PWD/hc-trigger-$2"
	printf -- '  output: opened %%fd.name by %%proc.name\n  priority: WARNING\n'
}
{ rule 'Marker is read' marker; rule 'Noise, much' noise; rule 'Third one' third; rule 'Fourth one' fourth; rule 'Switched off' off; } >rules.yaml
touch hc-trigger-{marker,noise,third,fourth,off,other}
cat >recorder.yaml <<'END'
trigger-policy: [rules.yaml]
trigger-max-hour: 3
trigger-pre: 5m
triggers:
  - rule: Marker*
    for: 2s
    scope: host
  - { rule: Switched off, off: true }
END

expect_exit 0 hindcast recorder --config recorder.yaml --check-config
expect_exit 1 hindcast recorder --config recorder.yaml --check-config --profile minimal 2>err
expect_match "the rule 'Third one' cannot be answered: not recorded: open, openat" err
expect_exit 1 hindcast recorder --config recorder.yaml --check-config --trigger-rule 'Marker was read' --trigger-tag none \
	--triggers 'rule=Noisy*; off' 2>err
for line in "trigger-rule: 'Marker was read'" "trigger-tag: 'none'" "triggers: 'Noisy\*'"; do expect_match "warning: $line fits no rule" err; done
[ "$(grep -c 'fits no rule' err)" = 3 ] || { cat err >&2; fail "there are such rules"; }
printf -- '- rule: half\n  desc: d\n' >broken.yaml
expect_exit 2 hindcast recorder -d none --trigger-policy broken.yaml 2>err
expect_match "^broken.yaml:1:" err
[ ! -e none ] || fail "it has begun with a broken policy"

# what is doubtful about the files is a line of the log like any other
printf -- '- rule: all\n  desc: d\n  condition: evt.type exists\n  output: x\n  priority: DEBUG\n' >doubtful.yaml
expect_exit 0 hindcast recorder --check-config --trigger-policy doubtful.yaml 2>err
expect_match '^doubtful.yaml:3:14: warning: ' err
hindcast recorder -d doubtful --control "$sock" --pin none --log-format json --trigger-policy doubtful.yaml --trigger-max-hour 1 2>log &
pid=$!
logged '"msg":"rules of triggers are in force"'
answers "$sock" log
kill -TERM $pid
wait $pid || fail "it did not stop well"
jq -es 'map(select(.code == "LOAD_NO_EVTTYPE")) | length == 1 and .[0].level == "warn" and .[0].file == "doubtful.yaml" and .[0].place == "3:14"' log >/dev/null ||
	{ cat log >&2; fail "the log is no JSON, or lacks the warning"; }

begin --config recorder.yaml --metrics "$PWD/metrics.sock"
/bin/echo what-led-to-it >/dev/null
: <hc-trigger-other
: <hc-trigger-off
soon
expect_no_match 'trigger has fired' log
: <hc-trigger-marker
logged 'a trigger has fired" rule="Marker is read" capture=marker-is-read-[0-9TZ]+ scope=host'
/bin/echo what-followed >/dev/null
delay=$(sed -nE 's/.*delay_seconds=([0-9.]+).*/\1/p' log)
python3 -c "assert $delay < 3 * $slow" || fail "it took $delay s"
for _ in $(seq 2000); do : <hc-trigger-noise; done
soon
logged 'rule="Noise, much" capture=noise-much-.* scope="pid='
: <hc-trigger-marker
logged 'a capture has ended" capture=marker-is-read'
expect_match '^5$' <(grep -l '(hc-triggers)' /proc/$pid/task/*/stat | xargs cat | awk '{ print $19 }')

# a policy that does not load changes nothing, nor do the options beside it
cp broken.yaml rules.yaml
kill -HUP $pid
logged 'policies of triggers do not load; those before stay in force'
reloads ok=0 rules_failed=1 failed=0
: <hc-trigger-third
soon
logged 'rule="Third one" capture='
: <hc-trigger-fourth
soon
logged 'its capture is not started" rule="Fourth one" .*why=max-hour'
{ rule 'Marker is read' marker; rule 'Fourth one' fourth; rule 'Fifth one' off; } >rules.yaml
sed -i 's/max-hour: 3/max-hour: 4/; /Switched/d' recorder.yaml
kill -HUP $pid
logged 'an option was changed" option=trigger-max-hour'
logged 'rules of triggers are in force" rules=3'
reloads ok=1 rules_failed=1 failed=0
expect_no_match 'fits no rule' log
: <hc-trigger-off
soon
logged 'rule="Fifth one" capture='

# killed, and as it was
before=$(captures .name)
[ "$(wc -w <<<"$before")" = 4 ] || fail "captures: $before"
kill -9 $pid
wait $pid 2>/dev/null || true
begin --config recorder.yaml
: <hc-trigger-marker
soon
[ "$(captures .name)" = "$before" ] || fail "captures after a kill: $(captures .name), not $before"
kill -TERM $pid
wait $pid || fail "the recorder did not stop well"
expect_match 'fired again without starting a capture" rule="Marker is read" scope=host why=cooldown times=1$' log
expect_no_match 'not permitted|level=error' log

sql() { hindcast query rec "$@" --csv | tail -n +2 | tr -d '\r'; }
name=${before%% *}
[ "$(sql --capture "$name" "SELECT count(*) FROM execs WHERE cmdline LIKE '/bin/echo what-%'")" = 2 ] || fail "the capture lacks its past or what followed"
[ "$(sql "SELECT count(*) FROM meta_mark WHERE op = 'begin' AND by = 'rule Marker is read' AND note LIKE 'event % of 20%: opened %/hc-trigger-marker by bash'")" = 1 ] || {
	sql "SELECT * FROM meta_mark" >&2
	fail "the capture does not say why"
}
[ "$(sql "SELECT count(*) FROM meta_alert a, openat o WHERE a.capture = '$name' AND a.seqs = '[' || o.seq || ']' AND a.outcome = 'started' AND a.policy_sha256 <> ''")" = 1 ] || {
	sql "SELECT * FROM meta_alert" >&2
	fail "no row of the event that fired"
}
# what follows the last rows of before the kill is lost with them
n=$(sql "SELECT sum(count) FROM meta_alert WHERE rule = 'Noise, much'")
[ "$n" -ge 1 ] && [ "$n" -le 2000 ] || fail "$n matches of the noise"

# what captures keep is more than triggers may fill
{ rule 'First one' marker; rule 'Second one' third; } >rules.yaml
rm -rf rec
begin --trigger-policy rules.yaml --trigger-max-pinned 4KiB --trigger-cooldown 1s --metrics "$PWD/metrics.sock" --triggers 'rule=Third*; off'
logged 'level=warn msg="an option of triggers fits no rule" option=triggers value="?Third\*"?'
: <hc-trigger-marker
logged 'capture of a trigger is ended: captures keep more than trigger-max-pinned" capture=first-one'
: <hc-trigger-third
soon
logged 'its capture is not started" rule="Second one" .*why=max-pinned'
[ "$(captures '.name[0:5] + .state')" = "firstended" ] || fail "captures: $(captures '.name + .state')"
for _ in $(seq 3000); do : <hc-trigger-third; done
soon
PYTHONPATH=$HC_SOURCE_DIR/tests/e2e PYTHONDONTWRITEBYTECODE=1 python3 - "$PWD/metrics.sock" <<'PY' || fail "metrics"
import sys
from openmetrics import must, scrape, value

m = scrape(sys.argv[1])
for name, labels, want in (
    ("trigger_rules", {}, 2),
    ("rule_matches_total", {"rule": "First one"}, 1),
    ("rule_matches_total", {"rule": "Second one"}, 3001),
    ("trigger_matches_total", {"outcome": "started"}, 1),
    ("trigger_matches_total", {"outcome": "max-pinned"}, 3001),
    ("trigger_matches_total", {"outcome": "cooldown"}, 0),
    ("trigger_blocks_total", {"result": "skipped"}, 0),
    ("trigger_delay_seconds_count", {}, 1),
):
    must(value(m, "hindcast_" + name, **labels) == want, (name, labels, value(m, "hindcast_" + name, **labels)), "not what was done")
must(0 < value(m, "hindcast_trigger_cpu_seconds_total") < 5, m["hindcast_trigger_cpu_seconds"], "processor time")
must(0 < value(m, "hindcast_rule_seconds_total") < 5, m["hindcast_rule_seconds"], "time of rules")
PY
kill -TERM $pid
wait $pid || fail "the recorder did not stop well"
[ "$(sql "SELECT sum(count) FROM meta_alert WHERE outcome = 'max-pinned'")" = 3001 ] || {
	sql "SELECT * FROM meta_alert" >&2
	fail "not all that was held back is counted"
}
[ "$(sql "SELECT count(*) FROM meta_alert WHERE outcome = 'max-pinned'")" -le 4 ] || fail "it is told too often"

# rules that are given no time: blocks are passed over, recording goes on, and it is told
begin --trigger-policy rules.yaml --trigger-max-cpu 0.1% --trigger-max-hour 1
python3 - "$sock" <<'PY'
import socket, sys

with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    f = s.makefile("rw")
    for _ in range(400):  # each of them writes a block
        open("hc-trigger-third").close()
        for op in '"op":"capture.start","scope":"host"', '"op":"capture.delete"':
            f.write('{"hindcast":1,"name":"tick",%s}\n' % op)
            f.flush()
            assert '"ok":true' in f.readline()
PY
kill -TERM $pid
wait $pid || fail "the recorder did not stop well"
expect_match 'triggers are behind: blocks were passed over" blocks=[0-9]+ events=[0-9]+' log
expect_match 'msg=stopped .* events_lost=0' log
[ "$(sql "SELECT count(*) FROM meta_alert WHERE outcome = 'skipped' AND count > 0")" -ge 1 ] || fail "what was passed over is not recorded"
echo ok
