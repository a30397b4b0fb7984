#!/bin/bash
# The client reads its own credentials, and anybody the harmless part of its configuration.
. "$(dirname "$0")/../lib.sh"

mkdir -p home/.aws
echo "no secret" | tee home/.aws/credentials home/.aws/config >/dev/null
stub aws
./aws do:read home/.aws/credentials
cat home/.aws/config >/dev/null
