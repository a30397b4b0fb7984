"""Called by record_overhead.sh: WORK.

Besides the profiles there are `floor`, a program at sys_exit that does nothing, which is the least that watching system calls
costs on this machine, and `opens`, one that records 64 bytes of each openat into a ring that is read and thrown away: the plainest way
to record the one event of a request that `security` has.
"""
import contextlib
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

HINDCAST = os.environ["HINDCAST"]
PROFILES = ["minimal", "security", "full"]
FLOOR, OPENS = "floor", "opens"
FLOORS = {FLOOR: [], OPENS: ["openat"]}
# Many short turns: a machine's speed changes within seconds, and more than the recorder changes it.
WEB_ROUNDS, WEB_SECONDS, BUILD_ROUNDS, BUILD_FILES = 15, 2, 5, 60
PORT = 18081
# Most that may be lost of the requests (or of the time), in percent.
LIMITS = {"security": 7, "full": 20}


@contextlib.contextmanager
def recording(work, profile):
    """A recorder of this profile, attached; yields a dict that has its summary afterwards. None: no recorder."""
    summary = {}
    if profile is None:
        yield summary
        return
    if profile in FLOORS:
        command = [os.path.join(os.environ["HC_BUILD_DIR"], "tests/bench/capture_syscall_bench"), "--hold", *FLOORS[profile]]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
            if holder.stdout.readline() != "attached\n":
                print("cannot attach the floor program")
                sys.exit(77)
            yield summary
            holder.stdin.close()
        return
    directory = os.path.join(work, "capture")
    shutil.rmtree(directory, ignore_errors=True)
    with subprocess.Popen([HINDCAST, "record", "--json", "--profile", profile, "-o", directory], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as recorder:
        while not os.path.exists(os.path.join(directory, "index.db")):  # it is made when everything is attached
            if recorder.poll() is not None:
                print(recorder.stderr.read().strip())
                sys.exit(77)
            time.sleep(0.05)
        time.sleep(0.5)
        yield summary
        recorder.send_signal(signal.SIGTERM)
        summary.update(json.loads(recorder.communicate()[0]))


def wrk():
    """Requests a second, and the mean latency in microseconds."""
    out = subprocess.run(["wrk", "-t2", "-c32", f"-d{WEB_SECONDS}s", f"http://127.0.0.1:{PORT}/"], capture_output=True, text=True,
                         check=True).stdout
    unit = {"us": 1, "ms": 1e3, "s": 1e6}
    number, word = re.search(r"Latency\s+([\d.]+)(us|ms|s)", out).groups()
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), float(number) * unit[word]


@contextlib.contextmanager
def web_server(work):
    os.makedirs(os.path.join(work, "www"))
    os.makedirs(os.path.join(work, "logs"))
    with open(os.path.join(work, "www/index.html"), "w", encoding="ascii") as f:
        f.write("x" * 1024)
    config = os.path.join(work, "nginx.conf")
    with open(config, "w", encoding="utf-8") as f:
        f.write(f"worker_processes 2;\npid {work}/nginx.pid;\nerror_log {work}/logs/error.log;\n"
                "events { worker_connections 512; }\n"
                f"http {{ access_log {work}/logs/access.log;\n"
                f"server {{ listen 127.0.0.1:{PORT}; root {work}/www; }} }}\n")
    with subprocess.Popen(["nginx", "-e", f"{work}/logs/error.log", "-c", config, "-g", "daemon off;"]) as nginx:
        time.sleep(0.5)
        try:
            yield
        finally:
            nginx.terminate()


def security_types():
    """Names of the event types of the security stream."""
    out = subprocess.run([HINDCAST, "schema"], check=True, capture_output=True, text=True).stdout
    return {words[0] for words in map(str.split, out.splitlines()) if "security" in words[1:3]}


def lost_of(summary, security):
    """Rows lost of all, and those lost of the security stream."""
    return (summary["lost"] / max(1, summary["events"] + summary["lost"]),
            sum(counts["lost"] for name, counts in summary["types"].items() if name in security))


def build(work):
    tree = os.path.join(work, "c")
    subprocess.run(["make", "-s", "-C", tree, "clean"], check=True)
    began = time.monotonic()
    subprocess.run(["make", "-s", "-C", tree, "-j2"], check=True)
    return time.monotonic() - began, 0


def write_tree(work):
    tree = os.path.join(work, "c")
    os.makedirs(tree)
    for i in range(BUILD_FILES):
        with open(os.path.join(tree, f"f{i}.c"), "w", encoding="ascii") as f:
            f.write("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <sys/socket.h>\n"
                    f"int f{i}(int x) {{ char b[64]; snprintf(b, sizeof(b), \"%d\", x); return (int)strlen(b) + {i}; }}\n")
    with open(os.path.join(tree, "Makefile"), "w", encoding="ascii") as f:
        f.write("objs := $(patsubst %.c,%.o,$(wildcard f*.c))\nlib.so: $(objs)\n\t$(CC) -shared -o $@ $^\n"
                "%.o: %.c\n\t$(CC) -O2 -fPIC -c -o $@ $<\nclean:\n\t@rm -f $(objs) lib.so\n")


def in_turns(work, rounds, load):
    """By profile: what `load` returned each time, and the recorders' losses."""
    got, losses = {profile: [] for profile in [None, *FLOORS, *PROFILES]}, {profile: [] for profile in PROFILES}
    security = security_types()
    load(work)  # once for the caches
    order = list(got)
    for _ in range(rounds):
        for profile in order:
            with recording(work, profile) as summary:
                got[profile].append(load(work))
            if profile in losses:
                losses[profile].append(lost_of(summary, security))
        order.append(order.pop(0))  # each is as often the first after a pause, and the last of a long load
    return got, losses


def figure(name, value, unit, limit=None):
    print(f"overhead.{name},{value:.3f},{unit},{'' if limit is None else limit},{'' if not limit else f'{value / limit:.3f}'}", flush=True)


def percent(base, value):
    return 100 * (base - value) / base


def report(name, got, losses, less_is_better):
    def cost(base, profile):
        # Each run stands against the one without a recorder of its own round: the machine is not always as fast.
        return statistics.median(percent(b[0], v[0]) * (-1 if less_is_better else 1) for b, v in zip(got[base], got[profile]))

    base = statistics.median(r[0] for r in got[None])
    for floor in FLOORS:
        figure(f"{name}.{floor}", cost(None, floor), "percent")
    for profile in PROFILES:
        figure(f"{name}.{profile}", cost(None, profile), "percent", LIMITS.get(profile))
        figure(f"{name}.{profile}.above_floor", cost(FLOOR, profile), "percent")
        figure(f"{name}.{profile}.lost", 100 * statistics.median(lost for lost, _ in losses[profile]), "percent", 2)
        figure(f"{name}.{profile}.lost_of_security", max(lost for _, lost in losses[profile]), "events")
    return base


def main():
    work = sys.argv[1]
    write_tree(work)
    got, losses = in_turns(work, BUILD_ROUNDS, build)
    figure("build.seconds", report("build", got, losses, True), "s")
    if not shutil.which("nginx") or not shutil.which("wrk"):
        print("the web server's part needs the packages nginx-light and wrk")
        return
    with web_server(work):
        got, losses = in_turns(work, WEB_ROUNDS, lambda _: wrk())
    figure("nginx.requests", report("nginx", got, losses, False), "1/s")
    base = [v[1] for v in got[None]]
    for profile in PROFILES:
        figure(f"nginx.{profile}.latency_added", statistics.median(v[1] - b for b, v in zip(base, got[profile])), "us")


if __name__ == "__main__":
    main()
