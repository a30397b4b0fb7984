#!/bin/bash
# The file is made, empty, in an /etc of the test's own.
. "$(dirname "$0")/../lib.sh"

own --mount
cover /etc
: >/etc/ld.so.preload
