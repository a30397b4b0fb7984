#!/usr/bin/env python3
"""Falco's fields of what is recorded here, event by event: records fields.c, whose arguments are known, and compares what
`hindcast events` prints with what it says of itself.

tests/upstream/fields.py DIR     in DIR, which is empty: all that is made; $HINDCAST: the binary, else build/release/hindcast"""

import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.realpath(os.path.join(HERE, "..", ".."))
HINDCAST = os.environ.get("HINDCAST") or os.path.join(ROOT, "build/release/hindcast")
LEAST_TYPES = 40


def skip(reason):
    print(f"skipped: NO FIELD OF FALCO'S WAS COMPARED: {reason}")
    sys.exit(77)


def read_expected(path):
    """[(type, {field: value or None})]"""
    expected = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            event, *pairs = line.rstrip("\n").split("\t")
            fields = dict(pair.split("=", 1) for pair in pairs)
            expected.append((event, {k: None if v == "<NA>" and not k.startswith(("user.", "group.", "fd.l4")) else v for k, v in fields.items()}))
    return expected


def text(value):
    return value if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def wrong(fields, event):
    return [k for k, v in fields.items() if text(event.get(k)) != v]


def compare(expected, events):
    """Each expectation is met by the next event of its thread and type of which all is true; the one after the last met is shown
    otherwise."""
    queues, failures = {}, []
    for event in events:
        queues.setdefault((text(event["evt.type"]), text(event["thread.tid"])), []).append(event)
    for kind, fields in expected:
        queue = queues.get((kind, fields["thread.tid"]), [])
        at = next((i for i, e in enumerate(queue) if not wrong(fields, e)), None)
        if at is not None:
            del queue[: at + 1]
            continue
        if not queue:
            failures.append(f"{kind}: no such event is left: {fields}")
            continue
        nearest = min(queue, key=lambda e: len(wrong(fields, e)))
        failures.append(f"{kind} (event {nearest['evt.num']}):")
        failures += [f"    {k}\n        should be {fields[k]!r}\n        and is    {text(nearest.get(k))!r}" for k in wrong(fields, nearest)]
    return failures


def main():
    os.chdir(sys.argv[1])
    can = subprocess.run([os.path.join(ROOT, "tests/e2e/can_record")], stdout=subprocess.PIPE, text=True, check=False)
    if can.returncode:
        skip("recording does not work here: " + can.stdout.strip())
    if not shutil.which("cc"):
        skip("no C compiler")
    subprocess.run(["cc", "-O0", "-pthread", "-o", "falco-fields", os.path.join(HERE, "fields.c")], check=True)
    subprocess.run([HINDCAST, "record", "-q", "-o", "capture", "--profile", "full", "--snaplen", "80", "--",
                    "sh", "-c", "setsid -w ./falco-fields expected </dev/null || touch failed"], stdin=subprocess.DEVNULL, check=True)
    if os.path.exists("failed"):
        sys.exit("falco-fields failed")
    expected = read_expected("expected")
    names = sorted({name for _, fields in expected for name in fields} | {"evt.num", "evt.type", "thread.tid", "evt.args"})
    run = subprocess.run([HINDCAST, "events", "capture", "--json", "-f", f"proc.exepath in ({os.getcwd()}/falco-fields, memfd:copied)",
                          "-o", "*" + " ".join("%" + n for n in names)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    events = [json.loads(line) for line in run.stdout.decode("utf-8", "replace").splitlines()]
    failures = compare(expected, events)
    types, values = {kind for kind, _ in expected}, sum(len(fields) for _, fields in expected)
    print(f"{len(expected)} events of {len(types)} types, {values} values of {len(names)} fields; {len(failures)} lines of failures")
    if len(types) < LEAST_TYPES:
        failures.append(f"only {len(types)} types")
    print("\n".join(failures))
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
