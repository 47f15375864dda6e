# SPDX-License-Identifier: GPL-2.0-only
"""Devices that a client was not told of, below the default limit that it has set."""

import contextlib
import re
import subprocess

from harness import (BUILT, DEVICE, IS_LIMITED, LIMIT, OTHER_DEVICE, TENANT, Cgroup,
                     run)

DEFAULT = f"default {LIMIT}"
LATER_DEVICE = "later0"
LATER_LINK = "rdma2"


@contextlib.contextmanager
def later_device():
    """One that comes when its limit is there already, on a link of its own."""
    with contextlib.ExitStack() as undo:
        for link, options in (("ip", ("type", "dummy")),
                              ("rdma", ("type", "rxe", "netdev", LATER_LINK))):
            name = LATER_LINK if link == "ip" else LATER_DEVICE
            subprocess.run([link, "link", "add", name, *options], check=True)
            undo.callback(subprocess.run, [link, "link", "delete", name], check=True)
        yield


def check(guest, cgroup, tenant, why="a default"):
    """tenant is a process that the client has started, for DEVICE, in the cgroup."""
    said = {}
    with later_device():
        tenant.hears("^pd: .*\n")
        said[DEVICE] = tenant.said
        # Where a client delegates a controller, its cgroup itself takes no process.
        below = Cgroup(cgroup().path / "below").make()
        for device in (OTHER_DEVICE, LATER_DEVICE):
            done = run(*below.command(BUILT / TENANT[0], device, *TENANT[2:]))
            said[device] = done.stdout
        below.path.rmdir()
        limits = {device: cgroup().figures("max", device) for device in said}
    guest.promise(f"{why}: it binds two devices that were not named, and a later one",
                  all(re.search(IS_LIMITED, said[device], re.M) and
                      limits[device] == LIMIT for device in said), (said, limits))
