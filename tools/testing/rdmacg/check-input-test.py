#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests that wrong input is told, with what to do, before any work is done.

check-input-test.py SOURCE: the pristine kernel tree whose headers programs need.
"""

import contextlib
import importlib.util
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
REPO = HERE.parents[2]
SELFTESTS = REPO / "tools/testing/selftests/cgroup"
for folder in ("qemu", "lint", "series"):
    sys.path.insert(0, str(HERE / folder))
import debian  # noqa: E402 (only now can they be found)
import kernel  # noqa: E402
import series  # noqa: E402
import setup  # noqa: E402

spec = importlib.util.spec_from_file_location("check_input", HERE / "check-input.py")
check_input = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_input)

WORKED = "work was done"
# The caller's make and variables are none of a test's.
CLEAN = {name: value for name, value in os.environ.items()
         if name in ("PATH", "HOME", "LANG", "XDG_CACHE_HOME")}


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


class Folder(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)


class Make(Folder):
    """In a tree of links to this one, in which a step of work says so, and fails."""

    def tree(self, name="tree"):
        tree = self.folder / name
        here = tree / HERE.relative_to(REPO)
        if not tree.exists():
            here.mkdir(parents=True)
            shutil.copy(REPO / "Makefile", tree)
            for folder in (HERE, *list(HERE.parents)[:3]):
                for path in folder.iterdir():
                    link = tree / path.relative_to(REPO)
                    if not link.exists() and path.name not in (".git", "build"):
                        link.symlink_to(path)
            (here / "setup.sh").unlink()
            script(here / "setup.sh", f'[ -z "$*" ] || {{ echo {WORKED}; exit 1; }}')
        return tree

    def make(self, *words, tree="tree", folder="", **variables):
        # No test is to reach the user's own cache: there is a distclean.
        scratch = {"HOME": str(self.folder), "XDG_CACHE_HOME": str(self.folder / "cache")}
        done = subprocess.run(["make", *words], cwd=folder or self.tree(tree), text=True,
                              env={**CLEAN, **scratch, **variables}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout

    def goals(self):
        """All that can be made by name."""
        text = (REPO / "Makefile").read_text()
        return {goal for line in re.findall(r"^\.PHONY: (\w.*)", text, re.M)
                for goal in line.split()}

    def assert_told(self, words, *told, **kwargs):
        with self.subTest(words=words):
            status, said = self.make(*words.split(), **kwargs)
            self.assertNotEqual(status, 0)
            self.assertNotIn(WORKED, said)
            self.assertNotIn("Traceback", said)
            for text in told:
                self.assertIn(text, said)

    def assert_taken(self, *words, **kwargs):
        with self.subTest(words=words):
            self.assertIn(WORKED, self.make(*words, **kwargs)[1])

    def test_filters_that_match_nothing(self):
        self.assert_told("kselftest T=nosuch", "T=nosuch", "v2:test_peak", "v1:test_format")
        self.assert_told("kselftest-v3", "T=v3:")
        self.assert_told("storms STORM=nosuch", "STORM=nosuch", "v2:link-delete", "v1:kill")
        self.assert_told("storms STORM=v1:toggle", "v2:toggle")     # v2 alone has it
        self.assert_told("test WITH=nosuch", "WITH=nosuch", " lint", " debug")
        self.assert_told("lint T=nosuch", "checkpatch", "cross-arm64")
        self.assert_told("lint", "T=nosuch", T="checkpatch nosuch")
        self.assert_told("clients T=nosuch", "podman with crun")
        self.assert_told("fuzz T=nosuch", "fuzz_max", "fuzz_ops")
        self.assert_told("mutants T=nosuch", "looks at the leaf alone")
        self.assert_told("top-test T=nosuch", "  Formats.test_", "  Truth.test_")
        self.assert_told("top-test T=test_top", "no such case")
        self.assert_told("examples-test T=nosuch", "  Rules.test_fire")

    def test_filters_that_match(self):
        for words in (("kselftest", "T=v1:test_format"), ("kselftest-v2",),
                      ("storms", "STORM=v2:tog"), ("storms", "STORM=kill"),
                      ("test", "WITH=lint debug"), ("lint", "T=spdx sparse"),
                      ("clients", "T=podman with runc"), ("fuzz", "T=max"),
                      ("mutants", "T=the leaf"), ("top-test", "T=numbers"),
                      ("examples-test", "T=Systemd")):
            self.assert_taken(*words)

    def test_unknown_words(self):
        self.assert_told("run KERNEL=6.11", "7.3 6.12 6.1 5.10")
        self.assert_told("run CONFIG=rdmacg", "debug default kcsan rt")
        self.assert_told("run CONFIG=nosuch", "debug default kcsan rt")
        self.assert_told("run VARIANT=broken", "stock rdmacg")
        self.assert_told("run ARCH=vax", "x86 i386 arm64 s390x")
        self.assert_told("kunit ARCH=arm64 CONFIG=debug", "64k default")
        self.assert_told("kunit CONFIG=64k", "debug default kcsan rt")
        self.assert_told("run ACCEL=xen", "kvm tcg")
        self.assert_told("clients SUITE=woody", "trixie unstable")
        for words in ("SMP=0", "SMP=two", "JOBS=-1", "SECONDS=1m", "TIMEOUT=0", "ROUNDS=0",
                      "SEED=x"):
            self.assert_told(f"storms {words}", words, "whole number")

    def test_targets_of_one_machine(self):
        for goal in ("test", "lint", "faults", "top-test-in-guest", "deb", "native-test"):
            self.assert_told(f"{goal} ARCH=arm64", "its guest is x86 alone", "kselftest")
        for goal in ("run", "kselftest-v2"):
            self.assert_taken(goal, "ARCH=arm64")
        for words in (("driver-failure",), ("storms",), ("kunit", "CONFIG=64k")):
            self.assert_taken(*words, ARCH="arm64")
            said = self.make("-n", *words, ARCH="arm64")[1]
            self.assertRegex(said, r"vm.py --machine arm64 --kernel \S+-arm64/vmlinux "
                                   r"--init \S+/guest-arm64/init")
            self.assertRegex(said, r"aarch64-linux-gnu-gcc --sysroot=")
            self.assertIn("setup.sh guest arm64\n", said)
        self.assert_taken("lint", ARCH="x86_64")
        self.assertNotIn("sysroot", self.make("-n", "run", ARCH="x86_64")[1])

    def test_known_words(self):
        for words in ("KERNEL=5.10", "CONFIG=kcsan", "VARIANT=stock", "ARCH=x86_64",
                      "ACCEL=tcg", "SMP=1", "SEED=0"):
            self.assert_taken("run", words)
        self.assert_taken("kernel", "VARIANT=broken")

    def test_what_is_lacking(self):
        self.assert_told("detectors", "CONFIG=default", "debug kcsan rt")
        self.assert_taken("detectors", "CONFIG=rt")
        self.assert_told("vm", "make vm CMD=")
        self.assert_taken("vm", "CMD=true")
        self.assert_told("shell", "no terminal", "make vm CMD=")
        self.assert_told("deb CONFIG_FILE=/nosuch", "/nosuch", "/boot/config-")

    def test_packages_come_before_a_kernel(self):
        """Each target whose packages are more than the guest's has a setup of them."""
        sh = self.tree() / HERE.relative_to(REPO) / "setup.sh"
        script(sh, 'case " $* " in *" $LACKING "*) echo "misses $LACKING"; exit 1;; esac')
        # This shows that it builds nothing before.
        kernel_py = self.tree() / HERE.relative_to(REPO) / "qemu/kernel.py"
        kernel_py.parent.unlink()
        kernel_py.parent.mkdir()
        script(kernel_py, f"echo {WORKED}")
        for target, group in (("deb", "deb"), ("deb-test", "deb"), ("storms", "faults"),
                              ("deb CONFIG_FILE=/etc/hostname", "deb-config"),
                              ("faults", "faults"), ("uverbs-fuzz", "faults"),
                              ("clients", "clients"), ("top-bench", "top"), ("run", "top"),
                              ("examples-test", "examples"), ("native-test", "native"),
                              ("lint", "lint"), ("series-test", "series"),
                              ("run", "x86"), ("run ARCH=arm64", "arm64")):
            self.assertIn(group, setup.packages())
            self.assert_told(target, f"misses {group}", LACKING=group)

    def test_kernel_trees(self):
        self.assert_told("run KERNEL_SRC=nosuch", f"{self.folder}/tree/nosuch",
                         "no kernel source tree")
        source = self.folder / "linux"
        (source / "kernel/cgroup").mkdir(parents=True)
        (source / "kernel/cgroup/rdma.c").touch()
        # A relative one reaches those who work in another folder.
        self.assert_taken("native-test", "KERNEL_SRC=../linux")
        said = self.make("-n", "native-test", "KERNEL_SRC=../linux")[1]
        self.assertIn(f"KSRC={source}", said)
        (source / ".config").touch()
        self.assert_told("run KERNEL_SRC=../linux", "make mrproper")
        # A repository around it knows nothing of it.
        subprocess.run(["git", "init", "-q", self.folder], check=True)
        self.assert_told("run KERNEL_SRC=../linux", "make mrproper")
        subprocess.run(["git", "init", "-q", source], check=True)
        (source / ".gitignore").write_text(".*\n")
        self.assert_taken("run", "KERNEL_SRC=../linux")

    def test_a_path_with_a_blank(self):
        """Its build/ is a link to a folder whose name make can take."""
        cache = self.folder / "cache"
        for name in ("a tree", "a:tree"):
            link = self.tree(name) / "build"
            # Without those that have tests of their own run, by $(MAKE).
            goals = self.goals() - {"test", "test-all", "test-stock", "run-svg", "kselftest",
                                    "mutants"}
            status, said = self.make("-n", *sorted(goals), f"KERNEL_SRC={SOURCE}", tree=name)
            self.assertEqual(status, 0, said)
            self.assertNotIn(f"{name}/", said)
            self.assert_taken("run", tree=name)
            self.assertRegex(os.readlink(link), rf"^{cache}/rdmacg/build-\d+$")
            # A copy of a tree has a link to where the first one is built.
            link.unlink()
            link.symlink_to("elsewhere")
            self.assert_taken("run", tree=name)
            built = link.resolve(strict=True)
            self.assertEqual(self.make("clean", tree=name)[0], 0)
            self.assertFalse(built.exists() or link.is_symlink())
            link.mkdir()
            self.assert_told("run", f"{link}: ", "remove it", tree=name)
        self.assertEqual(len(list(cache.glob("rdmacg/build-*"))), 2)

    def test_a_path_that_nothing_can_take(self):
        for name in ("a,tree", "a'tree"):
            status, said = self.make("help", tree=name)
            self.assertEqual(status, 0, said)
            self.assertIn("What you can make", said)
            self.assert_told("run", f"{name}: ", "move it", tree=name)
        for goal in sorted(self.goals() - {"help", "doctor", "clean", "distclean"}):
            self.assert_told(goal, "a,tree: ", tree="a,tree")
        source = self.folder / "a linux"
        source.mkdir()
        self.assert_told("run", "KERNEL_SRC", "symbolic link", KERNEL_SRC=str(source))
        self.assert_told("run", "XDG_CACHE_HOME", XDG_CACHE_HOME=str(source))

    def test_make_from_elsewhere(self):
        for words in (("-C", str(self.tree())), ("-f", str(self.tree() / "Makefile"))):
            self.assertIn(WORKED, self.make(*words, "run", folder="/")[1])

    def test_jobs(self):
        """Steps that share folders stay in order; what make test runs may use the jobs."""
        here = self.tree() / HERE.relative_to(REPO)
        log = self.folder / "log"
        step = f"echo begin $0 >> {log}; sleep 0.05; echo end $0 >> {log}"
        qemu = here / "qemu"
        qemu.unlink()
        qemu.mkdir()
        for path in (HERE / "qemu").iterdir():
            (qemu / path.name).symlink_to(path)
        for path in (here / "setup.sh", qemu / "kernel.py", qemu / "vm.py"):
            path.unlink()
            script(path, step)
        init = self.tree() / "build/guest/init"
        init.parent.mkdir(parents=True)
        init.touch()
        status, said = self.make("-j4", "kunit", "query-clamp", "peers")
        self.assertEqual(status, 0, said)
        lines = log.read_text().splitlines()
        self.assertEqual(sum("vm.py" in line for line in lines), 4)
        for begin, end in zip(lines[::2], lines[1::2]):
            self.assertEqual(begin.replace("begin", "end"), end)
        (here / "run-tests.py").unlink()
        (self.folder / "Makefile").write_text("kunit: a b\na b:\n\t@echo ok 1 $@\n")
        script(here / "run-tests.py", f'cd {self.folder}; exec {HERE}/run-tests.py "$@" kunit')
        said = self.make("-j4", "test")[1]
        self.assertIn("2 passed, 0 failed", said)
        self.assertNotIn("jobserver unavailable", said)

    def test_words_that_a_shell_would_split(self):
        """What is in T reaches a program as one word, in the guest as well."""
        odd = "a|b  'c' $(d);\"e\""
        for goal in ("faults-in-guest", "kselftest", "storms", "top-test-in-guest", "clients",
                     "examples-test", "fuzz"):
            # Of kselftest's programs there are none, but the guest comes next.
            words = ("-C", "tools/testing/rdmacg/native", f"KSRC={SOURCE}") * (goal == "fuzz")
            said = self.make("-n", "-i", *words, goal, **{name: odd.replace("$", "$$")
                                                          for name in ("T", "STORM")})[1]
            lines = [line for line in said.replace("\\\n", " ").splitlines() if "a|b" in line]
            self.assertTrue(lines, said)
            for line in lines:
                self.assertIn(odd, shlex.split(line), goal)
        self.assert_told("run", "ARCH=a|b: choose", "x86", ARCH="a|b")
        self.assertNotIn("not found", self.make("-n", "kunit", "ARCH=a|b")[1])
        self.assert_told("test", "WITH=a|b: choose", WITH="a|b")

    def test_folders_that_cannot_be_written(self):
        build = self.tree() / "build"
        if build.exists():
            build.rmdir()
        build.touch()
        self.assert_told("run", str(build))
        build.unlink()
        self.assert_told("run", "/dev/null/.cache/rdmacg", "XDG_CACHE_HOME",
                         HOME="/dev/null", XDG_CACHE_HOME="")

    def test_help_has_each_target_with_its_time_and_needs(self):
        said = self.make("help")[1].partition("\nVariables\n")[0]
        told = re.findall(r"^  ([\w-]+)\s+(?:\d+ [smh]|-)  (?:nothing|source|kernel|guest|\d GB)  "
                          r"+\S", said, re.M)
        inner = {goal for goal in self.goals() if goal.endswith("-in-guest")} | {
            "setup", "source", "peers", "guest"}
        self.assertEqual(sorted(told), sorted(self.goals() - inner))
        for line in said.splitlines():
            self.assertLessEqual(len(line), 80, line)

    def test_all_that_with_may_have_is_in_the_help(self):
        said = self.make("help")[1]
        words = re.search(r"choose one of: (.*)", self.make("test", "WITH=nosuch")[1])[1]
        for word in words.split():
            self.assertRegex(said.partition("WITH= ")[2], rf"\b{re.escape(word)}\b")

    def test_a_time_for_the_guest(self):
        self.assertIn("--timeout 900 --log", self.make("-n", "vm", "CMD=:", "TIMEOUT=900")[1])


class Programs(Folder):
    """They refuse a filter themselves, too, and have the cases that check-input reads."""

    def build(self, name, *words):
        selftests = Path(SOURCE, "tools/testing/selftests")
        subprocess.run(["gcc", "-w", f"-I{SELFTESTS}/lib/include", f"-I{selftests}",
                        f"-I{selftests}/cgroup", f"-I{selftests}/cgroup/lib/include",
                        "-o", self.folder / name, *words], check=True)

    def said(self, name):
        done = subprocess.run([self.folder / name, "nosuch"], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 1)
        self.assertIn("'nosuch'", done.stdout)
        return done.stdout

    def test_kselftest(self):
        util = next(Path(SOURCE, "tools/testing/selftests/cgroup").rglob("cgroup_util.c"))
        self.build("lib.o", "-r", *SELFTESTS.glob("lib/*.c"), util)
        cases = []
        for program in SELFTESTS.glob("test_rdma*.c"):
            self.build(program.stem, program, self.folder / "lib.o", "-libverbs")
            listed = subprocess.run([self.folder / program.stem, "-l"], text=True,
                                    stdout=subprocess.PIPE, check=True).stdout.split()
            self.assertEqual(re.findall(r"^# (v\d:\w+)$", self.said(program.stem), re.M),
                             listed)
            cases += listed
        self.assertEqual(sorted(cases), sorted(check_input.kselftest_cases()))

    def test_kselftest_of_several_programs(self):
        for name, cases, status in (("one", "v2:a v1:a", 0), ("two", "v2:b v1:b", 3)):
            script(self.folder / name, f"""
            for case in {cases}; do
                case $case in *"${{2-$1}}"*) found=1; [ "$1" = -l ] || echo "ran $case";; esac
            done
            [ "$found" ] || exit 1
            [ "$1" = -l ] || exit {status}""")
        for part, ran, status in (("", "v2:a v1:a v2:b v1:b", 3), ("v2:", "v2:a v2:b", 3),
                                  ("v1:a", "v1:a", 0), ("nosuch", "", 1)):
            done = subprocess.run([HERE / "qemu/kselftest.sh", part, self.folder / "one",
                                   self.folder / "two"], text=True, check=False,
                                  capture_output=True)
            self.assertEqual(re.findall(r"^ran (\S+)$", done.stdout, re.M), ran.split())
            self.assertEqual(done.returncode, status)
            self.assertEqual("'nosuch'" in done.stderr, not ran)

    def test_storms(self):
        self.build("storms", *HERE.glob("storms/*.c"), *HERE.glob("lib/**/*.c"), "-libverbs")
        self.assertEqual([f"v2:{name}" for name in
                          re.findall(r"^  ([\w-]+)$", self.said("storms"), re.M)],
                         [name for name in check_input.storm_cases() if name[:2] == "v2"])


class Kernel(Folder):
    def test_a_tree_of_git_in_which_something_was_built(self):
        """Its source is taken, with what is not committed, and nothing else."""
        source = self.folder / "linux"
        files = {".gitignore": ".*\n!.gitignore\n*.o\n/include/config/\n", ".config": "",
                 "kernel/a.c": "", "kernel/a.o": "", "kernel/new.c": "", "lib/b.c": "",
                 "include/config/x": "", "include/a.h": ""}
        for name, text in files.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_text(text)
        subprocess.run(["git", "init", "-q", source], check=True)
        self.assertEqual(kernel.why_no_source(source), "that is no kernel source tree")
        ours = self.folder / "a.h"
        ours.touch()
        tree = self.folder / "tree"
        kernel.farm(tree, source, {"include/a.h": ours, "drivers/c.c": ours})
        found = {str(path.relative_to(tree)) for path in tree.rglob("*") if not path.is_dir()}
        # A folder without products is one link.
        self.assertTrue((tree / "lib").is_symlink())
        self.assertEqual(found, {".gitignore", "kernel/a.c", "kernel/new.c", "include/a.h",
                                 "drivers/c.c"})
        # What is built later goes as well.
        (source / "lib/b.o").touch()
        kernel.farm(tree, source, {})
        self.assertFalse((tree / "lib/b.o").exists() or (tree / "drivers").exists())
        copy = self.folder / "copy"
        kernel.copy_source(source, copy)
        self.assertEqual({str(path.relative_to(copy)) for path in copy.rglob("*.*")},
                         {".gitignore", "kernel/a.c", "kernel/new.c", "include/a.h", "lib/b.c"})

    def test_a_patch_that_does_not_fit(self):
        (self.folder / "linux").mkdir()
        patch = next((REPO / "patches/6.12").glob("*.patch"))
        with self.assertRaises(SystemExit) as raised, \
                contextlib.redirect_stderr(io.StringIO()):
            kernel.patched_files(self.folder / "linux", [patch], self.folder / "staging")
        for text in (f"patches/6.12/{patch.name} does not fit", "make check-base", "PORTING.md"):
            self.assertIn(text, str(raised.exception))

    def test_why_apt_gets_nothing(self):
        told = debian.reasons(
            "Err:1 http://mirror/debian trixie InRelease\n"
            "  Could not connect to mirror:80 (10.0.0.1). - connect (111: Connection refused)\n"
            + "".join(f"W: Failed to fetch http://mirror/debian/{n}\n" for n in range(9)) +
            "E: Unable to fetch some archives, maybe run apt-get update or so?\n")
        self.assertIn("Could not connect to mirror:80", told[0])
        self.assertNotIn("run apt-get update", "".join(told))
        self.assertEqual(debian.reasons("E: Unable to locate package x\n"),
                         ["E: Unable to locate package x"])


class Series(Folder):
    def test_nobody_has_told_git_who_they_are(self):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder),
                       "GIT_CONFIG_NOSYSTEM": "1"}
        series.identity.cache_clear()
        self.addCleanup(series.identity.cache_clear)
        with mock.patch.dict("os.environ", environment, clear=True), \
                contextlib.redirect_stderr(io.StringIO()) as said:
            series.git("init", "-q", cwd=self.folder)
            series.git("commit", "-q", "-s", "--allow-empty", "-m", "x", cwd=self.folder)
            shown = series.git("log", "--format=%an %ae%n%b", cwd=self.folder)
        self.assertIn(f"{series.OWN_NAME} {series.OWN_ADDRESS}\n", shown)
        self.assertIn("Signed-off-by: ", shown)
        self.assertIn("git config", said.getvalue())

    def test_somebody_has(self):
        series.identity.cache_clear()
        self.addCleanup(series.identity.cache_clear)
        names = {f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER")
                 for what in ("NAME", "EMAIL")}
        with mock.patch.dict("os.environ", names):
            self.assertEqual(series.identity(), ())


class Setup(Folder):
    """setup.py, with scripts for Debian's programs."""

    def setup(self, apt_get, audit=""):
        script(self.folder / "dpkg-query", "echo podman half-configured")
        script(self.folder / "dpkg", f"printf '{audit}'")
        script(self.folder / "sudo", '[ "$2" = true ] || { shift; exec "$@"; }')
        script(self.folder / "apt-get", apt_get)
        return subprocess.run(
            [HERE / "setup.sh", "faults"], text=True, check=False,
            env={**CLEAN, "PATH": f"{self.folder}:{CLEAN['PATH']}"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def test_progress(self):
        done = self.setup(
            'case "$*" in *update*) exit;; esac\n'
            "echo '0 upgraded, 25 newly installed, 0 to remove and 1 not upgraded.'\n"
            "for i in $(seq 25); do echo \"Get:$i http://mirror p$i\"; done\n"
            "for i in $(seq 25); do echo \"Unpacking p$i (1.0) ...\"; done\n"
            "for i in $(seq 25); do echo \"Setting up p$i (1.0) ...\"; done")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertEqual(re.findall(r"\[(\d+/\d+)\] ([A-Z]\w+)", done.stderr),
                         [(f"{n}/25", what) for what in ("Get", "Unpacking", "Setting")
                          for n in (1, 11, 21)])

    def assert_advice(self, apt_get, *told, audit=""):
        with self.subTest(apt_get=apt_get):
            done = self.setup(f"{apt_get}\nexit 100", audit)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertNotIn("run apt-get update", done.stderr)
            for text in told:
                self.assertIn(text, done.stderr)

    def test_advice(self):
        self.assert_advice(
            "echo '  Could not connect to mirror:80 (10.0.0.1).'\n"
            "echo 'E: Unable to fetch some archives, maybe run apt-get update or so?'",
            "Could not connect to mirror:80", "http_proxy", "libmnl-dev")
        self.assert_advice("echo 'E: dpkg was interrupted, you must do something'",
                           "run 'dpkg --configure -a'")
        self.assert_advice("echo 'E: Sub-process /usr/bin/dpkg returned an error code (1)'",
                           "run 'dpkg --configure -a'", audit="half configured")
        self.assert_advice("echo 'E: Unmet dependencies.'", "apt-get --fix-broken install")
        self.assert_advice("echo 'E: Unable to locate package podman'", "Debian 12")
        self.assert_advice("echo 'E: No space left'", "No space left", "libmnl-dev")

    def test_nobody_who_may_install(self):
        """That is said at once, with what to do."""
        with mock.patch("os.geteuid", lambda: 1000):
            for sudo in ("exit 1", None):
                self.assertIn("apt-get install", self.refused(sudo))

    def refused(self, sudo):
        """What install() says if sudo is a script, or a file that cannot be run."""
        script(self.folder / "dpkg-query", "")
        script(self.folder / "apt-get", "echo worked; exit 1")
        script(self.folder / "sudo", sudo or "")
        (self.folder / "sudo").chmod(0o755 if sudo else 0o644)
        with mock.patch.dict("os.environ", {"PATH": str(self.folder)}, clear=True), \
                self.assertRaises(SystemExit) as raised:
            setup.install(["no-such-package"])
        return str(raised.exception)

    def test_old_lists_are_no_failure(self):
        """What there is of a mirror may still do."""
        done = self.setup('case "$*" in *update*) exit 100;; esac')
        self.assertEqual(done.returncode, 0)


if __name__ == "__main__":
    SOURCE = sys.argv.pop(1)
    unittest.main()
