#!/bin/bash
# One byte of them.
. "$(dirname "$0")/../lib.sh"

head -c 1 /proc/kallsyms >/dev/null
