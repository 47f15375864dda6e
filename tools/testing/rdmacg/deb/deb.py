#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Build Debian packages of the kernel, by its own bindeb-pkg.

The configuration is that of the guest or, for a real machine, one of yours.
The tree is a real copy of the source: the package for building modules takes
its files from there, and symbolic links would lead it out of itself.
"""

import argparse
import fcntl
import os
import shutil
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "qemu"))
import kernel  # noqa: E402 (it lies in a folder of its own)

LOCAL_VERSION = "-rdmacg"


def say(text):
    print(f"deb: {text}", file=sys.stderr, flush=True)


def lay_out(source, base, tree):
    """A copy of the source with our files in it."""
    stamp = tree / ".complete"
    if not stamp.exists():
        say(f"[1/3] copying {source.name}, 1.5 GB")
        kernel.copy_source(source, tree)
        stamp.touch()
    ours = kernel.laid_over("rdmacg", source, base, tree.parent / "files")
    # What the last build laid over and this one does not is as it was.
    laid = tree.parent / "laid-over"
    for rel in laid.read_text().split() if laid.exists() else ():
        if rel not in ours:
            kernel.remove(tree / rel)
            if (source / rel).exists():
                shutil.copy(source / rel, tree / rel)
    laid.write_text("".join(f"{rel}\n" for rel in ours))
    for rel, path in ours.items():
        target = tree / rel
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != path.read_bytes():
            shutil.copy(path, target)


def configure(tree, obj, config_file, make):
    """Write obj/.config, and return the options that are not as they were."""
    fragment = HERE / "host.config"
    obj.mkdir(exist_ok=True)
    before = kernel.read_config(config_file)
    kernel.run([str(tree / "scripts/kconfig/merge_config.sh"), "-m", "-O", str(obj),
                str(config_file), str(fragment)], cwd=tree)
    kernel.run([*make, "olddefconfig"])
    after = kernel.read_config(obj / ".config")
    for name in ("CONFIG_CGROUP_RDMA", "CONFIG_INFINIBAND_USER_ACCESS"):
        if after.get(name, "n") == "n":
            kernel.die(f"{config_file}: {name} cannot be set: turn on what it depends "
                       "on ('make menuconfig' in a kernel tree, '/' to search)")
    return [name for name, value in before.items() if after.get(name, "n") != value]


def package(make, version, log):
    """Run bindeb-pkg, with the compiler's last file to be seen."""
    started = shown = time.monotonic()

    def tick(objects, name):
        nonlocal shown
        now = time.monotonic()
        if now - shown > 20:
            shown = now
            say(f"      {objects} objects, {name} ({now - started:.0f} s)")

    kernel.follow_make([*make, f"LOCALVERSION={LOCAL_VERSION}",
                        f"KDEB_PKGVERSION={version}-1", "bindeb-pkg"],
                       log, "bindeb-pkg failed", tick)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", required=True)
    parser.add_argument("--source", type=Path, required=True,
                        help="pristine kernel tree")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--config-file", type=Path,
                        help="configuration of a kernel, as /boot/config-$(uname -r)")
    parser.add_argument("--lean", type=Path, required=True,
                        help="the configuration to take else")
    args = parser.parse_args()

    config_file = args.config_file or args.lean
    if not config_file.is_file():
        kernel.die(f"there is no {config_file}; CONFIG_FILE= names the configuration "
                   "of a kernel, as /boot/config-$(uname -r)")
    source = args.source.resolve()
    out = kernel.BUILD / "deb" / args.base
    tree = out / "linux"
    obj = tree / "obj-deb"
    out.mkdir(parents=True, exist_ok=True)
    with (out / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lay_out(source, args.base, tree)
        make = kernel.make_command(tree, obj, args.jobs, [])
        changed = configure(tree, obj, config_file.resolve(), make)
        say(f"[2/3] configuration: {config_file}, {len(changed)} options changed"
            + (": " + " ".join(changed[:20]) if changed else ""))
        version = kernel.run([*make, "-s", "kernelversion"]).split()[-1]
        log = out / "build.log"
        say(f"[3/3] bindeb-pkg; log in {os.path.relpath(log)}")
        for old in [*tree.glob("*.deb"), *out.glob("*.deb")]:
            old.unlink()
        package(make, version, log)
        for built in tree.glob("*.deb"):
            built.rename(out / built.name)
        for rest in [*tree.glob("*.changes"), *tree.glob("*.buildinfo")]:
            rest.unlink()
    for built in sorted(out.glob("*.deb")):
        print(os.path.relpath(built))


if __name__ == "__main__":
    main()
