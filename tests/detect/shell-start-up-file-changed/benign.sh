#!/bin/bash
# It is read, and another hidden file is written.
. "$(dirname "$0")/../lib.sh"

mkdir -p home
[ ! -e home/.bashrc ] || . home/.bashrc
echo "set nocompatible" >home/.vimrc
