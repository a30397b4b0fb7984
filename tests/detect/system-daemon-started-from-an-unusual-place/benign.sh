#!/bin/bash
# A program with a name of its own.
. "$(dirname "$0")/../lib.sh"

stub sshd-report
./sshd-report
