// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Router solicitations and advertisements: ours octet by octet, others by the rules of RFC 4861. */
#include "bgp/nd_message.h"
#include "unit/bgp/octets.h"

static const struct ip_addr link_local = {.b = {0xfe, 0x80, [15] = 1}};
static const struct ip_addr global = {.b = {0x20, 1, [15] = 1}};
static const struct ip_addr nobody;

static void ours_make_nobody_take_us_for_a_way(void **state)
{
	static const uint8_t solicitation[] = {133, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t advertisement[16] = {134};
	uint8_t buf[ND_MESSAGE_MAX];

	(void)state;
	assert_int_equal(nd_message_encode(buf, ND_SOLICITATION), sizeof(solicitation));
	assert_memory_equal(buf, solicitation, sizeof(solicitation));
	assert_int_equal(nd_message_encode(buf, ND_ADVERTISEMENT), sizeof(advertisement));
	assert_memory_equal(buf, advertisement, sizeof(advertisement));
}

/* An advertisement of FRR's with its link-layer address and a prefix, whose content is not ours. */
#define HEAD 0, 0x12, 0x34, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0
#define MAC  1, 1, 2, 0, 0, 0, 0, 1
static const uint8_t full[] = {134, HEAD, MAC, 5, 1, 0, 0, 0, 0, 5, 220};
static const uint8_t asking[] = {133, 0, 1, 2, 0, 0, 0, 0, MAC};
static const uint8_t empty_option[] = {134, HEAD, 1, 0, 2, 0, 0, 0, 0, 1};
static const uint8_t long_option[] = {134, HEAD, 1, 2, 2, 0, 0, 0, 0, 1};
static const uint8_t half_option[] = {134, HEAD, 1};
static const uint8_t with_code[] = {134, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
static const uint8_t other_type[] = {135, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

static void what_comes_is_judged_by_the_rfc(void **state)
{
	const struct ip_addr v4 = ip_addr_from_v4(0xa9fe0001);
	const struct {
		const uint8_t *data;
		size_t len;
		const struct ip_addr *from;
		int hop_limit;
		int want; /* -1: dropped */
	} cases[] = {
		{full, sizeof(full), &link_local, 255, ND_ADVERTISEMENT},
		{full, 16, &link_local, 255, ND_ADVERTISEMENT},
		{full, 15, &link_local, 255, -1},
		{full, 1, &link_local, 255, -1},
		{full, 0, &link_local, 255, -1},
		{full, sizeof(full) - 1, &link_local, 255, -1},
		{full, sizeof(full), &link_local, 254, -1},
		{full, sizeof(full), &link_local, -1, -1},
		{full, sizeof(full), &global, 255, -1},
		{full, sizeof(full), &nobody, 255, -1},
		{full, sizeof(full), &v4, 255, -1},
		{asking, sizeof(asking), &link_local, 255, ND_SOLICITATION},
		{asking, sizeof(asking), &global, 255, ND_SOLICITATION},
		{asking, sizeof(asking), &nobody, 255, -1},
		{asking, 8, &nobody, 255, ND_SOLICITATION},
		{asking, 7, &link_local, 255, -1},
		{asking, 8, &link_local, 64, -1},
		{asking, 8, &v4, 255, -1},
		{empty_option, sizeof(empty_option), &link_local, 255, -1},
		{long_option, sizeof(long_option), &link_local, 255, -1},
		{half_option, sizeof(half_option), &link_local, 255, -1},
		{with_code, sizeof(with_code), &link_local, 255, -1},
		{other_type, sizeof(other_type), &link_local, 255, -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum nd_kind kind = (enum nd_kind)77;
		const bool good = nd_message_decode(cases[i].data, cases[i].len, cases[i].from,
						    cases[i].hop_limit, &kind);

		if (good != (cases[i].want >= 0) || (int)kind != (good ? cases[i].want : 77))
			fail_msg("case %zu: %s", i, good ? "taken" : "dropped");
	}
}

static void ours_are_good(void **state)
{
	uint8_t buf[ND_MESSAGE_MAX];
	enum nd_kind kind;

	(void)state;
	for (int k = 0; k <= ND_ADVERTISEMENT; k++) {
		const size_t len = nd_message_encode(buf, (enum nd_kind)k);

		assert_true(nd_message_decode(buf, len, &link_local, ND_HOP_LIMIT, &kind));
		assert_int_equal(kind, k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ours_make_nobody_take_us_for_a_way),
		cmocka_unit_test(what_comes_is_judged_by_the_rfc),
		cmocka_unit_test(ours_are_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
