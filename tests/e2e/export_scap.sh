# A capture that was recorded here becomes a scap file and a capture again: the same events, but for what docs/scap.md names.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
demo=$HC_SOURCE_DIR/tests/demo/capture.hcb

# compare BEFORE AFTER: by time, type and thread; prints what differs and what is missing, and how often
cat >compare.py <<'PY'
import collections
import sys

from pairs import load, pairs

FIELDS = """evt.rawtime evt.type evt.rawres evt.res evt.args thread.tid proc.pid proc.ppid proc.vpid proc.name proc.exe proc.exepath
proc.args proc.cmdline proc.env proc.cwd proc.pname proc.pcmdline proc.aname[2] proc.aname[3] proc.sid proc.vpgid proc.tty
proc.is_exe_writable proc.exe_ino user.uid user.name user.loginuid group.gid group.name container.id fd.num fd.type fd.typechar
fd.name fd.directory fd.filename fd.sip fd.sport fs.path.name fs.path.target""".split()

differ, missing, compared = collections.Counter(), collections.Counter(), 0
for event, other in pairs(load(sys.argv[1], FIELDS), load(sys.argv[2], FIELDS)):
    if not other:
        missing[event["evt.type"]] += 1
        continue
    compared += 1
    for field in FIELDS:
        # a number that was not recorded: the format has no word for it
        if event[field] != other[field] and not (field == "evt.args" and "<NA>" in event[field]):
            differ[field] += 1
            if differ[field] == 1:
                print(f"{field} of {event['evt.type']}: {event[field]} | {other[field]}", file=sys.stderr)
print(f"compared {compared}")
for kind, counts in (("missing", missing), ("differ", differ)):
    for name, n in sorted(counts.items()):
        print(kind, name, n)
PY
# found CAPTURE: alerts of the rules that come with it, by time and rule
found() {
	hindcast replay -q -p "$HC_SOURCE_DIR/policies/falco" --format falco-json "$1" 2>/dev/null |
		python3 -c 'import json, sys
for line in sys.stdin:
    a = json.loads(line)
    print(a["time"], a["rule"], a["output"].split(" ", 1)[1])'
}

expect_exit 0 hindcast export "$demo" --format scap -o demo.scap >out
expect_match '^demo.scap: .*, [0-9,]+ events$' out
expect_match 'left out: .* rows that Falco has no event for: proc_rename [0-9]+ sig_send [0-9]+ tcp_state [0-9]+$' out
expect_match '^12 events beside them tell of processes' out
expect_exit 0 hindcast import demo.scap -o demo >imported
expect_exit 0 hindcast verify demo >verified
PYTHONPATH=$HC_SOURCE_DIR/tests/e2e python3 compare.py "$demo" demo >compared
cat compared
expect_match '^compared 11[0-9][0-9]$' compared
grep '^missing' compared >missing
cat >want <<'END'
missing proc_rename 50
missing sig_send 1
missing tcp_state 14
END
diff -u want missing
# what a call that failed, or one that no event stands for, did to a socket or a directory: a handful of events; sockets
# that are not connected are told by their calls alone, and messages from the sender on
awk '$1 == "differ" && $2 !~ /^(fd\.sip|fd\.sport)$/ && $3 > ($2 == "evt.args" ? 16 : 8) { print; bad = 1 } END { exit bad }' compared || fail "too much differs"

# the same rules fire on the same events
found "$demo" >before
found demo >after
[ -s after ] || fail "no alerts"
diff before after || fail "other alerts"

# compressed by its name or as asked for, with the same content
hindcast export "$demo" --format scap -o demo.scap.gz >/dev/null
hindcast export "$demo" --format scap -o demo.scap.zst >/dev/null
hindcast export "$demo" --format scap -o other --compress zstd >/dev/null
gzip -dc demo.scap.gz | cmp - demo.scap
zstd -qdc demo.scap.zst | cmp - demo.scap
cmp other demo.scap.zst

# a span: events outside it are not there, what was there before it is
expect_exit 0 hindcast export "$demo" --format scap -o span.scap --since 2026-11-23T21:21:00Z --until 2026-11-23T21:21:02Z >out
hindcast import -q span.scap -o span
hindcast events span -o '%evt.time.iso8601 %proc.name' >times
[ -s times ] || fail "nothing in the span"
expect_no_match '^2026-11-23T21:(20|21:0[2-9])' times
expect_no_match '<NA>' times

# nothing is overwritten, and nothing half-written is left
cp demo.scap kept
expect_exit 4 hindcast export "$demo" --format scap -o kept 2>err
expect_match "'kept' is there already" err
cmp kept demo.scap
expect_exit 0 hindcast export "$demo" --format scap -o kept --force --compress gzip >/dev/null
expect_exit 3 hindcast export "$demo" --format scap -o empty --since 2030-01-01T00:00:00Z 2>err
expect_match 'has no event in this span' err
expect_exit 4 hindcast export "$demo" --format scap -o no/such/place 2>err
[ -z "$(ls -d empty* no* ./*.part-* 2>/dev/null)" ] || fail "something was left"

# as JSON
expect_exit 0 hindcast export "$demo" --format scap -o json.scap --json >json
jq -e --argjson bytes "$(wc -c <json.scap)" '.format == "scap" and .file == "json.scap" and .bytes == $bytes and .events == 1165
	and .rows_without_event == {"proc_rename": 50, "sig_send": 1, "tcp_state": 14}' json >/dev/null

# whoever takes it for a capture is told what to do, of a compressed one too, and of no other file
for file in json.scap demo.scap.zst; do
	for command in info verify; do
		expect_exit 2 hindcast $command $file 2>err
		expect_match "^  it is a scap file: 'hindcast import FILE -o DIR' makes a capture of it$" err
	done
done
expect_exit 2 hindcast info times 2>err
expect_no_match 'scap' err

# usage
expect_exit 2 hindcast export "$demo" -o x 2>err
expect_match 'say --bundle or --format scap' err
expect_exit 2 hindcast export "$demo" --bundle --format scap -o x 2>err
expect_exit 2 hindcast export "$demo" --format scap -o x -p "$HC_SOURCE_DIR/policies/falco" 2>err
expect_exit 2 hindcast export "$demo" --bundle --compress gzip -o x 2>err

# a damaged capture: what can be read goes out, and it is said
hindcast export "$demo" --bundle -o copy.hcb >/dev/null
mkdir unpacked && tar -xf copy.hcb -C unpacked
seg=$(find unpacked -name 'bulk-*.hcs' | head -1)
python3 - "$seg" <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    data = f.read()
    f.seek(len(data) // 2)
    f.write(bytes(b ^ 0xff for b in data[len(data) // 2:len(data) // 2 + 64]))
PY
expect_exit 3 hindcast export unpacked --format scap -o part.scap >out 2>err
expect_match '^part.scap: .* events$' out
[ -s err ] || fail "no word of what could not be read"
hindcast import -q part.scap -o part
