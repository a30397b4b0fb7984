#!/bin/bash
# A file among the system's programs, in a directory of the test's own.
. "$(dirname "$0")/../lib.sh"

own --mount
echo "nothing" >tool
mv=$(command -v mv)
cover /usr/sbin
: >/usr/sbin/tool
"$mv" tool /usr/sbin/tool2
