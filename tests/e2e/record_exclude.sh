# What is excluded is not there, what it starts is described all the same, and the capture says what was left out.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live

# value CAPTURE QUERY: the query's only value
value() { hindcast query "$1" "$2" --csv 2>/dev/null | tail -n +2 | tr -d '\r'; }

cp /bin/ls ./noisyprog
cat >script <<'END'
./noisyprog /proc/version >/dev/null
/bin/cat /proc/version >/dev/null
END
none() {
	local n
	n=$(value "$1" "$2")
	[ "$n" = 0 ] || fail "$n rows: $2"
}
some() {
	local n
	n=$(value "$1" "$2")
	[ "$n" -gt 0 ] || fail "no rows: $2"
}
hindcast record -q -o a -x comm=noisyprog -x type=mmap -- /bin/sh script
none a "SELECT count(*) FROM openat WHERE comm = 'noisyprog'"
none a "SELECT count(*) FROM mmap"
some a "SELECT count(*) FROM openat WHERE comm = 'cat'"
some a "SELECT count(*) FROM meta_filter WHERE reason = 'user' AND expression = 'comm=noisyprog type=mmap'"

hindcast record -q -o b -x "exe=$(realpath noisyprog)" -- /bin/sh script
none b "SELECT count(*) FROM openat WHERE comm = 'noisyprog'"
some b "SELECT count(*) FROM openat WHERE comm = 'cat'"
some b "SELECT n_rows FROM meta_filter WHERE reason = 'user' ORDER BY seq DESC LIMIT 1"
echo ok
