// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The world of one simulation: end 0, the agent, announces a changing set of routes; end 1, the
 * router, is a second instance of the same code, or for a while a hostile speaker; between them the
 * network of sim_link. One seed decides everything, and time is the minimum of all deadlines and
 * arrivals. For a random time there are faults (resets, stalls, refused and hanging dials, stops,
 * crashes with graceful restart); then they end, and the world must converge.
 */
#pragma once

#include "sim/sim_check.h"
#include "sim/sim_link.h"

#define SIM_LINKS      6
#define SIM_TAIL_BYTES (128u << 10)

/* A socket: this end's side of a link, and what transmit() gave that the "kernel" did not take. */
struct sim_socket {
	struct sim_link *link; /* NULL: none */
	uint8_t tail[SIM_TAIL_BYTES];
	size_t tail_first, tail_len;
};

struct sim_end {
	struct bgp_peer *peer; /* owned; NULL: crashed */
	struct bgp_peer_config config;
	struct sim_socket socket[BGP_N_SLOTS];
	bool listens, is_stopped;
	nsec_t synced_at, restart_at; /* agent: picture complete, and next life; NSEC_NEVER: not */
};

struct sim_world {
	struct rng rng;
	nsec_t now, faults_end, next_fault;
	struct sim_weather weather;
	struct sim_link links[SIM_LINKS];
	struct sim_end end[2];
	struct sim_route want[SIM_ROUTES];
	struct sim_check check;
	bool is_hostile;     /* end 1 speaks garbage */
	unsigned renumbered; /* so often the ends were given another IPv6 address */
	nsec_t next_hostile;
	uint64_t n_steps;
};

struct sim_world *sim_world_new(uint64_t seed);
struct sim_world *sim_world_free(struct sim_world *w);

/* Runs to the end. NULL, or the text of the first violation (valid until the world is freed). */
const char *sim_world_run(struct sim_world *w);

/* For sim_faults.c. */
void sim_world_start_agent(struct sim_world *w, bool restarted);
void sim_world_crash_agent(struct sim_world *w);
void sim_world_pump(struct sim_world *w, int end);
struct bgp_next_hops sim_next_hops(const struct sim_world *w, int end);

/* One random fault or change of routes; and the end of all faults. */
void sim_faults_step(struct sim_world *w);
void sim_faults_stop(struct sim_world *w);
/* What a hostile speaker writes next into a socket of end 1. */
void sim_hostile_step(struct sim_world *w);
