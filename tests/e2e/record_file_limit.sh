# A recording under a limit on the length of files (ulimit -f) begins a new segment before a file becomes too long; when not even a block
# fits into one, it ends with 4 and says so. What was recorded before can be read, and the command that is recorded meets the limit as ever.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live

value() { hindcast query "$1" "$2" --csv | tail -n +2 | tr -d '\r'; }
record() { # record KIB DIR COMMAND...
	(
		ulimit -f "$1"
		exec hindcast record -q -o "$2" -p full --snaplen 512 -- "${@:3}"
	)
}
rounds='for i in 1 2 3; do dd if=/dev/urandom of=/dev/null bs=512 count=1500; sleep 1.1; done'
expect_exit 0 record 1536 cap sh -c "$rounds; head -c 3m /dev/zero >long; echo \$? >status" 2>err
[ "$(cat status)" = 153 ] || fail "the command's file ended with $(cat status)" # 128 + SIGXFSZ
hindcast verify cap >out || { cat out err; fail "not whole"; }
expect_no_match 'not closed' out
n=$(find cap/segments -name 'bulk-*.hcs' | wc -l)
[ "$n" -ge 2 ] || fail "$n segments"
[ "$(find cap/segments -name '*.hcs' -size +1536k | wc -l)" = 0 ] || fail "a segment is too long"
n=$(value cap "SELECT count(*) FROM read WHERE comm = 'dd' AND ret = 512")
[ "$n" -ge 4500 ] || fail "$n reads of 4500"

expect_exit 4 record 512 small sh -c "sleep 1.5; dd if=/dev/urandom of=/dev/null bs=512 count=4000; sleep 2" 2>err
expect_match '^hindcast record: cannot write small/segments/.*\.hcs: File too large$' err
expect_match '^  one block is longer than a file may be: ulimit -f$' err
expect_match '^  what was written before is kept: hindcast verify small$' err
expect_exit 0 hindcast verify small >out
n=$(value small "SELECT count(*) FROM proc_exec WHERE comm = 'sleep'")
[ "$n" -ge 1 ] || { cat out err; fail "what was recorded before is not there"; }
echo ok
