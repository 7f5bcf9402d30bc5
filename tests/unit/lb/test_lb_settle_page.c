// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Golden vectors of bpf/wire_settle.h: octets as they are on the wire, whatever compiler and byte
 * order. A change here is a change of the protocol between nodes.
 */
#include "fixture.h"

#include "lb/lb_settle_page.h"

static const uint8_t vector[] = {
	0x20, 0x00, 0x00, 0x00,            /* GUE, C set */
	'L',  'o',  'd',  'e',             /* */
	3,    1,    1,    LB_WIRE_VERSION, /* kind, least, most, recipe */
	0,    0,    0,    0,               /* sequence */
	0x01, 0x02, 0x03, 0x04,
	0x05, 0x06, 0x07, 0x08, /* token: to */
	0,    148,  0,    0,    /* 48 of the head and 100 that follow */
	0x11, 0x12, 0x13, 0x14,
	0x15, 0x16, 0x17, 0x18, /* from */
	0,    0,    0,    0,
	0,    0,    0,    7, /* has */
	0,    0,    0,    0,
	0,    0,    0x01, 0x00, /* since */
	0,    0,    0,    0,
	0,    0,    0x01, 0x02, /* upto */
	0,    0,    0,    0,
	0x3b, 0x9a, 0xca, 0x00, /* at: a second */
	0,    0,    0,    0,
	0x77, 0x35, 0x94, 0x00, /* seen */
	0xa1, 0xa2, 0xa3, 0xa4,
	0xa5, 0xa6, 0xa7, 0xa8, /* block */
	0xb1, 0xb2, 0xb3, 0xb4,
	0xb5, 0xb6, 0xb7, 0xb8, /* recipe */
	0xc1, 0xc2, 0xc3, 0xc4, /* epoch */
	0x80, 0,    0,    0,
	0,    0,    0,    0x01, /* words 0 and 63 */
	0,    0,    0,    0,
	0,    0,    0,    0x02, /* row 1 */
	0x80, 0,    0,    0,
	0,    0,    0,    0, /* row 4095 */
	0xd1, 0xd2, 0xd3, 0xd4,
	0xd5, 0xd6, 0xd7, 0xd8, /* another block, */
	0,    0,    0,    0,
	0,    0,    0,    0, /* */
	0,    0,    0,    1, /* which is not there */
	0,    0,    0,    0,
	0,    0,    0,    0, /* */
	0xe1, 0xe2, 0xe3, 0xe4,
	0xe5, 0xe6, 0xe7, 0xe8, /* and a third without rows */
	0xf1, 0xf2, 0xf3, 0xf4,
	0xf5, 0xf6, 0xf7, 0xf8, /* */
	0,    0,    0,    2,    /* */
	0,    0,    0,    0,
	0,    0,    0,    0, /* */
};

static struct lb_settle_said said(unsigned i)
{
	struct lb_settle_said ret = {.block = UINT64_C(0xa1a2a3a4a5a6a7a8)};

	if (i == 0) {
		ret.recipe = UINT64_C(0xb1b2b3b4b5b6b7b8);
		ret.epoch = 0xc1c2c3c4;
		ret.words[0] = 2;
		ret.words[63] = UINT64_C(1) << 63;
	} else if (i == 1) {
		ret.block = UINT64_C(0xd1d2d3d4d5d6d7d8);
		ret.epoch = LB_SETTLE_ABSENT;
	} else {
		ret.block = UINT64_C(0xe1e2e3e4e5e6e7e8);
		ret.recipe = UINT64_C(0xf1f2f3f4f5f6f7f8);
		ret.epoch = 2;
	}
	return ret;
}

static struct lb_settle_page page(void)
{
	return (struct lb_settle_page){.to = UINT64_C(0x0102030405060708),
				       .from = UINT64_C(0x1112131415161718),
				       .has = 7,
				       .since = 256,
				       .upto = 258,
				       .at = UINT64_C(1000000000),
				       .seen = UINT64_C(2000000000)};
}

static void a_page_is_written_as_the_vector_says(void **state)
{
	struct lb_settle_page p = page();

	(void)state;
	lb_settle_page_begin(&p);
	for (unsigned i = 0; i < 3; i++) {
		const struct lb_settle_said s = said(i);

		assert_true(lb_settle_page_add(&p, &s));
	}
	lb_settle_page_end(&p);
	assert_int_equal(p.n, sizeof(vector));
	assert_memory_equal(p.data, vector, sizeof(vector));
}

static void the_vector_is_read_as_what_was_written(void **state)
{
	const struct lb_settle_page want = page();
	struct lb_settle_page p;
	struct lb_settle_said s;
	size_t at;

	(void)state;
	memset(&s, 0, sizeof(s));
	assert_true(lb_settle_page_read(vector, sizeof(vector), &p, &at));
	assert_true(p.to == want.to && p.from == want.from && p.has == want.has);
	assert_true(p.since == want.since && p.upto == want.upto);
	assert_true(p.at == want.at && p.seen == want.seen);
	for (unsigned i = 0; i < 3; i++) {
		const struct lb_settle_said expected = said(i);

		assert_true(lb_settle_page_next(vector, sizeof(vector), &at, &s));
		assert_memory_equal(&s, &expected, sizeof(s));
	}
	assert_int_equal(at, sizeof(vector));
	assert_false(lb_settle_page_next(vector, sizeof(vector), &at, &s));
}

/* Cut off anywhere, or with an octet more or another one: no page, and nothing is read behind it.
 */
static void what_is_no_page_is_refused(void **state)
{
	struct lb_settle_page p;
	size_t at;

	(void)state;
	for (size_t n = 0; n < sizeof(vector); n++) {
		_cleanup_(freep) uint8_t *cut = xmalloc(n + 1);

		memcpy(cut, vector, n);
		assert_false(lb_settle_page_read(cut, n, &p, &at));
	}
	for (size_t i = 0; i < 9; i++) {
		uint8_t other[sizeof(vector)];

		memcpy(other, vector, sizeof(other));
		other[i] ^= 0x10;
		assert_false(lb_settle_page_read(other, sizeof(other), &p, &at));
	}
}

static void half_a_statement_is_none(void **state)
{
	struct lb_settle_said s;

	(void)state;
	for (size_t n = 76; n < 76 + 28 + 16; n++) {
		_cleanup_(freep) uint8_t *cut = xmalloc(n);
		size_t at = 76;

		memcpy(cut, vector, n);
		assert_false(lb_settle_page_next(cut, n, &at, &s));
		assert_int_equal(at, 76);
	}
}

static void a_page_holds_what_fits_and_no_more(void **state)
{
	struct lb_settle_said all = said(0), clear = said(2);
	struct lb_settle_page p = page();
	unsigned n = 0;

	(void)state;
	memset(all.words, 0xff, sizeof(all.words));
	lb_settle_page_begin(&p);
	assert_true(lb_settle_page_add(&p, &all));
	assert_true(lb_settle_page_add(&p, &all));
	assert_false(lb_settle_page_add(&p, &all));
	lb_settle_page_begin(&p);
	while (lb_settle_page_add(&p, &clear))
		n++;
	assert_int_equal(n, (LB_SETTLE_PAGE_MAX - 76) / 28);
	assert_in_range(p.n, 1, LB_SETTLE_PAGE_MAX);
}

/* Names by which nodes speak of a Service: also those are a format. */
static void blocks_have_these_names(void **state)
{
	const __u32 addr[4] = {0, 0, __builtin_bswap32(0xffff), __builtin_bswap32(0xc0000201)};
	const uint32_t seed = lb_seed("shop", "web");
	const __u64 name = lb_settle_block(addr, __builtin_bswap16(80), 6, seed, 0);

	(void)state;
	assert_true(name == UINT64_C(0xfda75f441fd8855c));
	assert_true(name != lb_settle_block(addr, __builtin_bswap16(80), 17, seed, 0));
	assert_true(name != lb_settle_block(addr, __builtin_bswap16(80), 6, seed, 1));
	assert_true(name != lb_settle_block(addr, __builtin_bswap16(81), 6, seed, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_is_written_as_the_vector_says),
		cmocka_unit_test(the_vector_is_read_as_what_was_written),
		cmocka_unit_test(what_is_no_page_is_refused),
		cmocka_unit_test(half_a_statement_is_none),
		cmocka_unit_test(a_page_holds_what_fits_and_no_more),
		cmocka_unit_test(blocks_have_these_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
