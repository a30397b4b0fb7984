#!/bin/bash
# socat, a stand-in, listens to everybody in a network of the test's own.
. "$(dirname "$0")/../lib.sh"

own --mount --net
"$ACT" do:loopback
stub socat
./socat do:listen 0.0.0.0
