#!/bin/bash
# socat listens to this machine only; a server listens to everybody.
. "$(dirname "$0")/../lib.sh"

own --mount --net
"$ACT" do:loopback
stub socat
./socat do:listen 127.0.0.1
stub some-server
./some-server do:listen 0.0.0.0
