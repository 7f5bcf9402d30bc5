// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * agent/feed: an agent whose Services come from a feeder, which tells, falls silent, dies, lies and
 * comes back. Peer, pool and the like are in files.
 */
#include "feed_rig.h"

static void a_picture_comes_into_force_when_it_is_complete(void **state)
{
	struct agent_rig *rig = bed.rig;

	(void)state;
	RIG_WAIT(rig, rig_has_planned);
	assert_non_null(rig_problem(rig, "FeederAway"));
	assert_in_range(rig->agent.feed->since, rig->agent.started_at, clock_now());
	connect_feeder();
	put(SERVICE, "web", SERVICE_TEXT("web"));
	complete(SERVICE);
	put(SLICE, "web-1", SLICE_TEXT("web"));
	RIG_WAIT(rig, has_heard);
	assert_null(find(rig, "web"));
	assert_false(is_complete(rig));
	complete(SLICE);
	complete(NODE);
	RIG_WAIT(rig, is_complete);
	assert_non_null(find(rig, "web"));
	RIG_WAIT(rig, rig_announces);
	RIG_WAIT(rig, is_not_lost);
}

#define NODE_TEXT(label)                                                                           \
	"{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"node\","                \
	"\"labels\":{\"rack\":\"" label "\"}}}"

static const struct api_object *node(const struct agent_rig *rig)
{
	return world_find(rig->agent.world, API_NODE, "", "node");
}

static bool has_node(const struct agent_rig *rig)
{
	return node(rig);
}

static bool awaits_nothing(const struct agent_rig *rig)
{
	return !rig->agent.awaits_services;
}

static void put_node(const char *object)
{
	say(&(struct kube_frame){.type = KUBE_FRAME_PUT,
				 .kind = NODE,
				 .ns = text(""),
				 .name = text("node"),
				 .text = text(object)});
}

/* All of a kind is told before it counts, and Services come behind what they are planned by. */
static void settings_do_not_wait_for_services(void **state)
{
	struct agent_rig *rig = bed.rig;
	const nsec_t begun = clock_now();

	(void)state;
	assert_true(awaits_nothing(rig));
	connect_feeder();
	put(SERVICE, "web", SERVICE_TEXT("web"));
	put(SLICE, "web-1", SLICE_TEXT("web"));
	put_node(NODE_TEXT("one"));
	RIG_WAIT(rig, has_heard);
	assert_null(node(rig));
	complete(NODE);
	RIG_WAIT(rig, has_node);
	assert_true(rig->agent.awaits_services);
	assert_null(find(rig, "web"));
	assert_false(is_complete(rig));
	/* They go on changing, each in its own way. */
	put_node(NODE_TEXT("two"));
	put_node(NODE_TEXT("three"));
	gone(SERVICE, "two");
	complete(SERVICE);
	complete(SLICE);
	RIG_WAIT(rig, is_complete);
	assert_true(awaits_nothing(rig));
	assert_non_null(find(rig, "web"));
	assert_int_equal(world_slices(rig->agent.world, "shop", "web").n, 1);
	assert_int_equal(feed_names_count(rig->agent.feed->names), 3);
	assert_true(clock_now() - begun < 3 * NSEC_PER_SEC);
	RIG_WAIT(rig, rig_announces);
}

static bool has_tried_the_dataplane(const struct agent_rig *rig)
{
	return rig->agent.dataplane_failure || rig->agent.dataplane;
}

static bool is_off(const struct agent_rig *rig)
{
	return !rig->agent.current->plan.dataplane && rig->agent.current->plan.n_peers > 0;
}

/*
 * Programs are loaded while a feeder tells its first picture, before anything is known of peers,
 * and not before a feeder is there. Here that fails, which is nobody's affair once it is forbidden.
 */
static void the_data_plane_is_opened_while_the_first_picture_is_told(void **state)
{
	struct agent_rig *rig = bed.rig;
	char path[160];

	(void)state;
	rig_crash(rig);
	snprintf(path, sizeof(path), "%s/a-config.yaml", rig->config);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/peer.yaml", rig->config);
	assert_int_equal(unlink(path), 0);
	rig_start(rig);
	RIG_WAIT(rig, rig_has_planned);
	run_for(rig, NSEC_PER_SEC / 10);
	assert_null(rig->agent.opening);
	assert_false(has_tried_the_dataplane(rig));
	connect_feeder();
	RIG_WAIT(rig, has_tried_the_dataplane);
	assert_true(rig->agent.awaits_services);
	rig_write(rig, "a-config.yaml", RIG_OFF);
	rig_write(rig, "peer.yaml", RIG_PEER);
	RIG_WAIT(rig, is_off);
	assert_null(rig_problem(rig, "DataPlaneFailed"));
}

/* Nobody waits for ever to hear which Services there are, though nothing at all is told of them. */
static void services_are_not_awaited_for_long(void **state)
{
	struct agent_rig *rig = bed.rig;

	(void)state;
	connect_feeder();
	put_node(NODE_TEXT("one"));
	complete(NODE);
	RIG_WAIT(rig, has_node);
	assert_true(rig->agent.awaits_services);
	RIG_WAIT(rig, awaits_nothing);
	assert_true(clock_now() >= rig->agent.feed->whole_by);
	assert_false(is_complete(rig));
}

static void a_kind_that_is_not_told_keeps_the_others_back_for_a_while_only(void **state)
{
	struct agent_rig *rig = bed.rig;

	(void)state;
	connect_feeder();
	put(SERVICE, "web", SERVICE_TEXT("web"));
	complete(SERVICE);
	RIG_WAIT(rig, has_web);
	assert_false(is_complete(rig));
}

/* The reason is as long as one may be. */
static void a_kind_that_may_not_be_seen_is_a_problem_and_keeps_nothing_back(void **state)
{
	struct agent_rig *rig = bed.rig;
	char why[KUBE_WHY_BYTES + 1];
	const struct problem *p;

	(void)state;
	memset(why, 'w', sizeof(why) - 1);
	memcpy(why, "no right to watch nodes", strlen("no right to watch nodes"));
	why[sizeof(why) - 2] = '!';
	why[sizeof(why) - 1] = '\0';
	connect_feeder();
	say(&(struct kube_frame){
		.type = KUBE_FRAME_STATE, .kind = NODE, .state = KUBE_REFUSED, .text = text(why)});
	complete(SERVICE);
	complete(SLICE);
	RIG_WAIT(rig, is_complete);
	RIG_WAIT(rig, rig_has_planned);
	p = rig_problem(rig, "NotPermitted");
	assert_non_null(p);
	assert_string_equal(p->message, why);
	assert_string_equal(p->field, "Node");
}

/* It is asked about once more: so long nothing is withdrawn, and what is there is served. */
static void a_kind_that_seems_not_installed_keeps_nothing_back(void **state)
{
	struct agent_rig *rig = bed.rig;
	const nsec_t begun = clock_now();

	(void)state;
	connect_feeder();
	say(&(struct kube_frame){.type = KUBE_FRAME_STATE,
				 .kind = NODE,
				 .state = KUBE_ABSENT,
				 .text = text("Node is not installed")});
	put(SERVICE, "web", SERVICE_TEXT("web"));
	complete(SERVICE);
	complete(SLICE);
	RIG_WAIT(rig, has_web);
	assert_true(clock_now() - begun < 2 * NSEC_PER_SEC);
	assert_false(is_complete(rig));
	complete(NODE);
	RIG_WAIT(rig, is_complete);
}

static void changes_come_and_go(void **state)
{
	struct agent_rig *rig = bed.rig;

	(void)state;
	connect_feeder();
	complete_all();
	RIG_WAIT(rig, is_complete);
	/* Again and again in one go: each is in the world before the next is decoded. */
	for (int i = 0; i < 20; i++) {
		put(SERVICE, "web", SERVICE_TEXT("web"));
		gone(SERVICE, "web");
	}
	put(SERVICE, "web", SERVICE_TEXT("web"));
	put(SERVICE, "two", SERVICE_TEXT("two"));
	RIG_WAIT(rig, has_two);
	assert_non_null(find(rig, "web"));
	gone(SERVICE, "web");
	gone(SERVICE, "never");
	RIG_WAIT(rig, has_no_web);
	assert_non_null(find(rig, "two"));
	assert_int_equal(feed_names_count(rig->agent.feed->names), 1);
}

static void what_was_told_stays_while_the_feeder_is_away(void **state)
{
	struct agent_rig *rig = bed.rig;

	(void)state;
	connect_feeder();
	put(SERVICE, "web", SERVICE_TEXT("web"));
	put(SLICE, "web-1", SLICE_TEXT("web"));
	complete_all();
	RIG_WAIT(rig, rig_announces);
	hang_up();
	RIG_WAIT(rig, is_lost);
	run_for(rig, 200 * NSEC_PER_MSEC);
	assert_non_null(find(rig, "web"));
	assert_int_equal(rig->router->withdrawn, 0);

	/* It comes back, and nothing is taken away before a kind is complete. */
	connect_feeder();
	put(SERVICE, "two", SERVICE_TEXT("two"));
	RIG_WAIT(rig, has_two);
	assert_non_null(find(rig, "web"));
	complete(SERVICE);
	RIG_WAIT(rig, has_no_web);
	assert_int_equal(world_slices(rig->agent.world, "shop", "web").n, 1);
}

static bool is_stale(const struct agent_rig *rig)
{
	return rig->agent.current && find(rig, "web") && find(rig, "web")->is_stale;
}

static bool is_fresh(const struct agent_rig *rig)
{
	return find(rig, "web") && world_stale(rig->agent.world).objects == 0;
}

static void a_restart_without_the_feeder_serves_what_was_saved(void **state)
{
	struct agent_rig *rig = bed.rig;

	(void)state;
	connect_feeder();
	put(SERVICE, "web", SERVICE_TEXT("web"));
	put(SERVICE, "two", SERVICE_TEXT("two"));
	put(SLICE, "web-1", SLICE_TEXT("web"));
	complete_all();
	RIG_WAIT(rig, rig_announces);
	RIG_WAIT(rig, rig_is_saved);
	rig_crash(rig);
	hang_up();
	rig->router->announced = rig->router->withdrawn = rig->router->end_of_ribs = 0;

	rig_start(rig);
	RIG_WAIT(rig, is_stale);
	run_for(rig, 200 * NSEC_PER_MSEC);
	assert_false(is_complete(rig));
	assert_int_equal(rig->router->withdrawn, 0);
	assert_true(rig->router->announced > 0);
	assert_int_equal(rig->router->end_of_ribs, 0); /* gate complete */

	connect_feeder();
	put(SERVICE, "web", SERVICE_TEXT("web"));
	put(SLICE, "web-1", SLICE_TEXT("web"));
	complete_all();
	RIG_WAIT(rig, is_fresh);
	assert_null(find(rig, "two"));
	RIG_WAIT(rig, rig_announces);
	assert_int_equal(rig->router->withdrawn, 0);
}

static bool is_refused(const struct agent_rig *rig)
{
	return rig_problem(rig, "FeederVersion");
}

static bool is_not_refused(const struct agent_rig *rig)
{
	return !is_refused(rig);
}

static void a_feeder_of_another_version_is_told_off(void **state)
{
	struct agent_rig *rig = bed.rig;
	struct kube_frame hello;
	char bytes[64];
	size_t taken;
	ssize_t got;

	(void)state;
	bed.fd = dial();
	say_hello(KUBE_FEED_VERSION + 1);
	RIG_WAIT(rig, is_refused);
	got = recv(bed.fd, bytes, sizeof(bytes), 0);
	assert_true(got > 0);
	assert_int_equal(kube_frame_decode(bytes, (size_t)got, &hello, &taken), KUBE_DECODED);
	assert_int_equal(hello.version, KUBE_FEED_VERSION);
	assert_int_equal(recv(bed.fd, bytes, sizeof(bytes), 0), 0);
	hang_up();
	connect_feeder();
	RIG_WAIT(rig, is_not_refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_picture_comes_into_force_when_it_is_complete),
		TEST(settings_do_not_wait_for_services),
		TEST(the_data_plane_is_opened_while_the_first_picture_is_told),
		TEST(services_are_not_awaited_for_long),
		TEST(a_kind_that_is_not_told_keeps_the_others_back_for_a_while_only),
		TEST(a_kind_that_may_not_be_seen_is_a_problem_and_keeps_nothing_back),
		TEST(a_kind_that_seems_not_installed_keeps_nothing_back),
		TEST(changes_come_and_go),
		TEST(what_was_told_stays_while_the_feeder_is_away),
		TEST(a_restart_without_the_feeder_serves_what_was_saved),
		TEST(a_feeder_of_another_version_is_told_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
