# SPDX-License-Identifier: GPL-2.0-only
"""Packages of Debian suites that the host does not follow.

apt is run with a configuration of its own, below CACHE: nothing of the host's
apt is written, no root is needed, and Debian's archive keyring verifies what
is fetched. The mirrors are those that the host's own apt uses.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rdmacg"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class Unavailable(Exception):
    """A package that cannot be had; the text says why."""


NO_CONNECTION = ("No connection to the mirror: look at the network, at http_proxy or apt's "
                 "proxy, at the mirror's name in /etc/apt/sources.list")


def unreachable(said):
    """What apt says of mirrors that it did not reach, each once."""
    # The same, once for each list and each file, all with the same address.
    return list(dict.fromkeys(
        re.findall(r"\b(?:Could not (?:connect|resolve)|Temporary failure|Cannot initiate|"
                   r"Connection (?:failed|timed out)|Unable to connect).*", said)))


def reasons(said):
    """What apt complains of, each once; why it reached no mirror comes first.

    Its advice to update is left out: that was done.
    """
    lines = [line for line in dict.fromkeys(
                 re.findall(r"^(?:E|Err\S*|W|dpkg): ?.*", said, re.M))
             if "run apt-get update" not in line]
    network = unreachable(said)
    return [*network[:3], *lines[-6:]]


def host_suites():
    """[(URI, suite)] of all that the host's apt uses, in its order."""
    uris = subprocess.run(["apt-get", "--print-uris", "update"], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return list(dict.fromkeys(re.findall(
        r"^'(\S+)/dists/([\w-]+)/main/binary-\w+/Packages", uris, re.M)))


def host_mirrors():
    """{is_security: URI} of the mirrors of Debian that the host's apt uses."""
    mirrors = {}
    for uri, suite in host_suites():
        if re.search(r"/debian(-security)?$", uri):
            mirrors.setdefault(suite.endswith("-security"), uri)
    return mirrors


class Archive:
    """A private apt that knows suites, the newest version of each package first."""

    def __init__(self, suites, architecture="amd64"):
        self.suites = suites
        self.architecture = architecture
        self.home = CACHE / "apt" / architecture / "+".join(suites)
        self.updated = False

    def apt(self, *words, cwd=None):
        """Run apt-get; return its exit status and all it said."""
        done = subprocess.run(["apt-get", "-q", "-c", self.home / "apt.conf", *words],
                              cwd=cwd, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout

    def configure(self):
        mirrors = host_mirrors()
        if False not in mirrors:
            raise Unavailable("the host's apt names no mirror of Debian")
        if not KEYRING.exists():
            raise Unavailable(f"{KEYRING} is missing; install debian-archive-keyring")
        for folder in ("lists/partial", "archives/partial"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        lines = [f"deb [signed-by={KEYRING}] {mirror} {suite} main\n"
                 for suite in self.suites
                 for mirror in [mirrors.get(suite.endswith("-security"))] if mirror]
        (self.home / "sources.list").write_text("".join(lines))
        # Backports and unstable count like any other: the newest version wins.
        (self.home / "preferences").write_text(
            "Package: *\nPin: release *\nPin-Priority: 500\n")
        (self.home / "status").touch()
        # As root apt wants to drop to a user who may not write here; let it not.
        (self.home / "apt.conf").write_text(
            f'APT::Architecture "{self.architecture}";\n'
            f'APT::Architectures {{ "{self.architecture}"; }};\n'
            'APT::Sandbox::User "root";\n'
            'Acquire::Languages "none";\n'
            'Dir::Etc::sourceparts "/dev/null";\n'
            'Dir::Etc::preferencesparts "/dev/null";\n'
            'Dir::Etc::trustedparts "/dev/null";\n'
            f'Dir::Etc::sourcelist "{self.home}/sources.list";\n'
            f'Dir::Etc::preferences "{self.home}/preferences";\n'
            f'Dir::State::lists "{self.home}/lists";\n'
            f'Dir::State::status "{self.home}/status";\n'
            f'Dir::Cache "{self.home}";\n')

    def update(self):
        """Fetch the lists, once in a run. A suite that is gone is passed over."""
        if self.updated:
            return ""
        self.configure()
        _, said = self.apt("update")
        self.updated = True
        return said

    def fetch(self, package, *words, cwd=None):
        """Run apt-get with words, which fetch package."""
        said = self.update()
        status, more = self.apt(*words, cwd=cwd)
        if status:
            said += more
            raise Unavailable("\n  ".join([
                f"{package}: no suite of {', '.join(self.suites)} has it that can be reached",
                *([NO_CONNECTION] if unreachable(said) else []), *reasons(said)]))

    def download(self, package, folder):
        """Fetch the newest version of package into folder; return its file."""
        self.fetch(package, "download", package, cwd=folder)
        return next(folder.glob(f"{package}_*.deb"))

    def unpack(self, packages, root):
        """Unpack packages and all they depend on into root.

        Nothing there is configured: no script of a package runs. What is there
        already stays as it is, whatever the suites have by now; remove root to
        fetch anew.
        """
        wanted = "".join(f"{package}\n" for package in sorted(packages))
        stamp = root / "packages"
        if stamp.exists() and stamp.read_text() == wanted:
            return
        print(f"Fetching {', '.join(sorted(packages))} and what they depend on into {root}",
              file=sys.stderr, flush=True)
        shutil.rmtree(root, ignore_errors=True)
        new = root.with_name(f"{root.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        debs = new / "debs"
        (debs / "partial").mkdir(parents=True)
        # Debian 12 relies on these links, and none of its packages has them.
        for name in ("bin", "lib", "sbin"):
            (new / name).symlink_to(f"usr/{name}")
            (new / "usr" / name).mkdir(parents=True, exist_ok=True)
        self.fetch(", ".join(packages), "install", "--yes", "--download-only",
                   "--no-install-recommends", "-o", f"Dir::Cache::archives={debs}/",
                   *packages)
        for deb in sorted(debs.glob("*.deb")):
            subprocess.run(["sh", "-ec", "dpkg-deb --fsys-tarfile \"$0\" |"
                            " tar -xp --keep-directory-symlink", deb], cwd=new, check=True)
        shutil.rmtree(debs)
        (new / stamp.name).write_text(wanted)
        new.rename(root)


def newest(package, program):
    """The command that runs program of unstable's package, which comes into CACHE.

    With it comes the C library that it needs, as the host's may be older.
    """
    root = CACHE / package
    Archive(("unstable",)).unpack([package], root)
    libraries = root / "usr/lib/x86_64-linux-gnu"
    return [str(libraries / "ld-linux-x86-64.so.2"), "--library-path", str(libraries),
            str(root / "usr/bin" / program)]
