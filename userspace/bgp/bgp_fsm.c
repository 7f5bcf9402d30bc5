// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * RFC 4271 8.2.2, one function per state, each a switch over all events. The numbers in comments
 * are the RFC's event numbers. A connection that ends always becomes Idle (or, when TCP failed
 * before a session began, Active) without a timer: when to try again is the owner's decision, which
 * knows of the other connection and of the past.
 *
 * Two deliberate differences from the letter of the RFC. TCP failing in Connect leads to Active, as
 * in every implementation that operators know, not to Idle. And a NOTIFICATION received in OpenSent
 * closes without an answer, because answering a NOTIFICATION with one tells the peer nothing.
 */
#include "bgp/bgp_fsm.h"

#include "bgp/bgp_offer.h"

#include <assert.h>

static nsec_t seconds(uint32_t s)
{
	return s * NSEC_PER_SEC;
}

uint16_t bgp_fsm_keepalive_s(const struct bgp_conn *c)
{
	uint16_t third = c->hold_s / 3, configured = c->config->keepalive_s;

	if (c->hold_s == 0)
		return 0;
	return configured > 0 && configured < third ? configured : third;
}

void bgp_fsm_restart_keepalive(struct bgp_conn *c, nsec_t now)
{
	c->keepalive_at = c->keepalive_s == 0
				  ? NSEC_NEVER
				  : now + rng_jitter(&c->rng, seconds(c->keepalive_s), 192, 256);
}

void bgp_fsm_restart_send_hold(struct bgp_conn *c, nsec_t now)
{
	uint32_t s = 2u * c->hold_s;

	if (s < BGP_SEND_HOLD_MIN_S)
		s = BGP_SEND_HOLD_MIN_S;
	c->send_hold_at = c->hold_s == 0 ? NSEC_NEVER : now + seconds(s);
}

/* The hold timer is exact: only timers of sending are jittered. */
static void restart_hold(struct bgp_conn *c, nsec_t now)
{
	c->hold_at = c->hold_s == 0 ? NSEC_NEVER : now + seconds(c->hold_s);
}

/* ConnectRetryTimer of Connect: how long one attempt of the kernel may take. */
static void dial(struct bgp_conn *c, nsec_t now)
{
	uint32_t s = c->config->connect_s;

	assert(!c->is_passive);
	c->want_connect = true;
	c->retry_at = now + seconds(s > BGP_DIAL_S ? s : BGP_DIAL_S);
	c->state = BGP_CONNECT;
}

static void set_reason(struct bgp_conn *c, const char *reason)
{
	assert(reason != NULL);
	(void)snprintf(c->reason, sizeof(c->reason), "%s", reason);
}

/* Ends the connection, or the attempt. Nothing of a session is left but a pending NOTIFICATION. */
static void leave(struct bgp_conn *c, enum bgp_state to)
{
	if (c->want_connect)
		c->want_connect = false; /* the driver has not heard of it yet */
	else if (c->state != BGP_IDLE && c->state != BGP_ACTIVE)
		c->want_close = true;
	c->retry_at = c->hold_at = c->keepalive_at = c->send_hold_at = NSEC_NEVER;
	c->send_open = c->send_open && c->send_notification;
	c->send_keepalive = false;
	c->waits_for_bfd = c->has_confirmed = false;
	memset(c->refresh, BGP_REFRESH_NONE, sizeof(c->refresh));
	c->send_request = (struct bgp_families){0};
	c->rx_len = 0;
	c->routes_received = 0;
	c->state = to;
}

static void close_quietly(struct bgp_conn *c, const char *reason)
{
	set_reason(c, reason);
	leave(c, BGP_IDLE);
}

static void close_with(struct bgp_conn *c, const struct bgp_error *e, const char *reason)
{
	if (!reason)
		(void)snprintf(c->reason, sizeof(c->reason), "sent NOTIFICATION %s",
			       bgp_notification_text(e->code, e->subcode));
	else
		set_reason(c, reason);
	c->notification = *e;
	c->send_notification = true;
	leave(c, BGP_IDLE);
}

/* 2, 8: with a NOTIFICATION if the input has one. */
static void stop(struct bgp_conn *c, const struct bgp_fsm_input *in)
{
	if (in->error)
		close_with(c, in->error, in->reason);
	else
		close_quietly(c, in->reason);
}

static void close_hold_expired(struct bgp_conn *c)
{
	struct bgp_error e = bgp_error_make(BGP_ERROR_HOLD_TIMER, 0);

	if (c->waits_for_bfd) {
		e = bgp_error_make(BGP_ERROR_CEASE, BGP_CEASE_BFD_DOWN);
		close_with(c, &e, "the BFD session did not come up (bfd-strict)");
		return;
	}
	close_with(c, &e, "hold timer expired");
}

/* RFC 9687: the peer takes nothing, so a NOTIFICATION would only sit behind what it did not take.
 */
static void close_send_hold(struct bgp_conn *c)
{
	close_quietly(c, "send hold timer expired: the peer takes no data");
}

static void close_tcp_failed(struct bgp_conn *c, const struct bgp_fsm_input *in)
{
	close_quietly(c, in->reason ? in->reason : "TCP connection lost");
}

static void close_notified(struct bgp_conn *c, const struct bgp_fsm_input *in)
{
	char text[BGP_RECEIVED_TEXT];

	(void)snprintf(c->reason, sizeof(c->reason), "received NOTIFICATION %s",
		       bgp_received_text(in->error, &c->sent, text));
	c->is_refused = c->state < BGP_ESTABLISHED;
	leave(c, BGP_IDLE);
}

/* An event that must not happen in this state: 5/1, 5/2, 5/3 with the message's type (RFC 6608). */
static void close_unexpected(struct bgp_conn *c, const struct bgp_fsm_input *in)
{
	uint8_t subcode = c->state == BGP_OPEN_SENT      ? BGP_FSM_IN_OPEN_SENT
			  : c->state == BGP_OPEN_CONFIRM ? BGP_FSM_IN_OPEN_CONFIRM
							 : BGP_FSM_IN_ESTABLISHED;
	struct bgp_error e =
		bgp_error_with(BGP_ERROR_FSM, subcode, &in->message_type, in->message_type != 0);

	assert(c->state >= BGP_OPEN_SENT);
	close_with(c, &e, NULL);
}

/* 16, 17: the connection is up, the OPEN goes out. */
static void enter_open_sent(struct bgp_conn *c, nsec_t now)
{
	c->sent = bgp_offer_open(&c->offer, c->config, &c->gr);
	c->received = (struct bgp_open){0};
	c->hold_s = c->keepalive_s = 0;
	c->want_connect = false;
	c->send_open = true;
	c->send_notification = c->send_keepalive = false;
	c->end_of_rib_sent = c->end_of_rib_received = (struct bgp_families){0};
	c->may_return = false;
	c->retry_at = NSEC_NEVER;
	c->hold_at = now + seconds(BGP_OPEN_HOLD_S);
	c->state = BGP_OPEN_SENT;
}

static void confirm(struct bgp_conn *c, nsec_t now)
{
	c->send_keepalive = true;
	bgp_fsm_restart_keepalive(c, now);
}

/* 19 in OpenSent: what the two OPENs agree on (RFC 4271 4.2, 8.2.2). */
static void enter_open_confirm(struct bgp_conn *c, nsec_t now, const struct bgp_open *open)
{
	assert(!bgp_families_is_empty(bgp_families_common(open->families, c->sent.families)));
	c->received = *open;
	c->hold_s = open->hold_s < c->sent.hold_s ? open->hold_s : c->sent.hold_s;
	c->keepalive_s = bgp_fsm_keepalive_s(c);
	c->waits_for_bfd = c->config->bfd_strict && !c->bfd_permits;
	if (!c->waits_for_bfd)
		confirm(c, now);
	restart_hold(c, now);
	/*
	 * With hold time 0 the RFC stops the timer; a peer that falls silent here must not keep the
	 * slot for ever, so the large value stays until Established.
	 */
	if (c->hold_s == 0)
		c->hold_at = now + seconds(c->waits_for_bfd ? BGP_BFD_HOLD_S : BGP_OPEN_HOLD_S);
	c->state = BGP_OPEN_CONFIRM;
}

static void enter_established(struct bgp_conn *c, nsec_t now)
{
	bgp_fsm_restart_send_hold(c, now);
	c->state = BGP_ESTABLISHED;
}

/* 26 in OpenConfirm. */
static void on_confirmed(struct bgp_conn *c, nsec_t now)
{
	c->has_confirmed = c->waits_for_bfd;
	if (!c->waits_for_bfd || c->hold_s > 0) /* else the wait alone would have no end */
		restart_hold(c, now);
	if (!c->waits_for_bfd)
		enter_established(c, now);
}

/* 32 in OpenConfirm: what was withheld goes out. The hold timer goes on: nothing was heard. */
static void on_bfd_up(struct bgp_conn *c, nsec_t now)
{
	if (!c->waits_for_bfd)
		return;
	c->waits_for_bfd = false;
	confirm(c, now);
	if (c->hold_s == 0)
		c->hold_at = c->has_confirmed ? NSEC_NEVER : now + seconds(BGP_OPEN_HOLD_S);
	if (c->has_confirmed)
		enter_established(c, now);
	c->has_confirmed = false;
}

static void on_idle(struct bgp_conn *c, nsec_t now, const struct bgp_fsm_input *in)
{
	switch (in->event) {
	case BGP_FSM_MANUAL_START: /* 1 */
	case BGP_FSM_IDLE_HOLD:    /* 13 */
		dial(c, now);
		break;
	case BGP_FSM_PASSIVE_START: /* 4 */
		c->state = BGP_ACTIVE;
		break;
	case BGP_FSM_MANUAL_STOP: /* 2 */
		c->retry_at = NSEC_NEVER;
		break;
	case BGP_FSM_TCP_ACKED:     /* 16 */
	case BGP_FSM_TCP_CONFIRMED: /* 17: nobody asked for this connection any more */
		c->want_close = true;
		break;
	case BGP_FSM_AUTOMATIC_STOP: /* 8 */
	case BGP_FSM_CONNECT_RETRY:
	case BGP_FSM_HOLD_EXPIRED:
	case BGP_FSM_KEEPALIVE_EXPIRED:
	case BGP_FSM_TCP_FAILS:
	case BGP_FSM_OPEN:
	case BGP_FSM_HEADER_ERROR:
	case BGP_FSM_OPEN_ERROR:
	case BGP_FSM_COLLISION_DUMP:
	case BGP_FSM_NOTIFICATION_VERSION:
	case BGP_FSM_NOTIFICATION:
	case BGP_FSM_KEEPALIVE:
	case BGP_FSM_UPDATE:
	case BGP_FSM_UPDATE_ERROR:
	case BGP_FSM_SEND_HOLD:
	case BGP_FSM_ROUTE_REFRESH:
	case BGP_FSM_BFD_UP:
		break; /* "any other event ... does not cause change in the state" */
	}
}

static void on_connect(struct bgp_conn *c, nsec_t now, const struct bgp_fsm_input *in)
{
	switch (in->event) {
	case BGP_FSM_MANUAL_START:  /* 1 */
	case BGP_FSM_PASSIVE_START: /* 4 */
	case BGP_FSM_BFD_UP:
		break;
	case BGP_FSM_CONNECT_RETRY: /* 9: this attempt takes too long, another */
		set_reason(c, "no answer to the TCP connection attempt");
		leave(c, BGP_IDLE);
		dial(c, now);
		break;
	case BGP_FSM_TCP_ACKED:     /* 16 */
	case BGP_FSM_TCP_CONFIRMED: /* 17 */
		enter_open_sent(c, now);
		break;
	case BGP_FSM_TCP_FAILS: /* 18 */
		set_reason(c, in->reason ? in->reason : "TCP connection failed");
		leave(c, BGP_ACTIVE);
		break;
	case BGP_FSM_MANUAL_STOP:    /* 2: no OPEN was sent, so no NOTIFICATION */
	case BGP_FSM_AUTOMATIC_STOP: /* 8 */
		close_quietly(c, in->reason);
		break;
	case BGP_FSM_HOLD_EXPIRED:
	case BGP_FSM_KEEPALIVE_EXPIRED:
	case BGP_FSM_IDLE_HOLD:
	case BGP_FSM_OPEN:
	case BGP_FSM_HEADER_ERROR:
	case BGP_FSM_OPEN_ERROR:
	case BGP_FSM_COLLISION_DUMP:
	case BGP_FSM_NOTIFICATION_VERSION:
	case BGP_FSM_NOTIFICATION:
	case BGP_FSM_KEEPALIVE:
	case BGP_FSM_UPDATE:
	case BGP_FSM_UPDATE_ERROR:
	case BGP_FSM_SEND_HOLD:
	case BGP_FSM_ROUTE_REFRESH:
		leave(c, BGP_IDLE);
		break;
	}
}

static void on_active(struct bgp_conn *c, nsec_t now, const struct bgp_fsm_input *in)
{
	switch (in->event) {
	case BGP_FSM_MANUAL_START:  /* 1 */
	case BGP_FSM_PASSIVE_START: /* 4 */
	case BGP_FSM_BFD_UP:
		break;
	case BGP_FSM_CONNECT_RETRY: /* 9 */
		dial(c, now);
		break;
	case BGP_FSM_TCP_ACKED:     /* 16 */
	case BGP_FSM_TCP_CONFIRMED: /* 17 */
		enter_open_sent(c, now);
		break;
	case BGP_FSM_TCP_FAILS: /* 18: the accepted connection is gone again */
		close_tcp_failed(c, in);
		break;
	case BGP_FSM_MANUAL_STOP:    /* 2 */
	case BGP_FSM_AUTOMATIC_STOP: /* 8 */
		close_quietly(c, in->reason);
		break;
	case BGP_FSM_HOLD_EXPIRED:
	case BGP_FSM_KEEPALIVE_EXPIRED:
	case BGP_FSM_IDLE_HOLD:
	case BGP_FSM_OPEN:
	case BGP_FSM_HEADER_ERROR:
	case BGP_FSM_OPEN_ERROR:
	case BGP_FSM_COLLISION_DUMP:
	case BGP_FSM_NOTIFICATION_VERSION:
	case BGP_FSM_NOTIFICATION:
	case BGP_FSM_KEEPALIVE:
	case BGP_FSM_UPDATE:
	case BGP_FSM_UPDATE_ERROR:
	case BGP_FSM_SEND_HOLD:
	case BGP_FSM_ROUTE_REFRESH:
		leave(c, BGP_IDLE);
		break;
	}
}

static void on_open_sent(struct bgp_conn *c, nsec_t now, const struct bgp_fsm_input *in)
{
	switch (in->event) {
	case BGP_FSM_MANUAL_START:  /* 1 */
	case BGP_FSM_PASSIVE_START: /* 4 */
	case BGP_FSM_TCP_ACKED:     /* 16 */
	case BGP_FSM_TCP_CONFIRMED: /* 17 */
	case BGP_FSM_BFD_UP:
		break;
	case BGP_FSM_OPEN: /* 19 */
		enter_open_confirm(c, now, in->open);
		break;
	case BGP_FSM_TCP_FAILS: /* 18: "continues to listen", which a passive slot does not */
		set_reason(c, in->reason ? in->reason : "TCP connection lost");
		leave(c, c->is_passive ? BGP_IDLE : BGP_ACTIVE);
		break;
	case BGP_FSM_MANUAL_STOP:    /* 2 */
	case BGP_FSM_AUTOMATIC_STOP: /* 8 */
		stop(c, in);
		break;
	case BGP_FSM_HOLD_EXPIRED: /* 10 */
		close_hold_expired(c);
		break;
	case BGP_FSM_HEADER_ERROR:   /* 21 */
	case BGP_FSM_OPEN_ERROR:     /* 22 */
	case BGP_FSM_COLLISION_DUMP: /* 23 */
		close_with(c, in->error, in->reason);
		break;
	case BGP_FSM_NOTIFICATION_VERSION: /* 24 */
	case BGP_FSM_NOTIFICATION:         /* 25 */
		close_notified(c, in);
		break;
	case BGP_FSM_SEND_HOLD: /* 29 */
		close_send_hold(c);
		break;
	case BGP_FSM_CONNECT_RETRY:     /* 9 */
	case BGP_FSM_KEEPALIVE_EXPIRED: /* 11 */
	case BGP_FSM_IDLE_HOLD:         /* 13 */
	case BGP_FSM_KEEPALIVE:         /* 26 */
	case BGP_FSM_UPDATE:            /* 27 */
	case BGP_FSM_UPDATE_ERROR:      /* 28 */
	case BGP_FSM_ROUTE_REFRESH:
		close_unexpected(c, in);
		break;
	}
}

static void on_open_confirm(struct bgp_conn *c, nsec_t now, const struct bgp_fsm_input *in)
{
	switch (in->event) {
	case BGP_FSM_MANUAL_START:  /* 1 */
	case BGP_FSM_PASSIVE_START: /* 4 */
	case BGP_FSM_TCP_ACKED:     /* 16 */
	case BGP_FSM_TCP_CONFIRMED: /* 17 */
		break;
	case BGP_FSM_KEEPALIVE_EXPIRED: /* 11 */
		c->send_keepalive = true;
		bgp_fsm_restart_keepalive(c, now);
		break;
	case BGP_FSM_KEEPALIVE: /* 26 */
		on_confirmed(c, now);
		break;
	case BGP_FSM_BFD_UP: /* 32 */
		on_bfd_up(c, now);
		break;
	case BGP_FSM_TCP_FAILS: /* 18 */
		close_tcp_failed(c, in);
		break;
	case BGP_FSM_MANUAL_STOP:    /* 2 */
	case BGP_FSM_AUTOMATIC_STOP: /* 8 */
		stop(c, in);
		break;
	case BGP_FSM_HOLD_EXPIRED: /* 10 */
		close_hold_expired(c);
		break;
	case BGP_FSM_HEADER_ERROR:   /* 21 */
	case BGP_FSM_OPEN_ERROR:     /* 22 */
	case BGP_FSM_COLLISION_DUMP: /* 23 */
		close_with(c, in->error, in->reason);
		break;
	case BGP_FSM_NOTIFICATION_VERSION: /* 24 */
	case BGP_FSM_NOTIFICATION:         /* 25 */
		close_notified(c, in);
		break;
	case BGP_FSM_SEND_HOLD: /* 29 */
		close_send_hold(c);
		break;
	case BGP_FSM_CONNECT_RETRY: /* 9 */
	case BGP_FSM_IDLE_HOLD:     /* 13 */
	case BGP_FSM_OPEN:          /* 19: a second one on the same connection */
	case BGP_FSM_UPDATE:        /* 27 */
	case BGP_FSM_UPDATE_ERROR:  /* 28 */
	case BGP_FSM_ROUTE_REFRESH:
		close_unexpected(c, in);
		break;
	}
}

/*
 * RFC 4724 4.2 keeps routes of a peer whose TCP connection is gone, RFC 8538 4 also over a
 * NOTIFICATION and a hold timer that expired, if it is no Hard Reset. What we end by ourselves with
 * a NOTIFICATION is over; without one (the peer has come anew) it is as if TCP had failed.
 */
static bool keeps_routes(const struct bgp_conn *c, const struct bgp_fsm_input *in)
{
	switch (in->event) {
	case BGP_FSM_TCP_FAILS:
		return true;
	case BGP_FSM_MANUAL_STOP:
		return in->error == NULL;
	case BGP_FSM_NOTIFICATION:
		return bgp_conn_keeps_over_notification(c) &&
		       !(in->error->code == BGP_ERROR_CEASE &&
			 in->error->subcode == BGP_CEASE_HARD_RESET);
	case BGP_FSM_HOLD_EXPIRED:
	case BGP_FSM_SEND_HOLD:
	case BGP_FSM_HEADER_ERROR:
	case BGP_FSM_UPDATE_ERROR:
		return bgp_conn_keeps_over_notification(c);
	case BGP_FSM_MANUAL_START:
	case BGP_FSM_PASSIVE_START:
	case BGP_FSM_AUTOMATIC_STOP:
	case BGP_FSM_CONNECT_RETRY:
	case BGP_FSM_KEEPALIVE_EXPIRED:
	case BGP_FSM_IDLE_HOLD:
	case BGP_FSM_TCP_ACKED:
	case BGP_FSM_TCP_CONFIRMED:
	case BGP_FSM_OPEN:
	case BGP_FSM_OPEN_ERROR:
	case BGP_FSM_COLLISION_DUMP:
	case BGP_FSM_NOTIFICATION_VERSION:
	case BGP_FSM_KEEPALIVE:
	case BGP_FSM_UPDATE:
	case BGP_FSM_ROUTE_REFRESH:
	case BGP_FSM_BFD_UP:
		break;
	}
	return false;
}

static void on_established(struct bgp_conn *c, nsec_t now, const struct bgp_fsm_input *in)
{
	c->may_return = keeps_routes(c, in);
	switch (in->event) {
	case BGP_FSM_MANUAL_START:  /* 1 */
	case BGP_FSM_PASSIVE_START: /* 4 */
	case BGP_FSM_TCP_ACKED:     /* 16: RFC 4724 5 is the owner's matter */
	case BGP_FSM_TCP_CONFIRMED: /* 17 */
	case BGP_FSM_BFD_UP:
		break;
	case BGP_FSM_KEEPALIVE_EXPIRED: /* 11 */
		c->send_keepalive = true;
		bgp_fsm_restart_keepalive(c, now);
		break;
	case BGP_FSM_KEEPALIVE: /* 26 */
	case BGP_FSM_UPDATE:    /* 27 */
		restart_hold(c, now);
		break;
	case BGP_FSM_ROUTE_REFRESH: /* restarts no timer: RFC 4271 4.2 names KEEPALIVE, UPDATE */
		c->refresh[in->family] = BGP_REFRESH_ASKED;
		break;
	case BGP_FSM_TCP_FAILS: /* 18 */
		close_tcp_failed(c, in);
		break;
	case BGP_FSM_MANUAL_STOP:    /* 2 */
	case BGP_FSM_AUTOMATIC_STOP: /* 8 */
		stop(c, in);
		break;
	case BGP_FSM_HOLD_EXPIRED: /* 10 */
		close_hold_expired(c);
		break;
	case BGP_FSM_HEADER_ERROR:   /* 21 */
	case BGP_FSM_COLLISION_DUMP: /* 23 */
	case BGP_FSM_UPDATE_ERROR:   /* 28 */
		close_with(c, in->error, in->reason);
		break;
	case BGP_FSM_NOTIFICATION_VERSION: /* 24 */
	case BGP_FSM_NOTIFICATION:         /* 25 */
		close_notified(c, in);
		break;
	case BGP_FSM_SEND_HOLD: /* 29 */
		close_send_hold(c);
		break;
	case BGP_FSM_CONNECT_RETRY: /* 9 */
	case BGP_FSM_IDLE_HOLD:     /* 13 */
	case BGP_FSM_OPEN:          /* 19 */
	case BGP_FSM_OPEN_ERROR:    /* 22 */
		close_unexpected(c, in);
		break;
	}
}

/* What holds between two events, whatever they were. */
static void assert_sound(const struct bgp_conn *c)
{
	const bool has_tcp = c->state >= BGP_OPEN_SENT, agreed = c->state >= BGP_OPEN_CONFIRM;

	assert(!c->want_connect || c->state == BGP_CONNECT);
	assert(!c->is_passive || (c->state != BGP_CONNECT && c->retry_at == NSEC_NEVER));
	assert(!has_tcp || c->retry_at == NSEC_NEVER);
	assert(has_tcp || c->hold_at == NSEC_NEVER);
	assert(!has_tcp || c->hold_at != NSEC_NEVER ||
	       (c->state == BGP_ESTABLISHED && c->hold_s == 0));
	assert(agreed || c->keepalive_at == NSEC_NEVER);
	assert(c->state == BGP_ESTABLISHED || c->send_hold_at == NSEC_NEVER);
	assert(!c->send_open || has_tcp || c->send_notification);
	assert(!c->send_notification || !has_tcp); /* nothing follows a NOTIFICATION */
	assert(!c->send_keepalive || agreed);
	assert(!c->waits_for_bfd || (c->state == BGP_OPEN_CONFIRM && !c->send_keepalive &&
				     c->keepalive_at == NSEC_NEVER));
	assert(!c->has_confirmed || c->waits_for_bfd);
	assert(!agreed || c->received.asn != 0);
	assert(c->hold_s == 0 || c->hold_s >= BGP_HOLD_MIN_S);
	assert(c->keepalive_s <= c->hold_s / 3);
	assert(has_tcp || c->rx_len == 0);
	assert(c->state == BGP_ESTABLISHED || c->routes_received == 0);
}

void bgp_fsm_step(struct bgp_conn *c, nsec_t now, const struct bgp_fsm_input *in)
{
	switch (c->state) {
	case BGP_IDLE:
		on_idle(c, now, in);
		break;
	case BGP_CONNECT:
		on_connect(c, now, in);
		break;
	case BGP_ACTIVE:
		on_active(c, now, in);
		break;
	case BGP_OPEN_SENT:
		on_open_sent(c, now, in);
		break;
	case BGP_OPEN_CONFIRM:
		on_open_confirm(c, now, in);
		break;
	case BGP_ESTABLISHED:
		on_established(c, now, in);
		break;
	}
	assert_sound(c);
}
