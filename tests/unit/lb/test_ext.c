// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The walk through IPv6 extension headers (bpf/ext.h) on the host, under the sanitizers: against a
 * model that reads a packet as RFC 8200 tells it, header by header, on packets that are nearly
 * right. What each kind of packet becomes in the programs is tests/bpf/test_ipv6.c.
 */
#include "fixture.h"

#define PACKET_MAX 400
#define BEGIN      40 /* behind the fixed header, which the walk does not read */

/* Lies in memory of its own, so that a byte too many is noticed. */
typedef struct {
	const uint8_t *bytes;
	size_t len;
} lb_bytes;

static bool lb_bytes_read(lb_bytes *from, __u32 off, void *to, __u32 len)
{
	if (off > from->len || len > from->len - off)
		return false;
	memcpy(to, from->bytes + off, len);
	return true;
}

#include "bpf/ext.h"

/* --- the model -------------------------------------------------------------------------------- */

static bool is_walked(uint8_t proto)
{
	return proto == 0 || proto == 43 || proto == 44 || proto == 60;
}

static enum lb_drop model(const lb_bytes *p, uint32_t end, struct lb_ext *e)
{
	unsigned n = 0;

	while (is_walked(e->proto) && !(e->frag_word >> 3)) {
		const uint8_t *at = p->bytes + e->off;
		const uint8_t proto = e->proto;

		if (n == 6)
			return LB_DROP_EXTENSION;
		if (e->off + 8 > end || e->off + 8 > p->len)
			return LB_DROP_MALFORMED;
		if ((proto == 0 && n > 0) || (proto == 43 && at[3] != 0) ||
		    (proto == 44 && e->frag_off))
			return LB_DROP_EXTENSION;
		if (proto == 44) {
			e->frag_off = e->off;
			e->frag_word = (uint16_t)((at[2] << 8 | at[3]) & 0xfff9);
			memcpy(&e->frag_id, at + 4, 4);
		}
		e->off += proto == 44 ? 8 : 8u * (at[1] + 1u);
		e->proto = at[0];
		n++;
	}
	return LB_DROP_NONE;
}

/* --- packets ---------------------------------------------------------------------------------- */

/* Mostly headers that are walked, of small lengths. */
static uint8_t next_header(struct rng *rng)
{
	static const uint8_t likely[] = {0, 43, 44, 44, 60, 60, 60, 6, 17, 58, 50};
	const uint64_t r = rng_next(rng);

	return r % 16 < 15 ? likely[r / 16 % sizeof(likely)] : (uint8_t)(r >> 32);
}

static void fill(struct rng *rng, uint8_t *bytes, size_t len)
{
	size_t at = BEGIN;

	for (size_t i = 0; i < len; i++)
		bytes[i] = rng_next(rng) % 3 ? 0 : (uint8_t)rng_next(rng);
	while (at + 4 <= len) {
		bytes[at] = next_header(rng);
		bytes[at + 1] = rng_next(rng) % 8 ? (uint8_t)(rng_next(rng) % 4) : 255;
		at += 8u * (bytes[at + 1] + 1u);
	}
}

static void a_walk_ends_where_the_model_does(void **state)
{
	unsigned served = 0, later = 0, refused[LB_N_DROPS] = {0};
	struct rng rng;

	(void)state;
	rng_seed(&rng, 8200);
	for (unsigned round = 0; round < 200000; round++) {
		const size_t len = BEGIN + rng_next(&rng) % (PACKET_MAX - BEGIN);
		uint8_t *bytes = malloc(len);
		lb_bytes packet = {.bytes = bytes, .len = len};
		/* The packet may be longer or shorter than the frame. */
		const uint32_t end = (uint32_t)(len + rng_next(&rng) % 3 * 8 - 8);
		struct lb_ext got = {.off = BEGIN, .frag_word = 0xffff, .frag_off = 7}, want;
		enum lb_drop odd;

		assert_non_null(bytes);
		fill(&rng, bytes, len);
		got.proto = next_header(&rng);
		want = (struct lb_ext){.off = BEGIN, .proto = got.proto};
		odd = lb_ext_walk(&packet, end, &got);
		assert_int_equal(odd, model(&packet, end, &want));
		if (!odd)
			assert_memory_equal(&got, &want, sizeof(got));
		refused[odd]++;
		later += !odd && lb_ext_is_later(&got);
		served += !odd && !lb_ext_is_later(&got) && got.off > BEGIN;
		free(bytes);
	}
	/* Every end was met often. */
	assert_true(served > 10000 && later > 1000);
	assert_true(refused[LB_DROP_MALFORMED] > 1000 && refused[LB_DROP_EXTENSION] > 1000);
	assert_int_equal(refused[LB_DROP_NONE] + refused[LB_DROP_MALFORMED] +
				 refused[LB_DROP_EXTENSION],
			 200000);
}

/* The longest headers there are do not carry the offset round. */
static void the_longest_chain_stays_in_bounds(void **state)
{
	const size_t len = BEGIN + LB_EXT_MAX * 2048 + 8;
	uint8_t *bytes = calloc(1, len);
	lb_bytes packet = {.bytes = bytes, .len = len};
	struct lb_ext e = {.off = BEGIN, .proto = LB_EXT_DSTOPTS};

	(void)state;
	assert_non_null(bytes);
	for (unsigned i = 0; i < LB_EXT_MAX; i++) {
		bytes[BEGIN + i * 2048] = i + 1 < LB_EXT_MAX ? LB_EXT_DSTOPTS : 17;
		bytes[BEGIN + i * 2048 + 1] = 255;
	}
	assert_int_equal(lb_ext_walk(&packet, (uint32_t)len, &e), LB_DROP_NONE);
	assert_int_equal(e.off, BEGIN + LB_EXT_MAX * 2048);
	assert_int_equal(e.proto, 17);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_walk_ends_where_the_model_does),
		cmocka_unit_test(the_longest_chain_stays_in_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
