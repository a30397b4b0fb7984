"""Events of a capture beside those of another that was made of it."""
import collections
import subprocess


def load(capture, fields, *options):
    """Of each event, a dictionary of what the fields print."""
    output = "*" + "\x1f".join(f"%{field}" for field in fields)
    done = subprocess.run(["hindcast", "events", capture, *options, "-o", output], stdout=subprocess.PIPE, check=True)
    return [dict(zip(fields, line.split("\\x1f"))) for line in done.stdout.decode("utf-8", "replace").splitlines()]


def pairs(before, after):
    """Each event of the first with the one of the same time, type and thread; None where there is none."""
    found = collections.defaultdict(list)
    for event in after:
        found[event["evt.rawtime"], event["evt.type"], event["thread.tid"]].append(event)
    for event in before:
        same = found.get((event["evt.rawtime"], event["evt.type"], event["thread.tid"]))
        yield event, same and (same.pop(0) if len(same) > 1 else same[0])
