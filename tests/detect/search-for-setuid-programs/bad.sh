#!/bin/bash
# Both notations.
. "$(dirname "$0")/../lib.sh"

find . -perm -4000
find . -perm -u=s
