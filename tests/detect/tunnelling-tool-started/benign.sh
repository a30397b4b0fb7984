#!/bin/bash
# An ordinary login and a forwarding towards there.
. "$(dirname "$0")/../lib.sh"

stub ssh
./ssh somebody@127.0.0.1
./ssh -L 8080:127.0.0.1:80 somebody@127.0.0.1
