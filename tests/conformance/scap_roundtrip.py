#!/usr/bin/env python3
"""Scap captures through a capture of ours and back to a scap file.

For the captures named (else for CAPTURES): the export of the import has the same events, with the same numbers, times, threads,
processors and parameters but for those in DIFFERS; the import of that export gives the same events (every field of FIELDS) and,
with all rules files, the same alerts; and exporting once more gives the same bytes. The corpus is ../shared/corpus from the
repository, or HINDCAST_CORPUS.
"""
import glob
import hashlib
import os
import re
import subprocess
import sys
import tempfile

import corpus

CAPTURES = ["suspicious", "container", "build"]
FIELDS = """evt.num evt.time evt.rawtime evt.type evt.dir evt.cpu evt.category evt.failed evt.res evt.rawres evt.args thread.tid
proc.pid proc.ppid proc.vpid proc.name proc.exe proc.exepath proc.args proc.cmdline proc.env proc.cwd proc.pname proc.pcmdline
proc.aname[2] proc.aname[3] proc.aname[4] proc.sid proc.sname proc.vpgid proc.tty proc.is_exe_writable proc.is_exe_upper_layer
proc.exe_ino proc.pid.ts proc.duration user.uid user.name user.loginuid user.loginname group.gid group.name thread.cap_effective
container.id fd.num fd.type fd.typechar fd.name fd.directory fd.filename fd.ino fd.dev fd.sip fd.cip fd.lip fd.rip fd.sport fd.cport
fd.lport fd.rport fd.l4proto fd.is_server fs.path.name fs.path.source fs.path.target""".split()

# What does not come back as the very bytes, though the same to every reader.
DIFFERS = {
    "keyctl: arg2",         # an empty text: with its NUL afterwards
    "accept: tuple",        # IPv4 addresses written as IPv6 ones: as IPv4 afterwards, as readers take them
    "accept4: tuple",
    "useradded: head",      # what a file begins with is shown to no rule: marked as such afterwards
    "groupadded: head",
}


def run(*command, ok=(0,)):
    done = subprocess.run(command, stdout=subprocess.PIPE, env=dict(os.environ, TZ="UTC"), check=False)
    if done.returncode not in ok:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}")
    return done.stdout


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def events(hindcast, capture):
    output = "*" + " ".join(f"%{field}" for field in FIELDS)
    return run(hindcast, "events", "--json", capture), run(hindcast, "events", "-o", output, capture)


def alerts(hindcast, capture, rules, matching):
    command = [hindcast, "replay", "-q", "--format", "falco-json", "--matching", matching]
    for path in rules:
        command += ["-p", path]
    return run(*command, capture, ok=(0, 1))


def equal(name, what, before, after):
    before, after = before.splitlines(), after.splitlines()
    bad = [i for i, (x, y) in enumerate(zip(before, after)) if x != y]
    print(f"{name} {what}: {len(before)} before, {len(after)} after, {len(bad)} differ")
    for i in bad[:2]:
        print(f"  before: {before[i][:400]}\n  after:  {after[i][:400]}")
    return len(before) == len(after) and not bad


def check(hindcast, scapcmp, where, name, work):
    source, rules = os.path.join(where, "scap", name + ".scap"), sorted(glob.glob(os.path.join(where, "falco", "rules", "*.yaml")))
    first, second = corpus.import_capture(hindcast, source, work), os.path.join(work, name + "-again")
    out, again = first + ".scap", second + ".scap.gz"
    print(name, run(hindcast, "export", first, "--format", "scap", "-o", out).decode().strip().replace("\n", "; "))
    run(hindcast, "import", "-q", out, "-o", second)
    run(hindcast, "export", second, "--format", "scap", "-o", again)
    run("gzip", "-d", again)
    good = digest(out) == digest(again[:-3])
    print(f"{name}: a second export has {'the same' if good else 'OTHER'} bytes")
    shown = run(scapcmp, source, out, ok=(0, 1)).decode()
    print(f"{name} file against file: {shown.splitlines()[-1]}")
    differs = {m[1] for m in re.finditer(r"^  \d+ of (\w+: \w+)$", shown, re.M)}
    if not differs <= DIFFERS or not re.search(r"^[1-9]\d* events", shown, re.M):
        print(shown)
        good = False
    for what, before, after in zip(("events", "fields"), events(hindcast, first), events(hindcast, second)):
        good &= equal(name, what, before, after) and bool(before)
    for matching in ("first", "all"):
        good &= equal(name, f"alerts, {matching} rule", alerts(hindcast, first, rules, matching),
                      alerts(hindcast, second, rules, matching))
    return good


def main():
    where = corpus.find("exports")
    if not where:
        return 77
    hindcast = os.environ["HINDCAST"]
    scapcmp = os.path.join(os.environ["HC_BUILD_DIR"], "tests", "tools", "hc-scapcmp")
    with tempfile.TemporaryDirectory(prefix="hc-conformance-") as work:
        results = [check(hindcast, scapcmp, where, name, work) for name in sys.argv[1:] or CAPTURES]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
