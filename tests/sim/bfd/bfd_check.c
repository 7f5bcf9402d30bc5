// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What must always hold: no Up without a three-way exchange, no Down before the detection time and
 * none much after it, nothing faster than agreed, P and F never together.
 */
#include "sim/bfd/bfd_world.h"

#include <inttypes.h>
#include <stdarg.h>

#define PER_CENT(value, n) ((value) / 100 * (n))

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

void world_violation(struct world *w, const char *fmt, ...)
{
	va_list args;

	if (w->violation[0] != '\0')
		return;
	va_start(args, fmt);
	(void)vsnprintf(w->violation, sizeof(w->violation), fmt, args);
	va_end(args);
}

/* With the least interval that the end may count with: the shortest that may be right. */
static nsec_t least_detection(const struct world_watch *o)
{
	return o->heard.detect_mult * (larger(o->least_rx_us, o->heard.min_tx_us) * NSEC_PER_USEC);
}

static nsec_t most_detection(const struct world_end *e)
{
	const struct world_watch *o = &e->watch;
	uint32_t rx = larger(o->rx_us, e->config.terms.min_rx_us);

	if (o->may_be_slow)
		rx = larger(rx, BFD_SLOW_US);
	return o->heard.detect_mult * (larger(rx, o->heard.min_tx_us) * NSEC_PER_USEC);
}

void world_check_started(struct world *w, int end)
{
	const struct bfd_terms *t = &w->end[end].config.terms;

	w->end[end].watch = (struct world_watch){.state = BFD_DOWN,
						 .rx_us = t->min_rx_us,
						 .least_rx_us = t->min_rx_us,
						 .asked_rx_us = t->min_rx_us,
						 .least_tx_us = t->min_tx_us,
						 .downs = w->end[end].watch.downs};
}

void world_check_resumed(struct world *w, int end, const struct world_watch *before)
{
	struct world_watch *o = &w->end[end].watch;

	o->rx_us = larger(o->rx_us, before->rx_us);
	o->least_rx_us = smaller(o->least_rx_us, before->least_rx_us);
	o->least_tx_us = smaller(o->least_tx_us, before->least_tx_us);
	o->may_be_slow = before->may_be_slow;
}

/* A receive interval that falls counts only after a Final; one that grows, at once. */
void world_check_reconfigured(struct world *w, int end)
{
	const struct bfd_terms *t = &w->end[end].config.terms;
	struct world_watch *o = &w->end[end].watch;

	o->rx_us = larger(o->rx_us, t->min_rx_us);
	o->asked_rx_us = smaller(o->asked_rx_us, t->min_rx_us);
	if (o->state != BFD_UP)
		o->least_rx_us = o->asked_rx_us = t->min_rx_us;
	if (t->min_tx_us < o->least_tx_us)
		o->least_tx_us = t->min_tx_us;
	world_echo_check_reconfigured(w, end);
}

void world_check_heard(struct world *w, int end, const struct bfd_packet *p, nsec_t at)
{
	struct world_watch *o = &w->end[end].watch;

	if (p->final)
		o->least_rx_us = smaller(o->least_rx_us, o->asked_rx_us);
	/* Read after a later one. */
	if (at < o->heard_at)
		return;
	o->heard = *p;
	o->has_heard = true;
	o->heard_at = at;
	if (p->your_discriminator == w->end[end].session->discriminator &&
	    (p->state == BFD_INIT || p->state == BFD_UP))
		o->saw_answer = true;
}

/* RFC 5880 6.8.7: the interval less a quarter, but for a change of state. */
static void check_pace(struct world *w, int end, const struct bfd_packet *p)
{
	struct world_watch *o = &w->end[end].watch;
	uint32_t tx = p->state == BFD_UP ? o->least_tx_us : larger(o->least_tx_us, BFD_SLOW_US);
	nsec_t least = PER_CENT(tx * NSEC_PER_USEC, 75);

	if (o->said_at > 0 && !o->has_changed && w->now - o->said_at < least)
		world_violation(w, "end %d sends after %" PRIu64 " us, at least %" PRIu64, end,
				(w->now - o->said_at) / 1000, least / 1000);
	o->said_at = w->now;
	o->has_changed = false;
}

void world_check_said(struct world *w, int end, const uint8_t *data, size_t len)
{
	const struct world_end *e = &w->end[end];
	struct bfd_packet p;
	enum bfd_reject reject = bfd_packet_parse(data, len, &p);

	w->stats.packets++;
	if (reject != BFD_ACCEPTED) {
		world_violation(w, "end %d says what is refused: %s", end, bfd_reject_text(reject));
		return;
	}
	w->stats.polls += p.poll;
	if (p.poll && p.final)
		world_violation(w, "end %d says P and F in one packet", end);
	if (p.state != e->watch.state)
		world_violation(w, "end %d says %s and reports %s", end, bfd_state_text(p.state),
				bfd_state_text(e->watch.state));
	if (p.state != BFD_UP && p.min_tx_us < BFD_SLOW_US)
		world_violation(w, "end %d offers %" PRIu32 " us while not Up", end, p.min_tx_us);
	if (e->config.is_passive && !e->watch.has_heard)
		world_violation(w, "end %d is passive and speaks first", end);
	if (!p.final)
		check_pace(w, end, &p);
}

static void check_down(struct world *w, int end, const struct bfd_event *e)
{
	const struct world_watch *o = &w->end[end].watch;

	w->stats.downs += e->from == BFD_UP;
	if (e->diag == BFD_DIAG_EXPIRED && e->at - o->heard_at < least_detection(o))
		world_violation(w,
				"end %d goes Down %" PRIu64 " us after a packet, before %" PRIu64,
				end, (e->at - o->heard_at) / 1000, least_detection(o) / 1000);
	if (e->diag == BFD_DIAG_NEIGHBOUR_DOWN && o->heard.state != BFD_DOWN &&
	    o->heard.state != BFD_ADMIN_DOWN)
		world_violation(w, "end %d goes Down because of %s", end,
				bfd_state_text(o->heard.state));
	if (e->diag == BFD_DIAG_ECHO_FAILED)
		world_echo_check_down(w, end, e);
	if (w->is_calm && e->from == BFD_UP && e->diag == BFD_DIAG_EXPIRED)
		world_violation(w, "end %d flaps on a link that is well", end);
}

void world_check_event(struct world *w, int end, const struct bfd_event *e)
{
	struct world_watch *o = &w->end[end].watch;

	if (e->from != o->state)
		world_violation(w, "end %d changes from %s, was %s", end, bfd_state_text(e->from),
				bfd_state_text(o->state));
	o->state = e->to;
	o->has_changed = true;
	if (e->to == BFD_UP) {
		w->stats.ups++;
		if (!o->saw_answer)
			world_violation(w, "end %d is Up and was never answered", end);
	}
	if (e->to == BFD_DOWN) {
		o->downs++;
		check_down(w, end, e);
		o->saw_answer = false;
	}
	/* What was waiting for a Final waits no more. */
	o->may_be_slow = false;
	world_echo_check_begun(w, end);
	o->rx_us = w->end[end].config.terms.min_rx_us;
	o->least_rx_us = o->asked_rx_us = o->rx_us;
	o->least_tx_us = w->end[end].config.terms.min_tx_us;
}

/* It has read all that came, and its timers ran. */
void world_check_awake(struct world *w, int end)
{
	const struct world_end *e = &w->end[end];

	if (e->watch.state == BFD_UP && w->now >= e->watch.heard_at + most_detection(e))
		world_violation(w, "end %d is Up after %" PRIu64 " us of silence", end,
				(w->now - e->watch.heard_at) / 1000);
	world_echo_check_awake(w, end);
	if (bfd_set_deadline(e->set) <= w->now)
		world_violation(w, "end %d is due when it has done all", end);
}

void world_check_agreed(struct world *w)
{
	for (int end = 0; end < 2; end++) {
		const struct bfd_session *s = w->end[end].session, *o = w->end[1 - end].session;
		const struct bfd_terms *own = &w->end[end].config.terms;
		const struct bfd_terms *theirs = &w->end[1 - end].config.terms;

		if (s->state != BFD_UP) {
			world_violation(w, "end %d is %s after quiet", end,
					bfd_state_text(s->state));
			return;
		}
		uint32_t rx = own->min_rx_us, their_rx = theirs->min_rx_us;

		world_echo_check_agreed(w, end);
		if (s->echo.is_proven)
			rx = larger(rx, BFD_SLOW_US);
		if (o->echo.is_proven)
			their_rx = larger(their_rx, BFD_SLOW_US);
		if (s->remote.discriminator != o->discriminator || s->is_polling)
			world_violation(w, "end %d has not converged", end);
		if (bfd_session_interval(s) != larger(own->min_tx_us, their_rx) * NSEC_PER_USEC)
			world_violation(w, "end %d sends every %" PRIu64 " us", end,
					bfd_session_interval(s) / 1000);
		if (bfd_session_detection(s) !=
		    theirs->detect_mult * (larger(rx, theirs->min_tx_us) * NSEC_PER_USEC))
			world_violation(w, "end %d detects in %" PRIu64 " us", end,
					bfd_session_detection(s) / 1000);
	}
}
