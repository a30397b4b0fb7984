#!/bin/bash
# A datagram socket of bash, and a connection of something else.
. "$(dirname "$0")/../lib.sh"

bash -c "exec 3<>/dev/udp/127.0.0.1/9"
"$ACT" do:serve 127.0.0.1 "$ACT" do:connect 127.0.0.1
