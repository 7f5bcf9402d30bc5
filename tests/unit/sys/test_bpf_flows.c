// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The flow table in this machine's kernel: how large it is made, and that a restart keeps it. */
#include "bpf_look.h"

/* The flow table, chunk by chunk; what the last entry found was. */
static size_t n_flows(const struct under_test *u, struct lb_flow *ret_last)
{
	int outer = pinned(u, "maps/flows");
	size_t n = 0;
	__u32 id;

	for (__u32 chunk = 0; bpf_map_lookup_elem(outer, &chunk, &id) == 0; chunk++) {
		int fd = bpf_map_get_fd_by_id(id);
		__u32 n_lines;
		struct lb_flow_line *lines = read_array(fd, &n_lines);

		for (size_t i = 0; i < (size_t)n_lines * LB_FLOW_WAYS; i++) {
			const struct lb_flow *flow = &lines[i / LB_FLOW_WAYS].way[i % LB_FLOW_WAYS];

			if (flow->hash <= LB_FLOW_FREE)
				continue;
			*ret_last = *flow;
			n++;
		}
		free(lines);
		close(fd);
	}
	close(outer);
	return n;
}

static void our_age_is_the_programs_age(void **state)
{
	struct lb_clock c = {.now = 0};
	struct under_test u;
	struct lb_flow flow;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_sized(&u, state, 1024);
	put_web(&u, 0, 3);
	(void)send_packet(&u, 0, PORT, true);
	assert_int_equal(n_flows(&u, &flow), 1);
	bpf_load_age(&c);
	assert_in_range((uint8_t)(c.age - flow.age), 0, 1);
	end(&u);
}

/* A restart finds the flow, by the secret that lies with the table. */
static void a_restart_keeps_all_flows(void **state)
{
	struct lb_flow before, after;
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_sized(&u, state, 1024);
	put_web(&u, 0, 3);
	(void)send_packet(&u, 0, PORT, true);
	assert_int_equal(n_flows(&u, &before), 1);
	reopen(&u);
	assert_true(u.adopted);
	(void)send_packet(&u, 0, PORT, true);
	assert_int_equal(n_flows(&u, &after), 1);
	assert_true(before.hash == after.hash);
	end(&u);
}

static void flow_entries_size_the_flow_table_and_a_restart_keeps_it(void **state)
{
	static const struct {
		uint32_t flows, chunks;
	} sizes[] = {{1024, 1}, {32768, 1}, {32769, 2}, {200000, 8}, {65 * 32768, 128}};
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	assert_true(n_inner(&u, "maps/flows") * 32768 >= bpf_dataplane_flow_entries(u.dp));
	end(&u);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		begin_sized(&u, state, sizes[i].flows);
		assert_int_equal(n_inner(&u, "maps/flows"), sizes[i].chunks);
		assert_int_equal(bpf_dataplane_flow_entries(u.dp), sizes[i].flows);
		u.flow_entries = 40000;
		reopen(&u);
		assert_true(u.adopted);
		assert_int_equal(bpf_dataplane_flow_entries(u.dp), sizes[i].flows);
		assert_int_equal(n_inner(&u, "maps/flows"), sizes[i].chunks);
		end(&u);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_age_is_the_programs_age),
		cmocka_unit_test(a_restart_keeps_all_flows),
		cmocka_unit_test(flow_entries_size_the_flow_table_and_a_restart_keeps_it),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
