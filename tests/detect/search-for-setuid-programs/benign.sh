#!/bin/bash
# Searches for other permissions.
. "$(dirname "$0")/../lib.sh"

find . -perm 0644 >/dev/null
find . -perm -u=w >/dev/null
