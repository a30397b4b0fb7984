# A recorder over its budget of processor time sheds detail, says so everywhere, and goes on recording what matters.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command python3

expect_exit 2 hindcast recorder --check-config --max-cpu 64MiB 2>err
expect_match "^hindcast recorder: --max-cpu: '64MiB' is not a share of one processor, such as 5%$" err

pid= load=
trap 'kill -9 $pid $load 2>/dev/null || true' EXIT
printf 'profile: full\nsnaplen: 50\nmax-cpu: 0.5%%\n' >c.yaml
hindcast recorder --config c.yaml -d rec --ring-size 16MiB --container-root none --control "$PWD/control.sock" \
	--metrics "$PWD/metrics.sock" --pin none 2>log &
pid=$!
until_logged() { # N REGEX SECONDS: so many lines
	local n=$1 line=$2
	within "$3" eval '[ "$(grep -cE -- "$line" log)" -ge "$n" ] || ! kill -0 $pid 2>/dev/null' && kill -0 $pid 2>/dev/null && return
	cat log >&2
	fail "the log does not say $1 times: $2"
}
value() { hindcast query rec --csv "$1" | tail -n +2 | tr -d '\r'; }

until_logged 1 ' msg=recording ' 30
python3 -c '
import os, time
r, w = os.pipe()
while True: # much, and less than would fill a ring
    for _ in range(100):
        os.write(w, b"x" * 64)
        os.read(r, 64)
        os.stat("/")
    time.sleep(0.002)' &
load=$!
until_logged 1 'level=warn msg="over the budget of processor time: detail is shed" detail=payload used_percent=[0-9.]+ max_percent=0.5' 10
until_logged 2 'detail is shed' 10
expect_match 'detail=io used_percent' log
# names that no other process of this machine has
cp /bin/true ./seen$$
cp "$(command -v dd)" ./dd$$
./seen$$ # while it sheds
python3 - <<'END' >metrics
import socket
s = socket.socket(socket.AF_UNIX)
s.connect("metrics.sock")
s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
print(b"".join(iter(lambda: s.recv(65536), b"")).decode())
END
expect_match '^hindcast_recorder_state\{state="shedding"\} 1' metrics
expect_match '^hindcast_detail_shed\{detail="payload"\} 1' metrics
expect_match '^hindcast_detail_shed\{detail="io"\} 1' metrics
kill $load
wait $load 2>/dev/null || true

# without a budget all is recorded again
printf 'profile: full\nsnaplen: 50\n' >c.yaml
kill -HUP $pid
until_logged 1 'msg="detail is recorded again" detail=payload' 5
rests 1 # until the rings have room for what follows
./dd$$ if=/dev/zero of=/dev/null bs=77 count=5 2>/dev/null
kill -TERM $pid
wait $pid || { cat log >&2; fail "exit code $?"; }
pid=

[ "$(value "SELECT count(*) FROM proc_exec WHERE comm = 'seen$$'")" = 1 ] || {
	value "SELECT ts_ns, comm, filename FROM proc_exec WHERE filename LIKE '%seen%'" >&2
	value "SELECT of_type, cause, from_ns, until_ns, count FROM meta_gap" >&2
	fail "the program that ran is not there"
}
[ "$(value "SELECT count(*) FROM write WHERE comm = 'dd$$' AND ret = 77 AND length(data) = 50")" = 5 ] || {
	value "SELECT ret, length(data), count(*) FROM write WHERE comm = 'dd$$' GROUP BY 1, 2" >&2
	value "SELECT of_type, cause, from_ns, until_ns, count FROM meta_gap" >&2
	cat log >&2
	fail "writes are not whole again"
}
value "SELECT expression FROM meta_filter WHERE reason = 'shed' AND until_ns IS NULL ORDER BY from_ns" >rows
expect_match '^payload max-cpu=0.5% used=[0-9.]+%$' rows
expect_match '^io max-cpu=0.5% used=[0-9.]+%$' rows
[ "$(value "SELECT count(*) FROM meta_filter WHERE reason = 'shed' AND until_ns IS NOT NULL")" = "$(wc -l <rows)" ] ||
	fail "sheds without an end"
[ "$(value "SELECT count(*) FROM meta_filter WHERE reason = 'shed' AND expression LIKE 'io %' AND types LIKE '%\"lseek\"%'
	AND types LIKE '%\"write first+p53+magic\"%'")" = 2 ] || fail "the types that were shed"
hindcast info rec >info
expect_match '^shed +payload: 1 time, .* in all, last from .* \(max-cpu=0.5% used=[0-9.]+%\)$' info
expect_match '^ +io: 1 time, ' info
hindcast info --json rec | python3 -c '
import json, sys
sheds = json.load(sys.stdin)["sheds"]
assert [s["what"].split()[0] for s in sheds[:2]] == ["payload", "io"] and all(s["from"] < s["until"] for s in sheds), sheds'

rule() { printf -- '- rule: r\n  desc: d\n  condition: %s\n  output: o\n  priority: NOTICE\n' "$1" >rule.yaml; }
rule 'evt.type = lseek'
expect_exit 1 hindcast replay -p rule.yaml rec >out 2>&1
expect_match 'lseek: left out for a time, as the recorder was over its budget \(shed: io max-cpu=0.5% used=[0-9.]+%\)' out
rule 'evt.type = pread'
hindcast replay -p rule.yaml rec >out 2>&1 || [ $? = 1 ]
expect_match 'recorder was over its budget' out
rule 'evt.type = execve and proc.name startswith seen'
hindcast replay -p rule.yaml rec >out 2>&1 || { cat out >&2; fail "what is never shed cannot be answered"; }
expect_no_match 'budget' out
echo ok
