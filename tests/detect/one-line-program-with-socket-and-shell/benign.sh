#!/bin/bash
# A one-line program that opens a socket for something else.
. "$(dirname "$0")/../lib.sh"

perl -e 'use Socket; exit 0'
