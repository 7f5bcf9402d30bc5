// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The simulated connection: two rings of bytes with a ring of segments each. Arrival times never go
 * back within a pipe, because TCP keeps order.
 */
#include "sim/sim_link.h"

#include "base/mem.h"

#include <assert.h>

static size_t at_most(size_t a, size_t b)
{
	return a < b ? a : b;
}

void sim_link_dial(struct sim_link *l, int dialler, nsec_t connected_at, bool is_refused)
{
	memset(l, 0, sizeof(*l));
	l->is_used = true;
	l->dialler = dialler;
	l->connected_at = connected_at;
	l->is_refused = is_refused;
	l->to[0].closed_at = l->to[1].closed_at = NSEC_NEVER;
}

static void put(struct sim_pipe *p, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p->data[(p->first + p->len + i) % SIM_PIPE_BYTES] = data[i];
	p->len += len;
}

static nsec_t last_arrival(const struct sim_pipe *p)
{
	size_t last = (p->first_segment + p->n_segments - 1) % SIM_PIPE_SEGMENTS;

	return p->n_segments == 0 ? 0 : p->segments[last].at;
}

size_t sim_link_write(struct sim_link *l, int to, nsec_t now, struct rng *rng,
		      const struct sim_weather *weather, const uint8_t *data, size_t len)
{
	struct sim_pipe *p = &l->to[to];
	size_t done = 0;

	assert(l->is_up);
	while (done < len && p->len < SIM_PIPE_BYTES && p->n_segments < SIM_PIPE_SEGMENTS) {
		size_t n = 1 + rng_below(rng, weather->segment_max);
		nsec_t at = now + weather->delay_min +
			    rng_below(rng, weather->delay_max - weather->delay_min + 1);
		nsec_t before = last_arrival(p);

		n = at_most(at_most(n, len - done), SIM_PIPE_BYTES - p->len);
		put(p, data + done, n);
		p->segments[(p->first_segment + p->n_segments++) % SIM_PIPE_SEGMENTS] =
			(struct sim_segment){.len = n, .at = at > before ? at : before};
		done += n;
	}
	return done;
}

/* When the first segment can be read. */
static nsec_t readable_at(const struct sim_pipe *p)
{
	nsec_t at;

	if (p->n_segments == 0)
		return NSEC_NEVER;
	at = p->segments[p->first_segment].at;
	return at > p->stalled_until ? at : p->stalled_until;
}

size_t sim_link_read(struct sim_link *l, int to, nsec_t now, uint8_t *buf, size_t cap)
{
	struct sim_pipe *p = &l->to[to];
	struct sim_segment *s = &p->segments[p->first_segment];
	size_t n;

	if (!l->is_up || readable_at(p) > now)
		return 0;
	n = at_most(s->len, cap);
	for (size_t i = 0; i < n; i++)
		buf[i] = p->data[(p->first + i) % SIM_PIPE_BYTES];
	p->first = (p->first + n) % SIM_PIPE_BYTES;
	p->len -= n;
	s->len -= n;
	if (s->len == 0) {
		p->first_segment = (p->first_segment + 1) % SIM_PIPE_SEGMENTS;
		p->n_segments--;
	}
	return n;
}

bool sim_link_at_end(const struct sim_link *l, int to, nsec_t now)
{
	const struct sim_pipe *p = &l->to[to];

	return l->is_up && p->n_segments == 0 && p->closed_at <= now && p->stalled_until <= now;
}

void sim_link_close(struct sim_link *l, int from, nsec_t now)
{
	struct sim_pipe *p = &l->to[1 - from];
	nsec_t at = last_arrival(p);

	l->is_closed[from] = true;
	p->closed_at = nsec_min(p->closed_at, at > now ? at : now);
	l->to[from].n_segments = l->to[from].len = 0;
	if (!l->is_up || l->is_closed[1 - from])
		l->is_used = false;
}

void sim_link_reset(struct sim_link *l, nsec_t now)
{
	for (int end = 0; end < 2; end++) {
		struct sim_pipe *p = &l->to[end];

		p->n_segments = p->len = 0;
		p->stalled_until = 0;
		p->closed_at = nsec_min(p->closed_at, now);
	}
}

void sim_link_stall(struct sim_link *l, int to, nsec_t until)
{
	l->to[to].stalled_until = until;
}

nsec_t sim_link_next(const struct sim_link *l)
{
	nsec_t next = NSEC_NEVER;

	if (!l->is_used)
		return NSEC_NEVER;
	if (!l->is_up)
		return l->connected_at;
	for (int end = 0; end < 2; end++) {
		const struct sim_pipe *p = &l->to[end];
		nsec_t at = readable_at(p);

		if (l->is_closed[end])
			continue;
		if (p->n_segments == 0 && p->closed_at != NSEC_NEVER)
			at = p->closed_at > p->stalled_until ? p->closed_at : p->stalled_until;
		next = nsec_min(next, at);
	}
	return next;
}
