# Noise: a rule that fits every event, and a hundred that fire at once. Few captures come of it, all else is counted and told of
# once, the time it takes is bounded, and nothing of what is recorded is lost.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live

sock=$PWD/control.sock
trap 'kill -9 $pid 2>/dev/null || true' EXIT
for i in $(seq 100); do
	printf -- '- rule: Noise %d\n  desc: d\n  condition: evt.type in (open, openat) and fd.name = %s\n' "$i" "$PWD/noise-$i"
	printf -- '  output: opened %%fd.name\n  priority: WARNING\n'
	touch "noise-$i"
done >rules.yaml
printf -- '- rule: Every event\n  desc: d\n  condition: evt.num >= 0\n  output: "%%proc.cmdline"\n  priority: WARNING\n' >>rules.yaml
begun=$(date +%s%N)
hindcast recorder -d rec --pin none --control "$sock" --metrics "$PWD/metrics.sock" --trigger-policy rules.yaml 2>log &
pid=$!
waits 'msg="rules of triggers are in force" rules=101' log
waits 'a trigger has fired" rule="Every event" ' log
python3 - $$ <<'END'
import os, sys
for i in range(20000):
    try:
        os.open("/nowhere-%s/noise-%d" % (sys.argv[1], i), os.O_RDONLY)
    except OSError:
        pass
    if i % 10 == 0:
        os.close(os.open("noise-%d" % (i // 10 % 100 + 1), os.O_RDONLY))
END
hindcast capture start tick --quiet --control "$sock"
hindcast capture delete tick --quiet --control "$sock"
# each of the hundred was told of: as a start, or as one that the budget refused
within 30 eval '[ "$(grep -cE "a trigger has fired.* rule=\"Noise [0-9]+\"" log)" = 100 ]' || fail "$(grep -c 'rule="Noise' log) lines of 100 rules"
rests 1.2
[ "$(grep -c 'a trigger has fired" ' log)" = 4 ] || fail "not four captures run: $(grep 'a trigger has fired" ' log)"
[ "$(grep -c 'its capture is not started' log)" = 97 ] || fail "not 97 refusals"
expect_no_match 'not started.* why=(max-hour|max-pinned|failed|too)' log
hindcast capture list --control "$sock" >list
[ "$(wc -l <list)" = 9 ] || { cat list >&2; fail "the list has more than four captures of two lines"; }
PYTHONPATH=$HC_SOURCE_DIR/tests/e2e PYTHONDONTWRITEBYTECODE=1 python3 - "$PWD/metrics.sock" "$begun" <<'PY' || fail "metrics"
import sys, time
from openmetrics import must, scrape, value

m = scrape(sys.argv[1])
outcome = lambda o: value(m, "hindcast_trigger_matches_total", outcome=o)
must(value(m, "hindcast_trigger_rules") == 101, m["hindcast_trigger_rules"], "rules")
must(value(m, "hindcast_trigger_blocks_total", result="unreadable") == 0, m["hindcast_trigger_blocks"], "blocks")
if value(m, "hindcast_trigger_blocks_total", result="skipped") == 0:
    must(outcome("max-running") >= 97 and outcome("cooldown") > 18000, m["hindcast_trigger_matches"], "what was held back")
spent, since = value(m, "hindcast_trigger_cpu_seconds_total"), (time.time_ns() - int(sys.argv[2])) / 1e9
must(spent < 0.2 * since + 0.5, (spent, since), "more processor time than 20 %")
PY
kill -TERM $pid
wait $pid || fail "the recorder did not stop well"
sql() { hindcast query rec "$@" --csv | tail -n +2 | tr -d '\r'; }
[ "$(sql "SELECT count(*) || ' ' || count(DISTINCT pathname) FROM openat WHERE pathname LIKE '/nowhere-$$/noise-%'")" = "20000 20000" ] || fail "calls were lost"
[ "$(sql "SELECT count(*) FROM meta_alert WHERE outcome = 'started'")" = 4 ] || fail "not four rows of starts"
[ "$(sql "SELECT count(*) FROM meta_alert")" -le 310 ] || fail "it is told too often: $(sql "SELECT outcome, count(*) FROM meta_alert GROUP BY outcome")"

# a thread that may do next to nothing falls behind: the metrics tell by how much, until it may do more
printf 'dir: slow\npin: none\ncontrol: none\nmetrics: %s\ntrigger-policy: [rules.yaml]\ntrigger-max-cpu: 0.1%%\n' "$PWD/metrics.sock" >slow.yaml
hindcast recorder --config slow.yaml 2>log &
pid=$!
waits 'msg="rules of triggers are in force" rules=101' log
PYTHONPATH=$HC_SOURCE_DIR/tests/e2e PYTHONDONTWRITEBYTECODE=1 python3 - "$PWD/metrics.sock" $pid <<'PY' || { cat log >&2; fail "lag"; }
import os, signal, sys, time
from openmetrics import must, scrape, value

def lag():
    m = scrape(sys.argv[1])
    return value(m, "hindcast_trigger_lag_seconds"), value(m, "hindcast_trigger_queue_blocks")
def work():
    for i in range(20000):
        os.close(os.open("noise-1", os.O_RDONLY))
def becomes(what, busy, test):
    end = time.monotonic() + 30 * int(os.environ.get("HC_SLOW", "1"))
    while not test(*lag()):
        must(time.monotonic() < end, lag(), "the lag is never " + what)
        if busy:
            work()
        time.sleep(0.1)

begun = time.monotonic()
becomes("more than two seconds", True, lambda seconds, blocks: seconds > 2 and blocks >= 1)
must(lag()[0] < time.monotonic() - begun + 2, lag(), "more than since it was busy")
with open("slow.yaml") as f:
    text = f.read()
with open("slow.yaml", "w") as f:
    f.write(text.replace("0.1%", "100%"))
os.kill(int(sys.argv[2]), signal.SIGHUP)
becomes("small again", False, lambda seconds, blocks: seconds < 1)
PY
kill -TERM $pid
wait $pid || fail "the recorder did not stop well"
echo ok
