#!/bin/bash
# nginx is asked who it is.
. "$(dirname "$0")/../lib.sh"

server nginx
./nginx -c "id; uname -a; true" >/dev/null
