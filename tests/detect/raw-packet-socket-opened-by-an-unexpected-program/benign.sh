#!/bin/bash
# A netlink socket, which every second program opens.
. "$(dirname "$0")/../lib.sh"

"$ACT" do:netlink
