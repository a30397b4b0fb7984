#!/bin/bash
# What a recorder with everything on costs while little happens: processor time and memory over $IDLE_SECONDS (20). Rings pinned,
# metrics served and scraped, the control socket, the shipped policies as triggers, facts of containers, hashes. The machine is as
# idle as others leave it: how busy it was, and how much was recorded, stands beside.
set -u
if [ "$(id -u)" != 0 ] || [ ! -r /sys/kernel/btf/vmlinux ]; then
	echo "SKIPPED: needs root and BTF"
	exit 77
fi
# a BPF file system of its own: the pinned rings go with it
[ -n "${HC_OWN_MOUNTS:-}" ] || HC_OWN_MOUNTS=1 exec unshare -m bash "$0"
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -9 $pid 2>/dev/null; umount "$work/fs"; rm -rf "$work"' EXIT
mkdir "$work/fs"
mount -t bpf bpf "$work/fs" || { echo "SKIPPED: no BPF file system can be mounted"; exit 77; }
cat >"$work/recorder.yaml" <<CONF
dir: $work/cap
pin: $work/fs/hindcast
control: $work/control.sock
metrics: $work/metrics.sock
hash-exe: true
max-cpu: 100%
trigger-policy: [$HC_SOURCE_DIR/policies/falco]
CONF
"$HINDCAST" recorder --config "$work/recorder.yaml" 2>"$work/log" &
pid=$!
PYTHONPATH=$HC_SOURCE_DIR/tests/e2e PYTHONDONTWRITEBYTECODE=1 python3 - $pid "$work" "${IDLE_SECONDS:-20}" <<'END_OF_PYTHON'
import os
import sys
import time
from openmetrics import scrape, value

pid, work, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
SOCKET, TICK = os.path.join(work, "metrics.sock"), os.sysconf("SC_CLK_TCK")
CPU_LIMIT, MEMORY_LIMIT = 0.5, 100  # percent of one processor, MiB


def used():
    """Processor time of the recorder, in nanoseconds: all its threads'."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total


def machine():
    """Busy and all time of the machine's processors, in ticks."""
    with open("/proc/stat", encoding="ascii") as f:
        ticks = list(map(int, f.readline().split()[1:9]))
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def memory(what):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(what + ":")) / 1024


def figure(name, number, unit, limit=None):
    print(f"idle.{name},{number:.4f},{unit},{'' if limit is None else limit},{'' if limit is None else f'{number / limit:.3f}'}")


for _ in range(600):
    with open(os.path.join(work, "log"), encoding="utf-8") as f:
        if "rules of triggers are in force" in f.read():
            break
    if not os.path.exists(f"/proc/{pid}"):
        break
    time.sleep(0.1)
else:
    sys.exit("the recorder does not come up")
time.sleep(5)  # until what was alive at the start is written
before, ticks, begun, m = used(), machine(), time.monotonic(), scrape(SOCKET)
while time.monotonic() - begun < seconds:
    time.sleep(min(10, seconds))  # as often as somebody may scrape it
    m2 = scrape(SOCKET)
span = time.monotonic() - begun
cpu = (used() - before) / 1e9 / span * 100
busy, total = (b - a for a, b in zip(ticks, machine()))
figure("cpu", cpu, "percent", CPU_LIMIT)
figure("memory", memory("VmRSS"), "MiB", MEMORY_LIMIT)
figure("memory.peak", memory("VmHWM"), "MiB", MEMORY_LIMIT)
figure("events", (value(m2, "hindcast_events_total") - value(m, "hindcast_events_total")) / span, "1/s")
figure("machine.busy", 100 * busy / total, "percent")
END_OF_PYTHON
code=$?
[ $code = 0 ] || cat "$work/log"
kill -TERM $pid && wait $pid || code=1
pid=
exit $code
