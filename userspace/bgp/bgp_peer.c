// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is above a single connection: two slots, collisions (RFC 4271 6.8, RFC 6286), when to dial
 * again, graceful restart as the restarting speaker (RFC 4724 4.1), the Adj-RIB-Out, and what
 * status shows.
 *
 * Every verb hands its input to a connection, which handles at most one message or note, and then
 * reacts: looks at which connection changed its state, resolves what follows for the other one and
 * sees to it that the dialled slot tries again unless a connection is well under way. So there is
 * one place for each decision, and none depends on the path that led there.
 */
#include "bgp/bgp_peer.h"

#include "bgp/bgp_conn.h"
#include "bgp/bgp_stale.h"

#include <assert.h>

#define RETRY_MIN_S 1
#define RETRY_MAX_S 30
#define STABLE_S    60 /* so long Established, and the past is forgiven */
#define N_EVENTS    64

struct bgp_peer {
	struct bgp_peer_config config;
	struct bgp_rib *rib;       /* owned */
	struct bgp_rib_in *rib_in; /* owned */
	struct rng rng;
	struct bgp_conn conn[BGP_N_SLOTS];
	enum bgp_state seen[BGP_N_SLOTS]; /* the states that react() has acted upon */

	bool is_up;            /* administratively */
	bool end_of_rib_ever;  /* this process is no longer restarting */
	unsigned n_failures;   /* since the last session that was stable */
	nsec_t accepted_at;    /* of the accepted slot's connection */
	nsec_t established_at; /* NSEC_NEVER: no connection is Established */
	nsec_t stale_until; /* routes of the peer that are stale go; NSEC_NEVER: there are none */
	uint64_t flaps;
	struct bgp_offer offer; /* what the OPEN holds back since it was refused */

	struct bgp_event events[N_EVENTS]; /* ring; when it is full the oldest is lost */
	size_t first_event, n_events;
	char tcp_error[256]; /* what the driver knows of the attempt that fails or takes long */
	char last_error[BGP_CONN_REASON_TEXT];
};

const char *bgp_state_text(enum bgp_state s)
{
	static const char *const text[] = {
		[BGP_IDLE] = "Idle",
		[BGP_CONNECT] = "Connect",
		[BGP_ACTIVE] = "Active",
		[BGP_OPEN_SENT] = "OpenSent",
		[BGP_OPEN_CONFIRM] = "OpenConfirm",
		[BGP_ESTABLISHED] = "Established",
	};

	assert(s < ARRAY_SIZE(text));
	return text[s];
}

struct bgp_peer *bgp_peer_new(const struct bgp_peer_config *config, const struct rng *rng,
			      struct bgp_rib_prefixes *shared)
{
	struct bgp_peer *p = xcalloc(1, sizeof(*p));

	assert(!bgp_families_is_empty(config->families));
	assert(config->router_id != 0);
	assert(config->hold_s == 0 || config->hold_s >= BGP_HOLD_MIN_S);
	p->config = *config;
	p->rng = *rng;
	p->rib = bgp_rib_new(shared);
	p->rib_in = bgp_rib_in_new(rng_next(&p->rng));
	p->established_at = p->stale_until = NSEC_NEVER;
	for (enum bgp_slot slot = 0; slot < BGP_N_SLOTS; slot++) {
		struct rng own;

		rng_seed(&own, rng_next(&p->rng));
		bgp_conn_init(&p->conn[slot], &p->config, p->rib, p->rib_in, &own);
	}
	p->conn[BGP_SLOT_ACCEPTED].is_passive = true;
	return p;
}

struct bgp_peer *bgp_peer_free(struct bgp_peer *p)
{
	if (!p)
		return NULL;
	bgp_rib_free(p->rib);
	bgp_rib_in_free(p->rib_in);
	free(p);
	return NULL;
}

/* ---- reacting -------------------------------------------------------------------------------- */

static enum bgp_slot other_slot(enum bgp_slot slot)
{
	return slot == BGP_SLOT_DIALLED ? BGP_SLOT_ACCEPTED : BGP_SLOT_DIALLED;
}

static struct bgp_conn *dialled(struct bgp_peer *p)
{
	return &p->conn[BGP_SLOT_DIALLED];
}

static void add_event(struct bgp_peer *p, struct bgp_event event)
{
	if (p->n_events == N_EVENTS) {
		p->first_event = (p->first_event + 1) % N_EVENTS;
		p->n_events--;
	}
	assert(p->n_events < N_EVENTS && event.from != event.to);
	p->events[(p->first_event + p->n_events++) % N_EVENTS] = event;
}

static void went_down(struct bgp_peer *p, nsec_t now, const struct bgp_conn *c)
{
	p->stale_until = bgp_stale_lost(p->rib_in, now, c);
	if (now - p->established_at >= STABLE_S * NSEC_PER_SEC)
		p->n_failures = 0;
	p->established_at = NSEC_NEVER;
	p->flaps++;
	p->offer = (struct bgp_offer){0}; /* the peer may have learned meanwhile */
	bgp_rib_session_down(p->rib);
}

/*
 * True if the connection opened by us is the one to keep: the higher BGP identifier's connection
 * wins, with equal identifiers that of the higher AS number (RFC 6286 2.3). `c` is the connection
 * whose OPEN just came; what was said on it counts, whatever was configured since.
 */
static bool local_wins(const struct bgp_conn *c)
{
	if (c->sent.router_id != c->received.router_id)
		return c->sent.router_id > c->received.router_id;
	return c->sent.asn > c->received.asn;
}

/*
 * RFC 4724 4.2: a peer that negotiated graceful restart and comes anew has lost the session that we
 * still believe in. Only a connection made after that session counts as "anew": an older one is an
 * ordinary collision.
 */
static bool replaces_established(const struct bgp_peer *p, enum bgp_slot slot)
{
	return slot == BGP_SLOT_ACCEPTED && p->accepted_at >= p->established_at &&
	       bgp_conn_gr_negotiated(&p->conn[other_slot(slot)]);
}

/* An OPEN came in on a slot: now both connections are known to be of one peer (RFC 4271 6.8). */
static void resolve_collision(struct bgp_peer *p, nsec_t now, enum bgp_slot slot)
{
	struct bgp_conn *c = &p->conn[slot], *other = &p->conn[other_slot(slot)];
	bool keep_dialled;

	if (other->state == BGP_ESTABLISHED && replaces_established(p, slot)) {
		bgp_conn_abandon(other, now, "the peer restarted");
	} else if (other->state == BGP_ESTABLISHED) {
		bgp_conn_dump(c, now);
	} else if (other->state == BGP_OPEN_CONFIRM) {
		keep_dialled = local_wins(c);
		bgp_conn_dump(&p->conn[keep_dialled ? BGP_SLOT_ACCEPTED : BGP_SLOT_DIALLED], now);
	}
}

/* Why a connection ended is worth telling unless the other one carries on. */
static void take_reason(struct bgp_peer *p, enum bgp_slot slot)
{
	struct bgp_conn *c = &p->conn[slot];

	if (c->reason[0] != '\0' && p->conn[other_slot(slot)].state < BGP_OPEN_CONFIRM)
		memcpy(p->last_error, c->reason, sizeof(p->last_error));
	c->reason[0] = '\0';
}

/*
 * RFC 5492 3: a peer that cannot take what our OPEN offers is dialled at once with less of it. That
 * comes to an end: each time something more is held back.
 */
static void offer_less(struct bgp_peer *p, nsec_t now, enum bgp_slot slot)
{
	struct bgp_conn *c = &p->conn[slot];
	const bool is_refused = c->is_refused;
	char less[BGP_OFFER_TEXT];
	size_t len;

	c->is_refused = false;
	if (!is_refused || c->state != BGP_IDLE ||
	    !bgp_offer_less(&p->offer, &c->sent, &c->heard.error))
		return;
	len = strlen(c->reason);
	(void)snprintf(c->reason + len, sizeof(c->reason) - len, "; tried again %s",
		       bgp_offer_text(&p->offer, less));
	if (slot == BGP_SLOT_DIALLED && p->is_up)
		bgp_conn_retry(c, now);
}

static void state_changed(struct bgp_peer *p, nsec_t now, enum bgp_slot slot)
{
	struct bgp_event event = {.type = BGP_EVENT_STATE,
				  .slot = slot,
				  .from = p->seen[slot],
				  .to = p->conn[slot].state};

	p->seen[slot] = event.to;
	if (event.from == BGP_OPEN_SENT && slot == BGP_SLOT_DIALLED)
		p->tcp_error[0] = '\0'; /* of this attempt */
	if (event.to == BGP_ESTABLISHED) {
		event.type = BGP_EVENT_UP;
		p->established_at = now;
		p->last_error[0] = '\0';
		if (p->stale_until != NSEC_NEVER)
			p->stale_until = bgp_stale_back(p->rib_in, now, &p->conn[slot]);
	} else if (event.from == BGP_ESTABLISHED) {
		event.type = BGP_EVENT_DOWN;
		went_down(p, now, &p->conn[slot]);
	}
	add_event(p, event);
	if (event.to == BGP_OPEN_CONFIRM)
		resolve_collision(p, now, slot);
}

/*
 * The next interval: as configured, else 1 s doubling to 30 s, jittered (RFC 4271 10). It starts at
 * 1 s again only after a stable session, so a peer that closes each session at once is damped, too.
 */
static nsec_t retry_delay(struct bgp_peer *p)
{
	uint64_t s = p->config.connect_s;

	if (s == 0) {
		s = p->n_failures < 5 ? RETRY_MIN_S << p->n_failures : RETRY_MAX_S;
		p->n_failures++;
	}
	return rng_jitter(&p->rng, s * NSEC_PER_SEC, 192, 256);
}

/* The dialled slot tries again, unless the accepted one shows that the peer is reached already. */
static void keep_dialling(struct bgp_peer *p, nsec_t now)
{
	struct bgp_conn *c = dialled(p);

	if (p->conn[BGP_SLOT_ACCEPTED].state >= BGP_OPEN_CONFIRM) {
		if (c->state < BGP_OPEN_SENT && (c->state != BGP_IDLE || c->retry_at != NSEC_NEVER))
			bgp_conn_abandon(c, now, "the peer has connected");
	} else if (p->is_up && c->state <= BGP_ACTIVE && c->state != BGP_CONNECT &&
		   c->retry_at == NSEC_NEVER) {
		bgp_conn_retry(c, now + retry_delay(p));
	}
}

static void assert_sound(const struct bgp_peer *p)
{
	const enum bgp_state d = p->conn[BGP_SLOT_DIALLED].state;
	const enum bgp_state a = p->conn[BGP_SLOT_ACCEPTED].state;

	/* Of two OPENs that came, one connection has lost the collision. */
	assert(d < BGP_OPEN_CONFIRM || a < BGP_OPEN_CONFIRM);
	assert((p->established_at != NSEC_NEVER) == (d == BGP_ESTABLISHED || a == BGP_ESTABLISHED));
	assert(p->established_at != NSEC_NEVER || bgp_rib_n_advertised(p->rib) == 0);
	assert(p->is_up || (d == BGP_IDLE && a == BGP_IDLE));
	/* While it is up somebody dials, will dial, or has come. */
	assert(!p->is_up || d != BGP_IDLE || p->conn[BGP_SLOT_DIALLED].retry_at != NSEC_NEVER ||
	       a >= BGP_OPEN_CONFIRM);
}

/* Acts upon what the last verb changed, until nothing changes any more. */
static void react(struct bgp_peer *p, nsec_t now)
{
	bool changed;

	do {
		changed = false;
		for (enum bgp_slot slot = 0; slot < BGP_N_SLOTS; slot++) {
			offer_less(p, now, slot);
			take_reason(p, slot);
			if (p->seen[slot] == p->conn[slot].state)
				continue;
			state_changed(p, now, slot);
			changed = true;
		}
		keep_dialling(p, now);
	} while (changed);
	assert_sound(p);
}

/* ---- verbs ----------------------------------------------------------------------------------- */

/* What the next OPEN says of graceful restart (RFC 4724 3). */
static struct bgp_graceful_restart graceful_restart(const struct bgp_peer *p)
{
	const struct bgp_peer_config *config = &p->config;
	/* A session that only reconnects has lost no forwarding state either: without F the helper
	 * would drop the routes it kept (4.2). */
	bool forwarding = config->forwarding_preserved || p->end_of_rib_ever;

	return (struct bgp_graceful_restart){
		.present = config->graceful_restart,
		.restarting = config->restarted && !p->end_of_rib_ever,
		.notification = config->graceful_restart, /* RFC 8538 */
		.time_s = config->restart_time_s,
		.families = config->families,
		.forwarding = forwarding ? config->families : (struct bgp_families){0},
	};
}

void bgp_peer_set_local(struct bgp_peer *p, enum bgp_slot slot, const struct bgp_next_hops *local)
{
	bgp_conn_set_local(&p->conn[slot], local);
}

void bgp_peer_set_error(struct bgp_peer *p, const char *text)
{
	(void)snprintf(p->tcp_error, sizeof(p->tcp_error), "%s", text);
	if (dialled(p)->state == BGP_CONNECT || dialled(p)->state == BGP_OPEN_SENT)
		(void)snprintf(p->last_error, sizeof(p->last_error), "%s", text);
}

/* The driver's text, which is better than "failed" or "no answer", for what just ended. */
static void take_tcp_error(struct bgp_peer *p, struct bgp_conn *c)
{
	if (p->tcp_error[0] != '\0')
		(void)snprintf(c->reason, sizeof(c->reason), "%s", p->tcp_error);
	p->tcp_error[0] = '\0';
}

bool bgp_peer_accept(struct bgp_peer *p, nsec_t now)
{
	struct bgp_conn *c = &p->conn[BGP_SLOT_ACCEPTED];

	if (!p->is_up || c->want_close)
		return false;
	if (c->state == BGP_ESTABLISHED && bgp_conn_gr_negotiated(c)) {
		/* RFC 4724 4.2, but the slot is taken until the driver has closed the old socket:
		 * drop the dead session, and the peer's next attempt or ours makes the new one. */
		bgp_conn_abandon(c, now, "the peer restarted");
		react(p, now);
		return false;
	}
	if (c->state != BGP_IDLE)
		return false;
	p->accepted_at = now;
	bgp_conn_notify(c, now, BGP_NOTE_START);
	react(p, now);
	return true;
}

static void start(struct bgp_peer *p, nsec_t now)
{
	if (p->is_up)
		return;
	p->is_up = true;
	p->n_failures = 0;
	bgp_conn_notify(dialled(p), now, BGP_NOTE_START);
}

static void tcp_failed(struct bgp_peer *p, nsec_t now, enum bgp_slot slot)
{
	struct bgp_conn *c = &p->conn[slot];
	enum bgp_state before = c->state;

	bgp_conn_notify(c, now, BGP_NOTE_TCP_FAILED);
	if (before != BGP_IDLE)
		take_tcp_error(p, c);
	p->tcp_error[0] = '\0';
}

static void notify_all(struct bgp_peer *p, nsec_t now, enum bgp_note note)
{
	for (enum bgp_slot slot = 0; slot < BGP_N_SLOTS; slot++)
		bgp_conn_notify(&p->conn[slot], now, note);
}

void bgp_peer_notify(struct bgp_peer *p, nsec_t now, enum bgp_slot slot, enum bgp_note note)
{
	struct bgp_conn *c = &p->conn[slot];

	switch (note) {
	case BGP_NOTE_START:
		start(p, now);
		break;
	case BGP_NOTE_STOP:
	case BGP_NOTE_DRAINED:
	case BGP_NOTE_DECONFIGURED:
	case BGP_NOTE_RECONFIGURED:
	case BGP_NOTE_RESTARTING:
		p->is_up = false;
		notify_all(p, now, note);
		break;
	case BGP_NOTE_TCP_UP:
		p->tcp_error[0] = '\0';
		c->gr = graceful_restart(p);
		c->offer = p->offer;
		bgp_conn_notify(c, now, note);
		break;
	case BGP_NOTE_TCP_FAILED:
		tcp_failed(p, now, slot);
		break;
	case BGP_NOTE_SENT:
		bgp_conn_notify(c, now, note);
		break;
	case BGP_NOTE_NUDGE:
	case BGP_NOTE_BFD_DOWN:
	case BGP_NOTE_SYNCED:
		notify_all(p, now, note);
		break;
	}
	react(p, now);
}

void bgp_peer_receive(struct bgp_peer *p, nsec_t now, enum bgp_slot slot, const uint8_t *data,
		      size_t len)
{
	while (len > 0) {
		size_t n = bgp_conn_receive(&p->conn[slot], now, data, len);

		data += n;
		len -= n;
		react(p, now);
	}
}

void bgp_peer_tick(struct bgp_peer *p, nsec_t now)
{
	if (now >= p->stale_until)
		p->stale_until = bgp_stale_sweep(p->rib_in);
	for (enum bgp_slot slot = 0; slot < BGP_N_SLOTS; slot++) {
		struct bgp_conn *c = &p->conn[slot];
		enum bgp_state before = c->state;

		bgp_conn_tick(c, now);
		if (before == BGP_CONNECT && c->reason[0] != '\0')
			take_tcp_error(p, c);
		react(p, now);
	}
}

size_t bgp_peer_transmit(struct bgp_peer *p, nsec_t now, enum bgp_slot slot, uint8_t *buf,
			 size_t cap)
{
	size_t n = bgp_conn_transmit(&p->conn[slot], now, buf, cap);

	if (bgp_conn_end_of_rib_sent(&p->conn[slot]))
		p->end_of_rib_ever = true;
	return n;
}

bool bgp_peer_poll(struct bgp_peer *p, struct bgp_event *ret)
{
	for (enum bgp_slot slot = 0; slot < BGP_N_SLOTS; slot++) {
		*ret = (struct bgp_event){
			.slot = slot, .from = p->conn[slot].state, .to = p->conn[slot].state};
		if (bgp_conn_poll(&p->conn[slot], &ret->type))
			return true;
	}
	if (p->n_events == 0)
		return false;
	*ret = p->events[p->first_event];
	p->first_event = (p->first_event + 1) % N_EVENTS;
	p->n_events--;
	return true;
}

nsec_t bgp_peer_deadline(const struct bgp_peer *p)
{
	const nsec_t conns = nsec_min(bgp_conn_deadline(&p->conn[BGP_SLOT_DIALLED]),
				      bgp_conn_deadline(&p->conn[BGP_SLOT_ACCEPTED]));

	return nsec_min(conns, p->stale_until);
}

/* ---- configuration and status ---------------------------------------------------------------- */

void bgp_peer_reconfigure(struct bgp_peer *p, nsec_t now, const struct bgp_peer_config *config)
{
	const struct bgp_peer_config before = p->config;
	struct bgp_conn *c = dialled(p);

	assert(config->local_asn == before.local_asn && config->remote_asn == before.remote_asn);
	assert(bgp_families_equal(config->families, before.families));
	assert(config->extended_next_hop == before.extended_next_hop);
	p->config = *config;
	p->config.restarted = before.restarted;
	p->config.forwarding_preserved = before.forwarding_preserved;
	for (enum bgp_slot slot = 0; slot < BGP_N_SLOTS; slot++)
		bgp_conn_reconfigured(&p->conn[slot], now);
	if (before.graceful_shutdown != config->graceful_shutdown)
		for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++)
			bgp_rib_refresh(p->rib, f);
	if (before.connect_s != config->connect_s && c->retry_at != NSEC_NEVER &&
	    c->state != BGP_CONNECT)
		bgp_conn_retry(c, now + retry_delay(p));
}

void bgp_peer_set_bfd(struct bgp_peer *p, nsec_t now, bool permits)
{
	for (enum bgp_slot slot = 0; slot < BGP_N_SLOTS; slot++) {
		bgp_conn_set_bfd(&p->conn[slot], now, permits);
		react(p, now);
	}
}

struct bgp_rib *bgp_peer_rib(struct bgp_peer *p)
{
	return p->rib;
}

bool bgp_peer_set_import(struct bgp_peer *p, const struct bgp_import *import)
{
	bool asked = true;

	if (!bgp_rib_in_set_import(p->rib_in, import))
		return true;
	for (enum bgp_slot slot = 0; slot < BGP_N_SLOTS; slot++)
		asked &= bgp_conn_request(&p->conn[slot]);
	return asked;
}

struct bgp_rib_in *bgp_peer_rib_in(struct bgp_peer *p)
{
	return p->rib_in;
}

/* The connection that status shows: the accepted one once it has overtaken the dialled one. */
static const struct bgp_conn *advanced_conn(const struct bgp_peer *p)
{
	const struct bgp_conn *d = &p->conn[BGP_SLOT_DIALLED], *a = &p->conn[BGP_SLOT_ACCEPTED];

	return a->state > d->state && a->state >= BGP_OPEN_SENT ? a : d;
}

static const struct bgp_said *later(const struct bgp_said *a, const struct bgp_said *b)
{
	if (b->at == 0 || (a && a->at >= b->at))
		return a;
	return b;
}

struct ip_addr bgp_peer_next_hop(const struct bgp_peer *p, const struct ip_prefix *prefix,
				 const struct bgp_attrs *attrs)
{
	return bgp_conn_next_hop(advanced_conn(p), bgp_family_of_addr(&prefix->addr), attrs);
}

struct bgp_peer_info bgp_peer_info(const struct bgp_peer *p)
{
	const struct bgp_conn *c = advanced_conn(p);
	struct bgp_peer_info info = {
		.slot = c == &p->conn[BGP_SLOT_ACCEPTED] ? BGP_SLOT_ACCEPTED : BGP_SLOT_DIALLED,
		.state = c->state,
		.established_at = p->established_at,
		.local_router_id = c->sent.router_id ? c->sent.router_id : p->config.router_id,
		.remote_asn = c->received.asn,
		.remote_router_id = c->received.router_id,
		.hold_s = c->hold_s,
		.keepalive_s = c->keepalive_s,
		.gr_negotiated = bgp_conn_gr_negotiated(c),
		.end_of_rib_sent = bgp_conn_end_of_rib_sent(c),
		.end_of_rib_received =
			c->state == BGP_ESTABLISHED &&
			bgp_families_equal(c->end_of_rib_received, bgp_conn_families(c)),
		.stale_until =
			bgp_rib_in_counts(p->rib_in).n_stale > 0 ? p->stale_until : NSEC_NEVER,
		.families = c->state == BGP_ESTABLISHED ? bgp_conn_families(c)
							: (struct bgp_families){0},
		.announced = c->state == BGP_ESTABLISHED ? bgp_conn_announced_families(c)
							 : (struct bgp_families){0},
		.routes_advertised = bgp_rib_n_advertised(p->rib),
		.routes_received = c->routes_received,
		.flaps = p->flaps,
		.last_error = c->waits_for_bfd           ? "waits for its BFD session (bfd-strict)"
			      : p->last_error[0] != '\0' ? p->last_error
							 : NULL,
		.ours = c->sent.router_id ? &c->sent : NULL,
		.theirs = c->received.asn ? &c->received : NULL,
	};

	for (enum bgp_slot slot = 0; slot < BGP_N_SLOTS; slot++) {
		const struct bgp_conn_counters *n = &p->conn[slot].counters;

		info.updates_sent += n->messages.sent.updates;
		info.updates_received += n->updates_received;
		info.notifications_sent += n->messages.sent.notifications;
		info.notifications_received += n->messages.received.notifications;
		info.routes_leaked += n->leaks_received;
		info.said = later(info.said, &p->conn[slot].said);
		info.heard = later(info.heard, &p->conn[slot].heard);
	}
	return info;
}

struct bgp_counters bgp_peer_counters(const struct bgp_peer *p)
{
	struct bgp_counters ret = {.sent = {0}};

	for (enum bgp_slot slot = 0; slot < BGP_N_SLOTS; slot++)
		bgp_counters_add(&ret, &p->conn[slot].counters.messages);
	return ret;
}
