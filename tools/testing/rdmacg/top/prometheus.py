# SPDX-License-Identifier: GPL-2.0-only
"""A strict reader of the text format of Prometheus, version 0.0.4.

It takes what the specification says and no more, and refuses besides what the
textfile collector of the node exporter or promtool would complain about.
"""

import re

METRIC = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r"[a-zA-Z_][a-zA-Z0-9_]*"
LABEL_VALUE = r'"((?:[^"\\\n]|\\\\|\\"|\\n)*)"'
NUMBER = r"[+-]?(?:Inf|\d+(?:\.\d+)?(?:e[+-]?\d+)?)|NaN"
UNESCAPED = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
TYPES = ("counter", "gauge", "histogram", "summary", "untyped")


class Family:
    """A metric: its help, its type, and its samples by their labels."""

    def __init__(self, name):
        self.name, self.help, self.type, self.samples = name, None, None, {}


def unescape(text):
    return re.sub(r"\\.", lambda match: UNESCAPED[match[0]], text)


def parse_labels(text):
    """Returns them as a set of pairs."""
    labels = {}
    at = 0
    while at < len(text):
        match = re.compile(f"({LABEL})={LABEL_VALUE}(,|$)").match(text, at)
        if not match:
            raise ValueError(f"bad label: {text[at:]!r}")
        if match[1] in labels or match[1].startswith("__"):
            raise ValueError(f"label {match[1]} must not be here")
        labels[match[1]] = unescape(match[2])
        at = match.end()
    return frozenset(labels.items())


def parse(data):
    """Returns {name: Family}, or raises ValueError."""
    if not data.endswith(b"\n"):
        raise ValueError("the last line has no end")
    families = {}
    current = None
    for line in data.decode("utf-8", "strict")[:-1].split("\n"):
        if match := re.fullmatch(rf"# (HELP|TYPE) ({METRIC}) (.+)", line):
            if not current or current.name != match[2]:
                if match[2] in families:
                    raise ValueError(f"{match[2]} is in two places")
                current = families[match[2]] = Family(match[2])
            if current.samples:
                raise ValueError(f"{line!r} comes too late")
            if match[1] == "HELP":
                if current.help or re.search(r"\\(?![\\n])", match[3]):
                    raise ValueError(f"bad help: {line!r}")
                current.help = match[3]
            else:
                if current.type or match[3] not in TYPES:
                    raise ValueError(f"bad type: {line!r}")
                current.type = match[3]
            continue
        match = re.fullmatch(rf"({METRIC})(?:\{{(.*)\}})? ({NUMBER})", line,
                             re.DOTALL)
        if not match:
            raise ValueError(f"bad line: {line!r}")
        if not current or current.name != match[1]:
            raise ValueError(f"{match[1]} has no help or type before it")
        if not current.help or not current.type:
            raise ValueError(f"{match[1]} lacks its help or type")
        labels = parse_labels(match[2] or "")
        if labels in current.samples:
            raise ValueError(f"twice: {line!r}")
        value = float(match[3].replace("Inf", "inf"))
        if current.type == "counter" and not (
                current.name.endswith("_total") and value >= 0):
            raise ValueError(f"no counter: {line!r}")
        if current.type == "gauge" and current.name.endswith("_total"):
            raise ValueError(f"named like a counter: {line!r}")
        current.samples[labels] = value
    for family in families.values():
        if not family.samples:
            raise ValueError(f"{family.name} has no samples")
    return families
