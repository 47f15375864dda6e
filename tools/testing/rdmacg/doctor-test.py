#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests that doctor.py sees what a machine lacks, and nothing else."""

import contextlib
import importlib.util
import io
import os
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location(
    "doctor", Path(__file__).resolve().with_name("doctor.py"))
doctor = importlib.util.module_from_spec(spec)
spec.loader.exec_module(doctor)

# Which has all, but for what these variables take away.
PROGRAMS = {
    "dpkg-query": """for package; do
        case " $LACKING " in *" $package "*) ;; *) echo "$package installed";; esac
    done""",
    "dpkg": 'printf "$AUDIT"',
    "apt-get": """case "$*" in
        "--print-uris update") [ "$NO_MIRROR" ] ||
            echo "'http://mirror/debian/dists/bookworm/main/binary-amd64/Packages.xz'";;
        *" $NOWHERE") echo "E: Unable to locate package $NOWHERE"; exit 100;;
    esac""",
    "apt-helper": '[ -z "$OFFLINE" ] || { echo "E: Could not resolve mirror"; exit 100; }',
    "sudo": 'exit "${SUDO:-0}"',
    "ccache": "", "qemu-system-x86_64": "",
}
GB = 10 ** 9


class Doctor(unittest.TestCase):
    """On a machine of scripts for its programs, and made-up figures."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        for name, text in PROGRAMS.items():
            (self.folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (self.folder / name).chmod(0o755)
        self.cache = self.folder / "cache"
        self.cache.mkdir()
        (self.folder / "keyring").touch()
        (self.folder / "kvm").touch()
        self.space, self.cores, self.user = {}, 2, 0
        self.tell_memory(16)
        for owner, name, value in (
                (doctor, "MEMINFO", self.folder / "meminfo"),
                (doctor, "APT_HELPER", self.folder / "apt-helper"),
                (doctor.debian, "CACHE", self.cache),
                (doctor.debian, "KEYRING", self.folder / "keyring"),
                (doctor.vm, "KVM", self.folder / "kvm"),
                (doctor.vm, "ACCELERATOR", self.cache / "accel"),
                (doctor.os, "statvfs", self.statvfs),
                (doctor.os, "sched_getaffinity", lambda _: range(self.cores)),
                (doctor.os, "geteuid", lambda: self.user),
                (doctor.os, "access", self.access)):
            patch = mock.patch.object(owner, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        self.closed = ()

    def tell_memory(self, gigabytes):
        (self.folder / "meminfo").write_text(f"MemAvailable: {gigabytes * 10 ** 6} kB\n")

    def statvfs(self, path):
        have = min((have for part, have in self.space.items() if part in str(path)),
                   default=100 * GB)
        return SimpleNamespace(f_bavail=have / 4096, f_frsize=4096)

    def access(self, path, mode, real=os.access):
        return real(path, mode) and not any(part in str(path) for part in self.closed)

    def told(self, **variables):
        """The exit status, and the lines of what is missing."""
        words = ["doctor.py", "--build", str(self.folder / "build")]
        with mock.patch.dict("os.environ", {"PATH": str(self.folder), **variables}, clear=True), \
                mock.patch.object(sys, "argv", words), \
                contextlib.redirect_stdout(io.StringIO()) as said:
            status = doctor.main()
        self.said = said.getvalue()
        return int(status), [line for line in self.said.splitlines()
                             if not line.startswith("ok ")][:-1]

    def assert_lacks(self, status, *wanted, **variables):
        """Each of wanted is parts of one line; there is no other line."""
        got, lines = self.told(**variables)
        self.assertEqual(got, status, lines)
        self.assertEqual(len(lines), len(wanted), lines)
        for line, parts in zip(lines, wanted):
            for part in parts:
                self.assertIn(part, line)
            self.assertTrue(line.startswith("missing  "))

    def test_a_machine_that_has_all(self):
        self.assert_lacks(0)
        self.assertTrue(self.said.endswith("make run and make test will work\n"))

    def test_packages(self):
        self.assert_lacks(0, ("lint: coccinelle:", "make installs"), LACKING="coccinelle")
        self.assert_lacks(0, ("run, test: bison:", "make installs"), LACKING="bison")
        self.assert_lacks(0, ("ARCH=arm64: gcc-aarch64",), ("lint T=cross: gcc-aarch64",),
                          LACKING="gcc-aarch64-linux-gnu")
        # Any one of several names will do.
        self.assert_lacks(0, LACKING="libclang-rt-14-dev")

    def test_packages_that_make_cannot_install(self):
        self.user = 1000
        root = ("root, or sudo",)
        self.assert_lacks(0, root, SUDO="1")
        self.assert_lacks(0, root, ("lint: coccinelle: you are not root",
                                    "apt-get install coccinelle"),
                          SUDO="1", LACKING="coccinelle")
        self.assert_lacks(1, root, ("run, test: bison: you", "apt-get install bison",
                                    "make run or make test needs it"), SUDO="1", LACKING="bison")
        self.assertTrue(self.said.endswith("cannot work as this is\n"))

    def test_apt(self):
        self.assert_lacks(1, ("state of dpkg", "dpkg --configure -a"), AUDIT="half")
        for program in ("apt-get", "sudo"):
            (self.folder / program).unlink()
        self.user = 1000
        status, lines = self.told()
        self.assertEqual(status, 1)
        self.assertIn("no apt-get", "".join(lines))

    def test_mirror(self):
        for base in doctor.kernel.bases():
            source = self.cache / f"linux-source-{base}"
            source.mkdir()
            (source / "Makefile").touch()
        unstable = ("unstable", "lint KERNEL=7.3")
        self.assert_lacks(0, ("mirror", "http_proxy", "Could not resolve"), unstable, OFFLINE="1")
        self.assert_lacks(0, ("mirror", "sources.list"), unstable, NO_MIRROR="1")
        self.assert_lacks(1, ("mirror",), ("run, test: bison: No connection",), unstable,
                          OFFLINE="1", LACKING="bison")

    def test_sources(self):
        self.assert_lacks(0, ("KERNEL=7.3: linux-source-7.3", "KERNEL_SRC="),
                          NOWHERE="linux-source-7.3")
        self.assert_lacks(1, ("KERNEL=6.12",), NOWHERE="linux-source-6.12")
        self.assert_lacks(0, ("unstable",), NOWHERE="sparse")
        self.assert_lacks(1, (f"KERNEL_SRC={self.folder}", "no kernel source tree"),
                          KERNEL_SRC=str(self.folder))

    def test_space(self):
        self.space = {str(self.cache): 3 * GB}
        self.assert_lacks(1, ("space for kernel sources", "3.0 GB in", "3.7 GB are needed"))
        source = self.cache / "linux-source-6.12"
        source.mkdir()
        (source / "Makefile").touch()
        self.assert_lacks(0)
        self.space = {tempfile.gettempdir(): GB / 10}
        status, lines = self.told()
        self.assertEqual((status, len(lines)), (1, 3))      # they share a disk here
        self.space = {}
        self.closed = (str(self.cache),)
        self.assert_lacks(1, ("kernel sources", "not writable", "XDG_CACHE_HOME="))

    def test_memory_and_cores(self):
        self.tell_memory(2)
        self.assert_lacks(0, ("memory for CONFIG=debug", "2.0 GB", "3.5 GB"))
        self.tell_memory(1)
        self.assert_lacks(1, ("memory for run, test", "1.0 GB"), ("CONFIG=debug",))
        self.tell_memory(16)
        self.cores = 1
        self.assert_lacks(0, ("cores: 1",))

    def test_kvm(self):
        self.told()
        self.assertIn("first guest will try", self.said)
        with mock.patch.object(doctor.vm, "accelerator_key", lambda _: "this boot"):
            (self.cache / "accel").write_text("this boot\ntcg\n")
            self.assert_lacks(0, ("KVM: a guest hung", "ACCEL=kvm"))
            self.assert_lacks(0, ACCEL="kvm")
            (self.cache / "accel").write_text("this boot\nkvm\n")
            self.assert_lacks(0)
            self.assertIn("guests boot with it", self.said)
            (self.cache / "accel").write_text("another\ntcg\n")
            self.assert_lacks(0)
        self.closed = ("kvm",)
        self.assert_lacks(0, ("KVM", "adduser"))
        (self.folder / "kvm").unlink()
        self.assert_lacks(0, ("KVM: there is no",))

    def test_ccache(self):
        (self.folder / "ccache").unlink()
        self.assert_lacks(0, ("ccache",))


if __name__ == "__main__":
    unittest.main()
