#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Search lifetime.pml with Spin: as it is, and with the protocol broken.

Each run is the model with some switches. One that leaves the protocol as it is
must pass with every state searched; one that breaks it must fail, and in the
way that is expected of it. The output folder gets a folder for each run, with
what Spin said ("search") and, if it failed, how ("counterexample").

Standard output is TAP; progress goes to standard error.
"""

import argparse
import collections
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

MODEL = Path(__file__).resolve().parent / "lifetime.pml"
DEPTH = 5000
MEMORY_MIB = 5600
PROGRESS_SECONDS = 15

# never: what the counterexample may violate; without, there must be none.
Run = collections.namedtuple("Run", "name switches never", defaults=("",))
Result = collections.namedtuple("Result", "run states complaint seconds")

# A reader may hold up three generations of a path.
ROOMY = "ADMIN_OPS=2 NR_POOLS=10"
SMALL = "CYCLES=1 ADMIN_OPS=1"
SMALL_ROOMY = f"CYCLES=1 {ROOMY}"
SMALL_DEVICE = f"DEVICE {SMALL_ROOMY}"
SMALL_EVENTS = "EVENTS LIMITED=0 ADMIN_OPS=0"
SMALL_TABLES = f"TABLES {SMALL}"

INTACT = (
    Run("lifetime", f"{ROOMY} HOMES"),
    Run("device", f"{ROOMY} DEVICE HOMES"),
    Run("refusals", f"{ROOMY} VAIN LIMITED"),
    Run("events", "EVENTS LIMITED=0 ADMIN_OPS=0"),
    Run("events-end", "EVENTS LIMITED=0 ADMIN_OPS=1 CYCLES=1 HOMES"),
    Run("tables", f"TABLES QUERY CHARGERS=1 {ROOMY}"),
    Run("no-memory", "ADMIN_OPS=1 NR_POOLS=10 ENOMEM HOMES"),
)

BROKEN = (
    Run("no-grace-period", f"{SMALL} LIMITED HOMES NO_GRACE_PERIOD", "freed_pool_accessed"),
    Run("no-second-look", f"{SMALL_ROOMY} NO_SECOND_LOOK",
        "pool_left_over"),
    Run("ignore-closed", f"{SMALL} IGNORE_CLOSED", "counted_in_closed_pool"),
    Run("leaf-first", f"{SMALL} LEAF_FIRST", "counted_in_closed_pool"),
    Run("open-overtakes-link", f"{SMALL} OPEN_OVERTAKES_LINK", "count_lost"),
    Run("link-read-early", f"{SMALL} LINK_READ_EARLY", "count_lost"),
    Run("stop-at-closed", f"{SMALL} LIMITED HOMES STOP_AT_CLOSED",
        "counted_in_closed_pool"),
    Run("free-open", f"{SMALL} FREE_OPEN", "history_lost"),
    Run("free-limited", f"{SMALL} LIMITED ENOMEM FREE_LIMITED", "limit_lost"),
    Run("keep-unused", f"{SMALL} LIMITED KEEP_UNUSED", "idle_pool_kept"),
    Run("keep-unused-in-error", "CYCLES=1 ADMIN_OPS=0 ENOMEM KEEP_UNUSED",
        "idle_pool_kept"),
    Run("error-keeps-mutex", f"{SMALL} ENOMEM ERROR_KEEPS_MUTEX", "deadlock"),
    Run("put-before-uncharge", f"{SMALL} PUT_BEFORE_UNCHARGE", "count_lost"),
    Run("refusal-keeps-css", f"{SMALL} REFUSAL_KEEPS_CSS", "deadlock"),
    Run("css-free-locks-late", f"{SMALL_DEVICE} CSS_FREE_LOCKS_LATE",
        "freed_pool_accessed"),
    Run("parents-may-go-first", f"{SMALL} PARENTS_MAY_GO_FIRST",
        "freed_cgroup_accessed"),
    Run("no-css-grace-period", f"QUERY {SMALL} NO_CSS_GRACE_PERIOD",
        "freed_cgroup_accessed"),
    Run("no-registered-check", f"{SMALL_DEVICE} NO_REGISTERED_CHECK",
        "pool_without_device"),
    Run("charged-in-removal", f"{SMALL_DEVICE} CHARGED_IN_REMOVAL", "count_lost"),
    Run("no-table-grace-period", f"{SMALL_TABLES} NO_TABLE_GRACE_PERIOD",
        "freed_table_accessed"),
    Run("copy-after-publishing", f"{SMALL_TABLES} COPY_AFTER_PUBLISHING",
        "count_lost"),
    Run("no-look-under-lock", f"{SMALL} LIMITED NO_LOOK_UNDER_LOCK", "limit_passed"),
    Run("own-lock", f"{SMALL} OWN_LOCK", "limit_passed count_lost"),
    Run("uncharge-without-lock", f"{SMALL} UNCHARGE_WITHOUT_LOCK", "count_lost"),
    Run("limit-without-lock", f"{SMALL} LIMIT_WITHOUT_LOCK", "limit_passed"),
    Run("add-on-the-way", f"{SMALL} LIMITED ADD_ON_THE_WAY", "refused_but_counted"),
    Run("full-after-uncharge", f"VAIN {SMALL} LIMITED FULL_AFTER_UNCHARGE",
        "refused_in_vain"),
    Run("not-full-after-write", f"{SMALL} NOT_FULL_AFTER_WRITE", "limit_passed"),
    Run("mark-after-counts", f"{SMALL_EVENTS} MARK_AFTER_COUNTS", "refusal_unread"),
    Run("next-after-mark", f"{SMALL_EVENTS} NEXT_AFTER_MARK",
        "refusal_unread queued_twice"),
    Run("look-before-count", f"{SMALL_EVENTS} LOOK_BEFORE_COUNT", "refusal_unread"),
    Run("mark-then-queue", f"{SMALL_EVENTS} MARK_THEN_QUEUE", "refusal_unread"),
    Run("no-look-under-events-lock", f"{SMALL_EVENTS} NO_LOOK_UNDER_EVENTS_LOCK",
        "queued_twice"),
    Run("schedule-if-empty", f"{SMALL_EVENTS} SCHEDULE_IF_EMPTY", "wake_up_lost"),
    Run("refuse-after-put", f"{SMALL_EVENTS} REFUSE_AFTER_PUT",
        "refusal_unread freed_pool_accessed"),
    Run("free-without-flush", f"{SMALL_EVENTS} FREE_WITHOUT_FLUSH",
        "refusal_unread"),
)

# What these leave out, the model should not have.
WHOLE = ("lifetime", "device")

LONG = (
    Run("three-writes", "ADMIN_OPS=3 NR_POOLS=13"),
    Run("three-chargers", "CHARGERS=3 CYCLES=1 ADMIN_OPS=1 VAIN LIMITED"),
)


class Progress:
    """Lines on standard error: what begins and ends, and how far it is."""

    def __init__(self, total):
        self.lock = threading.Lock()
        self.started = time.monotonic()
        self.shown = self.started
        self.total = total
        self.ended = 0
        self.active = {}

    def line(self, text):
        spent = int(time.monotonic() - self.started)
        print(f"[{self.ended}/{self.total}] {text} ({spent // 60}:{spent % 60:02})",
              file=sys.stderr, flush=True)

    def reached(self, run, states):
        """Takes the number of states that Spin reports now and then."""
        with self.lock:
            self.active[run.name] = states
            if time.monotonic() - self.shown < PROGRESS_SECONDS:
                return
            self.shown = time.monotonic()
            self.line(", ".join(f"{name}: {count / 1e6:.0f} million states"
                                for name, count in self.active.items() if count))

    def end(self, result):
        with self.lock:
            self.active.pop(result.run.name, None)
            self.ended += 1
            self.line(f"{result.run.name}: {verdict(result)}, {result.states} states, "
                      f"{result.seconds:.0f} s")


def verdict(result):
    return "not as it should be" if result.complaint else "as it should be"


def execute(command, folder, on_line=lambda line: None):
    """Run command in folder; return what it printed. on_line sees it come."""
    with subprocess.Popen(command, cwd=folder, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        lines = []
        for line in process.stdout:
            lines.append(line)
            on_line(line)
    if process.returncode:
        lines.append(f"{command[0]}: exit status {process.returncode}\n")
    return "".join(lines), process.returncode


def violated(search):
    """What a search found wrong, as CHECK() in the model names it."""
    found = re.search(r"^pan:1: (.*?)(?: \(at depth \d+\))?$", search, re.M)
    if not found:
        return None
    name = re.match(r"assertion violated \((\w+)\|\|", found[1])
    if name:
        return name[1]
    return "deadlock" if found[1].startswith("invalid end state") else found[1]


def judge(run, search, status):
    """What is wrong with the outcome of a run; None if it is as it should be."""
    found = violated(search)
    if run.never:
        if found in run.never.split():
            return None
        return f"found {found or 'nothing wrong'}, expected {run.never}"
    if found:
        return f"found {found}"
    for sign in ("Search not completed", "max search depth too small", "out of memory"):
        if sign in search:
            return f"search was not complete: {sign}"
    if run.name in WHOLE and re.search(r"\.pml:\d+, state", search):
        return "search did not take every step of the model"
    if status or "errors: 0" not in search:
        return f"search ended with status {status}, without a result"
    return None


def write_counterexample(folder, switches):
    """Spell out the steps of a trail, up to where it fails: Spin may go on."""
    with subprocess.Popen(["spin", "-k", MODEL.name + ".trail", "-t", "-p", "-l",
                           *switches, MODEL], cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as replay, \
            open(folder / "counterexample", "w", encoding="utf-8") as steps:
        for line in replay.stdout:
            steps.write(line)
            if line.startswith("spin: text of failed assertion"):
                replay.kill()
                break


def carry_out(run, folder, progress):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    started = time.monotonic()
    switches = ["-D" + switch for switch in run.switches.split()]
    # A counterexample is found sooner than better code is compiled.
    optimize = "-O1" if run.never else "-O2"

    def result(states, complaint):
        outcome = Result(run, states, complaint, time.monotonic() - started)
        progress.end(outcome)
        return outcome

    for command in (["spin", "-a", *switches, MODEL],
                    ["gcc", optimize, "-DSAFETY", "-DCOLLAPSE", f"-DMEMLIM={MEMORY_MIB}",
                     "-o", "pan", "pan.c"]):
        output, status = execute(command, folder)
        if status:
            return result(0, output.strip())

    def on_line(line):
        states = re.match(r"Depth=.* States= *(\S+)", line)
        if states:
            progress.reached(run, float(states[1]))

    hash_bits = 22 if run.never else 26
    search, status = execute(["./pan", f"-m{DEPTH}", f"-w{hash_bits}"], folder, on_line)
    (folder / "search").write_text(search)
    if violated(search):
        write_counterexample(folder, switches)
    # Large numbers come as "1.2345679e+08".
    states = re.search(r"([\d.e+]+) states, stored", search)
    complaint = judge(run, search, status)
    return result(int(float(states[1])) if states else 0,
                  complaint and f"{complaint}; see {folder}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, required=True,
                        help="folder for what is built and found")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(),
                        help=f"runs at a time; one may take {MEMORY_MIB} MiB")
    parser.add_argument("--long", action="store_true",
                        help="the runs that take longer than a few minutes instead")
    parser.add_argument("--only", metavar="REGEX", default="",
                        help="runs whose names match")
    return parser.parse_args()


def main():
    args = parse_arguments()
    for tool in ("spin", "gcc"):
        if not shutil.which(tool):
            sys.exit(f"model.py: {tool} is missing: apt-get install spin gcc libc6-dev")
    runs = [run for run in (LONG if args.long else INTACT + BROKEN)
            if re.search(args.only, run.name)]
    if not runs:
        sys.exit(f"model.py: no run's name matches '{args.only}'")

    progress = Progress(len(runs))
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        results = list(pool.map(
            lambda run: carry_out(run, args.output / run.name, progress), runs))

    print(f"1..{len(results)}")
    for number, result in enumerate(results, 1):
        if result.complaint:
            print("# " + result.complaint.replace("\n", "\n# "))
        print(f"{'not ' if result.complaint else ''}ok {number} {result.run.name} "
              f"({result.states} states)")
    searched = sum(result.states for result in results)
    print(f"# {searched} states in {time.monotonic() - progress.started:.0f} s")
    return any(result.complaint for result in results)


if __name__ == "__main__":
    sys.exit(main())
