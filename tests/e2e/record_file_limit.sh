# A recording under a limit on the length of files (ulimit -f) begins a new segment before a file becomes too long; when not even a block
# fits into one, it ends with 4 and says so. What was recorded before can be read, and the command that is recorded meets the limit as ever.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command python3

value() { hindcast query "$1" "$2" --csv | tail -n +2 | tr -d '\r'; }
record() { # record EXIT KIB DIR COMMAND...
	local code=0
	(
		ulimit -f "$2"
		exec hindcast record -q -o "$3" -p security -- "${@:4}"
	) 2>err || code=$?
	[ $code = "$1" ] || { cat err >&2; fail "exit code $code instead of $1"; }
}
# opens.py TIMES N: so often, with a pause, the names of N files that are not there, some 200 bytes that no compression makes shorter
cat >opens.py <<'END'
import base64, os, sys, time

for _ in range(int(sys.argv[1])):
    for _ in range(int(sys.argv[2])):
        try:
            os.open("/nowhere-limit/" + base64.urlsafe_b64encode(os.urandom(186)).decode()[:248], os.O_RDONLY)
        except OSError:
            pass
    time.sleep(0.4)
END
record 0 1024 cap sh -c 'python3 opens.py 7 1500; head -c 3m /dev/zero >long; echo $? >status'
[ "$(cat status)" = 153 ] || fail "the command's file ended with $(cat status)" # 128 + SIGXFSZ
hindcast verify cap >out || { cat out err; fail "not whole"; }
expect_no_match 'not closed' out
n=$(find cap/segments -name '*.hcs' | wc -l)
[ "$n" -ge 3 ] || fail "$n segments"
[ "$(find cap/segments -name '*.hcs' -size +1024k | wc -l)" = 0 ] || fail "a segment is too long"
n=$(value cap "SELECT count(DISTINCT pathname) FROM openat WHERE pathname LIKE '/nowhere-limit/%'")
[ "$n" = 10500 ] || fail "$n opens of 10500"

record 4 256 small sh -c 'sleep 1.5; python3 opens.py 1 6000; sleep 2'
expect_match '^hindcast record: cannot write small/segments/.*\.hcs: File too large$' err
expect_match '^  one block is longer than a file may be: ulimit -f$' err
expect_match '^  what was written before is kept: hindcast verify small$' err
expect_exit 0 hindcast verify small >out
n=$(value small "SELECT count(*) FROM proc_exec WHERE comm = 'sleep'")
[ "$n" -ge 1 ] || { cat out err; fail "what was recorded before is not there"; }
echo ok
