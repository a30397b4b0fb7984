#!/usr/bin/env python3
"""Values of event fields over imported scap captures, and Falco's own.

Every event of NAME.events.jsonl.zst of the corpus must be there, no other, and of all its field values at least the share in FLOORS
must be equal, where an absent value is a value too. What differs is counted by field and printed; docs/falco-compat.md has the
reasons. Of the long captures the first LIMIT events are compared. The corpus is ../shared/corpus from the repository, or HINDCAST_CORPUS.
"""
import collections
import json
import os
import subprocess
import sys
import tempfile

import corpus

FIELDS = """evt.num evt.type evt.dir evt.rawtime evt.category evt.failed evt.res evt.rawres evt.args thread.tid proc.pid proc.ppid
proc.vpid proc.name proc.exe proc.exepath proc.args proc.cmdline proc.cwd proc.pname proc.aname[2] proc.aname[3] proc.sid proc.tty
user.uid user.name user.loginuid group.gid container.id fd.num fd.type fd.typechar fd.name fd.directory fd.sip fd.cip fd.lip fd.rip
fd.sport fd.cport fd.lport fd.rport fd.l4proto fs.path.name fs.path.source fs.path.target""".split()
FLOORS = {"suspicious": 0.9999, "container": 0.999, "build": 0.9999, "nginx": 0.9999, "redis": 0.9999}
LIMIT = 60000
SHOWN = 12


def plain(value):
    """Bytes that are no text become one mark: the JSON of alerts has no way to write them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return None
    return "".join("\ufffd" if "\udc80" <= c <= "\udcff" else c for c in str(value))


def reference(path):
    """Of each event, what the reference printed."""
    with subprocess.Popen(["zstd", "-dc", path], stdout=subprocess.PIPE) as unpacked:
        for count, line in enumerate(unpacked.stdout):
            if count == LIMIT:
                unpacked.kill()
                return
            yield json.loads(line.decode("utf-8", "surrogatepass"))


def ours(hindcast, capture, last):
    form = "*" + " ".join("%" + field for field in FIELDS)
    command = [hindcast, "events", capture, "--json", "-o", form, "-f", f"evt.num <= {last}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ, TZ="UTC")) as run:
        for line in run.stdout:
            yield json.loads(line.decode("utf-8", "surrogateescape"))
    if run.returncode != 0:
        raise RuntimeError(f"events of {capture} ended with {run.returncode}")


def check(hindcast, scap, name, work):
    capture = corpus.import_capture(hindcast, os.path.join(scap, name + ".scap"), work)
    want = {event["evt.num"]: event for event in reference(os.path.join(scap, name + ".events.jsonl.zst"))}
    last, total, extra, values = max(want), len(want), [], 0
    differing, examples = collections.Counter(), {}
    for event in ours(hindcast, capture, last):
        expected = want.pop(event["evt.num"], None)
        if expected is None:
            extra.append(event["evt.num"])
            continue
        for field in FIELDS:
            values += 1
            if plain(event.get(field)) != plain(expected.get(field)):
                differing[field] += 1
                examples.setdefault(field, (event["evt.num"], event.get(field), expected.get(field)))
    share = 1 - sum(differing.values()) / max(values, 1)
    print(f"{name}: {total - len(want)} of {total} events, {len(extra)} too many, {share:.5%} of {values} values equal"
          f" (at least {FLOORS[name]:.2%} must be)")
    for field, count in differing.most_common(SHOWN):
        number, got, expected = examples[field]
        print(f"  {field}: {count} differ, as in event {number}: {str(got)[-120:]!r}, not {str(expected)[-120:]!r}")
    if want or extra:
        print(f"  missing: {sorted(want)[:20]}, too many: {extra[:20]}")
    return not want and not extra and share >= FLOORS[name]


def main():
    where = corpus.find("events")
    if not where:
        return 77
    scap = os.path.join(where, "scap")
    with tempfile.TemporaryDirectory(prefix="hc-conformance-") as work:
        return 0 if all([check(os.environ["HINDCAST"], scap, name, work) for name in FLOORS]) else 1


if __name__ == "__main__":
    sys.exit(main())
