#!/bin/bash
# Both ways to another process's memory: the system call, and the file.
. "$(dirname "$0")/../lib.sh"

"$ACT" do:peek
"$ACT" do:read /proc/$$/mem
