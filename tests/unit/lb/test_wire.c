// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Golden vectors of bpf/wire.h: what every node must compute, whatever its compiler and byte order.
 * A change here is a change of the protocol between nodes and needs a new LB_WIRE_VERSION.
 */
#include "fixture.h"

static const uint8_t v4_bytes[16] = {[10] = 0xff, 0xff, 203, 0, 113, 7};
static const uint8_t v6_bytes[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

static void words_of(__u32 words[4], const uint8_t bytes[16])
{
	memcpy(words, bytes, 16);
}

static void the_version_is_the_one_these_vectors_are_for(void **state)
{
	(void)state;
	assert_int_equal(LB_WIRE_VERSION, 3);
}

static void mix_has_its_values(void **state)
{
	(void)state;
	assert_true(lb_wire_mix(0, 0) == 0x6e72a06eb01dcf8e);
	assert_true(lb_wire_mix(1, 2) == 0xe8bba7dc64b3faf6);
}

static void flow_hash_has_its_values(void **state)
{
	__u16 sport = __builtin_bswap16(40000);
	__u32 v4[4], v6[4];

	(void)state;
	words_of(v4, v4_bytes);
	words_of(v6, v6_bytes);
	assert_true(lb_wire_flow_hash(v4, sport, __builtin_bswap16(80), 0x12345678) ==
		    0x4425bc4ba91a6e4f);
	assert_true(lb_wire_flow_hash(v4, 0, 0, 0x12345678) == 0x6b5e7c795fe63e7d); /* affinity */
	assert_true(lb_wire_flow_hash(v6, sport, __builtin_bswap16(443), 0x12345678) ==
		    0x9f9a78988a34c511);
}

static void a_row_is_the_hash_scaled_to_the_row_count(void **state)
{
	(void)state;
	assert_int_equal(lb_wire_row(0x4425bc4ba91a6e4f, 8), 0x44);
	assert_int_equal(lb_wire_row(0x4425bc4ba91a6e4f, 11), 0x4425 >> 5);
	assert_int_equal(lb_wire_row(UINT64_MAX, 16), 65535);
}

static void backend_id_and_weight_have_their_values(void **state)
{
	__u32 v4[4], v6[4];

	(void)state;
	words_of(v4, v4_bytes);
	words_of(v6, v6_bytes);
	assert_true(lb_wire_backend_id(v4, __builtin_bswap16(8080), 0x12345678) ==
		    0x3c75b9f15efe38f8);
	assert_true(lb_wire_backend_id(v6, __builtin_bswap16(8080), 0x12345678) ==
		    0xcf9b547b2926336c);
	assert_true(lb_wire_weight(0x0123456789abcdef, 1234) == 0xb9ed3796e46f2ff5);
}

static void draws_have_their_values_and_the_first_is_the_backends_own(void **state)
{
	(void)state;
	assert_true(lb_wire_draw_id(0x0123456789abcdef, 0) == 0x0123456789abcdef);
	assert_true(lb_wire_draw_id(0x0123456789abcdef, 1) == 0x2a545c2160ca15c);
	assert_true(lb_wire_draw_id(0x0123456789abcdef, 15) == 0xf92f4d6f57a2be43);
}

static void quotas_have_their_values(void **state)
{
	(void)state;
	assert_int_equal(lb_wire_quota(2048, 1, 10), 209); /* ceil(208.896) */
	assert_int_equal(lb_wire_quota(2048, 1, 1), 2089);
	assert_int_equal(lb_wire_quota(100, 1, 102), 1);
	assert_int_equal(lb_wire_quota(2048, 2, 11), 380);         /* ceil(379.81) */
	assert_int_equal(lb_wire_quota(65536, 16, 16 * 32767), 3); /* ceil(2.04) */
}

static void the_fewest_rows_have_their_values(void **state)
{
	(void)state;
	assert_int_equal(lb_wire_least(2048, 1, 10), 200);  /* floor(200.7) */
	assert_int_equal(lb_wire_least(2048, 1, 1), 2007);  /* floor(2007.04) */
	assert_int_equal(lb_wire_least(2048, 2, 11), 364);  /* floor(364.9) */
	assert_int_equal(lb_wire_least(2048, 1, 50), 39);   /* of 40.96: one less than 40 */
	assert_int_equal(lb_wire_least(2048, 1, 200), 9);   /* of 10.24 */
	assert_int_equal(lb_wire_least(2048, 1, 2048), 0);  /* of 1 */
	assert_int_equal(lb_wire_least(2048, 1, 30000), 0); /* of less */
	assert_int_equal(lb_wire_least(65536, 16, 16 * 32767), 1);
}

/* From 10.0.0.1 on, port 8080, seed of "default/web"; the third drains. */
static void some_backends(struct lb_row_target *targets, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		struct ip_addr addr = ip_addr_from_v4(0x0a000001u + i);
		__u32 words[4];

		words_of(words, addr.b);
		targets[i] = (struct lb_row_target){
			.id = lb_wire_backend_id(words, __builtin_bswap16(8080), 0x492e5dae),
			.index = i,
			.ready = i != 2,
			.weight = 1,
		};
	}
}

static uint64_t mix_of_rows(const struct lb_row_target *targets, size_t n, uint64_t rows[256])
{
	uint64_t all = 0;

	lb_rows_fill(targets, n, 8, rows);
	for (unsigned i = 0; i < 256; i++)
		all = lb_wire_mix(all, rows[i]);
	return all;
}

static void a_row_table_has_its_values(void **state)
{
	struct lb_row_target targets[5];
	uint64_t rows[256];

	(void)state;
	some_backends(targets, 5);
	assert_true(mix_of_rows(targets, 5, rows) == 0x63d7c6df08c13437);
	assert_true(rows[0] == 0x2000c0020000);
	assert_true(rows[1] == 0x400040000003);
}

static void a_row_table_with_weights_has_its_values(void **state)
{
	struct lb_row_target targets[5];
	uint64_t rows[256];

	(void)state;
	some_backends(targets, 5);
	targets[1].weight = 2;
	targets[2].weight = 3;
	targets[4].weight = 16;
	assert_true(mix_of_rows(targets, 5, rows) == 0xf5e11aa60412dd9c);
	assert_true(rows[0] == 0x600000010004);
	assert_true(rows[3] == 0x4000c0000004);
}

/* The last five of nine drain: of a row whose followers would all be ready, the last is theirs. */
static void a_row_table_of_a_rollout_has_its_values(void **state)
{
	struct lb_row_target targets[9];
	uint64_t rows[256];

	(void)state;
	some_backends(targets, 9);
	for (unsigned i = 0; i < 9; i++)
		targets[i].ready = i < 4;
	assert_true(mix_of_rows(targets, 9, rows) == 0x306395cfb1d9899c);
	assert_true(rows[3] == 0x1000080000003); /* 3, who had too few, 0, 2, and 8, which drains */
	assert_true(rows[16] == 0x1000000010003);
}

static void much_drains_if_it_is_more_than_half_of_what_is_ready(void **state)
{
	(void)state;
	assert_true(lb_wire_keeps_draining(0, 1));
	assert_true(lb_wire_keeps_draining(10, 6));
	assert_false(lb_wire_keeps_draining(10, 5));
	assert_true(lb_wire_keeps_draining(5, 3));
	assert_false(lb_wire_keeps_draining(5, 2));
	assert_false(lb_wire_keeps_draining(5, 0));
}

static void a_recipe_has_its_name(void **state)
{
	struct lb_row_target targets[5];
	uint64_t name = lb_wire_recipe(0x492e5dae, 8);

	(void)state;
	assert_true(name == 0x3a1f2027562e3305);
	some_backends(targets, 5);
	targets[1].weight = 2;
	for (unsigned i = 0; i < 5; i++)
		name = lb_wire_recipe_add(name, targets[i].id, targets[i].weight, targets[i].ready);
	assert_true(name == 0xd31814d6de754296);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_version_is_the_one_these_vectors_are_for),
		cmocka_unit_test(mix_has_its_values),
		cmocka_unit_test(flow_hash_has_its_values),
		cmocka_unit_test(a_row_is_the_hash_scaled_to_the_row_count),
		cmocka_unit_test(backend_id_and_weight_have_their_values),
		cmocka_unit_test(draws_have_their_values_and_the_first_is_the_backends_own),
		cmocka_unit_test(quotas_have_their_values),
		cmocka_unit_test(the_fewest_rows_have_their_values),
		cmocka_unit_test(a_row_table_has_its_values),
		cmocka_unit_test(a_row_table_with_weights_has_its_values),
		cmocka_unit_test(a_row_table_of_a_rollout_has_its_values),
		cmocka_unit_test(much_drains_if_it_is_more_than_half_of_what_is_ready),
		cmocka_unit_test(a_recipe_has_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
