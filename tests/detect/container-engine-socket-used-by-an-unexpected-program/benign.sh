#!/bin/bash
# Another socket beside it.
. "$(dirname "$0")/../lib.sh"

"$ACT" do:unix "$S/app.sock"
