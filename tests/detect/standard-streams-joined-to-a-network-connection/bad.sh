#!/bin/bash
# true with a connection for its standard streams.
. "$(dirname "$0")/../lib.sh"

"$ACT" do:stdio /bin/true
