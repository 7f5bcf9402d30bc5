// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "lb/lb_echo.h"

#include "base/mem.h"
#include "lb/lb_octets.h"

#include <assert.h>
#include <linux/types.h>

#include "bpf/abi.h"
#include "bpf/wire.h"

_Static_assert(LB_ECHO_PORT == LB_GUE_PORT, "tunnels and their echo end at one port");
_Static_assert(LB_ECHO_BYTES == LB_GUE_BYTES + sizeof(struct lb_tunnel_echo), "the echo's length");

static const uint8_t magic[4] = LB_ECHO_MAGIC;

void lb_echo_request(uint8_t to[LB_ECHO_BYTES], uint32_t sequence, uint64_t token)
{
	struct lb_tunnel_echo e = {.kind = LB_ECHO_REQUEST,
				   .least = LB_TUNNEL_LEAST,
				   .most = LB_TUNNEL_VERSION,
				   .recipe = LB_WIRE_VERSION};

	memcpy(e.magic, magic, sizeof(e.magic));
	lb_octets_put(e.sequence, sizeof(e.sequence), sequence);
	lb_octets_put(e.token, sizeof(e.token), token);
	lb_octets_put(to, LB_GUE_BYTES, lb_gue_word(0, LB_GUE_ECHO));
	to[0] |= LB_GUE_CONTROL;
	memcpy(to + LB_GUE_BYTES, &e, sizeof(e));
}

bool lb_echo_read(const uint8_t *from, size_t n, struct lb_echo *ret)
{
	struct lb_tunnel_echo e;

	if (n < LB_ECHO_BYTES || from[0] != LB_GUE_CONTROL || from[1] != LB_GUE_ECHO ||
	    lb_octets_get(from + 2, 2) != 0)
		return false;
	memcpy(&e, from + LB_GUE_BYTES, sizeof(e));
	if (memcmp(e.magic, magic, sizeof(magic)) != 0 ||
	    (e.kind != LB_ECHO_REQUEST && e.kind != LB_ECHO_ANSWER && e.kind != LB_ECHO_CLOSED) ||
	    e.least > e.most)
		return false;
	*ret = (struct lb_echo){.sequence = (uint32_t)lb_octets_get(e.sequence, sizeof(e.sequence)),
				.token = lb_octets_get(e.token, sizeof(e.token)),
				.least = e.least,
				.most = e.most,
				.recipe = e.recipe,
				.is_answer = e.kind != LB_ECHO_REQUEST,
				.is_closed = e.kind == LB_ECHO_CLOSED};
	return true;
}

bool lb_echo_agrees(const struct lb_echo *e)
{
	return e->least <= LB_TUNNEL_VERSION && e->most >= LB_TUNNEL_LEAST;
}

uint8_t lb_echo_version(uint8_t most)
{
	if (most < LB_TUNNEL_LEAST)
		return LB_TUNNEL_LEAST;
	return most < LB_TUNNEL_VERSION ? most : LB_TUNNEL_VERSION;
}
