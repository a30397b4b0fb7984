# Slow, endless, greedy and broken clients at the address of metrics: a scraper is served beside them, the recorder stays as small as it was and
# loses nothing.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command python3
export PYTHONPATH=$HC_SOURCE_DIR/tests/e2e PYTHONDONTWRITEBYTECODE=1
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:quarantine_size_mb=8" # what was freed counts as memory that the recorder has
pid=
trap '[ -z "$pid" ] || kill -9 $pid 2>/dev/null || :; kill $(jobs -p) 2>/dev/null || :' EXIT

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
hindcast recorder --config /dev/null -d cap --control none --pin none --metrics "$port" 2>log &
pid=$!
waits ' msg=recording ' log
# meanwhile: calls of which none may be missing
cat >calls.py <<'END'
import os, sys, time

n = 0
while not os.path.exists("done"):
    try:
        os.open("/nowhere-%s/meanwhile-%d" % (sys.argv[1], n), os.O_RDONLY)
    except OSError:
        n += 1
    time.sleep(0.002)
print(n)
END
python3 calls.py $$ >n &
calls=$!
python3 "$HC_SOURCE_DIR/tests/e2e/hostile.py" "127.0.0.1:$port" $pid || { cat log >&2; fail "clients"; }
touch done
wait $calls
kill -TERM $pid
wait $pid || fail "exit code $?"
pid=
! grep -q level=error log || { cat log >&2; fail "errors in the log"; }
n=$(cat n)
[ "$n" -gt 500 ] || fail "only $n calls"
got=$(hindcast query cap "SELECT count(DISTINCT pathname) FROM openat WHERE pathname LIKE '/nowhere-$$/meanwhile-%'" --csv | tail -n +2 | tr -d '\r')
[ "$got" = "$n" ] || { cat log >&2; fail "$got of $n calls were recorded"; }
echo ok
