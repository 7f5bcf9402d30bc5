// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/rtnl_fib_message: messages octet by octet, little endian, and each read back as it was
 * written.
 */
#include "plan/plan_kernel.h"
#include "sys/rtnl_fib_message.h"

#include "sys_test.h"

#include <libmnl/libmnl.h>

static struct ip_addr addr_of(const char *text)
{
	struct ip_addr ret;

	assert_true(ip_addr_parse(text, &ret));
	return ret;
}

static struct fib_op op_of(enum fib_verb verb, const char *prefix)
{
	struct fib_op ret = {.verb = verb, .table = KERNEL_RECEIVED_TABLE};

	assert_true(ip_prefix_parse(prefix, &ret.prefix));
	return ret;
}

static void add_hop(struct fib_op *op, const char *gateway, int ifindex)
{
	op->hops.items[op->hops.n++] =
		(struct fib_hop){.gateway = addr_of(gateway), .ifindex = ifindex};
}

static void expect(const struct fib_op *op, const char *want)
{
	_Alignas(struct nlmsghdr) uint8_t buf[RTNL_FIB_MESSAGE_BYTES];
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const int n = rtnl_fib_message_build(op, buf);
	const char *text = "";
	struct fib_seen seen;

	assert_true(n > 0);
	for (int i = 0; i < n; i++)
		text = arena_printf(arena, "%s%s%02x", text, i && i % 4 == 0 ? " " : "", buf[i]);
	assert_string_equal(text, want);
	if (op->verb == FIB_DELETE)
		return;
	assert_true(rtnl_fib_message_read((const struct nlmsghdr *)buf, &seen));
	assert_true(seen.is_ours);
	assert_int_equal(seen.table, op->table);
	assert_int_equal(ip_prefix_cmp(&seen.prefix, &op->prefix), 0);
	assert_int_equal(seen.hops.n, op->hops.n);
	for (size_t i = 0; i < seen.hops.n; i++)
		assert_int_equal(fib_hop_cmp(&seen.hops.items[i], &op->hops.items[i]), 0);
}

static void messages_are_these(void **state)
{
	struct fib_op op = op_of(FIB_ADD, "203.0.113.0/24");

	(void)state;
	add_hop(&op, "10.0.0.1", 2);
	expect(&op, "44000000 18000506 00000000 00000000 02180000 58c40001 00000000 08000f00 "
		    "584d0000 08000100 cb007100 08000600 904c0000 08000500 0a000001 08000400 "
		    "02000000");
	add_hop(&op, "10.0.0.2", 3);
	op.verb = FIB_REPLACE;
	expect(&op, "58000000 18000505 00000000 00000000 02180000 58c40001 00000000 08000f00 "
		    "584d0000 08000100 cb007100 08000600 904c0000 24000980 10000000 02000000 "
		    "08000500 0a000001 10000000 03000000 08000500 0a000002");
	op = op_of(FIB_ADD, "203.0.113.0/24");
	op.table = 1000;
	add_hop(&op, "fe80::1", 2);
	expect(&op, "54000000 18000506 00000000 00000000 02180000 e8c40001 00000000 08000f00 "
		    "e8030000 08000100 cb007100 08000600 904c0000 08000400 02000000 16001200 "
		    "0a00fe80 00000000 00000000 00000000 00010000");
	op = op_of(FIB_ADD, "2001:db8::/32");
	add_hop(&op, "fe80::1", 2);
	expect(&op, "5c000000 18000506 00000000 00000000 0a200000 58c40001 00000000 08000f00 "
		    "584d0000 14000100 20010db8 00000000 00000000 00000000 08000600 904c0000 "
		    "14000500 fe800000 00000000 00000000 00000001 08000400 02000000");
	expect(&(struct fib_op){.verb = FIB_DELETE, .table = 1000, .prefix = op.prefix},
	       "40000000 19000500 00000000 00000000 0a200000 e8c40001 00000000 08000f00 "
	       "e8030000 14000100 20010db8 00000000 00000000 00000000 08000600 904c0000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_these),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
