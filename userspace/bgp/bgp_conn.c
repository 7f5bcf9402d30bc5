// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The verbs of a connection. In: receive() cuts the byte stream into messages, decodes each and
 * turns it into an event of the state machine; notify() and tick() do the same for what the driver
 * tells and for timers. Out: bgp_conn_transmit.c.
 *
 * A malformed UPDATE ends the session only if the decoder says so (RFC 7606). What is received is
 * the Adj-RIB-In's affair, which keeps of it what the peer's import policy may accept.
 */
#include "bgp/bgp_conn.h"

#include "bgp/bgp_fsm.h"
#include "bgp/bgp_malformed.h"
#include "bgp/bgp_update.h"

#include <assert.h>

void bgp_conn_init(struct bgp_conn *c, const struct bgp_peer_config *config, struct bgp_rib *rib,
		   struct bgp_rib_in *rib_in, const struct rng *rng)
{
	memset(c, 0, offsetof(struct bgp_conn, rx));
	c->config = config;
	c->rib = rib;
	c->rib_in = rib_in;
	c->rng = *rng;
	c->state = BGP_IDLE;
	c->retry_at = c->hold_at = c->keepalive_at = c->send_hold_at = NSEC_NEVER;
}

/* ---- in: bytes ------------------------------------------------------------------------------- */

/* A message that ends the session: the NOTIFICATION's name, and what exactly was wrong. */
static void fail(struct bgp_conn *c, nsec_t now, struct bgp_fsm_input *in, const char *detail)
{
	char reason[192];

	(void)snprintf(reason, sizeof(reason), "sent NOTIFICATION %s%s%s",
		       bgp_notification_text(in->error->code, in->error->subcode),
		       detail ? ": " : "", detail ? detail : "");
	in->reason = reason;
	bgp_fsm_step(c, now, in);
}

static void receive_open(struct bgp_conn *c, nsec_t now, const struct bgp_frame *frame)
{
	const struct bgp_peer_config *config = c->config;
	const struct bgp_open_expect expect = {.local_asn = config->local_asn,
					       .local_router_id = c->sent.router_id,
					       .remote_asn = config->remote_asn,
					       .any_external = config->any_external,
					       .any_internal = config->any_internal,
					       .families = c->sent.families,
					       .has_role = c->sent.has_role,
					       .role = c->sent.role};
	struct bgp_open open = {0};
	struct bgp_error error;
	struct bgp_fsm_input in = {
		.event = BGP_FSM_OPEN_ERROR, .message_type = BGP_OPEN, .error = &error};
	char detail[BGP_CAPABILITIES_TEXT];

	if (!bgp_open_decode(frame->body, &open, &error)) {
		fail(c, now, &in, NULL);
	} else if (!bgp_open_validate(&open, &expect, &error)) {
		fail(c, now, &in, bgp_open_refused_text(&error, &open, config, detail));
	} else {
		in.event = BGP_FSM_OPEN;
		in.open = &open;
		bgp_fsm_step(c, now, &in);
	}
}

static void count_routes(struct bgp_conn *c, size_t announced, size_t withdrawn)
{
	c->routes_received += announced;
	c->routes_received -= withdrawn < c->routes_received ? withdrawn : c->routes_received;
}

static void receive_end_of_rib(struct bgp_conn *c, const struct bgp_update *update)
{
	enum bgp_family family;

	if (!bgp_family_of(update->eor_afi, update->eor_safi, &family) ||
	    !bgp_families_has(bgp_conn_families(c), family))
		return;
	bgp_families_put(&c->end_of_rib_received, family, true);
	bgp_rib_in_sweep(c->rib_in, family);
}

static void receive_routes(struct bgp_conn *c, const struct bgp_update *update,
			   const struct bgp_update_session *session)
{
	c->counters.leaks_received += update->is_leak ? update->n_announced : 0;
	count_routes(c, update->n_announced, update->n_withdrawn);
	bgp_rib_in_learn(c->rib_in, update, session);
	if (update->is_end_of_rib)
		receive_end_of_rib(c, update);
	if (bgp_rib_in_has_room_again(c->rib_in))
		(void)bgp_conn_request(c); /* else they come with the next session */
}

static void receive_update(struct bgp_conn *c, nsec_t now, const struct bgp_frame *frame)
{
	const struct bgp_update_session session = bgp_conn_session(c);
	struct bgp_fsm_input in = {.event = BGP_FSM_UPDATE, .message_type = BGP_UPDATE};
	enum bgp_update_result result;
	struct bgp_update update;
	struct bgp_error error;

	if (c->state == BGP_ESTABLISHED) {
		c->counters.updates_received++;
		result = bgp_update_decode(frame->body, &session, &update, &error);
		if (result != BGP_UPDATE_OK)
			bgp_malformed_keep(bgp_rib_in_malformed(c->rib_in), c->rx, frame->len,
					   &session);
		switch (result) {
		case BGP_UPDATE_OK:
		case BGP_UPDATE_ATTRIBUTE_DISCARD:
			receive_routes(c, &update, &session);
			break;
		case BGP_UPDATE_TREAT_AS_WITHDRAW:
			count_routes(c, 0, update.n_announced + update.n_withdrawn);
			bgp_rib_in_unlearn(c->rib_in, &update);
			break;
		case BGP_UPDATE_RESET:
			in.event = BGP_FSM_UPDATE_ERROR;
			in.error = &error;
			fail(c, now, &in, update.reason);
			return;
		}
	}
	bgp_fsm_step(c, now, &in);
}

static void receive_notification(struct bgp_conn *c, nsec_t now, const struct bgp_frame *frame)
{
	struct bgp_error error = {0};
	struct bgp_fsm_input in = {
		.event = BGP_FSM_NOTIFICATION, .message_type = BGP_NOTIFICATION, .error = &error};

	/* False only for what the header's length check refused already; then it is code 0. */
	if (bgp_notification_decode(frame->body, &error))
		c->heard = (struct bgp_said){.at = now, .error = error};
	if (error.code == BGP_ERROR_OPEN && error.subcode == BGP_OPEN_UNSUPPORTED_VERSION)
		in.event = BGP_FSM_NOTIFICATION_VERSION;
	bgp_fsm_step(c, now, &in);
}

/* RFC 7313 4: BoRR and EoRR speak of the peer's routes; what is not sent between them is gone. */
static void receive_refresh_mark(struct bgp_conn *c, enum bgp_family family, uint8_t subtype)
{
	if (!c->sent.enhanced_refresh || !c->received.enhanced_refresh)
		return;
	if (subtype == BGP_REFRESH_BEGIN)
		bgp_rib_in_stale(c->rib_in, family);
	else if (subtype == BGP_REFRESH_END)
		bgp_rib_in_sweep(c->rib_in, family);
}

static void receive_route_refresh(struct bgp_conn *c, nsec_t now, const struct bgp_frame *frame)
{
	struct bgp_fsm_input in = {.event = BGP_FSM_ROUTE_REFRESH,
				   .message_type = BGP_ROUTE_REFRESH};
	struct bgp_route_refresh refresh;
	struct bgp_error error;

	if (c->state == BGP_ESTABLISHED) {
		if (!bgp_route_refresh_decode(frame->body, &refresh, &error)) {
			in.event = BGP_FSM_UPDATE_ERROR;
			in.error = &error;
			fail(c, now, &in, NULL);
			return;
		}
		if (!bgp_family_of(refresh.afi, refresh.safi, &in.family) ||
		    !bgp_families_has(bgp_conn_families(c), in.family))
			return;
		if (refresh.subtype != BGP_REFRESH_REQUEST) {
			receive_refresh_mark(c, in.family, refresh.subtype);
			return;
		}
		bgp_rib_refresh(c->rib, in.family);
	}
	bgp_fsm_step(c, now, &in);
}

static void receive_message(struct bgp_conn *c, nsec_t now, const struct bgp_frame *frame)
{
	const struct bgp_fsm_input keepalive = {.event = BGP_FSM_KEEPALIVE,
						.message_type = BGP_KEEPALIVE};

	bgp_message_count(&c->counters.messages.received, c->rx);
	switch (frame->type) {
	case BGP_OPEN:
		receive_open(c, now, frame);
		break;
	case BGP_UPDATE:
		receive_update(c, now, frame);
		break;
	case BGP_NOTIFICATION:
		receive_notification(c, now, frame);
		break;
	case BGP_KEEPALIVE:
		bgp_fsm_step(c, now, &keepalive);
		break;
	case BGP_ROUTE_REFRESH:
		receive_route_refresh(c, now, frame);
		break;
	}
}

/* How long the message in rx must become before more can be said: first the header, then all. */
static size_t wanted_len(const struct bgp_conn *c)
{
	if (c->rx_len < BGP_HEADER_LEN)
		return BGP_HEADER_LEN;
	return (size_t)c->rx[BGP_MARKER_LEN] << 8 | c->rx[BGP_MARKER_LEN + 1];
}

size_t bgp_conn_receive(struct bgp_conn *c, nsec_t now, const uint8_t *data, size_t len)
{
	struct bgp_fsm_input in = {.event = BGP_FSM_HEADER_ERROR};
	enum bgp_frame_status status = BGP_FRAME_MORE;
	struct bgp_frame frame;
	struct bgp_error error;
	size_t used = 0;

	if (c->state < BGP_OPEN_SENT)
		return len;
	while (status == BGP_FRAME_MORE && used < len) {
		size_t n = wanted_len(c) - c->rx_len;

		assert(n > 0 && c->rx_len + n <= sizeof(c->rx));
		n = n < len - used ? n : len - used;
		memcpy(c->rx + c->rx_len, data + used, n);
		c->rx_len += n;
		used += n;
		status = bgp_header_parse(c->rx, c->rx_len, bgp_conn_max_len(c), &frame, &error);
	}
	if (status == BGP_FRAME_MESSAGE) {
		assert(frame.len == c->rx_len);
		c->rx_len = 0;
		receive_message(c, now, &frame);
	} else if (status == BGP_FRAME_ERROR) {
		in.error = &error;
		fail(c, now, &in, NULL);
	}
	return used;
}

/* ---- in: notes and time ---------------------------------------------------------------------- */

static void stop(struct bgp_conn *c, nsec_t now, enum bgp_fsm_event event, uint8_t cease,
		 const char *reason)
{
	struct bgp_error error = bgp_error_make(BGP_ERROR_CEASE, cease);
	const struct bgp_fsm_input in = {.event = event, .error = &error, .reason = reason};

	bgp_fsm_step(c, now, &in);
}

/* The peer is to forget the routes, too. */
static void stop_hard(struct bgp_conn *c, nsec_t now, enum bgp_fsm_event event,
		      struct bgp_error error, const char *reason)
{
	const struct bgp_fsm_input in = {.event = event, .error = &error, .reason = reason};

	if (bgp_conn_keeps_over_notification(c))
		error = bgp_error_hard_reset(&error);
	bgp_fsm_step(c, now, &in);
}

static void step(struct bgp_conn *c, nsec_t now, enum bgp_fsm_event event)
{
	const struct bgp_fsm_input in = {.event = event};

	bgp_fsm_step(c, now, &in);
}

/* The kernel took bytes: the peer is reading. */
static void note_sent(struct bgp_conn *c, nsec_t now)
{
	if (c->state == BGP_ESTABLISHED)
		bgp_fsm_restart_send_hold(c, now);
}

static void nudge(struct bgp_conn *c, nsec_t now)
{
	/* An attempt that hangs, too: the kernel would wait ever longer for an answer. */
	if (c->retry_at != NSEC_NEVER)
		c->retry_at = now;
	bgp_conn_tick(c, now);
}

void bgp_conn_notify(struct bgp_conn *c, nsec_t now, enum bgp_note note)
{
	switch (note) {
	case BGP_NOTE_START:
		step(c, now, c->is_passive ? BGP_FSM_PASSIVE_START : BGP_FSM_MANUAL_START);
		break;
	case BGP_NOTE_STOP:
		stop_hard(c, now, BGP_FSM_MANUAL_STOP,
			  bgp_error_shutdown(BGP_CEASE_SHUTDOWN, "the speaker was stopped"),
			  "administratively stopped");
		break;
	case BGP_NOTE_DRAINED:
		stop_hard(c, now, BGP_FSM_MANUAL_STOP,
			  bgp_error_shutdown(BGP_CEASE_SHUTDOWN, "the node is drained"),
			  "the node is drained");
		break;
	case BGP_NOTE_DECONFIGURED:
		stop_hard(c, now, BGP_FSM_MANUAL_STOP,
			  bgp_error_make(BGP_ERROR_CEASE, BGP_CEASE_DECONFIGURED),
			  "peer deconfigured");
		break;
	case BGP_NOTE_RECONFIGURED:
		stop(c, now, BGP_FSM_MANUAL_STOP, BGP_CEASE_CONFIG_CHANGE, "configuration changed");
		break;
	case BGP_NOTE_RESTARTING:
		bgp_conn_abandon(c, now, "closed for a planned restart");
		break;
	case BGP_NOTE_TCP_UP:
		step(c, now, c->is_passive ? BGP_FSM_TCP_CONFIRMED : BGP_FSM_TCP_ACKED);
		break;
	case BGP_NOTE_TCP_FAILED:
		step(c, now, BGP_FSM_TCP_FAILS);
		break;
	case BGP_NOTE_SENT:
		note_sent(c, now);
		break;
	case BGP_NOTE_NUDGE:
		nudge(c, now);
		break;
	case BGP_NOTE_BFD_DOWN:
		stop_hard(c, now, BGP_FSM_AUTOMATIC_STOP,
			  bgp_error_make(BGP_ERROR_CEASE, BGP_CEASE_BFD_DOWN), "BFD session down");
		break;
	case BGP_NOTE_SYNCED:
		c->synced = true;
		break;
	}
}

void bgp_conn_dump(struct bgp_conn *c, nsec_t now)
{
	stop(c, now, BGP_FSM_COLLISION_DUMP, BGP_CEASE_COLLISION, "connection collision");
}

void bgp_conn_abandon(struct bgp_conn *c, nsec_t now, const char *reason)
{
	const struct bgp_fsm_input in = {.event = BGP_FSM_MANUAL_STOP, .reason = reason};

	bgp_fsm_step(c, now, &in);
}

void bgp_conn_retry(struct bgp_conn *c, nsec_t at)
{
	assert(!c->is_passive && (c->state == BGP_IDLE || c->state == BGP_ACTIVE));
	c->retry_at = at;
}

void bgp_conn_reconfigured(struct bgp_conn *c, nsec_t now)
{
	if (c->state != BGP_OPEN_CONFIRM && c->state != BGP_ESTABLISHED)
		return;
	if (c->waits_for_bfd && !c->config->bfd_strict)
		step(c, now, BGP_FSM_BFD_UP);
	if (c->keepalive_s == bgp_fsm_keepalive_s(c))
		return;
	c->keepalive_s = bgp_fsm_keepalive_s(c);
	if (!c->waits_for_bfd)
		bgp_fsm_restart_keepalive(c, now);
}

bool bgp_conn_request(struct bgp_conn *c)
{
	if (c->state != BGP_ESTABLISHED)
		return true; /* they come with the session */
	if (!c->received.route_refresh)
		return false;
	c->send_request = bgp_conn_families(c);
	return true;
}

void bgp_conn_set_bfd(struct bgp_conn *c, nsec_t now, bool permits)
{
	c->bfd_permits = permits;
	if (permits && c->waits_for_bfd)
		step(c, now, BGP_FSM_BFD_UP);
}

/* Each expiry leaves its timer stopped or started anew, so a tick never repeats an event. */
void bgp_conn_tick(struct bgp_conn *c, nsec_t now)
{
	if (now >= c->retry_at)
		step(c, now, c->state == BGP_IDLE ? BGP_FSM_IDLE_HOLD : BGP_FSM_CONNECT_RETRY);
	if (now >= c->hold_at)
		step(c, now, BGP_FSM_HOLD_EXPIRED);
	if (now >= c->send_hold_at)
		step(c, now, BGP_FSM_SEND_HOLD);
	if (now >= c->keepalive_at)
		step(c, now, BGP_FSM_KEEPALIVE_EXPIRED);
	assert(bgp_conn_deadline(c) > now);
}

void bgp_conn_set_local(struct bgp_conn *c, const struct bgp_next_hops *local)
{
	const struct bgp_update_session before = bgp_conn_session(c);
	struct bgp_update_session after;

	c->local = *local;
	after = bgp_conn_session(c);
	for (enum bgp_family f = 0; c->state == BGP_ESTABLISHED && f < BGP_N_FAMILIES; f++)
		if (!bgp_update_same_next_hop(&before, &after, f))
			bgp_rib_refresh(c->rib, f);
}

/* ---- out ------------------------------------------------------------------------------------- */

bool bgp_conn_poll(struct bgp_conn *c, enum bgp_event_type *ret)
{
	if (c->want_close) {
		c->want_close = false;
		*ret = BGP_EVENT_CLOSE;
		return true;
	}
	if (c->want_connect) {
		c->want_connect = false;
		*ret = BGP_EVENT_CONNECT;
		return true;
	}
	return false;
}

nsec_t bgp_conn_deadline(const struct bgp_conn *c)
{
	return nsec_min(nsec_min(c->retry_at, c->hold_at),
			nsec_min(c->keepalive_at, c->send_hold_at));
}
