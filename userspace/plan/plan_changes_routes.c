// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Routes, by prefix and peer. A plan has them by prefix with a set of peers each, which are numbers
 * of its own; here they are held side by side by the peers' keys, as they are said on the wire, and
 * what several peers see alike is one change.
 */
#include "base/limits.h"
#include "base/sorted.h"
#include "plan/plan_changes_inside.h"

#include <assert.h>

#define ATTRS_BYTES 2048u

struct sent {
	struct ip_prefix prefix;
	const struct plan_peer *peer;
	const struct bgp_attrs *attrs;
};

static int cmp_sent(const void *a, const void *b)
{
	const struct sent *x = a, *y = b;
	const int order = ip_prefix_cmp(&x->prefix, &y->prefix);

	return order ? order : peer_key_cmp(&x->peer->key, &y->peer->key);
}

static bool is_ibgp(const struct plan_peer *p)
{
	return p->bgp.any_internal || p->bgp.remote_asn == p->bgp.local_asn;
}

/* What is not said to that peer is left out: LOCAL_PREF is for iBGP, a longer path for eBGP. */
static struct bgp_attrs said(const struct sent *s)
{
	struct bgp_attrs ret = *s->attrs;

	if (is_ibgp(s->peer))
		ret.prepend = 0;
	else
		ret.local_pref = ret.has_local_pref = 0;
	return ret;
}

static bool same_sent(const void *a, const void *b)
{
	const struct bgp_attrs x = said(a), y = said(b);

	return bgp_attrs_cmp(&x, &y) == 0;
}

/* *ret, by prefix and peer; what is held stays as it is. */
static size_t gather(const struct plan *plan, struct arena *arena, struct sent **ret)
{
	size_t n = 0, cap = 0;

	*ret = NULL;
	for (size_t i = 0; i < plan->n_routes; i++) {
		const struct plan_route *r = &plan->routes[i];

		for (size_t k = 0; k < plan->n_peers && !r->hold; k++)
			if (r->peers >> k & 1)
				*(struct sent *)arena_push(arena, ret, &n, &cap, sizeof(**ret)) =
					(struct sent){r->prefix, &plan->peers[k],
						      &plan->attrs[r->attrs]};
	}
	if (n > 0)
		qsort(*ret, n, sizeof(**ret), cmp_sent);
	for (size_t i = 1; i < n; i++)
		assert(cmp_sent(&(*ret)[i - 1], &(*ret)[i]) < 0); /* one set of attributes each */
	return n;
}

/* --- attributes in words ---------------------------------------------------------------------- */

static void add_number(struct strbuf *out, const char *what, bool has_a, uint32_t a, bool has_b,
		       uint32_t b)
{
	char from[16] = "none", to[16] = "none";

	if (has_a == has_b && a == b)
		return;
	if (has_a)
		(void)snprintf(from, sizeof(from), "%u", a);
	if (has_b)
		(void)snprintf(to, sizeof(to), "%u", b);
	strbuf_printf(out, "%s%s %s, was %s", out->len ? "; " : "", what, to, from);
}

static void community_item(struct strbuf *out, const void *item)
{
	char text[COMMUNITY_TEXT];

	strbuf_add(out, community_text(*(const uint32_t *)item, text));
}

static void large_item(struct strbuf *out, const void *item)
{
	char text[COMMUNITY_TEXT];

	strbuf_add(out, large_community_text(item, text));
}

static void extended_item(struct strbuf *out, const void *item)
{
	char text[COMMUNITY_TEXT];
	const uint64_t value = *(const uint64_t *)item;

	route_community_text(value, text);
	strbuf_add(out, text[0] ? text : extended_community_text(value, text));
}

struct list {
	const void *items;
	size_t n, size;
	void (*add)(struct strbuf *out, const void *item);
};

static void add_items(struct strbuf *out, const struct list *l)
{
	if (l->n == 0)
		strbuf_add(out, "none");
	for (size_t i = 0; i < l->n; i++) {
		strbuf_add(out, i ? " " : "");
		l->add(out, (const char *)l->items + i * l->size);
	}
}

/* A list without items is told only if the other side has some. */
static void add_list(struct strbuf *out, const char *what, const struct list *a,
		     const struct list *b)
{
	if (a->n == b->n && (a->n == 0 || memcmp(a->items, b->items, a->n * a->size) == 0))
		return;
	strbuf_printf(out, "%s%s ", out->len ? "; " : "", what);
	add_items(out, b);
	strbuf_add(out, ", was ");
	add_items(out, a);
}

static void add_next_hop(struct strbuf *out, const struct ip_addr *a, const struct ip_addr *b)
{
	char from[IP_ADDR_TEXT] = "the session's", to[IP_ADDR_TEXT] = "the session's";

	if (ip_addr_equal(a, b))
		return;
	if (!ip_addr_is_none(a))
		ip_addr_text(a, from);
	if (!ip_addr_is_none(b))
		ip_addr_text(b, to);
	strbuf_printf(out, "%snext hop %s, was %s", out->len ? "; " : "", to, from);
}

#define LIST(a, field, add)                                                                        \
	&(struct list)                                                                             \
	{                                                                                          \
		(a)->field, (a)->n_##field, sizeof(*(a)->field), add                               \
	}

/* From nothing to all of b, or from a to b. */
static void add_attrs(struct strbuf *out, const struct bgp_attrs *a, const struct bgp_attrs *b)
{
	add_number(out, "local preference", a->has_local_pref, a->local_pref, b->has_local_pref,
		   b->local_pref);
	add_number(out, "MED", a->has_med, a->med, b->has_med, b->med);
	add_number(out, "own AS put before", true, a->prepend, true, b->prepend);
	add_next_hop(out, &a->next_hop, &b->next_hop);
	add_list(out, "communities", LIST(a, communities, community_item),
		 LIST(b, communities, community_item));
	add_list(out, "large communities", LIST(a, large, large_item), LIST(b, large, large_item));
	add_list(out, "extended communities", LIST(a, extended, extended_item),
		 LIST(b, extended, extended_item));
	add_number(out, "bandwidth (Gb/s)", a->bandwidth != 0, a->bandwidth, b->bandwidth != 0,
		   b->bandwidth);
}

static const char *message_of(struct changes *c, const struct sent *from, const struct sent *to)
{
	struct bgp_attrs a, b;
	struct strbuf out;
	const char *ret;

	if (!from || !to)
		return to ? "is announced" : "is withdrawn";
	a = said(from);
	b = said(to);
	strbuf_init(&out, ATTRS_BYTES);
	add_attrs(&out, &a, &b);
	/* Of what has no words here, such as ORIGIN. */
	ret = arena_strdup(c->arena, out.data ? out.data : "its attributes are others");
	strbuf_done(&out);
	return ret;
}

/* --- changes ---------------------------------------------------------------------------------- */

/* What another peer sees alike of the same prefix; of routes are those from `first` on. */
static struct plan_change *find_alike(struct changes *c, size_t first, enum plan_op op,
				      const char *name, const char *message)
{
	for (size_t i = c->n; i > first; i--) {
		struct plan_change *it = &c->items[i - 1];

		if (strcmp(it->name, name) != 0)
			break;
		if (it->op == op && strcmp(it->message, message) == 0)
			return it;
	}
	return NULL;
}

/* Peers are added one by one, at most as many as a plan has. */
static void add_peer(struct changes *c, struct plan_change *to, const char *name)
{
	const char **names = arena_array_of(c->arena, to->peers.n + 1, const char *);

	assert(to->peers.n < LIMIT_PEERS);
	for (size_t i = 0; i < to->peers.n; i++)
		names[i] = to->peers.items[i];
	names[to->peers.n] = name;
	to->peers = (struct api_strings){.items = names, .n = to->peers.n + 1};
}

void changes_routes(struct changes *c, const struct plan *from, const struct plan *to)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	const size_t first = c->n;
	struct sent *had, *has;
	const size_t n_had = gather(from, scratch, &had), n_has = gather(to, scratch, &has);
	struct diff diff = {.want = {has, n_has, sizeof(*has)},
			    .have = {had, n_had, sizeof(*had)},
			    .cmp = cmp_sent,
			    .same = same_sent};
	struct diff_step step;

	while (diff_next(&diff, &step)) {
		const struct sent *one = step.want ? step.want : step.have;
		const enum plan_op op = !step.have   ? PLAN_ADDED
					: !step.want ? PLAN_REMOVED
						     : PLAN_CHANGED;
		const char *message = message_of(c, step.have, step.want);
		char text[IP_PREFIX_TEXT];
		const char *name = ip_prefix_text(&one->prefix, text);
		struct plan_change *it = find_alike(c, first, op, name, message);

		if (!it)
			it = changes_add(c, op, "Route", arena_strdup(c->arena, name), "%s",
					 message);
		add_peer(c, it, one->peer->key.name);
	}
}
