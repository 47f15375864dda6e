#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of check-base.py, in TAP: spoil a tree, and see what it says.

Each case lays a farm of links over a pristine tree, changes a file or two, and
names all that check-base.py may then complain of, no more and no less.
"""

import argparse
import contextlib
import importlib.util
import io
import re
import shutil
import sys
import tempfile
import traceback
from pathlib import Path
from unittest import mock

HERE = Path(__file__).resolve().parent
SCRIPT = HERE / "check-base.py"
sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location("check_base", SCRIPT)
check_base = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_base)
kernel = check_base.kernel

IB = check_base.IB
CGROUP = "include/linux/cgroup.h"
CGROUP_DEFS = "include/linux/cgroup-defs.h"


class Mutant:
    """A tree in which some files are changed; the others are links."""

    def __init__(self, source):
        self.source, self.changed = source, {}

    def text(self, rel):
        return self.changed.get(rel) or (self.source / rel).read_text()

    def replace(self, rel, pattern, replacement):
        text, count = re.subn(pattern, replacement, self.text(rel), flags=re.M)
        assert count, f"the tree has no '{pattern}' in {rel} to replace"
        self.changed[rel] = text

    def write(self, rel, text):
        self.changed[rel] = text

    def remove(self, rel):
        assert (self.source / rel).exists(), f"the tree has no {rel} to remove"
        self.changed[rel] = None

    def lay_out(self, folder):
        files = {}
        for rel, text in self.changed.items():
            files[rel] = folder / "changed" / rel
            files[rel].parent.mkdir(parents=True, exist_ok=True)
            files[rel].write_text(text or "")
        tree = folder / "mutant"
        kernel.farm(tree, self.source, files)
        for rel, text in self.changed.items():
            if text is None:
                (tree / rel).unlink()
        return tree


# Each case changes a Mutant, and returns {(status, what)} to be complained of. It
# may say what advice has to be among what is told, with tell().
CASES = []


def case(function):
    CASES.append(function)
    return function


def missing(*names):
    return {("missing", what) for what in names}


def differs(*names):
    return {("differs", what) for what in names}


@case
def a_pristine_tree_has_all(tree):
    return set()


@case
def a_function_is_gone(tree):
    tree.replace(CGROUP, r"\bcgroup_file_notify\b", "cgroup_file_tell")
    return missing("cgroup_file_notify(), 1 argument")


@case
def a_function_takes_another_argument(tree):
    tree.replace(CGROUP, r"(cgroup_file_notify\(struct cgroup_file \*\w+)",
                 r"\1, bool now")
    tree.tell = "takes (struct cgroup_file *cfile, bool now)"
    return missing("cgroup_file_notify(), 1 argument")


@case
def a_function_takes_another_struct(tree):
    tree.replace(CGROUP, r"cgroup_file_notify\(struct cgroup_file ",
                 "cgroup_file_notify(struct cftype ")
    tree.tell = "takes (struct cftype *cfile)"
    return missing("cgroup_file_notify(), 1 argument")


@case
def a_macro_takes_fewer_arguments(tree):
    tree.replace("include/linux/rcupdate.h", r"^#define kfree_rcu\([^)]*\)",
                 "#define kfree_rcu(ptr)")
    return missing("kfree_rcu(), 2 arguments")


@case
def a_macro_of_kunit_is_gone(tree):
    tree.replace("include/kunit/test.h", r"#define KUNIT_EXPECT_STREQ_MSG\b",
                 "#define KUNIT_EXPECT_SAME_TEXT")
    return missing("KUNIT_EXPECT_STREQ_MSG(), 5 arguments")


@case
def a_macro_of_tracepoints_is_gone(tree):
    for path in (tree.source / "include/trace").rglob("*.h"):
        rel = str(path.relative_to(tree.source))
        if re.search(r"define __array\b", path.read_text()):
            tree.replace(rel, r"define __array\b", "define __array_of")
    return missing("__array(), 3 arguments")


@case
def a_flag_is_gone(tree):
    tree.replace(CGROUP_DEFS, r"\bCFTYPE_NOT_ON_ROOT\b", "CFTYPE_NON_ROOT")
    return missing("CFTYPE_NOT_ON_ROOT")


@case
def a_member_is_gone(tree):
    tree.replace(CGROUP_DEFS, r"\bfile_offset;", "offset_of_file;")
    return missing("struct cftype.file_offset")


@case
def a_callback_takes_another_argument(tree):
    tree.replace(CGROUP_DEFS, r"\(\*write\)\(struct kernfs_open_file \*of,",
                 "(*write)(struct kiocb *iocb, struct kernfs_open_file *of,")
    tree.tell = "called as ssize_t(struct kiocb *iocb, struct kernfs_open_file *of,"
    return missing("callback cftype.write")


@case
def a_callback_returns_another_type(tree):
    tree.replace(CGROUP_DEFS, r"\bvoid \(\*css_free\)", "int (*css_free)")
    return missing("callback cgroup_subsys.css_free")


@case
def a_header_is_gone(tree):
    # Nothing else that our files include includes it.
    tree.remove("include/linux/kprobes.h")
    tree.some = True
    return missing("<linux/kprobes.h>", "struct kprobe",
                   "register_kprobe(), 1 argument")


@case
def a_function_moves_to_a_header_that_is_not_included(tree):
    tree.replace("include/linux/log2.h", r"^#define roundup_pow_of_two\b",
                 "#define round_up_to_power")
    tree.write("include/linux/log2_more.h", "#define roundup_pow_of_two(n) (n)\n")
    tree.tell = "include include/linux/log2_more.h"
    return missing("roundup_pow_of_two(), 1 argument")


@case
def a_device_has_no_part_for_us(tree):
    tree.replace("include/rdma/ib_verbs.h", r"^\s*struct rdmacg_device\s+cg_device;",
                 "")
    return missing("struct ib_device.cg_device", "cg_device in struct ib_device")


@case
def a_count_of_the_hardware_is_gone(tree):
    tree.replace("include/rdma/ib_verbs.h", r"\bmax_raw_ipv6_qp\b", "max_raw_qp")
    return missing("struct ib_device_attr.max_raw_ipv6_qp")


@case
def an_object_is_not_charged(tree):
    tree.replace(IB + "rdma_core.c", r"\bib_rdmacg_try_charge\([^;]*\);", "0;")
    return missing("ib_rdmacg_try_charge(HCA_OBJECT) in alloc_begin_idr_uobject()")


@case
def a_context_is_charged_as_an_object(tree):
    tree.replace(IB + "uverbs_cmd.c",
                 r"(\bib_rdmacg_try_charge\([^;]*RDMACG_RESOURCE_HCA)_HANDLE",
                 r"\1_OBJECT")
    return missing("ib_rdmacg_try_charge(HCA_HANDLE) in ib_init_ucontext()")


@case
def a_destroyed_object_is_not_uncharged(tree):
    tree.replace(IB + "rdma_core.c",
                 r"(RDMA_REMOVE_ABORT\)\n\s*return 0;\n)\s*ib_rdmacg_uncharge\([^;]*;",
                 r"\1")
    return missing("ib_rdmacg_uncharge(HCA_OBJECT) in destroy_hw_idr_uobject()")


@case
def a_device_is_open_before_it_is_registered(tree):
    tree.replace(IB + "device.c", r"^\tib_device_register_rdmacg\(device\);\n", "")
    tree.replace(IB + "device.c", r"(\tret = enable_device_and_get\(device\);\n)",
                 r"\1\tib_device_register_rdmacg(device);\n")
    return missing("device_add() in ib_register_device()")


@case
def a_renaming_function_has_another_name(tree):
    tree.replace(IB + "device.c", r"\bib_device_rename\(", "ib_device_set_name(")
    return set()


@case
def nothing_renames_a_device(tree):
    tree.replace(IB + "device.c", r"str\w+cpy\((\w+->name, \w+), IB_DEVICE_NAME_MAX\)",
                 r"set_name(\1)")
    tree.replace(IB + "device.c", r"str\w+cpy\((\w+->name), dev_name\(&device->dev\),"
                 r"\s+IB_DEVICE_NAME_MAX\)", r"set_name(\1, dev_name(&device->dev))")
    tree.some = True
    return missing("what renames a device")


@case
def a_function_has_moved(tree):
    name = "ufile_destroy_ucontext"
    text = rf"^(static )?void {name}\([\s\S]*?^}}\n"
    rel = next(rel for rel in (IB + "rdma_core.c", IB + "uverbs_main.c")
               if re.search(text, tree.text(rel), re.M))
    moved = re.search(text, tree.text(rel), re.M)[0]
    tree.replace(rel, text, "")
    tree.write(IB + "uverbs_std_types.c", tree.text(IB + "uverbs_std_types.c") + moved)
    return set()


@case
def a_switch_of_kunit_is_new(tree):
    tree.write("lib/kunit/executor.c", tree.text("lib/kunit/executor.c") + """
module_param_named(suspended, suspended_param, bool, 0);
""")
    return differs("kunit.suspended=")


@case
def kunit_begins_otherwise(tree):
    tree.replace("lib/kunit/executor.c", r'"K?TAP version \d+', '"KTAP version 2')
    return missing("(K)TAP version")


@case
def a_function_that_we_do_not_know_charges(tree):
    tree.write(IB + "rdma_core.c", tree.text(IB + "rdma_core.c") + """
static int charge_more(struct ib_uobject *uobj)
{
	return ib_rdmacg_try_charge(&uobj->cg_obj, uobj->context->device,
				    RDMACG_RESOURCE_HCA_OBJECT);
}
""")
    return differs("charge_more()")


@case
def a_function_that_we_do_not_know_sets_the_name(tree):
    tree.write(IB + "device.c", tree.text(IB + "device.c") + """
void ib_device_forget_name(struct ib_device *device)
{
	strscpy(device->name, "none", IB_DEVICE_NAME_MAX);
}
""")
    return differs("ib_device_forget_name()")


@case
def a_third_way_to_query_a_device(tree):
    tree.write(IB + "uverbs_cmd.c", tree.text(IB + "uverbs_cmd.c") + """
static void query_again(struct ib_ucontext *ucontext)
{
	copy_query_dev_fields(ucontext, NULL, &ucontext->device->attrs);
}
""")
    return missing("ib_rdmacg_clamp_attr() in query_again()")


@case
def the_glue_is_declared_otherwise(tree):
    tree.replace(IB + "core_priv.h", r"^void ib_rdmacg_uncharge\(",
                 "int ib_rdmacg_uncharge(")
    return missing("ib_rdmacg_uncharge() in core_priv.h")


@case
def the_trees_own_controller_offers_more(tree):
    tree.replace(check_base.API, r"^(void rdmacg_register_device)",
                 r"void rdmacg_freeze(struct rdmacg_device *device);\n\1")
    tree.replace(IB + "device.c", r"^\tib_device_register_rdmacg\(device\);\n",
                 r"\g<0>\trdmacg_freeze(&device->cg_device);\n")
    return missing("rdmacg_freeze in our cgroup_rdma.h")


@case
def names_are_longer(tree):
    tree.replace("include/uapi/rdma/ib_user_verbs.h",
                 r"^(#define IB_DEVICE_NAME_MAX) \d+", r"\1 128")
    return missing("IB_DEVICE_NAME_MAX of 64")


@case
def a_css_is_freed_without_a_grace_period(tree):
    tree.replace("kernel/cgroup/cgroup.c", r"\bqueue_rcu_work\(", "queue_now(")
    return missing("queue_rcu_work() in css_release_work_fn()")


@case
def a_css_outlives_its_parent(tree):
    tree.replace("kernel/cgroup/cgroup.c", r"\tss->css_free\(css\);\n", "")
    tree.replace("kernel/cgroup/cgroup.c", r"\t\t\tcss_put\(parent\);\n",
                 r"\g<0>\t\tss->css_free(css);\n")
    return missing("css_put(parent) in css_free_rwork_fn()")


@case
def a_patch_applies_with_an_offset(tree):
    tree.write("init/Kconfig", "\n\n\n" + tree.text("init/Kconfig"))
    tree.tell = "offset 3"
    return set()


@case
def a_patch_applies_with_fuzz_only(tree):
    name = "selftests-cgroup-Makefile.patch"
    rel = "tools/testing/selftests/cgroup/Makefile"
    context = re.search(r"^@@.*\n (.+)$", (tree.patches / name).read_text(), re.M)[1]
    tree.replace(rel, rf"^{re.escape(context)}$", context + "_more")
    tree.tell = "fails but for fuzz 1"
    return missing(f"patches/{tree.patches.name}/{name}")


@case
def a_patch_does_not_apply(tree):
    tree.replace(IB + "rdma_core.c", r"if \(reason == RDMA_REMOVE_DRIVER_FAILURE\)\n",
                 "if (reason == RDMA_REMOVE_DRIVER_FAILURE && obj)\n")
    tree.tell = "hunk #1 fails: adapt it"
    return missing(f"patches/{tree.patches.name}/"
                   "rdma_core-uncharge-on-driver-failure.patch")


@case
def a_patch_is_in_the_tree_already(tree):
    tree.replace(IB + "uverbs_std_types_device.c",
                 r"(ib_init_ucontext\(attrs\);\n.*\n)",
                 r"\1\t\trdma_restrack_put(&attrs->context->res);\n")
    tree.tell = "the tree has its change already"
    return missing(f"patches/{tree.patches.name}/uverbs-put-refused-context.patch")


@case
def a_file_to_be_patched_is_gone(tree):
    tree.remove(IB + "uverbs_std_types_device.c")
    return missing(f"patches/{tree.patches.name}/uverbs-put-refused-context.patch",
                   "UVERBS_HANDLER(UVERBS_METHOD_GET_CONTEXT)()")


@case
def what_a_patch_calls_is_gone(tree):
    tree.replace("include/rdma/restrack.h", r"\brdma_restrack_put\b",
                 "rdma_restrack_drop")
    return missing("rdma_restrack_put(), 1 argument")


def helpers(tree):
    """Where the tree has the helpers of its cgroup selftests."""
    found = (tree.source / check_base.SELFTESTS).rglob("cgroup_util.[ch]")
    return {path.name: str(path.relative_to(tree.source)) for path in found}


@case
def a_helper_of_selftests_is_static(tree):
    rel = helpers(tree)
    tree.replace(rel["cgroup_util.h"], r"^extern long cg_read_lc\(.*\n", "")
    tree.replace(rel["cgroup_util.c"], r"^long cg_read_lc\(",
                 "static long cg_read_lc(")
    tree.tell = "it is static there"
    return missing("cg_read_lc(), 2 arguments")


@case
def what_the_faults_report_with_is_gone(tree):
    tree.replace(check_base.KSELFTEST, r"\bksft_get_fail_cnt\b", "ksft_count_failures")
    return missing("ksft_get_fail_cnt(), 0 arguments")


def move_helpers(tree):
    for name, rel in helpers(tree).items():
        tree.write(f"{check_base.SELFTESTS}/common/{name}", tree.text(rel))
        tree.remove(rel)


@case
def the_helpers_of_selftests_have_moved(tree):
    move_helpers(tree)
    return differs('"cgroup_util.h"')


@case
def the_helpers_of_selftests_are_found_where_they_moved(tree):
    move_helpers(tree)
    tree.write(f"{check_base.SELFTESTS}/common/helpers.mk",
               "CFLAGS += -I$(selfdir)/cgroup/common\n")
    return set()


@case
def an_option_is_gone(tree):
    tree.replace("drivers/infiniband/sw/siw/Kconfig", r"^config RDMA_SIW$",
                 "config RDMA_SOFT_IWARP")
    return missing("CONFIG_RDMA_SIW")


def complaints(sections):
    return {(row.status, row.what) for _, rows in sections for row in rows
            if row.status != "ok"}


class Case:
    """A change to a tree, and what has to be said of it."""

    def __init__(self, function, source):
        base = check_base.nearest(kernel.version(source), [
            path.name for path in check_base.PATCHES.iterdir()])
        self.name, self.mutant = function.__name__, Mutant(source)
        self.mutant.patches = check_base.PATCHES / base
        self.mutant.tell, self.mutant.some = "", False
        self.expected = function(self.mutant)


def wrong_with(cases, folder):
    """What is wrong with cases that share a tree; empty if nothing is."""
    together = Mutant(cases[0].mutant.source)
    for each in cases:
        together.changed.update(each.mutant.changed)
    sections = check_base.check(together.lay_out(folder), cases[0].mutant.patches.name,
                                with_kconfig=False)
    found = complaints(sections)
    expected = set().union(*(each.expected for each in cases))
    wrong = [f"not said: {status} {what}" for status, what in expected - found]
    if not any(each.mutant.some for each in cases):
        wrong += [f"said: {status} {what}" for status, what in found - expected]
    told = [f"{row.where} {row.todo}" for _, rows in sections for row in rows]
    wrong += [f"nowhere told: {each.mutant.tell}" for each in cases
              if not any(each.mutant.tell in line for line in told)]
    return wrong


def batches(cases):
    """Cases that can share a tree, as they change other files: it saves time."""
    packed = []
    for each in cases:
        for batch in packed:
            if not any(each.mutant.some or other.mutant.some or not each.mutant.changed
                       or not other.mutant.changed
                       or each.mutant.changed.keys() & other.mutant.changed.keys()
                       for other in batch):
                batch.append(each)
                break
        else:
            packed.append([each])
    return packed


def run_program(tree, status, text, *options):
    """What is wrong with the program's exit status and output."""
    output, sys.argv = io.StringIO(), [str(SCRIPT), *options, str(tree)]
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            got = check_base.main()
        except SystemExit as end:
            got = end.code
    wrong = []
    if got != status:
        wrong.append(f"exit status {got}, not {status}")
    if not re.search(text, output.getvalue(), re.M):
        wrong += [f"output without '{text}':", *output.getvalue().splitlines()]
    return wrong


def program_with_a_tree_that_will_do(source, folder):
    return run_program(source, 0, r"^[\d.]+ will do: \d+ ok, 0 differ, 0 missing$")


def program_with_a_tree_that_lacks_something(source, folder):
    mutant = Mutant(source)
    mutant.replace(CGROUP, r"\bcgroup_file_notify\b", "cgroup_file_tell")
    return run_program(mutant.lay_out(folder), 1, r"lacks what .* 0 differ, 1 missing$",
                       "--no-kconfig")


def program_with_a_version_between_the_bases(source, folder):
    mutant = Mutant(source)
    version = "".join(f"^{key} = .*\n" for key in ("VERSION", "PATCHLEVEL"))
    base = kernel.version(source)
    major, minor = base.split(".")
    mutant.replace("Makefile", version,
                   f"VERSION = {major}\nPATCHLEVEL = {int(minor) + 1}\n")
    return run_program(mutant.lay_out(folder), 0,
                       rf"with patches/{re.escape(base)}, the nearest, as there are no",
                       "--no-kconfig")


def program_with_options_that_kconfig_drops(source, folder):
    mutant = Mutant(source)
    mutant.replace("drivers/infiniband/sw/siw/Kconfig", r"^(\tdepends on) ",
                   r"\1 BROKEN && ")
    return run_program(mutant.lay_out(folder), 1, r"^missing +CONFIG_RDMA_SIW=y "
                       r"+CONFIG=default +Kconfig makes it n\b")


def options_that_one_base_alone_has(source, folder):
    base = kernel.version(source)
    here = folder / "qemu"
    shutil.copytree(kernel.HERE, here)
    (here / f"config/base/{base}.config").write_text("CONFIG_NO_SUCH=y\n")
    with mock.patch.object(kernel, "HERE", here), \
            contextlib.redirect_stderr(io.StringIO()):
        said = complaints(check_base.check(source, base))
    wanted = missing("CONFIG_NO_SUCH", "CONFIG_NO_SUCH=y")
    return [f"said: {said}, not {wanted}"] * (said != wanted)


def program_with_what_is_no_tree(source, folder):
    return run_program(folder, 2, r"is no kernel source tree")


def fragment_with_an_option_that_not_all_have(_, folder):
    path = folder / "some.config"
    path.write_text("CONFIG_A=y\n# where known: CONFIG_B=y\n# CONFIG_C is not set\n")
    everywhere = {"CONFIG_A": "y", "CONFIG_C": "n"}
    wanted = {"CONFIG_A": everywhere, "CONFIG_B": {**everywhere, "CONFIG_B": "y"}}
    return [f"where {known} is known, it asks for {asked}"
            for known, expected in wanted.items()
            for asked in [kernel.read_fragment(path, {known})] if asked != expected]


PROGRAMS = (fragment_with_an_option_that_not_all_have,
            program_with_a_tree_that_will_do, program_with_a_tree_that_lacks_something,
            program_with_a_version_between_the_bases,
            program_with_options_that_kconfig_drops, options_that_one_base_alone_has,
            program_with_what_is_no_tree)


def attempt(test, argument):
    with tempfile.TemporaryDirectory() as folder:
        try:
            return test(argument, Path(folder))
        except Exception:  # pylint: disable=broad-except
            return traceback.format_exc().splitlines()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="pristine tree of one of our bases")
    parser.add_argument("part", nargs="?", default="",
                        help="run the cases with this in their names")
    args = parser.parse_args()

    source = args.source.resolve()
    programs = [each for each in PROGRAMS if args.part in each.__name__]
    functions = [each for each in CASES if args.part in each.__name__]
    print(f"1..{len(functions) + len(programs)}", flush=True)
    results = []

    def tell(name, wrong):
        results.append(not wrong)
        print(*(f"# {line}\n" for line in wrong), sep="", end="")
        print(f"{'not ' * bool(wrong)}ok {len(results)} check-base: "
              f"{name.replace('_', ' ')}", flush=True)

    cases = []
    for function in functions:
        try:
            cases.append(Case(function, source))
        except AssertionError as error:
            tell(function.__name__, [str(error)])
    for batch in batches(cases):
        wrong = attempt(wrong_with, batch)
        # If it is not as it should be, each by itself tells which it was.
        for each in batch:
            alone = wrong and len(batch) > 1
            tell(each.name, attempt(wrong_with, [each]) if alone else wrong)
    for program in programs:
        tell(program.__name__, attempt(program, source))
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
