# SPDX-License-Identifier: GPL-2.0-only
"""Moves this process into a root file system of unpacked packages."""

import os
import pathlib
import shutil
import subprocess

# An empty folder that every Debian has.
NEW = pathlib.Path("/mnt")

# The guest's own are seen in there as well.
SHARED = ("dev", "proc", "sys", "tmp", "run", "var/tmp")
# Packages write to these.
COPIED = ("etc", "var")


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def bind(source, target):
    target.mkdir(parents=True, exist_ok=True)
    mount("--rbind", source, target)


def enter(unpacked, *visible):
    """With unpacked/usr as it is, and the folders in visible at their places.

    The new root is a mount point, as runtimes want to pivot out of it.  This
    process goes on with the modules that it has: there are others in there.
    """
    mount("-t", "tmpfs", "tmpfs", NEW)
    for entry in unpacked.iterdir():
        target = NEW / entry.name
        if entry.is_symlink():
            target.symlink_to(entry.readlink())
        elif entry.name in COPIED:
            shutil.copytree(entry, target, symlinks=True)
        elif entry.is_dir():
            target.mkdir()
    bind(unpacked / "usr", NEW / "usr")
    for name in SHARED:
        bind(f"/{name}", NEW / name)
    for folder in visible:
        bind(folder, NEW / folder.relative_to("/"))
    os.chroot(NEW)
    os.chdir("/")
