#!/bin/bash
# A capability that amounts to root.
. "$(dirname "$0")/../lib.sh"

stub setcap
./setcap cap_setuid+ep tool
