// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Copies of a peer's configuration. Keys are overwritten before its memory is given back.
 */
#include "agent/peer_config.h"

void peer_config_copy(struct plan_peer *to, const struct plan_peer *from)
{
	struct plan_peer c = *from;

	c.key.name = xstrdup(from->key.name);
	c.key.vrf = xstrdup(from->key.vrf);
	c.key.interface = xstrdup(from->key.interface);
	c.object = NULL;
	if (from->password) {
		uint8_t *copy = xmalloc(from->password_len + 1);

		memcpy(copy, from->password, from->password_len);
		c.password = copy;
	}
	*to = c;
}

/* The struct's pointers are const for its readers; these three and the key are owned here. */
static void free_const(const void *p)
{
	free((void *)(uintptr_t)p);
}

void peer_config_done(struct plan_peer *c)
{
	if (c->password)
		explicit_bzero((void *)(uintptr_t)c->password, c->password_len);
	free_const(c->password);
	free_const(c->key.name);
	free_const(c->key.vrf);
	free_const(c->key.interface);
	explicit_bzero(c, sizeof(*c)); /* with BFD's key */
}
