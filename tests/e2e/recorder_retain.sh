# Limits: old segments go, bulk first, while a reader reads; what is not there any more is said.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live

value() { hindcast query cap "$1" --csv 2>/dev/null | tail -n +2 | tr -d '\r'; }
pid=
trap '[ -z "$pid" ] || kill -9 $pid 2>/dev/null || :' EXIT

sock=$PWD/control.sock
hindcast recorder --config /dev/null --control "$sock" -d cap -p full --segment-size 16KiB --segment-time 1s --retain-bulk-size 64KiB \
	--retain-size 4MiB 2>log &
pid=$!
for _ in $(seq 300); do
	dd if=/dev/zero of=/dev/null bs=1 count=3000 2>/dev/null
	[ "$(grep -c 'reason=size stream=bulk' log)" -ge 3 ] && break
	sleep 0.1
done
# somebody looks while segments go
hindcast info cap >/dev/null || [ $? = 3 ] || fail "info of a capture that is being written"
# a capture is told how far back it reaches: in bulk not as far as else
hindcast capture start late --pre 1h --control "$sock" >answer
expect_match 'of the 1 h 0 min before it was asked for, [0-9.]+ s are there' answer
expect_match 'of reads, writes, mappings and the like [0-9.]+ s: older ones are removed' answer
hindcast capture list --json --control "$sock" >list
[ "$(jq '.captures[0] | .past_from_ns < .past_bulk_from_ns and .past_bulk_from_ns < .asked_ns' list)" = true ] || fail "$(cat list)"
kill -TERM $pid
wait $pid || fail "exit code $?"
pid=
[ "$(grep -c 'reason=size stream=bulk' log)" -ge 3 ] || { cat log >&2; fail "nothing was removed"; }
expect_no_match 'stream=security' log
hindcast verify cap >out || { cat out >&2; fail "not whole"; }
expect_match 'bulk-[0-9]+.hcs: its stream begins with number' out
expect_no_match 'index.db' out

told=$(value "SELECT sum(last_number - first_number + 1) FROM meta_filter WHERE of_stream = 'bulk' AND reason = 'retention'")
first=$(ls cap/segments/*/*/bulk-* | head -1 | sed -E 's/.*bulk-0*([0-9]+).hcs/\1/')
[ "$told" = $((first - 1)) ] || fail "$((first - 1)) segments are gone, rows tell of $told"
[ "$(value "SELECT count(*) FROM meta_filter WHERE expression LIKE 'of bulk before this%'")" -ge 1 ] || fail "no segment says how far back bulk goes"
hindcast info cap >out
expect_match "bulk .* segments?, from .* UTC on; $((first - 1)) more are not here" out
# a rule about what is gone is not called clean
cat >rule.yaml <<-'EOC'
	- rule: a read of nothing
	  desc: d
	  condition: evt.type = read and fd.name = /nowhere
	  output: o
	  priority: INFO
EOC
hindcast replay -p rule.yaml cap >out 2>&1 || :
expect_match 'not kept that long' out

# what rows say of captures stays as long as these do: one that has ended while no recorder looked after it, one that is deleted
begin() {
	hindcast recorder --config /dev/null --control "$sock" -d kept -p full --segment-size 16KiB --segment-time 1s --retain-size 400KiB 2>>log3 &
	pid=$!
	answers "$sock" log3
}
ask() { hindcast capture "$@" --control "$sock"; }
ends() {
	kill -TERM $pid
	wait $pid || fail "exit code $?"
	pid=
}
begin
ask start long >/dev/null
ask start short --for 1s >/dev/null
ask start gone >/dev/null
until=$(ask list --json | jq '.captures[] | select(.name == "short") | .until_ns')
rests 0.3
ask stop long >/dev/null
ends
rests 2
hindcast record -q -o kept -p full --for 2s # somebody records, and knows nothing of captures
begin
ask delete gone
for _ in $(seq 300); do
	dd if=/dev/zero of=/dev/null bs=1 count=3000 2>/dev/null
	[ "$(grep -c 'reason=size stream=security' log3)" -ge 5 ] && break
	sleep 0.1
done
ends
begin
[ "$(ask list --json | jq -c '[.captures[] | [.name, .state]]')" = '[["long","ended"],["short","ended"]]' ] || { ask list >&2; fail "what became of captures is forgotten"; }
[ "$(ask list --json | jq ".captures[] | select(.name == \"short\") | .until_ns == $until")" = true ] || { ask list >&2; fail "it has another end than before"; }
ends
hindcast info kept >out
expect_match '^captures +2: long \(ended\), short \(ended\)' out
echo ok
