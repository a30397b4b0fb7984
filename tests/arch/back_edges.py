#!/usr/bin/env python3
"""Older kernels (6.1, not 6.12) take a loop only if it goes back by a jump: one whose last instruction stands before its first, and
falls through to it, is refused ("back-edge from insn 552 to 553"). Where blocks lie is the compiler's choice, and newer kernels say
nothing: so every program is walked as those kernels walk it."""
import glob
import os
import struct
import sys

SHT_SYMTAB, STT_FUNC = 2, 2
JMP, JMP32 = 5, 6
JA, CALL, EXIT = 0x00, 0x80, 0x90


def programs(path):
    """Name and instructions (code, offset) of every function."""
    with open(path, "rb") as f:
        data = f.read()
    at, = struct.unpack_from("<Q", data, 40)
    size, n = struct.unpack_from("<HH", data, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, at + i * size) for i in range(n)]
    for _, kind, _, _, table, length, names, *_ in sections:
        if kind != SHT_SYMTAB:
            continue
        for symbol in range(table, table + length, 24):
            name, info, _, section, value, n_bytes = struct.unpack_from("<IBBHQQ", data, symbol)
            if info & 15 != STT_FUNC or not n_bytes:
                continue
            text = sections[names][4] + name
            code = sections[section][4] + value
            yield (data[text:data.index(b"\0", text)].decode(),
                   [struct.unpack_from("<BxhI", data, i)[:2] for i in range(code, code + n_bytes, 8)])


def edges(code, i):
    """Where instruction i goes to, in the kernel's order: the target, and whether it may lie on the way here."""
    op, offset = code[i]
    if op & 7 not in (JMP, JMP32) or op & 0xf0 == CALL:
        return iter(((i + 1, False),))
    if op & 0xf0 == EXIT:
        return iter(())
    jump = (i + 1 + offset, True)
    return iter((jump,) if op & 0xf0 == JA else ((i + 1, True), jump))


def refused(code):
    """The fall-through edges that close a loop."""
    on_the_way, done, found = {0}, set(), []
    stack = [(0, edges(code, 0))]
    while stack:
        i, rest = stack[-1]
        for target, may in rest:
            if target in on_the_way:
                if not may:
                    found.append((i, target))
            elif target not in done and target < len(code):
                on_the_way.add(target)
                stack.append((target, edges(code, target)))
                break
        else:
            stack.pop()
            on_the_way.remove(i)
            done.add(i)
    return found


def selftest():
    mov, ja, jne, leave = 0xb7, 0x05, 0x55, 0x95
    assert not refused([(mov, 0), (mov, 0), (jne, -2), (leave, 0)])  # goes back by a jump
    assert not refused([(jne, 1), (mov, 0), (mov, 0), (leave, 0)])  # two ways meet
    # begins in the middle; what is before it falls through to it
    assert refused([(ja, 2), (jne, 3), (mov, 0), (mov, 0), (ja, -4), (leave, 0)]) == [(2, 3)]


def main():
    selftest()
    objects = glob.glob(os.path.join(os.environ["HC_BUILD_DIR"], "bpf-obj", "*.bpf.o"))
    if not objects:
        print("skipped: no BPF programs were built here")
        return 77
    n = status = 0
    for path in sorted(objects):
        for name, code in programs(path):
            n += 1
            for i, target in refused(code):
                print(f"{os.path.basename(path)}: {name}: back-edge from insn {i} to {target}, without a jump")
                status = 1
    print(f"{n} programs")
    return status if n else 1


sys.exit(main())
