#!/bin/bash
# The same questions from elsewhere.
. "$(dirname "$0")/../lib.sh"

id >/dev/null
uname -a >/dev/null
server nginx
./nginx -c "date; true" >/dev/null
