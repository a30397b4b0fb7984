#!/bin/bash
# The same from elsewhere.
. "$(dirname "$0")/../lib.sh"

stub ssh
./ssh backup@127.0.0.1
