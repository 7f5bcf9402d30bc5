// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The problems that the agent has of itself: each is told when it holds, and no other with it. */
#include "agent/agent.h"
#include "agent/problems_own.h"
#include "fake/fake_kernel.h"
#include "plan/fib.h"
#include "router.h"
#include "sys/clock.h"
#include "sys/health_server.h"
#include "sys/unix_server.h"

#include <grp.h>
#include <sys/stat.h>

#define PORT 30100

struct bed {
	struct options options;
	struct agent agent;
	struct problems list;
};

static int setup(void **state)
{
	struct bed *b = xcalloc(1, sizeof(*b));

	b->options = (struct options){.node = "node", .state = "/s"};
	b->agent.options = &b->options;
	b->list.arena = arena_new();
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bed *b = *state;

	arena_free(b->list.arena);
	free(b);
	return 0;
}

/* The only one there is now; NULL: there is none. */
static const struct problem *only(struct bed *b)
{
	b->list.n = 0;
	problems_own_add(&b->agent, NSEC_PER_SEC, &b->list);
	assert_in_range(b->list.n, 0, 1);
	return b->list.n ? &b->list.items[0] : NULL;
}

static void expect(const struct problem *p, enum severity severity, const char *kind,
		   const char *reason)
{
	assert_non_null(p);
	assert_int_equal(p->severity, severity);
	assert_string_equal(p->object.kind, kind);
	assert_string_equal(p->object.name, "node");
	assert_string_equal(p->reason, reason);
}

static void an_agent_that_does_well_has_none(void **state)
{
	assert_null(only(*state));
}

static void plans_that_follow_each_other_for_long(void **state)
{
	struct bed *b = *state;

	b->agent.restless = AGENT_RESTLESS - 1;
	assert_null(only(b));
	b->agent.restless = AGENT_RESTLESS;
	expect(only(b), SEVERITY_WARNING, "Agent", "DoesNotConverge");
}

static void how_conntrack_is_set_up(void **state)
{
	struct bed *b = *state;

	b->agent.conntrack.is_full = true;
	expect(only(b), SEVERITY_WARNING, "Conntrack", "ConntrackNearlyFull");
	b->agent.conntrack.is_full = false;
	b->agent.conntrack.is_strict = true;
	expect(only(b), SEVERITY_WARNING, "Conntrack", "ConntrackStrict");
}

static void pass(struct bed *b, struct fake_kernel *kernel, const struct plan_blackholes *want)
{
	const struct kernel_sink sink = fake_kernel_sink(kernel);

	kernel_pass(&b->agent.blackholes.state, &sink, want, SIZE_MAX);
}

/* Until the next pass places them. */
static void blackholes_that_the_kernel_refuses(void **state)
{
	const struct ip_addr net = ip_addr_from_v4(0xc0000200);
	const struct ip_prefix prefix = ip_prefix_of(&net, 24);
	const char *uplink = "eth0";
	const struct plan_blackholes want = {
		.prefixes = &prefix, .n = 1, .uplinks = &uplink, .n_uplinks = 1};
	struct fake_kernel *kernel = xcalloc(1, sizeof(*kernel));
	struct bed *b = *state;

	kernel_state_init(&b->agent.blackholes.state);
	for (size_t at = 1; at <= 3; at++) { /* the route, and either rule */
		kernel->fails_at = kernel->n_ops + 1 + (at - 1);
		pass(b, kernel, &want);
		expect(only(b), SEVERITY_WARNING, "Node", "BlackholesRefused");
		assert_string_equal(b->list.items[0].field, "blackholes");
		assert_non_null(strstr(b->list.items[0].message, "1 of 1 prefixes have no"));
		assert_non_null(strstr(b->list.items[0].remedy, "CAP_NET_ADMIN"));
		kernel->fails_at = 0;
		pass(b, kernel, &want);
		assert_null(only(b));
		pass(b, kernel, &(struct plan_blackholes){0});
		assert_int_equal(kernel->n_routes + kernel->n_rules, 0);
	}
	kernel->deaf = true;
	pass(b, kernel, &want);
	expect(only(b), SEVERITY_WARNING, "Node", "BlackholesRefused");
	kernel_state_done(&b->agent.blackholes.state);
	free(kernel);
}

/* That there is no blackhole is not said where none is wanted. */
static void rules_that_the_kernel_refuses(void **state)
{
	const struct plan_blackholes want = {.receives = true};
	struct fake_kernel *kernel = xcalloc(1, sizeof(*kernel));
	struct bed *b = *state;

	kernel_state_init(&b->agent.blackholes.state);
	kernel->fails_at = 2;
	pass(b, kernel, &want);
	expect(only(b), SEVERITY_WARNING, "Node", "RulesRefused");
	assert_string_equal(b->list.items[0].field, "rules");
	assert_non_null(strstr(b->list.items[0].message, "are not placed: "));
	kernel->fails_at = 0;
	pass(b, kernel, &want);
	assert_null(only(b));
	kernel_state_done(&b->agent.blackholes.state);
	free(kernel);
}

static void tell_routes(struct fib *fib, int error)
{
	struct fib_op ops[8];
	const size_t n = fib_take(fib, ops, ARRAY_SIZE(ops));

	for (size_t i = 0; i < n; i++)
		fib_done(fib, &ops[i], i == 0 ? error : 0);
}

static void want_routes(struct fib *fib, int ifindex)
{
	for (uint32_t i = 0; i < 3; i++) {
		const struct ip_addr net = ip_addr_from_v4(0xcb007100 + (i << 8));
		const struct ip_prefix prefix = ip_prefix_of(&net, 24);
		const struct fib_hops hops = {.n = 1,
					      .items = {{ip_addr_from_v4(0x0a000001), ifindex}}};

		fib_want(fib, 19800, &prefix, &hops);
	}
}

static void received_routes_that_the_kernel_refuses(void **state)
{
	static const struct {
		int error;
		const char *why, *remedy;
	} cases[] = {
		{-EPERM, "Operation not permitted", "CAP_NET_ADMIN"},
		{-EACCES, "Permission denied", "CAP_NET_ADMIN"},
		{-EINVAL, "Invalid argument", "lodectl show routes --received"},
	};
	struct bed *b = *state;

	b->agent.receiving.fib = fib_new();
	b->agent.receiving.open = 1;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		want_routes(b->agent.receiving.fib, 7 + (int)i);
		tell_routes(b->agent.receiving.fib, cases[i].error);
		b->agent.receiving.said = fib_counts(b->agent.receiving.fib);
		expect(only(b), SEVERITY_WARNING, "Node", "RoutesRefused");
		assert_string_equal(b->list.items[0].field, "received routes");
		assert_non_null(strstr(b->list.items[0].message, "1 of 3 received routes are not"));
		assert_non_null(strstr(b->list.items[0].message, cases[i].why));
		assert_non_null(strstr(b->list.items[0].remedy, cases[i].remedy));
	}
	want_routes(b->agent.receiving.fib, 99);
	tell_routes(b->agent.receiving.fib, 0);
	expect(only(b), SEVERITY_WARNING, "Node", "RoutesRefused"); /* as it was said last */
	b->agent.receiving.said = fib_counts(b->agent.receiving.fib);
	assert_null(only(b));
	b->agent.receiving.error = -EMFILE; /* no socket: none of them */
	expect(only(b), SEVERITY_WARNING, "Node", "RoutesRefused");
	assert_non_null(strstr(b->list.items[0].message, "3 of 3 received routes are not"));
	b->agent.receiving.open = 0; /* nobody receives */
	assert_null(only(b));
	b->agent.receiving.fib = fib_free(b->agent.receiving.fib);
}

static void ports_of_health_checks_that_somebody_has(void **state)
{
	static const struct plan_health ports[] = {{PORT, "shop", "a", 1, true},
						   {PORT + 1, "shop", "b", 1, true},
						   {PORT + 2, "other", "c", 1, true}};
	struct sockaddr_in any = {.sin_family = AF_INET};
	struct bed *b = *state;
	struct loop *loop;
	int others[2];

	own_network();
	loop = loop_new();
	b->agent.health = health_server_new(loop);
	for (uint16_t i = 0; i < 2; i++) {
		others[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		any.sin_port = htons((uint16_t)(PORT + 2 * i));
		assert_int_equal(bind(others[i], (const struct sockaddr *)&any, sizeof(any)), 0);
		assert_int_equal(listen(others[i], 1), 0);
	}
	health_server_set(b->agent.health, ports, 3, clock_now());
	problems_own_add(&b->agent, NSEC_PER_SEC, &b->list);
	assert_int_equal(b->list.n, 2); /* sorted as all are: other/c, shop/a */
	for (unsigned i = 0; i < 2; i++) {
		const struct problem *p = &b->list.items[i];

		assert_int_equal(p->severity, SEVERITY_INFO);
		assert_string_equal(p->object.kind, "Service");
		assert_string_equal(p->object.ns, i ? "shop" : "other");
		assert_string_equal(p->object.name, i ? "a" : "c");
		assert_string_equal(p->field, "spec.healthCheckNodePort");
		assert_string_equal(p->reason, "HealthCheckPortTaken");
		assert_non_null(strstr(p->message, i ? "port 30100 " : "port 30102 "));
		assert_non_null(strstr(p->message, "every 10 s"));
	}
	health_server_free(b->agent.health);
	loop_free(loop);
	close(others[0]);
	close(others[1]);
}

static bool answers_nothing(void *ctx, struct unix_request *request, struct strbuf *reply)
{
	(void)ctx;
	(void)request;
	(void)reply;
	return false;
}

/* Serves in the folder, which has these rights, for the group. */
static void serve(struct bed *b, struct loop *loop, const char *folder, mode_t mode,
		  const char *group)
{
	struct unix_server_args args = {.loop = loop, .group = group, .handler = answers_nothing};

	args.path = arena_printf(b->list.arena, "%s/socket", folder);
	b->options.socket = args.path;
	b->agent.server = unix_server_free(b->agent.server);
	(void)chmod(folder, mode); /* it has them already where this may not be asked for */
	assert_int_equal(unix_server_new(&args, &b->agent.server), 0);
}

static void expect_kept_out(struct bed *b, const char *why, const char *remedy)
{
	const struct problem *p = only(b);

	assert_non_null(p);
	assert_int_equal(p->severity, SEVERITY_WARNING);
	assert_string_equal(p->object.kind, "ControlSocket");
	assert_string_equal(p->object.name, b->options.socket);
	assert_string_equal(p->reason, "GroupKeptOut");
	assert_non_null(strstr(p->message, why));
	assert_non_null(strstr(p->remedy, remedy));
}

static void members_of_the_group_that_cannot_read(void **state)
{
	const struct group *mine = getgrgid(getegid());
	char folder[] = "/tmp/test-problems-own-XXXXXX";
	struct bed *b = *state;
	struct loop *loop = loop_new();

	assert_non_null(mine);
	assert_non_null(mkdtemp(folder));
	serve(b, loop, folder, 0700, mine->gr_name);
	expect_kept_out(b, "Permission denied", "enter the socket's folder");
	serve(b, loop, folder, 0710, mine->gr_name);
	assert_null(only(b));
	serve(b, loop, folder, 0700, "nobody-has-this-group");
	assert_null(only(b));
	/* Whoever may not give it to the group; root may, and so puts that off for a while. */
	b->agent.server = unix_server_free(b->agent.server);
	assert_int_equal(chmod(folder, 0777), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	serve(b, loop, folder, 0777, "daemon");
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	expect_kept_out(b, "Operation not permitted", "CAP_CHOWN");
	b->agent.server = unix_server_free(b->agent.server);
	assert_int_equal(rmdir(folder), 0);
	loop_free(loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_agent_that_does_well_has_none),
		TEST(plans_that_follow_each_other_for_long),
		TEST(how_conntrack_is_set_up),
		TEST(blackholes_that_the_kernel_refuses),
		TEST(rules_that_the_kernel_refuses),
		TEST(received_routes_that_the_kernel_refuses),
		TEST(ports_of_health_checks_that_somebody_has),
		TEST(members_of_the_group_that_cannot_read),
	};

	return cmocka_run_group_tests_name("problems_own", tests, NULL, NULL);
}
