// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Attributes by type. The kernel is trusted to be well-meaning, not to be of the version that we
 * know: attributes that grew, shrank or came twice must not hurt. Of doubles the last one counts,
 * as in the kernel's own parser.
 */
#include "sys/netlink_attrs.h"

#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* By hand: mnl_attr_parse rounds the end up, and so may read what is behind an odd message. */
static void walk(const struct nlattr *attr, int left, struct netlink_attrs *ret)
{
	*ret = (struct netlink_attrs){0};
	while (mnl_attr_ok(attr, left)) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type < NETLINK_ATTRS)
			ret->at[type] = attr;
		left -= (int)MNL_ALIGN(attr->nla_len);
		attr = mnl_attr_next(attr);
	}
}

bool netlink_attrs_parse(const struct nlmsghdr *m, size_t header_len, struct netlink_attrs *ret)
{
	size_t len = mnl_nlmsg_get_payload_len(m);

	*ret = (struct netlink_attrs){0};
	if (len < header_len)
		return false;
	walk(mnl_nlmsg_get_payload_offset(m, header_len), (int)(len - header_len), ret);
	return true;
}

void netlink_attrs_beside(const void *first, size_t len, struct netlink_attrs *ret)
{
	walk(first, (int)len, ret);
}

bool netlink_attrs_nested(const struct netlink_attrs *a, int type, struct netlink_attrs *ret)
{
	const struct nlattr *attr = a->at[type];

	*ret = (struct netlink_attrs){0};
	if (!attr)
		return false;
	walk(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr), ret);
	return true;
}

static const void *payload(const struct netlink_attrs *a, int type, size_t size)
{
	const struct nlattr *attr = a->at[type];

	return attr && mnl_attr_get_payload_len(attr) == size ? mnl_attr_get_payload(attr) : NULL;
}

bool netlink_attrs_u8(const struct netlink_attrs *a, int type, uint8_t *ret)
{
	const void *data = payload(a, type, sizeof(*ret));

	if (data)
		memcpy(ret, data, sizeof(*ret));
	return data != NULL;
}

bool netlink_attrs_u16(const struct netlink_attrs *a, int type, uint16_t *ret)
{
	const void *data = payload(a, type, sizeof(*ret));

	if (data)
		memcpy(ret, data, sizeof(*ret));
	return data != NULL;
}

bool netlink_attrs_u32(const struct netlink_attrs *a, int type, uint32_t *ret)
{
	const void *data = payload(a, type, sizeof(*ret));

	if (data)
		memcpy(ret, data, sizeof(*ret));
	return data != NULL;
}

bool netlink_attrs_port(const struct netlink_attrs *a, int type, uint16_t *ret)
{
	const void *data = payload(a, type, sizeof(*ret));

	if (!data)
		return false;
	memcpy(ret, data, sizeof(*ret));
	*ret = ntohs(*ret);
	return true;
}

bool netlink_attrs_address(const struct netlink_attrs *a, int type, struct ip_addr *ret)
{
	const void *v6 = payload(a, type, sizeof(ret->b));
	uint32_t v4;

	if (v6) {
		memcpy(ret->b, v6, sizeof(ret->b));
		return true;
	}
	if (!netlink_attrs_u32(a, type, &v4))
		return false;
	*ret = ip_addr_from_v4(ntohl(v4));
	return true;
}

const char *netlink_attrs_text(const struct netlink_attrs *a, int type)
{
	const struct nlattr *attr = a->at[type];

	if (!attr || mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0)
		return NULL;
	return mnl_attr_get_str(attr);
}

void netlink_put_address(struct nlmsghdr *m, uint16_t type, const struct ip_addr *a)
{
	uint32_t v4;

	if (!ip_addr_is_v4(a)) {
		mnl_attr_put(m, type, sizeof(a->b), a->b);
		return;
	}
	v4 = htonl(ip_addr_v4(a));
	mnl_attr_put(m, type, sizeof(v4), &v4);
}

uint8_t netlink_family(const struct ip_addr *a)
{
	return ip_addr_is_v4(a) ? AF_INET : AF_INET6;
}
