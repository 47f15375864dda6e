#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Show that the detectors of a kernel would see a fault in the controller.

The kernel has a copy of the controller, VARIANT=broken, that misbehaves on
request. The same commands have to pass without a fault and, each in a guest of
its own, to end with the one report that is due. Prints TAP.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[4]
VM = REPO / "tools/testing/rdmacg/qemu/vm.py"
EXIT_KERNEL = 70
PARAMETER = "/sys/module/kernel/parameters/rdmacg_fault"

LIMIT = "echo mlx4_0 hca_object=%s > rdma.max"
# What an object's owner does, in the cgroup that is the current directory.
OBJECTS = "(echo 0 > cgroup.procs; exec $verbs mlx4_0 context=1 pd=4)"
QUERY = "(echo 0 > cgroup.procs; exec ibv_devinfo -v -d mlx4_0) > $OUT/devinfo"
# Two tasks that come and go in two cgroups below one, long enough to meet. As
# KCSAN looks at some accesses only, a fault gets more chances to be seen.
SIBLINGS = "mkdir 1 2; echo +rdma > cgroup.subtree_control"
CROWD = """
for burst in $(seq $((fault ? 10 : 1))); do
	for task in 1 2; do
		(echo 0 > $task/cgroup.procs
		 for i in $(seq 200); do echo pd=20; echo -pd; done |
			$verbs mlx4_0 context=1) > /dev/null &
	done
	wait
done"""

# Name, number in broken.patch, what to do before and with the fault, report.
# What is freed through RCU may take 5 s to go.
DEBUG = (
    ("use after free", 1, LIMIT % 3, LIMIT % "max" + "; sleep 8; cat rdma.max",
     r"BUG: KASAN: slab-use-after-free in \S*(pool|rdmacg)"),
    ("memory freed twice", 2, LIMIT % 3, LIMIT % "max" + "; sleep 8",
     r"kvfree_call_rcu\(\): Double-freed|ODEBUG: activate active .* rcu_head"),
    ("index out of bounds", 3, LIMIT % 3, "cat rdma.current",
     r"UBSAN: array-index-out-of-bounds in \S*rdma\.c"),
    ("sleeping under RCU", 4, ":", OBJECTS,
     r"BUG: sleeping function called from invalid context"),
    ("pool looked up without RCU", 5, ":", QUERY,
     r"WARNING: suspicious RCU usage"),
    ("memory leak", 6, LIMIT % 3, "cd /; rmdir $OLDPWD; sleep 1",
     r"kmemleak: \d+ new suspected memory leaks"),
    ("task that hangs", 7, "sysctl -q kernel.hung_task_timeout_secs=5",
     "cat rdma.max & sleep 1; cat rdma.peak; wait",
     r"INFO: task cat:\d+ blocked for more than"),
)
KCSAN = (
    ("count under another cgroup's lock", 8, SIBLINGS, CROWD,
     r"BUG: KCSAN: data-race in \S*charge"),
)
RT = (
    ("spinlock under a raw one", 9, LIMIT % 1, OBJECTS + "; cat rdma.events",
     r"BUG: Invalid wait context"),
)
FAULTS = {"debug": DEBUG, "kcsan": KCSAN, "rt": RT}


def script(verbs, steps):
    """The commands for a guest: each step in a cgroup of its own."""
    lines = ["set -eu", f"verbs={verbs}"]
    for number, (fault, before, during) in enumerate(steps):
        cgroup = f"/sys/fs/cgroup/detectors{number}"
        lines += [f"mkdir {cgroup}", f"cd {cgroup}", before,
                  f"fault={fault}", f"echo $fault > {PARAMETER}", during]
    return "\n".join(lines)


def boot(args, name, steps):
    """Run steps in a guest: exit status, and the kernel's log."""
    log = REPO / f"build/vm/detectors-{name}.log"
    done = subprocess.run(
        [VM, "--kernel", args.kernel, "--init", args.init, "--smp", args.smp,
         "--memory", "2048", "--timeout", "900", "--log", log,
         "--append", "panic_on_warn=1",
         "--cmd", script(args.verbs, steps)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True)
    return done.returncode, log.read_text(errors="replace"), done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", required=True, choices=FAULTS)
    parser.add_argument("--smp", default="2")
    for name in ("kernel", "init", "verbs"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    args = parser.parse_args()

    faults = FAULTS[args.config]
    print(f"1..{len(faults) + 1}", flush=True)
    status, _, said = boot(args, "none", [(0, *fault[2:4]) for fault in faults])
    print(f"{'not ok' if status else 'ok'} 1 detectors: {args.config}: "
          "nothing is reported without a fault", flush=True)
    failed = bool(status)
    if status:
        print(re.sub("^", "# ", said, flags=re.M))

    for test, (name, number, before, during, report) in enumerate(faults, 2):
        status, log, said = boot(args, name.replace(" ", "-"),
                                 [(number, before, during)])
        found = status == EXIT_KERNEL and re.search(report, log)
        print(f"{'ok' if found else 'not ok'} {test} detectors: {args.config}: "
              f"{name}", flush=True)
        if not found:
            failed = True
            print(f"# exit status {status}; the log has no '{report}'")
            print(re.sub("^", "# ", said, flags=re.M))
    return failed


if __name__ == "__main__":
    sys.exit(main())
