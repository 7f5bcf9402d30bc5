// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The node from netlink. A refresh dumps into an arena of its own and takes the former one's place
 * only when it is complete and different, so a failed or needless refresh changes nothing, and the
 * arrays that the plan borrowed stay where they are.
 *
 * Notifications are looked at just enough to tell whether a dump is worth its cost: on a node that
 * carries a router's full table, routes change all the time, and only those matter that are default
 * or host routes or lead to an address that was asked about. Most of the others do not even arrive
 * (netlink_filter.h).
 */
#include "sys/netlink.h"

#include "base/hash.h"
#include "plan/plan.h"
#include "sys/netlink_dump.h"
#include "sys/netlink_filter.h"
#include "sys/netlink_read.h"
#include "sys/nlsock.h"
#include "sys/worker.h"

#include <assert.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#define IGNORED_MAX         2
#define NOTIFY_BUFFER_BYTES (1 << 20)
#define RECEIVE_ROUNDS      256 /* a turn of the loop; more waits for the next one */

/* The dump of links and addresses. */
struct tables_job {
	struct worker_job base; /* first */
	struct netlink *nl;     /* not the helper's */
	struct arena *arena;    /* owned; NULL: there is an error */
	struct plan_node node;
	nsec_t took;
	int error;
};

/* The dump of the routes. */
struct routes_job {
	struct worker_job base; /* first */
	struct netlink *nl;     /* not the helper's */
	struct netlink_defaults defaults;
	int error;
};

struct netlink {
	struct mnl_socket *notify; /* owned */
	struct nlsock *ask;        /* owned */
	struct arena *arena;       /* owned; holds node */
	struct plan_node node;
	unsigned generation;
	uint32_t ignored[IGNORED_MAX]; /* numbers of sockets */
	size_t n_ignored;
	struct netlink_watched watched;
	struct netlink_ways ways;
	uint64_t filtered; /* hash of the addresses that notifications are filtered for; 0: none */
	struct netlink_defaults defaults;
	bool has_defaults;
	int first_error;                /* the routes could not be read so far; not told yet */
	struct netlink_helpers helpers; /* workers NULL: there are none */
	struct routes_job routes;
	bool is_away, again; /* the job is with the helper; it is out of date already */
	struct tables_job tables;
	bool is_reading, is_back; /* that job is with the helper; nobody took what it brought */
	bool is_stale;  /* links or addresses may have changed since a dump of them began */
	uint64_t asked; /* hash of what the ways of the node were looked up for */
};

/* --- notifications --------------------------------------------------------------------------- */

static int join_groups(struct mnl_socket *s)
{
	static const int groups[] = {
		RTNLGRP_LINK,        RTNLGRP_TC,           RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE,
		RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE,   RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE,
		RTNLGRP_NEIGH,       RTNLGRP_IPV4_NETCONF,
	};

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(s, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0)
			return -errno;
	}
	return 0;
}

static int open_notify(struct mnl_socket **ret)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int bytes = NOTIFY_BUFFER_BYTES, err;

	if (!s)
		return -errno;
	/* Without the privilege the default has to do: a lost notification costs a dump. */
	(void)setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	err = mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == 0 ? join_groups(s) : -errno;
	if (err < 0)
		(void)mnl_socket_close(s);
	else
		*ret = s;
	return err;
}

int netlink_open(struct netlink **ret)
{
	_cleanup_(netlink_freep) struct netlink *nl = xcalloc(1, sizeof(*nl));
	int err = open_notify(&nl->notify);

	if (err == 0)
		err = nlsock_open(NETLINK_ROUTE, &nl->ask);
	if (err < 0)
		return err;
	nl->is_stale = true;
	*ret = TAKE_PTR(nl);
	return 0;
}

struct netlink *netlink_free(struct netlink *nl)
{
	if (!nl)
		return NULL;
	if (nl->is_away)
		worker_finish(nl->helpers.routes);
	if (nl->is_reading)
		worker_finish(nl->helpers.tables);
	arena_free(nl->tables.arena);
	netlink_defaults_done(&nl->defaults);
	if (nl->notify)
		(void)mnl_socket_close(nl->notify);
	nlsock_free(nl->ask);
	arena_free(nl->arena);
	netlink_watched_set(&nl->watched, NULL, 0);
	(void)netlink_ways_set(&nl->ways, NULL, 0);
	free(nl);
	return NULL;
}

void netlink_freep(struct netlink **nl)
{
	*nl = netlink_free(*nl);
}

void netlink_ignore(struct netlink *nl, uint32_t port)
{
	assert(nl->n_ignored < IGNORED_MAX);
	nl->ignored[nl->n_ignored++] = port;
}

int netlink_fd(const struct netlink *nl)
{
	return mnl_socket_get_fd(nl->notify);
}

static bool covers_an_asked_address(const struct netlink *nl, const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < nl->node.n_routes_to; i++)
		if (ip_prefix_has(prefix, &nl->node.routes_to[i].to))
			return true;
	return false;
}

/* Host routes are those to local pods (netlink_pods.h) and to peers. */
static bool route_matters(const struct netlink *nl, const struct nlmsghdr *m)
{
	const struct rtmsg *r = mnl_nlmsg_get_payload(m);
	struct ip_prefix prefix;

	if (mnl_nlmsg_get_payload_len(m) < sizeof(*r) || (r->rtm_flags & RTM_F_CLONED))
		return false;
	if (r->rtm_dst_len == 0 || r->rtm_dst_len == (r->rtm_family == AF_INET ? 32 : 128))
		return true;
	return netlink_route_prefix(m, &prefix) && covers_an_asked_address(nl, &prefix);
}

/* A table whose number does not fit into the header is named by an attribute. */
static bool is_in_our_table(const struct nlmsghdr *m)
{
	const struct rtmsg *r = mnl_nlmsg_get_payload(m);

	uint16_t domain;
	uint8_t len;

	return mnl_nlmsg_get_payload_len(m) >= sizeof(*r) && r->rtm_table == RT_TABLE_COMPAT &&
	       (kernel_table_is_for(netlink_route_table(m), &domain, &len) ||
		netlink_route_table(m) == KERNEL_RECEIVED_TABLE);
}

/*
 * A bridge has learned behind which port a MAC is, or an address's MAC is known: a pod behind a
 * bridge has spoken. Not what becomes old, or is asked for.
 */
static bool neighbour_matters(const struct nlmsghdr *m)
{
	const struct ndmsg *n = mnl_nlmsg_get_payload(m);

	return mnl_nlmsg_get_payload_len(m) >= sizeof(*n) &&
	       (n->ndm_family == AF_BRIDGE || (n->ndm_state & (NUD_REACHABLE | NUD_PERMANENT)));
}

void netlink_watch_neighbours(struct netlink *nl, const struct hop_neighbour *items, size_t n)
{
	netlink_watched_set(&nl->watched, items, n);
}

static unsigned neighbour_bits(const struct netlink *nl, const struct nlmsghdr *m)
{
	return (m->nlmsg_type == RTM_NEWNEIGH && neighbour_matters(m) ? NETLINK_CHANGED_NEIGHBOURS
								      : 0) |
	       (netlink_watched_has(&nl->watched, m) ? NETLINK_CHANGED_HOPS : 0);
}

static unsigned bits_of(const struct netlink *nl, const struct nlmsghdr *m)
{
	for (size_t i = 0; i < nl->n_ignored; i++)
		if (m->nlmsg_pid == nl->ignored[i])
			return 0;
	switch (m->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return NETLINK_CHANGED_NODE | NETLINK_CHANGED_HOOKS;
	case RTM_NEWADDR:
	case RTM_DELADDR:
	case RTM_NEWNETCONF: /* rp_filter */
		return NETLINK_CHANGED_NODE;
	case RTM_NEWRULE:
	case RTM_DELRULE:
		return NETLINK_CHANGED_NODE | NETLINK_CHANGED_OURS;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		if (is_in_our_table(m))
			return NETLINK_CHANGED_OURS;
		return (route_matters(nl, m) ? NETLINK_CHANGED_NODE : 0) |
		       (netlink_ways_has(&nl->ways, m) ? NETLINK_CHANGED_HOPS : 0);
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		return neighbour_bits(nl, m);
	case RTM_DELQDISC:
	case RTM_DELTFILTER:
		return NETLINK_CHANGED_HOOKS;
	default:
		return 0;
	}
}

/* Of what is dumped anew only then. */
static bool is_of_tables(const struct nlmsghdr *m)
{
	switch (m->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
	case RTM_NEWADDR:
	case RTM_DELADDR:
	case RTM_NEWNETCONF:
		return true;
	default:
		return false;
	}
}

unsigned netlink_receive(struct netlink *nl)
{
	char data[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	unsigned changed = 0;

	for (size_t i = 0; i < RECEIVE_ROUNDS; i++) {
		ssize_t got = mnl_socket_recvfrom(nl->notify, data, sizeof(data));
		const struct nlmsghdr *m = (const struct nlmsghdr *)data;
		int left = (int)got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && (errno == ENOBUFS || errno == ENOSPC)) {
			/* ENOSPC: libmnl's word for a datagram that was longer than the buffer. */
			changed |= NETLINK_LOST | NETLINK_CHANGED_NODE | NETLINK_CHANGED_HOOKS |
				   NETLINK_CHANGED_NEIGHBOURS | NETLINK_CHANGED_OURS;
			nl->is_stale = true;
			continue;
		}
		if (got <= 0)
			break;
		for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
			changed |= bits_of(nl, m);
			nl->is_stale |= is_of_tables(m);
		}
	}
	return changed;
}

/* --- the node -------------------------------------------------------------------------------- */

/* Arrays of structs with padding: both were zeroed by their arena, so memcmp compares content. */
static bool arrays_equal(const void *a, size_t n_a, const void *b, size_t n_b, size_t size)
{
	return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a * size) == 0);
}

static bool link_equal(const struct plan_link *a, const struct plan_link *b)
{
	return a->ifindex == b->ifindex && a->up == b->up && a->bond == b->bond &&
	       a->bridge == b->bridge && a->raw == b->raw && a->strips_tags == b->strips_tags &&
	       a->strict_source == b->strict_source && a->tag == b->tag && a->lower == b->lower &&
	       a->master == b->master && a->table == b->table && a->made_here == b->made_here &&
	       strcmp(a->name, b->name) == 0;
}

static bool links_equal(const struct plan_node *a, const struct plan_node *b)
{
	if (a->n_links != b->n_links)
		return false;
	for (size_t i = 0; i < a->n_links; i++)
		if (!link_equal(&a->links[i], &b->links[i]))
			return false;
	return true;
}

static bool nodes_equal(const struct plan_node *a, const struct plan_node *b)
{
	return links_equal(a, b) &&
	       arrays_equal(a->addrs, a->n_addrs, b->addrs, b->n_addrs, sizeof(*a->addrs)) &&
	       arrays_equal(a->routes_to, a->n_routes_to, b->routes_to, b->n_routes_to,
			    sizeof(*a->routes_to)) &&
	       arrays_equal(a->default_devices, a->n_default_devices, b->default_devices,
			    b->n_default_devices, sizeof(*a->default_devices)) &&
	       arrays_equal(a->gateways, a->n_gateways, b->gateways, b->n_gateways,
			    sizeof(*a->gateways));
}

/* --- links and addresses ---------------------------------------------------------------------- */

static void read_tables(struct worker_job *base)
{
	_cleanup_(nlsock_freep) struct nlsock *s = NULL;
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct tables_job *j = (struct tables_job *)base;

	j->error = nlsock_open(NETLINK_ROUTE, &s);
	if (j->error == 0)
		j->error = netlink_dump_tables(s, arena, &j->node, &j->took);
	if (j->error == 0)
		j->arena = TAKE_PTR(arena);
}

static void bring_tables(struct worker_job *base)
{
	struct netlink *nl = ((struct tables_job *)base)->nl;

	nl->is_reading = false;
	nl->is_back = true;
	if (nl->has_defaults) /* or those will be told of */
		nl->helpers.changed(nl->helpers.ctx);
}

static void begin_tables(struct netlink *nl)
{
	assert(!nl->is_reading && !nl->is_back && !nl->tables.arena);
	nl->is_stale = false;
	nl->is_reading = true;
	worker_add(nl->helpers.tables, &nl->tables.base);
}

/* As they were. */
static void copy_tables(const struct netlink *nl, struct arena *arena, struct plan_node *ret)
{
	const struct plan_node *from = &nl->node;
	struct plan_link *links = arena_memdup(arena, from->links, from->n_links * sizeof(*links));

	for (size_t i = 0; i < from->n_links; i++)
		links[i].name = arena_strdup(arena, links[i].name);
	*ret = (struct plan_node){
		.links = links,
		.n_links = from->n_links,
		.addrs = arena_memdup(arena, from->addrs, from->n_addrs * sizeof(*from->addrs)),
		.n_addrs = from->n_addrs};
}

/* What the helper brought, into *arena. */
static int take_tables(struct netlink *nl, struct arena **arena, struct plan_node *ret)
{
	struct tables_job *j = &nl->tables;

	nl->is_back = false;
	if (j->error < 0)
		return j->error;
	arena_free(*arena);
	*arena = TAKE_PTR(j->arena);
	*ret = j->node;
	return 0;
}

/*
 * Those that belong together: as long as the helper reads, the node stays as a whole. But who asks
 * for a way to somebody else does not wait for it, as the kernel says ways without that lock.
 */
static int get_tables(struct netlink *nl, bool asks_others, struct arena **arena,
		      struct plan_node *ret)
{
	if (!nl->helpers.tables)
		return netlink_dump_tables(nl->ask, *arena, ret, &nl->tables.took);
	if (nl->is_back)
		return take_tables(nl, arena, ret);
	if (nl->is_stale && !nl->is_reading)
		begin_tables(nl);
	if (!nl->arena || (nl->is_reading && !asks_others))
		return -EINPROGRESS;
	copy_tables(nl, *arena, ret);
	return 0;
}

/* --- default routes --------------------------------------------------------------------------- */

static int dump_defaults(struct nlsock *s, struct netlink_defaults *ret)
{
	int err = -EINTR;

	for (size_t i = 0; err == -EINTR && i < NETLINK_DUMP_ROUNDS; i++)
		err = netlink_dump_defaults(s, ret);
	return err;
}

static void read_routes(struct worker_job *base)
{
	_cleanup_(nlsock_freep) struct nlsock *s = NULL;
	struct routes_job *j = (struct routes_job *)base;

	j->error = nlsock_open(NETLINK_ROUTE, &s);
	if (j->error == 0)
		j->error = dump_defaults(s, &j->defaults);
}

static void begin_routes(struct netlink *nl)
{
	nl->again = nl->is_away;
	if (nl->is_away)
		return;
	nl->is_away = true;
	worker_add(nl->helpers.routes, &nl->routes.base);
}

/* Routes that cannot be read are as they were, until the next refresh. */
static void take_routes(struct worker_job *base)
{
	struct routes_job *j = (struct routes_job *)base;
	struct netlink *nl = j->nl;
	const bool is_first = !nl->has_defaults;
	const bool same = j->error < 0 || netlink_defaults_equal(&j->defaults, &nl->defaults);

	nl->is_away = false;
	if (j->error == 0) {
		netlink_defaults_done(&nl->defaults);
		nl->defaults = j->defaults;
		j->defaults = (struct netlink_defaults){0};
		nl->has_defaults = true;
	}
	nl->first_error = nl->has_defaults ? 0 : j->error;
	if (!same || is_first)
		nl->helpers.changed(nl->helpers.ctx);
	if (nl->again)
		begin_routes(nl);
}

void netlink_use_helpers(struct netlink *nl, const struct netlink_helpers *helpers)
{
	nl->helpers = *helpers;
	nl->routes =
		(struct routes_job){.base = {.run = read_routes, .done = take_routes}, .nl = nl};
	nl->tables =
		(struct tables_job){.base = {.run = read_tables, .done = bring_tables}, .nl = nl};
}

static int read_defaults_now(struct netlink *nl)
{
	struct netlink_defaults defaults;
	const int err = dump_defaults(nl->ask, &defaults);

	if (err < 0)
		return err;
	netlink_defaults_done(&nl->defaults);
	nl->defaults = defaults;
	return 0;
}

/* 0: there are some to go by; else as netlink_refresh(). */
static int need_defaults(struct netlink *nl)
{
	const int err = nl->first_error;

	if (!nl->helpers.routes)
		return read_defaults_now(nl);
	if (nl->has_defaults)
		return 0;
	nl->first_error = 0;
	if (err < 0)
		return err;
	nl->is_stale |= nl->is_back && nl->tables.error < 0;
	nl->is_back &= nl->tables.error == 0;
	if (nl->is_stale && !nl->is_reading && !nl->is_back)
		begin_tables(nl);
	begin_routes(nl);
	return -EINPROGRESS;
}

/* --- refresh ---------------------------------------------------------------------------------- */

/* Before the dump, so that what changes meanwhile is heard of; without it all is. */
static void filter(struct netlink *nl, const struct netlink_ask *ask, size_t n)
{
	_cleanup_(freep) struct ip_addr *to = xcalloc(n + 1, sizeof(*to));
	const struct netlink_filter_args args = {to,         n,           nl->ways.to,
						 nl->ways.n, nl->ignored, nl->n_ignored};
	uint64_t asked;

	for (size_t i = 0; i < n; i++)
		to[i] = ask[i].to;
	asked = hash_bytes(hash_u64(HASH_INIT, n), to, n * sizeof(*to));
	if (nl->ways.n)
		asked = hash_bytes(asked, nl->ways.to, nl->ways.n * sizeof(*nl->ways.to));
	if (asked != nl->filtered && netlink_filter(netlink_fd(nl), &args) == 0)
		nl->filtered = asked;
}

void netlink_watch_ways(struct netlink *nl, const struct ip_addr *to, size_t n)
{
	_cleanup_(freep) struct netlink_ask *ask = xcalloc(nl->node.n_routes_to + 1, sizeof(*ask));

	if (!netlink_ways_set(&nl->ways, to, n))
		return;
	for (size_t i = 0; i < nl->node.n_routes_to; i++)
		ask[i].to = nl->node.routes_to[i].to;
	filter(nl, ask, nl->node.n_routes_to);
}

static void take_defaults(const struct netlink *nl, struct arena *arena, struct plan_node *node)
{
	const struct netlink_defaults *d = &nl->defaults;

	node->default_devices = arena_memdup(arena, d->devices, d->n_devices * sizeof(*d->devices));
	node->n_default_devices = d->n_devices;
	node->gateways = arena_memdup(arena, d->hops, d->n_hops * sizeof(*d->hops));
	node->n_gateways = d->n_hops;
}

static uint64_t hash_of(const struct netlink_ask *ask, size_t n)
{
	uint64_t h = hash_u64(HASH_INIT, n);

	for (size_t i = 0; i < n; i++)
		h = hash_str(hash_bytes(h, &ask[i].to, sizeof(ask[i].to)), ask[i].vrf);
	return h;
}

int netlink_refresh(struct netlink *nl, const struct netlink_ask *ask, size_t n)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const uint64_t asked = hash_of(ask, n);
	struct plan_node node;
	int err = need_defaults(nl);

	filter(nl, ask, n);
	if (err == 0)
		err = get_tables(nl, asked != nl->asked, &arena, &node);
	if (err == 0)
		err = netlink_lookup_routes(nl->ask, ask, n, arena, &node);
	nl->is_stale |= err < 0 && err != -EINPROGRESS; /* what was read is lost with it */
	if (err < 0)
		return err;
	nl->asked = asked;
	if (nl->helpers.routes) /* not before: the kernel has one lock for all dumps */
		begin_routes(nl);
	take_defaults(nl, arena, &node);
	if (nl->arena && nodes_equal(&node, &nl->node))
		return 0;
	arena_free(nl->arena);
	nl->arena = TAKE_PTR(arena);
	nl->node = node;
	nl->generation++;
	return 0;
}

nsec_t netlink_took(const struct netlink *nl)
{
	return nl->tables.took > nl->defaults.took ? nl->tables.took : nl->defaults.took;
}

const struct plan_node *netlink_node(const struct netlink *nl)
{
	return &nl->node;
}

unsigned netlink_generation(const struct netlink *nl)
{
	return nl->generation;
}
