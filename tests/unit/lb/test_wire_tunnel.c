// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Golden vectors of bpf/wire_tunnel.h and of the control echo: octets as they are on the wire,
 * which every node must send and read, whatever its compiler and byte order. A change here is a
 * change of the protocol between nodes and needs a new LB_TUNNEL_VERSION.
 */
#include "fixture.h"

#include "lb/lb_echo.h"

static struct lb_tunnel_candidate candidate(bool v4, unsigned i)
{
	const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [14] = 0xaa, [15] = (uint8_t)(i + 1)};
	const struct ip_addr addr = ip_addr_from_v4(0x0a010001u + i);
	struct lb_tunnel_candidate ret = {.port = __builtin_bswap16((uint16_t)(8080 + i))};

	memcpy(ret.addr, v4 ? addr.b : v6, sizeof(ret.addr));
	return ret;
}

static struct lb_tunnel_data data(bool v4, uint8_t at, uint8_t flags, uint8_t hops, unsigned n)
{
	struct lb_tunnel_data ret = {.version = 1, .at = at, .flags = flags, .hops = hops};

	for (unsigned i = 0; i < n; i++)
		ret.candidates[i] = candidate(v4, i);
	return ret;
}

static void expect_octets(const struct lb_tunnel_data *d, bool v4, const uint8_t *want, size_t n)
{
	__u32 words[LB_TUNNEL_WORDS_MAX + 1];
	struct lb_tunnel_data again;

	memset(words, 0xee, sizeof(words));
	memset(&again, 0, sizeof(again));
	assert_int_equal(4 * lb_tunnel_words(v4, d->flags), n);
	if (d->flags & LB_TUNNEL_ASK)
		lb_tunnel_put(words, d, v4, LB_TUNNEL_CANDIDATES);
	else
		lb_tunnel_put(words, d, v4, 1);
	assert_memory_equal(words, want, n);
	assert_int_equal(((uint8_t *)words)[n], 0xee);
	if (d->flags & LB_TUNNEL_ASK)
		lb_tunnel_get(&again, words, v4, LB_TUNNEL_CANDIDATES);
	else
		lb_tunnel_get(&again, words, v4, 1);
	assert_memory_equal(&again, d, sizeof(again));
}

static void the_version_is_the_one_these_vectors_are_for(void **state)
{
	(void)state;
	assert_int_equal(LB_TUNNEL_VERSION, 1);
	assert_int_equal(LB_TUNNEL_LEAST, 1);
	assert_int_equal(LB_GUE_PORT, 6080);
}

static void a_packet_that_is_somebodys_names_him(void **state)
{
	static const uint8_t v4[] = {1, 0, 0, 0, 10, 1, 0, 1, 0x1f, 0x90, 0, 0};
	static const uint8_t v6[] = {1, 0, 0, 3, 0x20, 0x01, 0x0d, 0xb8, 0,    0,    0, 0,
				     0, 0, 0, 0, 0,    0,    0xaa, 0x01, 0x1f, 0x90, 0, 0};
	const struct lb_tunnel_data d4 = data(true, 0, 0, 0, 1), d6 = data(false, 0, 0, 3, 1);

	(void)state;
	expect_octets(&d4, true, v4, sizeof(v4));
	expect_octets(&d6, false, v6, sizeof(v6));
}

/* The owner that was asked for, on its way back. */
static void a_packet_that_tells_names_the_owner(void **state)
{
	static const uint8_t v4[] = {1, 0, 2, 1, 10, 1, 0, 1, 0x1f, 0x90, 0, 0};
	static const uint8_t v6[] = {1, 0, 2, 4, 0x20, 0x01, 0x0d, 0xb8, 0,    0,    0, 0,
				     0, 0, 0, 0, 0,    0,    0xaa, 0x01, 0x1f, 0x90, 0, 0};
	const struct lb_tunnel_data d4 = data(true, 0, LB_TUNNEL_TOLD, 1, 1);
	const struct lb_tunnel_data d6 = data(false, 0, LB_TUNNEL_TOLD, 4, 1);

	(void)state;
	expect_octets(&d4, true, v4, sizeof(v4));
	expect_octets(&d6, false, v6, sizeof(v6));
}

static void a_packet_that_asks_names_all(void **state)
{
	static const uint8_t v4[] = {1, 2, 1, 1, 10, 1, 0,    1,    10,   1,    0,    2,    10, 1,
				     0, 3, 0, 0, 0,  0, 0x1f, 0x90, 0x1f, 0x91, 0x1f, 0x92, 0,  0};
	static const uint8_t v6[76] = {1,    3,    1,           2,        0x20,        0x01,
				       0x0d, 0xb8, [18] = 0xaa, [19] = 1, [20] = 0x20, 0x01,
				       0x0d, 0xb8, [34] = 0xaa, [35] = 2, [36] = 0x20, 0x01,
				       0x0d, 0xb8, [50] = 0xaa, [51] = 3, [52] = 0x20, 0x01,
				       0x0d, 0xb8, [66] = 0xaa, [67] = 4, [68] = 0x1f, 0x90,
				       0x1f, 0x91, 0x1f,        0x92,     0x1f,        0x93};
	struct lb_tunnel_data d4 = data(true, 2, LB_TUNNEL_ASK, 1, 3);
	const struct lb_tunnel_data d6 = data(false, 3, LB_TUNNEL_ASK, 2, 4);

	(void)state;
	d4.candidates[3].addr[2] = __builtin_bswap32(0xffff); /* nobody: 0.0.0.0, port 0 */
	expect_octets(&d4, true, v4, sizeof(v4));
	expect_octets(&d6, false, v6, sizeof(v6));
}

/* What no node may get wrong, since segments are made to fit by it. */
static void a_tunnel_adds_so_many_octets(void **state)
{
	(void)state;
	assert_int_equal(lb_tunnel_overhead(1, 1, 0), 44);
	assert_int_equal(lb_tunnel_overhead(1, 1, LB_TUNNEL_ASK), 60);
	assert_int_equal(lb_tunnel_overhead(1, 0, 0), 56);
	assert_int_equal(lb_tunnel_overhead(1, 0, LB_TUNNEL_ASK), 108);
	assert_int_equal(lb_tunnel_overhead(0, 1, 0), 64);
	assert_int_equal(lb_tunnel_overhead(0, 1, LB_TUNNEL_ASK), 80);
	assert_int_equal(lb_tunnel_overhead(0, 0, 0), 76);
	assert_int_equal(lb_tunnel_overhead(0, 0, LB_TUNNEL_ASK), 128);
}

static void gue_says_what_follows(void **state)
{
	(void)state;
	assert_true(lb_gue_word(3, LB_GUE_IPIP) == 0x03040000);
	assert_true(lb_gue_word(19, LB_GUE_IPV6) == 0x13290000);
	assert_true(lb_tunnel_words(0, LB_TUNNEL_ASK) <= LB_GUE_HLEN);
	assert_true(lb_tunnel_words(0, LB_TUNNEL_ASK) == LB_TUNNEL_WORDS_MAX);
}

static void source_ports_are_dynamic_ones_and_differ(void **state)
{
	uint64_t seen[LB_GUE_PORTS / 64] = {0};
	unsigned n = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	assert_int_equal(lb_gue_source_port(0x4425bc4ba91a6e4f), 49152 + 0x2e4f);
	for (unsigned i = 0; i < LB_GUE_PORTS; i++) {
		const __u32 src[4] = {0, 0, 0xffff0000, (__u32)rng_next(&rng)};
		const uint16_t port = lb_gue_source_port(lb_wire_flow_hash(src, (__u16)i, 80, 7));

		assert_true(port >= 49152);
		n += !(seen[(port - 49152) / 64] >> port % 64 & 1);
		seen[(port - 49152) / 64] |= UINT64_C(1) << port % 64;
	}
	assert_true(n > LB_GUE_PORTS * 6 / 10); /* 1 - 1/e of them, if they are random */
}

static void an_echo_has_its_octets(void **state)
{
	static const uint8_t want[] = {0x20, 0,    0,    0,    'L',  'o',  'd',  'e',  1,    1,
				       1,    3,    0x01, 0x02, 0x03, 0x04, 0xa1, 0xa2, 0xa3, 0xa4,
				       0xa5, 0xa6, 0xa7, 0xa8, 0,    0,    0,    0};
	uint8_t octets[LB_ECHO_BYTES];
	struct lb_echo e;

	(void)state;
	lb_echo_request(octets, 0x01020304, 0xa1a2a3a4a5a6a7a8);
	assert_int_equal(sizeof(want), LB_ECHO_BYTES);
	assert_memory_equal(octets, want, sizeof(want));
	assert_true(lb_echo_read(octets, sizeof(octets), &e));
	assert_true(e.sequence == 0x01020304 && e.token == 0xa1a2a3a4a5a6a7a8);
	assert_true(e.least == 1 && e.most == 1 && e.recipe == 3 && !e.is_answer);
	octets[8] = LB_ECHO_ANSWER;
	assert_true(lb_echo_read(octets, sizeof(octets), &e) && e.is_answer);
}

/* Each octet that says what it is says so. */
static void what_is_no_echo_is_not_read(void **state)
{
	uint8_t octets[LB_ECHO_BYTES + 2];
	struct lb_echo e;

	(void)state;
	for (size_t i = 0; i < 9; i++) {
		lb_echo_request(octets, 1, 2);
		octets[i] ^= 0x40;
		assert_false(lb_echo_read(octets, LB_ECHO_BYTES, &e));
	}
	lb_echo_request(octets, 1, 2);
	assert_false(lb_echo_read(octets, LB_ECHO_BYTES - 1, &e));
	assert_true(lb_echo_read(octets, LB_ECHO_BYTES + 2, &e)); /* what follows is later's */
	octets[9] = 2;                                            /* its least is above its most */
	assert_false(lb_echo_read(octets, LB_ECHO_BYTES, &e));
}

static void versions_agree_if_they_have_one_in_common(void **state)
{
	struct lb_echo e = {.least = 1, .most = 1, .recipe = LB_WIRE_VERSION};

	(void)state;
	assert_true(lb_echo_agrees(&e));
	e.most = 7;
	assert_true(lb_echo_agrees(&e));
	e.least = 2;
	assert_false(lb_echo_agrees(&e));
	e.least = e.most = 0;
	assert_false(lb_echo_agrees(&e));
	e = (struct lb_echo){.least = 1, .most = 1, .recipe = LB_WIRE_VERSION + 1};
	assert_true(lb_echo_agrees(&e)); /* what is tunnelled names its backend */
	assert_int_equal(lb_echo_version(0), LB_TUNNEL_LEAST);
	assert_int_equal(lb_echo_version(1), 1);
	assert_int_equal(lb_echo_version(255), LB_TUNNEL_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_version_is_the_one_these_vectors_are_for),
		cmocka_unit_test(a_packet_that_is_somebodys_names_him),
		cmocka_unit_test(a_packet_that_tells_names_the_owner),
		cmocka_unit_test(a_packet_that_asks_names_all),
		cmocka_unit_test(a_tunnel_adds_so_many_octets),
		cmocka_unit_test(gue_says_what_follows),
		cmocka_unit_test(source_ports_are_dynamic_ones_and_differ),
		cmocka_unit_test(an_echo_has_its_octets),
		cmocka_unit_test(what_is_no_echo_is_not_read),
		cmocka_unit_test(versions_agree_if_they_have_one_in_common),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
