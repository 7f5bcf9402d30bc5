// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The two messages of neighbour discovery (RFC 4861 4.1, 4.2) by which two routers on a link that
 * has no addresses of its own find each other's link-local one: a session by interface begins with
 * them. Ours make nobody take us for a way to anywhere: router lifetime 0, no prefix, no option.
 * Of what comes only the kind matters, and who sent it; options are walked, since a message with a
 * broken one is to be dropped, and none of them is looked into.
 */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ND_HOP_LIMIT   255 /* of all that is sent: what comes with less was forwarded */
#define ND_MESSAGE_MAX 16  /* octets of a message of ours */

enum nd_kind { ND_SOLICITATION, ND_ADVERTISEMENT };

/* Writes a message of ours, its checksum left 0 for the kernel (RFC 3542 3.1); its length. */
size_t nd_message_encode(uint8_t buf[ND_MESSAGE_MAX], enum nd_kind kind);

/*
 * What an ICMPv6 message is, from its type on; its checksum was checked. False, *ret untouched: it
 * is neither of the two, or RFC 4861 6.1.1 or 6.1.2 has it dropped: forwarded, code not 0, too
 * short, an option of length 0 or beyond the end, an advertisement that does not come from a
 * link-local address, a solicitation from none that tells a link-layer address.
 */
bool nd_message_decode(const uint8_t *data, size_t len, const struct ip_addr *from, int hop_limit,
		       enum nd_kind *ret) must_check;
