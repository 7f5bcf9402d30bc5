// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Which program is first at the egress of the test's device. */
#pragma once

#include "bpf_under_test.h"

#include "sys/bpf_clsact.h"
#include "sys/bpf_tcx.h"

/* By tcx alone. */
static inline uint32_t first_at_egress(void)
{
	uint32_t id = 0;

	assert_int_equal(bpf_tcx_first(device_index(), &id), 0);
	return id;
}

/* By whichever of the two this kernel has. */
static inline bool ours_is_first(const struct under_test *u)
{
	if (bpf_tcx_is_there())
		return first_at_egress() == our_id(u, "tc_reply");
	return bpf_clsact_is_first(device_index()) == 1;
}

static inline bool nothing_at_egress(void)
{
	return bpf_tcx_is_there() ? first_at_egress() == 0
				  : bpf_clsact_is_first(device_index()) != 1;
}

/* What only a list of programs can show. */
#define SKIP_WITHOUT_TCX()                                                                         \
	do {                                                                                       \
		if (!bpf_tcx_is_there())                                                           \
			skip();                                                                    \
	} while (0)
