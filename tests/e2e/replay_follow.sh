# Following a capture while it is recorded: alerts come soon, and are those of a replay afterwards; and how it ends.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live

mark=hc-follow-$$ # nobody else's
cat >rules.yaml <<EOF
- rule: Touched a marker
  desc: a marker file was opened for writing
  condition: evt.type in (open, openat, creat) and evt.is_open_write = true and fd.name contains $mark
  output: marker touched by %proc.name (%fd.name)
  priority: WARNING
EOF

wait_file() { within 30 compgen -G "$1" >/dev/null || fail "there is no $1"; }
# wait_follows PID: until it has the lock that a follower holds
follows() {
	for fd in "/proc/$1/fd/"*; do
		[[ $(readlink "$fd") != */segments ]] || return 0
	done
	return 1
}
wait_follows() { within 30 follows "$1" || fail "process $1 does not follow"; }

# as soon as there is a directory, whether there is a block in it or not
hindcast record -q -o cap >/dev/null &
recorder=$!
wait_file cap
hindcast replay -p rules.yaml --follow cap >out 2>summary &
follower=$!
hindcast events --follow cap -f "fd.name contains $mark and evt.is_open_write = true" -o '%fd.name' -n 2 >events &
lister=$!
wait_file 'cap/segments/*/*/security-00000001.hcs'
: >$mark-1
began=$SECONDS
waits "$mark-1" out
[ $((SECONDS - began)) -lt 15 ] || fail "the alert took $((SECONDS - began)) s"
: >$mark-2
waits "$mark-2" out
expect_exit 0 wait $lister
[ "$(wc -l <events)" = 2 ] || fail "$(cat events)"

# told to end, it prints the summary; so does one that sees nothing of what was before
hindcast replay -p rules.yaml --format json --follow --since now cap >late &
late=$!
wait_follows $late
: >$mark-3
waits "$mark-3" late
kill -TERM $late
expect_exit 0 wait $late
[ "$(wc -l <late)" = 2 ] || fail "$(cat late)"
expect_match '"kind":"summary".*"alerts":1,' late

# a reader that has had enough is no error, whatever is found after it has gone
: >$mark-x1 && : >$mark-x2
{ hindcast replay -q -p rules.yaml --follow cap 2>err || echo $? >code; } | head -1 >first &
for i in 1 2 3; do sleep 1 && : >$mark-y$i; done
expect_exit 0 wait $!
[ ! -e code ] && [ ! -s err ] || fail "$(cat code err)"
expect_exit 4 hindcast replay -q -p rules.yaml --follow cap 2>err >/dev/full
expect_match 'cannot write to standard output: No space left on device' err

# the recorder's end is that of the follower
kill -INT $recorder
expect_exit 0 wait $recorder
expect_exit 0 wait $follower
expect_exit 0 hindcast replay -p rules.yaml cap >whole
[ "$(wc -l <whole)" = 8 ] || fail "$(cat whole)"
cmp out whole
expect_match '^8 alerts from 1 of 1 rules' summary

# nobody writes it: all of it, and the end
expect_exit 0 hindcast replay -p rules.yaml --follow cap >again 2>/dev/null
cmp again whole
expect_exit 0 hindcast replay -p rules.yaml --follow --threads 1 --profile-rules --until now cap >again 2>costs
cmp again whole
expect_match 'candidates' costs

# a recorder that is killed ends it as well, with what was on disk
hindcast record -q -o cap >/dev/null 2>&1 &
recorder=$!
disown
wait_file 'cap/segments/*/*/security-00000002.hcs'
hindcast replay -p rules.yaml --follow cap >out 2>summary &
follower=$!
wait_follows $follower
: >$mark-4
waits "$mark-4" out
kill -9 $recorder
code=0
wait $follower || code=$?
[ $code = 0 ] || [ $code = 3 ] || fail "exit code $code" # 3: killed within a block
[ "$(wc -l <out)" = 9 ] || fail "$(cat out)"

# what cannot grow
hindcast export cap --bundle -o cap.hcb >/dev/null 2>&1
expect_exit 2 hindcast replay -p rules.yaml --follow cap.hcb 2>err
expect_match 'is a bundle: only the directory of a capture can be followed' err
expect_exit 2 hindcast replay -p rules.yaml --follow "$(echo cap/segments/*/*/security-00000001.hcs)" 2>err
expect_match 'is a single segment' err
expect_exit 2 hindcast replay -p rules.yaml --follow cap cap 2>err
expect_match 'one capture at a time' err
