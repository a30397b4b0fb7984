# Five hundred small segments: a restart finds them all, a capture reaches back over them, and retention removes the oldest but what is kept.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command jq

sock=$PWD/control.sock
say=$PWD/say$$
cp /bin/echo "$say"
pid=
trap '[ -z "$pid" ] || kill -9 $pid 2>/dev/null || :' EXIT
begin() {
	hindcast recorder --config c.yaml -d rec --control "$sock" --pin none --segment-size 4KiB >>log 2>&1 &
	pid=$!
	answers "$sock" log
}
end() {
	kill -TERM $pid
	wait $pid || fail "the recorder did not stop well"
	pid=
}
value() { hindcast query rec "$@" --csv | tail -n +2 | tr -d '\r'; }
said() { value "SELECT count(*) FROM execs WHERE cmdline = '$say $1'" "${@:2}"; }
# numbers of the security stream's segments, in order
numbers() { find rec/segments -name 'security-*.hcs' | sed -E 's/.*security-0*([0-9]+).hcs/\1/' | sort -n; }
bytes() { find rec/segments -ignore_readdir_race -name '*.hcs' -printf '%s\n' | awk '{ n += $1 } END { print n }'; }
# Each mark is written at once, and a segment is full with it.
fill() { # until there are so many
	python3 - "$sock" "$1" <<-'END'
		import json, os, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.connect(sys.argv[1])
		answers = s.makefile()
		i = 0
		while i % 10 or sum(len(names) for _, _, names in os.walk("rec/segments")) < int(sys.argv[2]):
		    op = "capture.delete" if i % 2 else "capture.start"
		    s.sendall(json.dumps({"hindcast": 1, "op": op, "name": "fill", **({} if i % 2 else {"scope": "host"})}).encode() + b"\n")
		    answer = json.loads(answers.readline())
		    assert answer["ok"], answer
		    i += 1
	END
}

echo 'profile: security' >c.yaml
begin
"$say" first >/dev/null
fill 200
hindcast capture start kept -q --control "$sock"
"$say" kept >/dev/null
hindcast capture stop kept -q --control "$sock"
fill 520
"$say" last >/dev/null
end
[ "$(find rec/segments -name '*.hcs' | wc -l)" -ge 500 ] || fail "there are fewer segments"
n=$(numbers | wc -l)
[ "$(numbers | tail -1)" = "$n" ] || fail "some of $n segments are missing"
rows=$(value "SELECT count(*) FROM execs")

# all are found again, with and without the index
begin
hindcast capture start past -q --pre 10m --control "$sock"
hindcast capture list --json --control "$sock" >list
[ "$(jq '.captures[] | select(.name == "past") | .from_ns <= .past_from_ns and .past_limit == "unrecorded"' list)" = true ] ||
	fail "how far the past reaches: $(cat list)"
end
for which in with without; do
	for word in first kept last; do
		[ "$(said $word)" = 1 ] || fail "'$word' is lost $which the index"
		[ "$(said $word --capture past)" = 1 ] || fail "'$word' is not in the past $which the index"
	done
	[ "$(said kept --capture kept)" = 1 ] && [ "$(said first --capture kept)" = 0 ] || fail "another span is kept $which the index"
	rm -f rec/index.db*
done
[ "$(value "SELECT count(*) FROM execs")" -ge "$rows" ] || fail "rows are lost"
hindcast info --json rec >info 2>/dev/null
[ "$(jq .segments info)" = "$(find rec/segments -name '*.hcs' | wc -l)" ] || { cat info >&2; fail "info counts others"; }

# three quarters of it have to go, far beyond what is kept: the oldest, and nothing that is kept
begin
hindcast capture delete past -q --control "$sock"
limit=$(($(bytes) / 4))
printf 'profile: security\nretain-size: %sB\n' "$limit" >c.yaml
kill -HUP $pid
within 10 eval '[ "$(bytes)" -le "$((limit + 65536))" ]' || { tail -5 log >&2; fail "$(bytes) bytes are left of $limit"; }
end
numbers >left
[ "$(awk 'NR > 1 && $1 != last + 1 { n++ } { last = $1 } END { print n + 1 }' left)" = 2 ] || { tr '\n' ' ' <left >&2; fail "not the oldest went"; }
[ "$(wc -l <left)" -ge $((n / 8)) ] || fail "too many went: $(wc -l <left) of $n are left"
[ "$(said first)" = 0 ] && [ "$(said kept --capture kept)" = 1 ] && [ "$(said last)" = 1 ] || fail "not the right ones went"
gone=$(($(tail -1 left) - $(wc -l <left)))
[ "$(value "SELECT sum(last_number - first_number + 1) FROM meta_filter WHERE of_stream = 'security' AND reason = 'retention'")" = $gone ] ||
	fail "$gone segments are gone, rows tell of others"
hindcast verify rec >out || { cat out >&2; fail "not whole"; }
echo ok
