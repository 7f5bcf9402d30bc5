// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The driver of both ends, as the agent's socket driver does it: after every verb it does what
 * poll() asks, writes the tail, then what transmit() gives, and reports progress by SENT.
 */
#include "sim/sim_pair.h"

#include <assert.h>
#include <inttypes.h>

#define CONVERGE_S  240
#define QUIET_S     5 /* after convergence: nothing but keepalives */
#define STEPS_LIMIT 4000000

static uint64_t chance(struct sim_world *w, uint64_t n)
{
	return rng_below(&w->rng, n);
}

/* ---- sockets --------------------------------------------------------------------------------- */

static void socket_drop(struct sim_world *w, int end, enum bgp_slot slot)
{
	struct sim_socket *s = &w->end[end].socket[slot];

	if (s->link)
		sim_link_close(s->link, end, w->now);
	s->link = NULL;
	s->tail_len = 0;
}

static bool socket_is_up(const struct sim_socket *s)
{
	return s->link && s->link->is_up;
}

static void socket_flush(struct sim_world *w, int end, enum bgp_slot slot)
{
	struct sim_end *e = &w->end[end];
	struct sim_socket *s = &e->socket[slot];
	size_t n = sim_link_write(s->link, 1 - end, w->now, &w->rng, &w->weather,
				  s->tail + s->tail_first, s->tail_len);

	s->tail_first += n;
	s->tail_len -= n;
	if (n > 0 && e->peer)
		bgp_peer_notify(e->peer, w->now, slot, BGP_NOTE_SENT);
}

/* Asks for more when the tail is written; false if there was nothing. */
static bool socket_fill(struct sim_world *w, int end, enum bgp_slot slot)
{
	struct sim_end *e = &w->end[end];
	struct sim_socket *s = &e->socket[slot];
	size_t cap = chance(w, 2) ? BGP_MESSAGE_MAX : sizeof(s->tail);

	if (s->tail_len > 0)
		return false;
	s->tail_first = 0;
	s->tail_len = bgp_peer_transmit(e->peer, w->now, slot, s->tail, cap);
	sim_check_sent(&w->check, end, slot, w->now, s->tail, s->tail_len);
	return s->tail_len > 0;
}

static void socket_write(struct sim_world *w, int end, enum bgp_slot slot)
{
	const struct sim_socket *s = &w->end[end].socket[slot];

	if (!socket_is_up(s))
		return;
	do {
		socket_flush(w, end, slot);
	} while (socket_fill(w, end, slot));
}

static void dial(struct sim_world *w, int end)
{
	struct sim_socket *s = &w->end[end].socket[BGP_SLOT_DIALLED];
	nsec_t at = w->now + w->weather.delay_min + chance(w, w->weather.delay_max);
	bool faulty = w->now < w->faults_end;

	assert(!s->link);
	if (faulty && chance(w, 8) == 0)
		at = NSEC_NEVER; /* SYNs are lost */
	for (size_t i = 0; i < SIM_LINKS; i++) {
		if (w->links[i].is_used)
			continue;
		s->link = &w->links[i];
		sim_link_dial(s->link, end, at, faulty && chance(w, 6) == 0);
		return;
	}
	sim_violation(&w->check, "links leak");
}

static void close_socket(struct sim_world *w, int end, enum bgp_slot slot)
{
	struct sim_socket *s = &w->end[end].socket[slot];
	uint8_t lost[BGP_MESSAGE_MAX]; /* behind a tail that the other end has no room for */

	if (socket_is_up(s))
		socket_write(w, end, slot);
	if (s->tail_len > 0)
		(void)bgp_peer_transmit(w->end[end].peer, w->now, slot, lost, sizeof(lost));
	socket_drop(w, end, slot);
}

/* Nothing is said where there is no connection: before it is made, and once it was closed. */
static void check_silence(struct sim_world *w, int end, enum bgp_slot slot)
{
	struct sim_end *e = &w->end[end];
	uint8_t buf[BGP_MESSAGE_MAX];

	if (!socket_is_up(&e->socket[slot]) &&
	    bgp_peer_transmit(e->peer, w->now, slot, buf, sizeof(buf)) > 0)
		sim_violation(&w->check, "end %d writes without a connection", end);
}

void sim_world_pump(struct sim_world *w, int end)
{
	struct sim_end *e = &w->end[end];
	struct bgp_event event;
	unsigned n = 0;

	while (e->peer && bgp_peer_poll(e->peer, &event)) {
		sim_check_event(&w->check, end, w->now, &event, e->peer);
		if (event.type == BGP_EVENT_CONNECT)
			dial(w, end);
		else if (event.type == BGP_EVENT_CLOSE)
			close_socket(w, end, event.slot);
		if (++n > 100)
			sim_violation(&w->check, "end %d: poll does not end", end);
	}
	for (enum bgp_slot slot = 0; e->peer && slot < BGP_N_SLOTS; slot++) {
		socket_write(w, end, slot);
		check_silence(w, end, slot);
	}
	if (e->peer && bgp_peer_poll(e->peer, &event))
		sim_violation(&w->check, "end %d: writing asks for something", end);
}

struct bgp_next_hops sim_next_hops(const struct sim_world *w, int end)
{
	return (struct bgp_next_hops){
		.ipv4 = ip_addr_from_v4(0xc0000201 + (uint32_t)end),
		.ipv6 = {.b = {0xfd, [14] = (uint8_t)end, [15] = (uint8_t)(1 + w->renumbered)}},
	};
}

static void tcp_up(struct sim_world *w, int end, enum bgp_slot slot)
{
	const struct bgp_next_hops local = sim_next_hops(w, end);
	struct sim_end *e = &w->end[end];

	sim_check_connected(&w->check, end, slot, w->now);
	if (!e->peer)
		return;
	bgp_peer_set_local(e->peer, slot, &local);
	bgp_peer_notify(e->peer, w->now, slot, BGP_NOTE_TCP_UP);
	sim_world_pump(w, end);
}

static void tcp_failed(struct sim_world *w, int end, enum bgp_slot slot, const char *why)
{
	socket_drop(w, end, slot);
	if (why)
		bgp_peer_set_error(w->end[end].peer, why);
	bgp_peer_notify(w->end[end].peer, w->now, slot, BGP_NOTE_TCP_FAILED);
	sim_world_pump(w, end);
}

/* The far end takes the connection into its accepted slot, or not. */
static bool accept_link(struct sim_world *w, int end, struct sim_link *l)
{
	struct sim_end *e = &w->end[end];
	struct sim_socket *s = &e->socket[BGP_SLOT_ACCEPTED];

	if (end == 1 && w->is_hostile) {
		if (s->link)
			return false;
		s->link = l;
		return true;
	}
	if (!e->peer || !e->listens || !bgp_peer_accept(e->peer, w->now))
		return false;
	assert(!s->link);
	s->link = l;
	s->tail_len = 0;
	return true;
}

/* A dial is decided. */
static void link_connected(struct sim_world *w, struct sim_link *l)
{
	int from = l->dialler, to = 1 - from;

	if (l->is_refused || !accept_link(w, to, l)) {
		tcp_failed(w, from, BGP_SLOT_DIALLED, "connection refused");
		sim_world_pump(w, to);
		return;
	}
	l->is_up = true;
	tcp_up(w, from, BGP_SLOT_DIALLED);
	if (l->is_used && w->end[to].socket[BGP_SLOT_ACCEPTED].link == l &&
	    !(to == 1 && w->is_hostile))
		tcp_up(w, to, BGP_SLOT_ACCEPTED);
}

static void deliver(struct sim_world *w, int end, enum bgp_slot slot)
{
	struct sim_end *e = &w->end[end];
	struct sim_link *l = e->socket[slot].link;
	uint8_t buf[16384];
	size_t n = sim_link_read(l, end, w->now, buf, sizeof(buf));

	if (n > 0 && e->peer) {
		sim_check_heard(&w->check, end, slot, w->now, buf, n, w->want);
		bgp_peer_receive(e->peer, w->now, slot, buf, n);
		sim_world_pump(w, end);
	}
	if (e->socket[slot].link != l || !sim_link_at_end(l, end, w->now))
		return;
	if (e->peer)
		tcp_failed(w, end, slot, NULL);
	else
		socket_drop(w, end, slot);
}

static void deliver_all(struct sim_world *w)
{
	for (size_t i = 0; i < SIM_LINKS; i++) {
		struct sim_link *l = &w->links[i];

		if (l->is_used && !l->is_up && l->connected_at <= w->now)
			link_connected(w, l);
	}
	for (int end = 0; end < 2; end++) {
		for (enum bgp_slot slot = 0; slot < BGP_N_SLOTS; slot++) {
			const struct sim_socket *s = &w->end[end].socket[slot];

			while (socket_is_up(s) && sim_link_next(s->link) <= w->now &&
			       w->check.violation[0] == '\0') {
				const struct sim_pipe *p = &s->link->to[end];
				size_t before = p->len;

				deliver(w, end, slot);
				if (!socket_is_up(s) || p->len == before)
					break;
			}
		}
	}
}

/* ---- the agent ------------------------------------------------------------------------------- */

void sim_world_start_agent(struct sim_world *w, bool restarted)
{
	struct sim_end *e = &w->end[0];
	struct rng rng;

	e->config.restarted = restarted;
	e->config.forwarding_preserved = restarted && chance(w, 4) > 0;
	w->check.keeps_forwarding = e->config.forwarding_preserved;
	rng_seed(&rng, rng_next(&w->rng));
	e->peer = bgp_peer_new(&e->config, &rng, NULL);
	e->restart_at = NSEC_NEVER;
	e->synced_at = w->now + chance(w, 3 * NSEC_PER_SEC);
	bgp_peer_set_bfd(e->peer, w->now, w->check.bfd_is_up);
	if (!e->is_stopped)
		bgp_peer_notify(e->peer, w->now, BGP_SLOT_DIALLED, BGP_NOTE_START);
	sim_world_pump(w, 0);
}

void sim_world_crash_agent(struct sim_world *w)
{
	struct sim_end *e = &w->end[0];

	e->peer = bgp_peer_free(e->peer);
	for (enum bgp_slot slot = 0; slot < BGP_N_SLOTS; slot++)
		socket_drop(w, 0, slot);
	sim_check_crashed(&w->check, 0);
	e->restart_at = w->now + chance(w, 10 * NSEC_PER_SEC);
	e->synced_at = NSEC_NEVER;
}

/* The first complete picture: all that is wanted is set, then the rib is declared complete. */
static void agent_synced(struct sim_world *w)
{
	struct sim_end *e = &w->end[0];

	for (unsigned i = 0; i < SIM_ROUTES; i++) {
		const struct bgp_attrs attrs = sim_attrs(w->want[i].variant);
		const struct ip_prefix prefix = sim_prefix(i);

		if (w->want[i].variant && !bgp_rib_set(bgp_peer_rib(e->peer), &prefix, &attrs))
			sim_violation(&w->check, "the rib refuses a route");
	}
	e->synced_at = NSEC_NEVER;
	w->check.synced = true;
	bgp_peer_notify(e->peer, w->now, BGP_SLOT_DIALLED, BGP_NOTE_SYNCED);
	sim_world_pump(w, 0);
}

/* ---- the world ------------------------------------------------------------------------------- */

static struct bgp_peer_config random_config(struct sim_world *w, int end, bool is_ibgp)
{
	static const uint16_t holds[] = {0, 3, 9, 30, 90, 180};
	uint16_t hold = holds[chance(w, ARRAY_SIZE(holds))];

	return (struct bgp_peer_config){
		.local_asn = is_ibgp || end == 0 ? 64500 : 64501,
		.remote_asn = is_ibgp || end == 1 ? 64500 : 64501,
		.families = {BGP_FAMILY_BIT(BGP_N_FAMILIES) - 1},
		.router_id = (uint32_t)(1 + end + chance(w, 3)) << 24 | (uint32_t)(1 + end),
		.hold_s = hold,
		.keepalive_s = hold / 3,
		.connect_s = chance(w, 4) ? 0 : 5,
		.graceful_restart = chance(w, 3) > 0,
		.restart_time_s = 120,
		.bfd_strict = chance(w, 3) == 0,
	};
}

struct sim_world *sim_world_new(uint64_t seed)
{
	struct sim_world *w = xcalloc(1, sizeof(*w));
	bool is_ibgp, both_dial;
	struct rng rng;

	rng_seed(&w->rng, seed);
	is_ibgp = chance(w, 2);
	both_dial = chance(w, 2);
	w->is_hostile = chance(w, 4) == 0;
	w->next_hostile = w->is_hostile ? 0 : NSEC_NEVER;
	w->weather = (struct sim_weather){.delay_min = chance(w, 2 * NSEC_PER_MSEC),
					  .delay_max = (3 + chance(w, 50)) * NSEC_PER_MSEC,
					  .segment_max = 1 + chance(w, 4096)};
	w->faults_end = (60 + chance(w, 400)) * NSEC_PER_SEC;
	sim_check_init(&w->check, is_ibgp);
	for (int end = 0; end < 2; end++) {
		w->end[end].config = random_config(w, end, is_ibgp);
		w->check.is_strict[end] = w->end[end].config.bfd_strict;
	}
	if (!is_ibgp && chance(w, 8) == 0) /* legal in two ASes (RFC 6286) */
		w->end[1].config.router_id = w->end[0].config.router_id;
	w->end[0].listens = both_dial;
	w->end[1].listens = true;
	w->end[1].restart_at = w->end[1].synced_at = NSEC_NEVER;
	sim_world_start_agent(w, false);
	rng_seed(&rng, rng_next(&w->rng));
	w->end[1].peer = w->is_hostile ? NULL : bgp_peer_new(&w->end[1].config, &rng, NULL);
	if (w->end[1].peer)
		bgp_peer_notify(w->end[1].peer, 0, BGP_SLOT_DIALLED, BGP_NOTE_START);
	sim_world_pump(w, 1);
	return w;
}

struct sim_world *sim_world_free(struct sim_world *w)
{
	if (!w)
		return NULL;
	bgp_peer_free(w->end[0].peer);
	bgp_peer_free(w->end[1].peer);
	free(w);
	return NULL;
}

static nsec_t next_time(const struct sim_world *w)
{
	nsec_t next = nsec_min(w->next_fault, w->next_hostile);

	for (size_t i = 0; i < SIM_LINKS; i++)
		next = nsec_min(next, sim_link_next(&w->links[i]));
	for (int end = 0; end < 2; end++) {
		next = nsec_min(next, nsec_min(w->end[end].synced_at, w->end[end].restart_at));
		if (w->end[end].peer)
			next = nsec_min(next, bgp_peer_deadline(w->end[end].peer));
	}
	return next;
}

/* Sockets are read before timers fire, as every driver should. */
static void step(struct sim_world *w)
{
	struct sim_end *agent = &w->end[0];

	deliver_all(w);
	if (agent->restart_at <= w->now)
		sim_world_start_agent(w, true);
	if (agent->synced_at <= w->now)
		agent_synced(w);
	if (w->next_hostile <= w->now)
		sim_hostile_step(w);
	if (w->next_fault <= w->now)
		sim_faults_step(w);
	for (int end = 0; end < 2; end++) {
		const struct sim_end *e = &w->end[end];
		const struct sim_watch *watch = &w->check.end[end];

		if (!e->peer)
			continue;
		bgp_peer_tick(e->peer, w->now);
		sim_world_pump(w, end);
		sim_check_times(&w->check, end, w->now, e->peer,
				e->socket[watch->up_slot].tail_len == 0);
	}
}

static void run_until(struct sim_world *w, nsec_t end)
{
	while (w->check.violation[0] == '\0') {
		nsec_t next = next_time(w);

		if (next > end)
			break;
		if (next < w->now)
			next = w->now;
		w->now = next;
		step(w);
		if (++w->n_steps > STEPS_LIMIT)
			sim_violation(&w->check, "the world does not come to rest");
	}
	w->now = end;
}

static void check_converged(struct sim_world *w)
{
	const struct bgp_next_hops hops = sim_next_hops(w, 0);

	for (int end = 0; end < 2; end++) {
		const struct bgp_peer_info info = bgp_peer_info(w->end[end].peer);

		if (info.state != BGP_ESTABLISHED)
			sim_violation(&w->check, "end %d is %s at the end: %s", end,
				      bgp_state_text(info.state),
				      info.last_error ? info.last_error : "no error");
	}
	for (unsigned i = 0; i < SIM_ROUTES; i++) {
		const struct ip_addr *hop = i % 2 ? &hops.ipv6 : &hops.ipv4;

		if (w->want[i].variant && !ip_addr_equal(&w->check.seen[i].next_hop, hop))
			sim_violation(&w->check, "route %u has an older next hop", i);
		if (w->check.seen[i].variant != w->want[i].variant || w->check.seen[i].is_stale)
			sim_violation(&w->check, "route %u: router has %u%s, agent wants %u", i,
				      w->check.seen[i].variant,
				      w->check.seen[i].is_stale ? " (stale)" : "",
				      w->want[i].variant);
	}
}

/* Setting again what is set already must not reach the wire. */
static void check_second_apply(struct sim_world *w)
{
	uint64_t before = bgp_peer_info(w->end[0].peer).updates_sent, after;

	agent_synced(w);
	run_until(w, w->now + QUIET_S * NSEC_PER_SEC);
	after = bgp_peer_info(w->end[0].peer).updates_sent;
	if (before != after)
		sim_violation(&w->check, "the second apply sent %" PRIu64 " UPDATEs",
			      after - before);
}

const char *sim_world_run(struct sim_world *w)
{
	run_until(w, w->faults_end);
	sim_faults_stop(w);
	run_until(w, w->now + CONVERGE_S * NSEC_PER_SEC);
	if (w->check.violation[0] == '\0')
		check_converged(w);
	if (w->check.violation[0] == '\0')
		check_second_apply(w);
	return w->check.violation[0] != '\0' ? w->check.violation : NULL;
}
