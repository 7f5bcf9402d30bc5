// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Sessions are matched with peers by what a BFD session is found by: the peer's address, ours,
 * the interface, the VRF, and whether there are hops between.
 */
#include "agent/bfd_lines.h"

#include "agent/peers_inside.h"
#include "plan/plan_links.h"
#include "sys/bpf_dataplane.h"
#include "sys/log.h"
#include "sys/loop.h"

#include <assert.h>

#define MUTE_NS (5 * NSEC_PER_SEC)

void agent_bfd_init(struct agent_bfd *b, struct loop *loop, struct agent_peers *peers,
		    const char *pin_dir, uint64_t seed)
{
	*b = (struct agent_bfd){.loop = loop, .peers = peers, .pin_dir = pin_dir, .seed = seed};
}

void agent_bfd_done(struct agent_bfd *b)
{
	b->engine = bfd_engine_free(b->engine);
	if (b->lines) /* they have keys */
		explicit_bzero(b->lines, BFD_ENGINE_SESSIONS * sizeof(*b->lines));
	free(TAKE_PTR(b->lines));
}

/* ---- what a peer wants ----------------------------------------------------------------------- */

static bool is_link_local(const struct ip_addr *a)
{
	return !ip_addr_is_v4(a) && ip_addr_is_link_local(a);
}

static struct bfd_config config_of(const struct plan_peer *p)
{
	/* An address that is of one link does not say of which. */
	const bool needs_device = is_link_local(&p->address);

	return (struct bfd_config){.peer = p->address,
				   .local = p->source,
				   .ifindex = needs_device ? (uint32_t)p->ifindex : 0,
				   .vrf = (uint32_t)p->vrf,
				   .is_multihop = p->bfd.is_multihop,
				   .minimum_ttl = p->bfd.minimum_ttl,
				   .is_passive = p->bfd.is_passive,
				   .terms = p->bfd.terms,
				   .auth = p->bfd.auth,
				   .min_echo_rx_us = p->bfd.echo_us,
				   /* No router forwards what is for a link-local address. */
				   .echo_tx_us = is_link_local(&p->address) ? 0 : p->bfd.echo_us};
}

/* One BFD session, whatever its terms are. */
static bool is_same(const struct bfd_config *a, const struct bfd_config *b)
{
	return ip_addr_equal(&a->peer, &b->peer) && ip_addr_equal(&a->local, &b->local) &&
	       a->ifindex == b->ifindex && a->vrf == b->vrf && a->is_multihop == b->is_multihop;
}

static bool has_same_terms(const struct bfd_config *a, const struct bfd_config *b)
{
	return bfd_terms_same(&a->terms, &b->terms) && a->is_passive == b->is_passive &&
	       a->minimum_ttl == b->minimum_ttl && a->min_echo_rx_us == b->min_echo_rx_us &&
	       a->echo_tx_us == b->echo_tx_us && bfd_auth_key_same(&a->auth, &b->auth);
}

static struct bfd_line *find(const struct agent_bfd *b, const struct bfd_config *config)
{
	for (size_t i = 0; b->lines && i < BFD_ENGINE_SESSIONS; i++)
		if (b->lines[i].is_used && is_same(&b->lines[i].config, config))
			return &b->lines[i];
	return NULL;
}

const struct bfd_line *agent_bfd_of(const struct agent_bfd *b, const struct agent_peer *p)
{
	const struct bfd_config config = config_of(&p->config);

	return p->config.bfd.is_wanted ? find(b, &config) : NULL;
}

/*
 * A profile was taken away from a peer whose BGP session runs. FRR 8.4 and BIRD 2.0 take AdminDown
 * for a failure and would close it, so the session goes on, without a say, until the router ends it
 * or BGP has ended.
 */
static bool is_kept(const struct agent_bfd *b, const struct bfd_line *l)
{
	if (l->state != BFD_UP)
		return false;
	for (size_t i = 0; i < b->peers->n; i++) {
		const struct agent_peer *p = b->peers->items[i];

		if (ip_addr_equal(&p->config.address, &l->config.peer) &&
		    (uint32_t)p->config.vrf == l->config.vrf && !p->config.bfd.is_wanted &&
		    bgp_peer_info(p->bgp).state == BGP_ESTABLISHED)
			return true;
	}
	return false;
}

static void drop(struct agent_bfd *b, struct bfd_line *l)
{
	if (is_kept(b, l))
		return;
	if (!bfd_engine_remove(b->engine, (uint32_t)(l - b->lines)))
		return;
	explicit_bzero(l, sizeof(*l)); /* with its key */
}

/* ---- what happened --------------------------------------------------------------------------- */

/* RFC 5882 4.2, 3.2: the neighbour is gone, unless it says that it only stopped using BFD. */
static bool is_failure(const struct bfd_event *e)
{
	return e->from == BFD_UP && e->to == BFD_DOWN && e->remote_state != BFD_ADMIN_DOWN;
}

/* What the plan is to know of the way. */
static struct plan_path path_after(const struct bfd_line *l, const struct bfd_event *e, nsec_t now)
{
	if (is_failure(e))
		return (struct plan_path){.lost_at = now, .reason = bfd_diag_text(e->diag)};
	return l->permits ? (struct plan_path){0} : l->path;
}

/* NULL: it has no session. BGP that a loss closes makes the plan urgent by itself. */
static void set_path(struct agent_peer *p, const struct bfd_line *l)
{
	const struct plan_path path = l ? l->path : (struct plan_path){0};

	if (path.lost_at == p->path.lost_at)
		return;
	p->path = path;
	p->all->changed = true;
}

static void tell_peers(struct agent_bfd *b, const struct bfd_line *l, const struct bfd_event *e,
		       nsec_t now)
{
	for (size_t i = 0; i < b->peers->n; i++) {
		struct agent_peer *p = b->peers->items[i];

		if (agent_bfd_of(b, p) != l)
			continue;
		peer_history_add(&p->history, now, "BFD: %s, %s", bfd_state_text(e->to),
				 bfd_diag_text(e->diag));
		set_path(p, l);
		bgp_peer_set_bfd(p->bgp, now, l->permits);
		if (is_failure(e))
			bgp_peer_notify(p->bgp, now, BGP_SLOT_DIALLED, BGP_NOTE_BFD_DOWN);
		peer_pump(p, now);
		if (e->to == BFD_UP && bgp_peer_info(p->bgp).state < BGP_OPEN_SENT)
			peer_nudge(p, now, "BFD has reached it");
	}
}

static void log_event(const struct bfd_line *l, const struct bfd_event *e)
{
	char text[IP_ADDR_TEXT];

	(void)ip_addr_text(&l->config.peer, text);
	if (e->to == BFD_UP)
		log_info("bfd: BFD session up", "address=%s", text);
	else if (e->from == BFD_UP)
		log_at(e->to == BFD_DOWN ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "bfd: BFD session down",
		       "address=%s state=%s reason=%s remote=%s remoteReason=%s silentMillis=%.1f",
		       text, bfd_state_text(e->to), log_quote(bfd_diag_text(e->diag)),
		       bfd_state_text(e->remote_state), log_quote(bfd_diag_text(e->remote_diag)),
		       (double)e->silence / NSEC_PER_MSEC);
	else
		log_debug("bfd: state", "address=%s from=%s to=%s", text, bfd_state_text(e->from),
			  bfd_state_text(e->to));
}

static void on_event(struct agent_bfd *b, struct bfd_line *l, const struct bfd_event *e)
{
	l->state = e->to;
	l->permits = e->to == BFD_UP || e->remote_state == BFD_ADMIN_DOWN;
	l->path = path_after(l, e, loop_now(b->loop));
	l->flaps += e->from == BFD_UP;
	l->changes[l->n_changes++ % BFD_CHANGES] = *e;
	/* What is lost first is closed first, then told. */
	tell_peers(b, l, e, loop_now(b->loop));
	log_event(l, e);
	if (!l->is_wanted)
		drop(b, l);
}

static void on_engine(struct agent_bfd *b, const struct bfd_engine_report *how)
{
	/* Which is a problem, or no longer one: they are told with the plan's. */
	if (memcmp(how->port_errors, b->how.port_errors, sizeof(how->port_errors)) != 0)
		b->peers->changed = true;
	for (size_t i = 0; i < BFD_ENGINE_PORTS; i++)
		if (how->port_errors[i] != b->how.port_errors[i] && how->port_errors[i] != 0)
			log_err("bfd: a port cannot be had", "port=%s error=%s",
				bfd_engine_port_text(i), log_quote(strerror(-how->port_errors[i])));
	if (how->carry_error != b->how.carry_error && how->carry_error != 0)
		log_warn("bfd: the programs cannot be told of sessions", "error=%s",
			 log_quote(strerror(-how->carry_error)));
	b->how = *how;
}

/* An active router would have spoken some times: they say something every second (RFC 5880 6.8.3).
 */
static bool is_mute(const struct bfd_session *s, nsec_t now)
{
	const nsec_t since = s->heard_at > s->since ? s->heard_at : s->since;

	return s->config.is_passive && s->state == BFD_DOWN && s->remote.discriminator == 0 &&
	       now > since && now - since >= MUTE_NS;
}

static void on_session(struct agent_bfd *b, struct bfd_line *l, const struct bfd_session_report *r)
{
	const bool was_mute = l->is_mute;

	l->report = *r;
	l->is_reported = true;
	l->is_mute = is_mute(&r->session, loop_now(b->loop));
	if (l->is_mute != was_mute) /* which is a problem, or no longer one */
		b->peers->changed = true;
}

static void on_report(void *ctx, const struct bfd_report *r)
{
	struct agent_bfd *b = ctx;
	struct bfd_line *l = &b->lines[r->id];

	if (r->type == BFD_REPORT_ENGINE) {
		on_engine(b, &r->engine);
	} else if (l->is_used && r->type == BFD_REPORT_SESSION) {
		on_session(b, l, &r->session);
	} else if (l->is_used) {
		on_event(b, l, &r->event);
	}
}

/* ---- what is wanted -------------------------------------------------------------------------- */

static bool tell_maps(struct agent_bfd *b, struct bpf_bfd_fds fds)
{
	if (bfd_engine_carry(b->engine, fds))
		return true;
	bpf_bfd_close(fds);
	return false;
}

static void start_engine(struct agent_bfd *b)
{
	if (b->engine)
		return;
	b->lines = xcalloc(BFD_ENGINE_SESSIONS, sizeof(*b->lines));
	b->engine = bfd_engine_new(b->loop, b->seed, on_report, b);
	/* What a former agent has left is known before the data plane is open. */
	(void)tell_maps(b, bpf_bfd_pinned(b->pin_dir));
}

/* A number that was used rests until all others were, so no report of before is taken for its own.
 */
static struct bfd_line *new_line(struct agent_bfd *b, const struct bfd_config *config)
{
	for (size_t i = 0; i < BFD_ENGINE_SESSIONS; i++) {
		struct bfd_line *l = &b->lines[b->next++ % BFD_ENGINE_SESSIONS];

		if (l->is_used)
			continue;
		*l = (struct bfd_line){.is_used = true, .state = BFD_DOWN, .config = *config};
		l->config.id = (uint32_t)(l - b->lines);
		return l;
	}
	return NULL;
}

/* What the thread cannot take now is wanted again with the next plan. */
static void want(struct agent_bfd *b, const struct bfd_config *config)
{
	struct bfd_line *l = find(b, config);
	struct bfd_config c = *config;
	bool is_new = !l;

	if (l && has_same_terms(&l->config, config)) {
		l->is_wanted = true;
		return;
	}
	if (!l)
		l = new_line(b, config);
	assert(l); /* there are fewer peers than lines */
	l->is_wanted = true;
	c.id = (uint32_t)(l - b->lines);
	if (bfd_engine_put(b->engine, &c))
		l->config = c;
	else if (is_new)
		l->is_used = false;
}

void agent_bfd_apply(struct agent_bfd *b)
{
	for (size_t i = 0; b->lines && i < BFD_ENGINE_SESSIONS; i++)
		b->lines[i].is_wanted = false;
	for (size_t i = 0; i < b->peers->n; i++) {
		const struct plan_peer *p = &b->peers->items[i]->config;
		const struct bfd_config config = config_of(p);

		if (!p->bfd.is_wanted)
			continue;
		start_engine(b);
		want(b, &config);
	}
	for (size_t i = 0; b->lines && i < BFD_ENGINE_SESSIONS; i++)
		if (b->lines[i].is_used && !b->lines[i].is_wanted)
			drop(b, &b->lines[i]);
	for (size_t i = 0; i < b->peers->n; i++) {
		struct agent_peer *p = b->peers->items[i];
		const struct bfd_line *l = agent_bfd_of(b, p);

		/* It may be new, and the session not. */
		set_path(p, l);
		bgp_peer_set_bfd(p->bgp, loop_now(b->loop), l && l->permits);
		peer_pump(p, loop_now(b->loop));
	}
}

/* A single hop has one link, and no way around it; over several hops there may be another. */
static bool has_lost_link(const struct plan_node *node, const struct plan_peer *p)
{
	const struct plan_link *link = plan_link_find(node, p->ifindex);

	return p->ifindex != 0 && !p->bfd.is_multihop && !(link && link->up);
}

void agent_bfd_node(struct agent_bfd *b, const struct plan_node *node)
{
	for (size_t i = 0; b->engine && i < b->peers->n; i++) {
		const struct agent_peer *p = b->peers->items[i];
		const struct bfd_line *l = agent_bfd_of(b, p);

		/* What the thread cannot take now is seen by silence. */
		if (l && l->state == BFD_UP && has_lost_link(node, &p->config))
			(void)!bfd_engine_path_down(b->engine, l->config.id);
	}
}

void agent_bfd_carry(struct agent_bfd *b, const struct bpf_dataplane *dp)
{
	if (!b->engine || dp == b->dataplane)
		return;
	if (tell_maps(b, dp ? bpf_dataplane_bfd(dp) : (struct bpf_bfd_fds){-1, -1, -1}))
		b->dataplane = dp;
}

void agent_bfd_leave(struct agent_bfd *b)
{
	if (b->engine)
		bfd_engine_leave(b->engine);
}
