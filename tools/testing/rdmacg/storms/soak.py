#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs commands again and again in the guest, and sees that they cost it no memory.

Each round runs every command once; {round} in one is the number of the round. The
kernel's memory after the first rounds, in which caches fill, is compared with that
after the last. Standard output is TAP.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

WARM_UP_ROUNDS = 2
# What slabs and the percpu allocator keep in pages that are not full differs by some
# hundred KiB; one task that is kept for each refused context is more than 1 MiB a round.
BOUND_KIB = {"SUnreclaim": 2048, "Percpu": 512}
SETTLE_SECONDS = 20


def memory():
    """{kind: KiB} of what the kernel has allocated, and cannot give back."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    values = {name: value for name, _, value in (line.partition(":") for line in lines)}
    return {kind: int(values[kind].split()[0]) for kind in BOUND_KIB}


def settled():
    """The least of each kind while grace periods and work queues end."""
    least = memory()
    for _ in range(SETTLE_SECONDS):
        Path("/proc/sys/vm/drop_caches").write_text("3")
        time.sleep(1)
        least = {kind: min(value, least[kind]) for kind, value in memory().items()}
    return least


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, required=True,
                        help="begin no round after these; there is one to compare at least")
    parser.add_argument("command", nargs="+", help="for a shell")
    args = parser.parse_args()

    begun = time.monotonic()
    case, failed, number, before, now = 0, 0, 0, {}, {}

    def result(well, what):
        nonlocal case, failed
        case += 1
        failed += not well
        print("ok" if well else "not ok", case, "- soak:", what, flush=True)

    while number <= WARM_UP_ROUNDS or time.monotonic() - begun < 60 * args.minutes:
        number += 1
        for command in args.command:
            done = subprocess.run(command.format(round=number), shell=True, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  check=False)
            if done.returncode or re.search("^not ok", done.stdout, re.M):
                for line in done.stdout.splitlines()[-30:]:
                    print("#", line)
                result(False, f"round {number}: {command}, exit status {done.returncode}")
        now = settled()
        print(f"# round {number}, {(time.monotonic() - begun) / 60:.1f} min: "
              + ", ".join(f"{kind} {value} KiB" for kind, value in now.items()), flush=True)
        if number == WARM_UP_ROUNDS:
            before = now
    result(not failed, f"{number} rounds came to their ends")
    for kind, bound in BOUND_KIB.items():
        grown = now[kind] - before[kind]
        result(grown <= bound, f"{kind} grew by {grown} KiB in {number - WARM_UP_ROUNDS} "
                               f"rounds, {bound} at most")
    print(f"1..{case}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
