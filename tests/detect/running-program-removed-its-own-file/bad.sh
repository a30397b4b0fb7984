#!/bin/bash
# It deletes itself.
. "$(dirname "$0")/../lib.sh"

stub gone
./gone do:unlink "$S/gone"
