# hindcast.so in SQLite's own shell and in Python: the same answers as hindcast query.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_command sqlite3
ext=$HC_BUILD_DIR/hindcast.so
[ -f "$ext" ] || fail "no $ext"
"$HC_BUILD_DIR/tests/lib/hc-gen" cap rows=3000 flush=300 index >/dev/null
"$HC_BUILD_DIR/tests/lib/hc-gen" other rows=200 seed=9 index >/dev/null

# An extension with sanitizers needs their library first in the process; what the client leaks is its own affair.
client() {
	case ${HC_SANITIZE:-} in
	*address*) ASAN_OPTIONS=detect_leaks=0:$ASAN_OPTIONS LD_PRELOAD=$(gcc -print-file-name=libasan.so) "$@" ;;
	*) "$@" ;;
	esac
}
shell() { client sqlite3 -bail -csv :memory: "$@"; }
case ${HC_SANITIZE:-} in *thread*) skip "a client without the thread sanitizer cannot load it" ;; esac

# One SQLite in the process: everything goes through the client's pointer. So it is in
# a release, which has functions in several versions.
for built in "$ext" "$HC_SOURCE_DIR/build/release/hindcast.so"; do
	[ -f "$built" ] || continue
	nm -D "$built" | grep -q ' U sqlite3_' && fail "$built calls a SQLite of its own"
	nm -D --defined-only "$built" | grep -vq ' sqlite3_hindcast_init$' && fail "$built exports more than its entry"
done

for sql in 'SELECT count(*), min(time), max(seq) FROM events' \
	"SELECT seq, comm, exe, args FROM events WHERE type IN ('openat', 'connect') ORDER BY seq" \
	'SELECT type, count(*) FROM events WHERE time < at(1714525201000000000) GROUP BY 1 ORDER BY 1' \
	'SELECT pid, guid, comm, cmdline FROM processes ORDER BY 2, 1' \
	'SELECT * FROM files ORDER BY seq' \
	'SELECT path, n_rows FROM segments'; do
	printf '%s\n' ".load $ext" ".output /dev/null" "SELECT hindcast_open('$PWD/cap');" ".output" ".mode json" "$sql;" >script
	hindcast query --json cap "$sql" >want.json
	shell <script >got.json
	python3 - want.json got.json <<'PY' || fail "$sql"
import json, sys
def load(p):
    text = open(p, encoding="utf-8", errors="replace").read()
    return json.loads(text, strict=False) if text.strip() else []
want, got = (load(p) for p in sys.argv[1:])
def plain(rows): # the shell ends a text at a NUL, and writes bytes that are not UTF-8 its own way
    return [{k: "".join(c for c in v.split("\0")[0] if c.isascii() and c.isprintable()) if isinstance(v, str) else v
             for k, v in r.items()} for r in rows]
assert len(want) == len(got), (len(want), len(got))
assert plain(want) == plain(got)
PY
done

# Two captures beside each other, one's own names, opening again, errors.
shell <<SQL >out
.load $ext
SELECT hindcast_open('$PWD/cap') > 100;
SELECT hindcast_open('$PWD/other', 'o_') > 100;
SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM o_events);
CREATE VIRTUAL TABLE temp.mine USING hindcast('$PWD/other');
CREATE VIRTUAL TABLE temp.procs USING hindcast('$PWD/other', processes);
SELECT count(*) FROM mine;
SELECT count(*) > 0 FROM procs;
SELECT hindcast_open('$PWD/cap') > 100;
SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM execs) = (SELECT count(*) FROM proc_exec);
SQL
printf '1\n1\n3000,200\n200\n1\n1\n3000,1\n' | cmp - out || { cat out; fail "several captures"; }
refused() {
	printf '%s\n' ".load $ext" "$1" | shell >out 2>&1 && fail "not refused: $1"
	expect_match "$2" out
}
refused "SELECT hindcast_open('/nowhere');" "cannot open '/nowhere'"
refused "CREATE VIRTUAL TABLE temp.x USING hindcast('$PWD/cap', nope);" "no table 'nope'"
refused "CREATE VIRTUAL TABLE temp.x USING hindcast;" "is wanted"
refused "CREATE TEMP TABLE events(a); SELECT hindcast_open('$PWD/cap');" "temporary table 'events' already"
refused "SELECT hindcast_open('$PWD/cap'); DELETE FROM events;" "may not be modified"

for python in /usr/bin/python3 python3; do
	$python -c 'import sqlite3; sqlite3.connect(":memory:").enable_load_extension' 2>/dev/null || continue
	client $python - "$ext" "$PWD/cap" <<'PY' || fail "Python"
import sqlite3, sys
db = sqlite3.connect(":memory:")
db.enable_load_extension(True)
db.load_extension(sys.argv[1])
db.execute("SELECT hindcast_open(?)", (sys.argv[2],)).fetchone()
assert db.execute("SELECT count(*) FROM events").fetchone() == (3000,)
assert db.execute("SELECT count(*) FROM events WHERE seq IN (1, 2, 5000)").fetchone() == (2,)
db.close()
PY
	break
done
