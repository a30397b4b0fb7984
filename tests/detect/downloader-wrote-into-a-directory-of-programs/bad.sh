#!/bin/bash
# curl, a stand-in, writes there itself; in a directory of the test's own.
. "$(dirname "$0")/../lib.sh"

own --mount
cover /usr/local/bin
stub curl
./curl do:write /usr/local/bin/tool
