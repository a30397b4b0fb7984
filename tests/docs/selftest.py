#!/usr/bin/env python3
"""The runner of examples passes what is true and notices what is not."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from run import run_page

# page, commands compared, complaints
CASES = (
    ("```console run\n$ echo a\na\n```\n", 1, 0),
    ("```console run\n$ echo a\nb\n```\n", 1, 1),
    ("```console run\n$ echo a\n```\n", 1, 1),
    ("```console run\n$ true\nx\n```\n", 1, 1),
    ("```console\n$ echo a\nb\n```\n", 0, 0),
    ("```console run\n$ printf '1\\n2\\n3\\n'\n1\n...\n3\n```\n", 1, 0),
    ("```console run\n$ printf '1\\n2\\n3\\n'\n1\n...\n4\n```\n", 1, 1),
    ("```console run\n$ echo pid 17 x\npid ... x\n```\n", 1, 0),
    ("```console run\n$ false\n$ echo $?\n1\n```\n", 2, 0),
    ("```console run\n$ echo a \\\n> b\na b\n```\n", 1, 0),
    ("```console run\n$ v=1\n```\ntext\n```console run\n$ echo $v; echo oops >&2\n1\noops\n```\n", 2, 0),
    ("<!-- run: mkdir d -->\n```console run\n$ ls\nd\n```\n", 1, 0),
    ("<!-- run: false -->\n```console run\n$ echo\n\n```\n", 1, 1),
    ("```console run\n$ exit 3\n$ echo a\na\n```\n", 0, 1),
    ("```console run live\n$ echo a\nb\n```\n", 0, 0),
)


def main():
    wrong = 0
    for page, compared, complaints in CASES:
        got = run_page(page, dict(os.environ), can_record=False)
        if (got[0], len(got[2])) != (compared, complaints):
            print(f"{page!r}: expected {compared} compared, {complaints} wrong; got {got}")
            wrong += 1
    print(f"{len(CASES)} cases, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
