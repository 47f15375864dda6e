#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Install the Debian packages that a group of targets needs and this host lacks.

setup.py GROUP... names groups of packages(); all that it says goes to stderr.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "qemu"))
import debian  # noqa: E402 (only now can they be found)
import machines  # noqa: E402

# Where releases of Debian and Ubuntu differ, any one of several will do, as in
# "libclang-rt-14-dev|libclang-rt-19-dev".
GROUPS = {
    "guest": "gcc make libc6-dev flex bison bc libelf-dev xz-utils patch ccache git python3 "
             "iproute2 pkgconf libibverbs-dev ibverbs-providers ibverbs-utils kmod util-linux",
    "native": "clang libclang-rt-14-dev|libclang-rt-dev|libclang-rt-18-dev liburcu-dev spin gnuplot-nox",
    "faults": "libmnl-dev",
    "top": "libmnl-dev libncurses-dev tmux",
    "clients": "python3-pyverbs perftest rdmacm-utils cgroup-tools runc crun containerd podman "
               "lxc golang-go golang-github-opencontainers-runc-dev ucx-utils libfabric-bin "
               "catatonit protobuf-compiler python3-grpcio python3-protobuf jq munge slurmctld "
               "slurmd slurm-client",
    "examples": "jq libmnl-dev libncurses-dev libslurm-dev python3-yaml strace systemd",
    "docs": "dwarves inotify-tools jq perftest rdmacm-utils systemd trace-cmd ucx-utils",
    "lint": "clang-19 coccinelle codespell editorconfig "
            "libpython3.11|libpython3.13|libpython3.12 ocaml perl pyflakes3 python3-sphinx "
            "shellcheck sparse",
    "series": "perl python3-git python3-ply",
    "deb": "debhelper dpkg-dev rsync cpio kmod libdw-dev libssl-dev",
    "deb-config": "dwarves",
    "tools-deb": "debhelper dpkg-dev lintian libmnl-dev libncurses-dev pkgconf",
    "tools-deb-test": "bash-completion",
    "svg": "termtosvg bsdutils",
}
PROGRESS_LINES = 10     # of which one is shown


def packages():
    """{group: packages}; what a machine needs has the machine's name."""
    return {**{group: names.split() for group, names in GROUPS.items()},
            **{name: list(machine.packages) for name, machine in machines.MACHINES.items()}}


def output(*argv):
    """What a program says on stdout; "" if it cannot run."""
    try:
        return subprocess.run(argv, text=True, check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout
    except OSError:
        return ""


def missing(wanted):
    """Which of these packages are not installed, each in all its names."""
    names = [name for choice in wanted for name in choice.split("|")]
    installed = set(re.findall(
        r"^(\S+) installed$", output("dpkg-query", "-W", "-f",
                                     "${Package} ${db:Status-Status}\\n", *names), re.M))
    return [choice for choice in dict.fromkeys(wanted)
            if installed.isdisjoint(choice.split("|"))]


def available(choice):
    """The first name of a package that apt knows; the first of all if it knows none."""
    first, *others = choice.split("|")
    return next((name for name in (first, *others) if others and
                 output("apt-cache", "show", "--no-all-versions", name)), first)


def as_root():
    """How to begin a command so that root runs it; None if there is no way."""
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "-n"]
    try:
        return sudo if subprocess.run([*sudo, "true"], check=False,
                                      stderr=subprocess.DEVNULL).returncode == 0 else None
    except OSError:     # also of one that this user may not run
        return None


class Progress:
    """Shows some of what apt-get says as it goes on, and keeps all of it."""

    def __init__(self):
        self.said = ""
        self.total = "?"
        self.step = ""
        self.number = 0

    def feed(self, line):
        self.said += line
        planned = re.search(r"(\d+) newly installed, ", line)
        if planned:
            self.total = planned[1]
        match = re.match(r"(Get(?=:)|Unpacking |Setting up )", line)
        if match:
            if match[1] != self.step:
                self.step, self.number = match[1], 0
            self.number += 1
            if self.number % PROGRESS_LINES == 1:
                tell(f"  [{self.number}/{self.total}] {line.rstrip()[:70]}")


def tell(text):
    print(text, file=sys.stderr, flush=True)


def apt_get(root, progress, *words):
    """Run apt-get as root; return whether that went well."""
    with subprocess.Popen([*root, "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C",
                           "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", *words],
                          text=True, errors="replace", stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        for line in process.stdout:
            progress.feed(line)
    return process.returncode == 0


def advice(said, wanted):
    """What to do after apt-get has failed and said that."""
    again = "then run make again."
    listed = " ".join(wanted)
    if re.search(r"dpkg was interrupted|dpkg --configure -a", said) or \
            output("dpkg", "--audit"):
        return ("An installation before was cut off: run 'dpkg --configure -a' as root, and\n"
                f"'apt-get --fix-broken install' if that complains, {again}")
    if re.search(r"fix-broken|[Uu]nmet dependencies", said):
        return ("Packages on this host do not fit together: run 'apt-get --fix-broken install' "
                f"as root, {again}")
    if debian.unreachable(said):
        return f"{debian.NO_CONNECTION}, {again}\nOr install these from elsewhere: {listed}"
    if "Unable to locate package" in said:
        return ("The mirrors in /etc/apt/sources.list do not have all of these; they are in "
                "main of Debian 12 and 13.")
    return f"Could not install: {listed}; mend what apt says above, {again}"


def install(wanted):
    """Install what is missing of these packages, or exit and say what to do."""
    choices = missing(wanted)
    if not choices:
        return
    if not shutil.which("apt-get"):
        sys.exit("There is no apt-get here: this needs Debian or Ubuntu, and of their packages: "
                 + " ".join(choices))
    root = as_root()
    if root is None:
        sys.exit(f"Not root: run 'apt-get install {' '.join(map(available, choices))}' as root, "
                 "then try again.")
    progress = Progress()
    tell(f"Installing {len(choices)} Debian packages, and what they depend on")
    # Update first: old lists name files that the mirror no longer has.
    apt_get(root, progress, "update")
    names = [available(choice) for choice in choices]
    tell(f"  these: {' '.join(names)}")
    if not apt_get(root, progress, "install", "-y", "--no-install-recommends", *names):
        sys.exit("\n".join([*debian.reasons(progress.said), advice(progress.said, names)]))


def main():
    known = packages()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("group", nargs="*", help=", ".join(known))
    args = parser.parse_args()
    for group in args.group:
        if group not in known:
            parser.error(f"{group} is none of: {', '.join(known)}")
    install([name for group in args.group for name in known[group]])


if __name__ == "__main__":
    main()
