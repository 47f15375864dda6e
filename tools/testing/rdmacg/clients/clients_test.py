#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of how clients.py judges guests, and pyverbs-run.py the tests it runs."""

import contextlib
import importlib
import io
import json
import multiprocessing
import os
import pathlib
import tempfile
import time
import types
import unittest
import unittest.mock

import clients

pyverbs_run = importlib.import_module("pyverbs-run")

PASSED = ["passed", ""]
SKIPPED = ["skipped", "no such thing on this device"]
REFUSED = ["error", "Failed to allocate PD. Errno: 11"]


def judge(function, *arguments):
    """Returns what is printed, the exit status, and what is returned."""
    report = clients.Report()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        returned = function(report, *arguments)
        status = report.end()
    return printed.getvalue(), status, returned


class Follow(unittest.TestCase):
    def follow(self, text):
        return judge(clients.follow, "stock v1", text.splitlines(keepends=True))

    def test_results_are_passed_on(self):
        printed, status, results = self.follow(
            "ok 1 - runc: a\n# 3 s\nok 2 - runc: b\n1..2\n")
        self.assertEqual(printed, "ok 1 - clients: stock v1: runc: a\n# 3 s\n"
                         "ok 2 - clients: stock v1: runc: b\n1..2\n")
        self.assertEqual((status, results), (0, 2))

    def test_a_failure_is_one(self):
        printed, status, results = self.follow("not ok 1 - runc: a\n1..1\n")
        self.assertIn("not ok 1 - clients: stock v1: runc: a\n", printed)
        self.assertEqual((status, results), (1, 1))

    def test_an_early_end_is_seen(self):
        self.assertIsNone(self.follow("ok 1 - runc: a\n")[2])
        self.assertIsNone(self.follow("ok 1 - runc: a\n1..2\n")[2])

    def test_nothing_is_a_failure(self):
        self.assertEqual(self.follow("")[1], 1)


class Compare(unittest.TestCase):
    def compare(self, ours, stock):
        return judge(clients.compare_tests, "v2 high", ours, stock)[:2]

    def test_same_results(self):
        printed, status = self.compare({"a": PASSED, "b": SKIPPED, "c": REFUSED},
                                       {"a": PASSED, "b": SKIPPED, "c": REFUSED})
        self.assertEqual(status, 0)
        self.assertIn("ok 1 - clients: v2 high: a is the same on both\n", printed)
        self.assertIn("ok 2 - clients: v2 high: c is the same on both\n", printed)
        self.assertIn("# v2 high: 1 tests skip themselves on both", printed)

    def test_differences_are_failures(self):
        for other in (REFUSED, SKIPPED, ["passed", "otherwise"]):
            printed, status = self.compare({"a": PASSED}, {"a": other})
            self.assertEqual(status, 1)
            self.assertIn("not ok 1 - clients: v2 high: a", printed)
        self.assertIn("# stock: passed otherwise\n", printed)

    def test_skips_for_other_reasons_are_differences(self):
        self.assertEqual(
            self.compare({"a": SKIPPED}, {"a": ["skipped", "other"]})[1], 1)

    def test_tests_that_lack_on_one_are_failures(self):
        for pair in (({"a": PASSED, "b": PASSED}, {"a": PASSED}),
                     ({"a": PASSED}, {"a": PASSED, "b": SKIPPED})):
            printed, status = self.compare(*pair)
            self.assertEqual(status, 1)
            self.assertIn("not there", printed)

    def test_results_that_lack_are_a_failure(self):
        with tempfile.TemporaryDirectory() as folder, \
             unittest.mock.patch("clients.OUT", pathlib.Path(folder)):
            for variant in ("rdmacg", "stock"):
                status = judge(clients.compare_pyverbs, 1)[1]
                self.assertEqual(status, 1)
                pathlib.Path(folder, variant).mkdir()
                pathlib.Path(folder, variant, "pyverbs-v1.json").write_text(
                    json.dumps({"high": {"a": PASSED}}))
            printed, status = judge(clients.compare_pyverbs, 1)[:2]
            self.assertEqual(status, 0)
            self.assertIn("v1 high: a is the same on both", printed)


EAGAIN = "Failed to open device mlx4_0. Errno: 11, Resource temporarily unavailable"
IN_PROCESS = ["refused", "in a process of the test"]


class Outcomes(unittest.TestCase):
    def run_tests(self, *bodies, events=True):
        """Returns the outcome of each body, which is given its cgroup's events.

        Without events it is a cgroup of the stock kernel.
        """
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "rdma.events")
            if events:
                file.touch()
            methods = {f"test_{number}": lambda _, body=body: body(file)
                       for number, body in enumerate(bodies)}
            tests = types.SimpleNamespace(Case=type("Case", (unittest.TestCase,), methods))
            with contextlib.redirect_stdout(io.StringIO()), \
                 unittest.mock.patch.object(pyverbs_run, "TRIES", 2):
                outcomes = pyverbs_run.run_all(tests, file.parent, 60)
        return [outcomes[test] for test in sorted(outcomes)]

    @staticmethod
    def failing(error="", printed="", refusals=1):
        def body(events):
            os.write(1, printed.encode())
            if refusals:
                with events.open("a") as file:
                    file.write("mlx4_0 hca_handle.max=1\n" * refusals)
            raise OSError(error)
        return body

    def test_a_refusal(self):
        self.assertEqual(self.run_tests(self.failing(EAGAIN), lambda _: None),
                         [["refused", f"OSError: {EAGAIN}"], PASSED])
        self.assertEqual(self.run_tests(self.failing(EAGAIN, refusals=0), events=False),
                         [["refused", f"OSError: {EAGAIN}"]])

    def test_a_refusal_that_nobody_has_counted(self):
        outcome, reason = self.run_tests(self.failing(EAGAIN),
                                         self.failing(EAGAIN, refusals=0))[1]
        self.assertEqual(outcome, "error")
        self.assertIn("counts no refusal", reason)

    def test_other_errors(self):
        for error in ("Errno: 19, No such device", "Errno: 111, Connection refused"):
            self.assertEqual(self.run_tests(self.failing(error)),
                             [["error", f"OSError: {error}"]])

    def test_a_refusal_of_a_process(self):
        for printed in ("Errno: 11,", "Errno: 19, No such device", "Errno: 1, x",
                        "got this event: RDMA_CM_EVENT_ADDR_ERROR",
                        "Fatal Python error: Segmentation fault\n\n"
                        "  File x, line 1 in establish_connection"):
            self.assertEqual(self.run_tests(self.failing("stuck", printed)), [IN_PROCESS])
            outcome, reason = self.run_tests(self.failing("stuck", printed, refusals=0))[0]
            self.assertEqual(outcome, "error")
            self.assertIn(printed.splitlines()[0], reason)

    def test_other_errors_of_a_process(self):
        for line in "Errno: 22, x", "Fatal Python error: Segmentation fault":
            self.assertEqual(self.run_tests(self.failing("stuck", f"{line}\nmore\n")),
                             [["error", f"OSError: stuck; {line}; more"]])

    def test_a_test_is_not_judged_by_what_others_printed(self):
        self.assertEqual(self.run_tests(self.failing("stuck", "Errno: 19, x\n"),
                                        self.failing("stuck")),
                         [IN_PROCESS, ["error", "OSError: stuck"]])

    def test_what_raced_is_tried_again(self):
        runs = []

        def body(_):
            runs.append(1)
            if len(runs) == 1:
                raise OSError("stuck")
        self.assertEqual(self.run_tests(body), [PASSED])

    def test_processes_are_gone_before_the_next_test(self):
        left = []
        self.run_tests(
            lambda _: multiprocessing.get_context("fork").Process(
                target=time.sleep, args=(3600,)).start(),
            lambda _: left.extend(multiprocessing.active_children()))
        self.assertEqual(left, [])


if __name__ == "__main__":
    unittest.main()
