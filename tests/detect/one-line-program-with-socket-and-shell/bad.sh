#!/bin/bash
# The words of a reverse shell; the program does nothing.
. "$(dirname "$0")/../lib.sh"

perl -e 'exit 0; use Socket; connect(S, 0); exec("/bin/sh -i")'
