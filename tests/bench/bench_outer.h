// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The headers that another node puts before a packet of the bench.
 */
#pragma once

#include <linux/types.h>
#include <stdint.h>

#include "tests/bench/bench.h"

#define OUTER_THERE 0x0a090001 /* the other node's end, */
#define OUTER_HERE  0x0a090002 /* and this one's; as rig_node_address() */

/* Ethernet, IP, UDP, GUE and private data that names backend 0, in the family of
 * frame_use_family() outside and inside. */
struct bench_outer bench_outer(uint32_t vip, uint16_t port);
