#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Ask the kernel's memory model about each ordering that rdma.c relies on.

A test, NAME.litmus, ends with an outcome that must never be. A line "Broken:
P1: smp_rmb" in its comment makes a twin of it, which lacks that barrier there:
its outcome must be possible. Else the test shows nothing, or the barrier is
needless.

Standard output is TAP; progress goes to standard error. The output folder gets
the twins, and what herd7 said about each.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from debian import CACHE, Unavailable, newest  # noqa: E402 (only now can it be found)

SECONDS = 120
PROCESS = r"^P{}\(.*?^}}"
WEAKER = {
    "smp_load_acquire(": "READ_ONCE(*",
    "smp_store_release(": "WRITE_ONCE(*",
    "rcu_assign_pointer(": "WRITE_ONCE(",
    "atomic_xchg(": "atomic_xchg_relaxed(",
    "atomic_dec_return(": "atomic_dec_return_relaxed(",
}


def without(code, barrier):
    """code of a process without a barrier: all of that name, or number N of it."""
    name, _, number = barrier.partition("#")
    number = int(number or 0)
    place = 0

    def weaken(match):
        nonlocal place
        place += 1
        return match[0] if number and place != number else WEAKER.get(f"{name}(", "")

    if f"{name}(" in WEAKER:
        code = re.sub(rf"\b{name}\(", weaken, code)
    else:
        code = re.sub(rf"\b{name}\(.*?\);", weaken, code)
        # What ends with no beginning is no program.
        if name.endswith("_lock"):
            code = re.sub(rf"\b{name[:-4]}unlock\(.*?\);", "", code)
    if place < max(number, 1):
        sys.exit(f"litmus.py: no {barrier} to take away in:\n{code}")
    return code


def twins(text):
    """(what is missing, test) for each line "Broken:" of a test."""
    for process, barriers in re.findall(r"Broken: P(\d): (.*)", text):
        code = re.search(PROCESS.format(process), text, re.M | re.S)
        broken = code[0]
        for barrier in barriers.split(", "):
            broken = without(broken, barrier)
        yield f"P{process}: {barriers}", text[:code.start()] + broken + text[code.end():]


def complaint(said, never):
    """What is wrong with an outcome; None if it is as it should be."""
    seen = re.search(r"^Observation \S+ (Never|Sometimes|Always) \d+ \d+$", said, re.M)
    if not seen:
        return "herd7 came to no result"
    if never:
        flag = re.search(r"^Flag .*", said, re.M)
        return flag[0] if flag else None if seen[1] == "Never" else "possible"
    return "impossible all the same" if seen[1] == "Never" else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, required=True,
                        help="folder for what is made and found")
    parser.add_argument("--memory-model", type=Path, required=True,
                        help="a kernel's tools/memory-model")
    args = parser.parse_args()

    args.output.mkdir(parents=True, exist_ok=True)
    print("herd7: from Debian unstable, unless it is here already", file=sys.stderr)
    try:
        command = newest("herdtools7", "herd7")
    except Unavailable as error:
        sys.exit(f"litmus.py: {error}")
    command += ["-I", str(CACHE / "herdtools7/usr/share/herdtools7/herd"),
                "-conf", "linux-kernel.cfg"]

    cases = []
    for path in sorted(HERE.glob("*.litmus")):
        text = path.read_text()
        broken = list(twins(text))
        if not broken:
            sys.exit(f"litmus.py: {path.name} has no twin")
        cases.append((path.stem, path.stem, text, True))
        cases += [(f"{path.stem}-broken-{number}", f"{path.stem} without {missing}",
                   twin, False) for number, (missing, twin) in enumerate(broken, 1)]

    print(f"1..{len(cases)}")
    failed = 0
    started = time.monotonic()
    for number, (name, title, text, never) in enumerate(cases, 1):
        print(f"[{number}/{len(cases)}] {title}", file=sys.stderr, flush=True)
        test = args.output.resolve() / f"{name}.litmus"
        test.write_text(text)
        try:
            said = subprocess.run([*command, str(test)], cwd=args.memory_model, text=True,
                                  check=False, timeout=SECONDS, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT).stdout
        except subprocess.TimeoutExpired:
            said = f"no end after {SECONDS} s\n"
        test.with_suffix(".out").write_text(said)
        wrong = complaint(said, never)
        if wrong:
            failed += 1
            print(f"# {wrong}; see {test.with_suffix('.out')}")
        print(f"{'not ' if wrong else ''}ok {number} - litmus: {title}", flush=True)
    print(f"# {time.monotonic() - started:.0f} s")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
