#!/bin/bash
# root asks for it.
. "$(dirname "$0")/../lib.sh"

"$ACT" do:userfault
