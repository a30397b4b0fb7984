#!/bin/bash
# nginx starts a shell.
. "$(dirname "$0")/../lib.sh"

server nginx
./nginx -c "/bin/sh -c :; true"
