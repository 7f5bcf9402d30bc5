// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What is long is answered in pieces, one a turn, and is one answer all the same. */
#include "plan/plan_backends.h"
#include "show_rig.h"

#define N_MANY 2600

static bool all_are_announced(const struct agent_rig *rig)
{
	return rig->router->announced >= N_MANY;
}

static struct agent_rig *rig_with_many(void)
{
	struct agent_rig *rig = rig_new();
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	for (unsigned i = 0; i < N_MANY; i++)
		fprintf(f,
			"apiVersion: v1\nkind: Service\nmetadata: {name: s%04u, namespace: many}\n"
			"spec: {type: LoadBalancer, ports: [{port: 80}]}\n---\n"
			"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
			"metadata: {name: s%04u-1, namespace: many,"
			" labels: {kubernetes.io/service-name: s%04u}}\naddressType: IPv4\n"
			"ports: [{name: \"\", port: 80, protocol: TCP}]\nendpoints:"
			" [{addresses: [10.244.0.1], nodeName: node, conditions: {ready: true}}]\n---\n",
			i, i, i);
	assert_int_equal(fclose(f), 0);
	rig_write(rig, "s1.yaml", text);
	free(text);
	rig_write(rig, "pool.yaml",
		  "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"
		  "metadata: {name: p, namespace: metallb-system}\n"
		  "spec: {addresses: [198.18.0.0/16]}\n---\n"
		  "apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n"
		  "metadata: {name: a, namespace: metallb-system}\nspec: {}\n");
	rig_start(rig);
	RIG_WAIT(rig, all_are_announced);
	return rig;
}

typedef cJSON *(*show_list)(const struct agent *a, const struct show_filter *filter,
			    struct show_cursor *c);

/* Each piece is bounded, and all together are each item once. */
static void expect_pieces(const struct agent_rig *rig, show_list show, const char *key)
{
	const struct show_filter filter = {.name = NULL};
	struct show_cursor c = {.is_over = false};
	size_t n = 0, n_pieces = 0;
	char last[64] = "";

	while (!c.is_over) {
		cJSON *piece = show(&rig->agent, &filter, &c), *item;

		assert_in_range(cJSON_GetArraySize(piece), 0, SHOW_PIECE);
		assert_true(c.is_over || cJSON_GetArraySize(piece) >= SHOW_PIECE / 2);
		cJSON_ArrayForEach(item, piece)
		{
			assert_string_not_equal(text_of(item, key), last);
			snprintf(last, sizeof(last), "%s", text_of(item, key));
			n++;
		}
		cJSON_Delete(piece);
		n_pieces++;
	}
	assert_int_equal(n, N_MANY);
	assert_true(n_pieces >= N_MANY / SHOW_PIECE);
}

/* Its backends are told in several turns, and yet are one list. */
static void expect_whole_service(struct agent_rig *rig)
{
	cJSON *body = ask(rig, "{\"command\":\"show\",\"what\":\"services\"}", OK), *b;
	char text[IP_ADDR_TEXT];
	struct ip_addr addr;

	assert_int_equal(cJSON_GetArraySize(body), 1);
	b = cJSON_GetObjectItem(cJSON_GetArrayItem(body, 0), "backends")->child;
	for (uint32_t i = 0; i < N_MANY; i++, b = b->next) {
		addr = ip_addr_from_v4(0x0af40000 + i);
		assert_string_equal(text_of(b, "address"), ip_addr_text(&addr, text));
	}
	assert_null(b);
	cJSON_Delete(body);
}

static void expect_service_that_goes(struct agent_rig *rig)
{
	const struct show_filter filter = {.name = NULL};
	struct plan *plan = &rig->agent.current->plan;
	struct show_cursor c = {.is_over = false};
	cJSON *piece = show_services(&rig->agent, &filter, &c);

	assert_true(c.is_open);
	assert_int_equal(c.within, SHOW_PIECE);
	cJSON_Delete(piece);
	piece = show_services(&rig->agent, &filter, &c);
	assert_true(c.is_open);
	assert_int_equal(cJSON_GetArraySize(piece), SHOW_PIECE);
	cJSON_Delete(piece);
	plan->n_services = 0;
	piece = show_services(&rig->agent, &filter, &c);
	assert_false(c.is_open);
	assert_true(c.is_over);
	assert_int_equal(cJSON_GetArraySize(piece), 0);
	cJSON_Delete(piece);
}

/* One Service with so many that they are told in several turns. */
static void backends_of_one_service_are_told_in_pieces(void **state)
{
	static struct plan_service_backend all[N_MANY];
	const struct plan_backends backends = {.others = all, .n_others = N_MANY};
	const struct plan_service one = {.ns = "many",
					 .name = "web",
					 .vip = {.addr = ip_addr_from_v4(0xc0000207)},
					 .port = 80,
					 .protocol = "TCP",
					 .backends = &backends,
					 .n_backends = N_MANY};
	struct agent_rig *rig = rig_announcing();
	struct plan *plan = &rig->agent.current->plan;

	(void)state;
	for (uint32_t i = 0; i < N_MANY; i++)
		all[i] = (struct plan_service_backend){
			.addr = ip_addr_from_v4(0x0af40000 + i), .node = "", .state = "ready"};
	plan->services = &one;
	plan->n_services = 1;
	expect_pieces(rig, show_backends, "address");
	expect_whole_service(rig);
	expect_service_that_goes(rig);
	plan->n_services = 0;
	rig_free(rig);
}

static size_t n_commas(const char *text)
{
	size_t n = 0;

	for (; (text = strstr(text, ",{\"prefix\"")); text++)
		n++;
	return n;
}

static void long_lists_are_told_in_pieces(void **state)
{
	struct agent_rig *rig = rig_with_many();
	struct show_cursor c = {.is_over = false};
	const struct show_filter one = {.name = "s2599", .ns = "many"};
	cJSON *body;

	(void)state;
	expect_pieces(rig, show_services, "name");
	expect_pieces(rig, show_routes, "prefix");
	expect_pieces(rig, show_backends, "name");
	body = show_services(&rig->agent, &one, &c);
	assert_int_equal(cJSON_GetArraySize(body), 1);
	assert_true(c.is_over);
	cJSON_Delete(body);
	rig_free(rig);
}

/* A Service that was told last goes: the others are told, each once. */
static void a_list_goes_on_behind_what_has_moved(void **state)
{
	const struct show_filter filter = {.name = NULL};
	struct agent_rig *rig = rig_with_many();
	struct show_cursor c = {.is_over = false};
	struct plan *plan = &rig->agent.current->plan;
	cJSON *first, *second;

	(void)state;
	first = show_services(&rig->agent, &filter, &c);
	plan->services++; /* one that was told is there no more, and all others have moved */
	plan->n_services--;
	second = show_services(&rig->agent, &filter, &c);
	assert_true(
		strcmp(text_of(cJSON_GetArrayItem(first, cJSON_GetArraySize(first) - 1), "name"),
		       text_of(cJSON_GetArrayItem(second, 0), "name")) < 0);
	assert_int_equal(strtol(text_of(cJSON_GetArrayItem(second, 0), "name") + 1, NULL, 10),
			 cJSON_GetArraySize(first));
	plan->services--;
	plan->n_services++;
	cJSON_Delete(first);
	cJSON_Delete(second);
	rig_free(rig);
}

/* What was told last is there no more, nor is anything else. */
static void backends_end_when_all_have_gone(void **state)
{
	const struct show_filter all = {.name = NULL};
	struct agent_rig *rig = rig_announcing();
	struct plan *plan = &rig->agent.current->plan;
	struct show_cursor c = {.is_begun = true, .within = 1, .last = 1};
	cJSON *piece;

	(void)state;
	plan->n_services = plan->n_frontends = 0;
	piece = show_backends(&rig->agent, &all, &c);
	assert_int_equal(cJSON_GetArraySize(piece), 0);
	assert_true(c.is_over);
	assert_int_equal(c.at, 0);
	cJSON_Delete(piece);
	rig_free(rig);
}

/* The pieces are one answer: JSON, and no turn of the loop makes two of them. */
static void pieces_are_one_answer(void **state)
{
	struct agent_rig *rig = rig_with_many();
	cJSON *body = ask(rig, "{\"command\":\"show\",\"what\":\"routes\"}", OK);

	(void)state;
	assert_int_equal(cJSON_GetArraySize(body), N_MANY);
	assert_int_equal(n_commas(reply.text), N_MANY - 1);
	cJSON_Delete(body);
	/* Pieces before it are empty. */
	body = ask(rig, "{\"command\":\"show\",\"what\":\"routes\",\"name\":\"198.18.9.200/32\"}",
		   OK);
	assert_int_equal(cJSON_GetArraySize(body), 1);
	cJSON_Delete(body);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backends_of_one_service_are_told_in_pieces),
		cmocka_unit_test(backends_end_when_all_have_gone),
		cmocka_unit_test(long_lists_are_told_in_pieces),
		cmocka_unit_test(a_list_goes_on_behind_what_has_moved),
		cmocka_unit_test(pieces_are_one_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
