#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a refresh of rdmacg-top costs where there are many cgroups.

They are made up, unless there is a real hierarchy to make them in (--real, in
the guest): a hundred slices, with all others evenly below them. Every second
one has a limit, and each file lists two devices. Where they are made up, each has
a task, whose ID is none, that made a context, a PD, a CQ, an MR and a QP.
"""

import argparse
import os
import pathlib
import subprocess
import sys

import restrack
from fake import Pool, Tree

SLICES = 100
FIRST_TASK = 2 ** 22 + 1     # more than the kernel ever gives
ROOT = pathlib.Path("/sys/fs/cgroup")


def paths(number):
    """Parents come first."""
    for slice_number in range(SLICES):
        yield f"bench/tenant{slice_number}.slice"
    for job in range(number - SLICES):
        yield f"bench/tenant{job % SLICES}.slice/job{job}.scope"


def make_up(number):
    tree = Tree()
    tree.add("bench", {})
    for count, path in enumerate(paths(number)):
        limit = 10 if count % 2 else "max"
        pools = {"hca_handle": Pool(count % 3, limit),
                 "hca_object": Pool(count % 1000, limit)}
        tree.add(path, {"mlx4_0": pools, "ocrdma1": pools})
        # There are others' files, too, to be read past.
        for other in range(30):
            tree.write(f"{path}/memory.file{other}", b"")
        tree.add_tasks(path, FIRST_TASK + count)
    return tree


def record(number):
    """Returns the messages about what each task made."""
    tasks = range(FIRST_TASK, FIRST_TASK + number)
    some = [tasks[i:i + 1000] for i in range(0, number, 1000)]
    return restrack.device(0, "mlx4_0") + restrack.device(1, "ocrdma1") + b"".join(
        restrack.objects(kind, 0, *(restrack.entry(task, 4096 if kind == "mr"
                                                   else None) for task in part))
        for kind in ("context", "pd", "cq", "mr", "qp") for part in some)


def make_real(number):
    (ROOT / "bench").mkdir()
    (ROOT / "bench/cgroup.subtree_control").write_text("+rdma")
    for count, path in enumerate(paths(number)):
        (ROOT / path).mkdir()
        if count < SLICES:
            (ROOT / path / "cgroup.subtree_control").write_text("+rdma")
        if count % 2:
            (ROOT / path / "rdma.max").write_text("mlx4_0 hca_object=10")
        if not count % 1000:
            print(f"{count} cgroups made", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True, help="bench, built of bench.c")
    parser.add_argument("--cgroups", type=int, default=10000)
    parser.add_argument("--refreshes", type=int, default=20)
    parser.add_argument("--real", action="store_true")
    args = parser.parse_args()
    command = [os.path.abspath(args.program), str(args.refreshes)]
    if args.real:
        make_real(args.cgroups)
        return subprocess.run(command, check=False).returncode
    tree = make_up(args.cgroups)
    tree.write("/recorded", record(args.cgroups))
    try:
        return subprocess.run([*command, tree.root, tree.path("/recorded")],
                              check=False).returncode
    finally:
        tree.remove()


if __name__ == "__main__":
    sys.exit(main())
