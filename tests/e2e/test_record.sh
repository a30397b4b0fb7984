# hindcast test that records: alerts belong to the scripts whose processes caused them, daemons included; scripts that fail, hang or
# leave something running; setup, environment, a mount namespace; and a machine that cannot record.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
mkdir tmp
export TMPDIR=$PWD/tmp # others test, too: what is left there is this one's

cat >rules.yaml <<'END'
- rule: marked
  desc: d
  condition: evt.type = execve and evt.rawres = 0 and proc.cmdline startswith "echo mark"
  output: "%proc.cmdline"
  priority: NOTICE
END

# Without rights nothing fails, and it is said why; unless it is required.
printf 'policies: rules.yaml\nrecord: { run: "true" }\ncases: [{ name: a, expect: none }]\n' >skipped.yaml
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 .. .
	without=(setpriv --bounding-set=-all --inh-caps=-all --reuid=65534 --clear-groups)
	if "${without[@]}" test -x "$HINDCAST" && "${without[@]}" test -r rules.yaml; then
		TMPDIR=/tmp expect_exit 0 "${without[@]}" "$HINDCAST" test skipped.yaml >out
		expect_match '^  skipped a: cannot record here: ' out
		expect_match '^1 case: 0 passed, 1 skipped' out
		TMPDIR=/tmp expect_exit 1 "${without[@]}" "$HINDCAST" test --require-record skipped.yaml >out
		expect_match 'it was not run: cannot record here' out
	fi
fi

need_live
cat >good.yaml <<'END'
policies: rules.yaml
record:
  env: { WORD: mark-env }
  setup: { run: 'echo shared >"$HINDCAST_SHARED/made"' }
cases:
  - name: its own
    run: /bin/echo mark-one
    expect: [{ rule: marked, count: 1, fields: { proc.cmdline: echo mark-one, proc.pname: { not: echo } } }]
  - name: nothing
    run: /bin/echo another
    expect: none
  - name: a daemon
    run: |
      setsid sh -c '(sleep 0.3; /bin/echo mark-daemon; : >done) & exit' &
      until [ -e done ]; do sleep 0.1; done
    expect: [{ rule: marked, count: 1, output: mark-daemon }]
  - name: environment, arguments and setup
    run: |
      [ "$1" = "$HINDCAST_SCRATCH" ] && [ "$(pwd -P)" = "$(realpath "$1")" ] && [ -z "$(ls -A)" ] || exit 1
      [ "$(cat "$HINDCAST_SHARED/made")" = shared ] && [ -f "$HINDCAST_TEST_DIR/good.yaml" ] || exit 2
      /bin/echo $WORD
    expect: [{ rule: marked, count: 1, output: echo mark-env }]
  - name: a file
    script: script.sh
    interpreter: [sh, -e]
    status: 3
    expect: [{ rule: marked, output: echo mark-file }]
  - name: a command
    command: [/bin/echo, mark-command, a b]
    expect: [{ rule: marked, output: echo mark-command a b }]
END
printf '/bin/echo mark-file\nexit 3\n' >script.sh
sed -i "s/output: mark-daemon/output: echo mark-daemon/" good.yaml
hindcast test good.yaml >out || { cat out; fail "good.yaml did not pass"; }
expect_match '^6 cases: 6 passed' out
# Only the chosen script is run; its capture and what it printed are kept.
hindcast test -f 'its own' --keep kept good.yaml >out || { cat out; fail "a single case did not pass"; }
expect_match '^1 case: 1 passed' out
grep -qx 'mark-one' kept/*/1.log || fail "what the script printed was not kept"
hindcast verify kept/*/capture >/dev/null || fail "the kept capture is not whole"

sleeps=1234.$$
cat >bad.yaml <<END
policies: rules.yaml
record: { timeout: 20s }
cases:
  - { name: status, run: 'echo why; exit 4', expect: none }
  - { name: signal, run: 'kill -9 \$\$', expect: none }
  - { name: hangs, run: 'echo before; sleep 100', timeout: 300ms, expect: none }
  - { name: missing, run: ':', expect: [marked] }
  - { name: false alarm, run: /bin/echo mark, expect: none }
  - { name: others, run: ':', expect: none }
  - { name: anybody, run: ':', alerts: machine, expect: [marked] }
  - { name: leaves something, run: 'sleep $sleeps & setsid sleep $sleeps & exit 0', expect: none }
  - { name: not there, command: [no-such-program], expect: none }
  - { name: kills its keeper, run: 'setsid sleep $sleeps & kill -9 \$PPID; sleep $sleeps', expect: none }
  - { name: ends its keeper, run: 'kill \$PPID; sleep $sleeps', expect: none }
  - { name: after that, run: /bin/echo mark, expect: [marked] }
END
expect_exit 1 hindcast test bad.yaml >out
expect_match '^12 cases: 4 passed, 8 failed' out
[ "$(grep -c 'the process that looks after the script was killed' out)" = 2 ] || fail "$(cat out)"
for name in others anybody leaves; do expect_match "^  ok      $name" out; done
expect_match 'the script ended with status 4 instead of 0' out
expect_match '^            why$' out
expect_match 'killed by signal 9' out
expect_match 'its time was up' out
expect_match "expected 'marked' at least once, got 0" out
expect_match "unexpected: 'marked'" out
expect_match "cannot run 'no-such-program'" out
! pgrep -fx "sleep $sleeps" >/dev/null || fail "what a script left running runs still"

# Nor does anything run on when the command itself is killed.
printf 'policies: rules.yaml\ncases: [{ name: a, expect: none }]\nrecord: { run: "trap : TERM; setsid sleep %s & sleep %s" }\n' \
	$sleeps $sleeps >killed.yaml
hindcast test killed.yaml >out 2>&1 &
command=$!
disown
within 30 pgrep -fx "sleep $sleeps" >/dev/null || fail "the script does not run"
kill -9 $command
none_sleeps() { ! pgrep -fx "sleep $sleeps" >/dev/null; }
within 10 none_sleeps || fail "a script outlives the command"
rm -rf tmp/hindcast-test.* # nobody was left to do that

# A setup that fails is a fault of the test file.
printf 'policies: rules.yaml\nrecord: { run: ":", setup: { run: "echo no; exit 1" } }\ncases: [{ name: a, expect: none }]\n' >setup.yaml
expect_exit 2 hindcast test setup.yaml >out 2>err
expect_match 'the setup failed' err
expect_match '^no$' err

# A mount namespace of the scripts' own: what is mounted there is gone afterwards.
if unshare --mount true 2>/dev/null; then
	printf 'policies: rules.yaml\nrecord: { private: true }\ncases: [{ name: a, run: "mount -t tmpfs none . && echo x >file", expect: none }]\n' >private.yaml
	hindcast test private.yaml >out || { cat out; fail "private.yaml did not pass"; }
	expect_no_match "^[^ ]+ $PWD" /proc/self/mounts
fi
[ -z "$(ls tmp)" ] || fail "left behind: $(ls tmp)"
