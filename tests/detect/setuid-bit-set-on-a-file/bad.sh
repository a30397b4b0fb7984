#!/bin/bash
# Both notations.
. "$(dirname "$0")/../lib.sh"

stub tool1
stub tool2
chmod u+s tool1
chmod 4755 tool2
