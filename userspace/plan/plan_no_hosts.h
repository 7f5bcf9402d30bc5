// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Addresses that no router leads to one host by: of no host, of many, of this host or of one link.
 * No Service has one of these (ipam_pools.h), and no route of a peer to them is followed
 * (plan_receive.h). 240.0.0.0/4 is none of them: the kernel takes it for what any other address is,
 * and some use it.
 */
#pragma once

#include "base/addr.h"

#include <stddef.h>

struct no_hosts {
	struct ip_prefix prefix;
	const char *what; /* "multicast" */
};

#define PLAN_NO_HOSTS 9
/* In the order of ip_prefix_cmp(); no two overlap. */
extern const struct no_hosts plan_no_hosts[PLAN_NO_HOSTS];
