// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Which address a Service has: what the allocator gives (plan/ipam.h) and the plan is made from. */
#pragma once

#include "api/objects.h"
#include "base/addr.h"

struct plan_address {
	const char *ns, *name; /* the Service */
	struct ip_addr addr;
	const char *pool; /* name of the pool that holds it; "" if none does */
};
struct plan_addresses {
	const struct plan_address *items; /* by ns, name, addr */
	size_t n;
	struct api_strings pools; /* for plan_ledger.pools */
	uint64_t generation;      /* equal ones of one maker: the same items; 0: not known */
};
