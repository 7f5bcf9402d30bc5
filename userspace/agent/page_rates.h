// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What passed in the last hour, in memory: PAGE_RATES of samples, one each PAGE_RATES_STEP_NS, two
 * kilobytes in all. Pure.
 */
#pragma once

#include "base/nsec.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_RATES_STEP_NS (30 * NSEC_PER_SEC)
#define PAGE_RATES         120

/* Of the data plane: counters, but for the flows that it has. */
struct page_counts {
	uint64_t packets, bytes, drops, flows;
};

struct page_rates {
	struct {
		float packets, bits, drops, flows; /* a second; NaN: not known */
	} of[PAGE_RATES];
	size_t n, next; /* the latter is written next */
	struct page_counts last;
	nsec_t last_at;
	bool has_last;
};

/*
 * A sample. NULL: there are no counters now. A counter that is less than before, since those of
 * backends go with them, makes a gap.
 */
void page_rates_add(struct page_rates *r, const struct page_counts *counts, nsec_t now);
/* {stepSeconds, packets [], bits [], drops [], flows []}, oldest first, null for a gap. */
cJSON *page_rates_show(const struct page_rates *r);
