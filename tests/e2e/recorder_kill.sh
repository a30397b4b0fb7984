# Killed again and again under load: each call has its row or is counted in a gap, once.
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
