/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What xdp_nat writes before a frame that it passes on for tc_nat to send: the metadata of a frame
 * are nobody's but ours, since the XDP hook is.
 */
#pragma once

#include "common.h"

#define NAT_META 0x6c64616eu

struct nat_meta {
	__u32 magic;
	__u32 ifindex; /* by which it is to leave */
};
