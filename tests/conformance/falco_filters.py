#!/usr/bin/env python3
"""Falco's answers to filters over scap captures, and ours over their imports.

NAME.filters.json holds expressions with the numbers of the events that match each, or that Falco refuses it. The accepted ones
are evaluated in one replay as rules of which all may match; where most events match, the negation is, and the rest taken. What
Falco refuses `hindcast events` has to refuse with exit code 2 and a reason. `hindcast events` also evaluates a few of the
accepted ones, which must give the same as the rules do.
"""
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

import corpus

CAPTURES = ["suspicious", "container", "build"]  # others by name: nginx, redis
# Not equal, for the reasons that docs/falco-compat.md gives: these filters over these captures, and no others.
NOT_ORDERED = "evt.deltatime > 1000000"
KNOWN = {
    NOT_ORDERED: ["suspicious", "container", "build", "nginx", "redis"],
    # The reference evaluated evt.abspath on the same event before, which replaced the event's descriptor by the directory's.
    'fd.name pmatch ("/etc/", etc)': ["suspicious"],
}
ALL = "evt.type exists"
SAMPLE = 3  # every so many filters one is evaluated by `hindcast events` too


def digest(nums):
    return hashlib.sha256("".join(f"{n}\n" for n in nums).encode()).hexdigest()


def replay(hindcast, capture, rules):
    """Numbers of the events that match, by rule."""
    found = {}
    with subprocess.Popen([hindcast, "replay", "-q", "--matching", "all", "-p", rules, capture], stdout=subprocess.PIPE) as run:
        for line in run.stdout:
            _, rule, num = line.rsplit(b" ", 2)
            found.setdefault(rule, []).append(int(num))
    if run.returncode not in (0, 1):
        raise RuntimeError(f"replay of {capture} ended with {run.returncode}")
    return {int(rule): nums for rule, nums in found.items()}


def evaluate(hindcast, capture, wanted, work):
    """What each accepted filter matches: a list of numbers for each."""
    n_events = next(w["count"] for w in wanted if w["filter"] == ALL)
    negated = [w["count"] > n_events / 2 and w["filter"] != ALL for w in wanted]
    path = os.path.join(work, "filters.yaml")
    with open(path, "w", encoding="utf-8") as f:
        for i, w in enumerate(wanted):
            condition = f"not ({w['filter']})" if negated[i] else w["filter"]
            f.write(f"- rule: r{i}\n  desc: d\n  output: \"{i} %evt.num\"\n  priority: DEBUG\n  warn_evttypes: false\n"
                    f"  condition: {json.dumps(condition)}\n")
    found = replay(hindcast, capture, path)
    every = next(found.get(i, []) for i, w in enumerate(wanted) if w["filter"] == ALL)
    result = []
    for i in range(len(wanted)):
        nums = found.get(i, [])
        if negated[i]:
            others = set(nums)
            nums = [n for n in every if n not in others]
        result.append(nums)
    return result


def show(nums):
    return " ".join(str(n) for n in nums[:8]) + (" ..." if len(nums) > 8 else "")


def explain(want, got):
    """How a result differs, as far as the vector says what was to be there."""
    line = f"  differs: {want['filter']}: {len(got)} events, not {want['count']}"
    if "evt_nums" in want:
        missing, extra = sorted(set(want["evt_nums"]) - set(got)), sorted(set(got) - set(want["evt_nums"]))
    else:
        first, last, have = want["evt_nums_first"], want["evt_nums_last"], set(got)
        missing = [n for n in first + last if n not in have]
        extra = [n for n in got if (n <= first[-1] and n not in first) or (n >= last[0] and n not in last)]
    if missing:
        line += f"; missing: {show(missing)}"
    if extra:
        line += f"; too many: {show(extra)}"
    return line


def events(hindcast, capture, expression):
    run = subprocess.run([hindcast, "events", capture, "-f", expression, "-o", "%evt.num"], capture_output=True, text=True,
                         check=False)
    return run.returncode, run.stdout, run.stderr


def check_refused(hindcast, capture, expression):
    code, out, err = events(hindcast, capture, expression)
    if code == 2 and not out and re.search(r"\w", err):
        return True
    print(f"  not refused: {expression}: exit code {code}")
    return False


def check(hindcast, scap, name, work):
    with open(os.path.join(scap, name + ".filters.json"), encoding="utf-8") as f:
        vectors = json.load(f)
    capture = corpus.import_capture(hindcast, os.path.join(scap, name + ".scap"), work)
    wanted = [v for v in vectors if "compile_error" not in v]
    refused = [v["filter"] for v in vectors if "compile_error" in v]
    got = evaluate(hindcast, capture, wanted, work)
    equal, unknown = 0, 0
    for want, nums in zip(wanted, got):
        known = name in KNOWN.get(want["filter"], [])
        if len(nums) == want["count"] and digest(nums) == want["sha256"]:
            equal += 1
            unknown += known
            if known:
                print(f"  equal, though listed as not: {want['filter']}")
            continue
        unknown += not known
        print(explain(want, nums) + ("" if known else " (NEW)"))
    n_refused = sum(check_refused(hindcast, capture, expression) for expression in refused)
    alone = True
    for want, nums in list(zip(wanted, got))[::SAMPLE]:
        if not re.match(r"evt.type\s*=", want["filter"]) and "evt.type in" not in want["filter"]:
            continue  # rows that are no events of Falco's match as well
        code, out, _ = events(hindcast, capture, want["filter"])
        if code or out != "".join(f"{n}\n" for n in nums):
            print(f"  alone it gives another answer: {want['filter']}")
            alone = False
    print(f"{name}: {equal + n_refused} of {len(vectors)} filters equal ({equal} of {len(wanted)} accepted, {n_refused} of "
          f"{len(refused)} refused)", flush=True)
    return not unknown and n_refused == len(refused) and alone


def main():
    where = corpus.find("filters")
    if not where:
        return 77
    hindcast = os.environ["HINDCAST"]
    with tempfile.TemporaryDirectory(prefix="hc-conformance-") as work:
        results = [check(hindcast, os.path.join(where, "scap"), name, work) for name in sys.argv[1:] or CAPTURES]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
