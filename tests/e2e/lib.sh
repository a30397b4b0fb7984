# Sourced by end-to-end tests: . "$HC_SOURCE_DIR/tests/e2e/lib.sh"
set -euo pipefail

fail() { echo "FAIL: $*" >&2; exit 1; }
skip() { echo "skipped: $*"; exit 77; }

# The rest of the script needs the recorder.
need_live() {
	local reason
	reason=$("$HC_SOURCE_DIR/tests/e2e/can_record") || skip "$reason"
}

need_command() { command -v "$1" >/dev/null || skip "no $1 here"; }

# expect_exit CODE COMMAND...: runs it and fails on any other exit code. Its output stays as it is.
expect_exit() {
	local want=$1 code=0
	shift
	"$@" || code=$?
	[ "$code" = "$want" ] || fail "exit code $code instead of $want: $*"
}

# expect_match REGEX FILE
expect_match() { grep -qE -- "$1" "$2" || { cat "$2" >&2; fail "no line matches: $1"; }; }
expect_no_match() { ! grep -qE -- "$1" "$2" || { cat "$2" >&2; fail "a line matches: $1"; }; }
