// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Authentication of control packets (RFC 5880 4.2 to 4.4, 6.7). */
#include "unit/bfd/bfd_script.h"

static struct bfd_auth_key key_of(enum bfd_auth_type type, const char *text)
{
	struct bfd_auth_key k = {.type = type, .id = 7, .len = (uint8_t)strlen(text)};

	memcpy(k.key, text, k.len);
	return k;
}

struct made {
	uint8_t b[BFD_PACKET_MAX];
	struct bfd_packet p;
};

static void make(struct made *m, const struct bfd_auth_key *key, struct bfd_auth_state *state)
{
	struct bfd_packet p = usual_packet(BFD_UP);
	size_t len = bfd_auth_len(key);

	p.has_auth = true;
	bfd_packet_encode(m->b, &p, len);
	bfd_auth_write(key, state, m->b);
	assert_int_equal(bfd_packet_parse(m->b, BFD_PACKET_BYTES + len, &m->p), BFD_ACCEPTED);
}

/* The digests were made with Python's hashlib, over packet and padded key as RFC 5880 6.7 says. */
static const struct {
	enum bfd_auth_type type;
	const char *key;
	uint8_t len;
	uint8_t section[28];
} sections[] = {
	{BFD_AUTH_SIMPLE, "open", 7, {1, 7, 7, 'o', 'p', 'e', 'n'}},
	{BFD_AUTH_MD5, "sesame", 24, {2,    24,   7,    0,    0,    0,    0x03, 0xe9,
				      0x9e, 0x72, 0xb4, 0xb2, 0x6f, 0x0e, 0xdb, 0xa3,
				      0x42, 0x08, 0xf8, 0xe0, 0x00, 0x13, 0x47, 0x18}},
	{BFD_AUTH_METICULOUS_MD5, "sesame", 24, {3,    24,   7,    0,    0,    0,    0x03, 0xe9,
						 0x60, 0x29, 0x0e, 0x73, 0x7d, 0x38, 0x76, 0x81,
						 0xa5, 0x20, 0xd3, 0x3d, 0x94, 0x5d, 0x6c, 0x54}},
	{BFD_AUTH_SHA1, "sesame", 28, {4,    28,   7,    0,    0,    0,    0x03, 0xe9, 0x8f, 0x4f,
				       0x63, 0x61, 0x48, 0x8f, 0xcf, 0x82, 0xf1, 0x0a, 0xf6, 0x0e,
				       0x90, 0xbd, 0x79, 0x2a, 0xc4, 0xd8, 0xf4, 0x25}},
	{BFD_AUTH_METICULOUS_SHA1, "sesame", 28, {5,    28,   7,    0,    0,    0,    0x03,
						  0xe9, 0xb5, 0xa5, 0xa4, 0xf6, 0x24, 0x1c,
						  0xd5, 0x6a, 0x55, 0x39, 0x80, 0xc8, 0x30,
						  0x77, 0x45, 0xe1, 0x1d, 0x7a, 0xb5, 0x92}},
};

static void sections_are_those_of_the_rfc(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		const struct bfd_auth_key key = key_of(sections[i].type, sections[i].key);
		struct bfd_auth_state tx = {.sent = 1000}, rx = {0};
		struct made m;

		assert_int_equal(bfd_auth_len(&key), sections[i].len);
		make(&m, &key, &tx);
		assert_memory_equal(m.b + BFD_PACKET_BYTES, sections[i].section, sections[i].len);
		assert_int_equal(bfd_auth_check(&key, &rx, 3, &m.p), BFD_ACCEPTED);
	}
}

static void keys_have_the_lengths_of_their_types(void **state)
{
	static const size_t most[] = {0, 16, 16, 16, 20, 20};

	(void)state;
	for (enum bfd_auth_type t = BFD_AUTH_NONE; t <= BFD_AUTH_METICULOUS_SHA1; t++)
		assert_int_equal(bfd_auth_key_max(t), most[t]);
}

/* The n-th packet from now, of 1000 + n, to one that has taken 1000. */
static enum bfd_reject take(enum bfd_auth_type type, uint32_t last, uint32_t next)
{
	const struct bfd_auth_key key = key_of(type, "sesame");
	struct bfd_auth_state tx = {.sent = next - 1};
	struct bfd_auth_state rx = {.received = last, .is_known = true}, before = rx;
	enum bfd_reject reject;
	struct made m;

	make(&m, &key, &tx);
	reject = bfd_auth_check(&key, &rx, 3, &m.p);
	if (reject == BFD_ACCEPTED)
		assert_int_equal(rx.received, next);
	else
		assert_memory_equal(&rx, &before, sizeof(rx));
	return reject;
}

static void the_window_is_three_times_the_multiplier_and_goes_round(void **state)
{
	(void)state;
	assert_int_equal(take(BFD_AUTH_MD5, 1000, 999), BFD_REJECT_AUTH_SEQUENCE);
	assert_int_equal(take(BFD_AUTH_MD5, 1000, 1000), BFD_ACCEPTED);
	assert_int_equal(take(BFD_AUTH_SHA1, 1000, 1009), BFD_ACCEPTED);
	assert_int_equal(take(BFD_AUTH_SHA1, 1000, 1010), BFD_REJECT_AUTH_SEQUENCE);
	assert_int_equal(take(BFD_AUTH_METICULOUS_MD5, 1000, 1000), BFD_REJECT_AUTH_SEQUENCE);
	assert_int_equal(take(BFD_AUTH_METICULOUS_MD5, 1000, 1001), BFD_ACCEPTED);
	assert_int_equal(take(BFD_AUTH_METICULOUS_SHA1, UINT32_MAX, 0), BFD_ACCEPTED);
	assert_int_equal(take(BFD_AUTH_METICULOUS_SHA1, UINT32_MAX, 8), BFD_ACCEPTED);
	assert_int_equal(take(BFD_AUTH_METICULOUS_SHA1, UINT32_MAX, 9), BFD_REJECT_AUTH_SEQUENCE);
}

static void a_forged_packet_does_not_move_the_sequence(void **state)
{
	const struct bfd_auth_key ours = key_of(BFD_AUTH_SHA1, "sesame");
	const struct bfd_auth_key other = key_of(BFD_AUTH_SHA1, "sesam");
	struct bfd_auth_state tx = {.sent = 5}, rx = {0};
	struct made m;

	(void)state;
	make(&m, &other, &tx);
	assert_int_equal(bfd_auth_check(&ours, &rx, 3, &m.p), BFD_REJECT_AUTH_DIGEST);
	assert_false(rx.is_known);
}

static void sessions_with_one_key_come_up_and_a_replay_does_nothing(void **state)
{
	struct bfd_config config = usual_config();
	const struct bfd_arrival a = usual_arrival(NOW);
	struct bfd_session s;
	struct bfd_auth_state tx = {.sent = 41};
	struct made m;

	(void)state;
	config.auth = key_of(BFD_AUTH_METICULOUS_SHA1, "sesame");
	s = new_session(&config);
	assert_int_not_equal(s.auth.sent, 0); /* it begins at random */
	make(&m, &config.auth, &tx);
	assert_int_equal(bfd_session_receive(&s, &a, &m.p), BFD_ACCEPTED);
	assert_int_equal(bfd_session_receive(&s, &a, &m.p), BFD_REJECT_AUTH_SEQUENCE);
	assert_int_equal(s.counters.received, 1);
	assert_int_equal(s.counters.rejected[BFD_REJECT_AUTH_SEQUENCE], 1);
}

static void the_sequence_is_forgotten_after_twice_the_detection_time(void **state)
{
	struct bfd_config config = usual_config();
	const struct bfd_arrival a = usual_arrival(NOW);
	struct bfd_auth_state tx = {.sent = 41};
	struct bfd_session s;
	struct made m;

	(void)state;
	config.auth = key_of(BFD_AUTH_MD5, "sesame");
	s = new_session(&config);
	make(&m, &config.auth, &tx);
	assert_int_equal(bfd_session_receive(&s, &a, &m.p), BFD_ACCEPTED);
	bfd_session_tick(&s, NOW + MS(150));
	assert_true(s.auth.is_known);
	(void)say_all(&s, NOW + MS(299));
	assert_int_equal(bfd_session_deadline(&s), NOW + MS(300));
	bfd_session_tick(&s, NOW + MS(299));
	assert_true(s.auth.is_known);
	bfd_session_tick(&s, NOW + MS(300));
	assert_false(s.auth.is_known);
}

static void another_key_begins_another_sequence(void **state)
{
	struct bfd_config config = usual_config();
	const struct bfd_arrival a = usual_arrival(NOW);
	struct bfd_auth_state tx = {.sent = 41}, low = {.sent = 3};
	struct bfd_session s;
	struct made m;

	(void)state;
	config.auth = key_of(BFD_AUTH_MD5, "sesame");
	s = new_session(&config);
	make(&m, &config.auth, &tx);
	assert_int_equal(bfd_session_receive(&s, &a, &m.p), BFD_ACCEPTED);
	bfd_session_reconfigure(&s, NOW, &config);
	assert_true(s.auth.is_known);
	config.auth = key_of(BFD_AUTH_MD5, "open");
	bfd_session_reconfigure(&s, NOW, &config);
	make(&m, &config.auth, &low);
	assert_int_equal(bfd_session_receive(&s, &a, &m.p), BFD_ACCEPTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_are_those_of_the_rfc),
		cmocka_unit_test(keys_have_the_lengths_of_their_types),
		cmocka_unit_test(the_window_is_three_times_the_multiplier_and_goes_round),
		cmocka_unit_test(a_forged_packet_does_not_move_the_sequence),
		cmocka_unit_test(sessions_with_one_key_come_up_and_a_replay_does_nothing),
		cmocka_unit_test(the_sequence_is_forgotten_after_twice_the_detection_time),
		cmocka_unit_test(another_key_begins_another_sequence),
	};

	return cmocka_run_group_tests_name("bfd_auth", tests, NULL, NULL);
}
