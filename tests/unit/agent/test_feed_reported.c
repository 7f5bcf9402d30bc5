// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * agent/feed_reported.h: that all was reported is told once, and not before it was: the feeder
 * takes away what others reported then.
 */
#include "agent/feed_inside.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct bed {
	struct agent_feed feed; /* nothing of it but what is to be written */
	struct feed_reported *reported;
};

static int set_up(void **state)
{
	struct bed *b = xcalloc(1, sizeof(*b));

	strbuf_init(&b->feed.out, FEED_OUT_BYTES);
	b->reported = feed_reported_new();
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bed *b = *state;

	feed_reported_free(b->reported);
	strbuf_done(&b->feed.out);
	free(b);
	return 0;
}

static void report(struct bed *b, const char *name, const char *text)
{
	const struct feed_object o = {.what = KUBE_REPORT_SESSION, .ns = "ns", .name = name};

	feed_report(b->reported, &b->feed, &o, NULL, cJSON_CreateString(text));
}

/* A letter for each frame: r(eport), o(ver), A(ll); forgotten then. */
static const char *take(struct bed *b)
{
	static char ret[16];
	struct strbuf *out = &b->feed.out;
	size_t at = 0, n = 0, used;
	struct kube_frame frame;

	while (at < out->len) {
		assert_int_equal(kube_frame_decode(out->data + at, out->len - at, &frame, &used),
				 KUBE_DECODED);
		assert_in_range(n, 0, sizeof(ret) - 2);
		ret[n++] = frame.type == KUBE_FRAME_REPORTED ? 'A' : frame.text.len > 0 ? 'r' : 'o';
		at += used;
	}
	ret[n] = '\0';
	out->len = 0;
	return ret;
}

static void that_it_was_all_is_told_once(void **state)
{
	struct bed *b = *state;

	feed_reported_begin(b->reported);
	report(b, "a", "1");
	assert_false(feed_reported_end(b->reported, &b->feed, false)); /* there is more to come */
	assert_string_equal(take(b), "r");
	feed_reported_begin(b->reported);
	report(b, "a", "1");
	report(b, "b", "1");
	assert_true(feed_reported_end(b->reported, &b->feed, true));
	assert_string_equal(take(b), "rA");
	feed_reported_begin(b->reported);
	report(b, "a", "2");
	assert_true(feed_reported_end(b->reported, &b->feed, true));
	assert_string_equal(take(b), "ro");
	feed_reported_forget(b->reported);
	feed_reported_begin(b->reported);
	report(b, "a", "2");
	assert_true(feed_reported_end(b->reported, &b->feed, true));
	assert_string_equal(take(b), "rA");
}

static void nothing_is_all_while_there_is_no_room(void **state)
{
	struct bed *b = *state;

	for (int was_all = 0; was_all < 2; was_all++) {
		feed_reported_begin(b->reported);
		b->feed.out.len = FEED_OUT_BYTES;
		report(b, was_all ? "b" : "a", was_all ? "2" : "1");
		assert_false(feed_reported_end(b->reported, &b->feed, true));
		assert_int_equal(b->feed.out.len, FEED_OUT_BYTES);
		b->feed.out.len = 0;
		feed_reported_begin(b->reported);
		report(b, "a", "1");
		report(b, "b", "1");
		assert_true(feed_reported_end(b->reported, &b->feed, true));
		assert_string_equal(take(b), was_all ? "" : "rrA");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(that_it_was_all_is_told_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_is_all_while_there_is_no_room, set_up,
						tear_down),
	};

	return cmocka_run_group_tests_name("feed_reported", tests, NULL, NULL);
}
