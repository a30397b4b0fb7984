# A limit on the length of files (ulimit -f) ends no command in the middle: it is an error of the file being written, or the next segment.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"

"$HC_BUILD_DIR/tests/lib/hc-gen" made rows=60000 flush=2000 index >/dev/null
hindcast export made --format scap -o made.scap >/dev/null
hindcast import made.scap -o whole >/dev/null
n=$(hindcast query whole "SELECT count(*) FROM events" --csv)

# what is one file is not there at all
limited() { # limited KIB COMMAND...
	local kib=$1 code=0
	shift
	(ulimit -f "$kib" && exec "$@") 2>err || code=$?
	[ $code = 4 ] || { cat err >&2; fail "exit code $code instead of 4: $*"; }
	expect_match 'File too large|cannot write to standard output|index.db: disk I.O error' err
}
limited 300 hindcast export made --bundle -o part.hcb >/dev/null
limited 300 hindcast export made --format scap -o part.scap >/dev/null
[ "$(find . -name 'part*')" = "" ] || fail "left: $(find . -name 'part*')"
limited 20 hindcast events made >events
limited 20 hindcast query made "SELECT * FROM events" --csv >rows

# a capture has more segments, each closed; where a block is longer than a file may be, none is made
(ulimit -f 300 && hindcast import made.scap -o again >/dev/null) || fail "an import"
[ "$(find again/segments -name '*.hcs' | wc -l)" -ge 5 ] || fail "too few segments"
hindcast verify again >out || { cat out; fail "not whole"; }
expect_no_match 'not closed' out
[ "$(hindcast query again "SELECT count(*) FROM events" --csv)" = "$n" ] || fail "another number of events"
limited 40 hindcast import made.scap -o refused >/dev/null
limited 16 hindcast reindex made >/dev/null
hindcast verify made >/dev/null || fail "no index, or another's, was left"
echo ok
