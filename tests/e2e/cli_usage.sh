# Usage errors name the one thing that is wrong, on standard error, and exit 2; output is data only.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
exec 2>&1
run() {
	local code=0
	echo "\$ hindcast $*"
	hindcast "$@" || code=$?
	[ $code = 0 ] || echo "exit $code"
}

run nonsense
run version --nope
run version extra
run help nonsense
run completion tcsh
run completion
[ "$(hindcast --version)" = "$(hindcast version)" ] || fail "--version and version differ"
[ "$(hindcast --help)" = "$(hindcast help)" ] || fail "--help and help differ"
[ "$(hindcast version --help)" = "$(hindcast help version)" ] || fail "version --help and help version differ"
hindcast 2>usage >out && fail "no command: exit 0"
[ ! -s out ] || fail "usage is not data"
expect_match '^usage: hindcast COMMAND' usage
