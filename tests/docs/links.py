#!/usr/bin/env python3
"""Every relative link in our Markdown leads to a file, and to a heading of it where it names one. Every page of docs/ is in its index."""
import os
import re
import sys

ROOT = os.environ.get("HC_SOURCE_DIR") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SKIP = {"build", ".git"}


def pages():
    for base, dirs, names in os.walk(ROOT):
        dirs[:] = sorted(d for d in dirs if d not in SKIP)
        for name in sorted(names):
            if name.endswith(".md"):
                yield os.path.join(base, name)


def without_code(text):
    text = re.sub(r"^(`{3,}).*?^\1\s*$", "", text, flags=re.S | re.M)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(path):
    with open(path, encoding="utf-8") as f:
        text = re.sub(r"^(`{3,}).*?^\1\s*$", "", f.read(), flags=re.S | re.M)
    found = set()
    for heading in re.findall(r"^#+\s+(.*?)\s*$", text, flags=re.M):
        plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
        found.add(plain.replace(" ", "-"))
    return found


def main():
    bad, seen = [], 0
    for page in pages():
        with open(page, encoding="utf-8") as f:
            text = without_code(f.read())
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            seen += 1
            path, _, anchor = target.partition("#")
            full = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
            if not os.path.exists(full):
                bad.append(f"{os.path.relpath(page, ROOT)}: {target}: no such file")
            elif anchor and full.endswith(".md") and anchor not in anchors(full):
                bad.append(f"{os.path.relpath(page, ROOT)}: {target}: no such heading")
    with open(os.path.join(ROOT, "docs", "README.md"), encoding="utf-8") as f:
        index = f.read()
    for name in sorted(os.listdir(os.path.join(ROOT, "docs"))):
        if name.endswith(".md") and name != "README.md" and f"({name}" not in index:
            bad.append(f"docs/README.md: {name} is not in the index")
    for line in bad:
        print(line)
    print(f"{seen} links, {len(bad)} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
