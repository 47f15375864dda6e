#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of how vm.py boots a guest, and finds reports of faults in its log."""

import argparse
import contextlib
import dataclasses
import io
import pathlib
import tempfile
import unittest
from unittest import mock

import vm

REPORTS = (
    "[   12.345678] ------------[ cut here ]------------",
    "[   12.345678] WARNING: CPU: 1 PID: 77 at kernel/cgroup/rdma.c:200 "
    "rdmacg_uncharge+0x8c/0xa0",
    "[   12.345678][   T77] WARNING: CPU: 1 PID: 77 at mm/slub.c:1 f+0x1/0x2",
    "half a line of a program[   12.345678] WARNING: held lock freed!",
    "[    1.000000] WARNING: possible circular locking dependency detected",
    "[    1.000000] WARNING: possible recursive locking detected",
    "[    1.000000] WARNING: suspicious RCU usage",
    "[    1.000000] WARNING: inconsistent lock state",
    "[    1.000000] WARNING: bad unlock balance detected!",
    "[    1.000000] BUG: kernel NULL pointer dereference, address: 0000000008",
    "[    1.000000] BUG: unable to handle page fault for address: ffffc900",
    "[    1.000000] BUG: scheduling while atomic: sh/77/0x00000002",
    "[    1.000000] BUG: sleeping function called from invalid context at x.c:1",
    "[    1.000000] BUG: KASAN: slab-use-after-free in rdmacg_try_charge+0x1/2",
    "[    1.000000] BUG: KCSAN: data-race in rdmacg_try_charge / rdmacg_show",
    "[    1.000000] BUG: KFENCE: use-after-free read in f+0x1/0x2",
    "[    1.000000] BUG kmalloc-64 (Not tainted): Redzone overwritten",
    "[    1.000000] kernel BUG at mm/slub.c:448!",
    "[    1.000000] watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [sh:77]",
    "[    1.000000] watchdog: CPU1: Watchdog detected hard LOCKUP on cpu 1",
    "[    1.000000] infiniband mlx4_0: BUG: RESTRACK detected leak of resources",
    "[    1.000000] Oops: general protection fault, probably for address 0x1",
    "[    1.000000] invalid opcode: 0000 [#1] PREEMPT SMP NOPTI",
    "[    1.000000] Kernel panic - not syncing: Fatal exception",
    "[    1.000000] rcu: INFO: rcu_sched self-detected stall on CPU",
    "[    1.000000] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
    "[    1.000000] rcu: rcu_sched kthread starved for 5250 jiffies!",
    "[    1.000000] INFO: task kworker/u8:1:42 blocked for more than 120 s.",
    "[    1.000000] INFO: trying to register non-static key.",
    "[    1.000000] UBSAN: shift-out-of-bounds in kernel/cgroup/rdma.c:9:3",
    "[    1.000000] kmemleak: 3 new suspected memory leaks (see debugfs)",
    "[    1.000000] sysfs: cannot create duplicate filename '/class/x/mlx4_0'",
    "[    1.000000] unregister_netdevice: waiting for rdma0 to become free.",
    "[    1.000000] irq 11: nobody cared (try booting with \"irqpoll\")",
)

ORDINARY = (
    "",
    "[    0.000000] Linux version 6.12.117 (gcc 12.2.0) #1 SMP",
    "[    0.000000] Warning: unable to open an initial console.",
    "[    0.000000] debug: ignoring loglevel setting.",
    "[    0.100000] Spectre V2 : WARNING: Unprivileged eBPF is enabled",
    "[    0.100000] tsc: Marking TSC unstable due to clocksource watchdog",
    "[    0.100000] APIC timer disabled due to verification failure",
    "[    0.200000] rcu: Hierarchical RCU implementation.",
    "[    0.500000] TAP version 14",
    "[    0.500000]     KTAP version 1",
    "[    0.500000]     # Subtest: rdmacg",
    "[    0.500000]     # rdmacg_limit: EXPECTATION FAILED at rdma_test.c:40",
    "[    0.500000]     Expected usage == 1, but usage == 2",
    "[    0.500000]     not ok 3 rdmacg_warning_and_bug",
    "[    0.500000]     ok 4 rdmacg_kernel_panic",
    "[    0.500000] # rdmacg: pass:12 fail:0 skip:0 total:12",
    "[    0.500000] kunit: disabled",
    "[    1.000000] traps: prog[77] general protection fault ip:1 sp:2 error:0",
    "[    1.000000] prog[77]: segfault at 0 ip 0000000000401136 error 4",
    "[    1.000000] Out of memory: Killed process 77 (tail) total-vm:1kB",
    "[    1.000000] INFO: NMI handler took too long to run: 1.2 msecs",
    "[    1.000000] workqueue: gid_work hogged CPU for >10000us 4 times",
    "[    1.000000] rdma0 speed is unknown, defaulting to 1000",
    "[    1.000000] reboot: Power down",
)


class FindReports(unittest.TestCase):
    def test_reports_are_found(self):
        for line in REPORTS:
            with self.subTest(line=line):
                self.assertEqual(vm.find_reports(["", line, ""]), [1])

    def test_ordinary_lines_are_not(self):
        for line in ORDINARY:
            with self.subTest(line=line):
                self.assertEqual(vm.find_reports([line]), [])

    def test_expected_reports_are_left_out(self):
        lines = ["[    1.000000] ------------[ cut here ]------------",
                 "[    1.000000] WARNING: CPU: 0 PID: 7 at a.c:9 f+0x1/0x2",
                 "[    1.000000] Modules linked in:",
                 "[    1.000000] WARNING: CPU: 0 PID: 7 at b.c:9 g+0x1/0x2"]
        self.assertEqual(vm.find_reports(lines, r"at \S+ f\+"), [3])
        self.assertEqual(vm.find_reports(lines, r"at \S+ h\+"), [0, 1, 3])


class ShowLog(unittest.TestCase):
    def show(self, text, failed):
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder, "log")
            log.write_bytes(text)
            shown = io.StringIO()
            with contextlib.redirect_stderr(shown):
                found = vm.show_log(log, failed, None)
            return found, shown.getvalue()

    def test_a_report_in_a_log_that_is_no_utf8(self):
        found, shown = self.show(b"\xff\xfe\r\n[    1.000000] BUG: x\r\n", False)
        self.assertTrue(found)
        self.assertIn("line 2 of", shown)
        self.assertIn("  [    1.000000] BUG: x\n", shown)

    def test_a_clean_log(self):
        self.assertEqual(self.show(b"[    1.000000] all is well\r\n", False),
                         (False, ""))

    def test_the_log_of_a_failed_run(self):
        found, shown = self.show(b"[    1.000000] last words\r\n", True)
        self.assertFalse(found)
        self.assertIn("last words\n", shown)


class ShowKunit(unittest.TestCase):
    STAMPED = "[    0.500000] {}\r\n"

    def show(self, *lines):
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder, "log")
            log.write_bytes("".join(map(self.STAMPED.format, (
                "workingset: timestamp_bits=62", *lines,
                "Run /init as init process"))).encode())
            shown = io.StringIO()
            with contextlib.redirect_stdout(shown), \
                    contextlib.redirect_stderr(io.StringIO()):
                good = vm.show_kunit(log)
            return good, shown.getvalue().splitlines()

    def test_results_are_shown(self):
        for head, dash in (("KTAP version 1", ""), ("TAP version 14", "- ")):
            lines = [head, "1..1", "    # Subtest: rdmacg", "    1..1",
                     f"    ok 1 {dash}rdmacg_limit", f"ok 1 {dash}rdmacg"]
            with self.subTest(head=head):
                self.assertEqual(self.show(*lines), (True, lines))

    def test_a_second_suite_is_shown(self):
        lines = ["KTAP version 1", "1..2", "    ok 1 a", "ok 1 rdmacg",
                 "    not ok 1 b", "not ok 2 rdmacg_more"]
        self.assertEqual(self.show(*lines), (False, lines))

    def test_failed_cases(self):
        self.assertFalse(self.show("KTAP version 1", "1..1", "    ok 1 a",
                                   "    not ok 2 b", "not ok 1 rdmacg")[0])

    def test_no_case(self):
        for lines in ((), ("KTAP version 1", "1..0"),
                      ("KTAP version 1", "1..1", "    1..0", "ok 1 rdmacg # SKIP")):
            with self.subTest(lines=lines):
                self.assertFalse(self.show(*lines)[0])


class Boot(unittest.TestCase):
    """With a script for QEMU, which counts its starts and aborts at some."""

    def boot(self, aborts):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            script = folder / "qemu"
            script.write_text(f"#!/bin/sh\necho >> {folder}/starts\n"
                              f"[ $(wc -l < {folder}/starts) -gt {aborts} ] ||"
                              " kill -ABRT $$\n")
            script.chmod(0o755)
            args = argparse.Namespace(
                kernel="k", init="i", smp=1, memory=64, timeout=20, log=folder / "log",
                out=folder, append="", kunit=None, shell=False, cmd="true", devices=False,
                machine=dataclasses.replace(vm.MACHINES["x86"], qemu=str(script)))
            with mock.patch.dict("os.environ", ACCEL="tcg"), \
                    contextlib.redirect_stderr(io.StringIO()), \
                    self.assertRaises(vm.RunError) as raised:
                vm.run(args)
            starts = (folder / "starts").read_text().count("\n")
            return starts, str(raised.exception)

    def test_another_try_when_qemu_aborts(self):
        starts, why = self.boot(1)
        self.assertEqual(starts, 2)
        self.assertIn("the guest died", why)

    def test_the_tries_have_an_end(self):
        starts, why = self.boot(99)
        self.assertEqual(starts, vm.BOOT_TRIES)
        self.assertIn("QEMU aborted", why)

    def test_no_other_try_for_a_guest_that_dies(self):
        self.assertEqual(self.boot(0)[0], 1)


if __name__ == "__main__":
    unittest.main()
