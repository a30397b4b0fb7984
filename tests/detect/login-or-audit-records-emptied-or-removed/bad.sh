#!/bin/bash
# One is cut to nothing, one deleted, one truncated; in a /var/log of the test's own.
. "$(dirname "$0")/../lib.sh"

own --mount
cover /var/log
echo "a login" >>/var/log/auth.log
: >/var/log/wtmp
rm /var/log/auth.log
truncate -s 0 /var/log/btmp
