#!/bin/bash
# The same tools, connecting.
. "$(dirname "$0")/../lib.sh"

stub nc
./nc 127.0.0.1 9
stub socat
./socat - TCP:127.0.0.1:9
