// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Addresses that are looked at though they are no VIPs: the bits of destinations against a model
 * that sets them anew from the VIPs and prefixes there are.
 */
#include "fixture.h"

#define N_PREFIXES 12
#define N_VIPS     8
#define RUNS       40
#define STEPS      60

struct model {
	struct ip_prefix prefixes[N_PREFIXES];
	size_t n_prefixes;
	bool vips[N_VIPS];
	uint64_t bits[LB_VIP_WORDS];
};

static struct lb_frontend vip_at(uint32_t i)
{
	return frontend_of(key_of(0xc6336400 + i * 1021, 0), NULL, 0);
}

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix ret;

	assert_true(ip_prefix_parse(text, &ret));
	return ret;
}

static uint32_t bit_of(const struct ip_addr *a)
{
	__u32 words[4];

	memcpy(words, a->b, sizeof(words));
	return lb_vip_bit(words);
}

static bool is_looked_at(const struct fixture *x, const struct ip_addr *a)
{
	const uint32_t bit = bit_of(a);

	return x->vip_bits[bit / 64] >> bit % 64 & 1;
}

static void model_bit(struct model *m, const struct ip_addr *a)
{
	m->bits[bit_of(a) / 64] |= UINT64_C(1) << bit_of(a) % 64;
}

/* The last four octets count; none of these prefixes is wider. */
static void model_prefix(struct model *m, const struct ip_prefix *p)
{
	const unsigned host_bits = (unsigned)ip_addr_bits(&p->addr) - p->len;
	uint32_t low;

	if (host_bits > 12) {
		memset(m->bits, 0xff, sizeof(m->bits));
		return;
	}
	for (uint32_t i = 0; i < 1u << host_bits; i++) {
		struct ip_addr a = p->addr;

		memcpy(&low, a.b + 12, sizeof(low));
		low = htobe32(be32toh(low) + i);
		memcpy(a.b + 12, &low, sizeof(low));
		model_bit(m, &a);
	}
}

static void assert_bits(const struct fixture *x, struct model *m)
{
	memset(m->bits, 0, sizeof(m->bits));
	for (uint32_t i = 0; i < N_VIPS; i++)
		if (m->vips[i])
			model_bit(m, &(struct ip_addr[]){vip_at(i).key.addr}[0]);
	for (size_t i = 0; i < m->n_prefixes; i++)
		model_prefix(m, &m->prefixes[i]);
	assert_memory_equal(x->vip_bits, m->bits, sizeof(m->bits));
}

static void what_lies_under_a_prefix_is_looked_at_until_it_is_taken_back(void **state)
{
	/* Of 4,096 addresses is the widest that is counted out. */
	static const char *const texts[] = {
		"192.0.2.1/32",   "192.0.2.0/24",       "192.0.0.0/20",     "2001:db8::1/128",
		"2001:db8::/116", "2001:db8::f000/117", "255.255.255.0/24", "192.0.0.0/19"};
	struct model m = {.n_prefixes = 0};
	struct fixture x;

	(void)state;
	fixture_init(&x);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		m.prefixes[0] = prefix(texts[i]);
		m.n_prefixes = 1;
		lb_tables_cover(x.t, &m.prefixes[0]);
		assert_true(is_looked_at(&x, &m.prefixes[0].addr));
		assert_bits(&x, &m);
		m.n_prefixes = 0;
		lb_tables_uncover(x.t, &m.prefixes[0]);
		assert_bits(&x, &m);
	}
	fixture_done(&x);
}

/* Then it costs those that are not for us, and no longer; VIPs that come and go meanwhile count. */
static void a_wide_one_sets_all_and_the_last_of_them_takes_back(void **state)
{
	const struct ip_prefix wide = prefix("10.0.0.0/8"), wider = prefix("::/0");
	struct lb_frontend stays = vip_at(0), comes = vip_at(1);
	struct model m = {.vips = {false, true}};
	struct fixture x;

	(void)state;
	fixture_init(&x);
	assert_int_equal(fixture_put(&x, &stays), 0);
	lb_tables_cover(x.t, &wide);
	lb_tables_cover(x.t, &wider);
	assert_int_equal(fixture_put(&x, &comes), 0);
	lb_tables_del(x.t, &x.c, &stays.key);
	lb_tables_uncover(x.t, &wide);
	for (uint32_t i = 0; i < LB_VIP_WORDS; i++)
		assert_true(x.vip_bits[i] == UINT64_MAX);
	lb_tables_uncover(x.t, &wider);
	assert_bits(&x, &m);
	fixture_done(&x);
}

static void random_step(struct fixture *x, struct model *m, struct rng *r)
{
	static const uint8_t lens[] = {32, 32, 28, 24, 20, 19, 8};
	const uint32_t i = (uint32_t)rng_below(r, N_VIPS);
	struct lb_frontend f = vip_at(i);

	fixture_at(x, x->c.now + 2 * SECOND); /* what was freed has rested */
	(void)lb_tables_tick(x->t, &x->c);
	if (rng_below(r, 2) && m->vips[i]) {
		lb_tables_del(x->t, &x->c, &f.key);
		m->vips[i] = false;
	} else if (rng_below(r, 2) && !m->vips[i]) {
		assert_int_equal(fixture_put(x, &f), 0);
		m->vips[i] = true;
	} else if (m->n_prefixes < N_PREFIXES && rng_below(r, 2)) {
		/* Also one that is there already, as of another domain, and one above a VIP. */
		m->prefixes[m->n_prefixes] = ip_prefix_of(&f.key.addr, lens[rng_below(r, 7)]);
		lb_tables_cover(x->t, &m->prefixes[m->n_prefixes++]);
	} else if (m->n_prefixes > 0) {
		const size_t at = rng_below(r, m->n_prefixes);

		lb_tables_uncover(x->t, &m->prefixes[at]);
		m->prefixes[at] = m->prefixes[--m->n_prefixes];
	}
}

/* As the data plane does it: prefixes are told before the images are adopted. */
static void restart(struct fixture *x, const struct model *m)
{
	lb_tables_free(x->t);
	x->t = fixture_tables(x);
	for (size_t i = 0; i < m->n_prefixes; i++)
		lb_tables_cover(x->t, &m->prefixes[i]);
	assert_int_equal(lb_tables_adopt(x->t, &x->c), 0);
}

static void random_steps_leave_the_bits_of_the_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		struct model m = {.n_prefixes = 0};
		struct fixture x;
		struct rng r;

		rng_seed(&r, seed);
		fixture_init(&x);
		for (unsigned i = 0; i < STEPS; i++) {
			random_step(&x, &m, &r);
			if (rng_below(&r, 10) == 0)
				restart(&x, &m);
			assert_bits(&x, &m);
		}
		fixture_done(&x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_lies_under_a_prefix_is_looked_at_until_it_is_taken_back),
		cmocka_unit_test(a_wide_one_sets_all_and_the_last_of_them_takes_back),
		cmocka_unit_test(random_steps_leave_the_bits_of_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
