# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# docs/reference.md, from the tables that the decoder is driven by.

REFERENCE_LIBS := $(patsubst %,$(B)/lib%.a,$(below_api))

$(B)/reference: $(B)/obj/scripts/reference.o $(REFERENCE_LIBS)
	@echo "  LD    $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $< $(REFERENCE_LIBS) $(LIBS_api)

reference: $(B)/reference ## write docs/reference.md from the decoder's tables
	$(Q)$< >docs/reference.md

.PHONY: reference
