#!/bin/bash
# A file that is no module is offered to the kernel, which refuses it.
. "$(dirname "$0")/../lib.sh"

echo "no module" >evil.ko
"$ACT" do:module evil.ko
