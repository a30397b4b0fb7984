#!/bin/bash
# A release_agent, in a directory that only looks like a control group; and, where the kernel lets us, the real core_pattern,
# to which nothing is written.
. "$(dirname "$0")/../lib.sh"

mkdir -p cgroup
: >cgroup/release_agent
"$ACT" do:touch /proc/sys/kernel/core_pattern 2>/dev/null || true
