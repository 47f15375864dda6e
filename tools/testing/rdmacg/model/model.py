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
# bits: log2 of the memory of a search that may overlook states; 0: exhaustive.
Run = collections.namedtuple("Run", "name switches never bits", defaults=("", 0))
Result = collections.namedtuple("Result", "run states complaint seconds")

# A reader may hold up three generations of a path.
ROOMY = "ADMIN_OPS=2 NR_POOLS=10"
SMALL = "PEAK CYCLES=1 ADMIN_OPS=1"
SMALL_ROOMY = f"CYCLES=1 {ROOMY}"
SMALL_DEVICE = f"DEVICE {SMALL_ROOMY}"
SMALL_EVENTS = "EVENTS CYCLES=1 ADMIN_OPS=1"
SMALL_TABLES = "TABLES CYCLES=1 ADMIN_OPS=1"

INTACT = (
    Run("lifetime", f"{ROOMY} HOMES"),
    Run("device", f"{ROOMY} DEVICE HOMES"),
    Run("counting", "FINE ADMIN_OPS=1 ONE_RESOURCE"),
    Run("limits-below", "PEAK ADMIN_OPS=1 CONSTANT_LIMIT"),
    Run("events", f"EVENTS {ROOMY} ONE_RESOURCE"),
    Run("tables", f"TABLES QUERY CHARGERS=1 {ROOMY}"),
    Run("no-memory", "ADMIN_OPS=1 NR_POOLS=10 ENOMEM HOMES"),
    Run("constant-limit", "FINE ADMIN_OPS=0 CONSTANT_LIMIT"),
    Run("device-in-use", f"{SMALL_DEVICE} CARELESS"),
    Run("leaf-first-unseen", f"{SMALL} LEAF_FIRST ONLY_HARM"),
    Run("css-free-looks-first", f"{SMALL_DEVICE} CSS_FREE_LOOKS_FIRST"),
)

BROKEN = (
    Run("no-grace-period", f"{SMALL} NO_GRACE_PERIOD", "freed_pool_accessed"),
    Run("prune-parent", f"PEAK {SMALL_ROOMY} PRUNE_PARENT ONLY_HARM",
        "freed_pool_accessed"),
    Run("prune-open", f"{SMALL} PRUNE_OPEN", "history_lost"),
    Run("prune-limited", f"{SMALL} PRUNE_LIMITED", "limit_lost"),
    Run("prune-leaf-only", f"{SMALL} PRUNE_LEAF_ONLY", "idle_pool_kept"),
    Run("keep-child-count", f"{SMALL} KEEP_CHILD_COUNT", "wrong_child_count"),
    Run("no-second-look", f"PEAK {SMALL_ROOMY} NO_SECOND_LOOK ONLY_HARM",
        "pool_left_over"),
    Run("leaf-first", f"{SMALL} LEAF_FIRST", "counted_in_closed_pool"),
    Run("open-overtakes-link",
        "CYCLES=1 ADMIN_OPS=0 OPEN_OVERTAKES_LINK ONLY_HARM", "count_lost"),
    Run("parent-read-early", f"{SMALL} PARENT_READ_EARLY ONLY_HARM", "count_lost"),
    Run("roll-back-too-far", f"{SMALL} ROLL_BACK_TOO_FAR", "count_lost"),
    Run("roll-back-too-short", f"{SMALL} ROLL_BACK_TOO_SHORT", "count_lost"),
    Run("read-then-store", f"{SMALL} FINE READ_THEN_STORE", "count_lost"),
    Run("add-then-look", f"{SMALL} ADD_THEN_LOOK", "limit_passed"),
    Run("put-before-uncharge", f"{SMALL} PUT_BEFORE_UNCHARGE", "count_lost"),
    Run("refusal-keeps-css", f"{SMALL} REFUSAL_KEEPS_CSS", "deadlock"),
    Run("error-keeps-mutex", f"{SMALL} ENOMEM ERROR_KEEPS_MUTEX", "deadlock"),
    Run("peak-on-the-way", f"{SMALL} PEAK_ON_THE_WAY", "history_invented"),
    Run("record-after-count", f"{SMALL} RECORD_AFTER_COUNT", "history_lost"),
    Run("no-record-at-the-end", f"{SMALL} NO_RECORD_AT_THE_END", "history_lost"),
    Run("event-after-put", f"{SMALL_EVENTS} EVENT_AFTER_PUT",
        "history_lost freed_pool_accessed"),
    Run("flag-after-totals", "EVENTS ONE_RESOURCE FLAG_AFTER_TOTALS", "notice_lost"),
    Run("next-after-flag", "EVENTS ONE_RESOURCE NEXT_AFTER_FLAG", "notice_lost"),
    Run("free-without-flush", f"{SMALL_EVENTS} FREE_WITHOUT_FLUSH",
        "history_lost freed_pool_accessed"),
    Run("refused-in-removal", f"{SMALL_DEVICE} CARELESS EVENTS",
        "freed_pool_accessed"),
    Run("forget-a-pool", f"{SMALL_DEVICE} FORGET_A_POOL", "pool_without_device"),
    Run("parents-first", f"{SMALL_DEVICE} PARENTS_FIRST", "freed_pool_accessed"),
    Run("no-registered-check", f"{SMALL_DEVICE} CARELESS NO_REGISTERED_CHECK",
        "pool_without_device"),
    Run("css-free-locks-late", f"{SMALL_DEVICE} CSS_FREE_LOCKS_LATE",
        "freed_pool_accessed"),
    Run("no-table-grace-period", f"{SMALL_TABLES} NO_TABLE_GRACE_PERIOD",
        "freed_table_accessed"),
    Run("copy-after-publishing", f"{SMALL_TABLES} COPY_AFTER_PUBLISHING",
        "count_lost"),
    Run("no-css-grace-period", f"QUERY {SMALL} NO_CSS_GRACE_PERIOD",
        "freed_cgroup_accessed"),
)

# What these leave out, the model should not have.
WHOLE = ("lifetime", "device")

LONG = (
    Run("three-writes", "ADMIN_OPS=3 NR_POOLS=13"),
    Run("counting-two-writes", f"FINE {ROOMY} ONE_RESOURCE"),
    Run("three-chargers", "CHARGERS=3 ADMIN_OPS=1", bits=35),
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
    store = ["-DBITSTATE"] if run.bits else ["-DCOLLAPSE"]
    # A counterexample is found sooner than better code is compiled.
    optimize = "-O1" if run.never else "-O2"

    def result(states, complaint):
        outcome = Result(run, states, complaint, time.monotonic() - started)
        progress.end(outcome)
        return outcome

    for command in (["spin", "-a", *switches, MODEL],
                    ["gcc", optimize, "-DSAFETY", *store, f"-DMEMLIM={MEMORY_MIB}",
                     "-o", "pan", "pan.c"]):
        output, status = execute(command, folder)
        if status:
            return result(0, output.strip())

    def on_line(line):
        states = re.match(r"Depth=.* States= *(\S+)", line)
        if states:
            progress.reached(run, float(states[1]))

    hash_bits = run.bits or (22 if run.never else 26)
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
        exhaustive = ", not exhaustive" if result.run.bits else ""
        print(f"{'not ' if result.complaint else ''}ok {number} {result.run.name} "
              f"({result.states} states{exhaustive})")
    searched = sum(result.states for result in results)
    print(f"# {searched} states in {time.monotonic() - progress.started:.0f} s")
    return any(result.complaint for result in results)


if __name__ == "__main__":
    sys.exit(main())
