# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# One Criterion program per directory of C tests; namespace tests are shell
# scripts that speak TAP under prove.

UNIT_SRC := $(wildcard tests/unit/*.c)
BPFT_SRC := $(wildcard tests/bpf/*.c)
EDGE_SRC := $(wildcard tests/edges/*.c)
PROV_SRC := $(wildcard tests/provider/*.c)
HOST_SRC := $(wildcard tests/hostile/*.c) tests/edges/edges.c
test_objs = $(patsubst %.c,$(O)/%.o,$(1))

$(O)/tests/%.o: tests/%.c Makefile tests/tests.mk | $(O)/.deps $(PB_H) $(SKEL)
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(CFLAGS) $(CFLAGS_) -Wno-missing-prototypes $(call cflags,plane) -MMD -MP -c $< -o $@

$(O)/tests/unit/unit: $(call test_objs,$(UNIT_SRC)) $(common) $(call objs,membership) $(call objs,trunk) $(call objs,peer) $(call objs,local) $(O)/ctl/daemon/timer.o $(O)/ctl/network/change.o
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS_) $^ -o $@ $(call libs,protocol trunk daemon) -lcriterion
$(O)/tests/bpf/bpf: $(call test_objs,$(BPFT_SRC)) $(call objs,base) $(call objs,core) $(call objs,plane)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS_) $^ -o $@ $(call libs,plane) -lcriterion
$(O)/tests/edges/edges: $(call test_objs,$(EDGE_SRC)) $(common) $(call objs,network) $(call objs,peer)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS_) $^ -o $@ $(call libs,network protocol) -lcriterion
$(O)/tests/provider/%.o: CFLAGS_ += -Iinclude/winsock
$(O)/tests/provider/provider: $(call test_objs,$(PROV_SRC)) $(common) $(call objs,local) $(call objs,provider) $(call objs,winsock)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS_) $^ -o $@ $(call libs,protocol) -lcriterion -lpthread

# Outside Criterion, where every sanitizer works: make SANITIZE=thread .build/thread/tests/stress/joins
STRS_SRC := $(wildcard tests/stress/*.c)
$(O)/tests/stress/%.o: CFLAGS_ += -Iinclude/winsock
$(O)/tests/stress/joins: $(call test_objs,$(STRS_SRC)) $(common) $(call objs,local) $(call objs,provider) $(call objs,winsock)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS_) $^ -o $@ $(call libs,protocol) -lpthread
STRESS := $(O)/tests/stress/joins

# A start of a plane, and the same of the layout above, which the tests of the plane run;
# a whole daemon of it, for the restart tests.
$(O)/tests/layout/start: $(O)/tests/layout/start.o $(call objs,base) $(call objs,core) $(call objs,plane)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS_) $^ -o $@ $(call libs,plane)
ifeq ($(LAYOUT),)
NEXT := $(O)/layout-next/tests/layout/start $(O)/layout-next/leafcastd
$(NEXT) &: always
	$(Q)$(MAKE) --no-print-directory LAYOUT=next $(NEXT)
endif

# Bugs that the sanitizers must catch: scripts/sanitized --self-test
PLANTED := $(patsubst %.c,$(O)/%,$(wildcard tests/planted/*.c))
$(PLANTED): $(O)/tests/planted/%: $(O)/tests/planted/%.o
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS_) $< -o $@ -lcriterion -lpthread

# A program of the namespace tests, built as any user's: public headers and the library.
$(O)/tests/netns/%.o: CFLAGS_ += -Iinclude/winsock
$(O)/tests/netns/offload_root: $(O)/tests/netns/offload_root.o $(O)/libleafcast.so
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS_) $< -o $@ -L$(O) -lleafcast '-Wl,-rpath,$$ORIGIN/../..'
# Kills a daemon at one of its system calls.
$(O)/tests/netns/killed_at: $(O)/tests/netns/killed_at.o
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS_) $< -o $@
# Programs of the restart tests: two applications, built likewise, and what kills a daemon at a step.
RESTART := $(addprefix $(O)/tests/restart/,root leaves kill_at)
$(O)/tests/restart/%.o: CFLAGS_ += -Iinclude/winsock
$(O)/tests/bench/%.o: CFLAGS_ += -Iinclude/winsock
$(O)/tests/restart/root $(O)/tests/restart/leaves: %: %.o $(O)/tests/restart/records.o $(O)/tests/restart/program.o $(O)/tests/bench/common.o $(O)/libleafcast.so
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS_) $(filter %.o,$^) -o $@ -L$(O) -lleafcast '-Wl,-rpath,$$ORIGIN/../..' -lpthread
$(O)/tests/restart/kill_at: $(O)/tests/restart/kill_at.o
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS_) $< -o $@
$(O)/tests/hostile/hostile: $(call test_objs,$(HOST_SRC)) $(common) $(call objs,trunk) $(call objs,plane) $(call objs,peer) $(call objs,local) | $(O)/leafcastd
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS_) $^ -o $@ $(call libs,plane protocol trunk) -lcriterion -lpthread

# Each where its directory has sources.
TESTS := $(NEXT) $(RESTART) $(O)/tests/netns/offload_root $(O)/tests/netns/killed_at $(O)/tests/hostile/hostile $(STRESS) \
         $(if $(UNIT_SRC),$(O)/tests/unit/unit) $(if $(BPFT_SRC),$(O)/tests/bpf/bpf) \
         $(if $(EDGE_SRC),$(O)/tests/edges/edges) $(if $(PROV_SRC),$(O)/tests/provider/provider)
tests: all $(TESTS) ## build the tests
stress: $(STRESS)
planted: $(PLANTED)

test: ## every test that takes less than ten minutes in all (root)
	$(Q)CC='$(CC)' scripts/deps test
	$(Q)$(MAKE) --no-print-directory tests
	$(Q)scripts/test

test-long: ## every test with address and undefined behaviour sanitizers, the library with threads watched too; long restarts (root)
	$(Q)CC='$(CC)' scripts/deps test
	$(Q)$(MAKE) --no-print-directory SANITIZE=address,undefined tests planted
	$(Q)$(MAKE) --no-print-directory SANITIZE=thread stress planted
	$(Q)scripts/sanitized --self-test
	$(Q)BUILD=.build/address,undefined scripts/sanitized
	$(if $(STRESS),$(Q)BUILD=.build/thread scripts/sanitized stress)
	$(Q)$(MAKE) --no-print-directory tests
	$(Q)LONG=yes scripts/test bpf tests/netns/16-halfway.t tests/restart/*.t

.PHONY: always tests stress planted test test-long
