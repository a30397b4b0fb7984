#!/bin/bash
# A shell asks the metadata address, in a network where this machine is that address.
. "$(dirname "$0")/../lib.sh"

own --mount --net
"$ACT" do:loopback 169.254.169.254
"$ACT" do:serve 169.254.169.254 bash -c 'exec 3<>/dev/tcp/169.254.169.254/$PORT'
