#!/bin/bash
# A child asks to be traced by its parent, as under every debugger.
. "$(dirname "$0")/../lib.sh"

"$ACT" do:traceme
