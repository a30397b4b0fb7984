#!/bin/bash
# To an address that is not the loopback range, in a network of the test's own.
. "$(dirname "$0")/../lib.sh"

own --mount --net
cover /tmp
"$ACT" do:loopback 192.0.2.1
stub x /tmp
"$ACT" do:serve 192.0.2.1 /tmp/x do:connect 192.0.2.1
