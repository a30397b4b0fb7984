#!/bin/bash
# A file that everybody may have.
. "$(dirname "$0")/../lib.sh"

stub nc
./nc 127.0.0.1 9 </etc/os-release
