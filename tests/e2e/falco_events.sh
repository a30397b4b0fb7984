# A real recording through Falco's eyes: filters, formats, JSON, and errors of both.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live

echo secret >file
ln -s file link
hindcast record -o cap --profile full -- sh -c 'cat link; cat ./nothing; python3 -c "
import socket
s = socket.socket(); s.bind((\"127.0.0.1\", 0)); s.listen(1)
c = socket.create_connection(s.getsockname()); a = s.accept()[0]; a.send(b\"x\")"; exit 0' >record.out 2>&1 ||
	{ cat record.out >&2; fail "record"; }

events() { hindcast events cap "$@"; }

events -f "proc.name = cat and fd.name = $PWD/link" -o '%evt.type %evt.arg.name %evt.arg.flags %proc.cmdline|%proc.pname' >out
expect_match '^open(at)? .*/?link O_RDONLY.* cat link\|sh$' out
events -f "proc.name = cat and evt.res = ENOENT and fd.name endswith nothing" -o '%fd.name %fd.num %evt.rawres' >out
expect_match "^$PWD/nothing -1 -2\$" out
events -f 'evt.type = execve and evt.res = SUCCESS and proc.exepath endswith /cat' -o '%proc.args' >out
expect_match '^link$' out
if command -v python3 >/dev/null; then
	events -f 'evt.type = connect and fd.sip = 127.0.0.1 and proc.name startswith python' \
		-o '%fd.l4proto %fd.cip %fd.name %evt.arg.tuple' >out
	expect_match '^tcp 127\.0\.0\.1 127\.0\.0\.1:[0-9]+->127\.0\.0\.1:([0-9]+) 127' out
	events -f 'evt.type in (accept, accept4) and fd.typechar = 4 and proc.name startswith python' -o '%fd.lport=%fd.sport' >out
	expect_match '^([0-9]+)=\1$' out
	# of what the server sends, and of what is received, the sender is first; the client of the connection is
	events -f 'evt.type = sendto and fd.l4proto = tcp and proc.name startswith python' -o '%evt.arg.tuple %fd.name' >out
	expect_match '^(127\.0\.0\.1:[0-9]+)->(127\.0\.0\.1:[0-9]+) \2->\1$' out
fi

# In the order of the events, whatever the streams; as many as asked for.
events -o '%evt.num' >nums
sort -n nums | cmp - nums || fail "events are not in order"
[ "$(events -n 5 | wc -l)" = 5 ] || fail "-n 5"
events -n 3 --json -o '%evt.num %proc.name %evt.time %evt.latency.ns' | while read -r line; do
	jq -e '."evt.num" > 0 and (."evt.time" | type) == "number" and ."evt.latency.ns" == 0' <<<"$line" >/dev/null || fail "not the object: $line"
done
events -f 'evt.type = proc_exit' -n 1 >out
expect_match ' > procexit status=' out

expect_exit 2 hindcast events cap -f 'proc.nome = x' 2>err
expect_match '^filter:1:1: .*nonexistent field proc.nome' err
expect_exit 2 hindcast events cap -o '%nothing.at.all' 2>err
expect_match '^format:1:1: unknown filter: nothing.at.all' err
expect_exit 2 hindcast events cap -f 'proc.name regex "(a"' 2>err
expect_match 'missing \)' err

# The same over rules.
cat >rules.yaml <<EOF
- rule: Link read
  desc: d
  condition: evt.is_open_read = true and fd.num >= 0 and fd.name = $PWD/link and proc.name = cat
  output: "%proc.name read %fd.name"
  priority: NOTICE
EOF
hindcast replay -q -p rules.yaml cap >out
expect_match "Notice cat read $PWD/link\$" out
hindcast replay -q --format falco-json -p rules.yaml cap | jq -e '.output_fields["proc.name"] == "cat" and .rule == "Link read"' >out ||
	fail "falco-json"
