#!/bin/bash
# Ordinary mounts.
. "$(dirname "$0")/../lib.sh"

own --mount
mkdir -p disk copy
mount -t tmpfs none disk
mount --bind disk copy
