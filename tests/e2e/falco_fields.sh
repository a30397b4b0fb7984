# Falco's fields of 89 types of events, recorded while calls with known arguments are made, against what they have to be.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
exec python3 "$HC_SOURCE_DIR/tests/upstream/fields.py" .
