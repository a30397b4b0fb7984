# What commands print for programs is one JSON value, or one a line, and docs/json.md has every member of it.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
demo=$HC_SOURCE_DIR/tests/demo/capture.hcb
page=$HC_SOURCE_DIR/docs/json.md

# documented SECTION FILE: all members in the file, but those of objects that are by name, are in that section
documented() {
	sed -n "/^## $1\$/,/^## /p" "$page" >section
	jq -r 'del(.types, .streams, .rows_without_event) | [paths | map(strings) | .[]] | unique[]' "$2" | sort -u >members
	[ "$(wc -l <members)" -gt 5 ] || fail "$1: no members"
	while read -r member; do
		grep -qF "\`$member\`" section || fail "docs/json.md: $1 says nothing of '$member'"
	done <members
}

expect_exit 0 hindcast info --json "$demo" >info
documented info info
for member in events bytes segments segments_missing; do
	[ "$(jq ".streams | map(has(\"$member\")) | all" info)" = true ] || fail "streams have no '$member'"
done
# the same members when there is nothing to tell
mkdir -p empty/segments
expect_exit 0 hindcast info --json empty >none
diff <(jq -r keys[] info) <(jq -r keys[] none) || fail "info of an empty capture has other members"
[ "$(jq -c '[.format, .first, .last, .seconds, .first_seq, .last_seq, .bytes_per_event]' none)" = '[null,null,null,null,null,null,null]' ]

head -c 30000 "$demo" >cut.hcb
expect_exit 3 hindcast verify --json cut.hcb >verify
documented verify verify
[ "$(jq -r .kind verify | tail -n 1)" = summary ]
hindcast export --json --bundle -o case.hcb "$demo" >bundle
documented export bundle
hindcast export --json --format scap -o case.scap "$demo" >scap
documented export scap

# nothing but messages when there is nothing to tell
for command in "info --json nowhere" "verify --json nowhere" "export --json --bundle -o x.hcb nowhere"; do
	expect_exit 4 hindcast $command >out 2>err
	[ ! -s out ] && [ -s err ] || fail "$command: $(cat out)"
done

need_live
expect_exit 0 hindcast record --json -o capture -- sh -c 'exit 3' >record 2>err
documented record record
[ "$(jq -c '[.command_status, .command_signal]' record)" = '[3,null]' ] || fail "$(cat record)"
