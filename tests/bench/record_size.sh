#!/bin/bash
# Bytes on disk for each event, everything included, with profile `full`: of a C build, and of nginx under load on loopback.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"; [ -z "${nginx_pid:-}" ] || kill "$nginx_pid" 2>/dev/null' EXIT

bytes_per_event() { # DIR -> "events bytes"
	python3 -c '
import json, subprocess, sys
info = json.loads(subprocess.run([sys.argv[1], "info", "--json", sys.argv[2]], check=True, capture_output=True).stdout)
print(info["events"], info["bytes"])' "$HINDCAST" "$1"
}

report() { # NAME DIR
	local events bytes
	read -r events bytes < <(bytes_per_event "$2")
	python3 -c '
import sys
name, events, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
print(f"{name}.events,{events},events,,")
print(f"{name}.bytes_per_event,{size / events:.3f},bytes,5,{size / events / 5:.3f}")' "$1" "$events" "$bytes"
}

mkdir "$work/c"
for i in $(seq 40); do
	printf '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <sys/socket.h>\nint f%d(int x) { char b[64]; snprintf(b, sizeof(b), "%%d", x); return (int)strlen(b) + %d; }\n' "$i" "$i" >"$work/c/f$i.c"
done
printf 'objs := $(patsubst %%.c,%%.o,$(wildcard f*.c))\nall: lib.so\nlib.so: $(objs)\n\t$(CC) -shared -o $@ $^\n%%.o: %%.c\n\t$(CC) -O2 -fPIC -c -o $@ $<\n' >"$work/c/Makefile"
if ! "$HINDCAST" record --quiet --profile full -o "$work/build" -- make -s -C "$work/c" -j2 2>"$work/err"; then
	tail -1 "$work/err"
	exit 77
fi
report size.build "$work/build"

if ! command -v nginx >/dev/null || ! command -v wrk >/dev/null; then
	echo "the web server's part needs the packages nginx-light and wrk"
	exit 0
fi
mkdir -p "$work/www" "$work/logs"
head -c 4096 /dev/zero >"$work/www/index.html"
cat >"$work/nginx.conf" <<CONF
worker_processes 2;
pid $work/nginx.pid;
error_log $work/logs/error.log;
events { worker_connections 512; }
http { access_log $work/logs/access.log; server { listen 127.0.0.1:18080; root $work/www; } }
CONF
chmod 711 "$work"
chmod -R a+rX "$work/www"
nginx -e "$work/logs/error.log" -c "$work/nginx.conf" -g 'daemon off;' &
nginx_pid=$!
sleep 0.5
"$HINDCAST" record --quiet --profile full -o "$work/web" -- wrk -t1 -c16 -d5s http://127.0.0.1:18080/ >/dev/null 2>"$work/err" || { cat "$work/err"; exit 1; }
report size.web "$work/web"
