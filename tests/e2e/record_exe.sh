# What the recorder reads of program files: build id, interpreter, SHA-256.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command readelf
need_command sha256sum

# value CAPTURE QUERY: the query's only value
value() { hindcast query "$1" "$2" --csv 2>/dev/null | tail -n +2 | tr -d '\r'; }
sql() {
	local got
	got=$(value cap "$2")
	[ "$got" = "$1" ] || fail "'$got' instead of '$1': $2"
}
cp /bin/true small
cp /bin/true large
truncate -s 9000000 large # more than is hashed before the row is written
cp /bin/true gone
cat >script <<'END'
./small
./large
./gone
rm gone
"$HC_SOURCE_DIR/tests/e2e/recorded" query --csv --no-header cap "SELECT 1 FROM meta_state JOIN processes ON file = image_exe_file
	WHERE what = 'file' AND file_sha256 IS NOT NULL AND processes.exe = '$PWD/large'"
END
hindcast record -q -o cap --hash-exe -- /bin/sh script
id=$(readelf -n small | sed -n 's/.*Build ID: //p')
interp=$(readelf -l small | sed -n 's/.*program interpreter: \(.*\)]/\1/p')
[ -n "$id" ] && [ -n "$interp" ] || skip "no build id or no interpreter in /bin/true"
hash=$(sha256sum <small) hash=${hash%% *}
sql "$id|$hash" "SELECT lower(proc_after_build_id) || '|' || lower(proc_after_sha256) FROM proc_exec WHERE proc_after_exe = '$PWD/small'"
sql "$(realpath "$(dirname "$interp")")/$(basename "$interp")" "SELECT image_elf_interp FROM processes WHERE exe = '$PWD/small'"
sql "$(stat -Lc %i "$interp")" "SELECT substr(image_elf_interp_file, instr(image_elf_interp_file, '/') + 1) FROM processes
	WHERE exe = '$PWD/small'"
# the hash of a large one comes in a row of its own
sql "$id" "SELECT lower(proc_after_build_id) FROM proc_exec WHERE proc_after_exe = '$PWD/large'"
hash=$(sha256sum <large) hash=${hash%% *}
sql "$hash" "SELECT lower(file_sha256) FROM meta_state JOIN processes ON file = image_exe_file
	WHERE what = 'file' AND processes.exe = '$PWD/large'"
# what was gone before the recorder came to read it has none, and is counted
cat >script <<'END'
kill -STOP $PPID
cp small gone-early
./gone-early
rm gone-early
kill -CONT $PPID
END
hindcast record -o late --hash-exe --json -- /bin/sh script >late.json
[ "$(value late "SELECT count(*) || '|' || count(proc_after_sha256) FROM proc_exec WHERE filename LIKE '%/gone-early'")" = "1|0" ] ||
	fail "a hash of a file that is gone, or no row"
expect_match '"unhashed":[1-9]' late.json
# so is what still waits at the end, being larger than what is read of it then
cp /bin/true huge
truncate -s 200M huge
hindcast record -o ended --hash-exe --json -- ./huge >ended.json
[ "$(value ended "SELECT count(*) || '|' || count(exe_sha256) FROM processes WHERE exe = '$PWD/huge'")" = "1|0" ] ||
	fail "all of a file that was hardly read, or no process"
expect_match '"unhashed":[1-9]' ended.json
# and only when it was asked for
hindcast record -q -o plain -- ./small
[ "$(value plain "SELECT count(*) FROM proc_exec WHERE proc_after_sha256 IS NOT NULL")" = 0 ] || fail "a hash nobody asked for"
[ "$(value plain "SELECT lower(proc_after_build_id) FROM proc_exec WHERE proc_after_exe = '$PWD/small'")" = "$id" ] ||
	fail "no build id without --hash-exe"
expect_no_match sha256 <(value plain "SELECT types FROM meta_config")
expect_match 'proc_exec all .*elf,sha256' <(value cap "SELECT types FROM meta_config")
echo ok
