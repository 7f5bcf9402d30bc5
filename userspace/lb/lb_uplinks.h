// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Domains of devices, by ifindex, as xdp_lb looks for them (bpf/abi.h, map `uplinks`). A device
 * keeps its word as long as it has a domain, so a reader never misses it; each call leaves the
 * table whole after every single store.
 */
#pragma once

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

/* The map's LB_UPLINKS words, zeroed or of a former run; borrowed. */
struct lb_uplinks {
	uint64_t *words;
};

/*
 * The device has this domain from now on; 0 takes it out. ifindex > 0. -ENOSPC: the words that it
 * may lie in are other devices'; to be expected from some 400 devices with domains on.
 */
int lb_uplinks_set(const struct lb_uplinks *u, uint32_t ifindex, uint16_t domain) must_check;
/* Takes out every device but these. */
void lb_uplinks_keep(const struct lb_uplinks *u, const uint32_t *ifindexes, size_t n);
/* Some sources are denied, whatever device they come by (lb_deny.h). Of any thread. */
void lb_uplinks_set_denies(const struct lb_uplinks *u, bool denies);
