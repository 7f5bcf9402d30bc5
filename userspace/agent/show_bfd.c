// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * BFD sessions as JSON, and how their thread is. State and changes are as of now, times, counters
 * and the peer's values as of the thread's last report, at most a second old.
 */
#include "agent/show_bfd.h"
#include "agent/agent.h"
#include "agent/show.h"

static const char *session_text(const struct bfd_line *l)
{
	return bfd_state_text(l->state);
}

const char *show_bfd_state(const struct agent *a, const struct agent_peer *p)
{
	const struct bfd_line *l = agent_bfd_of(&a->bfd, p);

	return l ? session_text(l) : "None";
}

/* Milliseconds, null where there is none. */
static void add_millis(cJSON *o, const char *key, nsec_t t)
{
	if (t == NSEC_NEVER)
		cJSON_AddNullToObject(o, key);
	else
		cJSON_AddNumberToObject(o, key, (double)(t / NSEC_PER_USEC) / 1000);
}

static void add_addr(cJSON *o, const char *key, const struct ip_addr *a)
{
	char text[IP_ADDR_TEXT];

	show_add_text(o, key, ip_addr_is_none(a) ? NULL : ip_addr_text(a, text));
}

static void add_rejected(cJSON *o, const uint64_t rejected[BFD_N_REJECTS])
{
	cJSON *list = cJSON_AddObjectToObject(o, "rejected");

	for (enum bfd_reject r = BFD_REJECT_SHORT; r < BFD_N_REJECTS; r++)
		if (rejected[r] > 0)
			cJSON_AddNumberToObject(list, bfd_reject_text(r), (double)rejected[r]);
}

static void add_auth(cJSON *o, const char *name, const struct bfd_auth_key *key)
{
	cJSON *auth = cJSON_AddObjectToObject(o, name);

	cJSON_AddStringToObject(auth, "type", bfd_auth_text(key->type));
	if (key->type != BFD_AUTH_NONE)
		cJSON_AddNumberToObject(auth, "keyId", key->id);
}

/* "probing": none has come back yet. */
static const char *echo_text(const struct bfd_echo *e)
{
	if (e->interval == 0)
		return "off";
	return e->is_proven ? "on" : "probing";
}

static void add_echo(cJSON *o, const struct bfd_session_report *r)
{
	const struct bfd_session *s = &r->session;

	cJSON_AddStringToObject(o, "echo", echo_text(&s->echo));
	add_millis(o, "echoMillis", s->echo.interval ? s->echo.interval : NSEC_NEVER);
	cJSON_AddNumberToObject(o, "echoPacketsSent", (double)s->counters.echo_sent);
	cJSON_AddNumberToObject(o, "echoPacketsReturned", (double)s->counters.echo_returned);
	show_add_text(o, "echoError", r->echo_error ? strerror(-r->echo_error) : NULL);
	add_millis(o, "remoteEchoMillis", s->remote.min_echo_rx_us * NSEC_PER_USEC);
	cJSON_AddBoolToObject(o, "reflectsEcho", s->is_reflecting);
	cJSON_AddNumberToObject(o, "echoPacketsReflected", (double)r->n_reflected);
}

/* "carried": it answers for us when we do not. */
static const char *xdp_text(const struct bfd_session_report *r)
{
	if (r->session.is_carried)
		return "carried";
	return r->is_seen ? "watched" : "no";
}

static void add_session(cJSON *o, const struct bfd_line *l)
{
	const struct bfd_session *s = &l->report.session;

	cJSON_AddNumberToObject(o, "localDiscriminator", s->discriminator);
	add_millis(o, "detectMillis", bfd_session_detection(s));
	add_millis(o, "txMillis", bfd_session_interval(s));
	cJSON_AddNumberToObject(o, "flaps", (double)l->flaps);
	cJSON_AddNumberToObject(o, "remoteDiscriminator", s->remote.discriminator);
	add_addr(o, "localAddress", &l->report.local);
	cJSON_AddNumberToObject(o, "sourcePort", l->report.source_port);
	cJSON_AddBoolToObject(o, "multihop", s->config.is_multihop);
	cJSON_AddBoolToObject(o, "passive", s->config.is_passive);
	add_auth(o, "authentication", s->key_is_due ? &s->key_until : &s->config.auth);
	if (s->key_is_due) /* the peer does not sign with it yet */
		add_auth(o, "nextAuthentication", &s->config.auth);
	cJSON_AddStringToObject(o, "diagnostic", bfd_diag_text(s->diag));
	cJSON_AddStringToObject(o, "remoteDiagnostic", bfd_diag_text(s->remote.diag));
	cJSON_AddStringToObject(o, "remoteState", bfd_state_text(s->remote.state));
	add_millis(o, "remoteTxMillis", s->remote.terms.min_tx_us * NSEC_PER_USEC);
	add_millis(o, "remoteRxMillis", s->remote.terms.min_rx_us * NSEC_PER_USEC);
	cJSON_AddNumberToObject(o, "remoteMultiplier", s->remote.terms.detect_mult);
	cJSON_AddNumberToObject(o, "packetsReceived", (double)s->counters.received);
	cJSON_AddNumberToObject(o, "packetsSent", (double)s->counters.sent);
	cJSON_AddStringToObject(o, "xdp", xdp_text(&l->report));
	cJSON_AddNumberToObject(o, "packetsAnsweredByXdp", (double)s->n_carried);
	add_echo(o, &l->report);
	show_add_text(o, "error", l->report.error ? strerror(-l->report.error) : NULL);
	add_rejected(o, s->counters.rejected);
}

/* The oldest that is kept comes first. */
static void add_changes(const struct agent *a, cJSON *o, const struct bfd_line *l)
{
	cJSON *list = cJSON_AddArrayToObject(o, "changes");
	size_t n = l->n_changes < BFD_CHANGES ? l->n_changes : BFD_CHANGES;
	nsec_t now = loop_now(a->loop);

	for (size_t i = l->n_changes - n; i < l->n_changes; i++) {
		const struct bfd_event *e = &l->changes[i % BFD_CHANGES];
		cJSON *c = cJSON_CreateObject();

		cJSON_AddNumberToObject(c, "secondsAgo",
					(double)((now > e->at ? now - e->at : 0) / NSEC_PER_MSEC) /
						1000);
		cJSON_AddStringToObject(c, "from", bfd_state_text(e->from));
		cJSON_AddStringToObject(c, "to", bfd_state_text(e->to));
		cJSON_AddStringToObject(c, "diagnostic", bfd_diag_text(e->diag));
		cJSON_AddStringToObject(c, "remoteDiagnostic", bfd_diag_text(e->remote_diag));
		add_millis(c, "silentMillis", e->silence);
		cJSON_AddItemToArray(list, c);
	}
}

cJSON *show_bfd(const struct agent *a, const struct show_filter *filter)
{
	cJSON *out = cJSON_CreateArray();

	for (size_t i = 0; i < a->peers.n; i++) {
		const struct agent_peer *p = a->peers.items[i];
		const struct bfd_line *l = agent_bfd_of(&a->bfd, p);
		cJSON *o;

		if (!l || !show_matches(filter->name, p->key.name) ||
		    !show_matches_vrf(filter, p->key.vrf))
			continue;
		o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "peer", p->key.name);
		show_add_text(o, "vrf", p->key.vrf);
		add_addr(o, "address", &l->config.peer);
		cJSON_AddStringToObject(o, "state", session_text(l));
		add_session(o, l);
		if (filter->name)
			add_changes(a, o, l);
		cJSON_AddItemToArray(out, o);
	}
	return out;
}

void show_bfd_thread(const struct agent *a, cJSON *status)
{
	const struct bfd_engine_report *how = &a->bfd.how;
	cJSON *o, *list;

	if (!a->bfd.engine) {
		cJSON_AddNullToObject(status, "bfd");
		return;
	}
	o = cJSON_AddObjectToObject(status, "bfd");
	cJSON_AddStringToObject(o, "priority", bfd_priority_text(how->priority));
	cJSON_AddNumberToObject(o, "wakes", (double)how->wakes);
	add_millis(o, "latestMillis", how->latest);
	/* lateness[i]: wake-ups late by less than 2^i microseconds and not less than half of that
	 */
	list = cJSON_AddArrayToObject(o, "lateness");
	for (size_t i = 0; i < BFD_LATENESS; i++)
		cJSON_AddItemToArray(list, cJSON_CreateNumber((double)how->lateness[i]));
	add_rejected(o, how->rejected);
	list = cJSON_AddArrayToObject(o, "portErrors");
	for (size_t i = 0; i < BFD_ENGINE_PORTS; i++) {
		cJSON *e;

		if (how->port_errors[i] == 0)
			continue;
		e = cJSON_CreateObject();
		cJSON_AddStringToObject(e, "port", bfd_engine_port_text(i));
		cJSON_AddStringToObject(e, "error", strerror(-how->port_errors[i]));
		cJSON_AddItemToArray(list, e);
	}
}
