// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The peers by where they are, beside the list by key: what comes in on a socket knows an address,
 * a VRF and an interface, and no BGPPeer's name.
 */
#pragma once

#include "agent/peers.h"

/* Makes the index anew from `items`; whoever changes those, or an address in them, calls it. */
void peer_index_build(struct agent_peers *all);
