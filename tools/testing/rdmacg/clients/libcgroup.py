# SPDX-License-Identifier: GPL-2.0-only
"""libcgroup: cgcreate, cgset, cgget, cgexec, cgdelete, cgconfigparser."""

import pathlib

import defaults
from harness import (BUILT, DEVICE, IS_LIMITED, LIMIT, NO_LIMIT, TENANT,
                     Conversation, run)

# cgset says 96 for any file that could not be written (ECGOTHER and 50000).
NOT_WRITTEN = 96

CONFIG = pathlib.Path("/tmp/cgconfig.conf")


def cgget(name, file):
    """Returns the words that cgget shows of DEVICE, or None."""
    done = run("cgget", "-n", "-v", "-r", f"rdma.{file}", name)
    for line in done.stdout.splitlines():
        device, *figures = line.split() or [None]
        if device == DEVICE:
            return " ".join(figures)
    return None


def check(guest):
    tenant, copy = guest.cgroup("cg-tenant"), guest.cgroup("cg-copy")

    done = run("cgcreate", "-g", "rdma:cg-tenant", "-g", "rdma:cg-copy")
    guest.promise("cgcreate makes cgroups",
                  tenant.path.is_dir() and copy.path.is_dir(), done.stdout)

    done = run("cgset", "-r",
               f"rdma.max={DEVICE} {LIMIT}", "cg-tenant")
    guest.promise("cgset sets limits", done.returncode == 0 and
                  tenant.figures("max") == LIMIT,
                  done.stdout)
    guest.promise("cgget shows them",
                  cgget("cg-tenant", "max") == tenant.figures("max"))

    done = run("cgset", "-r", f"rdma.max={DEVICE} hca_handle=few", "cg-tenant")
    guest.promise("cgset tells of limits that are none",
                  done.returncode == NOT_WRITTEN and
                  "Invalid argument" in done.stdout, done.stdout)
    done = run("cgset", "-r", "rdma.max=nodevice hca_handle=1", "cg-tenant")
    guest.promise("cgset tells of a device that is not there",
                  done.returncode == NOT_WRITTEN and
                  "No such device" in done.stdout, done.stdout)
    guest.promise("neither changes the limits",
                  tenant.figures("max") == LIMIT,
                  tenant.figures("max"))

    done = run("cgset", "--copy-from", "cg-tenant", "cg-copy")
    guest.promise("cgset copies limits" if not guest.newer else
                  "cgset of libcgroup 3 ends well, but copies no limits",
                  done.returncode == 0 and
                  copy.figures("max") == (NO_LIMIT if guest.newer else LIMIT),
                  done.stdout)

    with Conversation("cgexec", "-g", "rdma:cg-tenant", BUILT / TENANT[0],
                      *TENANT[1:]) as tenant_process:
        guest.promise("what cgexec runs is limited",
                      tenant_process.hears(IS_LIMITED), tenant_process.said)
        guest.promise("cgget shows the usage",
                      cgget("cg-tenant", "current") == LIMIT,
                      tenant.figures("current"))
        tenant_process.say("quit")
        tenant_process.end()
    guest.promise("nothing is counted after it", tenant.becomes_unused(),
                  tenant.figures("current"))

    done = run("cgdelete", "rdma:cg-tenant", "rdma:cg-copy")
    guest.promise("cgdelete removes cgroups", not tenant.path.exists() and
                  not copy.path.exists(), done.stdout)

    check_default(guest, "cgset", "cg-set", lambda: (
        run("cgcreate", "-g", "rdma:cg-set"),
        run("cgset", "-r", f"rdma.max={defaults.DEFAULT}", "cg-set"))[-1])
    CONFIG.write_text(
        f'group cg-config {{ rdma {{ rdma.max = "{defaults.DEFAULT}"; }} }}\n')
    check_default(guest, "cgconfigparser", "cg-config",
                  lambda: run("cgconfigparser", "-l", CONFIG))


def check_default(guest, program, name, configure):
    """To stock it is a device that is not there."""
    done = configure()
    if guest.stock:
        guest.promise(f"a default: {program} tells of a device that is not there",
                      done.returncode != 0, done.stdout)
    else:
        with Conversation("cgexec", "-g", f"rdma:{name}", BUILT / TENANT[0],
                          *TENANT[1:]) as tenant:
            defaults.check(guest, lambda: guest.cgroup(name), tenant)
            tenant.say("quit")
            tenant.end()
    run("cgdelete", f"rdma:{name}")
