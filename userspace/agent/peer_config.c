// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Copies and comparisons of a peer's configuration. The MD5 key is overwritten before its memory is
 * given back.
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
	*c = (struct plan_peer){0};
}

bool peer_config_same_socket(const struct plan_peer *a, const struct plan_peer *b)
{
	return ip_addr_equal(&a->address, &b->address) && ip_addr_equal(&a->source, &b->source) &&
	       a->port == b->port && a->ttl == b->ttl && a->password_len == b->password_len &&
	       (a->password_len == 0 || memcmp(a->password, b->password, a->password_len) == 0);
}

static bool same_session(const struct bgp_peer_config *a, const struct bgp_peer_config *b)
{
	return a->local_asn == b->local_asn && a->remote_asn == b->remote_asn &&
	       a->any_external == b->any_external && a->any_internal == b->any_internal &&
	       bgp_families_equal(a->families, b->families) && a->router_id == b->router_id &&
	       a->hold_s == b->hold_s && a->keepalive_s == b->keepalive_s &&
	       a->connect_s == b->connect_s && a->graceful_restart == b->graceful_restart &&
	       a->restart_time_s == b->restart_time_s;
}

bool peer_config_same(const struct plan_peer *a, const struct plan_peer *b)
{
	return peer_config_same_socket(a, b) && same_session(&a->bgp, &b->bgp);
}
