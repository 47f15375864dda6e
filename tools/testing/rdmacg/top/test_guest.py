#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""rdmacg-top where there are real cgroups, devices and refusals. Prints TAP.

Run in the guest, as root.  Also for the stock controller, of which fewer
numbers are expected.
"""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import tempfile
import threading
import time
import unittest

import prometheus
import tap
from terminal import Terminal

ROOT = pathlib.Path("/sys/fs/cgroup")
NOBODY = 65534
SECONDS = 60
PROGRAM = VERBS = None


def run(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE,
                          **options).stdout


def until(condition):
    """Waits till something no longer fails: the kernel does it in its time."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            return condition()
        except (OSError, subprocess.CalledProcessError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


class Verbs:
    """A process in a cgroup that holds objects, and does as it is told."""

    def __init__(self, cgroup, device, *words):
        self.process = subprocess.Popen(
            [VERBS, device, *words], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, preexec_fn=lambda: (
                cgroup / "cgroup.procs").write_text("0"))
        for _ in words:
            self.process.stdout.readline()

    def tell(self, word):
        """Returns what it answers."""
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def end(self):
        self.process.communicate()


class Case(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.tenant = self.make(ROOT / "tenant")
        self.is_stock = not (self.tenant / "rdma.peak").exists()

    def make(self, path, controls=True):
        path.mkdir()
        self.stack.callback(lambda: until(path.rmdir))
        if controls and (path / "cgroup.subtree_control").exists():
            (path / "cgroup.subtree_control").write_text("+rdma")
        return path

    def start(self, *words, **options):
        return self.stack.enter_context(Terminal(
            [PROGRAM, "--delay=0.5", *words], **options))

    def hold(self, cgroup, device, *words):
        verbs = Verbs(cgroup, device, *words)
        self.stack.callback(verbs.end)
        return verbs

    def rows(self, *args, **options):
        data = json.loads(run(PROGRAM, "--json", *args, **options))
        return {(row["cgroup"], row["device"], row["resource"]): row
                for row in data["rows"]}


class Live(Case):
    def test_load(self):
        """usage, percent and refusals of processes are seen as they come"""
        (self.tenant / "rdma.max").write_text("mlx4_0 hca_object=10")
        leaf = self.make(self.tenant / "a", False)
        screen = self.start(columns=120)
        screen.wait(r" 0 +\[ +\] +0 +10 .*mlx4_0 +hca_object /tenant$")
        verbs = self.hold(leaf, "mlx4_0", "context=1", "pd=8")
        screen.wait(r" 80 +\[\|{8}  \] +8 +10 .*mlx4_0 +hca_object /tenant$")
        screen.wait(r"\x1b\[(7|33)m.*80.*hca_object.*/tenant", "styled")
        screen.wait(r" - +8 +max .*mlx4_0 +hca_object /tenant/a$")
        screen.wait(r"^ mlx4_0  hca_handle 1  hca_object 8")
        self.assertIn("made 2, held 10", verbs.tell("pd=2"))
        text = screen.wait(
            r" 100 +\[\|{10}\] +10 +10 .*mlx4_0 +hca_object /tenant$")
        tenant = r"\|\] +10 +10 +(\S+) +(\S+) +(\S+) .*hca_object /tenant$"
        if self.is_stock:
            self.assertIn("made 0", verbs.tell("pd=1"))
            text = screen.wait(tenant)
            self.assertEqual(re.search(tenant, text, re.M).groups(),
                             ("-", "-", "-"))
            self.assertNotIn("refused", text)
            return

        def refused(text):
            self.assertIn("EAGAIN", verbs.tell("pd=1"))
            found = re.search(tenant, text, re.M)
            leaf_row = re.search(r" 10 +max +10 +(\S+) +(\S+) .*hca_object "
                                 "/tenant/a$", text, re.M)
            return found and found[1] == "10" and leaf_row and \
                float(found[2]) > 0 and float(found[3]) > 0 and \
                leaf_row[1] == "0" and float(leaf_row[2]) > 0 and \
                re.search(r"^ mlx4_0 .* refused [\d.]*[1-9]", text, re.M)

        screen.wait(refused)
        screen.type("l")
        screen.wait("events of each cgroup alone")
        screen.wait(r" 10 +10 +10 +0 +0 .*hca_object /tenant$")
        verbs.tell("-pd=10")
        screen.wait(r" 0 +\[ +\] +0 +10 +10 .*mlx4_0 +hca_object /tenant$")

    def test_changes(self):
        """cgroups that are made and removed come and go on the screen"""
        leaf = self.make(self.tenant / "a", False)
        verbs = self.hold(leaf, "ocrdma1", "context=1", "pd=3")
        screen = self.start("--tree")
        screen.wait("└─▾ tenant")
        screen.wait("ocrdma1 +hca_handle +└─a$")
        other = ROOT / "other"
        other.mkdir()
        (other / "rdma.max").write_text("mlx4_0 hca_handle=0")
        screen.wait(" 100 .*mlx4_0 +hca_handle ├─other")
        other.rmdir()
        screen.wait(lambda text: "other" not in text and "tenant" in text)
        verbs.end()
        if self.is_stock:
            screen.wait("Nothing is in use, and nothing is limited")
        else:
            screen.wait(r" - +0 +max +3 +0 +0 .*ocrdma1 hca_object +")

    def test_devices(self):
        """devices may be renamed, removed and made while they are seen"""
        (self.tenant / "rdma.max").write_text("mlx4_0 hca_object=10")
        (self.tenant / "rdma.max").write_text("ocrdma1 hca_object=20")
        screen = self.start()
        screen.wait("10 .*mlx4_0 +hca_object /tenant$")
        screen.wait("20 .*ocrdma1 +hca_object /tenant$")
        run("rdma", "dev", "set", "mlx4_0", "name", "new0")
        self.stack.callback(
            run, "rdma", "dev", "set", "new0", "name", "mlx4_0")
        screen.wait("10 .*new0 +hca_object /tenant$")
        run("rdma", "link", "delete", "ocrdma1")
        try:
            screen.wait(lambda text: "ocrdma1" not in text and "new0" in text)
        finally:
            run("rdma", "link", "add", "ocrdma1", "type", "siw", "netdev",
                "rdma1")
        screen.type("a")
        screen.wait("max .*ocrdma1 +hca_object /tenant$")

    def test_colours_without_terminal(self):
        """a table in a pipe has neither colours nor a screen"""
        (self.tenant / "rdma.max").write_text("mlx4_0 hca_object=10")
        text = run(PROGRAM, stdin=subprocess.DEVNULL).decode()
        self.assertIn("hca_object /tenant\n", text)
        self.assertNotIn("\x1b", text)


class Truth(Case):
    def values(self, cgroup, name):
        """Returns {(device, key): value} of a file."""
        path = ROOT / cgroup.strip("/") / name
        if not path.exists():
            return {}
        values = {}
        for line in path.read_text().splitlines():
            device, *pairs = line.split()
            for key, value in (pair.split("=") for pair in pairs):
                values[device, key] = value if value == "max" else int(value)
        return values

    def test_numbers(self):
        """all numbers are those of the files"""
        leaves = [self.make(self.tenant / name, False) for name in "abc"]
        for number, leaf in enumerate(leaves):
            (leaf / "rdma.max").write_text(f"mlx4_0 hca_object={number + 3}")
            verbs = self.hold(leaf, "mlx4_0", "context=1", f"pd={number}")
            for _ in range(number):
                verbs.tell("pd=9")
        rows = self.rows("--all")
        self.assertEqual({key[0] for key in rows},
                         {"/tenant", "/tenant/a", "/tenant/b", "/tenant/c"})
        self.assertEqual(len(rows), 4 * 2 * 2)
        for (cgroup, device, resource), row in rows.items():
            self.assertEqual(row["id"], (ROOT / cgroup[1:]).stat().st_ino)
            for name, got in (("current", row["usage"]),
                              ("max", row["limit"]), ("peak", row["peak"])):
                want = self.values(cgroup, f"rdma.{name}")
                self.assertEqual(got, want.get((device, resource)))
            for name, key in (("events", "events"),
                              ("events.local", "events_local")):
                want = self.values(cgroup, f"rdma.{name}")
                for event, got in row[key].items():
                    self.assertEqual(
                        got, want.get((device, f"{resource}.{event}")))
        failures = rows["/tenant/c", "mlx4_0", "hca_object"]["events"]
        self.assertEqual(failures["alloc_fail"], None if self.is_stock else 2)
        usage = prometheus.parse(run(PROGRAM, "--prometheus", "--all"))[
            "rdmacg_usage"].samples
        self.assertEqual(
            {(dict(labels)["cgroup"], dict(labels)["device"],
              dict(labels)["resource"]): value
             for labels, value in usage.items()},
            {key: row["usage"] for key, row in rows.items()})

    def test_names(self):
        """any name that the kernel takes is shown"""
        names = ["tab\t", "\x1b[31m", "é日本", "bad\udcff", "back\\slash",
                 "dou\"ble", " "]
        for name in names:
            leaf = self.make(self.tenant / name, False)
            (leaf / "rdma.max").write_text("mlx4_0 hca_object=5")
        want = {f"/tenant/{name}".replace("\udcff", "\ufffdff")
                for name in names}
        self.assertEqual({key[0] for key in self.rows()}, want)
        text = run(PROGRAM, "--once", env=dict(os.environ, LC_ALL="C"))
        self.assertEqual(text.count(b"\n"), len(names) + 1)
        self.assertNotRegex(text.decode("ascii"), "[\x00-\x09\x0b-\x1f]")

    def test_device_name(self):
        """a device may have a name with a blank"""
        (self.tenant / "rdma.max").write_text("mlx4_0 hca_object=5")
        run("rdma", "dev", "set", "mlx4_0", "name", "a b")
        self.stack.callback(
            run, "rdma", "dev", "set", "a b", "name", "mlx4_0")
        self.assertEqual(set(self.rows()), {("/tenant", "a b", "hca_object")})
        self.assertIn(b" a\\x20b ", run(PROGRAM, "--once"))

    def test_nobody(self):
        """whoever may read the files needs no other privilege"""
        (self.tenant / "rdma.max").write_text("mlx4_0 hca_object=5")
        as_root = self.rows()
        self.assertTrue(as_root)
        self.assertEqual(self.rows(user=NOBODY, group=NOBODY,
                                   extra_groups=[]), as_root)

    def test_storm(self):
        """cgroups may come and go, with objects in them, while it reads"""
        stop = threading.Event()
        made = 0

        def churn(name):
            nonlocal made
            while not stop.is_set():
                path = self.tenant / name
                path.mkdir()
                Verbs(path, "mlx4_0", "context=1", "pd=2").end()
                until(path.rmdir)
                made += 1

        threads = [threading.Thread(target=churn, args=(name,))
                   for name in ("x", "y")]
        for thread in threads:
            thread.start()
        try:
            for _ in range(10):
                self.rows("--delay=0.2")
                prometheus.parse(run(PROGRAM, "--prometheus"))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertGreater(made, 2)


class Hierarchy(unittest.TestCase):
    """The controller is moved, so that there must be no cgroup left."""

    def fails_after(self, command, want):
        """It fails with this message if a command has changed the mounts."""
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", f"{command}; exec {PROGRAM} -1"],
            check=False, capture_output=True)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertRegex(done.stderr.decode(), want)

    def take_out(self):
        (ROOT / "cgroup.subtree_control").write_text("-rdma")
        self.addCleanup(until, lambda: (
            ROOT / "cgroup.subtree_control").write_text("+rdma"))

    def test_off(self):
        """where no cgroup has the controller, it says how to change that"""
        (ROOT / "x").mkdir()
        self.addCleanup((ROOT / "x").rmdir)
        self.take_out()
        done = subprocess.run([PROGRAM, "--once"], capture_output=True,
                              check=False)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stderr, b"off: .rdma into cgroup.subtree_control")

    def test_hybrid(self):
        """with v2 and v1 mounted, the one with the controller is found"""
        self.take_out()
        folder = pathlib.Path(tempfile.mkdtemp(prefix="a b"))
        mount = ["mount", "-t", "cgroup", "-o", "rdma", "none", str(folder)]
        until(lambda: run(*mount, stderr=subprocess.DEVNULL))
        self.addCleanup(run, "umount", folder)
        (folder / "g").mkdir()
        self.addCleanup(until, (folder / "g").rmdir)
        (folder / "g/rdma.max").write_text("mlx4_0 hca_object=5")
        verbs = Verbs(folder / "g", "mlx4_0", "context=1", "pd=9")
        try:
            data = json.loads(run(PROGRAM, "--json", folder / "g"))
        finally:
            verbs.end()
        self.assertEqual(data["hierarchy"],
                         {"version": 1, "path": str(folder)})
        self.assertEqual({(row["cgroup"], row["resource"]): row["usage"]
                          for row in data["rows"]},
                         {("/g", "hca_handle"): 1, ("/g", "hca_object"): 5})

        for command in (f"umount '{folder}'",
                        f"mount -t tmpfs none '{folder}'"):
            self.fails_after(command, "mount -t cgroup -o rdma none rdma")

    def test_not_mounted(self):
        """where no hierarchy is mounted, it says how to mount one"""
        self.fails_after(f"umount {ROOT}",
                         "mount -t cgroup2 none /sys/fs/cgroup")

    def test_namespace(self):
        """in a namespace of cgroups its root is shown, as /"""
        path = ROOT / "box"
        path.mkdir()
        self.addCleanup(until, path.rmdir)
        (path / "rdma.max").write_text("mlx4_0 hca_object=5")
        text = run("sh", "-c",
                   f"echo 0 > {path}/cgroup.procs; exec unshare -C -m sh -c '"
                   f"umount {ROOT}; mount -t cgroup2 none {ROOT};"
                   f"exec {PROGRAM} -1'").decode()
        self.assertRegex(text.splitlines()[1],
                         r"^ *0 +0 +5 .* mlx4_0 +hca_object /$")


if __name__ == "__main__":
    tap.main(__name__, "verbs")
