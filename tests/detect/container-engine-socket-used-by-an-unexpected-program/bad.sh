#!/bin/bash
# A socket by that name, with nobody behind it.
. "$(dirname "$0")/../lib.sh"

"$ACT" do:unix "$S/docker.sock"
