#!/usr/bin/env python3
"""manifests.py must notice: copies of k8s/ with one thing broken in each."""
import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(os.path.dirname(os.path.dirname(HERE)), "k8s")

# file, text that is there, text in its place, words of the complaint
BREAKS = [
    ("api/crds/captures.yaml", "description: What is asked for. Only stop and duration can be changed.", "nullable: true", "needs a description"),
    ("api/crds/captures.yaml", "                  maxLength: 40\n", "", "needs maxLength"),
    ("api/crds/captures.yaml", "default: 720h", "default: 720 hours", "the default"),
    ("api/crds/captures.yaml", "jsonPath: .status.phase", "jsonPath: .status.phrase", "does not exist"),
    ("api/crds/captures.yaml", "self.detail == oldSelf.detail", "self.details == oldSelf.detail", "which there is not"),
    ("api/crds/clustercaptures.yaml", "minimum: 0\n                  maximum: 4096", "minimum: 0\n                  maximum: 9999", "is not Capture with"),
    ("api/crds/clustercaptures.yaml", "matchExpressions:", "matchExpression:", "does not refuse expressions"),
    ("api/crds/capturenodes.yaml", "                  maxItems: 32\n", "", "maxItems"),
    ("api/crds/capturenodes.yaml", "                    - Expired", "                    - Sealed", "Sealed is never written"),
    ("api/crds/captures.yaml", "                nodesMatched:", "                nodesReached:", "nodesReached is never written"),
    ("api/crds/capturenodes.yaml", "        status: {}", "        scale: {}", "status subresource"),
    ("api/crds/captures.yaml", "scope: Namespaced", "scope: Namespaced\n  scope: Cluster", "given twice"),
    ("api/rbac.yaml", '    resources: ["pods", "namespaces"]', '    resources: ["pods", "namespaces", "secrets"]', "secrets"),
    ("api/rbac.yaml", '    verbs: ["get", "list", "create", "patch"]', '    verbs: ["get", "list", "create"]', "capturenodes.hindcast.dev"),
    ("api/rbac.yaml", '    resourceNames: ["hindcast-captures"]\n', "", "only one is the recorders'"),
    ("base/daemonset.yaml", "                - PERFMON\n", "                - SYS_ADMIN\n", "capabilities"),
    ("base/daemonset.yaml", "              memory: 768Mi", "              memory: 768Mi\n              cpu: 1", "limit on CPU"),
    ("base/recorder.yaml", "*:9817", "9817", "not the port of the probes"),
    ("base/daemonset.yaml", "containerPort: 9817", "containerPort: 9818", "not the port of the probes"),
    ("base/daemonset.yaml", "path: /readyz", "path: /ready", "readinessProbe"),
    ("base/daemonset.yaml", "mountPath: /run/crio\n              readOnly: true", "mountPath: /run/crio", "must be read-only"),
    ("base/kustomization.yaml", "  - daemonset.yaml", "  - daemon.yaml", "does not exist"),
    ("overlays/no-api/kustomization.yaml", "../../pinned", "../pinned", "does not exist"),
    ("examples/capture.yaml", "detail: full", "detail: everything", "against its own schema"),
    ("examples/clustercapture.yaml", "duration: 1h", "duration: 1 hour", "against its own schema"),
    ("monitoring/alerts.yaml", "hindcast_events_lost_total{reason", "hindcast_events_gone_total{reason", "not a metric"),
    ("monitoring/alerts.yaml", "sum by (node) (rate(hindcast_events_total", "sum by (pod) (rate(hindcast_events_total", "by (pod)"),
    ("monitoring/alerts.yaml", "hindcast_store_pinned_bytes / ", "hindcast_store_used_bytes / ", "uses all of its limit"),
    ("monitoring/alerts.yaml", 'up{job=~".*hindcast.*"} == 0', "time() - hindcast_recorder_last_loop_time_seconds > 60", "does not answer"),
    ("monitoring/alerts.yaml", '{os_image!~"(?i)windows.*"}', "", "too many ['core', 'windows']"),
    ("monitoring/alerts.yaml", "(?i)windows.*", ".*", "instead of"),
    ("monitoring/alerts.yaml", "{os_image!~", "{label_kubernetes_io_os!~", "has no label label_kubernetes_io_os"),
    ("monitoring/alerts.yaml", "unless on (node) hindcast_build_info", "and on (node) hindcast_build_info", "not A unless on (node) B"),
    ("monitoring/dashboard.json", "hindcast_captures{", "hindcast_capture{", "not a metric"),
]


def check(folder):
    return subprocess.run([sys.executable, os.path.join(HERE, "manifests.py"), folder], capture_output=True, text=True,
                          env={**os.environ, "PATH": "/nowhere"})


def unnoticed(copy, file, old, new, words):
    """None, or what went wrong."""
    shutil.copytree(SOURCE, copy)
    with open(os.path.join(copy, file), encoding="utf-8") as f:
        text = f.read()
    if old not in text:
        return f"{file}: does not hold {old!r} any more"
    with open(os.path.join(copy, file), "w", encoding="utf-8") as f:
        f.write(text.replace(old, new, 1))
    out = check(copy)
    if out.returncode != 1 or words not in out.stdout:
        return f"{file}: {old!r} -> {new!r} was not noticed as {words!r}: exit {out.returncode}\n{out.stdout}{out.stderr}"
    return None


def main():
    whole = check(SOURCE)
    if whole.returncode:
        print("the manifests as they are have problems:\n" + whole.stdout + whole.stderr)
        return 1
    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(unnoticed, os.path.join(scratch, str(i)), *one) for i, one in enumerate(BREAKS)]
        failed = [job.result() for job in jobs if job.result()]
    for text in failed:
        print(text)
    print(f"{len(BREAKS)} breaks, {len(failed)} unnoticed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
