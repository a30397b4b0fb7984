#!/usr/bin/env python3
"""A service manager's ear: notified.py SOCKET FILE writes what comes to a datagram socket into FILE, a line for each, until killed."""
import socket
import sys

ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
ear.bind(sys.argv[1])
with open(sys.argv[2], "w", buffering=1) as out:
    while True:
        print(ear.recv(4096).decode().replace("\n", " "), file=out)
