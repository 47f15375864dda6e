# SPDX-License-Identifier: GPL-2.0-only
#
# What the test_rdma programs have in common. To be included after lib.mk.
# Tests that need verbs are skipped where there is no libibverbs to build with.

RDMA_LIB := $(selfdir)/cgroup/lib
RDMA_HDRS := $(wildcard $(RDMA_LIB)/include/rdma_*.h)
RDMA_O := $(patsubst $(RDMA_LIB)/%.c,$(OUTPUT)/lib/%.o,$(wildcard $(RDMA_LIB)/rdma_*.c))
RDMA_TESTS := $(filter $(OUTPUT)/test_rdma%,$(TEST_GEN_PROGS))

CFLAGS += -I$(RDMA_LIB)/include
LOCAL_HDRS += $(RDMA_HDRS)

$(RDMA_O): $(OUTPUT)/lib/%.o: $(RDMA_LIB)/%.c $(RDMA_HDRS)
	mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CPPFLAGS) $(TARGET_ARCH) -c $< -o $@

$(RDMA_TESTS): $(RDMA_O) $(RDMA_HDRS)
$(RDMA_TESTS): LDLIBS += $(shell $(CC) -E -include infiniband/verbs.h - </dev/null >/dev/null 2>&1 && echo -libverbs)

EXTRA_CLEAN += $(RDMA_O)
