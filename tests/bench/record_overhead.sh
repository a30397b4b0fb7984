#!/bin/bash
# What a recorder costs those whom it watches: requests of nginx under wrk on both processors, and the time of a C build, with each
# profile, in turns with no recorder at all.
set -u
if [ "$(id -u)" != 0 ] || [ ! -r /sys/kernel/btf/vmlinux ]; then
	echo "SKIPPED: needs root and BTF"
	exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 711 "$work"
exec python3 "$HC_SOURCE_DIR/tests/bench/record_overhead.py" "$work"
