#!/bin/bash
# How long `hindcast capture start NAME --pre 10m` takes: the whole command, and the answer on the control socket alone; with hundreds
# of segments on disk, and with nothing to do or with both processors busy making events.
set -u
if [ "$(id -u)" != 0 ] || [ ! -r /sys/kernel/btf/vmlinux ]; then
	echo "SKIPPED: needs root and BTF"
	exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 "$HC_SOURCE_DIR/tests/bench/capture_start.py" "$work"
