#!/bin/bash
# Times of an own file, as builds do.
. "$(dirname "$0")/../lib.sh"

: >a
touch b
touch -r a b
touch -d "1 hour ago" b
