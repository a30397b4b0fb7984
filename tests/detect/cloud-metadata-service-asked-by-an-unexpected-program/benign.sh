#!/bin/bash
# An agent asks the metadata address; curl asks another.
. "$(dirname "$0")/../lib.sh"

own --mount --net
"$ACT" do:loopback 169.254.169.254
stub cloud-agent
"$ACT" do:serve 169.254.169.254 ./cloud-agent do:connect 169.254.169.254
"$ACT" do:loopback 192.0.2.1
stub curl
"$ACT" do:serve 192.0.2.1 ./curl do:connect 192.0.2.1
