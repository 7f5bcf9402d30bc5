// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The hashes of bpf/abi.h: where a key lies depends on each of its octets, and keys that come in
 * rows, as addresses, ports and devices do, lie apart.
 */
#include "fixture.h"

static bool same_places(const struct lb_service_key *a, const struct lb_service_key *b)
{
	return lb_service_hash(a, 0) == lb_service_hash(b, 0) &&
	       lb_service_hash(a, 1) == lb_service_hash(b, 1);
}

static void each_octet_of_a_key_counts(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	for (unsigned round = 0; round < 200; round++) {
		struct lb_service_key key = {0};

		for (size_t i = 0; i < 4; i++)
			key.addr[i] = round % 2 || i == 3 ? (__u32)rng_next(&rng) : 0;
		key.domain = (__u16)rng_next(&rng);
		key.port = (__u16)rng_next(&rng);
		key.proto = (__u8)rng_next(&rng);
		for (size_t i = 0; i <= offsetof(struct lb_service_key, proto); i++) {
			struct lb_service_key other = key;

			((uint8_t *)&other)[i] ^= (uint8_t)(1u << round % 8);
			assert_false(same_places(&key, &other));
		}
	}
}

static void each_octet_of_an_address_has_its_bit(void **state)
{
	(void)state;
	for (size_t i = 0; i < 16; i++) {
		__u32 addr[4] = {0x20010db8, 1, 2, 3};
		const __u32 bit = lb_vip_bit(addr);

		assert_true(bit < LB_VIP_WORDS * 64);
		((uint8_t *)addr)[i] ^= 0x10;
		assert_int_not_equal(lb_vip_bit(addr), bit);
	}
}

/* Pods of one Service differ in their address alone, and those with the node's in their port. */
static void each_octet_of_a_backend_has_its_bit(void **state)
{
	(void)state;
	for (size_t i = 0; i < 16 + 3; i++) {
		__u32 addr[4] = {0x20010db8, 1, 2, 3};
		__be16 port = 0x5000;
		__u8 proto = 6;
		const __u32 bit = lb_backend_bit(addr, port, proto);

		assert_true(bit < LB_BACKEND_WORDS * 64);
		if (i < 16)
			((uint8_t *)addr)[i] ^= 0x10;
		else if (i < 18)
			((uint8_t *)&port)[i - 16] ^= 0x10;
		else
			proto = 17;
		assert_int_not_equal(lb_backend_bit(addr, port, proto), bit);
	}
}

/* As an agent that names its devices would have them: a few of them share a place, not many. */
static void devices_in_a_row_lie_apart(void **state)
{
	unsigned n[LB_UPLINKS] = {0};

	(void)state;
	for (uint32_t ifindex = 1; ifindex <= LB_UPLINKS / 2; ifindex++) {
		const uint32_t at = lb_uplink_hash(ifindex);

		assert_true(at < LB_UPLINKS);
		assert_true(++n[at] <= 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_octet_of_a_key_counts),
		cmocka_unit_test(each_octet_of_an_address_has_its_bit),
		cmocka_unit_test(each_octet_of_a_backend_has_its_bit),
		cmocka_unit_test(devices_in_a_row_lie_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
