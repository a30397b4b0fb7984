#!/bin/bash
# A packet socket; nothing is received from it.
. "$(dirname "$0")/../lib.sh"

"$ACT" do:packet
