#!/bin/bash
# Who opened the file is not the tool; a program that does nothing stands in for it.
. "$(dirname "$0")/../lib.sh"

stub nc
./nc 127.0.0.1 9 </etc/passwd
