// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The table of what a changed field costs, and the comparison by it. Whoever applies a change
 * treats what it cannot do in place as a reset.
 */
#include "plan/plan_peer_change.h"

#include <assert.h>
#include <stdio.h>

static bool same_key(const struct plan_peer *a, const struct plan_peer *b)
{
	return peer_key_cmp(&a->key, &b->key) == 0;
}

static bool same_password(const struct plan_peer *a, const struct plan_peer *b)
{
	return a->password_len == b->password_len &&
	       (a->password_len == 0 || memcmp(a->password, b->password, a->password_len) == 0);
}

static bool same_bfd(const struct plan_peer *a, const struct plan_peer *b)
{
	const struct plan_bfd *x = &a->bfd, *y = &b->bfd;

	return x->is_wanted == y->is_wanted && x->is_multihop == y->is_multihop &&
	       x->is_passive == y->is_passive && x->minimum_ttl == y->minimum_ttl &&
	       x->echo_us == y->echo_us && bfd_terms_same(&x->terms, &y->terms) &&
	       bfd_auth_key_same(&x->auth, &y->auth);
}

#define FIELD(field)                                                                               \
	.name = #field, .offset = offsetof(struct plan_peer, field),                               \
	.size = sizeof(((struct plan_peer *)NULL)->field)

static const struct peer_field fields[] = {
	{FIELD(key), same_key, PEER_RESET,
	 "another key is another peer: the old one leaves with Cease 6/3"},
	{FIELD(address), NULL, PEER_RESET, "another end of the TCP connection"},
	{FIELD(source), NULL, PEER_RESET, "another end of the TCP connection"},
	{FIELD(ifindex), NULL, PEER_UNTOUCHED,
	 "of the way to it, for the devices: the kernel takes the way by itself"},
	{FIELD(port), NULL, PEER_RESET, "another end of the TCP connection"},
	{FIELD(vrf), NULL, PEER_RESET, "its sockets are bound to the VRF's device"},
	{FIELD(table), NULL, PEER_UNTOUCHED, "the device says whose routes lead to it"},
	{FIELD(domain), NULL, PEER_UNTOUCHED,
	 "which VIPs are announced to it: the routes follow by themselves"},
	{FIELD(ttl), NULL, PEER_RESET,
	 "set before the connection is made: its handshake has it, too"},
	{FIELD(ttl_security), NULL, PEER_RESET, "set before the connection is made, too"},
	{FIELD(listen), NULL, PEER_NONE, "a socket beside those of sessions: those stay"},
	{FIELD(password), same_password, PEER_REKEY,
	 "the kernel takes another key on a living connection; what the router signs with its own until it "
	 "changes, too, is sent again"},
	{FIELD(password_len), NULL, PEER_REKEY, "of the password"},
	{FIELD(next_hops), NULL, PEER_RESEND, "of the routes of one family, which say it"},
	{FIELD(carried), NULL, PEER_UNTOUCHED,
	 "which routes are announced to it: they follow by themselves"},
	{FIELD(bgp.local_asn), NULL, PEER_RESET, "said by the OPEN"},
	{FIELD(bgp.remote_asn), NULL, PEER_RESET, "the peer's OPEN was judged by it"},
	{FIELD(bgp.any_external), NULL, PEER_RESET, "the peer's OPEN was judged by it"},
	{FIELD(bgp.any_internal), NULL, PEER_RESET, "the peer's OPEN was judged by it"},
	{FIELD(bgp.families), NULL, PEER_RESET, "capabilities, said by the OPEN"},
	{FIELD(bgp.extended_next_hop), NULL, PEER_RESET, "a capability, said by the OPEN"},
	{FIELD(bgp.router_id), NULL, PEER_NONE,
	 "said by the next OPEN: no session is worth an identifier"},
	{FIELD(bgp.hold_s), NULL, PEER_NONE, "agreed upon by the next OPENs"},
	{FIELD(bgp.keepalive_s), NULL, PEER_NONE, "counts from now: it is not agreed upon"},
	{FIELD(bgp.connect_s), NULL, PEER_NONE,
	 "counts from now, also for an attempt that is waited for"},
	{FIELD(bgp.graceful_restart), NULL, PEER_RESET, "a capability, said by the OPEN"},
	{FIELD(bgp.restart_time_s), NULL, PEER_NONE, "said by the next OPEN"},
	{FIELD(bgp.llgr_s), NULL, PEER_RESET, "a capability, said by the OPEN"},
	{FIELD(bgp.has_role), NULL, PEER_RESET, "a capability, said by the OPEN"},
	{FIELD(bgp.role), NULL, PEER_RESET, "a capability, said by the OPEN"},
	{FIELD(bgp.bfd_strict), NULL, PEER_NONE,
	 "said by the next OPEN; a session that is there has no reason to end"},
	{FIELD(bgp.graceful_shutdown), NULL, PEER_RESEND,
	 "a community that all routes have while the node is about to leave (RFC 8326)"},
	{FIELD(bgp.restarted), NULL, PEER_UNTOUCHED,
	 "the driver's own, for a session's start; not the plan's"},
	{FIELD(bgp.forwarding_preserved), NULL, PEER_UNTOUCHED,
	 "the driver's own, for a session's start; not the plan's"},
	{FIELD(bfd), same_bfd, PEER_NONE,
	 "another profile is a poll sequence of the BFD session; one that begins or ends closes nothing"},
	{FIELD(object), NULL, PEER_UNTOUCHED, "where the peer comes from, while planning only"},
};

const struct peer_field *plan_peer_fields(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(fields);
	return fields;
}

const char *peer_action_text(enum peer_action action)
{
	static const char *const text[N_PEER_ACTIONS] = {
		[PEER_UNTOUCHED] = "untouched", [PEER_NONE] = "none",   [PEER_RESEND] = "resend",
		[PEER_REKEY] = "re-key",        [PEER_RESET] = "reset",
	};

	assert(action < N_PEER_ACTIONS);
	return text[action];
}

bool plan_peer_field_same(const struct peer_field *f, const struct plan_peer *a,
			  const struct plan_peer *b)
{
	if (f->same)
		return f->same(a, b);
	return memcmp((const char *)a + f->offset, (const char *)b + f->offset, f->size) == 0;
}

enum peer_action plan_peer_change(const struct plan_peer *from, const struct plan_peer *to)
{
	enum peer_action strongest = PEER_UNTOUCHED;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].action > strongest && !plan_peer_field_same(&fields[i], from, to))
			strongest = fields[i].action;
	return strongest;
}

bool plan_peer_same(const struct plan_peer *a, const struct plan_peer *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!plan_peer_field_same(&fields[i], a, b))
			return false;
	return true;
}

const char *plan_peer_text(const struct plan_peer *p, char buf[PLAN_PEER_TEXT])
{
	const bool is_heard = !ip_addr_is_none(&p->address);
	const char *interface = p->key.interface;
	char address[IP_ADDR_TEXT] = "";

	if (is_heard)
		ip_addr_text(&p->address, address);
	(void)snprintf(buf, PLAN_PEER_TEXT, "%s%s%s", address,
		       is_heard && interface[0] != '\0' ? "%" : "", interface);
	return buf;
}
