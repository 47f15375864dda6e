#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Install the package of rdmacg-top where nothing is lost, and use it. Prints TAP.

The host's root file system is seen through an overlay, in a mount namespace of
its own, so that dpkg runs as on a real machine and nothing of it stays.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

NAME = "rdmacg-top"
IN_NAMESPACE = "RDMACG_IN_NAMESPACE"
UNITS = pathlib.Path("/lib/systemd/system")
COLLECTED = pathlib.Path("/var/lib/prometheus/node-exporter")
COMPLETION = f"/usr/share/bash-completion/completions/{NAME}"


def run(*command, **options):
    return subprocess.run(command, check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **options).stdout


def enter_copy(folder, package):
    """Goes on in a copy of the root that is written in the folder.

    Returns where the package is in there: the copy has no other mounts.
    """
    run("mount", "-t", "tmpfs", "tmpfs", folder)
    for name in ("upper", "work", "root"):
        (folder / name).mkdir()
    root = folder / "root"
    run("mount", "-t", "overlay", "overlay", "-o",
        f"lowerdir=/,upperdir={folder}/upper,workdir={folder}/work", root)
    for name in ("dev", "proc", "sys"):
        run("mount", "--rbind", f"/{name}", root / name)
    shutil.copy(package, root)
    os.chroot(root)
    os.chdir("/")
    return f"/{package.name}"


class Test:
    def __init__(self, package, version):
        self.package, self.version = package, version

    def install(self):
        """dpkg installs it"""
        run("dpkg", "-i", self.package)
        status = run("dpkg-query", "-W", "-f",
                     "${db:Status-Status} ${Version}", NAME)
        assert status == f"installed {self.version}", status

    def files(self):
        """what it says it has is there and unchanged"""
        assert not run("dpkg", "--verify", NAME)
        for name in (f"/usr/bin/{NAME}", COMPLETION, UNITS / f"{NAME}.timer",
                     UNITS / f"{NAME}.service",
                     f"/usr/share/man/man1/{NAME}.1.gz"):
            assert pathlib.Path(name).is_file(), name

    def binary(self):
        """the program starts, with the libraries it depends on"""
        assert run(f"/usr/bin/{NAME}", "--version") == f"{NAME} {self.version}\n"
        depends = run("dpkg-query", "-W", "-f", "${Depends}", NAME)
        for library in ("libmnl0", "libncursesw6", "libtinfo6", "libc6"):
            assert library in depends, depends

    def manual(self):
        """the man page is the one of this version"""
        text = run("zcat", f"/usr/share/man/man1/{NAME}.1.gz")
        assert f'"{NAME} {self.version}"' in text

    def units(self):
        """systemd takes the units, and the timer is off"""
        assert not run("systemd-analyze", "verify", UNITS / f"{NAME}.service",
                       UNITS / f"{NAME}.timer")
        wants = pathlib.Path("/etc/systemd/system/timers.target.wants")
        assert not os.path.lexists(wants / f"{NAME}.timer")

    def collected(self):
        """the service's command writes the collector's file, whole"""
        text = (UNITS / f"{NAME}.service").read_text()
        command = re.search("^ExecStart=/bin/sh -ec '(.*)'$", text, re.M)[1]
        options = re.search("^Environment=RDMACG_TOP_OPTIONS=(.*)$", text,
                            re.M)[1]
        COLLECTED.mkdir(parents=True, exist_ok=True)
        tree = pathlib.Path("/made-up")
        (tree / "a").mkdir(parents=True)
        (tree / "cgroup.controllers").write_text("rdma\n")
        (tree / "a/rdma.current").write_text("mlx4_0 hca_object=0\n")
        run("sh", "-ec", command.replace("$$", "$"), env={
            "PATH": "/usr/bin:/bin",
            "RDMACG_TOP_OPTIONS": f"{options} --root={tree}"})
        assert not (COLLECTED / "rdmacg.prom.new").exists()
        # It is a row without --all as well as with usage of none.
        assert 'rdmacg_usage{cgroup="/a",device="mlx4_0"' in \
            (COLLECTED / "rdmacg.prom").read_text()

    def completion(self):
        """bash completes options, columns and nothing else"""
        text = run(f"/usr/bin/{NAME}", "--help")
        want = set(re.findall("--[a-z]+=?", text))
        assert set(self.complete("--")) == want, want
        listed = re.search(r"percent \(the default\),(.*?)\n  -t", text, re.S)[1]
        columns = set(re.findall("[a-z]+(?:-[a-z]+)?", re.sub(
            "of (kinds|processes):", "", listed))) | {"percent"}
        assert set(self.complete("--sort=")) == columns, columns
        assert self.complete("--sort=per") == ["percent"]
        assert self.complete("--delay=") == []

    def complete(self, word):
        script = f"""
            . /usr/share/bash-completion/bash_completion
            . {COMPLETION}
            COMP_LINE="{NAME} {word}" COMP_POINT=${{#COMP_LINE}}
            COMP_WORDS=({NAME} {' '.join(re.findall('=|[^=]+', word))})
            COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
            compopt() {{ :; }}
            _rdmacg_top {NAME}
            printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        return run("bash", "-c", script).split()

    def remove(self):
        """it is removed without a trace"""
        run("dpkg", "--purge", NAME)
        for name in (f"/usr/bin/{NAME}", COMPLETION, UNITS / f"{NAME}.timer"):
            assert not os.path.lexists(name), name

    CASES = (install, files, binary, manual, units, collected, completion,
             remove)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="with the package")
    folder = parser.parse_args().folder.resolve()
    package, = folder.glob(f"{NAME}_*.deb")
    if os.geteuid():
        print(f"1..0 # SKIP only root can install {package.name}")
        return 0
    if IN_NAMESPACE not in os.environ:
        with tempfile.TemporaryDirectory() as work:
            return subprocess.run(
                ["unshare", "--mount", sys.argv[0], str(folder)], check=False,
                env=os.environ | {IN_NAMESPACE: work}).returncode
    failed = False
    print(f"1..{len(Test.CASES)}")
    test = Test(enter_copy(pathlib.Path(os.environ[IN_NAMESPACE]), package),
                package.name.split("_")[1])
    for number, case in enumerate(test.CASES, 1):
        try:
            case(test)
            word = "ok"
        except (AssertionError, OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "output", None) or error
            print("\n".join(f"# {line}" for line in str(said).splitlines()))
            word = "not ok"
            failed = True
        print(f"{word} {number} - tools-deb: {case.__doc__}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
