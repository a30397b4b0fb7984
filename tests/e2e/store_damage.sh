# info, verify and reindex on whole, cut, damaged, half-removed and continued captures.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
gen=$HC_BUILD_DIR/tests/lib/hc-gen
boot=segments/gen/b0010203-0405-4607-8800-000000000000

"$gen" whole rows=4000 flush=400 segment_bytes=60000 index >/dev/null
expect_exit 0 hindcast verify whole >out
expect_match '^whole: ' out
expect_exit 0 hindcast info whole >out
expect_match '^events +4,000 in [0-9]+ blocks, numbers 1 to 4000$' out
expect_exit 0 hindcast info --json whole >info.json
expect_match '"events": 4000,' info.json
python3 - info.json <<'PY'
import json, sys
info = json.load(open(sys.argv[1]))
assert sum(info["types"].values()) == info["events"] == 4000, info
assert sum(s["events"] for s in info["streams"].values()) == 4000
assert info["problems"] == [] and info["boots"][0]["node"] == "gen"
PY

# every segment is a valid zstd file
if command -v zstd >/dev/null; then
	zstd -q --test whole/$boot/*.hcs
fi

# one segment by itself
expect_exit 0 hindcast info whole/$boot/security-00000001.hcs >out
expect_exit 0 hindcast verify whole/$boot/security-00000001.hcs >out
expect_match '^whole: ' out

# a torn tail: the rest is read, and both commands say 3
cp -r whole torn
last=$(ls torn/$boot/security-*.hcs | tail -1)
truncate -s -300 "$last"
expect_exit 3 hindcast info torn >out 2>err
expect_match '^events' out
expect_match "$(basename "$last"): at byte [0-9]+" err
expect_exit 3 hindcast verify torn >out
expect_match "^damaged: .*$(basename "$last")" out

# a flipped byte in the middle of a block: named by file and offset
cp -r whole flipped
printf '\xff' | dd of=flipped/$boot/bulk-00000001.hcs bs=1 seek=9000 conv=notrunc status=none
expect_exit 3 hindcast verify flipped >out
expect_match '^damaged: .*bulk-00000001.hcs: at byte [0-9]+: ' out

# a missing segment, a renamed one
cp -r whole missing
rm missing/$boot/security-00000002.hcs
expect_exit 3 hindcast verify missing >out
expect_match 'security-00000003.hcs: segments are missing: number 3 follows number 1' out
cp -r whole renamed
mv "$(ls renamed/$boot/bulk-*.hcs | tail -1)" renamed/$boot/bulk-00000099.hcs
expect_exit 3 hindcast verify renamed >out
expect_match 'bulk-00000099.hcs: by its header this is ' out

# the index: lost, replaced by something else, stale; nothing is lost with it
cp -r whole noindex
rm noindex/index.db
expect_exit 0 hindcast info --json noindex >other.json 2>err
expect_match 'warning: noindex: index.db: there is none' err
diff <(sed 's/"path".*//' info.json) <(sed 's/"path".*//' other.json)
echo "not a database, but long enough to look at" >noindex/index.db
expect_exit 0 hindcast info noindex >out 2>err
expect_match 'warning: noindex' err
expect_exit 1 hindcast verify noindex >out
expect_match '^the segments are whole; the index is not theirs' out
expect_exit 0 hindcast reindex noindex >out
expect_exit 0 hindcast info noindex >out 2>err
[ ! -s err ] || fail "the new index is not used: $(<err)"
expect_exit 0 hindcast verify noindex >out

# a read-only capture of somebody else: nothing is written, not even beside the index
find whole | sort >before
expect_exit 0 hindcast info whole >out
find whole | sort | diff before -

# a writer that was killed
"$gen" killed rows=1050 flush=100 abort >/dev/null
expect_exit 0 hindcast info killed >out 2>err
expect_match '^events +1,000 in ' out
expect_exit 0 hindcast verify killed >out
expect_match '^note: .*was not closed' out

# what is no capture
mkdir empty
expect_exit 4 hindcast info empty 2>err
expect_match "'empty' is no capture" err
echo hello >file
expect_exit 2 hindcast info file 2>err
expect_match 'neither a capture' err
expect_exit 4 hindcast info nowhere 2>err
expect_exit 2 hindcast info 2>err
