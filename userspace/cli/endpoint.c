// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "cli/endpoint.h"

#include <strings.h>

static bool take_protocol(const char *text, struct endpoint *ret)
{
	static const char *const all[] = {"TCP", "UDP", "SCTP"};

	ret->protocol = all[0];
	if (!*text)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (text[0] == '/' && strcasecmp(text + 1, all[i]) == 0) {
			ret->protocol = all[i];
			return true;
		}
	}
	return false;
}

/* ":80", then perhaps the protocol; or nothing. */
static bool take_port(const char *text, struct endpoint *ret)
{
	unsigned port = 0;

	ret->port = 0;
	if (*text != ':')
		return take_protocol(text, ret);
	for (text++; *text >= '0' && *text <= '9' && port <= UINT16_MAX; text++)
		port = 10 * port + (unsigned)(*text - '0');
	if (port == 0 || port > UINT16_MAX)
		return false;
	ret->port = (uint16_t)port;
	return take_protocol(text, ret);
}

static bool take_address(const char *text, size_t len, struct endpoint *ret)
{
	struct ip_addr addr;

	if (len == 0 || len >= sizeof(ret->address))
		return false;
	memcpy(ret->address, text, len);
	ret->address[len] = '\0';
	return ip_addr_parse(ret->address, &addr);
}

bool endpoint_parse(const char *text, struct endpoint *ret)
{
	const char *colon = strchr(text, ':');
	size_t len;

	if (text[0] == '[') {
		len = strcspn(text + 1, "]");
		return take_address(text + 1, len, ret) && text[1 + len] == ']' &&
		       strchr(ret->address, ':') && take_port(text + 2 + len, ret);
	}
	/* More than one colon is an address of IPv6, which then has no port. */
	len = colon && strchr(colon + 1, ':') ? strcspn(text, "/") : strcspn(text, ":/");
	return take_address(text, len, ret) && take_port(text + len, ret);
}
