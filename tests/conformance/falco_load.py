#!/usr/bin/env python3
"""Falco's verdicts on rules files, and those of `hindcast check`.

load_cases.yaml holds the text of rules files, whether each loads, and the LOAD_* codes that come with it. Each is checked twice, as
text and as JSON, and the two have to say the same: exit code 0 or 2, Falco's shape, the codes, and places that exist, the caret of
the text below a character that is no blank. The corpus is ../shared/corpus from the repository, or HINDCAST_CORPUS.

falco_load.json has for each case what Falco's engine (of the corpus's commits) says in its JSON: code, message, and type and name of
each location, errors first. All of it has to be said here too; where the message is null, in words of our own. A case that is not in it is
judged by its codes alone.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

import corpus

FINDING = re.compile(r"^(?P<file>[^:]+)(:(?P<line>\d+):(?P<column>\d+))?: (?P<kind>error|warning): .*\[(?P<code>LOAD_[A-Z_]+)\]$", re.DOTALL)
CASE = re.compile(r"^- name: (.*)$")


def scalar(text):
    """Of a quoted scalar its value: the file has JSON's escapes only."""
    return json.loads(text) if text.startswith('"') else text


def read_cases(path):
    """The cases; the file keeps to one form, so that no YAML library is needed."""
    cases, rules = [], None
    with open(path, encoding="utf-8", newline="") as f:
        for line in f.read().splitlines():
            head = CASE.match(line)
            if head:
                rules = None
                cases.append({"name": head[1], "rules": ""})
            elif rules is not None and (not line or line.startswith("    ")):
                cases[-1]["rules"] += line[4:] + "\n"
            elif line.startswith("  rules: "):
                rules = line[9:]
                if rules != "|":
                    cases[-1]["rules"] = scalar(rules)
                    rules = None
            elif line.startswith("  expect: ") or line.startswith("  detail: "):
                cases[-1][line[2:8]] = scalar(line[10:])
            elif line.startswith("  codes: "):
                cases[-1]["codes"] = {c for c in line[10:-1].split(", ") if c}
            elif line and not line.startswith("#"):
                raise ValueError(f"{path}: not understood: {line}")
    return cases


def check_words(entries, told):
    """What is said in other words than Falco's; counts the messages that are equal."""
    for entry, (code, message, items) in zip(entries, told):
        at = [[place["item_type"], place["item_name"]] for place in entry["context"]["locations"]]
        if entry["message"] == message:
            check_words.equal += 1
        elif message is not None:
            yield f"{code} says '{entry['message']}', not '{message}'"
        if (entry["code"], at) != (code, items):
            yield f"{entry['code']} is of {at}, not {code} of {items}"
    if len(entries) != len(told):
        yield f"{len(entries)} findings, not {len(told)}"


check_words.equal = 0


def check_json(out, name, want):
    """What is wrong with the JSON result."""
    result = json.loads(out)["falco_load_results"]
    if len(result) != 1 or result[0]["name"] != name or set(result[0]) != {"errors", "name", "successful", "warnings"}:
        yield "is not one result in Falco's shape"
        return
    result = result[0]
    if result["successful"] != (want["expect"] != "error") or bool(result["errors"]) == result["successful"]:
        yield f"successful is {result['successful']}, with {len(result['errors'])} errors"
    if len(result["errors"]) > 1:
        yield "has more than one error of a file"
    codes = {e["code"] for e in result["errors"] + result["warnings"]}
    if codes != want["codes"]:
        yield f"codes are {sorted(codes)}"
    if want["told"] is not None:
        yield from check_words(result["errors"] + result["warnings"], want["told"])
    lines = want["rules"].splitlines()
    for entry in result["errors"] + result["warnings"]:
        if not entry["codedesc"] or not entry["message"] or not entry["context"]["locations"]:
            yield f"{entry['code']} lacks a description, a message or a place"
        for at in entry["context"]["locations"]:
            where = at["position"]
            if where["name"] != name or where["line"] > len(lines) or not at["item_type"]:
                yield f"{entry['code']} is at {where}"


def check_text(out, name, want):
    """What is wrong with the text result: all codes, and perhaps those of what Falco would not have reached."""
    lines = out.split("\n")
    source = want["rules"].split("\n")
    codes = set()
    for i, line in enumerate(lines[:-1]):
        if line.startswith("    "):
            continue
        found = FINDING.match(line)
        if not found or found["file"] != name:
            yield f"is no finding: {line}"
            continue
        codes.add(found["code"])
        if not found["line"]:
            yield f"{found['code']} has no place"
            continue
        row, column = int(found["line"]), int(found["column"])
        caret = lines[i + 2] if i + 2 < len(lines) else ""
        shown = source[row - 1] if row <= len(source) else ""
        if shown.strip() and caret != "    " + " " * (column - 1) + "^" and len(shown) <= 160:
            yield f"{found['code']}: no caret at {row}:{column}"
        at_end = column == len(shown) + 1
        if shown.strip() and not at_end and (column > len(shown) or not shown[column - 1].strip()):
            yield f"{found['code']}: {row}:{column} is a blank"
    if not codes >= want["codes"]:
        yield f"text has the codes {sorted(codes)}"


def check(hindcast, want, work):
    name = want["name"] + ".yaml"
    with open(os.path.join(work, name), "w", encoding="utf-8", newline="") as f:
        f.write(want["rules"])
    problems, exit_code = [], 2 if want["expect"] == "error" else 0
    for flags, judge in ((["--json"], check_json), ([], check_text)):
        run = subprocess.run([hindcast, "check", *flags, "-p", name], cwd=work, capture_output=True, text=True, check=False)
        if run.returncode != exit_code:
            problems.append(f"exit code is {run.returncode}")
        problems += judge(run.stdout, name, want)
    for problem in problems:
        print(f"  {want['name']} (expected {want['expect']} {sorted(want['codes'])}): {problem}")
    return not problems


def main():
    where = corpus.find("load cases")
    if not where:
        return 77
    cases = read_cases(os.path.join(where, "falco", "load_cases.yaml"))
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "falco_load.json"), encoding="utf-8") as f:
        told = json.load(f)
    for case in cases:
        case["told"] = told.get(case["name"])
    with tempfile.TemporaryDirectory(prefix="hc-conformance-") as work:
        equal = sum(check(os.environ["HINDCAST"], case, work) for case in cases)
    print(f"{equal} of {len(cases)} load cases equal")
    print(f"{check_words.equal} of {sum(len(case['told'] or []) for case in cases)} messages in Falco's words")
    return 0 if cases and equal == len(cases) else 1


if __name__ == "__main__":
    sys.exit(main())
