// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What was counted, against this machine's kernel: many at a time as one by one, and a frontend's
 * sum that never decreases while backends come and go and the agent is started again.
 */
#include "bpf_look.h"

static uint64_t packets_of(struct under_test *u, uint32_t i)
{
	const struct lb_key key = web_key(i);
	struct bpf_counter total;

	assert_true(bpf_dataplane_count(u->dp, &key, &total, NULL, 0));
	return total.packets;
}

static void send_packets(struct under_test *u, uint32_t i, unsigned n)
{
	for (unsigned k = 0; k < n; k++)
		(void)send_packet(u, i, PORT, k == 0);
}

/* Backwards, from several chunks in one call, and with numbers that nobody has. */
static void those_of_a_list_are_read_as_all(struct under_test *u, const struct bpf_packets *all,
					    size_t n)
{
	uint32_t *index = xcalloc(n + 2, sizeof(*index));
	struct bpf_packets *read = xcalloc(n + 2, sizeof(*read));

	for (size_t i = 0; i < n; i++)
		index[i + 1] = (uint32_t)(n - 1 - i);
	index[0] = (uint32_t)n;
	index[n + 1] = UINT32_MAX;
	read[0].packets = read[n + 1].packets = 4711;
	bpf_dataplane_counts_of(u->dp, index, n + 2, read);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(read[i + 1].packets, all[n - 1 - i].packets);
		assert_int_equal(read[i + 1].bytes, all[n - 1 - i].bytes);
	}
	assert_int_equal(read[0].packets, 4711);
	assert_int_equal(read[n + 1].packets, 4711);
	free(index);
	free(read);
}

static void many_are_read_as_one_by_one(void **state)
{
	const struct lb_key key = web_key(1);
	struct bpf_packets *all;
	struct bpf_counting each;
	uint64_t sum = 0;
	struct under_test u;
	size_t n;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_web(&u, 0, 300);
	put_web(&u, 1, 3);
	put_web(&u, 2, 900);
	send_packets(&u, 0, 4);
	send_packets(&u, 1, 6);
	n = bpf_dataplane_n_counts(u.dp);
	assert_true(n > LB_BACKEND_CHUNK && n % LB_BACKEND_CHUNK == 0);
	all = xcalloc(n + 100, sizeof(*all));
	/* In pieces of any length, over the end, too. */
	for (size_t at = 0; at < n; at += 100)
		bpf_dataplane_counts(u.dp, at, 100, all + at);
	assert_true(bpf_dataplane_counting(u.dp, &key, u.arena, &each));
	for (size_t i = 0; i < each.n; i++) {
		const struct bpf_counter one = bpf_dataplane_counter(u.dp, &each, i);

		assert_int_equal(all[each.index[i]].packets, one.packets);
		assert_int_equal(all[each.index[i]].bytes, one.bytes);
		sum += one.packets;
	}
	assert_int_equal(sum, 6);
	for (size_t i = 0; i < n; i++)
		sum += all[i].packets;
	assert_int_equal(sum, 6 + 10);
	those_of_a_list_are_read_as_all(&u, all, n);
	free(all);
	end(&u);
}

static void the_sum_of_a_frontend_outlives_its_backends_and_the_agent(void **state)
{
	const struct lb_key key = web_key(0);
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_web(&u, 0, 3);
	put_web(&u, 1, 3);
	send_packets(&u, 0, 5);
	assert_int_equal(packets_of(&u, 0), 5);
	assert_int_equal(bpf_dataplane_retired(u.dp, &key).packets, 0);
	put_web(&u, 0, 0); /* all leave */
	assert_int_equal(packets_of(&u, 0), 5);
	assert_int_equal(bpf_dataplane_retired(u.dp, &key).packets, 5);
	assert_int_equal(bpf_dataplane_retired(u.dp, &key).bytes, 5 * 46);
	reopen(&u);
	assert_true(u.adopted);
	assert_int_equal(packets_of(&u, 0), 5);
	u.now += 2 * LB_REST_NS;
	bpf_dataplane_tick(u.dp, u.now);
	put_web(&u, 0, 2);
	assert_int_equal(packets_of(&u, 0), 5); /* what the indices had before is not theirs */
	send_packets(&u, 0, 4);
	assert_int_equal(packets_of(&u, 0), 9);
	put_web(&u, 0, 1);
	assert_int_equal(packets_of(&u, 0), 9);
	put_web(&u, 0, 1);
	assert_int_equal(packets_of(&u, 0), 9);
	assert_int_equal(packets_of(&u, 1), 0);
	assert_int_equal(u.store.ops->del(u.store.ctx, u.now, &key), 0);
	u.now += 2 * LB_REST_NS;
	bpf_dataplane_tick(u.dp, u.now);
	put_web(&u, 0, 2);
	assert_int_equal(packets_of(&u, 0), 0);
	end(&u);
}

/* As one reads them together and one by one, behind others that came before. */
static void counters_of_many_backends_are_read_together(void **state)
{
	enum { N = 600 };
	static struct bpf_counter each[N];
	struct bpf_counter total;
	struct bpf_counting all;
	struct lb_key key = web_key(1);
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_web(&u, 0, 3);
	put_web(&u, 1, N);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(send_packet(&u, 1, PORT, i == 0), XDP_PASS);
	assert_true(bpf_dataplane_count(u.dp, &key, &total, each, N));
	assert_int_equal(total.packets, 7);
	assert_true(bpf_dataplane_counting(u.dp, &key, u.arena, &all));
	assert_int_equal(all.n, N);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(each[i].packets, bpf_dataplane_counter(u.dp, &all, i).packets);
	end(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_are_read_as_one_by_one),
		cmocka_unit_test(counters_of_many_backends_are_read_together),
		cmocka_unit_test(the_sum_of_a_frontend_outlives_its_backends_and_the_agent),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
