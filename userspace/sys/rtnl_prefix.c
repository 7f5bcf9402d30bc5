// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* See the header. */
#include "sys/rtnl_prefix.h"

#include "sys/netlink_attrs.h"

#include <linux/rtnetlink.h>
#include <netlink/addr.h>
#include <sys/socket.h>

struct nl_addr *rtnl_prefix_new(const struct ip_prefix *p)
{
	const bool is_v4 = ip_addr_is_v4(&p->addr);
	struct nl_addr *ret = nl_addr_build(is_v4 ? AF_INET : AF_INET6,
					    p->addr.b + (is_v4 ? 12 : 0), is_v4 ? 4 : 16);

	if (ret)
		nl_addr_set_prefixlen(ret, p->len);
	return ret;
}

/* A destination that is not there is that of a default route. */
bool rtnl_prefix_read(const struct netlink_attrs *attrs, int family, uint8_t len,
		      struct ip_prefix *ret)
{
	struct ip_addr to = family == AF_INET ? ip_addr_from_v4(0) : (struct ip_addr){0};

	if (family != AF_INET && family != AF_INET6)
		return false;
	if (attrs->at[RTA_DST] && !netlink_attrs_address(attrs, RTA_DST, &to))
		return false;
	if (ip_addr_is_v4(&to) != (family == AF_INET) || len > ip_addr_bits(&to))
		return false;
	*ret = ip_prefix_of(&to, len);
	return true;
}
