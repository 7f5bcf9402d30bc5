// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * kube/kube_lease: what is asked for when, and when it is said that nobody holds it. That never two
 * do is for `make sim-kube`.
 */
#include "kube/kube_lease.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static int set_up(void **state);
static int tear_down(void **state);

static struct kube_lease lease;
static nsec_t now;

/* The next request, when it is time; true: it is a watch. */
static bool open_next(char target[static 256])
{
	struct kube_request request;
	bool is_stream;

	now = kube_lease_deadline(&lease) > now ? kube_lease_deadline(&lease) : now;
	kube_lease_tick(&lease, now);
	if (kube_lease_poll(&lease, now) == KUBE_ASK_CLOSE)
		kube_lease_notify(&lease, &(struct kube_note){.what = KUBE_NOTE_CLOSED}, now);
	now = kube_lease_deadline(&lease) > now ? kube_lease_deadline(&lease) : now;
	assert_int_equal(kube_lease_poll(&lease, now), KUBE_ASK_OPEN);
	kube_request_init(&request);
	kube_lease_transmit(&lease, &request, "2026-01-01T00:00:00.000000Z", now);
	is_stream = request.is_stream;
	(void)snprintf(target, 256, "%s", request.target.data);
	kube_request_done(&request);
	return is_stream;
}

static void head(int status)
{
	kube_lease_notify(&lease, &(struct kube_note){.what = KUBE_NOTE_HEAD, .status = status},
			  now);
}

static void body(const char *text)
{
	kube_lease_receive(&lease, text, strlen(text), now);
}

static void end(void)
{
	kube_lease_notify(&lease, &(struct kube_note){.what = KUBE_NOTE_END}, now);
}

static void event(const char *object)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "{\"type\":\"MODIFIED\",\"object\":%s}\n", object);
	body(text);
}

/* Whatever is asked for next is answered so; a watch says it, and ends two seconds later. */
static void answer(int status, const char *text)
{
	char target[256];
	const bool is_stream = open_next(target);

	head(status);
	if (is_stream && status == 200)
		event(text);
	else
		body(text);
	if (is_stream)
		now += 2 * NSEC_PER_SEC;
	end();
}

#define LEASE(version, holder)                                                                     \
	"{\"metadata\":{\"resourceVersion\":\"" version                                            \
	"\"},\"spec\":{\"holderIdentity\":\"" holder "\"}}"
#define NO "{\"message\":\"no right\"}"

static void nobody_may_create_it(void **state)
{
	const nsec_t until = now + 2 * KUBE_LEASE_NOBODY_NS;

	(void)state;
	assert_false(kube_lease_has_nobody(&lease, now));
	while (now < until) {
		answer(404, "{}");
		answer(403, NO);
	}
	assert_true(kube_lease_has_nobody(&lease, now));
	assert_non_null(strstr(lease.refused, "no right"));
	answer(404, "{}");
	answer(201, LEASE("1", "us"));
	assert_false(kube_lease_has_nobody(&lease, now));
}

static void one_that_is_renewed_is_held(void **state)
{
	static const char *const bodies[] = {LEASE("1", "another"), LEASE("2", "another")};
	const nsec_t until = now + 3 * KUBE_LEASE_NOBODY_NS;

	(void)state;
	for (int i = 0; now < until; i++) {
		answer(200, bodies[i % 2]);
		assert_false(kube_lease_has_nobody(&lease, now));
	}
}

/* Its holder is dead, and we may not take it. */
static void one_that_nobody_renews_is_not(void **state)
{
	const nsec_t until = now + 2 * KUBE_LEASE_NOBODY_NS;

	(void)state;
	while (now < until) {
		const bool is_look =
			lease.step == KUBE_LEASE_LOOK || lease.step == KUBE_LEASE_WATCH;

		answer(is_look ? 200 : 403, is_look ? LEASE("1", "another") : NO);
	}
	assert_true(kube_lease_has_nobody(&lease, now));
}

/* Who cannot look does not know, and whoever it is that has no right need not tell. */
static void who_cannot_look_does_not_know(void **state)
{
	const nsec_t until = now + 3 * KUBE_LEASE_NOBODY_NS;

	(void)state;
	while (now < until) {
		answer(403, NO);
		assert_false(kube_lease_has_nobody(&lease, now));
	}
}

/* A server that has just started refuses everybody; one that goes on is asked seldom. */
static void a_right_is_missed_for_good_only_after_a_while(void **state)
{
	const nsec_t begin = now;
	unsigned n = 0;

	(void)state;
	for (int i = 0; i < 4; i++)
		answer(403, NO);
	assert_in_range(now - begin, 0, 10 * NSEC_PER_SEC);
	answer(404, "{}");
	answer(201, LEASE("1", "us"));
	assert_true(kube_lease_is_held(&lease, now));
	tear_down(NULL);
	set_up(NULL);
	for (const nsec_t until = now + 600 * NSEC_PER_SEC; now < until; n++)
		answer(403, NO);
	assert_in_range(n, 17, 40);
}

/* Up to an open watch of a Lease that another has, in version 1. */
static void watch(void)
{
	char target[256];

	answer(200, LEASE("1", "another"));
	assert_true(open_next(target));
	assert_non_null(strstr(target,
			       "/namespaces/n/leases?watch=1&fieldSelector=metadata.name%3Dl"
			       "&resourceVersion=1&"));
	head(200);
}

static void assert_looks(void)
{
	char target[256];

	assert_false(open_next(target));
	assert_non_null(strstr(target, "/namespaces/n/leases/l?"));
	assert_int_equal(lease.step, KUBE_LEASE_LOOK);
	head(200);
}

static void who_waits_takes_it_when_it_is_given_back(void **state)
{
	nsec_t since;

	(void)state;
	lease.n_nodes = 1000;
	watch();
	since = now;
	for (int i = 0; i < 100; i++) {
		now += 2 * NSEC_PER_SEC;
		event(i % 2 ? LEASE("3", "another") : LEASE("2", "another"));
		assert_int_equal(kube_lease_poll(&lease, now), KUBE_ASK_NOTHING);
		assert_true(kube_lease_deadline(&lease) >= now + KUBE_LEASE_LASTS_NS);
	}
	assert_int_equal(now - since, 200 * NSEC_PER_SEC); /* without one request */
	event(LEASE("4", ""));
	since = now;
	assert_looks();
	assert_in_range(now - since, 0, 5 * NSEC_PER_SEC); /* by chance, of a thousand */
	body(LEASE("4", ""));
	end();
	assert_int_equal(lease.step, KUBE_LEASE_TAKE);
	answer(200, LEASE("5", "us"));
	assert_true(kube_lease_is_held(&lease, now));
}

/* Somebody was faster: then nothing is asked. */
static void who_hears_that_another_has_taken_it_goes_on_waiting(void **state)
{
	(void)state;
	lease.n_nodes = 1000;
	watch();
	event(LEASE("2", ""));
	event(LEASE("3", "a third"));
	assert_true(kube_lease_deadline(&lease) >= now + KUBE_LEASE_LASTS_NS);
}

/* Whether it has expired, or the watch has stalled, is found by looking; and where it has gone. */
static void a_watch_that_says_nothing_is_not_believed(void **state)
{
	static const char *const odd[] = {"{\"type\":\"DELETED\",\"object\":{}}\n",
					  "{\"type\":\"ERROR\",\"object\":{\"code\":410}}\n",
					  "{\"type\":\"MODIFIED\",\"object\":{}}\n", "[]}"};
	nsec_t since;

	(void)state;
	watch();
	since = now;
	assert_looks();
	assert_in_range(now - since, KUBE_LEASE_LASTS_NS, KUBE_LEASE_LASTS_NS + NSEC_PER_SEC);
	body(LEASE("2", "another"));
	end();
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		char target[256];

		assert_true(open_next(target));
		head(200);
		body(odd[i]);
		since = now;
		assert_looks();
		assert_int_equal(now, since);
		body(LEASE("2", "another"));
		end();
	}
}

static void who_may_not_watch_looks(void **state)
{
	const nsec_t until = now + 60 * NSEC_PER_SEC;
	char target[256], version[2] = "2";
	unsigned n = 0;

	(void)state;
	answer(200, LEASE("1", "another"));
	assert_true(open_next(target));
	head(403);
	body(NO);
	end();
	for (; now < until; n++) {
		char text[128];

		assert_looks();
		version[0] = (char)('1' + n % 2);
		(void)snprintf(text, sizeof(text),
			       "{\"metadata\":{\"resourceVersion\":\"%s\"},\"spec\":{"
			       "\"holderIdentity\":\"another\"}}",
			       version);
		body(text);
		end();
	}
	assert_in_range(n, 20, 32);
}

/* A server that ends each watch at once is not asked as often as it can answer. */
static void a_watch_that_ends_at_once_is_not_begun_at_once(void **state)
{
	const nsec_t since = now;
	char target[256];

	(void)state;
	for (int i = 0; i < 10; i++) {
		answer(200, i % 2 ? LEASE("1", "another") : LEASE("2", "another"));
		assert_true(open_next(target));
		head(200);
		end();
	}
	assert_true(now - since >= 9 * KUBE_LEASE_RETRY_NS);
}

static void who_leaves_watches_no_longer(void **state)
{
	(void)state;
	watch();
	kube_lease_leave(&lease, now);
	assert_int_equal(kube_lease_poll(&lease, now), KUBE_ASK_CLOSE);
	kube_lease_notify(&lease, &(struct kube_note){.what = KUBE_NOTE_CLOSED}, now);
	assert_true(kube_lease_is_left(&lease));
}

static int set_up(void **state)
{
	(void)state;
	now = 1000 * NSEC_PER_SEC;
	kube_lease_init(&lease, &(struct kube_lease_args){
					.ns = "n", .name = "l", .identity = "us", .seed = 1});
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	kube_lease_done(&lease);
	return 0;
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nobody_may_create_it),
		TEST(one_that_is_renewed_is_held),
		TEST(one_that_nobody_renews_is_not),
		TEST(who_cannot_look_does_not_know),
		TEST(a_right_is_missed_for_good_only_after_a_while),
		TEST(who_waits_takes_it_when_it_is_given_back),
		TEST(who_hears_that_another_has_taken_it_goes_on_waiting),
		TEST(a_watch_that_says_nothing_is_not_believed),
		TEST(who_may_not_watch_looks),
		TEST(a_watch_that_ends_at_once_is_not_begun_at_once),
		TEST(who_leaves_watches_no_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
