"""runtimes.py READY: sockets of runtimes in this directory that answer by a script, well and badly; READY appears once they listen.

docker.sock, podman.sock and cri.sock know the containers named below by the first digit of their ids, the rest of which is $rest: of
others, which the same test makes at the same time, they know nothing. hang.sock takes connections and
says nothing; off.sock serves no CRI; slow.sock sends a byte now and then. What was asked stands in asked.log."""
import http.server
import json
import os
import socketserver
import sys
import threading
import time

import cri

IMAGE = "ab" * 32
MINE = os.environ["rest"]
LABELS = {"team": "red", "tier": "2"}
log = open("asked.log", "a", buffering=1)


def wait_for_exec(group):
    """Until a process in it runs `sleep`, and for as long as a recorder may need to write that down; not for ever."""
    for _ in range(100):
        time.sleep(0.01)
        try:
            with open(os.path.join(os.environ["root"], group + MINE, "cgroup.procs"), encoding="ascii") as pids:
                names = [open(f"/proc/{pid.strip()}/comm", encoding="utf-8").read().strip() for pid in pids]
        except OSError:
            continue
        if "sleep" in names:
            break
    time.sleep(0.3)


def inspect(id, **more):
    return {
        "Id": id,
        "Name": "/happy_ant",
        "Created": "2024-05-01T08:20:30.5Z",
        "Image": "sha256:" + IMAGE,
        "State": {"StartedAt": "2024-05-01T08:20:31Z"},
        "Config": {"Image": "shop/web:1.2", "Labels": LABELS, "Env": ["TOKEN=hc-secret"]},
        "HostConfig": {"Privileged": True, "PidMode": "host", "NetworkMode": "bridge", "IpcMode": ""},
        "Mounts": [{"Source": "/srv", "Destination": "/data", "Mode": "z", "RW": False, "Propagation": "rprivate"}],
        "NetworkSettings": {"Networks": {"bridge": {"IPAddress": "172.17.0.9"}}},
        **more,
    }


def docker(path):
    """HTTP status and body."""
    parts = path.strip("/").split("/")
    if parts[0] == "images":
        return 200, {"Id": parts[1], "RepoDigests": ["other/name@sha256:" + "0" * 64, "shop/web@sha256:" + "c" * 64]}
    id = parts[1]
    how = id[0] if id[1:] == MINE else ""
    if how == "1":
        wait_for_exec("docker/1")
        return 200, inspect(id)
    if how == "2":  # tells of another
        return 200, inspect("3" * 64)
    if how == "3":
        return 200, b'{"a":' * 100000
    if how == "4":
        return 200, b"x" * (5 << 20)
    if how == "5":
        return 500, {"message": "no"}
    if how == "6":  # more labels than are kept, and one that is too long
        return 200, inspect(id, Config={"Image": "many", "Labels": {**{f"k{i}": "v" for i in range(999)}, "long": "x" * 9999}})
    return 404, {"message": "No such container"}


def podman(path):
    id = path.split("/")[-2]
    if not path.startswith("/v4.0.0/libpod/containers/") or id != "7" + MINE:
        return 404, {"cause": "no such container"}
    config = {"Labels": LABELS, "Annotations": {"a.b": "c"}, "Image": "localhost/tool:7"}
    return 200, inspect(id, Name="tool", ImageName="localhost/tool:7", ImageDigest="sha256:" + "d" * 64, IsInfra=False, Config=config)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        log.write(self.server.name + " " + self.path + "\n")
        status, body = self.server.answer(self.path)
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def handle_error(self, *args):
        pass  # the other side has had enough


def rest(path, answer):
    server = Server(path, Handler)
    server.name, server.answer = path, answer
    threading.Thread(target=server.serve_forever, daemon=True).start()


INFO = {
    "pid": 1,
    "config": {"linux": {"security_context": {"privileged": True}}},
    "runtimeSpec": {
        "ociVersion": "1.0.2",
        "process": {"env": ["PATH=/bin"], "capabilities": {"bounding": ["CAP_CHOWN"]}},
        "mounts": [{"source": "proc", "destination": "/proc", "type": "proc"}],
        "linux": {"namespaces": [{"type": "pid"}]},
    },
}
POD_LABELS = {"io.kubernetes.pod.name": "web-0", "io.kubernetes.pod.namespace": "shop", "io.kubernetes.pod.uid": "11-22"}


def cri_answer(path, headers, asked):
    method = path.split("/")[-1]
    if headers.get("te") != "trailers" or headers.get("content-type") != "application/grpc" or "grpc-timeout" not in headers:
        return 3, b"", [("grpc-message", "not gRPC")]
    if method == "ImageStatus":
        image = cri.dec(asked[1][0])[1][0].decode()
        log.write(f"cri {method} {image}\n")
        return 0, cri.message([(1, [(1, image), (2, "shop/web:1.2"), (3, "registry.example/shop/web@sha256:" + "e" * 64)])]), []
    id = asked[1][0].decode()
    log.write(f"cri {method} {id}\n")
    how = id[0] if id[1:] == MINE else ""
    if method == "PodSandboxStatus":
        if how != "9":
            return 5, b"", [("grpc-message", "no such sandbox")]
        status = [
            (1, id),
            (2, [(1, "web-0"), (2, "11-22"), (3, "shop")]),
            (3, 0),
            (4, 1714551630000000000),
            (5, [(1, "10.1.2.3")]),
            (6, [(1, [(2, [(1, 2), (2, 1)])])]),
            (7, {"app": "web", **POD_LABELS}),
            (8, {"example.com/note": "hello"}),
        ]
        return 0, cri.message([(1, status)]), []
    if how == "a":
        status = [
            (1, id),
            (2, [(1, "web"), (2, 3)]),
            (3, 1),
            (4, 1714551630000000000),
            (5, 1714551631000000000),
            (8, [(1, "registry.example/shop/web:1.2")]),
            (9, "sha256:" + IMAGE),
            (12, {"io.kubernetes.container.name": "web", **POD_LABELS}),
            (13, {"example.com/own": "yes"}),
            (99, "a field of later"),
        ]
        return 0, cri.message([(1, status), (2, {"info": json.dumps({"sandboxID": "9" + id[1:], **INFO})})]), []
    if how == "b":
        return 0, cri.message([(1, [(1, "c" * 64)])]), []
    if how == "c":
        return 0, cri.message(b"\x0a\xff\xff\xff\xff\x0f"), []
    if how == "d":
        return 0, cri.message([(1, [(1, id), (10, "x" * (5 << 20))])]), []
    if how == "e":
        return 13, b"", [("grpc-message", "internal")]
    return 5, b"", [("grpc-message", "no such container")]


def drip(s):
    try:
        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            s.sendall(b" ")
            time.sleep(0.1)
    except OSError:
        pass


rest("docker.sock", docker)
rest("podman.sock", podman)
cri.serve("cri.sock", cri_answer)
cri.serve("off.sock", lambda path, headers, asked: (12, b"", [("grpc-message", "unknown service")]))
cri.listen("hang.sock", lambda s: time.sleep(60))
cri.listen("slow.sock", drip)
open(sys.argv[1], "w").close()
threading.Event().wait()
