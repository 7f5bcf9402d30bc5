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

/* A packet of the peer with that key is taken or refused, at that time. */
static enum bfd_reject hear_signed(struct bfd_session *s, nsec_t at, const struct bfd_auth_key *key,
				   struct bfd_auth_state *tx)
{
	const struct bfd_arrival a = usual_arrival(at);
	struct made m;

	make(&m, key, tx);
	return bfd_session_receive(s, &a, &m.p);
}

/* Up at NOW with the key; tx is the peer's sequence. */
static struct bfd_session signed_session(struct bfd_config *config, const struct bfd_auth_key *key,
					 struct bfd_auth_state *tx)
{
	struct bfd_packet p = usual_packet(BFD_INIT);
	struct bfd_session s;
	struct made m;

	config->auth = *key;
	s = new_session(config);
	p.has_auth = true;
	for (p.state = BFD_DOWN; p.state <= BFD_INIT; p.state++) {
		const struct bfd_arrival a = usual_arrival(NOW);

		bfd_packet_encode(m.b, &p, bfd_auth_len(key));
		bfd_auth_write(key, tx, m.b);
		assert_int_equal(bfd_packet_parse(m.b, BFD_PACKET_BYTES + bfd_auth_len(key), &m.p),
				 BFD_ACCEPTED);
		assert_int_equal(bfd_session_receive(&s, &a, &m.p), BFD_ACCEPTED);
	}
	assert_int_equal(s.state, BFD_UP);
	(void)say_all(&s, NOW);
	return s;
}

/* Which key the next packet is signed with, by its id; -1: none. */
static int said_key(struct bfd_session *s, nsec_t now)
{
	uint8_t buf[BFD_PACKET_MAX];
	size_t len = bfd_session_transmit(s, now, buf);

	assert_true(len >= BFD_PACKET_BYTES);
	return len > BFD_PACKET_BYTES ? buf[BFD_PACKET_BYTES + 2] : -1;
}

static void another_key_counts_when_the_peer_signs_with_it(void **state)
{
	const struct bfd_auth_key old = key_of(BFD_AUTH_METICULOUS_SHA1, "sesame");
	struct bfd_auth_key new = key_of(BFD_AUTH_MD5, "open");
	struct bfd_auth_state tx = {.sent = 41}, other = {.sent = 3};
	struct bfd_config config = usual_config();
	struct bfd_session s = signed_session(&config, &old, &tx);

	(void)state;
	new.id = 8;
	config.auth = new;
	bfd_session_reconfigure(&s, NOW, &config);
	assert_int_equal(said_key(&s, NOW + MS(50)), 7);
	assert_int_equal(hear_signed(&s, NOW + MS(60), &old, &tx), BFD_ACCEPTED);
	/* What waits to be read may be signed with it, and then ours must be, too. */
	assert_true(bfd_session_wants_to_hear(&s, NOW + MS(61)));
	assert_int_equal(hear_signed(&s, NOW + MS(110), &new, &other), BFD_ACCEPTED);
	assert_false(bfd_session_wants_to_hear(&s, NOW + MS(111)));
	assert_int_equal(said_key(&s, NOW + MS(110)), 8);
	/* There is no way back, and none by a replay. */
	assert_int_equal(hear_signed(&s, NOW + MS(120), &old, &tx), BFD_REJECT_AUTH_TYPE);
	other.sent = 2;
	assert_int_equal(hear_signed(&s, NOW + MS(130), &new, &other), BFD_REJECT_AUTH_SEQUENCE);
	assert_int_equal(s.state, BFD_UP);
	assert_int_equal(s.counters.flaps, 0);
}

static void signing_begins_and_ends_with_the_peer(void **state)
{
	const struct bfd_auth_key key = key_of(BFD_AUTH_SHA1, "sesame");
	const struct bfd_packet plain = usual_packet(BFD_UP);
	const struct bfd_arrival a = usual_arrival(NOW + MS(100));
	struct bfd_auth_state tx = {.sent = 41};
	struct bfd_config config = usual_config();
	struct bfd_session s = up_session(&config);

	(void)state;
	config.auth = key;
	bfd_session_reconfigure(&s, NOW, &config);
	hear(&s, NOW + MS(40), BFD_UP);
	assert_int_equal(said_key(&s, NOW + MS(50)), -1);
	assert_int_equal(hear_signed(&s, NOW + MS(90), &key, &tx), BFD_ACCEPTED);
	assert_int_equal(bfd_session_receive(&s, &a, &plain), BFD_REJECT_AUTH_MISSING);
	config.auth = (struct bfd_auth_key){.type = BFD_AUTH_NONE};
	bfd_session_reconfigure(&s, NOW + MS(100), &config);
	assert_int_equal(said_key(&s, NOW + MS(110)), 7);
	assert_int_equal(bfd_session_receive(&s, &a, &plain), BFD_ACCEPTED);
	assert_int_equal(said_key(&s, NOW + MS(160)), -1);
	assert_int_equal(hear_signed(&s, NOW + MS(170), &key, &tx), BFD_REJECT_AUTH_UNEXPECTED);
	assert_int_equal(s.counters.flaps, 0);
}

static void a_key_taken_back_and_the_last_of_two_count(void **state)
{
	const struct bfd_auth_key old = key_of(BFD_AUTH_MD5, "sesame");
	const struct bfd_auth_key second = key_of(BFD_AUTH_MD5, "open");
	const struct bfd_auth_key third = key_of(BFD_AUTH_MD5, "door");
	struct bfd_auth_state tx = {.sent = 41}, other = {.sent = 3};
	struct bfd_config config = usual_config();
	struct bfd_session s = signed_session(&config, &old, &tx);

	(void)state;
	config.auth = second;
	bfd_session_reconfigure(&s, NOW, &config);
	config.auth = old;
	bfd_session_reconfigure(&s, NOW, &config);
	assert_int_not_equal(hear_signed(&s, NOW + MS(10), &second, &other), BFD_ACCEPTED);
	assert_true(s.auth.is_known); /* it never changed */
	config.auth = second;
	bfd_session_reconfigure(&s, NOW, &config);
	config.auth = third;
	bfd_session_reconfigure(&s, NOW, &config);
	assert_int_equal(hear_signed(&s, NOW + MS(20), &old, &tx), BFD_ACCEPTED);
	assert_int_not_equal(hear_signed(&s, NOW + MS(30), &second, &other), BFD_ACCEPTED);
	assert_int_equal(hear_signed(&s, NOW + MS(40), &third, &other), BFD_ACCEPTED);
}

static void a_session_that_goes_down_has_the_new_key_alone(void **state)
{
	const struct bfd_auth_key old = key_of(BFD_AUTH_MD5, "sesame");
	const struct bfd_auth_key new = key_of(BFD_AUTH_MD5, "open");
	struct bfd_auth_state tx = {.sent = 41}, other = {.sent = 3};
	struct bfd_config config = usual_config();
	struct bfd_session s = signed_session(&config, &old, &tx);

	(void)state;
	config.auth = new;
	bfd_session_reconfigure(&s, NOW, &config);
	bfd_session_tick(&s, NOW + MS(150));
	assert_int_equal(s.state, BFD_DOWN);
	assert_int_equal(hear_signed(&s, NOW + MS(160), &old, &tx), BFD_REJECT_AUTH_DIGEST);
	assert_int_equal(hear_signed(&s, NOW + MS(170), &new, &other), BFD_ACCEPTED);
}

static void a_copy_for_others_has_no_key(void **state)
{
	static const uint8_t none[BFD_AUTH_KEY_MAX];
	const struct bfd_auth_key old = key_of(BFD_AUTH_MD5, "sesame");
	struct bfd_auth_state tx = {.sent = 41};
	struct bfd_config config = usual_config();
	struct bfd_session s = signed_session(&config, &old, &tx);

	(void)state;
	config.auth = key_of(BFD_AUTH_MD5, "open");
	bfd_session_reconfigure(&s, NOW, &config);
	bfd_session_forget_keys(&s);
	assert_memory_equal(s.config.auth.key, none, sizeof(none));
	assert_memory_equal(s.key_until.key, none, sizeof(none));
	assert_int_equal(s.key_until.type, BFD_AUTH_MD5); /* which one it was may be seen */
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
		cmocka_unit_test(another_key_counts_when_the_peer_signs_with_it),
		cmocka_unit_test(signing_begins_and_ends_with_the_peer),
		cmocka_unit_test(a_key_taken_back_and_the_last_of_two_count),
		cmocka_unit_test(a_session_that_goes_down_has_the_new_key_alone),
		cmocka_unit_test(a_copy_for_others_has_no_key),
	};

	return cmocka_run_group_tests_name("bfd_auth", tests, NULL, NULL);
}
