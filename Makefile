# SPDX-License-Identifier: GPL-2.0-only
#
# The one entry to all there is to do here; "make help" is the map.

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

here	:= tools/testing/rdmacg
qemu	:= $(here)/qemu
# make takes no blank or colon in a target. That is for check-input to tell: this
# is for "make help", and to get there.
build	:= $(if $(findstring :,$(CURDIR))$(word 2,$(CURDIR)),,$(CURDIR)/)build
tree	:= $(build)/$(KERNEL)/rdmacg
# Behind the name of what is made for another machine than x86.
foreign := $(filter-out -x86,-$(ARCH))
obj	:= $(build)/$(KERNEL)/$(VARIANT)/obj-$(CONFIG)$(foreign)
vmlinux	:= $(obj)/vmlinux
modules	:= $(build)/$(KERNEL)/$(VARIANT)-modules-$(CONFIG)$(foreign)
guest	:= $(build)/guest$(foreign)
top	:= $(build)/top$(foreign)
kselftest := $(build)/$(KERNEL)/kselftest$(foreign)
kernel.py := $(qemu)/kernel.py --base $(KERNEL) --jobs $(JOBS) \
	     $(if $(KERNEL_SRC),--kernel-src $(KERNEL_SRC))
debian	:= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/rdmacg/linux-source-
pristine := $(or $(KERNEL_SRC),$(debian)$(KERNEL))
series.py := $(here)/series/series.py --base $(KERNEL) --jobs $(JOBS) --source $(pristine)
selftests := tools/testing/selftests/cgroup
kselftests := $(patsubst $(selftests)/%.c,$(kselftest)/%, \
	      $(wildcard $(selftests)/test_rdma*.c))
native	:= $(MAKE) -C $(here)/native O=$(build)/native KSRC=$(pristine) \
	   STOCK=$(debian)6.12 MAINLINE=$(debian)7.3
machines.py = $(shell $(qemu)/machines.py $(ARCH) $1)
# For programs that run in the guest.
guest_cc = $(if $(foreign),$(call machines.py,compiler),$(CC))
cc_words = $(if $(foreign),CC="$(guest_cc)")
# What looks for faults takes memory and time of its own.
vm.py	:= $(qemu)/vm.py --machine $(ARCH) --kernel $(vmlinux) --init $(guest)/init --smp $(SMP) \
	   $(if $(filter-out default,$(CONFIG)),--memory 2048 --timeout 1800)

packages_guest := gcc make libc6-dev flex bison bc libelf-dev xz-utils patch \
	ccache git python3 iproute2 pkgconf libibverbs-dev \
	ibverbs-providers ibverbs-utils kmod util-linux
packages_native := clang libclang-rt-14-dev liburcu-dev spin gnuplot-nox
packages_faults := libmnl-dev
packages_deb := debhelper dpkg-dev rsync cpio kmod libdw-dev libssl-dev $(if $(CONFIG_FILE),dwarves)
packages_top := libmnl-dev libncurses-dev tmux
packages_tools_deb := debhelper dpkg-dev lintian libmnl-dev libncurses-dev pkgconf
packages_clients := python3-pyverbs perftest rdmacm-utils cgroup-tools runc \
	crun containerd podman lxc golang-go golang-github-opencontainers-runc-dev \
	ucx-utils libfabric-bin catatonit protobuf-compiler python3-grpcio python3-protobuf \
	jq munge slurmctld slurmd slurm-client
packages_svg := termtosvg bsdutils
packages_examples := jq libmnl-dev libncurses-dev libslurm-dev python3-yaml strace systemd
packages_series := perl python3-git python3-ply
packages_lint := clang-19 coccinelle codespell editorconfig libpython3.11 ocaml \
	perl pyflakes3 python3-sphinx shellcheck sparse

HOSTCFLAGS := -O2 -Wall -Wextra

help:
	@sed -n 's/^#: \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

#: What you can make
#:
#:   run          build the kernel, boot it, and see it limit real verbs objects
#:   run-svg      record that as doc/run.svg
#:   test         run the tests of a base; the last line counts the cases
#:   test-all     those of all bases and configurations as well: hours
.PHONY: help run run-svg test test-all
run: guest $(guest)/verbs top
	@echo "Booting $(patsubst $(CURDIR)/%,%,$(vmlinux))" >&2
	@$(vm.py) --log $(build)/vm/run.log --cmd "$(qemu)/demo.sh $(guest) $(top)"

run-svg: run setup-svg
	@script -qec "stty cols 100 rows 40; termtosvg doc/run.svg -g 100x40 -m 400 \
		-M 1200 -D 8000 -c '$(MAKE) -s run KERNEL=$(KERNEL)'" /dev/null </dev/null
	@sed -i '1a <!-- SPDX-License-Identifier: GPL-2.0-only -->' doc/run.svg

# Fastest first, so that a fault shows early.
tests	:= runner-test native-test fuzz-shortly kunit driver-failure query-clamp kselftest
tests_clients := clients
cases_of_base = "kunit KERNEL=$1" "driver-failure KERNEL=$1" "query-clamp KERNEL=$1" \
	"kselftest KERNEL=$1"
tests_7.3 := $(call cases_of_base,7.3)
tests_6.1 := $(call cases_of_base,6.1)
tests_5.10 := $(call cases_of_base,5.10)
tests_lint := lint
tests_debug := "kunit CONFIG=debug" "storms CONFIG=debug SECONDS=2 STORM=v2:" \
	"uverbs-fuzz ROUNDS=1 SECONDS=10"
tests_kcsan := "detectors CONFIG=kcsan" "kselftest CONFIG=kcsan" "storms CONFIG=kcsan"
tests_rt := "detectors CONFIG=rt" "kunit CONFIG=rt" "kselftest CONFIG=rt"
cases_of_machine = "kunit ARCH=$1 $2" "driver-failure ARCH=$1 $2" "kselftest ARCH=$1 $2" \
	"storms ARCH=$1 SECONDS=2 $2"
tests_arm64 := $(call cases_of_machine,arm64) $(call cases_of_machine,arm64,KERNEL=7.3) \
	"kunit ARCH=arm64 CONFIG=64k" "kselftest ARCH=arm64 CONFIG=64k" \
	"kunit ARCH=s390x" "kunit ARCH=i386"
tests_rest := "detectors CONFIG=debug" "kselftest CONFIG=debug" faults uverbs-fuzz \
	"storms CONFIG=debug SECONDS=10" "storms SECONDS=30" check-base-test model litmus \
	top-test examples-test deb-test tools-deb-test series-test "series-test KERNEL=6.1" \
	alloc-fail interleave mutants "lint T=cross" \
	"storms KERNEL=7.3" "storms KERNEL=5.10" "check-base-test KERNEL=7.3"

test: setup
	@$(here)/run-tests.py --make $(MAKE) $(tests) $(foreach more,$(WITH),$(tests_$(more)))

test-all:
	@$(MAKE) test WITH="lint 7.3 6.1 5.10 clients debug kcsan rt arm64 rest"
	@$(MAKE) test-stock

#:   kunit        only the KUnit cases, at boot
#:   kselftest    only the kselftest cases, with real verbs
#:   driver-failure  only that no charge is lost when a driver fails
#:   query-clamp  only that limits are reported where the driver allows it
#:   detectors    only that the detectors of CONFIG=debug, kcsan or rt find faults
#:   faults       allocations fail in the guest: each in turn, and at random
#:                for SECONDS=, from SEED=; T= part of a case's name
#:   runner-test  only the tests of what judges the guest's log
#:   check-base   tell, before a build, what the kernel tree lacks for us
#:   check-base-test  only the tests of that, with trees that lack something
#:   test-stock   show that kselftest and driver-failure fail on the stock
#:                controller, just where that is wrong
.PHONY: kunit kselftest driver-failure query-clamp detectors runner-test test-stock
.PHONY: faults faults-in-guest alloc-fail
kunit: guest
	@$(vm.py) --log $(build)/vm/kunit.log --kunit 'rdmacg*' --cmd true

kselftest: guest kselftest-programs
	@$(vm.py) --timeout 1800 --log $(build)/vm/kselftest.log \
		--cmd "$(qemu)/kselftest.sh '$(T)' $(kselftests)"

kselftest-%:
	@$(MAKE) kselftest T=$*:

# The IB core warns when it drops an object.
driver-failure: guest $(guest)/verbs
	@$(vm.py) --log $(build)/vm/driver-failure.log \
		--expect-report 'uverbs_destroy_ufile_hw' \
		--cmd "$(qemu)/driver-failure.sh $(modules)/fail_destroy.ko $(guest)/verbs"

query-clamp: guest
	@$(vm.py) --log $(build)/vm/query-clamp.log \
		--cmd "$(qemu)/query-clamp.sh $(modules)/no_clamp.ko"

# CONFIG says whose: debug, kcsan or rt.
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
		--expect-report 'kmemleak: \d+ new suspected' \
		--cmd "$(guest)/faults $(if $(SEED),--seed $(SEED)) \
		$(if $(SECONDS),--seconds $(SECONDS)) $(if $(T),'$(T)')"

runner-test: source
	@$(qemu)/vm_test.py
	@$(here)/run-tests-test.py
	@$(here)/check-input-test.py $(pristine)
	@printf '1..3\nok 1 runner: boots are tried again, faults in a log are found\n'
	@printf 'ok 2 runner: cases are counted, a base that nobody has is skipped\n'
	@printf 'ok 3 runner: wrong input is told before any work is done\n'

.PHONY: check-base check-base-test
check-base: source
	@$(here)/check-base.py $(pristine)

check-base-test: source
	@$(here)/check-base-test.py $(pristine)

# A base whose controller has other faults has a list of its own.
stock-failures := $(qemu)/stock-expected-failures
test-stock: setup
	@VARIANT=stock $(here)/run-tests.py --make $(MAKE) --expect-failures \
		$(or $(wildcard $(stock-failures)-$(KERNEL)),$(stock-failures)) \
		kselftest-v2 kselftest-v1 driver-failure

#:   native-test  only the controller as a program: KUnit cases, races, faults
#:   model        only the model of the pools' lifetime, searched by Spin
#:   litmus       only the litmus tests of its barriers, by the kernel's memory model
#:   alloc-fail   each allocation of it fails, in every state; minutes
#:   interleave   any two operations meet at each point, after every setup
#:   mutants      it is broken in many ways, and the native tests notice each
#:   differential  mainline's controller and ours do the same, for STEPS=1000000
#:                from SEED=
#:   fuzz         feed it what nobody would write, for SECONDS=60; T=max: only
#:                writes to rdma.max
.PHONY: native-test model litmus differential fuzz fuzz-shortly
.PHONY: interleave mutants
native-test: setup-native source peers
	@$(native) test

interleave mutants: setup-native source peers
	@$(native) $@ $(if $(T),T='$(T)')

alloc-fail: setup-native source
	@$(native) alloc-fail $(if $(TABLES),TABLES=$(TABLES))

differential: setup-native source peers
	@$(native) differential $(if $(STEPS),STEPS=$(STEPS)) $(if $(SEED),SEED=$(SEED))

fuzz: setup-native source
	@$(native) fuzz SECONDS=$(or $(SECONDS),60) $(if $(SEED),SEED=$(SEED)) T='$(T)'

fuzz-shortly:
	@$(MAKE) fuzz SECONDS=20

model: setup-native
	@$(MAKE) -C $(here)/model O=$(build)/model model

litmus: source
	@$(here)/litmus/litmus.py --output $(build)/litmus \
		--memory-model $(pristine)/tools/memory-model

#:   storms       cgroups, limits, devices and processes come and go under load,
#:                and nothing is left of them; STORM= part of a name, SEED=,
#:                SECONDS= for each, SPOIL=1 to see that what is left is noticed
.PHONY: storms
storms: setup-faults guest $(guest)/storms
	@$(vm.py) --no-devices --timeout $$((1800 + 180 * $(or $(SECONDS),5))) \
		--log $(build)/vm/storms.log --cmd "$(guest)/storms \
		--reports=$(qemu)/reports $(if $(SEED),--seed=$(SEED)) $(if $(SECONDS),--seconds=$(SECONDS)) \
		$(if $(SPOIL),--spoil) $(STORM)"

#:   soak         storms and rdma-core's tests for MINUTES=30, again and again: the
#:                kernel's memory stays as it was
.PHONY: soak
soak: setup-clients setup-faults guest $(guest)/storms $(guest)/verbs
	@$(vm.py) --no-devices --memory 3072 --log $(build)/vm/soak.log \
		--timeout $$((7200 + 60 * $(or $(MINUTES),30))) \
		--cmd "$(here)/storms/soak.py --minutes $(or $(MINUTES),30) \
		'$(guest)/storms --reports=$(qemu)/reports --seconds=3 --seed={round} v2:' \
		'$(here)/clients/guest.py --only pyverbs'"

#:   uverbs-fuzz  strange input to uverbs, by processes that fork, die, are limited,
#:                refused memory, lose a device: ROUNDS=6 of SECONDS=20, from SEED=
#:                on; SPOIL=1 as for storms
.PHONY: uverbs-fuzz uverbs-fuzz-in-guest
# CONFIG=debug, as for faults; which leaks are no fault is for the program to say.
uverbs-fuzz:
	@$(MAKE) CONFIG=debug uverbs-fuzz-in-guest

uverbs-fuzz-in-guest: rounds = $(or $(ROUNDS),6)
uverbs-fuzz-in-guest: seconds = $(or $(SECONDS),20)
uverbs-fuzz-in-guest: setup-faults guest $(guest)/uverbs-fuzz
	@$(vm.py) --no-devices --timeout $$((1800 + $(rounds) * ($(seconds) + 180))) \
		--expect-report 'kmemleak: \d+ new suspected' \
		--log $(build)/vm/uverbs-fuzz.log --cmd "$(guest)/uverbs-fuzz \
		--reports=$(qemu)/reports $(if $(SEED),--seed=$(SEED)) \
		--seconds=$(seconds) --rounds=$(rounds) $(if $(SPOIL),--spoil)"

#:   clients      rdma-core's tests, perftest, runc, podman and other clients,
#:                on our kernel and on stock; T= part of a name, SUITE=unstable
#:                takes them from there
.PHONY: clients
clients: setup-clients guest $(guest)/verbs $(guest)/runc-stats \
		$(guest)/rdmacg.so
	@$(MAKE) kernel VARIANT=stock
	@$(MAKE) kernel VARIANT=rdmacg
	@$(here)/clients/clients_test.py
	@$(here)/clients/clients.py --only "$(T)" $(if $(SUITE),--suite $(SUITE))

#:   bench        ours, mainline's, an older stock one and page_counter side by
#:                side: table, CSV, SVG; BENCH=--quick takes seconds
#:   growth       how time, steps and memory grow with cgroups, depth and devices:
#:                table, CSV, SVG; a minute
#:   fairness     how long a charge takes while another tenant does its worst;
#:                BENCH=--realtime; minutes
#:   bench-guest  verbs per second in the guest, ours against stock
.PHONY: bench growth fairness bench-guest
bench: setup-native source peers
	@mkdir -p $(build)/bench
	@$(native) $(build)/native/bench/bench >&2
	@$(build)/native/bench/bench $(BENCH) $(build)/bench/bench.csv | \
		tee $(build)/bench/bench.txt
	@gnuplot -e 'csv="$(build)/bench/bench.csv"; svg="$(build)/bench/bench.svg"' \
		$(here)/native/bench.gp
	@echo "Table, figures and plot are in build/bench/"

growth fairness: setup-native source peers
	@mkdir -p $(build)/$@
	@$(native) $(build)/native/bench/$@ >&2
	@$(build)/native/bench/$@ $(if $(filter fairness,$@),$(BENCH)) \
		$(build)/$@/$@.csv | tee $(build)/$@/$@.txt
	@$(if $(filter growth,$@),gnuplot -e 'csv="$(build)/$@/$@.csv"; svg="$(build)/$@/$@.svg"' \
		$(here)/native/growth.gp)
	@echo "Table and figures are in build/$@/"

bench-guest: guest $(guest)/verbs-bench
	@$(MAKE) kernel VARIANT=stock
	@$(MAKE) kernel VARIANT=rdmacg
	@$(qemu)/bench-guest.py

#:   top          build rdmacg-top, a live view of who uses what, in build/top/
#:   top-test     try it on made-up cgroups and messages, and in the guest with
#:                real ones on ours and on stock; T= part of a name
#:   top-bench    what a refresh of it costs with 10000 cgroups, made up and real
.PHONY: top top-test top-test-in-guest top-bench
top: setup-top
	@$(MAKE) -s -C tools/cgroup/rdmacg-top O=$(top) $(cc_words)

top-test: top setup-native
	@$(MAKE) -C $(here)/top O=$(top) T=$(T) test fuzz programs
	@$(MAKE) top-test-in-guest VARIANT=stock
	@$(MAKE) top-test-in-guest VARIANT=rdmacg

top-test-in-guest: guest $(guest)/verbs
	@$(vm.py) --timeout 1800 --log $(build)/vm/top-$(VARIANT).log \
		--cmd "$(here)/top/test_guest.py $(T) --verbs $(guest)/verbs \
		--program $(top)/asan/rdmacg-top"

top-bench: top guest
	@$(MAKE) -C $(here)/top O=$(top) bench programs
	@$(vm.py) --timeout 1800 --memory 2048 --log $(build)/vm/top-bench.log \
		--cmd "$(here)/top/bench.py --real --refreshes 3 \
		--program $(top)/plain/bench"

#:   examples-test  what doc/examples/ has: alerts, dashboard, units, hook, plugin
.PHONY: examples-test
examples-test: setup-examples top $(guest)/rdmacg.so
	@$(here)/examples/test_examples.py --program $(top)/rdmacg-top \
		--spank $(guest)/rdmacg.so $(T)

#:   lint         checkpatch, sparse, coccicheck, compilers, Sphinx, spelling ...
.PHONY: lint
lint: setup-lint source
	@$(kernel.py) --tree-only
	@$(here)/lint/lint.py --tree $(tree) --jobs $(JOBS) $(T)

#:   shell        a shell in the guest; Ctrl-D ends it
#:   vm CMD='..'  run one command in the guest; only its output is on stdout;
#:                TIMEOUT=300 seconds
.PHONY: shell vm
shell: guest
	@$(vm.py) --log $(build)/vm/shell.log --shell

# $(value), as what looks like make's own variables is the shell's in there.
unexport CMD
vm: export RDMACG_CMD = $(value CMD)
vm: guest
	@$(vm.py) $(TIMEOUT:%=--timeout %) --log $(build)/vm/vm.log --cmd-env RDMACG_CMD

#:   series       the patch series for KERNEL, in build/series/
#:   series-test  apply, build, boot and check it, patch by patch
.PHONY: series series-test
series: source
	@$(series.py)

series-test: setup-series source $(guest)/init
	@$(series.py) --prove --init $(guest)/init

#:   deb          Debian packages of the kernel, in build/deb/, with the options
#:                of CONFIG_FILE=, or the guest's
#:   deb-test     boot the kernel out of the package, and see it limit
.PHONY: deb deb-test
deb: setup-deb kernel
	@$(here)/deb/deb.py --base $(KERNEL) --jobs $(JOBS) --source $(pristine) \
		--lean $(obj)/.config \
		$(if $(CONFIG_FILE),--config-file $(CONFIG_FILE))

deb-test: deb $(guest)/init $(guest)/verbs top
	@$(here)/deb/deb-test.sh $(build)/deb/$(KERNEL) $(vm.py)

#:   tools-deb    the Debian package of rdmacg-top, in build/tools-deb/, which
#:                needs no particular kernel; lintian looks at it
#:   tools-deb-test  install it where nothing of it stays, and use it, also in
#:                the guest on a stock kernel
.PHONY: tools-deb tools-deb-test tools-deb-in-guest
tools-deb: setup-tools_deb
	@$(here)/deb/tools-deb.sh $(build)/tools-deb

tools-deb-test: tools-deb
	@$(here)/setup.sh bash-completion
	@$(here)/deb/tools-deb-test.py $(build)/tools-deb
	@$(MAKE) tools-deb-in-guest VARIANT=stock

tools-deb-in-guest: guest $(guest)/verbs
	@rm -rf $(build)/tools-deb/root
	@dpkg-deb -x $(build)/tools-deb/rdmacg-top_*.deb $(build)/tools-deb/root
	@$(vm.py) --log $(build)/vm/tools-deb.log \
		--cmd "$(here)/top/test_guest.py Truth --verbs $(guest)/verbs \
		--program $(build)/tools-deb/root/usr/bin/rdmacg-top"

#:   kernel       only build it
#:   clean        remove build/
#:   distclean    remove the downloads and caches outside of it as well
#:   check-input  tell what is wrong with variables and folders; every target
#:                does so first
.PHONY: kernel setup source peers guest clean distclean check-input
kernel: setup
	@$(kernel.py) --variant $(VARIANT) --config $(CONFIG) --machine $(ARCH)

check-input:
	@$(here)/setup.sh python3
	@ARCH=$(ARCH) $(here)/check-input.py $(MAKECMDGOALS) \
		--with "$(patsubst tests_%,%,$(sort $(filter tests_%,$(.VARIABLES))))"

setup: check-input
	@$(here)/setup.sh $(packages_guest) $(call machines.py,packages)
	@$(if $(foreign),$(qemu)/machines.py $(ARCH) unpack)

# To be there before a kernel is built.
setups	:= $(addprefix setup-,native faults clients top examples lint series deb tools_deb svg)
.PHONY: $(setups)
$(setups): setup-%: setup
	@$(here)/setup.sh $(packages_$*)

source: setup
	@$(kernel.py) --source-only

# Whose controllers ours is compared with. Debian keeps no kernel for long.
peers: setup
	@for base in 6.12 7.3; do \
		$(qemu)/kernel.py --base $$base --source-only || \
		echo "What compares with $$base is left out" >&2; done

guest: kernel $(guest)/init

clean:
	rm -rf $(build)

distclean: clean
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/rdmacg"

#:
#: Variables
#:
#:   KERNEL=6.12          base to build on: 7.3, 6.12, 6.1, 5.10
#:   KERNEL_SRC=DIR       your own, clean, kernel tree to build on instead
#:   VARIANT=rdmacg       or stock: the untouched tree with the same options
#:   CONFIG=default       options, a file in tools/testing/rdmacg/qemu/config
#:   ARCH=x86             or arm64, s390x, i386: the guest's machine, emulated, for
#:                        run, kunit, kselftest, driver-failure, query-clamp, storms,
#:                        shell and vm; arm64 has a CONFIG=64k, of pages of 64 KiB
#:   SMP=2                CPUs of the guest
#:   CONFIG_FILE=         for deb: options of a kernel, as /boot/config-6.12.48
#:   T=                   part of the names of the kselftest cases, or of the
#:                        checks of lint, to run
#:   WITH=                more for "make test", of: lint 7.3 6.1 5.10 clients debug
#:                        kcsan rt arm64 rest
#:   JOBS=                compilers at a time; as many as there are CPUs

$(guest)/init: $(qemu)/init.c | setup
	@mkdir -p $(@D)
	@$(guest_cc) $(HOSTCFLAGS) -static -o $@ $<

$(guest)/verbs: $(wildcard $(here)/lib/*.[ch])
$(guest)/verbs $(guest)/verbs-bench: $(guest)/%: $(qemu)/%.c | setup
	@mkdir -p $(@D)
	@$(guest_cc) $(HOSTCFLAGS) -o $@ $(filter %.c,$^) -libverbs

$(guest)/storms: $(wildcard $(here)/storms/*.[ch])
$(guest)/uverbs-fuzz: $(wildcard $(here)/uverbs-fuzz/*.[ch])
$(guest)/storms $(guest)/uverbs-fuzz: $(wildcard $(here)/lib/storm/*.[ch])
$(guest)/faults: $(wildcard $(here)/faults/*.[ch])
$(guest)/faults: libraries := -lmnl
$(addprefix $(guest)/,storms uverbs-fuzz faults): $(wildcard $(here)/lib/*.[ch]) | \
		setup-faults source
	@mkdir -p $(@D)
	@$(guest_cc) $(HOSTCFLAGS) -isystem $(pristine)/tools/testing/selftests -o $@ \
		$(filter %.c,$^) -libverbs $(libraries)

# From Debian's packages alone, which have no modules. Go's cache saves minutes.
$(guest)/runc-stats: $(here)/clients/runc-stats.go | setup-clients
	@mkdir -p $(@D)
	@GO111MODULE=off GOPATH=/usr/share/gocode \
		GOCACHE=$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/rdmacg/go \
		go build -o $@ $<

$(guest)/rdmacg.so: doc/examples/slurm/spank_rdmacg.c | setup-examples
	@mkdir -p $(@D)
	@$(CC) $(HOSTCFLAGS) -Wshadow -Werror -shared -fPIC -o $@ $<

# Built as the kernel builds them, in the tree that has them.
.PHONY: kselftest-programs
kselftest-programs: guest
	@$(if $(filter stock,$(VARIANT)),$(kernel.py) --tree-only)
	@mkdir -p $(kselftest)
	@$(MAKE) -s -C $(tree)/$(selftests) $(cc_words) OUTPUT=$(kselftest) \
		$(kselftests) >&2
