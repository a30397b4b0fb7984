# What cannot be recorded is refused with the reason, and nothing is made.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"

refused() { # CODE REGEX COMMAND...
	local want=$1 text=$2
	shift 2
	expect_exit "$want" "$@" >out 2>err </dev/null
	expect_match "$text" err
	[ ! -s out ] || fail "something on standard output: $*"
}
refused 2 '-o DIR' hindcast record
refused 2 "'word'.*behind --" hindcast record -o new word
refused 2 'no command behind --' hindcast record -o new --
refused 2 "profile" hindcast record -o new --profile everything
refused 2 "'huge'" hindcast record -o new --for huge
refused 2 "comm=NAME" hindcast record -o new --exclude nonsense
refused 2 "unknown kind 'colour'" hindcast record -o new --exclude colour=red
refused 2 "no event type 'openatt'" hindcast record -o new --exclude type=openatt
refused 2 "no event type 'getcwd' that is recorded" hindcast record -o new --exclude type=getcwd # of imports alone
refused 2 "at most 15" hindcast record -o new --exclude comm=averyverylongname
refused 2 "absolute path" hindcast record -o new --exclude exe=sh
refused 2 "needs a number" hindcast record -o new --exclude uid=root
[ ! -e new ] || fail "a directory was made"

need_live
mkdir full
echo x >full/letter
refused 4 "letter" hindcast record -o full --for 1s
[ "$(ls full)" = letter ] || fail "something was made in it"
refused 4 "cannot run 'no-such-program'" hindcast record -o run -- no-such-program

# another recorder in the same directory
hindcast record -q -o busy --for 60s &
pid=$!
within 10 [ -d busy/segments ] || fail "the other recorder does not come"
refused 4 "another process writes" hindcast record -o busy --for 1s
kill -INT $pid
wait $pid || [ $? = 130 ] # 130: it had not begun yet, on a busy machine

# without rights
need_command setpriv
chmod 755 . ..
refused 4 "[Rr]oot|CAP_" setpriv --reuid 65534 --regid 65534 --clear-groups "$HINDCAST" record -o nobody --for 1s
echo ok
