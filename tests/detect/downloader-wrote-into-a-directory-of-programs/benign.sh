#!/bin/bash
# curl downloads to where one is.
. "$(dirname "$0")/../lib.sh"

stub curl
./curl do:write "$S/tool.tar.gz"
