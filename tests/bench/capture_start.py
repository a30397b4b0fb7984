"""Called by capture_start.sh: WORK."""
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time

HINDCAST = os.environ["HINDCAST"]
STARTS, SEGMENTS, LIMIT_MS = 15, 400, 100

# Opens files as fast as it can, of which each is an event; the paths are more than the recorder's tables hold.
OPENER = """
import os, sys
n = 0
while True:
    n = (n + 1) % 100000
    try:
        os.close(os.open(f"{sys.argv[1]}/{n}", os.O_RDONLY | os.O_CREAT if n < 1000 else os.O_RDONLY))
    except FileNotFoundError:
        pass
"""
READER = "dd if=/dev/zero of=/dev/null bs=1 count=20000 2>/dev/null"


def figure(name, number, unit, limit=None):
    print(f"capture_start.{name},{number:.3f},{unit},{'' if limit is None else limit},{'' if limit is None else f'{number / limit:.3f}'}",
          flush=True)


def control(work, **request):
    """One request on the control socket, and its answer."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(os.path.join(work, "control.sock"))
        s.sendall(json.dumps({"hindcast": 1, **request}).encode() + b"\n")
        return json.loads(s.makefile().readline())


@contextlib.contextmanager
def recorder(work, *options):
    with open(os.path.join(work, "log"), "a", encoding="utf-8") as log, \
            subprocess.Popen([HINDCAST, "recorder", "--config", "/dev/null", "-d", os.path.join(work, "cap"), "--pin", "none", "--control",
                              os.path.join(work, "control.sock"), *options], stderr=log) as process:
        for _ in range(600):
            with contextlib.suppress(OSError, ValueError):
                if control(work, op="status")["ready"]:
                    break
            if process.poll() is not None:
                break
            time.sleep(0.05)
        else:
            sys.exit("the recorder does not come up")
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
    if process.returncode != 0:
        with open(os.path.join(work, "log"), encoding="utf-8") as f:
            print(f.read(), file=sys.stderr)
        sys.exit("the recorder failed")


def n_segments(work):
    return sum(name.endswith(".hcs") for _, _, names in os.walk(os.path.join(work, "cap", "segments")) for name in names)


def make_history(work):
    with recorder(work, "--profile", "full", "--segment-size", "4KiB"):
        for _ in range(300):
            if n_segments(work) >= SEGMENTS:
                break
            subprocess.run(READER, shell=True, check=True)
            for i in range(8):  # a mark seals the blocks, and a block closes so small a segment
                control(work, op="capture.start", name=f"h{i}", scope="host")
                control(work, op="capture.delete", name=f"h{i}")
    return n_segments(work)


@contextlib.contextmanager
def load(work):
    """One busy process for each processor."""
    tree = os.path.join(work, "tree")
    os.makedirs(tree, exist_ok=True)
    openers = [subprocess.Popen([sys.executable, "-c", OPENER, tree]) for _ in range(os.cpu_count())]
    try:
        time.sleep(3)
        yield
    finally:
        for process in openers:
            process.kill()
            process.wait()


def by_command(work, name):
    subprocess.run([HINDCAST, "capture", "start", name, "--pre", "10m", "--quiet", "--control", os.path.join(work, "control.sock")],
                   check=True)


def by_socket(work, name):
    answer = control(work, op="capture.start", name=name, scope="host", pre_ns=600 * 10**9)
    if not answer["ok"]:
        sys.exit(f"refused: {answer}")


def measure(work, what):
    before = control(work, op="status")
    begun = time.monotonic()
    for way, start in ("command", by_command), ("socket", by_socket):
        took = []
        for i in range(STARTS):
            time.sleep(0.1 + 0.037 * i)  # not always at the same moment of the recorder's second
            at = time.monotonic()
            start(work, f"case-{i}")
            took.append((time.monotonic() - at) * 1e3)
            control(work, op="capture.delete", name=f"case-{i}")
        figure(f"{what}.{way}", statistics.median(took), "ms", LIMIT_MS)
        figure(f"{what}.{way}.worst", max(took), "ms", LIMIT_MS)
    after, span = control(work, op="status"), time.monotonic() - begun
    figure(f"{what}.events", (after["events"] - before["events"]) / span, "1/s")
    figure(f"{what}.lost", after["events_lost"] - before["events_lost"], "events")


def main():
    work = sys.argv[1]
    figure("segments", make_history(work), "segments")
    with recorder(work):
        time.sleep(2)  # until what was alive at the start is written
        measure(work, "quiet")
        with load(work):
            measure(work, "busy")


if __name__ == "__main__":
    main()
