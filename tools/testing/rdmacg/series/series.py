#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Make the patch series for a base, and prove that it is fit to be sent.

The series is made of the tree's own files and of patches/BASE, in the order
of PARTS below. The proof applies it with "git am" to the pristine source; at
every step that has to build without a warning, boot and pass checkpatch, and
the end has to be what the other targets build.
"""

import argparse
import filecmp
import functools
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "qemu"))
sys.path.insert(0, str(HERE.parent / "lint"))
import kernel  # noqa: E402 (they lie in folders of their own)
import lint  # noqa: E402

REPO = kernel.REPO
CONTROLLER = "kernel/cgroup/rdma.c"
HEADER = "include/linux/cgroup_rdma.h"
GLUE = "drivers/infiniband/core/cgroup.c"

# Name; files of ours; patches of the base. The message is in NAME.msg or, of
# a part that is one patch and no more, on top of that. What follows a line
# "---" there is a remark for reviewers, below the "---" of the patch.
PARTS = (
    ("uverbs-put-refused-context", (), ("uverbs-put-refused-context",)),
    ("rdma_core-uncharge-on-driver-failure", (),
     ("rdma_core-uncharge-on-driver-failure",)),
    ("device-rename-hook", (), ("device-rename-hook",)),
    ("controller", (CONTROLLER, HEADER), ()),
    ("glue", (GLUE,), ()),
    ("tracepoints", (CONTROLLER, "include/trace/events/rdmacg.h"), ("MAINTAINERS",)),
    ("interface", (CONTROLLER, HEADER), ()),
    ("clamp", (CONTROLLER, HEADER, GLUE),
     ("ib_verbs-clamp-attr", "core_priv-glue", "uverbs_cmd-query-clamp")),
    ("drivers-clamp-attr", (), ("drivers-clamp-attr",)),
    ("kunit", (CONTROLLER, GLUE, "kernel/cgroup/rdma_test.c",
               "drivers/infiniband/core/cgroup_test.c"), ("init-Kconfig",)),
    ("selftest-library", ("tools/testing/selftests/cgroup/lib/",), ()),
    ("selftest", tuple(f"tools/testing/selftests/cgroup/{path.name}" for path in
                       sorted((REPO / "tools/testing/selftests/cgroup").glob("*.c"))),
     ("selftests-cgroup-Makefile", "selftests-cgroup-config")),
    ("documentation", ("Documentation/admin-guide/cgroup-v1/rdma.rst",),
     ("cgroup-v2-rst",)),
)
# What has a package of its own: it needs no particular kernel.
LEFT_OUT = ("tools/cgroup/",)
NAMES = [name for name, _, _ in PARTS]
# Parts of our files that come later than these, the last first.
SPLIT_OFF = ("kunit", "clamp", "interface", "tracepoints")

# Who signs off where git knows nobody.
OWN_NAME = "rdmacg series"
OWN_ADDRESS = "rdmacg@localhost"

# What checkpatch may say of patches, besides what it may of files, and why.
LET_PASS = {
    "FILE_PATH_CHANGES":
        "MAINTAINERS has their folders, or the part of the tracepoints names them",
    "UNKNOWN_COMMIT_ID":
        "of mainline's history, which no package of its source has",
}


def die(message):
    sys.exit(f"series.py: {message}")


def say(text):
    print(f"series: {text}", file=sys.stderr, flush=True)


@functools.lru_cache(maxsize=None)
def identity():
    """Options for a committer of the series' own, where the user has told git none."""
    for who in ("AUTHOR", "COMMITTER"):
        if subprocess.run(["git", "-c", "user.useConfigOnly=true", "var", f"GIT_{who}_IDENT"],
                          check=False, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode:
            say(f"git knows no name and address of yours: signed off by {OWN_NAME} instead; "
                "'git config --global user.name' and user.email set yours")
            return ("-c", f"user.name={OWN_NAME}", "-c", f"user.email={OWN_ADDRESS}")
    return ()


def git(*argv, cwd, **kwargs):
    return kernel.run(["git", *identity(), "-c", "core.hooksPath=/dev/null",
                       "-c", "commit.gpgSign=false", *argv], cwd=cwd, **kwargs)


def patch_of(base, name):
    path = REPO / "patches" / base / f"{name}.patch"
    if not path.exists():
        die(f"there is no {path.relative_to(REPO)}")
    return path


def parts_of(base):
    """The parts of the series for a base, in order."""
    hook = next(part for part in PARTS if part[0] == "device-rename-hook")
    if GLUE in patch_of(base, "device-rename-hook").read_text():
        return PARTS
    # Elsewhere it is no fix that stands for itself, but calls the new glue, which is
    # declared together.
    declared = ("core_priv-glue",)
    return tuple((name, files, (*declared, *hook[2]) if name == "glue" else
                  tuple(patch for patch in patches if patch not in declared))
                 for name, files, patches in PARTS if name != hook[0])


def message(base, name):
    path = HERE / f"{name}.msg"
    if path.exists():
        return path.read_text()
    return patch_of(base, name).read_text().partition("\n--- a/")[0]


def expand(files):
    """The files of ours that these names, or names of folders, stand for."""
    return [name for name in sorted(kernel.own_files())
            if name in files or name.startswith(tuple(f for f in files if f[-1] == "/"))]


def apply(patch, tree, *options, **kwargs):
    kernel.run(["patch", "-p1", "-s", "-f", "-F0", "--no-backup-if-mismatch",
                "-i", str(patch), *options], cwd=tree, **kwargs)


def split_off(later, rel):
    """What the split of a later part has for this file; "" for none."""
    text = (HERE / f"{later}.split").read_text()
    return "".join(re.findall(rf"^--- a/{re.escape(rel)}\n(?:(?!--- ).*\n)*", text, re.M))


def lay_out(part, base, tree):
    """Bring one part of the series into a tree that has those before it."""
    name, files, patches = part
    for rel in expand(files):
        target = tree / rel
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPO / rel, target)
        for later in SPLIT_OFF:
            hunks = split_off(later, rel)
            if hunks and NAMES.index(later) > NAMES.index(name):
                apply("-", tree, "-R", input=hunks)
    for patch in patches:
        apply(patch_of(base, patch), tree)


def laid_over(base, source, staging):
    """{path: file} of what the series has to bring."""
    return {rel: path for rel, path in kernel.laid_over("rdmacg", source, base, staging).items()
            if not rel.startswith(LEFT_OUT)}


def make_series(base, source, out):
    """Write the series to the folder out."""
    tree = out.with_name(f"{base}-parts")
    for folder in (out, tree):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    touched = set(laid_over(base, source, tree / "staging"))
    parts = parts_of(base)
    known = {rel for _, files, _ in parts for rel in expand(files)}
    known |= {rel for _, _, patches in parts for patch in patches
              for rel in re.findall(r"^\+\+\+ b/(\S+)",
                                    patch_of(base, patch).read_text(), re.M)}
    if touched != known:
        die("no part of the series has: " + " ".join(sorted(touched ^ known)))
    shutil.rmtree(tree / "staging")

    git("init", "-q", cwd=tree)
    for rel in touched:
        if (source / rel).exists():
            (tree / rel).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / rel, tree / rel)
    git("add", "-A", cwd=tree)
    git("commit", "-q", "-m", "base", cwd=tree)
    for part in parts:
        lay_out(part, base, tree)
        git("add", "-A", cwd=tree)
        text, _, remark = message(base, part[0]).partition("\n---\n")
        git("commit", "-q", "-s", "-F-", input=text, cwd=tree)
        if remark:
            git("notes", "add", "-F-", input=remark, cwd=tree)

    cover = (HERE / "cover.msg").read_text()
    subject, _, text = cover.partition("\n\n")
    version = kernel.version(source, "SUBLEVEL")
    git("format-patch", "-q", "--cover-letter", "-B", "--notes", "-o", str(out),
        f"-{len(parts)}", cwd=tree)
    letter = out / "0000-cover-letter.patch"
    letter.write_text(letter.read_text()
                      .replace("*** SUBJECT HERE ***", subject)
                      .replace("*** BLURB HERE ***",
                               text.rstrip().replace("@VERSION@", version)))
    shutil.rmtree(tree)
    return sorted(out.glob("0*.patch"))


def pristine(base, source):
    """A git repository of the source, at its first commit: the tree."""
    tree = kernel.BUILD / "series-tree" / base
    if not (tree / ".git/base").exists():
        say(f"{base}: making a git repository of {source.name}, which takes a minute")
        kernel.copy_source(source, tree)
        git("init", "-q", cwd=tree)
        git("add", "-A", "-f", cwd=tree)
        git("commit", "-q", "-m", f"Linux {base}", cwd=tree)
        git("tag", "base", cwd=tree)
        (tree / ".git/base").touch()
        with (tree / ".git/info/exclude").open("a") as exclude:
            exclude.write("/obj-*\n")
    git("reset", "-q", "--hard", "base", cwd=tree)
    git("clean", "-q", "-f", "-d", cwd=tree)
    return tree


def checkpatch(patch, tree, base):
    """What checkpatch says that is not to be let pass."""
    exceptions = lint.Exceptions(lint.HERE / "exceptions", base)
    done = subprocess.run(["scripts/checkpatch.pl", "--strict", "--show-types", "--terse",
                           "--showfile", "--no-summary", str(patch)], cwd=tree,
                          check=False, stdout=subprocess.PIPE, text=True)
    return [line for line in done.stdout.splitlines()
            if re.search(r": (ERROR|WARNING|CHECK):", line)
            and not any(f":{kind}: " in line for kind in LET_PASS)
            and not exceptions.excuse("checkpatch", line)]


def build_and_boot(args, tree, progress):
    """What is wrong with the tree as it is."""
    variant = "rdmacg" if (tree / "kernel/cgroup/rdma_test.c").exists() else "stock"
    obj = tree / "obj-series"
    paths = kernel.fragments(variant, "default", args.base)
    make = kernel.make_command(tree, obj, args.jobs, paths)
    log = tree.parent / f"{args.base}.log"
    progress.step = kernel.STEPS.index("configuration")
    kernel.configure(tree, obj, paths, make, progress)
    kernel.compile_kernel(obj, args.jobs, None, make, log, progress)
    wrong = [line for line in log.read_text().splitlines()
             if re.search(r"\bwarning:", line)]
    done = subprocess.run(
        [HERE.parent / "qemu/vm.py", "--kernel", obj / "vmlinux", "--init", args.init,
         "--log", kernel.BUILD / "vm/series.log", "--cmd",
         "grep -w rdma /sys/fs/cgroup/cgroup.controllers"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, text=True)
    if done.returncode:
        wrong += [f"does not boot: exit status {done.returncode}",
                  *done.stderr.splitlines()]
    return wrong


def prove(args, source, series):
    """Print a test case for each patch, and one for the end."""
    tree = pristine(args.base, source)
    failed = 0
    print(f"1..{len(series) + 1}", flush=True)
    for number, patch in enumerate(series, 1):
        started = time.monotonic()
        git("am", "-q", str(patch), cwd=tree)
        progress = kernel.Progress(f"{args.base} series {number}/{len(series)}")
        wrong = checkpatch(patch, tree, args.base) + build_and_boot(args, tree, progress)
        failed += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {number} series: {args.base}: "
              f"{patch.stem[5:]} applies, builds, boots and is clean "
              f"({time.monotonic() - started:.0f} s)",
              *(f"# {line}" for line in wrong), sep="\n", flush=True)

    ours = laid_over(args.base, source, tree.parent / "staging")
    named = git("diff", "--name-only", "base", cwd=tree).split()
    wrong = [rel for rel in set(ours) | set(named)
             if rel not in ours or not filecmp.cmp(ours[rel], tree / rel, False)]
    failed += bool(wrong)
    print(f"{'not ok' if wrong else 'ok'} {len(series) + 1} series: {args.base}: "
          "the result is what the other targets build",
          *(f"# differs: {rel}" for rel in wrong), sep="\n")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", required=True)
    parser.add_argument("--source", type=Path, required=True,
                        help="pristine kernel tree")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--prove", action="store_true",
                        help="apply, build, boot and check it, patch by patch")
    parser.add_argument("--init", type=Path, help="for the guest that boots it")
    args = parser.parse_args()

    source = args.source.resolve()
    out = kernel.BUILD / "series" / args.base
    letter, *series = make_series(args.base, source, out)
    say(f"{len(series)} patches and {letter.name} are in {os.path.relpath(out)}")
    return bool(args.prove and prove(args, source, series))


if __name__ == "__main__":
    sys.exit(main())
