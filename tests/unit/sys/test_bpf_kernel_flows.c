// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* sys/bpf_kernel_flows on a real map: what is entered, what leaves, and what finds no room. */
#include "sys/bpf_kernel_flows.h"

#include "sys/conntrack.h"
#include "sys_test.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>

#define ROOM 8u

struct bed {
	struct arena *arena;
	int fd; /* negative: BPF is refused */
	struct lb_kernel_keys missed;
	struct plan_taken *taken;
};

static int setup(void **state)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	struct bed *b = xcalloc(1, sizeof(*b));

	b->arena = arena_new();
	b->fd = bpf_map_create(BPF_MAP_TYPE_HASH, "flows", sizeof(struct lb_kernel_flow), 4, ROOM,
			       &opts);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bed *b = *state;

	if (b->fd >= 0)
		close(b->fd);
	arena_free(b->arena);
	free(b);
	return 0;
}

static struct plan_begin begin_of(uint32_t vip, uint16_t domain, bool takes)
{
	return (struct plan_begin){.vip = {ip_addr_from_v4(vip), domain}, .takes = takes};
}

static struct conntrack_flow flow_of(uint32_t vip, uint16_t client_port, bool lives)
{
	return (struct conntrack_flow){.client = ip_addr_from_v4(0xcb007107),
				       .vip = ip_addr_from_v4(vip),
				       .client_port = client_port,
				       .port = 80,
				       .proto = IPPROTO_TCP,
				       .lives = lives};
}

static int bring(struct bed *b, const struct plan_begin *begins, size_t n_begins,
		 const struct conntrack_flow *flows, size_t n_flows)
{
	const struct bpf_kernel_flows_args args = {.fd = b->fd,
						   .begins = begins,
						   .n_begins = n_begins,
						   .flows = flows,
						   .n_flows = n_flows,
						   .missed = b->missed};

	return bpf_kernel_flows_bring(&args, b->arena, &b->taken, &b->missed);
}

/* The state of a flow in the map, or -1. */
static int state_of(const struct bed *b, uint32_t vip, uint16_t client_port)
{
	struct lb_kernel_flow key = {
		.client = {0, 0, htonl(0xffff), htonl(0xcb007107)},
		.vip = {0, 0, htonl(0xffff), htonl(vip)},
		.client_port = htons(client_port),
		.port = htons(80),
		.proto = IPPROTO_TCP,
	};
	uint32_t state;

	return bpf_map_lookup_elem(b->fd, &key, &state) == 0 ? (int)state : -1;
}

static size_t n_in_map(const struct bed *b)
{
	struct lb_kernel_flow key, *last = NULL;
	size_t n = 0;

	for (; bpf_map_get_next_key(b->fd, last, &key) == 0; n++)
		last = &key;
	return n;
}

#define BEGIN(b, state)                                                                            \
	struct bed *b = *(state);                                                                  \
	do {                                                                                       \
		if ((b)->fd == -EPERM)                                                             \
			skip();                                                                    \
		assert_true((b)->fd >= 0);                                                         \
	} while (0)

static void living_flows_of_what_takes_are_entered_as_the_program_asks(void **state)
{
	BEGIN(b, state);
	const struct plan_begin begins[] = {begin_of(1, 0, true), begin_of(2, 0, false),
					    begin_of(3, 0, true)};
	const struct conntrack_flow flows[] = {flow_of(1, 1000, true), flow_of(1, 1001, false),
					       flow_of(2, 1002, true), flow_of(1, 1003, true)};

	assert_int_equal(bring(b, begins, 3, flows, 4), 0);
	assert_int_equal(state_of(b, 1, 1000), LB_KERNEL_FLOW_OPEN);
	assert_int_equal(state_of(b, 1, 1003), LB_KERNEL_FLOW_OPEN);
	assert_int_equal(n_in_map(b), 2);
	for (size_t i = 0; i < 3; i++)
		assert_true(plan_vip_equal(&b->taken[i].vip, &begins[i].vip));
	assert_int_equal(b->taken[0].flows, 2);
	assert_int_equal(b->taken[1].flows + b->taken[2].flows, 0);
	assert_true(b->taken[0].seen && b->taken[1].seen && !b->taken[2].seen);
	assert_int_equal(b->taken[0].out + b->taken[1].out, 0);
}

static void what_is_there_stays_as_it_is_and_leaves_when_it_ends(void **state)
{
	BEGIN(b, state);
	struct plan_begin begins[] = {begin_of(1, 0, true)};
	struct conntrack_flow flows[] = {flow_of(1, 1000, true), flow_of(1, 1001, true)};
	struct lb_kernel_flow key = {0};
	uint32_t over = LB_KERNEL_FLOW_OVER;

	assert_int_equal(bring(b, begins, 1, flows, 1), 0);
	assert_int_equal(bpf_map_get_next_key(b->fd, NULL, &key), 0);
	assert_int_equal(bpf_map_update_elem(b->fd, &key, &over, BPF_ANY), 0);
	begins[0].takes = false;
	begins[0].programmed = true;
	assert_int_equal(bring(b, begins, 1, flows, 2), 0);
	assert_int_equal(state_of(b, 1, 1000), LB_KERNEL_FLOW_OVER);
	assert_int_equal(state_of(b, 1, 1001), -1);
	assert_int_equal(b->taken[0].flows, 1);
	assert_true(b->taken[0].programmed);
	flows[0].lives = false;
	assert_int_equal(bring(b, begins, 1, flows, 2), 0);
	assert_int_equal(n_in_map(b), 0);
	assert_int_equal(b->taken[0].flows, 0);
}

static void what_is_not_seen_leaves_the_second_time(void **state)
{
	BEGIN(b, state);
	const struct plan_begin begins[] = {begin_of(1, 0, true)};
	const struct conntrack_flow flows[] = {flow_of(1, 1000, true)};

	assert_int_equal(bring(b, begins, 1, flows, 1), 0);
	assert_int_equal(bring(b, begins, 1, NULL, 0), 0);
	assert_int_equal(b->taken[0].flows, 1);
	assert_int_equal(n_in_map(b), 1);
	assert_int_equal(bring(b, begins, 1, NULL, 0), 0);
	assert_int_equal(b->taken[0].flows, 0);
	assert_int_equal(n_in_map(b), 0);
}

static void flows_of_what_nobody_asks_about_leave(void **state)
{
	BEGIN(b, state);
	const struct plan_begin begins[] = {begin_of(1, 0, true), begin_of(2, 0, true)};
	const struct conntrack_flow flows[] = {flow_of(1, 1000, true), flow_of(2, 1000, true)};

	assert_int_equal(bring(b, begins, 2, flows, 2), 0);
	assert_int_equal(n_in_map(b), 2);
	assert_int_equal(bring(b, begins + 1, 1, flows + 1, 1), 0);
	assert_int_equal(bring(b, begins + 1, 1, flows + 1, 1), 0);
	assert_int_equal(n_in_map(b), 1);
	assert_int_equal(state_of(b, 2, 1000), LB_KERNEL_FLOW_OPEN);
}

/* Conntrack tells no domain. */
static void a_flow_counts_in_each_domain_of_its_address(void **state)
{
	BEGIN(b, state);
	const struct plan_begin begins[] = {begin_of(1, 0, false), begin_of(1, 2, true)};
	const struct conntrack_flow flows[] = {flow_of(1, 1000, true)};

	assert_int_equal(bring(b, begins, 2, flows, 1), 0);
	assert_int_equal(n_in_map(b), 1);
	assert_int_equal(b->taken[0].flows, 1);
	assert_int_equal(b->taken[1].flows, 1);
	assert_true(b->taken[0].seen && b->taken[1].seen);
}

static void what_finds_no_room_is_counted(void **state)
{
	BEGIN(b, state);
	const struct plan_begin begins[] = {begin_of(1, 0, true)};
	struct conntrack_flow flows[ROOM + 3];

	for (uint16_t i = 0; i < ROOM + 3; i++)
		flows[i] = flow_of(1, 1000 + i, true);
	assert_int_equal(bring(b, begins, 1, flows, ROOM + 3), 0);
	assert_int_equal(b->taken[0].flows, ROOM);
	assert_int_equal(b->taken[0].out, 3);
	for (uint16_t i = 0; i < 3; i++)
		flows[i].lives = false;
	assert_int_equal(bring(b, begins, 1, flows, ROOM + 3), 0);
	assert_int_equal(b->taken[0].flows, ROOM);
	assert_int_equal(b->taken[0].out, 0);
}

static void without_a_map_nothing_has_room(void **state)
{
	struct bed *b = *state;
	const struct plan_begin begins[] = {begin_of(1, 0, true)};
	const struct conntrack_flow flows[] = {flow_of(1, 1000, true)};

	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
	assert_int_equal(bring(b, begins, 1, flows, 1), 0);
	assert_int_equal(b->taken[0].flows, 0);
	assert_int_equal(b->taken[0].out, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(living_flows_of_what_takes_are_entered_as_the_program_asks),
		TEST(what_is_there_stays_as_it_is_and_leaves_when_it_ends),
		TEST(what_is_not_seen_leaves_the_second_time),
		TEST(flows_of_what_nobody_asks_about_leave),
		TEST(a_flow_counts_in_each_domain_of_its_address),
		TEST(what_finds_no_room_is_counted),
		TEST(without_a_map_nothing_has_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
