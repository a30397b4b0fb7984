#!/bin/bash
# It deletes something else.
. "$(dirname "$0")/../lib.sh"

stub cleaner
: >rubbish
./cleaner do:unlink "$S/rubbish"
rm cleaner
