# Killed again and again under load: each call has its row or is counted in a gap, once.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
. "$HC_SOURCE_DIR/tests/e2e/lib_pinned.sh"

# Gaps are counted by type, for all processes: the calls are of one that hardly anybody makes.
makes_nodes() {
	python3 - >made <<-'EOC'
		import os, time
		n = 0
		while not os.path.exists("enough"):
		    for i in range(1000):
		        try: os.mknod("/nowhere/%d" % n)
		        except OSError: pass
		        n += 1
		    time.sleep(0.05)
		print(n)
	EOC
}
serve log0
makes_nodes &
load=$!
for round in 1 2 3; do
	sleep 1.$((RANDOM % 10))
	ends KILL 137
	# and once more while it begins, or reads what the other left
	hindcast recorder --dir cap --control none --pin "$pins" 2>early$round &
	pid=$!
	sleep 0.$((RANDOM % 8 + 1))
	ends KILL 137
	serve log$round
done
touch enough
wait $load
ends TERM 0
n=$(cat made)
read -r rows distinct <<<"$(value "SELECT count(*) || ' ' || count(DISTINCT pathname) FROM mknodat WHERE pathname LIKE '/nowhere/%'")"
[ "$rows" = "$distinct" ] || fail "doubled: $rows rows of $distinct calls"
gone=$(value "SELECT coalesce(sum(count), 0) FROM meta_gap WHERE cause IN ('crash', 'ring_full') AND of_type = 'mknodat'")
[ "$gone" -gt 0 ] || fail "six kills lost nothing that was read and not yet written: $rows of $n calls have a row"
[ $((rows + gone)) = "$n" ] || fail "$rows calls have a row and $gone are counted as gone, of $n"
