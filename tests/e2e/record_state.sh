# What was there before the recording is described too: processes, what they have open, mounts.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command python3

# value CAPTURE QUERY: the query's only value
value() { hindcast query "$1" "$2" --csv 2>/dev/null | tail -n +2 | tr -d '\r'; }
some() {
	local n
	n=$(value "$1" "$2")
	[ "${n:-0}" -gt 0 ] || fail "no rows: $2"
}
echo secret >kept
python3 -c '
import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(1)
u = socket.socket(socket.AF_UNIX); u.bind("\0hindcast-e2e"); u.listen(1)
f = open("kept")
print(s.getsockname()[1], flush=True)
time.sleep(600)' >port &
pid=$!
trap 'kill $pid' EXIT
within 10 [ -s port ] || fail "the server does not come"
port=$(cat port)
hindcast record -q -o cap --for 300ms
state="FROM meta_state WHERE proc_guid IN (SELECT guid FROM processes WHERE pid = $pid) AND what"
some cap "SELECT count(*) $state = 'process' AND proc_cmdline LIKE '%hindcast-e2e%'"
some cap "SELECT count(*) $state = 'descriptor' AND fd_real = '$(realpath kept)'"
some cap "SELECT count(*) $state = 'descriptor' AND fd_local_addr = '127.0.0.1' AND fd_local_port = $port"
some cap "SELECT count(*) $state = 'descriptor' AND fd_name LIKE '%hindcast-e2e%'"
some cap "SELECT count(*) FROM meta_state WHERE what = 'mount' AND name = '/'"
some cap "SELECT count(*) FROM meta_start WHERE why = 'start' AND kernel_release = '$(uname -r)'"
some cap "SELECT count(*) FROM meta_config WHERE profile = 'security' AND types LIKE '%openat all%'"
some cap "SELECT count(*) FROM meta_stop WHERE reason = 'time'"
some cap "SELECT count(*) FROM meta_clock WHERE why = 'start'"
# who ended at once in a mount namespace of its own is named as on the host; a session from outside of a pid namespace
# keeps its number
if unshare -m -p -f true 2>/dev/null && command -v setpriv >/dev/null; then
	user=$(getent passwd 34 | cut -d: -f1) group=$(getent group 12 | cut -d: -f1)
	cat >spaces <<-'END'
		for i in 1 2 3; do unshare -m setpriv --reuid 34 --regid 12 --clear-groups true; done
		unshare -p -f true
	END
	hindcast record -q -o spaces.cap -- setsid -w sh spaces
	for name in user group; do
		[ "$(hindcast events spaces.cap -f 'proc.name = true and user.uid = 34' -o "%$name.name" | sort -u)" = "${!name}" ] ||
			fail "not known: $name ${!name}"
	done
	sid() { hindcast events spaces.cap -f "evt.type = execve and $1" -o '%proc.sid' | sort -u; }
	[ "$(sid "proc.name = true and proc.vpid = 1 and proc.aname[2] = sh")" = "$(sid "proc.cmdline = 'sh spaces'")" ] ||
		fail "not the session: $(sid "proc.vpid = 1")"
fi
# the process that was there is known from the kernel, to the nanosecond
some cap "SELECT count(*) FROM processes WHERE pid = $pid AND start_ns % 10000000 != 0"
echo ok
