#!/bin/bash
# Appended to, and replaced by a newer one, as shells do.
. "$(dirname "$0")/../lib.sh"

mkdir -p home
echo "ls" >>home/.bash_history
echo "ls" >home/.bash_history-00001.tmp
mv home/.bash_history-00001.tmp home/.bash_history
cat home/.bash_history >/dev/null
