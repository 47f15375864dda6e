#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the tests of rdma-core in cgroups, and says how each test ended.

    pyverbs-run.py TESTS DEVICE GID SECONDS RESULTS CGROUP...

TESTS is the folder of the tests, which are run as they are, once in each
CGROUP; GID is the index of the GID to use.  Each test has its own seed, so
that what it leaves to chance is the same in every run, and SECONDS to end.
RESULTS becomes JSON of {CGROUP's name: {test's ID: [outcome, reason]}}.  The
outcome is "refused" if a test has failed for EAGAIN, and the cgroup's events,
where the kernel has them, count a refusal in its time.

Some tests race with the device, and lose where that is slow software: a test
that failed though no verb did is tried again, so often that one which can pass
at all does.
"""

import errno
import faulthandler
import gc
import json
import multiprocessing
import os
import pathlib
import random
import re
import signal
import sys
import tempfile
import unittest


TRIES = 20

# It wants a command of rdma_cm that Linux 6.12 does not have, and fails without.
LEFT_OUT = "test_rdmacm_async_resolve_addrinfo"

REFUSED = f"Errno: {errno.EAGAIN},"
# A test of rdma_cm has two processes, which print what they were told and end, or
# wait for each other till they are killed; what the test itself raises has no word
# of it.  Which of the two is refused, and in which step, is chance.  librdmacm says
# ENODEV whenever it cannot open a device.  A program that waits for an
# event, which fails for this, gets ADDR_ERROR with a status of -1, which a synchronous call takes for EPERM.
# A test that waits for ADDR_RESOLVED, which is 0, takes ADDR_ERROR for that, goes on
# without a device, and crashes in librdmacm.
REFUSED_IN_PROCESS = (f"Errno: ({errno.EAGAIN}|{errno.ENODEV}|{errno.EPERM}),|"
                      "RDMA_CM_EVENT_ADDR_ERROR|"
                      "Segmentation fault(?s:.*) in establish_connection")


class Loader(unittest.TestLoader):
    def getTestCaseNames(self, kind):
        return [name for name in super().getTestCaseNames(kind) if name != LEFT_OUT]


class TookTooLong(BaseException):
    """No test must take this for an answer of the device."""


class Result(unittest.TestResult):
    def __init__(self, cgroup, seconds, printed):
        super().__init__()
        self.events = cgroup / "rdma.events"
        self.events_before = None
        self.seconds = seconds
        self.outcomes = {}
        self.once_more = []
        self.printed = printed      # the file of what a test prints
        self.stdout = None

    def note(self, test, outcome, reason=""):
        self.outcomes[test.id()] = [outcome, reason]

    def read_events(self):
        return self.events.read_text() if self.events.exists() else None

    def said_by_processes(self):
        sys.stdout.flush()
        self.printed.seek(0)
        return self.printed.read().decode()

    def note_exception(self, test, outcome, exception):
        kind, error, _ = exception
        reason = f"{kind.__name__}: {error}"
        said = self.said_by_processes()
        told = "Errno: " in reason
        refused = re.search(REFUSED if told else REFUSED_IN_PROCESS,
                            reason if told else said)
        events = self.read_events()
        if refused and (events is None or events != self.events_before):
            self.note(test, "refused", reason if told else "in a process of the test")
            return
        if refused:
            reason += "; rdma.events counts no refusal"
        self.note(test, outcome, "; ".join((reason, *said.splitlines())))
        if not told and isinstance(test, unittest.TestCase):
            # Not the test itself: it refers to what it holds of the device.
            self.once_more.append((type(test), test._testMethodName))

    def startTest(self, test):
        super().startTest(test)
        # What the last test left behind must not count against this one.
        gc.collect()
        random.seed(test.id())
        self.events_before = self.read_events()
        sys.stdout.flush()
        self.stdout = os.dup(1)
        os.dup2(self.printed.fileno(), 1)
        signal.alarm(self.seconds)

    def stopTest(self, test):
        signal.alarm(0)
        # A process that is still about to end holds its context.
        for process in multiprocessing.active_children():
            process.kill()
            process.join()
        sys.stdout.flush()
        os.dup2(self.stdout, 1)
        os.close(self.stdout)
        self.printed.seek(0)
        self.printed.truncate()
        super().stopTest(test)

    def addSuccess(self, test):
        self.note(test, "passed")

    def addSkip(self, test, reason):
        self.note(test, "skipped", reason)

    def addError(self, test, err):
        self.note_exception(test, "error", err)

    def addFailure(self, test, err):
        self.note_exception(test, "failed", err)

    def addSubTest(self, test, subtest, err):
        if err:
            self.note_exception(test, "failed", err)

    def addExpectedFailure(self, test, err):
        self.note_exception(test, "failed as expected", err)

    def addUnexpectedSuccess(self, test):
        self.note(test, "passed unexpectedly")


def time_is_up(*_):
    raise TookTooLong


def run_all(tests, cgroup, seconds):
    """Returns {test's ID: [outcome, reason]}."""
    with tempfile.TemporaryFile() as printed:
        result = Result(cgroup, seconds, printed)
        suite = Loader().loadTestsFromModule(tests)
        print(f"{suite.countTestCases()} tests in {cgroup.name}")
        suite.run(result)
        for number in range(2, TRIES + 1):
            again, result.once_more = result.once_more, []
            for kind, method in again:
                test = kind(method)
                print(f"try {number} of {test.id()}:", *result.outcomes[test.id()])
                test.run(result)
    return result.outcomes


def run_in_cgroup(tests, cgroup, seconds):
    """In a process of its own, as one that ended holds nothing any more."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        (cgroup / "cgroup.procs").write_text("0")
        outcomes = run_all(tests, cgroup, seconds)
        with open(writer, "w") as pipe:
            json.dump(outcomes, pipe)
        os._exit(0)
    os.close(writer)
    with open(reader) as pipe:
        outcomes = pipe.read()
    if os.waitpid(child, 0)[1]:
        sys.exit(f"the tests died in {cgroup.name}")
    return json.loads(outcomes)


def main():
    # A process of a test that crashes, or is killed, has printed why.
    sys.stdout.reconfigure(line_buffering=True)
    faulthandler.enable(sys.stdout)
    folder, device, gid, seconds, results, *cgroups = sys.argv[1:]
    sys.argv[1:] = ["--dev", device, "--gid", gid]
    sys.path[:0] = [folder, str(pathlib.Path(folder).parent)]
    # They lie in that folder.
    from args_parser import parser
    parser.parse_args()
    import tests

    # Those stay: a collection shall only look at what a test has made.
    gc.freeze()
    signal.signal(signal.SIGALRM, time_is_up)
    outcomes = {path.name: run_in_cgroup(tests, path, int(seconds))
                for path in map(pathlib.Path, cgroups)}
    pathlib.Path(results).write_text(json.dumps(outcomes, indent=1))


if __name__ == "__main__":
    main()
