#!/bin/bash
# Not a scan.
. "$(dirname "$0")/../lib.sh"

stub nc
./nc -v 127.0.0.1 9
