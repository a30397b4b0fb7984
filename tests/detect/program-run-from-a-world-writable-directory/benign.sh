#!/bin/bash
# Programs read and write data there.
. "$(dirname "$0")/../lib.sh"

own --mount
cover /tmp
stub x /tmp
sort /tmp/x >/tmp/sorted
rm /tmp/x
