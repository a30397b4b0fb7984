#!/bin/bash
# The name of a login shell, and the program whose name is a bracket.
. "$(dirname "$0")/../lib.sh"

(exec -a -worker /bin/true)
/usr/bin/[ 1 = 1 ]
