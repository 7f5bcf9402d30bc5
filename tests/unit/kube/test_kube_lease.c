// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * kube/kube_lease: when it is said that nobody holds it. That never two do is for `make sim-kube`.
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

/* Whatever is asked for next is answered so. */
static void answer(int status, const char *body)
{
	const struct kube_note head = {.what = KUBE_NOTE_HEAD, .status = status};
	struct kube_request request;

	now = kube_lease_deadline(&lease) > now ? kube_lease_deadline(&lease) : now;
	kube_lease_tick(&lease, now);
	if (kube_lease_poll(&lease, now) != KUBE_ASK_OPEN)
		return;
	kube_request_init(&request);
	kube_lease_transmit(&lease, &request, "2026-01-01T00:00:00.000000Z", now);
	kube_request_done(&request);
	kube_lease_notify(&lease, &head, now);
	kube_lease_receive(&lease, body, strlen(body));
	kube_lease_notify(&lease, &(struct kube_note){.what = KUBE_NOTE_END}, now);
}

#define LEASE(version, holder)                                                                     \
	"{\"metadata\":{\"resourceVersion\":\"" version                                            \
	"\"},\"spec\":{\"holderIdentity\":\"" holder "\"}}"
#define NO "{\"message\":\"no right\"}"

static void nobody_may_create_it(void **state)
{
	const nsec_t end = now + 2 * KUBE_LEASE_NOBODY_NS;

	(void)state;
	assert_false(kube_lease_has_nobody(&lease, now));
	while (now < end) {
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
	const nsec_t end = now + 3 * KUBE_LEASE_NOBODY_NS;

	(void)state;
	for (int i = 0; now < end; i++) {
		answer(200, bodies[i % 2]);
		assert_false(kube_lease_has_nobody(&lease, now));
	}
}

/* Its holder is dead, and we may not take it. */
static void one_that_nobody_renews_is_not(void **state)
{
	const nsec_t end = now + 2 * KUBE_LEASE_NOBODY_NS;

	(void)state;
	while (now < end)
		answer(lease.step == KUBE_LEASE_LOOK ? 200 : 403,
		       lease.step == KUBE_LEASE_LOOK ? LEASE("1", "another") : NO);
	assert_true(kube_lease_has_nobody(&lease, now));
}

/* Who cannot look does not know, and whoever it is that has no right need not tell. */
static void who_cannot_look_does_not_know(void **state)
{
	const nsec_t end = now + 3 * KUBE_LEASE_NOBODY_NS;

	(void)state;
	while (now < end) {
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
	for (const nsec_t end = now + 600 * NSEC_PER_SEC; now < end; n++)
		answer(403, NO);
	assert_in_range(n, 17, 40);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
