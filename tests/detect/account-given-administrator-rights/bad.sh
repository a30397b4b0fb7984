#!/bin/bash
# Into a group that amounts to root, and under number 0.
. "$(dirname "$0")/../lib.sh"

stub usermod
./usermod -aG sudo nobody
./usermod -o -u 0 nobody
