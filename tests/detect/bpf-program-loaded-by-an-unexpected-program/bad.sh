#!/bin/bash
# A program of two instructions, attached to nothing.
. "$(dirname "$0")/../lib.sh"

"$ACT" do:bpf
