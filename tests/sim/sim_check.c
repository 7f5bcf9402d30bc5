// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The invariants. Each check says in its message what was seen, so that a failing seed explains
 * itself.
 */
#include "sim/sim_check.h"

#include "bgp/bgp_update.h"

#include <assert.h>
#include <stdarg.h>

void sim_check_init(struct sim_check *c, bool is_ibgp)
{
	memset(c, 0, sizeof(*c));
	c->is_ibgp = is_ibgp;
}

void sim_violation(struct sim_check *c, const char *fmt, ...)
{
	va_list ap;

	if (c->violation[0] != '\0')
		return;
	va_start(ap, fmt);
	(void)vsnprintf(c->violation, sizeof(c->violation), fmt, ap);
	va_end(ap);
}

struct bgp_attrs sim_attrs(unsigned variant)
{
	static const uint32_t communities[] = {0xfbf40064, 0xfbf400c8, COMMUNITY_NO_EXPORT};

	return (struct bgp_attrs){.prepend = variant % 3 ? 0 : 2,
				  .has_local_pref = true,
				  .local_pref = 100 + variant,
				  .has_med = true,
				  .med = variant,
				  .communities = communities,
				  .n_communities = variant % 4};
}

struct ip_prefix sim_prefix(unsigned i)
{
	struct ip_addr a = ip_addr_from_v4(0xc6336400 + i);

	if (i % 2)
		a = (struct ip_addr){.b = {0x20, 0x01, 0x0d, 0xb8, [15] = (uint8_t)i}};
	return ip_prefix_of(&a, ip_addr_bits(&a));
}

static enum bgp_family family_of(unsigned i)
{
	return i % 2 ? BGP_IPV6_UNICAST : BGP_IPV4_UNICAST;
}

void sim_check_connected(struct sim_check *c, int end, enum bgp_slot slot, nsec_t now)
{
	c->end[end].tap[slot] = (struct sim_tap){.heard_at = now, .said_at = now};
}

/* RFC 4271 8.2.2: which state may follow which. */
static bool is_legal(enum bgp_state from, enum bgp_state to)
{
	static const uint8_t next[] = {
		[BGP_IDLE] = 1 << BGP_CONNECT | 1 << BGP_ACTIVE,
		[BGP_CONNECT] = 1 << BGP_IDLE | 1 << BGP_ACTIVE | 1 << BGP_OPEN_SENT,
		[BGP_ACTIVE] = 1 << BGP_IDLE | 1 << BGP_CONNECT | 1 << BGP_OPEN_SENT,
		[BGP_OPEN_SENT] = 1 << BGP_IDLE | 1 << BGP_ACTIVE | 1 << BGP_OPEN_CONFIRM,
		[BGP_OPEN_CONFIRM] = 1 << BGP_IDLE | 1 << BGP_ESTABLISHED,
		[BGP_ESTABLISHED] = 1 << BGP_IDLE,
	};

	return next[from] >> to & 1;
}

/* The table without the routes that are stale, or all of it. */
static void forget(struct sim_check *c, bool only_stale)
{
	for (unsigned i = 0; i < SIM_ROUTES; i++) {
		if (!only_stale || c->seen[i].is_stale)
			c->seen[i] = (struct sim_seen_route){0};
	}
}

static void session_up(struct sim_check *c, int end, const struct bgp_event *e,
		       const struct bgp_peer_info *info)
{
	struct sim_watch *w = &c->end[end];

	if (w->is_up)
		sim_violation(c, "end %d: two connections Established", end);
	if (c->is_strict[end] && !c->bfd_is_up)
		sim_violation(c, "end %d: Established, strict, and BFD is down", end);
	w->is_up = true;
	c->stats.sessions += end == 0;
	w->up_slot = e->slot;
	w->had_gr = info->gr_negotiated;
	w->hold_s = info->hold_s;
	if (end == 1 && (!w->had_gr || !w->tap[e->slot].has_forwarding))
		forget(c, true);
}

static void session_down(struct sim_check *c, int end, enum bgp_slot slot)
{
	struct sim_watch *w = &c->end[end];

	w->is_up = false;
	if (end == 0)
		return;
	if (!w->had_gr || w->tap[slot].was_notified)
		forget(c, false);
	for (unsigned i = 0; i < SIM_ROUTES; i++) {
		c->seen[i].is_stale = c->seen[i].variant != 0;
		c->stats.stale_kept += c->seen[i].is_stale;
	}
}

/* A hold timer that expires does so at its time, not before and not after. */
static void check_hold_expiry(struct sim_check *c, int end, nsec_t now, enum bgp_slot slot)
{
	const struct sim_watch *w = &c->end[end];
	const struct sim_tap *tap = &w->tap[slot];

	if (!tap->said_hold_expired)
		return;
	c->stats.hold_expiries++;
	if (now != tap->heard_at + w->hold_s * NSEC_PER_SEC)
		sim_violation(c, "end %d: hold timer expired after %llu ns of %u s", end,
			      (unsigned long long)(now - tap->heard_at), w->hold_s);
}

void sim_check_event(struct sim_check *c, int end, nsec_t now, const struct bgp_event *e,
		     const struct bgp_peer *peer)
{
	const struct bgp_peer_info info = bgp_peer_info(peer);

	if (e->type == BGP_EVENT_CONNECT || e->type == BGP_EVENT_CLOSE)
		return;
	if (e->from != c->end[end].state[e->slot] || !is_legal(e->from, e->to))
		sim_violation(c, "end %d: %s to %s is no transition", end, bgp_state_text(e->from),
			      bgp_state_text(e->to));
	c->end[end].state[e->slot] = e->to;
	if (e->to == BGP_OPEN_CONFIRM)
		c->end[end].confirmed_at[e->slot] = now;
	if (e->type == BGP_EVENT_UP)
		session_up(c, end, e, &info);
	if (e->type != BGP_EVENT_DOWN)
		return;
	check_hold_expiry(c, end, now, e->slot);
	session_down(c, end, e->slot);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static void check_open_sent(struct sim_check *c, int end, const struct bgp_open *open)
{
	if (end == 0 && open->gr.restarting && !c->may_restart)
		sim_violation(c, "R bit without a restart, or after End-of-RIB");
	for (enum bgp_family f = 0; end == 0 && open->gr.present && f < BGP_N_FAMILIES; f++)
		if (bgp_families_has(open->gr.forwarding, f) != c->keeps_forwarding)
			sim_violation(c, "F bit of family %u is %d", f,
				      bgp_families_has(open->gr.forwarding, f));
}

static const struct bgp_families both = {BGP_FAMILY_BIT(BGP_N_FAMILIES) - 1};

/* R and F are said by the next OPEN until the picture of each family of a session was complete. */
static void end_of_rib_sent(struct sim_check *c, struct sim_tap *tap, const struct bgp_update *u)
{
	enum bgp_family f;

	if (!c->synced)
		sim_violation(c, "End-of-RIB before the picture is complete");
	if (!bgp_family_of(u->eor_afi, u->eor_safi, &f) || bgp_families_has(tap->end_of_rib, f))
		sim_violation(c, "End-of-RIB twice, or of no family");
	else
		bgp_families_put(&tap->end_of_rib, f, true);
	if (bgp_families_equal(tap->end_of_rib, bgp_families_common(tap->offered, tap->heard))) {
		c->may_restart = false;
		c->keeps_forwarding = true;
	}
}

static void check_update_sent(struct sim_check *c, int end, enum bgp_slot slot, struct rcur body)
{
	struct bgp_update_session s = {.is_ibgp = c->is_ibgp, .as4 = true, .families = both};
	struct bgp_update u;
	struct bgp_error e;

	/* A hostile OPEN may lack capability 65; the router's own decoder is not that lenient. */
	if (bgp_update_decode(body, &s, &u, &e) != BGP_UPDATE_OK) {
		s.as4 = false;
		if (bgp_update_decode(body, &s, &u, &e) != BGP_UPDATE_OK)
			sim_violation(c, "end %d sent a malformed UPDATE: %s", end, u.reason);
	}
	c->stats.updates++;
	if (end == 0 && u.is_end_of_rib)
		end_of_rib_sent(c, &c->end[end].tap[slot], &u);
}

static void notification_sent(struct sim_check *c, struct sim_tap *tap, const struct bgp_error *e)
{
	tap->was_notified = tap->has_ended = true;
	tap->said_hold_expired = e->code == BGP_ERROR_HOLD_TIMER;
	c->stats.collisions += e->code == BGP_ERROR_CEASE && e->subcode == BGP_CEASE_COLLISION;
}

static void open_sent(struct sim_check *c, int end, enum bgp_slot slot, const struct bgp_open *open)
{
	check_open_sent(c, end, open);
	c->end[end].tap[slot].offered = open->families;
}

void sim_check_sent(struct sim_check *c, int end, enum bgp_slot slot, nsec_t now,
		    const uint8_t *data, size_t len)
{
	struct bgp_frame f;
	struct bgp_open open;
	struct bgp_error e;

	while (len > 0) {
		if (c->end[end].tap[slot].has_ended)
			sim_violation(c, "end %d wrote behind its NOTIFICATION", end);
		if (bgp_header_parse(data, len, BGP_MESSAGE_MAX, &f, &e) != BGP_FRAME_MESSAGE) {
			sim_violation(c, "end %d wrote what is no whole message", end);
			return;
		}
		if (f.type == BGP_OPEN && !bgp_open_decode(f.body, &open, &e))
			sim_violation(c, "end %d sent a malformed OPEN", end);
		else if (f.type == BGP_OPEN)
			open_sent(c, end, slot, &open);
		else if (f.type == BGP_UPDATE)
			check_update_sent(c, end, slot, f.body);
		else if (f.type == BGP_NOTIFICATION && bgp_notification_decode(f.body, &e))
			notification_sent(c, &c->end[end].tap[slot], &e);
		c->end[end].tap[slot].said_at = now;
		data += f.len;
		len -= f.len;
	}
}

static unsigned variant_of(const struct sim_check *c, const struct bgp_update *u)
{
	const struct bgp_attrs want = sim_attrs(u->med);
	unsigned n_as_path = c->is_ibgp ? 0 : 1u + want.prepend;
	bool same = u->has_med && u->med != 0 && u->origin == BGP_ORIGIN_IGP &&
		    (u->has_next_hop || !ip_addr_is_none(&u->mp_next_hop)) &&
		    u->n_as_path == n_as_path && u->has_local_pref == c->is_ibgp &&
		    (!c->is_ibgp || u->local_pref == want.local_pref) &&
		    rcur_left(&u->communities) == 4 * want.n_communities;

	return same ? u->med : UINT32_MAX;
}

static unsigned number_of(const struct ip_prefix *p)
{
	unsigned i = 0;

	for (; i < SIM_ROUTES; i++) {
		const struct ip_prefix q = sim_prefix(i);

		if (ip_prefix_cmp(p, &q) == 0)
			break;
	}
	return i;
}

static void see(struct sim_check *c, struct rcur prefixes, enum bgp_family family, unsigned variant,
		const struct ip_addr *next_hop)
{
	struct ip_prefix p;

	while (bgp_nlri_next(&prefixes, family, &p)) {
		unsigned i = number_of(&p);

		if (i >= SIM_ROUTES)
			sim_violation(c, "a prefix that nobody announced");
		else
			c->seen[i] =
				(struct sim_seen_route){.variant = variant, .next_hop = *next_hop};
	}
}

/*
 * At End-of-RIB the helper drops what is still stale of the family: that must be what nobody wants
 * any more.
 */
static void end_of_rib(struct sim_check *c, enum bgp_slot slot, enum bgp_family family,
		       const struct sim_route *want)
{
	/* The agent was not Established before this, so all that was desired by then had to come.
	 */
	nsec_t since = c->end[1].confirmed_at[slot];

	for (unsigned i = 0; i < SIM_ROUTES; i++) {
		if (family_of(i) != family || !c->seen[i].is_stale)
			continue;
		if (want[i].variant != 0 && want[i].since < since)
			sim_violation(c, "End-of-RIB costs route %u, which is desired", i);
		c->seen[i] = (struct sim_seen_route){0};
	}
}

static void heard_update(struct sim_check *c, enum bgp_slot slot, struct rcur body,
			 const struct sim_route *want)
{
	const struct bgp_update_session s = {.is_ibgp = c->is_ibgp, .as4 = true, .families = both};
	struct bgp_update u;
	const struct ip_addr none = {0};
	struct bgp_error e;
	enum bgp_family family;

	if (bgp_update_decode(body, &s, &u, &e) != BGP_UPDATE_OK) {
		sim_violation(c, "a malformed UPDATE arrived");
		return;
	}
	see(c, u.withdrawn, BGP_IPV4_UNICAST, 0, &none);
	see(c, u.mp_unreach.nlri, u.mp_unreach.family, 0, &none);
	see(c, u.nlri, BGP_IPV4_UNICAST, variant_of(c, &u), &u.next_hop);
	see(c, u.mp_reach.nlri, u.mp_reach.family, variant_of(c, &u), &u.mp_next_hop);
	if (u.is_end_of_rib && bgp_family_of(u.eor_afi, u.eor_safi, &family))
		end_of_rib(c, slot, family, want);
}

static void heard_message(struct sim_check *c, int end, enum bgp_slot slot,
			  const struct bgp_frame *f, const struct sim_route *want)
{
	struct sim_watch *w = &c->end[end];
	struct bgp_open open;
	struct bgp_error e;

	if (f->type == BGP_OPEN && w->state[slot] == BGP_OPEN_SENT &&
	    bgp_open_decode(f->body, &open, &e)) {
		w->tap[slot].has_forwarding =
			open.gr.present && bgp_families_equal(open.gr.forwarding, both);
		w->tap[slot].heard = open.families;
	}
	if (f->type == BGP_NOTIFICATION)
		w->tap[slot].was_notified = true;
	/* In OpenConfirm the KEEPALIVE that makes it Established is in the same segment. */
	if (f->type == BGP_UPDATE && end == 1 && w->state[slot] >= BGP_OPEN_CONFIRM)
		heard_update(c, slot, f->body, want);
}

/* Reassembles what arrived in segments; a hostile peer's bytes only count as "heard". */
void sim_check_heard(struct sim_check *c, int end, enum bgp_slot slot, nsec_t now,
		     const uint8_t *data, size_t len, const struct sim_route *want)
{
	struct sim_tap *tap = &c->end[end].tap[slot];
	struct bgp_frame f;
	struct bgp_error e;

	for (size_t i = 0; i < len; i++) {
		if (tap->rx_len == sizeof(tap->rx))
			return;
		tap->rx[tap->rx_len++] = data[i];
		if (tap->rx_len < BGP_HEADER_LEN ||
		    bgp_header_parse(tap->rx, tap->rx_len, sizeof(tap->rx), &f, &e) !=
			    BGP_FRAME_MESSAGE)
			continue;
		tap->rx_len = 0;
		if (f.type != BGP_NOTIFICATION && f.type != BGP_ROUTE_REFRESH)
			tap->heard_at = now;
		heard_message(c, end, slot, &f, want);
	}
}

void sim_check_times(struct sim_check *c, int end, nsec_t now, const struct bgp_peer *peer,
		     bool can_write)
{
	const struct sim_watch *w = &c->end[end];
	const struct sim_tap *tap = &w->tap[w->up_slot];
	const struct bgp_peer_info info = bgp_peer_info(peer);

	if (!w->is_up || info.hold_s == 0)
		return;
	if (now >= tap->heard_at + info.hold_s * NSEC_PER_SEC)
		sim_violation(c, "end %d: Established %llu ns after the last message, hold %u s",
			      end, (unsigned long long)(now - tap->heard_at), info.hold_s);
	if (can_write && now > tap->said_at + info.keepalive_s * NSEC_PER_SEC)
		sim_violation(c, "end %d: silent for %llu ns, keepalive %u s", end,
			      (unsigned long long)(now - tap->said_at), info.keepalive_s);
}

void sim_check_crashed(struct sim_check *c, int end)
{
	c->end[end].state[BGP_SLOT_DIALLED] = c->end[end].state[BGP_SLOT_ACCEPTED] = BGP_IDLE;
	c->end[end].is_up = false;
	if (end != 0)
		return;
	c->stats.crashes++;
	c->synced = false;
	c->may_restart = true;
}
