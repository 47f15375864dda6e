#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Build the guest kernel: fetch the source, lay ours over it, configure, make.

Nothing is copied that need not be: the tree to build is a farm of symbolic
links into the pristine source, with real directories only on the way to the
files that differ. What a run finds done already, it leaves alone, so that
make compiles only what changed.

    build/BASE/VARIANT/             the tree
    build/BASE/VARIANT/obj-CONFIG/  what is made of it, vmlinux above all
    build/BASE/VARIANT-modules-CONFIG/  the test modules

What is made for another machine than x86 has its name behind the CONFIG.

The build directory lies right below the tree because kbuild then calls the
tree "..": compiler command lines, and with them ccache's hits, are the same
for every variant and every clone. So are the objects: a variant's first build
begins with those that another variant has of the same files.
"""

import argparse
import fcntl
import filecmp
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[3]
# In a tree whose name make cannot take, build/ is a link.
BUILD = (REPO / "build").resolve()
sys.path.insert(0, str(HERE.parent))
from debian import CACHE, Archive, Unavailable  # noqa: E402
from machines import DEFAULT, MACHINES  # noqa: E402

# Where Debian's packages of kernel sources are sought; the newest wins.
SUITES = ("bullseye", "bullseye-security", "bookworm", "bookworm-security",
          "bookworm-backports", "trixie", "trixie-security", "trixie-backports",
          "unstable")
ARCH = MACHINES[DEFAULT].srcarch
OVERLAID = ("kernel", "include", "drivers", "Documentation", "tools")
NOT_OVERLAID = REPO / "tools/testing/rdmacg"
VARIANTS = {
    "stock": "the pristine tree",
    "rdmacg": "ours",
    "broken": "ours with faults, for the detectors to find",
}
# Compiler runs in a first build, about, for the progress line.
USUAL_OBJECTS = 1280
SECONDS_PER_OBJECT = 0.4
STEPS = ("source", "tree", "configuration", "compilation", "test modules")
EXIT_UNAVAILABLE = 3        # Debian's mirror does not give the source
MODULES = REPO / "tools/testing/rdmacg/modules"
DETECTORS = REPO / "tools/testing/rdmacg/detectors"


def die(message):
    sys.exit(f"kernel.py: {message}")


class Progress:
    """One line for each step; on a terminal it is rewritten as it goes on."""

    def __init__(self, what):
        self.what = what
        self.started = time.monotonic()
        self.shown = 0.0
        self.step = 0

    def begin(self, detail):
        self.step += 1
        self.say(detail)

    def say(self, detail, end="\n"):
        spent = int(time.monotonic() - self.started)
        line = (f"[{self.step}/{len(STEPS)}] {self.what}: "
                f"{STEPS[self.step - 1]}: {detail} ({spent // 60}:{spent % 60:02})")
        if sys.stderr.isatty():
            line = "\r\033[K" + line
        elif end != "\n":
            line += "\n"
            end = ""
        print(line, end=end, file=sys.stderr, flush=True)

    def tick(self, detail):
        """Like say(), but only as often as somebody may want to read it."""
        now = time.monotonic()
        if now - self.shown >= (0.5 if sys.stderr.isatty() else 20):
            self.shown = now
            self.say(detail, end="")


def bases():
    """The kernels that there are patches for, the newest first."""
    return sorted((path.name for path in (REPO / "patches").iterdir()), reverse=True,
                  key=lambda base: [int(number) for number in base.split(".")])


def configs(machine=DEFAULT):
    """What CONFIG may be: what a machine has fragments of its own for."""
    return sorted(path.stem for path in (HERE / "config/arch" / machine).glob("*.config"))


def why_no_source(source):
    """Why a tree of the user's cannot be built on; "" if it may be."""
    if not (source / "kernel/cgroup/rdma.c").exists():
        return "that is no kernel source tree"
    if was_built_in(source) and not ignored_by_git(source):
        return ("something was built in that tree, and the kernel's make would refuse it; "
                "run 'make mrproper' there, or take a tree of git's, which knows what was built")
    return ""


def was_built_in(source):
    """What the kernel's make asks of a tree before it builds outside of it."""
    return (source / ".config").exists() or (source / "include/config").exists() or \
        any(source.glob("arch/*/include/generated"))


def ignored_by_git(source):
    """What git ignores in a tree of its own, as products of a build; else nothing."""
    git = ["git", "-C", str(source)]
    try:
        top = subprocess.run([*git, "rev-parse", "--show-toplevel"], text=True, check=False,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.strip()
        if not top or Path(top).resolve() != source.resolve():
            return []
        return subprocess.run(
            [*git, "ls-files", "-z", "--others", "--ignored", "--exclude-standard",
             "--directory"], text=True, check=True,
            stdout=subprocess.PIPE).stdout.replace("/\0", "\0").split("\0")[:-1]
    except FileNotFoundError:
        return []


def not_source(source):
    """The paths in a tree that are not its source: git's own, and what was built there.

    The kernel's make takes no source with such, and would find objects in it.
    """
    return {".git", *(ignored_by_git(source) if was_built_in(source) else ())}


def copy_source(source, tree):
    """Make tree a real copy of the source alone."""
    left_out = not_source(source)
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(source, tree, symlinks=True, ignore=lambda folder, names: {
        name for name in names
        if os.path.normpath(os.path.join(os.path.relpath(folder, source), name)) in left_out})


def run(argv, hint="", **kwargs):
    """Run a command; if it fails, show what it said, and the hint, and stop."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, check=False, **kwargs)
    if done.returncode:
        sys.stderr.write("\n" + done.stdout[-4000:])
        die(f"'{' '.join(map(str, argv))}' failed (above is what it said){hint}")
    return done.stdout


def fetch(base, progress):
    """Return the pristine source of base, from Debian's package of it."""
    package = f"linux-source-{base}"
    source = CACHE / package
    CACHE.mkdir(parents=True, exist_ok=True)
    # Others may fetch it, too: in another tree, for one.
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (source / "Makefile").exists():
            progress.begin(f"{package} is there")
        else:
            download(package, source, progress)
    return source


def download(package, source, progress):
    """Fetch a package of a kernel's source, and unpack it."""
    progress.begin(f"downloading {package} (about 150 MB)")
    work = source.with_name(f"{package}.new")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        deb = Archive(SUITES).download(package, work)
    except Unavailable:
        shutil.rmtree(work)
        raise
    progress.say(f"unpacking {deb.name}")
    run(["sh", "-ec", "dpkg-deb --fsys-tarfile \"$0\" |"
         " tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |"
         " tar -xJ --strip-components=1", str(deb)], cwd=work)
    deb.unlink()
    work.rename(source)


def patched_files(source, patches, staging):
    """Apply patches to copies of the files they name: {path: copy}."""
    files = {}
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    for patch in patches:
        for name in re.findall(r"^\+\+\+ b/(\S+)", patch.read_text(), re.M):
            copy = staging / name
            if name not in files and (source / name).exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / name, copy)
            files[name] = copy
        # No fuzz: with so little context it would find a place anywhere.
        run(["patch", "-p1", "-s", "-f", "-F0", "--no-backup-if-mismatch",
             "-i", str(patch)], cwd=staging, hint=f"""
{os.path.relpath(patch, REPO)} does not fit {source}.
'make check-base KERNEL_SRC={source} KERNEL={patch.parent.name}' tells what that tree lacks,
and tools/testing/rdmacg/PORTING.md how to bring the controller to it. If it is nearer
to another base, choose that: KERNEL= {' '.join(bases())}""")
    return files


def own_files():
    """The files of ours that belong into a kernel tree: {path: file}."""
    files = {}
    for top in OVERLAID:
        for path in (REPO / top).rglob("*"):
            if path.is_file() and NOT_OVERLAID not in path.parents:
                files[str(path.relative_to(REPO))] = path
    return files


def laid_over(variant, source, base, staging):
    """The files in which a variant differs from the source: {path: file}."""
    if variant == "stock":
        return {}
    patches = sorted((REPO / "patches" / base).glob("*.patch"))
    if not patches:
        die(f"there are no patches/{base}; choose a base that has some with KERNEL=")
    files = patched_files(source, patches, staging)
    files.update(own_files())
    if variant == "broken":
        files.update(patched_files(REPO, [DETECTORS / "broken.patch"],
                                   staging.with_name("broken-controller")))
    return files


def link(path, target):
    if path.is_symlink() and os.readlink(path) == str(target):
        return
    remove(path)
    path.symlink_to(target)


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def farm(tree, source, files, rel=""):
    """Make tree/rel a directory of links to source/rel, but for files.

    files maps a path below rel to a file of ours, or to None if nothing is to be
    there. A link to it will do where it lies in the repository; one made from a
    patch is written only if its content changed, to keep its time stamp.
    """
    if not rel:
        files = {**dict.fromkeys(not_source(source)), **files}
    here = tree / rel
    if here.is_symlink():
        here.unlink()
    here.mkdir(parents=True, exist_ok=True)

    below = {}
    for name, target in files.items():
        head, _, rest = name.partition("/")
        below.setdefault(head, {})[rest] = target
    pristine = source / rel
    names = set(below)
    if pristine.is_dir():
        names |= {entry.name for entry in pristine.iterdir()}
    names -= {name for name, rest in below.items() if rest.get("", HERE) is None}

    for entry in list(here.iterdir()):
        if entry.name not in names and not entry.name.startswith("obj-"):
            remove(entry)
    for name in names:
        path = here / name
        target = below.get(name, {}).get("")
        if name not in below:
            link(path, pristine / name)
        elif target is None:
            farm(tree, source, below[name], os.path.join(rel, name))
        elif BUILD not in target.parents:
            link(path, target)
        elif path.is_symlink() or not path.exists() or \
                path.read_bytes() != target.read_bytes():
            remove(path)
            shutil.copyfile(target, path)


def read_config(path):
    """{symbol: value} of a .config or a fragment; what is not set is 'n'."""
    values = {}
    for line in path.read_text().splitlines():
        match = re.match(r"(?:# )?(CONFIG_\w+)(?:=(.*)| is not set)$", line)
        if match:
            values[match[1]] = match[2] or "n"
    return values


def kconfig_symbols(read, arch=ARCH):
    """{symbol: Kconfig file} of all that an architecture's Kconfig has.

    read returns the text of a file of the tree, "" if there is no such file.
    """
    found, seen, queue = {}, set(), ["Kconfig"]
    while queue:
        rel = queue.pop()
        if rel in seen:
            continue
        seen.add(rel)
        text = read(rel)
        for name in re.findall(r"^\s*(?:menu)?config\s+(\w+)", text, re.M):
            found.setdefault("CONFIG_" + name, rel)
        for kind, name in re.findall(r'^\s*([or]*)source\s+"([^"]+)"', text, re.M):
            name = re.sub(r"\$\(?(SRCARCH|ARCH|HEADER_ARCH)\)?", arch, name)
            queue.append(os.path.normpath(os.path.join(os.path.dirname(rel), name)
                                          if "r" in kind else name))
    return found


def read_fragment(path, known):
    """{symbol: value} that a fragment asks of a base with these symbols.

    "# where known: CONFIG_X=y" asks only the bases that have X, as kernels rename
    and drop options; what needs X is asked of all. Every other line holds for
    every base.
    """
    asked = read_config(path)
    for symbol, value in re.findall(r"^# where known: (CONFIG_\w+)=(.*)$",
                                    path.read_text(), re.M):
        if symbol in known:
            asked[symbol] = value
    return asked


def fragments(variant, config, base="", machine=DEFAULT):
    names = dict.fromkeys(["default", config, *(["rdmacg"] if variant != "stock" else [])])
    folders = dict.fromkeys([".", f"arch/{MACHINES[machine].srcarch}", f"arch/{machine}"])
    paths = [HERE / "config" / folder / f"{name}.config" for name in names for folder in folders]
    return [*(path for path in paths if path.exists()),
            *(HERE / "config/base").glob(f"{base}.config")]


def make_command(tree, obj, jobs, paths, machine=DEFAULT):
    """How to call the kernel's make, with the words that fragments have for it."""
    prefix = MACHINES[machine].compiler
    os.environ.setdefault("CCACHE_DIR", str(CACHE / "ccache"))
    # Else each file is preprocessed twice, which is most of the work with many.
    os.environ.setdefault("CCACHE_DEPEND", "1")
    # Our make's own flags and variables are none of the kernel's.
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "ARCH", "CROSS_COMPILE"):
        os.environ.pop(name, None)
    os.environ.update(KBUILD_BUILD_USER="rdmacg", KBUILD_BUILD_HOST="guest")
    ccache = "ccache " if shutil.which("ccache") else ""
    words = [word for path in paths
             for line in re.findall(r"^# make: (.*)", path.read_text(), re.M)
             for word in line.split()]
    return ["make", "-C", str(tree), f"O={obj.name}", f"-j{jobs}",
            f"CC={ccache}{prefix}gcc", f"HOSTCC={ccache}gcc",
            *([f"ARCH={MACHINES[machine].kernel_arch}", f"CROSS_COMPILE={prefix}"] if prefix
              else []), *words]


def differing(tree, other):
    """The files in which two trees differ, as kbuild calls them."""
    names = set()
    queue = ["."]
    while queue:
        rel = queue.pop()
        ours, theirs = tree / rel, other / rel
        if os.path.realpath(ours) == os.path.realpath(theirs):
            continue            # both have it from the source
        if ours.is_dir() and theirs.is_dir():
            queue += {os.path.join(rel, entry.name) for folder in (ours, theirs)
                      for entry in folder.iterdir() if not entry.name.startswith("obj-")}
        elif not (ours.is_file() and theirs.is_file()) or \
                not filecmp.cmp(ours, theirs, shallow=False):
            names.add(os.path.normpath(os.path.join("..", rel)))
    return names


def take_objects(tree, obj):
    """Begin a build with what another variant has built with the same options.

    Times tell make nothing there, as a file of the source is older than what was made
    of ours. So what was made of a file that differs is removed. Returns how many
    objects that leaves to make.
    """
    others = {other: differing(tree, other) for other in map(tree.with_name, VARIANTS)
              if (other / obj.name / "vmlinux").exists()}
    if not others:
        return USUAL_OBJECTS
    other = min(others, key=lambda tree: len(others[tree]))
    shutil.rmtree(obj, ignore_errors=True)
    shutil.copytree(other / obj.name, obj, symlinks=True)
    # make is not to find complete what it has not looked at.
    for name in ("vmlinux", "request.config"):
        (obj / name).unlink()

    removed = 0
    for command in obj.rglob(".*.cmd"):
        text = command.read_text(errors="replace")
        if not others[other].isdisjoint(text.split()):
            command.unlink()
            command.with_name(command.name[1:-len(".cmd")]).unlink(missing_ok=True)
            removed += 1
        elif str(other) in text:
            # tools/ know absolute paths; all would be made anew if they were.
            status = command.stat()
            command.write_text(text.replace(str(other), str(tree)))
            os.utime(command, ns=(status.st_atime_ns, status.st_mtime_ns))
    return removed


def configure(tree, obj, paths, make, progress, arch=ARCH):
    """Write obj/.config, and see that it has all that was asked for."""
    def read(rel):
        path = tree / rel
        return path.read_text() if path.is_file() else ""

    wanted, known = {}, kconfig_symbols(read, arch)
    for path in paths:
        wanted.update(read_fragment(path, known))
    request = {}
    for name in ("kernel/configs/tiny-base.config", "kernel/configs/tiny.config",
                 f"arch/{arch}/configs/tiny.config"):
        if (tree / name).exists():
            request.update(read_config(tree / name))
    request.update(wanted)
    text = "".join(f"{key}={value}\n" for key, value in request.items())

    allconfig = obj / "request.config"
    if (obj / ".config").exists() and allconfig.exists() and \
            allconfig.read_text() == text:
        progress.begin("unchanged")
        return
    progress.begin(f"{len(wanted)} options on top of tinyconfig")
    obj.mkdir(exist_ok=True)
    allconfig.unlink(missing_ok=True)
    new = obj / "request.config.new"
    new.write_text(text)
    run([*make, f"KCONFIG_ALLCONFIG={new}", "allnoconfig"])
    got = read_config(obj / ".config")
    lost = [f"  {key}={value}, but it is {got.get(key, 'n')}"
            for key, value in wanted.items() if got.get(key, "n") != value]
    if lost:
        die("the kernel's Kconfig did not take over what "
            + ", ".join(os.path.relpath(path, HERE / "config") for path in paths) + " asks for:\n"
            + "\n".join(lost)
            + "\nLook up what each depends on ('make menuconfig', '/').")
    new.rename(allconfig)


def follow_make(argv, log, failed, tick):
    """Run make with its output in log; return how many files were compiled.

    tick gets that number so far and the name of each. If make fails, that is
    said, with the last it had to say.
    """
    objects = 0
    with log.open("w") as out, subprocess.Popen(
            argv, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT) as process:
        for line in process.stdout:
            out.write(line)
            match = re.match(r"  (?:CC|AS) +(?:\[M\] +)?(\S+)", line)
            if match:
                objects += 1
                tick(objects, match[1])
            elif re.search(r"\b(error|warning):", line) and not sys.stderr.isatty():
                sys.stderr.write(line)
    if process.returncode:
        sys.stderr.write("\n" + "".join(log.read_text().splitlines(True)[-40:]))
        die(f"{failed}; the whole log is in {log}")
    return objects


def compile_kernel(obj, jobs, left, make, log, progress, machine=DEFAULT):
    """make vmlinux, and what of it the machine boots, counting compiler runs.

    Of these, left are expected, if known.
    """
    vmlinux = obj / "vmlinux"
    about = expected = ""
    if left:
        about = f" of about {left}"
        minutes = max(1, round(left * SECONDS_PER_OBJECT / jobs / 60))
        expected = (f"about {left} objects, {minutes} to {2 * minutes} minutes with "
                    f"{jobs} jobs if ccache knows none; ")
    progress.begin(f"{expected}log in {os.path.relpath(log)}")
    objects = follow_make(
        [*make, Path(MACHINES[machine].image).name], log, "the kernel does not build",
        lambda number, name: progress.tick(f"{number}{about} objects, {name}"))
    size = vmlinux.stat().st_size / 1e6
    progress.say(f"{objects} objects compiled, vmlinux has {size:.1f} MB")


def compile_modules(obj, make, folder, progress):
    """Build the test modules in folder: kbuild wants them beside their source."""
    sources = [path for path in MODULES.iterdir() if path.is_file()]
    newest = max(path.stat().st_mtime for path in [*sources, obj / "vmlinux"])
    built = list(folder.glob("*.ko"))
    if built and min(path.stat().st_mtime for path in built) > newest:
        progress.begin("up to date")
        return
    progress.begin(f"{len(list(MODULES.glob('*.c')))} to build")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(MODULES, folder)
    run([*make, "modules_prepare"])
    # The kernel has no modules of its own, and so no Module.symvers.
    run([*make, f"M={folder}", "KBUILD_MODPOST_WARN=1", "modules"])


def version(source, *further):
    makefile = (source / "Makefile").read_text()
    return ".".join(re.search(rf"^{key} = (\d+)", makefile, re.M)[1]
                    for key in ("VERSION", "PATCHLEVEL", *further))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", required=True, help="kernel version, as 6.12; exit "
                        f"status {EXIT_UNAVAILABLE} if its source cannot be fetched")
    parser.add_argument("--variant", default="rdmacg", choices=VARIANTS,
                        help="; ".join(map(": ".join, VARIANTS.items())))
    parser.add_argument("--config", default="default")
    parser.add_argument("--machine", default=DEFAULT, choices=MACHINES)
    parser.add_argument("--kernel-src", type=Path,
                        help="pristine tree to use instead of Debian's")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--source-only", action="store_true",
                        help="fetch the source, and do no more")
    parser.add_argument("--tree-only", action="store_true",
                        help="lay out the tree, and build nothing")
    args = parser.parse_args()
    if args.config not in configs(args.machine):
        parser.error(f"--config of {args.machine}: {', '.join(configs(args.machine))}")

    name = args.config + (f"-{args.machine}" if args.machine != DEFAULT else "")
    progress = Progress(f"{args.base} {args.variant} {name}")
    if args.kernel_src:
        source = args.kernel_src.resolve()
        why = why_no_source(source)
        if why:
            die(f"KERNEL_SRC={source}: {why}")
        progress.begin(f"{source}, version {version(source)}")
    else:
        try:
            source = fetch(args.base, progress)
        except Unavailable as error:
            print(f"kernel.py: {error}\nWith a kernel tree of your own, none is fetched: "
                  "KERNEL_SRC=", file=sys.stderr)
            sys.exit(EXIT_UNAVAILABLE)
    if args.source_only:
        return

    tree = BUILD / args.base / args.variant
    tree.parent.mkdir(parents=True, exist_ok=True)
    with (tree.parent / "lock").open("w") as lock:
        # Two builds at once would only be in each other's way.
        fcntl.flock(lock, fcntl.LOCK_EX)
        files = laid_over(args.variant, source, args.base,
                          tree.parent / f"{args.variant}-files")
        progress.begin(f"{len(files)} files over {source.name}")
        farm(tree, source, files)
        if args.tree_only:
            return

        obj = tree / f"obj-{name}"
        paths = fragments(args.variant, args.config, args.base, args.machine)
        make = make_command(tree, obj, args.jobs, paths, args.machine)
        left = None if (obj / "vmlinux").exists() else take_objects(tree, obj)
        configure(tree, obj, paths, make, progress, MACHINES[args.machine].srcarch)
        compile_kernel(obj, args.jobs, left, make,
                       tree.parent / f"{args.variant}-{name}.log", progress, args.machine)
        compile_modules(obj, make, tree.parent / f"{args.variant}-modules-{name}", progress)


if __name__ == "__main__":
    main()
