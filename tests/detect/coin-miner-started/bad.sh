#!/bin/bash
# By programs that do nothing.
. "$(dirname "$0")/../lib.sh"

stub xmrig
./xmrig
stub worker
./worker -o stratum+tcp://127.0.0.1:9
