# SPDX-License-Identifier: GPL-2.0-only
"""perftest, and rping of rdma-core: two processes that speak to each other.

Each is in a cgroup of its own.  What it holds there while data flows becomes its
limit, which is enough; the client's less by one object is not.  No step rests on
a clock: what is to be looked at flows until it was looked at.
"""

import collections
import contextlib
import pathlib
import re

from harness import ADDRESS, DEVICE, Conversation, run, wait_until

# The client's words are the server's and ADDRESS's.  With endless the data flows
# until it is stopped, with counted it comes to an end; flows is what a client
# says when data has flown, and refused what if it may have no context.
Tool = collections.namedtuple("Tool", "words server client endless counted flows "
                              "refused listens")

# Where a server of perftest waits, in the words of /proc/net/tcp.
PERFTEST_LISTENS = "00000000:4853 00000000:0000 0A"


def perftest_listens():
    return PERFTEST_LISTENS in pathlib.Path("/proc/net/tcp").read_text()


def rping_listens():
    return "state LISTEN" in run("rdma", "resource", "show", "cm_id").stdout


TOOLS = {
    # With -F it does without the CPU's frequency, which it cannot find out on a
    # busy host.  What it says of speed is wrong then, and not read.
    "perftest": Tool(
        words=("ib_send_bw", "-F", "-d", DEVICE, "-s", "1024"),
        server=(), client=(ADDRESS,),
        endless=("--run_infinitely", "-D", "1"), counted=("-n", "1000"),
        flows=r"^ *1024 +\d", refused="^ *Couldn't get context for the device$",
        listens=perftest_listens),
    "rping": Tool(
        words=("rping", "-v", "-a", ADDRESS), server=("-s",), client=("-c",),
        endless=(), counted=("-C", "100"),
        # That is what librdmacm makes of it.
        flows="^ping data: ", refused="^cma event RDMA_CM_EVENT_ADDR_ERROR, error -1$",
        listens=rping_listens),
}


@contextlib.contextmanager
def transfer(tool, cgroups, how_long):
    """A server and its client, running, which are stopped when that is left."""
    server_cgroup, client_cgroup = cgroups
    # Line by line, also into a pipe.
    words = ("stdbuf", "-oL", *tool.words, *how_long)
    with Conversation(*server_cgroup.command(*words, *tool.server)) as server:
        wait_until(lambda: tool.listens() or server.process.poll() is not None)
        with Conversation(
                *client_cgroup.command(*words, *tool.client)) as client:
            yield server, client


def said(*ends):
    return "\n".join(end.said[-2000:] for end in ends)


def check(guest, name):
    tool = TOOLS[name]
    cgroups = [guest.cgroup(f"{name}-{end}").make() for end in ("server", "client")]

    def nothing_is_counted():
        guest.promise(
            "nothing is counted after it",
            all(cgroup.becomes_unused() for cgroup in cgroups),
            "\n".join(cgroup.figures("current") for cgroup in cgroups))

    for cgroup in cgroups:
        cgroup.limit(100, 10000)
    with transfer(tool, cgroups, tool.endless) as ends:
        flows = ends[1].hears(tool.flows)
        used = [cgroup.usage() for cgroup in cgroups]
    if not guest.promise("data flows below high limits", flows, said(*ends)):
        return
    peaks = used if guest.stock else [cgroup.usage("peak") for cgroup in cgroups]
    # A PD, a CQ, a QP and an MR are the least.
    guest.promise("what both hold is counted, and the most they ever held", all(
        handles >= 1 and objects >= 4 for handles, objects in used)
        and peaks == used, (used, peaks))
    nothing_is_counted()

    for cgroup, most in zip(cgroups, used):
        cgroup.limit(*most)
    with transfer(tool, cgroups, tool.counted) as ends:
        enough = all(end.end() == 0 for end in reversed(ends))
    guest.promise("limits of what was held are enough", enough, said(*ends))
    nothing_is_counted()

    client = cgroups[1]
    handles, objects = used[1]
    for text, limit, says in (
            ("an object less is refused", (handles, objects - 1), ""),
            ("a context less is refused", (handles - 1, objects), tool.refused)):
        client.limit(*limit)
        events = None if guest.stock else client.figures("events")
        # The server, whose client was refused, may wait for ever.
        with transfer(tool, cgroups, tool.counted) as ends:
            status = ends[1].end()
        guest.promise(text, status and status > 0 and
                      re.search(says, ends[1].said, re.M) and
                      (guest.stock or client.figures("events") != events),
                      f"exit status {status}, before {events}\n{said(*ends)}")
    nothing_is_counted()
