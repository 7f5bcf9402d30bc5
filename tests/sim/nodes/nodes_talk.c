// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Each node has a real lb_settling, and in place of tables and walks one number of each Service:
 * which recipe it has, and whether rows of it are held. A walk is done each five seconds, by each
 * node at a time of its own.
 */
#include "nodes.h"

#include "base/mem.h"
#include "lb/lb_settling.h"

#include <assert.h>
#include <linux/types.h>

#include "bpf/abi.h"
#include "bpf/wire.h"

#define STEP    (250 * NSEC_PER_MSEC)
#define WALK    (5 * NSEC_PER_SEC)
#define HEADERS 28 /* IPv4 and UDP */
#define A_WHILE (60 * NSEC_PER_SEC)

struct node {
	struct lb_settling *settling; /* owned */
	uint32_t *recipe;             /* of each Service. Owned */
	bool *unsettled;              /* of each: owned */
	nsec_t *changed_at;           /* owned */
	uint32_t n_unsettled;
	bool is_down; /* its agent does not live; its tables do */
};
struct cluster {
	struct nodes_talk *t;
	struct rng *rng;
	struct node *nodes; /* owned */
	uint32_t held;      /* a Service of which each node holds rows; n_services: none */
	bool is_wrong;
	nsec_t now;
	uint64_t octets;
};

static struct ip_addr addr_of(uint32_t node)
{
	return ip_addr_from_v4(0x0a000000 + node);
}

static void know_others(const struct cluster *c, struct lb_settling *s, uint32_t self)
{
	_cleanup_(freep) struct lb_settling_node *others = xcalloc(c->t->n_nodes, sizeof(*others));
	size_t n = 0;

	for (uint32_t i = 0; i < c->t->n_nodes; i++)
		if (i != self)
			others[n++].addr = addr_of(i);
	lb_settling_set_nodes(s, others, n, c->now);
}

static void start(const struct cluster *c, uint32_t i)
{
	struct node *n = &c->nodes[i];

	lb_settling_free(n->settling);
	n->settling = lb_settling_new();
	lb_settling_begin(n->settling, rng_next(c->rng) | 1);
	know_others(c, n->settling, i);
}

static struct lb_settle_said said_of(uint32_t service, uint32_t recipe, nsec_t changed_at)
{
	return (struct lb_settle_said){.block = lb_wire_mix(7, service),
				       .recipe = lb_wire_mix(service, recipe),
				       .epoch = (uint32_t)(changed_at / NSEC_PER_MSEC) + 2};
}

static void hold(const struct cluster *c, struct lb_settle_said *said, uint32_t node)
{
	for (uint32_t row = 0; row < c->t->n_rows; row++) {
		const uint32_t at = (row * 37 + node) % 2048;

		said->words[at / 64] |= UINT64_C(1) << at % 64;
	}
}

static void walk(struct cluster *c, uint32_t i)
{
	struct node *n = &c->nodes[i];
	uint64_t others[LB_SETTLE_N_WORDS];

	lb_settling_walk_begins(n->settling, c->now);
	n->n_unsettled = 0;
	for (uint32_t s = 0; s < c->t->n_services; s++) {
		struct lb_settle_said said = said_of(s, n->recipe[s], n->changed_at[s]);
		bool complete, any = false;

		if (s == c->held)
			hold(c, &said, i);
		complete = lb_settling_say(n->settling, &said, 1, others);
		for (unsigned k = 0; k < LB_SETTLE_N_WORDS; k++)
			any |= (others[k] | said.words[k]) != 0;
		if (complete && !any && n->changed_at[s] + LB_REST_NS <= c->now) {
			c->is_wrong |= n->unsettled[s] && s == c->held;
			n->unsettled[s] = false;
		}
		n->n_unsettled += n->unsettled[s];
	}
	lb_settling_walk_ends(n->settling, c->now);
}

static void deliver(struct cluster *c, uint32_t from, const struct lb_settling_message *m)
{
	const struct ip_addr addr = addr_of(from);

	c->octets += m->n + HEADERS;
	struct node *to = &c->nodes[ip_addr_v4(&m->to) - 0x0a000000];

	if (rng_below(c->rng, 256) >= c->t->loss && !to->is_down)
		lb_settling_receive(to->settling, c->now, &addr, m->data, m->n);
}

/* Whoever has something to say says it, until nobody has. */
static void talk(struct cluster *c)
{
	struct lb_settling_message messages[16];
	bool any = true;

	while (any) {
		any = false;
		for (uint32_t i = 0; i < c->t->n_nodes; i++) {
			if (c->nodes[i].is_down)
				continue;
			const size_t n =
				lb_settling_poll(c->nodes[i].settling, c->now, messages, 16);

			any |= n > 0;
			for (size_t k = 0; k < n; k++)
				deliver(c, i, &messages[k]);
		}
	}
}

static void step(struct cluster *c)
{
	c->now += STEP;
	for (uint32_t i = 0; i < c->t->n_nodes; i++)
		if ((c->now / STEP + i) % (WALK / STEP) == 0 && !c->nodes[i].is_down)
			walk(c, i);
	talk(c);
}

static uint64_t pass(struct cluster *c, nsec_t span)
{
	const uint64_t before = c->octets;

	for (nsec_t end = c->now + span; c->now < end;)
		step(c);
	return c->octets - before;
}

static void change(struct cluster *c, uint32_t service)
{
	for (uint32_t i = 0; i < c->t->n_nodes; i++) {
		c->nodes[i].recipe[service]++;
		c->nodes[i].changed_at[service] = c->now;
		c->nodes[i].unsettled[service] = true;
	}
}

static bool are_settled(const struct cluster *c)
{
	for (uint32_t i = 0; i < c->t->n_nodes; i++)
		if (c->nodes[i].n_unsettled)
			return false;
	return true;
}

static void set_up(struct cluster *c)
{
	const uint32_t n = c->t->n_services;

	c->now = 1000 * NSEC_PER_SEC;
	c->held = n;
	c->nodes = xcalloc(c->t->n_nodes, sizeof(*c->nodes));
	for (uint32_t i = 0; i < c->t->n_nodes; i++) {
		struct node *at = &c->nodes[i];

		at->recipe = xcalloc(n, sizeof(*at->recipe));
		at->unsettled = xcalloc(n, sizeof(*at->unsettled));
		at->changed_at = xcalloc(n, sizeof(*at->changed_at));
		memset(at->unsettled, true, n);
		for (uint32_t s = 0; s < n; s++)
			at->changed_at[s] = c->now + i * NSEC_PER_MSEC;
		start(c, i);
	}
}

static void take_down(struct cluster *c)
{
	for (uint32_t i = 0; i < c->t->n_nodes; i++) {
		lb_settling_free(c->nodes[i].settling);
		free(c->nodes[i].recipe);
		free(c->nodes[i].unsettled);
		free(c->nodes[i].changed_at);
	}
	free(c->nodes);
}

/* From a change on, in ms. */
static uint64_t until_settled(struct cluster *c)
{
	const nsec_t begun = c->now;

	pass(c, WALK + STEP); /* all have walked once, and say that they are unsettled */
	while (!are_settled(c) && c->now < begun + 4 * A_WHILE)
		step(c);
	return (c->now - begun) / NSEC_PER_MSEC;
}

/* An agent ends, a Service changes without it, and it comes again. False: not as it should be. */
static bool be_away(struct cluster *c)
{
	bool none;

	c->nodes[0].is_down = true;
	pass(c, rng_below(c->rng, 10000) * NSEC_PER_MSEC);
	change(c, 0);
	pass(c, A_WHILE + rng_below(c->rng, 10000) * NSEC_PER_MSEC);
	none = !are_settled(c);
	c->nodes[0].is_down = false;
	start(c, 0);
	c->t->returned_after = until_settled(c);
	return none && are_settled(c);
}

bool nodes_talk_run(struct nodes_talk *t, struct rng *rng)
{
	struct cluster c = {.t = t, .rng = rng};
	bool right;

	set_up(&c);
	t->begin = pass(&c, A_WHILE);
	right = are_settled(&c);
	t->idle_second = pass(&c, A_WHILE) / (A_WHILE / NSEC_PER_SEC);
	c.held = 0; /* of the one that changes there are foreign flows everywhere */
	change(&c, 0);
	t->one_change = pass(&c, A_WHILE);
	right &= !are_settled(&c) && !c.is_wrong;
	c.held = t->n_services;
	t->one_change += pass(&c, A_WHILE);
	t->one_change -= 2 * t->idle_second * (A_WHILE / NSEC_PER_SEC);
	right &= are_settled(&c);
	change(&c, 0);
	t->settled_after = until_settled(&c);
	right &= are_settled(&c);
	right &= be_away(&c);
	start(&c, 0);
	t->one_restart = pass(&c, A_WHILE) - t->idle_second * (A_WHILE / NSEC_PER_SEC);
	t->bytes = lb_settling_usage(c.nodes[1].settling).bytes;
	take_down(&c);
	return right;
}

/* --- memory ----------------------------------------------------------------------------------- */

static void say_all(struct lb_settling *s, uint32_t from, uint32_t n_services, uint64_t to,
		    nsec_t now)
{
	const struct ip_addr addr = addr_of(from);
	struct lb_settle_page page = {.to = to, .from = from + 1};
	uint32_t service = 0;

	while (service < n_services) {
		page.since = page.upto;
		lb_settle_page_begin(&page);
		for (; service < n_services; service++, page.upto++) {
			const struct lb_settle_said said = said_of(service, 0, from);

			if (!lb_settle_page_add(&page, &said))
				break;
		}
		lb_settle_page_end(&page);
		lb_settling_receive(s, now, &addr, page.data, page.n);
	}
}

size_t nodes_talk_memory(uint32_t n_nodes, uint32_t n_services)
{
	struct nodes_talk t = {.n_nodes = n_nodes};
	struct cluster c = {.t = &t, .now = NSEC_PER_SEC};
	struct lb_settling *s = lb_settling_new();
	size_t ret;

	lb_settling_begin(s, 1);
	know_others(&c, s, 0);
	for (uint32_t i = 1; i < n_nodes; i++)
		say_all(s, i, n_services, 1, c.now);
	assert(lb_settling_usage(s).blocks == n_services);
	ret = lb_settling_usage(s).bytes;
	lb_settling_free(s);
	return ret;
}
