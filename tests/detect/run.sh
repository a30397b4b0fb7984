#!/bin/bash
# Detection tests: `hindcast test` over this directory, where this machine lets us; options are passed on.
#
#   tests/detect/run.sh [OPTION...]      $HINDCAST: the binary, else build/release/hindcast
#
# Exit code: 0 passed, 1 failed (a test that was skipped has failed), 77 cannot be run here.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

skip() {
	echo "skipped: NO DETECTION RULE WAS TESTED: $1"
	exit 77
}
reason=$("$here/../e2e/can_record") || skip "recording does not work here: $reason"
unshare --mount true 2>/dev/null || skip "no mount namespaces here"
command -v cc >/dev/null || skip "no C compiler"
exec "${HINDCAST:-$here/../../build/release/hindcast}" test --require-record "$@" "$here"
