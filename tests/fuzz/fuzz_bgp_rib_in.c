// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * An Adj-RIB-In fed with UPDATEs of any content between changes of policy, sweeps and takes. Beside
 * memory safety: its counts are those of its routes, the limit is kept, and who follows what is
 * taken has in the end what is accepted.
 *
 * Input: an octet for the session, then commands: an octet, and for an UPDATE two octets of length
 * and so many of a body.
 */
#include "base/prefix_table.h"
#include "bgp/bgp_update.h"
#include "fuzz/rib_in_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum command { CMD_UPDATE, CMD_IMPORT, CMD_STALE, CMD_SWEEP, CMD_DROP, CMD_TAKE, N_COMMANDS };

struct run {
	struct rcur in;
	struct bgp_update_session session;
	struct bgp_rib_in *rib;
	struct bgp_import import;
	struct prefix_table told; /* prefixes that were accepted when they were last taken */
};

static void take(struct run *r, unsigned n)
{
	struct ip_prefix p;

	(void)bgp_rib_in_go_on(r->rib, n);
	for (; n > 0 && bgp_rib_in_take(r->rib, &p); n--) {
		const bool is_in = bgp_rib_in_accepted(r->rib, &p) != NULL;
		const void *known = prefix_table_find(&r->told, &p);

		if (known && !is_in)
			prefix_table_remove(&r->told, known);
		else if (!known && is_in)
			(void)prefix_table_add(&r->told, &p);
	}
}

static void update(struct run *r)
{
	const struct rcur body = rcur_sub(&r->in, rcur_u16(&r->in));
	struct bgp_update u;
	struct bgp_error e;

	switch (bgp_update_decode(body, &r->session, &u, &e)) {
	case BGP_UPDATE_OK:
	case BGP_UPDATE_ATTRIBUTE_DISCARD:
		bgp_rib_in_learn(r->rib, &u, &r->session);
		(void)bgp_rib_in_has_room_again(r->rib);
		break;
	case BGP_UPDATE_TREAT_AS_WITHDRAW:
		bgp_rib_in_unlearn(r->rib, &u);
		break;
	case BGP_UPDATE_RESET:
		break;
	}
}

static void do_command(struct run *r)
{
	const uint8_t byte = rcur_u8(&r->in);
	const enum bgp_family f = byte >> 3 & 1;
	bool asks;

	switch ((enum command)((byte & 7) % N_COMMANDS)) {
	case CMD_UPDATE:
		update(r);
		break;
	case CMD_IMPORT:
		r->import = rib_in_import(rcur_u8(&r->in));
		asks = bgp_rib_in_set_import(r->rib, &r->import);
		assert(!asks || bgp_rib_in_is_open(r->rib));
		break;
	case CMD_STALE:
		bgp_rib_in_stale(r->rib, f);
		break;
	case CMD_SWEEP:
		bgp_rib_in_sweep(r->rib, f);
		break;
	case CMD_DROP:
		bgp_rib_in_drop(r->rib, f);
		break;
	case CMD_TAKE:
		take(r, byte >> 4);
		break;
	case N_COMMANDS:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run r = {.in = rcur_init(data, size)};
	const uint8_t bits = rcur_u8(&r.in);

	r.session = (struct bgp_update_session){.local_asn = 64500,
						.remote_asn = bits & 2 ? 64500 : 64501,
						.router_id = 0x0a000001,
						.is_ibgp = bits & 2,
						.as4 = bits & 1,
						.has_role = bits & 4,
						.role = BGP_ROLE_PROVIDER,
						.families = {3},
						.local = {.ipv4 = ip_addr_from_v4(0x0a000001)}};
	r.rib = bgp_rib_in_new(bits);
	r.import = rib_in_import(0xf1);
	if (!bgp_rib_in_set_import(r.rib, &r.import))
		abort();
	prefix_table_init(&r.told, sizeof(struct ip_prefix), 1);
	while (rcur_left(&r.in) > 0 && !r.in.failed) {
		do_command(&r);
		rib_in_check(r.rib, &r.import);
	}
	while (bgp_rib_in_go_on(r.rib, 100) > 0)
		;
	take(&r, UINT32_MAX);
	assert(!bgp_rib_in_has_changed(r.rib));
	rib_in_check(r.rib, &r.import);
	assert(r.told.n == bgp_rib_in_counts(r.rib).n_accepted);
	prefix_table_done(&r.told);
	bgp_rib_in_free(r.rib);
	return 0;
}
