#!/bin/bash
# Ordinary searches.
. "$(dirname "$0")/../lib.sh"

mkdir -p files
grep -r "connection refused" files || true
find files -name "*.conf"
