#!/bin/bash
# A file of the test's own is shredded.
. "$(dirname "$0")/../lib.sh"

echo "nothing" >file
shred -u file
