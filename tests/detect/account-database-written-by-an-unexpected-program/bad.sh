#!/bin/bash
# A line is added by hand, and by a program that only calls itself useradd; in an /etc of the test's own.
. "$(dirname "$0")/../lib.sh"

own --mount
cover /etc
echo "toor:x:0:0::/:/bin/sh" >>/etc/passwd
stub useradd
./useradd do:write /etc/group
