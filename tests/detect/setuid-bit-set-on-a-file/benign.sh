#!/bin/bash
# Other special bits, and ordinary ones.
. "$(dirname "$0")/../lib.sh"

mkdir -p shared
chmod g+s shared
chmod +t shared
stub tool
chmod 755 tool
