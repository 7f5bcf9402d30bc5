// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* All sessions of a host: discriminators, whose packet it is, who is due next. */
#include "bfd/bfd_carry.h"

#include "unit/bfd/bfd_script.h"

static struct bfd_set *new_set(size_t capacity)
{
	struct rng rng;

	rng_seed(&rng, 9);
	return bfd_set_new(capacity, &rng);
}

static struct bfd_config config_of(unsigned i)
{
	struct bfd_config c = usual_config();

	c.peer = ip_addr_from_v4(PEER + i);
	return c;
}

static struct bfd_session *add(struct bfd_set *set, const struct bfd_config *c)
{
	struct bfd_session *s = bfd_set_add(set, NOW, c);

	assert_non_null(s);
	return s;
}

static void sessions_have_discriminators_of_their_own_again_and_again(void **state)
{
	struct bfd_set *set = new_set(8);
	const struct bfd_config one = config_of(1), two = config_of(2);
	struct bfd_session *a = add(set, &one), *b = add(set, &two);
	uint32_t first = a->discriminator;

	(void)state;
	assert_int_not_equal(first, b->discriminator);
	assert_ptr_equal(bfd_set_find(set, first), a);
	bfd_set_remove(set, a);
	assert_null(bfd_set_find(set, first));
	a = add(set, &one);
	assert_int_not_equal(a->discriminator, first);
	assert_null(bfd_set_find(set, first));
	assert_null(bfd_set_find(set, 0));
	assert_int_equal(bfd_set_count(set), 2);
	set = bfd_set_free(set);
}

static void a_full_set_and_a_second_of_the_same_are_refused(void **state)
{
	struct bfd_set *set = new_set(2);
	struct bfd_config one = config_of(1), two = config_of(2), three = config_of(3);

	(void)state;
	(void)add(set, &one);
	assert_null(bfd_set_add(set, NOW, &one));
	/* The same peer by another way is another session. */
	two = one;
	two.is_multihop = true;
	(void)add(set, &two);
	assert_null(bfd_set_add(set, NOW, &three));
	set = bfd_set_free(set);
}

static enum bfd_reject first_packet(struct bfd_set *set, const struct bfd_arrival *a,
				    struct bfd_session **ret)
{
	struct bfd_packet p = usual_packet(BFD_DOWN);
	uint8_t buf[BFD_PACKET_BYTES];

	p.your_discriminator = 0;
	bfd_packet_encode(buf, &p, 0);
	return bfd_set_receive(set, a, buf, sizeof(buf), ret);
}

static void a_first_packet_finds_its_session_by_the_way_it_came(void **state)
{
	struct bfd_set *set = new_set(8);
	struct bfd_config here = config_of(0), there = config_of(0), far = config_of(0),
			  elsewhere = config_of(0);
	struct bfd_session *by_here, *by_there, *by_far, *got = NULL;
	struct bfd_arrival a = usual_arrival(NOW);

	(void)state;
	here.ifindex = 3;
	there.ifindex = 4;
	far.is_multihop = true;
	far.minimum_ttl = 1;
	elsewhere.ifindex = 5;
	elsewhere.local = (struct ip_addr){.b = {0}};
	by_here = add(set, &here);
	by_there = add(set, &there);
	by_far = add(set, &far);
	(void)add(set, &elsewhere);
	assert_int_equal(first_packet(set, &a, &got), BFD_ACCEPTED);
	assert_ptr_equal(got, by_here);
	a.ifindex = 4;
	assert_int_equal(first_packet(set, &a, &got), BFD_ACCEPTED);
	assert_ptr_equal(got, by_there);
	a.is_multihop = true;
	assert_int_equal(first_packet(set, &a, &got), BFD_ACCEPTED);
	assert_ptr_equal(got, by_far);
	a.is_multihop = false;
	a.destination = ip_addr_from_v4(LOCAL + 1);
	assert_int_equal(first_packet(set, &a, &got), BFD_REJECT_NO_SESSION);
	a.ifindex = 5; /* its local address is not known yet */
	assert_int_equal(first_packet(set, &a, &got), BFD_ACCEPTED);
	assert_int_equal(bfd_set_rejected(set)[BFD_REJECT_NO_SESSION], 1);
	set = bfd_set_free(set);
}

/* Against a search through all, while sessions come, go and change. */
static void the_earliest_deadline_is_first(void **state)
{
	struct bfd_set *set = new_set(64);
	nsec_t now = NOW;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 17);
	assert_int_equal(bfd_set_deadline(set), NSEC_NEVER);
	assert_null(bfd_set_due(set, NSEC_NEVER - 1));
	for (unsigned i = 0; i < 20000; i++) {
		struct bfd_config c = config_of((unsigned)rng_below(&rng, 100));
		struct bfd_session *s;
		nsec_t earliest = NSEC_NEVER;

		c.terms.min_tx_us = (uint32_t)(1 + rng_below(&rng, 3000000));
		s = rng_below(&rng, 3) == 0 ? bfd_set_add(set, now, &c) : NULL;
		if (bfd_set_count(set) > 0 && rng_below(&rng, 4) == 0) {
			s = bfd_set_at(set, rng_below(&rng, bfd_set_count(set)));
			bfd_set_remove(set, s);
		}
		while ((s = bfd_set_due(set, now))) {
			bfd_session_tick(s, now);
			(void)say_all(s, now);
			bfd_set_touch(set, s);
		}
		for (size_t j = 0; j < bfd_set_count(set); j++)
			earliest = nsec_min(earliest, bfd_session_deadline(bfd_set_at(set, j)));
		assert_int_equal(bfd_set_deadline(set), earliest);
		assert_true(earliest > now);
		now += rng_below(&rng, MS(300));
	}
	set = bfd_set_free(set);
}

/* ---- what a former set has left -------------------------------------------------------------- */

static struct bfd_left left_under(uint32_t discriminator)
{
	struct bfd_left left = {.said = usual_packet(BFD_UP), .heard = usual_packet(BFD_UP)};

	left.said.my_discriminator = discriminator;
	left.heard_at = NOW;
	return left;
}

static void a_session_goes_on_under_its_discriminator_which_was_kept_for_it(void **state)
{
	struct bfd_set *set = new_set(3);
	const struct bfd_config one = config_of(1), three = config_of(3);
	struct bfd_config two = config_of(2);
	const struct bfd_left left = left_under(7 << 10 | 0), beyond = left_under(7 << 10 | 3);
	struct bfd_session *s, *other;

	(void)state;
	two.is_passive = true; /* which a new one would have nothing to do for */
	bfd_set_reserve(set, left.said.my_discriminator);
	bfd_set_reserve(set, beyond.said.my_discriminator); /* there is no such place */
	other = add(set, &one);
	assert_int_not_equal(other->discriminator % 1024, 0);
	assert_null(bfd_set_resume(set, NOW, &one, &left)); /* it is there already */
	assert_null(bfd_set_resume(set, NOW, &two, &beyond));
	s = bfd_set_resume(set, NOW, &two, &left);
	assert_non_null(s);
	assert_int_equal(s->state, BFD_UP);
	assert_ptr_equal(bfd_set_find(set, 7 << 10), s);
	assert_null(bfd_set_resume(set, NOW, &three, &left)); /* it was taken */
	assert_int_equal(bfd_set_count(set), 2);
	bfd_set_remove(set, other);
	assert_int_equal(bfd_set_deadline(set), bfd_session_deadline(s));
	set = bfd_set_free(set);
}

/* What is kept for nobody is given away when there is nothing else. */
static void a_kept_place_is_the_last_to_be_given(void **state)
{
	struct bfd_set *set = new_set(2);
	const struct bfd_config one = config_of(1), two = config_of(2);
	struct bfd_session *first, *kept;

	(void)state;
	bfd_set_reserve(set, 0);
	first = add(set, &one);
	kept = add(set, &two);
	assert_int_equal(first->discriminator % 1024, 1);
	assert_int_equal(kept->discriminator % 1024, 0);
	/* Then it is one as any other. */
	bfd_set_remove(set, first);
	bfd_set_remove(set, kept);
	assert_int_equal(add(set, &one)->discriminator % 1024, 0);
	set = bfd_set_free(set);
}

static void a_datagram_names_a_session(void **state)
{
	struct bfd_set *set = new_set(2);
	const struct bfd_config one = config_of(1);
	struct bfd_session *s = add(set, &one);
	struct bfd_packet p = usual_packet(BFD_UP);
	uint8_t data[BFD_PACKET_BYTES];

	(void)state;
	p.your_discriminator = s->discriminator;
	bfd_packet_encode(data, &p, 0);
	assert_ptr_equal(bfd_set_named(set, data, sizeof(data)), s);
	assert_null(bfd_set_named(set, data, 11));
	data[11] ^= 1;
	assert_null(bfd_set_named(set, data, sizeof(data)));
	set = bfd_set_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_have_discriminators_of_their_own_again_and_again),
		cmocka_unit_test(a_full_set_and_a_second_of_the_same_are_refused),
		cmocka_unit_test(a_first_packet_finds_its_session_by_the_way_it_came),
		cmocka_unit_test(the_earliest_deadline_is_first),
		cmocka_unit_test(a_session_goes_on_under_its_discriminator_which_was_kept_for_it),
		cmocka_unit_test(a_kept_place_is_the_last_to_be_given),
		cmocka_unit_test(a_datagram_names_a_session),
	};

	return cmocka_run_group_tests_name("bfd_set", tests, NULL, NULL);
}
