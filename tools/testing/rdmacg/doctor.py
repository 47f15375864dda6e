#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tell what this machine lacks, before anything is built or installed.

One line for each thing, "ok" or "missing", with what to do. Exits with 1 if "make
run" or "make test" could not work, which such lines say; what else is missing costs
time, or other targets.
"""

import argparse
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
for folder in ("qemu", "lint"):
    sys.path.insert(0, str(HERE / folder))
import debian  # noqa: E402 (only now can they be found)
import kernel  # noqa: E402
import lint  # noqa: E402
import machines  # noqa: E402
import setup  # noqa: E402
import vm  # noqa: E402

MEMINFO = Path("/proc/meminfo")
APT_HELPER = Path("/usr/lib/apt/apt-helper")
QUICKLY = ("-o", "Acquire::http::Timeout=10", "-o", "Acquire::https::Timeout=10",
           "-o", "Acquire::Retries=0")
# What make run and make test install; the machine's own group comes to these.
VITAL_GROUPS = ("guest", "native", "top")
# Where a group of packages is not of the target of its name.
USERS = {"faults": "faults, storms, soak, uverbs-fuzz", "deb-config": "deb CONFIG_FILE=",
         "examples": "examples-test", "series": "series-test", "svg": "run-svg"}
# In GB. All that "make test-all" leaves behind is 40.
SOURCE_SPACE, CCACHE_SPACE, BUILD_SPACE, TMP_SPACE = 2.5, 0.5, 0.5, 0.2
RUN_MEMORY, ALL_MEMORY = 1.5, 3.5

Check = collections.namedtuple("Check", "well what todo vital", defaults=("", False))


def gigabytes(number):
    return f"{number:.1f} GB"


def existing(path):
    """The nearest folder that is there already."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def free(path):
    status = os.statvfs(existing(path))
    return status.f_bavail * status.f_frsize / 1e9


class Doctor:
    """All checks, in the order in which they are told."""

    def __init__(self, build, machine, base, source):
        self.build, self.machine, self.base, self.source = build, machine, base, source
        self.root = setup.as_root()
        self.no_apt = self.ask_mirror()

    def ask_mirror(self):
        """Why apt can fetch nothing; "" if it can."""
        if not shutil.which("apt-get"):
            return "there is no apt-get: this needs Debian or Ubuntu"
        suites = debian.host_suites()
        if not suites:
            return "apt knows no mirror: add one to /etc/apt/sources.list"
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [APT_HELPER, *QUICKLY, "download-file",
                 f"{suites[0][0]}/dists/{suites[0][1]}/Release", f"{folder}/Release"],
                text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return "" if done.returncode == 0 else \
            "; ".join([debian.NO_CONNECTION, *debian.reasons(done.stdout)])

    def installs(self):
        """Why make cannot install packages; "" if it can."""
        if self.root is None:
            return "you are not root, and sudo does not help"
        return self.no_apt

    def packages(self):
        known = setup.packages()
        cross = [f"gcc-{prefix}" for _, prefix, _ in lint.CROSS.values()]
        users = {
            "run, test": [name for group in (*VITAL_GROUPS, self.machine)
                          for name in known[group]],
            **{USERS.get(group, group): known[group] for group in setup.GROUPS
               if group not in VITAL_GROUPS},
            **{f"ARCH={name}": known[name] for name in machines.MACHINES
               if name not in (self.machine, machines.DEFAULT)},
            "lint T=cross": list(dict.fromkeys(cross)),
        }
        why = self.installs()
        for user, wanted in users.items():
            lacking = setup.missing(wanted)
            names = " ".join(choice.partition("|")[0] for choice in lacking)
            yield Check(not lacking, f"packages for {user}: " + (names or f"{len(wanted)}"),
                        f"{why}: run 'apt-get install {names}' as root" if why else
                        "make installs them when it needs them", user == "run, test" and why)

    def apt(self):
        broken = setup.output("dpkg", "--audit")
        yield Check(not broken, "state of dpkg", "an installation was cut off: run "
                    "'dpkg --configure -a' as root", bool(broken))
        yield Check(self.root is not None, "root, or sudo without a password",
                    "make cannot install packages, and says which it needs")
        yield Check(not self.no_apt, "mirror of packages", self.no_apt)

    def sources(self):
        """What comes from suites that this host need not follow."""
        if self.source:
            why = kernel.why_no_source(self.source)
            yield Check(not why, f"KERNEL_SRC={self.source}", why, True)
        archive = debian.Archive(kernel.SUITES)
        for base in kernel.bases():
            package = f"linux-source-{base}"
            vital = base == self.base and not self.source
            if (debian.CACHE / package / "Makefile").exists():
                yield Check(True, f"source for KERNEL={base}: in {debian.CACHE}")
            else:
                yield self.fetched(archive, package, f"source for KERNEL={base}",
                                   "use another KERNEL=, or KERNEL_SRC=", vital)
        yield self.fetched(debian.Archive(("unstable",)), "sparse",
                           "unstable, for sparse, Prometheus and clients SUITE=unstable",
                           "lint KERNEL=7.3 and examples-test need it")

    def fetched(self, archive, package, what, todo, vital=False):
        """Whether the suites of an archive have a package."""
        why = self.no_apt
        if not why:
            try:
                archive.fetch(package, *QUICKLY, "--print-uris", "download", package)
            except (debian.Unavailable, OSError) as error:
                why = ";".join(str(error).split("\n ")[:2])
        return Check(not why, what + ": can be fetched" * (not why), f"{why}: {todo}", vital)

    def folders(self):
        cache, build = debian.CACHE, self.build
        there = self.source or (cache / f"linux-source-{self.base}/Makefile").exists()
        need = {cache: CCACHE_SPACE + (0 if there else SOURCE_SPACE), build: BUILD_SPACE,
                Path(tempfile.gettempdir()): TMP_SPACE}
        for folder, what in zip(need, ("kernel sources and ccache", "what is built",
                                       "temporary files")):
            near = existing(folder)
            wanted = sum(space for other, space in need.items()
                         if os.stat(existing(other)).st_dev == os.stat(near).st_dev)
            have = free(folder)
            writable = os.access(near, os.W_OK | os.X_OK)
            yield Check(have >= wanted and writable,
                        f"space for {what}: {gigabytes(have)} in {folder}",
                        f"{near} is not writable: set XDG_CACHE_HOME=, TMPDIR=, or clone to "
                        "elsewhere" if not writable else
                        f"{gigabytes(wanted)} are needed there: free some, or set "
                        "XDG_CACHE_HOME=, TMPDIR=, or clone to elsewhere", True)

    def machine_itself(self):
        memory = int(re.search(r"MemAvailable: +(\d+)", MEMINFO.read_text())[1]) / 1e6
        for need, users, vital in ((RUN_MEMORY, "run, test", True),
                                   (ALL_MEMORY, "CONFIG=debug, soak", False)):
            yield Check(memory >= need, f"memory for {users}: {gigabytes(memory)} available",
                        f"{gigabytes(need)} are needed: end other programs", vital)
        cores = len(os.sched_getaffinity(0))
        minutes = max(1, round(kernel.USUAL_OBJECTS * kernel.SECONDS_PER_OBJECT / cores / 60))
        yield Check(cores > 1, f"cores: {cores}; a first build takes {minutes} to "
                    f"{2 * minutes} minutes", "races between CPUs are seldom seen on one")
        yield self.accelerator()

    def accelerator(self):
        choice = os.environ.get("ACCEL")
        slow = "guests are emulated (TCG), as for all times in make help"
        if choice:
            return Check(True, f"KVM: not asked, as ACCEL={choice}")
        if not vm.KVM.exists():
            return Check(False, "KVM", f"there is no {vm.KVM}; {slow}")
        if not os.access(vm.KVM, os.R_OK | os.W_OK):
            return Check(False, "KVM", f"{vm.KVM} is not yours: join its group, as by "
                         f"'adduser $USER kvm' as root; until then {slow}")
        qemu = machines.MACHINES[machines.DEFAULT].qemu
        tried = vm.recorded_accelerator(qemu) if shutil.which(qemu) else None
        if tried == "tcg":
            return Check(False, "KVM", f"a guest hung with it, by {vm.ACCELERATOR}, so {slow}; "
                         "ACCEL=kvm tries again")
        return Check(True, "KVM: " + ("guests boot with it" if tried else
                                      "the first guest will try whether it boots with it"))

    def helpers(self):
        ccache = shutil.which("ccache")
        yield Check(bool(ccache), "ccache", "each build compiles all anew; run and test "
                    "install it")
        yield Check(True, "name and address in git: none needed, make series has its own")

    def checks(self):
        for part in (self.apt, self.packages, self.sources, self.folders,
                     self.machine_itself, self.helpers):
            yield from part()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True, help="what make calls build/")
    parser.add_argument("--machine", default=machines.DEFAULT, choices=machines.MACHINES)
    args = parser.parse_args()

    source = os.environ.get("KERNEL_SRC")
    doctor = Doctor(args.build, args.machine, os.environ.get("KERNEL", "6.12"),
                    Path(source) if source else None)
    vital = 0
    for check in doctor.checks():
        if check.well:
            print(f"ok       {check.what}", flush=True)
        else:
            vital += bool(check.vital)
            print(f"missing  {check.what}: {check.todo}"
                  + " (make run or make test needs it)" * bool(check.vital), flush=True)
    print("make run and make test cannot work as this is" if vital else
          "make run and make test will work")
    return bool(vital)


if __name__ == "__main__":
    sys.exit(main())
