#!/bin/bash
# Made to look as old as the installation.
. "$(dirname "$0")/../lib.sh"

: >tool
touch -r /bin/ls tool
