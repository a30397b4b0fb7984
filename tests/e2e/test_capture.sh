# hindcast test over a capture: what passes, what fails and how it is said, JUnit, JSON, bad test files.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_command python3
ln -s "$HC_SOURCE_DIR/policies/falco" rules
ln -s "$HC_SOURCE_DIR/tests/demo/capture.hcb" case.hcb

# file NAME: a test file with these cases, on standard input
file() { { printf 'policies: rules\ncapture: case.hcb\ncases:\n'; cat; } >"$1"; }

file good.yaml <<'END'
  - name: counts and fields
    expect:
      - rule: Shell started by a web server
        count: 4
        priority: critical
        fields:
          proc.name: [sh, bash]
          proc.exepath: { startswith: /usr/bin/, not: { endswith: zsh } }
          proc.pname: nginx
          user.uid: 0
          fd.name: null
      - { rule: Shell started by a web server, count: 1, fields: { proc.name: sh }, output: ~^Web server .* sh -c id }
      - { rule: Shell started by a web server, count: 3, fields: { proc.cmdline: { regex: ^bash, contains: -c } } }
      - { rule: Shell started by a web server, min: 2, max: 9 }
      - { rule: Coin miner started, count: 0 }
      - { rule: Coin miner started, max: 0 }
    allow: any
  - name: all of a list, and nothing else
    where: evt.type = execve and proc.pname = nginx
    expect:
      - Shell started by a web server
      - { rule: Files searched for keys or passwords, count: 1 }
      - { rule: File times copied from a system file, count: 1 }
    allow: [{ glob: Program disguised* }]
  - name: nothing before
    until: 2026-11-23T21:20:00Z
    expect: none
  - name: everything, with all rules
    matching: all
    expect: [Machine looked over from below a network service]
    allow: any
END
hindcast test good.yaml >out || { cat out; fail "good.yaml did not pass"; }
expect_match '^4 cases: 4 passed, in ' out
expect_match '^  ok      counts and fields \(22 alerts\)$' out
[ "$(hindcast test -j 1 good.yaml | grep -c '^  ok ')" = 4 ] || fail "one thread has another result"

# A rule that is switched off fails the cases that are about it, also those that expect it never, and no others.
printf -- '- { rule: Coin miner started, enabled: false, override: { enabled: replace } }\n' >off.yaml
expect_exit 1 hindcast test -p off.yaml good.yaml >out
expect_match '^4 cases: 3 passed, 1 failed, in ' out
expect_match "the rule 'Coin miner started' is disabled" out

# Each of these must fail, and say this. fails NAME PATTERN < expectations of a case
n_failing=0
fails() {
	local name=$1
	shift
	file bad.yaml < <(echo "  - name: $name"; cat)
	expect_exit 1 hindcast test bad.yaml >out
	for pattern; do expect_match "$pattern" out; done
	expect_match '^1 case: 0 passed, 1 failed, in ' out
	n_failing=$((n_failing + 1))
}
fails "count too high" "expected 'Shell started by a web server' 5 times, got 4" <<'END'
    expect: [{ rule: Shell started by a web server, count: 5 }]
    allow: any
END
fails "count too low" "expected 'Shell started by a web server' at most 3 times, got 4" '#741 proc_exec: Web server nginx' <<'END'
    expect: [{ rule: Shell started by a web server, min: 0, max: 3 }]
    allow: any
END
fails "missing" "expected 'Coin miner started' at least once, got 0" <<'END'
    expect: [Coin miner started]
    allow: any
END
fails "wrong field" "at least once with proc.name 'zsh', proc.pname 'nginx', got 0" 'closest: #741 ' \
	"^ +proc.name: expected 'zsh', is 'sh'$" <<'END'
    expect: [{ rule: Shell started by a web server, fields: { proc.name: zsh, proc.pname: nginx } }]
    allow: any
END
expect_no_match 'proc.pname: expected' out
fails "absent field" 'fd.name: expected not absent, is absent' <<'END'
    expect: [{ rule: Shell started by a web server, fields: { fd.name: { not: null } } }]
    allow: any
END
fails "wrong priority" "priority: expected 'Debug', is 'Critical'" <<'END'
    expect: [{ rule: Shell started by a web server, priority: Debug }]
    allow: any
END
fails "wrong output" "output: expected like regular expression 'no such'" <<'END'
    expect: [{ rule: Shell started by a web server, output: ~no such }]
    allow: any
END
fails "unexpected" "unexpected: 'Files searched for keys or passwords'$" <<'END'
    where: proc.name = grep
    expect: none
END
fails "not on the list" "unexpected: 'Network connection made by a shell' 2 times" <<'END'
    where: evt.type in (connect, execve)
    expect: [Shell started by a web server]
    allow: [{ not: Network connection made by a shell }]
END
[ $n_failing = 9 ] || fail "not all were tried"

# The closest alert is not also unexpected; the others of its rule are.
file bad.yaml <<'END'
  - { name: a, where: proc.name = grep, expect: [{ rule: Files searched for keys or passwords, fields: { proc.name: x } }] }
END
expect_exit 1 hindcast test bad.yaml >out
expect_no_match unexpected out

# What a capture cannot answer fails, unless it is allowed.
cat >unanswerable.yaml <<'END'
- rule: names
  desc: d
  condition: evt.type = connect and fd.sip.name = example.org
  output: "%proc.name"
  priority: ERROR
END
file unanswerable.test <<'END'
  - { name: fails, expect: none, allow: any }
  - { name: allowed, expect: none, allow: any, unanswerable: allow }
  - { name: listed, expect: none, allow: any, unanswerable: [names] }
  - { name: another, expect: none, allow: any, unanswerable: [name] }
END
expect_exit 1 hindcast test -p unanswerable.yaml unanswerable.test >out
expect_match '^4 cases: 2 passed, 2 failed' out
expect_match '1 rule cannot be answered' out
expect_match 'names: ' out

# Alerts that were kept are an expectation; one more or less is noticed, and so is another value.
hindcast replay -q -p rules --format falco-json case.hcb >kept.jsonl
sed 1d kept.jsonl >less.jsonl
sed '1s/"proc.name":"[a-z]*"/"proc.name":"zsh"/; 1s/"proc.pname":"[^"]*"/"proc.pname":"zsh"/' kept.jsonl >other.jsonl
cat kept.jsonl kept.jsonl >twice.jsonl
for kept in kept less other twice; do
	file $kept.yaml <<END
  - { name: all, expect: { alerts: $kept.jsonl } }
  - { name: by time, expect: { alerts: $kept.jsonl, fields: [evt.time] } }
END
done
hindcast test kept.yaml >out || { cat out; fail "the alerts are not those that were kept"; }
expect_exit 1 hindcast test less.yaml >out
expect_match '^2 cases: 0 passed, 2 failed' out
expect_match "unexpected: 'Shell started by a web server'" out
cmp -s kept.jsonl other.jsonl && fail "no value was changed"
expect_exit 1 hindcast test other.yaml >out
expect_match '^2 cases: 1 passed, 1 failed' out
expect_exit 1 hindcast test twice.yaml >out
expect_match '^2 cases: 0 passed, 2 failed' out
expect_match 'twice|2 times' out

# Cases are chosen by a part of their name.
expect_exit 2 hindcast test --list --junit listed.xml good.yaml 2>err
[ ! -e listed.xml ] || fail "results of nothing were written"
[ "$(hindcast test --list -f 'and f' -f noth good.yaml)" = $'good.yaml: counts and fields\ngood.yaml: all of a list, and nothing else\ngood.yaml: nothing before' ] ||
	fail "--filter chose others"
hindcast test -f 'nothing b?fore' good.yaml | grep -q '^1 case: 1 passed' || fail "--filter with a wildcard"
expect_exit 2 hindcast test -f 'no such' good.yaml 2>err
expect_match 'no case has such a name' err

# Rules on top change what comes.
cat >local.yaml <<'END'
- rule: Shell started by a web server
  enabled: false
  override:
    enabled: replace
END
file top.yaml <<'END'
  - { name: top, where: evt.type = execve and proc.name = sh and proc.pname = nginx, expect: none }
END
expect_exit 1 hindcast test top.yaml >out
hindcast test -p local.yaml top.yaml >out || { cat out; fail "the rule was not switched off"; }

# JUnit and JSON say the same, and what XML cannot hold is escaped.
printf '  - { name: "odd <&>\\"\\u0001\\u00e9\\xff", expect: [Coin miner started], allow: any }\n  - { name: fine, expect: none, allow: any }\n  - { name: skipped, needs: no-such-program, expect: none }\n' |
	file odd.yaml
printf 'policies: rules\ncapture: gone\ncases:\n  - { name: cannot, expect: none }\n' >gone.yaml
echo old >out.xml
(umask 027; expect_exit 4 hindcast test --junit out.xml --json odd.yaml gone.yaml >out.json 2>err)
[ "$(stat -c %a out.xml)" = 640 ] || fail "out.xml is of mode $(stat -c %a out.xml)"
ls out.xml.part* 2>/dev/null && fail "a part of the JUnit file was left"
mkdir no
expect_exit 4 hindcast test -q --junit no/where/out.xml top.yaml >/dev/null 2>junit.err
expect_match "cannot create 'no/where/out.xml': No such file" junit.err
ln -s piped link.xml
expect_exit 1 hindcast test -q --junit link.xml top.yaml >/dev/null
expect_match '^<testsuites ' piped
expect_match "^gone.yaml:2:10: the capture 'gone': No such file or directory$|^gone.yaml:2:10: the capture './gone': No such file" err
python3 - out.xml out.json <<'END'
import json, sys, xml.etree.ElementTree as ET
root = ET.parse(sys.argv[1]).getroot()
assert root.tag == "testsuites", root.tag
assert [root.get(k) for k in ("tests", "failures", "errors", "skipped")] == ["4", "1", "1", "1"], root.attrib
suites = root.findall("testsuite")
assert [s.get("name") for s in suites] == ["odd.yaml", "gone.yaml"]
assert [[s.get(k) for k in ("tests", "failures", "errors", "skipped")] for s in suites] == [["3", "1", "0", "1"], ["1", "0", "1", "0"]]
cases = root.findall("testsuite/testcase")
assert [[c.tag for c in case] for case in cases] == [["failure"], [], ["skipped"], ["error"]]
assert cases[0].get("name") == 'odd <&>"\\x01\u00e9\u00ff', ascii(cases[0].get("name"))
failure = cases[0].find("failure")
assert failure.get("message") == "expected 'Coin miner started' at least once, got 0", failure.get("message")
assert failure.text == failure.get("message"), failure.text
assert "no-such-program" in cases[2].find("skipped").get("message")
assert "gone" in cases[3].find("error").get("message")
for case in cases:
    assert case.get("classname") and float(case.get("time")) >= 0
lines = [json.loads(line) for line in open(sys.argv[2], encoding="utf-8")]
assert [l["kind"] for l in lines] == ["case", "case", "case", "file", "case", "file", "summary"]
assert [l["outcome"] for l in lines if l["kind"] == "case"] == ["failed", "passed", "skipped", "error"]
assert lines[0]["failures"] == [{"what": failure.get("message"), "detail": None, "rule": "Coin miner started"}]
assert len(lines[0]["alerts"]) == 22 and not any(a["expected"] for a in lines[0]["alerts"])
assert {k: lines[-1][k] for k in ("cases", "passed", "failed", "skipped", "errors")} == dict(cases=4, passed=1, failed=1, skipped=1, errors=1)
END
expect_exit 1 hindcast test --require-record -f skipped odd.yaml >out
expect_match 'it was not run: there is no program' out

# Bad test files: the place and the reason, exit code 2, and the other files are run.
bad() {
	local pattern=$1
	cat >bad.yaml
	expect_exit 2 hindcast test bad.yaml good.yaml >out 2>err
	expect_match "^bad.yaml:$pattern" err
	expect_match '^5 cases: 4 passed, 1 could not be judged, in ' out
}
head='policies: rules\ncapture: case.hcb\ncases:\n'
printf "$head  - { name: a, expect: none, colour: red }\n" | bad '4:30: a case has no key .colour.'
printf "$head  - { name: a, expect: none, name: b }\n" | bad '4:30: .name. is here twice'
printf "$head  - { name: a }\n" | bad '4:5: the case says not what it expects'
printf "$head  - { name: a, expect: [No such rule] }\n" | bad '4:25: the policies have no rule .No such rule.'
printf "$head  - { name: a, expect: [shell started by a web server] }\n" | bad '4:25: the policies have no rule'
expect_match "there is a rule 'Shell started by a web server'" err
printf "$head  - { name: a, expect: [{ rule: Coin miner started, fields: { proc.nmae: x } }] }\n" | bad "4:63: .proc.nmae."
printf "$head  - { name: a, expect: [{ rule: Coin miner started, fields: { proc.name: ~( } }] }\n" | bad "4:74: regular expression '\\('"
printf "$head  - { name: a, expect: [{ rule: Coin miner started, min: 3, max: 2 }] }\n" | bad '4:66: max is less than min'
printf "$head  - { name: a, where: proc.nmae = x, expect: none }\n" | bad '4:23: where: '
printf "$head  - { name: a, run: id, expect: none }\n" | bad '4:21: run is for files that record'
printf "$head  - { name: a, since: yesterday, expect: none }\n" | bad '4:23: since is a moment'
printf 'policies: none.yaml\ncapture: case.hcb\ncases: [{ name: a, expect: none }]\n' | bad '1:11: cannot read the policy'
printf 'policies: ${NO_SUCH_VARIABLE}\ncapture: case.hcb\ncases: [{ name: a, expect: none }]\n' | bad '1:11: the environment has no variable'
printf 'policies: rules\ncases: [{ name: a, expect: none }]\n' | bad '1:1: there is neither a capture nor a record'
printf 'a: [\n' | bad '2:1: '
printf -- '- rule: x\n' | bad '1:1: this is no test file'

# So it is with what is not there: the others are run, and it counts.
mkdir nothing
for missing in absent.yaml nothing; do
	code=4
	[ "$missing" = nothing ] && code=2
	expect_exit $code hindcast test --junit out.xml "$missing" good.yaml >out 2>err
	expect_match "$missing" err
	expect_match '^5 cases: 4 passed, 1 could not be judged, in ' out
	grep -q "<testcase classname=\"$missing\"" out.xml || fail "$missing is not among the results for a CI server"
	expect_exit $code hindcast test --json good.yaml "$missing" >out 2>err
	[ "$(grep -c '"outcome":"error"' out)" = 1 ] || fail "$missing is not among the results in JSON"
	expect_exit $code hindcast test --list good.yaml "$missing" >out 2>err
	[ "$(wc -l <out)" = 4 ] || fail "--list has not the cases beside $missing"
done
expect_exit 2 hindcast test 2>err
