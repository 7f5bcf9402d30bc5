// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/rtnl_vrf: its messages octet by octet, tables that somebody uses, VRFs in the kernel of a
 * fresh network namespace, and each of the messages lost once. A kernel without VRFs refuses to
 * make one, which it has to say.
 */
#include "plan/plan.h"
#include "sys/netlink.h"
#include "sys/nlsock.h"
#include "sys/rtnl_vrf.h"

#include "netlink_faults.h"
#include "sys_test.h"

#include <linux/rtnetlink.h>

static const struct plan_made_vrf red = {.name = "red", .table = 1000};
static const struct plan_vrf_op make_red = {.made = &red, .name = "red"};

static const char *hex(struct arena *arena, const struct plan_vrf_op *op)
{
	_Alignas(struct nlmsghdr) uint8_t buf[RTNL_VRF_MESSAGE_BYTES];
	const int n = rtnl_vrf_message_build(op, buf);
	const char *ret = "";

	assert_true(n > 0);
	for (int i = 0; i < n; i++)
		ret = arena_printf(arena, "%s%s%02x", ret, i && i % 4 == 0 ? " " : "", buf[i]);
	return ret;
}

/* Little endian. A name of the longest kind fits; without one there is nothing to be made. */
static void messages_are_these(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct plan_made_vrf longest = {.name = "fifteen-octets!", .table = 65534};
	const struct plan_vrf_op remove = {.name = "red", .ifindex = 7},
				 make_longest = {.made = &longest, .name = longest.name};

	(void)state;
	/* ifinfomsg: up, and that alone is said; name, group c4; kind vrf of table 3e8 */
	assert_string_equal(hex(arena, &make_red),
			    "48000000 10000506 00000000 00000000 00000000 00000000 01000000 "
			    "01000000 08000300 72656400 08001b00 c4000000 18001280 08000100 "
			    "76726600 0c000280 08000100 e8030000");
	assert_string_equal(hex(arena, &remove), "20000000 11000500 00000000 00000000 00000000 "
						 "07000000 00000000 00000000");
	assert_true(strlen(hex(arena, &make_longest)) > strlen(hex(arena, &make_red)));
}

struct bed {
	struct nlsock *s;   /* owned */
	struct netlink *nl; /* owned */
	struct arena *arena;
	struct kernel_clash clash;
};

static void bed_begin(struct bed *b)
{
	netns_enter();
	*b = (struct bed){.arena = arena_new()};
	assert_int_equal(nlsock_open_strict(&b->s), 0);
	assert_int_equal(netlink_open(&b->nl), 0);
}

static void bed_end(struct bed *b)
{
	nlsock_free(b->s);
	netlink_free(b->nl);
	arena_free(b->arena);
}

static int apply(struct bed *b, const struct plan_vrf_op *op)
{
	return rtnl_vrf_apply(b->s, op, b->arena, &b->clash);
}

static const struct plan_link *look(struct bed *b, const char *name)
{
	const struct plan_node *node;

	assert_int_equal(netlink_refresh(b->nl, NULL, 0), 0);
	node = netlink_node(b->nl);
	for (size_t i = 0; i < node->n_links; i++)
		if (strcmp(node->links[i].name, name) == 0)
			return &node->links[i];
	return NULL;
}

static void a_table_that_somebody_uses_is_left_to_him(void **state)
{
	char text[KERNEL_CLASH_TEXT];
	struct bed b;

	(void)state;
	bed_begin(&b);
	run("ip link add up0 type veth peer name far0; ip link set up0 up; ip link set far0 up;"
	    "ip addr add 10.0.0.1/24 dev up0; ip route add 192.0.2.0/24 via 10.0.0.2 table 1000");
	assert_int_equal(apply(&b, &make_red), -EADDRINUSE);
	assert_string_equal(kernel_clash_text(&b.clash, text),
			    "a route to 192.0.2.0/24 of protocol 3 in table 1000");
	run("ip route flush table 1000; ip -6 rule add from 2001:db8::/64 lookup 1000 pref 77");
	assert_int_equal(apply(&b, &make_red), -EADDRINUSE);
	assert_string_equal(kernel_clash_text(&b.clash, text),
			    "an IPv6 rule of protocol 0 at priority 77");
	/* What leads nowhere, is ours, or is of another table, is in nobody's way. */
	run("ip -6 rule del pref 77; ip route add unreachable default table 1000;"
	    "ip route add 198.51.100.0/24 via 10.0.0.2 table 1000 proto 196;"
	    "ip rule add from 10.244.0.5 lookup 1000 pref 32800 proto 196;"
	    "ip rule add from 10.244.0.5 lookup 1001 pref 99");
	assert_int_not_equal(apply(&b, &make_red), -EADDRINUSE);
	bed_end(&b);
}

static void make_and_remove(struct bed *b)
{
	const struct plan_link *link = look(b, "red");
	struct plan_vrf_op remove = {.name = "red"};

	assert_true(link && link->up && link->made_here);
	assert_int_equal(link->table, 1000);
	assert_int_equal(apply(b, &make_red), -EEXIST);
	remove.ifindex = link->ifindex;
	run("ip link add blue type vrf table 1001");
	assert_false(look(b, "blue")->made_here);
	assert_int_equal(apply(b, &remove), 0);
	assert_null(look(b, "red"));
	assert_int_equal(apply(b, &remove), -ENODEV);
	assert_int_equal(look(b, "blue")->table, 1001);
	run("ip link add red type vrf table 1000; ip link set red group 196");
	assert_true(look(b, "red")->made_here); /* by which it is known */
	run("ip link set blue group 195; ip link add d0 type veth peer name d1; ip link set d0 group 196");
	assert_false(look(b, "blue")->made_here || look(b, "d0")->made_here);
}

static void a_vrf_is_made_as_ours_and_taken_away(void **state)
{
	struct bed b;

	(void)state;
	bed_begin(&b);
	if (system("ip link add try type vrf table 9 2>/dev/null") == 0) {
		run("ip link del try");
		assert_int_equal(apply(&b, &make_red), 0);
		make_and_remove(&b);
	} else {
		assert_int_equal(apply(&b, &make_red), -EOPNOTSUPP);
		assert_null(look(&b, "red"));
	}
	bed_end(&b);
}

static void whether_there_are_any_is_asked_without_making_one(void **state)
{
	struct bed b;

	(void)state;
	bed_begin(&b);
	if (system("ip link add try type vrf table 9 2>/dev/null") == 0) {
		run("ip link del try");
		assert_int_equal(rtnl_vrf_ask(b.s), 0);
	} else {
		assert_int_equal(rtnl_vrf_ask(b.s), -EOPNOTSUPP);
	}
	assert_int_not_equal(system("ip link show lodestone-vrf >/dev/null 2>&1"), 0);
	netlink_fail(NETLINK_SEND, 1);
	assert_int_equal(rtnl_vrf_ask(b.s), -ENOBUFS);
	assert_true(netlink_failed());
	bed_end(&b);
}

/* What each attempt comes to, with the n-th message lost for every n, until none was; returns n. */
static unsigned try_all(struct bed *b, enum netlink_call call, const struct plan_vrf_op *op,
			int want, void (*check)(struct bed *b))
{
	unsigned n = 1;
	int err;

	for (;; n++) {
		netlink_fail(call, n);
		err = apply(b, op);
		if (!netlink_failed())
			break;
		assert_int_equal(err, -ENOBUFS);
		check(b);
		assert_in_range(n, 1, 100);
	}
	assert_int_equal(err, want);
	return n;
}

static void nothing(struct bed *b)
{
	(void)b;
}

static void none_is_made(struct bed *b)
{
	assert_null(look(b, "red"));
}

/* Who cannot be asked whether he uses the table may use it: nothing is made, however that fails. */
static void a_question_that_is_lost_makes_none(void **state)
{
	struct bed b;

	(void)state;
	bed_begin(&b);
	run("ip -6 rule add from 2001:db8::/64 lookup 1000 pref 77");
	/* Four questions: rules and routes of both families; the second has the answer. */
	assert_true(try_all(&b, NETLINK_SEND, &make_red, -EADDRINUSE, none_is_made) > 2);
	assert_true(try_all(&b, NETLINK_RECEIVE, &make_red, -EADDRINUSE, none_is_made) > 2);
	bed_end(&b);
}

/* The next attempt does what is left to do, also where it was done and that was not heard. */
static void whatever_is_lost_the_next_attempt_makes_it(void **state)
{
	static const enum netlink_call calls[] = {NETLINK_SEND, NETLINK_RECEIVE};
	bool there_are_vrfs;
	struct bed b;
	int want;

	(void)state;
	bed_begin(&b);
	there_are_vrfs = system("ip link add try type vrf table 9 2>/dev/null") == 0;
	want = there_are_vrfs ? 0 : -EOPNOTSUPP;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		/* Five messages at least; heard or not, the last of them has made it. */
		const unsigned n = try_all(&b, calls[i], &make_red,
					   there_are_vrfs && i == 1 ? -EEXIST : want, nothing);

		assert_true(n > 5);
		assert_int_equal(look(&b, "red") != NULL, there_are_vrfs);
		if (there_are_vrfs) {
			assert_true(look(&b, "red")->made_here);
			run("ip link del red");
		}
	}
	bed_end(&b);
}

/* One message, of which every kernel can do the like. */
static void one_that_is_to_go_goes_with_the_next_attempt(void **state)
{
	struct plan_vrf_op remove = {.name = "red"};
	struct bed b;

	(void)state;
	bed_begin(&b);
	run("ip link add red type veth peer name far0");
	remove.ifindex = look(&b, "red")->ifindex;
	netlink_fail(NETLINK_SEND, 1);
	assert_int_equal(apply(&b, &remove), -ENOBUFS);
	assert_true(netlink_failed());
	assert_non_null(look(&b, "red"));
	netlink_fail(NETLINK_RECEIVE, 1);
	assert_int_equal(apply(&b, &remove), -ENOBUFS);
	assert_true(netlink_failed());
	assert_null(look(&b, "red"));
	assert_int_equal(apply(&b, &remove), -ENODEV);
	bed_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_these),
		cmocka_unit_test(a_table_that_somebody_uses_is_left_to_him),
		cmocka_unit_test(a_vrf_is_made_as_ours_and_taken_away),
		cmocka_unit_test(whether_there_are_any_is_asked_without_making_one),
		cmocka_unit_test(a_question_that_is_lost_makes_none),
		cmocka_unit_test(whatever_is_lost_the_next_attempt_makes_it),
		cmocka_unit_test(one_that_is_to_go_goes_with_the_next_attempt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
