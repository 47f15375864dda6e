#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the guest: real clients of the rdma controller, unmodified.

Prints TAP.  With --stock it expects what the stock controller does where that
is meant to differ.
"""

import argparse
import functools
import os
import pathlib
import subprocess
import sys
import time
import traceback

import containers
import cri
import libcgroup
import privateroot
import readers
import services
import slurm
import suite
import traffic
from harness import BUILT, TOP, Guest

CASES = {
    "libcgroup": libcgroup.check,
    **{name: functools.partial(traffic.check, name=name)
       for name in traffic.TOOLS},
    **{name: functools.partial(readers.check, name=name)
       for name in readers.READERS},
    "runc": containers.check_runc,
    "crun": containers.check_crun,
    "crun with a hook": containers.check_crun_with_hook,
    "containerd": containers.check_containerd,
    "containerd by CRI": cri.check,
    "podman with runc": functools.partial(containers.check_podman, runtime="runc"),
    "podman with crun": functools.partial(containers.check_podman, runtime="crun"),
    "lxc": containers.check_lxc,
    "systemd": services.check,
    "slurm": slurm.check,
    "pyverbs": suite.check,
}

# What is not, or not all, in a root of newer packages.
DEBIAN_12_ALONE = ("containerd by CRI", "systemd", "slurm", *readers.READERS)

# Runtimes want these beside rdma.  What the memory controller leaves in v2, as
# it remembers what is cached, keeps it there.
CONTROLLERS_V1 = ("rdma", "pids", "devices", "freezer")


def mount_v1():
    root = pathlib.Path("/sys/fs/cgroup")
    (root / "cgroup.subtree_control").write_text("-rdma -pids -memory")
    subprocess.run(["umount", root], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", root], check=True)
    for name in CONTROLLERS_V1:
        (root / name).mkdir()
        subprocess.run(["mount", "-t", "cgroup", "-o", name, "cgroup",
                        root / name], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cgroup", type=int, choices=(1, 2), default=2,
                        help="version (%(default)s)")
    parser.add_argument("--stock", action="store_true",
                        help="expect what the stock controller does")
    parser.add_argument("--only", default="", metavar="TEXT",
                        help="cases with this in their names")
    parser.add_argument("--root", type=pathlib.Path,
                        help="unpacked packages, newer than the host's, of the clients")
    args = parser.parse_args()

    if args.cgroup == 1:
        mount_v1()
    if args.root:
        privateroot.enter(args.root, TOP, BUILT, pathlib.Path(os.environ["OUT"]))
    guest = Guest(args.cgroup, args.stock, bool(args.root))
    for name, check in CASES.items():
        if args.only not in name or guest.newer and name in DEBIAN_12_ALONE:
            continue
        guest.case = name
        start = time.monotonic()
        try:
            check(guest)
        # Whatever it is, the next case may tell more.
        except Exception:
            guest.promise("comes to its end", False, traceback.format_exc())
        print(f"# {name}: {time.monotonic() - start:.0f} s", flush=True)
    print(f"1..{guest.promises}")


if __name__ == "__main__":
    sys.exit(main())
