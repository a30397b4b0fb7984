#!/bin/bash
# nginx starts something else; a shell starts nginx.
. "$(dirname "$0")/../lib.sh"

server nginx
./nginx -c "/bin/true; true"
/bin/sh -c "./nginx -c :"
