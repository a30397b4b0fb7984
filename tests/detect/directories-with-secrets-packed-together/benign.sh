#!/bin/bash
# Documents are packed, and an archive is listed.
. "$(dirname "$0")/../lib.sh"

mkdir -p home/documents
tar -cf out.tar home/documents
tar -tf out.tar >/dev/null
