# A replay with Falco's own configuration: its rules, their selection, append_output, the form of alerts; options win.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
"$HC_BUILD_DIR/tests/lib/hc-gen" capture rows=5000 mix=node index >/dev/null

mkdir rules.d
cat >rules.d/1.yaml <<'END'
- rule: Failed open
  desc: an open that failed
  condition: evt.type in (open, openat) and evt.failed = true
  output: failed
  priority: NOTICE
  tags: [files]
- rule: Any open
  desc: an open
  condition: evt.type in (open, openat)
  output: open
  priority: INFO
  tags: [files, noisy]
- rule: Connection
  desc: a connection
  condition: evt.type = connect
  output: connect
  priority: ERROR
  tags: [network]
END
cat >falco.yaml <<'END'
rules_files: [rules.d]
rules:
  - disable:
      tag: noisy
json_output: true
time_format_iso_8601: true
json_include_tags_property: false
append_output:
  - match:
      tags: [network]
    extra_output: "from=${HC_TEST_FROM}"
    extra_fields:
      - evt.num
      - what: "a %evt.type"
webserver:
  enabled: true
END
export HC_TEST_FROM=here
expect_exit 0 hindcast replay -q -c falco.yaml capture >alerts
python3 - alerts <<'PY'
import json, re, sys
alerts = [json.loads(l) for l in open(sys.argv[1], encoding="utf-8")]
names = {a["rule"] for a in alerts}
assert names == {"Failed open", "Connection"}, names
for a in alerts:
    assert "tags" not in a and re.match(r"\d{4}-\d\d-\d\dT[0-9:.]+\+0000: ", a["output"]), a
    fields = a["output_fields"]
    assert "evt.time.iso8601" in fields
    if a["rule"] == "Connection":
        assert a["output"].endswith("connect from=here") and fields["what"] == "a connect" and fields["evt.num"] > 0
    else:
        assert "what" not in fields and a["output"].endswith(": Notice failed")
PY
# the command line wins
expect_exit 0 hindcast replay -q -c falco.yaml --format text --min-priority error capture >text
# whoever takes it for a file of rules, as with all of a directory, is told what it is for
for command in "replay -p falco.yaml capture" "check -p falco.yaml"; do
	expect_exit 2 hindcast $command >err 2>&1
	expect_match "^  a falco.yaml has no rules: 'hindcast replay -c FILE' takes" err
done
expect_match '^[0-9T:.+-]+: Error connect from=here$' text
[ "$(wc -l <text)" = "$(grep -c '"rule":"Connection"' alerts)" ]
# and alone
expect_exit 0 hindcast replay -q -p rules.d --iso-time --matching all capture >all
expect_match '^20[0-9-]+T[0-9:.]+\+0000: Informational open$' all

# of keys that are there twice the last counts: extra fields win over those of the output
cat >twice.yaml <<'END'
json_output: true
append_output:
  - extra_fields: [evt.num, evt.num, { evt.type: "first %evt.type" }, { evt.time: now }]
  - match: { rule: Twice }
    extra_fields: [{ evt.type: "a %evt.type" }]
END
cat >typed.yaml <<'END'
- rule: Twice
  desc: its type is in the output and in extra fields
  condition: evt.type = connect
  output: "%evt.type %evt.num"
  priority: INFO
END
expect_exit 0 hindcast replay -q -c twice.yaml -p typed.yaml capture >alerts
python3 - alerts <<'PY'
import json, sys
alerts = [json.loads(l) for l in open(sys.argv[1], encoding="utf-8")]
assert alerts
for a in alerts:
    fields = a["output_fields"]
    assert fields["evt.type"] == "a connect" and fields["evt.time"] == "now" and fields["evt.num"] > 0, fields
PY

# what falco -o sets, on top of the configuration or without one
expect_exit 0 hindcast replay -q -c falco.yaml -o json_output=false -o priority=error -o 'rules[].enable.tag=noisy' capture >text
expect_match '^[0-9T:.+-]+: Error connect from=here$' text
expect_exit 0 hindcast replay -q -p rules.d -o 'rules[].disable.rule=*' -o 'rules[].enable.rule=Conn*' -o json_output=true capture >alerts
expect_match '"rule":"Connection"' alerts
[ -z "$(grep -v '"rule":"Connection"' alerts)" ] || fail "alerts of other rules too"
# a rule that is switched on comes behind those that ran before, so another may win; switched off and on, it is the last
expect_exit 0 hindcast replay -q -p rules.d capture >alerts
expect_match 'Notice failed$' alerts
expect_match 'Informational open$' alerts
expect_exit 0 hindcast replay -q -p rules.d -o 'rules[].disable.rule=Failed*' -o 'rules[].enable.rule=Failed open' capture >text
expect_no_match 'Notice failed$' text
[ "$(grep -c 'Informational open$' text)" = "$(grep -Ec 'Notice failed$|Informational open$' alerts)" ]
expect_exit 0 hindcast replay -q -p rules.d -o 'rules[].enable.tag=files' capture >text
cmp alerts text
expect_exit 0 hindcast replay -q -p rules.d -o 'rules[].disable.tag=files' -o 'rules[].enable.tag=files' capture >text
cmp alerts text
expect_exit 0 hindcast replay -q -p rules.d -o config_files=twice.yaml capture >alerts
grep -q '"evt.type":"first connect"' alerts
expect_exit 2 hindcast replay -p rules.d -o json_output capture 2>err
expect_match "'json_output' is no option: KEY=VALUE" err

# what is wrong has its place
printf 'priority: loud\n' >bad.yaml
expect_exit 2 hindcast replay -c bad.yaml capture 2>err
expect_match "^bad.yaml:1:11: unknown priority 'loud'" err
printf 'json_output: true\n' >none.yaml
expect_exit 2 hindcast replay -c none.yaml capture 2>err
expect_match 'none.yaml names no rules_files' err
expect_exit 4 hindcast replay -c absent.yaml capture 2>err
expect_exit 2 hindcast replay -p rules.d --min-priority loud capture 2>err
expect_match "unknown priority 'loud'" err

# a file that is not there is left out, as Falco does, and a directory for rules that has none yet
mkdir empty.d
printf 'rules_files: [rules.d, absent.yaml, empty.d]\n' >partly.yaml
expect_exit 0 hindcast replay -q -c partly.yaml capture >alerts 2>err
expect_exit 0 hindcast replay -q -p rules.d capture >all
cmp alerts all
expect_match "^hindcast: warning: partly.yaml: 'absent.yaml' of rules_files is not there" err
[ "$(wc -l <err)" = 1 ] || fail "$(cat err)"
printf 'rules_files: [absent.yaml, empty.d]\n' >nothing.yaml
expect_exit 2 hindcast replay -q -c nothing.yaml capture 2>err
expect_match 'no rules in the rules_files of nothing.yaml' err

# bytes in base64, which is what the dots were made of
cat >buffers.yaml <<'END'
- rule: Bytes
  desc: what was written
  condition: evt.type in (read, write, sendto) and evt.buffer exists
  output: "%evt.buffer"
  priority: INFO
END
printf 'json_output: true\nappend_output:\n  - extra_fields: [evt.buffer, evt.num]\n' >plain.yaml
(cat plain.yaml && echo 'buffer_format_base64: true') >base64.yaml
for form in plain base64; do expect_exit 0 hindcast replay -q -c $form.yaml -p buffers.yaml capture >$form; done
python3 - <<'PY'
import base64, json
plain, coded = ([json.loads(l) for l in open(name, encoding="utf-8")] for name in ("plain", "base64"))
assert plain and len(plain) == len(coded), (len(plain), len(coded))
lengths = set()
for p, c in zip(plain, coded):
    raw = base64.b64decode(c["output_fields"]["evt.buffer"], validate=True)
    dotted = "".join(chr(b) if 0x20 <= b < 0x7F else "." for b in raw)
    assert dotted == p["output_fields"]["evt.buffer"] and p["output_fields"]["evt.num"] == c["output_fields"]["evt.num"], (p, c)
    assert p["output"].endswith(" " + dotted) and c["output"].endswith(" " + base64.b64encode(raw).decode())
    lengths.add(len(raw) % 3)
assert lengths == {0, 1, 2}, lengths
PY
