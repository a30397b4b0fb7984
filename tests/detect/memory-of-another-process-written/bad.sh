#!/bin/bash
# Both ways into another process's memory: the system call, and the file.
. "$(dirname "$0")/../lib.sh"

"$ACT" do:poke
"$ACT" do:openmem
