#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Run make targets that print TAP or KTAP, and count what they say.

Each target runs in turn, with its time, and what it prints is passed on. The
last line is "N passed, N failed, N skipped" over all test cases. Apart from
failed cases, these count as a failure: a target that exits non-zero though no
case failed, one without cases, and one with fewer cases than its plan.

A target that names a KERNEL of its own rides along: if the mirror does not give
that kernel's source, it is skipped, and the reason is told.
"""

import argparse
import functools
import re
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent / "qemu"))
import kernel  # noqa: E402 (only now can it be found)
import suites  # noqa: E402


class Counts:
    """What one stream of TAP says; subtests count instead of their parent."""

    def __init__(self):
        self.passed, self.failed, self.skipped, self.complaints = [], [], [], []
        self.plans = {}     # indentation: [results planned, results seen]
        self.deeper = -1    # indentation of the subtests just read

    def feed(self, line):
        match = re.match(r"(?:\[ *\d+\.\d+\] )?( *)(?:1\.\.(\d+)|(not )?ok\b(?: \d+)?(.*))", line)
        if not match:
            return
        indent = len(match[1])
        if match[2]:
            self.plans.setdefault(indent, [0, 0])[0] += int(match[2])
            return
        self.plans.setdefault(indent, [0, 0])[1] += 1
        if self.deeper > indent:
            self.deeper = -1
            return
        self.deeper = indent
        name = match[4].removeprefix(" -").strip()
        if re.search(r"# SKIP\b", name, re.I):
            self.skipped.append(name)
        else:
            (self.failed if match[3] else self.passed).append(name)

    def finish(self, target, status):
        for planned, seen in self.plans.values():
            if seen < planned:
                self.complaints.append(f"{seen} results for a plan of {planned}")
        if not self.passed and not self.failed and not self.skipped:
            self.complaints.append("no test case ran")
        if status and not self.failed:
            self.failed.append(f"{target}: exit status {status}, though no case failed")

    def number_failed(self):
        return len(self.failed) + len(self.complaints)

    def __str__(self):
        return (f"{len(self.passed)} passed, {self.number_failed()} failed, "
                f"{len(self.skipped)} skipped")


@functools.lru_cache(maxsize=None)
def why_not(base):
    """Why the source of a base cannot be had; "" if it can."""
    done = subprocess.run([kernel.HERE / "kernel.py", "--base", base, "--source-only"],
                          text=True, check=False, stderr=subprocess.PIPE)
    sys.stderr.write(done.stderr)
    if done.returncode != kernel.EXIT_UNAVAILABLE:
        return ""
    return re.search(r"^kernel.py: (.*)", done.stderr, re.M)[1]


def run(target, make):
    counts = Counts()
    base = re.search(r"\bKERNEL=(\S+)", target)
    reason = base and why_not(base[1])
    if reason:
        line = f"ok 1 {target} # SKIP {reason}"
        print(line, flush=True)
        counts.feed(line)
        return counts
    # With the pipe that "make -j" gives its makes.
    with subprocess.Popen([make, "--no-print-directory", *target.split()],
                          text=True, errors="replace", close_fds=False,
                          stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            counts.feed(line)
    counts.finish(target, process.returncode)
    return counts


def read_names(path):
    with open(path, encoding="utf-8") as file:
        lines = (line.partition("#")[0].strip() for line in file)
        return {line for line in lines if line}


def judge_expected(counts, expected):
    """Turn announced failures into passes; return those that were not seen."""
    announced = expected & set(counts.failed)
    surprising = expected & set(counts.passed)
    counts.passed = [n for n in counts.passed if n not in expected] + list(announced)
    counts.failed = [n for n in counts.failed if n not in expected]
    counts.complaints += [f"{name} should have failed" for name in surprising]
    return expected - announced - surprising


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--make", default="make")
    parser.add_argument("--expect-failures", metavar="FILE", type=read_names,
                        default=set(),
                        help="names of cases that must fail, the only ones that may")
    parser.add_argument("--with", dest="more", default="", metavar="WORDS",
                        help=f"what to run behind the usual: {' '.join(suites.MORE)}")
    parser.add_argument("target", nargs="*", help="what to run instead of the usual, with "
                        "variables, if any: 'kunit CONFIG=debug'")
    args = parser.parse_args()
    targets = [*(args.target or suites.TESTS),
               *(target for word in args.more.split() for target in suites.MORE[word])]

    total = Counts()
    unseen = args.expect_failures
    summary = []
    for number, target in enumerate(targets, 1):
        print(f"== [{number}/{len(targets)}] make {target}", flush=True)
        started = time.monotonic()
        counts = run(target, args.make)
        unseen = judge_expected(counts, unseen)
        seconds = time.monotonic() - started
        summary.append(f"{target}: {counts} in {seconds:.0f} s")
        print(f"== [{number}/{len(targets)}] {summary[-1]}", flush=True)
        summary += [f"  failed: {name}" for name in counts.failed]
        summary += [f"  failed: {complaint}" for complaint in counts.complaints]
        summary += [f"  skipped: {name}" for name in counts.skipped]
        for mine, theirs in ((total.passed, counts.passed),
                             (total.failed, counts.failed),
                             (total.complaints, counts.complaints),
                             (total.skipped, counts.skipped)):
            mine += theirs
    total.complaints += [f"{name} did not run" for name in unseen]
    summary += [f"failed: {name} did not run" for name in sorted(unseen)]
    print("== Summary", *summary, total, sep="\n")
    return 1 if total.number_failed() else 0


if __name__ == "__main__":
    sys.exit(main())
