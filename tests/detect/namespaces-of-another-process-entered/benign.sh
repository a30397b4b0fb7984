#!/bin/bash
# It makes new ones instead.
. "$(dirname "$0")/../lib.sh"

unshare --uts true
