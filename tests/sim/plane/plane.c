// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Time and faults. Sockets are read before timers fire, and the agent plans at the end of a step.
 * For a random time things go wrong; then they end, and the world must become what a fresh agent
 * makes.
 */
#include "sim/plane/plane.h"

#define CONVERGE_S  600
#define STEPS_LIMIT 2000000

static struct sim_link *random_link(struct plane *p)
{
	struct sim_link *l = &p->links[plane_chance(p, PLANE_PEERS)][plane_chance(p, PLANE_LINKS)];

	return l->is_used && l->is_up ? l : NULL;
}

static void harm_the_network(struct plane *p)
{
	struct sim_link *l = random_link(p);

	if (!l)
		return;
	if (plane_chance(p, 2))
		sim_link_reset(l, p->now);
	else
		sim_link_stall(l, (int)plane_chance(p, 2),
			       p->now + plane_chance(p, 100) * NSEC_PER_SEC);
}

static void harm_the_kernel(struct plane *p)
{
	p->f->store.fail_every = plane_chance(p, 3) ? 0 : 2 + plane_chance(p, 3);
	p->f->store.fail_tests = plane_chance(p, 4) == 0;
	p->f->store.per_turn = plane_chance(p, 4);
	p->f->store.refuses_far = plane_chance(p, 4) == 0;
	p->f->store.far_turns = plane_chance(p, 4);
	p->f->kernel_is_slow = plane_chance(p, 2);
	p->f->device_failure = plane_chance(p, 4) ? NULL : "taken by somebody else";
	p->dirty = true;
}

static void change_mode(struct plane *p)
{
	p->mode_off = !p->mode_off;
	if (p->is_alive && p->f->synced) {
		plane_world_set_mode(p, p->f);
		p->dirty = true;
	}
}

static void change_drain(struct plane *p)
{
	if (!p->is_alive)
		return; /* nobody listens */
	p->drained = p->f->settings.drained = !p->drained;
	p->dirty = true;
}

void plane_give_ipv6(struct fixture *f, bool has)
{
	f->addrs[3] =
		(struct plan_local_addr){{{0x20, 0x01, 0x0d, 0xb8, [15] = 0x0a}}, 64, 2, false};
	f->node.n_addrs = has ? 4 : 3;
}

static void change_orders(struct plane *p)
{
	if (!p->is_alive)
		return; /* nobody listens */
	p->orders ^= 1u << plane_chance(p, PLANE_ORDERS);
	plane_world_set_orders(p, p->f);
	p->dirty = true;
}

/* The next hop of IPv6 routes goes, or comes back. */
static void renumber(struct plane *p)
{
	plane_give_ipv6(p->f, p->f->node.n_addrs == 3);
	p->dirty = true;
}

static void fault(struct plane *p)
{
	p->next_fault = p->now + plane_chance(p, 5 * NSEC_PER_SEC);
	switch (plane_chance(p, 20)) {
	case 0:
	case 1:
		harm_the_network(p);
		break;
	case 2:
		harm_the_kernel(p);
		break;
	case 3:
		if (p->is_alive && plane_chance(p, 2))
			plane_agent_crash(p);
		break;
	case 4:
		if (plane_chance(p, 3) == 0)
			change_mode(p);
		break;
	case 5:
		if (plane_chance(p, 3) == 0)
			change_drain(p);
		break;
	case 6:
		renumber(p);
		break;
	case 7:
		change_orders(p);
		break;
	case 8:
		plane_agent_bfd(p);
		break;
	default:
		plane_world_change(p);
		break;
	}
}

static void end_faults(struct plane *p)
{
	p->next_fault = NSEC_NEVER;
	plane_net_reform(p);
	p->f->store.fail_every = 0;
	p->f->store.fail_tests = false;
	p->f->store.per_turn = 0;
	p->f->store.refuses_far = false;
	p->f->device_failure = NULL;
	plane_give_ipv6(p->f, true);
	if (!p->is_alive)
		plane_agent_start(p);
	plane_agent_sync(p); /* what was broken is mended */
}

static nsec_t next_time(const struct plane *p)
{
	return nsec_min(nsec_min(p->next_fault, plane_flows_next(p)),
			nsec_min(plane_net_next(p), plane_agent_next(p)));
}

static void step(struct plane *p)
{
	plane_net_deliver(p);
	if (p->restart_at <= p->now)
		plane_agent_start(p);
	if (p->synced_at <= p->now)
		plane_agent_sync(p);
	if (p->next_hostile <= p->now)
		plane_net_hostile(p);
	if (p->next_fault <= p->now)
		fault(p);
	plane_net_tick(p);
	plane_flows_step(p);
	plane_agent_step(p);
}

static void run_until(struct plane *p, nsec_t end)
{
	while (p->violation[0] == '\0') {
		nsec_t next = next_time(p);

		if (next > end)
			break;
		if (next > p->now)
			p->now = next;
		step(p);
		if (++p->n_steps > STEPS_LIMIT)
			plane_violation(p, "the world does not come to rest");
	}
	p->now = end;
}

struct plane *plane_new(uint64_t seed)
{
	struct plane *p = xcalloc(1, sizeof(*p));

	rng_seed(&p->rng, seed);
	p->now = 1000 * NSEC_PER_SEC;
	p->weather = (struct sim_weather){.delay_min = plane_chance(p, 2 * NSEC_PER_MSEC),
					  .delay_max = (3 + plane_chance(p, 50)) * NSEC_PER_MSEC,
					  .segment_max = 1 + plane_chance(p, 4096)};
	p->faults_end = p->now + (60 + plane_chance(p, 600)) * NSEC_PER_SEC;
	p->next_fault = p->now + NSEC_PER_SEC;
	p->kept = arena_new();
	p->f = fixture_new();
	plane_give_ipv6(p->f, true);
	p->synced_at = p->restart_at = p->retry_at = NSEC_NEVER;
	plane_world_random(p);
	plane_net_init(p);
	plane_flows_init(p);
	plane_agent_start(p);
	return p;
}

struct plane *plane_free(struct plane *p)
{
	if (!p)
		return NULL;
	plane_net_done(p);
	plane_flows_done(p);
	plane_world_done(p);
	plane_agent_done(p);
	fixture_free(p->f);
	arena_free(p->kept);
	free(p);
	return NULL;
}

const char *plane_run(struct plane *p)
{
	run_until(p, p->faults_end);
	end_faults(p);
	run_until(p, p->now + CONVERGE_S * NSEC_PER_SEC);
	if (p->violation[0] == '\0')
		plane_check_end(p);
	return p->violation[0] != '\0' ? p->violation : NULL;
}
