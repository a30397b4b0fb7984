#!/bin/bash
# Decoding without running.
. "$(dirname "$0")/../lib.sh"

bash -c "echo Ogo= | base64 -d | cat" >out
