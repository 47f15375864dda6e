# SPDX-License-Identifier: GPL-2.0-only
"""What the clients' tests have in common, in the guest."""

import contextlib
import os
import pathlib
import re
import selectors
import subprocess
import time

DEVICE = "mlx4_0"
OTHER_DEVICE = "ocrdma1"
ADDRESS = "10.99.0.1"           # on the link of DEVICE
GID = 1                         # of that address; 0 is of IPv6

TOP = pathlib.Path(__file__).resolve().parents[4]
BUILT = (TOP / "build").resolve() / "guest"
EXAMPLES = TOP / "doc/examples"

# A limit; a tenant that asks for more, and what it says if it is refused.
HANDLES, OBJECTS = 2, 20
NO_LIMIT = "hca_handle=max hca_object=max"
LIMIT = f"hca_handle={HANDLES} hca_object={OBJECTS}"
TENANT = ("verbs", DEVICE, f"context={HANDLES + 1}", f"pd={OBJECTS + 10}")
IS_LIMITED = (rf"^context: made {HANDLES}, .*: EAGAIN .*\n"
              rf"pd: made {OBJECTS}, .*: EAGAIN ")
IS_UNLIMITED = (rf"^context: made {HANDLES + 1}, held \d+\n"
                rf"pd: made {OBJECTS + 10}, held \d+\n")

# An emulated CPU on a busy host is slow; what hangs, hangs for longer.
SECONDS = 1800


def wait_until(holds):
    """Returns what holds() returns: the first that is true, or the last."""
    end = time.monotonic() + SECONDS
    while not (result := holds()) and time.monotonic() < end:
        time.sleep(0.05)
    return result


def run(*command, **options):
    """Returns the finished process; its stdout has all that was said."""
    return subprocess.run(
        [str(word) for word in command], text=True, timeout=SECONDS,
        check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        **{"stdin": subprocess.DEVNULL} | options)


class Cgroup:
    def __init__(self, path):
        self.path = path

    def make(self):
        self.path.mkdir()
        return self

    def limit(self, handles, objects, device=DEVICE):
        (self.path / "rdma.max").write_text(
            f"{device} hca_handle={handles} hca_object={objects}")

    def figures(self, file, device=DEVICE):
        """Returns what rdma.FILE says about the device, or None."""
        for line in (self.path / f"rdma.{file}").read_text().splitlines():
            name, *figures = line.split()
            if name == device:
                return " ".join(figures)
        return None

    def usage(self, file="current"):
        """Returns how many handles and objects are held, or were at most."""
        return tuple(map(int, re.findall(r"=(\d+)", self.figures(file))))

    def becomes_unused(self):
        return wait_until(lambda: self.usage() == (0, 0))

    def command(self, *words):
        """Returns the words of a command that runs in this cgroup."""
        return ["sh", "-c", 'echo 0 > "$0/cgroup.procs" && exec "$@"',
                self.path, *words]


class Conversation:
    """A running command that is spoken to; said is all it has answered."""

    def __init__(self, *command):
        self.said = ""
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        # Of what it was told some may not have reached it.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.selector.close()

    def hears(self, pattern):
        """Returns the match in what is said, None if it ends without."""
        end = time.monotonic() + SECONDS
        while not (match := re.search(pattern, self.said, re.M)):
            if not self.selector.select(max(0, end - time.monotonic())):
                return None
            heard = os.read(self.process.stdout.fileno(), 4096)
            if not heard:
                return None
            self.said += heard.decode(errors="replace")
        return match

    def say(self, line):
        # That it is gone shows in what it says.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()

    def end(self):
        """Returns the exit status, None if it does not end."""
        self.hears(r"\Z.^")
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(SECONDS)
        return None


class Guest:
    """What a case is given: where it runs, and to whom it makes promises."""

    def __init__(self, version, stock, newer):
        self.version = version
        self.stock = stock
        self.newer = newer      # the clients than those of Debian 12
        self.kernel = int(os.uname().release.split(".")[0])
        self.root = pathlib.Path("/sys/fs/cgroup", "rdma" if version == 1 else "")
        self.case = None
        self.promises = 0

    def cgroup(self, name):
        return Cgroup(self.root / name)

    def promise(self, text, holds, shown=""):
        """Prints a result; what is shown explains one that does not hold."""
        self.promises += 1
        print("ok" if holds else "not ok", self.promises, "-",
              f"{self.case}: {text}", flush=True)
        if not holds:
            for line in str(shown).splitlines():
                print("#", line, flush=True)
        return bool(holds)
