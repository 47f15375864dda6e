# SPDX-License-Identifier: GPL-2.0-only
"""Slurm on one node, with the SPANK plugin that users may copy.

systemd is not there, so Slurm makes its cgroups by itself.  It has no hierarchy of
v1 for rdma.
"""

import contextlib
import os
import pathlib

import defaults
from harness import (BUILT, LIMIT, TENANT, Cgroup, Conversation, run, wait_until)

FOLDER = pathlib.Path("/tmp/slurm")
SLICE = "system.slice"
CONFIG = f"""ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
ProctrackType=proctrack/{{tracking}}
TaskPlugin=task/none
SlurmdSpoolDir={FOLDER}/spool
StateSaveLocation={FOLDER}/state
SlurmctldPidFile={FOLDER}/slurmctld.pid
SlurmdPidFile={FOLDER}/slurmd.pid
NodeName=localhost NodeAddr=127.0.0.1 CPUs=1
PartitionName=main Nodes=ALL Default=YES
PlugStackConfig={FOLDER}/plugstack.conf
"""
CGROUPS = "CgroupPlugin=cgroup/v{version}\nIgnoreSystemd=yes\n"
DAEMONS = (
    ("munged", "--foreground", f"--key-file={FOLDER}/munge.key", f"--seed-file={FOLDER}/seed",
     f"--pid-file={FOLDER}/munge.pid", f"--log-file={FOLDER}/munge.log"),
    ("slurmctld", "-D"),
    ("slurmd", "-D", "-N", "localhost"),
)


def configure(guest):
    for folder in (FOLDER / "spool", FOLDER / "state", pathlib.Path("/run/munge")):
        folder.mkdir(parents=True)
    (FOLDER / "munge.key").write_bytes(os.urandom(128))
    (FOLDER / "munge.key").chmod(0o600)
    tracking = "cgroup" if guest.version == 2 else "linuxproc"
    for name, text in (("slurm.conf", CONFIG.format(tracking=tracking)),
                       ("cgroup.conf", CGROUPS.format(version=guest.version)),
                       ("plugstack.conf", f"required {BUILT}/rdmacg.so {LIMIT}\n")):
        (FOLDER / name).write_text(text)
    os.environ["SLURM_CONF"] = str(FOLDER / "slurm.conf")
    run("ip", "link", "set", "lo", "up")


def is_idle():
    return run("sinfo", "--noheader", "--format=%T").stdout == "idle\n"


def check(guest):
    if guest.version == 2:
        parent = guest.cgroup(SLICE)
        parent.path.mkdir(exist_ok=True)        # systemd may have made it
        # Slurm hands on what there is, as on nodes where systemd has enabled it.
        (guest.root / "cgroup.subtree_control").write_text("+memory")
    configure(guest)
    srun = ("srun", BUILT / TENANT[0], *TENANT[1:])
    with contextlib.ExitStack() as daemons:
        for words in DAEMONS:
            last = daemons.enter_context(Conversation(*words))
        idle = wait_until(lambda: is_idle() or last.process.poll() is not None) and is_idle()
        if not idle:
            last.end()
        if not guest.promise("the node is idle", idle, last.said):
            return
        if guest.version == 1:
            done = run(*srun)
            guest.promise("a job that is in no cgroup of Slurm does not run",
                          done.returncode and "pd: made" not in done.stdout, done.stdout)
            return
        if guest.stock:
            done = run(*srun)
            guest.promise("a default: the job does not run, and its log says why",
                          done.returncode and "pd: made" not in done.stdout and
                          "No such device" in done.stdout, done.stdout)
        else:
            with Conversation(*srun) as tenant:
                defaults.check(guest, lambda: Cgroup(
                    next(parent.path.glob("*slurmstepd.scope/job_*"))), tenant)
                tenant.say("quit")
                tenant.end()
        guest.promise("nothing is counted after it", parent.becomes_unused(),
                      parent.figures("current"))
