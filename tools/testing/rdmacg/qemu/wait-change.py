#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Sleeps until the file of a cgroup that is standard input, read to its end, changes."""

import select
import sys

SECONDS = 60

changes = select.poll()
changes.register(sys.stdin, select.POLLPRI)
print("woken" if changes.poll(1000 * SECONDS) else f"not woken in {SECONDS} s")
