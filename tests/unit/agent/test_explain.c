// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * `explain` over the control socket of a whole agent: what is asked is answered by a plan that was
 * made for it, in the words of `show problems`, and who asks and goes away costs nothing.
 */
#include "agent/explain.h"

#include "show_rig.h"

#define ASK_S1 "{\"command\":\"explain\",\"what\":\"service\",\"name\":\"s1\",\"namespace\":null}"

static const cJSON *get(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

static const cJSON *first(const cJSON *o, const char *key)
{
	const cJSON *item = cJSON_GetArrayItem(get(o, key), 0);

	assert_non_null(item);
	return item;
}

static bool is_true(const cJSON *o, const char *key)
{
	return cJSON_IsTrue(get(o, key));
}

static void a_service_that_is_announced(void **state)
{
	struct agent_rig *rig = rig_announcing();
	cJSON *body = ask(rig, ASK_S1, OK);
	const cJSON *item = first(body, "addresses"), *way = first(item, "peers"), *step;

	(void)state;
	assert_true(is_true(body, "found"));
	assert_string_equal(text_of(body, "node"), "node");
	assert_string_equal(text_of(item, "vip"), "192.0.2.0");
	assert_string_equal(text_of(item, "pool"), "p");
	assert_true(is_true(item, "announced"));
	cJSON_ArrayForEach(step, get(item, "checks")) assert_true(is_true(step, "holds"));
	assert_string_equal(text_of(first(item, "advertisements"), "name"), "a");
	assert_string_equal(text_of(way, "peer"), "r");
	assert_string_equal(text_of(way, "prefix"), "192.0.2.0/32");
	assert_string_equal(text_of(way, "advertisement"), "a");
	assert_true(is_true(way, "planned") && is_true(way, "announced"));
	cJSON_Delete(body);
	assert_true(rig->agent.question.until == 0); /* later plans are asked nothing */
	rig_free(rig);
}

static void a_service_without_an_address_has_its_problem(void **state)
{
	struct agent_rig *rig = rig_announcing();
	cJSON *body = ask(rig,
			  "{\"command\":\"explain\",\"what\":\"service\",\"name\":\"s2\","
			  "\"namespace\":\"other\"}",
			  OK);
	cJSON *problems =
		ask(rig, "{\"command\":\"show\",\"what\":\"problems\",\"name\":\"s2\"}", OK);
	const cJSON *item = first(body, "addresses");

	(void)state;
	assert_string_equal(text_of(item, "reason"), "noIPAllocated");
	assert_true(cJSON_IsNull(get(item, "vip")));
	assert_string_equal(text_of(first(item, "peers"), "reason"), "noIPAllocated");
	assert_true(cJSON_GetArraySize(problems) > 0);
	assert_true(cJSON_Compare(problems, get(body, "problems"), true));
	cJSON_Delete(problems);
	cJSON_Delete(body);
	rig_free(rig);
}

#define PEER_WITH_A_PROBLEM(name, address, more)                                                   \
	"apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"                                          \
	"metadata: {name: " name ", namespace: metallb-system}\n"                                  \
	"spec: {myASN: 64513, peerASN: 64512, peerAddress: " address ", what: 1" more "}\n"

static bool has_problem_of(const cJSON *body, const char *peer)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, get(body, "problems"))
	{
		if (strcmp(text_of(item, "kind"), "BGPPeer") == 0 &&
		    strcmp(text_of(item, "name"), peer) == 0)
			return true;
	}
	return false;
}

/* Those that its routes go to, and no other. */
static void a_service_has_the_problems_of_its_peers(void **state)
{
	struct agent_rig *rig = rig_new();
	cJSON *body;

	(void)state;
	rig_write(rig, "peer.yaml",
		  PEER_WITH_A_PROBLEM("r", "10.0.0.2",
				      ", peerPort: 1790, sourceAddress: 10.0.0.1,"
				      " routerID: 10.0.0.1, enableGracefulRestart: true"));
	rig_write(rig, "other.yaml",
		  PEER_WITH_A_PROBLEM("x", "10.0.0.3",
				      ", nodeSelectors: [{matchLabels: {no: node}}]"));
	rig_start(rig);
	RIG_WAIT(rig, is_announced);
	body = ask(rig, ASK_S1, OK);
	assert_int_equal(cJSON_GetArraySize(get(first(body, "addresses"), "peers")), 1);
	assert_true(has_problem_of(body, "r"));
	assert_false(has_problem_of(body, "x"));
	cJSON_Delete(body);
	body = ask(rig, "{\"command\":\"explain\",\"what\":\"peer\",\"name\":\"x\"}", OK);
	assert_true(has_problem_of(body, "x"));
	cJSON_Delete(body);
	rig_free(rig);
}

static void an_address_and_a_peer(void **state)
{
	struct agent_rig *rig = rig_announcing();
	cJSON *body =
		ask(rig, "{\"command\":\"explain\",\"what\":\"ip\",\"name\":\"192.0.2.0\"}", OK);

	(void)state;
	assert_string_equal(text_of(first(body, "addresses"), "name"), "s1");
	cJSON_Delete(body);
	body = ask(rig, "{\"command\":\"explain\",\"what\":\"peer\",\"name\":\"r\"}", OK);
	assert_string_equal(text_of(first(body, "steps"), "message"), "has a session of this node");
	assert_int_equal(cJSON_GetArraySize(get(body, "addresses")), 2);
	cJSON_Delete(body);
	body = ask(rig, "{\"command\":\"explain\",\"what\":\"peer\",\"name\":\"x\"}", OK);
	assert_false(is_true(body, "found"));
	cJSON_Delete(body);
	rig_free(rig);
}

static void what_cannot_be_explained_is_refused(void **state)
{
	static const char *const lines[] = {
		"{\"command\":\"explain\"}",
		"{\"command\":\"explain\",\"what\":\"pool\",\"name\":\"p\"}",
		"{\"command\":\"explain\",\"what\":\"service\"}",
		"{\"command\":\"explain\",\"what\":\"ip\",\"name\":\"router.example\"}",
		"{\"command\":\"explain\",\"what\":7,\"name\":{}}",
	};
	struct agent_rig *rig = rig_announcing();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_null(ask(rig, lines[i], "{\"protocol\":\"lodestone/1\",\"ok\":false"));
	assert_true(rig->agent.question.number == 0);
	rig_free(rig);
}

/* Each is answered by its own, whoever asked last. */
static void several_who_ask_are_answered(void **state)
{
	struct agent_rig *rig = rig_announcing();
	const char *error;
	cJSON *request = cJSON_Parse(ASK_S1), *body;
	uint64_t one, two;

	(void)state;
	one = explain_ask(&rig->agent, request, &error);
	two = explain_ask(&rig->agent, request, &error);
	assert_true(one != 0 && two == one + 1);
	assert_false(explain_is_open(&rig->agent, one));
	assert_true(explain_is_open(&rig->agent, two));
	assert_null(explain_answer(&rig->agent, two));
	body = ask(rig, ASK_S1, OK); /* a third, while nobody comes for the others */
	assert_true(is_true(body, "found"));
	cJSON_Delete(body);
	cJSON_Delete(request);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_that_is_announced),
		cmocka_unit_test(a_service_without_an_address_has_its_problem),
		cmocka_unit_test(an_address_and_a_peer),
		cmocka_unit_test(a_service_has_the_problems_of_its_peers),
		cmocka_unit_test(what_cannot_be_explained_is_refused),
		cmocka_unit_test(several_who_ask_are_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
