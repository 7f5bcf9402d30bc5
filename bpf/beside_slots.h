/* SPDX-License-Identifier: GPL-2.0-only */
/* Where in the map `beside` each program is: of beside.h, and of the agent, which puts them there.
 */
#pragma once

#define BESIDE_BFD    0
#define BESIDE_TUNNEL 1
#define BESIDE_INNER  2
#define BESIDE_DSR    3
#define BESIDE_NAT    4
#define BESIDE_ONCE   5
#define BESIDE_OPENED 6
#define BESIDE_SLOTS  7
