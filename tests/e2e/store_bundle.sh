# A bundle is what a stranger can check with tar and sha256sum, and what every command reads; no change to it stays hidden.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
gen=$HC_BUILD_DIR/tests/lib/hc-gen

"$gen" capture rows=4000 flush=400 segment_bytes=60000 index >/dev/null
expect_exit 0 hindcast export capture --bundle -o case.hcb >out
expect_match '^tell the receiver by another way: [0-9a-f]{64}  SHA256SUMS$' out
expect_exit 0 hindcast verify case.hcb >verify
expect_match '^bundle: every file is there' verify
expect_match '^whole: ' verify

# the same as JSON: one object of the export, one for each finding and one with the result
expect_exit 0 hindcast export capture --bundle -o same.hcb --json >json
jq -e '.format == "bundle" and .file == "same.hcb" and .events == 4000 and (.sha256sums | test("^[0-9a-f]{64}$")) and .findings == null' json >/dev/null
[ "$(tar -xOf same.hcb SHA256SUMS | sha256sum | cut -c1-64)" = "$(jq -r .sha256sums json)" ]
expect_exit 0 hindcast verify --json same.hcb >json
jq -se '.[-1] | .kind == "summary" and .result == "whole" and .damaged == 0 and .events == 4000' json >/dev/null
head -c 70000 same.hcb >cut.hcb
expect_exit 3 hindcast verify --json cut.hcb >json
jq -se '(map(select(.kind == "damaged")) | length) as $n | $n > 0 and .[-1].damaged == $n and .[-1].result == "damaged"' json >/dev/null
jq -se 'map(select(.what == "the block is cut at the end of the file" and .offset > 0)) | length == 1' json >/dev/null
expect_exit 4 hindcast export capture --bundle -f -o capture 2>err
expect_match "^hindcast export: 'capture' is a directory: give the name of a file$" err

# as VERIFY.txt says
mkdir case && tar -xf case.hcb -C case
(
	cd case
	sha256sum --strict --check --quiet SHA256SUMS
	find . -type f | sed 's|^\./||' | sort >../have
	[ "$(sed 's|^[0-9a-f]*  ||' SHA256SUMS | sort | comm -13 - ../have)" = SHA256SUMS ]
	grep -q "$(sha256sum <SHA256SUMS | cut -c1-64)" ../out
)
# segments byte for byte
diff -r capture/segments case/segments
# the manifest is canonical, and true
python3 - case/manifest.json <<'PY'
import hashlib, json, os, sys
raw = open(sys.argv[1], "rb").read()
m = json.loads(raw)
assert json.dumps(m, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == raw
root = os.path.dirname(sys.argv[1])
for f in m["files"]:
    data = open(os.path.join(root, f["path"]), "rb").read()
    assert len(data) == f["size"] and hashlib.sha256(data).hexdigest() == f["sha256"], f
assert m["selection"]["complete"] and m["selection"]["events"] == 4000
assert sum(s["events"] for s in m["segments"]) == 4000
assert m["loss"]["events"] == sum(l["count"] for l in m["loss"]["by_type_and_cause"])
PY

# info, on the bundle and on what was unpacked, says what the capture's does
for what in capture case.hcb case; do
	expect_exit 0 hindcast info --json $what >$what.json 2>/dev/null
done
for what in case.hcb case; do
	diff <(grep -v -e '"path"' -e '"kind"' capture.json) <(grep -v -e '"path"' -e '"kind"' $what.json)
done

# the same again is the same, but for when and by whom
SOURCE_DATE_EPOCH=1700000000 hindcast export capture --bundle -o a.hcb >/dev/null
SOURCE_DATE_EPOCH=1700000000 hindcast export case.hcb --bundle -o b.hcb >/dev/null
cmp a.hcb b.hcb

# a part of it
expect_exit 0 hindcast export capture --bundle -o part.hcb --since 2024-05-01T01:00:01Z --until 2024-05-01T01:00:02Z >out
expect_match 'segments outside the span left out' out
expect_exit 0 hindcast verify part.hcb >out
expect_exit 3 hindcast export capture --bundle -o none.hcb --since 2030-01-01T00:00:00Z 2>err
expect_match 'no events in that span' err
[ ! -e none.hcb ] || fail "an empty bundle was left behind"

# what is there is not written over
expect_exit 4 hindcast export capture --bundle -o case.hcb 2>err
expect_match 'there already' err
expect_exit 0 hindcast export capture --bundle --force -o case.hcb >out
expect_exit 4 hindcast export capture --bundle -o no/such/dir/case.hcb 2>err
ls -A | grep -q part- && fail "a temporary file was left behind"

# every kind of tampering is named
tamper() { # NAME COMMAND: changes the unpacked files, packs them again, and shows what verify says
	rm -rf t && cp -r case t && (cd t && eval "$2") && tar --format=pax --sort=name -C t -cf t.hcb $(ls t)
	expect_exit 3 hindcast verify t.hcb >out
	expect_match "$1" out
}
seg=$(cd case && ls segments/*/*/bulk-00000001.hcs)
tamper "^damaged: $seg: was changed" "printf x | dd of=$seg bs=1 seek=5000 conv=notrunc status=none"
tamper "^damaged: $seg: is missing" "rm $seg"
tamper '^damaged: extra.txt: is in the bundle, but not in SHA256SUMS' 'echo x >extra.txt'
tamper '^damaged: manifest.json: was changed' "sed -i 's/\"events\":4000/\"events\":4001/' manifest.json"
tamper '^damaged: SHA256SUMS: is missing' 'rm SHA256SUMS'
tamper '^damaged: manifest.json: is missing' 'rm manifest.json'
tamper '^damaged: HINDCAST-BUNDLE: the bundle is of another version' 'echo hindcast bundle 9 >HINDCAST-BUNDLE'
# one who mends the sums as well is found by the manifest
tamper "^damaged: $seg: was changed: its SHA-256 is not the one in the manifest" \
	"printf x | dd of=$seg bs=1 seek=5000 conv=notrunc status=none; sha256sum \$(sed 's|^[0-9a-f]*  ||' SHA256SUMS) >new; mv new SHA256SUMS"

# cut anywhere: said, and read as far as it goes
for n in 1000 3000 30000 200000; do
	head -c $n case.hcb >cut.hcb
	expect_exit 3 hindcast verify cut.hcb >out 2>err
done
