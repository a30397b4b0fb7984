#!/usr/bin/env python3
"""The Kubernetes client, the manifests and the recorder against a real kube-apiserver with etcd: make check-k8s.

apiserver.py DIR: DIR has kube-apiserver (build_apiserver makes it). Exit 77, saying why, when that or etcd is missing.
No kubelet and no scheduler: pods are made with their node's name, and their status is written as a kubelet would.
"""
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from client import ALL, NODE, Case, hexid, pod  # noqa: E402
import recorder as recording  # noqa: E402
from server import make_certs  # noqa: E402

K8S = os.path.join(HERE, "../../k8s")
ADMIN, RECORDER = "admin-token-0123456789", "recorder-token-9876543210"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Cluster:
    def __init__(self, folder, binary):
        self.folder, self.binary = folder, binary
        self.port, self.etcd_port, peer = free_port(), free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.context = ssl.create_default_context(cafile=os.path.join(folder, "ca.pem"))
        with open(os.path.join(folder, "tokens.csv"), "w") as f:
            f.write(f"{ADMIN},admin,1,system:masters\n{RECORDER},system:serviceaccount:hindcast:hindcast,2\n")
        etcd = f"http://127.0.0.1:{self.etcd_port}"
        self.etcd = self.spawn("etcd", ["etcd", "--data-dir", os.path.join(folder, "etcd"), "--listen-client-urls", etcd,
                                        "--advertise-client-urls", etcd, "--listen-peer-urls", f"http://127.0.0.1:{peer}",
                                        "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
                                        "--initial-cluster", f"default=http://127.0.0.1:{peer}", "--unsafe-no-fsync"])
        self.api = None

    def spawn(self, name, args):
        log = open(os.path.join(self.folder, name + ".log"), "a")
        return subprocess.Popen(args, stdout=log, stderr=log, cwd=self.folder)

    def start_api(self):
        self.api = self.spawn("kube-apiserver", [
            self.binary, f"--etcd-servers=http://127.0.0.1:{self.etcd_port}", f"--secure-port={self.port}", "--bind-address=127.0.0.1",
            "--cert-dir=certs", "--tls-cert-file=server.pem", "--tls-private-key-file=server.key", "--token-auth-file=tokens.csv",
            "--authorization-mode=RBAC", "--service-account-key-file=ca.pem", "--service-account-signing-key-file=ca.key",
            "--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.0.0.0/24",
            "--disable-admission-plugins=ServiceAccount", "--allow-privileged=true"])
        end = time.monotonic() + 120
        while time.monotonic() < end:
            if self.api.poll() is not None:
                break
            try:
                if self.call("GET", "/readyz", raw=True) == b"ok":
                    return
            except OSError:
                pass
            time.sleep(0.3)
        with open(os.path.join(self.folder, "kube-apiserver.log")) as f:
            raise SystemExit("kube-apiserver does not come up:\n" + f.read()[-3000:])

    def stop_api(self):
        self.api.terminate()
        try:
            self.api.wait(20)
        except subprocess.TimeoutExpired:
            self.api.kill()
            self.api.wait()

    def call(self, method, path, body=None, kind="application/json", raw=False):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Authorization": "Bearer " + ADMIN, "Content-Type": kind}, method=method)
        try:
            with urllib.request.urlopen(request, context=self.context, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as e:
            if e.code in (500, 503):
                raise OSError(f"{method} {path}: {e.code}") from None
            raise AssertionError(f"{method} {path}: {e.code}: {e.read()[:2000]}") from None
        return text if raw else json.loads(text)

    def etcd_call(self, path, body):
        request = urllib.request.Request(f"http://127.0.0.1:{self.etcd_port}{path}", json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def stop(self):
        for process in (self.api, self.etcd):
            if process:
                process.kill()
                process.wait()


COLLECTIONS = {"ClusterRole": "rbac.authorization.k8s.io/v1/clusterroles", "ClusterRoleBinding": "rbac.authorization.k8s.io/v1/clusterrolebindings",
               "Role": "rbac.authorization.k8s.io/v1/namespaces/{ns}/roles", "RoleBinding": "rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings",
               "CustomResourceDefinition": "apiextensions.k8s.io/v1/customresourcedefinitions",
               "DaemonSet": "apps/v1/namespaces/{ns}/daemonsets"}


def create(cluster, path, ns="hindcast"):
    """Not applied: this server refuses to apply what it does not know (rules in schemas), and drops it when it creates."""
    with open(os.path.join(K8S, path)) as f:
        for doc in yaml.safe_load_all(f):
            collection = COLLECTIONS[doc["kind"]].format(ns=ns)
            cluster.call("POST", f"/apis/{collection}", doc)


def install(cluster):
    for ns in ("hindcast", "shop"):
        cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": ns, "labels": {"team": ns}}})
    for name in ("captures", "clustercaptures", "capturenodes"):
        create(cluster, f"api/crds/{name}.yaml")
    create(cluster, "api/rbac.yaml")
    create(cluster, "base/daemonset.yaml")
    for name in ("captures", "clustercaptures", "capturenodes"):
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}.hindcast.dev"
        for _ in range(100):
            conditions = {c["type"]: c["status"] for c in cluster.call("GET", path).get("status", {}).get("conditions", [])}
            if conditions.get("Established") == "True":
                break
            time.sleep(0.1)
        assert conditions.get("Established") == "True" and conditions.get("NonStructuralSchema", "False") == "False", conditions


def create_pod(cluster, n, node=NODE):
    o = pod(n, node=node)
    o["metadata"] = {"name": f"pod-{n}", "namespace": "shop", "labels": {"app": "web", "n": str(n)}}
    status = o.pop("status")
    o["spec"].pop("initContainers")
    made = cluster.call("POST", "/api/v1/namespaces/shop/pods", o)
    status.pop("initContainerStatuses")
    for s in status["containerStatuses"]:
        s.update(ready=True, restartCount=0)
    status["phase"] = "Running"
    cluster.call("PATCH", f"/api/v1/namespaces/shop/pods/pod-{n}/status", {"status": status}, "application/merge-patch+json")
    return made["metadata"]["uid"]


def test_pods(c, cluster):
    uid = create_pod(cluster, 1)
    create_pod(cluster, 2, node="node-2")
    create_pod(cluster, 3)
    c.want("the container's id", lambda e: e.get("pod", {}).get("name") == "pod-1" and e["pod"]["containers"][0]["id"] == hexid(1))
    found = c.find(hexid(1))
    assert found["uid"] == uid and found["labels"] == {"app": "web", "n": "1"} and found["containers"][0]["privileged"], found
    cluster.call("PATCH", "/api/v1/namespaces/shop/pods/pod-1", {"metadata": {"labels": {"app": "changed"}}}, "application/merge-patch+json")
    c.want_pod("pod-1", labels={"app": "changed", "n": "1"})
    c.until("the namespace", lambda s: s["namespaces"]["connected"])
    for team in "shop", "changed": # newer servers add a label with the name
        if team == "changed":
            cluster.call("PATCH", "/api/v1/namespaces/shop", {"metadata": {"labels": {"team": team}}}, "application/merge-patch+json")
        c.want(team, lambda e: e.get("pod", {}).get("name") == "pod-1" and (e["pod"].get("ns_labels") or {}).get("team") == team)
    assert c.stats()["namespaces"]["objects"] == 1, "the one that this node's pods are in"
    cluster.call("DELETE", "/api/v1/namespaces/shop/pods/pod-3?gracePeriodSeconds=0")
    c.want_pod("pod-3", gone=True)
    assert c.find(hexid(2)) is None and c.find(hexid(3))["gone"], "filtered by the server"
    assert c.stats()["foreign"] == 0


def test_captures(c, cluster):
    with open(os.path.join(K8S, "examples/capture.yaml")) as f:
        wanted = yaml.safe_load(f)
    made = cluster.call("POST", "/apis/hindcast.dev/v1alpha1/namespaces/shop/captures", wanted)
    assert made["spec"]["retention"] == "720h" and made["spec"]["stop"] is False, "defaults"
    seen = c.want_event("SET", resource="captures", name="shop-incident")
    assert seen["object"]["spec"]["selector"] == wanted["spec"]["selector"] and seen["uid"] == made["metadata"]["uid"]
    for broken in ({"duration": "1 hour"}, {"duration": "1h", "detail": "all"}, {"duration": "1h", "payloadBytes": 5000}, {},
                   {"duration": "1h", "selector": {"podSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}}}):
        try:
            cluster.call("POST", "/apis/hindcast.dev/v1alpha1/namespaces/shop/captures",
                         {"apiVersion": "hindcast.dev/v1alpha1", "kind": "Capture", "metadata": {"name": "broken"}, "spec": broken})
        except AssertionError as e:
            assert " 422:" in str(e), e
        else:
            raise AssertionError(f"the server took {broken}")
    head = {"apiVersion": "hindcast.dev/v1alpha1", "kind": "CaptureNode",
            "metadata": {"name": "shop-incident-0123456789", "labels": {"hindcast.dev/capture": seen["uid"]},
                         "ownerReferences": [{"apiVersion": "hindcast.dev/v1alpha1", "kind": "Capture", "name": "shop-incident", "uid": seen["uid"]}]}}
    spec = {"captureRef": {"kind": "Capture", "name": "shop-incident", "uid": seen["uid"]}, "nodeName": NODE}
    where = "apis/hindcast.dev/v1alpha1 capturenodes shop shop-incident-0123456789"

    def send(verb, o, manager="hindcast-node-1"):
        since = len(c.lines)
        c.ask(f"send {verb} {where} {manager} {json.dumps(o)}", "sent")
        answer = c.want("an answer", lambda e: e.get("event") == "ANSWER", since=since)
        assert answer["status"] in (200, 201), answer
        return answer["object"]
    send("apply", {**head, "spec": spec})
    for n in (1, 2):
        state = {"state": "Recording", "bytes": n, "lost": [{"class": "file", "count": n}], "segments": [{"id": f"s{n}"}]}
        send("apply-status", {"apiVersion": head["apiVersion"], "kind": head["kind"], "metadata": {"name": head["metadata"]["name"]}, "status": state})
    now = cluster.call("GET", "/apis/hindcast.dev/v1alpha1/namespaces/shop/capturenodes/shop-incident-0123456789")
    assert now["status"] == state and now["spec"] == spec and now["metadata"]["labels"] == head["metadata"]["labels"], now
    for n, code in ((128, 200), (129, 422)):  # of a field manager's name: what cluster_manager() keeps to
        since = len(c.lines)
        c.ask(f"send apply {where} {'m' * n} {json.dumps({**head, 'spec': spec})}", "sent")
        answer = c.want("an answer", lambda e: e.get("event") == "ANSWER", since=since)
        assert answer["status"] == code, answer
    c.ask('send merge-status apis/hindcast.dev/v1alpha1 captures shop shop-incident - {"status":{"phase":"Recording","nodesMatched":1}}', "sent")
    c.want("the summary", lambda e: e.get("event") == "SET" and e["object"].get("status", {}).get("phase") == "Recording")
    cluster.call("DELETE", "/apis/hindcast.dev/v1alpha1/namespaces/shop/captures/shop-incident")
    c.want_event("GONE", resource="captures", name="shop-incident")


# What is right and what is wrong by each pattern of the schemas.
PATTERNS = {"^([0-9]{1,9}(ms|s|m|h)){1,4}$": (["0s", "90s", "1h30m", "250ms", "1h1m1s1ms"], ["", "10", "1 h", "-1s", "1.5h", "1d", "1h1h1h1h1h", "1000000000s", "1h\n"]),
            "^[1-9][0-9]{0,9}(KiB|MiB|GiB)$": (["1KiB", "512MiB", "9999999999GiB"], ["", "0MiB", "01MiB", "1MB", "1.5GiB", "2Gi", "10000000000KiB"]),
            "^[A-Z][A-Za-z]{0,62}$": (["Accepted"], ["", "accepted", "Not Yet", "A" * 64]),
            "^[A-Z][A-Za-z0-9]{0,63}$": (["Started2"], ["", "started", "Not-Yet", "A" * 65])}


def least(s):
    """The smallest value that a schema takes."""
    if s["type"] == "object":
        return {k: least(s["properties"][k]) for k in s.get("required", [])}
    if s["type"] == "string":
        text = "2026-01-02T03:04:05Z" if s.get("format") == "date-time" else "x"  # this server takes an empty text that is required, or in a map, for none
        return s["enum"][0] if "enum" in s else PATTERNS[s["pattern"]][0][0] if "pattern" in s else text
    return {"array": [], "integer": s.get("minimum", 0), "boolean": False}[s["type"]]


def values(s):
    """Values and whether the schema takes them, for it and for each of its parts."""
    kind = s["type"]
    for wrong in ("text", 5, 1.5, True, [], {}):
        if not isinstance(wrong, {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}[kind]) or (kind == "integer" and wrong is True):
            if wrong != [] or "format" not in s or kind == "integer":  # which this server does not look at
                yield wrong, False
    yield least(s), True
    if kind == "string":
        good, bad = PATTERNS[s["pattern"]] if "pattern" in s else (s.get("enum", []), ["Else", ""]) if "enum" in s else \
            ([], ["yesterday", "2026-01-02"]) if s.get("format") == "date-time" else (["x" * s["maxLength"]], ["x" * (s["maxLength"] + 1)])
        bad = bad + [""] if s.get("minLength") and "" not in bad else bad
        yield from ((v, True) for v in good)
        yield from ((v, False) for v in bad)
    elif kind == "integer":
        yield s["minimum"] - 1, False
        yield s.get("maximum", 2**63 - 1), True
        if "maximum" in s:
            yield s["maximum"] + 1, False
    elif kind == "array":
        def items(n):  # each another one, as sets and maps need it
            key = s.get("x-kubernetes-list-map-keys", [None])[0]
            name = "A" if key == "type" else "x"
            return [least(s["items"]) | ({key: name + chr(97 + i // 26) + chr(97 + i % 26)} if key else {}) if s["items"]["type"] == "object" else f"x{i}" for i in range(n)]
        if s["maxItems"]:
            yield items(s["maxItems"]), True
        yield items(s["maxItems"] + 1), False
        if s.get("x-kubernetes-list-type") == "set":  # this server does not look at the keys of maps in a status
            yield items(1) * 2, False
        if s["maxItems"]:
            yield from (([v], ok) for v, ok in values(s["items"]))
    elif "additionalProperties" in s:
        yield {f"k{i}": "x" for i in range(s["maxProperties"])}, True
        yield {f"k{i}": "x" for i in range(s["maxProperties"] + 1)}, False
        yield from (({"k": v}, ok) for v, ok in values(s["additionalProperties"]) if v != "")
    elif kind == "object":
        for name in s.get("required", []):
            yield {k: v for k, v in least(s).items() if k != name}, False
        for name, part in s["properties"].items():
            yield from ((least(s) | {name: v}, ok) for v, ok in values(part))


def test_schemas(_, cluster):
    """Each field of each kind takes what its schema says, and refuses what is just beyond it."""
    n = 0
    for plural in ("captures", "clustercaptures", "capturenodes"):
        with open(os.path.join(K8S, f"api/crds/{plural}.yaml")) as f:
            doc = yaml.safe_load(f)
        kind, schema = doc["spec"]["names"]["kind"], doc["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        path = "/apis/hindcast.dev/v1alpha1/" + ("" if kind == "ClusterCapture" else "namespaces/shop/") + plural
        head = {"apiVersion": "hindcast.dev/v1alpha1", "kind": kind, "metadata": {"name": "schema"}}
        spec = least(schema["properties"]["spec"])
        cluster.call("POST", path, {**head, "spec": spec})
        for part in ("spec", "status"):
            for value, ok in values(schema["properties"][part]):
                n += 1
                try:
                    if part == "spec":
                        cluster.call("POST", path + "?dryRun=All", {**head, "metadata": {"name": "other"}, "spec": value})
                    else:
                        old = cluster.call("GET", path + "/schema")
                        cluster.call("PUT", path + "/schema/status?dryRun=All", {**old, "status": value})
                except AssertionError as e:
                    assert not ok and (": 422:" in str(e) or ": 400:" in str(e)), f"{kind} {part} {str(value)[:300]}: {e}"
                else:
                    assert ok, f"the server took {kind} {part} {str(value)[:300]}"
        cluster.call("DELETE", path + "/schema")
    print(f"               {n} values")
    assert n > 500, n


def test_rights(c, cluster):
    """What the roles do not give is refused."""
    for request in ("get api/v1 secrets shop x", "get api/v1 pods shop pod-1", "delete api/v1 pods shop pod-1", "get api/v1 nodes - node-1",
                    "delete apis/hindcast.dev/v1alpha1 captures shop x"):
        since = len(c.lines)
        c.ask(f"send {request} - -", "sent")
        answer = c.want(request, lambda e: e.get("event") == "ANSWER", since=since)
        assert answer["status"] == 403, (request, answer)


def test_expired(c, cluster):
    """The server restarts while its history is compacted away: 410, and a new list that finds what changed meanwhile."""
    cluster.stop_api()
    for n in range(5):
        revision = cluster.etcd_call("/v3/kv/put", {"key": "Zm9v", "value": "YmFy"})["header"]["revision"]
    cluster.etcd_call("/v3/kv/compaction", {"revision": revision, "physical": True})
    before = c.stats()["pods"]["lists"]
    cluster.start_api()
    create_pod(cluster, 4)
    c.want_pod("pod-4")
    s = c.until("all watches", lambda s: all(s[r]["connected"] for r in ("pods", "captures", "clustercaptures", "namespaces")), 60)
    assert s["restarts"].get("expired", 0) >= 1 and s["pods"]["lists"] > before, s
    assert s["pods"]["objects"] == 2 and c.find(hexid(1))["gone"] is False, s
    return s


def test_token(c, cluster):
    """A token that the server does not know: 401, until the file has the right one."""
    c.write_token("unknown")
    c.stop()
    c2 = Case("token", c.certs)
    c2.write_token("unknown")
    c2.start(url=cluster.url)
    c2.until("401", lambda s: s["codes"].get("list 401"))
    c2.write_token(RECORDER)
    c2.want_pod("pod-1")
    c2.stop()


def kubectl(cluster, *args):
    """What it prints; "" where there is none."""
    if not shutil.which("kubectl"):
        return ""
    p = subprocess.run(["kubectl", "--server", cluster.url, "--certificate-authority", os.path.join(cluster.folder, "ca.pem"), "--token", ADMIN,
                        "--cache-dir", os.path.join(cluster.folder, "kubectl"), *args], capture_output=True, text=True, check=False,
                       env={**os.environ, "HOME": cluster.folder})
    assert p.returncode == 0, p.stderr
    return p.stdout


def test_recorder(cluster):
    """A recorder with the rights of the manifests: pods in its rows, and a capture from kubectl apply to kubectl delete."""
    reason = recording.missing()
    if reason:
        print(f"SKIPPED: the recorder: {reason}")
        return
    folder = os.path.join(cluster.folder, "recorder")
    os.mkdir(folder)
    with open(os.path.join(folder, "token"), "w") as f:
        f.write(RECORDER + "\n")
    uid = create_pod(cluster, 7)
    captures = "/apis/hindcast.dev/v1alpha1/namespaces/shop/captures"
    with open(os.path.join(K8S, "examples/capture.yaml")) as f:
        wanted = yaml.safe_load(f)
    wanted["spec"]["selector"] = {"podSelector": {"matchLabels": {"n": "7"}}}
    recorder, shells = recording.Recorder(folder, cluster.url, cluster.folder), []
    try:
        recorder.start()
        shells.append(recording.Container(uid, hexid(7)))
        shells[0].echo("in-the-cluster")
        if not kubectl(cluster, "apply", "-f", write_json(folder, wanted)):
            cluster.call("POST", captures, wanted)

        def node():
            items = cluster.call("GET", "/apis/hindcast.dev/v1alpha1/namespaces/shop/capturenodes")["items"]
            uid = cluster.call("GET", captures + "/shop-incident")["metadata"]["uid"]
            return next((o for o in items if o["spec"]["captureRef"]["uid"] == uid and o.get("status", {}).get("state") == "Recording"), None)
        found = recording.until("a CaptureNode", node, 30)
        assert [k["scope"] for k in recorder.captures()] == ["pod=shop/pod-7"], recorder.captures()
        made = cluster.call("GET", captures + "/shop-incident")
        assert found["spec"]["nodeName"] == NODE and found["spec"]["captureRef"]["kind"] == "Capture", found
        assert found["metadata"]["ownerReferences"][0]["uid"] == made["metadata"]["uid"], found
        recording.until("the summary", lambda: cluster.call("GET", captures + "/shop-incident").get("status", {}).get("nodesRecording") == 1, 30)
        lease = cluster.call("GET", "/apis/coordination.k8s.io/v1/namespaces/hindcast/leases/hindcast-captures")
        assert lease["spec"]["holderIdentity"] == NODE, lease
        print(kubectl(cluster, "-n", "shop", "get", "hcap,hcapn"), end="")
        columns = kubectl(cluster, "-n", "shop", "get", "hcap").split("\n")
        assert len(columns) < 2 or columns[1].split()[:4] == ["shop-incident", "Recording", "1", "1"], columns
        stop = '{"spec":{"stop":true}}'
        if not kubectl(cluster, "-n", "shop", "patch", "capture", "shop-incident", "--type", "merge", "-p", stop):
            cluster.call("PATCH", captures + "/shop-incident", json.loads(stop), "application/merge-patch+json")
        recording.until("it is done", lambda: cluster.call("GET", captures + "/shop-incident")["status"]["phase"] == "Done", 30)
        assert [k["state"] for k in recorder.captures()] == ["ended"]
        cluster.call("DELETE", captures + "/shop-incident")
        recording.until("what it pinned is given up", lambda: recorder.captures() == [], 30)
        recorder.stop()
        rows = recorder.query(f"SELECT pod_name, pod_namespace, pod_uid, pod_labels, pod_source, service_account, "
                              f"pod_ns_labels LIKE '%\"team=changed\"%' AS has_ns FROM containers WHERE id = '{hexid(7)}'")
        assert rows == [{"pod_name": "pod-7", "pod_namespace": "shop", "pod_uid": uid, "pod_labels": '["app=web","n=7"]', "pod_source": "api",
                         "service_account": "default", "has_ns": 1}], rows
        assert "Forbidden" not in recorder.text() and "cannot be written" not in recorder.text(), recorder.text()
    except BaseException:
        print(recorder.text()[-6000:], file=sys.stderr)
        raise
    finally:
        for shell in shells:
            shell.stop()
        if recorder.process and recorder.process.poll() is None:
            recorder.process.kill()


def write_json(folder, o):
    path = os.path.join(folder, o["metadata"]["name"] + ".json")
    with open(path, "w") as f:
        json.dump(o, f)
    return path


def main():
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    binary = os.path.join(sys.argv[1], "kube-apiserver")
    for needed in (binary, "etcd", "openssl"):
        if not shutil.which(needed):
            print(f"SKIPPED: no {needed} here")
            return 77
    with tempfile.TemporaryDirectory(prefix="hindcast-k8s-") as folder:
        make_certs(folder)
        cluster = Cluster(folder, binary)
        try:
            begin = time.monotonic()
            cluster.start_api()
            print(f"ok     {time.monotonic() - begin:5.1f} s  kube-apiserver is ready: {cluster.call('GET', '/version')['gitVersion']}")
            install(cluster)
            print("ok             the kinds are established, the roles and the DaemonSet are taken")
            c = Case("real", folder)
            c.write_token(RECORDER)
            c.start(f"resources={ALL}", "request_ms=20000", "watch_ms=60000", "backoff_min_ms=100", "backoff_max_ms=1000", url=cluster.url)
            s = c.until("all watches", lambda s: all(s[r]["connected"] for r in ("pods", "captures", "clustercaptures")), 30)
            assert not s["namespaces"]["wanted"], "no pod, no namespace to ask for"
            for test in (test_pods, test_captures, test_schemas, test_rights, test_expired, test_token):
                begin = time.monotonic()
                test(c, cluster)
                print(f"ok     {time.monotonic() - begin:5.1f} s  {test.__name__}")
            begin = time.monotonic()
            test_recorder(cluster)
            print(f"ok     {time.monotonic() - begin:5.1f} s  test_recorder")
        finally:
            cluster.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
