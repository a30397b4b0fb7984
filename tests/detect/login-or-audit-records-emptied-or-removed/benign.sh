#!/bin/bash
# Records are appended to; an application empties its own log.
. "$(dirname "$0")/../lib.sh"

own --mount
cover /var/log
echo "a login" >>/var/log/auth.log
: >/var/log/application.log
rm /var/log/application.log
