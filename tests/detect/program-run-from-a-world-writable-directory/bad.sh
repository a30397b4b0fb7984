#!/bin/bash
# In a /tmp of the test's own.
. "$(dirname "$0")/../lib.sh"

own --mount
cover /tmp
stub x /tmp
/tmp/x
