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
        screen.wait(r" 0 +\[ +\] +0 +10 +own .*mlx4_0 +hca_object /tenant$")
        verbs = self.hold(leaf, "mlx4_0", "context=1", "pd=8")
        screen.wait(r" 80 +\[\|{8}  \] +8 +10 .*mlx4_0 +hca_object /tenant$")
        screen.wait(r"\x1b\[(7|33)m.*80.*hca_object.*/tenant", "styled")
        screen.wait(r" - +8 +max .*mlx4_0 +hca_object /tenant/a$")
        screen.wait(r"^ mlx4_0  hca_handle 1  hca_object 8")
        self.assertIn("made 2, held 10", verbs.tell("pd=2"))
        text = screen.wait(
            r" 100 +\[\|{10}\] +10 +10 .*mlx4_0 +hca_object /tenant$")
        tenant = r"\|\] +10 +10 +own +(\S+) +(\S+) +(\S+) .*hca_object /tenant$"
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
            leaf_row = re.search(r" 10 +max +- +10 +(\S+) +(\S+) .*hca_object "
                                 "/tenant/a$", text, re.M)
            return found and found[1] == "10" and leaf_row and \
                float(found[2]) > 0 and float(found[3]) > 0 and \
                leaf_row[1] == "0" and float(leaf_row[2]) > 0 and \
                re.search(r"^ mlx4_0 .* refused [\d.]*[1-9]", text, re.M)

        screen.wait(refused)
        screen.type("l")
        screen.wait("events of each cgroup alone")
        screen.wait(r" 10 +10 +own +10 +0 +0 .*hca_object /tenant$")
        verbs.tell("-pd=10")
        screen.wait(r" 0 +\[ +\] +0 +10 +own +10 .*mlx4_0 +hca_object /tenant$")

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
            screen.wait(r" - +0 +max +- +3 +0 +0 .*ocrdma1 hca_object +")

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
        """a user who may read the files needs no other privilege"""
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


# Makes PDs by libibverbs: what it is told is eval()'s to do.
MAKER = """
import ctypes, os, sys, threading
verbs = ctypes.CDLL("libibverbs.so.1")
for name in ("get_device_list", "open_device", "alloc_pd"):
    getattr(verbs, f"ibv_{name}").restype = ctypes.c_void_p
verbs.ibv_get_device_name.restype = ctypes.c_char_p
def pointer(value):
    assert value
    return ctypes.c_void_p(value)
nr = ctypes.c_int()
devices = ctypes.cast(verbs.ibv_get_device_list(ctypes.byref(nr)),
                      ctypes.POINTER(ctypes.c_void_p))
device = next(pointer(devices[i]) for i in range(nr.value)
              if verbs.ibv_get_device_name(pointer(devices[i])) == b"mlx4_0")
context = pointer(verbs.ibv_open_device(device))
def pd():
    assert verbs.ibv_alloc_pd(context)
def by_child():
    child = os.fork()
    if not child:
        pd()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
stop = threading.Event()
def by_thread(then):
    made = threading.Event()
    thread = threading.Thread(target=lambda: (pd(), made.set(), then()))
    thread.start()
    made.wait()
    return thread
for line in sys.stdin:
    print(eval(line), flush=True)
stop.set()
"""


class Kinds(Case):
    """What is made is known, so that what is shown can be compared with it."""

    MADE = {"context": 2, "pd": 3, "cq": 2, "mr": 4, "srq": 1, "qp": 5}

    def export(self, *args, **options):
        return json.loads(run(PROGRAM, "--json", *args, **options))

    def kinds(self, device="mlx4_0"):
        """Returns what is told of one device, by cgroup or where it is else."""
        return {row["cgroup"] or row["elsewhere"]: row
                for row in self.export("--kinds")["kinds"]
                if row["device"] == device}

    def make_all(self, cgroup, device="mlx4_0", *more):
        words = [f"{kind}={count}" for kind, count in self.MADE.items()]
        return self.hold(cgroup, device, *words, *more)

    def start_maker(self, cgroup):
        maker = subprocess.Popen(
            ["python3", "-c", MAKER], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, preexec_fn=lambda: (
                cgroup / "cgroup.procs").write_text("0"))
        self.stack.callback(maker.communicate)

        def tell(line):
            maker.stdin.write(f"{line}\n")
            maker.stdin.flush()
            return maker.stdout.readline()

        return maker, tell

    def assert_made(self, row, times=1):
        self.assertEqual({kind: row[kind] for kind in self.MADE},
                         {kind: times * count
                          for kind, count in self.MADE.items()})

    def test_kinds(self):
        """kinds are those made, and address handles the rest of rdma.current"""
        leaf = self.make(self.tenant / "a", False)
        other = self.make(self.tenant / "b", False)
        self.make_all(leaf, "mlx4_0", "ah=2")
        self.make_all(other)
        self.make_all(other, "ocrdma1")
        kinds = self.kinds()
        for name, times, rest in (("/tenant/a", 1, 2), ("/tenant/b", 1, 0),
                                  ("/tenant", 2, 2)):
            row = kinds[name]
            self.assert_made(row, times)
            self.assertEqual(row["rest"],
                             {"hca_handle": 0, "hca_object": rest})
            self.assertEqual(row["hca_object"], times * 15 + rest)
            self.assertEqual(row["id"], (ROOT / name[1:]).stat().st_ino)
            # verbs registers as much for each of them.
            self.assertGreater(row["mr_bytes"], 0)
            self.assertEqual(row["mr_bytes"] % (4 * times), 0)
        self.assertEqual(kinds["/tenant"]["mr_bytes"],
                         2 * kinds["/tenant/a"]["mr_bytes"])
        self.assert_made(self.kinds("ocrdma1")["/tenant/b"])
        self.assertNotIn("/tenant/a", self.kinds("ocrdma1"))
        # The agents of the IB core, which nobody counts.
        self.assertGreater(kinds["kernel"]["qp"], 0)
        self.assertIsNone(kinds["kernel"]["hca_object"])
        families = prometheus.parse(run(PROGRAM, "--prometheus", "--kinds"))
        self.assertEqual(
            {dict(labels)["kind"]: value for labels, value in
             families["rdmacg_objects"].samples.items()
             if {("cgroup", "/tenant/a"), ("device", "mlx4_0")} <= labels},
            self.MADE)
        text = run(PROGRAM, "--once", "--kinds").decode()
        self.assertRegex(text, r"(?m)^ +2 +2 +17 +5 +2 +4 +3 +1 +2 +\S+ mlx4_0 "
                               r" */tenant/a$")

    def test_root(self):
        """what is in the root cgroup is shown as not counted"""
        before = self.kinds().get("root", {kind: 0 for kind in self.MADE})
        self.make_all(ROOT)
        row = self.kinds()["root"]
        self.assertEqual({kind: row[kind] - before[kind] for kind in self.MADE},
                         self.MADE)
        self.assertEqual((row["hca_handle"], row["hca_object"]), (None, None))

    def test_processes(self):
        """each process is listed, with its command, as by nobody"""
        leaf = self.make(self.tenant / "a", False)
        pids = {self.make_all(leaf).process.pid: leaf,
                self.make_all(self.make(self.tenant / "b", False)).process.pid:
                self.tenant / "b"}
        for options in ({}, {"user": NOBODY, "group": NOBODY,
                             "extra_groups": []}):
            rows = {row["pid"]: row for row in
                    self.export("--pids", "/tenant", **options)["processes"]}
            self.assertEqual(set(rows), set(pids))
            for pid, row in rows.items():
                self.assert_made(row)
                self.assertEqual((row["command"], ROOT / row["cgroup"][1:]),
                                 ("verbs", pids[pid]))
        self.assertRegex(run(PROGRAM, "-1P").decode(),
                         rf"(?m)^ *{min(pids)} +2 +5 .*mlx4_0 verbs +/tenant/")

    def test_moved(self):
        """what a process takes along is missed there, and too much here"""
        leaf = self.make(self.tenant / "a", False)
        other = self.make(self.tenant / "b", False)
        verbs = self.make_all(leaf)
        (other / "cgroup.procs").write_text(str(verbs.process.pid))
        kinds = self.kinds()
        self.assertEqual(kinds["/tenant/a"]["rest"],
                         {"hca_handle": 2, "hca_object": 15})
        self.assertEqual(kinds["/tenant/b"]["rest"],
                         {"hca_handle": -2, "hca_object": -15})
        self.assert_made(kinds["/tenant/b"])
        self.assertEqual(kinds["/tenant"]["rest"],
                         {"hca_handle": 0, "hca_object": 0})

    def test_ended(self):
        """what a child made on a passed context is the rest once it ended"""
        leaf = self.make(self.tenant / "a", False)
        _, tell = self.start_maker(leaf)
        tell("pd()")
        before = self.kinds()
        self.assertEqual(before["/tenant/a"]["pd"], 1)
        self.assertEqual(before["/tenant/a"]["rest"]["hca_object"], 0)
        tell("by_child()")
        tell("by_thread(lambda: None).join()")
        row = self.kinds()["/tenant/a"]
        self.assertEqual((row["hca_object"], row["pd"], row["rest"]),
                         (3, 1, {"hca_handle": 0, "hca_object": 2}))
        self.assertEqual(self.kinds()["unknown"]["pd"], 2)

    def test_threads(self):
        """what a thread made is that of its process"""
        leaf = self.make(self.tenant / "a", False)
        maker, tell = self.start_maker(leaf)
        tell("pd()")
        tell("by_thread(stop.wait)")
        row, = self.export("--pids", "/tenant")["processes"]
        self.assertEqual((row["pid"], row["pd"]), (maker.pid, 2))

    def test_screen(self):
        """v leads to kinds, to processes, and back"""
        leaf = self.make(self.tenant / "a", False)
        verbs = self.make_all(leaf)
        screen = self.start(columns=120)
        screen.wait(r"mlx4_0 +hca_object /tenant/a$")
        screen.type("v")
        screen.wait(r"^ +2 +2 +15 +5 +2 +4 +3 +1 +0 +\S+ mlx4_0 +/tenant/a$")
        verbs.tell("-qp=5")
        screen.wait(r"^ +2 +2 +10 +0 +2 +4 +3 +1 +0 +\S+ mlx4_0 +/tenant/a$")
        screen.type("v")
        screen.wait(rf"^ *{verbs.process.pid} +2 +0 .* mlx4_0 verbs +/tenant/a$")
        screen.type("v")
        screen.wait(r"mlx4_0 +hca_object /tenant/a$")


class Default(Case):
    def setUp(self):
        super().setUp()
        if self.is_stock:
            self.skipTest("the stock controller has no defaults")
        (self.tenant / "rdma.max").write_text("default hca_object=10")

    def test_sources(self):
        """a limit is the default's or the device's own, also after hot-plug"""
        leaf = self.make(self.tenant / "a", False)
        (leaf / "rdma.max").write_text("mlx4_0 hca_object=20")

        def sources():
            return {key[:2]: (row["limit"], row["limit_from"])
                    for key, row in self.rows().items()
                    if key[2] == "hca_object"}

        want = {("/tenant", "mlx4_0"): (10, "default"),
                ("/tenant", "ocrdma1"): (10, "default"),
                ("/tenant/a", "mlx4_0"): (20, "own")}
        self.assertEqual(sources(), want)
        (self.tenant / "rdma.max").write_text("mlx4_0 hca_object=max")
        want["/tenant", "mlx4_0"] = ("max", "own")
        self.assertEqual({key: sources().get(key, ("max", "own"))
                          for key in want}, want)
        run("rdma", "link", "delete", "ocrdma1")
        try:
            self.assertNotIn(("/tenant", "ocrdma1"), sources())
        finally:
            run("rdma", "link", "add", "ocrdma1", "type", "siw", "netdev",
                "rdma1")
        self.assertEqual(sources()["/tenant", "ocrdma1"], (10, "default"))
        data = json.loads(run(PROGRAM, "--json"))
        self.assertIn(("/tenant", "hca_object", 10),
                      [(one["cgroup"], one["resource"], one["limit"])
                       for one in data["defaults"]])

    def test_device_called_default(self):
        """a device that is called default is not mistaken for it"""
        run("rdma", "dev", "set", "mlx4_0", "name", "default")
        self.stack.callback(
            run, "rdma", "dev", "set", "default", "name", "mlx4_0")
        index = int(re.search(r"(\d+): default:", run(
            "rdma", "dev", "show", "default").decode())[1])
        (self.tenant / "rdma.max").write_text(
            f"default index={index} hca_object=20")
        self.hold(self.make(self.tenant / "a", False), "default", "context=1",
                  "pd=3")
        row = self.rows()["/tenant", "default", "hca_object"]
        self.assertEqual((row["index"], row["usage"], row["limit"],
                          row["limit_from"]), (index, 3, 20, "own"))
        data = json.loads(run(PROGRAM, "--json", "--kinds"))
        self.assertEqual([(row["index"], row["pd"], row["hca_object"])
                          for row in data["kinds"]
                          if row["cgroup"] == "/tenant"
                          and row["device"] == "default"], [(index, 3, 3)])
        self.assertEqual(len(data["defaults"]), 2)


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
                         r"^ *0 +0 +5 +own .* mlx4_0 +hca_object /$")


if __name__ == "__main__":
    tap.main(__name__, "verbs")
