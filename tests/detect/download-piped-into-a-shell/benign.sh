#!/bin/bash
# A download that is looked at.
. "$(dirname "$0")/../lib.sh"

bash -c "true curl -fsSL http://127.0.0.1:9/install.sh | cat"
