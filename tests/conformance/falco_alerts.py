#!/usr/bin/env python3
"""Falco's alerts over scap captures, and ours over their imports.

For every NAME.scap of the corpus and every NAME.<rules>.alerts.jsonl beside it: the same rules fire on the same events, which is
required, and that the alerts are equal in their whole text and fields. A file that is cut is imported up to
the cut. Captures may be named, as in `falco_alerts.py big upstream/curl_google`; `big`, of ten million events, takes a minute and is
compared by hand only. The corpus is ../shared/corpus from the repository, or HINDCAST_CORPUS.
"""
import collections
import json
import os
import subprocess
import sys
import tempfile

import corpus

SETS = {
    "falco_rules": ["falco_rules.yaml"],
    "all_rules": ["falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml"],
    "every_rule": ["falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml"],  # disabled ones too
}
CONFIG = "append_output:\n  - extra_fields: [evt.num]\n"
EVERY = 'rules:\n  - enable:\n      rule: "*"\n'
CAPTURES = ["suspicious", "container", "build", "nginx", "redis", "upstream/curl_google", "upstream/curl_google_comments",
            "upstream/single_ipv6_conn", "upstream/test_ipv6_client"]


def alerts(lines):
    """By event and rule."""
    found = {}
    for line in lines:
        alert = json.loads(line)
        found[alert["output_fields"]["evt.num"], alert["rule"]] = alert
    return found


def differences(got, want):
    """Names of what differs in two alerts of the same rule and event."""
    for key, value in want.items():
        if key == "output_fields":
            for field, text in value.items():
                if got[key].get(field) != text:
                    yield field
        elif key != "output" and got.get(key) != value:
            yield key


def compare(name, what, got, want):
    missing, extra = sorted(set(want) - set(got)), sorted(set(got) - set(want))
    both = set(got) & set(want)
    differing = collections.Counter(d for key in both for d in differences(got[key], want[key]))
    equal = sum(got[key] == want[key] for key in both)
    print(f"{name} {what}: {len(both)} of {len(want)} alerts, {len(extra)} too many, {equal} equal in all"
          + (f"; fields that differ: {dict(differing)}" if differing else ""))
    for key in missing:
        print(f"  missing: {key}")
    for key in extra:
        print(f"  too many: {key}")
    return not missing and not extra and equal == len(want)


def replay(hindcast, capture, config, rules, matching, files):
    command = [hindcast, "replay", "-q", "-c", config, "--format", "falco-json", "--matching", matching]
    for name in files:
        command += ["-p", os.path.join(rules, name)]
    run = subprocess.run(command + [capture], stdout=subprocess.PIPE, env=dict(os.environ, TZ="UTC"), check=False)
    if run.returncode not in (0, 1):
        raise RuntimeError(f"replay of {capture} ended with {run.returncode}")
    return alerts(run.stdout.decode("utf-8", "replace").splitlines())


def check(hindcast, where, name, work):
    scap, rules = os.path.join(where, "scap"), os.path.join(where, "falco", "rules")
    path = os.path.join(scap, name + ".scap")
    capture = corpus.import_capture(hindcast, path if os.path.exists(path) else path + ".zst", work)
    good, compared = True, 0
    for rule_set, files in SETS.items():
        for matching, suffix in (("first", ""), ("all", ".match_all")):
            path = os.path.join(scap, f"{name}.{rule_set}{suffix}.alerts.jsonl")
            if not os.path.exists(path):
                continue
            with open(path, encoding="utf-8", errors="surrogatepass") as f:
                want = alerts(f)
            config = os.path.join(work, "falco.yaml")
            with open(config, "w", encoding="utf-8") as f:
                f.write(CONFIG + (EVERY if rule_set == "every_rule" else ""))
            good &= compare(name, rule_set + suffix, replay(hindcast, capture, config, rules, matching, files), want)
            compared += 1
    return good and compared > 0


def check_cut(hindcast, where, work):
    """A file that ends in the middle: exit code 3, and what comes before is there."""
    whole, cut = os.path.join(where, "scap", "suspicious.scap"), os.path.join(work, "cut.scap")
    with open(whole, "rb") as f, open(cut, "wb") as to:
        to.write(f.read()[:400000])
    run = subprocess.run([hindcast, "import", cut, "-o", os.path.join(work, "cut")], capture_output=True, text=True, check=False)
    verify = subprocess.run([hindcast, "verify", os.path.join(work, "cut")], stdout=subprocess.DEVNULL, check=False)
    events = int(run.stdout.split()[0]) if run.stdout else 0
    print(f"cut file: exit code {run.returncode}, {events} events, {run.stderr.strip().splitlines()[:1]}")
    return run.returncode == 3 and verify.returncode == 0 and 0 < events < 79561 and "byte" in run.stderr


def main():
    where = corpus.find("alerts")
    if not where:
        return 77
    hindcast = os.environ["HINDCAST"]
    named = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="hc-conformance-") as work:
        results = [check(hindcast, where, name, work) for name in named or CAPTURES]
        if not named:
            results.append(check_cut(hindcast, where, work))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
