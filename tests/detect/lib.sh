# What the detection tests share. A test starts with
#
#	. "$(dirname "$0")/../lib.sh"
#
# and finds itself in the scratch directory given as $1 (also in $S), with $ACT, a program that does what a shell cannot (act.c).
# Nothing outside the scratch directory may be changed: what has to happen in a directory of the system happens in a mount
# namespace of the test's own, with an empty file system over that directory.

set -euo pipefail
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
unset HISTFILE BASH_ENV ENV

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SELF=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
S=${1:?usage: $0 SCRATCH-DIRECTORY}
mkdir -p "$S"
S=$(cd "$S" && pwd)
ACT=$(dirname "$S")/act # made by the setup of pack.yaml; a script that is run by hand makes its own
[ -x "$ACT" ] || { ACT=$S/act && cc -O0 -o "$ACT" "$HERE/act.c"; }

# own NAMESPACE...: goes on in namespaces of the test's own (--mount, --net). Call it before anything else is done.
own() {
	[ -n "${HC_OWN:-}" ] || HC_OWN=1 exec unshare "$@" -- bash "$SELF" "$S"
}

# cover DIRECTORY...: puts an empty file system over each.
cover() {
	[ -n "${HC_OWN:-}" ] || { echo "$0: cover without own --mount" >&2; exit 1; }
	local dir
	for dir; do
		case $S/$ACT/ in
		"$dir"/* | *//"${dir#/}"/*) echo "$0: the scratch directory must not lie below $dir" >&2; exit 1 ;;
		esac
		mount -n -t tmpfs -o mode=1777 none "$dir"
	done
}

# stub NAME [DIRECTORY]: a program of that name, that does nothing unless told to "do:" something.
stub() {
	cp "$ACT" "${2:-$S}/$1"
	chmod 755 "${2:-$S}/$1"
}

# server NAME: a shell that goes by the name of a server, to start things from.
server() {
	cp /bin/bash "$S/$1"
}

# as_service COMMAND...: runs as www-data, an account of every Debian.
as_service() {
	setpriv --reuid=33 --regid=33 --clear-groups -- "$@"
}

cd "$S"
