#!/bin/bash
# What machines do all day, and no rule may speak of: building C, archives, scripts, text tools, git, looking around, services
# that change accounts, packages that bring jobs and units.
. "$(dirname "$0")/lib.sh"

own --mount

# A small C project with several files, a library, and a program that is run.
mkdir -p src
for i in 1 2 3; do
	printf 'int f%d(int x)\n{\n\treturn x * %d;\n}\n' $i $i >src/f$i.c
done
printf 'int f1(int), f2(int), f3(int);\nint main(void)\n{\n\treturn f1(0) + f2(0) + f3(0);\n}\n' >src/main.c
printf 'prog: main.o libf.a\n\t$(CC) -o $@ $^\nlibf.a: f1.o f2.o f3.o\n\tar rcs $@ $^\n' >src/Makefile
make -s -C src -j2
./src/prog
install -m 755 -D src/prog usr/bin/prog
strip usr/bin/prog

# Archives, text, times.
tar -czf src.tar.gz src
mkdir -p unpacked
tar -xzf src.tar.gz -C unpacked
touch -d yesterday unpacked/src/main.c
grep -rn "return" unpacked | sed 's/:.*//' | sort | uniq -c >counts
find unpacked -type f -name '*.c' -exec wc -l {} + >/dev/null
find / -maxdepth 2 -xdev -name '*.conf' >/dev/null 2>&1 || true
awk '{ n += $1 } END { print n }' counts >/dev/null
base64 counts | base64 -d | cmp - counts
openssl dgst -sha256 counts >/dev/null 2>&1 || true

# Scripts and their interpreters, with pipes and sockets.
/usr/bin/python3 -c 'import json, subprocess, tempfile; subprocess.run(["true"]); json.dumps({})'
/usr/bin/python3 -c 'import socket; a = socket.create_server(("127.0.0.1", 0)); b = socket.create_connection(a.getsockname()); b.send(b"x")'
perl -e 'print join(",", map { $_ * 2 } 1 .. 10), "\n"' >/dev/null
sh -c 'for i in 1 2 3; do echo $i; done | sort -r | head -1' >/dev/null
bash -lc true </dev/null
echo 'echo hello' >script.sh
sh script.sh >/dev/null

# Version control.
if command -v git >/dev/null; then
	export HOME=$S GIT_CONFIG_NOSYSTEM=1
	git init -q repo
	echo text >repo/file
	git -C repo add file
	git -C repo -c user.name=x -c user.email=x@example.org commit -q -m one
	git -C repo log -p >/dev/null
fi

# An administrator looks around.
id >/dev/null
uname -a >/dev/null
ps aux >/dev/null
df -h >/dev/null 2>&1 || true
ls -laR /etc >/dev/null 2>&1 || true
env >/dev/null
dpkg -l >/dev/null 2>&1 || true
dpkg -S /bin/ls >/dev/null 2>&1 || true
mount >/dev/null
date >/dev/null
getent passwd root >/dev/null
stat /etc/shadow >/dev/null
kill -0 $$

# A package with an account, a job and a unit is built, and installed in directories of the test's own.
mkdir -p pkg/DEBIAN pkg/etc/cron.d pkg/usr/lib/systemd/system
printf 'Package: hindcast-quiet\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: nothing\n' >pkg/DEBIAN/control
printf '#!/bin/sh\nset -e\necho "# nothing" >/etc/cron.d/hindcast-quiet-2\nchmod 4755 /var/lib/dpkg/hindcast-quiet\n' >pkg/DEBIAN/postinst
chmod 755 pkg/DEBIAN/postinst
echo "# nothing" >pkg/etc/cron.d/hindcast-quiet
echo "[Unit]" >pkg/usr/lib/systemd/system/hindcast-quiet.service
dpkg-deb --root-owner-group -b pkg hindcast-quiet.deb >/dev/null
[ -d /etc/cron.d ] || exit 0
cover /etc/cron.d /usr/lib/systemd/system /var/lib/dpkg
mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates /var/lib/dpkg/triggers
: >/var/lib/dpkg/status
: >/var/lib/dpkg/hindcast-quiet
dpkg -i --force-not-root hindcast-quiet.deb >/dev/null 2>&1
[ -e /etc/cron.d/hindcast-quiet-2 ]
