#!/bin/bash
# A file is deleted, and zeros are written to one.
. "$(dirname "$0")/../lib.sh"

echo "nothing" >file
rm file
dd if=/dev/zero of=image bs=512 count=1 status=none
