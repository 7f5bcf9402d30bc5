// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * kube/kube_frame: frames come back as they were sent, one octet at a time; what is none is
 * refused. kube/kube_link, too: when a silent connection is asked, and when it is dead.
 */
#include "kube/kube_frame.h"
#include "kube/kube_link.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static struct kube_text text(const char *t)
{
	return (struct kube_text){.text = t, .len = strlen(t)};
}

static void assert_text(const struct kube_text *a, const struct kube_text *b)
{
	assert_int_equal(a->len, b->len);
	if (a->len)
		assert_memory_equal(a->text, b->text, a->len);
}

static void frames_come_back_as_they_were_sent(void **state)
{
	const struct kube_frame frames[] = {
		{.type = KUBE_FRAME_HELLO,
		 .version = KUBE_FEED_VERSION,
		 .kinds = {text("Node"), text("Service")},
		 .n_kinds = 2},
		{.type = KUBE_FRAME_PUT,
		 .kind = 1,
		 .ns = text("shop"),
		 .name = text("web"),
		 .text = text("{}")},
		{.type = KUBE_FRAME_GONE, .kind = 31, .ns = text(""), .name = text("n")},
		{.type = KUBE_FRAME_COMPLETE, .kind = 0},
		{.type = KUBE_FRAME_STATE, .kind = 2, .state = 3, .text = text("no right")},
		{.type = KUBE_FRAME_HOLDER, .is_holder = true},
		{.type = KUBE_FRAME_WISH,
		 .wish = KUBE_WISH_EVENT,
		 .seen = UINT64_C(0x123456789abcdef0),
		 .ns = text("shop"),
		 .name = text("web"),
		 .text = text("{}")},
		{.type = KUBE_FRAME_REPORT,
		 .report = KUBE_REPORT_ALLOCATOR,
		 .ns = text("metallb-system"),
		 .name = text("controller"),
		 .text = text("{}")},
		{.type = KUBE_FRAME_REPORT, .report = KUBE_REPORT_SERVICE, .name = text("bgp-1")},
		{.type = KUBE_FRAME_REPORTED},
		{.type = KUBE_FRAME_ALLOCATOR, .is_holder = false, .text = text("no right")},
	};
	struct strbuf out;
	size_t at = 0, taken;

	(void)state;
	strbuf_init(&out, 4096);
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++)
		kube_frame_encode(&out, &frames[i]);
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
		struct kube_frame f;
		size_t len = 0;

		while (kube_frame_decode(out.data + at, len, &f, &taken) == KUBE_DECODED_MORE)
			len++;
		assert_int_equal(kube_frame_decode(out.data + at, len, &f, &taken), KUBE_DECODED);
		assert_int_equal(taken, len);
		assert_int_equal(f.type, frames[i].type);
		assert_int_equal(f.version, frames[i].version);
		assert_int_equal(f.n_kinds, frames[i].n_kinds);
		for (size_t k = 0; k < f.n_kinds; k++)
			assert_text(&f.kinds[k], &frames[i].kinds[k]);
		assert_int_equal(f.kind, frames[i].kind);
		assert_int_equal(f.state, frames[i].state);
		assert_int_equal(f.is_holder, frames[i].is_holder);
		assert_int_equal(f.wish, frames[i].wish);
		assert_int_equal(f.report, frames[i].report);
		assert_true(f.seen == frames[i].seen);
		assert_text(&f.ns, &frames[i].ns);
		assert_text(&f.name, &frames[i].name);
		assert_text(&f.text, &frames[i].text);
		at += taken;
	}
	assert_int_equal(at, out.len);
	strbuf_done(&out);
}

static void what_is_no_frame_is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum kube_decoded is;
	} cases[] = {
		{"\0\0\0\0", 4, KUBE_DECODED_BAD},                /* no type */
		{"\xff\xff\xff\xff", 4, KUBE_DECODED_BAD},        /* longer than any */
		{"\0\0\0\1\4", 5, KUBE_DECODED_BAD},              /* complete, of no kind */
		{"\0\0\0\2\4\x20", 6, KUBE_DECODED_BAD},          /* kind 32 */
		{"\0\0\0\3\4\1\1", 7, KUBE_DECODED_BAD},          /* something behind it */
		{"\0\0\0\5\3\1\0\0x", 9, KUBE_DECODED_BAD},       /* gone, without a name */
		{"\0\0\0\5\3\1\0\2x", 9, KUBE_DECODED_BAD},       /* a name that is cut */
		{"\0\0\0\5\3\1\0\1\0", 9, KUBE_DECODED_BAD},      /* NUL */
		{"\0\0\0\5\2\1\0\1x", 9, KUBE_DECODED_BAD},       /* put, without an object */
		{"\0\0\0\3\5\1\5", 7, KUBE_DECODED_BAD},          /* a state that is none */
		{"\0\0\0\7\1LSKG\0\1", 11, KUBE_DECODED_BAD},     /* another magic */
		{"\0\0\0\x08\1LSKF\0\1\4", 12, KUBE_DECODED_BAD}, /* a kind that is cut */
		{"\0\0\0\x08\1LSKF\0\2\4", 12, KUBE_DECODED},     /* of another version */
		{"\0\0\0\5\x08\0\0\1x", 9, KUBE_DECODED_BAD},     /* a report of nothing */
		{"\0\0\0\5\x08\x20\0\1x", 9, KUBE_DECODED_BAD},   /* ... of what there is not */
		{"\0\0\0\2\x09x", 6, KUBE_DECODED_BAD},           /* something behind it */
		{"\0\0\0\3\x20xy", 7, KUBE_DECODED_SKIP},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kube_frame f;
		size_t taken = 0;

		assert_int_equal(kube_frame_decode(cases[i].bytes, cases[i].len, &f, &taken),
				 cases[i].is);
		if (cases[i].is != KUBE_DECODED_BAD)
			assert_int_equal(taken, cases[i].len);
	}
}

static void a_silent_connection_is_asked_and_then_dead(void **state)
{
	struct kube_link l = {0};
	const nsec_t t = 100 * NSEC_PER_SEC;

	(void)state;
	kube_link_heard(&l, t);
	assert_int_equal(kube_link_poll(&l, t + KUBE_LINK_IDLE_NS - 1), KUBE_LINK_NOTHING);
	assert_int_equal(kube_link_poll(&l, kube_link_deadline(&l)), KUBE_LINK_PROBE);
	kube_link_probed(&l, t + KUBE_LINK_IDLE_NS);
	assert_int_equal(kube_link_poll(&l, t + KUBE_LINK_IDLE_NS), KUBE_LINK_NOTHING);
	assert_int_equal(kube_link_deadline(&l), t + 45 * NSEC_PER_SEC);
	assert_int_equal(kube_link_poll(&l, t + 45 * NSEC_PER_SEC), KUBE_LINK_DEAD);
	kube_link_heard(&l, t + 44 * NSEC_PER_SEC);
	assert_int_equal(kube_link_poll(&l, t + 45 * NSEC_PER_SEC), KUBE_LINK_NOTHING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_come_back_as_they_were_sent),
		cmocka_unit_test(what_is_no_frame_is_refused),
		cmocka_unit_test(a_silent_connection_is_asked_and_then_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
