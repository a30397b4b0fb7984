"""A strict reader of OpenMetrics 1.0, and a client for who serves it. The tests that use it import it."""
import http.client
import math
import re
import socket
import time

SUFFIXES = {"counter": ("_total",), "gauge": ("",), "info": ("_info",), "histogram": ("_bucket", "_count", "_sum")}
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]Inf|NaN")


class Bad(Exception):
    pass


def must(ok, line, why):
    if not ok:
        raise Bad(f"{why}: {line!r}")


def labels_of(text, line):
    out, at = {}, 0
    while at < len(text):
        m = LABEL.match(text, at)
        must(m, line, "not a label")
        must(m[1] not in out, line, "a label twice")
        must(not m[1].startswith("__"), line, "a reserved label")
        out[m[1]] = m[2]
        at = m.end()
        must(m[3] or at == len(text), line, "not a label")
    must(not text.endswith(","), line, "a comma at the end")
    return out


def number(text, line):
    must(NUMBER.fullmatch(text), line, "not a number")
    return float(text.replace("Inf", "inf").replace("NaN", "nan"))


def parse(raw, openmetrics=True):
    """name of a family -> {"type", "unit", "help", "samples": [(name, labels, value)]}, in their order"""
    text = raw.decode("utf-8")
    must(text.endswith("\n"), text[-40:], "no newline at the end")
    lines = text[:-1].split("\n")
    if openmetrics:
        must(lines.pop() == "# EOF", text[-40:], "no # EOF at the end")
    families, series, family = {}, set(), None
    for line in lines:
        must(line and line == line.strip(), line, "an empty line, or spaces around it")
        if line.startswith("#"):
            m = re.fullmatch(r"# (TYPE|UNIT|HELP) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)", line)
            must(m, line, "not a line of metadata")
            what, name, rest = m.groups()
            if family is None or name != family["name"]:
                must(name not in families, line, "a family in two places")
                families[name] = family = {"name": name, "samples": []}
            must(what.lower() not in family and not family["samples"], line, "metadata twice, or behind samples")
            family[what.lower()] = rest
            if what == "TYPE":
                must(rest in SUFFIXES, line, "not a type")
            elif what == "UNIT":
                must(openmetrics and rest and name.endswith("_" + rest), line, "the name does not end in its unit")
            else:
                must(re.fullmatch(r'(?:[^\\"]|\\[\\n"])*' if openmetrics else r"(?:[^\\]|\\[\\n])*", rest), line, "not escaped")
            continue
        m = SAMPLE.fullmatch(line)
        must(m, line, "not a sample")
        must(family and "type" in family and "help" in family, line, "a sample without type and help")
        name, labels, value = m[1], labels_of(m[2] or "", line), number(m[3], line)
        suffixes = SUFFIXES[family["type"]] if openmetrics or family["type"] == "histogram" else ("",)
        must(any(name == family["name"] + s for s in suffixes), line, f"not a sample of the {family['type']} {family['name']}")
        key = (name, tuple(sorted(labels.items())))
        must(key not in series, line, "a series twice")
        series.add(key)
        must(("le" in labels) == name.endswith("_bucket"), line, "le belongs to buckets")
        if family["type"] in ("counter", "histogram"):
            must(value >= 0 and not math.isinf(value), line, "a counter below 0")
        if family["type"] == "info":
            must(value == 1, line, "an info is 1")
        family["samples"].append((name, labels, value))
    for name, f in families.items():
        must("type" in f and "help" in f and f["help"], name, "a family without type or help")
        if openmetrics:
            for s in ("_total", "_info", "_bucket", "_count", "_sum", "_created"):
                must(name + s not in families and not name.endswith(("_total", "_info", "_created")), name, "a reserved name")
        if f["type"] == "histogram":
            histogram(name, f["samples"])
    return families


def histogram(name, samples):
    groups = {}
    for n, labels, value in samples:
        rest = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
        groups.setdefault(rest, {}).setdefault(n[len(name):], []).append((labels.get("le"), value))
    for g in groups.values():
        buckets = g["_bucket"]
        bounds = [number(le, name) for le, _ in buckets]
        counts = [v for _, v in buckets]
        must(bounds == sorted(set(bounds)) and bounds[-1] == math.inf, name, "bounds of buckets")
        must(counts == sorted(counts) and len(g["_count"]) == len(g["_sum"]) == 1 and g["_count"][0][1] == counts[-1], name, "counts of buckets")


def series(families):
    return {(n, tuple(sorted(l.items()))): (v, f["type"]) for f in families.values() for n, l, v in f["samples"]}


def not_fallen(first, later):
    """Counters of a later look are not below those of an earlier one."""
    must(list(first) == list(later), "", "other families than before")
    now = series(later)
    for key, (value, kind) in series(first).items():
        if kind in ("counter", "histogram"):
            must(key in now and now[key][0] >= value, key, "a counter fell")


def full_name(f):
    return f["name"] + (SUFFIXES[f["type"]][0] if f["type"] != "histogram" else "")


def same_in_plain(families, plain):
    names = {full_name(f): f["type"] for f in families.values()}
    for name, kind in names.items():
        must(name in plain, name, "not in the plain format")
        must(plain[name]["type"] == ("gauge" if kind == "info" else kind), name, "another type in the plain format")
    must(len(names) == len(plain), "", "more families in the plain format")


def value(families, name, **want):
    """Sum of the samples of that name with those labels."""
    found = [v for f in families.values() for n, l, v in f["samples"] if n == name and all(l.get(k) == w for k, w in want.items())]
    must(found, name, "no such sample")
    return sum(found)


def page_table(path):
    """The table of docs/metrics.md: name -> (type, labels)."""
    out = {}
    with open(path, encoding="utf-8") as page:
        for line in page:
            m = re.match(r"\| `((?:hindcast|process)_\w+)` \| (\w+) \|([^|]*)\|", line)
            if m:
                must(m[1] not in out, line, "a metric twice")
                out[m[1]] = (m[2], set(re.findall(r"`(\w+)`", m[3])))
    return out


def same_as_page(families, path):
    told, wrong = page_table(path), []
    for f in families.values():
        name = full_name(f)
        kind, labels = told.pop(name, (None, None))
        if kind != f["type"]:
            wrong.append(f"{name} is a {f['type']}, not a {kind}")
        wrong += {f"{n} has the labels {sorted(l)}, not {sorted(labels or [])}" for n, l, _ in f["samples"] if set(l) - {"le"} != labels}
    wrong += [f"{name} is not served" for name in told]
    must(not wrong, path, "; ".join(wrong))


class UnixConnection(http.client.HTTPConnection):
    def connect(self):
        self.sock = connect(self.host)


def connect(address):
    if address.startswith("/"):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.setblocking(False)
        for _ in range(1000):  # a Unix socket whose queue is full does not wait
            try:
                s.connect(address)
                s.settimeout(10)
                return s
            except BlockingIOError:
                time.sleep(0.01)
        raise Bad("its queue stays full")
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host.strip("[]"), int(port)), timeout=10)


def get(address, path, accept=None, source=None):
    """(status, content type, body); source: the IPv4 address to ask from"""
    c = UnixConnection(address) if address.startswith("/") else \
        http.client.HTTPConnection(address, timeout=10, source_address=(source, 0) if source else None)
    c.request("GET", path, headers={"Accept": accept} if accept else {})
    r = c.getresponse()
    return r.status, r.headers["Content-Type"], r.read()


OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"


def scrape(address, openmetrics=True, source=None):
    status, kind, body = get(address, "/metrics", OPENMETRICS if openmetrics else None, source)
    want = "application/openmetrics-text; version=1.0.0; charset=utf-8" if openmetrics else "text/plain; version=0.0.4; charset=utf-8"
    must((status, kind) == (200, want), (status, kind), "what came")
    return parse(body, openmetrics)
