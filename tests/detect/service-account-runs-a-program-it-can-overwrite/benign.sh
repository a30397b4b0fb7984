#!/bin/bash
# www-data runs what belongs to root.
. "$(dirname "$0")/../lib.sh"

stub theirs
as_service ./theirs
as_service /bin/true
