#!/bin/bash
# A capture of 10.5 million events, imported and replayed; processor time in units of T_z, which is what zcat takes for the same
# capture compressed by gzip -6. Every figure is a median of runs that take turns, and stands against what is wanted of it: a ratio
# over 1 is a miss.
set -u
corpus=${HINDCAST_CORPUS:-$HC_SOURCE_DIR/../shared/corpus}
if [ ! -r "$corpus/scap/big.scap.zst" ]; then
	echo "SKIPPED: there is no $corpus/scap/big.scap.zst (set HINDCAST_CORPUS)"
	exit 77
fi
cache=$HC_BUILD_DIR/tests/bench/falco_big
mkdir -p "$cache"
if [ ! -s "$cache/big.scap.gz" ]; then
	zstd -dc --long=27 "$corpus/scap/big.scap.zst" | gzip -6 >"$cache/new.gz" && mv "$cache/new.gz" "$cache/big.scap.gz" || exit 1
fi
if [ ! -s "$cache/zstd3.bytes" ]; then
	zstd -dc --long=27 "$corpus/scap/big.scap.zst" | zstd -3 -c | wc -c >"$cache/new.bytes" && mv "$cache/new.bytes" "$cache/zstd3.bytes" || exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
exec python3 "$HC_SOURCE_DIR/tests/bench/falco_big.py" "$corpus" "$cache" "$work"
