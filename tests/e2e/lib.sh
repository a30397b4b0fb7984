# Sourced by end-to-end tests: . "$HC_SOURCE_DIR/tests/e2e/lib.sh"
set -euo pipefail

fail() {
	echo "FAIL: $*" >&2
	[ -z "${HC_FAILED:-}" ] || echo "FAIL: $*" >>"$HC_FAILED" # run tells it where standard error is that of a command that was tested
	exit 1
}
skip() { echo "skipped: $*"; exit 77; }

# The rest of the script needs the recorder.
need_live() {
	local reason
	reason=$("$HC_SOURCE_DIR/tests/e2e/can_record") || skip "$reason"
}

# The interpreter itself: what finds it may be a script that looks for it first.
real_python() { python3 -c 'import sys; print(sys.executable)'; }

need_command() { command -v "$1" >/dev/null || skip "no $1 here"; }

# expect_exit CODE COMMAND...: runs it and fails on any other exit code. Its output stays as it is.
expect_exit() {
	local want=$1 code=0
	shift
	"$@" || code=$?
	[ "$code" = "$want" ] && return
	[ ! -f /dev/stderr ] || set -- "$@" "($(tail -n 5 /dev/stderr))"
	fail "exit code $code instead of $want: $*"
}

# expect_match REGEX FILE
expect_match() { grep -qE -- "$1" "$2" || { cat "$2" >&2; fail "no line matches: $1"; }; }
expect_no_match() { ! grep -qE -- "$1" "$2" || { cat "$2" >&2; fail "a line matches: $1"; }; }

# How many times longer than usual things may take: an emulated machine says so.
slow=${HC_SLOW:-1}
# within SECONDS COMMAND...: until the command succeeds, so long at most (in what eval is given, $1 is not the caller's)
within() {
	local tries=$(($1 * 10 * slow))
	shift
	while ! "$@"; do
		[ $((tries -= 1)) -gt 0 ] || return 1
		sleep 0.1
	done
}
# rests SECONDS: sleeps for what others need to get on
rests() { for _ in $(seq "$slow"); do sleep "$1"; done; }
# waits REGEX FILE: until a line of a file that is being written matches; 30 s.
waits() {
	within 30 grep -qsE -- "$1" "$2" && return
	cat "$2" >&2
	fail "no line came: $1"
}
# answers SOCKET LOG: until the recorder that writes LOG is asked and answers; 30 s.
answers() {
	local socket=$1
	within 30 eval 'hindcast capture list --control "$socket" >/dev/null 2>&1' && return
	cat "$2" >&2
	fail "the recorder does not answer"
}
