// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Prefixes of routes, as libnl and as messages have them. */
#pragma once

#include "base/addr.h"

struct netlink_attrs;
struct nl_addr;

/* The caller's to put; NULL: out of memory. */
struct nl_addr *rtnl_prefix_new(const struct ip_prefix *p);
/* The destination of a message of the family; false: it is malformed, or of another family. */
bool rtnl_prefix_read(const struct netlink_attrs *attrs, int family, uint8_t len,
		      struct ip_prefix *ret) must_check;
