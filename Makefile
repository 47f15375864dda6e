# SPDX-License-Identifier: GPL-2.0-only
#
# The one entry to all there is to do here; "make help" is the map. What a target does
# is in tools/testing/rdmacg: setup.py has the packages, suites.py what "make test"
# runs, programs.mk what is compiled for the guest, check-input.py what make takes.

ifeq ($(wildcard tools/testing/rdmacg),)
# By "make -f" from another folder.
.PHONY: $(or $(MAKECMDGOALS),help)
$(or $(MAKECMDGOALS),help):
	@$(MAKE) --no-print-directory -C '$(MAKEFILE_LIST:%Makefile=%)' $@ $(foreach \
		name,KERNEL_SRC CONFIG_FILE,$($(name):%=$(name)=$(abspath $($(name)))))
else

KERNEL	?= 6.12
VARIANT	?= rdmacg
CONFIG	?= default
ARCH	?= x86
SMP	?= 2
JOBS	?= $(shell nproc)
# Other directories are made in, too.
override KERNEL_SRC := $(abspath $(KERNEL_SRC))
# The kernel's make has two names for it.
override ARCH := $(ARCH:x86_64=x86)
export KERNEL VARIANT CONFIG SMP JOBS KERNEL_SRC

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
# A step uses all CPUs by itself, and those in a line share folders: "make -j" is for
# the makes below.
.NOTPARALLEL:

here	:= tools/testing/rdmacg
qemu	:= $(here)/qemu
cache	:= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/rdmacg
# Neither make nor the kernel takes a blank or colon in a name. In a tree with such a
# name, build/ is a link, which check-input makes.
build	:= $(if $(findstring :,$(CURDIR))$(word 2,$(CURDIR)),$(cache)/build-$(firstword \
	   $(shell pwd | cksum)),$(CURDIR)/build)
tree	:= $(build)/$(KERNEL)/rdmacg
# Behind the name of what is made for another machine than x86.
foreign := $(filter-out -x86,-$(ARCH))
obj	:= $(build)/$(KERNEL)/$(VARIANT)/obj-$(CONFIG)$(foreign)
vmlinux	:= $(obj)/vmlinux
modules	:= $(build)/$(KERNEL)/$(VARIANT)-modules-$(CONFIG)$(foreign)
guest	:= $(build)/guest$(foreign)
top	:= $(build)/top$(foreign)
kernel.py := $(qemu)/kernel.py --base $(KERNEL) --jobs $(JOBS) \
	     $(if $(KERNEL_SRC),--kernel-src $(KERNEL_SRC))
pristine := $(or $(KERNEL_SRC),$(cache)/linux-source-$(KERNEL))
series.py := $(here)/series/series.py --base $(KERNEL) --jobs $(JOBS) --source $(pristine)
native	:= $(MAKE) -C $(here)/native O=$(build)/native KSRC=$(pristine) \
	   STOCK=$(cache)/linux-source-6.12 MAINLINE=$(cache)/linux-source-7.3
# What looks for faults takes memory and time of its own.
vm.py	:= $(qemu)/vm.py --machine $(ARCH) --kernel $(vmlinux) --init $(guest)/init --smp $(SMP) \
	   $(if $(filter-out default,$(CONFIG)),--memory 2048 --timeout 1800)
# One word for the shell, whatever is in it.
quoted	= '$(subst ','\'',$1)'
part	= $(if $1,$(call quoted,$1))

help:
	@sed -n 's/^#: \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

#: What you can make, how long it takes, what it needs
#:
#: Times are those of 2 cores without KVM, and without what has to be fetched or
#: built before: a first kernel takes 5 to 10 minutes, one with CONFIG=debug 20, a
#: later one half a minute. "source" is the kernel's: 150 MB to fetch, 1.7 GB in
#: ~/.cache/rdmacg. "kernel" is one that was built of it: 200 MB in build/. "guest"
#: is QEMU with that, and 1 GB of memory; "2 GB" and "3 GB" one with as much. Each
#: installs the Debian packages it lacks, as root or with sudo.
#:
#:   help          1 s  nothing   this
#:   doctor       10 s  nothing   tell what this machine lacks, before any build
#:   run          12 s  guest     boot the kernel, see it limit real verbs objects
#:   run-svg      15 s  guest     record that as doc/run.svg
#:   test          3 m  guest     run the tests of a base; the last line counts the
#:                                cases
#:   test-all      9 h  3 GB      those of all bases and configurations as well
.PHONY: help doctor run run-svg test test-all
# Installs nothing, and so does not begin with setup.
doctor:
	@command -v python3 >/dev/null || { \
		echo "missing  python3: run 'apt-get install python3' as root"; exit 1; }
	@$(here)/doctor.py --build $(build) --machine $(call quoted,$(ARCH))

run: setup-top guest $(guest)/verbs top
	@echo "Booting $(patsubst $(CURDIR)/%,%,$(vmlinux))" >&2
	@$(vm.py) --log $(build)/vm/run.log -- $(qemu)/demo.sh $(guest) $(top)

run-svg: run setup-svg
	@script -qec "stty cols 100 rows 40; termtosvg doc/run.svg -g 100x40 -m 400 \
		-M 1200 -D 8000 -c '$(MAKE) -s run KERNEL=$(KERNEL)'" /dev/null </dev/null
	@sed -i '1a <!-- SPDX-License-Identifier: GPL-2.0-only -->' doc/run.svg

test: setup
	@$(here)/run-tests.py --make $(MAKE) --with $(call quoted,$(WITH))

test-all:
	@$(MAKE) test WITH="lint 7.3 6.1 5.10 clients docs debug kcsan smp rt arm64 rest"
	@$(MAKE) test-stock

#:   kunit        10 s  guest     only the KUnit cases, at boot
#:   kselftest    60 s  guest     only the kselftest cases, with real verbs
#:   driver-failure
#:                10 s  guest     only that no charge is lost when a driver fails
#:   query-clamp  10 s  guest     only that limits are reported where the driver
#:                                allows
#:   detectors    10 m  2 GB      only that the detectors of CONFIG=debug, kcsan or
#:                                rt find faults
#:   faults        5 m  2 GB      allocations fail in the guest: each in turn, and
#:                                at random for SECONDS=, from SEED=; T= part of a
#:                                name
#:   runner-test  20 s  source    only the tests of what judges the guest's log,
#:                                and of what make takes
#:   check-base    9 s  source    tell, before a build, what the kernel tree lacks
#:                                for us
#:   check-base-test
#:                60 s  source    only the tests of that, with trees that lack
#:                                something
#:   test-stock    5 m  guest     kselftest and driver-failure fail on the stock
#:                                controller, just where that is wrong
.PHONY: kunit kselftest driver-failure query-clamp detectors runner-test test-stock
.PHONY: faults faults-in-guest alloc-fail check-base check-base-test
kunit: guest
	@$(vm.py) --log $(build)/vm/kunit.log --kunit 'rdmacg*' -- true

kselftest: guest kselftest-programs
	@$(vm.py) --timeout 1800 --log $(build)/vm/kselftest.log \
		-- $(qemu)/kselftest.sh $(call quoted,$(T)) \
		$(if $(PROGRAM),$(filter %/$(PROGRAM),$(kselftests)),$(kselftests))

kselftest-%:
	@$(MAKE) kselftest T=$*:

# The IB core warns when it drops an object.
driver-failure: guest $(guest)/verbs
	@$(vm.py) --log $(build)/vm/driver-failure.log \
		--expect-report 'uverbs_destroy_ufile_hw' \
		-- $(qemu)/driver-failure.sh $(modules)/fail_destroy.ko $(guest)/verbs

query-clamp: guest
	@$(vm.py) --log $(build)/vm/query-clamp.log \
		-- $(qemu)/query-clamp.sh $(modules)/no_clamp.ko

# The detectors of the configuration CONFIG: debug, kcsan or rt.
detectors: setup $(guest)/init $(guest)/verbs
	@$(MAKE) kernel VARIANT=broken
	@$(here)/detectors/detectors.py --config $(CONFIG) --smp $(SMP) \
		--kernel $(build)/$(KERNEL)/broken/obj-$(CONFIG)/vmlinux \
		--init $(guest)/init --verbs $(guest)/verbs

# CONFIG=debug, as no other kernel can be made to fail.
faults:
	@$(MAKE) CONFIG=debug faults-in-guest

# Which leaks are no fault is for the program to say.
faults-in-guest: setup-faults guest $(guest)/faults
	@$(vm.py) --log $(build)/vm/faults.log \
		--expect-report 'kmemleak: \d+ new suspected' -- $(guest)/faults \
		$(SEED:%=--seed=%) $(SECONDS:%=--seconds=%) $(call part,$(T))

runner-test: source
	@$(here)/runner-test.sh $(pristine)

check-base: source
	@$(here)/check-base.py $(pristine)

check-base-test: source
	@$(here)/check-base-test.py $(pristine)

# A base whose controller has other faults has a list of its own. Each program has a boot
# of its own: when it removes its devices, 6.12 writes to cgroups that are freed.
stock-failures := $(qemu)/stock-expected-failures
test-stock: setup
	@VARIANT=stock $(here)/run-tests.py --make $(MAKE) --expect-failures \
		$(or $(wildcard $(stock-failures)-$(KERNEL)),$(stock-failures)) \
		$(foreach program,$(notdir $(kselftests)),"kselftest-v2 PROGRAM=$(program)" \
		"kselftest-v1 PROGRAM=$(program)") driver-failure

#:   native-test  70 s  source    only the controller as a program: KUnit cases,
#:                                races, faults
#:   model         2 m  nothing   only the model of the pools' lifetime, searched
#:                                by Spin
#:   litmus       10 s  source    only the litmus tests of its barriers, by the
#:                                kernel's memory model
#:   alloc-fail    5 m  source    each allocation of it fails, in every state
#:   interleave   30 s  source    any two operations meet at each point, after
#:                                every setup
#:   mutants       7 m  source    it is broken in many ways, and the native tests
#:                                notice each; T= part of a name
#:   differential
#:                30 s  source    mainline's controller and ours do the same, for
#:                                STEPS=1000000 from SEED=
#:   fuzz         60 s  source    feed it what nobody would write, for SECONDS=60;
#:                                T=max: only writes to rdma.max
#:   fuzz-shortly
#:                20 s  source    the same for 20 s
.PHONY: native-test model litmus differential fuzz fuzz-shortly
.PHONY: interleave mutants
native-test: setup-native source peers
	@$(native) test

interleave mutants differential: setup-native source peers
	@$(native) $@

alloc-fail fuzz: setup-native source
	@$(native) $@

fuzz-shortly:
	@$(MAKE) fuzz SECONDS=20

model: setup-native
	@$(MAKE) -C $(here)/model O=$(build)/model model

litmus: source
	@$(here)/litmus/litmus.py --output $(build)/litmus \
		--memory-model $(pristine)/tools/memory-model

#:   storms        3 m  guest     cgroups, limits, devices and processes come and
#:                                go under load, and nothing is left of them;
#:                                STORM= part of a name, SEED=, SECONDS= for each,
#:                                SPOIL=1 to see that what is left is noticed
.PHONY: storms
storms: setup-faults guest $(guest)/storms
	@$(vm.py) --no-devices --timeout $$((1800 + 180 * $(or $(SECONDS),5))) \
		--log $(build)/vm/storms.log -- $(guest)/storms --reports=$(qemu)/reports \
		$(SEED:%=--seed=%) $(SECONDS:%=--seconds=%) $(if $(SPOIL),--spoil) \
		$(call part,$(STORM))

#:   soak         40 m  3 GB      storms and rdma-core's tests for MINUTES=30,
#:                                again and again: the kernel's memory stays as it
#:                                was
.PHONY: soak
soak: setup-clients setup-faults guest $(guest)/storms $(guest)/verbs
	@$(vm.py) --memory 3072 --log $(build)/vm/soak.log \
		--timeout $$((7200 + 60 * $(or $(MINUTES),30))) \
		-- $(here)/storms/soak.py --minutes $(or $(MINUTES),30) \
		'$(guest)/storms --reports=$(qemu)/reports --seconds=3 --seed={round} v2:' \
		'echo +rdma > /sys/fs/cgroup/cgroup.subtree_control' \
		'$(here)/clients/guest.py --only pyverbs'

#:   uverbs-fuzz  10 m  2 GB      strange input to uverbs, by processes that fork,
#:                                die, are limited, refused memory, lose a device:
#:                                ROUNDS=6 of SECONDS=20, from SEED= on; SPOIL=1 as
#:                                for storms
.PHONY: uverbs-fuzz uverbs-fuzz-in-guest
# CONFIG=debug, as for faults; which leaks are no fault is for the program to say.
uverbs-fuzz:
	@$(MAKE) CONFIG=debug uverbs-fuzz-in-guest

uverbs-fuzz-in-guest: rounds = $(or $(ROUNDS),6)
uverbs-fuzz-in-guest: seconds = $(or $(SECONDS),20)
uverbs-fuzz-in-guest: setup-faults guest $(guest)/uverbs-fuzz
	@$(vm.py) --no-devices --timeout $$((1800 + $(rounds) * ($(seconds) + 180))) \
		--expect-report 'kmemleak: \d+ new suspected' \
		--log $(build)/vm/uverbs-fuzz.log -- $(guest)/uverbs-fuzz \
		--reports=$(qemu)/reports $(SEED:%=--seed=%) \
		--seconds=$(seconds) --rounds=$(rounds) $(if $(SPOIL),--spoil)

#:   clients       9 m  guest     rdma-core's tests, perftest, runc, podman and
#:                                other clients, on our kernel and on stock; T=
#:                                part of a name, SUITE=unstable takes them from
#:                                there
.PHONY: clients
clients: setup-clients guest $(guest)/verbs $(guest)/runc-stats \
		$(guest)/rdmacg.so
	@$(MAKE) kernel VARIANT=stock
	@$(MAKE) kernel VARIANT=rdmacg
	@$(here)/clients/clients_test.py
	@$(here)/clients/clients.py --only $(call quoted,$(T)) $(SUITE:%=--suite %)

#:   bench         5 m  source    ours, mainline's, an older stock one and
#:                                page_counter side by side: table, CSV, SVG;
#:                                BENCH=--quick: 20 s
#:   growth       20 s  source    how time, steps and memory grow with cgroups,
#:                                depth and devices: table, CSV, SVG
#:   fairness     30 s  source    how long a charge takes while another tenant does
#:                                its worst; BENCH=--realtime
#:   bench-guest   5 m  guest     verbs per second in the guest, ours against
#:                                stock; BENCH=--fairness: beside such a tenant;
#:                                BENCH=--growth: as growth, 6 m
.PHONY: bench growth fairness bench-guest
bench growth fairness: setup-native source peers
	@$(native) $(build)/native/bench/$@ >&2
	@$(here)/native/figures.sh $(build)/native/bench/$@ $(build)/$@ \
		$(if $(filter-out growth,$@),$(BENCH))

bench-guest: setup-native guest $(guest)/verbs-bench $(guest)/verbs-growth
	@$(MAKE) kernel VARIANT=stock
	@$(MAKE) kernel VARIANT=rdmacg
	@$(qemu)/bench-guest.py $(BENCH)

#:   top           5 s  nothing   build rdmacg-top, a live view of what cgroups
#:                                use, in build/top/
#:   top-test      3 m  guest     try it on made-up cgroups and messages, and in
#:                                the guest with real ones, on ours and on stock;
#:                                T= part of a name
#:   top-bench     2 m  2 GB      what a refresh of it costs with 10000 cgroups,
#:                                made up and real
.PHONY: top top-test top-test-in-guest top-bench
top: setup-top
	@$(MAKE) -s -C tools/cgroup/rdmacg-top O=$(top) $(cc_words)

top-test: top setup-native
	@$(MAKE) -C $(here)/top O=$(top) test fuzz programs
	@$(MAKE) top-test-in-guest VARIANT=stock
	@$(MAKE) top-test-in-guest VARIANT=rdmacg

top-test-in-guest: guest $(guest)/verbs
	@$(vm.py) --timeout 1800 --log $(build)/vm/top-$(VARIANT).log \
		-- $(here)/top/test_guest.py --verbs $(guest)/verbs \
		--program $(top)/asan/rdmacg-top $(call part,$(T))

top-bench: top guest
	@$(MAKE) -C $(here)/top O=$(top) bench programs
	@$(vm.py) --timeout 1800 --memory 2048 --log $(build)/vm/top-bench.log \
		-- $(here)/top/bench.py --real --refreshes 3 --program $(top)/plain/bench

#:   examples-test
#:                15 s  nothing   what doc/examples/ has: alerts, dashboard, units,
#:                                hook, plugin; T= part of a name
.PHONY: examples-test
examples-test: setup-examples top $(guest)/rdmacg.so
	@$(here)/examples/test_examples.py --program $(top)/rdmacg-top \
		--spank $(guest)/rdmacg.so $(call part,$(T))

#:   docs-test     2 m  guest     the commands in the documents print what stands
#:                                there
.PHONY: docs-test
docs-test: setup-docs setup-native setup-top guest top
	@$(native) $(build)/native/bench/flavour/ours.o >&2
	@$(here)/docs/docs.py host $(pristine) --path $(top) --path doc/examples \
		--vm '$(vm.py) --log $(build)/vm/docs.log --timeout 1800'

#:   lint          4 m  source    checkpatch, sparse, coccicheck, compilers,
#:                                Sphinx, spelling ...; T= parts of the names of
#:                                checks
.PHONY: lint
lint: setup-lint source
	@$(kernel.py) --tree-only
	@$(here)/lint/lint.py --tree $(tree) --jobs $(JOBS) $(foreach part,$(T),$(call quoted,$(part)))

#:   shell           -  guest     a shell in the guest; Ctrl-D ends it
#:   vm            6 s  guest     run CMD='..' in the guest; only its output is on
#:                                stdout; TIMEOUT=300 seconds
.PHONY: shell vm
shell: guest
	@$(vm.py) --log $(build)/vm/shell.log --shell

# $(value), as what looks like make's own variables is the shell's in there.
unexport CMD
vm: export RDMACG_CMD = $(value CMD)
vm: guest
	@$(vm.py) $(TIMEOUT:%=--timeout %) --log $(build)/vm/vm.log --cmd-env RDMACG_CMD

#:   series        5 s  source    the patch series for KERNEL, in build/series/
#:   series-test  20 m  guest     apply, build, boot and check it, patch by patch
.PHONY: series series-test
series: source
	@$(series.py)

series-test: setup-series source $(guest)/init
	@$(series.py) --prove --init $(guest)/init

#:   deb          10 m  kernel    Debian packages of the kernel, in build/deb/,
#:                                with the options of CONFIG_FILE=, or the guest's;
#:                                hours, and 20 GB, with those of a distribution's
#:                                kernel
#:   deb-test     10 m  guest     boot the kernel out of the package, and see it
#:                                limit
.PHONY: deb deb-test
deb: setup-deb $(if $(CONFIG_FILE),setup-deb-config) kernel
	@$(here)/deb/deb.py --base $(KERNEL) --jobs $(JOBS) --source $(pristine) \
		--lean $(obj)/.config \
		$(if $(CONFIG_FILE),--config-file $(CONFIG_FILE))

deb-test: deb $(guest)/init $(guest)/verbs top
	@$(here)/deb/deb-test.sh $(build)/deb/$(KERNEL) $(vm.py)

#:   tools-deb    15 s  nothing   the Debian package of rdmacg-top, in
#:                                build/tools-deb/, which needs no particular
#:                                kernel; lintian looks at it
#:   tools-deb-test
#:                 1 m  guest     install it, as root, where nothing of it stays,
#:                                and use it, also in the guest on stock
.PHONY: tools-deb tools-deb-test tools-deb-in-guest
tools-deb: setup-tools-deb
	@$(here)/deb/tools-deb.sh $(build)/tools-deb

tools-deb-test: tools-deb setup-tools-deb-test
	@$(here)/deb/tools-deb-test.py $(build)/tools-deb
	@$(MAKE) tools-deb-in-guest VARIANT=stock

tools-deb-in-guest: guest $(guest)/verbs
	@rm -rf $(build)/tools-deb/root
	@dpkg-deb -x $(build)/tools-deb/rdmacg-top_*.deb $(build)/tools-deb/root
	@$(vm.py) --log $(build)/vm/tools-deb.log \
		-- $(here)/top/test_guest.py --verbs $(guest)/verbs \
		--program $(build)/tools-deb/root/usr/bin/rdmacg-top Truth

#:   kernel       10 m  source    only build it
#:   clean         1 s  nothing   remove build/
#:   distclean     1 s  nothing   remove the downloads and caches outside of it as
#:                                well
#:   check-input   1 s  nothing   tell what is wrong with variables and folders;
#:                                every target does so first
.PHONY: kernel setup source peers guest clean distclean check-input
kernel: setup
	@$(kernel.py) --variant $(VARIANT) --config $(CONFIG) --machine $(ARCH)

check-input:
	@$(here)/setup.sh
	@ARCH=$(call quoted,$(ARCH)) $(here)/check-input.py --build $(call quoted,$(build)) \
		$(MAKECMDGOALS)

setup: check-input
	@$(here)/setup.sh guest $(ARCH)
	@$(if $(foreign),$(qemu)/machines.py $(ARCH) unpack)

# What setup.py calls so; to be there before a kernel is built.
setup-%: setup
	@$(here)/setup.sh $*

source: setup
	@$(kernel.py) --source-only

# The bases with the controllers that ours is compared with. Debian keeps no kernel for long.
peers: setup
	@for base in 6.12 7.3; do \
		$(qemu)/kernel.py --base $$base --source-only || \
		echo "What compares with $$base is left out" >&2; done

guest: kernel $(guest)/init

clean:
	rm -rf $(build) build

distclean: clean
	rm -rf $(cache)

#:
#: Variables
#:
#:   KERNEL=6.12          base to build on: 7.3, 6.12, 6.1, 5.10
#:   KERNEL_SRC=DIR       your own kernel tree to build on instead: a clean one, or
#:                        any of git's
#:   VARIANT=rdmacg       or stock: the untouched tree with the same options
#:   CONFIG=default       options, a file in tools/testing/rdmacg/qemu/config
#:   ARCH=x86             or arm64, s390x, i386: the guest's machine, emulated, for
#:                        run, kunit, kselftest, driver-failure, query-clamp,
#:                        storms, shell and vm; arm64 has a CONFIG=64k, of pages of
#:                        64 KiB
#:   SMP=2                CPUs of the guest
#:   ACCEL=               kvm or tcg, to decide how QEMU runs it; else KVM is tried
#:   CONFIG_FILE=         for deb: options of a kernel, as /boot/config-6.12.48
#:   T=                   part of the names of the cases to run
#:   WITH=                more for "make test", of: lint 7.3 6.1 5.10 clients docs
#:                        debug kcsan smp rt arm64 rest
#:   JOBS=                compilers at a time; as many as there are CPUs

include $(here)/programs.mk
endif
