#!/bin/bash
# A job, in an /etc of the test's own.
. "$(dirname "$0")/../lib.sh"

own --mount
cover /etc
mkdir /etc/cron.d
echo "# * * * * * root true" >/etc/cron.d/job
