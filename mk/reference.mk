# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# docs/reference.md and deploy/crds, from the tables that the decoder is driven by.

REFERENCE_LIBS := $(patsubst %,$(B)/lib%.a,$(below_api))

$(B)/reference $(B)/crds: $(B)/%: $(B)/obj/scripts/%.o $(REFERENCE_LIBS)
	$(call say,LD   ,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $< $(REFERENCE_LIBS) $(LIBS_api)

reference: $(B)/reference ## write docs/reference.md from the decoder's tables
	$(Q)$< >docs/reference.md

crds: $(B)/crds ## write deploy/crds from the decoder's tables
	$(Q)$< deploy/crds

.PHONY: reference crds
