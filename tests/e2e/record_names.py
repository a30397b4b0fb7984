"""record_names.py provoke MADE | check CAPTURE MADE AREA, by record_names.sh: MADE is a list of the calls in order, each with its type and
the columns that its row must have."""
import csv
import ctypes
import io
import json
import mmap
import os
import subprocess
import sys

AT_FDCWD = -100
NR = {"openat": 257, "open": 2, "newfstatat": 262, "stat": 4, "access": 21, "readlink": 89, "statx": 332, "unlinkat": 263, "mkdir": 83}
# Around a multiple of 8, around what a short record has room for, and the longest that a call takes.
LENGTHS = [0, 1, 7, 8, 9, 15, 16, 63, 64, 247, 248, 253, 254, 255, 256, 257, 511, 1023, 4094, 4095]

libc = ctypes.CDLL(None, use_errno=True)
room = ctypes.create_string_buffer(4096)
made = []


def call(kind, *args):
    ret = libc.syscall(NR[kind], *args)
    return ret if ret >= 0 else -ctypes.get_errno()


def note(kind, ret, **columns):
    made.append({"type": kind, "ret": ret, **columns})


def text_of(length):
    """A relative name that does not exist, of components that are short enough."""
    return ("x" * 99 + "/") * (length // 100) + "y" * (length % 100)


def names(directory):
    for length in LENGTHS:
        name = text_of(length)
        raw = ctypes.create_string_buffer(name.encode())
        note("newfstatat", call("newfstatat", AT_FDCWD, raw, room, 0), dirfd=AT_FDCWD, pathname_given=name, flags=0)
        note("newfstatat", call("newfstatat", directory, raw, room, 0x100), dirfd=directory, pathname_given=name)
        note("stat", call("stat", raw, room), pathname_given=name)
        note("access", call("access", raw, 4), pathname_given=name, mode=4)
        note("readlink", call("readlink", raw, room, 77), pathname_given=name, bufsiz=77)
        note("statx", call("statx", AT_FDCWD, raw, 0, 0x7ff, room), dirfd=AT_FDCWD, pathname_given=name, mask=0x7ff)
        note("unlinkat", call("unlinkat", directory, raw, 0), dirfd=directory, pathname_given=name)
        note("openat", call("openat", AT_FDCWD, raw, 0, 0), dirfd=AT_FDCWD, pathname_given=name)
        note("open", call("open", raw, 0, 0), pathname_given=name)
    # one that ends where its page does, one that cannot be read, none
    page = mmap.mmap(-1, 4096)
    at = ctypes.addressof(ctypes.c_char.from_buffer(page))
    page[4096 - 10:] = b"last/name\0"
    note("newfstatat", call("newfstatat", AT_FDCWD, ctypes.c_void_p(at + 4096 - 10), room, 0), pathname_given="last/name")
    note("newfstatat", call("newfstatat", AT_FDCWD, ctypes.c_void_p(8), room, 0), pathname_given="")
    note("stat", call("stat", None, room), pathname_given="")
    note("openat", call("openat", AT_FDCWD, ctypes.c_void_p(8), 0, 0), pathname_given="")


def opens(directory):
    """The same few files, so that most are known from a record that still waits; what they are changes meanwhile."""
    os.makedirs("d/e")
    os.symlink("e", "d/l")
    long = "d/" + "./" * 130 + "e/f"
    with open("d/e/f", "w", encoding="ascii"):
        pass
    for n in range(200):
        if n == 100:
            os.rename("d/e/f", "d/e/g")
            os.symlink("g", "d/e/f")
        leads = "d/e/f" if n < 100 else "d/e/g"
        for kind, first, name, flags in (("openat", AT_FDCWD, "d/e/f", os.O_RDONLY), ("openat", AT_FDCWD, "d/l/f", os.O_RDWR),
                                         ("openat", directory, "d/e/f", os.O_WRONLY), ("openat", AT_FDCWD, long, os.O_RDONLY),
                                         ("open", None, "d/e/../e/f", os.O_WRONLY | os.O_APPEND)):
            raw = ctypes.create_string_buffer(name.encode())
            args = (raw, flags, 0) if first is None else (first, raw, flags, 0)
            ret = call(kind, *args)
            note(kind, ret, pathname_given=name, leads=leads)
            os.close(ret)


def provoke(path):
    directory = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    os.stat(".", dir_fd=directory)
    names(directory)
    opens(directory)
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"pid": os.getpid(), "made": made}, f)


def rows_of(capture, kind, tid):
    columns = ["ret", "pathname_given"] + {"newfstatat": ["dirfd", "flags"], "access": ["mode"], "readlink": ["bufsiz"], "statx": ["dirfd", "mask"],
                                           "unlinkat": ["dirfd"], "openat": ["dirfd", "newfd_real"], "open": ["newfd_real"]}.get(kind, [])
    out = subprocess.run([os.environ["HINDCAST"], "query", capture, f"SELECT {', '.join(columns)} FROM {kind} WHERE tid = {tid} ORDER BY seq",
                          "--csv"], check=True, capture_output=True, text=True).stdout
    return iter(list(csv.DictReader(io.StringIO(out))))


def check(capture, path, area):
    with open(path, encoding="utf-8") as f:
        told = json.load(f)
    rows, bad = {kind: rows_of(capture, kind, told["pid"]) for kind in NR}, 0
    for want in told["made"]:
        leads = want.pop("leads", None)
        if leads:
            want["newfd_real"] = f"{area}/{leads}"
        kind = want.pop("type")
        # The interpreter makes calls of its own before and between: ours come in their order.
        for row in rows[kind]:
            if all(row[k] == str(v) for k, v in want.items()):
                break
        else:
            print("no such row, or not where it should be:", kind, want)
            bad += 1
            rows[kind] = iter(())
    print(len(told["made"]), "calls,", bad, "wrong")
    return bad


if __name__ == "__main__":
    if sys.argv[1] == "provoke":
        provoke(sys.argv[2])
    else:
        sys.exit(1 if check(*sys.argv[2:]) else 0)
