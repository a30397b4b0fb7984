"""Called by falco_big.sh: CORPUS CACHE WORK."""
import json
import os
import re
import statistics
import subprocess
import sys
import time

ROUNDS = 5
LONG = 4  # times the capture, one after another
SETS = ["falco_rules", "falco-incubating_rules", "falco-sandbox_rules"]


def measure(command, copies=1):
    """Processor and wall seconds, and the largest memory in MB, of one run, or of so many at the same time."""
    began, processor, memory = time.monotonic(), 0, 0
    for process in [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(copies)]:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):  # 1: a rule cannot be answered
            sys.exit(f"{' '.join(command)} ended with {process.returncode}")
        processor += usage.ru_utime + usage.ru_stime
        memory += usage.ru_maxrss / 1024
    return processor, time.monotonic() - began, memory


def in_turns(commands, rounds):
    """By name: medians of processor and wall time, largest memory. The name "pair" is run twice at the same time."""
    runs = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            runs[name].append(measure(command, 2 if name == "pair" else 1))
    return {name: (statistics.median(r[0] for r in v), statistics.median(r[1] for r in v), max(r[2] for r in v))
            for name, v in runs.items()}


def rules_of(path):
    """The texts of the items of a rules file, in order."""
    with open(path, encoding="utf-8") as f:
        return re.split(r"(?m)^(?=- )", f.read())[1:]


def vary(text, n):
    """A rule like it, by another name and with other literals: no comparison is shared with the first."""
    text = re.sub(r"(?m)^- rule: (.*)$", lambda m: f"- rule: {m[1].strip()} v{n}", text)
    return re.sub(r"(/(?:etc|usr|var|root|proc|dev|bin|tmp|home)/[a-z][\w.-]*)", rf"\1.v{n}", text)


def write_variants(rules_dir, path, n_rules):
    """n_rules upstream rules: as they are, then variants of them. What they refer to comes first, as it is."""
    items = [item for name in SETS for item in rules_of(os.path.join(rules_dir, name + ".yaml"))]
    rules = [item for item in items if item.startswith("- rule:") and "condition:" in item]
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(item for item in items if re.search(r"(?m)^[- ] (list|macro):", item))
        for i in range(n_rules):
            f.write(vary(rules[i % len(rules)], i // len(rules)) if i >= len(rules) else rules[i])


def figure(name, value, unit, limit):
    print(f"falco_big.{name},{value:.4f},{unit},{limit:.4f},{value / limit:.3f}", flush=True)


def wanted(name, value, unit, least):
    """Where more is better, the ratio is turned over."""
    print(f"falco_big.{name},{value:.4f},{unit},{least:.4f},{least / value:.3f}", flush=True)


def main():
    corpus, cache, work = sys.argv[1:]
    hindcast, capture, rules_dir = os.environ["HINDCAST"], os.path.join(work, "big"), os.path.join(corpus, "falco/rules")
    big = os.path.join(corpus, "scap/big.scap.zst")
    imports, outputs = [], []
    for _ in range(3):
        subprocess.run(["rm", "-rf", capture], check=True)
        imports.append(measure([hindcast, "import", "-q", big, "-o", capture])[0])
    info = json.loads(subprocess.run([hindcast, "info", "--json", capture], check=True, capture_output=True).stdout)

    def replay(files, threads=1, captures=1):
        command = [hindcast, "replay", "-q", "--threads", str(threads)]
        for name in files:
            command += ["-p", name]
        return command + [capture] * captures

    upstream = [os.path.join(rules_dir, name + ".yaml") for name in SETS]
    for n in (100, 1000):
        write_variants(rules_dir, os.path.join(work, f"{n}.yaml"), n)
    hunts = {"path": 'fd.name = "/etc/no-such-file-here"', "address": 'fd.sip = "203.0.113.77"',
             "hash": 'proc.cmdline contains "d41d8cd98f00b204e9800998ecf8427e"',
             "program": 'evt.type in (execve, execveat) and proc.exepath = "/usr/bin/no-such-program"',
             "write": 'evt.type in (open, openat, openat2) and evt.is_open_write = true and fd.name startswith /etc/no-such'}
    many = "evt.type in (read, write)"  # more than two million alerts
    for name, condition in [*hunts.items(), ("many", many)]:
        with open(os.path.join(work, name + ".yaml"), "w", encoding="utf-8") as f:
            f.write(f"- rule: hunt\n  desc: one rare fact\n  condition: {condition}\n  output: x\n  priority: NOTICE\n")
    commands = {"zcat": ["zcat", os.path.join(cache, "big.scap.gz")], "stable": replay(upstream[:1]), "all": replay(upstream),
                "two": replay(upstream, 2), "long": replay(upstream, 1, LONG), "long_two": replay(upstream, 2, LONG),
                "pair": replay(upstream, 1, LONG)}
    commands.update({f"n{n}": replay([os.path.join(work, f"{n}.yaml")]) for n in (100, 1000)})
    commands.update({name: replay([os.path.join(work, name + ".yaml")]) for name in hunts})
    commands["many"] = replay([os.path.join(work, "many.yaml")], 2)
    for command in (replay(upstream, 1), replay(upstream, 3)):  # whatever the number of threads
        outputs.append(subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout)
    if outputs[0] != outputs[1]:
        sys.exit("the alerts of one thread and of three differ")
    took = in_turns(commands, ROUNDS)
    unit = took["zcat"][0]
    print(f"T_z is {unit:.2f} s")
    figure("rules_stable", took["stable"][0] / unit, "T_z", 0.1)
    figure("rules_all", took["all"][0] / unit, "T_z", 0.2)
    figure("rules_1000_over_100", took["n1000"][0] / took["n100"][0], "ratio", 3)
    figure("two_threads_processor_time", took["two"][0] / took["all"][0], "ratio", 1.1)
    # What one thread does before the others have anything to do, building what all the rules ask, is an eighth of a replay of this
    # capture by one thread: the gain is that of the rest. What both processors give at most is what two replays reach that share nothing.
    wanted("two_threads", took["long"][1] / took["long_two"][1], "speed-up", 1.9)
    wanted("two_replays", 2 * took["long"][1] / took["pair"][1], "speed-up", 1.9)
    wanted("two_threads_one_capture", took["all"][1] / took["two"][1], "speed-up", 1.9)
    figure("rss", max(t[2] for name, t in took.items() if name not in ("zcat", "pair")), "MB", 300)
    for name in hunts:
        figure(f"hunt_{name}", took[name][0] / unit, "T_z", 0.02)
    figure("many_alerts", took["many"][0] / unit, "T_z", 3)
    wanted("import", info["events"] / statistics.median(imports) / 1e6, "M_events/s", 1.5)
    with open(os.path.join(cache, "zstd3.bytes"), encoding="ascii") as f:
        figure("size_of_zstd3", info["bytes"] / int(f.read()), "ratio", 0.5)


if __name__ == "__main__":
    main()
