#!/bin/bash
# By a program that does nothing.
. "$(dirname "$0")/../lib.sh"

stub curl
./curl -sT dump.sql http://127.0.0.1:9/
./curl -F file=@dump.sql http://127.0.0.1:9/
./curl --data-binary @dump.sql http://127.0.0.1:9/
