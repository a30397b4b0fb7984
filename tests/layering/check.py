#!/usr/bin/env python3
"""Compares every #include of the product with the table of who may include whom (README of each folder, docs/ARCHITECTURE.md).

check.py [ROOT]: prints each include that breaks a rule as file:line: reason; exit 1 if there is any.
"""
import os
import re
import sys

FOLDERS = ("bpf", "store", "capture", "replay", "query", "cli")

# folder -> folders whose public headers it may include (besides its own)
USES = {
    "bpf": (),
    "store": (),
    "capture": ("store",),
    "replay": ("store",),
    "query": ("replay", "store"),
    "cli": ("query", "replay", "capture", "store"),
}
# single headers that are allowed beyond that
EXTRA = {
    "bpf": (r"store/event_types\.def$",),
    "capture": (r"bpf/(wire|conf)\.h$", r"bpf/[a-z_]+\.skel\.h$"),
}

# header pattern -> library
LIBRARIES = (
    (r"zstd(_errors)?\.h$", "zstd"),
    (r"xxhash\.h$", "xxhash"),
    (r"sqlite3(ext)?\.h$", "sqlite3"),
    (r"openssl/", "libcrypto"),
    (r"archive(_entry)?\.h$", "libarchive"),
    (r"bpf/", "libbpf"),
    (r"zlib\.h$", "zlib"),
    (r"json-c/|json\.h$", "json-c"),
    (r"curl/", "libcurl"),
    (r"microhttpd\.h$", "libmicrohttpd"),
    (r"sys/capability\.h$", "libcap"),
    (r"seccomp\.h$", "libseccomp"),
    (r"yaml\.h$", "libyaml"),
    (r"pcre2\.h$", "PCRE2"),
)
MAY_LINK = {
    "bpf": ("libbpf",),
    "store": ("zstd", "zlib", "xxhash", "sqlite3", "libcrypto", "libarchive"),
    "capture": ("libbpf", "json-c", "libcurl", "libmicrohttpd", "libcap", "libseccomp"),
    "replay": ("libyaml", "PCRE2", "json-c"),
    "query": ("sqlite3", "libarchive", "json-c"),
    "cli": (),
}
MAY_LINK["cli"] = tuple(sorted({lib for libs in MAY_LINK.values() for lib in libs}))

# Headers of the compiler, the C library and the kernel's interface. A header that is neither here nor of a library above is an
# error: a new dependency is a decision.
SYSTEM = re.compile(
    r"(assert|byteswap|complex|ctype|dirent|dlfcn|elf|endian|err|errno|execinfo|fcntl|features|fenv|float|fnmatch|ftw|getopt|glob"
    r"|grp|ifaddrs|inttypes|iso646|langinfo|libgen|limits|link|locale|malloc|math|mntent|netdb|poll|pthread|pwd|sched|semaphore"
    r"|setjmp|shadow|signal|spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|strings"
    r"|sysexits|syslog|termios|threads|time|uchar|ucontext|unistd|utime|wchar|wctype|wordexp|immintrin|emmintrin|arm_neon)\.h$"
    r"|(sys|sanitizer|linux|asm|asm-generic|net|netinet|netpacket|arpa|bits)/[a-z0-9_/.-]+\.h$")

# Read by the kernel's side and ours: integer types only.
WIRE = ("bpf/wire.h", "bpf/conf.h")
WIRE_MAY = ("bpf/wire.h", "wire.h", "linux/types.h", "stdint.h", "asm/types.h")

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def library_of(header):
    for pattern, name in LIBRARIES:
        if re.match(pattern, header):
            return name
    return None


def check_quoted(folder, path, header, root):
    """What is wrong with #include "header" in a file of the folder, or None."""
    top = header.split("/")[0]
    if ".." in header.split("/"):
        return "no '..' in an include: write \"folder/header.h\""
    if top in FOLDERS and "/" in header:
        for pattern in EXTRA.get(folder, ()):
            if re.match(pattern, header):
                return None
        if top != folder and top not in USES[folder]:
            return f"{folder}/ may not include {top}/"
        if "/src/" in header and top != folder:
            return f"{header} is private to {top}/"
        return None
    # A bare name is a header of its own folder: beside the file, in src/, or in the root.
    for base in (os.path.dirname(path), os.path.join(root, folder, "src"), os.path.join(root, folder)):
        if os.path.exists(os.path.join(base, header)):
            return None
    return f'"{header}" is no header of {folder}/'


def check_angled(folder, header):
    library = library_of(header)
    if library:
        if library not in MAY_LINK[folder]:
            return f"{folder}/ may not use {library} (<{header}>)"
        return None
    top = header.split("/")[0]
    if top in FOLDERS and top != "bpf":
        return f'<{header}>: our own headers are included with quotes'
    if not SYSTEM.match(header):
        return f"<{header}> is of no library this folder may use, nor of the system (add it to tests/layering/check.py)"
    return None


def sources(root, folder):
    for base, dirs, names in os.walk(os.path.join(root, folder)):
        dirs.sort()
        for name in sorted(names):
            if name.endswith((".c", ".h", ".def", ".inc")):
                yield os.path.join(base, name)


def check(root):
    """Returns the list of (path, line, reason) and the number of includes looked at."""
    bad, seen = [], 0
    for folder in FOLDERS:
        for path in sources(root, folder):
            with open(path, encoding="utf-8") as f:
                for number, line in enumerate(f, 1):
                    m = INCLUDE.match(line)
                    if not m:
                        continue
                    seen += 1
                    quoted, angled = m.groups()
                    reason = (check_quoted(folder, path, quoted, root) if quoted else check_angled(folder, angled))
                    if not reason and os.path.relpath(path, root) in WIRE and (quoted or angled) not in WIRE_MAY:
                        reason = f"{os.path.relpath(path, root)} may use integer types only, not {quoted or angled}"
                    if reason:
                        bad.append((os.path.relpath(path, root), number, reason))
    return bad, seen


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("HC_SOURCE_DIR") or os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "..", "..")
    bad, seen = check(os.path.abspath(root))
    for path, number, reason in bad:
        print(f"{path}:{number}: {reason}")
    print(f"{seen} includes, {len(bad)} against the layering")
    return 1 if bad or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
