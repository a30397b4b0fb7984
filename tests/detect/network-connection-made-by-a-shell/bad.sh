#!/bin/bash
# bash connects by itself, to this machine.
. "$(dirname "$0")/../lib.sh"

"$ACT" do:serve 127.0.0.1 bash -c 'exec 3<>/dev/tcp/127.0.0.1/$PORT'
