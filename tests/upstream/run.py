#!/usr/bin/env python3
"""Falco's rules on what is recorded here: does what the rules are about, one after the other with benign twins (acts), records it
once, replays the stable, incubating and sandbox rules, and checks which fired for what. A scap file of it, taken in again, has to
give the same alerts.

tests/upstream/run.py DIR [RULE...]     in DIR: all that is made; $HINDCAST: the binary, else build/release/hindcast; RULE: only those acts

An alert belongs to the act whose script is the nearest ancestor of its process. Exit code: 0 passed, 1 failed, 77 cannot be run here."""

import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.realpath(os.path.join(HERE, "..", ".."))
FILES = ["falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml"]
SCRIPT = re.compile(r"/up/(\d+\.(?:bad|good))\b")
DEPTH = 9
LEAST = 25  # rules that have to be tried, lest a slip in the acts passes for success

# Names of addresses come from a resolver, which replay does not ask.
NAMES = "names of addresses are not looked up"
UNANSWERABLE = {
    "Contact K8S API Server From Container": NAMES,
    "Detect outbound connections to common miner pool ports": NAMES,
    "Unexpected inbound connection source": NAMES,
}

# What a scap file tells otherwise (docs/falco-compat.md): which end of a connection is the near one, and ...
NEAR_END = ("fd.lip", "fd.rip", "fd.lport", "fd.rport")
# ... (rule, event, process) that the recording alone knows enough for: the port that the kernel chose for a bind, and that a process
# is in a control group that it was moved to, before it runs something or forks.
NATIVE_ONLY = {
    ("Interpreted procs inbound network activity", "listen", "perl"),
    ("Unexpected inbound connection source", "listen", "perl"),
    ("Container Drift Detected (open+create)", "openat", "crun"),
}


def skip(reason):
    print(f"skipped: NONE OF FALCO'S RULES WAS PROVOKED: {reason}")
    sys.exit(77)


def rules_directory():
    corpus = os.environ.get("HINDCAST_CORPUS") or os.path.join(ROOT, "..", "shared", "corpus")
    directory = os.path.join(corpus, "falco", "rules")
    if not all(os.path.exists(os.path.join(directory, f)) for f in FILES):
        skip("Falco's rules are not at hand (falco/rules below HINDCAST_CORPUS or ../shared/corpus)")
    return os.path.realpath(directory)


def preconditions():
    reason = subprocess.run([os.path.join(ROOT, "tests/e2e/can_record")], stdout=subprocess.PIPE, text=True, check=False)
    if reason.returncode:
        skip("recording does not work here: " + reason.stdout.strip())
    for command in ("cc", "crun", "script", "setpriv", "nsenter"):
        if not shutil.which(command):
            skip(f"no {command} here")
    with open("/proc/filesystems", encoding="ascii") as f:
        if "\toverlay\n" not in f.read() and subprocess.run(["modprobe", "-q", "overlay"], check=False).returncode:
            skip("no overlay file system here")
    if subprocess.run(["unshare", "--mount", "--net", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        skip("no namespaces here")


def read_acts(only):
    """[(rule, {"bad": (where, commands), "good": ...})]"""
    acts = []
    with open(os.path.join(HERE, "acts"), encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = line.strip()
            if line.startswith("== "):
                acts.append((line[3:], {}))
            elif line and not line.startswith("#"):
                match = re.match(r"(?:(in|late)@)?(bad|good): (.*)$", line)
                if not match or not acts or match.group(2) in acts[-1][1]:
                    sys.exit(f"acts:{number}: not understood")
                acts[-1][1][match.group(2)] = (match.group(1) or "host", match.group(3))
    for rule, twins in acts:
        if len(twins) != 2:
            sys.exit(f"acts: {rule}: needs one bad and one good")
    return [a for a in acts if not only or a[0] in only]


def write_scripts(acts, work):
    os.makedirs(os.path.join(work, "acts"))
    lists = {"host": [], "in": [], "late": []}
    for n, (rule, twins) in enumerate(acts):
        for kind in ("bad", "good"):
            where, commands = twins[kind]
            name = f"{n}.{kind}"
            lists[where].append(name)
            with open(os.path.join(work, "acts", name), "w", encoding="utf-8") as f:
                f.write(f'. "${{0%/*}}/lib.sh"\n{commands}\n')
    for where, name in (("host", "host.list"), ("in", "inside.list"), ("late", "late.list")):
        with open(os.path.join(work, name), "w", encoding="utf-8") as f:
            f.write("".join(s + "\n" for s in lists[where]))


def rule_names(directory):
    """Of all files, and whether they are on."""
    names = {}
    for name in FILES:
        rule = None
        with open(os.path.join(directory, name), encoding="utf-8") as f:
            for line in f:
                if line.startswith("- rule: "):
                    rule = line[8:].strip().strip('"')
                    names[rule] = True
                elif rule and re.match(r"  enabled: *false", line):
                    names[rule] = False
    return names


def write_additions(names, path):
    """Every rule is on and tells its process's ancestors."""
    ancestors = " ".join(f"%proc.acmdline[{n}]" for n in range(1, DEPTH))
    with open(path, "w", encoding="utf-8") as f:
        for rule, on in names.items():
            f.write(f"- rule: {json.dumps(rule)}\n  output: ancestry={ancestors}\n")
            f.write("  override:\n    output: append\n" if on else "  enabled: true\n  override:\n    output: append\n    enabled: replace\n")


def hindcast(*args, out=None):
    with open(out, "wb") as f:
        return subprocess.run([os.environ.get("HINDCAST") or os.path.join(ROOT, "build/release/hindcast"), *args], stdin=subprocess.DEVNULL, stdout=f, check=False).returncode


def script_of(alert):
    for key in ["proc.cmdline"] + [f"proc.acmdline[{n}]" for n in range(1, DEPTH)]:
        match = SCRIPT.search(str(alert["fields"].get(key) or ""))
        if match:
            return match.group(1)
    return None


def judge(acts, names, work, code):
    fired, elsewhere, summary, failures = {}, {}, None, []
    with open(os.path.join(work, "alerts"), encoding="utf-8") as f:
        for line in f:
            item = json.loads(line)
            if item["kind"] == "summary":
                summary = item
                continue
            script = script_of(item)
            fired.setdefault(item["rule"], {}).setdefault(script, []).append(item)
    with open(os.path.join(work, "results"), encoding="utf-8") as f:
        results = dict(line.split() for line in f)
    print(f"{'rule':78} {'bad':>4} {'good':>4} {'other':>5}")
    for n, (rule, _) in enumerate(acts):
        by_script = fired.get(rule, {})
        bad, good = (len(by_script.get(f"{n}.{kind}", [])) for kind in ("bad", "good"))
        other = sum(len(a) for s, a in by_script.items() if s not in (f"{n}.bad", f"{n}.good"))
        what = [] if bad else ["missed"]
        what += ["false alarm"] if good else []
        what += [f"its script {kind} was not run" for kind in ("bad", "good") if f"{n}.{kind}" not in results]
        what += [f"its script {kind} ended with {results[f'{n}.{kind}']}" for kind in ("bad", "good") if
                 results.get(f"{n}.{kind}", "0") not in "0"]
        what += ["is none of Falco's rules"] if rule not in names else []
        print(f"{rule:78} {bad:4} {good:4} {other:5}  {'; '.join(what) or 'ok'}")
        failures += [f"{rule}: {w}" for w in what]
    if not summary:
        failures.append(f"the replay ended with {code} and printed no summary")
        summary = {"rules": []}
    reasons = {r["rule"]: " ".join(r["reasons"]) for r in summary["rules"] if not r["answerable"]}
    print(f"\n{len(names)} rules, {len(acts)} provoked, {len(reasons)} cannot be answered; {summary.get('alerts')} alerts")
    for rule, reason in reasons.items():
        print(f"  {rule}: {reason}")
        if UNANSWERABLE.get(rule, "?") not in reason:
            failures.append(f"{rule}: cannot be answered: {reason}")
    failures += [f"{rule}: should not be answered" for rule in UNANSWERABLE if rule not in reasons]
    if len(summary["rules"]) != len(names):
        failures.append(f"{len(summary['rules'])} rules were run of {len(names)}")
    return failures


def acts_alerts(path):
    """Alerts of the acts: what else the machine does may have begun before the recording, of which a scap file tells less."""
    found = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            item = json.loads(line)
            if item["kind"] != "alert" or not script_of(item):
                continue
            fields = {k: v for k, v in item["fields"].items() if k not in NEAR_END}
            found.setdefault((item["time"], item["rule"], item["event"], fields.get("proc.name")), []).append(json.dumps(fields, sort_keys=True))
    return found


def compare(work):
    before, after = acts_alerts(os.path.join(work, "alerts")), acts_alerts(os.path.join(work, "alerts.scap"))
    failures, known = [], 0
    for key in sorted(set(before) | set(after), key=str):
        if sorted(before.get(key, [])) == sorted(after.get(key, [])):
            continue
        if key not in after and key[1:] in NATIVE_ONLY:
            known += len(before[key])
        else:
            failures.append(f"{key[1]}: other alerts in a scap file:\n  {before.get(key)}\n  {after.get(key)}")
    print(f"{sum(map(len, before.values()))} alerts of the acts, of which a scap file gives all but {known} and {len(failures)} others")
    return failures


def main():
    work, only = os.path.realpath(sys.argv[1]), sys.argv[2:]
    directory = rules_directory()
    preconditions()
    acts, names = read_acts(only), rule_names(directory)
    if not only and len(acts) < LEAST:
        sys.exit(f"only {len(acts)} acts")
    subprocess.run(["cc", "-O0", "-o", os.path.join(work, "act"), os.path.join(ROOT, "tests/detect/act.c")], check=True)
    write_scripts(acts, work)
    write_additions(names, os.path.join(work, "additions.yaml"))
    capture = os.path.join(work, "capture")
    code = hindcast("record", "-o", capture, "--snaplen", "80", "--", os.path.join(HERE, "driver"), work, out=os.path.join(work, "record"))
    if code:
        sys.exit(f"hindcast record ended with {code}; see {work}/record")
    files = [os.path.join(directory, f) for f in FILES] + [os.path.join(work, "additions.yaml")]
    policies = [word for f in files for word in ("-p", f)]
    code = hindcast("replay", *policies, "--matching", "all", "--format", "json", capture, out=os.path.join(work, "alerts"))
    failures = judge(acts, names, work, code)
    scap, back = os.path.join(work, "capture.scap"), os.path.join(work, "back")
    if hindcast("export", "--format", "scap", capture, "-o", scap, out=os.path.join(work, "export")) or \
            hindcast("import", "-q", scap, "-o", back, out=os.path.join(work, "import")):
        failures.append(f"no scap file of it: see {work}/export, {work}/import")
    else:
        hindcast("replay", *policies, "--matching", "all", "--format", "json", back, out=os.path.join(work, "alerts.scap"))
        failures += compare(work)
    if failures:
        with open(os.path.join(work, "log"), encoding="utf-8", errors="replace") as f:
            print("\nwhat the scripts printed:\n" + f.read()[-4000:])
        print("\n".join(["", f"{len(failures)} failures:"] + failures))
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
