// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The path of a received UPDATE, as it is kept: of a speaker that knows numbers of two octets only
 * AS_PATH and AS4_PATH are put together (RFC 6793 4.2.3). Random paths of any length, of which such
 * a speaker's neighbour has told the last numbers, all of them, none, or more than there are; of a
 * path that is too long to be kept wholly it does not matter.
 */
#include "unit/bgp/rib_in_made.h"
#include "unit/rounds.h"

#define N_MAX 600

static uint16_t in_two(uint32_t asn)
{
	return asn > UINT16_MAX ? BGP_AS_TRANS : (uint16_t)asn;
}

/* Segments of 255 numbers and fewer; the numbers have 4 octets or 2, where AS_TRANS is said. */
static void put_path(struct wcur *w, const uint32_t *asns, size_t n, bool as4)
{
	while (n > 0) {
		const size_t now = n < 255 ? n : 255;

		wcur_u8(w, BGP_AS_SEQUENCE);
		wcur_u8(w, (uint8_t)now);
		for (size_t i = 0; i < now; i++) {
			if (as4)
				wcur_u32(w, asns[i]);
			else
				wcur_u16(w, in_two(asns[i]));
		}
		asns += now;
		n -= now;
	}
}

static void put_long(struct wcur *w, uint8_t flags, uint8_t type, const struct wcur *value)
{
	wcur_u8(w, flags | BGP_ATTR_EXTENDED);
	wcur_u8(w, type);
	wcur_u16(w, (uint16_t)wcur_len(value));
	wcur_bytes(w, value->start, wcur_len(value));
}

/* The body of an UPDATE of 192.0.2.0/24 with both paths; in a block of its size, to be freed. */
static uint8_t *told(const uint32_t *path, size_t n, const uint32_t *as4_path, size_t n_as4,
		     size_t *ret_len)
{
	static const uint8_t head[] = {0, 0, 0, 0, 0x40, 1, 1, 0, 0x40, 3, 4, 10, 0, 0, 2};
	uint8_t body[8192], two[2048], four[4096];
	struct wcur w = wcur_init(body, sizeof(body)), w2 = wcur_init(two, sizeof(two)),
		    w4 = wcur_init(four, sizeof(four));

	put_path(&w2, path, n, false);
	put_path(&w4, as4_path, n_as4, true);
	wcur_bytes(&w, head, sizeof(head));
	put_long(&w, 0x40, BGP_ATTR_AS_PATH, &w2);
	put_long(&w, 0xc0, BGP_ATTR_AS4_PATH, &w4);
	wcur_patch_u16(&w, 2, (uint16_t)(wcur_len(&w) - 4));
	wcur_u32(&w, 0x18c00002);
	assert_false(w.failed || w2.failed || w4.failed);
	*ret_len = wcur_len(&w);
	return octets_alone(body, *ret_len);
}

static void an_old_speakers_path_is_put_together_whatever_its_length(void **state)
{
	struct rng rng = octets_rng("an_old_speakers_path");
	struct bgp_update_session s = our_session();

	(void)state;
	s.as4 = false;
	for (unsigned round = 0; round < test_rounds(500); round++) {
		const size_t top = rng_below(&rng, 3) == 0 ? N_MAX : 5;
		const size_t n = 1 + rng_below(&rng, top), n_as4 = rng_below(&rng, top + 2);
		const bool counts = n_as4 <= n && n <= BGP_PATH_ASNS_MAX;
		uint32_t path[N_MAX], as4_path[N_MAX + 1];
		struct bgp_path_room *room = xcalloc(1, sizeof(*room));
		struct bgp_update u;
		struct bgp_error e;
		struct bgp_path p;
		uint8_t *body;
		size_t len;

		for (size_t i = 0; i < n; i++)
			path[i] = 1 + (uint32_t)rng_below(&rng, i % 2 ? 60000 : UINT32_MAX / 2);
		for (size_t i = 0; i < n_as4; i++)
			as4_path[i] = n_as4 <= n ? path[n - n_as4 + i] : 4200000000;
		body = told(path, n, as4_path, n_as4, &len);
		assert_int_equal(bgp_update_decode(rcur_init(body, len), &s, &u, &e),
				 BGP_UPDATE_OK);
		p = bgp_path_of(&u, &s, false, room);
		assert_int_equal(p.length, n);
		assert_int_equal(p.n_as_path, n < BGP_PATH_ASNS_MAX ? n : BGP_PATH_ASNS_MAX);
		for (size_t i = 0; i < p.n_as_path; i++)
			assert_int_equal(p.as_path[i],
					 counts && i >= n - n_as4 ? path[i] : in_two(path[i]));
		free(body);
		free(room);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_old_speakers_path_is_put_together_whatever_its_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
