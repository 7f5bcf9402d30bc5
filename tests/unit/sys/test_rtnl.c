// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/rtnl_message and sys/rtnl: messages octet by octet, what is read of the kernel's, and passes
 * over the kernel of a fresh network namespace, which iproute2 looks at as well.
 */
#include "sys/netlink.h"
#include "sys/nlsock.h"
#include "sys/rtnl.h"
#include "sys/rtnl_message.h"

#include "sys_test.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <poll.h>

static struct ip_prefix prefix_of(const char *text)
{
	struct ip_prefix ret;

	assert_true(ip_prefix_parse(text, &ret));
	return ret;
}

static const char *hex(struct arena *arena, const struct kernel_op *op)
{
	_Alignas(struct nlmsghdr) uint8_t buf[RTNL_MESSAGE_BYTES];
	const int n = rtnl_message_build(op, buf);
	const char *ret = "";

	assert_true(n > 0);
	for (int i = 0; i < n; i++)
		ret = arena_printf(arena, "%s%s%02x", ret, i && i % 4 == 0 ? " " : "", buf[i]);
	return ret;
}

static struct kernel_op route_op(enum kernel_verb verb, const char *prefix)
{
	const struct ip_prefix p = prefix_of(prefix);

	return (struct kernel_op){.verb = verb,
				  .route = {.table = KERNEL_TABLES + p.len,
					    .to = p,
					    .metric = KERNEL_METRIC,
					    .protocol = KERNEL_PROTOCOL,
					    .blackhole = true}};
}

/* Length, type, flags; zeroes for number and port; header; attributes; little endian. */
static void messages_are_these(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct kernel_op op = route_op(KERNEL_PUT_ROUTE, "192.0.2.0/24");

	(void)state;
	/* rtmsg: AF_INET, /24, a table that does not fit,
	 * so that it is in an attribute, protocol c4, universe, blackhole (6) */
	assert_string_equal(hex(arena, &op),
			    "34000000 18000506 00000000 00000000 02180000 a8c40006 00000000 "
			    "08000f00 a84c0000 08000100 c0000200 08000600 c4000000");
	op = route_op(KERNEL_DEL_ROUTE, "2001:db8::/64");
	assert_string_equal(hex(arena, &op),
			    "40000000 19000500 00000000 00000000 0a400000 d0c40006 00000000 "
			    "08000f00 d04c0000 14000100 20010db8 00000000 00000000 00000000 "
			    "08000600 c4000000");
	op = (struct kernel_op){.verb = KERNEL_PUT_RULE,
				.rule = {.family = IP_V4,
					 .priority = 19616,
					 .table = KERNEL_MAIN,
					 .suppress = 23,
					 .iif = "eth0",
					 .protocol = KERNEL_PROTOCOL}};
	assert_string_equal(hex(arena, &op),
			    "48000000 20000506 00000000 00000000 02000000 fe000001 00000000 "
			    "08000f00 fe000000 09000300 65746830 00000000 08000600 a04c0000 "
			    "05001500 c4000000 08000e00 17000000");
	op.verb = KERNEL_DEL_RULE;
	op.rule.family = IP_V6;
	op.rule.table = 19664;
	op.rule.suppress = -1;
	assert_string_equal(hex(arena, &op),
			    "40000000 21000500 00000000 00000000 0a000000 d0000001 00000000 "
			    "08000f00 d04c0000 09000300 65746830 00000000 08000600 a04c0000 "
			    "05001500 c4000000");
}

/* A length of 0 is one, too. */
static void the_rule_before_received_routes_passes_over_default_routes(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct kernel_op op = {.verb = KERNEL_PUT_RULE,
				     .rule = {.family = IP_V4,
					      .priority = KERNEL_RECEIVED_RULES,
					      .table = KERNEL_MAIN,
					      .suppress = 0,
					      .iif = "",
					      .protocol = KERNEL_PROTOCOL}};

	(void)state;
	assert_string_equal(hex(arena, &op),
			    "3c000000 20000506 00000000 00000000 02000000 fe000001 00000000 "
			    "08000f00 fe000000 08000600 bc4d0000 05001500 c4000000 08000e00 "
			    "00000000");
}

static void what_cannot_be_said_in_a_message_is_invalid(void **state)
{
	_Alignas(struct nlmsghdr) uint8_t buf[RTNL_MESSAGE_BYTES];
	const struct kernel_op good = {.verb = KERNEL_PUT_RULE,
				       .rule = {.family = IP_V4, .suppress = -1, .iif = ""}};
	struct kernel_op op = good;

	(void)state;
	assert_true(rtnl_message_build(&op, buf) > 0);
	op.rule.iif = "sixteen-octets!!";
	assert_int_equal(rtnl_message_build(&op, buf), -EINVAL);
	op = good;
	op.rule.from = prefix_of("2001:db8::/64");
	assert_int_equal(rtnl_message_build(&op, buf), -EINVAL);
}

/* --- a kernel -------------------------------------------------------------------------------- */

struct bed {
	struct nlsock *r; /* owned */
	struct kernel_sink sink;
	struct kernel_state s;
	struct ip_prefix *prefixes; /* owned */
	const char *uplinks[2];
	struct plan_blackholes want;
};

static void bed_begin(struct bed *b)
{
	netns_enter();
	run("ip link add up0 type veth peer name far0; ip link add up1 type veth peer name far1");
	*b = (struct bed){.uplinks = {"up0", "up1"},
			  .prefixes = xcalloc(10001, sizeof(*b->prefixes))};
	assert_int_equal(nlsock_open_strict(&b->r), 0);
	b->sink = rtnl_sink(b->r);
	b->want = (struct plan_blackholes){.prefixes = b->prefixes, .uplinks = b->uplinks};
	b->want.n_uplinks = 2;
	kernel_state_init(&b->s);
}

static void bed_end(struct bed *b)
{
	kernel_state_done(&b->s);
	b->r = nlsock_free(b->r);
	free(b->prefixes);
}

static void want(struct bed *b, const char *const *prefixes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		b->prefixes[i] = prefix_of(prefixes[i]);
	b->want.n = n;
}

static void pass(struct bed *b, size_t done)
{
	kernel_pass(&b->s, &b->sink, &b->want, SIZE_MAX);
	assert_int_equal(b->s.error, 0);
	assert_int_equal(b->s.n_failed, 0);
	assert_int_equal(b->s.n_done, done);
}

/* What the command prints; the caller frees it. */
static char *output(const char *command)
{
	FILE *f = popen(command, "r");
	char *ret = xcalloc(1, 65536);

	assert_non_null(f);
	(void)fread(ret, 1, 65535, f);
	assert_int_equal(pclose(f), 0);
	return ret;
}

static void assert_output(const char *command, const char *expected)
{
	char *text = output(command);

	assert_string_equal(text, expected);
	free(text);
}

/* But whether a carrier is there, which the kernel tells a while after a device was made. */
#define ALL                                                                                        \
	"{ ip route show table all; ip -6 route show table all; ip rule; ip -6 rule; ip -d link;"  \
	" } | sed 's/ linkdown//; s/ state [A-Z]*//; s/NO-CARRIER,//; s/,LOWER_UP//'"

static void a_pass_places_them_and_another_takes_all_away(void **state)
{
	static const char *const prefixes[] = {"192.0.2.0/24", "198.51.100.7/32", "2001:db8::/64"};
	char *before;
	struct bed b;

	(void)state;
	bed_begin(&b);
	run("ip link set lo up; ip addr add 10.0.0.1/24 dev up0; ip link set up0 up;"
	    " ip route add 10.9.0.0/16 dev up0 table 300 proto 196;"
	    " ip rule add from 10.0.0.9 lookup 300 pref 500 protocol 196");
	before = output(ALL);
	want(&b, prefixes, 3);
	pass(&b, 15);
	/* 6 is a blackhole; names depend on what is installed (FRR calls 196 "static"). */
	assert_output("ip -N route show table 19624", "6 192.0.2.0/24 proto 196 metric 196 \n");
	assert_output("ip -N -6 route show table 19664",
		      "6 2001:db8::/64 dev lo proto 196 metric 196 pref medium\n");
	assert_output("ip -N rule | grep '^19.*proto 196'",
		      "19600:\tfrom all iif up0 lookup 254 suppress_prefixlength 31 proto 196\n"
		      "19600:\tfrom all iif up1 lookup 254 suppress_prefixlength 31 proto 196\n"
		      "19601:\tfrom all iif up0 lookup 19632 proto 196\n"
		      "19601:\tfrom all iif up1 lookup 19632 proto 196\n"
		      "19616:\tfrom all iif up0 lookup 254 suppress_prefixlength 23 proto 196\n"
		      "19616:\tfrom all iif up1 lookup 254 suppress_prefixlength 23 proto 196\n"
		      "19617:\tfrom all iif up0 lookup 19624 proto 196\n"
		      "19617:\tfrom all iif up1 lookup 19624 proto 196\n");
	pass(&b, 0);
	kernel_state_done(&b.s);
	kernel_state_init(&b.s); /* a new process finds all of it */
	pass(&b, 0);
	assert_true(b.s.blackholes[2].is_placed);
	b.want.n = 0;
	pass(&b, 15);
	assert_output(ALL, before);
	free(before);
	bed_end(&b);
}

/* Without a VRF, which this kernel may not have: of rules and routes only its name is asked for. */
static void rules_of_vrfs_are_placed_read_back_and_taken_away(void **state)
{
	const struct plan_vrf vrfs[] = {{"eth5", 1000, true}, {"red", 1000, false}};
	const struct plan_vrf_blackhole hole = {prefix_of("192.0.2.0/24"), 1000};
	struct plan_vrf_pod pods[2] = {{.domain = 1000, .proto = 6, .port = 80},
				       {.domain = 1000, .proto = 17, .port = 53}};
	char *before;
	struct bed b;

	(void)state;
	assert_true(ip_addr_parse("10.244.0.5", &pods[0].addr));
	assert_true(ip_addr_parse("fd00::5", &pods[1].addr));
	bed_begin(&b);
	before = output(ALL);
	b.want = (struct plan_blackholes){.in_vrfs = &hole,
					  .n_in_vrfs = 1,
					  .vrfs = vrfs,
					  .n_vrfs = 2,
					  .pods = pods,
					  .n_pods = 2};
	pass(&b, 7);
	assert_output(
		"(ip -N rule; ip -N -6 rule) | grep 'proto 196'",
		"196:\tfrom all to 10.244.0.5 iif eth5 [detached] lookup 254 proto 196\n"
		"216:\tfrom all iif eth5 [detached] lookup 1000 suppress_prefixlength 23 proto "
		"196\n"
		"217:\tfrom all iif eth5 [detached] lookup 1961000024 proto 196\n"
		"32800:\tfrom 10.244.0.5 ipproto ipproto-6 sport 80 lookup 1000 proto 196\n"
		"196:\tfrom all to fd00::5 iif red [detached] lookup 254 proto 196\n"
		"32800:\tfrom fd00::5 ipproto ipproto-17 sport 53 lookup 1000 proto 196\n");
	pass(&b, 0);
	kernel_state_done(&b.s);
	kernel_state_init(&b.s);
	assert_true(kernel_adopt(&b.s, &b.sink));
	assert_int_equal(b.s.n_blackholes, 1);
	assert_int_equal(b.s.blackholes[0].domain, 1000);
	pass(&b, 0);
	b.want = (struct plan_blackholes){.n = 0};
	pass(&b, 7);
	assert_output(ALL, before);
	free(before);
	bed_end(&b);
}

static void rules_of_received_routes_are_placed_read_back_and_taken_away(void **state)
{
	struct bed b;

	(void)state;
	bed_begin(&b);
	b.want.receives = true;
	pass(&b, 4);
	assert_output(
		"ip -N rule | grep 'proto 196' | tr '\\t' ' '; ip -N -6 rule | grep -c 'proto 196'",
		"19900: from all lookup 254 suppress_prefixlength 0 proto 196\n"
		"19901: from all lookup 19800 proto 196\n2\n");
	pass(&b, 0);
	b.want.receives = false;
	pass(&b, 4);
	assert_output("ip -N rule | grep -c 'proto 196' | cat", "0\n");
	bed_end(&b);
}

static void what_others_did_is_found_and_repaired(void **state)
{
	static const char *const prefixes[] = {"192.0.2.0/24", "2001:db8::/64"};
	struct bed b;

	(void)state;
	bed_begin(&b);
	want(&b, prefixes, 2);
	pass(&b, 10);
	run("ip route flush table 19624; ip rule del pref 19617 iif up1");
	pass(&b, 2);
	assert_int_equal(b.s.repaired, 2);
	run("ip -6 route add unreachable 2001:db8:9::/48 table 19664");
	run("ip rule add pref 19616 fwmark 7 lookup 9");
	kernel_pass(&b.s, &b.sink, &b.want, SIZE_MAX);
	assert_int_equal(b.s.n_clashes, 2);
	assert_false(b.s.blackholes[0].is_placed || b.s.blackholes[1].is_placed);
	assert_output("(ip -N rule; ip -N -6 rule) | grep 196 | grep -v fwmark || true", "");
	assert_output("ip -N route show table 19624", "");
	/* The rule of nobody's protocol is as it was. */
	assert_output("ip -N rule show pref 19616", "19616:\tfrom all fwmark 0x7 lookup 9\n");
	run("ip rule del pref 19616; ip -6 route flush table 19664");
	pass(&b, 10);
	bed_end(&b);
}

/* A rule that waits for its device is as good as one that has it. */
static void a_device_that_goes_and_comes_changes_nothing(void **state)
{
	static const char *const prefixes[] = {"192.0.2.0/24"};
	struct bed b;

	(void)state;
	bed_begin(&b);
	want(&b, prefixes, 1);
	pass(&b, 5);
	run("ip link del up1");
	pass(&b, 0);
	run("ip link add up1 type veth peer name far1");
	pass(&b, 0);
	b.want.n_uplinks = 1;
	pass(&b, 2);
	bed_end(&b);
}

/* More than fit into one batch, of which some fail: each has its own outcome. */
static void each_of_many_messages_has_its_outcome(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct kernel_op *ops = arena_array_of(arena, 1000, struct kernel_op);
	int *errors = arena_array_of(arena, 1000, int);
	struct bed b;

	(void)state;
	bed_begin(&b);
	for (unsigned i = 0; i < 1000; i++) {
		ops[i] = route_op(i % 7 == 3 ? KERNEL_DEL_ROUTE : KERNEL_PUT_ROUTE, "10.0.0.0/24");
		ops[i].route.to.addr = ip_addr_from_v4(0x0a000000 + (i << 8));
	}
	b.sink.ops->apply(b.sink.ctx, ops, 1000, errors);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(errors[i], i % 7 == 3 ? -ESRCH : 0);
	b.sink.ops->apply(b.sink.ctx, ops, 1000, errors);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(errors[i], i % 7 == 3 ? -ESRCH : -EEXIST);
	bed_end(&b);
}

static void ten_thousand_come_and_go(void **state)
{
	struct bed b;

	(void)state;
	bed_begin(&b);
	for (unsigned i = 0; i < 10000; i++) {
		const struct ip_addr a = ip_addr_from_v4(0x0a000000 + (i << 8));

		b.prefixes[i] = ip_prefix_of(&a, 24);
	}
	b.want.n = 10000;
	pass(&b, 10004);
	pass(&b, 0);
	b.want.n = 0;
	pass(&b, 10004);
	bed_end(&b);
}

static unsigned gather(struct netlink *nl)
{
	struct pollfd p = {.fd = netlink_fd(nl), .events = POLLIN};
	unsigned changed = 0;

	while (poll(&p, 1, 50) == 1)
		changed |= netlink_receive(nl);
	return changed;
}

/* In our tables whatever it is, and by whomever; but not what we did. */
static void changes_in_our_tables_are_told(void **state)
{
	struct netlink *nl = NULL;
	struct ip_prefix prefix;
	const char *const uplinks[] = {"lo"};
	const struct plan_blackholes want = {
		.prefixes = &prefix, .n = 1, .uplinks = uplinks, .n_uplinks = 1};
	struct kernel_state ours;
	struct kernel_sink sink;
	struct nlsock *r = NULL;

	(void)state;
	netns_enter();
	prefix = prefix_of("10.3.0.0/16");
	assert_int_equal(netlink_open(&nl), 0);
	run("ip route add blackhole 10.1.2.3/32 table 19632");
	assert_int_equal(gather(nl), NETLINK_CHANGED_OURS);
	run("ip -6 route add unreachable 2001:db8::/48 table 19648; ip route flush table 19632");
	assert_int_equal(gather(nl), NETLINK_CHANGED_OURS);
	run("ip route add blackhole 10.1.2.0/24 table 19600; ip route add blackhole 10.1.0.0/16 "
	    "table 19729");
	assert_int_equal(gather(nl), 0); /* the first and the last are not ours */
	assert_int_equal(nlsock_open_strict(&r), 0);
	netlink_ignore(nl, nlsock_port(r));
	sink = rtnl_sink(r);
	kernel_state_init(&ours);
	kernel_pass(&ours, &sink, &want, SIZE_MAX);
	assert_int_equal(ours.n_done, 3);
	assert_int_equal(gather(nl), 0);
	run("ip route flush table 19616");
	assert_int_equal(gather(nl), NETLINK_CHANGED_OURS);
	kernel_state_done(&ours);
	nlsock_free(r);
	netlink_free(nl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_these),
		cmocka_unit_test(what_cannot_be_said_in_a_message_is_invalid),
		cmocka_unit_test(the_rule_before_received_routes_passes_over_default_routes),
		cmocka_unit_test(a_pass_places_them_and_another_takes_all_away),
		cmocka_unit_test(rules_of_vrfs_are_placed_read_back_and_taken_away),
		cmocka_unit_test(rules_of_received_routes_are_placed_read_back_and_taken_away),
		cmocka_unit_test(what_others_did_is_found_and_repaired),
		cmocka_unit_test(a_device_that_goes_and_comes_changes_nothing),
		cmocka_unit_test(each_of_many_messages_has_its_outcome),
		cmocka_unit_test(ten_thousand_come_and_go),
		cmocka_unit_test(changes_in_our_tables_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
