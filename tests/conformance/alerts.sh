#!/bin/bash
# Falco's alerts over scap captures, and ours over their imports, by `hindcast test`: tests/conformance/alerts/*.yaml. The corpus is
# ../shared/corpus from the repository, or HINDCAST_CORPUS; without it this exits 77.
here=$(cd "$(dirname "$0")" && pwd)
export HINDCAST_CORPUS=${HINDCAST_CORPUS:-$here/../../../shared/corpus}
if [ ! -e "$HINDCAST_CORPUS/scap/suspicious.scap" ]; then
	echo "SKIPPED: there is no corpus of scap captures at $HINDCAST_CORPUS (set HINDCAST_CORPUS)"
	exit 77
fi
exec "$HINDCAST" test "$@" "$here/alerts"
