# SPDX-License-Identifier: GPL-2.0-only
"""Container runtimes: runc, crun, containerd and podman.

The container holds one process, which asks for more than it may have.  Its root
is an empty folder, with /usr of the host in it.
"""

import json
import os
import pathlib
import shutil
import subprocess

from harness import (BUILT, DEVICE, HANDLES, IS_LIMITED, LIMIT, NO_LIMIT,
                     OBJECTS, OTHER_DEVICE, TENANT, Cgroup, Conversation, run,
                     wait_until)

FOLDER = pathlib.Path("/tmp/container")
ROOTFS = FOLDER / "rootfs"
# Below this one, which stays, so that what a container leaves behind shows.
PARENT = "containers"
NAME = "tenant"

# What clients in Go make of the files.  Zero they leave out.
UNLIMITED = 2**32 - 1
LIMITED = {"device": DEVICE, "hca_handles": HANDLES, "hca_objects": OBJECTS}
CURRENT_IN_GO = [LIMITED, {"device": OTHER_DEVICE}]
MAX_IN_GO = [LIMITED, {"device": OTHER_DEVICE, "hca_handles": UNLIMITED,
                       "hca_objects": UNLIMITED}]

# How a specification says it.
RDMA = {"rdma": {DEVICE: {"hcaHandles": HANDLES, "hcaObjects": OBJECTS}}}
UNIFIED = {"unified": {"rdma.max": f"{DEVICE} {LIMIT}"}}

MOUNTS = [
    {"destination": "/usr", "type": "bind", "source": "/usr",
     "options": ["rbind", "ro"]},
    {"destination": "/sys", "type": "bind", "source": "/sys",
     "options": ["rbind", "ro"]},
    {"destination": "/dev/infiniband", "type": "bind",
     "source": "/dev/infiniband", "options": ["rbind"]},
]


def device_rule(path):
    device = os.stat(path).st_rdev
    return {"allow": True, "type": "c", "major": os.major(device),
            "minor": os.minor(device), "access": "rw"}


def make_bundle(resources):
    """Writes config.json of the OCI: runc's own example, but with RDMA."""
    if not ROOTFS.exists():
        for name in ("usr", "dev", "proc", "sys", "tmp", "run", "etc"):
            (ROOTFS / name).mkdir(parents=True)
        for name in ("bin", "sbin", "lib", "lib64"):
            (ROOTFS / name).symlink_to(f"usr/{name}")
        shutil.copytree("/etc/libibverbs.d", ROOTFS / "etc/libibverbs.d")
        shutil.copy(BUILT / TENANT[0], ROOTFS)

    config = FOLDER / "config.json"
    config.unlink(missing_ok=True)
    subprocess.run(["runc", "spec", "--bundle", FOLDER], check=True)
    spec = json.loads(config.read_text())
    spec["root"]["path"] = str(ROOTFS)
    spec["process"] |= {"terminal": False, "args": [f"/{TENANT[0]}", *TENANT[1:]]}
    targets = {mount["destination"] for mount in MOUNTS}
    spec["mounts"] = [mount for mount in spec["mounts"]
                      if mount["destination"] not in targets
                      and mount["type"] != "cgroup"] + MOUNTS
    linux = spec["linux"]
    # The network of the guest, as the device belongs to it.
    linux["namespaces"] = [namespace for namespace in linux["namespaces"]
                           if namespace["type"] != "network"]
    linux["cgroupsPath"] = f"/{PARENT}/{NAME}"
    linux["resources"]["devices"] += map(
        device_rule, pathlib.Path("/dev/infiniband").glob("uverbs*"))
    linux["resources"] |= resources
    config.write_text(json.dumps(spec, indent=1))


def make_parent(guest):
    parent = guest.cgroup(PARENT)
    parent.path.mkdir(exist_ok=True)
    return parent


def check_limited(guest, tenant, cgroup):
    """Returns whether the container runs, so that more can be asked of it."""
    runs = guest.promise("the process in the container is limited",
                         tenant.hears(IS_LIMITED), tenant.said)
    if runs:
        guest.promise("rdma.current has what it holds",
                      cgroup.figures("current") == LIMIT,
                      cgroup.figures("current"))
    return runs


def check_end(guest, tenant, cgroup, parent):
    tenant.say("quit")
    guest.promise("it ends well when it is told to", tenant.end() == 0,
                  tenant.said)
    guest.promise("nothing is counted after it, and its cgroup is gone",
                  parent.becomes_unused() and
                  wait_until(lambda: not cgroup.path.exists()),
                  parent.figures("current"))


def check_unknown_device(guest, command, resources):
    make_bundle(resources)
    done = run(*command, "run", "--bundle", FOLDER, NAME)
    guest.promise("a limit for a device that is not there is an error",
                  done.returncode and "no such device" in done.stdout.lower(),
                  done.stdout)


def check_figures_in_runc(guest, state, cgroup):
    """Runc has the figures only if no line ends with a blank.

    Its events leave them out, here as there; the library that it is made of
    does not.
    """
    lines = (cgroup.path / "rdma.current").read_text().splitlines()
    guest.promise("no line ends with a blank" if not guest.stock else
                  "stock's lines end with a blank",
                  all(line.endswith(" ") == guest.stock for line in lines),
                  lines)

    done = run("runc", "--root", state, "events", "--stats", NAME)
    events = json.loads(done.stdout)["data"]
    guest.promise("runc events --stats shows the container, but never RDMA",
                  events["pids"]["current"] == 1 and "rdma" not in done.stdout,
                  done.stdout)

    done = run(BUILT / "runc-stats", state, NAME)
    figures = json.loads(done.stdout)["CgroupStats"]["rdma_stats"]
    if guest.stock:
        guest.promise("libcontainer has no RDMA figures of stock's lines",
                      figures == {}, figures)
    else:
        guest.promise("libcontainer has the RDMA figures",
                      figures == {"rdma_current": CURRENT_IN_GO,
                                  "rdma_limit": MAX_IN_GO}, figures)


def check_runc(guest):
    state = "/run/runc"
    parent = make_parent(guest)
    cgroup = guest.cgroup(f"{PARENT}/{NAME}")
    make_bundle(RDMA)
    with Conversation("runc", "--root", state, "run", "--bundle", FOLDER,
                      NAME) as tenant:
        if check_limited(guest, tenant, cgroup):
            guest.promise("rdma.max is what the specification says",
                          cgroup.figures("max") == LIMIT, cgroup.figures("max"))
            check_figures_in_runc(guest, state, cgroup)
        check_end(guest, tenant, cgroup, parent)
    check_unknown_device(guest, ("runc", "--root", state),
                         {"rdma": {"nodevice": {"hcaHandles": 1}}})


def check_crun(guest):
    """Of its version 1.8, which leaves linux.resources.rdma alone.

    What it has for v2 is linux.resources.unified; in v1 a limit of the parent
    has to do.
    """
    parent = make_parent(guest)
    cgroup = guest.cgroup(f"{PARENT}/{NAME}")
    make_bundle(UNIFIED if guest.version == 2 else RDMA)
    if guest.version == 1:
        parent.limit(HANDLES, OBJECTS)
    with Conversation("crun", "run", "--bundle", FOLDER, NAME) as tenant:
        if check_limited(guest, tenant, cgroup):
            if guest.version == 2:
                guest.promise("rdma.max is what the specification says",
                              cgroup.figures("max") == LIMIT,
                              cgroup.figures("max"))
            else:
                guest.promise("the limit is the parent's, crun sets none",
                              cgroup.figures("max") == NO_LIMIT,
                              cgroup.figures("max"))
        check_end(guest, tenant, cgroup, parent)
    if guest.version == 2:
        check_unknown_device(guest, ("crun",), {
            "unified": {"rdma.max": "nodevice hca_handle=1"}})
    parent.limit("max", "max")


PODMAN = ("podman", "--root", "/tmp/podman", "--runroot", "/run/podman",
          "--tmpdir", "/run/podman-tmp", "--storage-driver", "vfs",
          "--cgroup-manager", "cgroupfs", "--events-backend", "file")


def check_podman(guest, runtime):
    parent = make_parent(guest)
    if guest.version == 2:
        limit = ("--cgroup-conf", f"rdma.max={DEVICE} {LIMIT}")
    else:
        limit = ()
        parent.limit(HANDLES, OBJECTS)
    make_bundle({})
    with Conversation(
            *PODMAN, "--runtime", runtime, "run", "--rm", "--interactive",
            "--network", "host", "--no-hosts", "--cgroup-parent", f"/{PARENT}",
            *limit, "--volume", "/usr:/usr:ro",
            *(f"--device={path}" for path
              in pathlib.Path("/dev/infiniband").glob("uverbs*")),
            "--rootfs", ROOTFS, f"/{TENANT[0]}", *TENANT[1:]) as tenant:
        tenant.hears(IS_LIMITED)
        cgroup = Cgroup(next(parent.path.glob("libpod-*"), parent.path))
        if check_limited(guest, tenant, cgroup):
            expected = LIMIT if guest.version == 2 else NO_LIMIT
            guest.promise("rdma.max is what podman was told" if limit else
                          "the limit is the parent's, podman sets none",
                          cgroup.figures("max") == expected,
                          cgroup.figures("max"))
        check_end(guest, tenant, cgroup, parent)
    parent.limit("max", "max")


def check_containerd(guest):
    """With ctr, and what Debian's daemon needs no configuration of a host for."""
    parent = make_parent(guest)
    cgroup = guest.cgroup(f"{PARENT}/{NAME}")
    make_bundle(RDMA)
    config = FOLDER / "containerd.toml"
    config.write_text(
        'version = 2\nroot = "/tmp/containerd"\nstate = "/run/containerd"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri", '
        '"io.containerd.internal.v1.opt"]\n')
    socket = pathlib.Path("/run/containerd/containerd.sock")
    with Conversation("containerd", "--config", config, "--log-level", "error"):
        if not guest.promise("the daemon starts", wait_until(socket.exists)):
            return
        with Conversation("ctr", "run", "--config", FOLDER / "config.json",
                          NAME) as tenant:
            if check_limited(guest, tenant, cgroup):
                guest.promise("rdma.max is what the specification says",
                              cgroup.figures("max") == LIMIT,
                              cgroup.figures("max"))
                done = run("ctr", "tasks", "metrics", "--format", "json", NAME)
                guest.promise("its metrics have the RDMA figures",
                              json.loads(done.stdout).get("rdma") == {
                                  "current": CURRENT_IN_GO, "limit": MAX_IN_GO},
                              done.stdout)
            check_end(guest, tenant, cgroup, parent)
