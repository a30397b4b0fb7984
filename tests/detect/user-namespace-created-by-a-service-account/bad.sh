#!/bin/bash
# www-data makes one, or is refused.
. "$(dirname "$0")/../lib.sh"

as_service "$ACT" do:userns
