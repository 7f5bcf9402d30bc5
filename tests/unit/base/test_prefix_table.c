// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Items by prefix, and a queue of prefixes: random runs beside an array that is searched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/prefix_queue.h"
#include "base/prefix_table.h"
#include "base/rng.h"

#define N 200

struct item {
	struct ip_prefix prefix;
	uint32_t value;
	uint32_t index; /* that it was given */
};

static struct ip_prefix prefix_of(size_t i)
{
	const struct ip_addr v4 = ip_addr_from_v4(0x0a000000 + (uint32_t)(i << 8));
	const struct ip_addr v6 = {.b = {0x20, [1] = (uint8_t)i}};

	return i < N / 2 ? ip_prefix_of(&v4, 24) : ip_prefix_of(&v6, 16);
}

/* prefix_of() rises with i. */
static void assert_same(const struct prefix_table *t, const uint32_t *values)
{
	size_t n = 0;

	for (size_t i = 0; i < N; i++) {
		const struct ip_prefix p = prefix_of(i);
		const struct item *found = prefix_table_find(t, &p), *in_order;

		assert_int_equal(found ? found->value : 0, values[i]);
		assert_int_equal(prefix_table_before(t, &p), n);
		if (!found) {
			assert_int_equal(prefix_table_behind(t, &p), n);
			continue;
		}
		assert_int_equal(prefix_table_index(t, found), found->index);
		assert_ptr_equal(prefix_table_at(t, found->index), found);
		in_order = prefix_table_in_order(t, n++);
		assert_ptr_equal(in_order, found);
		assert_int_equal(prefix_table_behind(t, &p), n);
	}
	assert_null(prefix_table_in_order(t, n));
	assert_int_equal(prefix_table_n_items(t), n);
	assert_in_range(t->n, n, N); /* what was removed leaves a place for the next */
	for (size_t i = 0; i < t->n; i++)
		n -= prefix_table_at(t, i) != NULL;
	assert_int_equal(n, 0);
}

static void table_agrees_with_an_array(void **state)
{
	uint32_t values[N] = {0};
	struct prefix_table t;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 5);
	prefix_table_init(&t, sizeof(struct item), 99);
	for (unsigned step = 1; step < 20000; step++) {
		const size_t i = rng_below(&rng, N);
		const struct ip_prefix p = prefix_of(i);
		struct item *item = prefix_table_find(&t, &p);

		if (!item) {
			item = prefix_table_add(&t, &p);
			assert_int_equal(item->value, 0);
			assert_int_equal(item->index, 0);
			item->value = values[i] = step;
			item->index = prefix_table_index(&t, item);
		} else if (rng_below(&rng, 2)) {
			prefix_table_remove(&t, item);
			values[i] = 0;
		}
		if (rng_below(&rng, 50) == 0)
			assert_same(&t, values);
	}
	assert_same(&t, values);
	prefix_table_done(&t);
}

/* Of both families, and such as lie where IPv4 is mapped to. */
static void a_walk_goes_in_the_order_of_prefixes(void **state)
{
	struct ip_prefix last = {.len = 0};
	const struct item *item;
	struct prefix_table t;
	struct rng rng;
	size_t n = 0;

	(void)state;
	rng_seed(&rng, 7);
	prefix_table_init(&t, sizeof(struct item), 99);
	for (unsigned step = 0; step < 5000; step++) {
		struct ip_addr a = ip_addr_from_v4((uint32_t)rng_below(&rng, UINT32_MAX));
		struct ip_prefix p;

		if (step % 3 != 0)
			a.b[rng_below(&rng, 12)] = (uint8_t)rng_below(&rng, 256);
		if (step % 7 == 0)
			a = (struct ip_addr){.b = {[15] = (uint8_t)step}};
		p = ip_prefix_of(&a, (uint8_t)rng_below(&rng, ip_addr_bits(&a) + 1u));
		if (!prefix_table_find(&t, &p))
			(void)prefix_table_add(&t, &p);
	}
	for (; (item = prefix_table_in_order(&t, n)); n++) {
		assert_true(n == 0 || ip_prefix_cmp(&last, &item->prefix) < 0);
		last = item->prefix;
	}
	assert_int_equal(n, prefix_table_n_items(&t));
	assert_true(n > 2000);
	prefix_table_done(&t);
}

static void queue_gives_what_came_in_its_order(void **state)
{
	struct prefix_queue q = {.n = 0};
	size_t in = 0, out = 0;
	struct rng rng;
	struct ip_prefix p;

	(void)state;
	rng_seed(&rng, 6);
	for (unsigned step = 0; step < 20000; step++) {
		if (rng_below(&rng, 100) < (step / 100 % 2 ? 60 : 40)) {
			const struct ip_addr a = ip_addr_from_v4((uint32_t)in++);

			p = ip_prefix_of(&a, 32);
			prefix_queue_push(&q, &p);
		} else if (prefix_queue_pop(&q, &p)) {
			assert_int_equal(ip_addr_v4(&p.addr), out++);
		}
		assert_int_equal(q.n, in - out);
		assert_true(q.cap <= 4096); /* it does not grow with what passes through */
	}
	while (prefix_queue_pop(&q, &p))
		assert_int_equal(ip_addr_v4(&p.addr), out++);
	assert_int_equal(in, out);
	prefix_queue_done(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_agrees_with_an_array),
		cmocka_unit_test(a_walk_goes_in_the_order_of_prefixes),
		cmocka_unit_test(queue_gives_what_came_in_its_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
