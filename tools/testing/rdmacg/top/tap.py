# SPDX-License-Identifier: GPL-2.0-only
"""unittest with results as TAP: a case is named by the first line it says."""

import argparse
import os
import shutil
import sys
import tempfile
import unittest


class Result(unittest.TestResult):
    """Prints a case when it has ended."""

    what = "top"

    def startTest(self, test):
        super().startTest(test)
        self.reasons = []
        self.skip_reason = None

    def addError(self, test, err):
        super().addError(test, err)
        self.reasons.append(self.errors[-1][1])

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.reasons.append(self.failures[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self.reasons.append(f"{subtest}\n{err[1]}")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.skip_reason = reason

    def stopTest(self, test):
        super().stopTest(test)
        word = "not ok" if self.reasons else "ok"
        skip = f" # SKIP {self.skip_reason}" if self.skip_reason else ""
        print(f"{word} {self.testsRun} - {self.what} {type(test).__name__}: "
              f"{test.shortDescription()}{skip}")
        for line in "\n".join(self.reasons).splitlines():
            print(f"# {line}")
        sys.stdout.flush()


def main(module, *options, what=Result.what):
    """Runs the cases of a module, or those with a word in their names.

    What the command line names becomes the module's: PROGRAM, which is copied,
    as the build may be where only its owner can look; and options likewise.
    """
    module = sys.modules[module]
    parser = argparse.ArgumentParser(description=module.__doc__)
    for name in ("program", *options):
        parser.add_argument(f"--{name}", required=True, type=os.path.abspath)
    parser.add_argument("only", nargs="?", help="a part of the names of cases")
    args = parser.parse_args()
    for name in options:
        setattr(module, name.upper(), getattr(args, name))

    loader = unittest.TestLoader()
    if args.only:
        loader.testNamePatterns = [f"*{args.only}*"]
    suite = loader.loadTestsFromModule(module)
    print(f"1..{suite.countTestCases()}", flush=True)
    result = Result()
    result.what = what
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        module.PROGRAM = shutil.copy(args.program, folder)
        suite.run(result)
    sys.exit(not result.wasSuccessful())
