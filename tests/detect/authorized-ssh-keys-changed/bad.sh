#!/bin/bash
# A key is added, and a prepared file is moved into place.
. "$(dirname "$0")/../lib.sh"

mkdir -p home/.ssh
echo "no key" >>home/.ssh/authorized_keys
echo "no key" >keys
mv keys home/.ssh/authorized_keys2
