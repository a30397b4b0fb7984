#!/bin/bash
# Reading the tables, and writing beside them.
. "$(dirname "$0")/../lib.sh"

own --mount
cat /etc/crontab >/dev/null 2>&1 || true
cover /etc
echo "nothing" >/etc/crontab.notes
