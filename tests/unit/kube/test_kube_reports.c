// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * kube/kube_reports: who writes what and when; what becomes of it at a server that fails is for
 * `make sim-kube`.
 */
#include "kube/kube_reports.h"

#include "base/mem.h"
#include "kube/kube_store.h"
#include "kube/kube_watch.h"
#include "kube/kube_writes.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static struct kube_store *store;
static struct kube_writes *writes;
static struct kube_reports *reports;
static nsec_t now;
static char asked[512], body[2048]; /* the last request: "METHOD what", and its body */
static unsigned n_asked;

static struct kube_text text(const char *t)
{
	return (struct kube_text){.text = t, .len = strlen(t)};
}

static void report(enum kube_report what, const char *name, const char *t)
{
	kube_reports_take(reports, &(struct kube_frame){.type = KUBE_FRAME_REPORT,
							.report = what,
							.ns = text("n"),
							.name = text(name),
							.text = text(t)});
}

static void reported(void)
{
	kube_reports_take(reports, &(struct kube_frame){.type = KUBE_FRAME_REPORTED});
}

static void put(enum kube_kind kind, const char *name, const char *status)
{
	static const char object[] = "{\"metadata\":{\"labels\":{\"lodestone.io/node\":\"node-a\"},"
				     "\"ownerReferences\":[{\"uid\":\"u\"}]}}";

	(void)kube_store_put(store, kind,
			     &(struct kube_put){.ns = "n",
						.name = name,
						.text = xstrdup(object),
						.len = sizeof(object) - 1,
						.status = xstrdup(status)});
}

static void take_request(struct kube_write *e)
{
	struct kube_request r;

	kube_request_init(&r);
	assert_true(kube_write_transmit(e, &r, "2026-02-03T04:05:06.000000Z", now));
	(void)snprintf(asked, sizeof(asked), "%s %s", r.method,
		       strstr(r.target.data, "/namespaces/n/") + strlen("/namespaces/n/"));
	(void)snprintf(body, sizeof(body), "%s", r.body.len ? r.body.data : "");
	kube_request_done(&r);
	n_asked++;
	kube_write_notify(e, &(struct kube_note){.what = KUBE_NOTE_HEAD, .status = 200}, now);
	kube_write_notify(e, &(struct kube_note){.what = KUBE_NOTE_END}, now);
}

static void run_for(nsec_t ns)
{
	const nsec_t end = now + ns;
	struct kube_write *e;

	for (; now < end; now += 100 * NSEC_PER_MSEC) {
		(void)kube_reports_step(reports, "2026-02-03T04:05:06.000000Z", now);
		while ((e = kube_writes_next(writes, now)))
			take_request(e);
	}
}

#define SECOND NSEC_PER_SEC
#define HOUR   (3600 * NSEC_PER_SEC)
#define VALUE  "{\"labels\":{\"a\":\"b\"},\"status\":{\"value\":1}}"

static void an_object_is_made_and_then_its_status(void **state)
{
	(void)state;
	report(KUBE_REPORT_SERVICE, "bgp-1", "{\"labels\":{},\"status\":{\"value\":1}}");
	run_for(SECOND);
	assert_string_equal(asked,
			    "PATCH servicebgpstatuses/bgp-1?timeout=4s&fieldManager=lodestone");
	assert_non_null(strstr(body, "\"labels\":{\"lodestone.io/node\":\"node-a\"},"
				     "\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"Pod\","
				     "\"name\":\"pod\",\"uid\":\"u\"}]"));
	put(KUBE_SERVICE_STATUS, "bgp-1", "{}");
	run_for(2 * SECOND);
	assert_string_equal(
		asked, "PATCH servicebgpstatuses/bgp-1/status?timeout=4s&fieldManager=lodestone");
	put(KUBE_SERVICE_STATUS, "bgp-1", "{\"value\":1,\"of\":\"another\"}");
	n_asked = 0;
	run_for(HOUR);
	assert_int_equal(n_asked, 0);
	assert_true(kube_reports_step(reports, "", now) == NSEC_NEVER);
}

static void nothing_is_deleted_before_all_is_reported(void **state)
{
	(void)state;
	put(KUBE_SERVICE_STATUS, "bgp-old", "{}");
	put(KUBE_CONFIGURATION, "controller", "{}");
	run_for(10 * SECOND);
	assert_int_equal(n_asked, 0);
	reported();
	run_for(SECOND);
	assert_int_equal(n_asked, 1);
	assert_string_equal(asked, "DELETE servicebgpstatuses/bgp-old?timeout=4s");
	assert_string_equal(body, "");
}

static void users_objects_are_the_allocators(void **state)
{
	(void)state;
	report(KUBE_REPORT_POOL, "p", VALUE);
	put(KUBE_POOL, "p", "{}");
	run_for(10 * SECOND);
	assert_int_equal(n_asked, 0);
	kube_writes_hold(writes, true);
	kube_reports_hold(reports, true);
	run_for(SECOND);
	assert_string_equal(
		asked,
		"PATCH ipaddresspools/p/status?timeout=4s&fieldManager=lodestone&force=true");
	/* One that is not there is nobody's business, and what is not reported any more stays. */
	put(KUBE_POOL, "p", "{\"value\":1}");
	report(KUBE_REPORT_PEER, "none", VALUE);
	report(KUBE_REPORT_POOL, "p", "");
	reported();
	n_asked = 0;
	run_for(HOUR);
	assert_int_equal(n_asked, 0);
}

static void of_a_kind_that_is_not_watched_nothing_is_written(void **state)
{
	(void)state;
	kube_reports_note(reports,
			  &(struct kube_watch){.kind = KUBE_SERVICE_STATUS, .state = KUBE_ABSENT});
	report(KUBE_REPORT_SERVICE, "bgp-1", VALUE);
	reported();
	run_for(HOUR);
	assert_int_equal(n_asked, 0);
}

/* Whoever it is that changes it back at once. */
static void two_who_disagree_meet_less_and_less_often(void **state)
{
	unsigned first;

	(void)state;
	put(KUBE_SERVICE_STATUS, "bgp-1", "{\"value\":7}");
	report(KUBE_REPORT_SERVICE, "bgp-1", "{\"labels\":{},\"status\":{\"value\":1}}");
	for (nsec_t end = now + HOUR; now < end;) {
		run_for(500 * NSEC_PER_MSEC);
		put(KUBE_SERVICE_STATUS, "bgp-1", "{\"value\":1}");
		run_for(100 * NSEC_PER_MSEC);
		put(KUBE_SERVICE_STATUS, "bgp-1", "{\"value\":7}");
	}
	first = n_asked;
	assert_in_range(first, 12, 22);
	/* Another report does not wait for that. */
	report(KUBE_REPORT_SERVICE, "bgp-1", "{\"labels\":{},\"status\":{\"value\":2}}");
	run_for(SECOND);
	assert_int_equal(n_asked, first + 1);
}

#define CONDITION(status, message)                                                                 \
	"{\"conditions\":[{\"type\":\"Ready\",\"status\":\"" status                                \
	"\",\"reason\":\"r\",\"message\":\"" message "\""

static void a_condition_keeps_its_time_while_its_status_does(void **state)
{
	(void)state;
	put(KUBE_CONFIGURATION, "speaker-a",
	    CONDITION("True", "one") ",\"lastTransitionTime\":\"2020-01-01T00:00:00Z\"}]}");
	report(KUBE_REPORT_CONFIGURATION, "speaker-a",
	       "{\"labels\":{},\"status\":" CONDITION("True", "one") "}]}}");
	run_for(SECOND);
	assert_int_equal(n_asked, 0);
	report(KUBE_REPORT_CONFIGURATION, "speaker-a",
	       "{\"labels\":{},\"status\":" CONDITION("True", "two") "}]}}");
	run_for(SECOND);
	assert_non_null(strstr(body, "\"lastTransitionTime\":\"2020-01-01T00:00:00Z\""));
	report(KUBE_REPORT_CONFIGURATION, "speaker-a",
	       "{\"labels\":{},\"status\":" CONDITION("False", "two") "}]}}");
	run_for(2 * SECOND);
	assert_non_null(strstr(body, "\"lastTransitionTime\":\"2026-02-03T04:05:06Z\""));
}

static void a_crowd_is_written_by_and_by(void **state)
{
	char name[16];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "bgp-%d", i);
		report(KUBE_REPORT_SERVICE, name, VALUE);
	}
	run_for(10 * SECOND);
	assert_in_range(n_asked, KUBE_TELLING_AT_ONCE, KUBE_TELLING_AT_ONCE + 101);
}

static int set_up(void **state)
{
	static const enum kube_kind watched[] = {KUBE_SERVICE_STATUS, KUBE_CONFIGURATION, KUBE_POOL,
						 KUBE_PEER};

	(void)state;
	now = 1000 * NSEC_PER_SEC;
	n_asked = 0;
	asked[0] = body[0] = '\0';
	store = kube_store_new();
	writes = kube_writes_new(
		&(struct kube_writes_args){.store = store, .node = "node-a", .seed = 1});
	reports = kube_reports_new(&(struct kube_reports_args){.store = store,
							       .writes = writes,
							       .ns = "n",
							       .node = "node-a",
							       .pod_name = "pod",
							       .pod_uid = "u"});
	for (size_t i = 0; i < ARRAY_SIZE(watched); i++)
		kube_reports_note(reports,
				  &(struct kube_watch){.kind = watched[i], .state = KUBE_WATCHING});
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	kube_reports_free(reports);
	kube_writes_free(writes);
	kube_store_free(store);
	return 0;
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_object_is_made_and_then_its_status),
		TEST(nothing_is_deleted_before_all_is_reported),
		TEST(users_objects_are_the_allocators),
		TEST(of_a_kind_that_is_not_watched_nothing_is_written),
		TEST(two_who_disagree_meet_less_and_less_often),
		TEST(a_condition_keeps_its_time_while_its_status_does),
		TEST(a_crowd_is_written_by_and_by),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
