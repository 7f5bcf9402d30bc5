// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * agent/feed: an agent whose Services come from a feeder, which tells, falls silent, dies, lies and
 * comes back. Peer, pool and the like are in files.
 */
#include "agent_rig.h"

#include "agent/feed_inside.h"
#include "agent/feed_names.h"
#include "kube/kube_frame.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

enum kind { NODE, SERVICE, SLICE, N_KINDS };
static const char *const kind_names[] = {"Node", "Service", "EndpointSlice"};

#define SERVICE_TEXT(name)                                                                         \
	"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"" name               \
	"\",\"namespace\":\"shop\"},\"spec\":{\"type\":\"LoadBalancer\",\"ports\":[{\"port\":80}]}}"
#define SLICE_TEXT(name)                                                                           \
	"{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{"        \
	"\"name\":\"" name                                                                         \
	"-1\",\"namespace\":\"shop\",\"labels\":{\"kubernetes.io/service-name\":"                  \
	"\"" name "\"}},\"addressType\":\"IPv4\",\"endpoints\":[{\"addresses\":[\"10.244.0.7\"],"  \
	"\"nodeName\":\"node\"}],\"ports\":[{\"name\":\"\",\"port\":80}]}"

struct bed {
	struct agent_rig *rig;
	char feed[96];
	int fd; /* the feeder's */
};

static struct bed bed;

/* --- the feeder ------------------------------------------------------------------------------- */

static struct kube_text text(const char *t)
{
	return (struct kube_text){.text = t, .len = strlen(t)};
}

static void say(const struct kube_frame *frame)
{
	struct strbuf out;

	strbuf_init(&out, KUBE_FRAME_BYTES);
	kube_frame_encode(&out, frame);
	assert_int_equal(send(bed.fd, out.data, out.len, MSG_NOSIGNAL), out.len);
	strbuf_done(&out);
}

static void say_hello(uint16_t version)
{
	struct kube_frame hello = {
		.type = KUBE_FRAME_HELLO, .version = version, .n_kinds = N_KINDS};

	for (int i = 0; i < N_KINDS; i++)
		hello.kinds[i] = text(kind_names[i]);
	say(&hello);
}

static int dial(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", bed.feed);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void connect_feeder(void)
{
	bed.fd = dial();
	say_hello(KUBE_FEED_VERSION);
}

static void put(enum kind kind, const char *name, const char *object)
{
	say(&(struct kube_frame){.type = KUBE_FRAME_PUT,
				 .kind = (uint8_t)kind,
				 .ns = text("shop"),
				 .name = text(name),
				 .text = text(object)});
}

static void gone(enum kind kind, const char *name)
{
	say(&(struct kube_frame){.type = KUBE_FRAME_GONE,
				 .kind = (uint8_t)kind,
				 .ns = text("shop"),
				 .name = text(name)});
}

static void complete(enum kind kind)
{
	say(&(struct kube_frame){.type = KUBE_FRAME_COMPLETE, .kind = (uint8_t)kind});
}

static void complete_all(void)
{
	for (enum kind k = 0; k < N_KINDS; k++)
		complete(k);
}

static void hang_up(void)
{
	close(bed.fd);
	bed.fd = -1;
}

/* --- questions -------------------------------------------------------------------------------- */

static const struct api_object *find(const struct agent_rig *rig, const char *name)
{
	return world_find(rig->agent.world, API_SERVICE, "shop", name);
}

static bool has_web(const struct agent_rig *rig)
{
	return find(rig, "web");
}

static bool has_no_web(const struct agent_rig *rig)
{
	return !find(rig, "web");
}

static bool has_two(const struct agent_rig *rig)
{
	return find(rig, "two");
}

static bool is_complete(const struct agent_rig *rig)
{
	return agent_inputs_are_complete(&rig->agent.inputs);
}

static bool is_lost(const struct agent_rig *rig)
{
	return rig->agent.feed->fd < 0 && rig_problem(rig, "FeederAway");
}

static bool is_not_lost(const struct agent_rig *rig)
{
	return !rig_problem(rig, "FeederAway");
}

static bool has_heard(const struct agent_rig *rig)
{
	return rig->agent.feed->is_greeted && rig->agent.feed->in.len == 0 &&
	       !agent_inputs_due(&rig->agent.inputs, DUE_FEED);
}

static nsec_t wait_until;
static bool time_is_over(const struct agent_rig *rig)
{
	(void)rig;
	return clock_now() >= wait_until;
}

static void run_for(struct agent_rig *rig, nsec_t ns)
{
	wait_until = clock_now() + ns;
	RIG_WAIT(rig, time_is_over);
}

/* --- the tests -------------------------------------------------------------------------------- */

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

/* All of a kind is told before any of it counts, and Services come behind what they are planned by.
 */
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

static void nonsense_ends_the_connection_and_nothing_else(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} nonsense[] = {
		{"\0\0\0\0", 4},            /* no frame */
		{"\xff\xff\xff\xff", 4},    /* too long for one */
		{"\0\0\0\2\4\7", 6},        /* of a kind that was not named */
		{"\0\0\0\7\1LSKF\0\1", 11}, /* a second hello */
	};
	struct agent_rig *rig = bed.rig;

	(void)state;
	connect_feeder();
	put(SERVICE, "web", SERVICE_TEXT("web"));
	complete_all();
	RIG_WAIT(rig, has_web);
	for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++) {
		assert_int_equal(send(bed.fd, nonsense[i].bytes, nonsense[i].len, MSG_NOSIGNAL),
				 nonsense[i].len);
		RIG_WAIT(rig, is_lost);
		assert_non_null(find(rig, "web"));
		hang_up();
		connect_feeder();
		RIG_WAIT(rig, is_not_lost);
	}
	put(SERVICE, "two", "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":[");
	put(SERVICE, "web", SERVICE_TEXT("web"));
	complete_all();
	RIG_WAIT(rig, has_heard);
	assert_non_null(find(rig, "web"));
	assert_null(find(rig, "two"));
}

#define MANY 1500 /* frames that no slice of a turn is long enough for */

static const char *many_name(int i)
{
	static char name[16];

	(void)snprintf(name, sizeof(name), "many-%d", i);
	return name;
}

/* At once, as many bytes as the socket takes when it is asked to. */
static void put_many(void)
{
	const int bytes = 4 << 20;
	struct strbuf out;

	strbuf_init(&out, (size_t)bytes);
	for (int i = 0; i < MANY; i++) {
		char object[256];

		(void)snprintf(object, sizeof(object),
			       "{\"apiVersion\":\"v1\",\"kind\":\"Service\","
			       "\"metadata\":{\"name\":\"%s\",\"namespace\":\"shop\"},"
			       "\"spec\":{\"type\":\"ClusterIP\",\"ports\":[{\"port\":80}]}}",
			       many_name(i));
		kube_frame_encode(&out, &(struct kube_frame){.type = KUBE_FRAME_PUT,
							     .kind = SERVICE,
							     .ns = text("shop"),
							     .name = text(many_name(i)),
							     .text = text(object)});
	}
	assert_int_equal(setsockopt(bed.fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)), 0);
	assert_int_equal(send(bed.fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT), out.len);
	strbuf_done(&out);
}

static bool has_many(const struct agent_rig *rig)
{
	return find(rig, many_name(MANY - 1));
}

/* More than a turn's time is enough for; no more come that would bring the rest about. */
static void frames_that_are_left_come_into_force_without_more_of_them(void **state)
{
	struct agent_rig *rig = bed.rig;
	unsigned turns;

	(void)state;
	connect_feeder();
	complete_all();
	RIG_WAIT(rig, is_complete);
	turns = rig->turns;
	put_many();
	RIG_WAIT(rig, has_many);
	assert_true(rig->turns > turns + 1);
	for (int i = 0; i < MANY; i++)
		assert_non_null(find(rig, many_name(i)));
	assert_int_equal(rig->agent.feed->n_told, MANY);
}

static bool second_is_greeted(const struct agent_rig *rig)
{
	return has_two(rig);
}

static void a_second_feeder_waits_for_the_first_to_go(void **state)
{
	struct agent_rig *rig = bed.rig;
	int first;

	(void)state;
	connect_feeder();
	complete_all();
	RIG_WAIT(rig, is_complete);
	first = bed.fd;
	connect_feeder();
	put(SERVICE, "two", SERVICE_TEXT("two"));
	run_for(rig, 100 * NSEC_PER_MSEC);
	assert_null(find(rig, "two"));
	close(first);
	RIG_WAIT(rig, second_is_greeted);
}

static int set_up(void **state)
{
	(void)state;
	bed.rig = rig_new();
	(void)snprintf(bed.feed, sizeof(bed.feed), "%s/feed", bed.rig->dir);
	bed.rig->options.feed = bed.feed;
	bed.fd = -1;
	rig_start(bed.rig);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (bed.fd >= 0)
		close(bed.fd);
	rig_free(bed.rig);
	return 0;
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_picture_comes_into_force_when_it_is_complete),
		TEST(settings_do_not_wait_for_services),
		TEST(services_are_not_awaited_for_long),
		TEST(a_kind_that_is_not_told_keeps_the_others_back_for_a_while_only),
		TEST(a_kind_that_may_not_be_seen_is_a_problem_and_keeps_nothing_back),
		TEST(a_kind_that_seems_not_installed_keeps_nothing_back),
		TEST(changes_come_and_go),
		TEST(what_was_told_stays_while_the_feeder_is_away),
		TEST(a_restart_without_the_feeder_serves_what_was_saved),
		TEST(a_feeder_of_another_version_is_told_off),
		TEST(nonsense_ends_the_connection_and_nothing_else),
		TEST(frames_that_are_left_come_into_force_without_more_of_them),
		TEST(a_second_feeder_waits_for_the_first_to_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
