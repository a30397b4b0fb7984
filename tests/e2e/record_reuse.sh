# The kernel puts what is opened where something was that has been closed: pipes and sockets whose creation is not recorded are not
# taken for it, and the first that is read from and written to each has a row.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command python3

cat >reuse.py <<'END_OF_SCRIPT'
import ctypes, os, socket, struct, time
libc = ctypes.CDLL(None, use_errno=True)
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(8)
names = []

def use(out, into, name):
    os.write(into, b"x")
    os.read(out, 1)
    names.append(name)

for n in range(200):
    client = socket.create_connection(server.getsockname())
    peer, _ = server.accept()
    use(peer.fileno(), client.fileno(), "ipv4")
    client.close()
    peer.close()
    if n % 3:
        time.sleep(0.01)  # what was closed is given back after a while
    a, b = socket.socketpair()
    use(a.fileno(), b.fileno(), "unix")
    a.close()
    b.close()
    if n % 2:
        time.sleep(0.01)
    out, into = os.pipe()
    use(out, into, f"pipe:[{os.fstat(out).st_ino}]")
    os.close(out)
    os.close(into)
    event = libc.eventfd(0, 0)
    os.write(event, struct.pack("Q", 1))
    os.close(event)
    timer = libc.timerfd_create(1, 0)
    libc.timerfd_settime(timer, 0, struct.pack("4q", 0, 0, 0, 1), None)
    os.read(timer, 8)
    os.close(timer)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.sendto(b"x", ("127.0.0.1", 9))
    sender.close()
print(os.getpid(), *names)
END_OF_SCRIPT

hindcast record -q -o cap -- sh -c "$(real_python) reuse.py >names"
python3 - names cap <<'END_OF_CHECK'
import json, subprocess, sys
pid, *names = open(sys.argv[1]).read().split()
failures = []
for table, anonymous in (("write", "event"), ("read", "timerfd")):
    out = subprocess.run(["hindcast", "events", sys.argv[2], "--json", "-f", f"thread.tid = {pid} and proc.name startswith python and evt.type = {table}",
                          "-o", "*%fd.type %fd.ino"], stdout=subprocess.PIPE, check=True, text=True).stdout
    rows = [json.loads(line) for line in out.splitlines()]
    got = [f"pipe:[{r['fd.ino']}]" if r["fd.type"] == "pipe" else r["fd.type"] for r in rows]
    told = [g for g in got if g in ("ipv4", "unix") or g.startswith("pipe:")]
    others = set(got) - set(told)
    if told != names:
        at = next((i for i, (a, b) in enumerate(zip(told + [None], names + [None])) if a != b), 0)
        failures.append(f"{table}: {len(told)} of {len(names)}; the first that differs: {told[at:at + 1]} instead of {names[at:at + 1]}")
    # of an anonymous file where one of its kind was, nothing tells that it is another
    if others - {"file"} != {anonymous}:
        failures.append(f"{table}: {others} instead of {anonymous}")
sent = subprocess.run(["hindcast", "query", sys.argv[2], "--format", "csv", f"SELECT count(*) FROM sendto WHERE pid = {pid} AND ret = 1"],
                      stdout=subprocess.PIPE, check=True, text=True).stdout.split()[-1]
if int(sent) != len(names) / 3:
    failures.append(f"{sent} datagrams of {len(names) / 3:.0f} sockets")
print("\n".join(failures) or f"{len(names)} reads and writes, each of its own")
sys.exit(bool(failures))
END_OF_CHECK
