#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of how run-tests.py counts, and what it skips."""

import contextlib
import importlib.util
import io
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location(
    "run_tests", Path(__file__).resolve().with_name("run-tests.py"))
run_tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(run_tests)


class Run(unittest.TestCase):
    """With scripts for make and kernel.py."""

    def run_one(self, target, make, kernel_py="exit 0"):
        run_tests.why_not.cache_clear()
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for script, text in (("make", make), ("kernel.py", kernel_py)):
                (folder / script).write_text(f"#!/bin/sh\n{text}\n")
                (folder / script).chmod(0o755)
            with mock.patch.object(run_tests.kernel, "HERE", folder), \
                    contextlib.redirect_stderr(io.StringIO()), \
                    contextlib.redirect_stdout(io.StringIO()) as shown:
                counts = run_tests.run(target, str(folder / "make"))
        return str(counts), shown.getvalue()

    def test_cases_are_counted(self):
        text = "echo 1..3; echo ok 1 a; echo not ok 2 b; echo 'ok 3 c # SKIP no'"
        self.assertEqual(self.run_one("kunit", text + "; exit 2")[0],
                         "1 passed, 1 failed, 1 skipped")

    def test_what_counts_as_a_failure(self):
        for text in ("exit 0", "echo ok 1 a; exit 2", "echo 1..2; echo ok 1 a"):
            with self.subTest(text=text):
                self.assertIn(" 1 failed, ", self.run_one("kunit", text)[0])

    def test_a_base_that_cannot_be_fetched_is_skipped(self):
        counts, shown = self.run_one(
            "kunit KERNEL=7.3", "echo ok 1 it ran", "echo fetching >&2\n"
            f"echo kernel.py: nobody has it >&2; exit {run_tests.kernel.EXIT_UNAVAILABLE}")
        self.assertEqual(counts, "0 passed, 0 failed, 1 skipped")
        self.assertEqual(shown, "ok 1 kunit KERNEL=7.3 # SKIP nobody has it\n")

    def test_a_base_that_cannot_be_unpacked_fails(self):
        counts, _ = self.run_one("kunit KERNEL=7.3", "exit 2", "exit 1")
        self.assertIn(" failed, 0 skipped", counts)
        self.assertNotIn(" 0 failed", counts)

    def test_the_base_that_is_asked_for_is_never_skipped(self):
        self.assertEqual(self.run_one("kunit", "echo ok 1 a", "exit 3")[0],
                         "1 passed, 0 failed, 0 skipped")


if __name__ == "__main__":
    unittest.main()
