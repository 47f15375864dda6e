# SPDX-License-Identifier: GPL-2.0-only
"""unittest with results as TAP: a case is named by the first line it says."""

import sys
import unittest


class Result(unittest.TestResult):
    """Prints a case when it has ended."""

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
        print(f"{word} {self.testsRun} - top {type(test).__name__}: "
              f"{test.shortDescription()}{skip}")
        for line in "\n".join(self.reasons).splitlines():
            print(f"# {line}")
        sys.stdout.flush()


def main(module, only=None):
    """Runs the cases of a module, or those with this in their names."""
    loader = unittest.TestLoader()
    if only:
        loader.testNamePatterns = [f"*{only}*"]
    suite = loader.loadTestsFromModule(sys.modules[module])
    print(f"1..{suite.countTestCases()}", flush=True)
    result = Result()
    suite.run(result)
    sys.exit(not result.wasSuccessful())
