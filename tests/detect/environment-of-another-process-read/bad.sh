#!/bin/bash
# The classic way to read a service's environment.
. "$(dirname "$0")/../lib.sh"

tr "\0" "\n" </proc/$$/environ >/dev/null
