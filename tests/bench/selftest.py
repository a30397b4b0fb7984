#!/usr/bin/env python3
"""The collector of benchmarks: what it takes for a figure, what it writes, and that a program that fails is noticed."""
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def program(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write("#!/bin/bash\n" + text)
    os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)


def collect(root, programs):
    """Runs the collector over programs (name -> script) in a tree of its own."""
    bench = os.path.join(root, "tests", "bench")
    build = os.path.join(root, "build", "release")
    os.makedirs(bench)
    os.makedirs(os.path.join(build, "tests", "bench"))
    shutil.copy(os.path.join(HERE, "run"), bench)
    for name, text in programs.items():
        program(os.path.join(build, "tests", "bench", name), text)
    got = subprocess.run([sys.executable, os.path.join(bench, "run"), build], stdout=subprocess.PIPE, text=True, check=False)
    with open(os.path.join(root, "build", "bench.json"), encoding="utf-8") as f:
        return got.returncode, got.stdout, json.load(f)


def main():
    with tempfile.TemporaryDirectory() as root:
        code, out, result = collect(root, {
            "a_bench": "echo preparing, slowly\necho open,12.5,ms,50,0.25\necho rate,2e6,events/s,,\n",
            "b_bench": "echo 'no BTF here'; exit 77\n"})
        assert code == 0, out
        assert result["figures"] == [
            {"name": "open", "value": 12.5, "unit": "ms", "baseline": 50.0, "ratio": 0.25},
            {"name": "rate", "value": 2e6, "unit": "events/s", "baseline": None, "ratio": None}], result
        assert result["skipped"] == ["b_bench: no BTF here"], result
        assert "preparing, slowly" in out and "2,000,000" in out, out
    with tempfile.TemporaryDirectory() as root:
        code, out, result = collect(root, {"a_bench": "echo open,1,ms,,\n", "b_bench": "echo open,2,ms,,; exit 1\n"})
        assert code == 1 and len(result["failed"]) == 1, out
    with tempfile.TemporaryDirectory() as root:
        code, out, result = collect(root, {"a_bench": "echo nothing measured\n"})
        assert code == 1 and len(result["failed"]) == 1, out
    print("ok")


if __name__ == "__main__":
    main()
