#!/bin/bash
# A connection is duplicated, but not to a standard stream.
. "$(dirname "$0")/../lib.sh"

"$ACT" do:dup
