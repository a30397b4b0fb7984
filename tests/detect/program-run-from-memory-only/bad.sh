#!/bin/bash
# A copy of true, run from memory.
. "$(dirname "$0")/../lib.sh"

"$ACT" do:memfd /bin/true
