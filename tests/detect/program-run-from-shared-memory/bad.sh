#!/bin/bash
# In a /dev/shm of the test's own.
. "$(dirname "$0")/../lib.sh"

own --mount
cover /dev/shm
stub x /dev/shm
/dev/shm/x
echo : >/dev/shm/script
bash /dev/shm/script
