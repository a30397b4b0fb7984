#!/usr/bin/env python3
"""The layering check finds what it is for: small trees, each with one include and the verdict it must get."""
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from check import check

# file, include line, whether it is allowed
CASES = (
    ("store/src/a.c", "#include <zstd.h>", True),
    ("store/src/a.c", "#include <yaml.h>", False),
    ("store/src/a.c", '#include "replay/plan.h"', False),
    ("store/src/a.c", '#include "capture/capture.h"', False),
    ("store/src/a.c", '#include "store/block.h"', True),
    ("store/src/a.c", '#  include "../../replay/plan.h"', False),
    ("store/src/a.c", "#include <libfoo.h>", False),
    ("store/src/a.c", "#include <sys/stat.h>", True),
    ("replay/src/a.c", '#include "store/block.h"', True),
    ("replay/src/a.c", '#include "store/src/block_priv.h"', False),
    ("replay/src/a.c", '#include "bpf/wire.h"', False),
    ("replay/src/a.c", '#include "query/vtab.h"', False),
    ("replay/src/a.c", "#include <sqlite3.h>", False),
    ("replay/src/a.c", "#include <pcre2.h>", True),
    ("replay/src/a.c", '#include "nowhere.h"', False),
    ("capture/src/a.c", '#include "bpf/wire.h"', True),
    ("capture/src/a.c", '#include "bpf/core.bpf.h"', False),
    ("capture/src/a.c", '#include "bpf/recorder.skel.h"', True),
    ("capture/src/a.c", '#include "replay/plan.h"', False),
    ("capture/src/a.c", "#include <bpf/libbpf.h>", True),
    ("query/src/a.c", '#include "replay/plan.h"', True),
    ("query/src/a.c", '#include "capture/capture.h"', False),
    ("query/src/a.c", '#include "cli/cmd.h"', False),
    ("cli/a.c", '#include "query/vtab.h"', True),
    ("cli/a.c", '#include "query/src/vtab_priv.h"', False),
    ("bpf/r.bpf.c", '#include "store/event_types.def"', True),
    ("bpf/r.bpf.c", '#include "store/block.h"', False),
    ("bpf/wire.h", "#include <linux/types.h>", True),
    ("bpf/wire.h", "#include <bpf/bpf_helpers.h>", False),
)


def main():
    wrong = 0
    for path, line, allowed in CASES:
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, os.path.dirname(path)))
            with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                f.write(line + "\n")
            bad, seen = check(root)
            if seen != 1 or bool(bad) == allowed:
                print(f"{path}: {line}: expected {'allowed' if allowed else 'refused'}, got {bad}")
                wrong += 1
    print(f"{len(CASES)} cases, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
