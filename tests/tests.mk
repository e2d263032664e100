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

$(O)/tests/%.o: tests/%.c Makefile tests/tests.mk | $(PB_H) $(SKEL)
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(CFLAGS) $(CFLAGS_) -Wno-missing-prototypes $(call cflags,plane) -MMD -MP -c $< -o $@

$(O)/tests/unit/unit: $(call test_objs,$(UNIT_SRC)) $(common) $(call objs,membership) $(call objs,peer) $(call objs,local)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS_) $^ -o $@ $(call libs,protocol) -lcriterion
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

# A program of the namespace tests, built as any user's: public headers and the library.
$(O)/tests/netns/%.o: CFLAGS_ += -Iinclude/winsock
$(O)/tests/netns/offload_root: $(O)/tests/netns/offload_root.o $(O)/libleafcast.so
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS_) $< -o $@ -L$(O) -lleafcast '-Wl,-rpath,$$ORIGIN/../..'
$(O)/tests/hostile/hostile: $(call test_objs,$(HOST_SRC)) $(common) $(call objs,plane) $(call objs,peer) $(call objs,local) | $(O)/leafcastd
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS_) $^ -o $@ $(call libs,plane protocol) -lcriterion -lpthread

tests: all $(O)/tests/netns/offload_root $(if $(UNIT_SRC),$(O)/tests/unit/unit) $(if $(BPFT_SRC),$(O)/tests/bpf/bpf) $(if $(EDGE_SRC),$(O)/tests/edges/edges) $(if $(PROV_SRC),$(O)/tests/provider/provider) $(O)/tests/hostile/hostile $(O)/tests/stress/joins ## build the tests

test: ## every test that takes less than ten minutes in all (root)
	$(Q)scripts/deps test
	$(Q)$(MAKE) --no-print-directory tests
	$(Q)scripts/test

test-long: ## the daemon among bad neighbours, with address and undefined behaviour sanitizers (root)
	$(Q)scripts/deps test
	$(Q)$(MAKE) --no-print-directory SANITIZE=address,undefined .build/address,undefined/leafcastd .build/address,undefined/tests/hostile/hostile
	$(Q)scripts/sanitized hostile

.PHONY: tests test test-long
