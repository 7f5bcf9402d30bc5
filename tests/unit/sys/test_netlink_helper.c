// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What the helper reads for sys/netlink: the default routes, and links and addresses. */
#include "netlink_faults.h"
#include "netlink_rig.h"

#include "sys/loop.h"
#include "sys/worker.h"

#include <sys/resource.h>

static void use_helper(struct netlink *nl, struct worker *worker, void (*changed)(void *ctx),
		       unsigned *n_changes)
{
	netlink_use_helpers(nl, &(struct netlink_helpers){.routes = worker,
							  .tables = worker,
							  .changed = changed,
							  .ctx = n_changes});
}

static void count_change(void *ctx)
{
	++*(unsigned *)ctx;
}

/* Each refresh has the routes read beside the loop, and the next one has what was found. */
static void with_a_helper_default_devices_come_with_the_next_refresh(void **state)
{
	struct netlink *nl = begin(); /* the helper is in its namespace, too */
	struct loop *loop = loop_new();
	struct worker *worker = worker_new(loop);
	unsigned n_changes = 0;

	(void)state;
	use_helper(nl, worker, count_change, &n_changes);
	run("for i in 0 1; do ip link add lt$i type veth peer name lt${i}p; ip link set lt${i}p up; ip link set lt$i up;"
	    " ip addr add 10.$i.0.1/24 dev lt$i; done; ip route add default via 10.0.0.2");
	assert_int_equal(netlink_refresh(nl, NULL, 0), -EINPROGRESS); /* nothing to go by so far */
	assert_int_equal(netlink_generation(nl), 0);
	assert_int_equal(n_changes, 0);
	worker_finish(worker);
	assert_int_equal(n_changes, 1);
	assert_int_equal(netlink_refresh(nl, NULL, 0), 0);
	assert_int_equal(netlink_node(nl)->n_default_devices, 1);
	worker_finish(worker);
	assert_int_equal(n_changes, 1);
	n_changes = 0;
	run("ip route add default via 10.1.0.2 metric 9");
	assert_int_equal(netlink_refresh(nl, NULL, 0), 0);
	assert_int_equal(netlink_node(nl)->n_default_devices, 1);
	worker_finish(worker);
	assert_int_equal(n_changes, 1);
	assert_int_equal(netlink_refresh(nl, NULL, 0), 0);
	assert_int_equal(netlink_node(nl)->n_default_devices, 2);
	worker_finish(worker);
	assert_int_equal(n_changes, 1);
	/* Two refreshes while the helper is at it: what came with the second is not missed. */
	assert_int_equal(netlink_refresh(nl, NULL, 0), 0);
	run("ip route del default via 10.0.0.2");
	assert_int_equal(netlink_refresh(nl, NULL, 0), 0);
	worker_finish(worker);
	assert_int_equal(netlink_refresh(nl, NULL, 0), 0);
	assert_int_equal(netlink_node(nl)->n_default_devices, 1);
	assert_int_equal(netlink_node(nl)->default_devices[0], index_of("lt1"));
	netlink_free(nl); /* with a job away */
	worker_free(worker);
	loop_free(loop);
}

/* A node without a default route is told of, too; and so is that it cannot be read. */
static void the_first_answer_of_the_helper_is_told_whatever_it_is(void **state)
{
	struct netlink *nl = begin();
	struct loop *loop = loop_new();
	struct worker *worker = worker_new(loop);
	struct rlimit before, none;
	unsigned n_changes = 0;

	(void)state;
	use_helper(nl, worker, count_change, &n_changes);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0); /* no socket for the helper */
	assert_int_equal(netlink_refresh(nl, NULL, 0), -EINPROGRESS);
	worker_finish(worker);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(n_changes, 1);
	assert_int_equal(netlink_refresh(nl, NULL, 0), -EMFILE);
	assert_int_equal(netlink_refresh(nl, NULL, 0), -EINPROGRESS); /* it is tried again */
	worker_finish(worker);
	assert_int_equal(n_changes, 2);
	assert_int_equal(netlink_refresh(nl, NULL, 0), 0);
	assert_int_equal(netlink_node(nl)->n_default_devices, 0);
	assert_true(netlink_node(nl)->n_links > 0);
	worker_finish(worker);
	assert_int_equal(n_changes, 2);
	netlink_free(nl);
	worker_free(worker);
	loop_free(loop);
}

/* What the helper had brought is gone with that refresh. */
static void after_a_first_refresh_that_failed_there_is_nothing_to_go_by(void **state)
{
	struct netlink *nl = begin();
	struct loop *loop = loop_new();
	struct worker *worker = worker_new(loop);
	struct netlink_ask ask = {.to = addr("10.9.0.2")};
	unsigned n_changes = 0;

	(void)state;
	use_helper(nl, worker, count_change, &n_changes);
	assert_int_equal(netlink_refresh(nl, &ask, 1), -EINPROGRESS);
	worker_finish(worker);
	netlink_fail(NETLINK_SEND, 1); /* to ask for the way */
	assert_int_equal(netlink_refresh(nl, &ask, 1), -ENOBUFS);
	assert_true(netlink_failed());
	assert_int_equal(netlink_refresh(nl, &ask, 1), -EINPROGRESS);
	assert_int_equal(netlink_generation(nl), 0);
	worker_finish(worker);
	assert_int_equal(netlink_refresh(nl, &ask, 1), 0);
	assert_non_null(link_named(netlink_node(nl), "lo"));
	worker_finish(worker);
	netlink_free(nl);
	worker_free(worker);
	loop_free(loop);
}

/* Not a new link with the old ways, or the other way round, as long as nobody asks for others. */
static void the_node_stays_as_a_whole_until_the_helper_is_back(void **state)
{
	struct netlink *nl = begin();
	struct loop *loop = loop_new();
	struct worker *worker = worker_new(loop);
	struct netlink_ask asks[] = {{.to = addr("10.9.0.2")}, {.to = addr("10.9.0.3")}};
	unsigned n_changes = 0, before;

	(void)state;
	use_helper(nl, worker, count_change, &n_changes);
	assert_int_equal(netlink_refresh(nl, asks, 1), -EINPROGRESS);
	worker_finish(worker);
	assert_int_equal(netlink_refresh(nl, asks, 1), 0);
	assert_non_null(link_named(netlink_node(nl), "lo"));
	worker_finish(worker);

	run("ip link add lt0 type veth peer name lt0p && ip link set lt0p up && ip link set lt0 up && ip addr add 10.9.0.1/24 dev lt0");
	assert_true(netlink_receive(nl) & NETLINK_CHANGED_NODE);
	n_changes = 0;
	before = netlink_generation(nl);
	assert_int_equal(netlink_refresh(nl, asks, 1), -EINPROGRESS);
	assert_int_equal(netlink_refresh(nl, asks, 1), -EINPROGRESS);
	assert_int_equal(netlink_generation(nl), before);
	assert_int_equal(netlink_node(nl)->routes_to[0].ifindex, 0);
	/* Who asks for somebody else does not wait. */
	assert_int_equal(netlink_refresh(nl, asks, 2), 0);
	assert_int_equal(netlink_generation(nl), before + 1);
	assert_int_equal(netlink_node(nl)->n_routes_to, 2);
	assert_int_equal(netlink_node(nl)->routes_to[1].ifindex, index_of("lt0"));
	assert_null(link_named(netlink_node(nl), "lt0"));
	assert_non_null(link_named(netlink_node(nl), "lo")); /* as they were */
	assert_int_equal(netlink_refresh(nl, asks, 2), -EINPROGRESS);
	/* What comes while they are read is not missed. */
	run("ip link add lt1 type veth peer name lt1p");
	(void)netlink_receive(nl);
	worker_finish(worker);
	assert_int_equal(n_changes, 1);
	assert_int_equal(netlink_refresh(nl, asks, 2), 0);
	assert_non_null(link_named(netlink_node(nl), "lt0"));
	assert_int_equal(netlink_node(nl)->n_routes_to, 2);
	assert_int_equal(netlink_refresh(nl, asks, 2), -EINPROGRESS);
	worker_finish(worker);
	assert_int_equal(n_changes, 2);
	assert_int_equal(netlink_refresh(nl, asks, 2), 0);
	assert_non_null(link_named(netlink_node(nl), "lt1"));
	/* Brought and taken: nothing is read again by itself, nor for routes, whose ways are new.
	 */
	assert_int_equal(netlink_refresh(nl, asks, 2), 0);
	run("ip route add unreachable 10.9.0.3");
	assert_true(netlink_receive(nl) & NETLINK_CHANGED_NODE);
	before = netlink_generation(nl);
	assert_int_equal(netlink_refresh(nl, asks, 2), 0);
	assert_int_equal(netlink_generation(nl), before + 1);
	assert_int_equal(netlink_node(nl)->routes_to[1].ifindex, 0);
	worker_finish(worker);
	assert_int_equal(n_changes, 2);
	run("ip link del lt1");
	(void)netlink_receive(nl);
	assert_int_equal(netlink_refresh(nl, asks, 2), -EINPROGRESS);
	netlink_free(nl); /* with jobs away */
	worker_free(worker);
	loop_free(loop);
}

/* Another refresh reads them: what was is not lost. */
static void tables_that_cannot_be_read_stay_as_they_were(void **state)
{
	struct netlink *nl = begin();
	struct loop *loop = loop_new();
	struct worker *worker = worker_new(loop);
	unsigned n_changes = 0, before;

	(void)state;
	use_helper(nl, worker, count_change, &n_changes);
	assert_int_equal(netlink_refresh(nl, NULL, 0), -EINPROGRESS);
	worker_finish(worker);
	assert_int_equal(netlink_refresh(nl, NULL, 0), 0);
	worker_finish(worker);
	run("ip link add lt0 type veth peer name lt0p");
	(void)netlink_receive(nl);
	before = netlink_generation(nl);
	netlink_fail(NETLINK_SEND, 1);
	assert_int_equal(netlink_refresh(nl, NULL, 0), -EINPROGRESS);
	worker_finish(worker);
	assert_true(netlink_failed());
	assert_int_equal(netlink_refresh(nl, NULL, 0), -ENOBUFS);
	assert_int_equal(netlink_generation(nl), before);
	assert_non_null(link_named(netlink_node(nl), "lo"));
	assert_int_equal(netlink_refresh(nl, NULL, 0), -EINPROGRESS);
	worker_finish(worker);
	assert_int_equal(netlink_refresh(nl, NULL, 0), 0);
	assert_non_null(link_named(netlink_node(nl), "lt0"));
	assert_true(netlink_took(nl) > 0);
	worker_finish(worker);
	netlink_free(nl);
	worker_free(worker);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(with_a_helper_default_devices_come_with_the_next_refresh),
		TEST(the_first_answer_of_the_helper_is_told_whatever_it_is),
		TEST(after_a_first_refresh_that_failed_there_is_nothing_to_go_by),
		TEST(the_node_stays_as_a_whole_until_the_helper_is_back),
		TEST(tables_that_cannot_be_read_stay_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
