#!/bin/bash
# It attaches to a child of its own.
. "$(dirname "$0")/../lib.sh"

"$ACT" do:attach
