#!/bin/bash
# A map, which by itself does nothing.
. "$(dirname "$0")/../lib.sh"

"$ACT" do:bpfmap
