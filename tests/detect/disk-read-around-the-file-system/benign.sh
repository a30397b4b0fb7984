#!/bin/bash
# What looks like a disk at first sight.
. "$(dirname "$0")/../lib.sh"

own --mount
head -c 16 /dev/zero >/dev/null
cover /dev
echo "notes" >/dev/sda-notes
cat /dev/sda-notes
