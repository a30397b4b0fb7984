#!/bin/bash
# Cut to nothing, deleted, and linked to nowhere.
. "$(dirname "$0")/../lib.sh"

mkdir -p home
: >home/.bash_history
rm home/.bash_history
ln -s /dev/null home/.bash_history
ln -sf /dev/null home/.bash_history
