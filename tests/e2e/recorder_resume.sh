# What a recorder that is gone left: full rings are counted at their place, SIGTERM with --hold and a restart by the service manager are
# no gap, another version's records are counted, and in the end nothing stays attached.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
. "$HC_SOURCE_DIR/tests/e2e/lib_pinned.sh"

# killed, and the rings are full before the next one comes
begun=$(date +%s%N)
serve log4 --ring-size 1MiB
served=$(date +%s%N)
ends KILL 137
calls e 20000 100000
serve log5 --hold
read -r e distinct <<<"$(seen e)"
[ "$e" = "$distinct" ] || fail "doubled: $e rows of $distinct calls"
[ "$e" -lt 20000 ] || fail "all calls in a ring of 1 MiB"
[ $((e + $(lost ring_full))) -ge 20000 ] || fail "$e calls are there and $(lost ring_full) counted, of 20000"
told=$(sed -nE 's/.*level=warn msg="went on where another recorder had ended".* events_lost=([0-9]+).*/\1/p' log5)
[ "${told:-0}" -ge "$(lost ring_full)" ] || fail "the log tells of ${told:-no} losses, of $(lost ring_full) and more"
[ "$(value "SELECT count(*) > 0 FROM meta_gap WHERE cause = 'ring_full' AND of_type = 'openat' AND on_cpu IS NOT NULL AND exact
	AND from_ns < until_ns AND until_ns <= (SELECT max(boot_ns) FROM meta_clock)")" = 1 ] || fail "the loss is not placed"

# SIGTERM with --hold is no gap
ends TERM 0
calls f 3000 100000
where="cause IN ('stopped', 'crash') OR exact = 0"
before=$(value "SELECT count(*) FROM meta_gap WHERE $where")
serve log6 --control "$PWD/sock"
hindcast capture start whole --pre 10m --control "$PWD/sock" --json >whole
jq -e ".capture | .past_limit == \"beginning\" and .past_from_ns > $begun and .past_from_ns < $served" whole >/dev/null ||
	{ cat whole; fail "a hole is said where there is none"; }
[ "$(seen f)" = "3000 3000" ] || fail "of 3000 calls while it restarted: $(seen f)"
[ "$(value "SELECT count(*) FROM meta_gap WHERE $where")" = "$before" ] || fail "a gap where it restarted"

# what another version left is counted, not read
ends KILL 137
calls g 1000 100000
python3 - "$pins" <<-'EOC'
	import ctypes, glob, mmap, struct, sys
	path = glob.glob(sys.argv[1] + "/*/g*/info")[0].encode()
	name = ctypes.create_string_buffer(path)
	attr = ctypes.create_string_buffer(struct.pack("QII", ctypes.addressof(name), 0, 0), 120)
	fd = ctypes.CDLL(None).syscall({"x86_64": 321, "aarch64": 280}[__import__("platform").machine()], 7, attr, 120)
	mmap.mmap(fd, 4096)[0:8] = b"another."
EOC
serve log7
expect_match 'level=warn .*records_of_another_version=[1-9][0-9]{3,}' log7
[ "$(seen g)" = "0 0" ] || fail "records of another version were read"
[ "$(value "SELECT count >= 1000 AND of_type IS NULL FROM meta_gap WHERE cause = 'other_version'")" = 1 ] || fail "they were not counted"

# nothing stays after a clean end; after a kill it can be told to go
ends TERM 0
[ ! -e "$pins" ] || { find "$pins" >&2; fail "something stays pinned after SIGTERM"; }
serve log8
hindcast recorder --pin "$pins" --unpin >out
expect_match ': 0 removed, 1 in use$' out
ends KILL 137
hindcast recorder --pin "$pins" --unpin >out
expect_match ': 1 removed, 0 in use$' out
[ ! -e "$pins" ] || fail "something stays pinned"

# A service manager that keeps descriptors holds all of it: SIGTERM is then no gap, and no directory shows anything.
python3 - $$ <<-'EOC'
	import array, errno, os, select, signal, socket, subprocess, sys
	ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	ear.bind("ear")
	kept = []
	def until_ready():
	    while True:
	        data, anc, _, _ = ear.recvmsg(4096, socket.CMSG_SPACE(4))
	        for _, _, fds in anc:
	            assert data == b"FDSTORE=1\nFDNAME=hindcast-bpf", data
	            kept.extend(array.array("i", fds))
	            try: select.epoll().register(kept[-1]) # systemd keeps what cannot be polled, and nothing else that fails
	            except OSError as e: assert e.errno == errno.EPERM, e
	        if data.startswith(b"READY=1"):
	            return
	def serve(log, listen):
	    env = dict(os.environ, NOTIFY_SOCKET=os.path.abspath("ear"), FDSTORE="1")
	    command = listen + "exec hindcast recorder --dir cap --control none"
	    p = subprocess.Popen(["bash", "-c", command], env=env, stderr=open(log, "w"), pass_fds=kept)
	    until_ready()
	    return p
	def stop(p):
	    p.send_signal(signal.SIGTERM)
	    assert p.wait() == 0
	stop(serve("log9", ""))
	assert len(kept) == 1, kept
	for i in range(3000):
	    try: os.open("/nowhere-%s/h-%d" % (sys.argv[1], i), os.O_RDONLY)
	    except OSError: pass
	listen = "export LISTEN_FDS=2 LISTEN_FDNAMES=other:hindcast-bpf LISTEN_PID=$$; exec 4<&%d; " % kept[0]
	stop(serve("log10", listen))
	assert len(kept) == 1, kept
EOC
expect_match 'msg="went on where another recorder had ended"' log10
[ "$(seen h)" = "3000 3000" ] || fail "of 3000 calls while the manager restarted it: $(seen h)"

# no BPF file system: it says so and works
hindcast verify cap >out || { cat out >&2; fail "not whole"; }
pins=$PWD/nothing
serve log11
expect_match 'level=warn .*will not be recorded.*no BPF file system' log11
ends TERM 0
echo ok
