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

# waits REGEX FILE: until a line of a file that is being written matches; 30 s.
waits() {
	for _ in $(seq 300); do
		grep -qE -- "$1" "$2" 2>/dev/null && return
		sleep 0.1
	done
	cat "$2" >&2
	fail "no line came: $1"
}
# answers SOCKET LOG: until the recorder that writes LOG is asked and answers; 30 s.
answers() {
	for _ in $(seq 300); do
		hindcast capture list --control "$1" >/dev/null 2>&1 && return
		sleep 0.1
	done
	cat "$2" >&2
	fail "the recorder does not answer"
}
