# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
# The deterministic simulation: make sim [SEEDS=500], or SEED=n to repeat one.

SIM_SRC := $(wildcard tests/sim/*.c)
SIM_BIN := $(B)/sim/sim
SEEDS   ?= 500

$(SIM_BIN): $(patsubst %.c,$(B)/san/%.o,$(SIM_SRC)) $(B)/san/libbgp.a $(B)/san/libbase.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(SAN) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group

sim: $(SIM_BIN) ## two BGP speakers over a hostile network: SEEDS=n runs, SEED=n repeats one
	$(Q)$(SIM_BIN) $(if $(SEED),$(SEED) 1,1 $(SEEDS))

.PHONY: sim
