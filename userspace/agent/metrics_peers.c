// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Sessions of BGP and BFD, in our own names and in those of FRR's exporter beside MetalLB. What is
 * counted goes on over new sessions and restarts.
 */
#include "agent/metrics_inside.h"

#include "agent/agent.h"

#include <inttypes.h>

/* Numbers and nothing else, for metrics_kept_add(). */
struct counted {
	struct bgp_counters bgp;
	uint64_t flaps, bfd_received, bfd_sent, bfd_ups, bfd_downs, echo_sent, echo_returned;
};
#define N_COUNTED (sizeof(struct counted) / sizeof(uint64_t))
_Static_assert(sizeof(struct counted) % sizeof(uint64_t) == 0 && N_COUNTED <= METRICS_KEPT_COUNTS,
	       "only numbers, and not too many");

struct metrics_peer {
	const char *labels[3];     /* "192.0.2.1:179", "default", the object's name */
	const char *bfd_labels[3]; /* the same without a port */
	bool is_up, has_bfd, is_bfd_up;
	nsec_t uptime;
	uint64_t expected, advertised, received, accepted;
	struct counted n;
};

/* --- gathering -------------------------------------------------------------------------------- */

/* By address and interface, which is what makes a link-local one a peer. */
static const char *address_text(struct arena *arena, const struct agent_peer *p)
{
	const char *interface = p->key.interface[0] ? p->key.interface : NULL;
	char text[IP_ADDR_TEXT];

	if (ip_addr_is_none(&p->config.address))
		return arena_strdup(arena, interface ? interface : p->key.name);
	ip_addr_text(&p->config.address, text);
	return interface ? arena_printf(arena, "%s%%%s", text, interface)
			 : arena_strdup(arena, text);
}

static const char *with_port(struct arena *arena, const char *address, uint16_t port)
{
	return arena_printf(arena, strchr(address, ':') ? "[%s]:%u" : "%s:%u", address, port);
}

static void gather_bfd(const struct agent *a, const struct agent_peer *p, struct metrics_peer *ret)
{
	const struct bfd_line *l = agent_bfd_of(&a->bfd, p);
	const struct bfd_counters *n;

	if (!l)
		return;
	ret->has_bfd = true;
	ret->is_bfd_up = l->state == BFD_UP;
	ret->n.bfd_downs = l->flaps;
	ret->n.bfd_ups = l->flaps + ret->is_bfd_up;
	if (!l->is_reported)
		return;
	n = &l->report.session.counters;
	ret->n.bfd_received = n->received;
	ret->n.bfd_sent = n->sent;
	ret->n.echo_sent = n->echo_sent;
	ret->n.echo_returned = n->echo_returned;
}

static void gather(const struct agent *a, const struct agent_peer *p, struct metrics_text *t,
		   struct metrics_peer *ret)
{
	const struct bgp_peer_info info = bgp_peer_info(p->bgp);
	const char *address = address_text(t->arena, p);
	const char *vrf = p->key.vrf[0] ? arena_strdup(t->arena, p->key.vrf) : "default";
	const char *name = arena_strdup(t->arena, p->key.name);

	*ret = (struct metrics_peer){
		.labels = {with_port(t->arena, address, p->config.port), vrf, name},
		.bfd_labels = {address, vrf, name},
		.is_up = info.state == BGP_ESTABLISHED,
		.advertised = info.routes_advertised,
		.received = info.routes_received,
		.accepted = bgp_rib_in_counts(bgp_peer_rib_in(p->bgp)).n_accepted,
		.n = {.bgp = bgp_peer_counters(p->bgp), .flaps = info.flaps},
	};
	if (ret->is_up && t->now > info.established_at)
		ret->uptime = t->now - info.established_at;
	gather_bfd(a, p, ret);
	metrics_kept_add(t->kept, arena_printf(t->scratch, "peer %s %s", vrf, ret->labels[0]),
			 (uint64_t *)&ret->n, N_COUNTED);
}

/* Routes that peers are to have; the plan's peers are the agent's, or soon will be. */
static void count_expected(const struct agent *a, struct metrics_text *t)
{
	const struct plan *plan = &a->current->plan;
	uint64_t by_bit[LIMIT_PEERS] = {0};

	for (size_t i = 0; i < plan->n_routes; i++)
		for (uint64_t peers = plan->routes[i].peers; peers; peers &= peers - 1)
			by_bit[__builtin_ctzll(peers)]++;
	for (size_t i = 0; i < plan->n_peers && i < LIMIT_PEERS; i++)
		for (size_t k = 0; k < t->n_peers; k++)
			if (peer_key_cmp(&a->peers.items[k]->key, &plan->peers[i].key) == 0)
				t->peers[k].expected = by_bit[i];
}

void metrics_gather_peers(const struct agent *a, struct metrics_text *t)
{
	t->n_peers = a->peers.n;
	t->peers = arena_array_of(t->arena, t->n_peers, struct metrics_peer);
	for (size_t i = 0; i < t->n_peers; i++)
		gather(a, a->peers.items[i], t, &t->peers[i]);
	count_expected(a, t);
}

/* --- telling ---------------------------------------------------------------------------------- */

enum source { OF_ALL, OF_BFD };

/* One number of each peer: where it lies, or of which type it is. */
struct number {
	enum metric id;
	enum source source;
	size_t offset;
	bool is_flag;
};
#define NUMBER(id, field)                                                                          \
	{                                                                                          \
		METRIC_##id, OF_ALL, offsetof(struct metrics_peer, field), false                   \
	}
#define FLAG(id, field)                                                                            \
	{                                                                                          \
		METRIC_##id, OF_ALL, offsetof(struct metrics_peer, field), true                    \
	}
#define BFD_NUMBER(id, fd)                                                                         \
	{                                                                                          \
		METRIC_##id, OF_BFD, offsetof(struct metrics_peer, fd), false                      \
	}
#define BFD_FLAG(id, fd)                                                                           \
	{                                                                                          \
		METRIC_##id, OF_BFD, offsetof(struct metrics_peer, fd), true                       \
	}

static uint64_t number_of(const struct metrics_peer *p, const struct number *n)
{
	const char *at = (const char *)p + n->offset;
	uint64_t ret;

	if (n->is_flag)
		return *(const bool *)at;
	memcpy(&ret, at, sizeof(ret));
	return ret;
}

static void tell_number(struct metrics_text *t, const struct number *n)
{
	metrics_family(t, n->id);
	for (size_t i = 0; i < t->n_peers; i++) {
		const struct metrics_peer *p = &t->peers[i];

		if (n->source == OF_ALL)
			metrics_sample(t, n->id, number_of(p, n), p->labels);
		else if (p->has_bfd)
			metrics_sample(t, n->id, number_of(p, n), p->bfd_labels);
	}
}

static void tell_messages_of(struct metrics_text *t, const struct metrics_peer *p,
			     const char *direction, const struct bgp_messages *n)
{
	const struct {
		const char *type;
		uint64_t n;
	} types[] = {
		{"open", n->opens},
		{"update", n->updates},
		{"notification", n->notifications},
		{"keepalive", n->keepalives},
		{"route-refresh", n->refreshes},
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		metrics_sample(t, METRIC_BGP_MESSAGES, types[i].n,
			       (const char *const[]){p->labels[0], p->labels[1], p->labels[2],
						     direction, types[i].type});
}

static void tell_codes_of(struct metrics_text *t, const struct metrics_peer *p,
			  const char *direction, const struct bgp_messages *n)
{
	for (size_t i = 0; i < BGP_ERROR_CODES; i++)
		metrics_sample(t, METRIC_BGP_NOTIFICATIONS, n->codes[i],
			       (const char *const[]){p->labels[0], p->labels[1], p->labels[2],
						     direction,
						     (const char[]){(char)('0' + i), '\0'}});
}

static void tell_messages(struct metrics_text *t)
{
	metrics_family(t, METRIC_BGP_MESSAGES);
	for (size_t i = 0; i < t->n_peers; i++) {
		tell_messages_of(t, &t->peers[i], "sent", &t->peers[i].n.bgp.sent);
		tell_messages_of(t, &t->peers[i], "received", &t->peers[i].n.bgp.received);
	}
	metrics_family(t, METRIC_BGP_NOTIFICATIONS);
	for (size_t i = 0; i < t->n_peers; i++) {
		tell_codes_of(t, &t->peers[i], "sent", &t->peers[i].n.bgp.sent);
		tell_codes_of(t, &t->peers[i], "received", &t->peers[i].n.bgp.received);
	}
}

static uint64_t all_messages(const struct bgp_messages *n)
{
	return n->opens + n->updates + n->notifications + n->keepalives + n->refreshes;
}

/* What none has a field of its own for. */
static void tell_sums(struct metrics_text *t)
{
	metrics_family(t, METRIC_M_PENDING);
	for (size_t i = 0; i < t->n_peers; i++) {
		const struct metrics_peer *p = &t->peers[i];

		metrics_sample(t, METRIC_M_PENDING,
			       p->expected > p->advertised ? p->expected - p->advertised : 0,
			       p->labels);
	}
	metrics_family(t, METRIC_M_TOTAL_SENT);
	for (size_t i = 0; i < t->n_peers; i++)
		metrics_sample(t, METRIC_M_TOTAL_SENT, all_messages(&t->peers[i].n.bgp.sent),
			       t->peers[i].labels);
	metrics_family(t, METRIC_M_TOTAL_RECEIVED);
	for (size_t i = 0; i < t->n_peers; i++)
		metrics_sample(t, METRIC_M_TOTAL_RECEIVED,
			       all_messages(&t->peers[i].n.bgp.received), t->peers[i].labels);
}

/* A family a call: 64 peers have many samples. */
bool metrics_tell_bgp(const struct agent *a, struct metrics_text *t)
{
	static const struct number numbers[] = {
		FLAG(BGP_UP, is_up),
		NUMBER(BGP_UPTIME, uptime),
		NUMBER(ROUTES_EXPECTED, expected),
		NUMBER(ROUTES_ADVERTISED, advertised),
		NUMBER(ROUTES_RECEIVED, received),
		NUMBER(ROUTES_ACCEPTED, accepted),
		NUMBER(BGP_FLAPS, n.flaps),
		FLAG(M_SESSION_UP, is_up),
		NUMBER(M_ANNOUNCED, advertised),
		NUMBER(M_RECEIVED, received),
		NUMBER(M_UPDATES, n.bgp.sent.updates),
		NUMBER(M_UPDATES_RECEIVED, n.bgp.received.updates),
		NUMBER(M_OPENS_SENT, n.bgp.sent.opens),
		NUMBER(M_OPENS_RECEIVED, n.bgp.received.opens),
		NUMBER(M_NOTIFICATIONS_SENT, n.bgp.sent.notifications),
		NUMBER(M_KEEPALIVES_SENT, n.bgp.sent.keepalives),
		NUMBER(M_KEEPALIVES_RECEIVED, n.bgp.received.keepalives),
		NUMBER(M_REFRESHES_SENT, n.bgp.sent.refreshes),
	};

	(void)a;
	if (t->at < ARRAY_SIZE(numbers)) {
		tell_number(t, &numbers[t->at++]);
		return false;
	}
	t->at = 0;
	tell_messages(t);
	tell_sums(t);
	return true;
}

/* --- BFD -------------------------------------------------------------------------------------- */

static void tell_pairs(struct metrics_text *t, enum metric id, const struct metrics_peer *p,
		       const char *const *values, uint64_t n)
{
	metrics_sample(t, id, n,
		       (const char *const[]){p->bfd_labels[0], p->bfd_labels[1], p->bfd_labels[2],
					     values[0], values[1]});
}

static void tell_packets(struct metrics_text *t)
{
	static const char *const kinds[][2] = {{"sent", "control"},
					       {"received", "control"},
					       {"sent", "echo"},
					       {"received", "echo"}};
	static const char *const changes[][2] = {{"up", NULL}, {"down", NULL}};

	metrics_family(t, METRIC_BFD_PACKETS);
	for (size_t i = 0; i < t->n_peers; i++) {
		const struct counted *n = &t->peers[i].n;
		const uint64_t counts[] = {n->bfd_sent, n->bfd_received, n->echo_sent,
					   n->echo_returned};

		for (size_t k = 0; t->peers[i].has_bfd && k < ARRAY_SIZE(kinds); k++)
			tell_pairs(t, METRIC_BFD_PACKETS, &t->peers[i], kinds[k], counts[k]);
	}
	metrics_family(t, METRIC_BFD_CHANGES);
	for (size_t i = 0; i < t->n_peers; i++) {
		const uint64_t counts[] = {t->peers[i].n.bfd_ups, t->peers[i].n.bfd_downs};

		for (size_t k = 0; t->peers[i].has_bfd && k < ARRAY_SIZE(changes); k++)
			tell_pairs(t, METRIC_BFD_CHANGES, &t->peers[i], changes[k], counts[k]);
	}
}

/* lateness[i] of the thread: less than 2^i microseconds. */
static void tell_lateness(const struct agent *a, struct metrics_text *t)
{
	nsec_t bounds[BFD_LATENESS - 1] = {0};
	struct histogram h = histogram_of(bounds, BFD_LATENESS - 1);

	for (size_t i = 0; i < BFD_LATENESS; i++) {
		if (i < h.n)
			bounds[i] = NSEC_PER_USEC << i;
		h.counts[i] = a->bfd.how.lateness[i];
	}
	h.sum = a->bfd.how.late;
	metrics_single_histogram(t, METRIC_BFD_LATENESS, "lateness", &h);
}
_Static_assert(BFD_LATENESS - 1 <= HISTOGRAM_BOUNDS, "the thread's buckets have room");

bool metrics_tell_bfd(const struct agent *a, struct metrics_text *t)
{
	static const struct number numbers[] = {
		BFD_FLAG(BFD_UP, is_bfd_up),
		BFD_FLAG(M_BFD_UP, is_bfd_up),
		BFD_NUMBER(M_BFD_INPUT, n.bfd_received),
		BFD_NUMBER(M_BFD_OUTPUT, n.bfd_sent),
		BFD_NUMBER(M_BFD_ECHO_INPUT, n.echo_returned),
		BFD_NUMBER(M_BFD_ECHO_OUTPUT, n.echo_sent),
		BFD_NUMBER(M_BFD_UPS, n.bfd_ups),
		BFD_NUMBER(M_BFD_DOWNS, n.bfd_downs),
	};

	if (t->at < ARRAY_SIZE(numbers)) {
		tell_number(t, &numbers[t->at++]);
		return false;
	}
	t->at = 0;
	tell_packets(t);
	tell_lateness(a, t);
	return true;
}
