#!/usr/bin/env python3
"""The manifests in k8s/ held against the rules that an API server, a cluster's operator and we have for them.

manifests.py [FOLDER]: prints each break as "file: what"; exit 1 if there is any. What needs kubectl is said to be skipped without it.
"""
import json
import os
import re
import shutil
import subprocess
import sys

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(SOURCE, "tests", "e2e"))
from openmetrics import page_table  # noqa: E402

PROBLEMS = []


def problem(where, what):
    PROBLEMS.append(f"{where}: {what}")


# ---- reading ----

class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Refuses a key that is given twice; YAML readers silently take the last."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {name!r} is given twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def read(path):
    try:
        with open(path, encoding="utf-8") as f:
            return [doc for doc in yaml.load_all(f, Loader) if doc is not None]
    except yaml.YAMLError as e:
        problem(path, " ".join(str(e).split()))
        return []


def files(folder):
    for at, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name.endswith((".yaml", ".json")):
                yield os.path.join(at, name)


# ---- kustomizations ----

def kustomization(path, seen):
    """Every path that it names exists, within its own folder or as a folder with a kustomization."""
    if path in seen:
        return
    seen.add(path)
    file = os.path.join(path, "kustomization.yaml")
    if not os.path.isfile(file):
        problem(path, "no kustomization.yaml here, but it is named as a base or component")
        return
    for doc in read(file):
        known = {"apiVersion", "kind", "namespace", "labels", "resources", "components", "patches", "configMapGenerator", "images"}
        for key in set(doc) - known:
            problem(file, f"unknown member {key}")
        for name in doc.get("resources", []) + doc.get("components", []):
            target = os.path.normpath(os.path.join(path, name))
            if os.path.isdir(target):
                kustomization(target, seen)
            elif not os.path.isfile(target):
                problem(file, f"{name} does not exist")
            elif not target.startswith(os.path.normpath(path) + os.sep):
                problem(file, f"{name} lies outside, which kustomize refuses")
        inner = [p["path"] for p in doc.get("patches", []) if "path" in p]
        inner += [f.split("=")[-1] for g in doc.get("configMapGenerator", []) for f in g.get("files", [])]
        for name in inner:
            target = os.path.normpath(os.path.join(path, name))
            if not os.path.isfile(target):
                problem(file, f"{name} does not exist")
            elif not target.startswith(os.path.normpath(path) + os.sep):
                problem(file, f"{name} lies outside, which kustomize refuses")


# ---- schemas ----

ALLOWED = {"type", "description", "properties", "required", "items", "additionalProperties", "enum", "pattern", "format", "default",
           "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "maxProperties", "x-kubernetes-validations",
           "x-kubernetes-list-type", "x-kubernetes-list-map-keys"}


def schema(where, s, top=False):
    """Structural, described, and limited: CEL rules are priced by the largest object that the limits allow."""
    for key in set(s) - ALLOWED:
        problem(where, f"{key} is not used here" + (": servers of 1.20 fail to merge with it" if "int-or" in key else ""))
    kind = s.get("type")
    if kind not in ("object", "array", "string", "integer", "boolean"):
        problem(where, f"type is {kind}")
    if not top and not re.match(r"[A-Z].{7,}\.$", s.get("description", ""), re.S):
        problem(where, "needs a description: a sentence with its full stop")
    if kind == "string" and not ({"maxLength", "enum"} & set(s) or s.get("format") == "date-time"):
        problem(where, "a string needs maxLength, enum or format: date-time")
    if kind == "integer" and not ("minimum" in s and ("maximum" in s or s.get("format") == "int64")):
        problem(where, "an integer needs minimum, and maximum or format: int64")
    if "default" in s:
        for text in validate(s, s["default"]):
            problem(where, f"the default {text}")
    for rule in s.get("x-kubernetes-validations", []):
        if "self" not in rule.get("rule", "") or not rule.get("message"):
            problem(where, f"a rule needs self and a message: {rule}")
        if rule.get("rule", "").count("(") != rule.get("rule", "").count(")"):
            problem(where, f"brackets of a rule: {rule['rule']}")
        for name in re.findall(r"\b(?:self|oldSelf)\.([a-z]\w*)(?!\w*\()", rule.get("rule", "")):
            if name not in s.get("properties", {}):
                problem(where, f"a rule uses {name}, which there is not")
    if kind == "array":
        if "maxItems" not in s or "items" not in s:
            problem(where, "an array needs items and maxItems")
        schema(where + "[]", s.get("items", {}))
        for key in s.get("x-kubernetes-list-map-keys", []):
            if key not in s["items"].get("required", []):
                problem(where, f"the key {key} of a list map must be required")
    if kind == "object" and not top:
        if ("properties" in s) == ("additionalProperties" in s):
            problem(where, "an object needs properties or additionalProperties")
        if "additionalProperties" in s:
            if "maxProperties" not in s:
                problem(where, "a map needs maxProperties")
            schema(where + ".*", s["additionalProperties"])
    for name, part in s.get("properties", {}).items():
        if not re.match(r"[a-z][A-Za-z]*$", name):
            problem(where, f"{name} is not in camelCase")
        schema(f"{where}.{name}", part, top=name == "metadata" and " " in where and "." not in where.split(" ")[-1])
    for name in s.get("required", []):
        if name not in s.get("properties", {}):
            problem(where, f"{name} is required and does not exist")


def validate(s, value, at=""):
    """The breaks of value against a schema of the kind that schema() accepts."""
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
    kind = s.get("type")
    if not isinstance(value, kinds[kind]) or (kind == "integer" and isinstance(value, bool)):
        return [f"{at or 'value'} is no {kind}"]
    out = []
    if "enum" in s and value not in s["enum"]:
        out.append(f"{at} is none of {s['enum']}")
    if "pattern" in s and not re.search(s["pattern"], value):
        out.append(f"{at} does not match {s['pattern']}")
    if kind == "string" and not s.get("minLength", 0) <= len(value) <= s.get("maxLength", 1 << 30):
        out.append(f"{at} is too short or too long")
    if kind == "integer" and not s.get("minimum", value) <= value <= s.get("maximum", value):
        out.append(f"{at} is out of range")
    if kind == "array":
        if len(value) > s.get("maxItems", 1 << 30):
            out.append(f"{at} has too many items")
        for i, item in enumerate(value):
            out += validate(s["items"], item, f"{at}[{i}]")
    if kind == "object":
        for name in s.get("required", []):
            if name not in value:
                out.append(f"{at}.{name} is missing")
        for name, part in value.items():
            if name in s.get("properties", {}):
                out += validate(s["properties"][name], part, f"{at}.{name}")
            elif "additionalProperties" in s:
                out += validate(s["additionalProperties"], part, f"{at}.{name}")
            elif "properties" in s:
                out.append(f"{at}.{name} is not in the schema")
    return out


def crd(path, doc):
    spec = doc["spec"]
    names = spec["names"]
    if doc["metadata"]["name"] != f"{names['plural']}.{spec['group']}":
        problem(path, "the name must be PLURAL.GROUP")
    if names.get("categories") != ["hindcast"] or not names.get("shortNames"):
        problem(path, "needs the category hindcast, and a short name")
    if sum(v["storage"] for v in spec["versions"]) != 1:
        problem(path, "exactly one version is stored")
    for v in spec["versions"]:
        top = v["schema"]["openAPIV3Schema"]
        schema(f"{path} {names['kind']}", top)
        if v.get("subresources") != {"status": {}}:
            problem(path, "needs the status subresource, so that who asks and who records have different rights")
        for column in v.get("additionalPrinterColumns", []):
            at = top
            for name in column["jsonPath"].lstrip(".").split("."):
                at = at.get("properties", {}).get(name, {}) if name != "creationTimestamp" else {"type": "string"}
            if not at:
                problem(path, f"the column {column['name']} shows {column['jsonPath']}, which does not exist")
            if not column.get("description"):
                problem(path, f"the column {column['name']} needs a description")
            if column["type"] == "date" and at.get("format", "date-time") != "date-time":
                problem(path, f"the column {column['name']} is no date")


def written(where, s, source):
    """What people are told of a status is what some recorder writes."""
    for word in [*s.get("properties", {}), *s.get("enum", [])]:
        if f'"{word}"' not in source and word != "Unknown":
            problem(where, f"{word} is never written")
    for part in [*s.get("properties", {}).values(), *([s["items"]] if "items" in s else [])]:
        written(where, part, source)


def crds(docs):
    kinds = {}
    source = ""
    for name in ("cluster_status.c", "cluster_summary.c"):
        with open(os.path.join(SOURCE, "capture/src", name), encoding="utf-8") as f:
            source += f.read()
    for path, doc in docs:
        if doc.get("kind") == "CustomResourceDefinition":
            crd(path, doc)
            kinds[doc["spec"]["names"]["kind"]] = doc["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    if set(kinds) != {"Capture", "ClusterCapture", "CaptureNode"}:
        problem("k8s", f"the kinds are {sorted(kinds)}")
        return
    for kind, whole in kinds.items():
        written(f"{kind}.status", whole["properties"]["status"], source)
    one, two = (json.loads(json.dumps(kinds[k]["properties"])) for k in ("Capture", "ClusterCapture"))
    if not two["spec"]["properties"]["selector"]["properties"].pop("namespaceSelector", None):
        problem("ClusterCapture", "needs a namespaceSelector")
    for spec in (one, two):
        spec["spec"]["properties"]["selector"]["properties"]["podSelector"]["description"] = ""
    if one != two:
        problem("ClusterCapture", "is not Capture with a namespaceSelector")
    for name, selector in kinds["ClusterCapture"]["properties"]["spec"]["properties"]["selector"]["properties"].items():
        # what a schema does not name is dropped without a word, and an empty selector selects all
        if name.endswith("Selector") and validate(selector, {"matchExpressions": [{"key": "app"}]}) != [".matchExpressions has too many items"]:
            problem("ClusterCapture", f"{name} does not refuse expressions")
    n_examples = 0
    for path, doc in docs:
        if str(doc.get("apiVersion", "")).startswith("hindcast.dev/"):
            n_examples += 1
            for text in validate(kinds[doc["kind"]], doc):
                if not text.startswith(".metadata"):
                    problem(path, f"against its own schema: {text}")
    if n_examples < 2:
        problem("k8s/examples", "needs an example of both kinds that people make")


# ---- rights ----

RIGHTS = {
    "": {"pods": {"list", "watch"}, "namespaces": {"list", "watch"}},
    "hindcast.dev": {"captures": {"list", "watch"}, "clustercaptures": {"list", "watch"},
                     "capturenodes": {"get", "list", "create", "patch"},
                     "capturenodes/status": {"patch"}, "captures/status": {"patch"}, "clustercaptures/status": {"patch"}},
    "coordination.k8s.io": {"leases": {"get", "create", "update"}},
}


def rights(docs):
    """The recorder's roles give what the table has, and nothing more."""
    given = {}
    for path, doc in docs:
        if doc.get("kind") not in ("ClusterRole", "Role") or doc["metadata"]["name"] != "hindcast":
            continue
        for rule in doc["rules"]:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    given.setdefault(group, {}).setdefault(resource, set()).update(rule["verbs"])
                    if resource == "leases" and set(rule["verbs"]) - {"create"} and rule.get("resourceNames") != ["hindcast-captures"]:
                        problem(path, "of the leases only one is the recorders'")
    for group in set(given) | set(RIGHTS):
        for resource in set(given.get(group, {})) | set(RIGHTS.get(group, {})):
            have, want = given.get(group, {}).get(resource, set()), RIGHTS.get(group, {}).get(resource, set())
            if have != want:
                problem("k8s/api/rbac.yaml", f"{resource}.{group}: {sorted(have)} given, {sorted(want)} needed")


# ---- the recorder's pod ----

CAPS = {"BPF", "PERFMON", "SYS_PTRACE", "DAC_READ_SEARCH"}
WRITABLE = {"/var/lib/hindcast", "/run/hindcast", "/sys/fs/bpf"}


def daemonset(where, doc, caps=frozenset(CAPS)):
    spec = doc["spec"]
    pod = spec["template"]["spec"]
    if spec["selector"]["matchLabels"].items() - spec["template"]["metadata"]["labels"].items():
        problem(where, "the selector does not match the pods")
    if spec["updateStrategy"]["rollingUpdate"].get("maxSurge"):
        problem(where, "two recorders would fight over one store")
    expect = {"hostPID": True, "hostNetwork": None, "hostIPC": None, "priorityClassName": "system-node-critical",
              "terminationGracePeriodSeconds": 30, "tolerations": [{"operator": "Exists"}]}
    for key, want in expect.items():
        if pod.get(key) != want:
            problem(where, f"{key} is {pod.get(key)}, not {want}")
    volumes = {v["name"]: v for v in pod["volumes"]}
    if len(pod["containers"]) != 1:
        problem(where, "one container is enough")
    c = pod["containers"][0]
    security = c["securityContext"]
    if security.get("privileged") is not False or security.get("allowPrivilegeEscalation") is not False or \
            security.get("readOnlyRootFilesystem") is not True:
        problem(where, "not privileged, no escalation, root file system read-only")
    if security["capabilities"].get("drop") != ["ALL"] or set(security["capabilities"]["add"]) != caps:
        problem(where, f"capabilities are {security['capabilities']}, not {sorted(caps)}")
    if "cpu" in c["resources"].get("limits", {}):
        problem(where, "a limit on CPU makes the recorder lose events")
    if not c["resources"].get("limits", {}).get("memory") or not c["resources"].get("requests"):
        problem(where, "needs requests, and a limit on memory")
    for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz"), ("startupProbe", "/healthz")):
        get = c.get(probe, {}).get("httpGet", {})
        if get.get("path") != path or get.get("port") not in [p["name"] for p in c["ports"]]:
            problem(where, f"{probe} must ask {path} at a port that has a name")
    if c["livenessProbe"]["failureThreshold"] * c["livenessProbe"]["periodSeconds"] < 60:
        problem(where, "the liveness probe has too little patience")
    mounted = set()
    for m in c["volumeMounts"]:
        mounted.add(m["name"])
        if m["name"] not in volumes:
            problem(where, f"the mount {m['mountPath']} has no volume")
        if not m.get("readOnly") and m["mountPath"] not in WRITABLE:
            problem(where, f"{m['mountPath']} must be read-only")
        if m["mountPath"].endswith(".sock"):
            problem(where, f"{m['mountPath']}: mount the directory, the socket is another after a restart")
    for name in set(volumes) - mounted:
        problem(where, f"the volume {name} is not mounted")


def probed(folder, docs, daemon):
    """The port that the probes ask is the one that the configuration has the recorder listen on."""
    ports = {p["containerPort"] for p in daemon["spec"]["template"]["spec"]["containers"][0]["ports"] if p["name"] == "metrics"}
    where = os.path.join(folder, "base", "recorder.yaml")
    address = next((str(doc.get("metrics")) for path, doc in docs if path == where), "")
    if ports != {int(p) for p in re.findall(r"^\*:(\d+)$", address)}:
        problem(where, f"metrics: {address} is not the port of the probes: {ports}")


# ---- metrics ----

# tests/e2e/recorder_metrics.sh holds that page against what a recorder serves.
METRICS = os.path.join(SOURCE, "docs", "metrics.md")


COMMON = {"node", "cluster", "job", "le"}
NO_ALERT = {"hindcast_recorder_last_loop_time_seconds": "who stands still does not answer: the series ends",
            "hindcast_store_used_bytes": "retention uses all of its limit, always"}


def expression(where, text, known):
    if any(text.count(a) != text.count(b) for a, b in ("()", "[]", "{}")):
        problem(where, f"brackets: {text}")
    for name, _, selector in re.findall(r"\b((?:hindcast|process)_\w+)(\{([^}]*)\})?", text):
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        if name not in known and known.get(base, ("",))[0] != "histogram":
            problem(where, f"{name} is not a metric of the recorder (docs/metrics.md)")
            continue
        labels = known.get(name, known.get(base))[1]
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector):
            if label not in labels | COMMON:
                problem(where, f"{name} has no label {label}")
    used = set(re.findall(r"hindcast_\w+", text))
    for group in re.findall(r"\bby \(([^)]*)\)", text):
        for label in re.split(r",\s*", group):
            have = COMMON.union(*(known.get(n, known.get(re.sub(r"_(bucket|sum|count)$", "", n), ("", set())))[1] for n in used))
            if label not in have:
                problem(where, f"by ({label}): none of {sorted(used)} has it")


# Labels of kube_node_info as kube-state-metrics has them without any option (docs/metrics/cluster/node-metrics.md of
# that project); kube_node_labels has none of a node's labels then.
NODE_INFO = {"node", "kernel_version", "os_image", "container_runtime_version", "kubelet_version", "kubeproxy_version",
             "provider_id", "pod_cidr", "system_uuid", "internal_ip"}
# node, its image, whether a recorder runs there, whether somebody is to be told
NODES = [("recorded", "Debian GNU/Linux 12 (bookworm)", True, False),
         ("bare", "Ubuntu 24.04.1 LTS", False, True),
         ("minimal", "Bottlerocket OS 1.20.0 (aws-k8s-1.29)", False, True),
         ("nameless", "", False, True),
         ("windows", "Windows Server 2022 Datacenter", False, False),
         ("core", "windows server version 2019", False, False)]


def holds(labels, matcher):
    """One matcher of a selector as Prometheus has it: expressions are anchored, a label that is not there is empty."""
    name, op, want = re.fullmatch(r'\s*(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"\s*', matcher).groups()
    value = labels.get(name, "")
    same = re.fullmatch(want, value) is not None if "~" in op else value == want
    return same != op.startswith("!")


def absent(where, rule):
    """The alert for nodes without a recorder, evaluated over nodes of all kinds."""
    found = re.fullmatch(r"kube_node_info(?:\{([^}]*)\})? unless on \(node\) hindcast_build_info", rule["expr"])
    if not found:
        problem(where, "not A unless on (node) B, with A kube_node_info and B of the recorder")
        return
    matchers = [m for m in (found[1] or "").split(",") if m]
    for m in matchers:
        name = re.match(r"\s*(\w+)", m)[1]
        if name not in NODE_INFO:
            problem(where, f"kube_node_info has no label {name}")
            return
    told = [n for n, image, has, _ in NODES if all(holds({"node": n, "os_image": image}, m) for m in matchers) and not has]
    want = [n for n, _, _, tell in NODES if tell]
    if told != want:
        problem(where, f"is told of {told} instead of {want}: too many {sorted(set(told) - set(want))}")


def monitoring(folder, docs):
    known = page_table(METRICS)
    alerts, of_nodes = 0, 0
    for path, doc in docs:
        if doc.get("kind") != "PrometheusRule":
            continue
        for group in doc["spec"]["groups"]:
            for rule in group["rules"]:
                alerts += 1
                where = f"{path} {rule['alert']}"
                expression(where, rule["expr"], known)
                if "kube_node_" in rule["expr"]:
                    of_nodes += 1
                    absent(where, rule)
                for name, why in NO_ALERT.items():
                    if name in rule["expr"]:
                        problem(where, f"{name} is no alert: {why}")
                if rule["labels"].get("severity") not in ("info", "warning", "critical") or not rule.get("for"):
                    problem(where, "needs a severity, and a time to wait")
                if not {"summary", "description"} <= set(rule["annotations"]):
                    problem(where, "needs a summary, and a description that says what to do")
    path = os.path.join(folder, "monitoring/dashboard.json")
    with open(path, encoding="utf-8") as f:
        dashboard = json.load(f)
    panels = [p for p in dashboard["panels"] if p["type"] != "row"]
    if len({p["id"] for p in dashboard["panels"]}) != len(dashboard["panels"]):
        problem(path, "an id is given twice")
    for p in panels:
        if not p.get("description") or not p["targets"]:
            problem(path, f"the panel {p['title']} needs a description and a query")
        for target in p["targets"]:
            expression(f"{path} {p['title']}", target["expr"], known)
    if of_nodes != 1:
        problem(folder, f"{of_nodes} alerts for nodes without a recorder")
    if alerts < 10 or len(panels) < 15:
        problem(folder, f"only {alerts} alerts and {len(panels)} panels")


# ---- all ----

def common(docs):
    for path, doc in docs:
        if os.path.basename(path) == "recorder.yaml" or not isinstance(doc, dict):
            continue
        if not doc.get("apiVersion") or not doc.get("kind"):
            problem(path, "needs apiVersion and kind")
        elif doc["kind"] not in ("Kustomization", "Component") and not doc.get("metadata", {}).get("name"):
            problem(path, "needs a name")


def with_kubectl(folder):
    """What kustomize makes of each overlay."""
    if not shutil.which("kubectl"):
        print("SKIPPED: no kubectl here: the overlays' paths are checked, what kustomize makes of them is not")
        return
    overlays = [os.path.join(folder, "overlays", n) for n in sorted(os.listdir(os.path.join(folder, "overlays")))]
    for overlay in overlays + [os.path.join(folder, n) for n in ("monitoring", "admission")]:
        out = subprocess.run(["kubectl", "kustomize", overlay], capture_output=True, text=True)
        if out.returncode or out.stderr:
            problem(overlay, f"kubectl kustomize: {out.stderr.strip()}")
            continue
        docs = [d for d in yaml.load_all(out.stdout, Loader) if d]
        caps = CAPS | ({"SYS_RESOURCE"} if overlay.endswith("old-kernel") else set())
        token = None
        for doc in docs:
            if doc["kind"] == "DaemonSet":
                daemonset(overlay, doc, caps)
                token = doc["spec"]["template"]["spec"]["automountServiceAccountToken"]
                mounts = {m["mountPath"] for m in doc["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]}
                if "/sys/fs/bpf" not in mounts or (overlay.endswith("k3s") and "/run/k3s" not in mounts):
                    problem(overlay, f"mounts {sorted(mounts)}")
                config = next(v["configMap"]["name"] for v in doc["spec"]["template"]["spec"]["volumes"] if "configMap" in v)
                if not any(d["kind"] == "ConfigMap" and d["metadata"]["name"] == config for d in docs):
                    problem(overlay, f"the configuration {config} is not there")
        roles = any(d["kind"] == "ClusterRole" for d in docs)
        if token is not None and (token != roles or token == overlay.endswith("no-api")):
            problem(overlay, f"token mounted: {token}, rights: {roles}")
        print(f"{overlay}: {len(docs)} objects")


def main():
    folder = os.path.normpath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(SOURCE, "k8s"))
    seen = set()
    docs = []
    for path in files(folder):
        if path.endswith(".json"):
            continue
        for doc in read(path):
            docs.append((path, doc))
        if os.path.basename(path) == "kustomization.yaml":
            kustomization(os.path.dirname(path), seen)
    common(docs)
    docs = [(p, d) for p, d in docs if isinstance(d, dict)]
    if not PROBLEMS:  # the rest looks into files that could be read
        crds(docs)
        rights(docs)
        daemon = next(d for p, d in docs if p.endswith("base/daemonset.yaml"))
        daemonset("base", daemon)
        probed(folder, docs, daemon)
        monitoring(folder, docs)
        with_kubectl(folder)
    for text in PROBLEMS:
        print(text.replace(SOURCE + os.sep, ""))
    print(f"{len(docs)} objects, {len(PROBLEMS)} problems")
    return 1 if PROBLEMS or not docs else 0


if __name__ == "__main__":
    sys.exit(main())
