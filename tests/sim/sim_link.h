// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A simulated TCP connection between two ends, 0 and 1: bytes arrive in order, cut into arbitrary
 * segments, each after a delay. A pipe holds a bounded number of bytes, so a receiver that stalls
 * pushes back on the sender. A connection can be closed (what was written still arrives), or reset
 * (it does not). It knows nothing of BGP.
 */
#pragma once

#include "base/nsec.h"
#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_PIPE_BYTES    (24u << 10)
#define SIM_PIPE_SEGMENTS 64

struct sim_segment {
	size_t len;
	nsec_t at;
};

/* Bytes on their way to one end. */
struct sim_pipe {
	uint8_t data[SIM_PIPE_BYTES]; /* ring */
	size_t first, len;
	struct sim_segment segments[SIM_PIPE_SEGMENTS]; /* ring */
	size_t first_segment, n_segments;
	nsec_t stalled_until; /* the receiving end does not read before */
	nsec_t closed_at;     /* the other end closed: seen when all is read; NSEC_NEVER: open */
};

struct sim_link {
	bool is_used, is_up;
	int dialler;         /* end 0 or 1 */
	nsec_t connected_at; /* when the dial succeeds or fails; NSEC_NEVER: it hangs */
	bool is_refused;
	struct sim_pipe to[2];
	bool is_closed[2]; /* by this end: it neither reads nor writes any more */
};

/* How the network behaves; changed while a simulation runs. */
struct sim_weather {
	nsec_t delay_min, delay_max;
	size_t segment_max; /* bytes */
};

/* A fresh link, being dialled. */
void sim_link_dial(struct sim_link *l, int dialler, nsec_t connected_at, bool is_refused);
/* Writes towards end `to`; returns how many bytes the "kernel" took. */
size_t sim_link_write(struct sim_link *l, int to, nsec_t now, struct rng *rng,
		      const struct sim_weather *weather, const uint8_t *data, size_t len);
/* What has arrived at end `to`, one segment at most; 0 if nothing has. */
size_t sim_link_read(struct sim_link *l, int to, nsec_t now, uint8_t *buf, size_t cap);
/* True if the other end has closed and nothing is left to read. */
bool sim_link_at_end(const struct sim_link *l, int to, nsec_t now);
/* End `from` closes after what it wrote. The link is free again when both have. */
void sim_link_close(struct sim_link *l, int from, nsec_t now);
/* Both directions are lost; both ends see it. */
void sim_link_reset(struct sim_link *l, nsec_t now);
void sim_link_stall(struct sim_link *l, int to, nsec_t until);
/* The next time at which something happens; NSEC_NEVER if nothing will. */
nsec_t sim_link_next(const struct sim_link *l);
