#!/bin/bash
# postgres starts a shell.
. "$(dirname "$0")/../lib.sh"

server postgres
./postgres -c "/bin/sh -c :; true"
