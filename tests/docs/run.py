#!/usr/bin/env python3
"""Runs the examples of a page and compares what they print.

A block that opens with ```console run is an example that must stay true:

    ```console run
    $ hindcast version
    hindcast 0.1.0
    ```

All blocks of a page run in order in one shell, in an empty directory, so a later block sees what an earlier one made. Lines
after a command are its output, standard error included. `...` alone on a line stands for any number of lines, within a line for any
text. A command goes on over lines that end in a backslash. `run live` marks a block that needs the recorder: where this machine
cannot record, the page is skipped from there on. What readers need not see is done by a comment on a line of its own:
<!-- run: command -->. `sudo` in an example runs the command as it is.
"""
import os
import re
import subprocess
import sys
import tempfile

MARK = "\x01hc-docs\x01"


class Step:
    def __init__(self, line, command, live, hidden):
        self.line, self.command, self.live, self.hidden = line, command, live, hidden
        self.want = []


def parse(text):
    """The steps of a page."""
    steps, in_block, live, step = [], None, False, None
    more = False
    for number, line in enumerate(text.splitlines(), 1):
        if in_block is None:
            hidden = re.match(r"<!-- run( live)?: (.*) -->\s*$", line)
            if hidden:
                steps.append(Step(number, hidden.group(2), bool(hidden.group(1)), True))
            fence = re.match(r"(`{3,})(.*)$", line)
            if fence:
                words = fence.group(2).split()
                in_block = words[:2] == ["console", "run"]
                live = in_block and "live" in words[2:]
                step = None
        elif line.startswith("```"):
            if more:
                raise ValueError(f"line {number}: the command before is not complete")
            in_block = None
        elif in_block:
            if more:
                step.command += "\n" + (line[2:] if line.startswith("> ") else line)
            elif line.startswith(("$ ", "# ")):
                step = Step(number, line[2:], live, False)
                steps.append(step)
            elif step is None:
                raise ValueError(f"line {number}: output before any command")
            else:
                step.want.append(line)
            more = step is not None and step.command.endswith("\\") and not step.want
    return steps


def line_matches(want, got):
    pattern = ".*".join(re.escape(part) for part in want.split("..."))
    return re.fullmatch(pattern, got.rstrip()) is not None


def matches(want, got):
    if not want:
        return not got
    if want[0].strip() == "...":
        return any(matches(want[1:], got[i:]) for i in range(len(got) + 1))
    return bool(got) and line_matches(want[0].rstrip(), got[0]) and matches(want[1:], got[1:])


def shell_output(steps, cwd, env):
    """Runs all commands in one shell; yields (status, lines) of each that was reached."""
    script = ["exec 2>&1", 'sudo() { "$@"; }']
    for step in steps:
        # The mark carries the status and passes it on, so that `$ echo $?` in an example shows the command before.
        script.append(f"{step.command}\n{{ hc_status=$?; printf '{MARK}%d\\n' $hc_status; (exit $hc_status); }}")
    run = subprocess.run(["bash", "-c", "\n".join(script)], cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, timeout=280, check=False)
    parts = re.split(MARK + r"(\d+)\n", run.stdout.decode("utf-8", "replace"))
    for i in range(0, len(parts) - 1, 2):
        yield int(parts[i + 1]), parts[i].splitlines()


def run_page(text, env, can_record):
    """Returns (number of commands compared, reason for which the rest was skipped or None, list of complaints)."""
    steps, skipped = parse(text), None
    for i, step in enumerate(steps):
        if step.live and not can_record:
            steps, skipped = steps[:i], f"line {step.line} needs the recorder"
            break
    complaints, compared = [], 0
    with tempfile.TemporaryDirectory(prefix="hc-docs-") as cwd:
        results = list(shell_output(steps, cwd, dict(env, HOME=cwd)))
    if len(results) < len(steps):
        complaints.append(f"line {steps[len(results)].line}: the shell ended in: {steps[len(results)].command}")
    for step, (status, got) in zip(steps, results):
        if step.hidden:
            if status != 0:
                complaints.append(f"line {step.line}: preparation failed ({status}): {step.command}\n" + "\n".join(got))
            continue
        compared += 1
        if not matches(step.want, got):
            complaints.append(f"line {step.line}: $ {step.command}\n--- the page says\n" + "\n".join(step.want) +
                              "\n--- it prints\n" + "\n".join(got))
    return compared, skipped, complaints


def main():
    path = sys.argv[1]
    env = dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC", NO_COLOR="1", ASAN_OPTIONS="exitcode=99", LSAN_OPTIONS="exitcode=99",
               UBSAN_OPTIONS="exitcode=99")
    env["PATH"] = os.path.dirname(env["HINDCAST"]) + ":" + env["PATH"]
    can_record = subprocess.run([os.path.join(env["HC_SOURCE_DIR"], "tests/e2e/can_record")], stdout=subprocess.DEVNULL,
                                check=False).returncode == 0
    with open(path, encoding="utf-8") as f:
        compared, skipped, complaints = run_page(f.read(), env, can_record)
    for complaint in complaints:
        print(f"{path}:{complaint}\n")
    print(f"{compared} commands, {len(complaints)} wrong" + (f"; skipped from there: {skipped}" if skipped else ""))
    if complaints:
        return 1
    return 77 if skipped else 0 if compared else 1


if __name__ == "__main__":
    sys.exit(main())
