// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Decoding UPDATE, generated: random valid messages, of which exactly one flag, length, type or
 * value is then made wrong. Each mutation knows the class that RFC 7606 gives it, from a table
 * written anew here and not taken from the decoder, so the two check each other. Besides: every
 * truncation, and octets that are no UPDATE at all.
 */
#include "bgp/bgp_msg.h"
#include "bgp/bgp_update.h"
#include "unit/bgp/octets.h"

#define OK       BGP_UPDATE_OK
#define DISCARD  BGP_UPDATE_ATTRIBUTE_DISCARD
#define WITHDRAW BGP_UPDATE_TREAT_AS_WITHDRAW
#define RESET    BGP_UPDATE_RESET

#define UNKNOWN_TYPE 99

/* An attribute of a message under construction; `claimed` is what its length field says. */
struct piece {
	uint8_t flags, type;
	uint8_t value[64];
	size_t len, claimed;
};

struct message {
	struct bgp_update_session session;
	struct octets withdrawn, nlri;
	struct piece pieces[24];
	size_t n;
	int extra_withdrawn, extra_attrs; /* added to the two length fields */
};

struct expectation {
	enum bgp_update_result result;
	uint8_t subcode; /* of the NOTIFICATION if it is, or becomes, a reset */
};

/* What RFC 7606 7 and the attribute's own RFC say of each. */
static const struct kind {
	uint8_t type, flags;
	bool internal; /* discarded from an external peer */
	bool mandatory;
	enum bgp_update_result bad_length;
	uint8_t length_subcode;
	const char *hex;
} kinds[] = {
	{1, 0x40, false, true, WITHDRAW, 5, "01"},
	{2, 0x40, false, true, WITHDRAW, 11, "02 02 0000fde9 0000fdea"},
	{3, 0x40, false, true, WITHDRAW, 5, "0a000002"},
	{4, 0x80, false, false, WITHDRAW, 5, "00000005"},
	{5, 0x40, true, true, WITHDRAW, 5, "00000064"},
	{6, 0x40, false, false, DISCARD, 5, ""},
	{7, 0xc0, false, false, DISCARD, 5, "0000fde9 0a000001"},
	{8, 0xc0, false, false, WITHDRAW, 5, "fde90001 fde90002"},
	{9, 0x80, true, false, WITHDRAW, 5, "0a000003"},
	{10, 0x80, true, false, WITHDRAW, 5, "0a000003 0a000004"},
	{14, 0x80, false, false, RESET, 9,
	 "0002 01 10 20010db8000000000000000000000001 00 20 20010db8"},
	{15, 0x80, false, false, RESET, 9, "0002 01 30 20010db80001"},
	{16, 0xc0, false, false, WITHDRAW, 5, "0002fde900000001"},
	{25, 0xc0, false, false, WITHDRAW, 5, "0002 20010db8000000000000000000000001 0001"},
	{32, 0xc0, false, false, WITHDRAW, 5, "00000001 00000002 00000003"},
	{35, 0xc0, false, false, WITHDRAW, 5, "0000fde9"},
	{UNKNOWN_TYPE, 0xc0, false, false, OK, 0, "0102030405"},
	{17, 0xc0, false, false, OK, 0, "02 01 0000fde9"},
};

static const struct kind *kind_of(uint8_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].type == type)
			return &kinds[i];
	fail_msg("type %u", type);
	return NULL;
}

static void add_piece(struct message *m, uint8_t flags, uint8_t type, const char *hex)
{
	struct octets value = octets(hex);
	struct piece *p = &m->pieces[m->n++];

	*p = (struct piece){.flags = flags, .type = type, .len = value.len, .claimed = value.len};
	assert_true(value.len < sizeof(p->value) && m->n < ARRAY_SIZE(m->pieces));
	memcpy(p->value, value.b, value.len);
}

static void shuffle(struct message *m, struct rng *rng)
{
	for (size_t i = m->n; i > 1; i--) {
		size_t j = rng_below(rng, i);
		struct piece swap = m->pieces[i - 1];

		m->pieces[i - 1] = m->pieces[j];
		m->pieces[j] = swap;
	}
}

static struct message random_message(struct rng *rng)
{
	struct message m = {.session = {.local_asn = 65000, .as4 = true}};

	m.session.families.bits = (uint8_t)rng_below(rng, BGP_FAMILY_BIT(BGP_N_FAMILIES));
	m.session.is_ibgp = rng_below(rng, 2);
	m.withdrawn = octets(rng_below(rng, 2) ? "18 0a0203 20 0a020304" : "");
	m.nlri = octets(rng_below(rng, 2) ? "18 0a0103" : "00 08 0a 0c ac10 20 0a010203");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct kind *k = &kinds[i];

		if (k->internal && !m.session.is_ibgp)
			continue;
		if (k->mandatory || rng_below(rng, 2))
			add_piece(&m, k->flags, k->type, k->hex);
	}
	shuffle(&m, rng);
	return m;
}

static size_t write_piece(uint8_t *to, const struct piece *p)
{
	struct wcur w = wcur_init(to, 128);

	wcur_u8(&w, p->flags);
	wcur_u8(&w, p->type);
	if (p->flags & BGP_ATTR_EXTENDED)
		wcur_u16(&w, (uint16_t)p->claimed);
	else
		wcur_u8(&w, (uint8_t)p->claimed);
	wcur_bytes(&w, p->value, p->len);
	assert_false(w.failed);
	return wcur_len(&w);
}

static struct octets write_message(const struct message *m)
{
	struct octets body, attrs = {.len = 0};
	struct wcur w = wcur_init(body.b, sizeof(body.b));

	for (size_t i = 0; i < m->n; i++)
		attrs.len += write_piece(attrs.b + attrs.len, &m->pieces[i]);
	wcur_u16(&w, (uint16_t)((int)m->withdrawn.len + m->extra_withdrawn));
	wcur_bytes(&w, m->withdrawn.b, m->withdrawn.len);
	wcur_u16(&w, (uint16_t)((int)attrs.len + m->extra_attrs));
	wcur_bytes(&w, attrs.b, attrs.len);
	wcur_bytes(&w, m->nlri.b, m->nlri.len);
	body.len = wcur_len(&w);
	return body;
}

/* --- mutations: each makes one thing wrong in piece p and says what must come of it ----------- */

typedef struct expectation (*mutation)(struct message *m, struct piece *p, struct rng *rng);

static struct expectation flip_optional(struct message *m, struct piece *p, struct rng *rng)
{
	(void)m, (void)rng;
	p->flags ^= BGP_ATTR_OPTIONAL;
	return p->type == UNKNOWN_TYPE ? (struct expectation){RESET, 2}
				       : (struct expectation){WITHDRAW, 4};
}

static struct expectation flip_transitive(struct message *m, struct piece *p, struct rng *rng)
{
	(void)m, (void)rng;
	p->flags ^= BGP_ATTR_TRANSITIVE;
	return p->type == UNKNOWN_TYPE ? (struct expectation){OK, 0}
				       : (struct expectation){WITHDRAW, 4};
}

/* RFC 7606 3c speaks of Optional and Transitive only; RFC 4271 4.3: the lower four are ignored. */
static struct expectation flip_harmless_flags(struct message *m, struct piece *p, struct rng *rng)
{
	(void)m;
	p->flags ^= (uint8_t)(rng_below(rng, 2) ? BGP_ATTR_PARTIAL : 1 + rng_below(rng, 15));
	return (struct expectation){OK, 0};
}

static struct expectation use_extended_length(struct message *m, struct piece *p, struct rng *rng)
{
	(void)m, (void)rng;
	p->flags |= BGP_ATTR_EXTENDED;
	return (struct expectation){OK, 0};
}

static struct expectation change_length(struct message *m, struct piece *p, struct rng *rng)
{
	const struct kind *k = kind_of(p->type);
	bool shorter = p->type == BGP_ATTR_MP_REACH || p->type == BGP_ATTR_MP_UNREACH ||
		       (p->len > 0 && rng_below(rng, 2));

	(void)m;
	p->len = shorter ? p->len - 1 : p->len + 1;
	p->claimed = p->len;
	return (struct expectation){k->bad_length, k->length_subcode};
}

static struct expectation empty(struct message *m, struct piece *p, struct rng *rng)
{
	const struct kind *k = kind_of(p->type);

	(void)m, (void)rng;
	if (p->len == 0 || p->type == BGP_ATTR_AS_PATH) /* where 0 is allowed */
		return (struct expectation){OK, 0};
	p->len = p->claimed = 0;
	return (struct expectation){k->bad_length, k->length_subcode};
}

static struct expectation drop(struct message *m, struct piece *p, struct rng *rng)
{
	bool mandatory = kind_of(p->type)->mandatory;

	(void)rng;
	*p = m->pieces[--m->n];
	return mandatory ? (struct expectation){WITHDRAW, 3} : (struct expectation){OK, 0};
}

static struct expectation repeat(struct message *m, struct piece *p, struct rng *rng)
{
	bool holds_prefixes = p->type == BGP_ATTR_MP_REACH || p->type == BGP_ATTR_MP_UNREACH;

	m->pieces[m->n++] = *p;
	shuffle(m, rng);
	return holds_prefixes ? (struct expectation){RESET, 1} : (struct expectation){DISCARD, 0};
}

static struct expectation come_from_outside(struct message *m, struct piece *p, struct rng *rng)
{
	unsigned n = 0;

	(void)p, (void)rng;
	if (!m->session.is_ibgp)
		return (struct expectation){OK, 0};
	m->session.is_ibgp = false;
	for (size_t i = 0; i < m->n; i++)
		n += kind_of(m->pieces[i].type)->internal;
	return n ? (struct expectation){DISCARD, 0} : (struct expectation){OK, 0};
}

static struct expectation spoil_value(struct message *m, struct piece *p, struct rng *rng)
{
	(void)m;
	if (p->type == BGP_ATTR_ORIGIN) {
		p->value[0] = (uint8_t)(3 + rng_below(rng, 253));
		return (struct expectation){WITHDRAW, 6};
	}
	if (p->type == BGP_ATTR_NEXT_HOP) {
		p->value[0] = (uint8_t[]){0, 127, 224, 240, 255}[rng_below(rng, 5)];
		return (struct expectation){WITHDRAW, 8};
	}
	if (p->type == BGP_ATTR_MP_REACH) { /* unspecified, loopback, multicast */
		const uint8_t first[] = {0, 0, 0xff}, last[] = {0, 1, 1};
		uint64_t which = rng_below(rng, ARRAY_SIZE(first));

		memset(p->value + 4, 0, 16);
		p->value[4] = first[which];
		p->value[19] = last[which];
		return (struct expectation){WITHDRAW, 8};
	}
	if (p->type == BGP_ATTR_AS_PATH) {
		uint64_t which = rng_below(rng, 3);

		if (which == 0)
			p->value[0] = (uint8_t[]){0, 1, 4, 5, 255}[rng_below(rng, 5)];
		else if (which == 1)
			p->value[1] = (uint8_t[]){0, 1, 3, 255}[rng_below(rng, 4)];
		else
			memset(p->value + 2, 0, 4); /* AS 0 */
		return (struct expectation){WITHDRAW, 11};
	}
	return (struct expectation){OK, 0};
}

/* The last attribute claims more than the list has: RFC 7606 4. */
static struct expectation overrun_the_list(struct message *m, struct piece *p, struct rng *rng)
{
	(void)p;
	add_piece(m, 0xc0, UNKNOWN_TYPE + 1, "01");
	m->pieces[m->n - 1].claimed = 2 + rng_below(rng, 200);
	return (struct expectation){WITHDRAW, 1};
}

static struct expectation end_within_an_attribute(struct message *m, struct piece *p,
						  struct rng *rng)
{
	(void)p, (void)rng;
	/* Two octets of the header stay in the list, the length octet falls into the NLRI. */
	add_piece(m, 0xc0, UNKNOWN_TYPE + 1, "");
	m->pieces[m->n - 1].claimed = 0; /* 0.0.0.0/0 */
	m->extra_attrs = -1;
	return (struct expectation){WITHDRAW, 1};
}

static struct expectation unknown_well_known(struct message *m, struct piece *p, struct rng *rng)
{
	(void)p;
	add_piece(m, 0x40, (uint8_t)(100 + rng_below(rng, 100)), "0102");
	shuffle(m, rng);
	return (struct expectation){RESET, 2};
}

static struct expectation long_prefix(struct message *m, struct piece *p, struct rng *rng)
{
	(void)p;
	*(rng_below(rng, 2) && m->withdrawn.len ? &m->withdrawn : &m->nlri) =
		octets(rng_below(rng, 2) ? "21 0a01020380" : "18 0a0102 ff");
	return (struct expectation){RESET, 10};
}

/* MP_REACH says a next hop of a length that its family has not (RFC 7606 7.11). */
static struct expectation odd_next_hop(struct message *m, struct piece *p, struct rng *rng)
{
	size_t at = 0;

	(void)p;
	while (at < m->n && m->pieces[at].type != BGP_ATTR_MP_REACH)
		at++;
	if (at == m->n)
		return (struct expectation){OK, 0};
	m->pieces[at].value[3] = (uint8_t[]){0, 4, 15, 17, 24}[rng_below(rng, 5)];
	return (struct expectation){RESET, 9};
}

static struct expectation cut_prefix(struct message *m, struct piece *p, struct rng *rng)
{
	(void)p, (void)rng;
	*(rng_below(rng, 2) && m->withdrawn.len ? &m->withdrawn : &m->nlri) =
		octets("08 0a 18 0a01");
	return (struct expectation){RESET, 10};
}

static struct expectation lengths_beyond(struct message *m, struct piece *p, struct rng *rng)
{
	(void)p;
	if (rng_below(rng, 2))
		m->extra_attrs = (int)m->nlri.len + 1 + (int)rng_below(rng, 1000);
	else
		m->extra_withdrawn = 2000 + (int)rng_below(rng, 1000);
	return (struct expectation){RESET, 1};
}

static const mutation mutations[] = {
	flip_optional,
	flip_transitive,
	flip_harmless_flags,
	use_extended_length,
	change_length,
	empty,
	drop,
	repeat,
	come_from_outside,
	spoil_value,
	overrun_the_list,
	end_within_an_attribute,
	unknown_well_known,
	long_prefix,
	odd_next_hop,
	cut_prefix,
	lengths_beyond,
};

/* RFC 7606 5.2: the same without a reachable prefix; nothing is mandatory then. */
static void remove_nlri(struct message *m, struct expectation *want)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->pieces[i].type == BGP_ATTR_MP_REACH)
			return;
	m->nlri.len = 0;
	if (want->result == WITHDRAW)
		want->result = want->subcode == 3 ? OK : RESET;
}

static enum bgp_update_result decode(const struct octets *body, const struct bgp_update_session *s,
				     struct bgp_error *error, struct bgp_update *u)
{
	_cleanup_(freep) uint8_t *alone = octets_alone(body->b, body->len);
	enum bgp_update_result r = bgp_update_decode(rcur_init(alone, body->len), s, u, error);
	struct ip_prefix p;
	size_t n = 0;

	/* Whatever the class, counts and walks agree. */
	while (bgp_nlri_next(&u->withdrawn, BGP_IPV4_UNICAST, &p))
		n++;
	while (bgp_nlri_next(&u->nlri, BGP_IPV4_UNICAST, &p))
		n++;
	while (bgp_nlri_next(&u->mp_reach.nlri, u->mp_reach.family, &p))
		n += bgp_families_has(s->families, u->mp_reach.family);
	while (bgp_nlri_next(&u->mp_unreach.nlri, u->mp_unreach.family, &p))
		n += bgp_families_has(s->families, u->mp_unreach.family);
	assert_true(r == RESET || n == u->n_announced + u->n_withdrawn);
	return r;
}

static void random_valid_messages_decode_well(void **state)
{
	struct rng rng = octets_rng(__func__);

	(void)state;
	for (unsigned round = 0; round < 500; round++) {
		struct message m = random_message(&rng);
		struct octets body = write_message(&m);
		struct bgp_error error;
		struct bgp_update u;

		if (decode(&body, &m.session, &error, &u) != OK)
			fail_msg("round %u: %s", round, u.reason);
	}
}

static void one_mutation_has_the_class_that_the_rfc_gives_it(void **state)
{
	struct rng rng = octets_rng(__func__);

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		size_t which = rng_below(&rng, ARRAY_SIZE(mutations));
		struct message m = random_message(&rng);
		struct piece *p = &m.pieces[rng_below(&rng, m.n)];
		uint8_t type = p->type;
		struct expectation want = mutations[which](&m, p, &rng);
		struct bgp_error error = {0};
		struct bgp_update u;
		struct octets body;
		enum bgp_update_result got;

		if (want.result < RESET && m.extra_attrs == 0 && rng_below(&rng, 4) == 0)
			remove_nlri(&m, &want);
		body = write_message(&m);
		got = decode(&body, &m.session, &error, &u);
		if (got != want.result || (got == RESET && error.subcode != want.subcode))
			fail_msg("round %u, mutation %zu of type %u: %d (3/%u, %s), not %d (3/%u)",
				 round, which, type, got, error.subcode, u.reason ? u.reason : "",
				 want.result, want.subcode);
	}
}

static bool is_boundary(const struct octets *nlri, size_t at)
{
	size_t i = 0;

	while (i < at)
		i += 1 + (nlri->b[i] + 7u) / 8;
	return i == at;
}

/* Before the NLRI a cut breaks a length (3/1); within it, it is seen unless a prefix ends there. */
static void every_truncation_is_seen(void **state)
{
	struct rng rng = octets_rng(__func__);

	(void)state;
	for (unsigned round = 0; round < 30; round++) {
		struct message m = random_message(&rng);
		struct octets whole = write_message(&m), body = whole;
		size_t nlri_at = whole.len - m.nlri.len;

		for (body.len = 0; body.len < whole.len; body.len++) {
			struct bgp_error error = {0};
			struct bgp_update u;
			enum bgp_update_result r = decode(&body, &m.session, &error, &u);

			if (body.len < nlri_at) {
				assert_int_equal(r, RESET);
				assert_int_equal(error.subcode, 1);
			} else if (is_boundary(&m.nlri, body.len - nlri_at)) {
				assert_int_equal(r, OK);
			} else {
				assert_int_equal(r, RESET);
				assert_int_equal(error.subcode, 10);
			}
		}
	}
}

static void random_octets_get_some_class(void **state)
{
	struct rng rng = octets_rng(__func__);

	(void)state;
	for (unsigned round = 0; round < 5000; round++) {
		struct message m = random_message(&rng);
		struct octets body = write_message(&m);
		struct bgp_error error;
		struct bgp_update u;

		for (uint64_t n = 1 + rng_below(&rng, 8); n > 0; n--)
			body.b[rng_below(&rng, body.len)] = (uint8_t)rng_next(&rng);
		assert_in_range(decode(&body, &m.session, &error, &u), OK, RESET);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_valid_messages_decode_well),
		cmocka_unit_test(one_mutation_has_the_class_that_the_rfc_gives_it),
		cmocka_unit_test(every_truncation_is_seen),
		cmocka_unit_test(random_octets_get_some_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
