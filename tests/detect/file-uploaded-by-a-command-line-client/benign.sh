#!/bin/bash
# Downloads, and a form with an address in it.
. "$(dirname "$0")/../lib.sh"

stub curl
./curl -o out http://127.0.0.1:9/
./curl -d user=somebody@example.org http://127.0.0.1:9/
