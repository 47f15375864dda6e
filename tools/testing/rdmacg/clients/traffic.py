# SPDX-License-Identifier: GPL-2.0-only
"""perftest, and rping of rdma-core: two processes that speak to each other.

Each is in a cgroup of its own.  The most that it uses there becomes its limit,
which is enough; the client's less by one object is not.
"""

import collections
import contextlib
import pathlib
import subprocess
import tempfile
import time

from harness import ADDRESS, DEVICE, SECONDS, run, wait_until

Tool = collections.namedtuple("Tool", "server client listens")
Transfer = collections.namedtuple("Transfer", "well server client said")

# Where a server of perftest waits, in the words of /proc/net/tcp.
PERFTEST_LISTENS = "00000000:4853 00000000:0000 0A"


def perftest_listens():
    return PERFTEST_LISTENS in pathlib.Path("/proc/net/tcp").read_text()


def rping_listens():
    return "state LISTEN" in run("rdma", "resource", "show", "cm_id").stdout


PERFTEST = ("ib_send_bw", "-d", DEVICE, "-s", "1024", "-D", "3")
RPING = ("rping", "-v", "-C", "1000", "-a", ADDRESS)

TOOLS = {
    "perftest": Tool(PERFTEST, (*PERFTEST, ADDRESS), perftest_listens),
    "rping": Tool((*RPING, "-s"), (*RPING, "-c"), rping_listens),
}


class End:
    """One of the two processes, and the most that it was seen to use."""

    def __init__(self, cgroup, command):
        self.cgroup = cgroup
        self.seen = (0, 0)
        self.output = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            cgroup.command(*command), stdin=subprocess.DEVNULL,
            stdout=self.output, stderr=self.output)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.output.close()

    def runs(self):
        return self.process.poll() is None

    def look(self):
        self.seen = tuple(map(max, self.seen, self.cgroup.usage()))

    def said(self):
        self.output.seek(0)
        return self.output.read()[-2000:]


def look_until(holds, *ends):
    late = time.monotonic() + SECONDS
    while not holds() and time.monotonic() < late:
        for end in ends:
            end.look()
        # Both tools poll: the CPUs are for them.
        time.sleep(0.005)


def transfer(tool, server_cgroup, client_cgroup):
    """A server whose client was refused may wait for ever: it is killed."""
    with contextlib.ExitStack() as ends:
        server = ends.enter_context(End(server_cgroup, tool.server))
        look_until(lambda: tool.listens() or not server.runs(), server)
        client = ends.enter_context(End(client_cgroup, tool.client))
        look_until(lambda: not client.runs(), client, server)
        if client.process.returncode == 0:
            wait_until(lambda: not server.runs())
        status = (server.process.returncode, client.process.returncode)
        return Transfer(status == (0, 0), server.seen, client.seen,
                        f"server, client: exit status {status}, used "
                        f"{server.seen}, {client.seen}\n"
                        f"{server.said()}\n{client.said()}")


def check(guest, name):
    tool = TOOLS[name]
    server = guest.cgroup(f"{name}-server").make()
    client = guest.cgroup(f"{name}-client").make()

    def unused():
        return server.becomes_unused() and client.becomes_unused()

    def shown():
        return f"{server.figures('current')}\n{client.figures('current')}"

    server.limit(100, 10000)
    client.limit(100, 10000)
    first = transfer(tool, server, client)
    if not guest.stock:
        # Exact: looks may miss what does not last.
        first = first._replace(server=server.usage("peak"),
                               client=client.usage("peak"))
    guest.promise("server and client speak below high limits",
                  first.well, first.said)
    # A PD, a CQ, a QP and an MR are the least.
    guest.promise("what both use is counted", all(
        handles >= 1 and objects >= 4
        for handles, objects in (first.server, first.client)), first.said)
    guest.promise("nothing is counted after it", unused(), shown())

    server.limit(*first.server)
    client.limit(*first.client)
    again = transfer(tool, server, client)
    guest.promise("limits of what was used are enough", again.well, again.said)

    handles, objects = first.client
    for text, limit in (("an object less is refused", (handles, objects - 1)),
                        ("a context less is refused", (handles - 1, objects))):
        client.limit(*limit)
        refused = transfer(tool, server, client)
        within = all(used <= allowed
                     for used, allowed in zip(refused.client, limit))
        guest.promise(text, not refused.well and within, refused.said)
    guest.promise("nothing is counted after that", unused(), shown())
