#!/bin/bash
# The hidden command is a colon.
. "$(dirname "$0")/../lib.sh"

bash -c "echo Ogo= | base64 -d | sh"
