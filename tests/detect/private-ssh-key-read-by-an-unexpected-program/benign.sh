#!/bin/bash
# What is not secret may be read: public keys, known hosts.
. "$(dirname "$0")/../lib.sh"

mkdir -p home/.ssh
echo "no key" >home/.ssh/id_ed25519.pub
echo "no host" >home/.ssh/known_hosts
cat home/.ssh/id_ed25519.pub home/.ssh/known_hosts >/dev/null
