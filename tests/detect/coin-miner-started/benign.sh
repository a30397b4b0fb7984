#!/bin/bash
# A program with other arguments.
. "$(dirname "$0")/../lib.sh"

stub worker
./worker -o tcp://127.0.0.1:9
