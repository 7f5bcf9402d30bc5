// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Router solicitations and advertisements: made, and judged as RFC 4861 6.1 asks. */
#include "bgp/nd_message.h"

#include "base/cursor.h"

#include <assert.h>

#define TYPE_SOLICITATION  133
#define TYPE_ADVERTISEMENT 134
#define SOURCE_LINK_LAYER  1 /* option: the sender's link-layer address */

size_t nd_message_encode(uint8_t buf[ND_MESSAGE_MAX], enum nd_kind kind)
{
	struct wcur w = wcur_init(buf, ND_MESSAGE_MAX);

	wcur_u8(&w, kind == ND_SOLICITATION ? TYPE_SOLICITATION : TYPE_ADVERTISEMENT);
	wcur_u8(&w, 0);
	wcur_u16(&w, 0); /* checksum */
	wcur_u32(&w, 0); /* reserved; or: hop limit not said, no flags, router lifetime 0 */
	if (kind == ND_ADVERTISEMENT) {
		wcur_u32(&w, 0); /* reachable time not said, */
		wcur_u32(&w, 0); /* ... nor retransmission time */
	}
	assert(!w.failed);
	return wcur_len(&w);
}

/* False: an option is broken, or tells what the sender cannot have. */
static bool has_good_options(struct rcur c, bool may_tell_link_layer)
{
	while (rcur_left(&c) > 0) {
		const uint8_t type = rcur_u8(&c), units = rcur_u8(&c);

		if (c.failed || units == 0 || (type == SOURCE_LINK_LAYER && !may_tell_link_layer))
			return false;
		(void)rcur_bytes(&c, 8u * units - 2u);
		if (c.failed)
			return false;
	}
	return true;
}

bool nd_message_decode(const uint8_t *data, size_t len, const struct ip_addr *from, int hop_limit,
		       enum nd_kind *ret)
{
	struct rcur c = rcur_init(data, len);
	const uint8_t type = rcur_u8(&c), code = rcur_u8(&c);
	const bool is_advertisement = type == TYPE_ADVERTISEMENT;

	if (!is_advertisement && type != TYPE_SOLICITATION)
		return false;
	(void)rcur_bytes(&c, is_advertisement ? 14 : 6);
	if (c.failed || code != 0 || hop_limit != ND_HOP_LIMIT || ip_addr_is_v4(from))
		return false;
	if (is_advertisement && !ip_addr_is_link_local(from))
		return false;
	if (!has_good_options(c, !ip_addr_is_none(from)))
		return false;
	*ret = is_advertisement ? ND_ADVERTISEMENT : ND_SOLICITATION;
	return true;
}
