# Secrets never reach the disk: not in a segment's blocks, not in the index; what stands beside them does.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command zstd
need_command python3

# value CAPTURE QUERY: the query's only value
value() { hindcast query "$1" "$2" --csv 2>/dev/null | tail -n +2 | tr -d '\r'; }
# leaks CAPTURE: secrets in any text or payload of it, decompressed by another program
leaks() {
	python3 - "$1" <<'END'
import os, subprocess, sys
n = 0
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        data = open(os.path.join(folder, name), "rb").read()
        parts, at = [data], data.find(b"\x28\xb5\x2f\xfd")
        while at >= 0:
            parts.append(subprocess.run(["zstd", "-dcq"], input=data[at:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
            at = data.find(b"\x28\xb5\x2f\xfd", at + 4)
        n += sum(p.count(b"SEKRET") for p in parts)
print(n)
END
}
cp /bin/true mysql
cp /bin/true sqlplus
printf 'USER bob\r\nPASS SEKRET15\r\nGET /x?key=SEKRET16 HTTP/1.1\r\n' >commands
printf '*3\r\n$4\r\nAUTH\r\n$3\r\nbob\r\n$8\r\nSEKRET17\r\n' >redis
cat >script <<'END'
export AWS_SECRET_ACCESS_KEY=SEKRET1 GITHUB_TOKEN=SEKRET2 DB_URL=postgres://bob:SEKRET3@db/x PLAIN=visible
/bin/true --password=SEKRET4 --token SEKRET5 visible
/bin/sh -c 'true "Authorization: Bearer SEKRET6abcdefgh"; /bin/true'
./mysql -p"$MY_PASSWORD" -u root db # in a text, an option of one program is not known
printf 'POST / HTTP/1.1\r\nAuthorization: Basic SEKRET8=\r\nHost: h\r\n\r\npassword=SEKRET9&user=bob\n' >request
cat request >/dev/null
cat commands redis >/dev/null
./sqlplus -S bob/"$MY_PASSWORD"@db
./no-such-program --password=SEKRET10
cat "/proc/$OLD/cmdline" "/proc/$OLD/environ" | cat >/dev/null # as ps does, and whoever it writes to
END
# a process older than the recording
mkfifo never
(DB_PASSWORD='SEKRET11 & SEKRET13' exec -a curl bash -c "read -r -t $((60 * slow)) <>never" bash --token SEKRET12 -u HIDDEN14) &
old=$!
trap 'kill $old 2>/dev/null || :' EXIT
OLD=$old MY_PASSWORD=SEKRET7 hindcast record --json -p full -s 512 -o cap -- /bin/sh script >/dev/null 2>&1
[ "$(leaks cap)" = 0 ] || fail "$(leaks cap) secrets in the capture"
sql() {
	local got
	got=$(value cap "$2")
	[ "$got" = "$1" ] || fail "'$got' instead of '$1': $2"
}
# what policies ask for is there
sql 1 "SELECT count(*) FROM proc_exec WHERE proc_after_cmdline = '/bin/true --password=*** --token *** visible' AND row_flags & 4096"
sql 1 "SELECT count(*) FROM proc_exec WHERE proc_after_cmdline = './mysql -p*** -u root db'"
sql 1 "SELECT min(proc_after_cmdline LIKE '/bin/sh -c true \"Authorization: ***\"; %') FROM proc_exec WHERE proc_after_cmdline LIKE '%Authoriz%'"
sql 1 "SELECT count(*) FROM proc_exec WHERE proc_after_cmdline = './sqlplus -S bob/***@db'"
for rule in 'builtin pass' 'builtin auth' 'query key'; do
	sql 1 "SELECT sum(count) FROM meta_masked WHERE of_type = 'read' AND rule = '$rule'"
done
# the file was read as long as it is
[ "$(value cap "SELECT DISTINCT ret FROM read WHERE CAST(data AS TEXT) LIKE 'POST%'")" = "$(stat -c %s request)" ] || fail "payload"
# /proc told of the older process: its secrets' names stand beside them
for type in read write; do
	sql 1 "SELECT count(*) > 0 FROM $type WHERE instr(data, CAST('--token' || char(0) || '********' || char(0) || '-u' || char(0) || '********' || char(0) AS BLOB))"
	sql 1 "SELECT count(*) > 0 FROM $type WHERE instr(data, CAST('DB_PASSWORD=*******************' || char(0) AS BLOB))"
	sql 3 "SELECT count(DISTINCT rule) FROM meta_masked WHERE of_type = '$type' AND rule IN ('name token', 'option -u curl', 'name *password*')"
done
# counted, by rule, in rows and in the totals
for rule in 'name *password*' 'name *_token' 'builtin url' 'name *authorization' 'name *secret*'; do
	[ "$(value cap "SELECT count(*) > 0 FROM meta_masked WHERE rule = '$rule'")" = 1 ] || fail "no row for $rule"
done
sql default "SELECT DISTINCT masking FROM meta_config"
total=$(value cap "SELECT sum(count) FROM meta_masked")
hindcast info cap >info
expect_match "^masked +$total " <(tr -d , <info)
[ "$total" -gt 10 ] || fail "only $total masked"

# rules of one's own; off for one program; off altogether
printf 'name *colour*\noff exe=%s\n' "$PWD/mysql" >rules
# (no secret to another such test that runs meanwhile and records this)
hindcast record -q -o own --mask-rules rules -- /bin/sh -c './mysql -pSEKRET --colour=blue; /bin/true --colour=red --password=x; exit 0'
[ "$(value own "SELECT count(*) FROM proc_exec WHERE proc_after_cmdline = './mysql -pSEKRET --colour=blue'")" = 1 ] || fail "not off"
[ "$(value own "SELECT count(*) FROM proc_exec WHERE proc_after_cmdline = '/bin/true --colour=*** --password=***'")" = 1 ] || fail "rules"
expect_match 'default, rules sha256=[0-9a-f]{64}' <(value own "SELECT DISTINCT masking FROM meta_config")
hindcast record -q -o none --no-mask -- /bin/true --password=SEKRET
[ "$(value none "SELECT count(*) FROM proc_exec WHERE proc_after_cmdline = '/bin/true --password=SEKRET'")" = 1 ] || fail "--no-mask"
[ "$(value none "SELECT DISTINCT masking FROM meta_config")" = none ] || fail "masking is not none"
[ "$(leaks none)" -gt 0 ] || fail "the search for leaks finds nothing"

# mistakes
printf 'name *good*\nnam *x*\n' >rules
expect_exit 2 hindcast record -o new --mask-rules rules --for 1s 2>err
expect_match 'rules:2:1: .*a rule begins with' err
expect_exit 2 hindcast record -o new --mask-rules rules --no-mask --for 1s 2>err
[ ! -e new ] || fail "a directory was made"
# a value that another argument names
if [ "$(uname -m)" = x86_64 ]; then
	: >attributes
	"$HINDCAST" record -q -o named -- python3 -c '
import ctypes
libc = ctypes.CDLL(None)
fs = libc.syscall(430, b"tmpfs", 0)
for key, value in (b"password", b"hunter2"), (b"size", b"4711000"):
    libc.syscall(431, fs, 1, key, value, 0)
for name, value in (b"user.password", b"hunter3"), (b"user.note", b"harmless"):
    libc.syscall(188, b"attributes", name, value, len(value), 0)' || fail "not recorded"
	got=$("$HINDCAST" query named "SELECT key_name || ' ' || value_charbuf FROM fsconfig WHERE key_name IN ('password', 'size')
		UNION ALL SELECT name || ' ' || CAST(value AS TEXT) FROM setxattr WHERE name LIKE 'user.%'" --csv | tail -n +2 | tr -d '\r"')
	[ "$got" = "password ***
size 4711000
user.password *******
user.note harmless" ] || fail "named values: $got"
fi
echo ok
