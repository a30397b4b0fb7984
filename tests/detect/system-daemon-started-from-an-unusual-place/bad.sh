#!/bin/bash
# A program named sshd, from the scratch directory.
. "$(dirname "$0")/../lib.sh"

stub sshd
./sshd
