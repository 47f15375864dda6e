# SPDX-License-Identifier: GPL-2.0-only
"""UCX and libfabric: programs that list what the RDMA devices offer.

They make contexts and objects for it.  A device that gives them too few they
leave out, and end with 0: an EAGAIN of the controller does not show.
"""

import collections
import errno
import os
import re

from harness import DEVICE, OTHER_DEVICE, run

# What the line about a device is, with its name for %s.
Reader = collections.namedtuple("Reader", "words line")

READERS = {
    "ucx": Reader(("ucx_info", "-d"), "^# Memory domain: %s$"),
    "libfabric": Reader(("fi_info", "-p", "verbs"), "^ *domain: %s$"),
}

# Not all values: fi_info of libfabric 1.17 waits for itself for ever if it has
# got the two objects that it makes first, and is refused the third.
LIMITS = {
    "with high limits": (100, 10000, True),
    "without contexts": (0, "max", False),
    "without objects": ("max", 0, False),
}


def check(guest, name):
    reader = READERS[name]
    cgroup = guest.cgroup(name).make()

    for text, (handles, objects, listed) in LIMITS.items():
        cgroup.limit(handles, objects)
        events = None if guest.stock else cgroup.figures("events")
        done = run(*cgroup.command(*reader.words))
        is_listed, other_is_listed = (
            bool(re.search(reader.line % device, done.stdout, re.M))
            for device in (DEVICE, OTHER_DEVICE))
        refused = not listed if guest.stock else cgroup.figures("events") != events
        guest.promise(
            f"{text} it lists the device" if listed else
            f"{text} it is refused, and leaves out the device",
            is_listed == listed and refused != listed, done.stdout)
        guest.promise(f"{text} it ends well, and lists the other device",
                      done.returncode == 0 and other_is_listed,
                      f"exit status {done.returncode}\n{done.stdout}")
    if name == "ucx":
        cgroup.limit(0, "max")
        reason = f"ibv_open_device({DEVICE}) failed: {os.strerror(errno.EAGAIN)}"
        usual, diag = (run(*cgroup.command("env", *level, *reader.words)).stdout
                       for level in ((), ("UCX_LOG_LEVEL=diag",)))
        guest.promise("it tells of a refused context at its log level diag only",
                      reason in diag and reason not in usual, f"{usual}\n{diag}")
    if name == "libfabric":
        cgroup.limit("max", 12)
        done = run(*cgroup.command("fi_info", "-v", "-p", "verbs", "-d", DEVICE))
        bounded = set(re.findall(r"^ *(\w+)_cnt: 12$", done.stdout, re.M))
        guest.promise("it shows what the hardware has" if guest.stock else
                      "it shows how many objects may be had",
                      not bounded if guest.stock else bounded >= {"ep", "cq", "mr"},
                      done.stdout)
    guest.promise("nothing is counted after it", cgroup.becomes_unused(),
                  cgroup.figures("current"))
