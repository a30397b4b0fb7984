#!/bin/bash
# It enters namespaces by hand: those it is in already.
. "$(dirname "$0")/../lib.sh"

nsenter --target $$ --uts true
