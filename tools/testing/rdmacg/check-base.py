#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tell, before a build, whether a kernel tree has what our files need.

Our files are read for what they use of the kernel: headers, functions and
macros with the number and kind of their arguments, constants, structs, members,
callbacks. Each is looked up in the tree. So are the places in the IB core and
in the cgroup core that the controller relies on, and what the patches, the
selftests and the guest's configuration need. Nothing is written into the tree.

  ok       is there
  differs  is not as it was: it builds, but somebody has to read it
  missing  is not there, or not so that it would build and count

Exits with 0 if nothing is missing, 1 if something is, 2 if it cannot tell.
"""

import argparse
import collections
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "qemu")]
import csource  # noqa: E402 (only now can it be found)
import kernel   # noqa: E402
from machines import DEFAULT, MACHINES  # noqa: E402

PATCHES = kernel.REPO / "patches"
IB = "drivers/infiniband/core/"
CONTROLLER = "kernel/cgroup/rdma.c"
KUNIT = "kernel/cgroup/rdma_test.c"
GLUE = IB + "cgroup.c"
API = "include/linux/cgroup_rdma.h"
TRACE = "include/trace/events/rdmacg.h"
KSELFTESTS = "tools/testing/selftests"
SELFTESTS = f"{KSELFTESTS}/cgroup"
KSELFTEST = f"{KSELFTESTS}/kselftest.h"
MODULES = "tools/testing/rdmacg/modules"
FAULTS = "tools/testing/rdmacg/faults"

# What a file must say, what it is if it does not, and what to do then.
LINES = (
    ("include/linux/cgroup_subsys.h", r"^SUBSYS\(rdma\)", "missing",
     "the rdma subsystem",
     "add it: it makes rdma_cgrp_id, and the call of our callbacks"),
    ("kernel/cgroup/Makefile", r"CONFIG_CGROUP_RDMA\).*\brdma\.o", "missing", "rdma.o",
     "add it: it builds the controller"),
    (IB + "Makefile", r"CONFIG_CGROUP_RDMA\).*\bcgroup\.o", "missing", "cgroup.o",
     "add it: it builds the glue"),
    ("init/Kconfig", r"^config CGROUP_RDMA$", "missing", "CONFIG_CGROUP_RDMA",
     "add it"),
    ("include/rdma/ib_verbs.h", r"^\s*struct rdmacg_device\s+cg_device;", "missing",
     "cg_device in struct ib_device",
     "add it: it is the controller's part of a device"),
    ("lib/kunit/test.c", r"^module_param_named\(enable,", "differs", "kunit.enable=",
     "KUnit runs at each boot, as vm.py cannot switch it off"),
    ("lib/kunit/executor.c", r"\bfilter_glob\b", "differs", "kunit.filter_glob=",
     "vm.py --kunit cannot choose the suite, and runs all there are"),
    ("lib/kunit/executor.c", r'"(K?TAP version 1|TAP version 14)\b', "missing",
     "(K)TAP version", "KUnit's output begins otherwise: have vm.py find it in the log"),
)

HANDLE, OBJECT = r"[^;]*RDMACG_RESOURCE_HCA_HANDLE", r"[^;]*RDMACG_RESOURCE_HCA_OBJECT"
DRIVER_FAILURE = "RDMA_REMOVE_DRIVER_FAILURE"

# What functions must do, in this order, and why.
SITES = (
    (IB + "device.c", "_ib_alloc_device", (r"\bk[vz]?[zc]alloc\w*\(",),
     "cg_device has to come zeroed"),
    (IB + "device.c", "assign_name", (r"->name\b", r"->index\b"),
     "sets the name and index that the controller shows"),
    (IB + "device.c", "ib_register_device",
     (r"\bassign_name\(", r"\bib_device_register_rdmacg\(", r"\bdevice_add\(",
      r"\benable_device_and_get\(", r"\bib_device_unregister_rdmacg\("),
     "register after the name is set and before anybody can open the device; "
     "undo it on failure"),
    (IB + "device.c", "__ib_unregister_device",
     (r"\bdisable_device\(", r"\bib_device_unregister_rdmacg\("),
     "unregister only when no user is left"),
    (IB + "uverbs_cmd.c", "ib_alloc_ucontext", (r"\brdma_restrack_set_name\(",),
     "takes the task reference that uverbs-put-refused-context.patch puts"),
    (IB + "uverbs_cmd.c", "ib_init_ucontext",
     (r"\bib_rdmacg_try_charge\(" + HANDLE, r"->alloc_ucontext\(|\.alloc_ucontext\(",
      r"\bib_rdmacg_uncharge\(" + HANDLE),
     "charge a context before the driver makes it, uncharge if it cannot"),
    (IB + "uverbs_std_types_device.c", "UVERBS_HANDLER(UVERBS_METHOD_GET_CONTEXT)",
     (r"\bib_alloc_ucontext\(", r"\bib_init_ucontext\(", r"\bkfree\("),
     "the ioctl way to a context; it has to put what it allocated"),
    (IB + "rdma_core.c", "ufile_destroy_ucontext",
     (r"\bib_rdmacg_uncharge\(" + HANDLE, r"\bdealloc_ucontext\("),
     "uncharge a context when it goes"),
    (IB + "rdma_core.c", "alloc_begin_idr_uobject",
     (r"\bib_rdmacg_try_charge\(" + OBJECT,), "charge an object before it is made"),
    (IB + "rdma_core.c", "alloc_abort_idr_uobject",
     (r"\bib_rdmacg_uncharge\(" + OBJECT,), "uncharge what was not made"),
    (IB + "rdma_core.c", "destroy_hw_idr_uobject",
     (r"\bdestroy_object\(", r"\bib_rdmacg_uncharge\(" + OBJECT),
     "uncharge an object that the driver has destroyed"),
    (IB + "rdma_core.c", "__uverbs_cleanup_ufile",
     (rf"\b{DRIVER_FAILURE}\b", r"->object = NULL"),
     "drops what a driver failed to destroy; the patch uncharges it here"),
    ("kernel/cgroup/cgroup.c", "css_release_work_fn", (r"\bqueue_rcu_work\(",),
     "a grace period before css_free(): rdmacg_query_limit() walks css without "
     "references"),
    ("kernel/cgroup/cgroup.c", "css_free_rwork_fn",
     (r"->css_free\(", r"\bcss_put\(parent\)"),
     "a css goes before its parent: pools point to those of the parent"),
)

Row = collections.namedtuple("Row", "status what where todo")


class CannotTell(Exception):
    pass


# Of many trees most files are the same, and so is what they say.
parse = functools.lru_cache(maxsize=None)(csource.File)
uses = functools.lru_cache(maxsize=None)(csource.Uses)


@functools.lru_cache(maxsize=None)
def read(path):
    return parse(path.read_text(errors="replace"))


class Tree:
    """A kernel tree as it will be with our files and patches over it."""

    def __init__(self, root, over, arch):
        self.root, self.over = root, over
        self.includes = ["include", f"arch/{arch}/include", "include/uapi",
                         f"arch/{arch}/include/uapi"]
        self.exists = functools.lru_cache(maxsize=None)(self._exists)
        self.headers = functools.lru_cache(maxsize=None)(self._headers)
        self.read = functools.lru_cache(maxsize=None)(self._read)

    def path(self, rel):
        return self.over.get(rel) or self.root / rel

    def _exists(self, rel):
        return self.path(rel).is_file()

    def _read(self, rel):
        return read(Path(os.path.realpath(self.path(rel))))

    def text(self, rel):
        return self.read(rel).raw if self.exists(rel) else ""

    def resolve(self, include, rel):
        """The path of what is included in file rel; None if it is not there."""
        name, candidates = include[1:], []
        if include[0] == '"':
            candidates.append(
                os.path.normpath(os.path.join(os.path.dirname(rel), name)))
        candidates += [f"{folder}/{name}" for folder in self.includes]
        if name.startswith("asm/"):
            # Generated, if the architecture has none of its own.
            candidates += [f"include/{uapi}asm-generic/{name[4:]}"
                           for uapi in ("", "uapi/")]
        return next(filter(self.exists, candidates), None)

    def reach(self, rels):
        """All that these files include, themselves first."""
        seen, queue = dict.fromkeys(rels), collections.deque(rels)
        while queue:
            rel = queue.popleft()
            for include in self.read(rel).includes:
                found = self.resolve(include, rel)
                if found and found not in seen:
                    seen[found] = None
                    queue.append(found)
        return list(seen)

    def _headers(self):
        """{path: content} of all."""
        found = {}
        for folder in self.includes:
            for path, _, names in os.walk(self.root / folder, followlinks=True):
                rel = os.path.relpath(path, self.root)
                found.update((f"{rel}/{name}", self.text(f"{rel}/{name}"))
                             for name in names if name.endswith(".h"))
        return found


class Scope:
    """What files can see through what they include."""

    def __init__(self, tree, rels):
        self.tree = tree
        self.reached = [(rel, tree.read(rel)) for rel in tree.reach(rels)]
        self.decls = functools.lru_cache(maxsize=None)(self._decls)
        self.struct = functools.lru_cache(maxsize=None)(self._struct)

    def _decls(self, name):
        """[(file, Decl)]"""
        return [(rel, decl) for rel, file in self.reached if name in file.names
                for decl in file.names[name]]

    def functions(self, name):
        return [decl for _, decl in self.decls(name) if decl.kind == "function"]

    def _struct(self, name):
        return next((file.structs[name] for _, file in self.reached
                     if name in file.structs), None)

    def find(self, kind, name):
        """Where a name or struct is; "" if nowhere."""
        for rel, file in self.reached:
            if kind == "struct" and name in file.structs:
                return rel
        for rel, decl in self.decls(name):
            return f"{rel}:{decl.line}"
        return ""

    def elsewhere(self, kind, name):
        """A header that has it, and is not among those included."""
        for rel, text in self.tree.headers().items():
            if name in text:
                file = self.tree.read(rel)
                if name in file.names or kind == "struct" and name in file.structs:
                    return rel
        return ""


def shown(use):
    if use.kind == "call":
        return f"{use.name}(), {use.nargs} argument{'s' * (use.nargs != 1)}"
    if use.kind == "header":
        return use.name + (">" if use.name[0] == "<" else '"')
    return {"struct": "struct ", "member": "struct ",
            "callback": "callback "}.get(use.kind, "") + use.name


def agrees(decl, use):
    """Whether a call fits a declaration, as far as can be seen."""
    if not decl.takes(use.nargs):
        return False
    for param, struct in zip(decl.params or (), use.types):
        wanted = csource.struct_of(param) if decl.kind == "function" else None
        if wanted and struct and wanted != struct:
            return False
    return True


def judge(use, scope, user):
    """The Row of one use, by the file user."""
    by = f"{user}:{use.line}" if use.line else user
    what = shown(use)
    if use.kind == "header":
        found = scope.tree.resolve(use.name, user)
        return Row("ok", what, found, "") if found else Row(
            "missing", what, by, "include what has taken its place")

    if use.kind in ("member", "callback"):
        struct, _, name = use.name.partition(".")
        body = scope.struct(struct)
        if body is None:
            return Row("missing", f"struct {struct}", by, "find what it became")
        if name not in csource.members(body):
            return Row("missing", what, by,
                       f"find what it became in {scope.find('struct', struct)}")
        theirs = csource.callback(body, name) if use.kind == "callback" else None
        if theirs and csource.prototype(*theirs) != csource.prototype(*use.types):
            return Row("missing", what, by, "it is called as "
                       f"{' '.join(theirs[0].split())}({' '.join(theirs[1].split())})")
        return Row("ok", what, scope.find("struct", struct), "")

    found = scope.find(use.kind, use.name)
    if not found:
        other = scope.elsewhere(use.kind, use.name)
        return Row("missing", what, by, f"include {other}: nothing there does"
                   if other else "find what it became")
    decls = [decl for _, decl in scope.decls(use.name)]
    if use.kind == "call" and not any(agrees(decl, use) for decl in decls):
        return Row("missing", what, by, f"{found} takes ({', '.join(decls[0].params)})")
    return Row("ok", what, found, "")


def uses_of(tree, user, own, starts, lines=None):
    """A row for each thing of the kernel that a file uses, in these lines."""
    scope = Scope(tree, starts)
    own = [tree.read(rel) for rel in own]
    ours = set().union(*(each.structs for each in own))
    rows = {}
    for use in uses(tree.read(user), tuple(own)).all(scope):
        if use.kind in ("member", "callback") and \
                use.name.partition(".")[0] in ours | {"?"}:
            continue
        if lines is not None and use.line not in lines:
            continue
        row = judge(use, scope, user)
        rows.setdefault((row.what, row.status), row)
    return list(rows.values())


def sources(folder):
    """The C files of one of our folders outside of the kernel tree."""
    return [f"{folder}/{path.name}" for path in sorted((kernel.REPO / folder).glob("*.c"))]


def check_apis(tree):
    yield from uses_of(tree, CONTROLLER, [CONTROLLER, API, TRACE], [CONTROLLER])
    yield from uses_of(tree, API, [API, CONTROLLER], [API])
    yield from uses_of(tree, TRACE, [TRACE, API], [TRACE])
    yield from uses_of(tree, GLUE, [GLUE, API], [GLUE])
    yield from uses_of(tree, KUNIT, [KUNIT, CONTROLLER, API, TRACE],
                       [KUNIT, CONTROLLER])
    for user in sources(MODULES):
        yield from uses_of(tree, user, [user], [user])


def missing_step(body, steps):
    """The first of the steps that is not found behind those before it."""
    at = 0
    for step in steps:
        match = re.compile(step).search(body, at)
        if not match:
            shown_step = re.sub(r"\[\^;\]\*RDMACG_RESOURCE_|\\b|\\|\|.*", "", step)
            return shown_step + ")" * (shown_step.count("(") - shown_step.count(")"))
        at = match.end()
    return None


def check_lines(tree):
    for rel, pattern, otherwise, what, todo in LINES:
        match = re.search(pattern, tree.text(rel), re.M)
        if match:
            line = tree.text(rel).count("\n", 0, match.start()) + 1
            yield Row("ok", what, f"{rel}:{line}", "")
        else:
            yield Row(otherwise, what, rel, todo)


def check_kunit(tree):
    """The switches of KUnit: in an allnoconfig kernel, what is not given is off."""
    given = set(re.findall(r"\bkunit\.(\w+)=", (kernel.HERE / "vm.py").read_text()))
    for rel in ("lib/kunit/executor.c", "lib/kunit/test.c"):
        for name in re.findall(r"^module_param_named\((\w+), \w+, bool,",
                               tree.text(rel), re.M):
            yield Row("ok", f"kunit.{name}=", rel, "") if name in given else Row(
                "differs", f"kunit.{name}=", rel, "vm.py does not give it: see whether "
                "suites run without")


def home(tree, rel, function):
    """The file that defines a function: rel, or another one beside it, or None."""
    folder = os.path.dirname(rel)
    beside = sorted(f"{folder}/{path.name}" for path in (tree.root / folder).glob("*.c"))
    return next((other for other in (rel, *beside) if tree.exists(other)
                 and tree.read(other).body(function) is not None), None)


def check_sites(tree):
    for usual, function, steps, why in SITES:
        if function == "__uverbs_cleanup_ufile" and \
                DRIVER_FAILURE not in tree.text("include/rdma/ib_verbs.h"):
            yield Row("ok", DRIVER_FAILURE, usual, "not there: destroy_hw_idr_uobject() "
                      "uncharges what a driver failed to destroy")
            continue
        rel = home(tree, usual, function)
        if not rel:
            yield Row("missing", f"{function}()", usual,
                      f"find what does it now: {why}")
            continue
        step = missing_step(tree.read(rel).body(function), steps)
        if step:
            yield Row("missing", f"{step} in {function}()", rel, f"mend: {why}")
        else:
            yield Row("ok", f"{function}()", rel, "")


def callers(tree, folder, word, pattern):
    """(file, function) of what matches pattern, which has word in it."""
    for path, _, names in os.walk(tree.root / folder, followlinks=True):
        for name in names:
            rel = os.path.relpath(os.path.join(path, name), tree.root)
            if not name.endswith(".c") or word not in tree.text(rel):
                continue
            file = tree.read(rel)
            for function, begin, end in file.functions():
                if re.search(pattern, file.code[begin:end]):
                    yield rel, function


def check_callers(tree, pristine):
    """Sites of which we know nothing, in the tree as it is; hooks, as patched."""
    known = {(home(pristine, rel, function), function) for rel, function, _, _ in SITES}
    calls = r"\b(?:ib_)?rdmacg_\w+\(|\bib_device_\w*register_rdmacg\("
    for rel, function in sorted(callers(pristine, "drivers/infiniband", "rdmacg",
                                        calls)):
        if rel != GLUE and (rel, function) not in known:
            yield Row("differs", f"{function}()", rel,
                      "charges or uncharges as well: see that each charge has its "
                      "uncharge")
    name = r"\bstr\w*cpy\w*\([^,;]*->name, [^;]*\bIB_DEVICE_NAME_MAX\b"
    # A device that has no name yet is not registered either.
    setters = [(rel, function) for rel, function in
               sorted(callers(pristine, IB, "IB_DEVICE_NAME_MAX", name))
               if function != "assign_name"]
    if not setters:
        yield Row("missing", "what renames a device", IB + "device.c",
                  "find it, and call ib_device_rename_rdmacg() there")
    for rel, function in setters:
        if missing_step(tree.read(rel).body(function),
                        (name, r"\bib_device_rename_rdmacg\(")):
            yield Row("differs", f"{function}()", rel,
                      "sets a device's name: call ib_device_rename_rdmacg() behind it")
        else:
            yield Row("ok", f"{function}() tells the new name", rel, "")


def check_replaced(tree, pristine):
    """What others use of the tree's own files that ours take the place of."""
    for rel in (API, GLUE):
        ours = tree.read(rel).names
        for name, (decl, *_) in pristine.read(rel).names.items():
            if name in ours or decl.kind not in ("function", "constant", "macro"):
                continue
            for user, function in callers(pristine, "drivers/infiniband", name,
                                          rf"\b{name}\b"):
                if user != GLUE:
                    yield Row("missing", f"{name} in our {os.path.basename(rel)}",
                              f"{user}, {function}()",
                              f"add it: the tree's own {rel} has it")


def check_glue(tree):
    """The IB core's declarations of the glue, as patched, against our own."""
    declared = tree.read(IB + "core_priv.h")
    ours = tree.read(GLUE)
    for function, _, _ in ours.functions():
        mine = ours.names[function][0]
        if re.search(rf"^static\b[^;{{}}]*?\b{function}\(", ours.code, re.M):
            continue
        theirs = declared.names.get(function, [])
        what = f"{function}() in core_priv.h"
        if len(theirs) < 2:
            yield Row("missing", what, IB + "core_priv.h",
                      "declare it, and make it empty without CONFIG_CGROUP_RDMA")
        elif any(prototype_of(decl) != prototype_of(mine) for decl in theirs):
            yield Row("missing", what, f"{IB}core_priv.h:{theirs[0].line}",
                      f"{GLUE}:{mine.line} has another prototype")
        else:
            yield Row("ok", what, f"{IB}core_priv.h:{theirs[0].line}", "")

    def value(rel, name):
        match = re.search(rf"^#define\s+{name}\s+(\w+)", tree.text(rel), re.M)
        return match[1] if match else "?"
    longest = value("include/uapi/rdma/ib_user_verbs.h", "IB_DEVICE_NAME_MAX")
    ours = value(API, "RDMACG_DEVICE_NAME_MAX")
    yield Row("ok", "IB_DEVICE_NAME_MAX", longest, "") if longest == ours else Row(
        "missing", f"IB_DEVICE_NAME_MAX of {ours}", "include/uapi/rdma/ib_user_verbs.h",
        f"it is {longest}: give RDMACG_DEVICE_NAME_MAX the same value")


def prototype_of(decl):
    return csource.prototype(decl.returned, ", ".join(decl.params))


def check_clamp(tree):
    """That each way to report a device's figures clamps them, as patched."""
    rel = IB + "uverbs_cmd.c"
    file = tree.read(rel)
    copies = [(function, file.code[begin:end])
              for function, begin, end in file.functions()
              if "copy_query_dev_fields(" in file.code[begin:end]]
    if not copies:
        yield Row("missing", "copy_query_dev_fields()", rel,
                  "find what reports a device's figures, and clamp them there")
    for function, body in copies:
        if missing_step(body, (r"\bib_rdmacg_clamp_attr\(",
                               r"\bcopy_query_dev_fields\(")):
            yield Row("missing", f"ib_rdmacg_clamp_attr() in {function}()", rel,
                      "clamp what it reports before copy_query_dev_fields()")
        else:
            yield Row("ok", f"{function}() clamps", rel, "")


def patch(argument, path, folder):
    command = ["patch", "-p1", "-f", "-r", "-", "--no-backup-if-mismatch", *argument,
               "-i", str(path), "-d", str(folder)]
    return subprocess.run(command, text=True, capture_output=True, check=False,
                          env={**os.environ, "LC_ALL": "C"})


def apply_patch(path, what, where, staging):
    exact = patch(["-F0", "--dry-run"], path, staging)
    if not exact.returncode:
        patch(["-F0"], path, staging)
        offsets = ", ".join(re.findall(r"offset (-?\d+)", exact.stdout))
        return Row("ok", what, where, offsets and f"offset {offsets}")
    if not patch(["-R", "-F0", "--dry-run"], path, staging).returncode:
        return Row("missing", what, where, "the tree has its change already: leave it "
                   "out for this base")
    failed = ", ".join(re.findall(r"Hunk (#\d+) FAILED", exact.stdout))
    others = [other.parent.name for other in sorted(PATCHES.glob(f"*/{path.name}"))
              if not patch(["-F0", "--dry-run"], other, staging).returncode]
    # For the other checks, though kernel.py would not take it.
    fuzzy = patch([], path, staging)
    fuzz = re.findall(r"with fuzz (\d)", fuzzy.stdout)
    todo = f"that of patches/{others[-1]} applies" if others else \
        "see where it should go, and give it the context that is there" \
        if not fuzzy.returncode else "adapt it to the code that is there"
    but = "" if fuzzy.returncode else f" but for fuzz {max(fuzz)}"
    return Row("missing", what, where, f"hunk {failed} fails{but}: {todo}")


def apply_patches(root, base, staging):
    """Apply what applies of patches/BASE to copies. (rows, {path: copy})"""
    rows, over = [], {}
    for path in sorted((PATCHES / base).glob("*.patch")):
        what = f"patches/{base}/{path.name}"
        names = re.findall(r"^\+\+\+ b/(\S+)", path.read_text(), re.M)
        where = ", ".join(names)
        absent = [name for name in names if not (root / name).is_file()]
        if absent:
            rows.append(Row("missing", what, absent[0], "the file is not there: find "
                            "where its code went"))
            continue
        for name in names:
            copy = staging / name
            if name not in over:
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(root / name, copy)
                over[name] = copy
        rows.append(apply_patch(path, what, where, staging))
    return rows, over


def check_patched(tree, root, over):
    """What the patches add to C files, as our own files are checked.

    What they mend in files that ours take the place of is for other trees.
    """
    for rel, path in over.items():
        if rel.endswith(".c") and rel.startswith(IB) and rel != GLUE:
            old = set((root / rel).read_text(errors="replace").splitlines())
            new = path.read_text(errors="replace").splitlines()
            lines = {number for number, line in enumerate(new, 1) if line not in old}
            yield from uses_of(tree, rel, [rel], [rel], lines)


def include_path(tree):
    """The folders that the tree's cgroup selftests search for what they include."""
    makefiles = [f"{SELFTESTS}/Makefile", f"{KSELFTESTS}/lib.mk",
                 *(os.path.relpath(os.path.join(path, name), tree.root)
                   for path, _, names in os.walk(tree.root / SELFTESTS, followlinks=True)
                   for name in names if name.endswith(".mk"))]
    text = "\n".join(map(tree.text, makefiles))
    values = {**dict(re.findall(r"^(\w+)\s*:?=\s*(\S+)$", text, re.M)),
              "selfdir": KSELFTESTS}

    def expand(word):
        return re.sub(r"\$[({](\w+)[)}]",
                      lambda match: expand(values.get(match[1], "")), word)
    return [os.path.normpath(expand(word)) for word in re.findall(r"-I(\S+)", text)]


def check_selftest(tree):
    """What our tests take of the helpers that the tree's selftests share."""
    helpers = {}
    for path, _, names in os.walk(tree.root / SELFTESTS, followlinks=True):
        helpers.update((name, os.path.relpath(os.path.join(path, name), tree.root))
                       for name in names if name.startswith("cgroup_util."))
    own = [rel for rel in kernel.own_files()
           if rel.startswith(f"{SELFTESTS}/") and rel.endswith((".c", ".h"))]
    users = {include[1:]: rel for rel in own for include in tree.read(rel).includes
             if include[0] == '"' and not include.endswith("verbs.h")}
    path = include_path(tree)
    for include in sorted(users.keys() - {os.path.basename(rel) for rel in own}):
        found = [f"{folder}/{include}" for folder in path
                 if tree.exists(f"{folder}/{include}")]
        if found:
            yield Row("ok", f'"{include}"', found[0], "")
        elif include in helpers:
            yield Row("differs", f'"{include}"', helpers[include], "it has moved: see how "
                      f"{SELFTESTS}/Makefile finds and links it for the other tests")
        else:
            yield Row("missing", f'"{include}"', users[include], "find where it went")

    known = [rel for rel in (*helpers.values(), KSELFTEST) if tree.exists(rel)]
    yield from check_helpers(tree, own, known, r"(cg|ksft|KSFT)_")
    yield from check_helpers(tree, sources(FAULTS), [KSELFTEST], r"(ksft|KSFT)_")


def check_helpers(tree, users, known, names):
    rows = {}
    for user in users:
        own = tree.read(user)
        for use in uses(own, (own,)).all(Scope(tree, [])):
            found = [(rel, decl) for rel in known
                     for decl in tree.read(rel).names.get(use.name, ())]
            if use.kind in ("call", "name") and (found or re.match(names, use.name)):
                rows[shown(use)] = judge_helper(use, found, user)
    yield from rows.values()


def judge_helper(use, found, user):
    what, by = shown(use), f"{user}:{use.line}"
    shared = [(f"{rel}:{decl.line}", decl) for rel, decl in found if rel.endswith(".h")]
    if not found:
        return Row("missing", what, by, "do without")
    if not shared:
        return Row("missing", what, found[0][0], "it is static there: do without")
    where, decl = shared[0]
    if use.kind == "call" and not any(decl.takes(use.nargs) for _, decl in shared):
        return Row("missing", what, by, f"{where} takes ({', '.join(decl.params)})")
    return Row("ok", what, where, "")


def check_options(tree, base, machine):
    known = kernel.kconfig_symbols(tree.text, MACHINES[machine].srcarch)
    for path in sorted({path for config in kernel.configs(machine)
                        for path in kernel.fragments("rdmacg", config, base, machine)}):
        for option, value in kernel.read_fragment(path, known).items():
            where = known.get(option)
            if where:
                yield Row("ok", option, where, "")
            elif value == "n":
                yield Row("ok", option, path.name, "not there, and not wanted")
            else:
                yield Row("missing", option, path.name,
                          "find what it became, or do without")


class Quiet:
    """Kconfig's progress is nobody's concern here."""

    def begin(self, detail):
        pass

    say = tick = begin


def ask_kconfig(tree, over, folder, base, machine):
    """What Kconfig itself makes of the fragments, with what they depend on."""
    lacking = [tool for tool in ("make", f"{MACHINES[machine].compiler}gcc", "flex", "bison")
               if not shutil.which(tool)]
    if lacking:
        yield Row("differs", "what Kconfig says", ", ".join(lacking),
                  "was not asked: install these, or give --no-kconfig")
        return
    print("check-base: asking Kconfig", file=sys.stderr, flush=True)
    farm = folder / "tree"
    kernel.farm(farm, tree.root, over)
    obj = farm / "obj-check"
    for config in kernel.configs(machine):
        fragments = kernel.fragments("rdmacg", config, base, machine)
        make = kernel.make_command(farm, obj, os.cpu_count(), fragments, machine)
        try:
            kernel.configure(farm, obj, fragments, make, Quiet(), MACHINES[machine].srcarch)
        except SystemExit as error:
            lost = re.findall(r"^  (CONFIG_\w+)=(\S+), but it is (\S+)$",
                              str(error), re.M)
            for option, wanted, got in lost:
                yield Row("missing", f"{option}={wanted}", f"CONFIG={config}",
                          f"Kconfig makes it {got}: see what it depends on, and which "
                          "choice it is one of")
            if not lost:
                yield Row("missing", f"CONFIG={config}", "Kconfig",
                          f"it failed: {str(error).splitlines()[0]}")
        else:
            yield Row("ok", f"CONFIG={config}", "Kconfig", "takes over all of it")


def version_of(root):
    if not (root / CONTROLLER).is_file() or not (root / "Makefile").is_file():
        raise CannotTell(f"{root} is no kernel source tree; name one")
    try:
        return kernel.version(root)
    except TypeError:
        raise CannotTell(f"{root}/Makefile tells no version") from None


def ordinal(version):
    """A version as a number of releases: 5.19 is followed by 6.0."""
    major, minor = (version.split(".") + ["0"])[:2]
    return int(major) * 20 + int(minor)


def nearest(version, bases):
    return min(bases, key=lambda base: (abs(ordinal(base) - ordinal(version)),
                                        -ordinal(base)))


def check(root, base, machine=DEFAULT, with_kconfig=True):
    """[(title, rows)] of all that there is to say of a tree."""
    with tempfile.TemporaryDirectory() as folder:
        staging = Path(folder, "patched")
        staging.mkdir()
        patched, over = apply_patches(root, base, staging)
        files = {**over, **kernel.own_files()}
        files.update((rel, kernel.REPO / rel) for folder in (MODULES, FAULTS)
                     for rel in sources(folder))
        arch = MACHINES[machine].srcarch
        tree, pristine = Tree(root, files, arch), Tree(root, {}, arch)
        for rel in (IB + "core_priv.h", IB + "uverbs_cmd.c", IB + "device.c"):
            if not tree.exists(rel):
                raise CannotTell(f"{root} has no {rel}; give a whole kernel tree")
        sections = [
            ("What our files use of the kernel", check_apis(tree)),
            ("What the controller relies on",
             [*check_lines(pristine), *check_kunit(pristine), *check_sites(pristine),
              *check_callers(tree, pristine), *check_replaced(tree, pristine),
              *check_glue(tree), *check_clamp(tree)]),
            (f"Patches for {base}", [*patched, *check_patched(tree, root, over)]),
            ("What our tests use of the tree's selftests", check_selftest(tree)),
            ("Options of the guest",
             [*check_options(tree, base, machine),
              *(ask_kconfig(tree, over, Path(folder), base, machine) if with_kconfig else ())]),
        ]
        return [(title, list(rows)) for title, rows in sections]


def table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    for row in rows:
        yield "  ".join(f"{cell:{width}}" for cell, width in
                        zip(row, (*widths, 0))).rstrip()


def report(sections, everything):
    for title, rows in sections:
        fine = [row for row in rows if row.status == "ok"]
        # Of what is ok, the offsets of patches are worth a line.
        told = rows if everything else [row for row in rows
                                        if row not in fine or row.todo]
        print(f"== {title}: {len(fine)} of {len(rows)} ok")
        if told:
            print(*table(told), sep="\n")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog=__doc__.partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=Path, help="kernel source without our patches")
    parser.add_argument("--base", help="whose patches to try, as 6.12; "
                        "those of the nearest version, if left out")
    parser.add_argument("--arch", default=DEFAULT, choices=MACHINES,
                        help="%(choices)s; default: %(default)s")
    parser.add_argument("--all", action="store_true", help="show also what is ok")
    parser.add_argument("--no-kconfig", action="store_true",
                        help="do not run Kconfig, which needs a compiler")
    args = parser.parse_args()

    root = args.tree.resolve()
    bases = sorted((path.name for path in PATCHES.iterdir() if path.is_dir()),
                   key=ordinal)
    try:
        version = version_of(root)
        base = args.base or nearest(version, bases)
        if base not in bases:
            raise CannotTell(f"there are no patches/{base}; --base is one of "
                             + ", ".join(bases))
        near = "" if base == version or args.base else \
            f", the nearest, as there are no patches/{version}"
        print(f"{root}: version {version}, with patches/{base}{near}", flush=True)
        sections = check(root, base, args.arch, not args.no_kconfig)
    except CannotTell as error:
        print(f"check-base.py: {error}", file=sys.stderr)
        sys.exit(2)
    report(sections, args.all)
    counts = collections.Counter(row.status for _, rows in sections for row in rows)
    verdict = "lacks what is missing above" if counts["missing"] else \
        "will do, once what differs is looked at" if counts["differs"] else "will do"
    print(f"{version} {verdict}: {counts['ok']} ok, {counts['differs']} differ, "
          f"{counts['missing']} missing")
    sys.exit(1 if counts["missing"] else 0)


if __name__ == "__main__":
    main()
