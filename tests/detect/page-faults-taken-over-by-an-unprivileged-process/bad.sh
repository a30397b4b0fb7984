#!/bin/bash
# www-data asks for it, and may be refused.
. "$(dirname "$0")/../lib.sh"

as_service "$ACT" do:userfault
