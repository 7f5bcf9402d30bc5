// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The session. Sections are those of RFC 5880: 6.8.2 to 6.8.4 timers, 6.8.6 reception, 6.8.7
 * transmission, 6.8.16 AdminDown.
 *
 * Poll sequences (6.5) are kept apart by two rules, since a packet does not say which Poll it
 * answers. Terms that change during one wait for its end. And after one that took a while the next
 * waits as long again: with a long way to the peer several of its Polls were under way, and their
 * answers must not be taken for the next one's.
 */
#include "bfd/bfd_session.h"

#include "bfd/bfd_carry.h"

#include <assert.h>

#define JITTER_ONE        65536u
#define JITTER_LEAST      (JITTER_ONE / 4 * 3)  /* 75 % */
#define JITTER_MOST_ALONE (JITTER_ONE / 10 * 9) /* 90 %, with multiplier 1 (6.8.7) */

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* 6.8.1 */
static void forget_remote(struct bfd_session *s)
{
	s->remote = (struct bfd_remote){.state = BFD_DOWN, .terms = {.min_rx_us = 1}};
}

/* ---- times ----------------------------------------------------------------------------------- */

/* 6.8.3: a slow one while not Up. */
static uint32_t offered_tx_us(const struct bfd_session *s)
{
	return s->state == BFD_UP ? s->offered.min_tx_us
				  : larger(s->offered.min_tx_us, BFD_SLOW_US);
}

nsec_t bfd_session_interval(const struct bfd_session *s)
{
	uint32_t own = s->state == BFD_UP ? s->tx_us : offered_tx_us(s);

	if (s->remote.terms.min_rx_us == 0)
		return NSEC_NEVER;
	return larger(own, s->remote.terms.min_rx_us) * NSEC_PER_USEC;
}

nsec_t bfd_session_detection(const struct bfd_session *s)
{
	if (s->remote.discriminator == 0)
		return NSEC_NEVER;
	return s->remote.terms.detect_mult *
	       (larger(s->rx_us, s->remote.terms.min_tx_us) * NSEC_PER_USEC);
}

static nsec_t expires_at(const struct bfd_session *s)
{
	return nsec_add(s->heard_at, bfd_session_detection(s));
}

static bool is_expired(const struct bfd_session *s, nsec_t now)
{
	return now >= expires_at(s);
}

bool bfd_session_is_silent(const struct bfd_session *s, nsec_t now)
{
	return is_expired(s, now) || bfd_echo_is_silent(&s->echo, now, s->offered.detect_mult);
}

/* 6.8.7 */
static bool may_send(const struct bfd_session *s)
{
	return !s->config.is_passive || s->remote.discriminator != 0;
}

static bool is_periodic(const struct bfd_session *s)
{
	bool is_on_demand = s->remote.has_demand && s->state == BFD_UP && s->remote.state == BFD_UP;

	return may_send(s) && (!is_on_demand || s->is_polling);
}

static nsec_t sends_at(const struct bfd_session *s)
{
	nsec_t interval = bfd_session_interval(s);

	if (!is_periodic(s) || interval == NSEC_NEVER)
		return NSEC_NEVER;
	return s->sent_at + interval / JITTER_ONE * s->jitter +
	       interval % JITTER_ONE * s->jitter / JITTER_ONE;
}

bool bfd_session_wants_to_hear(const struct bfd_session *s, nsec_t now)
{
	const nsec_t next = nsec_min(nsec_add(now, bfd_session_interval(s)),
				     s->echo.interval ? now + s->echo.interval : NSEC_NEVER);

	/* Until the peer signs with the other key it may take nothing that we sign with this one.
	 */
	return s->key_is_due || (s->echo.interval && !s->echo.is_proven) ||
	       nsec_min(expires_at(s), bfd_echo_silent_at(&s->echo, s->offered.detect_mult)) <=
		       next;
}

/*
 * While another sends for us by the peer's clock, whose jitter is ours then, our own packets are
 * for what it leaves out (bfd_session_is_patient).
 */
static void draw_jitter(struct bfd_session *s)
{
	uint64_t most = s->offered.detect_mult == 1 ? JITTER_MOST_ALONE : JITTER_ONE;

	if (!s->is_carried)
		s->jitter = JITTER_LEAST + rng_below(&s->rng, most - JITTER_LEAST + 1);
	else
		s->jitter = bfd_session_is_patient(s) ? 2 * JITTER_ONE : JITTER_ONE;
}

/* ---- terms and poll sequences ---------------------------------------------------------------- */

/* 6.8.3: while echo detects, the peer's control packets are to be slow. */
static struct bfd_terms wanted(const struct bfd_session *s)
{
	struct bfd_terms ret = s->config.terms;

	if (s->echo.is_proven)
		ret.min_rx_us = larger(ret.min_rx_us, BFD_SLOW_US);
	return ret;
}

static bool is_offered(const struct bfd_session *s)
{
	const struct bfd_terms w = wanted(s);

	return bfd_terms_same(&s->offered, &w);
}

static void in_force_now(struct bfd_session *s)
{
	s->tx_us = s->offered.min_tx_us;
	s->rx_us = s->offered.min_rx_us;
}

static void begin_poll(struct bfd_session *s)
{
	s->is_polling = true;
	s->poll_was_sent = false;
}

/*
 * 6.8.3: when Up, an interval between our packets that grows, and one between the peer's that
 * shrinks, wait for the Final.
 */
static void offer(struct bfd_session *s, nsec_t now)
{
	if (is_offered(s) || (s->state == BFD_UP && (s->is_polling || now < s->poll_rests_until)))
		return;
	s->offered = wanted(s);
	if (s->state != BFD_UP) {
		in_force_now(s);
		return;
	}
	if (s->offered.min_tx_us < s->tx_us)
		s->tx_us = s->offered.min_tx_us;
	if (s->offered.min_rx_us > s->rx_us)
		s->rx_us = s->offered.min_rx_us;
	begin_poll(s);
}

static void end_poll(struct bfd_session *s, nsec_t now)
{
	assert(s->is_polling && s->poll_was_sent);
	s->is_polling = false;
	s->poll_rests_until = nsec_add(now, now > s->poll_since ? now - s->poll_since : 0);
	in_force_now(s);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static const struct bfd_auth_key *key_in_use(const struct bfd_session *s)
{
	return s->key_is_due ? &s->key_until : &s->config.auth;
}

/* config.auth counts from now on. What was signed before with another key is none of its replays.
 */
static void use_key(struct bfd_session *s)
{
	s->key_is_due = false;
	memset(&s->key_until, 0, sizeof(s->key_until));
	s->auth.is_known = false;
}

/*
 * 6.7.1: a change that both sides had to make within the detection time would be a flap. Once only:
 * the peer cannot go back to the former key, nor turn authentication off and on.
 */
static void take_key(struct bfd_session *s, const struct bfd_auth_key *key)
{
	const struct bfd_auth_key before = *key_in_use(s);

	if (bfd_auth_key_same(key, &s->config.auth))
		return;
	s->key_is_due = s->state == BFD_UP && !bfd_auth_key_same(key, &before);
	if (s->key_is_due)
		s->key_until = before;
	else if (!bfd_auth_key_same(key, &before))
		use_key(s);
}

static enum bfd_reject check_auth(struct bfd_session *s, const struct bfd_packet *p)
{
	const uint8_t detect_mult = s->offered.detect_mult;
	struct bfd_auth_state fresh = {.sent = s->auth.sent};
	enum bfd_reject reject = bfd_auth_check(key_in_use(s), &s->auth, detect_mult, p);

	if (reject == BFD_ACCEPTED || !s->key_is_due ||
	    bfd_auth_check(&s->config.auth, &fresh, detect_mult, p) != BFD_ACCEPTED)
		return reject;
	use_key(s);
	s->auth = fresh;
	return BFD_ACCEPTED;
}

/* ---- state ----------------------------------------------------------------------------------- */

static void report(struct bfd_session *s, enum bfd_state from)
{
	if (s->n_events == BFD_EVENTS) {
		s->first_event = (s->first_event + 1) % BFD_EVENTS;
		s->n_events--;
	}
	s->events[(s->first_event + s->n_events++) % BFD_EVENTS] = (struct bfd_event){
		.from = from,
		.to = s->state,
		.diag = s->diag,
		.remote_diag = s->remote.diag,
		.remote_state = s->remote.state,
		.at = s->since,
		.silence =
			s->heard_at == 0 ? NSEC_NEVER : s->since - nsec_min(s->heard_at, s->since)};
}

/* Every change is told to the peer at once (6.8.7: "in order to more rapidly communicate"). */
static void set_state(struct bfd_session *s, nsec_t now, enum bfd_state to, uint8_t diag)
{
	enum bfd_state from = s->state;

	assert(from != to);
	assert(to != BFD_UP || s->remote.discriminator != 0);
	s->counters.flaps += from == BFD_UP;
	s->state = to;
	s->diag = diag;
	s->since = now;
	s->is_polling = false;
	s->poll_rests_until = 0;
	s->change_is_due = true;
	bfd_echo_set(&s->echo, now, 0, &s->rng);
	if (s->key_is_due) /* there is nothing left to be kept alive by the former one */
		use_key(s);
	s->offered = wanted(s);
	in_force_now(s);
	/* The interval falls from a second to what is configured. */
	if (to == BFD_UP)
		begin_poll(s);
	report(s, from);
}

/*
 * 6.8.9: only while both are Up and the peer takes them. It begins with a poll sequence, and with
 * one more where nothing was heard yet: the Final comes by the way of the peer's packets, which the
 * driver has to learn where they are kept from it (bfd_session_carried).
 */
static void follow_echo(struct bfd_session *s, nsec_t now)
{
	const bool was_on = s->echo.interval != 0;
	nsec_t interval = 0;

	if (s->state == BFD_UP && s->remote.state == BFD_UP && !s->config.is_multihop &&
	    s->config.echo_tx_us != 0 && s->remote.min_echo_rx_us != 0)
		interval = larger(s->config.echo_tx_us, s->remote.min_echo_rx_us) * NSEC_PER_USEC;
	if (!was_on && interval != 0 && !s->is_polling)
		begin_poll(s);
	bfd_echo_set(&s->echo, now, s->heard_on != 0 ? interval : 0, &s->rng);
	offer(s, now);
}

/* 6.8.4: nothing was heard for the detection time. */
static void expire(struct bfd_session *s, nsec_t now)
{
	assert(s->remote.discriminator != 0);
	s->counters.expired++;
	if (s->auth.is_known)
		s->auth_known_until = nsec_add(expires_at(s), bfd_session_detection(s));
	if (s->state == BFD_INIT || s->state == BFD_UP)
		set_state(s, now, BFD_DOWN, BFD_DIAG_EXPIRED);
	s->final_is_due = false;
	forget_remote(s);
}

/* The last paragraphs of 6.8.6. */
static void follow(struct bfd_session *s, nsec_t now, enum bfd_state heard)
{
	assert(s->state != BFD_ADMIN_DOWN);
	if (heard == BFD_ADMIN_DOWN) {
		if (s->state != BFD_DOWN)
			set_state(s, now, BFD_DOWN, BFD_DIAG_NEIGHBOUR_DOWN);
	} else if (s->state == BFD_DOWN) {
		if (heard == BFD_DOWN)
			set_state(s, now, BFD_INIT, s->diag);
		else if (heard == BFD_INIT)
			set_state(s, now, BFD_UP, BFD_DIAG_NONE);
	} else if (s->state == BFD_INIT) {
		if (heard == BFD_INIT || heard == BFD_UP)
			set_state(s, now, BFD_UP, BFD_DIAG_NONE);
	} else if (heard == BFD_DOWN) {
		set_state(s, now, BFD_DOWN, BFD_DIAG_NEIGHBOUR_DOWN);
	}
}

/* ---- verbs ----------------------------------------------------------------------------------- */

static void check_config(const struct bfd_config *c)
{
	assert(c->terms.min_tx_us > 0);
	assert(c->terms.min_rx_us > 0);
	assert(c->terms.detect_mult > 0);
	assert(!ip_addr_is_none(&c->peer));
	assert(c->auth.len <= bfd_auth_key_max(c->auth.type));
	assert((c->auth.type == BFD_AUTH_NONE) == (c->auth.len == 0));
}

void bfd_session_init(struct bfd_session *s, const struct bfd_config *config,
		      uint32_t discriminator, const struct rng *rng, nsec_t now)
{
	check_config(config);
	assert(discriminator != 0);
	*s = (struct bfd_session){.config = *config,
				  .discriminator = discriminator,
				  .rng = *rng,
				  .state = BFD_DOWN,
				  .since = now,
				  .offered = config->terms,
				  .auth_known_until = NSEC_NEVER};
	/* 6.8.1: the sequence begins at random, so that an earlier run's packets are no replay. */
	s->auth.sent = (uint32_t)rng_next(&s->rng);
	in_force_now(s);
	forget_remote(s);
}

void bfd_session_reconfigure(struct bfd_session *s, nsec_t now, const struct bfd_config *config)
{
	check_config(config);
	assert(ip_addr_equal(&config->peer, &s->config.peer));
	assert(config->ifindex == s->config.ifindex && config->vrf == s->config.vrf);
	assert(config->is_multihop == s->config.is_multihop);
	take_key(s, &config->auth);
	s->config = *config;
	follow_echo(s, now);
}

void bfd_session_forget_keys(struct bfd_session *s)
{
	memset(s->config.auth.key, 0, sizeof(s->config.auth.key));
	memset(s->key_until.key, 0, sizeof(s->key_until.key));
}

static enum bfd_reject check_path(const struct bfd_config *c, const struct bfd_arrival *a)
{
	if (a->is_multihop != c->is_multihop)
		return BFD_REJECT_PORT;
	if (!ip_addr_equal(&a->source, &c->peer))
		return BFD_REJECT_SOURCE;
	if (c->vrf != a->vrf || (c->ifindex != 0 && a->ifindex != c->ifindex))
		return BFD_REJECT_INTERFACE;
	if (a->ttl < (c->is_multihop ? c->minimum_ttl : BFD_TTL))
		return BFD_REJECT_TTL;
	return BFD_ACCEPTED;
}

static enum bfd_reject check(struct bfd_session *s, const struct bfd_arrival *a,
			     const struct bfd_packet *p)
{
	enum bfd_reject reject = check_path(&s->config, a);

	if (reject != BFD_ACCEPTED)
		return reject;
	if (s->state == BFD_ADMIN_DOWN)
		return BFD_REJECT_ADMIN_DOWN;
	return check_auth(s, p);
}

/* 6.8.6, "set bfd.RemoteDiscr" and what follows. */
static void learn(struct bfd_session *s, nsec_t at, const struct bfd_packet *p)
{
	s->remote = (struct bfd_remote){.discriminator = p->my_discriminator,
					.state = p->state,
					.diag = p->diag,
					.has_demand = p->demand,
					.is_independent = p->independent,
					.terms = {.min_tx_us = p->min_tx_us,
						  .min_rx_us = p->min_rx_us,
						  .detect_mult = p->detect_mult},
					.min_echo_rx_us = p->min_echo_rx_us};
	s->auth_known_until = NSEC_NEVER;
	s->heard_at = at;
}

enum bfd_reject bfd_session_receive(struct bfd_session *s, const struct bfd_arrival *arrival,
				    const struct bfd_packet *p)
{
	enum bfd_reject reject = check(s, arrival, p);
	/* Read after a later one, it tells how the peer was and not how it is. */
	const bool is_old = arrival->at < s->heard_at;

	if (reject != BFD_ACCEPTED) {
		s->counters.rejected[reject]++;
		return reject;
	}
	s->counters.received++;
	/* The silence was long enough, though we wake up only now. */
	if (is_expired(s, arrival->at))
		expire(s, arrival->at);
	if (!is_old)
		learn(s, arrival->at, p);
	s->heard_on = arrival->ifindex;
	/* An answer to what was never asked is one to an earlier sequence. */
	if (p->final && s->is_polling && s->poll_was_sent)
		end_poll(s, arrival->at);
	if (!is_old)
		follow(s, arrival->at, p->state);
	if (p->poll)
		s->final_is_due = true;
	follow_echo(s, arrival->at);
	return BFD_ACCEPTED;
}

void bfd_session_notify(struct bfd_session *s, nsec_t now, enum bfd_note note)
{
	switch (note) {
	case BFD_NOTE_ADMIN_DOWN:
		if (s->state != BFD_ADMIN_DOWN)
			set_state(s, now, BFD_ADMIN_DOWN, BFD_DIAG_ADMIN_DOWN);
		s->final_is_due = false;
		break;
	case BFD_NOTE_ADMIN_UP:
		if (s->state == BFD_ADMIN_DOWN)
			set_state(s, now, BFD_DOWN, BFD_DIAG_NONE);
		break;
	case BFD_NOTE_PATH_DOWN:
		if (s->state == BFD_INIT || s->state == BFD_UP)
			set_state(s, now, BFD_DOWN, BFD_DIAG_PATH_DOWN);
		break;
	}
}

void bfd_session_tick(struct bfd_session *s, nsec_t now)
{
	if (is_expired(s, now))
		expire(s, now);
	else if (bfd_echo_is_silent(&s->echo, now, s->offered.detect_mult)) /* 6.8.5 */
		set_state(s, now, BFD_DOWN, BFD_DIAG_ECHO_FAILED);
	if (now >= s->auth_known_until) {
		s->auth.is_known = false;
		s->auth_known_until = NSEC_NEVER;
	}
	offer(s, now);
}

struct bfd_packet bfd_session_packet(const struct bfd_session *s)
{
	return (struct bfd_packet){.diag = s->diag,
				   .state = s->state,
				   .poll = s->is_polling,
				   .independent = s->is_carried,
				   .has_auth = bfd_auth_len(key_in_use(s)) > 0,
				   .detect_mult = s->offered.detect_mult,
				   .my_discriminator = s->discriminator,
				   .your_discriminator = s->remote.discriminator,
				   .min_tx_us = offered_tx_us(s),
				   .min_rx_us = s->offered.min_rx_us,
				   .min_echo_rx_us =
					   s->is_reflecting ? s->config.min_echo_rx_us : 0};
}

static size_t write_packet(struct bfd_session *s, bool final, uint8_t buf[BFD_PACKET_MAX])
{
	const struct bfd_auth_key *key = key_in_use(s);
	size_t auth_len = bfd_auth_len(key);
	struct bfd_packet p = bfd_session_packet(s);

	p.final = final;
	p.poll = p.poll && !final;
	bfd_packet_encode(buf, &p, auth_len);
	if (auth_len > 0)
		bfd_auth_write(key, &s->auth, buf);
	s->counters.sent++;
	return BFD_PACKET_BYTES + auth_len;
}

size_t bfd_session_transmit(struct bfd_session *s, nsec_t now, uint8_t buf[BFD_PACKET_MAX])
{
	if (s->final_is_due) {
		s->final_is_due = false;
		return write_packet(s, true, buf);
	}
	if (!may_send(s))
		s->change_is_due = false;
	if (!s->change_is_due && now < sends_at(s))
		return 0;
	s->change_is_due = false;
	s->sent_at = now;
	draw_jitter(s);
	if (s->is_polling && !s->poll_was_sent) {
		s->poll_was_sent = true;
		s->poll_since = now;
	}
	return write_packet(s, false, buf);
}

bool bfd_session_transmit_echo(struct bfd_session *s, nsec_t now, uint8_t buf[BFD_ECHO_BYTES])
{
	const bool is_due = bfd_echo_transmit(&s->echo, now, s->discriminator, &s->rng, buf);

	s->counters.echo_sent += is_due;
	return is_due;
}

bool bfd_session_receive_echo(struct bfd_session *s, nsec_t at, const uint8_t *data, size_t len)
{
	if (!bfd_echo_receive(&s->echo, at, s->discriminator, data, len))
		return false;
	s->counters.echo_returned++;
	offer(s, at);
	return true;
}

void bfd_session_carried(struct bfd_session *s, const struct bfd_carried *c)
{
	uint64_t n = c->n_answered < s->n_carried ? c->n_answered : c->n_answered - s->n_carried;
	const bool is_other = c->is_carried != s->is_carried;

	s->n_carried = c->n_answered;
	s->is_carried = c->is_carried;
	s->is_timed = c->is_carried && c->is_timed;
	s->is_reflecting = c->is_reflecting;
	if (s->state != BFD_UP)
		return;
	if (c->heard_at > s->heard_at)
		s->heard_at = c->heard_at;
	if (c->answered_at > s->sent_at || is_other)
		draw_jitter(s);
	if (c->answered_at > s->sent_at)
		s->sent_at = c->answered_at;
	s->counters.received += n;
	s->counters.sent += n;
}

void bfd_session_resume(struct bfd_session *s, nsec_t now, const struct bfd_left *left)
{
	const struct bfd_packet *said = &left->said;

	assert(s->state == BFD_DOWN && s->remote.discriminator == 0);
	assert(said->my_discriminator == s->discriminator);
	s->state = BFD_UP;
	s->since = now;
	s->offered = (struct bfd_terms){said->min_tx_us, said->min_rx_us, said->detect_mult};
	in_force_now(s);
	learn(s, left->heard_at, &left->heard);
	s->n_carried = left->n_answered;
	report(s, BFD_DOWN);
	follow_echo(s, now);
}

bool bfd_session_poll(struct bfd_session *s, struct bfd_event *ret)
{
	if (s->n_events == 0)
		return false;
	*ret = s->events[s->first_event];
	s->first_event = (s->first_event + 1) % BFD_EVENTS;
	s->n_events--;
	return true;
}

nsec_t bfd_session_deadline(const struct bfd_session *s)
{
	const bool is_timed = s->is_timed && s->state == BFD_UP;
	nsec_t at = is_timed ? NSEC_NEVER : nsec_min(expires_at(s), sends_at(s));

	at = nsec_min(at, s->auth_known_until);
	at = nsec_min(at, bfd_echo_deadline(&s->echo, s->offered.detect_mult));
	if (s->final_is_due || (s->change_is_due && may_send(s)))
		return 0;
	if (s->state == BFD_UP && !s->is_polling && !is_offered(s))
		at = nsec_min(at, s->poll_rests_until);
	return at;
}
