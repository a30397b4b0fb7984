#!/bin/bash
# In a hidden directory, in a /tmp of the test's own.
. "$(dirname "$0")/../lib.sh"

own --mount
cover /tmp
mkdir /tmp/.cache-x
stub run /tmp/.cache-x
/tmp/.cache-x/run
