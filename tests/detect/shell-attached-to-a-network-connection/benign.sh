#!/bin/bash
# A shell that reads from a pipe and writes to a file.
. "$(dirname "$0")/../lib.sh"

echo true | /bin/sh >out
