// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the two OPENs of a connection agreed on, and what follows from that and from our own
 * addresses: which families the session has, and which of them can be announced.
 */
#include "bgp/bgp_conn.h"

struct bgp_update_session bgp_conn_session(const struct bgp_conn *c)
{
	return (struct bgp_update_session){
		.local_asn = c->sent.asn,
		.remote_asn = c->received.asn,
		.router_id = c->sent.router_id,
		.has_role = c->config->has_role,
		.role = c->config->role,
		.is_ibgp = c->received.asn == c->sent.asn,
		.as4 = c->sent.has_as4 && c->received.has_as4,
		.graceful_shutdown = c->config->graceful_shutdown,
		.families = bgp_conn_families(c),
		.extended_next_hop = c->sent.extended_next_hop && c->received.extended_next_hop,
		.local = c->local,
	};
}

bool bgp_conn_keeps_over_notification(const struct bgp_conn *c)
{
	return bgp_conn_gr_negotiated(c) && c->sent.gr.notification && c->received.gr.notification;
}

bool bgp_conn_gr_negotiated(const struct bgp_conn *c)
{
	return c->sent.gr.present && c->received.gr.present;
}

size_t bgp_conn_max_len(const struct bgp_conn *c)
{
	return c->sent.extended_message && c->received.extended_message ? BGP_MESSAGE_MAX_EXTENDED
									: BGP_MESSAGE_MAX;
}

struct bgp_families bgp_conn_families(const struct bgp_conn *c)
{
	return bgp_families_common(c->sent.families, c->received.families);
}

struct bgp_families bgp_conn_announced_families(const struct bgp_conn *c)
{
	const struct bgp_update_session session = bgp_conn_session(c);
	struct bgp_families families = session.families;

	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++)
		if (bgp_families_has(families, f))
			bgp_families_put(&families, f, bgp_update_has_next_hop(&session, f));
	return families;
}

struct ip_addr bgp_conn_next_hop(const struct bgp_conn *c, enum bgp_family family,
				 const struct bgp_attrs *attrs)
{
	const struct bgp_update_session session = bgp_conn_session(c);

	return bgp_update_next_hop(&session, family, attrs);
}

bool bgp_conn_end_of_rib_sent(const struct bgp_conn *c)
{
	return c->state == BGP_ESTABLISHED &&
	       bgp_families_equal(c->end_of_rib_sent, bgp_conn_families(c));
}
