# SPDX-License-Identifier: GPL-2.0-only
#
# The one entry to all there is to do here; "make help" is the map.

KERNEL	?= 6.12
VARIANT	?= rdmacg
CONFIG	?= default
SMP	?= 2
JOBS	?= $(shell nproc)
export KERNEL VARIANT CONFIG SMP JOBS KERNEL_SRC

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

here	:= tools/testing/rdmacg
qemu	:= $(here)/qemu
build	:= $(CURDIR)/build
tree	:= $(build)/$(KERNEL)/rdmacg
obj	:= $(build)/$(KERNEL)/$(VARIANT)/obj-$(CONFIG)
vmlinux	:= $(obj)/vmlinux
modules	:= $(build)/$(KERNEL)/$(VARIANT)-modules-$(CONFIG)
kernel.py := $(qemu)/kernel.py --base $(KERNEL) --jobs $(JOBS) \
	     $(if $(KERNEL_SRC),--kernel-src $(KERNEL_SRC))
pristine := $(or $(KERNEL_SRC),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/rdmacg/linux-source-$(KERNEL))
native	:= $(MAKE) -C $(here)/native O=$(build)/native KSRC=$(pristine)
vm.py	:= $(qemu)/vm.py --kernel $(vmlinux) --init $(build)/guest/init --smp $(SMP)

packages_guest := gcc make libc6-dev flex bison bc libelf-dev xz-utils patch \
	ccache python3 qemu-system-x86 iproute2 pkgconf libibverbs-dev \
	ibverbs-providers ibverbs-utils kmod util-linux
packages_native := clang libclang-rt-14-dev liburcu-dev spin gnuplot-nox

HOSTCFLAGS := -O2 -Wall -Wextra

help:
	@sed -n 's/^#: \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

#: What you can make
#:
#:   run          build the kernel, boot it, and see it limit real verbs objects
#:   test         run all tests of a base; the last line counts the cases
.PHONY: help run test
run: guest $(build)/guest/verbs
	@echo "Booting $(patsubst $(CURDIR)/%,%,$(vmlinux))" >&2
	@$(vm.py) --log $(build)/vm/run.log --cmd "$(qemu)/demo.sh $(build)/guest/verbs"

test: setup
	@$(here)/run-tests.py --make $(MAKE) runner-test native-test \
		fuzz-shortly kunit kselftest driver-failure

#:   kunit        only the KUnit cases, at boot
#:   kselftest    only the kselftest cases, with real verbs
#:   driver-failure  only that no charge is lost when a driver fails
#:   runner-test  only the tests of what judges the guest's log
#:   test-stock   show that kselftest and driver-failure fail on the stock
#:                controller, just where that is wrong
.PHONY: kunit kselftest driver-failure runner-test test-stock
kunit: guest
	@$(vm.py) --log $(build)/vm/kunit.log --kunit 'rdmacg*' --cmd true
	@sed -n 's/^\[ *[0-9.]*\] //; /^KTAP version/,/^ok /p' $(build)/vm/kunit.log

kselftest: guest $(build)/$(KERNEL)/kselftest/test_rdma
	@$(vm.py) --log $(build)/vm/kselftest.log \
		--cmd "$(build)/$(KERNEL)/kselftest/test_rdma $(T)"

kselftest-%:
	@$(MAKE) kselftest T=$*:

# The IB core warns when it drops an object.
driver-failure: guest $(build)/guest/verbs
	@$(vm.py) --log $(build)/vm/driver-failure.log \
		--expect-report 'uverbs_destroy_ufile_hw' \
		--cmd "$(qemu)/driver-failure.sh $(modules)/fail_destroy.ko $(build)/guest/verbs"

runner-test: setup
	@$(qemu)/vm_test.py
	@printf '1..1\nok 1 runner: faults in a log of the kernel are found\n'

test-stock: setup
	@VARIANT=stock $(here)/run-tests.py --make $(MAKE) \
		--expect-failures $(qemu)/stock-expected-failures \
		kselftest-v2 kselftest-v1 driver-failure

#:   native-test  only the controller as a program: KUnit cases, races, faults
#:   model        only the model of the pools' lifetime, searched by Spin
#:   fuzz         feed it what nobody would write, for SECONDS=60
.PHONY: native-test model fuzz fuzz-shortly
native-test: setup-native source
	@$(native) test

fuzz: setup-native source
	@$(native) fuzz SECONDS=$(or $(SECONDS),60) $(if $(SEED),SEED=$(SEED))

fuzz-shortly:
	@$(MAKE) fuzz SECONDS=20

model: setup-native
	@$(MAKE) -C $(here)/model O=$(build)/model model

#:   bench        ours, stock and page_counter side by side: table, CSV, SVG
#:   bench-guest  verbs per second in the guest, ours against stock
.PHONY: bench bench-guest
bench: setup-native source
	@mkdir -p $(build)/bench
	@$(native) $(build)/native/bench/bench >&2
	@$(build)/native/bench/bench $(BENCH) $(build)/bench/bench.csv | \
		tee $(build)/bench/bench.txt
	@gnuplot -e 'csv="$(build)/bench/bench.csv"; svg="$(build)/bench/bench.svg"' \
		$(here)/native/bench.gp
	@echo "Table, figures and plot are in build/bench/"

bench-guest: guest $(build)/guest/verbs-bench
	@$(MAKE) kernel VARIANT=stock
	@$(MAKE) kernel VARIANT=rdmacg
	@$(qemu)/bench-guest.py

#:   shell        a shell in the guest; Ctrl-D ends it
#:   vm CMD='..'  run one command in the guest; only its output is on stdout
.PHONY: shell vm
shell: guest
	@$(vm.py) --log $(build)/vm/shell.log --shell

# $(value), as what looks like make's own variables is the shell's in there.
unexport CMD
vm: export RDMACG_CMD = $(value CMD)
vm: guest
	@$(vm.py) --log $(build)/vm/vm.log --cmd-env RDMACG_CMD

#:   kernel       only build it
#:   clean        remove build/
#:   distclean    remove the downloads and caches outside of it as well
.PHONY: kernel setup setup-native source guest clean distclean
kernel: setup
	@$(kernel.py) --variant $(VARIANT) --config $(CONFIG)

setup:
	@$(here)/setup.sh $(packages_guest)

setup-native: setup
	@$(here)/setup.sh $(packages_native)

source: setup
	@$(kernel.py) --source-only

guest: kernel $(build)/guest/init

clean:
	rm -rf $(build)

distclean: clean
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/rdmacg"

#:
#: Variables
#:
#:   KERNEL=6.12          base to build on
#:   KERNEL_SRC=DIR       your own, clean, kernel tree to build on instead
#:   VARIANT=rdmacg       or stock: the untouched tree with the same options
#:   CONFIG=default       options, a file in tools/testing/rdmacg/qemu/config
#:   SMP=2                CPUs of the guest
#:   T=                   part of the names of the kselftest cases to run
#:   JOBS=                compilers at a time; as many as there are CPUs

$(build)/guest/init: $(qemu)/init.c | setup
	@mkdir -p $(@D)
	@$(CC) $(HOSTCFLAGS) -static -o $@ $<

$(build)/guest/verbs $(build)/guest/verbs-bench: $(build)/guest/%: $(qemu)/%.c | setup
	@mkdir -p $(@D)
	@$(CC) $(HOSTCFLAGS) -o $@ $< -libverbs

# Built as the kernel builds it, in the tree that has it.
$(build)/$(KERNEL)/kselftest/test_rdma: selftest := $(tree)/tools/testing/selftests/cgroup
$(build)/$(KERNEL)/kselftest/test_rdma: FORCE | guest
	@$(if $(filter stock,$(VARIANT)),$(kernel.py) --tree-only)
	@mkdir -p $(@D)
	@$(MAKE) -s -C $(selftest) OUTPUT=$(@D) $@ >&2
FORCE:
