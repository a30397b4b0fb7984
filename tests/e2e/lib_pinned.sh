# Sourced by tests of recorders that follow each other, in a mount namespace of its own with a BPF file system in `fs`.
if [ -z "${HC_OWN_MOUNTS:-}" ]; then
	unshare -m true 2>/dev/null || skip "no mount namespace of our own"
	HC_OWN_MOUNTS=1 exec unshare -m bash "$0"
fi
mkdir fs
mount -t bpf bpf fs 2>/dev/null || skip "no BPF file system can be mounted"
pins=$PWD/fs/hindcast

# value QUERY: the query's only value
value() { hindcast query cap "$1" --csv 2>/dev/null | tail -n +2 | tr -d '\r'; }
# serve LOG OPTION...
serve() {
	local log=$1
	shift
	hindcast recorder --dir cap --control none --pin "$pins" "$@" 2>"$log" &
	pid=$!
	waits ' msg=recording ' "$log"
}
ends() { # SIGNAL CODE
	local code=0
	kill -"$1" $pid
	wait $pid 2>/dev/null || code=$?
	[ $code = "$2" ] || fail "exit code $code after SIG$1"
	pid=
}
# calls TAG N RATE: opens N numbered files that are not there, so many a second. Others on this machine may run the same test: the
# names are this one's.
calls() {
	python3 - "$@" $$ <<-'EOC'
		import os, sys, time
		tag, n, rate = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
		start = time.monotonic()
		for i in range(n):
		    try: os.open("/nowhere-%s/%s-%d" % (sys.argv[4], tag, i), os.O_RDONLY)
		    except OSError: pass
		    if i % 50 == 0:
		        time.sleep(max(0, start + i / rate - time.monotonic()))
	EOC
}
# seen TAG: how many of the calls were recorded, and how many different ones
seen() { value "SELECT count(*) || ' ' || count(DISTINCT pathname) FROM openat WHERE pathname LIKE '/nowhere-$$/$1-%'"; }
# lost CAUSE: how many openat a gap counts
lost() { value "SELECT coalesce(sum(count), 0) FROM meta_gap WHERE cause = '$1' AND of_type = 'openat'"; }
pid=
trap '[ -z "$pid" ] || kill -9 $pid ${others:-} 2>/dev/null || :; umount fs 2>/dev/null || :' EXIT

