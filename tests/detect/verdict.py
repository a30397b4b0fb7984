#!/usr/bin/env python3
"""Two halves of run.sh.

verdict.py attribute POLICIES            prints a rules file that makes every rule of ours output its ancestors' command lines
verdict.py judge POLICIES DIR [CASE...]  reads DIR/{bad,benign}.{cases,alerts,code} and prints a table; exit code 1 when a rule fails"""

import collections
import json
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from check import load, slug  # noqa: E402

DEPTH = 9
CASE = re.compile(r"/detect/(?:([a-z0-9-]+)/(?:bad|benign)|(quiet))\.sh")


def attribute(policies):
    ancestors = " ".join(f"%proc.acmdline[{n}]" for n in range(1, DEPTH))
    for _, item in load(policies):
        if "rule" in item:
            print(f"- rule: {item['rule']}\n  output: ancestry={ancestors}\n  override:\n    output: append\n")


def case_of(alert):
    """The test whose script is the nearest of the process and its ancestors; None for something else on this machine."""
    fields = alert["fields"]
    for key in ["proc.cmdline"] + [f"proc.acmdline[{n}]" for n in range(1, DEPTH)]:
        found = CASE.search(str(fields.get(key) or ""))
        if found:
            return found.group(1) or found.group(2)
    return None


def read(directory, kind):
    alerts, summary = [], None
    with open(os.path.join(directory, kind + ".alerts"), encoding="utf-8") as f:
        for line in f:
            item = json.loads(line)
            if item["kind"] == "summary":
                summary = item
            else:
                alerts.append(item)
    with open(os.path.join(directory, kind + ".cases"), encoding="utf-8") as f:
        cases = {c: (int(code), int(ms)) for c, code, ms in (line.split() for line in f)}
    return alerts, summary, cases


def judge(policies, directory, only):
    rules = [item["rule"] for _, item in load(policies) if "rule" in item]
    if only:
        rules = [r for r in rules if slug(r) in only]
    fired = collections.Counter()
    elsewhere = collections.Counter()
    false = collections.defaultdict(collections.Counter)
    others = collections.defaultdict(list)
    failures = []
    bad, bad_summary, bad_cases = read(directory, "bad")
    for alert in bad:
        case = case_of(alert)
        if case == slug(alert["rule"]):
            fired[alert["rule"]] += 1
        else:
            elsewhere[alert["rule"]] += 1
    benign, benign_summary, benign_cases = read(directory, "benign")
    for alert in benign:
        case = case_of(alert)
        if case:
            false[alert["rule"]][case] += 1
        else:
            others[alert["rule"]].append(alert["message"].split(" | ")[0])
    # Not the tests' doing: what else went on here at the time. Not judged, but to be read.
    for rule, messages in others.items():
        print(f"note: this machine itself, {len(messages)} times: {rule}: {messages[0][:150]}")
    for kind, cases in (("bad", bad_cases), ("benign", benign_cases)):
        for case, (code, _) in cases.items():
            if code:
                failures.append(f"{case}/{kind}.sh ended with exit code {code}; see {kind}.cases.log")
    if bad_summary is None or benign_summary is None:
        failures.append("a replay printed no summary")

    print(f"{'rule':58} {'bad':>4} {'else':>5} {'benign':>6}  verdict")
    for rule in rules:
        own, n_false = fired[rule], sum(false[rule].values())
        what = []
        if slug(rule) not in bad_cases or slug(rule) not in benign_cases:
            what.append("was not run")
        elif not own:
            what.append("missed")
        if n_false:
            what.append("false alarm in " + ", ".join(sorted(false[rule])))
        print(f"{rule[:58]:58} {own:4} {elsewhere[rule]:5} {n_false:6}  {'; '.join(what) or 'ok'}")
        failures += [f"{rule}: {w}" for w in what]

    for kind in ("bad", "benign"):
        with open(os.path.join(directory, kind + ".code"), encoding="utf-8") as f:
            if f.read().strip() != "0":
                with open(os.path.join(directory, kind + ".errors"), encoding="utf-8") as errors:
                    failures.append(f"replay of {kind} did not answer every rule:\n{errors.read()}")
    slow = sorted(((ms, c) for cases in (bad_cases, benign_cases) for c, (_, ms) in cases.items()), reverse=True)[:1]
    print(f"\n{len(rules)} rules, {len(bad)} alerts while provoked, {len(benign)} while not; slowest script {slow[0][0]} ms ({slow[0][1]})")
    if failures:
        print("\n".join(["", f"{len(failures)} failures:"] + failures))
    return bool(failures)


if __name__ == "__main__":
    if sys.argv[1] == "attribute":
        attribute(sys.argv[2])
    else:
        sys.exit(judge(sys.argv[2], sys.argv[3], sys.argv[4:]))
