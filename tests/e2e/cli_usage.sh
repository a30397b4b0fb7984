# Usage errors name the one thing that is wrong, on standard error, and exit 2; output is data only.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
exec 2>&1
run() {
	local code=0
	printf '$ hindcast'; printf ' %q' "$@"; echo
	hindcast "$@" || code=$?
	[ $code = 0 ] || echo "exit $code"
}

run nonsense
run version --nope
run version extra
run help nonsense
run help version info
run --json info x
# a slip of the finger, the beginning of a word; not what is as near to two, or near to none
run repaly
run qeury
run capt
run ver
run man exprot
run info --jsn
run replay --polcy x
run export --format_ scap
run query --tab
run recorder --retain x
run info -z
run $'red\e[31m'
run version $'--red\e[31m'
run capture start $'red\e[31m\xc2\x9b\xe2\x80\xae'
run info $'red\e[31m'
run completion tcsh
run completion
[ "$(hindcast --version)" = "$(hindcast version)" ] || fail "--version and version differ"
[ "$(hindcast --help)" = "$(hindcast help)" ] || fail "--help and help differ"
[ "$(hindcast version --help)" = "$(hindcast help version)" ] || fail "version --help and help version differ"
hindcast 2>usage >out && fail "no command: exit 0"
[ ! -s out ] || fail "usage is not data"
expect_match '^usage: hindcast COMMAND' usage

# what a recorder answers may quote others
cat >hostile.py <<'EOF'
import socket
s = socket.socket(socket.AF_UNIX)
s.bind("s")
s.listen()
red = "\\u001b[31m\\u009b"
for answer in (f'{{"ok":false,"error":{{"code":"bad_request","message":"{red}"}}}}',
        f'{{"ok":true,"captures":[{{"name":"{red}","state":"{red}","scope":"{red}","by":"{red}","note":"{red}"}}]}}',
        f'{{"ok":true,"capture":{{"name":"{red}","state":"{red}","scope":"{red}","detail":"{red}"}},"in_scope":0}}',
        '{"ok":true,"captures":[{"name":"\x7f\u009b"}]}'):
    peer = s.accept()[0]
    peer.recv(65536)
    peer.sendall(answer.encode() + b"\n")
    peer.close()
EOF
python3 hostile.py &
within 30 test -S s || fail "no socket"
{
	expect_exit 2 hindcast capture stop x --control s
	hindcast capture list --control s
	hindcast capture start x --control s
	hindcast capture list --json --control s
	wait
} >hostile 2>&1
expect_no_match $'[\x1b\x7f]|\xc2\x9b' hostile
[ "$(grep -o '\\x1b\[31m\\u{9b}' hostile | wc -l)" = 11 ] || { cat hostile; fail "the answers are not shown"; }

# files that are none: one message at once
mkfifo fifo
mkdir dir
touch empty
none() { # WHAT COMMAND...
	local code=0
	timeout 5 "${@:2}" >out 2>&1 </dev/null || code=$?
	[ $code = 2 ] && [ "$(grep -c "it is a $1, not a file" out)" = 1 ] || { cat out; fail "$code: ${*:2}"; }
}
for is in fifo:FIFO dir:directory /dev/zero:device; do
	name=${is%:*} what=${is#*:}
	none $what hindcast recorder --check-config --config $name
	none $what hindcast recorder --check-config --config empty --mask-rules $name
	none $what hindcast recorder --check-config --config empty --kube-token $name
	none $what hindcast recorder --check-config --config empty --kube-ca $name
	none $what hindcast replay --falco-config $name dir
	none $what hindcast import $name -o imported
	[ $name = dir ] && continue # whose *.yaml are meant
	none $what hindcast recorder --check-config --config empty --trigger-policy $name
	none $what hindcast check -p $name
	none $what hindcast test $name
done
hindcast recorder --check-config --config /dev/null
hindcast recorder --check-config --config <(echo 'profile: full')
expect_exit 2 hindcast recorder --check-config --config <(echo 'profile: none') >out 2>&1
expect_match ":1:10: profile: 'none' is not one of" out
