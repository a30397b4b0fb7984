# Falco's own stable, incubating and sandbox rules over one recording: each fires for what it is about, and not for what is next to
# it; what cannot be answered is known and said.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
exec python3 "$HC_SOURCE_DIR/tests/upstream/run.py" .
