# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
# The deterministic simulations: make sim [SEEDS=500] [BFD_SEEDS=200] [PLANE_SEEDS=200] [KUBE_SEEDS=150],
# or SEED=n to repeat one: of two BGP speakers, of two BFD sessions, of the whole control plane, of
# watches at an API server, and of many nodes.

SIM_SRC := $(wildcard tests/sim/*.c)
SIM_BIN := $(B)/sim/sim
SEEDS   ?= 500

$(SIM_BIN): $(patsubst %.c,$(B)/san/%.o,$(SIM_SRC)) $(B)/san/libbgp.a $(B)/san/libbase.a
	$(folder)
	$(Q)$(CC) $(SAN) $(SAN_LD) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group

PLANE_SRC   := $(wildcard tests/sim/plane/*.c) tests/sim/sim_link.c $(wildcard tests/fake/*.c)
PLANE_BIN   := $(B)/sim/plane
PLANE_SEEDS ?= 200

$(PLANE_BIN): $(patsubst %.c,$(B)/san/%.o,$(PLANE_SRC)) $(patsubst %,$(B)/san/lib%.a,$(below_plan))
	$(folder)
	$(Q)$(CC) $(SAN) $(SAN_LD) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS_plan)

BFD_SIM_SRC := $(wildcard tests/sim/bfd/*.c)
BFD_SIM_BIN := $(B)/sim/bfd
BFD_SEEDS   ?= 200

$(BFD_SIM_BIN): $(patsubst %.c,$(B)/san/%.o,$(BFD_SIM_SRC)) $(B)/san/libbfd.a $(B)/san/libbase.a
	$(folder)
	$(Q)$(CC) $(SAN) $(SAN_LD) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS_bfd)

KUBE_SIM_SRC := $(wildcard tests/sim/kube/*.c)
KUBE_SIM_BIN := $(B)/sim/kube
KUBE_SEEDS   ?= 150

$(KUBE_SIM_BIN): $(patsubst %.c,$(B)/san/%.o,$(KUBE_SIM_SRC)) $(B)/san/libkube.a $(B)/san/libbase.a
	$(folder)
	$(Q)$(CC) $(SAN) $(SAN_LD) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS_kube)

NODES_SIM_SRC := $(wildcard tests/sim/nodes/*.c)
NODES_SIM_BIN := $(B)/sim/nodes
NODES_BENCH   := $(B)/bench/bench_nodes

$(NODES_SIM_BIN): $(patsubst %.c,$(B)/san/%.o,$(NODES_SIM_SRC)) $(B)/san/liblb.a $(B)/san/libbase.a
	$(folder)
	$(Q)$(CC) $(SAN) $(SAN_LD) -o $@ $^

# The same without sanitizers, for 1,000 nodes.
$(NODES_BENCH): $(patsubst %.c,$(B)/obj/%.o,$(NODES_SIM_SRC)) $(B)/liblb.a $(B)/libbase.a
	$(call begin,LD   ,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^

test-programs: $(SIM_BIN) $(PLANE_BIN) $(BFD_SIM_BIN) $(KUBE_SIM_BIN) $(NODES_SIM_BIN)
sim: $(SIM_BIN) sim-bfd sim-plane sim-kube sim-nodes ## two BGP speakers over a hostile network: SEEDS=n runs, SEED=n repeats one
	$(Q)$(SIM_BIN) $(if $(SEED),$(SEED) 1,1 $(SEEDS))

sim-plane: $(PLANE_BIN) ## the whole control plane with crashes: PLANE_SEEDS=n runs, SEED=n repeats one
	$(Q)$(PLANE_BIN) $(if $(SEED),$(SEED) 1,1 $(PLANE_SEEDS))

sim-bfd: $(BFD_SIM_BIN) ## two BFD sessions over a hostile link: BFD_SEEDS=n runs, SEED=n repeats one
	$(Q)$(BFD_SIM_BIN) $(if $(SEED),$(SEED) 1,1 $(BFD_SEEDS))

sim-kube: $(KUBE_SIM_BIN) ## watches at an API server that fails in every way: KUBE_SEEDS=n runs, SEED=n repeats one
	$(Q)$(KUBE_SIM_BIN) $(if $(SEED),$(SEED) 1,1 $(KUBE_SEEDS))

sim-nodes: $(NODES_SIM_BIN) ## rollouts, rehashes and what agents tell each other on many nodes: SEED=n
	$(Q)$(NODES_SIM_BIN) $(or $(SEED),1)

bench-nodes: $(NODES_BENCH) ## the same of 1,000 nodes and 10,000 Services: flows lost, sizes, octets
	$(Q)$(NODES_BENCH) $(or $(SEED),1) whole

.PHONY: sim sim-bfd sim-plane sim-kube sim-nodes bench-nodes
