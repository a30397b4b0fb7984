"""kubelet.py SOCKET IMAGE SECONDS: a pod and its container, made as a kubelet does, for some seconds; prints their ids."""
import sys
import time

import cri

path, image, seconds = sys.argv[1:]
sandbox = [
    (1, [(1, "web-0"), (2, "11-22"), (3, "shop"), (4, 0)]),
    (3, "/tmp"),
    (6, {"app": "web", "io.kubernetes.pod.name": "web-0", "io.kubernetes.pod.namespace": "shop", "io.kubernetes.pod.uid": "11-22"}),
    (7, {"example.com/note": "hello"}),
    # namespaces: the network of the node, so that no plugin for networks is needed
    (8, [(1, "/kubepods/besteffort/podhc-11-22"), (2, [(1, [(1, 2), (2, 1), (3, 2)])])]),
]
labels = {
    "io.kubernetes.container.name": "web",
    "io.kubernetes.pod.name": "web-0",
    "io.kubernetes.pod.namespace": "shop",
    "io.kubernetes.pod.uid": "11-22",
}
pod = cri.call(path, "RunPodSandbox", [(1, sandbox)])[1][0].decode()
container = [
    (1, [(1, "web"), (2, 0)]),
    (2, [(1, image)]),
    (3, "/busybox"),
    (4, "sleep"),
    (4, "1000"),
    (6, [(1, "TOKEN"), (2, "secret")]),
    (7, [(1, "/data"), (2, "/tmp"), (3, 1)]),
    (9, labels),
    (10, {"example.com/own": "yes"}),
    (15, [(2, [(3, [(1, 2), (2, 1), (3, 2)])])]),
]
ctr = cri.call(path, "CreateContainer", [(1, pod), (2, container), (3, sandbox)])[1][0].decode()
cri.call(path, "StartContainer", [(1, ctr)])
print(pod, ctr, flush=True)
time.sleep(float(seconds))
cri.call(path, "StopPodSandbox", [(1, pod)])
cri.call(path, "RemovePodSandbox", [(1, pod)])
