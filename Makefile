# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# Leafcast: `make help` lists the targets. V=1 shows the commands; WERROR= lets
# warnings of other compilers pass; SANITIZE=address,undefined or thread builds beside,
# and so does LAYOUT=next, whose pinned layout is one above.

VERSION  := 0.1.0
PREFIX   ?= /usr/local
DESTDIR  ?=
LIBDIR   ?= $(PREFIX)/lib
SANITIZE ?=
WERROR   ?= -Werror
LAYOUT   ?=
O        := .build$(if $(SANITIZE),/$(SANITIZE))$(if $(LAYOUT),/layout-$(LAYOUT))

CLANG        ?= clang
BPFTOOL      ?= $(shell command -v bpftool || echo /usr/sbin/bpftool)
PKG_CONFIG   ?= pkg-config
CLANG_FORMAT ?= clang-format

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2);)

WARN    := -Wall -Wextra $(WERROR) -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-unused-parameter
CFLAGS  ?= -O2 -g
LAYOUT_ := $(if $(filter next,$(LAYOUT)),-DLC_LAYOUT_NEXT)
CFLAGS_ := -std=gnu11 $(LAYOUT_) $(WARN) -fPIC -fvisibility=hidden -D_GNU_SOURCE -DLC_VERSION='"$(VERSION)"' \
           -Iinclude -Ictl -I$(O)/gen \
           $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
LDFLAGS_ := $(if $(SANITIZE),-fsanitize=$(SANITIZE)) -Wl,--as-needed
# Of a library, nothing may be undefined; but clang leaves a sanitizer's names to the program.
ifeq ($(SANITIZE),)
DEFS := -Wl,-z,defs
endif

# What each part needs from outside: one module per outside world.
pkgs_plane    := libbpf
pkgs_network  := libnl-route-3.0
pkgs_protocol := libprotobuf-c
pkgs_trunk    := libcrypto
pkgs_daemon   := libsystemd
pkgs_tool     := jansson
cflags = $(if $(pkgs_$(1)),$(shell $(PKG_CONFIG) --cflags $(pkgs_$(1))))
libs   = $(shell $(PKG_CONFIG) --libs $(foreach p,$(1),$(pkgs_$(p))))

PARTS  := $(sort $(foreach c,$(wildcard ctl/*/*.c),$(word 2,$(subst /, ,$(c)))))
srcs   = $(wildcard ctl/$(1)/*.c)
objs   = $(patsubst %.c,$(O)/%.o,$(call srcs,$(1)))
PROTOS := $(wildcard ctl/protocol/*.proto)
PB_H   := $(PROTOS:ctl/%.proto=$(O)/gen/%.pb-c.h)
PB_O   := $(PROTOS:ctl/%.proto=$(O)/gen/%.pb-c.o)
BPF    := $(wildcard bpf/*.bpf.c)
BPF_O  := $(BPF:%.bpf.c=$(O)/%.bpf.o)
SKEL   := $(BPF:bpf/%.bpf.c=$(O)/gen/%.skel.h)

common := $(call objs,base) $(call objs,core) $(call objs,protocol) $(PB_O)

all: $(O)/leafcastd $(O)/leafcast $(O)/libleafcast.so $(O)/leafcast.pc compile_commands.json ## build everything

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

# Before anything fails for the lack of it.
$(O)/.deps: scripts/deps
	$(Q)CC='$(CC)' CLANG='$(CLANG)' scripts/deps check
	$(Q)mkdir -p $(O) && touch $@

# --- BPF objects and their skeletons
# The target's, not this machine's: CC may be a cross compiler.
machine  := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
bpf_arch := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(machine)))
BPF_CC    = $(CLANG) -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_$(bpf_arch) $(LAYOUT_) -Wall -Wextra $(WERROR) \
            -Wno-unused-parameter -Wno-missing-declarations -Ivmlinux -Iinclude -Ibpf $(call cflags,plane) -MMD -MP -MF $(@:.o=.d)
$(O)/bpf/%.bpf.o: bpf/%.bpf.c | $(O)/.deps
	@mkdir -p $(@D)
	$(call say,BPF,$@)$(BPF_CC) -c $< -o $@
$(O)/gen/%.skel.h: $(O)/bpf/%.bpf.o
	@mkdir -p $(@D)
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name lc_$*_bpf > $@

# --- messages
$(O)/gen/protocol/%.pb-c.c $(O)/gen/protocol/%.pb-c.h &: ctl/protocol/%.proto | $(O)/.deps
	@mkdir -p $(O)/gen
	$(call say,PROTOC,$<)protoc-c --proto_path=ctl --c_out=$(O)/gen $<
$(O)/gen/%.o: $(O)/gen/%.c | $(PB_H)
	$(call say,CC,$@)$(CC) $(CFLAGS) $(filter-out $(WARN),$(CFLAGS_)) -c $< -o $@

# --- C
part = $(word 2,$(subst /, ,$(patsubst $(O)/%,%,$@)))
$(O)/ctl/%.o: ctl/%.c Makefile | $(O)/.deps $(PB_H) $(SKEL)
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(CFLAGS) $(CFLAGS_) $(call cflags,$(part)) $(if $(filter provider winsock tool,$(part)),-Iinclude/winsock) -MMD -MP -c $< -o $@

$(O)/leafcastd: $(common) $(call objs,membership) $(call objs,trunk) $(call objs,plane) $(call objs,network) $(call objs,peer) $(call objs,local) $(call objs,daemon)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS_) $(LDFLAGS) $^ -o $@ $(call libs,plane network protocol trunk daemon) -lpthread
$(O)/libleafcast.so: $(common) $(call objs,local) $(call objs,provider) $(call objs,winsock) ctl/provider/libleafcast.map
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS_) $(LDFLAGS) -shared -Wl,-soname,libleafcast.so.0 -Wl,--version-script=ctl/provider/libleafcast.map \
		$(DEFS) $(filter %.o,$^) -o $@ $(call libs,protocol) -lpthread
	$(Q)ln -sf libleafcast.so $(O)/libleafcast.so.0
$(O)/leafcast: $(call objs,tool) $(common) $(call objs,plane) $(O)/libleafcast.so
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS_) $(LDFLAGS) $(filter %.o,$^) -o $@ -L$(O) -lleafcast '-Wl,-rpath,$$ORIGIN:$$ORIGIN/../lib' $(call libs,plane protocol tool)
pc = sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' -e 's|@VERSION@|$(VERSION)|g' scripts/leafcast.pc.in
$(O)/leafcast.pc: scripts/leafcast.pc.in Makefile
	@mkdir -p $(@D)
	$(call say,GEN,$@)$(pc) > $@

compile_commands.json: Makefile $(foreach p,$(PARTS),$(call srcs,$(p)))
	$(Q)scripts/compile-commands '$(subst ','\'',$(CC) $(CFLAGS_) -Iinclude/winsock)' $(filter %.c,$^) > $@

vmlinux: ## the whole of this kernel's types into .build/vmlinux.h, for exploring; not needed to build
	$(Q)mkdir -p $(O) && $(BPFTOOL) btf dump file /sys/kernel/btf/vmlinux format c > $(O)/vmlinux.h

# --- tests
include tests/tests.mk

# --- measuring, other kernels, other machines
$(O)/tests/bench/%.o: CFLAGS_ += -Iinclude/winsock
$(O)/tests/bench/sender $(O)/tests/bench/leaves: %: %.o $(O)/tests/bench/common.o $(O)/libleafcast.so
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS_) $(filter %.o,$^) -o $@ -L$(O) -lleafcast '-Wl,-rpath,$$ORIGIN/../..'
$(O)/tests/bench/sink.bpf.o: tests/bench/sink.bpf.c
	@mkdir -p $(@D)
	$(call say,BPF,$@)$(BPF_CC) -c $< -o $@
bench-programs: $(O)/tests/bench/sender $(O)/tests/bench/leaves $(O)/tests/bench/sink.bpf.o

bench: ## copies beside tc mirred, and joins; BENCH="--quick", "--against TREE", ... (root)
	$(Q)scripts/deps bench
	$(Q)$(MAKE) --no-print-directory all bench-programs
	$(Q)scripts/bench $(BENCH)

kernels: ## the programs, a membership and restarts on stock kernels, in QEMU
	$(Q)scripts/deps kernels
	$(Q)$(MAKE) --no-print-directory tests
	$(Q)scripts/kernels

arm64: ## cross build, unit tests under qemu-user
	$(Q)scripts/deps arm64
	$(Q)scripts/arm64

check: all ## style, include arrows, circles, static analysis, pedantic headers
	$(Q)BUILD='$(O)' CC='$(CC)' CFLAGS='$(CFLAGS)' MAKE='$(MAKE)' scripts/check

demo: ## one root and four leaves in namespaces (root)
	$(Q)scripts/deps demo
	$(Q)$(MAKE) --no-print-directory all
	$(Q)scripts/demo

# --- installing; any of these may have spaces
sbin    := $(DESTDIR)$(PREFIX)/sbin
bin     := $(DESTDIR)$(PREFIX)/bin
lib     := $(DESTDIR)$(LIBDIR)
include := $(DESTDIR)$(PREFIX)/include/leafcast

install: all ## below PREFIX (default /usr/local), honours DESTDIR
	install -d "$(sbin)" "$(bin)" "$(lib)/pkgconfig" "$(include)/winsock"
	install -m 755 $(O)/leafcastd "$(sbin)"
	install -m 755 $(O)/leafcast "$(bin)"
	install -m 755 $(O)/libleafcast.so "$(lib)/libleafcast.so.$(VERSION)"
	ln -sf libleafcast.so.$(VERSION) "$(lib)/libleafcast.so.0"
	ln -sf libleafcast.so.0 "$(lib)/libleafcast.so"
	$(pc) > "$(lib)/pkgconfig/leafcast.pc"
	chmod 644 "$(lib)/pkgconfig/leafcast.pc"
	install -m 644 include/leafcast/*.h "$(include)"
	install -m 644 include/winsock/*.h "$(include)/winsock"
	@echo "programs that link with -lleafcast find $(LIBDIR) by ldconfig, LD_LIBRARY_PATH or -Wl,-rpath"

uninstall: ## takes away what install has put there, with the same PREFIX, LIBDIR and DESTDIR
	rm -f "$(sbin)/leafcastd" "$(bin)/leafcast" "$(lib)/pkgconfig/leafcast.pc"
	rm -f "$(lib)/libleafcast.so" "$(lib)/libleafcast.so.0" "$(lib)/libleafcast.so.$(VERSION)"
	rm -f $(foreach h,$(notdir $(wildcard include/leafcast/*.h)),"$(include)/$h")
	rm -f $(foreach h,$(notdir $(wildcard include/winsock/*.h)),"$(include)/winsock/$h")
	-rmdir "$(include)/winsock" "$(include)"

clean: ## remove what was built
	rm -rf .build compile_commands.json

.PHONY: all help arm64 bench bench-programs kernels check demo install uninstall clean vmlinux
.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell find $(O) -type f -name '*.d' 2>/dev/null)
