// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The parser of control packets, and the check of their authentication under a key of each type.
 * What parses says what its octets say, and written again it is the same packet.
 */
#include "bfd/bfd_auth.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* But for the M bit, which no packet of ours has. */
static void check_again(const struct bfd_packet *p)
{
	uint8_t buf[BFD_PACKET_MAX];
	struct bfd_packet plain = *p;

	if ((p->poll && p->final) || p->len > BFD_PACKET_MAX)
		return;
	plain.has_auth = p->len > BFD_PACKET_BYTES;
	bfd_packet_encode(buf, &plain, p->len - BFD_PACKET_BYTES);
	if (plain.has_auth == p->has_auth)
		assert(memcmp(buf, p->data, BFD_PACKET_BYTES) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bfd_packet p = {.detect_mult = 0};
	enum bfd_reject reject = bfd_packet_parse(data, size, &p);

	if (reject != BFD_ACCEPTED) {
		assert(reject <= BFD_REJECT_STATE);
		assert(p.detect_mult == 0);
		return 0;
	}
	assert(p.len >= BFD_PACKET_BYTES && p.len <= size);
	assert(p.detect_mult != 0 && p.my_discriminator != 0);
	check_again(&p);
	for (enum bfd_auth_type type = BFD_AUTH_NONE; type <= BFD_AUTH_METICULOUS_SHA1; type++) {
		struct bfd_auth_key key = {.type = type, .id = 7, .key = "sesame"};
		struct bfd_auth_state state = {.received = 1000, .is_known = size & 1};
		const struct bfd_auth_state before = state;

		key.len = type == BFD_AUTH_NONE ? 0 : 6;
		reject = bfd_auth_check(&key, &state, p.detect_mult, &p);
		assert(reject == BFD_ACCEPTED || reject >= BFD_REJECT_AUTH_UNEXPECTED);
		if (reject != BFD_ACCEPTED)
			assert(memcmp(&state, &before, sizeof(state)) == 0);
	}
	return 0;
}
