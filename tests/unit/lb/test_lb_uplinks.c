// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Domains of devices and VLANs, as the program looks them up, against a plain list of what was set.
 */
#include "fixture.h"

#include "lb/lb_uplinks.h"

#include <errno.h>

#define REACH_MAX 7u

struct uplinks {
	uint64_t words[LB_UPLINKS];
	struct lb_uplinks u;
};

static void uplinks_init(struct uplinks *x)
{
	*x = (struct uplinks){.words = {0}};
	x->u.words = x->words;
}

/* The program's way, written down once more from bpf/abi.h. */
static uint16_t reader_domain(const struct uplinks *x, uint32_t ifindex)
{
	uint32_t home = lb_uplink_hash(ifindex);
	uint32_t reach = (uint32_t)(x->words[home] >> 48 & 7);

	for (uint32_t i = 0; i <= reach; i++) {
		uint64_t word = x->words[(home + i) % LB_UPLINKS];

		if ((uint32_t)word == ifindex)
			return (uint16_t)(word >> 32);
	}
	return 0;
}

/* The same for a VLAN; -1: its device's. */
static int reader_vlan(const struct uplinks *x, uint32_t ifindex, uint16_t tag)
{
	const uint32_t low = ifindex | 0x80000000u | (tag & 0x1000 ? 0x40000000u : 0);
	uint32_t home = lb_uplink_vlan_hash(ifindex, tag);
	uint32_t reach = (uint32_t)(x->words[home] >> 48 & 7);

	for (uint32_t i = 0; i <= reach; i++) {
		uint64_t word = x->words[(home + i) % LB_UPLINKS];

		if ((uint32_t)word == low && (word >> 51 & 0xfff) == (tag & 0xfffu))
			return (uint16_t)(word >> 32);
	}
	return -1;
}

static int set_device(const struct uplinks *x, uint32_t ifindex, uint16_t domain)
{
	return lb_uplinks_set(&x->u, (struct lb_uplink){.ifindex = ifindex}, domain);
}

/* The n-th device whose place is `home`. */
static uint32_t device_at(uint32_t home, unsigned n)
{
	uint32_t ifindex = 1;

	while (lb_uplink_hash(ifindex) != home || n-- > 0)
		ifindex++;
	return ifindex;
}

static void devices_of_one_place_are_all_found_and_the_ninth_is_refused(void **state)
{
	const uint32_t homes[] = {5, LB_UPLINKS - 3};
	struct uplinks x;

	(void)state;
	for (size_t h = 0; h < ARRAY_SIZE(homes); h++) {
		uplinks_init(&x);
		for (unsigned n = 0; n <= REACH_MAX; n++)
			assert_int_equal(set_device(&x, device_at(homes[h], n), (uint16_t)(n + 1)),
					 0);
		assert_int_equal(set_device(&x, device_at(homes[h], 8), 9), -ENOSPC);
		assert_int_equal(set_device(&x, device_at(homes[h], 8), 0), 0);
		assert_int_equal(set_device(&x, device_at(homes[h], 7), 70), 0);
		for (unsigned n = 0; n < REACH_MAX; n++)
			assert_int_equal(reader_domain(&x, device_at(homes[h], n)), n + 1);
		assert_int_equal(reader_domain(&x, device_at(homes[h], 7)), 70);
		assert_int_equal(reader_domain(&x, device_at(homes[h], 8)), 0);
	}
}

/* So that what has no domain is known at one look again. */
static void a_place_reaches_no_further_than_its_devices(void **state)
{
	struct uplinks x;

	(void)state;
	uplinks_init(&x);
	for (unsigned n = 0; n < 3; n++)
		assert_int_equal(set_device(&x, device_at(5, n), 1), 0);
	assert_int_equal(set_device(&x, device_at(9, 0), 1), 0); /* a neighbour in its own */
	assert_int_equal(set_device(&x, device_at(5, 0), 2), 0);
	assert_int_equal(x.words[5] >> LB_UPLINK_REACH_SHIFT, 2);
	assert_int_equal(set_device(&x, device_at(5, 1), 0), 0);
	assert_int_equal(x.words[5] >> LB_UPLINK_REACH_SHIFT, 2);
	assert_int_equal(set_device(&x, device_at(5, 2), 0), 0);
	assert_int_equal(x.words[5] >> LB_UPLINK_REACH_SHIFT, 0);
	assert_int_equal(set_device(&x, device_at(5, 0), 0), 0);
	assert_int_equal(x.words[5], 0);
}

static void a_device_that_was_written_without_its_reach_is_found_by_the_next_agent(void **state)
{
	struct uplinks x;

	(void)state;
	uplinks_init(&x);
	assert_int_equal(set_device(&x, device_at(5, 0), 1), 0);
	assert_int_equal(set_device(&x, device_at(5, 1), 2), 0);
	x.words[5] &= ~(UINT64_C(7) << LB_UPLINK_REACH_SHIFT);
	assert_int_equal(set_device(&x, device_at(5, 1), 2), 0);
	assert_int_equal(reader_domain(&x, device_at(5, 1)), 2);
	assert_int_equal(x.words[6] >> 32, 2);
	assert_int_equal(x.words[7], 0);
}

/* A device, and a VLAN whose place is the same, take nothing from each other. */
static void a_vlan_of_domain_0_has_its_word(void **state)
{
	const struct lb_uplink vlan = {.ifindex = 7, .tag = LB_TAG_8021AD | 4094};
	uint32_t home = lb_uplink_vlan_hash(vlan.ifindex, vlan.tag);
	struct uplinks x;

	(void)state;
	uplinks_init(&x);
	assert_int_equal(set_device(&x, device_at(home, 0), 5), 0);
	assert_int_equal(lb_uplinks_set(&x.u, vlan, 0), 0);
	assert_int_equal(reader_vlan(&x, 7, vlan.tag), 0);
	assert_int_equal(reader_vlan(&x, 7, 4094), -1);
	assert_int_equal(reader_domain(&x, device_at(home, 0)), 5);
	assert_int_equal(set_device(&x, device_at(home, 0), 0), 0);
	assert_int_equal(reader_vlan(&x, 7, vlan.tag), 0);
	lb_uplinks_keep(&x.u, NULL, 0);
	assert_int_equal(x.words[home] | x.words[(home + 1) % LB_UPLINKS], 0);
}

/* Bit 30 of a VLAN's word is the kind of its tag. */
static void a_vlan_of_a_device_beyond_bit_30_is_refused(void **state)
{
	const struct lb_uplink vlan = {.ifindex = 0x40000007, .tag = 100};
	struct uplinks x;

	(void)state;
	uplinks_init(&x);
	assert_int_equal(lb_uplinks_set(&x.u, vlan, 5), -ENOSPC);
	assert_int_equal(reader_vlan(&x, 7, LB_TAG_8021AD | 100), -1);
	assert_int_equal(set_device(&x, vlan.ifindex, 5), 0);
	assert_int_equal(reader_domain(&x, vlan.ifindex), 5);
}

#define DEVICES 300u /* a third of the words; every other one is a VLAN */
#define STEPS   20000u
#define NO_WORD (-1)

/* Few places, so that they crowd. */
static struct lb_uplink uplink_of(uint32_t i)
{
	const uint32_t tag = i % 4 == 1 ? 1 + i : LB_TAG_8021AD | (4094 - i);

	return (struct lb_uplink){.ifindex = 1 + (i * 65536u) + i % 3,
				  .tag = (uint16_t)(i % 2 ? tag : 0)};
}

static void expect_domain(const struct uplinks *x, struct lb_uplink uplink, int domain)
{
	if (uplink.tag)
		assert_int_equal(reader_vlan(x, uplink.ifindex, uplink.tag), domain);
	else
		assert_int_equal(reader_domain(x, uplink.ifindex), domain == NO_WORD ? 0 : domain);
}

static void random_changes_leave_what_a_plain_list_would_and_the_flag(void **state)
{
	struct lb_uplink kept[DEVICES];
	struct uplinks x;
	int domain[DEVICES];
	bool denies = false;
	size_t n_full = 0;
	struct rng rng;

	(void)state;
	uplinks_init(&x);
	rng_seed(&rng, 20);
	memset(domain, 0xff, sizeof(domain));
	for (uint32_t k = 0; k < DEVICES; k++)
		kept[k] = uplink_of(k);
	for (unsigned step = 0; step < STEPS; step++) {
		uint32_t i = (uint32_t)rng_below(&rng, DEVICES);
		uint16_t to = (uint16_t)rng_below(&rng, 4);
		int error = lb_uplinks_set(&x.u, uplink_of(i), to);

		if (error == 0)
			domain[i] = to;
		n_full += error != 0;
		if (step % 13 == 0) {
			denies = rng_below(&rng, 2);
			lb_uplinks_set_denies(&x.u, denies);
		}
		if (step % 500 == 499) {
			lb_uplinks_keep(&x.u, kept, DEVICES / 2);
			memset(domain + DEVICES / 2, 0xff, sizeof(domain) / 2);
		}
		for (uint32_t k = 0; k < DEVICES; k += step % 7 + 1)
			expect_domain(&x, uplink_of(k), domain[k]);
		for (uint32_t k = 0; k < LB_UPLINKS; k += step % 29 + 1)
			assert_int_equal(x.words[k] >> 63, denies);
	}
	assert_int_equal(n_full, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_of_one_place_are_all_found_and_the_ninth_is_refused),
		cmocka_unit_test(a_place_reaches_no_further_than_its_devices),
		cmocka_unit_test(
			a_device_that_was_written_without_its_reach_is_found_by_the_next_agent),
		cmocka_unit_test(a_vlan_of_domain_0_has_its_word),
		cmocka_unit_test(a_vlan_of_a_device_beyond_bit_30_is_refused),
		cmocka_unit_test(random_changes_leave_what_a_plain_list_would_and_the_flag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
