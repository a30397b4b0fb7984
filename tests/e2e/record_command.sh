# What a command did stands in the capture, with the right processes, files and ends.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live

# value CAPTURE QUERY: the query's only value
value() { hindcast query "$1" "$2" --csv 2>/dev/null | tail -n +2 | tr -d '\r'; }

cat >script <<'END'
cd "$1"
mkdir sub
echo text >sub/one
mv sub/one two
ln -s sub link
sleep 0.1 # a link followed within the clock tick of its making needs its access time set: not for a look into caches
: >link/three
rm link/three
/bin/sh -c 'exit 3'
cat two >/dev/null
cat missing 2>/dev/null
./none '' after 2>/dev/null
mkdir '' 2>/dev/null
sleep 10 &
kill -TERM $!
wait
exit 7
END
mkdir area
area=$(realpath area)

hindcast record -o cap -- /bin/sh script "$area" >out 2>err
expect_match "'/bin/sh' ended with status 7" err
[ ! -s out ] || fail "standard output is the command's own"
hindcast verify cap >verify || fail "the capture does not verify"

# sql WANT QUERY: the query's only value
sql() {
	local got
	got=$(value cap "$2")
	[ "$got" = "$1" ] || fail "'$got' instead of '$1': $2"
}
me="exe LIKE '%/sh' OR exe LIKE '%/dash' OR exe LIKE '%/bash'"
sql 1 "SELECT count(*) FROM proc_exec WHERE proc_after_cmdline = '/bin/sh script $area'"
sql 3 "SELECT status FROM proc_exit JOIN processes USING (guid) WHERE processes.cmdline LIKE '/bin/sh -c %exit 3%'"
# the child's parent is the script, by the version that stood at its birth
sql 1 "SELECT count(*) FROM proc_exec WHERE proc_after_cmdline LIKE '/bin/sh -c %exit 3%' AND ppid IN
	(SELECT pid FROM proc_exec WHERE proc_after_cmdline LIKE '/bin/sh script %')"
# an opened file: as given, joined with the working directory, as the kernel has it
sql "link/three|$area/link/three|$area/sub/three|1" "SELECT filename || '' FROM (SELECT pathname_given || '|' || pathname_abs
	|| '|' || pathname_real || '|' || (ret >= 0) AS filename FROM openat WHERE pathname_given = 'link/three')"
# a name only: looked up late, and in the kernel's cache
sql "$area/sub/three" "SELECT pathname_real FROM unlink WHERE pathname_given = 'link/three'
	UNION ALL SELECT pathname_real FROM unlinkat WHERE pathname_given = 'link/three'"
# relative to the new working directory
sql 1 "SELECT count(*) FROM chdir WHERE pathname_real = '$area' AND ret = 0"
sql 1 "SELECT count(*) FROM openat WHERE pathname_abs = '$area/missing' AND error = 'ENOENT'"
# an empty text is one, and hides nothing behind it
sql 1 "SELECT count(*) FROM execve WHERE argv = '[\"./none\",\"\",\"after\"]'"
sql 1 "SELECT count(*) FROM mkdir WHERE pathname_given = '' AND pathname_abs = '$area' AND error = 'ENOENT'"
# the sleeper died by the script's signal
sql 15 "SELECT sig FROM proc_exit JOIN processes USING (guid) WHERE processes.cmdline IN ('sleep 10', '/bin/sh script $area')
	AND sig != 0"
# what is too long is cut, and how long it was is known
hindcast record -q -o long -- /bin/sh -c 'x=$(head -c 60000 /dev/zero | tr "\0" x); env -i "BIG=$x$x" /bin/true "$x" "$x" "$x" "$x" "$x"; true'
cuts=$(value long "SELECT image_argv_bytes || ' ' || image_env_bytes FROM process_versions WHERE cmdline LIKE '/bin/true xxx%' AND cause = 'exec'")
[ "$cuts" = "$((10 + 5 * 60001)) $((5 + 120000))" ] || fail "lengths of what was cut: $cuts"
[ "$(value long "SELECT count(*) FROM process_versions WHERE image_argv_bytes IS NOT NULL AND cmdline NOT LIKE '%xxx%'")" = 0 ] || fail "a length of what was not cut"
# how it goes is shown on a terminal that obeys, and nowhere else
if command -v script >/dev/null; then
	bar() { TERM=$1 script -qec "$HINDCAST record -o bar --for 1500ms" /dev/null </dev/null; }
	bar xterm >out
	expect_match $'\r\x1b\\[Krecording ' out
	bar dumb >out
	expect_no_match $'\x1b' out
fi
hindcast record -o bar --for 1s >out 2>&1
expect_no_match $'\x1b|\r' out
echo ok
