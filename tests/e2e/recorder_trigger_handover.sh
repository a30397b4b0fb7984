# A trigger's capture while one recorder takes over from another: it goes on, ends at its time, has what was before, during and
# after, all of it once. Cool-down and budget are remembered over the hand-over, and over a kill.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
. "$HC_SOURCE_DIR/tests/e2e/lib_pinned.sh"

sock=$PWD/control.sock
ask() { hindcast capture "$@" --control "$sock"; }
captures() { ask list --json | jq -r "[.captures[] | $1] | join(\" \")"; }
soon() { # what was recorded up to now is written, and looked at
	ask start tick --quiet
	ask delete tick --quiet
	rests 0.3
}
begin() { # LOG OPTION...: with rules in force
	serve "$1" --config recorder.yaml --control "$sock" "${@:2}"
	waits 'msg="rules of triggers are in force"' "$1"
}
rule() { # rule NAME FILE
	printf -- '- rule: %s\n  desc: d\n  condition: evt.type in (open, openat) and fd.name = %s\n' "$1" "$PWD/hc-$2"
	printf -- '  output: opened %%fd.name\n  priority: WARNING\n'
}
touch hc-first hc-second hc-third
{ rule First first; rule Second second; rule Third third; } >rules.yaml
length=$((12 * slow))
config() {
	cat >recorder.yaml <<-END
		trigger-policy: [rules.yaml]
		trigger-pre: $((5 * slow))s
		trigger-for: ${length}s
		trigger-cooldown: 1s
		triggers: [{ rule: First, cooldown: 1h }, { rule: Second, cooldown: 1h }]
		trigger-max-hour: 2
		trigger-scope: host
	END
}
config

# The capture has to last until another recorder has begun beside this one and its load, which takes longer than this one's beginning.
begun=$(date +%s%3N)
begin log1
length=$((length + 4 * ($(date +%s%3N) - begun) / 1000))
config
kill -HUP $pid
in_force() { [ "$(grep -c 'msg="rules of triggers are in force"' log1)" = 2 ]; }
within 30 in_force || { cat log1 >&2; fail "the other length is not in force"; }
calls before 1000 5000
: <hc-first
waits 'a trigger has fired" rule=First ' log1
name=$(captures .name)
python3 - $$ >calls <<'END' & # until it is told to end, however long the other takes to begin
import os, sys, time
i = 0
while not os.path.exists("enough"):
    for i in range(i + 1, i + 101):
        try:
            os.open("/nowhere-%s/during-%d" % (sys.argv[1], i), os.O_RDONLY)
        except OSError:
            pass
    time.sleep(0.05)
print(i, i)
END
load=$!
sleep 0.3
old=$pid
begin log2 --take-over
wait $old || fail "the first recorder: exit code $?"
expect_match 'msg=stopped reason=handed_over ' log1
sleep 0.3
touch enough
wait $load
calls after 1000 5000
[ "$(captures '.name + ":" + .state')" = "$name:running" ] || fail "after the hand-over: $(captures '.name + ":" + .state')"

# the cool-down, then the budget: one of two an hour is left
: <hc-first
soon
[ "$(captures .name)" = "$name" ] || fail "the cool-down is forgotten: $(captures .name)"
within $((length + 30)) grep -q "msg=\"a capture has ended\" capture=$name" log2 || { cat log2 >&2; fail "it does not end"; }
at() { date -d "$(sed -nE "s/^time=([^ ]+) .*$1.*/\1/p" "$2")" +%s; } # when it was logged: this script may come to look long after
took=$(($(at "a capture has ended\" capture=$name" log2) - $(at 'a trigger has fired" rule=First ' log1)))
[ $took -ge $((length - 1)) ] && [ $took -le $((length + 5 * slow)) ] || fail "it ran for $took s of $length"
calls later 100 2000
: <hc-second
waits 'a trigger has fired" rule=Second ' log2
soon
both=$(captures .name)
ends KILL 137
begin log3
for of in first second third; do
	: <"hc-$of"
done
soon
[ "$(captures .name)" = "$both" ] || fail "after a kill: $(captures .name), not $both"
waits 'its capture is not started" rule=Third .*why=max-hour' log3
ends TERM 0
for of in First Second; do
	expect_match "fired again without starting a capture\" rule=$of .*why=cooldown" log3
done

inside() { # inside TAG: its calls that the capture has, and how many different ones
	hindcast query --capture "$name" cap "SELECT count(*) || ' ' || count(DISTINCT pathname) FROM openat WHERE pathname LIKE '/nowhere-$$/$1-%'" --csv |
		tail -n +2 | tr -d '\r'
}
[ "$(inside before)" = "1000 1000" ] || fail "of 1000 calls before: $(inside before)"
[ "$(inside during)" = "$(<calls)" ] || fail "of $(<calls) calls during the hand-over: $(inside during)"
[ "$(inside after)" = "1000 1000" ] || fail "of 1000 calls after it: $(inside after)"
[ "$(inside later)" = "0 0" ] || fail "it has what came after its end: $(inside later)"
[ "$(value "SELECT group_concat(op, ' ') FROM (SELECT op FROM meta_mark WHERE name = '$name' ORDER BY seq)")" = "begin end" ] || fail "rows of the capture: $(value "SELECT op FROM meta_mark WHERE name = '$name'")"
[ "$(value "SELECT count(*) FROM meta_alert WHERE outcome = 'started'")" = 2 ] || fail "not two were started"
echo ok
