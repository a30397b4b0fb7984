# A wall clock that jumps: what was asked for lasts as long, what is kept stays, a past is as long as it was.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
shift_clock=$HC_BUILD_DIR/tests/lib/libshift_clock.so
[ -e "$shift_clock" ] || skip "no $shift_clock"

sock=$PWD/control.sock
say=$PWD/say$$
cp /bin/echo "$say"
ask() { hindcast capture "$@" --control "$sock"; }
begin() { # [COMMAND...]: that runs it
	ASAN_OPTIONS=verify_asan_link_order=0:${ASAN_OPTIONS:-} HC_CLOCK=$PWD/seconds LD_PRELOAD=$shift_clock \
		"$@" hindcast recorder --config /dev/null -d rec --control "$sock" --retain-age 2h 2>>log &
	pid=$!
	answers "$sock" log
}
trap 'kill -9 $pid 2>/dev/null || true' EXIT
steps() { grep -c 'msg="the wall clock was set"' log || :; }
sets() { # SECONDS: beside the true time; waits until it is seen
	local n
	n=$(steps)
	echo "$1" >seconds.new
	mv seconds.new seconds
	within 10 eval '[ "$(steps)" -gt "$n" ]' || fail "the step is not seen"
}
states() { ask list --json | jq -r '[.captures[] | .name + "=" + .state] | join(" ")'; }
expect_states() { [ "$(states)" = "$2" ] || fail "after $1: $(states)"; }

# what an earlier boot of the machine left ten minutes ago, longer than any past that is asked for: its age is told by the wall clock
echo -600 >seconds
earlier=11111111-2222-4333-8444-555555555555
echo $earlier >boot_id
begin unshare --mount sh -c 'mount --bind boot_id /proc/sys/kernel/random/boot_id && exec "$@"' sh
kill -INT $pid
wait $pid || fail "the recorder did not stop well"
left() { find rec/segments -path "*/$earlier/*.hcs" | sort; }
left=$(left)
[ -n "$left" ] || fail "there is nothing of an earlier boot"

echo 0 >seconds
begin
"$say" before >/dev/null
ask start open --pre 1m >/dev/null
ask start half-hour --for 30m --keep 1h >/dev/null
ask start brief --for 100ms --keep 1h >/dev/null
within 10 eval 'states | grep -q brief=ended' || fail "a short one does not end"

# ahead by ten hours, longer than all that was asked for, and back to before it all began
sets 36000
"$say" ahead >/dev/null
rests 1.2
expect_states "a jump ahead" "open=running half-hour=running brief=ended"
ask start later --pre 1m >/dev/null
sets -7200
"$say" back >/dev/null
rests 1.2
expect_states "a jump back" "open=running half-hour=running brief=ended later=running"

# one that is asked for as soon as the clock was set, most often before the recorder has looked at it
n=$(steps)
echo 36000 >seconds.new
mv seconds.new seconds
ask start at-once --for 30m >/dev/null
for name in half-hour at-once; do
	lasts=$(ask list --json | jq --arg name $name '.captures[] | select(.name == $name) | .until_ns / 1e9 - (now + 36000) | floor')
	[ "$lasts" -gt 1700 ] && [ "$lasts" -le 1800 ] || fail "$name lasts $lasts s more, not half an hour"
done
[ "$(steps)" = $((n + 1)) ] || fail "the step is not seen"
ask stop at-once >/dev/null
ask delete at-once >/dev/null
rests 1.2
sets -7200
rests 1.2

# another recorder knows what was there, and how long it still lasts
kill -INT $pid
wait $pid || fail "the recorder did not stop well"
begin
expect_states "a restart" "open=running half-hour=running brief=ended later=running"
lasts=$(ask list --json | jq '.captures[] | select(.name == "half-hour") | .until_ns / 1e9 - (now - 7200) | floor')
[ "$lasts" -gt 1700 ] && [ "$lasts" -le 1800 ] || fail "it would last $lasts s more, not half an hour"
for name in open later; do ask stop $name >/dev/null; done
kill -INT $pid
wait $pid || fail "the recorder did not stop well"
expect_no_match 'msg="segments were removed"' log
[ "$(left)" = "$left" ] || fail "of the earlier boot is left: $(left)"
value() { hindcast query rec "$@" --csv | tail -n 1 | tr -d '\r'; }
for name in open later; do
	seen=$(value --capture $name "SELECT group_concat(arg, ' ') FROM (SELECT substr(cmdline, length('$say') + 2) AS arg FROM execs
		WHERE cmdline LIKE '$say %' ORDER BY seq)")
	[ "$seen" = "before ahead back" ] || fail "in $name is: $seen"
done
hindcast verify rec >/dev/null || fail "the recording is not whole"
[ "$(value "SELECT count(*) FROM meta_clock WHERE why = 'step'")" = 4 ] || fail "the steps are not in it"
echo ok
