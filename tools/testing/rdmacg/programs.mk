# SPDX-License-Identifier: GPL-2.0-only
#
# Programs for the guest, as the Makefile at the top, which includes this, asks for.

HOSTCFLAGS := -O2 -Wall -Wextra
selftests := tools/testing/selftests/cgroup
kselftest := $(build)/$(KERNEL)/kselftest$(foreign)
kselftests := $(patsubst $(selftests)/%.c,$(kselftest)/%, \
	      $(wildcard $(selftests)/test_rdma*.c))
guest_cc = $(if $(foreign),$(shell $(qemu)/machines.py $(call quoted,$(ARCH)) compiler),$(CC))
cc_words = $(if $(foreign),CC="$(guest_cc)")

$(guest)/init: $(qemu)/init.c | setup
	@mkdir -p $(@D)
	@$(guest_cc) $(HOSTCFLAGS) -static -o $@ $<

$(addprefix $(guest)/,verbs verbs-bench verbs-growth): $(guest)/%: $(qemu)/%.c \
		$(wildcard $(here)/lib/*.[ch]) | setup
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
		GOCACHE=$(cache)/go \
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
