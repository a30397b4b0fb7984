#!/bin/bash
# A shared connection's socket, which is none of an agent.
. "$(dirname "$0")/../lib.sh"

mkdir -p ssh-XXXXabcd
"$ACT" do:unix "$S/ssh-XXXXabcd/control.12"
