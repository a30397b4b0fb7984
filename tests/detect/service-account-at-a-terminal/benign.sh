#!/bin/bash
# www-data's shell without one, and root's with one.
. "$(dirname "$0")/../lib.sh"

setsid -w setpriv --reuid=33 --regid=33 --clear-groups /bin/sh -c :
script -qec "/bin/sh -c :" /dev/null </dev/null >/dev/null
