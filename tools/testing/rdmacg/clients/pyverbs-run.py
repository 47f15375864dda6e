#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the tests of rdma-core in cgroups, and says how each test ended.

    pyverbs-run.py TESTS DEVICE GID SECONDS RESULTS CGROUP...

TESTS is the folder of the tests, which are run as they are, once in each
CGROUP; GID is the index of the GID to use.  Each test has its own seed, so
that what it leaves to chance is the same in every run, and SECONDS to end.
RESULTS becomes JSON of {CGROUP's name: {test's ID: [outcome, reason]}}.

Some tests race with the device, and lose where that is slow software: a test
that failed though no verb did is tried again, so often that one which can pass
at all does.
"""

import gc
import json
import os
import pathlib
import random
import signal
import sys
import unittest


TRIES = 20

# It wants a command of rdma_cm that Linux 6.12 does not have, and fails without.
LEFT_OUT = "test_rdmacm_async_resolve_addrinfo"


class Loader(unittest.TestLoader):
    def getTestCaseNames(self, kind):
        return [name for name in super().getTestCaseNames(kind) if name != LEFT_OUT]


class TookTooLong(BaseException):
    """No test must take this for an answer of the device."""


class Result(unittest.TestResult):
    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds
        self.outcomes = {}
        self.once_more = []

    def note(self, test, outcome, reason=""):
        self.outcomes[test.id()] = [outcome, reason]

    def note_exception(self, test, outcome, exception):
        kind, error, _ = exception
        self.note(test, outcome, f"{kind.__name__}: {error}")
        if "Errno: " not in str(error) and isinstance(test, unittest.TestCase):
            # Not the test itself: it refers to what it holds of the device.
            self.once_more.append((type(test), test._testMethodName))

    def startTest(self, test):
        super().startTest(test)
        # What the last test left behind must not count against this one.
        gc.collect()
        random.seed(test.id())
        signal.alarm(self.seconds)

    def stopTest(self, test):
        signal.alarm(0)
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


def run_all(tests, seconds):
    """Returns {test's ID: [outcome, reason]}."""
    result = Result(seconds)
    Loader().loadTestsFromModule(tests).run(result)
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
        outcomes = run_all(tests, seconds)
        with open(writer, "w") as pipe:
            json.dump(outcomes, pipe)
        sys.stdout.flush()
        os._exit(0)
    os.close(writer)
    with open(reader) as pipe:
        outcomes = pipe.read()
    if os.waitpid(child, 0)[1]:
        sys.exit(f"the tests died in {cgroup.name}")
    return json.loads(outcomes)


def main():
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
