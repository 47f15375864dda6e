#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Times in the guest: our controller against the stock one.

Verbs per second, or what one takes beside a tenant that does its worst: boots both
kernels in turn, several times, and takes the median of the ratios of neighbouring
boots: what else the machine does meets both alike. Under plain emulation a verb
takes many times what it takes on hardware, and the controller is a small part of it.

Or how operations grow with cgroups, depth and devices, each kernel booted once for
each of these. An exponent is the slope of a line through the logarithms, for the
upper half of the sizes.
"""

import argparse
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[4]
VM = TOP / "tools/testing/rdmacg/qemu/vm.py"
VARIANTS = {"rdmacg": "ours", "stock": "stock"}
AXES = ("cgroups", "depth", "devices")
GROWTH = TOP / "build/growth/guest.csv"


def boot(variant, args, command):
    """Return {case: figure} of one boot."""
    kernel = TOP / "build" / args.base / variant / f"obj-{args.config}/vmlinux"
    done = subprocess.run(
        [VM, "--kernel", kernel, "--init", TOP / "build/guest/init",
         "--timeout", "1800", "--log", TOP / "build/vm/bench-guest.log",
         "--", TOP / "build/guest" / command[0], *command[1:]],
        stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"bench-guest.py: the guest with {kernel} failed, see above")
    return {case: float(figure) for case, figure in
            (line.rsplit(": ", 1) for line in done.stdout.splitlines())}


def compare(args):
    runs = {variant: [] for variant in VARIANTS}
    for number in range(args.boots):
        for variant in VARIANTS:
            print(f"boot {number + 1} of {args.boots}: {variant}",
                  file=sys.stderr, flush=True)
            runs[variant].append(boot(variant, args, [
                "verbs-bench", "mlx4_0", *["fairness"] * args.fairness]))

    what = "ns for a PD, while a tenant" if args.fairness else "pairs per second, medians"
    print(f"{what:44} {'rdmacg':>9} {'stock':>9}   ratio (of neighbouring boots)")
    for case in runs["rdmacg"][0]:
        ours = [run[case] for run in runs["rdmacg"]]
        stock = [run[case] for run in runs["stock"]]
        ratios = sorted(a / b for a, b in zip(ours, stock))
        print(f"{case:44} {statistics.median(ours):9.0f} "
              f"{statistics.median(stock):9.0f}   "
              f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


def by_operation(figures):
    """{operation: [(size, figure)]} of {"SIZE OPERATION": figure}."""
    rows = {}
    for case, figure in figures.items():
        size, operation = case.split(" ", 1)
        rows.setdefault(operation, []).append((int(size), figure))
    return rows


def exponent(row):
    upper = row[len(row) // 2:]
    return statistics.linear_regression(
        [math.log(size) for size, _ in upper],
        [math.log(max(figure, 1)) for _, figure in upper]).slope


def shown(ours, stock):
    """The columns of an operation, which stock may not have."""
    rows = [ours, stock]
    yield from (f"{exponent(row):8.2f}" if row else f"{'-':>8}" for row in rows)
    yield from (f"{row[-1][1]:12.0f}" if row else f"{'-':>12}" for row in rows)
    if stock:
        yield f"    {ours[-1][1] / stock[-1][1]:.2f}"


def grow(args):
    """Print a table for each axis, and leave figures and plot as native/growth does."""
    GROWTH.parent.mkdir(parents=True, exist_ok=True)
    with GROWTH.open("w", encoding="utf-8") as csv:
        print("axis,size,operation,contestant,steps or bytes,ns", file=csv)
        for axis in AXES:
            rows = {}
            for variant, name in VARIANTS.items():
                print(f"{axis}: {variant}", file=sys.stderr, flush=True)
                rows[name] = by_operation(boot(variant, args, ["verbs-growth", axis]))
                for operation, row in rows[name].items():
                    for size, figure in row:
                        print(f'{axis},{size},"{operation}",{name},,{figure:.0f}', file=csv)
            print(f"\n{axis:44}{'exponent':>16}{'the most: ns, or KiB':>24}   ratio\n"
                  f"{'':44}{'ours':>8}{'stock':>8}{'ours':>12}{'stock':>12}", flush=True)
            for operation, ours in rows["ours"].items():
                print(f"{operation:44}", *shown(ours, rows["stock"].get(operation)), sep="")
    plot = TOP / "tools/testing/rdmacg/native/growth.gp"
    subprocess.run(["gnuplot", "-e", f"csv='{GROWTH}'; svg='{GROWTH.with_suffix('.svg')}'", plot],
                   check=True, stderr=subprocess.DEVNULL)     # there is no mainline in it
    print(f"\nFigures and plot are in {GROWTH.parent}/")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default=os.environ.get("KERNEL", "6.12"))
    parser.add_argument("--config", default=os.environ.get("CONFIG", "default"))
    parser.add_argument("--boots", type=int, default=5, help="of each kernel")
    parser.add_argument("--fairness", action="store_true",
                        help="ns for a verb while another tenant does its worst")
    parser.add_argument("--growth", action="store_true",
                        help="ns of operations with many cgroups, levels and devices")
    args = parser.parse_args()

    if args.growth:
        grow(args)
    else:
        compare(args)


if __name__ == "__main__":
    main()
