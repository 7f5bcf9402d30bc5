// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Echo packets: over the link and back, whether the other end sleeps or not, and what must always
 * hold of them: none without leave, none faster than agreed, no Down before they were missed for
 * long enough by an end that was awake, and none much later.
 */
#include "sim/bfd/bfd_world.h"

#include <inttypes.h>

#define PROBE NSEC_PER_SEC

static nsec_t interval_of(const struct world_end *e)
{
	const uint32_t own = e->config.echo_tx_us, theirs = e->watch.heard.min_echo_rx_us;

	return (own > theirs ? own : theirs) * NSEC_PER_USEC;
}

/* ---- link ------------------------------------------------------------------------------------ */

static bool is_lost(struct world *w, int towards)
{
	return rng_below(&w->rng, 100) < w->weather.loss[towards];
}

static nsec_t some_delay(struct world *w)
{
	return w->weather.delay_min +
	       rng_below(&w->rng, w->weather.delay_max - w->weather.delay_min + 1);
}

static void put(struct world *w, int end, const uint8_t b[BFD_ECHO_BYTES])
{
	for (size_t i = 0; i < WORLD_PACKETS; i++) {
		struct world_echo *p = &w->end[end].echoes[i];

		if (p->arrives_at != NSEC_NEVER)
			continue;
		memcpy(p->b, b, sizeof(p->b));
		p->arrives_at = w->now + some_delay(w) + some_delay(w);
		return;
	}
}

void world_echo_send(struct world *w, int end)
{
	struct world_end *e = &w->end[end];
	uint8_t b[BFD_ECHO_BYTES];

	while (bfd_session_transmit_echo(e->session, w->now, b)) {
		world_echo_check_sent(w, end);
		w->stats.echoes++;
		if (!w->end[1 - end].forwards_echo || is_lost(w, 1 - end) || is_lost(w, end))
			continue;
		put(w, end, b);
		if (rng_below(&w->rng, 100) < w->weather.duplicates)
			put(w, end, b);
	}
}

static struct world_echo *first_arrived(struct world *w, int end)
{
	struct world_echo *first = NULL;

	for (size_t i = 0; i < WORLD_PACKETS; i++) {
		struct world_echo *p = &w->end[end].echoes[i];

		if (p->arrives_at <= w->now && (!first || p->arrives_at < first->arrives_at))
			first = p;
	}
	return first;
}

bool world_echo_read(struct world *w, int end)
{
	struct world_echo *p = first_arrived(w, end);
	nsec_t at;

	if (!p)
		return false;
	at = p->arrives_at;
	p->arrives_at = NSEC_NEVER;
	if (bfd_session_receive_echo(w->end[end].session, at, p->b, sizeof(p->b)))
		world_echo_check_heard(w, end, at);
	return true;
}

nsec_t world_echo_next(const struct world_end *e)
{
	nsec_t next = NSEC_NEVER;

	for (size_t i = 0; i < WORLD_PACKETS; i++)
		next = nsec_min(next, e->echoes[i].arrives_at);
	return next;
}

/* ---- observer -------------------------------------------------------------------------------- */

static nsec_t detection_of(const struct world_end *e)
{
	return e->session->offered.detect_mult * e->session->echo.interval;
}

/* A multiplier that waits for the end of a poll sequence acts at any time. */
static nsec_t least_of(const struct world_end *e)
{
	return nsec_min(detection_of(e), e->config.terms.detect_mult * interval_of(e));
}

void world_echo_check_begun(struct world *w, int end)
{
	struct world_watch *o = &w->end[end].watch;

	o->has_echo = false;
}

/* Other intervals act at once. */
void world_echo_check_reconfigured(struct world *w, int end)
{
	const struct world_end *e = &w->end[end];
	struct world_watch *o = &w->end[end].watch;

	o->echo_sent_at = 0;
	o->echo_sure_at = w->now;
	o->has_echo &= e->config.echo_tx_us != 0;
	o->least_echo = nsec_min(o->least_echo, least_of(e));
}

void world_echo_check_sent(struct world *w, int end)
{
	const struct world_end *e = &w->end[end];
	struct world_watch *o = &w->end[end].watch;
	const nsec_t interval = interval_of(e), pace = o->has_echo ? interval : PROBE;

	if (o->state != BFD_UP || o->heard.state != BFD_UP || o->heard.min_echo_rx_us == 0 ||
	    e->config.echo_tx_us == 0)
		world_violation(w, "end %d sends echo without leave", end);
	if (o->echo_sent_at > 0 && w->now - o->echo_sent_at < pace / 4 * 3)
		world_violation(w, "end %d sends echo after %" PRIu64 " us", end,
				(w->now - o->echo_sent_at) / 1000);
	o->echo_sent_at = w->now;
}

void world_echo_check_heard(struct world *w, int end, nsec_t at)
{
	const struct world_end *e = &w->end[end];
	struct world_watch *o = &w->end[end].watch;

	if (!o->has_echo) /* the next one is due by the interval, not by that of probes */
		o->echo_sent_at = 0;
	o->has_echo = o->may_be_slow = true;
	o->echoed_at = at > o->echoed_at ? at : o->echoed_at;
	o->echo_sure_at = w->now;
	o->least_echo = least_of(e);
}

void world_echo_check_awake(struct world *w, int end)
{
	const struct world_end *e = &w->end[end];
	struct world_watch *o = &w->end[end].watch;
	const nsec_t detection = detection_of(e);

	o->has_echo &= e->session->echo.interval != 0;
	if (o->state != BFD_UP || !o->has_echo)
		return;
	if (w->now < o->echo_sure_at || e->sleeps_until > o->echo_sure_at)
		o->echo_sure_at = w->now;
	o->least_echo = nsec_min(o->least_echo, least_of(e));
	if (w->now >= o->echo_sure_at + detection)
		world_violation(w, "end %d is Up after %" PRIu64 " us without echo", end,
				(w->now - o->echo_sure_at) / 1000);
}

void world_echo_check_down(struct world *w, int end, const struct bfd_event *event)
{
	const struct world_watch *o = &w->end[end].watch;

	w->stats.echo_downs++;
	if (!o->has_echo)
		world_violation(w, "end %d misses echo that never came back", end);
	else if (event->at - o->echoed_at < o->least_echo)
		world_violation(w, "end %d misses echo after %" PRIu64 " us", end,
				(event->at - o->echoed_at) / 1000);
	if (w->is_calm)
		world_violation(w, "end %d misses echo on a link that is well", end);
}

void world_echo_check_agreed(struct world *w, int end)
{
	const struct world_end *e = &w->end[end], *other = &w->end[1 - end];
	const bool is_wanted = e->config.echo_tx_us != 0 && other->takes_echo;

	if ((e->session->echo.interval != 0) != is_wanted)
		world_violation(w, "end %d: echo is %s after quiet", end, is_wanted ? "off" : "on");
	if (e->session->echo.is_proven != (is_wanted && other->forwards_echo))
		world_violation(w, "end %d: echo is not what the way allows", end);
}
