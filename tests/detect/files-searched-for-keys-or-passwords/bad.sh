#!/bin/bash
# One search by content, one by name.
. "$(dirname "$0")/../lib.sh"

mkdir -p files
grep -r "BEGIN RSA PRIVATE KEY" files || true
find files -name "id_rsa*"
