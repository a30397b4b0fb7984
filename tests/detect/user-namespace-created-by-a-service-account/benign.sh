#!/bin/bash
# root may.
. "$(dirname "$0")/../lib.sh"

"$ACT" do:userns
