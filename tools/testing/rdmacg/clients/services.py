# SPDX-License-Identifier: GPL-2.0-only
"""The units and programs that users may copy: on v2 by a systemd of their own."""

import os
import pathlib
import re
import shutil

import defaults
from harness import (BUILT, DEVICE, EXAMPLES, IS_LIMITED, LIMIT, NO_LIMIT, OTHER_DEVICE,
                     TENANT, Conversation, run, wait_until)

FOLDER = pathlib.Path("/tmp/services")
PROGRAMS = FOLDER / "sbin"
LIMITS = FOLDER / "limits"
SAVED = FOLDER / "saved"
SAID = FOLDER / "said"
UNITS = pathlib.Path("/run/systemd/system")
# What is elsewhere in the guest, or not there at all.
HERE = {"/usr/local/sbin": str(PROGRAMS), "/etc/rdmacg.limits": str(LIMITS),
        "%S/rdmacg/limits": str(SAVED), "StateDirectory=rdmacg\n": "",
        "hca_handle=2 hca_object=2000": LIMIT, "1min": "1s",
        "[Unit]\n": "[Unit]\nDefaultDependencies=no\n"}
# It is told to quit by the FIFO.
TENANT_UNIT = f"""[Unit]
DefaultDependencies=no
[Service]
Delegate=yes
ExecStart=/bin/sh -c 'exec {BUILT}/{' '.join(TENANT)} <>{FOLDER}/fifo >{SAID} 2>&1'
"""
TARGET = """[Unit]
Description=Nothing else runs
DefaultDependencies=no
"""
# What is no PID in its namespace it does not answer.
NAMESPACE = FOLDER / "namespace"
SYSTEMD = ("unshare", f"--pid={NAMESPACE}", "--fork", "--kill-child", "--mount", "--mount-proc",
           "env", "container=test", "/lib/systemd/systemd", "--unit=test.target",
           "--show-status=0")


class Service:
    """What a process said into its file."""

    @property
    def said(self):
        return SAID.read_text() if SAID.exists() else ""

    def hears(self, pattern):
        return wait_until(lambda: re.search(pattern, self.said, re.M))


def install():
    PROGRAMS.mkdir(parents=True)
    for name in ("rdmacg-set", "rdmacg-keep"):
        shutil.copy(EXAMPLES / name, PROGRAMS)
    drop_ins = UNITS / "tenant.service.d"
    drop_ins.mkdir(parents=True)
    for file in (EXAMPLES / "systemd").iterdir():
        text = file.read_text()
        for old, new in HERE.items():
            text = text.replace(old, new)
        ((drop_ins if file.suffix == ".conf" else UNITS) / file.name).write_text(text)
    (UNITS / "tenant.service").write_text(TENANT_UNIT)
    (UNITS / "test.target").write_text(TARGET)
    os.mkfifo(FOLDER / "fifo")
    NAMESPACE.touch()


def write(cgroup, *lines):
    for line in lines:
        (cgroup.path / "rdma.max").write_text(line)


def check_keep(guest):
    cgroups = guest.cgroup("keep"), guest.cgroup("keep/below")
    cgroups[0].make()
    cgroups[1].make()
    run(PROGRAMS / "rdmacg-set", "/keep/below")
    if guest.stock:
        write(cgroups[0], f"{DEVICE} {LIMIT}")
    else:
        write(cgroups[0], f"default {LIMIT}", f"{DEVICE} hca_object=max",
              f"{OTHER_DEVICE} hca_handle=7")
    write(cgroups[1], f"{OTHER_DEVICE} hca_object=9")
    limits = [(cgroup.path / "rdma.max").read_text() for cgroup in cgroups]
    done = run(PROGRAMS / "rdmacg-keep", "save", LIMITS)
    # Those of the cases before are saved as well.
    saved = "".join(line for line in LIMITS.read_text().splitlines(True)
                    if line.startswith("/keep"))
    expected = (f"/keep {DEVICE} {LIMIT}\n" if guest.stock else
                f"/keep default {LIMIT}\n/keep {DEVICE} hca_object=max\n"
                f"/keep {OTHER_DEVICE} hca_handle=7\n"
                ) + f"/keep/below {OTHER_DEVICE} hca_object=9\n"
    guest.promise("limits are saved", done.returncode == 0 and saved == expected,
                  done.stdout + saved)

    write(cgroups[0], f"{DEVICE} hca_handle=1 hca_object=1")
    if guest.stock:
        done = run(PROGRAMS / "rdmacg-keep", "restore", LIMITS)
        guest.promise("they cannot be restored, for want of a default",
                      done.returncode == 1 and "Invalid argument" in done.stdout, done.stdout)
        return
    write(cgroups[1], "default hca_object=1", f"{DEVICE} hca_handle=4")
    done = run(PROGRAMS / "rdmacg-keep", "restore", LIMITS)
    restored = [(cgroup.path / "rdma.max").read_text() for cgroup in cgroups]
    write(cgroups[0], "default hca_handle=3")
    guest.promise("they are restored, and devices follow the default again",
                  done.returncode == 0 and restored == limits and
                  cgroups[0].figures("max") == "hca_handle=3 hca_object=max" and
                  cgroups[0].figures("max", OTHER_DEVICE) == "hca_handle=7 hca_object=20",
                  f"{done.stdout}{restored}")


def systemctl(*words):
    return run("nsenter", f"--pid={NAMESPACE}", "systemctl", *words)


def check_drop_in(guest, cgroup):
    done = systemctl("start", "tenant")
    if guest.stock:
        guest.promise("a default: the service does not start",
                      done.returncode and not Service().said, done.stdout)
    else:
        defaults.check(guest, lambda: cgroup, Service())
        SAID.unlink()
    drop_in = UNITS / "tenant.service.d/rdmacg-set.conf"
    drop_in.write_text(drop_in.read_text().replace("default", DEVICE))
    systemctl("daemon-reload")
    done = systemctl("restart", "tenant")
    guest.promise("started again, it has the limit that is there now",
                  Service().hears(IS_LIMITED) and cgroup.figures("max") == LIMIT and
                  cgroup.figures("max", OTHER_DEVICE) == NO_LIMIT,
                  done.stdout + Service().said)
    systemctl("stop", "tenant")


def check_timer(guest):
    """One cgroup comes only when the timer runs."""
    early, late = guest.cgroup("keep"), guest.cgroup("late")
    LIMITS.write_text(f"/keep {DEVICE} hca_object=77\n/late {DEVICE} hca_object=78\n")
    done = systemctl("start", "rdmacg-restore.timer")
    if guest.stock:
        guest.promise("limits cannot be restored, for want of a default", wait_until(
            lambda: systemctl("is-failed", "rdmacg-restore.service").stdout == "failed\n"),
                      done.stdout)
    else:
        restored = wait_until(lambda: "=77" in early.figures("max"))
        late.make()
        guest.promise("the timer restores limits, also of a cgroup that comes later",
                      restored and wait_until(lambda: "=78" in late.figures("max")),
                      done.stdout)
    systemctl("stop", "rdmacg-restore.timer")
    early.limit("max", 79)
    done = systemctl("start", "rdmacg-save.service")
    guest.promise("the other service saves them", done.returncode == 0 and
                  f"/keep {DEVICE} hca_object=79\n" in SAVED.read_text(), done.stdout)


def check(guest):
    install()
    check_keep(guest)
    if guest.version == 1:
        return
    with Conversation(*SYSTEMD):
        if not guest.promise("systemd runs", wait_until(
                lambda: systemctl("is-active", "test.target").stdout == "active\n"),
                             systemctl("is-active", "test.target").stdout):
            return
        check_drop_in(guest, guest.cgroup("system.slice/tenant.service"))
        check_timer(guest)
