# Two recorders with mount namespaces of their own see each other's look-ups, and leave it at that.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
unshare -m true 2>/dev/null || skip "no mount namespace of our own"

# value CAPTURE QUERY: the query's only value
value() { hindcast query "$1" "$2" --csv 2>/dev/null | tail -n +2 | tr -d '\r'; }
# Others record on this machine, too: what is counted is of these two processes, and about directories below this one.
place=$PWD/place-$$
mkdir -p "$place/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20"
# denied.py PLACE N: N opens that fail for a reason that has their paths looked up, and as many in directories that nobody finds in
# the cache of names, as they have another name by then
cat >denied.py <<'END'
import os, socket, sys

def denied(path):
    try:
        os.open(path, os.O_RDONLY)
    except OSError as e:
        assert e.errno == 6, e

os.chdir(sys.argv[1])
with socket.socket(socket.AF_UNIX) as s:
    s.bind("socket")
deep = "/".join(str(i) for i in range(1, 21))
for i in range(int(sys.argv[2])):
    denied("socket")
    os.mkdir(f"{deep}/old-{i}")
    os.link("socket", f"{deep}/old-{i}/socket")
    denied(f"{deep}/old-{i}/socket")
    os.rename(f"{deep}/old-{i}", f"{deep}/new-{i}")
END
cat >script <<'END'
echo $PPID >a.pid
unshare -m "$HINDCAST" record -q -o b -- sh inner "$1"
END
cat >inner <<'END'
echo $PPID >b.pid
python3 denied.py "$1" 200
for one in a b; do
	"$HC_SOURCE_DIR/tests/e2e/recorded" query --csv --no-header $one "SELECT 1 FROM openat2 WHERE pathname_given LIKE '%/${1##*/}/%/old-199'"
done
END
hindcast record -q -o a -- sh script "$place"
both="pid IN ($(cat a.pid), $(cat b.pid))"
for one in a b; do
	[ "$(value $one "SELECT count(*) FROM openat WHERE ret = -6 AND pathname_real = '$place/socket' AND pathname_prov = 'late'")" -gt 0 ] ||
		fail "the calls are not looked up in $one"
	n=$(value $one "SELECT count(DISTINCT pathname_given) FROM openat2 WHERE $both AND pathname_given LIKE '%/place-$$/%/old-%'")
	[ "$n" -ge 200 ] || fail "the other's look-ups are not seen in $one: this test shows nothing"
	# a look-up goes out from the root of who called, which for a look-up is a descriptor of /proc/PID/root
	n=$(value $one "SELECT count(*) FROM openat2 WHERE $both AND pathname_given LIKE 'proc/%/root/%/place-$$%'")
	[ "$n" = 0 ] || fail "$n look-ups of look-ups in $one"
done
echo ok
