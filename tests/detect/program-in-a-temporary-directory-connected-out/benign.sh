#!/bin/bash
# The same connection by a program elsewhere.
. "$(dirname "$0")/../lib.sh"

own --mount --net
"$ACT" do:loopback 192.0.2.1
"$ACT" do:serve 192.0.2.1 "$ACT" do:connect 192.0.2.1
