#!/usr/bin/env python3
"""refusing.py COMMAND...: runs it with the system calls refused that service managers and containers refuse by filters of theirs: openat2
as systemd does for RestrictSUIDSGID=, adjtimex as it does for ProtectClock=."""
import ctypes
import errno
import os
import platform
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LD_ABS, JEQ, RET = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7fff0000, 0x00050000
adjtimex, clock_adjtime = {"x86_64": (159, 305), "aarch64": (171, 266)}[platform.machine()]
refused = {437: errno.ENOSYS, adjtimex: errno.EPERM, clock_adjtime: errno.EPERM}

program = struct.pack("HBBI", LD_ABS, 0, 0, 0)  # the number of the call
for number, code in refused.items():
    program += struct.pack("HBBI", JEQ, 0, 1, number) + struct.pack("HBBI", RET, 0, 0, ERRNO | code)
program += struct.pack("HBBI", RET, 0, 0, ALLOW)
text = ctypes.create_string_buffer(program, len(program))
filter = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(text)))
prctl = ctypes.CDLL(None, use_errno=True).prctl
for args in ((PR_SET_NO_NEW_PRIVS, 1, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(filter))):
    if prctl(*(ctypes.c_ulong(a) for a in args), ctypes.c_ulong(0), ctypes.c_ulong(0)):
        sys.exit("no filter: " + os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[1], sys.argv[1:])
