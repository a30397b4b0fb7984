# Killed again and again under load: each call has its row or is counted in a gap, once. And what a row refers to is known, whoever read it.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
. "$HC_SOURCE_DIR/tests/e2e/lib_pinned.sh"

# Gaps are counted by type, for all processes: the calls are of two that hardly anybody makes. Records of the second go by way of the
# front rings, where this kernel has them.
makes_calls() {
	python3 - >made <<-'EOC'
		import ctypes, os, time
		preadv = ctypes.CDLL(None).preadv
		preadv.argtypes = ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_long
		n, fd, room = 0, os.open("file", os.O_RDONLY | os.O_CREAT), ctypes.create_string_buffer(1)
		vector = (ctypes.c_size_t * 2)(ctypes.addressof(room), 1)
		while not os.path.exists("enough"):
		    for i in range(1000):
		        try: os.mknod("/nowhere/%d" % n)
		        except OSError: pass
		        preadv(fd, vector, 1, n)
		        n += 1
		    time.sleep(0.05)
		print(n)
	EOC
}
serve log0 -p full
makes_calls &
load=$!
for round in 1 2 3; do
	sleep 1.$((RANDOM % 10))
	ends KILL 137
	# and once more while it begins, or reads what the other left
	hindcast recorder --dir cap -p full --control none --pin "$pins" 2>early$round &
	pid=$!
	sleep 0.$((RANDOM % 8 + 1))
	ends KILL 137
	serve log$round -p full
done
touch enough
wait $load
ends TERM 0
n=$(cat made)
# once TYPE COLUMN CONDITION: each of the calls has its row or is counted, and some are
once() {
	local rows distinct gone
	read -r rows distinct <<<"$(value "SELECT count(*) || ' ' || count(DISTINCT $2) FROM $1 WHERE $3")"
	[ "$rows" = "$distinct" ] || fail "doubled: $rows rows of $distinct calls of $1"
	gone=$(value "SELECT coalesce(sum(count), 0) FROM meta_gap WHERE cause IN ('crash', 'ring_full') AND of_type = '$1'")
	[ $((rows + gone)) = "$n" ] || fail "$rows calls of $1 have a row and $gone are counted as gone, of $n"
	[ "$gone" -gt 0 ] || fail "six kills lost nothing of $1 that was read and not yet written: $rows of $n calls have a row"
}
once mknodat pathname "pathname LIKE '/nowhere/%'"
once preadv pos "fd_name LIKE '%/file'"

# An open that is not described because another is: that one has been read by the recorder that was killed, this one by the next. How long
# the first may read is found out: more than it holds back of a ring (BATCH_BYTES), which comes again.
mkdir deep
echo data >deep/file
n=20000 pause=0.002 hit=
for round in 1 2 3 4 5 6 7 8; do
	ln -s deep/file name$round
	serve before$round --ring-size 16MiB
	kill -STOP $pid
	python3 - "$PWD" name$round $n $pid $pause <<-'EOC'
		import os, signal, sys, time
		n, pid, pause = int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
		name = sys.argv[1] + "/." * 130 + "/" + sys.argv[2]  # too long for a ring in front, which would be read first
		os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])  # each CPU describes it once
		for _ in range(n):
		    os.close(os.open(name, os.O_RDONLY))
		os.kill(pid, signal.SIGCONT)
		time.sleep(pause)
		os.kill(pid, signal.SIGKILL)
	EOC
	code=0
	wait $pid 2>/dev/null || code=$?
	[ $code = 137 ] || fail "exit code $code after SIGKILL"
	serve after$round
	ends TERM 0
	rows=$(value "SELECT count(*) FROM openat WHERE pathname = '$PWD/name$round' AND seq > (SELECT max(seq) FROM meta_start)")
	if [ "$rows" -gt 0 ] && [ "$rows" -lt $((n - 1000)) ]; then hit=1; fi
	[ "$(value "SELECT count(*) FROM openat WHERE pathname = '$PWD/name$round' AND
		NOT (pathname_prov = 'kernel' AND coalesce(newfd_real, '') = '$PWD/deep/file' AND newfd_size = 5)")" = 0 ] ||
		fail "a file is not known that was described to the recorder before: $rows of $n opens were read by the next one"
	[ -z "$hit" ] || break
	pause=$(awk -v pause=$pause -v rows="$rows" 'BEGIN { print rows ? pause * 2 : pause / 2 }')
done
[ -n "$hit" ] || fail "no recorder was killed while it read"
