// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What `show bfd` and the status say of BFD (DESIGN 10: a contract), asked over the agent's socket.
 */
#include "bfd_rig.h"
#include "show_rig.h"

#define SHOW_ALL "{\"command\":\"show\",\"what\":\"bfd\"}"
#define SHOW_ONE "{\"command\":\"show\",\"what\":\"bfd\",\"name\":\"r\"}"

static bool is_told_up(const struct agent_rig *rig)
{
	const struct bfd_session *s = &line(rig)->report.session;

	return s->state == BFD_UP && s->remote.state == BFD_UP &&
	       s->counters.rejected[BFD_REJECT_TTL] == 1;
}

/* A packet that is refused. */
static void say_from_afar(const struct agent_rig *rig)
{
	int fd = router_bfd(), ttl = 254;

	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)), 0);
	router_says(rig, fd, BFD_DOWN);
	(void)close(fd);
}

static void a_session_is_shown_whole(void **state)
{
	static const char *const varies[] = {"localDiscriminator", "sourcePort", "packetsSent"};
	struct agent_rig *rig;
	cJSON *body;
	int fd;

	(void)state;
	rig = rig_with_bfd(&fd);
	say_from_afar(rig);
	RIG_WAIT(rig, is_told_up);
	body = ask(rig, SHOW_ONE, OK);
	for (size_t i = 0; i < ARRAY_SIZE(varies); i++)
		json_blank(body, varies[i]);
	json_blank(cJSON_GetObjectItem(cJSON_GetArrayItem(body, 0), "changes"), "secondsAgo");
	json_expect(
		body,
		"[{\"peer\":\"r\",\"vrf\":null,\"address\":\"10.0.0.2\",\"state\":\"Up\","
		"\"localDiscriminator\":\"*\",\"detectMillis\":2000,\"txMillis\":1000,"
		"\"flaps\":0,\"remoteDiscriminator\":99,\"localAddress\":\"10.0.0.1\","
		"\"sourcePort\":\"*\",\"multihop\":false,\"passive\":false,"
		"\"authentication\":{\"type\":\"none\"},\"diagnostic\":\"none\","
		"\"remoteDiagnostic\":\"none\",\"remoteState\":\"Up\","
		"\"remoteTxMillis\":1000,\"remoteRxMillis\":1000,\"remoteMultiplier\":2,"
		"\"packetsReceived\":2,\"packetsSent\":\"*\",\"xdp\":\"no\","
		"\"packetsAnsweredByXdp\":0,\"echo\":\"off\",\"echoMillis\":null,"
		"\"echoPacketsSent\":0,\"echoPacketsReturned\":0,\"echoError\":null,"
		"\"remoteEchoMillis\":0,\"reflectsEcho\":false,\"echoPacketsReflected\":0,"
		"\"error\":null,\"rejected\":{\"TTL\":1},\"changes\":["
		"{\"secondsAgo\":\"*\",\"from\":\"Down\",\"to\":\"Init\",\"diagnostic\":\"none\","
		"\"remoteDiagnostic\":\"none\",\"silentMillis\":0},"
		"{\"secondsAgo\":\"*\",\"from\":\"Init\",\"to\":\"Up\",\"diagnostic\":\"none\","
		"\"remoteDiagnostic\":\"none\",\"silentMillis\":0}]}]");
	end(rig, fd);
}

/* From Up to Down and Up again: three changes. */
static void flap(struct agent_rig *rig, int fd)
{
	router_says(rig, fd, BFD_DOWN);
	RIG_WAIT(rig, is_not_up);
	router_says(rig, fd, BFD_DOWN);
	RIG_WAIT(rig, is_init);
	router_says(rig, fd, BFD_UP);
	RIG_WAIT(rig, is_up);
}

static const char *change(const cJSON *changes, int i, const char *key)
{
	return text_of(cJSON_GetArrayItem(changes, i), key);
}

static void the_last_sixty_four_changes_are_kept_the_oldest_first(void **state)
{
	struct agent_rig *rig;
	cJSON *body, *changes;
	int fd;

	(void)state;
	rig = rig_with_bfd(&fd);
	for (unsigned i = 0; i < 23; i++) /* 71 with the two of the beginning */
		flap(rig, fd);
	body = ask(rig, SHOW_ONE, OK);
	changes = cJSON_GetObjectItem(cJSON_GetArrayItem(body, 0), "changes");
	assert_int_equal(cJSON_GetArraySize(changes), 64);
	assert_string_equal(change(changes, 0, "to"), "Up"); /* the eighth */
	assert_string_equal(change(changes, 1, "to"), "Down");
	assert_string_equal(change(changes, 1, "diagnostic"), "neighbour signalled down");
	assert_string_equal(change(changes, 63, "from"), "Init");
	assert_string_equal(change(changes, 63, "to"), "Up");
	assert_int_equal(cJSON_GetObjectItem(cJSON_GetArrayItem(body, 0), "flaps")->valueint, 23);
	cJSON_Delete(body);
	/* Of all sessions they would be much. */
	body = ask(rig, SHOW_ALL, OK);
	assert_int_equal(cJSON_GetArraySize(body), 1);
	assert_null(cJSON_GetObjectItem(cJSON_GetArrayItem(body, 0), "changes"));
	cJSON_Delete(body);
	end(rig, fd);
}

static void the_thread_is_part_of_the_status(void **state)
{
	struct agent_rig *rig;
	const cJSON *bfd;
	cJSON *body;
	int fd;

	(void)state;
	rig = rig_with_bfd(&fd);
	body = ask(rig, "{\"command\":\"status\"}", OK);
	bfd = cJSON_GetObjectItem(body, "bfd");
	assert_string_equal(text_of(bfd, "priority"),
			    bfd_priority_text(rig->agent.bfd.how.priority));
	assert_true(cJSON_GetObjectItem(bfd, "wakes")->valuedouble > 0);
	assert_true(cJSON_GetObjectItem(bfd, "latestMillis")->valuedouble >= 0);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(bfd, "lateness")), BFD_LATENESS);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(bfd, "portErrors")), 0);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(bfd, "rejected")), 0);
	cJSON_Delete(body);
	end(rig, fd);
}

static bool has_no_port(const struct agent_rig *rig)
{
	return rig->agent.bfd.how.port_errors[0] != 0;
}

static void a_port_that_cannot_be_had_is_told_with_its_reason(void **state)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(3784)};
	struct agent_rig *rig = rig_new();
	int other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cJSON *body;

	(void)state;
	assert_int_equal(bind(other, (struct sockaddr *)&any, sizeof(any)), 0);
	rig_write(rig, "peer.yaml", PEER_WITH_BFD);
	rig_write(rig, "profile.yaml", PROFILE);
	rig_start(rig);
	RIG_WAIT(rig, has_no_port);
	body = ask(rig, "{\"command\":\"status\"}", OK);
	json_expect(cJSON_DetachItemFromObject(cJSON_GetObjectItem(body, "bfd"), "portErrors"),
		    "[{\"port\":\"3784 IPv4\",\"error\":\"Address already in use\"}]");
	cJSON_Delete(body);
	(void)close(other);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_is_shown_whole),
		cmocka_unit_test(the_last_sixty_four_changes_are_kept_the_oldest_first),
		cmocka_unit_test(the_thread_is_part_of_the_status),
		cmocka_unit_test(a_port_that_cannot_be_had_is_told_with_its_reason),
	};

	return cmocka_run_group_tests_name("show_bfd", tests, NULL, NULL);
}
