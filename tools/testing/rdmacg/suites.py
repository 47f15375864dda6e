# SPDX-License-Identifier: GPL-2.0-only
"""What "make test" runs, and what WITH= adds: targets, with their variables."""

# Fastest first, so that a fault shows early.
TESTS = ("runner-test", "native-test", "fuzz-shortly", "kunit", "driver-failure",
         "query-clamp", "kselftest")


def in_guest(variables):
    """What a base has to pass on a machine."""
    return tuple(f"{target} {variables}"
                 for target in ("kunit", "driver-failure", "query-clamp", "kselftest"))


def emulated(variables):
    """What a machine other than x86 has to pass."""
    return tuple(f"{target} {variables}" for target in (
        "kunit", "driver-failure", "kselftest", "storms SECONDS=2"))


MORE = {
    "lint": ("lint",),
    "7.3": in_guest("KERNEL=7.3"),
    "6.1": in_guest("KERNEL=6.1"),
    "5.10": in_guest("KERNEL=5.10"),
    "clients": ("clients",),
    "docs": ("docs-test",),
    "debug": ("kunit CONFIG=debug", "storms CONFIG=debug SECONDS=2 STORM=v2:",
              "uverbs-fuzz ROUNDS=1 SECONDS=10"),
    "kcsan": ("detectors CONFIG=kcsan", "kselftest CONFIG=kcsan", "storms CONFIG=kcsan"),
    # More than the machine has, which are interrupted anywhere.
    "smp": ("kselftest SMP=8", "storms SMP=8 SECONDS=2", "kselftest CONFIG=kcsan SMP=8",
            "storms CONFIG=kcsan SMP=8 SECONDS=2"),
    "rt": ("detectors CONFIG=rt", "kunit CONFIG=rt", "kselftest CONFIG=rt"),
    "arm64": (*emulated("ARCH=arm64"), *emulated("ARCH=arm64 KERNEL=7.3"),
              "kunit ARCH=arm64 CONFIG=64k", "kselftest ARCH=arm64 CONFIG=64k",
              "kunit ARCH=s390x", "kunit ARCH=i386"),
    "rest": ("detectors CONFIG=debug", "kselftest CONFIG=debug", "faults", "uverbs-fuzz",
             "storms CONFIG=debug SECONDS=10", "storms SECONDS=30", "check-base-test", "model",
             "litmus", "top-test", "examples-test", "deb-test", "tools-deb-test",
             "series-test", "series-test KERNEL=6.1", "alloc-fail", "interleave", "mutants",
             "lint T=cross", "storms KERNEL=7.3", "storms KERNEL=5.10", "uverbs-fuzz KERNEL=7.3",
             "check-base-test KERNEL=7.3"),
}
