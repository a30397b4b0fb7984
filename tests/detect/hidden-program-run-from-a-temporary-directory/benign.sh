#!/bin/bash
# A hidden program somewhere else, and a hidden file that is not run.
. "$(dirname "$0")/../lib.sh"

own --mount
cover /tmp
mkdir .tool
stub run "$S/.tool"
./.tool/run
: >/tmp/.X0-lock
