#!/bin/bash
# A socket where agents have theirs, with nobody behind it.
. "$(dirname "$0")/../lib.sh"

mkdir -p ssh-XXXXabcd
"$ACT" do:unix "$S/ssh-XXXXabcd/agent.12"
