// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Addresses with ports as people write them: "192.0.2.1:80", "[2001:db8::1]:53/udp". Pure. */
#pragma once

#include "base/addr.h"

struct endpoint {
	char address[IP_ADDR_TEXT];
	uint16_t port;        /* 0: none was given */
	const char *protocol; /* "TCP", "UDP" or "SCTP"; TCP if none was given */
};

/* False: it is none, and *ret undefined. An IPv6 address with a port stands in brackets. */
bool endpoint_parse(const char *text, struct endpoint *ret) must_check;
