#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Verbs per second in the guest: our controller against the stock one.

Boots both kernels in turn, several times, and takes the median of the ratios
of neighbouring boots: what else the machine does meets both alike. Under plain
emulation a verb takes many times what it takes on hardware, and the controller
is a small part of it.
"""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[4]
VM = TOP / "tools/testing/rdmacg/qemu/vm.py"
VARIANTS = ("rdmacg", "stock")


def boot(variant, args):
    """Return {case: verbs per second} of one boot."""
    kernel = TOP / "build" / args.base / variant / f"obj-{args.config}/vmlinux"
    done = subprocess.run(
        [VM, "--kernel", kernel, "--init", TOP / "build/guest/init",
         "--log", TOP / "build/vm/bench-guest.log",
         "--", TOP / "build/guest/verbs-bench", "mlx4_0", *["fairness"] * args.fairness],
        stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"bench-guest.py: the guest with {kernel} failed, see above")
    rates = {}
    for line in done.stdout.splitlines():
        case, rate = line.rsplit(": ", 1)
        rates[case] = float(rate)
    return rates


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default=os.environ.get("KERNEL", "6.12"))
    parser.add_argument("--config", default=os.environ.get("CONFIG", "default"))
    parser.add_argument("--boots", type=int, default=5, help="of each kernel")
    parser.add_argument("--fairness", action="store_true",
                        help="ns for a verb while another tenant does its worst")
    args = parser.parse_args()

    runs = {variant: [] for variant in VARIANTS}
    for number in range(args.boots):
        for variant in VARIANTS:
            print(f"boot {number + 1} of {args.boots}: {variant}",
                  file=sys.stderr, flush=True)
            runs[variant].append(boot(variant, args))

    what = "ns for a PD, while a tenant" if args.fairness else "pairs per second, medians"
    print(f"{what:44} {'rdmacg':>9} {'stock':>9}   ratio (of neighbouring boots)")
    for case in runs["rdmacg"][0]:
        ours = [run[case] for run in runs["rdmacg"]]
        stock = [run[case] for run in runs["stock"]]
        ratios = sorted(a / b for a, b in zip(ours, stock))
        print(f"{case:44} {statistics.median(ours):9.0f} "
              f"{statistics.median(stock):9.0f}   "
              f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
