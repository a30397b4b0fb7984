# Two recorders with mount namespaces of their own see each other's look-ups, and leave it at that.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
unshare -m true 2>/dev/null || skip "no mount namespace of our own"

# value CAPTURE QUERY: the query's only value
value() { hindcast query "$1" "$2" --csv 2>/dev/null | tail -n +2 | tr -d '\r'; }
mkdir place
# denied N: N opens that fail for a reason that has their paths looked up
cat >denied.py <<'END'
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind("place/socket")
for i in range(int(sys.argv[1])):
    try:
        os.open("place/socket", os.O_RDONLY)
    except OSError as e:
        assert e.errno == 6, e
END
cat >script <<'END'
unshare -m "$HINDCAST" record -q -o b -- sh -c 'python3 denied.py 200; sleep 2'
END
hindcast record -q -o a -- sh script
place=$(realpath place)/socket
for one in a b; do
	[ "$(value $one "SELECT count(*) FROM openat WHERE ret = -6 AND pathname_real = '$place'")" = 200 ] || fail "the calls are not looked up in $one"
	n=$(value $one "SELECT count(*) FROM openat2 WHERE comm = 'hindcast'")
	[ $one = b ] || [ "$n" -gt 0 ] || fail "the other's look-ups are not seen: this test shows nothing"
	[ "$n" -lt 1000 ] || fail "$n look-ups of the other recorder in $one"
done
echo ok
