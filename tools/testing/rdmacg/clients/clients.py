#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Real clients of the rdma controller, unmodified, on our kernel and on stock.

Boots each kernel with cgroup v2 and with v1, runs guest.py there, and prints
what it says as one stream of TAP.  Then compares what each test of rdma-core
said on both kernels: a difference is a failure.

The clients are the host's, or with --suite those of another suite of Debian,
from a root file system of their own.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from debian import CACHE, Archive, Unavailable  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parents[4]
VM = TOP / "tools/testing/rdmacg/qemu/vm.py"
GUEST = pathlib.Path(__file__).with_name("guest.py")
OUT = TOP / "build/clients"
# For a guest that is dead: each step in it has a limit of its own.
BOOT_SECONDS = 7200
CONFIG = os.environ.get("CONFIG", "default")
# Detectors need as much again, in MiB.
MEMORY = 1024 if CONFIG == "default" else 2048

# With what the guest itself needs.  UCX and libfabric would bring half a gigabyte.
PACKAGES = ("base-files", "coreutils", "dash", "grep", "gzip", "iproute2", "mount",
            "cgroup-tools", "containerd", "crun", "jq", "lxc", "perftest",
            "podman", "python3", "python3-pyverbs", "rdmacm-utils", "runc", "sed")


class Report:
    """One stream of TAP of all guests."""

    def __init__(self):
        self.number = 0
        self.failed = False

    def promise(self, text, holds, shown=()):
        self.number += 1
        self.failed |= not holds
        print("ok" if holds else "not ok", self.number, "- clients:", text,
              flush=True)
        if not holds:
            for line in shown:
                print("#", line, flush=True)
        return holds

    def end(self):
        print(f"1..{self.number}", flush=True)
        return 1 if self.failed or not self.number else 0


def follow(report, guest, lines):
    """Passes on what a guest says; returns how many results there were.

    That is None if it is not as many as the guest itself has counted.
    """
    results, plan = 0, None
    for line in lines:
        if match := re.match(r"(not )?ok \d+ - (.*)", line):
            results += 1
            report.promise(f"{guest}: {match[2]}", not match[1])
        elif match := re.match(r"1\.\.(\d+)$", line):
            plan = int(match[1])
        else:
            print(line, end="", flush=True)
    return results if results == plan else None


def boot(report, kernel, variant, version, only, root):
    """Returns how many results the guest had, None if it did not end well."""
    guest = f"{variant} v{version}"
    words = ["--cgroup", str(version), "--only", only]
    if variant == "stock":
        words.append("--stock")
    if root:
        words += ["--root", root]
    print(f"# {guest}: booting {kernel}", flush=True)
    start = time.monotonic()
    with subprocess.Popen(
            [VM, "--kernel", kernel, "--init", TOP / "build/guest/init",
             "--log", TOP / f"build/vm/clients-{variant}-v{version}.log",
             "--out", OUT / variant, "--timeout", str(BOOT_SECONDS),
             "--memory", str(MEMORY),
             "--", "python3", GUEST, *words],
            stdout=subprocess.PIPE, text=True, errors="replace") as process:
        results = follow(report, guest, process.stdout)
    print(f"# {guest}: {time.monotonic() - start:.0f} s", flush=True)
    well = process.returncode == 0 and bool(results)
    report.promise(f"{guest}: the guest has tested something, and came to its end",
                   well, [f"exit status {process.returncode}"])
    return results if well else None


def compare_tests(report, name, ours, stock):
    """Each is {test's ID: [outcome, reason]}."""
    skipped = 0
    for test in sorted(ours | stock):
        results = ours.get(test), stock.get(test)
        if results[0] == results[1] and results[0][0] == "skipped":
            skipped += 1
        else:
            report.promise(
                f"{name}: {test} is the same on both", results[0] == results[1],
                [f"{guest}: {' '.join(result) if result else 'not there'}"
                 for guest, result in zip(("rdmacg", "stock"), results)])
    print(f"# {name}: {skipped} tests skip themselves on both, for the same "
          "reasons", flush=True)


def compare_pyverbs(report, version):
    files = [OUT / variant / f"pyverbs-v{version}.json"
             for variant in ("rdmacg", "stock")]
    lacking = [f"{file} is not there" for file in files if not file.exists()]
    if not report.promise(f"v{version}: rdma-core's tests can be compared",
                          not lacking, lacking):
        return
    outcomes = [json.loads(file.read_text()) for file in files]
    for run in sorted(outcomes[0] | outcomes[1]):
        compare_tests(report, f"v{version} {run}",
                      *(outcome.get(run, {}) for outcome in outcomes))


def main():
    base = os.environ.get("KERNEL", "6.12")
    built = {variant: TOP / f"build/{base}/{variant}/obj-{CONFIG}/vmlinux"
             for variant in ("rdmacg", "stock")}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for variant, kernel in built.items():
        parser.add_argument(f"--{variant}", type=pathlib.Path, default=kernel,
                            metavar="VMLINUX", help="(%(default)s)")
    parser.add_argument("--only", default="", metavar="TEXT",
                        help="cases with this in their names")
    parser.add_argument("--cgroup", type=int, action="append", choices=(1, 2),
                        help="versions (both)")
    parser.add_argument("--suite", help="of Debian, newer than the host's")
    args = parser.parse_args()
    if "'" in args.only:
        parser.error("no case has a quote in its name")

    root = args.suite and CACHE / f"root-{args.suite}"
    if root:
        print(f"# packages of {args.suite} in {root}; remove it to fetch newer ones",
              flush=True)
        try:
            Archive((args.suite,)).unpack(PACKAGES, root)
        except Unavailable as error:
            sys.exit(f"clients.py: {error}")

    report = Report()
    for version in args.cgroup or (2, 1):
        results = {variant: boot(report, getattr(args, variant), variant,
                                 version, args.only, root)
                   for variant in ("rdmacg", "stock")}
        if None in results.values():
            continue
        report.promise(f"v{version}: as much was tested on both kernels",
                       results["rdmacg"] == results["stock"],
                       [f"{variant}: {number} results"
                        for variant, number in results.items()])
        if args.only in "pyverbs":
            compare_pyverbs(report, version)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
