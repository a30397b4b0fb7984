#!/bin/bash
# A rule, in an /etc of the test's own.
. "$(dirname "$0")/../lib.sh"

own --mount
cover /etc
mkdir /etc/sudoers.d
echo "# www-data ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/web
