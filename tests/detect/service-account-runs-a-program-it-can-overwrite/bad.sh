#!/bin/bash
# www-data brought its own program.
. "$(dirname "$0")/../lib.sh"

stub own
chown 33 own
as_service ./own
