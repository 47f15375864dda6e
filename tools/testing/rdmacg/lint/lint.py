#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Check our files with the tools that kernel developers check theirs with.

Each check is one TAP case. It fails on whatever its tool says, except for what
the file "exceptions" excuses, each with a reason. An exception that excuses
nothing any more is a failure as well.
"""

import argparse
import fnmatch
import functools
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "qemu"))
import kernel  # noqa: E402 (only now can they be found)
import setup  # noqa: E402
from debian import Unavailable, newest  # noqa: E402

REPO = kernel.REPO
SPDX = "SPDX-License-Identifier: GPL-2.0-only"
# Kernel documents that ours point into: without them, Sphinx misses a label.
REFERRED_TO = ("accounting/psi.rst", "admin-guide/cgroup-v1/index.rst",
               "scheduler/sched-ext.rst")
# A fault for coccicheck to find, which is silent if it looks at nothing.
CANARY = "void canary(void *p)\n{\n\tif (p)\n\t\tkfree(p);\n}\n"
# What orders memory accesses, and the litmus test that a comment names.
BARRIER = (r"\b(smp_\w+|\w+_(?:acquire|release)|\w*xchg|rcu_assign_pointer|"
           r"rcu_dereference(?:_check)?|kfree_rcu|synchronize_rcu|"
           r"(?:read|write)_seqcount_\w+)\(")
LITMUS = r"\blitmus/([\w-]+)"
# What is compiled for a check of that name: options besides those of the
# guest's kernel, the compiler, the warnings. Those of W=2 count in our own
# lines only, as the kernel's headers are full of them.
BUILDS = {
    "gcc": ((), "gcc", "1"),
    "gcc-least": (("least",), "gcc", "1"),
    "gcc-off": (("off",), "gcc", "1"),
    "gcc-i386": (("i386",), "gcc", "12"),
    "gcc-modular": (("modular",), "gcc", "1"),
    "gcc-rt": (("../../qemu/config/rt", "../../qemu/config/arch/x86/rt"), "gcc", "1"),
    "clang": ((), "clang-19", "1"),     # 7.3 takes none older than 17
}
# Other machines, for which the controller and the IB core's side are compiled:
# ARCH, the prefix of Debian's cross compiler, options besides cross.config.
NO_TRACING = "FTRACE=n ENABLE_DEFAULT_TRACERS=n"
CROSS = {
    "alpha": ("alpha", "alpha-linux-gnu", f"TTY=y INFINIBAND=n {NO_TRACING}"),
    "arc": ("arc", "arc-linux-gnu", "ISA_ARCV2=y"),
    "arm-v6": ("arm", "arm-linux-gnueabi", "MMU=y ARCH_MULTI_V6=y ARCH_OMAP2=y SMP=n"),
    "arm-v7": ("arm", "arm-linux-gnueabi", "MMU=y ARCH_MULTI_V7=y ARCH_VIRT=y"),
    "arm64": ("arm64", "aarch64-linux-gnu", ""),
    "m68k": ("m68k", "m68k-linux-gnu", f"MMU=y AMIGA=y M68040=y SMP=n {NO_TRACING}"),
    "mips64": ("mips", "mips64-linux-gnuabi64", "CPU_MIPS64_R2=y 64BIT=y MIPS_MT_SMP=y"),
    "mipsel": ("mips", "mipsel-linux-gnu",
               "CPU_LITTLE_ENDIAN=y CPU_MIPS32_R2=y MIPS_MT_SMP=y"),
    "parisc": ("parisc", "hppa-linux-gnu", "PA8X00=y"),
    "ppc": ("powerpc", "powerpc-linux-gnu", "PPC_BOOK3S_32=y"),
    "ppc64": ("powerpc", "powerpc64-linux-gnu", "PPC64=y PPC_BOOK3S_64=y CPU_BIG_ENDIAN=y"),
    "ppc64le": ("powerpc", "powerpc64le-linux-gnu", "PPC64=y CPU_LITTLE_ENDIAN=y"),
    "riscv32": ("riscv", "riscv64-linux-gnu", "NONPORTABLE=y ARCH_RV32I=y"),
    "riscv64": ("riscv", "riscv64-linux-gnu", "ARCH_RV64I=y"),
    "s390x": ("s390", "s390x-linux-gnu", "PCI=y"),
    "sh4": ("sh", "sh4-linux-gnu", "MMU=y CPU_SUBTYPE_SH7751=y SMP=n"),
    "sparc32": ("sparc", "sparc64-linux-gnu", f"64BIT=n {NO_TRACING}"),
    "sparc64": ("sparc", "sparc64-linux-gnu", "64BIT=y"),
}
# All of them take minutes: the others are compiled only if asked for by name.
CROSS_ALWAYS = ("arm-v6", "arm64", "s390x")
# Programs for user space whose files are looked at together.
LIB = "tools/testing/rdmacg/lib"
PROGRAMS = {
    "rdmacg-top": ("tools/cgroup/rdmacg-top/*.c",),
    "faults": ("tools/testing/rdmacg/faults/*.c", f"{LIB}/*.c"),
    "storms": ("tools/testing/rdmacg/storms/*.c", f"{LIB}/*.c"),
    "uverbs-fuzz": ("tools/testing/rdmacg/uverbs-fuzz/*.c", f"{LIB}/*.c"),
}
# What stands for a size that a machine cannot do, and what is in no kernel of
# the compiler's own library. The compiler takes either; linking would fail.
NOT_IN_A_KERNEL = r"bad|wrong_size|(div|mod)[ds]i|ldivmod|__(atomic|sync)_\w+_\d"


def said(argv, status=(0,), **kwargs):
    """Run a tool, and return the lines it has to say; status is no surprise."""
    done = subprocess.run(argv, cwd=REPO, text=True, errors="replace", check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **{"stdin": subprocess.DEVNULL, **kwargs})
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    if done.returncode not in status:
        lines.append(f"{argv[0]}: exit status {done.returncode}")
    return lines


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


class Lint:
    def __init__(self, tree, jobs):
        self.tree = tree
        self.jobs = jobs
        self.scripts = tree / "scripts"
        self.work = kernel.BUILD / "lint"
        self.work.mkdir(parents=True, exist_ok=True)
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=REPO, text=True, stdout=subprocess.PIPE, check=True).stdout
        # What fuzzers start with may be any bytes.
        self.files = sorted(name for name in listed.split("\0")
                            if (REPO / name).is_file() and "/corpus/" not in name)
        self.patches = self.named("patches/*.patch")
        self.overlaid = sorted(kernel.own_files())
        # A fix that mends the stock controller names files that ours replace.
        self.patched = sorted({
            name for patch in self.named(f"patches/{tree.parent.name}/*.patch") for name
            in re.findall(r"^\+\+\+ b/(\S+)", (REPO / patch).read_text(), re.M)
            }.difference(self.overlaid))
        self.modules = kernel.MODULES.relative_to(REPO)

    def named(self, *patterns):
        return [name for name in self.files
                if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]

    def written_in(self, suffix, interpreter):
        def first_line(name):
            with (REPO / name).open(errors="replace") as file:
                return file.readline()
        return [name for name in self.files if name.endswith(suffix)
                or re.match(rf"#!.*\b{interpreter}\b", first_line(name))]

    def kernel_code(self):
        return self.named("kernel/*.[ch]", "include/*.h", "drivers/*.[ch]",
                          f"{self.modules}/*.c")

    def checkpatch(self):
        argv = ["perl", str(self.scripts / "checkpatch.pl"), "--no-tree", "--strict",
                "--terse", "--show-types", "--no-summary", "--no-signoff"]
        # Strewn, as the long ones take a while.
        files = sorted(self.named("*.[ch]"), key=lambda name: (REPO / name).stat().st_size)

        def files_from(first):
            return said([*argv, "-f", *files[first::self.jobs]], (0, 1))

        def patch(name):
            # As git am wants it. By its name, it would be taken for a file.
            text = (REPO / name).read_text().replace("\n\n--- a/", "\n---\n--- a/", 1)
            return [re.sub("^-:", f"{name}:", line)
                    for line in said([*argv, "-"], (0, 1), stdin=None, input=text)]

        with ThreadPoolExecutor(self.jobs) as pool:
            runs = [*pool.map(files_from, range(self.jobs)),
                    *pool.map(patch, self.patches)]
        return [line for run in runs for line in run]

    def kernel_doc(self):
        script = self.scripts / "kernel-doc"
        # Linux 6.1 has no such option.
        warn = ["-Wall"] if "-Wall" in script.read_text() else []
        return said(["perl", str(script), "-none", *warn, *self.named("*.[ch]")])

    def codespell(self):
        return said(["codespell", *self.files], (0, 65))

    def words(self):
        """Names and words that were given up: lint/words has what to write instead."""
        return said(["codespell", "-D", str(HERE / "words"),
                     *(name for name in self.files if not name.endswith("/words"))],
                    (0, 65))

    def shellcheck(self):
        return said(["shellcheck", "-x", "-f", "gcc",
                     *self.written_in(".sh", "(ba|da)?sh")], (0, 1))

    def pyflakes(self):
        return said(["pyflakes3", *self.written_in(".py", "python3?")], (0, 1))

    def spdx(self):
        for name in self.files:
            with (REPO / name).open("rb") as file:
                head = b"".join(file.readline() for _ in range(3))
            if not re.search(rf"{SPDX}( |$)".encode(), head, re.M):
                yield f"{name}:1: no '{SPDX}'"

    def editorconfig(self):
        wants = {}
        for line in said(["editorconfig", *(str(REPO / name) for name in self.files)]):
            if line.startswith("["):
                want = wants.setdefault(os.path.relpath(line[1:-1], REPO), {})
            else:
                want.update([line.split("=", 1)])
        for name in self.files:
            data = (REPO / name).read_bytes()
            yield from (f"{name}:{fault}" for fault in untidy(data, wants[name]))

    def sphinx(self):
        """Build ours, and no other document: all of them take an hour."""
        # An extension of 7.3 looks for such a folder, and reads the file beside it.
        sources = fresh(self.work / "sphinx") / "Documentation"
        (sources.parent / "MAINTAINERS").symlink_to(self.tree / "MAINTAINERS")
        ours = {name.removeprefix("Documentation/")
                for name in (*self.overlaid, *self.patched) if name.endswith(".rst")}
        listed = sorted(ours.union(name for name in REFERRED_TO
                                   if (self.tree / "Documentation" / name).exists()))
        for name in listed:
            (sources / name).parent.mkdir(parents=True, exist_ok=True)
            (sources / name).symlink_to(self.tree / "Documentation" / name)
        (sources / "index.rst").write_text(
            "All\n===\n\n.. toctree::\n\n" + "".join(f"   {name}\n" for name in listed))
        html = self.work / "html"
        lines = said(["sphinx-build", "-q", "-E", "-b", "html",
                      "-c", str(self.tree / "Documentation"),
                      "-d", str(self.work / "doctrees"),
                      "-D", f"kerneldoc_srctree={self.tree}",
                      "-D", f"kerneldoc_bin={self.scripts / 'kernel-doc'}",
                      str(sources), str(html)],
                     env={**os.environ, "srctree": str(self.tree),
                          "BUILDDIR": str(html), "PYTHONDONTWRITEBYTECODE": "1"})
        lines = [line.removeprefix(f"{sources}/") for line in lines]
        # The others miss what they point to, as it is not built.
        return [f"Documentation/{line}" if line.split(":")[0] in ours else line
                for line in lines if line.split(":")[0] in ours
                or line.startswith("sphinx-build:") or "error" in line.lower()]

    def objects(self, names):
        """What is made of those of names that are compiled by themselves."""
        code = {name: (self.tree / name).read_text() for name in names
                if re.match(r"(kernel|drivers)/.*\.c$", name)}
        included = {os.path.join(os.path.dirname(name), other)
                    for name, text in code.items()
                    for other in re.findall(r'^#include "(.*\.c)"', text, re.M)}
        return [re.sub("c$", "o", name) for name in code if name not in included]

    def make(self, name, paths, compiler, level, arch=kernel.ARCH):
        """Configure a build; return how to call make in it, and its directory."""
        obj = self.tree / f"obj-lint-{name}"
        make = kernel.make_command(self.tree, obj, self.jobs, paths)
        make += [word.replace("gcc", compiler) for word in make if word.startswith("CC=")]
        quiet = SimpleNamespace(begin=lambda detail: None)
        kernel.configure(self.tree, obj, paths, make, quiet, arch)
        return [*make, "-s", "-k", "-Otarget", f"W={level}"], obj

    def made(self, argv):
        """What is said when the kernel's make is called like that."""
        return [re.sub(r"^\.\./", "", line) for line in said(argv)
                if not re.match(r"make.*(not remade because|\] Error )", line)]

    def build(self, name, *words, targets=()):
        options, compiler, level = BUILDS[name]
        paths = [*kernel.fragments("rdmacg", "default"),
                 *(HERE / "config" / f"{option}.config" for option in options)]
        make, obj = self.make(name, paths, compiler, level)
        objects = self.objects(self.patched if "off" in options
                               else [*self.overlaid, *self.patched])
        if not words:
            for object_file in objects:
                (obj / object_file).unlink(missing_ok=True)
        modules = fresh(self.work / "modules")
        shutil.copytree(REPO / self.modules, modules, dirs_exist_ok=True)
        make += words
        lines = self.made([*make, *objects, *targets])
        lines += self.made([*make, f"M={modules}",
                            *(f"{path.stem}.o" for path in modules.glob("*.c"))])
        lines = [line.replace(str(modules), str(self.modules)) for line in lines]
        if "2" in level:
            lines = [line for line in lines if re.search("error:|exit status", line)
                     or ("warning:" in line and line.split(":")[0] in self.files)]
        return lines

    def cross(self, name):
        """Compile for another machine, and see that it will link there."""
        arch, prefix, options = CROSS[name]
        setup.install([f"gcc-{prefix}"])
        fragment = self.work / f"{name}.config"
        fragment.write_text("\n".join([
            f"# make: ARCH={arch} CROSS_COMPILE={prefix}-",
            *(f"CONFIG_{option}" for option in options.split())]))
        make, obj = self.make(f"cross-{name}", [HERE / "config/cross.config", fragment],
                              f"{prefix}-gcc", "1", arch)
        objects = [object_file for object_file in self.objects(self.overlaid)
                   if object_file.startswith("kernel/") or "INFINIBAND=n" not in options]
        for object_file in objects:
            (obj / object_file).unlink(missing_ok=True)
        # Which system calls an architecture lacks, the base always tells.
        lines = [line for line in self.made([*make, *objects])
                 if "#warning syscall " not in line]
        for object_file in objects:
            lines += [f"{object_file}: needs {symbol}, which no kernel has" for symbol
                      in said([f"{prefix}-nm", "-u", "-j", str(obj / object_file)])
                      if re.search(NOT_IN_A_KERNEL, symbol)]
        return lines

    def exports(self):
        """What a module has of ours, and another one takes: is it exported?"""
        modules = [f"drivers/infiniband/core/{name}.o" for name in ("ib_core", "ib_uverbs")]
        lines = self.build("gcc-modular", targets=modules)
        obj = self.tree / "obj-lint-gcc-modular"
        taken, made, exported = {}, set(), set()
        for name in ("kernel/cgroup/rdma.o", *modules):
            for line in said(["nm", str(obj / name)]):
                kind, symbol = line.split()[-2:]
                if "rdmacg" not in symbol:
                    continue
                match = re.match("__(?:ksymtab|export_symbol)_(.*)", symbol)
                if match:
                    exported.add(match[1])
                elif kind == "U":
                    taken[symbol] = name
                elif kind == "T":
                    made.add(symbol)
        if not taken:
            lines.append("the IB core takes nothing of ours")
        return lines + [f"{name}: {symbol} is not exported, or not there"
                        for symbol, name in taken.items()
                        if symbol not in made & exported]

    def cycles(self):
        """No two files of a program of ours may need each other, directly or not."""
        for program, patterns in PROGRAMS.items():
            defined, needed = {}, {}
            for name in self.named(*patterns):
                for line in self.symbols(name):
                    kind, symbol = line.split()[-2:]
                    if kind == "U":
                        needed.setdefault(name, []).append(symbol)
                    elif kind.isupper():
                        defined[symbol] = name
            uses = {name: {defined[symbol]: symbol for symbol in symbols if symbol in defined}
                    for name, symbols in needed.items()}
            if not any(uses.values()):
                yield f"{program}: none of its files uses another one"
            for name, others in uses.items():
                yield from (f"{name}: {other} needs it, too, so {symbol} has to be elsewhere"
                            for other, symbol in others.items() if name in reached(other, uses))

    @functools.lru_cache(maxsize=None)
    def symbols(self, name):
        """What nm says of a file of ours, compiled for user space."""
        object_file = self.work / "cycles.o"
        kselftests = self.tree / "tools/testing/selftests"
        done = said(["gcc", "-w", "-D_GNU_SOURCE", "-DVERSION=\"\"", "-idirafter",
                     str(kselftests), "-c", "-o", str(object_file), name])
        return done or said(["nm", str(object_file)])

    def hunks(self):
        """What is laid over the controller, or taken out of it, has to sit exactly."""
        for patch in self.named("*/detectors/*.patch", "*/series/*.split"):
            reverse = ["-R"] if patch.endswith(".split") else []
            for line in said(["patch", "--dry-run", "-p1", "-f", "-F0", *reverse,
                              "-i", patch]):
                if not line.startswith("checking file "):
                    yield f"{patch}: {line}"

    def barriers(self):
        """The comment before each barrier has to name its litmus test."""
        tests = {Path(name).stem for name in self.named("*/litmus/*.litmus")}
        named = set()
        for name in self.named("kernel/cgroup/rdma.[ch]"):
            text = (REPO / name).read_text()
            comment = ""
            for found in re.finditer(rf"/\*.*?\*/|^}}|{BARRIER}", text, re.M | re.S):
                if not found[1]:
                    comment = found[0]
                    named.update(re.findall(LITMUS, comment))
                elif not re.search(LITMUS, comment):
                    yield (f"{name}:{text.count(chr(10), 0, found.start()) + 1}: "
                           f"{found[1]}() without a litmus test in the comment before")
        for test in sorted(named - tests):
            yield f"{test}: a comment names it, but there is no such litmus test"
        for test in sorted(tests - named):
            yield f"{test}: no comment names this litmus test"

    def sparse(self):
        """By the host's sparse, or a newer one, if the base takes no other."""
        check = ["sparse"]
        judge = self.scripts / "checker-valid.sh"       # since 7.2
        if judge.exists() and said([judge, *check]) != ["1"]:
            check = newest(*check, *check)
        return self.build("gcc", "C=2", f"CHECK={' '.join(check)}")

    def coccicheck(self):
        folder = fresh(self.work / "coccicheck")
        for name in self.kernel_code():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(REPO / name, folder / name)
        (folder / "canary.c").write_text(CANARY)
        # With a log that is there already, coccicheck does nothing, silently.
        log = self.work / "coccicheck.log"
        log.unlink(missing_ok=True)
        lines = said(["make", "-s", "-C", str(self.tree), "coccicheck", "MODE=report",
                      f"M={folder}", f"J={self.jobs}", f"DEBUG_FILE={log}",
                      # By itself it asks git, which knows no file in there.
                      "SPFLAGS=--use-coccigrep"])
        # Since 7.3 a path begins with a dot, and what has nothing to report says so.
        lines = [line.removeprefix(f"{folder}/").removeprefix("./") for line in lines
                 if not re.match("Please check for false|When using .patch. mode|"
                                 "warning: Skipping .*does not match mode", line)]
        found = [line for line in lines if line.startswith("canary.c:")]
        ran = len(re.findall("--cocci-file", log.read_text())) if log.exists() else 0
        there = sum("virtual report" in path.read_text() for path
                    in (self.scripts / "coccinelle").rglob("*.cocci"))
        if ran < there or not found:
            lines.append(f"{ran} of {there} semantic patches ran, and found a planted "
                         f"fault {len(found)} times; see {log}")
        return [line for line in lines if line not in found]

    def checks(self):
        return {
            "checkpatch": self.checkpatch,
            "kernel-doc": self.kernel_doc,
            "codespell": self.codespell,
            "words": self.words,
            "shellcheck": self.shellcheck,
            "pyflakes": self.pyflakes,
            "spdx": self.spdx,
            "editorconfig": self.editorconfig,
            "hunks": self.hunks,
            "cycles": self.cycles,
            "barriers": self.barriers,
            "sphinx": self.sphinx,
            **{name: lambda name=name: self.build(name) for name in BUILDS
               if name != "gcc-modular"},
            **{f"cross-{name}": lambda name=name: self.cross(name) for name in CROSS},
            "exports": self.exports,
            "sparse": self.sparse,
            "coccicheck": self.coccicheck,
        }


def reached(name, uses):
    """All that a file uses, and what these use."""
    found, queue = set(), [name]
    while queue:
        new = set(uses.get(queue.pop(), ())) - found
        found |= new
        queue += new
    return found


def names():
    """Of all checks, without a tree to look at."""
    return list(Lint.checks(Lint))


def untidy(data, want):
    """Where data is not as .editorconfig wants it. Long lines: ask checkpatch."""
    try:
        text = data.decode("utf-8" if want.get("charset") == "utf-8" else "latin-1")
    except UnicodeDecodeError as error:
        yield f"1: {error}"
        return
    if want.get("insert_final_newline") == "true" and text and text[-1] != "\n":
        yield "1: no newline at the end"
    for number, line in enumerate(text.split("\n"), 1):
        if want.get("end_of_line") == "lf" and "\r" in line:
            yield f"{number}: carriage return"
        if want.get("trim_trailing_whitespace") == "true" and line != line.rstrip():
            yield f"{number}: whitespace at the end"
        indent = re.match(r"\s*", line)[0]
        if " " * 8 in indent and want.get("indent_style") == "tab":
            yield f"{number}: indented with blanks instead of tabs"
        if "\t" in indent and want.get("indent_style") == "space":
            yield f"{number}: indented with tabs instead of blanks"


class Exceptions:
    """Lines "CHECK PATH WORD # reason": PATH is a pattern, WORD is in what is said.

    "KERNEL=7.3 CHECK PATH WORD # reason" is for that base alone.
    """

    def __init__(self, path, base):
        self.rules = {}
        for number, line in enumerate(path.read_text().splitlines(), 1):
            rule, _, reason = line.partition("#")
            rule = re.sub(rf"^KERNEL={re.escape(base)} ", "", rule)
            if not rule.strip() or rule.startswith("KERNEL="):
                continue
            if len(rule.split()) != 3 or not reason.strip():
                sys.exit(f"{path}:{number}: write CHECK PATH WORD # reason")
            self.rules[f"{os.path.relpath(path, REPO)}:{number}"] = tuple(rule.split())
        self.unused = set(self.rules)

    def excuse(self, check, finding):
        for where, (name, pattern, word) in self.rules.items():
            if name == check and fnmatch.fnmatch(finding.split(":")[0], pattern) and \
                    re.search(rf"(?<!\w){re.escape(word)}(?!\w)", finding):
                self.unused.discard(where)
                return True
        return False

    def stale(self):
        for where in sorted(self.unused):
            yield f"{where}: excuses nothing any more: remove it"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tree", type=Path, required=True,
                        help="kernel tree with our files, as kernel.py lays it out")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("part", nargs="*",
                        help="run only checks with one of these in their names")
    args = parser.parse_args()

    tree = args.tree.resolve()
    exceptions = Exceptions(HERE / "exceptions", tree.parent.name)
    checks = Lint(tree, args.jobs).checks()
    if args.part:
        for part in args.part:
            if not any(part in name for name in checks):
                parser.error(f"no check has {part} in its name: {' '.join(checks)}")
        checks = {name: check for name, check in checks.items()
                  if any(part in name for part in args.part)}
    else:
        for name in set(CROSS).difference(CROSS_ALWAYS):
            del checks[f"cross-{name}"]
        checks["exceptions"] = exceptions.stale
    print(f"1..{len(checks)}")
    failed = 0
    for number, (name, check) in enumerate(checks.items(), 1):
        started = time.monotonic()
        print(f"[{number}/{len(checks)}] {name}", file=sys.stderr, flush=True)
        try:
            findings = [line for line in check()
                        if not exceptions.excuse(name, line)]
        except (OSError, SystemExit, Unavailable) as error:
            findings = [str(error)]
        for line in findings:
            print("#", line)
        failed += bool(findings)
        print(f"# {time.monotonic() - started:.1f} s")
        print(f"{'not ' if findings else ''}ok {number} - lint: {name}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
