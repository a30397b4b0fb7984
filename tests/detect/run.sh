#!/bin/bash
# Detection tests: records while every bad.sh runs, and once more while every benign.sh runs, and replays the pack over both.
# Each rule must fire for its own bad.sh, no rule may fire for any benign.sh, none may be unanswerable.
#
#   tests/detect/run.sh [--keep DIR] [CASE...]      $HINDCAST: the binary, else build/release/hindcast
#
# Exit code: 0 passed, 1 failed, 77 cannot be run here.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
hindcast=$(realpath "${HINDCAST:-$root/build/release/hindcast}")
keep=
[ "${1:-}" = --keep ] && { keep=$(realpath -m "$2"); shift 2; }

skip() {
	echo "skipped: NO DETECTION RULE WAS TESTED: $1"
	exit 77
}
reason=$("$root/tests/e2e/can_record") || skip "recording does not work here: $reason"
unshare --mount true 2>/dev/null || skip "no mount namespaces here"
command -v cc >/dev/null || skip "no C compiler"
[ -x "$hindcast" ] || { echo "$hindcast: not built" >&2; exit 1; }

# Not below /tmp when it can be helped: some tests have a /tmp of their own, and should still find themselves.
if [ -n "$keep" ]; then
	dir=$keep
	rm -rf "$dir"/{bad,benign}*
	mkdir -p "$dir"
else
	dir=$(mktemp -d /var/tmp/hindcast-detect.XXXXXX)
	trap 'rm -rf "$dir"' EXIT
fi

# Each rule also prints the command lines of the ancestors: they tell which script provoked it.
python3 "$here/verdict.py" attribute "$root/policies/falco" >"$dir/attribute.yaml"

# Fires though other rules stand before it; and does not, not even behind another.
declare -A matching=([bad]=first [benign]=all)
for kind in bad benign; do
	"$hindcast" record -o "$dir/$kind" --profile security -- "$here/driver" "$kind" "$dir/$kind.cases" "$@" \
		>"$dir/$kind.record" 2>&1 || { cat "$dir/$kind.record" >&2; echo "hindcast record failed" >&2; exit 1; }
	code=0
	"$hindcast" replay -p "$root/policies/falco" -p "$dir/attribute.yaml" --format json --matching "${matching[$kind]}" "$dir/$kind" \
		>"$dir/$kind.alerts" 2>"$dir/$kind.errors" || code=$?
	echo "$code" >"$dir/$kind.code"
	[ "$code" -le 1 ] || { cat "$dir/$kind.errors" >&2; echo "hindcast replay ended with exit code $code" >&2; exit 1; }
done
python3 "$here/verdict.py" judge "$root/policies/falco" "$dir" "$@"
