#!/bin/bash
# The same copy, not run.
. "$(dirname "$0")/../lib.sh"

"$ACT" do:memfd /bin/true --no-exec
