#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What rdmacg-top prints about hierarchies that are made up. Prints TAP."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading
import time
import unittest

import prometheus
import restrack
import tap
from fake import Pool, Tree, line

TOP = pathlib.Path(__file__).resolve().parents[4] / "tools/cgroup/rdmacg-top"
HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = None
NOBODY = 65534
HEADINGS = ["USE%", "USAGE", "LIMIT", "FROM", "PEAK", "HIT/s", "FAIL/s", "HITS",
            "FAILS", "DEVICE", "RESOURCE", "CGROUP"]
KIND_HEADINGS = ["HANDLES", "CTX", "OBJECTS", "QP", "CQ", "MR", "PD", "SRQ",
                 "REST", "MR-BYTES", "DEVICE", "CGROUP"]
PID_HEADINGS = ["PID", "CTX", "QP", "CQ", "MR", "PD", "SRQ", "MR-BYTES",
                "DEVICE", "COMMAND", "CGROUP"]
NO_TASK = 2 ** 22 + 1       # more than the kernel ever gives
# What corpus/restrack is of: contexts, PDs, CQs, MRs, QPs, SRQs, bytes of MRs.
RECORDED = {("mlx4_0", "unknown"): (2, 3, 2, 4, 5, 1, 4 * 4096),
            ("mlx4_0", "kernel"): (0, 1, 1, 0, 1, 0, 0),
            ("ocrdma1", "unknown"): (1, 2, 1, 2, 1, 0, 2 * 4096)}
WEIRD_NAMES = ["new\nline", "tab\t", "dou\"ble", "back\\slash", "\x1b[31mred",
               "é日本", "bad\udcff\udcfe", "bad\ufffdff\ufffdfe", "{a=\"b\"}",
               "# HELP", "\u202egnp", "$(reboot)", "'", " lead", "trail ",
               "\x01\x7f", "\\xff", "a,b", "\udced\udca0\udc80",
               "\udcc0\udcaf", "\udcf4\udc90\udc80\udc80"]


def shown_as(name):
    """A name in JSON and for Prometheus: bytes that are no UTF-8 are visible."""
    return "".join(
        f"\ufffd{ord(char) - 0xdc00:02x}" if 0xdc80 <= ord(char) <= 0xdcff else
        "\ufffdef\ufffdbf\ufffdbd" if char == "\ufffd" else char
        for char in name)


class Case(unittest.TestCase):
    """A hierarchy, and rdmacg-top to look at it."""

    version, stock = 2, False

    def setUp(self):
        self.tree = Tree(self.version, self.stock)
        self.addCleanup(self.tree.remove)

    def run_top(self, *args, **options):
        options.setdefault("env", dict(os.environ, LC_ALL="C.UTF-8"))
        return subprocess.run(
            [PROGRAM, f"--root={self.tree.root}", *args], check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, **options)

    def output(self, *args, **options):
        done = self.run_top(*args, **options)
        self.assertEqual((done.returncode, done.stderr.decode()), (0, ""))
        return done.stdout

    def table(self, *args, headings=None, **options):
        """Returns the rows as lists of words."""
        headings = headings or HEADINGS
        lines = self.output("--once", *args, **options).decode().splitlines()
        self.assertEqual(lines[0].split(), headings)
        return [text.split(None, len(headings) - 1) for text in lines[1:]]

    def column(self, name, *args):
        return [row[HEADINGS.index(name)] for row in self.table(*args)]

    def json(self, *args, **options):
        return json.loads(self.output("--json", *args, **options))

    def prometheus(self, *args, **options):
        return prometheus.parse(self.output("--prometheus", *args, **options))

    def add_example(self):
        self.tree.add("/tenant", {
            "mlx4_0": {"hca_handle": Pool(3, 10, 4),
                       "hca_object": Pool(850, 1000, 900, 3, 40)},
            "ocrdma1": {"hca_handle": Pool(), "hca_object": Pool(12)}})
        self.tree.add("/tenant/a", {
            "mlx4_0": {"hca_handle": Pool(2, 2, 2, 5, 6, 7, 8),
                       "hca_object": Pool(850, 2000, 900, 0, 40)},
            "ocrdma1": {"hca_handle": Pool(), "hca_object": Pool(12)}})
        self.tree.add("/idle", {
            "mlx4_0": {"hca_handle": Pool(), "hca_object": Pool()},
            "ocrdma1": {"hca_handle": Pool(), "hca_object": Pool()}})


class Table(Case):
    def test_values(self):
        """a table has the numbers of the files, and what they add up to"""
        self.add_example()
        rows = self.table()
        self.assertEqual(rows, [row.split() for row in (
            "100 2 2 own 2 - - 5 6 mlx4_0 hca_handle /tenant/a",
            "85 850 1000 own 900 - - 3 40 mlx4_0 hca_object /tenant",
            "42 850 2000 own 900 - - 0 40 mlx4_0 hca_object /tenant/a",
            "30 3 10 own 4 - - 0 0 mlx4_0 hca_handle /tenant",
            "- 12 max - 12 - - 0 0 ocrdma1 hca_object /tenant",
            "- 12 max - 12 - - 0 0 ocrdma1 hca_object /tenant/a")])

    def limits(self):
        """Returns {(cgroup, device, resource): [limit, where it is from]}."""
        return {(row[11], row[9], row[10]): row[2:4]
                for row in self.table("--all")}

    def test_default(self):
        """the default's line is no device, and limits that equal it are from it"""
        self.add_example()
        rows = self.table()
        self.tree.add_default("/tenant", hca_handle=7, hca_object="max")
        self.assertEqual(self.table(), rows)
        self.add_example()
        self.tree.add_default("/tenant", hca_handle=10, hca_object=5)
        limits = self.limits()
        self.assertEqual(limits["/tenant", "mlx4_0", "hca_handle"],
                         ["10", "default"])
        self.assertEqual(limits["/tenant", "mlx4_0", "hca_object"],
                         ["1000", "own"])
        # It is exempt.
        self.assertEqual(limits["/tenant", "ocrdma1", "hca_object"],
                         ["max", "own"])
        self.assertEqual(limits["/tenant/a", "ocrdma1", "hca_object"],
                         ["max", "-"])
        self.assertEqual(len(limits), 12)
        self.assertEqual(self.column("FROM", "--sort=from"),
                         sorted(self.column("FROM")))

    def test_default_formats(self):
        """JSON and Prometheus have defaults, and tell what comes from them"""
        self.add_example()
        self.tree.add_default("/tenant", hca_handle=10, hca_object="max")
        # Where there is no device.
        self.tree.add("/new", {})
        self.tree.add_default("/new", hca_handle=3, hca_object=4)
        data = self.json("--all")
        self.assertEqual(
            {(one["cgroup"], one["resource"]): one["limit"]
             for one in data["defaults"]},
            {("/tenant", "hca_handle"): 10, ("/tenant", "hca_object"): "max",
             ("/new", "hca_handle"): 3, ("/new", "hca_object"): 4})
        self.assertEqual({one["id"] for one in data["defaults"]},
                         {os.stat(self.tree.path(name)).st_ino
                          for name in ("/tenant", "/new")})
        sources = {(row["cgroup"], row["device"], row["resource"]):
                   row["limit_from"] for row in data["rows"]}
        want = {("/tenant", "mlx4_0", "hca_handle"): "default",
                ("/tenant", "mlx4_0", "hca_object"): "own",
                ("/tenant", "ocrdma1", "hca_handle"): "own",
                ("/tenant", "ocrdma1", "hca_object"): None}
        self.assertEqual(want, {key: sources[key] for key in want})
        families = self.prometheus("--all")
        self.assertEqual(
            {tuple(sorted(dict(labels).values())): value for labels, value in
             families["rdmacg_default_limit"].samples.items()},
            {("/tenant", "hca_handle"): 10,
             ("/tenant", "hca_object"): float("inf"),
             ("/new", "hca_handle"): 3, ("/new", "hca_object"): 4})
        samples = families["rdmacg_limit_from_default"].samples
        got = {tuple(dict(labels)[name] for name in
                     ("cgroup", "device", "resource")): value
               for labels, value in samples.items()}
        self.assertEqual({key: got.get(key) for key in want},
                         {key: {"default": 1, "own": 0}.get(value)
                          for key, value in want.items()})
        self.assertEqual(self.json("/new")["defaults"][0]["cgroup"], "/new")
        self.assertEqual(len(self.json("/new")["defaults"]), 2)

    def test_device_called_default(self):
        """a device called default is one, beside the default"""
        self.tree.add("/a", {"default index=4": {"hca_object": Pool(2, 8)}})
        self.tree.add_default("/a", hca_object=7)
        self.assertEqual(self.limits(),
                         {("/a", "default#4", "hca_object"): ["8", "own"]})
        # No matter what restrack calls it.
        with open(self.tree.path("/recorded"), "wb") as file:
            file.write(restrack.device(4, "default") +
                       restrack.objects("qp", 4, "rdma_cm"))
        recorded = self.tree.path("/recorded")
        data = self.json("--kinds", "--delay=0.01", f"--restrack={recorded}")
        self.assertEqual([row["limit"] for row in data["rows"]], [8])
        self.assertEqual({(row["device"], row["index"])
                          for row in data["kinds"]}, {("default", 4)})
        self.assertEqual(len(data["defaults"]), 1)

    def test_device_called_default_elsewhere(self):
        """a device called default that no file lists is no default either"""
        self.tree.add("/a", {"mlx4_0": {"hca_object": Pool(2, 8)}})
        self.tree.add_default("/a", hca_object=7)
        self.tree.write("/recorded", restrack.device(4, "default") +
                        restrack.objects("qp", 4, "rdma_cm"))
        data = self.json("--kinds", "--delay=0.01",
                         f"--restrack={self.tree.path('/recorded')}")
        self.assertEqual([row["device"] for row in data["rows"]], ["mlx4_0"])
        self.assertEqual(len(data["defaults"]), 1)

    def test_local(self):
        """with --local, events are those of each cgroup alone"""
        self.add_example()
        row = self.table("--local")[0]
        self.assertEqual(row[7:9], ["7", "8"])

    def test_columns_are_aligned(self):
        """columns are as wide as what is in them, also with wide letters"""
        self.tree.add("/a", {"日本": {"hca_object": Pool(1)}})
        self.tree.add("/b", {"m": {"hca_object": Pool(2147483647, 2147483646)}})
        lines = self.output("--once").decode().splitlines()
        ends = {text.index("hca_object") + text.count("日") + text.count("本")
                for text in lines[1:]}
        self.assertEqual(ends, {lines[0].index("RESOURCE")})
        usage_ends = {text.index("2147483647") + 10 for text in lines[1:2]}
        self.assertEqual(usage_ends, {lines[0].index("USAGE") + 5})

    def test_idle(self):
        """what is not limited and was never used is left out, but for --all"""
        self.add_example()
        self.assertNotIn("/idle", self.column("CGROUP"))
        self.assertEqual(self.column("CGROUP", "--all").count("/idle"), 4)
        self.tree.add("/was-used", {"mlx4_0": {"hca_object": Pool(0, peak=1)}})
        self.tree.add("/limited", {"mlx4_0": {"hca_object": Pool(0, 0)}})
        self.tree.add("/refused", {"mlx4_0": {"hca_object": Pool(0, fails=1)}})
        shown = self.column("CGROUP")
        for name in ("/was-used", "/limited", "/refused"):
            self.assertIn(name, shown)

    def test_percent(self):
        """percent are cut, a limit of 0 is used up, and there may be more"""
        for name, pool, want in (("a", Pool(999, 1000), "99"),
                                 ("b", Pool(0, 0), "100"),
                                 ("c", Pool(3, 2), "150"),
                                 ("d", Pool(10, 1), ">999"),
                                 ("e", Pool(0, 5), "0")):
            with self.subTest(want):
                self.tree.add(f"/{name}", {"d": {"hca_object": pool}})
                row, = self.table(f"/{name}")
                self.assertEqual(row[0], want)

    def test_sort(self):
        """rows are sorted by any column, either way"""
        self.add_example()
        for name, heading in (("percent", "USE%"), ("usage", "USAGE"),
                              ("limit", "LIMIT"), ("peak", "PEAK"),
                              ("hits", "HITS"), ("fails", "FAILS"),
                              ("device", "DEVICE"), ("resource", "RESOURCE"),
                              ("from", "FROM"), ("cgroup", "CGROUP")):
            with self.subTest(name):
                got = self.column(heading, f"--sort={name}")
                if name in ("device", "resource", "from", "cgroup"):
                    self.assertEqual(got, sorted(got))
                else:
                    numbers = [float({"-": -1, "max": 1e99}.get(cell, cell))
                               for cell in got]
                    self.assertEqual(numbers, sorted(numbers, reverse=True))
                self.assertGreater(len(set(got)), 1)
                self.assertEqual(
                    self.column(heading, f"--sort={name}", "--reverse"),
                    got[::-1])

    def test_tree(self):
        """a tree has parents before their children, the fullest branch first"""
        self.add_example()
        self.tree.add("/quiet.slice", {"mlx4_0": {"hca_object": Pool()}})
        self.tree.add_plain("/quiet.slice/x.service")
        text = self.output("--once", "--tree").decode()
        start = text.index("CGROUP")
        names = [row[start:].rstrip() for row in text.splitlines()]
        self.assertEqual(names, [
            "CGROUP", "├─▾ tenant", "│ │", "│ │", "│ └─a", "│", "│",
            "└─▾ quiet.slice", "  └─x.service"])
        self.assertLess(text.index(" 30 "), text.index(" 100 "))
        ascii_text = self.output("-1t", env=dict(os.environ, LC_ALL="C"))
        self.assertIn(b"`-- quiet.slice\n", ascii_text)

    def test_not_on_a_terminal(self):
        """without a terminal a table is printed, no screen"""
        self.add_example()
        self.assertEqual(self.output(), self.output("--once"))


class Formats(Case):
    def test_json(self):
        """JSON has all numbers, and null for what is not known"""
        self.add_example()
        data = self.json()
        self.assertEqual(data["hierarchy"],
                         {"version": 2, "path": self.tree.root})
        self.assertEqual((data["cgroups"], data["unreadable"],
                          data["interval"]), (3, 0, None))
        self.assertAlmostEqual(data["time"], time.time(), delta=60)
        row = data["rows"][0]
        self.assertEqual(row, {
            "cgroup": "/tenant/a", "device": "mlx4_0", "index": None,
            "id": os.stat(self.tree.path("/tenant/a")).st_ino,
            "resource": "hca_handle", "usage": 2, "limit": 2, "percent": 100,
            "limit_from": "own", "peak": 2, "events": {"max": 5, "alloc_fail": 6},
            "events_local": {"max": 7, "alloc_fail": 8},
            "events_per_second": {"max": None, "alloc_fail": None},
            "events_local_per_second": {"max": None, "alloc_fail": None}})
        last = data["rows"][-1]
        self.assertEqual((last["limit"], last["percent"]), ("max", None))

    def test_prometheus(self):
        """Prometheus gets all numbers as gauges and counters"""
        self.add_example()
        families = self.prometheus()
        labels = frozenset({"cgroup": "/tenant/a", "device": "mlx4_0",
                            "resource": "hca_handle"}.items())
        got = {name: (family.type, family.samples.get(labels))
               for name, family in families.items()}
        self.assertEqual(got, {
            "rdmacg_usage": ("gauge", 2), "rdmacg_limit": ("gauge", 2),
            "rdmacg_limit_from_default": ("gauge", 0),
            "rdmacg_peak": ("gauge", 2),
            "rdmacg_limit_hits_total": ("counter", 5),
            "rdmacg_failures_total": ("counter", 6),
            "rdmacg_limit_hits_local_total": ("counter", 7),
            "rdmacg_failures_local_total": ("counter", 8),
            "rdmacg_cgroups": ("gauge", None),
            "rdmacg_unreadable_cgroups": ("gauge", None)})
        self.assertEqual(families["rdmacg_cgroups"].samples,
                         {frozenset(): 3})
        self.assertIn(float("inf"), families["rdmacg_limit"].samples.values())

    def test_prometheus_reader(self):
        """the reader of the tests refuses what is not the format"""
        good = ('# HELP a_total A.\n# TYPE a_total counter\n'
                'a_total{x="1",y="\\\\\\"\\n,{}"} 1\n')
        self.assertEqual(
            prometheus.parse(good.encode())["a_total"].samples,
            {frozenset({("x", "1"), ("y", '\\"\n,{}')}): 1})
        for bad in (good[:-1], good.replace("_total", ""),
                    good.replace("counter", "gauge"),
                    good.replace("counter", "number"),
                    good.replace('x="1"', "x=1"), good.replace('"1"', '"\\t"'),
                    good.replace('"1"', '"""'), good.replace('"1"', '"\n"'),
                    good.replace("y=", "x="), good.replace('x="1",', ","),
                    good.replace("} 1", "} one"), good.replace("} 1", "} -1"),
                    good.replace("} 1", "}  1"), good + good.splitlines()[2]
                    + "\n", good + good, good + "\n", good + "b 1\n",
                    good.split("\n", 1)[1], good.replace("# TYPE", "# KIND"),
                    good + "# HELP b B.\n# TYPE b gauge\n"):
            with self.subTest(bad):
                self.assertNotEqual(bad, good)
                with self.assertRaises(ValueError):
                    prometheus.parse(bad.encode())
        with self.assertRaises(ValueError):
            prometheus.parse(good.encode().replace(b'"1"', b'"\xff"'))

    def test_empty(self):
        """without anything to show all formats are whole; a table says why"""
        for name, want in (("--once", b"CGROUP"), ("--json", b"rows"),
                           ("--prometheus", b"rdmacg_cgroups 0")):
            with self.subTest(name):
                done = self.run_top(name)
                self.assertEqual(done.returncode, 0)
                self.assertIn(want, done.stdout)
                if name == "--once":
                    self.assertIn(b"+rdma into cgroup.subtree_control",
                                  done.stderr)
                else:
                    self.assertEqual(done.stderr, b"")
        prometheus.parse(self.run_top("--prometheus").stdout)
        self.assertEqual(json.loads(self.run_top("--json").stdout)["rows"], [])


class Names(Case):
    def test_cgroups(self):
        """any name of a cgroup is told apart in every format"""
        for number, name in enumerate(WEIRD_NAMES):
            self.tree.add_plain(f"/{name}", number + 1)
        want = {f"/{shown_as(name)}": number + 1
                for number, name in enumerate(WEIRD_NAMES)}
        self.assertEqual(len(want), len(WEIRD_NAMES))
        rows = self.json()["rows"]
        self.assertEqual({row["cgroup"]: row["usage"] for row in rows}, want)
        samples = self.prometheus()["rdmacg_usage"].samples
        self.assertEqual({dict(labels)["cgroup"]: usage
                          for labels, usage in samples.items()}, want)

    def test_terminal(self):
        """no name breaks a line of the table, or controls the terminal"""
        for name in WEIRD_NAMES:
            self.tree.add_plain(f"/{name}")
        for locale in ("C.UTF-8", "C"):
            with self.subTest(locale):
                text = self.output("-1", env=dict(os.environ, LC_ALL=locale))
                lines = text.decode("ascii" if locale == "C" else
                                    "utf-8").split("\n")
                self.assertEqual(len(lines), len(WEIRD_NAMES) + 2)
                self.assertEqual(len(set(lines)), len(lines))
                self.assertNotRegex(text.decode(), "[\0-\x09\x0b-\x1f\x7f-\x9f"
                                                   "\u202e]")
                self.assertIn("new\\nline", text.decode())

    def test_devices(self):
        """a device may have any name"""
        names = ["a b", "a\nb", "a=b", "index=1", "hca_object=3", "é", "a\tb",
                 "q\"\\", "x\udcff"]
        self.tree.add("/c", {name: {"hca_object": Pool(number + 1)}
                             for number, name in enumerate(names)})
        want = {shown_as(name): number + 1
                for number, name in enumerate(names)}
        self.assertEqual({row["device"]: row["usage"]
                          for row in self.json()["rows"]}, want)
        samples = self.prometheus()["rdmacg_usage"].samples
        self.assertEqual({dict(labels)["device"]: usage
                          for labels, usage in samples.items()}, want)
        self.assertEqual(len(self.table()), len(names))

    def test_same_names(self):
        """two devices of one name are told apart by their index"""
        self.tree.add("/c", {"mlx4_0 index=0": {"hca_object": Pool(1)},
                             "mlx4_0 index=12": {"hca_object": Pool(2)}})
        self.assertEqual([(row["device"], row["index"], row["usage"])
                          for row in self.json()["rows"]],
                         [("mlx4_0", 12, 2), ("mlx4_0", 0, 1)])
        self.assertEqual(self.column("DEVICE"), ["mlx4_0#12", "mlx4_0#0"])
        samples = self.prometheus()["rdmacg_usage"].samples
        self.assertEqual({dict(labels)["index"] for labels in samples},
                         {"0", "12"})

    def test_new_resource(self):
        """a resource that the kernel may have one day is shown as well"""
        self.tree.add("/c", {"mlx4_0": {"hca_handle": Pool(1),
                                        "hca_memory": Pool(1 << 40, 1 << 41,
                                                           hits=3)}})
        row = self.json()["rows"][0]
        self.assertEqual((row["resource"], row["usage"], row["percent"],
                          row["events"]["max"]),
                         ("hca_memory", 1 << 40, 50, 3))


class Filters(Case):
    def test_device(self):
        """--device takes a pattern"""
        self.add_example()
        self.assertEqual(set(self.column("DEVICE", "--device=oc*")),
                         {"ocrdma1"})
        self.assertEqual(set(self.column("DEVICE", "-D", "*[0-9]")),
                         {"mlx4_0", "ocrdma1"})
        done = self.run_top("--once", "--device=none")
        self.assertEqual((done.returncode, done.stdout.count(b"\n")), (0, 1))
        self.assertIn(b"Nothing", done.stderr)

    def test_subtree(self):
        """a path shows only this cgroup and those below it"""
        self.add_example()
        self.tree.add_plain("/tenant/a/deep")
        self.tree.add_plain("/tenant/ab")
        for given in ("/tenant/a", "tenant/a", "//tenant//./a/",
                      self.tree.path("/tenant/a")):
            with self.subTest(given):
                self.assertEqual(set(self.column("CGROUP", given)),
                                 {"/tenant/a", "/tenant/a/deep"})
        text = self.output("-1t", "/tenant/a").decode()
        self.assertIn("/tenant/a\n", text)
        self.assertIn("└─deep\n", text)

    def test_no_such_cgroup(self):
        """a path that is not there is an error that says where to look"""
        done = self.run_top("--once", "/nobody")
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(f"see 'ls {self.tree.root}'", done.stderr.decode())

    def test_long_path(self):
        """a path may be longer than any that the kernel takes"""
        self.assertEqual(self.run_top("-1", "/" + "x" * 5000).returncode, 1)
        self.assertEqual(self.run_top("-1", "/x" * 5000).returncode, 1)


class Options(Case):
    def test_wrong_options(self):
        """a wrong option is refused with status 2 and a word about it"""
        for args in (["--nothing"], ["--delay=0"], ["--delay=x"],
                     ["--delay=nan"], ["--delay=1s"], ["--sort=size"], ["a", "b"],
                     ["--once", "--json"], ["--sort"], ["a/../b"],
                     ["--kinds", "--sort=peak"], ["--sort=qp"],
                     ["--pids", "--sort=objects"]):
            with self.subTest(args):
                done = self.run_top(*args)
                self.assertEqual((done.returncode, done.stdout), (2, b""))
                self.assertIn(b"rdmacg-top", done.stderr)

    def test_no_root(self):
        """a --root that cannot be read is refused, and it says why"""
        done = subprocess.run([PROGRAM, "-1", "--root=/nowhere"], check=False,
                              capture_output=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"No such file or directory", done.stderr)

    def test_help(self):
        """--help and the manual page have the same options and columns"""
        text = self.output("--help").decode()
        manual = (TOP / "rdmacg-top.1").read_text(encoding="utf-8")
        manual = manual.replace("\\-", "-").replace("\\fI", "")
        options = set(re.findall(r"--[a-z]+", text))
        self.assertEqual(options, set(re.findall(r"--[a-z]+", manual)))
        for name in ("percent", "hit-rate", "fail-rate", "resource", "from",
                     "mr-bytes", "rest", "contexts", "handles", "command"):
            self.assertIn(name, text)
            self.assertIn(name, manual)

    def test_version(self):
        """--version is that of the Makefile and of the package"""
        text = self.output("--version").decode()
        name, version = text.split()
        self.assertEqual(name, "rdmacg-top")
        makefile = (TOP / "Makefile").read_text(encoding="ascii")
        self.assertIn(f"VERSION\t\t:= {version}\n", makefile)
        self.assertIn(f'"rdmacg-top {version}"',
                      (TOP / "rdmacg-top.1").read_text(encoding="utf-8"))

    def test_full_disk(self):
        """output that cannot be written is an error"""
        self.add_example()
        for name in ("--once", "--json", "--prometheus", "--help", "--version"):
            with self.subTest(name), open("/dev/full", "wb") as full:
                done = subprocess.run(
                    [PROGRAM, f"--root={self.tree.root}", name], check=False,
                    stdout=full, stderr=subprocess.PIPE)
                self.assertEqual(done.returncode, 1)
                self.assertIn(b"No space left", done.stderr)


class Stock(Case):
    stock = True

    def test_table(self):
        """on the controller of Linux itself, what it lacks is '-'"""
        self.add_example()
        self.assertEqual(self.table()[0],
                         "100 2 2 own - - - - - mlx4_0 hca_handle /tenant/a"
                         .split())
        self.assertTrue(all(row[4:9] == ["-"] * 5 for row in self.table()))

    def test_device_called_default(self):
        """there, a device called default is one without an index"""
        self.tree.add("/a", {"default": {"hca_object": Pool(2, 8)}})
        row, = self.table()
        self.assertEqual((row[1:4], row[9]), (["2", "8", "own"], "default"))
        self.assertEqual(self.json()["defaults"], [])

    def test_formats(self):
        """there, JSON has null, and Prometheus no such metrics"""
        self.add_example()
        row = self.json("--delay=0.01")["rows"][0]
        self.assertEqual((row["usage"], row["limit"], row["peak"],
                          row["events"]["max"],
                          row["events_per_second"]["max"]),
                         (2, 2, None, None, None))
        self.assertEqual(set(self.prometheus()),
                         {"rdmacg_usage", "rdmacg_limit", "rdmacg_cgroups",
                          "rdmacg_limit_from_default",
                          "rdmacg_unreadable_cgroups"})

    def test_largest_usage(self):
        """there, a usage of 2147483647 is shown as max"""
        self.tree.add("/a", {"mlx4_0": {"hca_object": Pool("max", 5)}})
        self.assertEqual(self.json()["rows"][0]["usage"], 2147483647)


class VersionOne(Case):
    version = 1

    def test_walk(self):
        """in v1, cgroups are found below some without the files"""
        self.tree.add_plain("/bare/deep")
        self.assertEqual(self.column("CGROUP"), ["/bare/deep"])
        self.assertEqual(self.json()["hierarchy"]["version"], 1)


class VersionTwo(Case):
    def test_walk(self):
        """in v2, no time is lost below a cgroup without the controller"""
        self.tree.add_plain("/bare/deep")
        self.tree.add_plain("/tenant/deep")
        self.tree.add_plain("/tenant")
        self.assertEqual(sorted(self.column("CGROUP")),
                         ["/tenant", "/tenant/deep"])

    def test_root_with_files(self):
        """in a namespace of cgroups the root itself has files"""
        self.tree.add_plain("/", 7)
        self.assertEqual(self.column("CGROUP"), ["/"])
        row = self.json()["rows"][0]
        self.assertEqual((row["cgroup"], row["usage"], row["id"]),
                         ("/", 7, os.stat(self.tree.root).st_ino))


class Depth(Case):
    def add_chain(self, depth, name):
        """A chain too deep for any path; returns how to remove it."""
        at = os.open(self.tree.root, os.O_RDONLY)
        for _ in range(depth):
            os.mkdir(name, dir_fd=at)
            below = os.open(name, os.O_RDONLY, dir_fd=at)
            os.close(at)
            at = below
            for file, value in (("current", 1), ("max", "max")):
                flags = os.O_WRONLY | os.O_CREAT
                with open(os.open(f"rdma.{file}", flags, dir_fd=at),
                          "wb") as opened:
                    opened.write(line("mlx4_0", {"hca_object": value}, ""))
        os.close(at)

    def test_long_names(self):
        """paths may be longer than PATH_MAX"""
        self.add_chain(60, "x" * 250)
        rows = self.json()["rows"]
        self.assertEqual(max(len(row["cgroup"]) for row in rows), 60 * 251)
        self.assertEqual(len(self.prometheus()["rdmacg_usage"].samples), 60)
        self.assertEqual(len(self.column("CGROUP", "/" + "/".join(
            ["x" * 250] * 50))), 11)

    def test_deep(self):
        """the hierarchy may be deep"""
        self.add_chain(1500, "x")
        self.assertEqual(len(self.table()), 1500)
        self.assertEqual(self.output("-1t").count(b"\n"), 1501)


class Access(Case):
    """As nobody, where it is root that runs the tests."""

    def run_top(self, *args, **options):
        if os.geteuid():
            return super().run_top(*args, **options)
        return super().run_top(*args, user=NOBODY, group=NOBODY,
                               extra_groups=[], **options)

    def restrict(self, path, mode):
        os.chmod(self.tree.path(path), mode)
        self.addCleanup(os.chmod, self.tree.path(path), 0o755)

    def test_cgroup(self):
        """a cgroup that may not be read is left out, and counted"""
        self.tree.add_plain("/a")
        self.tree.add_plain("/secret")
        self.tree.add_plain("/secret/deep")
        self.restrict("/secret", 0o000)
        self.assertEqual(self.column("CGROUP"), ["/a"])
        self.assertEqual(self.json()["unreadable"], 1)
        samples = self.prometheus()["rdmacg_unreadable_cgroups"].samples
        self.assertEqual(samples, {frozenset(): 1})

    def test_list(self):
        """of one that may be entered but not listed, the numbers are shown"""
        self.tree.add_plain("/a")
        self.tree.add_plain("/a/deep")
        self.restrict("/a", 0o311)
        self.assertEqual(self.column("CGROUP"), ["/a"])
        self.assertEqual(self.json()["unreadable"], 1)
        self.assertEqual(self.column("CGROUP", "/a/deep"), ["/a/deep"])

    def test_file(self):
        """what a file that may not be read would tell is '-'"""
        self.tree.add_plain("/a", 1, 5)
        self.restrict("/a/rdma.max", 0o200)
        self.assertEqual(self.table()[0][:3], ["-", "1", "-"])
        self.restrict("/a/rdma.current", 0o200)
        row, = self.json()["rows"]
        self.assertEqual((row["usage"], row["limit"], row["peak"]),
                         (None, None, 1))
        self.assertEqual(self.json()["unreadable"], 1)


class Changes(Case):
    def during(self, change):
        """Runs something over and over, until the test has ended."""
        stop = threading.Event()

        def repeat():
            while not stop.is_set():
                # Another one may remove what this one makes.
                with contextlib.suppress(OSError):
                    change()

        thread = threading.Thread(target=repeat)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(stop.set)

    def add_events(self, hits, fails, local_hits=0, local_fails=0):
        self.tree.add("/a", {"mlx4_0": {"hca_object": Pool(
            5, 5, 5, hits, fails, local_hits, local_fails)}})

    def rates(self, change, *args, last="/a", seconds=3):
        """Returns the rows of two samples with this between.

        Of the last cgroup that is read, the last file is a FIFO at first: when
        it is opened, the first sample has all else, and waits for what it says.
        """
        path = self.tree.path(f"{last}/rdma.events.local")
        with open(path, "rb") as file:
            text = file.read()
        os.unlink(path)
        os.mkfifo(path)

        def change_and_say():
            with open(path, "wb") as fifo:
                os.unlink(path)
                change()
                fifo.write(text)

        # Should nobody open it, the test fails, but this waits for ever.
        threading.Thread(target=change_and_say, daemon=True).start()
        data = self.json(f"--delay={seconds}", *args)
        self.assertGreaterEqual(data["interval"], seconds)
        return data["rows"], data["interval"]

    def test_rates(self):
        """rates are what came between two samples, by second"""
        self.add_events(10, 20, 1, 2)
        (row,), interval = self.rates(lambda: self.add_events(70, 50, 31, 8))
        for name, key, events in (("events", "max", 60),
                                  ("events", "alloc_fail", 30),
                                  ("events_local", "max", 30),
                                  ("events_local", "alloc_fail", 6)):
            self.assertAlmostEqual(row[f"{name}_per_second"][key],
                                   events / interval, delta=0.01)

    def test_reset(self):
        """counts that begin anew are counted from 0"""
        self.add_events(1000, 1000)
        (row,), interval = self.rates(lambda: self.add_events(30, 0))
        self.assertAlmostEqual(row["events_per_second"]["max"], 30 / interval,
                               delta=0.01)
        self.assertEqual(row["events_per_second"]["alloc_fail"], 0)

    def test_default_goes(self):
        """a default that is taken back is gone with the next sample"""
        self.add_events(1, 1)
        self.tree.add_default("/a", hca_object=5)
        self.assertEqual(self.json()["rows"][0]["limit_from"], "default")
        (row,), _ = self.rates(lambda: self.add_events(1, 1))
        self.assertEqual((row["limit"], row["limit_from"]), (5, "own"))

    def test_renamed_device(self):
        """a device that is renamed goes, and another comes"""
        self.add_events(1, 1)
        (row,), _ = self.rates(lambda: self.tree.add(
            "/a", {"new0": {"hca_object": Pool(5, 5)}}), "--all")
        self.assertEqual((row["device"], row["events_per_second"]["max"]),
                         ("new0", None))

    def test_removed_cgroup(self):
        """a cgroup that is removed goes with all below it, a new one comes"""
        self.tree.add_plain("/a/b/c")
        self.tree.add_plain("/a/b")
        self.tree.add_plain("/a")

        def change():
            shutil.rmtree(self.tree.path("/a/b"))
            self.tree.add_plain("/a/d")

        rows, _ = self.rates(change, last="/a/b/c")
        self.assertEqual({row["cgroup"] for row in rows}, {"/a", "/a/d"})

    def test_vanishing_cgroups(self):
        """cgroups may come and go while they are read"""
        self.tree.add_plain("/stays", 42)
        number = 0

        def change():
            nonlocal number
            number += 1
            name = f"/x{number % 7}"
            self.tree.add_plain(f"{name}/below/deep")
            self.tree.add_plain(f"{name}/below")
            self.tree.add_plain(name)
            shutil.rmtree(self.tree.path(f"/x{(number + 3) % 7}"),
                          ignore_errors=True)

        self.during(change)
        self.during(change)
        for _ in range(15):
            rows = self.json("--delay=0.05")["rows"]
            self.assertIn(("/stays", 42),
                          [(row["cgroup"], row["usage"]) for row in rows])
            self.prometheus()
            self.output("-1t")
        self.assertGreater(number, 100)

    def test_changing_devices(self):
        """devices may come, go and get new names while they are read"""
        self.tree.add_plain("/stays", 42)
        number = 0

        def change():
            nonlocal number
            number += 1
            self.tree.add("/a", {f"mlx{i}_{number}": {"hca_object": Pool(1)}
                                 for i in range(number % 5)})

        self.during(change)
        for _ in range(15):
            rows = self.json("--delay=0.05")["rows"]
            self.assertIn(("/stays", 42),
                          [(row["cgroup"], row["usage"]) for row in rows])
            self.prometheus()
        self.assertGreater(number, 100)


class Kinds(Case):
    """Who made what, from messages as the kernel sends them."""

    def setUp(self):
        super().setUp()
        self.me = os.getpid()
        self.recorded = self.tree.path("/recorded")

    def record(self, *messages):
        with open(self.recorded, "wb") as file:
            file.write(b"".join(messages))

    def run_top(self, *args, **options):
        return super().run_top(f"--restrack={self.recorded}", *args, **options)

    def add_kinds(self):
        self.tree.add("/a", {"mlx4_0": {"hca_handle": Pool(3),
                                        "hca_object": Pool(11)}})
        self.tree.add("/a/b", {"mlx4_0": {"hca_handle": Pool(1),
                                          "hca_object": Pool(6)}})
        self.tree.add_tasks("/", 1)
        self.tree.add_tasks("/a", NO_TASK)
        self.tree.add_tasks("/a/b", self.me)
        me, entry = self.me, restrack.entry
        self.record(
            restrack.device(3, "mlx4_0"),
            restrack.objects("qp", 3, NO_TASK, NO_TASK, me, 1, "rdma_cm", None),
            restrack.objects("mr", 3, entry(me, 1 << 20), entry(NO_TASK, 4096)),
            restrack.objects("mr", 3, entry("ib_core", 1 << 30)),
            restrack.objects("cq", 3, me), restrack.objects("pd", 3, me, NO_TASK),
            restrack.objects("srq", 3, me),
            restrack.objects("context", 3, me, NO_TASK, 1))

    def kinds(self, *args):
        return {row[-1]: row[:-2] for row in
                self.table("--kinds", *args, headings=KIND_HEADINGS)}

    def test_kinds(self):
        """kinds are summed up over branches, with the rest of rdma.current"""
        self.add_kinds()
        self.assertEqual(self.kinds(), {
            "/a": "3 2 11 3 1 2 2 1 2 1.0M".split(),
            "/a/b": "1 1 6 1 1 1 1 1 1 1.0M".split(),
            "[root]": "- 1 - 1 0 0 0 0 - 0B".split(),
            "[kernel]": "- 0 - 1 0 1 0 0 - 1.0G".split(),
            "[unknown]": "- 0 - 1 0 0 0 0 - 0B".split()})

    def test_processes(self):
        """processes are listed with what they made, and their commands"""
        self.add_kinds()
        with open("/proc/self/comm", encoding="ascii") as file:
            command = file.read().strip()
        with open("/proc/1/comm", encoding="ascii") as file:
            first = file.read().strip()
        rows = self.table("--pids", headings=PID_HEADINGS)
        self.assertEqual(sorted(rows), sorted(text.split() for text in (
            f"{NO_TASK} 1 2 0 1 1 0 4.0K mlx4_0 - /a",
            f"{self.me} 1 1 1 1 1 1 1.0M mlx4_0 {command} /a/b",
            f"1 1 1 0 0 0 0 0B mlx4_0 {first} [root]",
            "- 0 1 0 1 0 0 1.0G mlx4_0 - [kernel]",
            "- 0 1 0 0 0 0 0B mlx4_0 - [unknown]")))
        self.assertEqual(rows[0][0], str(NO_TASK))
        rows = self.table("--pids", "--sort=pid", headings=PID_HEADINGS)
        self.assertEqual([row[0] for row in rows[:3]],
                         [str(NO_TASK), str(self.me), "1"])

    def test_threads(self):
        """what threads made is their process', once all of it is summed up"""
        self.add_kinds()
        started, stop = threading.Event(), threading.Event()
        thread = threading.Thread(target=lambda: (started.set(), stop.wait()))
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(stop.set)
        started.wait()
        self.tree.add_tasks("/a/b", self.me, thread.native_id)
        self.record(restrack.device(3, "mlx4_0"),
                    restrack.objects("qp", 3, self.me, thread.native_id),
                    restrack.objects("cq", 3, thread.native_id))
        row, = self.table("--pids", headings=PID_HEADINGS)
        self.assertEqual(row[:4], [str(self.me), "0", "2", "1"])
        self.assertEqual(self.kinds()["/a/b"][3:5], ["2", "1"])

    def test_json(self):
        """JSON has both, and null for what is not known"""
        self.add_kinds()
        data = self.json("--pids")
        self.assertIsNone(data["restrack_error"])
        found = {row["cgroup"] or row["elsewhere"]: row
                 for row in data["kinds"]}
        self.assertEqual(found["/a"], {
            "cgroup": "/a", "id": os.stat(self.tree.path("/a")).st_ino,
            "elsewhere": None, "device": "mlx4_0", "index": None,
            "hca_handle": 3, "hca_object": 11,
            "rest": {"hca_handle": 1, "hca_object": 2}, "context": 2, "qp": 3,
            "cq": 1, "mr": 2, "pd": 2, "srq": 1, "mr_bytes": 4096 + (1 << 20)})
        self.assertEqual(found["root"]["rest"],
                         {"hca_handle": None, "hca_object": None})
        self.assertEqual(set(found), {"/a", "/a/b", "root", "kernel", "unknown"})
        self.assertEqual({(row["pid"], row["cgroup"], row["elsewhere"], row["qp"])
                          for row in data["processes"]},
                         {(NO_TASK, "/a", None, 2), (self.me, "/a/b", None, 1),
                          (1, None, "root", 1), (None, None, "kernel", 1),
                          (None, None, "unknown", 1)})
        self.assertNotIn("processes", self.json("--kinds"))
        self.assertNotIn("kinds", self.json())
        self.assertEqual(self.json("--kinds")["rows"], self.json()["rows"])

    def test_prometheus(self):
        """Prometheus has kinds of cgroups, apart from those elsewhere"""
        self.add_kinds()
        families = self.prometheus("--pids")

        def samples(name, *keys):
            return {tuple(dict(labels).get(key) for key in keys): value
                    for labels, value in families[name].samples.items()}

        got = samples("rdmacg_objects", "cgroup", "kind")
        self.assertEqual((len(got), got["/a", "qp"], got["/a/b", "context"]),
                         (12, 3, 1))
        self.assertEqual(samples("rdmacg_mr_bytes", "cgroup"), {
            ("/a",): 4096 + (1 << 20), ("/a/b",): 1 << 20})
        got = samples("rdmacg_elsewhere_objects", "elsewhere", "kind")
        self.assertEqual((len(got), got["root", "context"], got["kernel", "mr"]),
                         (18, 1, 1))
        self.assertEqual(samples("rdmacg_elsewhere_mr_bytes", "elsewhere"), {
            ("root",): 0, ("kernel",): 1 << 30, ("unknown",): 0})
        self.assertEqual(samples("rdmacg_unattributed", "cgroup", "resource"), {
            ("/a", "hca_handle"): 1, ("/a", "hca_object"): 2,
            ("/a/b", "hca_handle"): 0, ("/a/b", "hca_object"): 1})
        got = samples("rdmacg_process_objects", "pid", "cgroup", "kind")
        self.assertEqual((len(got), got[str(NO_TASK), "/a", "qp"]), (18, 2))
        self.assertEqual(families["rdmacg_restrack_up"].samples,
                         {frozenset(): 1})
        self.assertNotIn("rdmacg_process_objects", self.prometheus("--kinds"))
        self.assertNotIn("rdmacg_objects", self.prometheus())

    def test_moved(self):
        """what a process brought along leaves less than nothing"""
        self.add_kinds()
        self.tree.add("/c", {"mlx4_0": {"hca_handle": Pool(0),
                                        "hca_object": Pool(0)}})
        self.tree.add_tasks("/c", self.me)
        self.tree.add_tasks("/a/b")
        kinds = self.kinds()
        self.assertEqual(kinds["/c"], "0 1 0 1 1 1 1 1 -5 1.0M".split())
        self.assertEqual(kinds["/a/b"], "1 0 6 0 0 0 0 0 6 0B".split())

    def test_without_controller(self):
        """tasks where the controller is off are of the next cgroup that has it"""
        self.add_kinds()
        self.tree.add_tasks("/a/b")
        self.tree.add_tasks("/a/b/plain/deep", self.me)
        self.assertEqual(self.kinds()["/a/b"][3], "1")
        self.tree.add_tasks("/a/b/plain/deep")
        self.tree.add_tasks("/plain.slice/deep", self.me)
        kinds = self.kinds()
        self.assertEqual((kinds["/a/b"][3], kinds["[root]"][3]), ("0", "2"))

    def test_below(self):
        """of one branch, what is elsewhere is no part"""
        self.add_kinds()
        self.assertEqual(set(self.kinds("/a/b")), {"/a/b"})
        text = self.output("-1kt").decode()
        start = text.index("CGROUP")
        self.assertEqual([row[start:] for row in text.splitlines()[1:]],
                         ["└─▾ a", "  └─b", "[root]", "[kernel]", "[unknown]"])

    def test_devices(self):
        """devices of one name are told apart, and one may be unknown"""
        self.tree.add("/a", {
            "mlx4_0 index=3": {"hca_object": Pool(2)},
            "mlx4_0 index=5": {"hca_object": Pool(4)},
            "other": {"hca_object": Pool(7)}})
        self.tree.add_tasks("/a", self.me)
        self.record(restrack.device(3, "mlx4_0"), restrack.device(5, "mlx4_0"),
                    restrack.objects("qp", 3, self.me, self.me),
                    restrack.objects("qp", 5, self.me),
                    restrack.objects("qp", 9, self.me))
        rows = {row[-2]: row[:-2] for row in
                self.table("--kinds", headings=KIND_HEADINGS)}
        self.assertEqual(rows, {
            "mlx4_0#3": "- 0 2 2 0 0 0 0 0 0B".split(),
            "mlx4_0#5": "- 0 4 1 0 0 0 0 3 0B".split(),
            "other": "- - 7 - - - - - - -".split()})

    def test_elsewhere_only(self):
        """without any cgroup that counts, what nobody counts is shown"""
        self.tree.add_tasks("/", 1)
        self.record(restrack.device(3, "mlx4_0"), restrack.device(5, "mlx4_0"),
                    restrack.objects("qp", 5, 1))
        row, = self.table("--kinds", headings=KIND_HEADINGS)
        self.assertEqual((row[3], row[-2:]), ("1", ["mlx4_0#5", "[root]"]))

    def test_large(self):
        """regions as long as can be do not wrap when summed up"""
        self.add_kinds()
        self.record(restrack.device(3, "mlx4_0"), restrack.objects(
            "mr", 3, *[restrack.entry(self.me, 2 ** 64 - 1)] * 3))
        self.assertEqual(self.json("--kinds", "/a/b")["kinds"][0]["mr_bytes"],
                         2 ** 63 - 1)

    def test_recorded(self):
        """messages of a real kernel are understood"""
        shutil.copy(HERE / "corpus/restrack", self.recorded)
        self.tree.add_tasks("/")
        rows = self.json("--kinds")["kinds"]
        self.assertEqual(
            {(row["device"], row["elsewhere"]): tuple(
                row[kind] for kind in ("context", "pd", "cq", "mr", "qp", "srq",
                                       "mr_bytes")) for row in rows}, RECORDED)

    def test_none(self):
        """if nobody tells who made what, it says so, and shows what is known"""
        self.add_kinds()
        os.unlink(self.recorded)
        done = self.run_top("-1k")
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"--restrack cannot be read", done.stderr)
        self.assertRegex(done.stdout, rb" 3 +- +11( +-){7} mlx4_0 /a\n")
        data = self.json("--kinds")
        self.assertEqual(data["restrack_error"], "No such file or directory")
        self.assertIsNone(data["kinds"][0]["qp"])
        families = self.prometheus("--kinds")
        self.assertNotIn("rdmacg_objects", families)
        self.assertEqual(families["rdmacg_restrack_up"].samples,
                         {frozenset(): 0})

    def test_garbage(self):
        """what is no message, or is cut, does no harm"""
        self.add_kinds()
        with open(self.recorded, "rb") as file:
            data = file.read()
        for text in (b"", b"x" * 999, b"\0" * 99, data[:-3], data[:40],
                     bytes(byte ^ 0x55 for byte in data)):
            self.record(text)
            self.json("--pids")
        self.record(data, b"rubbish")
        self.assertEqual(self.kinds()["/a"][3], "3")


class KindsOne(Kinds):
    version = 1

    def test_without_controller(self):
        """in v1, tasks are in the file tasks"""
        self.add_kinds()
        self.assertFalse(os.path.exists(self.tree.path("/a/cgroup.threads")))
        self.assertEqual(self.kinds()["/a/b"][3], "1")


class Garbage(Case):
    def test_files(self):
        """what is no line of the controller does no harm"""
        self.tree.add_plain("/good", 42)
        for number, data in enumerate((b"", b"\n" * 100000, b" " * 100000,
                                       b"\0" * 5000, b"x" * 200000,
                                       b"=\n= =\n", b"a b=c\n", b"\xff" * 999,
                                       b"mlx4_0 hca_object=\n",
                                       b"a x=1 " * 20000)):
            self.tree.add_plain(f"/{number}")
            for name in ("current", "max", "peak", "events", "events.local"):
                self.tree.write(f"/{number}/rdma.{name}", data)
        for args in (["--once", "--all"], ["--json"], ["--prometheus"]):
            self.assertIn(b"42", self.output(*args))

    def test_other_files(self):
        """what is no cgroup, or a link to one, is not walked"""
        self.tree.add_plain("/a")
        os.symlink(self.tree.path("/a"), self.tree.path("/link"))
        os.symlink("..", self.tree.path("/a/loop"))
        self.tree.write("/file", b"")
        os.mkfifo(self.tree.path("/fifo"))
        self.assertEqual(self.column("CGROUP"), ["/a"])


class Hierarchy(unittest.TestCase):
    def test_absent(self):
        """without the controller, the error says what to do"""
        with open("/proc/cgroups", encoding="ascii") as file:
            if re.search("^rdma\t", file.read(), re.MULTILINE):
                self.skipTest("this kernel has it; the tests in the guest try")
        for args in ([], ["--once"], ["--json"], ["--prometheus"]):
            done = subprocess.run([PROGRAM, *args], check=False,
                                  stdin=subprocess.DEVNULL,
                                  capture_output=True)
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertIn(b"CONFIG_CGROUP_RDMA=y", done.stderr)


if __name__ == "__main__":
    tap.main(__name__)
