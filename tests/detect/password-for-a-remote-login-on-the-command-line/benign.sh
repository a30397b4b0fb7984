#!/bin/bash
# The password comes from somewhere else.
. "$(dirname "$0")/../lib.sh"

stub sshpass
./sshpass -e ssh root@127.0.0.1
./sshpass -f /run/password ssh root@127.0.0.1
