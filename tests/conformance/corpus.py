"""Where the captures with reference answers are, and importing them."""
import os
import subprocess


def find(what):
    """The corpus's directory; None, having said so, when it is not there."""
    source = os.environ.get("HC_SOURCE_DIR", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    where = os.environ.get("HINDCAST_CORPUS", os.path.join(source, "..", "shared", "corpus"))
    if os.path.exists(os.path.join(where, "scap", "suspicious.scap")):
        return where
    print(f"SKIPPED: no {what} are compared: there is no corpus of scap captures at {where} (set HINDCAST_CORPUS)")
    return None


def import_capture(hindcast, scap, work):
    """The directory of the capture made of the file; it is verified."""
    to = os.path.join(work, os.path.basename(scap).partition(".")[0])
    subprocess.run([hindcast, "import", "-q", scap, "-o", to], check=True)
    subprocess.run([hindcast, "verify", to], check=True, stdout=subprocess.DEVNULL)
    return to
