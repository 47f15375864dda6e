#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The live view of rdmacg-top, of hierarchies that are made up. Prints TAP."""

import os
import pathlib
import re
import shutil
import signal
import time
import unittest

import restrack
import tap
from fake import Pool, Tree
from terminal import Terminal

PROGRAM = None
MANUAL = (pathlib.Path(__file__).resolve().parents[4] /
          "tools/cgroup/rdmacg-top/rdmacg-top.1")


def cgroups(text):
    """The last words of the rows that have numbers."""
    return [line.split()[-1] for line in text.splitlines()
            if re.search(" hca_(handle|object) +[^ ]*/", line)]


class Screen(unittest.TestCase):
    def setUp(self):
        self.tree = Tree()
        self.addCleanup(self.tree.remove)
        self.tree.add("/tenant", {
            "mlx4_0": {"hca_handle": Pool(3, 10), "hca_object": Pool(85, 100)},
            "ocrdma1": {"hca_object": Pool(12)}})
        self.tree.add("/tenant/a", {
            "mlx4_0": {"hca_handle": Pool(2, 2, 2, 5, 6, 7, 8),
                       "hca_object": Pool(80, 1000, 90)},
            "ocrdma1": {"hca_object": Pool(12)}})
        self.tree.add("/tenant/a/deep", {
            "mlx4_0": {"hca_object": Pool(70)}})
        self.tree.add("/other", {
            "mlx4_0": {"hca_handle": Pool(4), "hca_object": Pool(0)}})

    def start(self, *args, **options):
        terminal = Terminal(
            [PROGRAM, f"--root={self.tree.root}", "--delay=0.2", *args],
            **options)
        self.enterContext(terminal)
        return terminal

    def enterContext(self, manager):
        result = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return result

    def test_list(self):
        """the fullest come first, below headings and sums"""
        screen = self.start()
        text = screen.wait("^q|hHelp")
        self.assertRegex(text, r"cgroup v2  4 cgroups  8 rows")
        self.assertRegex(text, r"(?m)^ mlx4_0  hca_handle 7  hca_object 85")
        self.assertRegex(text, r"(?m)^ ocrdma1  hca_handle 0  hca_object 12")
        self.assertRegex(text, r"(?m)^USE% +USAGE LIMIT FROM PEAK HIT/s FAIL/s "
                               r"HITS FAILS DEVICE +RESOURCE +CGROUP$")
        self.assertRegex(text, r"(?m)^ 100 \[\|{10}\] +2 +2 own +2 .* mlx4_0 +"
                               r"hca_handle /tenant/a$")
        self.assertRegex(text, r"(?m)^  85 \[\|{8}  \] +85 +100 own +85 .* mlx4_0 +"
                               r"hca_object /tenant$")
        self.assertEqual(cgroups(text)[:4],
                         ["/tenant/a", "/tenant", "/tenant", "/tenant/a"])

    def test_quit(self):
        """q ends it, and leaves the terminal as it was"""
        screen = self.start()
        screen.wait("CGROUP")
        screen.type("q")
        screen.wait("^0$", "status")
        self.assertNotIn("CGROUP", screen.text())

    def test_signals(self):
        """signals end it, and leave the terminal as it was"""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number), Terminal(
                    [PROGRAM, f"--root={self.tree.root}"]) as screen:
                screen.wait("CGROUP")
                os.kill(screen.process(), number)
                screen.wait(f"^signal {number:d}$", "status")
                self.assertNotIn("CGROUP", screen.text())

    def test_unknown_terminal(self):
        """an unknown type of terminal is an error that says what to do"""
        # tmux may lose what a program says that ends at once.
        screen = self.enterContext(Terminal([
            "sh", "-c", f"{PROGRAM} --root={self.tree.root}; echo ends $?; "
            "sleep 1000"], TERM="nosuch"))
        screen.wait("rdmacg-top: .*'nosuch'.* --once\n*^ends 1$")

    def test_sort(self):
        """keys choose what is sorted by, and the direction"""
        screen = self.start()
        screen.wait("CGROUP")
        screen.type("N")
        screen.wait(lambda text: cgroups(text)[0] == "/other")
        screen.type("r")
        screen.wait(lambda text: cgroups(text)[-1] == "/other")
        screen.type("r", "U")
        screen.wait(lambda text: cgroups(text)[2] == "/tenant/a/deep")
        screen.type("P", ">")
        screen.wait(lambda text: cgroups(text)[2] == "/tenant/a/deep")
        screen.type("<")
        screen.wait(lambda text: cgroups(text)[0] == "/tenant/a")
        for key in "MKHF":
            screen.type(key)
        screen.wait("CGROUP")

    def test_tree(self):
        """branches are folded and unfolded"""
        screen = self.start("--tree")
        text = screen.wait("├─▾ tenant")
        self.assertRegex(text, "│ └─▾ a\n(.*\n)*.*│   └─deep\n")
        self.assertRegex(text, "└─other")
        screen.type("Space")
        text = screen.wait("├─▸ tenant")
        self.assertNotIn("deep", text)
        self.assertRegex(text, "└─other")
        screen.type("Space")
        screen.wait("├─▾ tenant")
        screen.type("Down", "Down", "Down", "-")
        text = screen.wait("│ └─▸ a")
        self.assertNotIn("deep", text)
        screen.type("-")
        screen.wait("├─▸ tenant")
        screen.type("Right")
        screen.wait("│ └─▸ a")
        screen.type("e")
        screen.wait("└─deep")
        screen.type("c")
        screen.wait(lambda text: "▸ tenant" in text and "─a" not in text)
        screen.type("t")
        screen.wait(lambda text: "/tenant/a/deep" in text and "▸" not in text)

    def test_filters(self):
        """a device, a text and a branch may be asked for, Esc goes back"""
        screen = self.start()
        screen.wait("CGROUP")
        for key, want in (("d", "mlx4_0"), ("d", "ocrdma1"), ("d", None),
                          ("D", "ocrdma1"), ("D", "mlx4_0"), ("D", None),
                          ("d", "mlx4_0")):
            screen.type(key)
            screen.wait(lambda text, want=want: want is None and
                        "device " not in text or f" device {want}\n" in text)
        self.assertNotRegex(screen.text(), "ocrdma1 hca_object")
        screen.type("/", "e", "x", "BSpace", "e", "p")
        screen.wait("Only paths with: eep\n")
        screen.wait(lambda text: set(cgroups(text)) == {"/tenant/a/deep"})
        screen.type("Enter")
        screen.wait("^ device mlx4_0  with eep")
        screen.type("Escape")
        screen.wait(lambda text: " with " not in text and len(cgroups(text)) == 8)
        screen.type("N", "Down", "Down", "Down", "Enter")
        screen.wait("^ below /tenant$")
        screen.type("End", "Enter")
        screen.wait("^ below /tenant/a/deep$")
        screen.type("BSpace")
        screen.wait("^ below /tenant/a$")
        screen.type("BSpace", "BSpace", "BSpace")
        screen.wait(lambda text: " below " not in text)

    def test_all_and_local(self):
        """idle rows and local events are shown on request"""
        self.tree.add("/idle", {"mlx4_0": {"hca_object": Pool()}})
        screen = self.start(columns=140)
        text = screen.wait("hca_handle /tenant/a")
        self.assertRegex(text, r" 5 +6 mlx4_0 +hca_handle /tenant/a")
        self.assertNotIn("/idle", text)
        screen.type("a")
        screen.wait("/idle")
        screen.type("a", "l")
        text = screen.wait(r" 7 +8 mlx4_0 +hca_handle /tenant/a")
        self.assertIn("events of each cgroup alone", text)
        self.assertNotIn("/idle", text)

    def test_help(self):
        """h shows all keys, and any key goes back"""
        screen = self.start()
        screen.wait("CGROUP")
        screen.type("h")
        text = screen.wait("Any key goes back")
        manual = MANUAL.read_text(encoding="utf-8").replace("\\-", "-")
        table = manual.split("\nl l.\n")[1].split("\n.")[0]
        for entry in table.splitlines():
            for key in entry.split("\t")[0].split():
                if key not in ("F1", "Ctrl-L"):
                    self.assertRegex(text, rf" {re.escape(key)}[ ,\n]")
        screen.type("q")
        screen.wait("USE%")

    def test_views(self):
        """v leads to kinds, to processes, and back to limits"""
        me = os.getpid()
        recorded = self.tree.path("/recorded")
        self.tree.add_tasks("/tenant/a", me)
        self.tree.write("/recorded", restrack.device(0, "mlx4_0") +
                        restrack.objects("qp", 0, me, me, "rdma_cm"))
        screen = self.start(f"--restrack={recorded}")
        screen.wait("mlx4_0 +hca_object /tenant/a$")
        screen.type("v")
        text = screen.wait("^HANDLES CTX OBJECTS QP CQ MR PD SRQ REST MR-BYTES "
                           "DEVICE +CGROUP$")
        self.assertRegex(text, r"(?m)^ +3 +0 +85 +2( +0){4} +83 +0B mlx4_0 +"
                               r"/tenant$")
        self.assertRegex(text, r"(?m)^ +- +0 +- +1 .* mlx4_0 +\[kernel\]$")
        # What is not of a cgroup is neither folded nor gone into.
        screen.type("G", "Enter", "t", "G")
        text = screen.wait(r"^ \[kernel\]  mlx4_0  made by the kernel: not counted")
        screen.type("Space", "-", "+", "c", "e", "Enter", "BSpace")
        self.assertNotIn("below", text)
        # Sums are right on the way, though paused.
        screen.type("t", "p")
        screen.wait("PAUSED")
        screen.type("v")
        screen.wait(rf"^ *{me} +0 +2 .* /tenant/a$")
        screen.type(">", "v", "p")
        screen.wait("mlx4_0 +hca_object /tenant/a$")

    def test_pause(self):
        """while it is paused nothing changes"""
        screen = self.start()
        screen.wait("85 +100 own +85")
        screen.type("p")
        screen.wait("PAUSED")
        self.tree.add_plain("/new", 1)
        screen.type("Down")
        # It would refresh five times.
        time.sleep(1)
        self.assertNotIn("/new", screen.text())
        screen.type("p")
        screen.wait("/new")

    def test_size(self):
        """any size of the terminal will do, and the least important goes first"""
        screen = self.start()
        screen.wait("CGROUP")
        for columns, lines in ((1, 1), (2, 2), (5, 3), (20, 4), (1, 50),
                               (300, 1)):
            screen.resize(columns, lines)
            screen.type("t", "Down", "h", "h", "/", "x", "Escape")
        screen.resize(200, 40)
        screen.wait("HIT/s FAIL/s +HITS +FAILS")
        screen.resize(80, 24)
        screen.wait("USE% +USAGE LIMIT FROM PEAK HIT/s FAIL/s DEVICE")
        screen.resize(70, 24)
        screen.wait("USE% +USAGE LIMIT PEAK HIT/s FAIL/s DEVICE")
        screen.resize(40, 12)
        screen.wait("^USE% +USAGE ((?!PEAK).)*CGROUP$")
        self.assertEqual(screen.status(), "")

    def test_scrolling(self):
        """of a long list, what is selected is always seen"""
        for number in range(100):
            self.tree.add_plain(f"/many/{number:03}", 1000 - number)
        self.tree.add_plain("/many", 100000)
        screen = self.start("--sort=usage", lines=20)
        screen.wait("/many/002")
        screen.type("End")
        screen.wait("hca_handle /tenant/a\n+ /tenant/a  mlx4_0 hca_handle")
        screen.type("Home", "NPage")
        screen.wait(r" (/many/\d+)\n(.*\n)* \1  mlx4_0 hca_object")
        screen.type("PPage", "g")
        screen.wait("^ /many  ")

    def test_changes(self):
        """cgroups and devices may go, even what is selected or asked for"""
        screen = self.start("--tree")
        screen.wait("deep")
        screen.type("End", "Up", "Up")
        screen.type("d", "d")
        screen.wait("device ocrdma1")
        shutil.rmtree(self.tree.path("/tenant/a"))
        self.tree.add("/tenant", {"mlx9_9": {"hca_object": Pool(7)}})
        screen.wait("Nothing is in use or limited that is looked for")
        screen.type("Escape")
        text = screen.wait("mlx9_9 hca_object")
        self.assertNotIn("deep", text)
        screen.type("End", "Enter")
        screen.wait("^ below /tenant")
        shutil.rmtree(self.tree.path("/tenant"))
        screen.wait("There is no such cgroup any more")
        shutil.rmtree(self.tree.path("/other"))
        screen.type("Escape")
        screen.wait("The controller is off")
        self.tree.add_plain("/again", 5)
        screen.wait("─again")

    def test_follow(self):
        """what is selected stays so when its place in the list changes"""
        screen = self.start("--sort=usage")
        screen.wait("CGROUP")
        screen.type("Down")
        screen.wait("^ /tenant/a  mlx4_0 hca_object")
        self.tree.add_plain("/new1", 500)
        self.tree.add_plain("/new2", 600)
        text = screen.wait("/new2")
        self.assertRegex(text, r"(?m)^ /tenant/a  mlx4_0 hca_object")

    def test_rates(self):
        """refusals of the last moment are seen as such"""
        screen = self.start()
        screen.wait(" 0 +0 .*mlx4_0 +hca_handle /tenant$")
        number = 0

        def refused(text):
            nonlocal number
            number += 1
            self.tree.add("/other", {
                "mlx4_0": {"hca_object": Pool(1, 1, 1, number, 2 * number)}})
            row = re.search(r" 1 +1 +own +1 +([\d.]+) +([\d.]+) .*/other$", text,
                            re.MULTILINE)
            return row and float(row[1]) > 0 and \
                float(row[2]) > float(row[1]) and \
                re.search("mlx4_0 .* refused [1-9.]", text)

        screen.wait(refused)

    def test_colours(self):
        """80 % is yellow, 100 % is red, and so are refusals"""
        screen = self.start()
        text = screen.wait(r"\x1b\[[\d;]*m *85", "styled")
        self.assertRegex(text, r"\x1b\[33m *85")
        self.assertRegex(text, r"\x1b\[33m\[\|{8}")
        self.assertRegex(text, r"\x1b\[32m *30")
        screen.type("Down")
        screen.wait(r"\x1b\[1m\x1b\[31m *100|\x1b\[1;31m *100|\x1b\[31m *100",
                    "styled")

    def test_no_colours(self):
        """with NO_COLOR, or on a terminal without them, there are none"""
        for options in ({"NO_COLOR": "1"}, {"TERM": "vt100"}):
            with self.subTest(options):
                screen = self.start(**options)
                text = screen.wait("85", "styled")
                self.assertNotRegex(text, r"\x1b\[([\d;]*;)?[34][0-7]m")

    def test_ascii(self):
        """in the locale C there is nothing but ASCII"""
        self.tree.add_plain("/é\x1b[2J")
        screen = self.start("--tree", LC_ALL="C")
        text = screen.wait("`-")
        self.assertIn(r"\xc3\xa9\x1b[2J", text)
        self.assertTrue(text.isascii())

    def test_wide_names(self):
        """wide letters keep the columns where they are"""
        self.tree.add("/" + "日本" * 40, {"日本": {"hca_object": Pool(99, 100)}})
        screen = self.start()
        text = screen.wait("日本 +hca_object")
        row = next(line for line in text.splitlines() if "hca_object …" in line)
        self.assertRegex(row, "hca_object …日?(本日)*本日本$|…本(日本)*$")


if __name__ == "__main__":
    tap.main(__name__)
