// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a scraper reads of a whole agent over HTTP: values that follow sessions and Services, counts
 * that go on in the next process, the address, and a port that somebody else has.
 */
#include "agent/metrics.h"

#include "agent/feed_inside.h"
#include "agent/metrics_inside.h"
#include "show_rig.h"

#include <ctype.h>
#include <fcntl.h>

/* Reads on where `reply` is. */
static void scrape_from(struct agent_rig *rig, uint16_t port, const char *path)
{
	const struct sockaddr_in at = {.sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char request[128];

	snprintf(request, sizeof(request),
		 "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
	reply.len = 0;
	reply.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(reply.fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(send(reply.fd, request, strlen(request), 0), strlen(request));
	RIG_WAIT(rig, has_answered);
	close(reply.fd);
}

static void scrape(struct agent_rig *rig)
{
	scrape_from(rig, 7472, "/metrics");
	assert_non_null(strstr(reply.text, "HTTP/1.1 200 OK"));
}

static void expect(const char *line)
{
	char want[256];

	snprintf(want, sizeof(want), "\n%s\n", line);
	if (!strstr(reply.text, want))
		fail_msg("no line \"%s\"", line);
}

static unsigned long value_of(const char *series)
{
	char want[256];
	const char *at;

	snprintf(want, sizeof(want), "\n%s ", series);
	at = strstr(reply.text, want);
	if (!at)
		fail_msg("no series %s", series);
	return strtoul(at + strlen(want), NULL, 10);
}

/* Texts are good for a second. */
static bool a_second_is_over(const struct agent_rig *rig)
{
	return rig->give_up - clock_now() < RIG_PATIENCE_S * NSEC_PER_SEC - 1200 * NSEC_PER_MSEC;
}

#define PEER "{peer=\"10.0.0.2:1790\",vrf=\"default\""

static void values_follow_what_happens(void **state)
{
	struct agent_rig *rig = rig_announcing();

	(void)state;
	scrape(rig);
	expect("lodestone_build_info{version=\"" LODESTONE_VERSION "\",node=\"node\"} 1");
	expect("lodestone_problems{severity=\"error\"} 1"); /* there is no pool none */
	expect("lodestone_dataplane_up 0");
	expect("lodestone_services 2");
	expect("lodestone_services_announced 1");
	expect("lodestone_services_not_announced{reason=\"noIPAllocated\"} 1");
	expect("lodestone_bgp_session_up" PEER ",name=\"r\"} 1");
	expect("lodestone_bgp_routes_expected" PEER ",name=\"r\"} 1");
	expect("lodestone_bgp_routes_advertised" PEER ",name=\"r\"} 1");
	expect("lodestone_bgp_messages_total" PEER
	       ",name=\"r\",direction=\"sent\",type=\"open\"} 1");
	expect("lodestone_service_backends{namespace=\"default\",service=\"s1\",vip=\"192.0.2.0\","
	       "port=\"80\",protocol=\"TCP\",domain=\"0\"} 1");
	expect("lodestone_metrics_services_untold 0");
	expect("metallb_bgp_session_up" PEER "} 1");
	expect("metallb_bgp_announced_prefixes_total" PEER "} 1");
	expect("metallb_bgp_pending_prefixes_total" PEER "} 0");
	expect("metallb_bgp_opens_sent" PEER "} 1");
	expect("metallb_bgp_opens_received" PEER "} 1");
	expect("metallb_speaker_announced{service=\"default/s1\",protocol=\"bgp\",node=\"node\","
	       "ip=\"192.0.2.0\"} 1");
	expect("metallb_allocator_addresses_in_use_total{pool=\"p\"} 1");
	expect("metallb_k8s_client_config_loaded_bool 1");
	expect("metallb_k8s_client_config_stale_bool 1");
	assert_null(strstr(reply.text, "lodestone_feed_up"));

	router_hang_up(rig->router);
	rig_remove(rig, "s2.yaml");
	RIG_WAIT(rig, a_second_is_over);
	scrape(rig);
	expect("lodestone_problems{severity=\"error\"} 0");
	expect("metallb_k8s_client_config_stale_bool 0");
	assert_true(value_of("lodestone_bgp_session_flaps_total" PEER ",name=\"r\"}") >= 1);
	rig_free(rig);
}

static bool has_lost_the_router(const struct agent_rig *rig)
{
	return bgp_peer_info(rig->agent.peers.items[0]->bgp).state != BGP_ESTABLISHED;
}

/* MetalLB's total is of messages of every type, also of the one that ends a session. */
static void totals_are_of_all_types(void **state)
{
	static const char *const types[] = {"open", "update", "notification", "keepalive",
					    "route-refresh"};
	static const struct bgp_error admin = {.code = BGP_ERROR_CEASE, .subcode = 4};
	struct agent_rig *rig = rig_announcing();
	uint8_t buf[BGP_MESSAGE_MAX];
	unsigned long sum = 0;

	(void)state;
	router_say(rig->router, buf, bgp_notification_encode(buf, sizeof(buf), &admin));
	RIG_WAIT(rig, has_lost_the_router);
	scrape(rig);
	expect("lodestone_bgp_messages_total" PEER
	       ",name=\"r\",direction=\"received\",type=\"notification\"} 1");
	expect("lodestone_bgp_notifications_total" PEER
	       ",name=\"r\",direction=\"received\",code=\"6\"} 1");
	expect("lodestone_bgp_notifications_total" PEER
	       ",name=\"r\",direction=\"received\",code=\"8\"} 0");
	assert_null(strstr(reply.text, "code=\"9\"")); /* there is none */
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		char series[160];

		snprintf(series, sizeof(series),
			 "lodestone_bgp_messages_total" PEER
			 ",name=\"r\",direction=\"received\",type=\"%s\"}",
			 types[i]);
		sum += value_of(series);
	}
	assert_int_equal(value_of("metallb_bgp_total_received" PEER "}"), sum);
	rig_free(rig);
}

/* Who was there and has gone: what it told of counts, under both names. */
static void what_the_feeder_told_of_is_counted(void **state)
{
	struct agent_rig *rig = rig_new();
	char feed[96];

	(void)state;
	(void)snprintf(feed, sizeof(feed), "%s/feed", rig->dir);
	rig->options.feed = feed;
	rig_start(rig);
	RIG_WAIT(rig, rig_has_planned);
	rig->agent.feed->n_updates = 7;
	scrape(rig);
	expect("lodestone_feed_up 0");
	expect("lodestone_feed_updates_total 7");
	expect("lodestone_lease_holder 0");
	expect("metallb_k8s_client_updates_total 7");
	expect("metallb_k8s_client_config_loaded_bool 0");
	rig_free(rig);
}

/* As after kill -9: nothing is said, and nothing written that was not before. */
static void counts_go_on_in_the_next_process(void **state)
{
	struct agent_rig *rig = rig_announcing();
	unsigned long updates, plans, opens;

	(void)state;
	scrape(rig);
	updates = value_of("metallb_bgp_updates_total" PEER "}");
	opens = value_of("metallb_bgp_opens_sent" PEER "}");
	plans = value_of("lodestone_plan_duration_seconds_count");
	assert_true(updates > 0 && opens == 1 && plans > 0);
	rig_crash(rig);
	rig_start(rig);
	RIG_WAIT(rig, rig_has_planned);
	scrape(rig);
	assert_true(value_of("metallb_bgp_updates_total" PEER "}") >= updates);
	assert_true(value_of("metallb_bgp_opens_sent" PEER "}") >= opens);
	assert_true(value_of("lodestone_plan_duration_seconds_count") > plans);
	rig_free(rig);
}

/* A disk that does not answer, to which this is alike, holds up no scrape for longer than that. */
static void a_text_does_not_wait_for_the_disk(void **state)
{
	struct agent_rig *rig = rig_announcing();
	const nsec_t begun = clock_now();
	char path[160];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/counts.yaml.tmp", rig->state);
	assert_int_equal(mkfifo(path, 0600), 0); /* who opens it waits for a reader */
	scrape(rig);
	assert_true(clock_now() - begun >= METRICS_KEEP_NS);
	RIG_WAIT(rig, a_second_is_over);
	scrape(rig); /* another one, while the first counts are still on their way */
	expect("lodestone_ready 1");
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	rig_free(rig);
	close(fd);
}

#define ADDRESS(text)                                                                              \
	"apiVersion: lodestone.io/v1alpha1\nkind: LodestoneConfig\nmetadata: {name: node}\n"       \
	"spec: {metrics: {address: \"" text "\"}}\n"

static bool is_told_as_taken(const struct agent_rig *rig)
{
	return rig_problem(rig, "MetricsPortTaken");
}

static void the_address_is_the_configurations(void **state)
{
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(7480)};
	struct agent_rig *rig = rig_announcing();
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(fd, 1), 0);
	rig_write(rig, "address.yaml", ADDRESS(":7480"));
	RIG_WAIT(rig, is_told_as_taken);
	assert_int_equal(rig_problem(rig, "MetricsPortTaken")->severity, SEVERITY_WARNING);
	close(fd);
	rig_write(rig, "address.yaml", ADDRESS("127.0.0.1:7481"));
	RIG_WAIT(rig, a_second_is_over);
	assert_null(rig_problem(rig, "MetricsPortTaken"));
	scrape_from(rig, 7481, "/metrics");
	expect("lodestone_ready 1");
	rig_free(rig);
}

static void health_says_that_a_plan_was_applied(void **state)
{
	struct agent_rig *rig = rig_announcing();

	(void)state;
	scrape_from(rig, 17472, "/readyz");
	assert_non_null(strstr(reply.text, " 200 OK"));
	router_hang_up(rig->router); /* which is no reason to restart anything */
	scrape_from(rig, 17472, "/readyz");
	assert_non_null(strstr(reply.text, " 200 OK"));
	scrape_from(rig, 17472, "/healthz");
	assert_non_null(strstr(reply.text, " 200 OK"));
	rig_free(rig);
}

/* A text has an end, whatever there is to tell; what is not in it is counted. */
static void of_more_services_than_a_text_has_the_rest_is_counted(void **state)
{
	struct agent_rig *rig = rig_announcing();
	struct plan *plan = &rig->agent.current->plan;
	const struct plan_service *services = plan->services;
	const size_t n_services = plan->n_services, n = LIMIT_SERVICES + 2;
	struct metrics_text t = {.arena = arena_new(), .scratch = arena_new()};
	struct plan_service *many = arena_array_of(t.arena, n, struct plan_service);

	(void)state;
	strbuf_init(&t.labels, 1024);
	for (size_t i = 0; i < n; i++) {
		many[i] = services[0];
		many[i].name = arena_printf(t.arena, "s%05zu", i);
		assert_false(ip_addr_is_none(&many[i].vip.addr));
	}
	plan->services = many;
	plan->n_services = n;
	while (!metrics_gather_services(&rig->agent, &t))
		;
	assert_int_equal(t.n_items, LIMIT_SERVICES);
	assert_int_equal(t.n_untold, 2);
	plan->services = services;
	plan->n_services = n_services;
	free(t.items);
	strbuf_done(&t.labels);
	arena_free(t.arena);
	arena_free(t.scratch);
	rig_free(rig);
}

/* The rules of both formats, for names, units and texts, which the writer takes as they are. */
static void the_table_keeps_the_formats_rules(void **state)
{
	(void)state;
	for (enum metric i = 0; i < N_METRICS; i++) {
		const struct metric_family *f = &metrics_table[i];
		const size_t len = f->name ? strlen(f->name) : 0;
		const bool is_ours = len > 0 && strncmp(f->name, "lodestone_", 10) == 0;

		assert_true(len > 0 && f->help);
		assert_true(is_ours || strncmp(f->name, "metallb_", 8) == 0);
		assert_null(strpbrk(f->help, "\"\\\n"));
		assert_int_equal(f->help[strlen(f->help) - 1], '.');
		for (size_t k = 0; k < len; k++)
			assert_true(islower(f->name[k]) || isdigit(f->name[k]) ||
				    f->name[k] == '_');
		if (f->unit)
			assert_true(len > strlen(f->unit) &&
				    strcmp(f->name + len - strlen(f->unit), f->unit) == 0);
		assert_true(f->type != METRIC_HISTOGRAM ||
			    (f->unit && strcmp(f->unit, "seconds") == 0));
		if (is_ours)
			assert_true(len < 6 || strcmp(f->name + len - 6, "_total") != 0);
		for (enum metric k = 0; k < i; k++)
			assert_string_not_equal(f->name, metrics_table[k].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_keeps_the_formats_rules),
		cmocka_unit_test(values_follow_what_happens),
		cmocka_unit_test(of_more_services_than_a_text_has_the_rest_is_counted),
		cmocka_unit_test(totals_are_of_all_types),
		cmocka_unit_test(a_text_does_not_wait_for_the_disk),
		cmocka_unit_test(what_the_feeder_told_of_is_counted),
		cmocka_unit_test(counts_go_on_in_the_next_process),
		cmocka_unit_test(the_address_is_the_configurations),
		cmocka_unit_test(health_says_that_a_plan_was_applied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
