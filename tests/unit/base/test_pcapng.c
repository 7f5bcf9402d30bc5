// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Captures as files: golden octets, and random files that a reader of the format walks through
 * forwards and backwards and finds what was put in. tcpdump reads them in the lab.
 */
#include "base/pcapng.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MAX_FILE (1u << 20)
#define SEEDS    200
#define PACKETS  20
#define FRAME    300

static uint32_t u32_at(const struct strbuf *s, size_t at)
{
	uint32_t ret;

	assert_true(at + sizeof(ret) <= s->len);
	memcpy(&ret, s->data + at, sizeof(ret));
	return ret;
}

/* By a machine whose low octet is the first. */
static void a_file_is_as_the_draft_has_it(void **state)
{
	static const uint8_t want[] = {0x0a, 0x0d, 0x0d, 0x0a, 40,   0,    0,    0,
				       0x4d, 0x3c, 0x2b, 0x1a, /* section */
				       1,    0,    0,    0,    0xff, 0xff, 0xff, 0xff,
				       0xff, 0xff, 0xff, 0xff, /* */
				       4,    0,    3,    0,    'a',  ' ',  '1',  0,
				       0,    0,    0,    0, /* */
				       40,   0,    0,    0, /* */
				       1,    0,    0,    0,    48,   0,    0,    0,
				       1,    0,    0,    0, /* interface */
				       64,   0,    0,    0,    2,    0,    4,    0,
				       'e',  't',  'h',  '0', /* */
				       3,    0,    2,    0,    'i',  'n',  0,    0,
				       9,    0,    1,    0, /* */
				       9,    0,    0,    0,    0,    0,    0,    0,
				       48,   0,    0,    0, /* */
				       6,    0,    0,    0,    56,   0,    0,    0,
				       0,    0,    0,    0, /* packet */
				       1,    0,    0,    0,    2,    0,    0,    0,
				       3,    0,    0,    0, /* */
				       60,   0,    0,    0,    0xaa, 0xbb, 0xcc, 0,
				       1,    0,    4,    0, /* */
				       'd',  'r',  'o',  'p',  2,    0,    4,    0,
				       1,    0,    0,    0,                         /* */
				       0,    0,    0,    0,    56,   0,    0,    0, /* */
				       5,    0,    0,    0,    52,   0,    0,    0,
				       0,    0,    0,    0, /* statistics */
				       1,    0,    0,    0,    2,    0,    0,    0,
				       4,    0,    8,    0, /* */
				       7,    0,    0,    0,    0,    0,    0,    0,
				       5,    0,    8,    0, /* */
				       6,    0,    0,    0,    0,    0,    0,    0,
				       0,    0,    0,    0, /* */
				       52,   0,    0,    0};
	const struct pcapng_packet p = {.at = (UINT64_C(1) << 32) + 2,
					.bytes = (const uint8_t *)"\xaa\xbb\xcc",
					.kept = 3,
					.len = 60,
					.comment = "drop",
					.direction = PCAPNG_INBOUND};
	struct strbuf s;

	(void)state;
	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		skip();
	strbuf_init(&s, MAX_FILE);
	pcapng_begin(&s, "a 1", NULL);
	pcapng_interface(&s, "eth0", "in", 64);
	pcapng_packet(&s, &p);
	pcapng_statistics(&s, 0, p.at, 7, 6);
	assert_int_equal(s.len, sizeof(want));
	assert_memory_equal(s.data, want, sizeof(want));
	strbuf_done(&s);
}

struct made {
	uint8_t bytes[FRAME];
	char comment[PCAPNG_COMMENT + 50];
	struct pcapng_packet p;
};

static void make(struct rng *rng, struct made *m)
{
	const size_t len = rng_below(rng, sizeof(m->comment));

	m->p = (struct pcapng_packet){.interface = (uint32_t)rng_below(rng, 4),
				      .at = rng_next(rng),
				      .bytes = m->bytes,
				      .kept = (uint32_t)rng_below(rng, FRAME + 1),
				      .comment = len ? m->comment : NULL,
				      .direction = (enum pcapng_direction)rng_below(rng, 3)};
	m->p.len = m->p.kept + (uint32_t)rng_below(rng, 9000);
	memset(m->comment, 'a' + (int)rng_below(rng, 26), len);
	m->comment[len] = '\0';
	for (size_t i = 0; i < FRAME; i++)
		m->bytes[i] = (uint8_t)rng_next(rng);
}

/* The option of a packet, where options begin; its length is in *ret_len; 0: there is none. */
static size_t option_at(const struct strbuf *s, size_t at, uint16_t code, size_t *ret_len)
{
	for (;;) {
		const uint32_t head = u32_at(s, at);

		*ret_len = head >> 16;
		if ((head & 0xffff) == code)
			return at + 4;
		if (head == 0)
			return 0;
		at += 4 + ((*ret_len + 3) & ~(size_t)3);
	}
}

static void expect_packet(const struct strbuf *s, size_t at, const struct made *m)
{
	const size_t options = at + 28 + ((m->p.kept + 3u) & ~3u);
	size_t len, found;

	assert_int_equal(u32_at(s, at), 6);
	assert_int_equal(u32_at(s, at + 8), m->p.interface);
	assert_int_equal((uint64_t)u32_at(s, at + 12) << 32 | u32_at(s, at + 16), m->p.at);
	assert_int_equal(u32_at(s, at + 20), m->p.kept);
	assert_int_equal(u32_at(s, at + 24), m->p.len);
	assert_memory_equal(s->data + at + 28, m->bytes, m->p.kept);
	found = option_at(s, options, 1, &len);
	assert_int_equal(found != 0, m->p.comment != NULL);
	if (found) {
		assert_int_equal(len, strnlen(m->comment, PCAPNG_COMMENT));
		assert_memory_equal(s->data + found, m->comment, len);
	}
	found = option_at(s, options, 2, &len);
	assert_int_equal(found != 0, m->p.direction != PCAPNG_UNKNOWN);
	if (found)
		assert_int_equal(u32_at(s, found), m->p.direction);
	assert_true(u32_at(s, at + 4) <= PCAPNG_PACKET_BYTES(m->p.kept));
}

static void what_was_put_in_is_found(void **state)
{
	static struct made made[PACKETS];

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct rng rng;
		struct strbuf s;
		size_t at, n = 0;

		rng_seed(&rng, seed);
		strbuf_init(&s, MAX_FILE);
		pcapng_begin(&s, "p", "c");
		at = s.len;
		for (size_t i = 0; i < PACKETS; i++) {
			make(&rng, &made[i]);
			pcapng_packet(&s, &made[i].p);
		}
		assert_false(s.truncated);
		for (; at < s.len; n++) {
			const uint32_t len = u32_at(&s, at + 4);

			assert_int_equal(len % 4, 0);
			assert_int_equal(u32_at(&s, at + len - 4), len);
			expect_packet(&s, at, &made[n]);
			at += len;
		}
		assert_int_equal(n, PACKETS);
		strbuf_done(&s);
	}
}

/* Wherever the room ends, what is there is the beginning of the whole. */
static void without_room_it_is_truncated(void **state)
{
	struct rng rng;
	struct made m;
	struct strbuf whole;

	(void)state;
	rng_seed(&rng, 7);
	make(&rng, &m);
	strbuf_init(&whole, MAX_FILE);
	pcapng_begin(&whole, "p", "c");
	pcapng_packet(&whole, &m.p);
	for (size_t max = 1; max < whole.len; max++) {
		struct strbuf s;

		strbuf_init(&s, max);
		pcapng_begin(&s, "p", "c");
		pcapng_packet(&s, &m.p);
		assert_true(s.truncated);
		assert_int_equal(s.len, max);
		strbuf_done(&s);
	}
	strbuf_done(&whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_as_the_draft_has_it),
		cmocka_unit_test(what_was_put_in_is_found),
		cmocka_unit_test(without_room_it_is_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
