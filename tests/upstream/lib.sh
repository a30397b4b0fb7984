# What the acts share: a directory of their own ($S), $ACT (tests/detect/act.c), and these. Few processes: there are many acts.
S=$1 ACT=$HC_ACT
mkdir "$S" && cd "$S" || exit 1

# decoy NAME: makes NAME here, which is tests/detect/act.c: rules go by the name, and it does what "do:" tells it to.
decoy() { ln "$ACT" "$1"; }

# server NAME: a shell that goes by that name, to start things from.
server() { ln "$BASE/shell" "$1"; }

# as_service COMMAND...: runs as www-data, an account of every Debian.
as_service() { setpriv --reuid=33 --regid=33 --clear-groups -- "$@"; }

# without CAPABILITY COMMAND...: runs it without that capability.
without() {
	local capability=$1
	shift
	setpriv --bounding-set="-$capability" --inh-caps="-$capability" -- "$@"
}

# container [--tty] [--caps LIST] [--uid N] COMMAND...: runs it in a container of its own, whose root is the machine's, seen through
# an overlay.
container() {
	local tty=false caps=$ALL_CAPS uid=0 id args='' arg config
	while :; do
		case $1 in
		--tty) tty=true; shift ;;
		--caps) caps=$2; shift 2 ;;
		--uid) uid=$2; shift 2 ;;
		*) break ;;
		esac
	done
	for arg; do
		arg=${arg//\\/\\\\}
		args+=",\"${arg//\"/\\\"}\""
	done
	id=$(printf %s "$S$*" | sha256sum)
	id=${id%% *}
	caps=\"${caps//,/\",\"}\"
	config=$S/$id
	mkdir -p "$config"
	cat >"$config/config.json" <<-END
		{ "ociVersion": "1.0.0",
		  "process": { "terminal": $tty, "user": { "uid": $uid, "gid": $uid }, "args": [${args#,}], "cwd": "/",
		    "env": ["PATH=$PATH", "LC_ALL=C", "HC_ACT=$ACT", "BASE=$BASE"],
		    "capabilities": { "bounding": [$caps], "effective": [$caps], "permitted": [$caps] } },
		  "root": { "path": "$BASE/root" },
		  "mounts": [
		    { "destination": "/proc", "type": "proc", "source": "proc" },
		    { "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"] },
		    { "destination": "/dev/pts", "type": "devpts", "source": "devpts",
		      "options": ["newinstance", "ptmxmode=0666", "mode=0620"] },
		    { "destination": "$BASE", "type": "bind", "source": "$BASE", "options": ["bind"] } ],
		  "linux": { "cgroupsPath": "/docker/$id",
		    "namespaces": [{ "type": "pid" }, { "type": "mount" }, { "type": "ipc" }, { "type": "uts" }] } }
	END
	local command=(crun --cgroup-manager=cgroupfs --root "$BASE/state" run --bundle "$config" "$id")
	if [ $tty = true ]; then
		SHELL=/bin/bash script -qec "exec ${command[*]}" /dev/null
	else
		"${command[@]}"
	fi
}
