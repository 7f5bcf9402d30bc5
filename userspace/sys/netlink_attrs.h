// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Attributes of a netlink message, by type. For the modules of sys/ that read netlink, beside
 * libmnl's own calls: those leave the checking of lengths to the caller, here an attribute of an
 * unexpected length is as if it were missing. Addresses are read and written in the width of their
 * family. Everything is borrowed from the message.
 */
#pragma once

#include "base/addr.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nlattr;
struct nlmsghdr;

#define NETLINK_ATTRS 64 /* types at and above are not looked at */

struct netlink_attrs {
	const struct nlattr *at[NETLINK_ATTRS];
};

/* The attributes behind a family header. False: the message is too short for the header. */
bool netlink_attrs_parse(const struct nlmsghdr *m, size_t header_len,
			 struct netlink_attrs *ret) must_check;
/* Those that lie side by side in so many bytes. */
void netlink_attrs_beside(const void *first, size_t len, struct netlink_attrs *ret);
/* The attributes inside one. False: it is not there, and *ret is empty. */
bool netlink_attrs_nested(const struct netlink_attrs *a, int type, struct netlink_attrs *ret);

/* False, and *ret untouched, if the attribute is missing or of another size. */
bool netlink_attrs_u8(const struct netlink_attrs *a, int type, uint8_t *ret);
bool netlink_attrs_u16(const struct netlink_attrs *a, int type, uint16_t *ret);
bool netlink_attrs_u32(const struct netlink_attrs *a, int type, uint32_t *ret);
/* A port, in host order. */
bool netlink_attrs_port(const struct netlink_attrs *a, int type, uint16_t *ret);
bool netlink_attrs_address(const struct netlink_attrs *a, int type, struct ip_addr *ret);
/* NULL if it is missing or not terminated. */
const char *netlink_attrs_text(const struct netlink_attrs *a, int type);

void netlink_put_address(struct nlmsghdr *m, uint16_t type, const struct ip_addr *a);
/* AF_INET or AF_INET6. */
uint8_t netlink_family(const struct ip_addr *a);
