#!/bin/bash
# By programs that do nothing.
. "$(dirname "$0")/../lib.sh"

stub nmap
./nmap -sS 127.0.0.1
stub nc
./nc -zv 127.0.0.1 1-1000
