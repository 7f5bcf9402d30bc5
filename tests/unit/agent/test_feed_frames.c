// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * agent/feed: frames that are none, more of them than a turn has time for, and those of a second
 * feeder.
 */
#include "feed_rig.h"

#define MANY 1500 /* frames that no slice of a turn is long enough for */

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nonsense_ends_the_connection_and_nothing_else),
		TEST(frames_that_are_left_come_into_force_without_more_of_them),
		TEST(a_second_feeder_waits_for_the_first_to_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
