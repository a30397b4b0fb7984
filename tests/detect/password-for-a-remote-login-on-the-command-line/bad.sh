#!/bin/bash
# By a program that does nothing.
. "$(dirname "$0")/../lib.sh"

stub sshpass
./sshpass -p secret ssh root@127.0.0.1
