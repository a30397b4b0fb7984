#!/usr/bin/env python3
"""A real recorder against an API server that is a model of one: objects, lists, watches, server-side apply.

recorder.py DIR: works in DIR, which is empty. HINDCAST is the binary. Exit 1 when something is not as it should be.
"""
import contextlib
import datetime
import glob
import json
import os
import resource
import socket
import subprocess
import sys
import threading
import time

import yaml

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from client import NODE, bookmark, hexid, lst, namespace, pod  # noqa: E402
from server import Server, make_certs  # noqa: E402

HINDCAST = os.environ.get("HINDCAST", "hindcast")
API = "/apis/hindcast.dev/v1alpha1"
SLOW = int(os.environ.get("HC_SLOW", "1"))  # how many times longer than usual things may take
UID = f"uid-{os.getpid()}"  # of the pod that is here: no other's on this machine
KINDS = {"pods": "Pod", "captures": "Capture", "clustercaptures": "ClusterCapture", "capturenodes": "CaptureNode", "leases": "Lease",
         "namespaces": "Namespace"}


def now(offset=0):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Model:
    """What an API server keeps, and how it answers."""

    def __init__(self, certs):
        self.lock = threading.Condition()
        self.objects = {r: {} for r in KINDS}
        self.history, self.rv, self.down, self.expire = [], 100, False, 0
        self.patches = []
        self.used = set()  # rights: group, resource, verb
        self.endless = None  # by label, how many pages were given, each with the promise of one more; None: it does not lie
        self.certs = certs
        self.server = Server(certs, self.guarded)
        self.url = self.server.url

    def guarded(self, request):
        try:
            self.answer(request)
        except OSError:
            request.closed = True

    def put(self, resource, o, kind=None):
        with self.lock:
            self.rv += 1
            meta = o["metadata"]
            meta["resourceVersion"] = str(self.rv)
            key = meta.get("namespace", ""), meta["name"]
            kind = kind or ("MODIFIED" if key in self.objects[resource] else "ADDED")
            if kind == "DELETED":
                del self.objects[resource][key]
            else:
                self.objects[resource][key] = o
            self.history.append((self.rv, resource, kind, json.loads(json.dumps(o))))
            self.lock.notify_all()

    def get(self, resource, ns, name):
        with self.lock:
            return self.objects[resource].get((ns, name))

    def answer(self, q):
        if self.down:
            q.reset()
            return
        parts = q.path.removeprefix("/api/v1/").removeprefix(API + "/").removeprefix("/apis/coordination.k8s.io/v1/").split("/")
        ns = ""
        if parts[0] == "namespaces" and len(parts) > 2:
            ns, parts = parts[1], parts[2:]
        group = "" if q.path.startswith("/api/") else q.path.split("/")[2]
        what = parts[0] + ("/status" if parts[2:] == ["status"] else "")
        verb = {"GET": "watch" if q.watch else "get" if parts[1:] else "list", "POST": "create", "PUT": "update"}.get(q.method, q.method.lower())
        self.used.add((group, what, verb))
        if q.method == "PATCH" and not parts[2:] and not self.get(parts[0], ns, parts[1]):
            self.used.add((group, parts[0], "create"))  # what is applied and is not there
        if q.watch:
            self.watch(q, parts[0])
        elif q.method == "GET" and len(parts) == 1:
            key, _, value = q.query.get("labelSelector", "").partition("=")
            with self.lock:
                found = [o for o in self.objects[parts[0]].values() if not key or o["metadata"].get("labels", {}).get(key) == value]
                if parts[0] == "namespaces":
                    found = [o for o in found if "metadata.name=" + o["metadata"]["name"] == q.query["fieldSelector"]]
                # pages of one, so that more than one is asked for
                at = int(q.query.get("continue") or 0)
                text = lst(found[at:at + 1] if key else found, str(self.rv), str(at + 1) if key and at + 1 < len(found) else None, KINDS[parts[0]])
            if key and self.endless is not None:
                self.endless[value] = self.endless.get(value, 0) + 1
                text = lst([{"kind": KINDS[parts[0]]}], "1", "1", KINDS[parts[0]])
            q.json(text)
        elif q.method == "GET":
            o = self.get(parts[0], ns, parts[1])
            q.json(o) if o else q.status(404, "NotFound")
        elif q.method == "PATCH":
            self.patch(q, parts[0], ns, parts[1], parts[2:] == ["status"])
        elif q.method in ("POST", "PUT"):
            self.write(q, parts[0], ns)
        else:
            q.status(405)

    def write(self, q, resource, ns):
        o = json.loads(q.body)
        o["metadata"]["namespace"] = ns
        old = self.get(resource, ns, o["metadata"]["name"])
        if q.method == "POST" and old or q.method == "PUT" and old["metadata"]["resourceVersion"] != o["metadata"]["resourceVersion"]:
            q.status(409, "Conflict")
            return
        self.put(resource, o)
        q.json(o, 201 if q.method == "POST" else 200)

    def patch(self, q, resource, ns, name, is_status):
        body, old = json.loads(q.body), self.get(resource, ns, name)
        if not old and (is_status or q.headers["content-type"] == "application/merge-patch+json"):
            q.status(404, "NotFound")
            return
        if q.headers["content-type"] == "application/merge-patch+json":
            self.put(resource, {**old, "status": {**old.get("status", {}), **body["status"]}})
            q.json(self.get(resource, ns, name))
            return
        assert b"\\/" not in q.body, "what is applied is read as YAML, which knows no such escape"
        assert q.query["fieldManager"] == "hindcast-" + NODE and q.query["force"] == "true", q.query
        o = dict(old or {})
        if is_status:
            o["status"] = body["status"]
        else:
            o.update({k: v for k, v in body.items() if k != "metadata"})
            o["metadata"] = {**o.get("metadata", {}), **body["metadata"], "namespace": ns}
        with self.lock:
            self.patches.append((time.monotonic(), name, is_status, body))
        self.put(resource, o)
        q.json(o)

    def watch(self, q, resource):
        q.open()
        rv = int(q.query["resourceVersion"])
        expire = self.expire
        while not self.server.stopping.is_set() and not self.down:
            with self.lock:
                new = [h for h in self.history if h[0] > rv and h[1] == resource]
                if not new and expire == self.expire:
                    self.lock.wait(0.2)
            if expire != self.expire:
                q.event("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "status": "Failure"})
                q.end()
                return
            for n, _, kind, o in new:
                q.event(kind, o)
                rv = n
            if not new:
                q.event("BOOKMARK", bookmark(str(rv)))
        q.reset()


def until(what, test, seconds=15):
    end = time.monotonic() + seconds * SLOW
    while True:
        value = test()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("never so: " + what)
        time.sleep(0.05)


class Recorder:
    def __init__(self, folder, url, certs):
        self.folder, self.url, self.certs = folder, url, certs
        self.rec, self.control = os.path.join(folder, "rec"), os.path.join(folder, "control.sock")
        self.log = open(os.path.join(folder, "log"), "ab+")
        # between the two, so that a limit on the recorder's files is none on its log
        self.logger = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=self.log)
        self.process = None
        self.shift_clock = os.path.join(os.environ.get("HC_BUILD_DIR", ""), "tests/lib/libshift_clock.so")
        self.env = {**os.environ, "HC_CLOCK": os.path.join(folder, "seconds")}
        if os.path.exists(self.shift_clock):
            self.env["LD_PRELOAD"] = self.shift_clock
            self.env["ASAN_OPTIONS"] = "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")

    def start(self):
        self.process = subprocess.Popen(
            [HINDCAST, "recorder", "-d", self.rec, "--control", self.control, "--container-root", "none", "--kube", self.url,
             "--kube-node", NODE, "--kube-ca", os.path.join(self.certs, "ca.pem"), "--kube-token",
             os.path.join(self.folder, "token"), "--kube-spread", "0s", "--metrics", os.path.join(self.folder, "metrics.sock")],
            stderr=self.logger.stdin, env=self.env)
        until("it answers", lambda: self.captures() is not None, 40)

    def captures(self):
        """None while it does not answer."""
        p = subprocess.run([HINDCAST, "capture", "list", "--json", "--control", self.control], capture_output=True, check=False)
        return json.loads(p.stdout)["captures"] if p.returncode == 0 else None

    def stop(self, kill=False):
        self.process.kill() if kill else self.process.terminate()
        code = self.process.wait(30)
        assert kill or code == 0, f"the recorder ended with {code}: {self.text()[-3000:]}"

    def set_clock(self, seconds):
        """Beside the true time; waits until it is seen."""
        steps = self.text().count("the wall clock was set")
        with open(self.env["HC_CLOCK"] + ".new", "w") as f:
            f.write(f"{seconds}\n")
        os.rename(self.env["HC_CLOCK"] + ".new", self.env["HC_CLOCK"])
        until("the step is seen", lambda: self.text().count("the wall clock was set") > steps)

    def text(self):
        self.log.seek(0)
        return self.log.read().decode()

    def metrics(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(os.path.join(self.folder, "metrics.sock"))
            s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            return b"".join(iter(lambda: s.recv(65536), b"")).decode()

    def query(self, sql):
        p = subprocess.run([HINDCAST, "query", self.rec, "--json", sql], capture_output=True, check=True)
        return json.loads(p.stdout)


def cgroup_root():
    for root in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup"):
        if os.path.exists(os.path.join(root, "cgroup.procs")):
            return root
    return None


class Container:
    """A shell in a control group named as a kubelet would name it."""

    def __init__(self, uid, container_id):
        top = os.path.join(cgroup_root(), f"hc-kube-{os.getpid()}/kubepods/burstable/pod{uid}")
        self.path = os.path.join(top, container_id)
        os.makedirs(self.path)
        self.shell = subprocess.Popen(["sh"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, bufsize=1)
        with open(os.path.join(self.path, "cgroup.procs"), "w") as f:
            f.write(str(self.shell.pid))

    def echo(self, text):
        self.shell.stdin.write(f"/bin/echo {text}\n")

    def stop(self):
        self.shell.stdin.close()
        self.shell.wait(10)
        time.sleep(0.1)
        path = self.path
        with contextlib.suppress(OSError):
            while os.path.basename(path) != os.path.basename(cgroup_root()):
                os.rmdir(path)
                path = os.path.dirname(path)


def capture(name, uid, ns="shop", **spec):
    return {"apiVersion": "hindcast.dev/v1alpha1", "kind": "Capture",
            "metadata": {"name": name, "namespace": ns, "uid": uid, "generation": 1, "creationTimestamp": now()},
            "spec": {"duration": "30m", **spec}}


def node_of(model, capture_name):
    with model.lock:
        found = [o for (_, name), o in model.objects["capturenodes"].items() if name.startswith(capture_name + "-")]
    assert len(found) < 2, found
    return found[0] if found else None


def condition(node, kind):
    return next(c for c in node["status"]["conditions"] if c["type"] == kind)


def test_pods(model, recorder, web, other):
    web.echo("one")
    other.echo("stranger")
    until("the first is on the disk", lambda: shown(recorder, "one"))
    changed = json.loads(json.dumps(model.get("pods", "shop", "pod-1")))
    changed["metadata"]["labels"]["app"] = "changed"
    model.put("pods", changed)
    until("the pod's change is on the disk", lambda: recorder.query(
        f"SELECT seq FROM ctr_update WHERE arg_container = '{hexid(1)}' AND phase = 'changed'"))
    web.echo("two")
    until("what its namespace has is known", lambda: recorder.query(
        f"SELECT 1 AS n FROM containers WHERE id = '{hexid(1)}' AND pod_ns_labels = '[\"team=red\"]' AND pod_ns_known_at_ns > 0"))
    model.put("namespaces", namespace("shop", team="blue"))
    until("the namespace's change is on the disk", lambda: recorder.query(
        f"SELECT n FROM (SELECT count(*) AS n FROM ctr_update WHERE arg_container = '{hexid(1)}' AND phase = 'changed') WHERE n = 2"))
    # what changes of a pod's state alone is no new version of its container
    for n in range(3):
        changed["status"]["conditions"] = [{"type": "Ready", "status": str(n)}]
        model.put("pods", changed)
        time.sleep(0.3)


def test_metrics(recorder):
    text = recorder.metrics()
    for resource in ("pods", "captures", "clustercaptures", "namespaces"):
        assert f'hindcast_kube_watch_connected{{resource="{resource}"}} 1' in text, text
    assert 'hindcast_kube_requests_total{verb="list",code="200"} 4' in text, text


def test_capture(model, recorder):
    wanted = capture("incident", "cuid-1", selector={"podSelector": {"matchLabels": {"app": "changed"}}}, preRoll="10m")
    model.put("captures", wanted)
    model.put("captures", capture("others", "cuid-2", selector={"podSelector": {"matchLabels": {"app": "web"}}}))
    model.put("captures", capture("elsewhere", "cuid-3", ns="other", selector={}))
    model.put("captures", capture("not-here", "cuid-4", selector={"nodes": {"matchNames": ["node-2"]}}))
    node = until("a CaptureNode that records", lambda: (node_of(model, "incident") or {}).get("status") and node_of(model, "incident"))
    assert node["metadata"]["ownerReferences"][0]["uid"] == "cuid-1" and node["metadata"]["labels"] == {"hindcast.dev/capture": "cuid-1"}
    assert node["spec"] == {"captureRef": {"kind": "Capture", "name": "incident", "uid": "cuid-1"}, "nodeName": NODE}, node
    assert node["status"]["state"] == "Recording" and node["status"]["preRollFrom"] <= node["status"]["from"], node["status"]
    assert condition(node, "PreRollComplete")["status"] == "False", "this recorder has not run for ten minutes"
    assert condition(node, "Recording")["status"] == "True" and condition(node, "DetailRaised")["status"] == "True"
    local = recorder.captures()
    assert [(k["scope"], k["state"]) for k in local] == [("pod=shop/pod-1", "running")], local
    assert local[0]["by"] == "Capture shop/incident uid=cuid-1" and local[0]["name"].startswith("incident-"), local
    assert 1700e9 < local[0]["until_ns"] - local[0]["asked_ns"] <= 1800e9, local
    for name in ("others", "elsewhere", "not-here"):
        assert node_of(model, name) is None, name


def test_containers_and_errors(model, recorder):
    model.put("captures", capture("payload", "cuid-5", selector={"containers": ["main"]}, detail="full"))
    node = until("the second", lambda: (node_of(model, "payload") or {}).get("status") and node_of(model, "payload"))
    assert [k["scope"] for k in recorder.captures()][1:] == ["container=" + hexid(1)], recorder.captures()
    assert condition(node, "DetailRaised")["reason"] == "Raised" and recorder.captures()[1]["detail"] == "full", node
    right = model.get("captures", "shop", "payload")
    wrong = json.loads(json.dumps(right))
    wrong["spec"]["detail"] = "everything"
    model.put("captures", wrong)
    until("what is wrong with one that runs", lambda: "spec.detail" in node_of(model, "payload")["status"].get("error", ""))
    assert node_of(model, "payload")["status"]["state"] == "Recording", node_of(model, "payload")["status"]
    model.put("captures", right)
    model.put("captures", capture("broken", "cuid-6", duration="1 hour"))
    node = until("that of a broken one", lambda: (node_of(model, "broken") or {}).get("status") and node_of(model, "broken"))
    assert node["status"]["state"] == "Failed" and "spec.duration" in node["status"]["error"], node["status"]
    model.put("clustercaptures", {**capture("whole", "ccuid-1", ns=""), "kind": "ClusterCapture"})
    node = until("that of the whole cluster", lambda: (node_of(model, "whole") or {}).get("status") and node_of(model, "whole"))
    assert node["metadata"]["namespace"] == "hindcast" and node["metadata"]["ownerReferences"][0]["kind"] == "ClusterCapture"
    # one that is over is not begun
    old = capture("over", "cuid-7")
    old["metadata"]["creationTimestamp"] = now(-3600)
    model.put("captures", old)


def test_untold(model, recorder):
    """One that meets no pod says so, and in the end that it was in vain. What is told is not told again, nor asked for."""
    def phase(name):
        return model.get("captures", "shop", name).get("status", {}).get("phase")
    model.put("captures", capture("nobody", "cuid-40", duration="9s", selector={"podSelector": {"matchLabels": {"none": "here"}}}))
    gone = capture("gone", "cuid-42", selector={"podSelector": {"matchLabels": {"none": "here"}}})
    gone["metadata"]["creationTimestamp"] = now(-3600)
    with model.lock:
        model.objects["capturenodes"]["shop", "gone-0123456789"] = {
            "apiVersion": "hindcast.dev/v1alpha1", "kind": "CaptureNode", "status": {"state": "Recording", "bytes": 7},
            "metadata": {"name": "gone-0123456789", "namespace": "shop", "labels": {"hindcast.dev/capture": "cuid-42"}},
            "spec": {"captureRef": {"kind": "Capture", "name": "gone", "uid": "cuid-42"}, "nodeName": "node-2"}}
    model.put("captures", gone)
    until("it waits", lambda: phase("nobody") == "Pending", 30)
    until("a node that is gone does not record for ever", lambda: phase("gone") == "Failed", 30)
    status = model.get("captures", "shop", "gone")["status"]
    assert (status["nodesRecording"], status["nodesFailed"], status["bytes"]) == (0, 1, 7), status
    status = model.get("captures", "shop", "nobody")["status"]
    assert status["nodesMatched"] == 0 and status["acceptedAt"] < status["until"], status
    until("it was in vain", lambda: phase("nobody") == "Expired", 60)
    assert node_of(model, "nobody") is None
    brief = capture("brief", "cuid-41", duration="6s", selector={"podSelector": {"matchLabels": {"app": "changed"}}})
    model.put("captures", brief)
    until("it is served", lambda: (node_of(model, "brief") or {}).get("status"))
    until("it is over", lambda: phase("brief") == "Done", 60)
    told = json.dumps(node_of(model, "brief"))
    recorder.stop()
    seen, patches = len(model.server.seen), len(model.patches)
    recorder.start()
    until("all is listed", lambda: len([r for r in model.server.seen[seen:] if r.watch]) >= 4)
    until("what it had told is asked for", lambda: any("capturenodes/brief-" in r.path for r in model.server.seen[seen:]))
    time.sleep(2.5)
    assert len(model.patches) == patches and json.dumps(node_of(model, "brief")) == told, model.patches[patches:]
    assert not [r.path for r in model.server.seen[seen:] if r.path.endswith("/leases/hindcast-captures")], "nothing is left to be summed up"
    for name in ("nobody", "brief", "gone"):
        model.put("captures", model.get("captures", "shop", name), kind="DELETED")
    with model.lock:
        del model.objects["capturenodes"]["shop", "gone-0123456789"]
    until("they are given up", lambda: recorder.captures() == [])


def test_namespaces(model, recorder):
    """By labels of the namespaces: those that have them, get them later, and that nobody tells of."""
    def asked(name, uid, labels, app="changed"):
        model.put("clustercaptures", {**capture(name, uid, ns="", selector={"namespaceSelector": {"matchLabels": labels},
                                                                            "podSelector": {"matchLabels": {"app": app}}}), "kind": "ClusterCapture"})

    def scopes(name):
        return [k["scope"] for k in recorder.captures() if k["name"].startswith(name + "-")]
    model.put("pods", pod(31, uid=f"{UID}-31", namespace="untold", labels={"app": "lost"}))
    asked("by-label", "ccuid-2", {"team": "blue", "kubernetes.io/metadata.name": "shop"})
    asked("by-other", "ccuid-3", {"team": "green"})
    asked("by-nothing", "ccuid-4", {"team": "green"}, "lost")
    until("one by a label", lambda: scopes("by-label") == ["pod=shop/pod-1"])
    assert scopes("by-other") == [] and node_of(model, "by-other") is None
    model.put("namespaces", namespace("shop", team="green"))
    until("one by a label that came later", lambda: scopes("by-other") == ["pod=shop/pod-1"])
    assert scopes("by-label") == ["pod=shop/pod-1"], "what was begun goes on"
    node = until("that of one that cannot be known", lambda: (node_of(model, "by-nothing") or {}).get("status") and node_of(model, "by-nothing"), 40)
    assert node["status"]["state"] == "Failed" and "namespace untold" in node["status"]["error"], node["status"]
    model.put("namespaces", namespace("shop", team="blue"))
    model.put("pods", model.get("pods", "untold", "pod-31"), kind="DELETED")
    for name in ("by-label", "by-other", "by-nothing"):
        model.put("clustercaptures", model.get("clustercaptures", "", name), kind="DELETED")
    until("they are given up", lambda: not [k for k in recorder.captures() if k["name"].startswith("by-")])


def test_segments(model, recorder):
    """What retention leaves alone for it is told with the name, times and size of the file, as in the schema."""
    def told():
        status = node_of(model, "incident")["status"]
        return status if status.get("segments") else None
    status = until("the files of it", told, 20)
    files = {"/".join(p.split("/")[-2:]): os.path.getsize(p) for p in glob.glob(f"{recorder.rec}/segments/*/*/*.hcs")}
    assert 1 <= len(status["segments"]) == status["segmentsTotal"] <= len(files), (status, files)
    for s in status["segments"]:
        assert set(s) == {"id", "from", "to", "bytes"} and len(s["id"]) <= 64, s
        assert 0 < s["bytes"] <= files[s["id"]] and s["from"] <= s["to"] >= status["preRollFrom"], (s, files)


def test_summary(model, recorder):
    """Another node records too: the sum is of both. A later end makes another capture of the same, until then."""
    other = json.loads(json.dumps(node_of(model, "incident")))
    other["metadata"]["name"], other["spec"]["nodeName"] = "incident-0123456789", "node-2"
    other["status"].update(bytes=1 << 40, lost=[{"class": "io", "count": 7}])
    with model.lock:
        model.objects["capturenodes"]["shop", "incident-0123456789"] = other
    longer = json.loads(json.dumps(model.get("captures", "shop", "incident")))
    longer["spec"]["duration"] = "40m"
    model.put("captures", longer)
    until("the later end", lambda: [k["scope"] for k in recorder.captures()].count("pod=shop/pod-1") == 3)
    local = [k for k in recorder.captures() if k["name"].startswith("incident-")]
    assert abs(local[1]["until_ns"] - local[0]["until_ns"] - 600e9) < 1e9 and len(local) == 2, local

    def both():
        s = model.get("captures", "shop", "incident").get("status", {})
        return s if s.get("nodesRecording") == 2 else None
    s = until("a summary of both nodes", both, 20)
    assert s["phase"] == "Recording" and s["nodesMatched"] == 2 and s["lost"] >= 7 and s["bytes"] >= 1 << 40, s
    assert s["acceptedAt"] == model.get("captures", "shop", "incident")["metadata"]["creationTimestamp"] and s["observedGeneration"] == 1, s
    lease = model.get("leases", "hindcast", "hindcast-captures")["spec"]
    assert lease["holderIdentity"] == NODE and lease["leaseDurationSeconds"] == 40, lease
    until("that of a broken one", lambda: model.get("captures", "shop", "broken").get("status", {}).get("phase") == "Failed")
    with model.lock:
        del model.objects["capturenodes"]["shop", "incident-0123456789"]
    assert condition(node_of(model, "incident"), "Accepted")["message"].startswith("1 pods"), "it is one pod, followed twice"


def shown(recorder, text, *options):
    """What the last execve with that argument shows of its pod; empty: there is none on the disk."""
    p = subprocess.run([HINDCAST, "events", recorder.rec, *options, "-f", f"evt.type = execve and proc.args = {text} and container.full_id = {hexid(1)}", "-o",
                        "*%k8s.pod.name %k8s.pod.label[app] %container.image %k8s.pod.ip"], capture_output=True, text=True, check=True)
    return (p.stdout.strip().splitlines() or [""])[-1]


def test_gone_server(model, recorder, web):
    model.down = True
    until("the log says it", lambda: recorder.text().count("the Kubernetes API does not answer") >= 3)
    web.echo("three")
    until("its block is on the disk", lambda: shown(recorder, "three"))
    recorder.stop(kill=True)
    recorder.start()
    web.echo("four")
    local = recorder.captures()
    assert [k["state"] for k in local] == ["running"] * 4, local
    node_of(model, "incident")["status"]["events"] = 10**9  # as if the one before had had so many
    # deleted while the recorder cannot see it
    model.down = False
    model.put("captures", model.get("captures", "shop", "payload"), kind="DELETED")
    n = len(model.patches)
    until("told again after the restart", lambda: any(p[1].startswith("incident-") and p[2] for p in model.patches[n:]), 30)
    assert node_of(model, "incident")["status"]["events"] >= 10**9, "it goes on counting where it was"
    until("what was deleted meanwhile has ended", lambda: len(recorder.captures()) == 3)
    # one more list changes nothing
    model.expire += 1
    lists = len([r for r in model.server.seen if not r.watch and r.path.endswith("/captures")])
    with model.lock:
        model.lock.notify_all()
    until("it lists again", lambda: len([r for r in model.server.seen if not r.watch and r.path.endswith("/captures")]) > lists)
    time.sleep(0.5)
    assert len(recorder.captures()) == 3, recorder.captures()
    web.echo("five")


def test_end(model, recorder):
    stopped = json.loads(json.dumps(model.get("captures", "shop", "incident")))
    stopped["spec"]["stop"] = True
    model.put("captures", stopped)
    node = until("it has ended", lambda: node_of(model, "incident")["status"]["state"] == "Done" and node_of(model, "incident"))
    assert node["status"]["to"] >= node["status"]["from"] and condition(node, "Recording")["reason"] == "Stopped", node["status"]
    assert [k["state"] for k in recorder.captures()] == ["ended", "running", "ended"], recorder.captures()
    model.put("captures", stopped, kind="DELETED")
    until("what it pinned is given up", lambda: [k["scope"] for k in recorder.captures()] == ["pod=shop/pod-1"])
    short = model.get("clustercaptures", "", "whole")
    short["spec"]["duration"] = "1s"
    model.put("clustercaptures", short)
    until("its time is over", lambda: node_of(model, "whole")["status"]["state"] == "Done")
    status = [t for t, name, is_status, _ in model.patches if is_status and name.startswith("incident-")]
    assert len(status) < 12, f"{len(status)} in {status[-1] - status[0]:.0f} s: no more often than every ten seconds"


def test_clock(model, recorder):
    """The server's clock is asked when an object is met, the node's may be wrong and be set: a capture lasts as long, also for pods that come later."""
    if not os.path.exists(recorder.shift_clock):
        return

    def lasts(n, seconds, name="clock"):
        """The pod of that number comes, and is captured for what is left by that clock."""
        model.put("pods", pod(n, uid=f"{UID}-{n}", labels={"app": "later"}))
        scope = f"pod=shop/pod-{n}"
        until("a capture of " + scope, lambda: scope in [k["scope"] for k in recorder.captures()])
        for k in [k for k in recorder.captures() if k["name"].startswith(name + "-")]:
            left = k["until_ns"] / 1e9 - time.time() - seconds
            assert k["state"] == "running" and 1600 < left <= 1800, (k, left)
    for n, seconds in enumerate((36000, -7200), 51):
        recorder.set_clock(seconds)
        model.put("captures", capture(f"wrong{n}", f"cuid-{n}", selector={"podSelector": {"matchLabels": {"app": "later"}}}))
        lasts(n, seconds, f"wrong{n}")
        model.put("captures", model.get("captures", "shop", f"wrong{n}"), kind="DELETED")
        model.put("pods", model.get("pods", "shop", f"pod-{n}"), kind="DELETED")
    recorder.set_clock(0)
    model.put("captures", capture("clock", "cuid-20", selector={"podSelector": {"matchLabels": {"app": "later"}}}))
    lasts(21, 0)
    recorder.set_clock(36000)
    lasts(22, 36000)
    recorder.set_clock(-7200)
    lasts(23, -7200)
    recorder.stop()
    recorder.start()
    lasts(24, -7200)
    assert node_of(model, "clock")["status"]["state"] == "Recording"
    recorder.set_clock(0)
    model.put("captures", model.get("captures", "shop", "clock"), kind="DELETED")
    until("what it pinned is given up", lambda: not [k for k in recorder.captures() if k["name"].startswith("clock-")])


def test_many(model, recorder):
    """More pods than one object may follow, and than a node can have; those that go are forgotten, however many go at once."""
    def message(name):
        node = node_of(model, name)
        return condition(node, "Accepted")["message"] if node and "status" in node else ""

    def pods(label, numbers, kind=None):
        with model.lock:
            for n in numbers:
                model.put("pods", pod(n, uid=f"{UID}-{n}", labels={"app": label}), kind)

    def known():
        return int(recorder.metrics().split('hindcast_kube_objects{resource="pods"} ')[1].split()[0])
    pods("many", range(100, 170))
    model.put("captures", capture("many", "cuid-60", selector={"podSelector": {"matchLabels": {"app": "many"}}}))
    until("its part", lambda: message("many").startswith("64 pods or containers are followed; 6 more "), 30)
    for _ in range(3):
        pods("many", range(100, 170))
        time.sleep(0.3)
    wanted = json.loads(json.dumps(model.get("captures", "shop", "many")))
    wanted["spec"]["stop"] = True
    model.put("captures", wanted)
    until("its end", lambda: node_of(model, "many")["status"]["state"] == "Done")
    assert message("many").startswith("64 pods or containers are followed; 6 more "), message("many")
    model.put("captures", wanted, kind="DELETED")
    pods("many", range(100, 170), "DELETED")
    until("what it pinned is given up", lambda: not [k for k in recorder.captures() if k["name"].startswith("many-")])
    if SLOW > 1:
        return
    others = known()
    first, second = range(1000, 5000), range(5000, 9000)
    pods("first", first)
    until("they are known", lambda: known() == others + len(first), 60)
    pods("first", first, "DELETED")
    pods("second", second)
    until("the others are known", lambda: known() == others + len(second), 60)
    time.sleep(10)
    model.put("captures", capture("none", "cuid-61", selector={"podSelector": {"matchLabels": {"app": "first"}}}))
    model.put("captures", capture("few", "cuid-62", duration="3s", selector={"podSelector": {"matchLabels": {"app": "second"}}}))
    until("those that are there", lambda: message("few").startswith("64 pods "), 30)
    assert node_of(model, "none") is None and not [k for k in recorder.captures() if k["name"].startswith("none-")], recorder.captures()
    for name in ("none", "few"):
        model.put("captures", model.get("captures", "shop", name), kind="DELETED")
    pods("second", second, "DELETED")
    until("they are given up", lambda: not [k for k in recorder.captures() if k["name"].startswith("few-")])


def test_lies(model, recorder):
    """A list of parts that has no end, and a Lease that has changed hands as often as can be said."""
    with model.lock:
        model.objects["leases"]["hindcast", "hindcast-captures"]["spec"].update(holderIdentity="", leaseTransitions=2**63 - 1)
    model.put("captures", capture("lie", "cuid-70", selector={"podSelector": {"matchLabels": {"app": "changed"}}}))
    until("the Lease is taken", lambda: model.get("leases", "hindcast", "hindcast-captures")["spec"]["holderIdentity"] == NODE, 90)
    assert model.get("leases", "hindcast", "hindcast-captures")["spec"]["leaseTransitions"] == 2**31 - 1
    model.endless = {}

    def rests():
        before = sum(model.endless.values())
        time.sleep(2)
        return before == sum(model.endless.values())
    until("many pages", lambda: model.endless.get("cuid-70", 0) >= 150, 90)
    until("an end of it", rests, 30)
    assert all(n % 200 == 0 for n in model.endless.values()), f"each sum ends after 200 pages: {model.endless}"
    model.endless = None
    model.put("captures", model.get("captures", "shop", "lie"), kind="DELETED")
    until("it is given up", lambda: not [k for k in recorder.captures() if k["name"].startswith("lie-")])


def test_full(model, recorder):
    """Ends that the disk does not take are tried again, and do not fill the log."""
    names = [f"full-{n}" for n in range(4)]
    for n, name in enumerate(names):
        model.put("captures", capture(name, f"cuid-3{n}", selector={"podSelector": {"matchLabels": {"app": "changed"}}}))
    until("they run", lambda: [k["state"] for k in recorder.captures() if k["name"].startswith("full-")] == ["running"] * 4)
    before = resource.prlimit(recorder.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    for name in names:
        wanted = json.loads(json.dumps(model.get("captures", "shop", name)))
        wanted["spec"]["stop"] = True
        model.put("captures", wanted)
    until("the log says it", lambda: "ends of captures cannot be written" in recorder.text())
    time.sleep(2.5)
    assert [k["state"] for k in recorder.captures() if k["name"].startswith("full-")] == ["running"] * 4, recorder.captures()
    assert recorder.text().count("ends of captures cannot be written") == 1, recorder.text()[-3000:]
    resource.prlimit(recorder.process.pid, resource.RLIMIT_FSIZE, before)
    until("they end", lambda: [k["state"] for k in recorder.captures() if k["name"].startswith("full-")] == ["ended"] * 4)
    for name in names:
        node = until("its node tells it", lambda name=name: node_of(model, name)["status"]["state"] == "Done" and node_of(model, name))
        assert condition(node, "Recording")["reason"] == "Stopped", node


def test_rights(model):
    """The recorder has asked for nothing that its roles do not give, and for all that they do."""
    given = set()
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../k8s/api/rbac.yaml"), encoding="utf-8") as f:
        for doc in yaml.safe_load_all(f):
            if doc["kind"] in ("ClusterRole", "Role") and doc["metadata"]["name"] == "hindcast":
                given |= {(g, r, v) for rule in doc["rules"] for g in rule["apiGroups"] for r in rule["resources"] for v in rule["verbs"]}
    assert model.used == given, (model.used - given, given - model.used)


def test_rows(recorder):
    rows = recorder.query("SELECT DISTINCT id, name, image, image_repo, image_tag, image_digest, pod_name, pod_namespace, pod_uid, pod_labels, "
                          "pod_annotations, service_account, owner_kind, owner_name, pod_qos, pod_container, pod_source, ip, pod_ip, privileged, pod_ns_labels, pod_ns_annotations, "
                          f"host_pid FROM containers WHERE id = '{hexid(1)}' AND pod_source = 'api'")
    assert len(rows) == 1 and json.loads(rows[0]["pod_labels"]) == ["app=changed", "n=1"], rows
    row = rows[0]
    want = {"name": "main", "image": "web:1", "image_repo": "web", "image_tag": "1", "image_digest": "sha256:" + "ab" * 32,
            "pod_name": "pod-1", "pod_namespace": "shop", "pod_uid": UID, "service_account": "default", "owner_kind": "ReplicaSet",
            "owner_name": "web-5", "pod_qos": "Burstable", "pod_container": "container", "ip": "10.0.0.7", "pod_ip": "10.0.0.7", "privileged": 1, "host_pid": 1,
            "pod_ns_labels": '["team=blue"]', "pod_ns_annotations": '["kubearmor-file-posture=block"]'}
    assert {k: row[k] for k in want} == want, row
    updates = recorder.query(f"SELECT phase, count(*) AS n FROM ctr_update WHERE arg_container = '{hexid(1)}' GROUP BY 1 ORDER BY 1")
    assert {u["phase"] for u in updates} <= {"known", "changed"} and sum(u["n"] for u in updates if u["phase"] == "changed") == 4, updates
    events = {text: shown(recorder, text) for text in ("one", "two", "three", "four", "five")}
    assert events == {"one": "pod-1 web web:1 10.0.0.7", "two": "pod-1 changed web:1 10.0.0.7", "three": "pod-1 changed web:1 10.0.0.7",
                      "four": "pod-1 changed web:1 10.0.0.7", "five": "pod-1 changed web:1 10.0.0.7"}, events
    # the recorder had begun anew, and the server was gone
    assert shown(recorder, "four", "--metadata", "as-of") == "<NA> <NA> <NA> <NA>"
    marks = recorder.query("SELECT op FROM meta_mark WHERE name LIKE 'incident-%' ORDER BY op")
    assert [m["op"] for m in marks] == ["begin", "begin", "end", "end", "unpin", "unpin"], marks


def missing():
    """Why a recorder cannot be tried here; None: it can."""
    if not cgroup_root() or not os.access(cgroup_root(), os.W_OK):
        return "no control groups of version 2 to be made here"
    p = subprocess.run([os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e/can_record")], capture_output=True, text=True, check=False,
                       env={**os.environ, "HINDCAST": HINDCAST})
    return p.stdout.strip() or "the recorder cannot record" if p.returncode else None


def main():
    folder = sys.argv[1]
    if missing():
        print("skipped:", missing())
        return 77
    certs = os.path.join(folder, "certs")
    os.mkdir(certs)
    make_certs(certs)
    with open(os.path.join(folder, "token"), "w") as f:
        f.write("token-1\n")
    model = Model(certs)
    model.put("pods", pod(1, uid=UID))
    model.put("namespaces", namespace("shop", team="red"))
    recorder, shells = Recorder(folder, model.url, certs), []
    try:
        recorder.start()
        until("all is listed", lambda: len([r for r in model.server.seen if r.watch]) >= 4)
        shells += [Container(UID, hexid(1)), Container(UID + "-9", hexid(9))]
        for test, args in ((test_pods, (model, recorder, *shells)), (test_metrics, (recorder,)), (test_untold, (model, recorder)),
                           (test_capture, (model, recorder)),
                           (test_namespaces, (model, recorder)), (test_containers_and_errors, (model, recorder)), (test_segments, (model, recorder)),
                           (test_summary, (model, recorder)), (test_gone_server, (model, recorder, shells[0])), (test_end, (model, recorder)),
                           (test_clock, (model, recorder)), (test_many, (model, recorder)), (test_lies, (model, recorder)), (test_full, (model, recorder))):
            begin = time.monotonic()
            test(*args)
            print(f"ok {time.monotonic() - begin:5.1f} s  {test.__name__}")
        until("a pod that the server does not know", lambda: recorder.query(
            f"SELECT pod_source, pod_name FROM containers WHERE id = '{hexid(9)}'") == [{"pod_source": "none", "pod_name": None}])
        recorder.stop()
        test_rights(model)
        test_rows(recorder)
    except BaseException:
        print(recorder.text()[-6000:], file=sys.stderr)
        raise
    finally:
        for shell in shells:
            shell.stop()
        if recorder.process and recorder.process.poll() is None:
            recorder.process.kill()
        recorder.logger.stdin.close()
        recorder.logger.wait(10)
        model.server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
