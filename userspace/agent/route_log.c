// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* A bucket of lines, kept as the time at which it is full again. */
#include "agent/route_log.h"

#include "base/strbuf.h"
#include "bgp/bgp_attrs.h"
#include "sys/log.h"

#define BUCKET_NS (ROUTE_LOG_BURST * ROUTE_LOG_A_LINE)
#define LIST_MAX  512 /* octets of all communities of a route */

static bool take_line(struct route_log *l, nsec_t now)
{
	const nsec_t full_at = l->full_at > now ? l->full_at : now;

	if (full_at + ROUTE_LOG_A_LINE > now + BUCKET_NS)
		return false;
	l->full_at = full_at + ROUTE_LOG_A_LINE;
	return true;
}

static void add_item(struct strbuf *s, const char *text)
{
	strbuf_printf(s, "%s%s", s->len ? "," : "", text);
}

static void list_communities(struct strbuf *s, const struct bgp_attrs *attrs)
{
	char text[COMMUNITY_TEXT];

	for (size_t i = 0; i < attrs->n_communities; i++)
		add_item(s, community_text(attrs->communities[i], text));
	for (size_t i = 0; i < attrs->n_large; i++)
		add_item(s, large_community_text(&attrs->large[i], text));
	for (size_t i = 0; i < attrs->n_extended; i++)
		add_item(s, extended_community_text(attrs->extended[i], text));
}

void route_log_add(struct route_log *l, nsec_t now, const char *peer, const struct ip_addr *to,
		   const struct ip_prefix *prefix, const struct bgp_attrs *attrs)
{
	char addr[IP_ADDR_TEXT], text[IP_PREFIX_TEXT];
	struct strbuf s;

	if (!take_line(l, now)) {
		l->n_untold++;
		return;
	}
	ip_addr_text(to, addr);
	ip_prefix_text(prefix, text);
	if (!attrs) {
		log_info("bgp: withdraw", "peer=%s address=%s prefix=%s", peer, addr, text);
		return;
	}
	strbuf_init(&s, LIST_MAX);
	list_communities(&s, attrs);
	log_info("bgp: announce", "peer=%s address=%s prefix=%s community=%s", peer, addr, text,
		 s.len ? s.data : "none");
	strbuf_done(&s);
}

void route_log_total(struct route_log *l, nsec_t now, const char *peer, const struct ip_addr *to,
		     size_t n)
{
	char addr[IP_ADDR_TEXT];

	if (take_line(l, now))
		log_info("bgp: routes that are advertised now", "peer=%s address=%s routes=%zu",
			 peer, ip_addr_text(to, addr), n);
}

nsec_t route_log_tick(struct route_log *l, nsec_t now)
{
	if (l->n_untold == 0)
		return NSEC_NEVER;
	if (!take_line(l, now))
		return nsec_add(now, ROUTE_LOG_A_LINE);
	log_info("bgp: more routes were advertised or withdrawn", "count=%zu", l->n_untold);
	l->n_untold = 0;
	return NSEC_NEVER;
}
