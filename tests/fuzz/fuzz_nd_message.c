// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Fuzzes router solicitations and advertisements. The first octet chooses sender and hop limit, the
 * rest is the message. What is taken obeys RFC 4861 6.1, judged here a second time and bluntly.
 */
#include "bgp/nd_message.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ip_addr from[] = {
		{.b = {0xfe, 0x80, [15] = 1}}, {.b = {0x20, 1, [15] = 1}}, {.b = {0}}};
	const struct ip_addr *sender;
	enum nd_kind kind;
	int hop_limit;

	if (size == 0)
		return 0;
	sender = &from[data[0] % 3];
	hop_limit = data[0] & 0x80 ? 64 : ND_HOP_LIMIT;
	data++, size--;
	if (!nd_message_decode(data, size, sender, hop_limit, &kind))
		return 0;
	assert(hop_limit == ND_HOP_LIMIT && size % 8 == 0 && data[1] == 0);
	assert(data[0] == (kind == ND_ADVERTISEMENT ? 134 : 133));
	assert(size >= (kind == ND_ADVERTISEMENT ? 16 : 8));
	assert(kind != ND_ADVERTISEMENT || ip_addr_is_link_local(sender));
	return 0;
}
