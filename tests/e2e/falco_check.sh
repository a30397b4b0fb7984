# All that is wrong with rules is said, with its place; a file that appends is checked on top of the one before it.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
exec 2>&1

cat >base.yaml <<'EOF'
- macro: opened
  condition: evt.type in (open, openat, openat2)
- list: tools
  items: [cat, head]
- macro: spare
  condition: proc.tty = 0
- rule: One
  desc: d
  condition: opened and proc.name in (tools) and fd.name = /etc/shadow
  output: "%proc.name read %fd.name"
  priority: WARNING
EOF
cat >more.yaml <<'EOF'
- rule: One
  condition: and not spare
  override: {condition: append}
EOF
cat >bad.yaml <<'EOF'
- macro: broken
  condition: evt.type in (open, openat
- rule: Two
  desc: d
  condition: >
    evt.type = openat and
      (broken or
       proc.pid contains 3)
  output: "%proc.name %fd.colour"
  priority: INFO
- rule: Three
  desc: d
  condition: evt.type = openat and missing
  output: "%evt.dir"
  priority: LOUD
- rule: Four
  desc: d
  condition: evt.type = openat and missing
  output: "%evt.dir"
  priority: INFO
EOF
run() {
	local code=0
	echo "\$ hindcast $*"
	hindcast "$@" || code=$?
	[ $code = 0 ] || echo "exit $code"
}
run check
run check -p base.yaml
run check -p base.yaml -p more.yaml
run check -p bad.yaml
run check -q -p base.yaml
run check -p none.yaml
# A file that does not load hides nothing of the next, and is not told of again there.
run check -p bad.yaml -p none.yaml -p base.yaml -p more.yaml 2>&1 | grep -E '^\$|: error|^[0-9]|^exit'
hindcast check --json -p bad.yaml -p base.yaml -p more.yaml >all.json || echo "exit $?"
jq -r '.falco_load_results[] | "\(.name) \(.successful) \(.errors | map(.code + " at " + (.context.locations | map(.item_type) | join("/"))) | join(","))"' all.json
jq -r '.falco_load_results[0].errors[0].context.snippet' all.json
hindcast check --json -p bad.yaml | tr ',' '\n' | grep -E '"(message|successful|code)"' | tr -d '{[' || true
