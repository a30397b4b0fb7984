#!/bin/bash
# nginx starts ssh, a program that does nothing.
. "$(dirname "$0")/../lib.sh"

stub ssh
server nginx
./nginx -c "./ssh backup@127.0.0.1; true"
