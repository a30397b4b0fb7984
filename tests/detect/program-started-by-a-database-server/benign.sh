#!/bin/bash
# postgres archives its log, and starts a worker of its own.
. "$(dirname "$0")/../lib.sh"

server postgres
./postgres -c "/bin/sh -c ': pg_wal/000000010000000000000001'; ./postgres -c :; true"
