// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * That a plan made with a cache is the plan made from nothing and changes as much in the store, and
 * addresses given likewise. Ends
 * the process if not, so that whatever plans by the fixture is a test of the cache.
 */
#pragma once

#include "plan/ipam.h"

/* `plan`, `after` and `deadline` are what plan_compute made of the inputs, with their cache. */
void plan_same(const struct plan_inputs *in, const struct plan_ledger *ledger, nsec_t now,
	       const struct plan *plan, const struct plan_ledger *after, nsec_t deadline);

/* The same of addresses: what ipam_recompute() made of the inputs. */
void ipam_same(const struct ipam_inputs *in, const struct plan_addresses *addresses,
	       const struct problems *problems);
