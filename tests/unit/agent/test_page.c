// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The status page of a whole agent: that what is told is what lodectl gets, and goes on being told;
 * that nothing is made while nobody looks; the address, and a port that somebody else has.
 */
#include "agent/page.h"

#include "agent/page_rates.h"
#include "show_rig.h"

static int asked(uint16_t port, const char *path)
{
	const struct sockaddr_in at = {.sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char request[128];

	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path,
		 strcmp(path, "/events") == 0 ? "" : "Connection: close\r\n");
	reply.len = 0;
	reply.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(reply.fd, (const struct sockaddr *)&at, sizeof(at)) == 0) {
		assert_int_equal(send(reply.fd, request, strlen(request), 0), strlen(request));
		return reply.fd;
	}
	close(reply.fd);
	return -1;
}

static void expect_page(struct agent_rig *rig, uint16_t port, const char *path, const char *part)
{
	assert_true(asked(port, path) >= 0);
	RIG_WAIT(rig, has_answered);
	close(reply.fd);
	if (!strstr(reply.text, part))
		fail_msg("no \"%s\" in %s", part, reply.text);
}

/* Reads on; true: an event is whole behind what was read before it was asked for. */
static size_t told_before;
static bool is_told(const struct agent_rig *rig)
{
	const char *at;

	(void)has_answered(rig);
	at = strstr(reply.text + told_before, "data: ");
	return at && strstr(at, "\n\n");
}

/* The next event's body; the caller owns it. */
static cJSON *event(struct agent_rig *rig)
{
	const char *at;
	cJSON *body;

	RIG_WAIT(rig, is_told);
	at = strstr(reply.text + told_before, "data: ");
	body = cJSON_Parse(at + strlen("data: "));
	told_before = (size_t)(strstr(at, "\n\n") - reply.text);
	assert_non_null(body);
	return body;
}

static void expect_same(struct agent_rig *rig, const cJSON *told, const char *what)
{
	char line[64];
	cJSON *shown;

	snprintf(line, sizeof(line), "{\"command\":\"show\",\"what\":\"%s\"}", what);
	shown = ask(rig, line, "{\"protocol\"");
	assert_non_null(shown);
	assert_int_equal(cJSON_GetArraySize(shown), cJSON_GetArraySize(told));
	if (cJSON_GetArraySize(shown) > 0)
		assert_string_equal(text_of(cJSON_GetArrayItem(shown, 0), "name"),
				    text_of(cJSON_GetArrayItem(told, 0), "name"));
	cJSON_Delete(shown);
}

static void what_is_told_is_what_lodectl_gets(void **state)
{
	static const char *const lists[] = {"peers", "services", "problems"};
	struct agent_rig *rig = rig_announcing();
	cJSON *first, *second;
	int fd;

	(void)state;
	told_before = 0;
	expect_page(rig, 17480, "/graph.svg", " 503 ");
	fd = asked(17480, "/events");
	first = event(rig);
	second = event(rig);
	assert_true(cJSON_GetObjectItem(cJSON_GetObjectItem(second, "status"), "monotonicMillis")
			    ->valuedouble >
		    cJSON_GetObjectItem(cJSON_GetObjectItem(first, "status"), "monotonicMillis")
			    ->valuedouble);
	assert_string_equal(text_of(cJSON_GetObjectItem(first, "status"), "node"), "node");
	assert_true(cJSON_GetArraySize(cJSON_GetObjectItem(first, "routes")) > 0);
	assert_int_equal(
		cJSON_GetObjectItem(cJSON_GetObjectItem(first, "rates"), "stepSeconds")->valueint,
		PAGE_RATES_STEP_NS / NSEC_PER_SEC);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		expect_same(rig, cJSON_GetObjectItem(second, lists[i]), lists[i]);
	expect_page(rig, 17480, "/graph.svg", "<svg xmlns");
	close(fd);
	cJSON_Delete(first);
	cJSON_Delete(second);
	rig_free(rig);
}

#define ADDRESS(text)                                                                              \
	"apiVersion: lodestone.io/v1alpha1\nkind: LodestoneConfig\nmetadata: {name: node}\n"       \
	"spec: {statusPage: {address: \"" text "\"}}\n"

static bool is_told_as_taken(const struct agent_rig *rig)
{
	return rig_problem(rig, "StatusPagePortTaken");
}

static bool is_served_on_7481(const struct agent_rig *rig)
{
	const int fd = asked(7481, "/");

	(void)rig;
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool is_not_served(const struct agent_rig *rig)
{
	return !is_served_on_7481(rig);
}

static void the_address_is_the_configurations(void **state)
{
	const struct sockaddr_in at = {.sin_family = AF_INET,
				       .sin_port = htons(7480),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct agent_rig *rig = rig_announcing();
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_null(rig_problem(rig, "StatusPagePortTaken"));
	expect_page(rig, 17480, "/", "<title>Lodestone</title>");
	rig_write(rig, "page.yaml", ADDRESS(":7480"));
	RIG_WAIT(rig, is_told_as_taken);
	assert_int_equal(rig_problem(rig, "StatusPagePortTaken")->severity, SEVERITY_INFO);
	close(fd);
	rig_write(rig, "page.yaml", ADDRESS("127.0.0.1:7481"));
	RIG_WAIT(rig, is_served_on_7481);
	expect_page(rig, 7481, "/page.js", "EventSource");
	expect_page(rig, 7481, "/page.css", "prefers-color-scheme");
	expect_page(rig, 7481, "/icon.svg", "<svg");
	rig_write(rig, "page.yaml", ADDRESS("off"));
	RIG_WAIT(rig, is_not_served);
	assert_null(rig_problem(rig, "StatusPagePortTaken"));
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_told_is_what_lodectl_gets),
		cmocka_unit_test(the_address_is_the_configurations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
