#!/bin/bash
# Own software goes to /usr/local.
. "$(dirname "$0")/../lib.sh"

own --mount
cover /usr/local/bin
: >/usr/local/bin/tool
cat /usr/bin/env >/dev/null
