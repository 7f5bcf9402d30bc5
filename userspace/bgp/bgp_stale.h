// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Graceful restart of the peer, whose helper we are (RFC 4724 4.2, RFC 8538 4): what becomes of its
 * routes when a session is lost and comes again. Each returns when what is stale is to be swept;
 * NSEC_NEVER: nothing is.
 */
#pragma once

#include "base/nsec.h"
#include "bgp/bgp_rib_in.h"

struct bgp_conn;

/*
 * The session of the connection is lost: its routes stay for as long as the peer's OPEN has asked
 * for, of the families that it has named; the others go, and so do those that are stale since an
 * earlier time.
 */
nsec_t bgp_stale_lost(struct bgp_rib_in *rib, nsec_t now, const struct bgp_conn *c);

/*
 * It came again, with stale routes there: those of families whose forwarding the peer has not kept
 * go; the others wait for End-of-RIB, but not for ever.
 */
nsec_t bgp_stale_back(struct bgp_rib_in *rib, nsec_t now, const struct bgp_conn *c);

/* It is time: what is stale goes. */
nsec_t bgp_stale_sweep(struct bgp_rib_in *rib);
