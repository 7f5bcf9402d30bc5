// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * BFD in the programs: of which packets they take note, and of which they do not. Whatever it is,
 * it goes to the agent's socket as it came.
 */
#include "bpf/bfd_bed.h"
#include "bpf/rig_nodes.h"

/* It is passed as it is; whether it was noted. */
static bool is_noted(struct bed *x, const struct bfd_frame *p)
{
	const struct lb_bfd before = rig_bfd(x->rig, PLACE);
	struct lb_bfd after;

	assert_int_equal(bed_xdp(x, &p->spec), XDP_PASS);
	assert_true(frame_equal(&x->in, &x->out));
	after = rig_bfd(x->rig, PLACE);
	assert_int_equal(after.version, before.version);
	assert_memory_equal(&after.told, &before.told, sizeof(after.told));
	if (after.n_seen == before.n_seen) {
		assert_int_equal(after.seen_at, before.seen_at);
		return false;
	}
	assert_int_equal(after.n_seen, before.n_seen + 1);
	assert_in_range(after.seen_at, before.seen_at + 1, now_ns());
	return true;
}

static void a_packet_that_says_nothing_new_is_noted_with_the_time(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_bfd e = bfd_session();
	struct bfd_frame p;

	rig_set_bfd(x->rig, PLACE, &e);
	bfd_make(&p);
	for (unsigned i = 0; i < 3; i++)
		assert_true(is_noted(x, &p));
	p.data[1] |= P_BIT;
	assert_true(is_noted(x, &p));
	p.data[1] ^= P_BIT | F_BIT;
	assert_true(is_noted(x, &p));
	p.spec.sport = 65535;
	assert_true(is_noted(x, &p));
	e.told.ifindex = RIG_IFINDEX;
	rig_set_bfd(x->rig, PLACE, &e);
	assert_true(is_noted(x, &p));
}

/* Its bit is set where tunnels end and where answers to translated flows come (abi.h, vip_bits). */
static void so_it_is_at_an_address_that_is_looked_at_for_anothers_sake(void **state)
{
	struct bed *x = bed_begin(state);
	const struct lb_bfd e = bfd_session();
	struct bfd_frame p;

	rig_set_bfd(x->rig, PLACE, &e);
	rig_set_vip_bit(x->rig, LOCAL);
	rig_set_nat(x->rig, 16384, 16384);
	bfd_make(&p);
	assert_true(is_noted(x, &p));
	p.spec.ttl = 254;
	assert_false(is_noted(x, &p));
	p.spec.ttl = 255;
	p.spec.dport = LB_BFD_PORT + 1000;
	assert_false(is_noted(x, &p));
}

/* Every bit of it but P and F: state, diagnostic, discriminators, intervals, all the rest. */
static void what_differs_in_any_other_bit_is_the_agents(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_bfd e = bfd_answering();
	struct bfd_frame p;

	rig_set_bfd(x->rig, PLACE, &e);
	for (unsigned bit = 0; bit < PACKET * 8; bit++) {
		bfd_make(&p);
		p.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (p.data[1] != (0xc0 | P_BIT) && p.data[1] != (0xc0 | F_BIT))
			assert_false(is_noted(x, &p));
	}
}

static void what_came_another_way_is_the_agents(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_bfd e = bfd_answering();
	struct bfd_frame p;

	rig_set_bfd(x->rig, PLACE, &e);
	bfd_make(&p);
	p.spec.ttl = 254;
	assert_false(is_noted(x, &p));
	bfd_make(&p);
	p.spec.src = PEER + 1;
	assert_false(is_noted(x, &p));
	bfd_make(&p);
	p.spec.dst = LOCAL + 1;
	assert_false(is_noted(x, &p));
	bfd_make(&p);
	p.spec.dport = 4784;
	assert_false(is_noted(x, &p));
	bfd_make(&p);
	p.spec.vlan = 7;
	assert_false(is_noted(x, &p));
	bfd_make(&p);
	p.spec.options = 1;
	assert_false(is_noted(x, &p));
	bfd_make(&p);
	p.spec.frag = 0x2000;
	assert_false(is_noted(x, &p));
	bfd_make(&p);
	p.spec.payload = PACKET + 4;
	assert_false(is_noted(x, &p));
	e.told.ifindex = RIG_IFINDEX + 1;
	rig_set_bfd(x->rig, PLACE, &e);
	bfd_make(&p);
	assert_false(is_noted(x, &p));
}

static void a_frame_cut_short_is_left_alone(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_bfd e = bfd_answering();
	struct bfd_frame p;

	rig_set_bfd(x->rig, PLACE, &e);
	bfd_make(&p);
	frame_make(&x->in, &p.spec);
	for (size_t len = FRAME_IP; len < FRAME_IP + frame_ip_len() + 8 + PACKET; len++) {
		x->in.len = len;
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
	}
	assert_int_equal(rig_bfd(x->rig, PLACE).n_seen, 0);
}

/* Withdrawn, out of date, being written; or its peer has been silent. */
static void an_entry_that_does_not_hold_is_not_written_to(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_bfd e = bfd_answering();
	struct bfd_frame p;

	bfd_make(&p);
	assert_false(is_noted(x, &p));
	e.valid_until = 0;
	rig_set_bfd(x->rig, PLACE, &e);
	assert_false(is_noted(x, &p));
	e.valid_until = now_ns() - 1;
	rig_set_bfd(x->rig, PLACE, &e);
	assert_false(is_noted(x, &p));
	e = bfd_answering();
	e.version = 1;
	rig_set_bfd(x->rig, PLACE, &e);
	assert_false(is_noted(x, &p));
	e = bfd_answering();
	e.told.detection_ns = 150 * MS;
	e.seen_at = now_ns() - 150 * MS;
	rig_set_bfd(x->rig, PLACE, &e);
	assert_false(is_noted(x, &p));
	/* Stamps of another processor may be ahead. */
	e.seen_at = now_ns() + 5 * MS;
	e.told.flags = 0;
	rig_set_bfd(x->rig, PLACE, &e);
	assert_int_equal(bed_xdp(x, &p.spec), XDP_PASS);
	assert_int_equal(rig_bfd(x->rig, PLACE).n_seen, 1);
}

/* Discriminators of places that there are not. */
static void a_discriminator_beyond_the_map_is_nobodys(void **state)
{
	struct bed *x = bed_begin(state);
	struct bfd_frame p;

	bfd_make(&p);
	put32(p.data + 8, LB_BFD_SESSIONS);
	assert_false(is_noted(x, &p));
	put32(p.data + 8, 0xffffffff);
	assert_false(is_noted(x, &p));
}

/* A VIP's packets are the VIP's, whatever they look like. */
static void a_vip_has_no_sessions(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_bfd e = bfd_answering();
	struct bfd_frame p;

	frame_address((uint8_t *)e.told.local, VIP);
	rig_set_bfd(x->rig, PLACE, &e);
	bfd_make(&p);
	p.spec.dst = VIP;
	assert_int_equal(bed_xdp(x, &p.spec), XDP_DROP);
	assert_int_equal(rig_bfd(x->rig, PLACE).n_seen, 0);
}

#define CLAIM(f) CLAIM_BOTH(f, bfd_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(a_packet_that_says_nothing_new_is_noted_with_the_time),
		CLAIM(so_it_is_at_an_address_that_is_looked_at_for_anothers_sake),
		CLAIM(what_differs_in_any_other_bit_is_the_agents),
		CLAIM(what_came_another_way_is_the_agents),
		CLAIM(a_frame_cut_short_is_left_alone),
		CLAIM(an_entry_that_does_not_hold_is_not_written_to),
		CLAIM(a_discriminator_beyond_the_map_is_nobodys),
		CLAIM(a_vip_has_no_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
