// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * kube/kube_watch: which request follows which answer, and when.
 */
#include "kube/kube_store.h"
#include "kube/kube_watch.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#define T0 (1000 * NSEC_PER_SEC)
#define OBJECT_4                                                                                   \
	"{\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"resourceVersion\":\"4\"}}"
#define END_5                                                                                      \
	"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"5\","              \
	"\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n"
#define BOOKMARK_9 "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\"}}}\n"
#define GONE_410   "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410}}\n"

struct rig {
	struct kube_store *store;
	struct kube_watch w;
	struct strbuf target;
	nsec_t now;
};

static void set_up(struct rig *r, enum kube_kind kind)
{
	*r = (struct rig){.store = kube_store_new(), .now = T0};
	kube_watch_init(
		&r->w, &(struct kube_watch_args){
			       .kind = kind, .ns = "metallb-system", .store = r->store, .seed = 7});
	strbuf_init(&r->target, 4096);
}

static void tear_down(struct rig *r)
{
	kube_watch_done(&r->w);
	strbuf_done(&r->target);
	kube_store_free(r->store);
}

/* Lets time go by until the watch asks, and opens what it asks for. Returns how long that took. */
static nsec_t open_next(struct rig *r)
{
	const nsec_t from = r->now;

	if (kube_watch_poll(&r->w, r->now) == KUBE_ASK_CLOSE)
		kube_watch_notify(&r->w, &(struct kube_note){.what = KUBE_NOTE_CLOSED}, r->now);
	if (kube_watch_deadline(&r->w) > r->now) {
		assert_int_equal(kube_watch_poll(&r->w, kube_watch_deadline(&r->w) - 1),
				 KUBE_ASK_NOTHING);
		r->now = kube_watch_deadline(&r->w);
	}
	assert_int_equal(kube_watch_poll(&r->w, r->now), KUBE_ASK_OPEN);
	strbuf_done(&r->target);
	kube_watch_transmit(&r->w, &r->target, r->now);
	assert_int_equal(kube_watch_poll(&r->w, r->now), KUBE_ASK_NOTHING);
	return r->now - from;
}

static void assert_asked(const struct rig *r, const char *word)
{
	if (!strstr(r->target.data, word))
		fail_msg("%s does not ask for %s", r->target.data, word);
}

static void assert_not_asked(const struct rig *r, const char *word)
{
	if (strstr(r->target.data, word))
		fail_msg("%s asks for %s", r->target.data, word);
}

static void head(struct rig *r, int status)
{
	kube_watch_notify(&r->w, &(struct kube_note){.what = KUBE_NOTE_HEAD, .status = status},
			  r->now);
}

static void body(struct rig *r, const char *text)
{
	kube_watch_receive(&r->w, text, strlen(text), r->now);
}

static void end(struct rig *r)
{
	kube_watch_notify(&r->w, &(struct kube_note){.what = KUBE_NOTE_END}, r->now);
}

static void lost(struct rig *r)
{
	kube_watch_notify(&r->w, &(struct kube_note){.what = KUBE_NOTE_LOST, .why = "cut"}, r->now);
}

static void answer(struct rig *r, int status, const char *text)
{
	head(r, status);
	body(r, text);
	end(r);
}

/* Up to a watch that goes on from version 5, with one object known. */
static void watching(struct rig *r)
{
	set_up(r, KUBE_NODE);
	open_next(r);
	head(r, 200);
	body(r, "{\"type\":\"ADDED\",\"object\":" OBJECT_4 "}\n" END_5);
	assert_int_equal(r->w.state, KUBE_WATCHING);
}

static void the_first_question_is_for_a_picture_and_what_follows(void **state)
{
	struct rig r;

	(void)state;
	watching(&r);
	assert_asked(&r, "/api/v1/nodes?");
	assert_asked(&r, "&watch=1&allowWatchBookmarks=true&timeoutSeconds=");
	assert_asked(&r, "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
	assert_not_asked(&r, "resourceVersion=");
	assert_true(kube_store_is_complete(r.store, KUBE_NODE));
	assert_int_equal(kube_store_count(r.store, KUBE_NODE), 1);
	body(&r, "{\"type\":\"DELETED\",\"object\":" OBJECT_4 "}\n");
	assert_int_equal(kube_store_count(r.store, KUBE_NODE), 0);
	tear_down(&r);
}

/* A watch would tell them one by one, which costs the server and us twice as much. */
static void many_objects_are_told_by_one_list_and_then_watched(void **state)
{
	struct rig r;

	(void)state;
	set_up(&r, KUBE_SERVICE);
	open_next(&r);
	assert_asked(&r, "/api/v1/services?labelSelector=%21service.kubernetes.io%2Fheadless");
	assert_not_asked(&r, "watch=1");
	assert_not_asked(&r, "limit=");
	assert_not_asked(&r, "resourceVersion"); /* so it is of the latest */
	answer(&r, 200, "{\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[" OBJECT_4 "]}");
	assert_true(kube_store_is_complete(r.store, KUBE_SERVICE));
	assert_int_equal(open_next(&r), 0);
	assert_asked(&r, "&watch=1");
	assert_asked(&r, "&resourceVersion=5");
	assert_not_asked(&r, "sendInitialEvents");
	answer(&r, 410, "{}");
	assert_int_equal(open_next(&r), 0);
	assert_asked(&r, "&resourceVersion=5&resourceVersionMatch=NotOlderThan");
	assert_not_asked(&r, "watch=1");
	answer(&r, 410, "{}");
	assert_int_equal(open_next(&r), 0);
	assert_not_asked(&r, "resourceVersion");
	answer(&r, 200, "{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":[]}");
	assert_int_equal(kube_store_count(r.store, KUBE_SERVICE), 0);
	kube_watch_refresh(&r.w, r.now);
	assert_int_equal(open_next(&r), 0);
	assert_not_asked(&r, "watch=1");
	assert_not_asked(&r, "resourceVersion");
	tear_down(&r);
	set_up(&r, KUBE_SLICE);
	open_next(&r);
	assert_not_asked(&r, "watch=1");
	tear_down(&r);
}

static void our_own_kinds_are_asked_for_in_our_namespace(void **state)
{
	struct rig r;

	(void)state;
	set_up(&r, KUBE_SECRET);
	open_next(&r);
	assert_asked(&r, "/api/v1/namespaces/metallb-system/secrets?"
			 "fieldSelector=type%21%3Dhelm.sh%2Frelease.v1%2Ctype%21%3D");
	tear_down(&r);
	set_up(&r, KUBE_PEER);
	open_next(&r);
	assert_asked(&r, "/apis/metallb.io/v1beta2/namespaces/metallb-system/bgppeers?");
	tear_down(&r);
}

static void a_stream_that_ends_is_resumed_where_it_was(void **state)
{
	struct rig r;

	(void)state;
	watching(&r);
	body(&r, BOOKMARK_9);
	r.now += 300 * NSEC_PER_SEC;
	end(&r);
	assert_true(open_next(&r) < NSEC_PER_SEC);
	assert_asked(&r, "&resourceVersion=9");
	assert_not_asked(&r, "sendInitialEvents");
	head(&r, 200);
	body(&r, "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"b\",\"resourceVersion\":"
		 "\"12\"}}}\n{\"type\":\"ADDED\",");
	lost(&r); /* in the middle of an event */
	assert_true(open_next(&r) < NSEC_PER_SEC);
	assert_asked(&r, "&resourceVersion=12");
	assert_int_equal(r.w.n_pictures, 1);
	tear_down(&r);
}

static void a_stream_that_ends_at_once_again_and_again_is_a_failure(void **state)
{
	nsec_t sum = 0;
	struct rig r;

	(void)state;
	watching(&r);
	r.now += 300 * NSEC_PER_SEC;
	end(&r);
	for (int i = 0; i < 8; i++) {
		sum += open_next(&r);
		answer(&r, 200, "");
		assert_int_equal(r.w.state, KUBE_FAILING);
	}
	assert_true(sum > 60 * NSEC_PER_SEC);
	assert_int_equal(kube_store_count(r.store, KUBE_NODE), 1);
	tear_down(&r);
}

static void failures_are_asked_about_later_and_later_and_forgotten(void **state)
{
	nsec_t low = KUBE_BACKOFF_MIN_NS;
	struct rig r;

	(void)state;
	set_up(&r, KUBE_NODE);
	open_next(&r);
	for (int i = 0; i < 10; i++) {
		nsec_t took;

		lost(&r);
		assert_string_equal(r.w.why, "cut");
		took = open_next(&r);
		assert_in_range(took, low, 2 * low);
		low = nsec_min(2 * low, KUBE_BACKOFF_MAX_NS);
	}
	r.now += 121 * NSEC_PER_SEC;
	kube_watch_tick(&r.w, r.now);
	assert_int_equal(kube_watch_poll(&r.w, r.now), KUBE_ASK_CLOSE); /* nothing was answered */
	assert_in_range(open_next(&r), KUBE_BACKOFF_MIN_NS, 2 * KUBE_BACKOFF_MIN_NS);
	tear_down(&r);
}

static void a_version_that_is_gone_costs_a_picture_not_older_and_then_the_latest(void **state)
{
	struct rig r;

	(void)state;
	for (int as_status = 0; as_status < 2; as_status++) {
		watching(&r);
		r.now += 10 * NSEC_PER_SEC;
		end(&r);
		open_next(&r);
		if (as_status)
			answer(&r, 410, "{}");
		else
			answer(&r, 200, GONE_410);
		assert_int_equal(open_next(&r), 0);
		assert_asked(&r, "sendInitialEvents=true");
		assert_asked(&r, "&resourceVersion=5");
		answer(&r, 504,
		       "{\"code\":504,\"details\":{\"causes\":[{\"reason\":"
		       "\"ResourceVersionTooLarge\"}]}}");
		assert_int_equal(open_next(&r), 0);
		assert_asked(&r, "sendInitialEvents=true");
		assert_not_asked(&r, "&resourceVersion=");
		answer(&r, 410, "{}"); /* which makes no sense */
		assert_true(open_next(&r) >= KUBE_BACKOFF_MIN_NS);
		assert_int_equal(kube_store_count(r.store, KUBE_NODE), 1);
		head(&r, 200);
		body(&r, END_5);
		assert_int_equal(kube_store_count(r.store, KUBE_NODE), 0);
		tear_down(&r);
	}
}

static void without_pictures_by_watch_there_are_lists_in_pages(void **state)
{
	struct rig r;

	(void)state;
	set_up(&r, KUBE_NODE);
	open_next(&r);
	answer(&r, 422, "{\"message\":\"sendInitialEvents is forbidden\"}");
	assert_int_equal(open_next(&r), 0);
	assert_asked(&r, "&limit=500");
	assert_not_asked(&r, "watch=1");
	answer(&r, 200,
	       "{\"metadata\":{\"resourceVersion\":\"5\",\"continue\":\"a=/b\"},\"items\":["
	       "{\"metadata\":{\"name\":\"a\"}}]}");
	assert_false(kube_store_is_complete(r.store, KUBE_NODE));
	assert_int_equal(open_next(&r), 0);
	assert_asked(&r, "&limit=500&continue=a%3D%2Fb");
	answer(&r, 410, "{}"); /* that version was compacted meanwhile */
	assert_int_equal(open_next(&r), 0);
	assert_asked(&r, "&limit=500");
	assert_not_asked(&r, "continue");
	answer(&r, 200,
	       "{\"metadata\":{\"resourceVersion\":\"6\"},\"items\":[{\"metadata\":{\"name\":"
	       "\"b\"}}]}");
	assert_true(kube_store_is_complete(r.store, KUBE_NODE));
	assert_int_equal(kube_store_count(r.store, KUBE_NODE), 1);
	assert_int_equal(open_next(&r), 0);
	assert_asked(&r, "watch=1");
	assert_asked(&r, "&resourceVersion=6");
	tear_down(&r);
}

static void a_server_that_knows_no_pictures_by_watch_and_does_not_say_so(void **state)
{
	struct rig r;

	(void)state;
	set_up(&r, KUBE_NODE);
	open_next(&r);
	head(&r, 200);
	body(&r, "{\"type\":\"ADDED\",\"object\":" OBJECT_4 "}\n");
	r.now = kube_watch_deadline(&r.w);
	assert_true(r.now <= T0 + 60 * NSEC_PER_SEC);
	kube_watch_tick(&r.w, r.now);
	open_next(&r);
	assert_asked(&r, "&limit=500");
	tear_down(&r);
}

static void a_list_that_is_cut_begins_anew_and_takes_nothing_away(void **state)
{
	struct rig r;

	(void)state;
	watching(&r);
	r.w.by_lists = true;
	end(&r);
	r.now += NSEC_PER_SEC;
	open_next(&r);
	answer(&r, 410, "{}");
	open_next(&r);
	assert_asked(&r, "&resourceVersion=5&resourceVersionMatch=NotOlderThan");
	answer(&r, 200, "{\"metadata\":{\"resourceVersion\":\"8\"},\"items\":[{\"meta");
	assert_int_equal(kube_store_count(r.store, KUBE_NODE), 1);
	assert_int_equal(r.w.state, KUBE_FAILING);
	open_next(&r);
	answer(&r, 200, "{\"metadata\":{\"resourceVersion\":\"8\"},\"items\":[]}");
	assert_int_equal(kube_store_count(r.store, KUBE_NODE), 0);
	tear_down(&r);
}

static void who_is_told_to_wait_waits(void **state)
{
	struct rig r;
	nsec_t took;

	(void)state;
	set_up(&r, KUBE_NODE);
	open_next(&r);
	kube_watch_notify(&r.w,
			  &(struct kube_note){.what = KUBE_NOTE_HEAD, .status = 429, .retry_s = 7},
			  r.now);
	end(&r);
	took = open_next(&r);
	assert_in_range(took, 7 * NSEC_PER_SEC, 8 * NSEC_PER_SEC);
	answer(&r, 503, "{\"code\":503,\"details\":{\"retryAfterSeconds\":100000}}");
	took = open_next(&r);
	assert_in_range(took, 60 * NSEC_PER_SEC, 61 * NSEC_PER_SEC);
	assert_string_equal(r.w.why, "status 503 to watch: ");
	/* One that says so again and again is asked less and less often. */
	for (int i = 0; i < 8; i++) {
		kube_watch_notify(
			&r.w,
			&(struct kube_note){.what = KUBE_NOTE_HEAD, .status = 429, .retry_s = 1},
			r.now);
		end(&r);
		took = open_next(&r);
		assert_true(took >= NSEC_PER_SEC);
	}
	assert_in_range(took, KUBE_BACKOFF_MAX_NS, 2 * KUBE_BACKOFF_MAX_NS);
	tear_down(&r);
}

/* A server that has just started refuses everybody, so it is believed only after a while. */
static void a_missing_right_is_named_and_believed_after_a_while(void **state)
{
	struct rig r;

	(void)state;
	set_up(&r, KUBE_SLICE);
	open_next(&r);
	answer(&r, 403, "{\"message\":\"RBAC says no\"}");
	assert_string_equal(r.w.why,
			    "no right to list endpointslices.discovery.k8s.io: RBAC says no");
	while (r.now < T0 + 20 * NSEC_PER_SEC) {
		assert_int_equal(r.w.state, KUBE_FAILING);
		open_next(&r);
		answer(&r, 403, "");
	}
	assert_int_equal(r.w.state, KUBE_REFUSED);
	assert_false(kube_store_is_complete(r.store, KUBE_SLICE));
	open_next(&r);
	answer(&r, 200, "{\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[]}");
	open_next(&r);
	answer(&r, 403, "");
	assert_int_equal(r.w.state, KUBE_FAILING); /* it begins anew */
	tear_down(&r);
	set_up(&r, KUBE_SECRET);
	open_next(&r);
	answer(&r, 403, "");
	assert_string_equal(r.w.why, "no right to watch secrets in namespace metallb-system: ");
	tear_down(&r);
}

static void a_kind_is_absent_when_that_was_said_twice(void **state)
{
	struct rig r;

	(void)state;
	set_up(&r, KUBE_POOL);
	open_next(&r);
	answer(&r, 404, "");
	assert_false(kube_store_is_complete(r.store, KUBE_POOL));
	assert_int_equal(r.w.state, KUBE_ABSENT); /* so nobody waits for it */
	assert_int_equal(open_next(&r), NSEC_PER_SEC);
	answer(&r, 404, "");
	assert_true(kube_store_is_complete(r.store, KUBE_POOL));
	assert_int_equal(r.w.state, KUBE_ABSENT);
	assert_string_equal(r.w.why, "IPAddressPool is not installed");
	assert_in_range(open_next(&r), 30 * NSEC_PER_SEC, 60 * NSEC_PER_SEC);
	head(&r, 200);
	body(&r, END_5);
	assert_int_equal(r.w.state, KUBE_WATCHING);
	tear_down(&r);
	set_up(&r, KUBE_POOL); /* of a server that had just started */
	open_next(&r);
	answer(&r, 404, "");
	assert_int_equal(open_next(&r), NSEC_PER_SEC);
	head(&r, 200);
	body(&r, END_5);
	assert_int_equal(r.w.state, KUBE_WATCHING);
	assert_string_equal(r.w.why, "");
	tear_down(&r);
	set_up(&r, KUBE_NODE); /* which every server has */
	open_next(&r);
	answer(&r, 404, "");
	open_next(&r);
	answer(&r, 404, "");
	assert_false(kube_store_is_complete(r.store, KUBE_NODE));
	assert_int_equal(r.w.state, KUBE_FAILING);
	tear_down(&r);
}

static void credentials_are_tried_once_more_at_once(void **state)
{
	struct rig r;

	(void)state;
	watching(&r);
	r.now += 2 * NSEC_PER_SEC;
	end(&r);
	open_next(&r);
	answer(&r, 401, "");
	assert_int_equal(open_next(&r), 0);
	answer(&r, 401, "{\"message\":\"Unauthorized\"}");
	assert_string_equal(r.w.why, "the credentials are refused: Unauthorized");
	assert_true(open_next(&r) >= KUBE_BACKOFF_MIN_NS);
	head(&r, 200);
	assert_int_equal(r.w.state, KUBE_WATCHING);
	tear_down(&r);
}

static void what_cannot_be_understood_is_given_up(void **state)
{
	static const char *const bad[] = {"<html>\n", "{\"type\":\"ADDED\",\"object\":{}}\n", "]"};
	struct rig r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		watching(&r);
		body(&r, bad[i]);
		assert_int_equal(kube_watch_poll(&r.w, r.now), KUBE_ASK_CLOSE);
		body(&r, "{\"type\":\"DELETED\",\"object\":" OBJECT_4 "}\n"); /* not heard */
		assert_true(open_next(&r) >= KUBE_BACKOFF_MIN_NS);
		assert_int_equal(kube_store_count(r.store, KUBE_NODE), 1);
		assert_asked(&r, "&resourceVersion=5");
		tear_down(&r);
	}
}

static void a_stream_that_should_have_ended_is_dead(void **state)
{
	struct rig r;

	(void)state;
	watching(&r);
	assert_in_range(kube_watch_deadline(&r.w), T0 + 330 * NSEC_PER_SEC,
			T0 + 630 * NSEC_PER_SEC);
	r.now = kube_watch_deadline(&r.w);
	kube_watch_tick(&r.w, r.now);
	assert_int_equal(kube_watch_poll(&r.w, r.now), KUBE_ASK_CLOSE);
	assert_int_equal(open_next(&r), 0);
	assert_asked(&r, "&resourceVersion=5");
	tear_down(&r);
}

/* Other credentials: what failed need not wait; what goes well, or is not installed, is left alone.
 */
static void who_has_failed_is_asked_again_at_once_when_hurried(void **state)
{
	struct rig r;

	(void)state;
	watching(&r);
	kube_watch_hurry(&r.w, r.now);
	assert_int_equal(kube_watch_poll(&r.w, r.now), KUBE_ASK_NOTHING);
	end(&r);
	for (int i = 0; i < 8; i++) {
		open_next(&r);
		lost(&r);
	}
	assert_int_equal(r.w.state, KUBE_FAILING);
	assert_true(kube_watch_deadline(&r.w) > r.now);
	kube_watch_hurry(&r.w, r.now);
	assert_int_equal(open_next(&r), 0);
	lost(&r);
	assert_true(kube_watch_deadline(&r.w) <=
		    r.now + 2 * KUBE_BACKOFF_MIN_NS); /* from the first */
	tear_down(&r);
	set_up(&r, KUBE_FRR);
	for (int i = 0; i < 3; i++) {
		open_next(&r);
		answer(&r, 404, "{}");
	}
	kube_watch_hurry(&r.w, r.now);
	assert_int_equal(kube_watch_poll(&r.w, r.now), KUBE_ASK_NOTHING);
	tear_down(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_question_is_for_a_picture_and_what_follows),
		cmocka_unit_test(many_objects_are_told_by_one_list_and_then_watched),
		cmocka_unit_test(our_own_kinds_are_asked_for_in_our_namespace),
		cmocka_unit_test(a_stream_that_ends_is_resumed_where_it_was),
		cmocka_unit_test(a_stream_that_ends_at_once_again_and_again_is_a_failure),
		cmocka_unit_test(failures_are_asked_about_later_and_later_and_forgotten),
		cmocka_unit_test(
			a_version_that_is_gone_costs_a_picture_not_older_and_then_the_latest),
		cmocka_unit_test(without_pictures_by_watch_there_are_lists_in_pages),
		cmocka_unit_test(a_server_that_knows_no_pictures_by_watch_and_does_not_say_so),
		cmocka_unit_test(a_list_that_is_cut_begins_anew_and_takes_nothing_away),
		cmocka_unit_test(who_is_told_to_wait_waits),
		cmocka_unit_test(a_missing_right_is_named_and_believed_after_a_while),
		cmocka_unit_test(a_kind_is_absent_when_that_was_said_twice),
		cmocka_unit_test(credentials_are_tried_once_more_at_once),
		cmocka_unit_test(what_cannot_be_understood_is_given_up),
		cmocka_unit_test(a_stream_that_should_have_ended_is_dead),
		cmocka_unit_test(who_has_failed_is_asked_again_at_once_when_hurried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
