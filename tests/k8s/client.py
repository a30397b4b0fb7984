#!/usr/bin/env python3
"""The Kubernetes client held against a server that does what real ones do, and what broken and hostile ones do.

client.py [NAME...]: runs all scenarios, or those named, several at once. Exit 1 when any fails, 77 without openssl.
Each scenario is a function that is given a Case: its server answers as the function says, hc-kubewatch is the client.
"""
import concurrent.futures
import gzip
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server import Server, make_certs, status  # noqa: E402

BUILD = os.environ.get("HC_BUILD_DIR") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/dev")
PROGRAM = os.path.join(BUILD, "tests/tools/hc-kubewatch")
NODE = "node-1"
ALL, CRDS, PODS_AND_NAMESPACES = 15, 6, 9
SCENARIOS = []


def scenario(f):
    SCENARIOS.append(f)
    return f


def hexid(n):
    """A container's id, which no other process that runs tests has."""
    return "%08x%056x" % (os.getpid(), n)


def pod(n, rv="1", node=NODE, **extra):
    o = {"apiVersion": "v1", "kind": "Pod",
         "metadata": {"name": f"pod-{n}", "namespace": "shop", "uid": f"uid-{n}", "resourceVersion": rv,
                      "creationTimestamp": "2026-01-02T03:04:05Z", "labels": {"app": "web", "n": str(n)},
                      "annotations": {"note": "a \"quoted\" \u00e9"}, "managedFields": [{"manager": "x", "fieldsV1": {}}],
                      "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5", "controller": True}]},
         "spec": {"nodeName": node, "serviceAccountName": "default", "hostPID": True,
                  "containers": [{"name": "main", "image": "web:1", "securityContext": {"privileged": True},
                                  "livenessProbe": {"exec": {"command": ["cat", "/ok"]}}}],
                  "initContainers": [{"name": "init", "image": "init:1"}]},
         "status": {"podIP": "10.0.0.7", "qosClass": "Burstable",
                    "containerStatuses": [{"name": "main", "containerID": "containerd://" + hexid(n), "image": "reg/web:1",
                                           "imageID": "reg/web@sha256:" + "ab" * 32}],
                    "initContainerStatuses": [{"name": "init", "containerID": "containerd://" + hexid(n + 1000),
                                               "image": "reg/init:1", "imageID": ""}]}}
    o["metadata"].update(extra)
    return o


def namespace(name, rv="1", **labels):
    return {"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "uid": f"nuid-{name}", "resourceVersion": rv, "labels": labels, "managedFields": [{"manager": "x"}],
                         "annotations": {"kubearmor-file-posture": "block"}}, "status": {"phase": "Active"}}


def capture(n, rv="1", kind="Capture"):
    meta = {"name": f"cap-{n}", "uid": f"cuid-{n}", "resourceVersion": rv, "managedFields": [{"manager": "kubectl"}],
            "annotations": {"long": "x" * (600 << 10)}, "labels": {"any": "thing"}}
    if kind == "Capture":
        meta["namespace"] = "shop"
    return {"apiVersion": "hindcast.dev/v1alpha1", "kind": kind, "metadata": meta, "spec": {"preRoll": "10m"}}


def lst(items, rv="100", more=None, kind="Pod"):
    meta = {"resourceVersion": rv}
    if more:
        meta["continue"] = more
    return {"kind": kind + "List", "apiVersion": "v1", "metadata": meta, "items": items}


def bookmark(rv):
    return {"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": rv, "creationTimestamp": None}}


class Case:
    """A server, a client, and what the client has said."""

    def __init__(self, name, certs):
        self.name, self.certs = name, certs
        self.folder = tempfile.mkdtemp(prefix="kube-", dir=certs)
        self.token = os.path.join(self.folder, "token")
        self.write_token("token-1")
        self.process = self.server = None
        self.lines, self.lock = [], threading.Condition()
        self.stderr = open(os.path.join(self.folder, "stderr"), "w+")

    def write_token(self, text):
        with open(self.token + ".new", "w") as f:
            f.write(text + "\n")
        os.rename(self.token + ".new", self.token)

    def serve(self, handler):
        def guarded(request):
            try:
                handler(request)
            except (BrokenPipeError, ConnectionError, OSError):
                request.closed = True
        self.server = Server(self.certs, guarded)
        return self

    def start(self, *options, ca="ca.pem", url=None):
        defaults = ["backoff_min_ms=20", "backoff_max_ms=80", "watch_short_ms=0", "request_ms=8000", "watch_ms=8000",
                    "watch_grace_ms=500", "absent_ms=50", "give_up_ms=5000", "connect_ms=8000"]
        self.process = subprocess.Popen(
            [PROGRAM, url or self.server.url, os.path.join(self.certs, ca), self.token, NODE, *defaults, *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.stderr, text=True, bufsize=1)
        threading.Thread(target=self.read, daemon=True).start()
        return self

    def read(self):
        for line in self.process.stdout:
            with self.lock:
                self.lines.append(json.loads(line))
                self.lock.notify_all()

    def want(self, what, test, seconds=15, since=0):
        """The first line for which test holds."""
        end = time.monotonic() + seconds
        with self.lock:
            while True:
                for line in self.lines[since:]:
                    if test(line):
                        return line
                left = end - time.monotonic()
                if left <= 0 or (self.process.poll() is not None and not self.lock.wait(0.2)):
                    raise AssertionError(f"never came: {what}; last lines: {self.lines[-3:]}; {self.server and len(self.server.seen)} requests")
                self.lock.wait(left)

    def want_pod(self, name, gone=False, **fields):
        def test(line):
            p = line.get("pod")
            return p and p["name"] == name and p["gone"] == gone and all(p.get(k) == v for k, v in fields.items())
        return self.want(f"pod {name} gone={gone} {fields}", test)["pod"]

    def want_event(self, kind, **fields):
        return self.want(f"event {kind} {fields}",
                         lambda e: e.get("event") == kind and all(e.get(k) == v for k, v in fields.items()))

    def ask(self, command, key):
        since = len(self.lines)
        self.process.stdin.write(command + "\n")
        return self.want(command, lambda line: key in line, since=since)[key]

    def find(self, container_id):
        return self.ask("find " + container_id, "found")

    def stats_now(self):
        return self.ask("stats", "stats")

    def stats(self):
        """When they have come to rest: counters are brought up to date when a piece of an answer has been dealt with, after its pods are there."""
        before = self.stats_now()
        for _ in range(20):
            time.sleep(0.05)
            now = self.stats_now()
            if now == before:
                break
            before = now
        return before

    def until(self, what, test, seconds=15):
        """Statistics for which test holds."""
        end = time.monotonic() + seconds
        while True:
            s = self.stats()
            if test(s):
                return s
            if time.monotonic() > end:
                raise AssertionError(f"never so: {what}: {s}")
            time.sleep(0.02)

    def next(self, seconds=10):
        """The next request that the server got."""
        try:
            return self.server.new.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError("the client asks no more") from None

    def requests(self, watch=None):
        return [r for r in self.server.seen if watch is None or r.watch == watch]

    def stop(self):
        code = None
        if self.process:
            try:
                self.process.stdin.write("quit\n")
                self.process.stdin.close()
            except (OSError, ValueError):
                pass
            try:
                code = self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                code = "a hang"
        if self.server:
            self.server.stop()
        self.stderr.seek(0)
        text = self.stderr.read()
        assert code in (0, None), f"the client ended with {code}: {text[-2000:]}"
        assert not text, f"the client said: {text[-2000:]}"


def no_more(request):
    """A watch on which nothing happens."""
    request.open()
    request.wait()
    request.close()


# ---- what real servers do ----

@scenario
def list_and_watch(c):
    def handler(r):
        if not r.watch:
            return r.json(lst([pod(1)], "7"))
        r.open()
        r.event("ADDED", pod(2, "8"))
        r.event("MODIFIED", pod(1, "9", labels={"app": "changed"}))
        r.event("DELETED", pod(2, "10"))
        r.wait()
    c.serve(handler).start()
    p = c.want_pod("pod-1", labels={"app": "changed"})
    c.want_pod("pod-2", gone=True)
    assert (p["ns"], p["uid"], p["service_account"], p["ip"], p["qos"]) == ("shop", "uid-1", "default", "10.0.0.7", "Burstable"), p
    assert p["host_pid"] and not p["host_network"] and p["annotations"] == {"note": "a \"quoted\" \u00e9"}, p
    assert p["owners"] == [{"kind": "ReplicaSet", "name": "web-5", "controller": True}], p
    main, init = p["containers"]
    assert (main["id"], main["runtime"], main["image"], main["asked_image"]) == (hexid(1), "containerd", "reg/web:1", "web:1"), main
    assert main["image_id"] == "reg/web@sha256:" + "ab" * 32 and main["privileged"] and main["liveness"] == ["cat", "/ok"], main
    assert (init["type"], init["id"], init["privileged"]) == ("init", hexid(1001), False), init
    first, second = c.requests()[:2]
    assert first.path == "/api/v1/pods" and first.query == {
        "limit": "500", "resourceVersion": "0", "fieldSelector": "spec.nodeName=" + NODE}, first.query
    assert second.query["resourceVersion"] == "7" and second.query["allowWatchBookmarks"] == "true", second.query
    assert second.query["fieldSelector"] == "spec.nodeName=" + NODE and 8 <= int(second.query["timeoutSeconds"]) <= 17
    assert first.token == "token-1" and first.headers["accept"] == "application/json", first.headers
    assert "accept-encoding" not in first.headers
    f = c.find(hexid(1))
    assert f["name"] == "pod-1" and f["container"] == 0 and not f["gone"], f
    assert c.find(hexid(1001))["container"] == 1
    assert c.find(hexid(2))["gone"] is True and c.find("ff" * 32) is None
    assert c.ask("uid uid-1", "found")["name"] == "pod-1"
    s = c.stats()
    assert s["pods"]["connected"] and s["pods"]["synced"] and s["pods"]["events"] == 4 and s["gone"] == 1, s
    assert s["codes"] == {"list 200": 1} and s["restarts"] == {}, s


@scenario
def list_in_pages(c):
    def handler(r):
        if r.watch:
            return no_more(r)
        at = int(r.query.get("continue", "at/0=").removeprefix("at/").rstrip("=") or 0)
        r.json(lst([pod(at)], "50", f"at/{at + 1}=" if at < 4 else None))
    c.serve(handler).start()
    c.want_pod("pod-4")
    s = c.until("one list", lambda s: s["pods"]["connected"])
    assert s["pods"]["lists"] == 1 and s["pods"]["objects"] == 5 and s["codes"]["list 200"] == 5, s
    assert [r.query.get("continue") for r in c.requests(False)] == [None, "at/1=", "at/2=", "at/3=", "at/4="]
    assert "resourceVersion" not in c.requests(False)[1].query


@scenario
def expired_page_begins_the_list_anew(c):
    def handler(r):
        if r.watch:
            return no_more(r)
        if "continue" in r.query:
            return r.status(410, "Expired", "The provided continue parameter is too old")
        r.json(lst([pod(1)], "50", "old" if len(c.requests()) == 1 else None))
    c.serve(handler).start()
    s = c.until("a watch", lambda s: s["pods"]["connected"])
    assert s["pods"]["lists"] == 1 and s["restarts"] == {"expired": 1}, s
    assert "resourceVersion" not in c.requests(False)[2].query, "not from the cache again"


@scenario
def page_that_was_cut_is_asked_for_again(c):
    def handler(r):
        if r.watch:
            return no_more(r)
        at = r.query.get("continue")
        text = json.dumps(lst([pod(1), pod(2)] if not at else [pod(3)], "50", None if at else "second"))
        if at or len(c.requests()) > 1:
            r.head(length=len(text))
            return r.raw(text)
        r.head(length=len(text))
        r.raw(text[:text.index("pod-2")])  # the token of the next page stands before the items
        time.sleep(0.1)
        r.reset()
    c.serve(handler).start()
    s = c.until("a watch", lambda s: s["pods"]["connected"])
    assert [r.query.get("continue") for r in c.requests(False)] == [None, None, "second"]
    assert s["pods"]["objects"] == 3 and s["gone"] == 0 and s["restarts"] == {"network": 1}, s


@scenario
def cut_at_every_byte(c):
    line = json.dumps({"type": "ADDED", "object": pod(1, "8")}) + "\n" + \
        json.dumps({"type": "MODIFIED", "object": pod(1, "9", labels={"last": "{\\\"}]"})}) + "\n"

    def handler(r):
        if not r.watch:
            text = json.dumps(lst([pod(3), pod(4)], "7"), indent=1)
            r.head(chunked=True)
            for at in text:
                r.chunk(at)
            return r.end()
        r.open()
        for at in line:
            r.chunk(at)
        r.wait()
    c.serve(handler).start()
    c.want_pod("pod-1", labels={"last": "{\\\"}]"})
    c.want_pod("pod-4")
    assert c.stats()["pods"]["events"] == 4


@scenario
def bookmarks_move_the_version(c):
    def handler(r):
        if not r.watch:
            return r.json(lst([], "7"))
        r.open()
        if len(c.requests(True)) == 1:
            r.event("BOOKMARK", bookmark("31"))
            return r.end()
        r.wait()
    c.serve(handler).start()
    s = c.until("a second watch", lambda s: s["codes"].get("watch 200") and s["pods"]["connected"])
    assert c.requests(True)[1].query["resourceVersion"] == "31"
    assert s["pods"]["bookmarks"] == 1 and s["pods"]["lists"] == 1 and s["restarts"] == {"ended": 1}, s


@scenario
def expired_in_the_stream(c):
    def handler(r):
        n = len(c.requests(False))
        if not r.watch:
            return r.json(lst([pod(1), pod(2)] if n == 1 else [pod(2), pod(3)], str(n)))
        if len(c.requests(True)) > 1:
            return no_more(r)
        r.open()
        r.event("ERROR", status(410, "Expired", "too old resource version: 1 (5)"))
        r.end()
    c.serve(handler).start()
    c.want_pod("pod-3")
    c.want_pod("pod-1", gone=True)
    s = c.until("watching", lambda s: s["pods"]["connected"])
    assert s["pods"]["lists"] == 2 and s["restarts"] == {"expired": 1} and s["pods"]["objects"] == 2, s
    assert c.requests(False)[1].query["resourceVersion"] == "0"
    assert c.find(hexid(1))["gone"] is True


@scenario
def expired_as_status(c):
    def handler(r):
        if not r.watch:
            return r.json(lst([pod(1)], str(len(c.requests(False)))))
        if len(c.requests(True)) > 1:
            return no_more(r)
        r.status(410, "Expired", "too old resource version")
    c.serve(handler).start()
    s = c.until("watching", lambda s: s["pods"]["connected"])
    assert s["pods"]["lists"] == 2 and s["restarts"] == {"expired": 1} and s["codes"]["watch 410"] == 1, s
    assert c.requests(True)[1].query["resourceVersion"] == "2"


@scenario
def server_behind(c):
    """504 with ResourceVersionTooLarge: asks again, then lists from the source of truth."""
    def handler(r):
        if not r.watch:
            return r.json(lst([pod(1)], "9" if "resourceVersion" in r.query else "3"))
        if r.query["resourceVersion"] == "3":
            return no_more(r)
        r.status(504, "Timeout", "Too large resource version: 9, current: 3",
                 causes=[{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}])
    c.serve(handler).start()
    s = c.until("watching", lambda s: s["pods"]["connected"])
    assert s["restarts"] == {"ahead": 3} and s["codes"]["watch 504"] == 3 and s["codes"]["list 200"] == 2, s


@scenario
def token_rotated(c):
    def handler(r):
        if r.token != "token-2":
            c.write_token("token-2")  # in the meantime the kubelet has written another
            return r.status(401, "Unauthorized", "Unauthorized")
        return no_more(r) if r.watch else r.json(lst([pod(1)]))
    c.serve(handler).start("backoff_min_ms=12000", "backoff_max_ms=12000")
    begin = time.monotonic()
    c.want_pod("pod-1")
    assert time.monotonic() - begin < 5.5, "a renewed token is used at once"
    s = c.stats()
    assert s["tokens"] == 1 and s["restarts"] == {"auth": 1} and s["codes"]["list 401"] == 1, s


@scenario
def token_stale(c):
    """401 with the same token: waits between tries, and notices when a new one is there."""
    def handler(r):
        if r.token != "token-2":
            return r.status(401, "Unauthorized", "Unauthorized")
        return no_more(r) if r.watch else r.json(lst([pod(1)]))
    c.serve(handler).start()
    c.until("some tries", lambda s: s["codes"].get("list 401", 0) >= 3)
    assert len(c.requests()) < 200
    c.write_token("token-2")
    c.want_pod("pod-1")
    os.unlink(c.token)


@scenario
def token_unreadable(c):
    os.unlink(c.token)
    c.serve(lambda r: no_more(r) if r.watch else r.json(lst([pod(1)]))).start()
    s = c.until("an error", lambda s: s["pods"]["error"])
    assert "cannot read the token" in s["pods"]["error"] and not c.requests(), s
    c.write_token("two words")
    c.until("another error", lambda s: "holds no token" in s["pods"]["error"])
    c.write_token("evil\r\nX-Header: 1")
    time.sleep(0.1)
    assert not c.requests()
    c.write_token("token-9")
    c.want_pod("pod-1")


@scenario
def throttled(c):
    times = []

    def handler(r):
        times.append(time.monotonic())
        if len(times) == 1:
            return r.status(429, "TooManyRequests", "slow down", headers=["Retry-After: 1"])
        if len(times) == 2:
            return r.status(503, "ServiceUnavailable", "starting", retryAfterSeconds=1)
        return no_more(r) if r.watch else r.json(lst([pod(1)]))
    c.serve(handler).start()
    c.want_pod("pod-1")
    for before, after in zip(times, times[1:3]):
        assert 0.95 < after - before < 5, times
    assert c.stats()["restarts"] == {"throttled": 2}


@scenario
def no_rights_or_no_crd(c):
    def handler(r):
        if r.path == "/api/v1/pods":
            return r.status(403, "Forbidden", "pods is forbidden: User \"x\" cannot list")
        if "captures" in r.path and len(c.requests()) < 8:
            return r.status(404, "NotFound", "the server could not find the requested resource")
        return no_more(r) if r.watch else r.json(lst([], kind="ClusterCapture" if "cluster" in r.path else "Capture"))
    c.serve(handler).start(f"resources={ALL}")
    c.want_event("SYNCED", resource="captures")
    s = c.until("forbidden", lambda s: s["restarts"].get("absent", 0) > 2)
    assert "is forbidden" in s["pods"]["error"] and not s["pods"]["connected"], s


@scenario
def reset_and_refused(c):
    def handler(r):
        n = len(c.requests(True))
        if not r.watch:
            return r.json(lst([pod(1)], "5"))
        r.open()
        r.event("MODIFIED", pod(1, str(10 + n), labels={"n": str(n)}))
        if n < 4:
            time.sleep(0.1)  # a reset may overtake what was sent before it
            return r.reset()
        r.wait()
    c.serve(handler).start()
    c.want_pod("pod-1", labels={"n": "4"})
    s = c.stats()
    assert s["pods"]["lists"] == 1 and s["restarts"] == {"network": 3}, s
    assert [r.query["resourceVersion"] for r in c.requests(True)] == ["5", "11", "12", "13"]
    c2 = Case("refused", c.certs)
    c2.server = None
    c2.start(url="https://127.0.0.1:1")
    s = c2.until("refused", lambda s: s["restarts"].get("network", 0) >= 2)
    assert s["codes"].get("list 0", 0) >= 2 and s["pods"]["error"], s
    c2.stop()


@scenario
def container_restarted(c):
    def handler(r):
        if not r.watch:
            return r.json(lst([pod(1, "5")], "5"))
        r.open()
        for n in (77, 78):
            new = pod(1, str(n))
            new["status"]["containerStatuses"][0].update(
                containerID="containerd://" + hexid(n),
                lastState={"terminated": {"containerID": "containerd://" + hexid(n - 1 if n > 77 else 1)}})
            r.event("MODIFIED", new)
        r.wait()
    c.serve(handler).start()
    c.until("all", lambda s: s["pods"]["events"] == 3)
    assert c.find(hexid(78))["gone"] is False
    assert c.find(hexid(77))["gone"] is False, "the last state knows it"
    assert c.find(hexid(1))["gone"] is True, "the version before is kept"
    assert c.ask("uid uid-1", "found")["gone"] is False


@scenario
def gone_pods_are_forgotten(c):
    def handler(r):
        if not r.watch:
            return r.json(lst([pod(1)], "5"))
        r.open()
        r.event("DELETED", pod(1, "6"))
        r.wait()
    c.serve(handler).start("gone_ms=400")
    c.want_pod("pod-1", gone=True)
    c.until("forgotten", lambda s: s["gone"] == 0)
    assert c.find(hexid(1)) is None and c.stats()["table_bytes"] == 0


def spaces_of(r):
    """The namespace that a request is about; None: it is about pods."""
    return r.query.get("fieldSelector", "").removeprefix("metadata.name=") if r.path == "/api/v1/namespaces" else None


@scenario
def namespaces_of_this_node(c):
    new_pod, changed = threading.Event(), threading.Event()

    def handler(r):
        name = spaces_of(r)
        if name is None and not r.watch:
            return r.json(lst([pod(1), pod(2), pod(3, namespace="bank")], "7"))
        if not r.watch:
            rv = {"shop": "50", "bank": "60", "late": "90"}[name]
            return r.json(lst([namespace(name, rv, team=name)], rv, kind="Namespace"))
        r.open()
        if name is None:
            new_pod.wait(10)
            r.event("ADDED", pod(4, "8", namespace="late"))
        elif r.query["resourceVersion"] == "50":
            changed.wait(10)
            r.event("ADDED", namespace("of-no-pod", "61", team="x"))
            r.event("MODIFIED", namespace("shop", "62", team="changed"))
            r.event("BOOKMARK", bookmark("70"))
        return r.wait()
    c.serve(handler).start(f"resources={PODS_AND_NAMESPACES}")
    c.want_pod("pod-1", ns_labels={"team": "shop"}, ns_annotations={"kubearmor-file-posture": "block"})
    c.want_pod("pod-2", ns_labels={"team": "shop"})
    c.want_pod("pod-3", ns_labels={"team": "bank"})
    changed.set()
    c.want_pod("pod-1", ns_labels={"team": "changed"})
    c.until("the bookmark", lambda s: s["namespaces"]["bookmarks"] == 1)
    time.sleep(1)
    new_pod.set()
    c.want_pod("pod-4", ns_labels={"team": "late"})
    assert c.find(hexid(1))["ns_labels"] == {"team": "changed"}
    s = c.until("the watch goes on", lambda s: s["namespaces"]["connected"])
    asked = [(r.watch, spaces_of(r), r.query.get("resourceVersion")) for r in c.requests() if spaces_of(r) is not None]
    lists = [a[1] for a in asked if not a[0]]
    assert sorted(lists[:2]) == ["bank", "shop"] and lists[2:] == ["late"], "no other namespace is asked for, each once: %s" % asked
    assert all(a[2] is None for a in asked if not a[0]), asked
    assert [a[2] for a in asked if a[0]] == [{"shop": "50", "bank": "60"}[lists[0]], "70"][:2], asked
    assert s["namespaces"]["objects"] == 3 and s["namespaces"]["synced"] and s["foreign"] == 0 and s["refused"] == 0, s


@scenario
def namespaces_after_an_expired_watch(c):
    lists = []

    def handler(r):
        name = spaces_of(r)
        if name is None:
            return no_more(r) if r.watch else r.json(lst([pod(1)], "7"))
        if not r.watch:
            lists.append(name)
            return r.json(lst([namespace(name, str(len(lists)), n=str(len(lists)))], str(100 * len(lists)), kind="Namespace"))
        r.open()
        if r.query["resourceVersion"] == "100":
            r.event("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "status": "Failure"})
            return r.end()
        return r.wait()
    c.serve(handler).start(f"resources={PODS_AND_NAMESPACES}")
    c.want_pod("pod-1", ns_labels={"n": "1"})
    c.want_pod("pod-1", ns_labels={"n": "2"})
    s = c.until("the next watch", lambda s: s["namespaces"]["connected"])
    assert s["restarts"] == {"expired": 1} and lists == ["shop", "shop"], s
    assert c.requests()[-1].query["resourceVersion"] == "200"


@scenario
def namespaces_without_the_right_or_with_lies(c):
    allowed = threading.Event()
    odd = "a&watch=1#?"

    def handler(r):
        name = spaces_of(r)
        if name is None:
            return no_more(r) if r.watch else r.json(lst([pod(1), pod(2, namespace=odd), pod(3, namespace="x" * 64)], "7"))
        if not allowed.is_set():
            return r.status(403, "Forbidden", "no")
        if not r.watch:  # all there are, whatever was asked for; and more to come
            return r.json(lst([namespace("other", "1", a="b"), namespace("shop", "2", team="x"), {"metadata": {"name": odd, "labels": "none"}}],
                              "9", "more", kind="Namespace"))
        return r.wait()
    c.serve(handler).start(f"resources={PODS_AND_NAMESPACES}")
    assert "ns_labels" not in c.want_pod("pod-1")
    s = c.until("the refusal", lambda s: "403" in s["namespaces"]["error"])
    assert s["namespaces"]["wanted"] and s["pods"]["connected"] and s["pods"]["error"] == "", s
    allowed.set()
    c.want_pod("pod-1", ns_labels={"team": "x"})
    c.want_pod("pod-2", ns_labels={})
    s = c.until("all is asked for", lambda s: s["namespaces"]["synced"])
    assert {spaces_of(r) for r in c.requests(False)} == {None, "shop", odd} and s["foreign"] == 4 and s["namespaces"]["objects"] == 2, s


@scenario
def one_namespace_is_refused(c):
    """The others are known and watched all the same, and it is when it may be read."""
    allowed = threading.Event()

    def handler(r):
        name = spaces_of(r)
        if name is None:
            return no_more(r) if r.watch else r.json(lst([pod(1, namespace="vault"), pod(2), pod(3, namespace="bad"), pod(4, namespace="bank")], "7"))
        if r.watch:
            r.open()
            return r.wait()
        if name == "vault" and not allowed.is_set():
            return r.status(403, "Forbidden", "no")
        if name == "bad" and not allowed.is_set():
            return r.json({"kind": "Other", "items": []})
        return r.json(lst([namespace(name, "50", team=name)], "50", kind="Namespace"))
    c.serve(handler).start(f"resources={PODS_AND_NAMESPACES}", "absent_ms=1000", "backoff_max_ms=500")
    c.want_pod("pod-2", ns_labels={"team": "shop"})
    c.want_pod("pod-4", ns_labels={"team": "bank"})
    s = c.until("the watch", lambda s: s["namespaces"]["connected"])
    assert s["namespaces"]["synced"] and s["namespaces"]["objects"] == 2, s
    allowed.set()
    c.want_pod("pod-1", ns_labels={"team": "vault"})
    c.want_pod("pod-3", ns_labels={"team": "bad"})
    c.until("the watch again", lambda s: s["namespaces"]["connected"] and s["namespaces"]["objects"] == 4)


@scenario
def namespaces_of_bounded_bytes(c):
    def handler(r):
        name = spaces_of(r)
        if name is None:
            return no_more(r) if r.watch else r.json(lst([pod(n, namespace=f"n{n}") for n in range(20)], "7"))
        if not r.watch:
            o = namespace(name)
            o["metadata"]["annotations"] = {f"a{i}": "x" * 4000 for i in range(100)}
            return r.json(lst([o], "9", kind="Namespace"))
        return r.wait()
    c.serve(handler).start(f"resources={PODS_AND_NAMESPACES}", "max_table_bytes=2000000")
    s = c.until("all are asked for", lambda s: s["namespaces"]["synced"])
    assert 0 < s["namespaces"]["objects"] < 5 and s["refused"] == 20 - s["namespaces"]["objects"], s


@scenario
def captures_come_through_the_queue(c):
    def handler(r):
        cluster = "clustercaptures" in r.path
        kind = "ClusterCapture" if cluster else "Capture"
        n = sum(1 for x in c.requests(False) if x.path == r.path)
        if not r.watch:
            return r.json(lst([capture(1, kind=kind)] if n == 1 else [], "5", kind=kind))
        if cluster or n > 1:
            return no_more(r)
        r.open()
        r.event("ADDED", capture(2, "6"))
        r.event("DELETED", capture(2, "7"))
        r.event("ERROR", status(410))
        r.end()
    c.serve(handler).start(f"resources={CRDS}")
    e = c.want_event("SET", resource="captures", name="cap-1")
    assert e["ns"] == "shop" and e["object"]["spec"] == {"preRoll": "10m"}, e
    assert set(e["object"]["metadata"]) == {"name", "namespace", "uid", "resourceVersion"}, "what nobody needs is not queued"
    c.want_event("SET", resource="clustercaptures", name="cap-1", ns="")
    c.want_event("SYNCED", resource="captures")
    c.want_event("SET", resource="captures", name="cap-2")
    assert c.want_event("GONE", resource="captures", name="cap-2")["object"]["metadata"]["resourceVersion"] == "7"
    gone = c.want_event("GONE", resource="captures", name="cap-1")
    assert gone["object"] is None and gone["uid"] == "cuid-1", "the second list lacks it"


@scenario
def requests(c):
    """Apply, create, merge: paths, types, retries, order, answers."""
    state = {"busy": 2}

    def handler(r):
        if r.method == "GET" and r.watch:
            return no_more(r)
        if r.method == "GET" and r.path == "/api/v1/pods":
            return r.json(lst([]))
        if state["busy"]:
            state["busy"] -= 1
            return r.status(503, "ServiceUnavailable", "not yet")
        if r.path.endswith("/refused"):
            return r.status(422, "Invalid", "spec.duration: Invalid value")
        r.json({"kind": "CaptureNode", "body": json.loads(r.body or b"null")}, 201 if r.method == "POST" else 200)
    c.serve(handler).start()
    api = "apis/hindcast.dev/v1alpha1 capturenodes shop"
    assert c.ask(f"send apply-status {api} cap-1 hindcast-node.1 {{\"a\":1}}", "sent") == 0
    answer = c.want_event("ANSWER", id=1)
    assert answer["status"] == 200 and answer["object"]["body"] == {"a": 1} and not answer["why"], answer
    r = [r for r in c.requests() if r.method == "PATCH"][-1]
    assert r.path == "/apis/hindcast.dev/v1alpha1/namespaces/shop/capturenodes/cap-1/status", r.path
    assert r.query == {"force": "true", "fieldManager": "hindcast-node.1"}, r.query
    assert r.headers["content-type"] == "application/apply-patch+yaml" and r.body == b'{"a":1}'
    c.ask(f"send create {api} - - {{\"b\":2}}", "sent")
    assert c.want_event("ANSWER", id=2)["status"] == 201
    r = c.requests()[-1]
    assert (r.method, r.path) == ("POST", "/apis/hindcast.dev/v1alpha1/namespaces/shop/capturenodes")
    c.ask("send merge-status apis/hindcast.dev/v1alpha1 clustercaptures - x - {}", "sent")
    c.want_event("ANSWER", id=3)
    r = c.requests()[-1]
    assert r.path == "/apis/hindcast.dev/v1alpha1/clustercaptures/x/status" and r.headers["content-type"] == "application/merge-patch+json"
    c.ask(f"send apply {api} refused m {{}}", "sent")
    answer = c.want_event("ANSWER", id=4)
    assert answer["status"] == 422 and "spec.duration" in answer["why"] and answer["object"]["kind"] == "Status", answer
    for bad in ("send apply apis/hindcast.dev/v1alpha1 capturenodes ../x y m {}", f"send apply {api} a/b m {{}}",
                f"send apply {api} x - {{}}", f"send apply {api} x m -", "send get api/v1 pods shop - - -"):
        assert c.ask(bad, "sent") == -22, bad
    assert c.stats()["codes"] == {"list 200": 1, "patch 503": 2, "patch 200": 2, "create 201": 1, "patch 422": 1}


@scenario
def newer_status_takes_the_place(c):
    gate = threading.Event()

    def handler(r):
        if r.method == "GET":
            return no_more(r) if r.watch else r.json(lst([]))
        gate.wait(10)
        r.json({"body": json.loads(r.body)})
    c.serve(handler).start()
    send = "send apply-status apis/hindcast.dev/v1alpha1 capturenodes shop cap-1 m "
    c.ask(send + '{"n":1}', "sent")
    while not any(r.method == "PATCH" for r in c.server.seen):
        time.sleep(0.01)
    for n in range(2, 6):
        c.ask(send + '{"n":%d}' % n, "sent")
    for n in range(2, 5):
        assert c.want_event("ANSWER", id=n)["status"] == 0
    gate.set()
    assert c.want_event("ANSWER", id=1)["object"]["body"] == {"n": 1}
    assert c.want_event("ANSWER", id=5)["object"]["body"] == {"n": 5}
    assert sum(r.method == "PATCH" for r in c.server.seen) == 2


@scenario
def newer_status_waits_as_long(c):
    """What the server asks for with Retry-After counts for the object, also when there is news of it meanwhile."""
    times = []

    def handler(r):
        if r.method == "GET":
            return no_more(r) if r.watch else r.json(lst([]))
        times.append(time.monotonic())
        if len(times) == 1:
            return r.status(429, "TooManyRequests", "slow down", headers=["Retry-After: 2"])
        r.json({"body": json.loads(r.body)})
    c.serve(handler).start()
    send = "send merge-status apis/hindcast.dev/v1alpha1 captures shop cap-1 - "
    c.ask(send + '{"n":1}', "sent")
    c.until("the refusal", lambda s: s["codes"].get("patch 429"))
    c.ask(send + '{"n":2}', "sent")
    assert c.want_event("ANSWER", id=1)["status"] == 0
    assert c.want_event("ANSWER", id=2)["object"]["body"] == {"n": 2}
    assert times[1] - times[0] > 1.95, times


@scenario
def requests_give_up(c):
    c.serve(lambda r: no_more(r) if r.watch else r.json(lst([])) if r.method == "GET" else r.reset()).start("give_up_ms=2500")
    c.ask("send delete api/v1 pods shop x - -", "sent")
    answer = c.want_event("ANSWER", id=1)
    assert answer["status"] == 0 and answer["why"], answer
    assert c.stats()["codes"]["delete 0"] > 1


# ---- what broken and hostile servers do ----

@scenario
def half_open(c):
    """The watch is open, and nothing more ever comes, not even its end."""
    def handler(r):
        if not r.watch:
            return r.json(lst([pod(1)], "5"))
        if len(c.requests(True)) > 1:
            r.open()
            r.event("ADDED", pod(2, "6"))
        else:
            r.open()
        r.wait()
    c.serve(handler).start("watch_ms=300", "watch_grace_ms=100")
    c.want_pod("pod-2")
    s = c.stats()
    assert s["restarts"].get("timeout", 0) >= 1 and s["pods"]["lists"] == 1, s


@scenario
def silent_before_the_answer(c):
    def handler(r):
        if len(c.requests()) == 1:
            return r.wait()
        return no_more(r) if r.watch else r.json(lst([pod(1)]))
    c.serve(handler).start("request_ms=1200")
    c.want_pod("pod-1")
    assert c.stats()["restarts"]["timeout"] >= 1


@scenario
def slow_drip(c):
    """A list that comes byte by byte, each in time, is cut at request_ms as a whole."""
    def handler(r):
        if r.watch:
            return no_more(r)
        if len(c.requests()) > 1:
            return r.json(lst([pod(1)]))
        r.head(chunked=True)
        for at in json.dumps(lst([pod(9)])):
            r.chunk(at)
            time.sleep(0.02)
    c.serve(handler).start("request_ms=1200")
    c.want_pod("pod-1")
    assert c.stats()["restarts"]["timeout"] >= 1 and c.find(hexid(9)) is None


@scenario
def too_big_object(c):
    big = pod(5, "9", annotations={"big": "x" * (4 << 20)})

    def handler(r):
        if not r.watch:
            return r.json(lst([pod(1), pod(6, annotations={"big": "y" * (5 << 20)}), pod(2)], "5"))
        r.open()
        r.event("ADDED", big)
        r.event("ADDED", pod(3, "10"))
        r.wait()
    c.serve(handler).start()
    for n in (1, 2, 3):
        c.want_pod(f"pod-{n}")
    assert c.find(hexid(5)) is None and c.find(hexid(6)) is None
    s = c.stats()
    assert s["too_big"] == 2 and s["restarts"] == {}, s


@scenario
def many_parts(c):
    """A value that is small as text and huge as objects."""
    def handler(r):
        if not r.watch:
            return r.json(lst([pod(1, junk=[[]] * 200000), pod(2, junk=[])], "5"))
        no_more(r)
    c.serve(handler).start()
    c.want_pod("pod-2")
    assert c.find(hexid(1)) is None
    assert c.stats()["too_big"] == 1


@scenario
def long_annotations_are_cut(c):
    c.serve(lambda r: no_more(r) if r.watch else r.json(lst([pod(1, annotations={"a": "x" * 4097, "b": "y" * 4096})]))).start()
    p = c.want_pod("pod-1")
    assert p["cut"] == 1 and p["annotations"] == {"b": "y" * 4096}


@scenario
def compressed_though_not_asked(c):
    """A bomb: 1 GiB of zeros in 1 MiB. Nothing of it is unpacked."""
    bomb = gzip.compress(b"\0" * (16 << 20))

    def handler(r):
        if len(c.requests()) > 2:
            return no_more(r) if r.watch else r.json(lst([pod(1)]))
        r.head(200, ["Content-Encoding: gzip"], length=len(bomb))
        r.raw(bomb)
    c.serve(handler).start()
    c.want_pod("pod-1")
    s = c.stats()
    assert s["restarts"] == {"bad": 2}, s


@scenario
def wrong_answers(c):
    """Each is refused, the next is asked for, and the truth is found in the end."""
    answers = [
        b"<html>login first</html>", b"[]", b"{}", b"null", b"", b"{\"items\": [", b"\0\xff\xfe" * 100,
        json.dumps(lst([{"kind": "Node", "metadata": {"name": "n", "uid": "u", "namespace": "x"}}])).encode(),
        json.dumps(lst([], kind="Node")).encode(), json.dumps(lst([], rv="")).encode(),
        json.dumps(lst([pod(9, uid="")])).encode(), json.dumps(lst([])).encode() + b"{}",
        json.dumps(lst(["text", 5])).encode(), b'{"kind":"PodList","metadata":{"resourceVersion":5},"items":[]}',
        b'{"kind":"PodList","metadata":{"resourceVersion":"5"},"items":[' + b"[" * 5000 + b"]" * 5000 + b"]}",
        b'{"kind":"PodList","items":[],"metadata":{"x":"' + b"y" * 70000 + b'"}}',
    ]

    def handler(r):
        if r.watch:
            return no_more(r)
        n = len(c.requests())
        if n > len(answers):
            return r.json(lst([pod(1)]))
        r.head(length=len(answers[n - 1]))
        r.raw(answers[n - 1])
    c.serve(handler).start()
    c.want_pod("pod-1")
    s = c.stats()
    assert s["restarts"] == {"bad": len(answers)} and s["pods"]["lists"] == 1, s


@scenario
def wrong_lines(c):
    """In a watch: what was missed is listed again."""
    lines = ["junk\n", '{"type":"ADDED"}\n', '{"type":"EXPLODED","object":{}}\n', '"text"\n', '{"type":"BOOKMARK","object":{}}\n',
             json.dumps({"type": "ADDED", "object": {"kind": "Node", "metadata": {"uid": "u", "resourceVersion": "9"}}}) + "\n",
             '{"type":"ERROR","object":{"kind":"Pod"}}\n']

    def handler(r):
        if not r.watch:
            return r.json(lst([pod(len(c.requests(False)))], "5"))
        n = len(c.requests(True))
        if n > len(lines):
            return no_more(r)
        r.open()
        r.chunk(lines[n - 1])
        r.wait()
    c.serve(handler).start()
    c.want_pod(f"pod-{len(lines) + 1}")
    s = c.until("a watch", lambda s: s["pods"]["connected"])
    assert s["restarts"] == {"bad": len(lines)} and s["pods"]["objects"] == 1, s


@scenario
def list_without_end(c):
    def handler(r):
        if r.watch:
            return no_more(r)
        if len(c.requests(False)) > 1:
            return r.json(lst([pod(1)]))
        r.head(chunked=True)
        r.chunk('{"kind":"PodList","metadata":{"resourceVersion":"5"},"items":[')
        while True:
            r.chunk((json.dumps(pod(2)) + ",") * 20)
    c.serve(handler).start("max_list_bytes=300000")
    c.want_pod("pod-1")
    s = c.stats()
    assert s["restarts"] == {"bad": 1}, s


@scenario
def pages_without_end(c):
    def handler(r):
        if r.watch:
            return no_more(r)
        if len(c.requests(False)) > 200:
            return r.json(lst([pod(1)]))
        r.json(lst([], more="again"))
    c.serve(handler).start()
    s = c.until("an end", lambda s: s["pods"]["connected"], 30)
    assert s["restarts"] == {"bad": 1} and s["pods"]["lists"] == 1, s


@scenario
def more_pods_than_allowed(c):
    c.serve(lambda r: no_more(r) if r.watch else r.json(lst([pod(n) for n in range(50)]))).start("max_objects=20")
    s = c.until("a watch", lambda s: s["pods"]["connected"])
    assert s["pods"]["objects"] == 20 and s["refused"] == 30, s


@scenario
def table_of_bounded_bytes(c):
    c.serve(lambda r: no_more(r) if r.watch else r.json(lst([pod(n) for n in range(50)]))).start("max_table_bytes=40000")
    s = c.until("a watch", lambda s: s["pods"]["connected"])
    assert 0 < s["table_bytes"] <= 40000 and s["refused"] > 0 and s["pods"]["objects"] + s["refused"] == 50, s


@scenario
def pods_of_other_nodes(c):
    c.serve(lambda r: no_more(r) if r.watch else r.json(lst([pod(1), pod(2, node="node-2")]))).start()
    s = c.until("a watch", lambda s: s["pods"]["connected"])
    assert s["foreign"] == 1 and s["pods"]["objects"] == 1 and c.find(hexid(2)) is None, s


@scenario
def watch_that_ends_at_once(c):
    """Over and over: counted as failed, with growing waits, not in a tight loop."""
    def handler(r):
        if not r.watch:
            return r.json(lst([], "5"))
        r.open()
        r.end()
    c.serve(handler).start("watch_short_ms=1000", "backoff_min_ms=50", "backoff_max_ms=400")
    time.sleep(1.5)
    n = len(c.requests(True))
    assert 2 <= n <= 14, n


def overflows(c):
    """Until the queue has overflowed, and the objects are listed again."""
    deadline = time.monotonic() + 10
    while len(c.requests(False)) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    s = c.stats()
    assert s["dropped"] > 0 and s["restarts"].get("overflow", 0) > 0, s
    c.stop()


@scenario
def queue_full(c):
    """Objects that find no room are listed again until there is room."""
    def handler(r):
        return no_more(r) if r.watch else r.json(lst([capture(n) for n in range(30)], "5", kind="Capture"))
    c.serve(handler).start("resources=2", "max_events=10", "hold=1")
    overflows(c)
    c2 = Case("queue_read", c.certs)
    c2.serve(handler).start("resources=2", "max_events=40", "hold=1")
    c2.stats()
    c2.want_event("SYNCED", resource="captures")
    assert len([x for x in c2.lines if x.get("event") == "SET"]) == 30
    c2.stop()
    c.process = c.server = None


@scenario
def queue_of_bounded_bytes(c):
    """Objects within their own limit, and too many of them: the queue holds some of them, and an answer without its body."""
    def handler(r):
        if r.method == "PATCH":
            return r.json({"big": "x" * (3 << 20)})
        if r.watch:
            return no_more(r)
        big = [capture(n) for n in range(30)]
        for o in big:
            o["spec"]["long"] = "x" * (1 << 20)
        return r.json(lst(big, "5", kind="Capture"))
    c.serve(handler).start("resources=2", "max_queue_bytes=5000000", "hold=1")
    overflows(c)
    c2 = Case("answers", c.certs)
    c2.serve(handler).start("resources=2", "max_queue_bytes=2500000")
    c2.ask("send merge-status apis/hindcast.dev/v1alpha1 captures shop x - {}", "sent")
    answer = c2.want_event("ANSWER", id=1)
    assert answer["status"] == 200 and answer["object"] is None and not answer["why"], answer
    c2.stop()
    c.process = c.server = None


@scenario
def foreign_certificate(c):
    c.serve(lambda r: r.json(lst([pod(1)]))).start(ca="other.pem")
    s = c.until("a failure", lambda s: s["restarts"].get("network", 0) >= 2)
    assert "certificate" in s["pods"]["error"].lower() and not c.requests(), s


@scenario
def server_and_roots_renewed(c):
    """The server comes back with a certificate of another CA: refused, until the file of the roots has that one."""
    roots, certificate = os.path.join(c.folder, "roots.pem"), os.path.join(c.folder, "renewed.pem")
    shutil.copy(os.path.join(c.certs, "ca.pem"), roots)
    subprocess.run(["openssl", "x509", "-req", "-in", "server.csr", "-CA", "other.pem", "-CAkey", "other.key", "-set_serial", "7", "-days", "2",
                    "-extfile", "ext", "-out", certificate], check=True, cwd=c.certs, stderr=subprocess.DEVNULL)
    renewed = threading.Event()

    def handler(r):
        if not r.watch:
            return r.json(lst([pod(1)], "5"))
        r.open()
        if not renewed.wait(10) or len(c.requests(True)) > 1:
            r.event("ADDED", pod(2, "6"))
            return r.wait()
        return r.reset()
    c.serve(handler)
    c.server.context.num_tickets = 0  # a session that goes on has no certificate
    c.start(ca=roots)
    c.until("a watch", lambda s: s["pods"]["connected"])
    c.server.context.load_cert_chain(certificate, os.path.join(c.certs, "server.key"))
    renewed.set()
    c.until("a refusal", lambda s: "certificate" in s["pods"]["error"].lower())
    assert len(c.requests(True)) == 1, "nothing is sent to a server that cannot be trusted"
    shutil.copy(os.path.join(c.certs, "other.pem"), roots + ".new")
    os.rename(roots + ".new", roots)
    c.want_pod("pod-2")
    assert c.stats()["pods"]["lists"] == 1 and c.requests(True)[1].query["resourceVersion"] == "5"


@scenario
def name_of_another(c):
    """The certificate is for 127.0.0.1, not for localhost."""
    c.serve(lambda r: r.json(lst([pod(1)])))
    c.start(url=c.server.url.replace("127.0.0.1", "localhost"))
    c.until("a failure", lambda s: s["restarts"].get("network", 0) >= 2)
    assert not c.requests()


@scenario
def redirects_are_not_followed(c):
    def handler(r):
        r.head(302, ["Location: " + c.server.url + "/elsewhere"], length=0)
    c.serve(handler).start()
    s = c.until("a failure", lambda s: s["restarts"].get("http", 0) >= 2)
    assert all(r.path == "/api/v1/pods" for r in c.requests()) and s["codes"]["list 302"] >= 2


@scenario
def long_error_body(c):
    def handler(r):
        if len(c.requests()) == 1:
            r.head(500, length=10 << 20)
            return r.raw(b"x" * (10 << 20))
        return no_more(r) if r.watch else r.json(lst([pod(1)]))
    c.serve(handler).start()
    c.want_pod("pod-1")
    assert c.stats()["restarts"] == {"http": 1}


@scenario
def in_cluster(c):
    """Address from the environment of a pod; without one it says so."""
    c.serve(lambda r: no_more(r) if r.watch else r.json(lst([pod(1)])))
    port = c.server.url.rsplit(":", 1)[1]
    os.environ.update(KUBERNETES_SERVICE_HOST="127.0.0.1", KUBERNETES_SERVICE_PORT=port)
    try:
        c.start(url="-")
    finally:
        del os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    c.want_pod("pod-1")
    env = {k: v for k, v in os.environ.items() if not k.startswith("KUBERNETES_")}
    out = subprocess.run([PROGRAM, "-", "-", "-", NODE], capture_output=True, text=True, env=env)
    assert out.returncode == 4 and "not in a Kubernetes cluster" in out.stderr, out
    out = subprocess.run([PROGRAM, "http://127.0.0.1:1", "-", "-", NODE], capture_output=True, text=True)
    assert out.returncode == 4 and "https:// only" in out.stderr, out


def run(f, certs):
    begin = time.monotonic()
    case = Case(f.__name__, certs)
    problem = None
    try:
        try:
            f(case)
        finally:
            case.stop()
    except Exception:  # noqa: BLE001 - whatever it was belongs into the report
        problem = traceback.format_exc()
    return f.__name__, problem, time.monotonic() - begin


def main():
    wanted = [f for f in SCENARIOS if not sys.argv[1:] or f.__name__ in sys.argv[1:]]
    with tempfile.TemporaryDirectory(prefix="hindcast-kube-") as certs:
        if not make_certs(certs):
            print("skipped: no openssl here to make a certificate with")
            return 77
        failed = 0
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            for name, problem, seconds in pool.map(lambda f: run(f, certs), wanted):
                print(f"{'FAILED' if problem else 'ok':6} {seconds:5.1f} s  {name}")
                if problem:
                    print(problem)
                    failed += 1
    print(f"{len(wanted)} scenarios, {failed} failed")
    return 1 if failed or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
