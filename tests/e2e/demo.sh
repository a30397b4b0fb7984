# make demo's script shows the whole path: recording, alerts of the rules, answers of SQL. Without the recorder, from what is shipped.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
DEMO_SECONDS=7 DEMO_DIR=$PWD/demo "$HC_SOURCE_DIR/tests/demo/run" "$HINDCAST" >out 2>err || { cat out err >&2; fail "the demo failed"; }
expect_match '/etc/shadow' out
expect_match 'nginx hole.sh' out
expect_match '127\.0\.0\.1' out
for rule in 'Password hashes read' 'Shell attached to a network connection' 'Scheduled job written'; do
	expect_match "$rule" out
done
expect_match 'What to try next' out

# The same from the shipped capture: every machine, root or not.
DEMO_SHIPPED=1 DEMO_DIR=$PWD/shipped "$HC_SOURCE_DIR/tests/demo/run" "$HINDCAST" >out 2>err || { cat out err >&2; fail "the shipped demo failed"; }
expect_match 'nginx hole.sh' out
expect_match 'Password hashes read' out
