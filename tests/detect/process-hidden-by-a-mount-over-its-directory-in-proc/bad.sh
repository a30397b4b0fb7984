#!/bin/bash
# The test hides itself, in a mount namespace of its own.
. "$(dirname "$0")/../lib.sh"

own --mount
mkdir -p empty
"$ACT" do:bindmount "$S/empty" /proc/$$
