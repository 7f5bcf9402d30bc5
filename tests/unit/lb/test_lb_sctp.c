// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * CRC32c by difference, against the definition: a bit at a time over the whole packet.
 */
#include "fixture.h"

#include "base/rng.h"

#include <string.h>

#include "bpf/sctp_crc.h"

static uint32_t crc32c(const uint8_t *data, size_t len)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? LB_CRC32C_POLYNOMIAL : 0);
	}
	return ~crc;
}

static void the_reference_is_crc32c(void **state)
{
	(void)state;
	assert_int_equal(crc32c((const uint8_t *)"123456789", 9), 0xe3069283); /* RFC 3720 B.4 */
}

static __u32 power_of_x(uint32_t n)
{
	__u32 power = 1u << 31;

	while (n-- > 0)
		power = lb_crc_times_x(power);
	return power;
}

static void the_tables_are_powers_of_x(void **state)
{
	(void)state;
	for (uint32_t v = 0; v < 256; v++) {
		assert_int_equal(lb_crc_octets[v], power_of_x(8 * v + 16));
		assert_int_equal(lb_crc_pages[v], power_of_x(8 * 256 * v));
	}
}

/* Every length of a packet, random content, both ports. */
static void a_changed_port_changes_the_checksum_as_the_whole_packet_would(void **state)
{
	static uint8_t packet[65535];
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	for (size_t i = 0; i < sizeof(packet); i++)
		packet[i] = (uint8_t)rng_next(&rng);
	memset(&packet[8], 0, 4);
	for (size_t len = 12; len <= sizeof(packet); len += len < 3000 ? 1 : 4099) {
		for (uint32_t off = 0; off < 4; off += 2) {
			uint32_t before = crc32c(packet, len);
			__be16 from, to = (__be16)rng_next(&rng);

			memcpy(&from, &packet[off], sizeof(from));
			memcpy(&packet[off], &to, sizeof(to));
			assert_int_equal(lb_sctp_check(before, off, from, to, (__u32)len),
					 crc32c(packet, len));
		}
	}
	assert_int_equal(lb_sctp_check(crc32c(packet, 65535), 2, 1, 1, 65535),
			 crc32c(packet, 65535));
}

/* The same port, or a checksum that the card is to compute. */
static void what_needs_no_change_stays(void **state)
{
	(void)state;
	assert_int_equal(lb_sctp_check(0, 2, 0x5000, 0x901f, 100), 0);
	assert_int_equal(lb_sctp_check(77, 2, 0x5000, 0x5000, 100), 77);
	assert_int_not_equal(lb_sctp_check(77, 2, 0x5000, 0x5001, 100), 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reference_is_crc32c),
		cmocka_unit_test(the_tables_are_powers_of_x),
		cmocka_unit_test(a_changed_port_changes_the_checksum_as_the_whole_packet_would),
		cmocka_unit_test(what_needs_no_change_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
