#!/usr/bin/env python3
"""The rules of our pack are complete: each says what it is for, restricts itself to event types, gives a responder what he needs,
is tagged with a tactic and a technique of ATT&CK, and is tested: tests/detect/<slug>/{bad,benign}.sh, with a case for each in
tests/detect/pack.yaml.

docs/policies.md lists it too.

tests/detect/check.py [--selftest | --table]      --table prints the list for docs/policies.md"""

import glob
import os
import re
import sys

try:
    import yaml
except ImportError:
    print("skipped: no yaml module for python3 (python3-yaml)")
    sys.exit(77)

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
TACTICS = {
    "initial_access", "execution", "persistence", "privilege_escalation", "defense_evasion", "credential_access", "discovery",
    "lateral_movement", "collection", "command_and_control", "exfiltration", "impact",
}
PRIORITIES = {"EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFORMATIONAL", "DEBUG"}
FIELDS = ["%user.name", "%user.loginname", "%proc.cmdline", "%proc.exepath", "%proc.pid", "%proc.pcmdline", "%proc.aname[2]",
          "%proc.cwd", "%proc.tty", "%container.id"]
KEYS = {"rule", "desc", "condition", "output", "priority", "tags"}


def slug(rule):
    return re.sub(r"[^a-z0-9]+", "-", rule.lower()).strip("-")


def load(directory):
    items = []
    for name in sorted(glob.glob(os.path.join(directory, "*.yaml"))):
        with open(name, encoding="utf-8") as f:
            for item in yaml.safe_load(f):
                items.append((os.path.basename(name), item))
    return items


def macros_with_event_type(items):
    found = {}
    for _, item in items:
        if "macro" in item:
            words = set(re.findall(r"[\w.]+", item["condition"]))
            found[item["macro"]] = "evt.type" in words or any(found.get(w) for w in words)
    return found


def has_open_or(condition):
    """Whether an 'or' stands outside of all parentheses, so that an appended 'and not ...' would hold for the last part only."""
    depth = 0
    for word in re.findall(r'"[^"]*"|[()]|[^\s()"]+', condition):
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth == 0 and word == "or":
            return True
    return False


def check_rule(name, rule, typed, tests):
    """Yields what is wrong with a rule."""
    missing = KEYS - rule.keys()
    if missing:
        yield f"has no {', '.join(sorted(missing))}"
        return
    for key in rule.keys() - KEYS:
        yield f"has a key '{key}'"
    if "Benign:" not in rule["desc"]:
        yield "does not say in which cases it is wrong ('Benign: ...')"
    if rule["priority"] not in PRIORITIES:
        yield f"has priority {rule['priority']}"
    words = set(re.findall(r"[\w.]+", rule["condition"]))
    if "evt.type" not in words and not any(typed.get(w) for w in words):
        yield "is not restricted to event types"
    if has_open_or(rule["condition"]):
        yield "has an 'or' outside of parentheses: an exception appended to it would not hold for all of it"
    for field in FIELDS:
        if field not in rule["output"]:
            yield f"does not output {field}"
    tags = [str(t) for t in rule["tags"]]
    tactics = [t for t in tags if t.startswith("mitre_")]
    if not tactics:
        yield "has no mitre_ tag"
    for tag in tactics:
        if tag[len("mitre_"):] not in TACTICS:
            yield f"has tag {tag}, which is no tactic"
    # The first tactic is the one that the file is about.
    if tactics and name != tactics[0][len("mitre_"):] + ".yaml":
        yield f"stands in {name}, but its first tactic is {tactics[0]}"
    if not any(re.fullmatch(r"T\d{4}(\.\d{3})?", t) for t in tags):
        yield "has no technique (T1234 or T1234.001)"
    if not any(t.startswith("maturity_") for t in tags):
        yield "has no maturity_ tag"
    for script in ("bad.sh", "benign.sh"):
        path = os.path.join(tests, slug(rule["rule"]), script)
        if not os.path.isfile(path):
            yield f"has no {os.path.relpath(path, ROOT)}"
        elif not os.access(path, os.X_OK):
            yield f"has a {script} that is not executable"


def check_cases(rules, test_file):
    """Yields what is wrong with the cases: each rule's bad.sh makes it fire, nothing fires for its benign.sh."""
    cases = {case.get("script"): case for case in test_file["cases"]}
    for rule in rules:
        bad, benign = (cases.pop(f"{slug(rule)}/{kind}.sh", None) for kind in ("bad", "benign"))
        expected = [e if isinstance(e, str) else e["rule"] for e in (bad["expect"] if bad else []) if e != "none"]
        if expected != [rule]:
            yield f"{rule}: no case expects it of its bad.sh"
        if not benign or benign["expect"] != "none" or benign.get("matching") != "all" or "allow" in benign:
            yield f"{rule}: no case expects no alert, with all matching, of its benign.sh"
    for script in cases:
        if script != "quiet.sh":
            yield f"there is no rule for the case of {script}"
    if "quiet.sh" not in cases:
        yield "no case runs quiet.sh"


def table(items):
    """The list in docs/policies.md."""
    lines = ["| rule | priority | ATT&CK |", "|---|---|---|"]
    for _, item in items:
        if "rule" in item:
            techniques = ", ".join(str(t) for t in item["tags"] if re.match(r"T\d", str(t)))
            tactics = ", ".join(t[len("mitre_"):].replace("_", " ") for t in item["tags"] if str(t).startswith("mitre_"))
            lines.append(f"| {item['rule']} | {item['priority'].lower()} | {tactics}: {techniques} |")
    return "\n".join(lines)


def check(policies, tests):
    items = load(policies)
    typed = macros_with_event_type(items)
    wrong = []
    slugs = {}
    for name, item in items:
        for kind in ("macro", "list"):
            if kind in item and not item[kind].startswith("hc_"):
                wrong.append(f"{name}: {kind} {item[kind]}: does not begin with hc_")
        if "rule" not in item:
            continue
        rule = item["rule"]
        if slug(rule) in slugs:
            wrong.append(f"{name}: {rule}: has the same name as a rule in {slugs[slug(rule)]}")
        slugs[slug(rule)] = name
        wrong += [f"{name}: {rule}: {w}" for w in check_rule(name, item, typed, tests)]
    with open(os.path.join(tests, "pack.yaml"), encoding="utf-8") as f:
        wrong += ["tests/detect/pack.yaml: " + w for w in check_cases([i["rule"] for _, i in items if "rule" in i], yaml.safe_load(f))]
    with open(os.path.join(ROOT, "docs", "policies.md"), encoding="utf-8") as f:
        if table(items) not in f.read():
            wrong.append("docs/policies.md: the list of rules is not that of tests/detect/check.py --table")
    for directory in sorted(glob.glob(os.path.join(tests, "*", ""))):
        test = os.path.basename(os.path.dirname(directory))
        if test not in slugs and test != "__pycache__":
            wrong.append(f"tests/detect/{test}: there is no such rule")
    return len(slugs), wrong


def selftest():
    """The check notices what it is for."""
    good = {
        "rule": "Password hashes read by an unexpected program", "desc": "x Benign: y", "condition": "hc_started",
        "output": " ".join(FIELDS), "priority": "NOTICE", "tags": ["maturity_stable", "mitre_credential_access", "T1003"],
    }
    tests = os.path.join(ROOT, "tests", "detect")

    def n_wrong(**change):
        rule = {k: v for k, v in {**good, **change}.items() if v is not None}
        return len(list(check_rule("credential_access.yaml", rule, {"hc_started": True}, tests)))

    assert n_wrong() == 0
    assert n_wrong(desc=None) == 1
    assert n_wrong(desc="x") == 1
    assert n_wrong(priority="LOUD") == 1
    assert n_wrong(condition="proc.name = x") == 1
    assert n_wrong(condition="hc_started or (evt.type = x)") == 1
    assert n_wrong(condition='(hc_started or evt.type = x) and proc.name = " or "') == 0
    assert n_wrong(output="nothing") == len(FIELDS)
    assert n_wrong(tags=["maturity_stable", "T1003"]) == 1
    assert n_wrong(tags=["maturity_stable", "mitre_credential_access"]) == 1
    assert n_wrong(tags=["maturity_stable", "mitre_cooking", "T1003"]) == 2
    assert n_wrong(rule="No such test") == 2
    assert n_wrong(exceptions=[]) == 1

    def n_wrong_cases(*cases):
        return len(list(check_cases(["A b"], {"cases": list(cases) + [{"script": "quiet.sh", "expect": "none"}]})))

    bad = {"script": "a-b/bad.sh", "expect": [{"rule": "A b"}], "allow": "any"}
    benign = {"script": "a-b/benign.sh", "expect": "none", "matching": "all"}
    assert n_wrong_cases(bad, benign) == 0
    assert n_wrong_cases({**bad, "expect": ["A b"]}, benign) == 0
    assert n_wrong_cases(bad) == 1
    assert n_wrong_cases(benign) == 1
    assert n_wrong_cases({**bad, "expect": ["C"]}, benign) == 1
    assert n_wrong_cases({**bad, "expect": "none"}, benign) == 1
    assert n_wrong_cases(bad, {**benign, "matching": "first"}) == 1
    assert n_wrong_cases(bad, {**benign, "allow": "any"}) == 1
    assert n_wrong_cases(bad, benign, {"script": "x/bad.sh", "expect": "none"}) == 1
    print("check.py notices what it is for")


if __name__ == "__main__":
    if sys.argv[1:] == ["--selftest"]:
        selftest()
        sys.exit(0)
    if sys.argv[1:] == ["--table"]:
        print(table(load(os.path.join(ROOT, "policies", "falco"))))
        sys.exit(0)
    n, problems = check(os.path.join(ROOT, "policies", "falco"), os.path.join(ROOT, "tests", "detect"))
    print("\n".join(problems) if problems else f"{n} rules, each with description, tags and tests")
    if n < 30:
        print(f"only {n} rules were found")
    sys.exit(bool(problems) or n < 30)
