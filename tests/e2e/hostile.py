"""Clients that nobody wants at an address of metrics, and one that everybody wants beside them. Usage:
hostile.py ADDRESS PID [SECONDS]: of the recorder with that pid; fails unless the good one is served meanwhile and the recorder stays
as small as it was."""
import http.client
import mmap
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from openmetrics import Bad, connect, must, scrape, value

HEAD = b"GET /metrics HTTP/1.1\r\nHost: x\r\n"
TLS = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x5a" * 506
MAX_PEERS = 64  # of docs/metrics.md: connections that the recorder ever holds
MAX_OF_ONE = 16  # and those of one address that it keeps
SLOW = int(os.environ.get("HC_SLOW", "1"))


def answer(address, request):
    """Status of the answer to some bytes, and the number of answers; 0: the connection was closed without one."""
    with connect(address) as s:
        got = b""
        try:
            s.sendall(request)
            while more := s.recv(65536):
                got += more
        except (ConnectionResetError, BrokenPipeError):
            pass
        statuses = re.findall(rb"^HTTP/1\.\d (\d+)", got, re.M)
        return int(statuses[0]) if statuses else 0, len(statuses)


def one_by_one(address):
    """What is answered, and what is let go without an answer."""
    whole = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    cases = [(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n", {405}),
             (b"POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"ffff\r\n" + b"z" * 65535, {0, 405}),
             (b"DELETE /readyz HTTP/1.1\r\nHost: x\r\n\r\n", {405}),
             (b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", {200}),
             (b"GET /metrics/../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", {404}),
             (b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", {0, 400, 413, 414, 431}),
             (HEAD + b"X: " + b"y" * 100000 + b"\r\n\r\n", {0, 400, 413, 431}),
             (HEAD + b"X: y\r\n" * 20000 + b"\r\n", {0, 400, 413, 431}),
             (b"\xff\x16\x03\x01 / HTTP/1.1\r\nHost: x\r\n\r\n", {0, 400, 404, 405}),
             (TLS, {0, 400}),
             (os.urandom(4096), {0, 400, 404, 405}),
             (b"\0" * 20000, {0, 400, 413, 414, 431}),
             (whole * 200, {200}),
             (HEAD + b"Accept: " + b"application/openmetrics-text;q=" * 200 + b"\r\n\r\n", {200})]
    for request, want in cases:
        status, n = answer(address, request)
        must(status in want, request[:60], f"answered with {status}")
        must(n <= 1, request[:60], f"{n} answers on one connection")


class Begun:
    """How many connections the attackers have begun: a number of each of them, in a file that they share."""

    def __init__(self, fd):
        self.map = mmap.mmap(fd, 16)

    def add(self, which):
        n, = struct.unpack_from("=Q", self.map, 8 * which)
        struct.pack_into("=Q", self.map, 8 * which, n + 1)

    def all(self):
        return sum(struct.unpack("=QQ", self.map))


class Client:
    """Sends something first, then again at its pace, and reads nothing; begins anew when it is let go."""

    begun, which = None, 0  # where the attacker counts

    def __init__(self, address, first, again=b"", rcvbuf=0):
        self.address, self.first, self.again, self.rcvbuf, self.s = address, first, again, rcvbuf, None

    def turn(self):
        try:
            if self.s is None:
                self.s = self.begin()
                self.s.send(self.first)
            elif self.again:
                self.s.send(self.again)
            elif self.s.recv(1, socket.MSG_PEEK) == b"":
                self.end()
        except BlockingIOError:
            pass
        except OSError:
            self.end()

    def begin(self):
        unix = self.address.startswith("/")
        s = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        s.setblocking(unix)
        if self.rcvbuf:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.rcvbuf)
        s.settimeout(1)
        host, _, port = self.address.rpartition(":")
        self.begun.add(self.which)
        s.connect(self.address if unix else (host, int(port)))
        s.setblocking(False)
        return s

    def end(self):
        if self.s:
            self.s.close()
        self.s = None


def told_to_end():
    """Whether whoever started this attacker has closed its standard input."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def attack(address):
    body = b"POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    clients = [Client(address, HEAD, b"X") for _ in range(40)]  # a byte of a header now and then
    clients += [Client(address, b"G") for _ in range(10)]
    clients += [Client(address, b"") for _ in range(10)]  # connected, and nothing more
    clients += [Client(address, HEAD, b"X: " + b"y" * 1000 + b"\r\n") for _ in range(5)]  # a header without an end
    clients += [Client(address, body, b"1000\r\n" + b"z" * 0x1000 + b"\r\n") for _ in range(5)]  # a body without an end
    clients += [Client(address, HEAD + b"\r\n", rcvbuf=1) for _ in range(10)]  # never takes its answer
    clients += [Client(address, TLS, TLS) for _ in range(5)]
    while not told_to_end():
        for c in clients:
            c.turn()
        time.sleep(0.25)


def flood(address):
    """New connections all the time, some reset in the middle of their answer."""
    n = 0
    while not told_to_end():
        c = Client(address, HEAD + b"\r\n" if n % 2 else b"")
        c.turn()
        if c.s and n % 4 < 3:
            c.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.end()
        n += 1
        time.sleep(0.0005)


def size(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        rss = int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])
    return len(os.listdir(f"/proc/{pid}/fd")), rss * 1024


def hesitant(address):
    """From another address than theirs: one that takes its time. It is not it that makes room for them."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10, source_address=("127.0.0.2", 0)) as s:
        for part in (HEAD, b"X: y\r\n", b"\r\n"):
            time.sleep(0.4)
            s.sendall(part)
        must(s.recv(12) == b"HTTP/1.1 200", address, "another address pays for them")


def waiting(address, pid):
    """Requests that are there when the recorder comes to look, and more connections of the same address after them than it keeps: it reads
    before it lets go."""
    others = []
    os.kill(pid, signal.SIGSTOP)
    try:
        while True:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                if f.read().rpartition(")")[2].split()[0] == "T":
                    break
            time.sleep(0.01)
        first = [connect(address) for _ in range(3)]
        for s in first:
            s.sendall(HEAD + b"\r\n")
        others = [connect(address) for _ in range(3 * MAX_OF_ONE)]
    finally:
        os.kill(pid, signal.SIGCONT)
    for s in first:
        got = b""
        while more := s.recv(65536):
            got += more
        length = re.search(rb"^HTTP/1.1 200 .*\r\nContent-Length: (\d+)\r\n", got, re.S)
        must(length and len(got.partition(b"\r\n\r\n")[2]) == int(length[1]), got[:200], "a request that waited")
    for s in first + others:
        s.close()


def slow(address):
    """A byte of a header now and then: let go when its time is over."""
    clients = [connect(address) for _ in range(8)]
    for s in clients:
        s.sendall(HEAD)
        s.settimeout(0.05)
    begun = time.monotonic()
    while clients and time.monotonic() - begun < 6 * SLOW:
        time.sleep(0.2)
        for s in list(clients):
            try:
                s.sendall(b"X")
                gone = s.recv(64) == b""
            except TimeoutError:
                gone = False
            except OSError:
                gone = True
            if gone:
                s.close()
                clients.remove(s)
    must(not clients, len(clients), "slow clients are still connected")
    must(time.monotonic() - begun > 2, begun, "slow clients were let go at once")


def served(address, begun):
    """Whether a scraper that the attackers' connections count against is served. It is let go for as many newer ones as the recorder keeps,
    never for fewer."""
    before = begun.all()
    try:
        scrape(address)
        return True
    except (OSError, http.client.HTTPException) as e:
        newer = begun.all() - before + 2  # each of the two has perhaps counted one that comes only now
        must(isinstance(e, (ConnectionError, http.client.IncompleteRead)) and newer >= MAX_OF_ONE, newer, f"a scraper is not served: {e!r}")
        return False


def main(address, pid, seconds):
    one_by_one(address)
    first, (fds, rss) = scrape(address), size(pid)
    with tempfile.TemporaryFile() as f:
        f.truncate(16)
        begun = Begun(f.fileno())
        attackers = [subprocess.Popen([sys.executable, __file__, how, address, str(f.fileno())], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, pass_fds=[f.fileno()]) for how in ("attack", "flood")]
    for a in attackers:
        must(a.stdout.readline() == b"begins\n", a.args, "the attacker does not begin")
    until = time.time() + seconds
    time.sleep(0.5)
    other = None if address.startswith("/") else "127.0.0.2"
    if other:
        hesitant(address)
    took = most_fds = most_rss = n = let_go = 0
    while time.time() < until or n < 10:  # the machine may have stood still meanwhile
        if other:
            start = time.monotonic()
            try:
                scrape(address, source=other)
            except (OSError, ValueError, Bad) as e:
                raise Bad(f"a scraper is not served beside them, after {n}: {e!r}") from e
            took = max(took, time.monotonic() - start)
        start = time.monotonic()
        if served(address, begun):
            n += 1
        else:
            let_go += 1
        took = max(took, time.monotonic() - start)
        must(let_go <= 10 + n, let_go, f"a scraper of their address is let go, and served {n} times")
        now = size(pid)
        most_fds, most_rss = max(most_fds, now[0]), max(most_rss, now[1])
        time.sleep(0.1)
    for a in attackers:
        a.stdin.close()
        must(a.wait() == 0, a.args, "the attacker failed")
    must(took < 2 * SLOW, took, "a scraper waited too long beside them")
    must(most_fds <= fds + MAX_PEERS, (fds, most_fds), "descriptors")
    must(most_rss < rss + (48 << 20), (rss, most_rss), "memory")
    for _ in range(50 * SLOW):  # each of them is forgotten
        if size(pid)[0] <= fds + 1:
            break
        time.sleep(0.1)
    must(size(pid)[0] <= fds + 1, (fds, size(pid)), "descriptors are left")
    waiting(address, pid)
    slow(address)
    last = scrape(address)
    ended = {r: value(last, "hindcast_http_connections_total", result=r) - value(first, "hindcast_http_connections_total", result=r)
             for r in ("answered", "broken", "refused", "slow", "too_many")}
    must(ended["answered"] >= n and min(ended["broken"], ended["slow"], ended["too_many"]) > 0, ended, "how connections ended")
    must(ended["refused"] > 0, ended, "what was refused")
    print(f"{n} scrapes of their address and {let_go} let go, the slowest {took:.3f} s; {most_fds - fds} descriptors and",
          f"{(most_rss - rss) >> 10} KiB more; {ended}")


if __name__ == "__main__":
    if sys.argv[1] in ("attack", "flood"):
        Client.begun, Client.which = Begun(int(sys.argv[3])), sys.argv[1] == "flood"
        print("begins", flush=True)
        globals()[sys.argv[1]](sys.argv[2])
    else:
        main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 3.0 * SLOW)
