#!/bin/bash
# A file in the place of a disk, in a /dev of the test's own.
. "$(dirname "$0")/../lib.sh"

own --mount
cover /dev
echo "no disk" >/dev/sda
cat /dev/sda
