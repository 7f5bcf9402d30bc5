// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Domains of devices, and of VLANs on them, as xdp_lb looks for them (bpf/abi.h, map `uplinks`). A
 * device keeps its word as long as it has a domain, so a reader never misses it; each call leaves
 * the table whole after every single store.
 */
#pragma once

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

/* The map's LB_UPLINKS words, zeroed or of a former run; borrowed. */
struct lb_uplinks {
	uint64_t *words;
};

/* A device, or a VLAN on it: where frames come in, and the outer tag that they have there. */
struct lb_uplink {
	uint32_t ifindex; /* 1 to INT32_MAX */
	uint16_t tag;     /* its number, and LB_TAG_8021AD; 0: the device itself */
};

/*
 * It has this domain from now on. 0 takes a device out, but not a VLAN, whose device may have
 * another. -ENOSPC: the words that it may lie in are others', to be expected from some 400 with
 * domains on; or it is a VLAN on a device whose ifindex is 2^30 or more.
 */
int lb_uplinks_set(const struct lb_uplinks *u, struct lb_uplink uplink, uint16_t domain) must_check;
/* Takes out all but these. */
void lb_uplinks_keep(const struct lb_uplinks *u, const struct lb_uplink *kept, size_t n);
/* Some sources are denied, whatever device they come by (lb_deny.h). Of any thread. */
void lb_uplinks_set_denies(const struct lb_uplinks *u, bool denies);
