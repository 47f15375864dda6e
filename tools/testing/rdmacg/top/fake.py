# SPDX-License-Identifier: GPL-2.0-only
"""Directories that look like a hierarchy of cgroups with the rdma controller."""

import os
import subprocess
import tempfile


class Pool:
    """What the files say of one resource."""

    def __init__(self, usage=0, limit="max", peak=None, hits=0, fails=0,
                 local_hits=0, local_fails=0):
        self.usage, self.limit = usage, limit
        self.peak = usage if peak is None else peak
        self.events = {"max": hits, "alloc_fail": fails}
        self.local_events = {"max": local_hits, "alloc_fail": local_fails}


def line(device, values, end):
    words = " ".join(f"{key}={value}" for key, value in values.items())
    return os.fsencode(device) + f" {words}{end}\n".encode()


class Tree:
    """Paths are of str, with the bytes that are no UTF-8 escaped as os does."""

    def __init__(self, version=2, stock=False):
        self.stock, self.version = stock, version
        self.root = tempfile.mkdtemp(prefix="rdmacg-top-")
        os.chmod(self.root, 0o755)
        if version == 2:
            self.write("cgroup.controllers", b"cpu rdma pids\n")

    def remove(self):
        # Python's own way of doing that gives up in deep ones.
        subprocess.run(["rm", "-rf", self.root], check=True)

    def path(self, cgroup):
        return os.path.join(self.root, cgroup.strip("/"))

    def write(self, path, data):
        with open(self.path(path), "wb") as file:
            file.write(data)

    def add(self, cgroup, devices):
        """Makes or changes a cgroup: {device: {resource: Pool}}."""
        os.makedirs(self.path(cgroup), exist_ok=True)

        def write(name, values_of):
            text = b"".join(
                line(device, {key + suffix: value
                              for key, pool in pools.items()
                              for suffix, value in values_of(pool).items()},
                     " " if self.stock else "")
                for device, pools in devices.items())
            self.write(f"{cgroup}/{name}", text)

        def events(values):
            return {f".{key}": value for key, value in values.items()}

        write("rdma.current", lambda pool: {"": pool.usage})
        write("rdma.max", lambda pool: {"": pool.limit})
        if self.stock:
            return
        write("rdma.peak", lambda pool: {"": pool.peak})
        write("rdma.events", lambda pool: events(pool.events))
        write("rdma.events.local", lambda pool: events(pool.local_events))

    def add_default(self, cgroup, **limits):
        """Puts the default's line before those of devices."""
        with open(self.path(f"{cgroup}/rdma.max"), "rb+") as file:
            lines = file.read()
            file.seek(0)
            file.write(line("default", limits, "") + lines)

    def add_tasks(self, cgroup, *tasks):
        os.makedirs(self.path(cgroup), exist_ok=True)
        name = "tasks" if self.version == 1 else "cgroup.threads"
        self.write(f"{cgroup}/{name}",
                   "".join(f"{task}\n" for task in tasks).encode())

    def add_plain(self, cgroup, usage=1, limit="max"):
        """Makes a cgroup that uses one object of one device."""
        self.add(cgroup, {"mlx4_0": {"hca_object": Pool(usage, limit)}})
