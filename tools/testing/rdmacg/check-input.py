#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tell what is wrong with the input of make before any work is done.

check-input.py GOAL... takes the variables from its environment.
Each complaint names what there is to choose from, or what to do instead.
"""

import argparse
import ast
import importlib
import os
import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
for folder in ("qemu", "lint", "native", "detectors", "clients"):
    sys.path.insert(0, str(HERE / folder))
import debian  # noqa: E402 (only now can they be found)
import kernel  # noqa: E402
import machines  # noqa: E402
import suites  # noqa: E402

NUMBERS = ("SMP", "JOBS", "SECONDS", "MINUTES", "ROUNDS", "STEPS", "TABLES", "TIMEOUT")
# What make, the shell's words, QEMU and the kernel's command line take in a name; and
# in that of this tree, if what is built lies elsewhere.
NAME, TOP_NAME = r"[\w@%+=./-]*", r"[\w@%+=./ :-]*"


def in_hierarchies(names, only):
    """The cases v2:NAME and v1:NAME, less those that only one of both has."""
    return [f"{version}:{name}" for version in ("v2", "v1") for name in names
            if only.get(name, version) == version]


def kselftest_cases():
    programs = sorted((HERE / "../selftests/cgroup").glob("test_rdma*.c"))
    cases = [case for program in programs
             for case in re.findall(r"^\tT\((\w+)(.*)\),?$", program.read_text(), re.M)]
    only = {name: "v2" if "unified" in more else "v1" for name, more in cases if "_only" in more}
    return in_hierarchies([name for name, _ in cases], only)


def storm_cases():
    table = (HERE / "storms/storms.c").read_text().partition("const struct storm storms[] = {")[2]
    cases = re.findall(r'\{ "([\w-]+)"([^}]*)\}', table)
    return in_hierarchies([name for name, _ in cases],
                          {name: "v2" for name, more in cases if ".v2_only" in more})


def python_cases(folder):
    return [f"{group.name}.{case.name}" for part in sorted(HERE.glob(f"{folder}/test_*.py"))
            for group in ast.parse(part.read_text()).body if isinstance(group, ast.ClassDef)
            for case in group.body if getattr(case, "name", "").startswith("test_")]


def imported(module, get):
    return lambda: list(get(importlib.import_module(module)))


# Target: (variable that is part of the names of its cases, what these are).
FILTERS = {
    "kselftest": ("T", kselftest_cases),
    "storms": ("STORM", storm_cases),
    "fuzz": ("T", lambda: [path.stem for path in sorted(HERE.glob("native/fuzz_*.c"))]),
    "clients": ("T", imported("guest", lambda guest: guest.CASES)),
    "lint": ("T", imported("lint", lambda lint: lint.names())),
    "mutants": ("T", imported("mutants", lambda mutants: [m[0] for m in mutants.MUTANTS])),
    "top-test": ("T", lambda: python_cases("top")),
    "examples-test": ("T", lambda: python_cases("examples")),
}


# Whose guest may be any machine.
ANY_MACHINE = ("run", "kunit", "kselftest", "driver-failure", "query-clamp", "storms", "shell",
               "vm", "top", "kernel", "guest", "setup", "source", "check-input")


def choices(goals, machine):
    """{variable: the words it may be}."""
    return {
        "KERNEL": kernel.bases(),
        "CONFIG": (list(importlib.import_module("detectors").FAULTS)
                   if "detectors" in goals else
                   kernel.configs(machine if machine in machines.MACHINES else machines.DEFAULT)),
        # The detectors' own variant is no user's.
        "VARIANT": [variant for variant in kernel.VARIANTS
                    if variant != "broken" or goals == ["kernel"]],
        "ARCH": list(machines.MACHINES),
        "SUITE": [suite for suite in kernel.SUITES if "-" not in suite],
        "ACCEL": ["kvm", "tcg"],
        "WITH": list(suites.MORE),
    }


def wrong_words(goals, variables):
    machine = variables.get("ARCH") or machines.DEFAULT
    for variable, known in choices(goals, machine).items():
        words = variables.get(variable, "").split()
        if variable != "WITH" and len(words) > 1:
            words = [" ".join(words)]
        for word in words:
            if word not in known:
                yield f"{variable}={word}: choose one of: {' '.join(known)}"
    for goal in goals:
        if machine != machines.DEFAULT and re.sub("^kselftest-.*", "kselftest", goal) \
                not in ANY_MACHINE:
            yield (f"{goal}: its guest is x86 alone; leave out ARCH={machine}, or choose one of: "
                   + " ".join(ANY_MACHINE))
        variable, cases = FILTERS.get(goal, ("", None))
        value = variables.get(variable, "")
        # lint takes several, any other one, be there blanks in it or not.
        for part in value.split() if goal == "lint" else [value] * bool(value):
            names = cases()
            if not any(part in name for name in names):
                yield "\n  ".join([f"{variable}={part}: {goal} has no such case; choose a part of:",
                                   *names])


def wrong_numbers(variables):
    for variable in NUMBERS:
        value = variables.get(variable, "")
        if value and not re.fullmatch("[1-9][0-9]*", value):
            yield f"{variable}={value}: give a whole number, 1 or more"
    seed = variables.get("SEED", "")
    if not re.fullmatch("[0-9]*", seed):
        yield f"SEED={seed}: give a whole number"


def cannot_write(folder):
    """Why nothing can be written below a folder that need not exist yet."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return error.strerror
    return "" if os.access(folder, os.W_OK | os.X_OK) else "it is not writable"


def link_build(top, build):
    """Have top/build lead to where make builds; why it cannot, if so."""
    link = top / "build"
    if link == build or link.is_symlink() and Path(os.readlink(link)) == build:
        return ""
    try:
        if link.is_symlink():
            link.unlink()
        link.symlink_to(build)
    except FileExistsError:
        return f"with a path as that of this tree, it has to be a link to {build}; remove it"
    except OSError as error:
        return f"{error.strerror}; clone the tree to where you may write"
    return ""


def wrong_paths(variables, top, build):
    """top is where make runs, build what it calls build/."""
    source = variables.get("KERNEL_SRC", "")
    config_file = variables.get("CONFIG_FILE", "")
    for what, path, name, remedy in (
            ("this tree", str(top), TOP_NAME, "move it"),
            ("the cache", str(debian.CACHE), NAME, "set XDG_CACHE_HOME= to another folder"),
            ("KERNEL_SRC", source, NAME, "make a symbolic link to it, and give that"),
            ("CONFIG_FILE", config_file, NAME, "copy it elsewhere")):
        if not re.fullmatch(name, path):
            refused = "blanks, colons, commas" if name is NAME else "commas"
            yield (f"{what}: {path}: make, QEMU or the kernel cannot take a name with "
                   f"{refused}, quotes and the like; {remedy}")
    for folder, remedy in (
            (debian.CACHE, "set HOME= or XDG_CACHE_HOME= to a folder that you may write to; "
                           "it is for 1.7 GB of kernel source and caches"),
            (build, "it is for all that is built here; clone the tree to where you may write")):
        why = cannot_write(folder)
        if why:
            yield f"{folder}: {why}; {remedy}"
    why = link_build(top, build)
    if why:
        yield f"{top / 'build'}: {why}"
    if source:
        why = kernel.why_no_source(Path(source))
        if why:
            yield f"KERNEL_SRC={source}: {why}"
    if config_file and not Path(config_file).is_file():
        yield (f"CONFIG_FILE={config_file}: there is no such file; name the configuration of a "
               "kernel, as /boot/config-$(uname -r)")


def lacking(goals, variables):
    if "vm" in goals and not variables.get("RDMACG_CMD", "").strip():
        yield "vm: say what to run there, as in: make vm CMD='uname -a'"
    if "shell" in goals and not os.isatty(0):
        yield ("shell: its input is no terminal; to run a command without one: "
               "make vm CMD='uname -a'")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True, help="what make calls build/")
    parser.add_argument("goal", nargs="*")
    args = parser.parse_args()

    complaints = [
        *wrong_words(args.goal, os.environ),
        *wrong_numbers(os.environ),
        *wrong_paths(os.environ, Path.cwd(), args.build),
        *lacking(args.goal, os.environ),
    ]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
