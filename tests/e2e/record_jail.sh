# A process in a root and a pid namespace of its own is described as it sees itself: paths, names of users, numbers.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command python3
need_command unshare

# value CAPTURE QUERY: the query's only value
value() { hindcast query "$1" "$2" --csv 2>/dev/null | tail -n +2 | tr -d '\r'; }
sql() {
	local got
	got=$(value cap "$2")
	[ "$got" = "$1" ] || fail "'$got' instead of '$1': $2"
}
mkdir -p jail/real/x jail/etc
jail=$(realpath jail)
echo "jailed:x:4242:4242::/home/j:/bin/jsh" >jail/etc/passwd
echo "jgroup:x:4242:" >jail/etc/group
: >jail/real/x/a
ln -s /real/x jail/ln
cat jail/ln/a 2>/dev/null || true
cat >script.py <<'END'
import os, sys, time
os.chroot(sys.argv[1])
os.chdir("/")
os.close(os.open("real/x/../x/a", os.O_RDONLY))
os.rename("real/x/a", "real/b")
os.setgid(4242)
os.setuid(4242)
try:
    os.unlink("/real/b")
except OSError:
    pass
child = os.fork()
if child == 0:
    time.sleep(30)
os.kill(child, 9)
os.wait()
time.sleep(0.3)
END
hindcast record -q -o cap -- unshare --pid --fork python3 script.py "$jail"
sql "/real/x/a|kernel" "SELECT pathname_real || '|' || pathname_prov FROM openat WHERE pathname_given = 'real/x/../x/a'"
sql "/real/b" "SELECT newpath_real FROM rename WHERE newpath_given = 'real/b'"
sql "jailed" "SELECT user FROM unlink WHERE pathname_given = '/real/b'"
sql "$jail" "SELECT DISTINCT root FROM process_versions WHERE uid = 4242"
sql "1" "SELECT DISTINCT vpid FROM processes WHERE cmdline LIKE '%script.py%' AND ppid != 0 AND cmdline NOT LIKE 'unshare%'
	AND pid IN (SELECT pid FROM unlink WHERE pathname_given = '/real/b')"
# the number given to kill was the namespace's; who it meant is the process
sql "1" "SELECT count(*) FROM kill JOIN proc_exit ON proc_exit.guid = kill.pid_guid WHERE kill.sig = 9 AND proc_exit.sig = 9
	AND kill.user = 'jailed'"
echo ok
