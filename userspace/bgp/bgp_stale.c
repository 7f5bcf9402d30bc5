// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* See the header. */
#include "bgp/bgp_stale.h"

#include "bgp/bgp_conn.h"

#define STALE_S 360 /* as long as End-of-RIB may take */

nsec_t bgp_stale_lost(struct bgp_rib_in *rib, nsec_t now, const struct bgp_conn *c)
{
	const struct bgp_graceful_restart *gr = &c->received.gr;
	const bool keeps = c->may_return && bgp_conn_gr_negotiated(c) && gr->time_s > 0;
	nsec_t until = NSEC_NEVER;

	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++) {
		if (!keeps || !bgp_families_has(gr->families, f)) {
			bgp_rib_in_drop(rib, f);
			continue;
		}
		bgp_rib_in_stale(rib, f);
		until = nsec_add(now, gr->time_s * NSEC_PER_SEC);
	}
	return until;
}

nsec_t bgp_stale_back(struct bgp_rib_in *rib, nsec_t now, const struct bgp_conn *c)
{
	const struct bgp_graceful_restart *gr = &c->received.gr;
	const struct bgp_families session = bgp_conn_families(c);

	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++)
		if (!gr->present || !bgp_families_has(session, f) ||
		    !bgp_families_has(gr->forwarding, f))
			bgp_rib_in_drop(rib, f);
	return nsec_add(now, STALE_S * NSEC_PER_SEC);
}

nsec_t bgp_stale_sweep(struct bgp_rib_in *rib)
{
	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++)
		bgp_rib_in_sweep(rib, f);
	return NSEC_NEVER;
}
