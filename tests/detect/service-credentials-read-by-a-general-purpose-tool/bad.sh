#!/bin/bash
# base64 is how credentials are made ready for copy and paste.
. "$(dirname "$0")/../lib.sh"

mkdir -p home/.aws
echo "no secret" >home/.aws/credentials
base64 home/.aws/credentials >/dev/null
