#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of how clients.py judges what guests say."""

import contextlib
import io
import json
import pathlib
import tempfile
import unittest
import unittest.mock

import clients

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


if __name__ == "__main__":
    unittest.main()
