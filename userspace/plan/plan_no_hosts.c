// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* See the header (RFC 6890). */
#include "plan/plan_no_hosts.h"

const struct no_hosts plan_no_hosts[PLAN_NO_HOSTS] = {
	{{{{[10] = 0xff, 0xff, 0}}, 8}, "this network"},
	{{{{[10] = 0xff, 0xff, 127}}, 8}, "loopback"},
	{{{{[10] = 0xff, 0xff, 169, 254}}, 16}, "link-local"},
	{{{{[10] = 0xff, 0xff, 224}}, 4}, "multicast"},
	{{{{[10] = 0xff, 0xff, 255, 255, 255, 255}}, 32}, "broadcast"},
	{{{{0}}, 128}, "no address"},
	{{{{[15] = 1}}, 128}, "loopback"},
	{{{{0xfe, 0x80}}, 10}, "link-local"},
	{{{{0xff}}, 8}, "multicast"},
};
