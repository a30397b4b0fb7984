#!/bin/bash
# Reading it, and writing what names no program.
. "$(dirname "$0")/../lib.sh"

cat /proc/sys/kernel/core_pattern >/dev/null
mkdir -p cgroup
: >cgroup/notify_on_release
