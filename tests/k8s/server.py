"""A Kubernetes API server that says what a test tells it to, over real TLS sockets, byte by byte."""
import email.utils
import json
import os
import queue
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import urllib.parse

SELF_EXT = "basicConstraints=critical,CA:TRUE"


def make_certs(folder):
    """A throw-away CA, a certificate of it for 127.0.0.1, and another CA that signed nothing."""
    if not shutil.which("openssl"):
        return False

    def run(*args):
        subprocess.run(["openssl", *args], check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    for ca in ("ca", "other"):
        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=" + ca, "-addext", SELF_EXT, "-keyout", ca + ".key", "-out", ca + ".pem")
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=kubernetes",
        "-keyout", "server.key", "-out", "server.csr")
    with open(os.path.join(folder, "ext"), "w") as f:
        f.write("subjectAltName=IP:127.0.0.1\n")
    run("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
        "-extfile", "ext", "-out", "server.pem")
    return True


class Request:
    """One request as it came, and the means to answer it."""

    def __init__(self, server, conn, method, target, headers, body):
        self.server, self.conn, self.method, self.headers, self.body = server, conn, method, headers, body
        self.path, _, query = target.partition("?")
        self.query = {k: v[0] for k, v in urllib.parse.parse_qs(query, keep_blank_values=True).items()}
        self.watch = self.query.get("watch") == "1"
        self.closed = False

    @property
    def token(self):
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    def raw(self, data):
        self.conn.sendall(data if isinstance(data, bytes) else data.encode())

    def head(self, code=200, headers=(), chunked=False, length=None):
        lines = [f"HTTP/1.1 {code} X", "Content-Type: application/json", "Date: " + email.utils.formatdate(usegmt=True), *headers]
        if chunked:
            lines.append("Transfer-Encoding: chunked")
        if length is not None:
            lines.append(f"Content-Length: {length}")
        self.raw("\r\n".join(lines) + "\r\n\r\n")

    def chunk(self, data):
        data = data if isinstance(data, bytes) else data.encode()
        self.raw(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self):
        self.raw("0\r\n\r\n")

    def json(self, o, code=200, headers=()):
        text = json.dumps(o)
        self.head(code, headers, length=len(text.encode()))
        self.raw(text)

    def status(self, code, reason="", message="", headers=(), **details):
        self.json(status(code, reason, message, **details), code, headers)

    def open(self):
        """The headers of a watch."""
        self.head(chunked=True)

    def event(self, kind, o):
        self.chunk(json.dumps({"type": kind, "object": o}) + "\n")

    def wait(self, seconds=20):
        """Stays until the client or the test has had enough, reading nothing and writing nothing."""
        self.server.stopping.wait(seconds)

    def close(self):
        self.closed = True

    def reset(self):
        """RST instead of FIN."""
        self.conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.closed = True


def status(code, reason="", message="", **details):
    o = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code, "reason": reason,
         "message": message}
    if details:
        o["details"] = details
    return o


class Server:
    """handler(request) is called in a thread per connection; requests are kept in .seen."""

    def __init__(self, certs, handler):
        self.handler = handler
        self.seen = []
        self.new = queue.Queue()
        self.stopping = threading.Event()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(os.path.join(certs, "server.pem"), os.path.join(certs, "server.key"))
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = "https://127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                raw, _ = self.socket.accept()
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:
                return
            threading.Thread(target=self.serve, args=(raw,), daemon=True).start()

    def serve(self, raw):
        try:
            conn = self.context.wrap_socket(raw, server_side=True)
            stream = conn.makefile("rb")
            while self.serve_one(conn, stream):
                pass
            stream.close()
            conn.close()
        except (OSError, ValueError):
            raw.close()

    def serve_one(self, conn, stream):
        first = stream.readline().decode().split()
        if len(first) != 3:
            return False
        headers = {}
        while True:
            line = stream.readline().decode().strip()
            if not line:
                break
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", 0)))
        request = Request(self, conn, first[0], first[1], headers, body)
        self.seen.append(request)
        self.new.put(request)
        self.handler(request)
        return not request.closed

    def stop(self):
        self.stopping.set()
        self.socket.close()
