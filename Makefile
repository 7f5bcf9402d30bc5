# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Non-recursive. Everything lands in build/. `make help` lists the targets, V=1 shows the commands.
# One static library per layer folder, so that a test links its layer and what lies below it, no more.

# make itself presets CC, so ?= would not do.
ifeq ($(origin CC),default)
CC      := gcc
endif
CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
B       := build
Q       := $(if $(V),,@)

WARN := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings \
	-Wvla -Wundef -Wformat=2 -Wimplicit-fallthrough -Wswitch-enum -Wnull-dereference
WERROR ?= -Werror
HARDEN := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
OPT    ?= -O2 -g
# What is built does not say where.
ANYWHERE := -ffile-prefix-map=$(CURDIR)=.
# WIRE="-DLB_WIRE_VERSION=3 ..." B=folder: a build that speaks other versions to other nodes, for the lab (mk/lab.mk).
CPPFLAGS += -D_GNU_SOURCE -Iuserspace -I. -I$(B)/gen $(WIRE)
CFLAGS_ALL := -std=gnu17 $(WARN) $(WERROR) $(OPT) $(ANYWHERE) $(CFLAGS)
# What is told of pointers to our own takes 44 KB of the agent's memory, packed next to nothing; Debian 12's C library
# is the first that reads it.
RELR := $(shell ld --help 2>/dev/null | grep -q pack-relative-relocs && echo -Wl,-z,pack-relative-relocs)
LDFLAGS += -Wl,-z,relro,-z,now $(RELR) -pie

SAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# Lines are all that a report needs. Tests are compiled once and run once: to optimise them costs more than it saves,
# and so it is with what computes little, whose accesses are checked by calls besides. What computes is hardly slower with -Og
# than with -O1, which takes the compiler a third longer.
SAN_OPT := -Og -g1
SAN_CALLS := --param asan-instrumentation-with-call-threshold=0
# Of an allocation the address sanitizer keeps the function and who called it through base/mem.h: to keep thirty frames of each
# takes a twentieth of what tests and simulations compute. ASAN_OPTIONS=malloc_context_size=30 tells more of one that failed.
export ASAN_OPTIONS ?= malloc_context_size=3
# What a test computes itself is not judged, but for programs' headers, which some of lb/ compile for the host: memory is.
SAN_OF := $(SAN)
# Of which unit programs share their layers: linked into each of them they were 2 GB, and took a minute.
SHARED := -fPIC -fno-semantic-interposition
# Three hundred programs are linked; this linker, where there is one, takes two thirds of the time.
SAN_LD := $(if $(shell command -v ld.gold),-fuse-ld=gold)

# name of a library -> pkg-config packages that its users link
PKGS := libbpf libmnl libnl-3.0 libnl-route-3.0 libevent_core libevent_extra libcjson yaml-0.1
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
CPPFLAGS += $(PKG_CFLAGS)
LIBS_yaml  := -lyaml
LIBS_agent := -lbpf -lmnl -lnl-route-3 -lnl-3 -levent_extra -levent_core -lcjson -lyaml -lnettle
# The agent that is installed has in its file what it uses of those libraries that Debian has as archives: of each shared one
# nearly all was resident, on every node, a megabyte. What tests and benches link takes the shared ones, which are the same.
LIBS_lodestoned := -Wl,-Bstatic -lbpf -lelf -lz -lnl-route-3 -lnl-3 -levent_extra -levent_core -lyaml -lnettle -Wl,-Bdynamic \
	-lmnl -lcjson
LIBS_cli   := -lcjson
LIBS_feeder := -lcurl -levent_core -lyaml -lcjson

# Lowest layer last, as the linker wants it.
LAYERS := agent sys plan lb api bfd kube bgp base
DIRS   := $(filter $(patsubst userspace/%/,%,$(wildcard userspace/*/)),$(LAYERS))
src     = $(filter-out %/main.c,$(wildcard userspace/$(1)/*.c))

AGENT_BIN := $(B)/lodestoned
CLI_BIN   := $(B)/lodectl
FEEDER_BIN := $(B)/lodestone-kube

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

all: $(AGENT_BIN) $(CLI_BIN) $(FEEDER_BIN) ## build the agent, the operator's tool and the feeder

# A thousand files are made at once: their folders and the words about them cost no process each.
folder = $(if $(wildcard $(@D)/.),,$(shell mkdir -p $(@D)))
say    = $(info $(empty)  $(1) $(2))
begin  = $(folder)$(call say,$(1),$(2))

# --- objects, once plain and once under the sanitizers ---------------------------------------------

$(B)/obj/%.o: %.c
	$(call begin,CC   ,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) $(HARDEN) $(SMALL) -MMD -MP -c -o $@ $<

# What runs once for an event or an object is made small: all of it is resident. What computes is not.
$(B)/obj/userspace/agent/%.o $(B)/obj/userspace/api/%.o $(B)/obj/userspace/sys/%.o: SMALL := -Os

$(B)/san/%.o: %.c
	$(call begin,SAN  ,$<)
	$(Q)$(CC) $(CPPFLAGS) -std=gnu17 $(WARN) $(WERROR) $(SAN_OPT) $(SAN_OF) $(SHARED) -MMD -MP -c -o $@ $<

$(foreach d,tests/unit tests/bpf tests/fuzz userspace/agent userspace/sys userspace/feeder userspace/cli,$(B)/san/$(d)/%.o): SAN_OPT := -O0 -g1 $(SAN_CALLS)
# These compute with tables.
$(B)/san/tests/unit/lb/%.o: SAN_OPT := -O0 -g1
$(foreach d,$(filter-out lb,$(notdir $(wildcard tests/unit/*))),$(B)/san/tests/unit/$(d)/%.o): SAN_OF := $(SAN:,undefined=)
# Two of lb/ compute so much in the programs' headers that it pays.
$(B)/san/tests/unit/lb/test_lb_flow_table.o $(B)/san/tests/unit/lb/test_lb_flow_hash.o: SAN_OPT := -O1 -g1

# What the status page is made of is read by the assembler, of which -MMD knows nothing.
$(B)/obj/userspace/agent/page_files.o $(B)/san/userspace/agent/page_files.o: $(wildcard userspace/agent/page/*)

define layer_rules
$(B)/lib$(1).a: $(patsubst %.c,$(B)/obj/%.o,$(call src,$(1)))
$(B)/san/lib$(1).a: $(patsubst %.c,$(B)/san/%.o,$(call src,$(1)))
endef
$(foreach d,$(DIRS),$(eval $(call layer_rules,$(d))))

# Two rules: one pattern rule with two targets would mean that one run makes both.
$(B)/lib%.a:
	$(folder)
	$(Q)rm -f $@ && ar rcs $@ $^
$(B)/san/lib%.a:
	$(folder)
	$(Q)rm -f $@ && ar rcs $@ $^

# Of which tree a program was made, for --version. A tree without .git is told by COMMIT=.
COMMIT ?= $(shell git describe --always --dirty --abbrev=12 --match= 2>/dev/null || echo unknown)
$(B)/gen/commit: FORCE
	$(folder)
	@echo $(COMMIT) | cmp -s - $@ || echo $(COMMIT) >$@
FORCE:
$(B)/obj/userspace/base/names.o $(B)/san/userspace/base/names.o: $(B)/gen/commit
$(B)/obj/userspace/base/names.o $(B)/san/userspace/base/names.o: CPPFLAGS += -DLODESTONE_COMMIT='"$(COMMIT)"'

# The linker says which archives it took: scripts/sbom reads it, and a library that is new makes a new agent.
AGENT_LIBS := $(patsubst %,$(B)/lib%.a,$(DIRS))
$(AGENT_BIN): $(B)/obj/userspace/agent/main.o $(AGENT_LIBS)
	$(call say,LD   ,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -Wl,--dependency-file=$@.d -o $@ $< -Wl,--start-group $(AGENT_LIBS) -Wl,--end-group $(LIBS_lodestoned)

# The agent under the sanitizers, for the lab: LAB_AGENT=build/san/lodestoned scripts/run-lab
AGENT_SAN := $(B)/san/lodestoned
$(AGENT_SAN): $(B)/san/userspace/agent/main.o $(patsubst %,$(B)/san/lib%.a,$(DIRS))
	$(call say,LD   ,$@)
	$(Q)$(CC) $(SAN) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS_agent)

$(CLI_BIN): $(patsubst %.c,$(B)/obj/%.o,$(wildcard userspace/cli/*.c)) $(B)/libbase.a
	$(call say,LD   ,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LIBS_cli)

# Of sys/ it links what it calls: the loop, files, the clock and the log.
$(FEEDER_BIN): $(patsubst %.c,$(B)/obj/%.o,$(wildcard userspace/feeder/*.c)) $(B)/libsys.a $(B)/libkube.a $(B)/libbase.a
	$(call say,LD   ,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LIBS_feeder)

# --- BPF: object, skeleton ---------------------------------------------------------------------------

# Of the lines that instructions come from the verifier's complaints, and what the kernel keeps, name no columns: a third less.
BPF_FLAGS := -O2 -g -gno-column-info $(ANYWHERE) -fstack-usage -target bpf -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter -I. -Ibpf -D__TARGET_ARCH_x86 $(WIRE)
BPF_SRC   := $(wildcard bpf/*.bpf.c)
# Each once more with all that a capture needs (bpf/capture_note.h).
BPF_OBJ   := $(patsubst bpf/%.bpf.c,$(B)/bpf/%.bpf.o,$(BPF_SRC)) $(patsubst bpf/%.bpf.c,$(B)/bpf/%_capture.bpf.o,$(BPF_SRC))
BPF_SKEL  := $(patsubst $(B)/bpf/%.bpf.o,$(B)/gen/%.skel.h,$(BPF_OBJ))

$(B)/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h) vmlinux.h Makefile
	$(call begin,BPF  ,$<)
	$(Q)$(CLANG) $(BPF_FLAGS) -c -o $@ $<

$(B)/bpf/%_capture.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h) vmlinux.h Makefile
	$(call begin,BPF  ,$@)
	$(Q)$(CLANG) $(BPF_FLAGS) -DLB_CAPTURE -c -o $@ $<

# The objects, 1.2 MB without what is for debuggers, have a section of their own in the programs that load them: among the
# other constants they would be resident with these, also where nothing is loaded.
IN_SECTION := -e 's/return (const void \*)"\\$$/static const char data[] __attribute__((__aligned__(8))) = "\\/' \
	-e '/data\[\] __attribute__/,/";$$/s/";$$/";\n\treturn data;/' \
	-e 's/data\[\] __attribute__((__aligned__(8)))/data[] __attribute__((__aligned__(8), __section__("bpf_objects")))/'

$(B)/gen/%.skel.h: $(B)/bpf/%.bpf.o
	$(call begin,SKEL ,$@)
	$(Q)$(BPFTOOL) gen object $@.o $<
	$(Q)$(BPFTOOL) gen skeleton $@.o name $*_bpf > $@.new
	$(Q)sed $(IN_SECTION) $@.new > $@ && rm $@.new $@.o

# Everything that includes a skeleton waits for it.
$(patsubst %.c,$(B)/obj/%.o,$(wildcard userspace/sys/*.c)): | $(BPF_SKEL)
$(patsubst %.c,$(B)/san/%.o,$(wildcard userspace/sys/*.c)): | $(BPF_SKEL)

# --- tests -------------------------------------------------------------------------------------------
# tests/unit/LAYER/test_x.c links the layers up to LAYER, under the sanitizers.
#
# Those that take longest begin first, so that none is waited for at the end when a processor is idle already; those
# that compute between those that wait.

UNIT_LONG := plan/test_plan_converge sys/test_bfd_engine agent/test_peers plan/test_ipam_model agent/test_drain \
	plan/test_plan_random sys/test_rtnl_fib agent/test_restart sys/test_bpf_dataplane agent/test_bfd_lines agent/test_bfd_without agent/test_state \
	lb/test_lb_prepare agent/test_reconcile lb/test_lb_crash sys/test_health_server api/test_world_index bgp/test_bgp_rib_model
UNIT_SRC := $(wildcard $(patsubst %,tests/unit/%.c,$(UNIT_LONG)))
UNIT_SRC += $(filter-out $(UNIT_SRC),$(wildcard tests/unit/*/test_*.c))
UNIT_BIN := $(patsubst tests/unit/%.c,$(B)/unit/%,$(UNIT_SRC))
below_base := base
below_bgp  := bgp base
below_bfd  := bfd base
below_kube := kube base
below_api  := api base
below_lb   := lb base
below_plan := plan lb api bfd bgp base
below_sys  := sys plan lb api bfd bgp base
below_agent := agent sys plan lb api bfd kube bgp base
below_cli  := base
below_feeder := sys kube base
LIBS_base  := -lcjson
LIBS_api   := -lyaml
LIBS_bfd   := -lnettle
LIBS_kube  := -lcjson
LIBS_plan  := -lyaml -lnettle
LIBS_sys   := $(LIBS_agent)

# -z defs: a layer finds all that it calls in those below it.
define shared_rules
$(B)/san/lib$(1).so: $(B)/san/lib$(1).a $(patsubst %,$(B)/san/lib%.so,$(filter-out $(1),$(filter $(DIRS),$(below_$(1)))))
	$$(Q)$$(CC) $$(SAN) $$(SAN_LD) -shared -Wl,-z,defs -Wl,-soname,lib$(1).so -Wl,-rpath,'$$$$ORIGIN' -o $$@ \
		-Wl,--whole-archive $$(filter %.a,$$^) -Wl,--no-whole-archive $$(filter %.so,$$^) $$(LIBS_$(1))
endef
$(foreach d,$(DIRS),$(eval $(call shared_rules,$(d))))

define unit_rules
$(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/$(1)/test_*.c)): $(B)/unit/%: $(B)/san/tests/unit/%.o $(patsubst %,$(B)/san/lib%.so,$(filter $(DIRS),$(below_$(1)))) $(if $(filter cli feeder,$(1)),$(patsubst %.c,$(B)/san/%.o,$(filter-out %/main.c,$(wildcard userspace/$(1)/*.c)))) $(patsubst %.c,$(B)/san/%.o,$(if $(filter plan sys agent,$(1)),$(wildcard tests/fake/*.c)))
	$$(folder)
	$$(Q)$$(CC) $$(SAN) $$(SAN_LD) -Wl,-rpath,'$$$$ORIGIN/../../san' -o $$@ $$(filter %.o %.so,$$^) -lcmocka $$(LIBS_$(1)) $$(if $$(filter cli,$(1)),-lcjson)
endef
$(foreach d,base bgp bfd kube api lb plan sys agent cli feeder,$(eval $(call unit_rules,$(d))))
$(B)/san/tests/%.o: CPPFLAGS += -Itests

# Each part of `make test` adds its own.
test-programs: all $(UNIT_BIN) ## build what the tests run

unit: $(UNIT_BIN) ## unit tests, under the address and undefined-behaviour sanitizers; unit-bgp: those of one layer
	$(Q)scripts/run-tests unit $(UNIT_BIN)

# A goal of its own for each layer, which knows what it runs: several are made by one make, each program once.
define unit_goal
unit-$(1): $(filter $(B)/unit/$(1)/%,$(UNIT_BIN))
	$$(Q)scripts/run-tests $$@ $$^
.PHONY: unit-$(1)
endef
$(foreach d,$(sort $(notdir $(wildcard tests/unit/*))),$(eval $(call unit_goal,$(d))))

-include $(wildcard mk/*.mk)

clean: ## remove build/
	$(Q)rm -rf $(B)

help: ## this list
	@grep -hE '^[a-z%-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | sort | expand -t 16

.PHONY: all test-programs unit clean help FORCE
.SECONDARY:
-include $(shell find $(B) -name '*.d' -type f 2>/dev/null)
