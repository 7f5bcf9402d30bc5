// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The configuration of a peer, made by hand.
 */
#pragma once

#include "plan/plan.h"

static inline struct plan_peer sample(void)
{
	struct plan_peer p = {.key = {"r", "blue", "eth0"},
			      .port = 179,
			      .ttl = 1,
			      .password = (const uint8_t *)"secret",
			      .password_len = 6,
			      .bgp = {.local_asn = 64513, .remote_asn = 64512, .hold_s = 90}};

	p.address = ip_addr_from_v4(0x0a000002);
	return p;
}
