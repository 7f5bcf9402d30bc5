// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a peer's BFD session is to be like, by its BFDProfile.
 */
#pragma once

#include "bfd/bfd_session.h"

/* All zero: there is none. */
struct plan_bfd {
	bool is_wanted;
	bool is_multihop, is_passive;
	uint8_t minimum_ttl; /* with is_multihop */
	struct bfd_terms terms;
	struct bfd_auth_key auth; /* never shown */
	uint32_t echo_us; /* between echo packets, the router's and ours; 0: there are none */
};
