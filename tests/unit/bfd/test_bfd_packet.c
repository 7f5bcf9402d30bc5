// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Control packets (RFC 5880 4.1) and every reason to refuse one (6.8.6, RFC 5881 5, RFC 5883 5). */
#include "unit/bfd/bfd_script.h"

#define SIMPLE                                                                                     \
	{                                                                                          \
		.type = BFD_AUTH_SIMPLE, .id = 7, .len = 4, .key = "open"                          \
	}
#define MD5                                                                                        \
	{                                                                                          \
		.type = BFD_AUTH_MD5, .id = 7, .len = 6, .key = "sesame"                           \
	}
#define SHA1                                                                                       \
	{                                                                                          \
		.type = BFD_AUTH_METICULOUS_SHA1, .id = 7, .len = 6, .key = "sesame"               \
	}

/* One octet of a good packet is another, and it is cut or its way is another. */
struct reject_case {
	const char *name;
	enum bfd_reject want;
	struct {
		uint8_t at, value; /* at 0 with value 0: none */
	} octet[3];
	uint8_t came; /* octets; 0: all */
	enum {
		PLAIN,
		OTHER_SOURCE,
		OTHER_INTERFACE,
		OTHER_PORT,
		TTL_254,
		TTL_0,
		MULTIHOP_253,
		MULTIHOP_254,
		DISABLED
	} way;
	struct bfd_auth_key key;     /* the session's */
	struct bfd_auth_key made_by; /* the packet's */
};

static const struct reject_case reject_cases[] = {
	{"good", BFD_ACCEPTED, .came = 0},
	{"good, and more behind its length", BFD_ACCEPTED, .came = 40},
	{"empty datagram", BFD_REJECT_SHORT, .came = 255},
	{"one octet", BFD_REJECT_SHORT, .came = 1},
	{"one octet missing", BFD_REJECT_SHORT, .came = 23},
	{"version 0", BFD_REJECT_VERSION, .octet = {{0, 0x01}}},
	{"version 2", BFD_REJECT_VERSION, .octet = {{0, 0x40}}},
	{"version 7", BFD_REJECT_VERSION, .octet = {{0, 0xe0}}},
	{"length 0", BFD_REJECT_LENGTH, .octet = {{3, 0}, {1, 0xc0}}},
	{"length 23", BFD_REJECT_LENGTH, .octet = {{3, 23}}},
	{"length 25 of 24", BFD_REJECT_LENGTH, .octet = {{3, 25}}},
	{"length 255 of 24", BFD_REJECT_LENGTH, .octet = {{3, 255}}},
	{"length 24 with the A bit", BFD_REJECT_LENGTH, .octet = {{1, 0xc4}}},
	{"length 25 with the A bit", BFD_REJECT_LENGTH, .octet = {{1, 0xc4}, {3, 25}}, .came = 40},
	{"multiplier 0", BFD_REJECT_MULTIPLIER, .octet = {{2, 0}, {3, 24}}},
	{"multipoint", BFD_REJECT_MULTIPOINT, .octet = {{1, 0xc1}}},
	{"my discriminator 0", BFD_REJECT_MY_DISCRIMINATOR, .octet = {{7, 0}, {3, 24}}},
	{"Up without your discriminator", BFD_REJECT_STATE, .octet = {{11, 0}, {3, 24}}},
	{"Init without your discriminator", BFD_REJECT_STATE, .octet = {{11, 0}, {1, 0x80}}},
	{"Down without your discriminator", BFD_ACCEPTED, .octet = {{11, 0}, {1, 0x40}}},
	{"AdminDown without your discriminator", BFD_ACCEPTED,
	 .octet = {{11, 0}, {1, 0x10}, {3, 24}}},
	{"another's discriminator", BFD_REJECT_UNKNOWN, .octet = {{11, OURS + 1}}},
	{"a slot that is used, another discriminator", BFD_REJECT_UNKNOWN, .octet = {{8, 0x55}}},
	{"discriminator of a slot that is not", BFD_REJECT_UNKNOWN, .octet = {{10, 3}}},
	{"Down to nobody", BFD_REJECT_NO_SESSION, .octet = {{11, 0}, {1, 0x40}},
	 .way = OTHER_SOURCE},
	{"Down from elsewhere", BFD_REJECT_NO_SESSION, .octet = {{11, 0}, {1, 0x40}},
	 .way = OTHER_INTERFACE},
	{"Down over several hops", BFD_REJECT_NO_SESSION, .octet = {{11, 0}, {1, 0x40}},
	 .way = OTHER_PORT},
	{"multihop port", BFD_REJECT_PORT, .way = OTHER_PORT},
	{"another source", BFD_REJECT_SOURCE, .way = OTHER_SOURCE},
	{"another interface", BFD_REJECT_INTERFACE, .way = OTHER_INTERFACE},
	{"TTL 254 on a single hop", BFD_REJECT_TTL, .way = TTL_254},
	{"TTL that is not known", BFD_REJECT_TTL, .way = TTL_0},
	{"TTL below the minimum", BFD_REJECT_TTL, .way = MULTIHOP_253},
	{"TTL of the minimum", BFD_ACCEPTED, .way = MULTIHOP_254},
	{"we are AdminDown", BFD_REJECT_ADMIN_DOWN, .way = DISABLED},
	{"authenticated, no key here", BFD_REJECT_AUTH_UNEXPECTED, .made_by = MD5},
	{"not authenticated, a key here", BFD_REJECT_AUTH_MISSING, .key = MD5},
	{"simple for MD5", BFD_REJECT_AUTH_TYPE, .key = MD5, .made_by = SIMPLE},
	{"MD5 for SHA1", BFD_REJECT_AUTH_TYPE, .key = SHA1, .made_by = MD5},
	{"type 0", BFD_REJECT_AUTH_TYPE, .octet = {{24, 0}, {3, 48}}, .key = MD5, .made_by = MD5},
	{"length of the section", BFD_REJECT_AUTH_LENGTH, .octet = {{25, 23}}, .key = MD5,
	 .made_by = MD5},
	{"length of the packet behind the section", BFD_REJECT_AUTH_LENGTH, .octet = {{3, 49}},
	 .came = 49, .key = MD5, .made_by = MD5},
	{"section cut after two octets", BFD_REJECT_AUTH_LENGTH, .octet = {{3, 26}}, .key = MD5,
	 .made_by = MD5},
	{"password of another length", BFD_REJECT_AUTH_LENGTH, .key = SIMPLE,
	 .made_by = {.type = BFD_AUTH_SIMPLE, .id = 7, .len = 5, .key = "opens"}},
	{"another key id", BFD_REJECT_AUTH_KEY, .octet = {{26, 8}}, .key = MD5, .made_by = MD5},
	{"another password", BFD_REJECT_AUTH_DIGEST, .octet = {{30, 'm'}}, .key = SIMPLE,
	 .made_by = SIMPLE},
	{"a bit of the digest", BFD_REJECT_AUTH_DIGEST, .octet = {{47, 0x55}}, .key = MD5,
	 .made_by = MD5},
	{"a bit of the packet", BFD_REJECT_AUTH_DIGEST, .octet = {{15, 0x55}}, .key = SHA1,
	 .made_by = SHA1},
	{"right password", BFD_ACCEPTED, .key = SIMPLE, .made_by = SIMPLE},
	{"right MD5", BFD_ACCEPTED, .key = MD5, .made_by = MD5},
	{"right SHA1", BFD_ACCEPTED, .key = SHA1, .made_by = SHA1},
};

struct datagram {
	uint8_t b[64];
	size_t len;
};

static struct datagram made(const struct reject_case *c, uint32_t discriminator)
{
	struct bfd_auth_state state = {.sent = 1000};
	size_t auth_len = bfd_auth_len(&c->made_by);
	struct datagram d = {.len = BFD_PACKET_BYTES + auth_len};
	struct bfd_packet p = usual_packet(BFD_UP);
	uint8_t buf[BFD_PACKET_MAX] = {0};

	p.your_discriminator = discriminator;
	p.has_auth = auth_len > 0;
	bfd_packet_encode(buf, &p, auth_len);
	if (auth_len > 0)
		bfd_auth_write(&c->made_by, &state, buf);
	memcpy(d.b, buf, sizeof(buf));
	for (size_t i = 0; i < ARRAY_SIZE(c->octet); i++)
		if (c->octet[i].at != 0 || c->octet[i].value != 0)
			d.b[c->octet[i].at] = c->octet[i].value;
	/* Only the low octet of Your Discriminator differs from a good one's, or all of it is 0. */
	if (c->octet[0].at == 11 && c->octet[0].value == 0)
		memset(d.b + 8, 0, 4);
	if (c->came > 0)
		d.len = c->came == 255 ? 0 : c->came;
	return d;
}

static struct bfd_arrival arrival_of(const struct reject_case *c)
{
	struct bfd_arrival a = usual_arrival(NOW);

	a.ttl = c->way == TTL_254 ? 254 : c->way == TTL_0 ? 0 : 255;
	if (c->way == OTHER_SOURCE)
		a.source = ip_addr_from_v4(PEER + 1);
	if (c->way == OTHER_INTERFACE)
		a.ifindex++;
	a.is_multihop = c->way == OTHER_PORT || c->way == MULTIHOP_253 || c->way == MULTIHOP_254;
	if (c->way == MULTIHOP_253)
		a.ttl = 253;
	if (c->way == MULTIHOP_254)
		a.ttl = 254;
	return a;
}

static struct bfd_set *set_of(const struct reject_case *c, struct bfd_session **ret)
{
	struct bfd_config config = usual_config();
	struct bfd_set *set;
	struct rng rng;

	rng_seed(&rng, 3);
	set = bfd_set_new(4, &rng);
	config.ifindex = 3;
	config.auth = c->key;
	config.is_multihop = c->way == MULTIHOP_253 || c->way == MULTIHOP_254;
	config.minimum_ttl = 254;
	*ret = bfd_set_add(set, NOW, &config);
	assert_non_null(*ret);
	if (c->way == DISABLED)
		bfd_session_notify(*ret, NOW, BFD_NOTE_ADMIN_DOWN);
	return set;
}

static uint64_t count(const uint64_t rejected[BFD_N_REJECTS])
{
	uint64_t n = 0;

	for (size_t i = 0; i < BFD_N_REJECTS; i++)
		n += rejected[i];
	return n;
}

static void a_refused_packet_is_counted_by_its_reason_and_changes_nothing(void **state)
{
	unsigned n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(reject_cases); i++) {
		const struct reject_case *c = &reject_cases[i];
		struct bfd_session *s, *got = NULL, before;
		struct bfd_set *set = set_of(c, &s);
		struct datagram d = made(c, s->discriminator);
		_cleanup_(freep) uint8_t *alone = xmalloc(d.len + 1);
		const struct bfd_arrival a = arrival_of(c);
		enum bfd_reject reject;

		memcpy(alone, d.b, d.len);
		before = *s;
		reject = bfd_set_receive(set, &a, alone, d.len, &got);
		if (reject != c->want)
			fail_msg("%s: %s", c->name, bfd_reject_text(reject));
		assert_int_equal(reject == BFD_ACCEPTED, got == s);
		if (reject != BFD_ACCEPTED) {
			n++;
			assert_int_equal(
				s->counters.rejected[reject] + bfd_set_rejected(set)[reject], 1);
			assert_int_equal(count(s->counters.rejected) + count(bfd_set_rejected(set)),
					 1);
			s->counters.rejected[reject] = 0;
			assert_memory_equal(s, &before, sizeof(before));
		} else {
			assert_int_equal(s->counters.received, 1);
			assert_int_equal(s->remote.discriminator, THEIRS);
		}
		set = bfd_set_free(set);
	}
	assert_true(n >= 40);
}

static void every_reason_occurs_in_the_table_and_has_its_own_text(void **state)
{
	(void)state;
	for (enum bfd_reject r = BFD_REJECT_SHORT; r < BFD_N_REJECTS; r++) {
		bool is_there = r == BFD_REJECT_AUTH_SEQUENCE; /* test_bfd_auth.c has it */

		for (size_t i = 0; i < ARRAY_SIZE(reject_cases); i++)
			is_there = is_there || reject_cases[i].want == r;
		if (!is_there)
			fail_msg("%s is in no case", bfd_reject_text(r));
		for (enum bfd_reject other = BFD_ACCEPTED; other < r; other++)
			assert_string_not_equal(bfd_reject_text(other), bfd_reject_text(r));
	}
}

static void a_packet_is_as_in_the_figure_of_rfc_5880_4_1(void **state)
{
	const struct bfd_packet p = {.diag = BFD_DIAG_NEIGHBOUR_DOWN,
				     .state = BFD_INIT,
				     .poll = true,
				     .independent = true,
				     .demand = true,
				     .detect_mult = 5,
				     .my_discriminator = 0x01020304,
				     .your_discriminator = 0x05060708,
				     .min_tx_us = 1000000,
				     .min_rx_us = 300000,
				     .min_echo_rx_us = 50000};
	const uint8_t want[] = {0x23, 0xaa, 5,    24,   1,    2,    3,    4,
				5,    6,    7,    8,    0x00, 0x0f, 0x42, 0x40,
				0,    0x04, 0x93, 0xe0, 0x00, 0x00, 0xc3, 0x50};
	uint8_t buf[BFD_PACKET_BYTES];
	struct bfd_packet back;

	(void)state;
	bfd_packet_encode(buf, &p, 0);
	assert_memory_equal(buf, want, sizeof(want));
	assert_int_equal(bfd_packet_parse(buf, sizeof(buf), &back), BFD_ACCEPTED);
	assert_int_equal(back.diag, p.diag);
	assert_int_equal(back.state, p.state);
	assert_true(back.poll && back.independent && back.demand && !back.final && !back.has_auth);
	assert_int_equal(back.detect_mult, 5);
	assert_int_equal(back.my_discriminator, 0x01020304);
	assert_int_equal(back.your_discriminator, 0x05060708);
	assert_int_equal(back.min_tx_us, 1000000);
	assert_int_equal(back.min_rx_us, 300000);
	assert_int_equal(back.min_echo_rx_us, 50000);
}

static void each_flag_has_its_bit(void **state)
{
	static const struct {
		struct bfd_packet p;
		uint8_t flags;
	} cases[] = {
		{{.state = BFD_UP}, 0xc0},     {{.state = BFD_DOWN}, 0x40},
		{{.state = BFD_INIT}, 0x80},   {{.state = BFD_ADMIN_DOWN}, 0x00},
		{{.poll = true}, 0x20},        {{.final = true}, 0x10},
		{{.independent = true}, 0x08}, {{.demand = true}, 0x02},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bfd_packet p = cases[i].p;
		uint8_t buf[BFD_PACKET_BYTES];

		p.detect_mult = 1;
		p.my_discriminator = p.your_discriminator = 1;
		bfd_packet_encode(buf, &p, 0);
		assert_int_equal(buf[1], cases[i].flags);
		assert_int_equal(bfd_packet_parse(buf, sizeof(buf), &p), BFD_ACCEPTED);
		assert_int_equal(p.state, cases[i].p.state);
		assert_int_equal(p.poll, cases[i].p.poll);
		assert_int_equal(p.final, cases[i].p.final);
		assert_int_equal(p.independent, cases[i].p.independent);
		assert_int_equal(p.demand, cases[i].p.demand);
	}
}

static void diagnostics_have_texts_known_or_not(void **state)
{
	static const char *const texts[] = {"none",
					    "detection time expired",
					    "echo failed",
					    "neighbour signalled down",
					    "forwarding plane reset",
					    "path down",
					    "concatenated path down",
					    "administratively down",
					    "reverse concatenated path down"};

	(void)state;
	for (uint8_t diag = 0; diag < ARRAY_SIZE(texts); diag++) /* RFC 5880 4.1 */
		assert_string_equal(bfd_diag_text(diag), texts[diag]);
	assert_string_equal(bfd_diag_text(9), "unassigned");
	assert_string_equal(bfd_diag_text(31), "unassigned");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refused_packet_is_counted_by_its_reason_and_changes_nothing),
		cmocka_unit_test(every_reason_occurs_in_the_table_and_has_its_own_text),
		cmocka_unit_test(a_packet_is_as_in_the_figure_of_rfc_5880_4_1),
		cmocka_unit_test(each_flag_has_its_bit),
		cmocka_unit_test(diagnostics_have_texts_known_or_not),
	};

	return cmocka_run_group_tests_name("bfd_packet", tests, NULL, NULL);
}
