# A flood of reads and writes on all CPUs, with rings that cannot hold it: no exec, exit or connection is lost, and what is
# lost is counted and placed.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command python3
evade=${EVADE:-$HC_BUILD_DIR/tests/lib/evade}
[ -x "$evade" ] || skip "no $evade"

# value CAPTURE QUERY: the query's only value
value() { hindcast query "$1" "$2" --csv 2>/dev/null | tail -n +2 | tr -d '\r'; }
cat >script.py <<'END'
import os, socket, subprocess, sys
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(512)
storm = subprocess.Popen([sys.argv[1], "storm", "1.5"])
for i in range(200):
    pid = os.posix_spawn("/bin/true", ["storm-child", str(i)], {})
    c = socket.socket()
    c.connect(s.getsockname())
    c.close()
    s.accept()[0].close()
    os.waitpid(pid, 0)
sys.exit(storm.wait())
END
hindcast record --json -p full --ring-size 64KiB -o cap -- python3 script.py "$evade" >json
lost() { python3 -c 'import json, sys; t = json.loads(open("json").readlines()[-1]); print(t["lost"] if sys.argv[1] == "all" else t["types"].get(sys.argv[1], {}).get("lost", 0))' "$1"; }
[ "$(lost all)" -gt 0 ] || fail "nothing was lost: no storm"
for type in proc_exec proc_fork proc_exit connect tcp_state setuid; do
	[ "$(lost $type)" = 0 ] || fail "$(lost $type) of $type lost"
done
[ "$(value cap "SELECT count(*) FROM proc_exec WHERE proc_after_cmdline LIKE 'storm-child %'")" = 200 ] || fail "an exec is missing"
[ "$(value cap "SELECT count(*) FROM connect WHERE ret = 0 AND guid IN (SELECT guid FROM proc_exec WHERE proc_after_cmdline LIKE '%script.py%')")" = 200 ] ||
	fail "a connection is missing"
# each loss in a row with its type, CPU and span
[ "$(value cap "SELECT sum(count) FROM meta_gap")" = "$(lost all)" ] || fail "meta_gap: $(value cap "SELECT sum(count) FROM meta_gap")"
[ "$(value cap "SELECT count(*) FROM meta_gap WHERE of_type IS NULL OR on_cpu IS NULL OR from_ns > until_ns OR cause != 'ring_full'")" = 0 ] ||
	fail "a gap that is not placed"

# A flood of what stands in the same rings: it pushes out its like, and no birth, program or end.
cat >noise.py <<'END'
import os, subprocess, sys
noise = subprocess.Popen([sys.argv[1], "noise", "3"])
n = 0
while noise.poll() is None:
    os.waitpid(os.posix_spawn("/bin/true", ["noise-child"], {}), 0)
    n += 1
open("spawned", "w").write(str(n))
END
hindcast record --json -p security -o noise -- python3 noise.py "$evade" >json
[ "$(value noise "SELECT count(*) > 1000 FROM proc_rename")" = 1 ] || fail "no noise"
for type in proc_exec proc_fork proc_exit; do
	[ "$(lost $type)" = 0 ] || fail "$(lost $type) of $type lost in the noise"
done
[ "$(value noise "SELECT count(*) FROM proc_exec WHERE proc_after_cmdline = 'noise-child'")" = "$(cat spawned)" ] || fail "an exec is missing in the noise"
[ "$(value noise "SELECT coalesce(sum(count), 0) FROM meta_gap")" = "$(lost all)" ] || fail "meta_gap of the noise"
echo ok
