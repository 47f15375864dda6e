# SPDX-License-Identifier: GPL-2.0-only
"""Container runtimes: runc, crun, containerd and podman.

The container holds one process, which asks for more than it may have.  Its root
is an empty folder, with /usr of the host in it.
"""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess

import defaults
from harness import (BUILT, DEVICE, EXAMPLES, HANDLES, IS_LIMITED, IS_UNLIMITED, LIMIT,
                     NO_LIMIT, OBJECTS, OTHER_DEVICE, TENANT, Cgroup, Conversation,
                     run, wait_until)

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

# How a specification says it.  runc and crun of Debian 12 write unified at once,
# later ones line by line.
FIGURES = {"hcaHandles": HANDLES, "hcaObjects": OBJECTS}
RDMA = {"rdma": {DEVICE: FIGURES}}
LINES = (f"{DEVICE} {LIMIT}", f"{OTHER_DEVICE} hca_handle={HANDLES + 7}")
UNIFIED = {"unified": {"rdma.max": LINES[0]}}
UNIFIED_OF_TWO = {"unified": {"rdma.max": "\n".join(LINES)}}
RDMA_DEFAULT = {"rdma": {"default": FIGURES}}
UNIFIED_DEFAULT = {"unified": {"rdma.max": defaults.DEFAULT}}

MOUNTS = [
    {"destination": "/usr", "type": "bind", "source": "/usr",
     "options": ["rbind", "ro"]},
    {"destination": "/sys", "type": "bind", "source": "/sys",
     "options": ["rbind", "ro"]},
    {"destination": "/dev/infiniband", "type": "bind",
     "source": "/dev/infiniband", "options": ["rbind"]},
]


def devices():
    return list(pathlib.Path("/dev/infiniband").glob("uverbs*"))


def device_major():
    """That of all of them, also of later ones."""
    return os.major(os.stat(devices()[0]).st_rdev)


def device_rule():
    return {"allow": True, "type": "c", "major": device_major(), "access": "rw"}


def make_bundle(resources, **more):
    """Writes config.json of the OCI: runc's own example, but with RDMA, and more."""
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
    spec |= more
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
    linux["resources"]["devices"].append(device_rule())
    linux["resources"] |= resources
    config.write_text(json.dumps(spec, indent=1))


def is_removed(path):
    """Removes a cgroup, if nothing is in it any more."""
    with contextlib.suppress(OSError):
        path.rmdir()
    return not path.exists()


class Container:
    """What a case runs, one after the other, always in the same cgroup."""

    def __init__(self, guest, pattern=NAME):
        self.guest = guest
        self.pattern = pattern
        self.parent = guest.cgroup(PARENT)
        # Anew, without what another case has turned on or left in it. What watched
        # over its container may still be about to end.
        if self.parent.path.exists():
            for path in (*self.parent.path.glob("*/"), self.parent.path):
                if not wait_until(lambda path=path: is_removed(path)):
                    raise RuntimeError(f"{path} is still in use")
        self.parent.make()

    @property
    def cgroup(self):
        return Cgroup(next(self.parent.path.glob(self.pattern), self.parent.path))

    def check(self, why, command, says=IS_LIMITED, shows=LIMIT, more=None):
        """From its start to its end; more(cgroup) asks while it runs.

        why is the reason for what its process says and its rdma.max shows.
        """
        promise = self.guest.promise
        with Conversation(*command) as tenant:
            is_limited = "is" if says == IS_LIMITED else "is not"
            if promise(f"{why}: the process in the container {is_limited} limited",
                       tenant.hears(says), tenant.said):
                cgroup = self.cgroup
                promise(f"{why}: rdma.max shows it", cgroup.figures("max") == shows,
                        cgroup.figures("max"))
                held = cgroup.figures("current")
                promise(f"{why}: rdma.current has what it holds",
                        (held == LIMIT) == (says == IS_LIMITED), held)
                if more:
                    more(cgroup)
            tenant.say("quit")
            promise(f"{why}: it ends well when it is told to", tenant.end() == 0,
                    tenant.said)
            promise(f"{why}: nothing is counted after it, and its cgroup is gone",
                    self.parent.becomes_unused() and wait_until(
                        lambda: self.cgroup.path == self.parent.path),
                    self.parent.figures("current"))

    def check_refused(self, why, command, error):
        done = run(*command)
        self.guest.promise(f"{why}: the container does not start",
                           done.returncode and error in done.stdout.lower(),
                           done.stdout)

    def check_default(self, command, why="a default", error="no such device"):
        """To stock it is a device that is not there."""
        if self.guest.stock:
            self.check_refused(why, command, error)
            return
        with Conversation(*command) as tenant:
            defaults.check(self.guest, lambda: self.cgroup, tenant, why)
            tenant.say("quit")
            tenant.end()


def check_two_devices(container, command):
    """In v2.  Stock wants each line in a write of its own."""
    guest = container.guest
    what, handles, other = "each has its limit", HANDLES, HANDLES + 7
    if guest.stock and not guest.newer:
        if guest.kernel < 7:
            what, handles, other = "stock takes both for the first", other, "max"
        else:
            what, handles = "stock refuses both", None
    expected = handles and (f"hca_handle={handles} hca_object={OBJECTS}",
                            f"hca_handle={other} hca_object=max")
    make_bundle(UNIFIED_OF_TWO)
    with Conversation(*command) as tenant:
        shown = None
        if tenant.hears("^pd: made "):
            cgroup = container.cgroup
            shown = cgroup.figures("max"), cgroup.figures("max", OTHER_DEVICE)
        tenant.say("quit")
        tenant.end()
    guest.promise(f"two devices: {what}", shown == expected,
                  f"{shown}\n{tenant.said}")


@contextlib.contextmanager
def device_called_default():
    """The other one; with index=N, on our kernel, as that word means another thing."""
    rename = ("rdma", "dev", "set")
    subprocess.run([*rename, OTHER_DEVICE, "name", "default"], check=True)
    try:
        yield
    finally:
        subprocess.run([*rename, "default", "name", OTHER_DEVICE], check=True)


RUNC = ("runc", "--root", "/run/runc")
RUN = ("run", "--bundle", FOLDER, NAME)


def check_figures_in_runc(guest, cgroup):
    """Runc has the figures only if no line ends with a blank.

    Its events leave them out, here as there; the library that it is made of
    does not.
    """
    lines = (cgroup.path / "rdma.current").read_text().splitlines()
    guest.promise("no line ends with a blank" if not guest.stock else
                  "stock's lines end with a blank",
                  all(line.endswith(" ") == guest.stock for line in lines),
                  lines)

    done = run(*RUNC, "events", "--stats", NAME)
    events = json.loads(done.stdout)["data"]
    guest.promise("runc events --stats shows the container, but never RDMA",
                  events["pids"]["current"] == 1 and "rdma" not in done.stdout,
                  done.stdout)
    if guest.newer:
        return

    def statistics():
        done = run(BUILT / "runc-stats", RUNC[-1], NAME)
        return json.loads(done.stdout)["CgroupStats"]

    def expect(text, current, limit):
        expected = {"rdma_current": current, "rdma_limit": limit}
        shown = statistics()["rdma_stats"]
        guest.promise(text if not guest.stock else f"{text} (none of stock's lines)",
                      shown == ({} if guest.stock else expected), shown)

    expect("libcontainer has the RDMA figures", CURRENT_IN_GO, MAX_IN_GO)
    with device_called_default():
        expect("libcontainer has all but those of a line with index=N",
               CURRENT_IN_GO[:1], MAX_IN_GO[:1])
    if not guest.stock:
        cgroup.limit(HANDLES, OBJECTS, "default")
    stats = statistics()
    guest.promise("libcontainer has no RDMA figures where there is a default, but others",
                  stats["rdma_stats"] == {} and stats["pids_stats"]["current"] == 1, stats)


def check_runc(guest):
    container = Container(guest)
    make_bundle(RDMA)
    container.check("linux.resources.rdma", (*RUNC, *RUN),
                    more=lambda cgroup: check_figures_in_runc(guest, cgroup))
    make_bundle({"rdma": {DEVICE: {}}})
    container.check("a device without a limit", (*RUNC, *RUN), IS_UNLIMITED, NO_LIMIT)
    make_bundle({"rdma": {"nodevice": FIGURES}})
    container.check_refused("a device that is not there", (*RUNC, *RUN),
                            "no such device")
    make_bundle(RDMA_DEFAULT)
    container.check_default((*RUNC, *RUN))
    if guest.version == 2:
        check_two_devices(container, (*RUNC, *RUN))


def check_crun(guest):
    """It leaves linux.resources.rdma alone.

    What it has for v2 is linux.resources.unified, if others turn the controller
    on for it; in v1 a limit of the parent has to do.
    """
    crun = ("crun", *RUN)
    container = Container(guest)
    if guest.version == 1:
        container.parent.limit(HANDLES, OBJECTS)
        make_bundle(RDMA)
        container.check("a limit of the parent", crun, shows=NO_LIMIT)
        return

    make_bundle(UNIFIED)
    container.check_refused("rdma is off in the parent", crun,
                            "controller `rdma` is not available")
    (container.parent.path / "cgroup.subtree_control").write_text("+rdma")
    container.check("unified", crun)
    check_two_devices(container, crun)
    make_bundle({"unified": {"rdma.max": "nodevice hca_handle=1"}})
    container.check_refused("a device that is not there", crun, "no such device")
    make_bundle(UNIFIED_DEFAULT)
    container.check_default(crun)
    make_bundle(RDMA)
    container.check("linux.resources.rdma, which crun ignores", crun, IS_UNLIMITED,
                    NO_LIMIT)


HOOKS = FOLDER / "hooks"
ANNOTATION = "rdmacg.default"
# Else crun drops it.
HOOK_SAYS = {"run.oci.hooks.stderr": "/dev/stderr"}


def install_hook():
    """With the other program, and a configuration that has it where it is."""
    if not HOOKS.exists():
        HOOKS.mkdir(parents=True)
        for name in ("rdmacg-set", "oci/rdmacg-hook", "oci/rdmacg-hook.json"):
            shutil.copy(EXAMPLES / name, HOOKS)
        config = HOOKS / "rdmacg-hook.json"
        config.write_text(config.read_text().replace("/usr/local/sbin", str(HOOKS)))


def check_crun_with_hook(guest):
    """Nobody turns the controller on before."""
    crun = ("crun", *RUN)
    container = Container(guest)
    install_hook()

    def bundle(**annotations):
        make_bundle({}, annotations=annotations | HOOK_SAYS, hooks={
            "createRuntime": [{"path": str(HOOKS / "rdmacg-hook")}]})

    bundle(**{ANNOTATION: LIMIT})
    container.check_default(crun)
    bundle(other=LIMIT)
    container.check("without the annotation", crun, IS_UNLIMITED, NO_LIMIT)
    bundle(**{ANNOTATION: "hca_objekt=1"})
    container.check_refused("a limit that is none", crun, "invalid argument")


PODMAN = ("podman", "--root", "/tmp/podman", "--runroot", "/run/podman",
          "--tmpdir", "/run/podman-tmp", "--storage-driver", "vfs",
          "--cgroup-manager", "cgroupfs", "--events-backend", "file")


def check_podman(guest, runtime):
    container = Container(guest, "libpod-*")
    if guest.version == 2:
        why, shows = "--cgroup-conf", LIMIT
        limit = ("--cgroup-conf", f"rdma.max={DEVICE} {LIMIT}")
    else:
        why, shows = "a limit of the parent", NO_LIMIT
        limit = ()
        container.parent.limit(HANDLES, OBJECTS)
    make_bundle({})

    def command(*options):
        return (*PODMAN, "--hooks-dir", HOOKS, "--runtime", runtime, "run", "--rm", "--interactive",
                "--network", "host", "--no-hosts", "--cgroup-parent", f"/{PARENT}",
                *options, "--volume", "/usr:/usr:ro",
                *(f"--device={path}" for path in devices()),
                f"--device-cgroup-rule=c {device_major()}:* rw",
                "--rootfs", ROOTFS, f"/{TENANT[0]}", *TENANT[1:])

    install_hook()
    container.check(why, command(*limit), shows=shows)
    container.check_default(command("--annotation", f"{ANNOTATION}={LIMIT}"),
                            "a default of a hook", "hook")
    if guest.version == 2:
        container.check_default(
            command("--cgroup-conf", f"rdma.max={defaults.DEFAULT}"))


def check_metrics_of_ctr(guest, cgroup):
    def expect(text, current, limit):
        done = run("ctr", "tasks", "metrics", "--format", "json", NAME)
        guest.promise(text, json.loads(done.stdout).get("rdma") == (
            current and {"current": current, "limit": limit}), done.stdout)

    expect("its metrics have the RDMA figures", CURRENT_IN_GO, MAX_IN_GO)
    with device_called_default():
        if guest.stock:
            called = {"device": "default"}
            expect("its metrics have those of any device",
                   [LIMITED, called], [LIMITED, MAX_IN_GO[1] | called])
        else:
            expect("its metrics have all but those of a line with index=N",
                   CURRENT_IN_GO[:1], MAX_IN_GO[:1])
    if guest.stock:
        expect("its metrics are as before with its own name", CURRENT_IN_GO, MAX_IN_GO)
        return
    cgroup.limit(HANDLES, OBJECTS, "default")
    if guest.version == 2:
        expect("its metrics take a default for one more device", CURRENT_IN_GO,
               [LIMITED | {"device": device}
                for device in ("default", DEVICE, OTHER_DEVICE)])
    else:
        expect("its metrics have no RDMA figures where there is a default", None, None)


@contextlib.contextmanager
def containerd(guest, config):
    """The daemon, for as long as it is used; says whether it answers."""
    with Conversation("containerd", "--config", config, "--log-level", "error"):
        yield guest.promise("the daemon answers", wait_until(
            lambda: run("ctr", "version").returncode == 0))


def check_containerd(guest):
    """With ctr, and what Debian's daemon needs no configuration of a host for."""
    ctr = ("ctr", "run", "--rm", "--config", FOLDER / "config.json", NAME)
    container = Container(guest)
    make_bundle(RDMA)
    config = FOLDER / "containerd.toml"
    config.write_text(
        'version = 2\nroot = "/tmp/containerd"\nstate = "/run/containerd"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri", '
        '"io.containerd.internal.v1.opt"]\n')
    with containerd(guest, config) as answers:
        if not answers:
            return
        container.check("linux.resources.rdma", ctr,
                        more=lambda cgroup: check_metrics_of_ctr(guest, cgroup))
        make_bundle(RDMA_DEFAULT)
        container.check_default(ctr)


LXC = ("-P", "/tmp/lxc", "-n", NAME)


def check_lxc(guest):
    """One that stays in the foreground, and in the network of the guest."""
    container = Container(guest, f"lxc.payload.{NAME}")
    make_bundle({})
    config = FOLDER / "lxc.conf"
    key = "lxc.cgroup2.rdma.max" if guest.version == 2 else "lxc.cgroup.rdma.max"
    command = ("lxc-start", "-F", *LXC, "-f", config)

    def configure(*limits):
        lines = [
            f"lxc.rootfs.path = dir:{ROOTFS}", f"lxc.uts.name = {NAME}",
            f"lxc.init.cmd = /{' '.join(TENANT)}", "lxc.net.0.type = none",
            "lxc.console.path = none", "lxc.apparmor.profile = unconfined",
            "lxc.mount.auto = proc:mixed", f"lxc.cgroup.dir = {PARENT}",
            *(f"lxc.mount.entry = {mount['source']} {mount['destination'][1:]} "
              "none rbind,create=dir 0 0" for mount in MOUNTS),
            *(f"{key} = {limit}" for limit in limits)]
        config.write_text("\n".join(lines) + "\n")

    def change(cgroup):
        done = run("lxc-cgroup", *LXC, "rdma.max", f"{OTHER_DEVICE} hca_object=9")
        guest.promise("lxc-cgroup changes a limit", done.returncode == 0 and
                      "hca_object=9" in cgroup.figures("max", OTHER_DEVICE), done.stdout)
        done = run("lxc-cgroup", *LXC, "rdma.current")
        guest.promise("lxc-cgroup shows the usage", f"{DEVICE} {LIMIT}" in done.stdout,
                      done.stdout)

    pathlib.Path("/tmp/lxc").mkdir(exist_ok=True)
    configure(f"{DEVICE} {LIMIT}")
    if guest.newer and guest.version == 1:
        done = run(*command)
        guest.promise("LXC 7 no longer knows cgroup v1", done.returncode and
                      f'Unsupported config key "{key}"' in done.stdout, done.stdout)
        return
    container.check(key, command, more=change)
    configure(*LINES)
    with Conversation(*command) as tenant:
        tenant.hears("^pd: made ")
        cgroup = container.cgroup
        shown = [f"{device} {cgroup.figures('max', device)}"
                 for device in (DEVICE, OTHER_DEVICE)]
        tenant.say("quit")
        tenant.end()
    guest.promise("two devices: each has its limit",
                  shown == [LINES[0], f"{LINES[1]} hca_object=max"],
                  f"{shown}\n{tenant.said}")
    configure("nodevice hca_handle=1")
    container.check_refused("a device that is not there", command, "")
    configure(defaults.DEFAULT)
    if guest.stock:
        container.check_refused("a default", command, "")
    else:
        container.check_default(command)
