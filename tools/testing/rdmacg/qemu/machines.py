#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What differs between the machines that a guest may be, in one table.

A guest's root file system is the host's, with a kernel and an init for its own
machine. Where that cannot run the host's programs, other ones lie over /usr:
Debian's packages for that machine, unpacked in the cache. So the shell scripts,
iproute2 and the verbs providers are those of x86 guests, a path is the same in
the guest and on the host, and what is compiled for the guest is compiled against
these packages. Static programs would need substitutes for all of these.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from debian import CACHE, Archive, Unavailable  # noqa: E402 (only now can it be found)

# The compilers' own release, or an older one: programs are linked to its library.
SUITE = "bookworm"
# What scripts and programs in the guest call, and what compiling them takes.
PROGRAMS = ("bash", "coreutils", "dash", "grep", "ibverbs-providers", "ibverbs-utils",
            "iproute2", "kmod", "libc6-dev", "libibverbs-dev", "libmnl-dev", "libncurses-dev",
            "mount", "python3-minimal", "sed", "util-linux")


@dataclass(frozen=True)
class Machine:
    kernel_arch: str            # ARCH of the kernel's make
    srcarch: str                # its folder below arch/
    image: str                  # what QEMU boots, in the kernel's object folder
    qemu: str
    options: tuple              # of QEMU
    bus: str                    # of virtio
    console: str                # words of the kernel's command line
    packages: tuple             # of the host
    debian: str = ""            # architecture of the programs that are not the host's
    compiler: str = ""          # prefix of the cross compiler's programs

    def root(self):
        """Where the guest's own programs are unpacked; None if they are the host's."""
        return CACHE / f"root-{SUITE}-{self.debian}" if self.debian else None

    def unpack(self):
        if self.debian:
            Archive((SUITE,), self.debian).unpack(PROGRAMS, self.root())


PC = {
    "srcarch": "x86",
    "image": "vmlinux",
    "qemu": "qemu-system-x86_64",
    "options": ("-machine", "q35", "-cpu", "max"),
    "bus": "pci",
    # A busy host may be late with the ticks that a check of the timer wants.
    "console": "console=ttyS0 earlycon=uart8250,io,0x3f8 no_timer_check",
}
MACHINES = {
    "x86": Machine(kernel_arch="x86", packages=("qemu-system-x86",), **PC),
    "i386": Machine(
        kernel_arch="i386", packages=("qemu-system-x86", "gcc-i686-linux-gnu"),
        debian="i386", compiler="i686-linux-gnu-", **PC),
    "arm64": Machine(
        kernel_arch="arm64", srcarch="arm64", image="arch/arm64/boot/Image",
        qemu="qemu-system-aarch64",
        options=("-machine", "virt,gic-version=3", "-cpu", "max"),
        bus="pci", console="console=ttyAMA0 earlycon",
        packages=("qemu-system-arm", "gcc-aarch64-linux-gnu"),
        debian="arm64", compiler="aarch64-linux-gnu-"),
    "s390x": Machine(
        kernel_arch="s390", srcarch="s390", image="arch/s390/boot/bzImage",
        qemu="qemu-system-s390x", options=("-machine", "s390-ccw-virtio", "-cpu", "max"),
        bus="ccw", console="console=ttysclp0",
        packages=("qemu-system-misc", "gcc-s390x-linux-gnu"),
        debian="s390x", compiler="s390x-linux-gnu-"),
}
DEFAULT = "x86"


def main():
    parser = argparse.ArgumentParser(
        description="Print a fact about a machine, for the Makefile, or unpack its programs.")
    parser.add_argument("machine", choices=MACHINES)
    parser.add_argument("what", choices=("compiler", "unpack"))
    args = parser.parse_args()
    machine = MACHINES[args.machine]
    if args.what == "compiler":
        print(f"{machine.compiler}gcc",
              *(f"--sysroot={root}" for root in [machine.root()] if root))
    else:
        try:
            machine.unpack()
        except Unavailable as error:
            sys.exit(f"machines.py: {error}")


if __name__ == "__main__":
    main()
