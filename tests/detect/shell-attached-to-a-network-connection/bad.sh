#!/bin/bash
# A shell whose standard streams are a connection; the other end is gone, so that it ends at once.
. "$(dirname "$0")/../lib.sh"

"$ACT" do:stdio /bin/sh
