// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * kube/kube_store and kube/kube_feed against a naive model: random puts, removals and pictures, and
 * an agent that is told some of it now and then, begins anew, and in the end knows what is there.
 */
#include "base/rng.h"
#include "kube/kube_feed.h"
#include "kube/kube_store.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#define NAMES 6
#define KINDS 2

static const enum kube_kind kinds[KINDS] = {KUBE_SERVICE, KUBE_NODE};

static void put(struct kube_store *s, enum kube_kind kind, const char *ns, const char *name,
		const char *text, bool is_change)
{
	assert_int_equal(kube_store_put(s, kind,
					&(struct kube_put){.ns = ns,
							   .name = name,
							   .text = xstrdup(text),
							   .len = strlen(text)}),
			 is_change);
}

static void assert_told(struct kube_store *s, const char *name, const char *text)
{
	struct kube_change c;

	assert_true(kube_store_tell(s, &c));
	assert_string_equal(c.name, name);
	if (text)
		assert_string_equal(c.text, text);
	else
		assert_null(c.text);
}

static void only_the_last_version_is_told(void **state)
{
	struct kube_store *s = kube_store_new();
	struct kube_change c;

	(void)state;
	put(s, KUBE_SERVICE, "a", "x", "1", true);
	put(s, KUBE_SERVICE, "a", "y", "1", true);
	put(s, KUBE_SERVICE, "a", "x", "2", true);
	put(s, KUBE_SERVICE, "a", "x", "2", false);
	assert_int_equal(kube_store_untold(s, KUBE_SERVICE), 2);
	assert_told(s, "x", "2");
	assert_told(s, "y", "1");
	assert_false(kube_store_tell(s, &c));
	put(s, KUBE_SERVICE, "a", "x", "2", false);
	assert_false(kube_store_tell(s, &c));
	kube_store_free(s);
}

static void what_the_agent_never_heard_of_goes_without_a_word(void **state)
{
	struct kube_store *s = kube_store_new();
	struct kube_change c;

	(void)state;
	put(s, KUBE_SERVICE, "a", "x", "1", true);
	kube_store_remove(s, KUBE_SERVICE, "a", "x");
	assert_false(kube_store_tell(s, &c));
	put(s, KUBE_SERVICE, "a", "x", "1", true);
	assert_told(s, "x", "1");
	kube_store_remove(s, KUBE_SERVICE, "a", "x");
	kube_store_remove(s, KUBE_SERVICE, "a", "x");
	assert_told(s, "x", NULL);
	assert_false(kube_store_tell(s, &c));
	assert_int_equal(kube_store_count(s, KUBE_SERVICE), 0);
	kube_store_free(s);
}

static void a_picture_takes_away_what_it_does_not_hold_once_it_is_complete(void **state)
{
	struct kube_store *s = kube_store_new();
	struct kube_change c;

	(void)state;
	kube_store_begin(s, KUBE_SERVICE);
	put(s, KUBE_SERVICE, "a", "x", "1", true);
	put(s, KUBE_SERVICE, "a", "y", "1", true);
	put(s, KUBE_NODE, "", "x", "1", true);
	assert_false(kube_store_is_complete(s, KUBE_SERVICE));
	kube_store_end(s, KUBE_SERVICE);
	assert_true(kube_store_is_complete(s, KUBE_SERVICE));
	while (kube_store_tell(s, &c))
		;
	kube_store_begin(s, KUBE_SERVICE); /* given up */
	kube_store_begin(s, KUBE_SERVICE);
	put(s, KUBE_SERVICE, "a", "y", "1", false);
	assert_false(kube_store_tell(s, &c));
	kube_store_end(s, KUBE_SERVICE);
	assert_told(s, "x", NULL);
	assert_false(kube_store_tell(s, &c));
	assert_int_equal(kube_store_count(s, KUBE_NODE), 1);
	kube_store_free(s);
}

/* --- against the model ------------------------------------------------------------------------ */

struct model {
	int is[KINDS][NAMES];    /* version; 0: not there */
	int known[KINDS][NAMES]; /* to the agent */
	bool is_seen[KINDS][NAMES];
	bool is_complete[KINDS];
	bool is_holder;    /* as the agent was told, */
	unsigned n_holder; /* so often */
};

static void name_of(int i, char name[8])
{
	(void)snprintf(name, 8, "o%d", i);
}

static void change(struct kube_store *s, struct model *m, unsigned kind, int i, int version)
{
	char name[8], text[16];

	name_of(i, name);
	(void)snprintf(text, sizeof(text), "%d", version);
	if (version)
		put(s, kinds[kind], "ns", name, text, version != m->is[kind][i]);
	else
		kube_store_remove(s, kinds[kind], "ns", name);
	m->is[kind][i] = version;
}

static void take(struct model *m, const struct kube_frame *f)
{
	const unsigned kind = f->kind == kinds[1];
	const int i = f->name.len ? f->name.text[1] - '0' : 0;

	switch (f->type) {
	case KUBE_FRAME_PUT:
		m->known[kind][i] = (int)strtol(f->text.text, NULL, 10);
		m->is_seen[kind][i] = true;
		break;
	case KUBE_FRAME_GONE:
		assert_true(m->known[kind][i]);
		m->known[kind][i] = 0;
		break;
	case KUBE_FRAME_COMPLETE:
		for (int k = 0; k < NAMES; k++)
			if (!m->is_seen[kind][k])
				m->known[kind][k] = 0;
		m->is_complete[kind] = true;
		break;
	case KUBE_FRAME_HOLDER:
		assert_true(m->is_holder != f->is_holder);
		m->is_holder = f->is_holder;
		m->n_holder++;
		break;
	case KUBE_FRAME_HELLO:
	case KUBE_FRAME_STATE:
	case KUBE_FRAME_WISH:
	case KUBE_FRAME_REPORT:
	case KUBE_FRAME_REPORTED:
	case KUBE_FRAME_ALLOCATOR:
		break;
	}
}

static void tell(struct kube_feed *feed, struct model *m, size_t bytes)
{
	struct kube_frame f;
	struct strbuf out;
	size_t at = 0, taken;

	strbuf_init(&out, 1 << 20);
	kube_feed_transmit(feed, &out, bytes);
	strbuf_add_len(&out, "", 1); /* so that there is always a NUL behind a number */
	while (at < out.len - 1) {
		assert_int_equal(kube_frame_decode(out.data + at, out.len - 1 - at, &f, &taken),
				 KUBE_DECODED);
		take(m, &f);
		at += taken;
	}
	strbuf_done(&out);
}

static void connect_again(struct kube_feed *feed, struct kube_store *s, struct model *m)
{
	memset(m->is_seen, 0, sizeof(m->is_seen));
	memset(m->is_complete, 0, sizeof(m->is_complete));
	kube_feed_begin(feed, s);
}

static void picture(struct kube_store *s, struct model *m, unsigned kind, struct rng *rng)
{
	const bool is_given_up = rng_below(rng, 3) == 0;

	kube_store_begin(s, kinds[kind]);
	for (int i = 0; i < NAMES; i++) {
		const bool stays = rng_below(rng, 3) > 0;

		if (stays && m->is[kind][i])
			change(s, m, kind, i, (int)rng_below(rng, 4) + 1);
		else if (!is_given_up)
			m->is[kind][i] = 0;
	}
	if (!is_given_up)
		kube_store_end(s, kinds[kind]);
}

static void the_agent_ends_up_knowing_what_is_there(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct kube_store *s = kube_store_new();
		struct kube_feed feed = {0};
		struct model m = {0};
		struct rng rng;

		rng_seed(&rng, seed);
		connect_again(&feed, s, &m);
		for (int i = 0; i < 200; i++) {
			const unsigned kind = (unsigned)rng_below(&rng, KINDS);

			switch (rng_below(&rng, 10)) {
			case 0:
				connect_again(&feed, s, &m);
				break;
			case 1:
				picture(s, &m, kind, &rng);
				break;
			case 2:
			case 3:
				tell(&feed, &m, rng_below(&rng, 200));
				break;
			default:
				change(s, &m, kind, (int)rng_below(&rng, NAMES),
				       (int)rng_below(&rng, 4));
			}
		}
		/* A complete one, since the last may have been given up. */
		for (unsigned k = 0; k < KINDS; k++) {
			kube_store_begin(s, kinds[k]);
			for (int i = 0; i < NAMES; i++)
				if (m.is[k][i])
					change(s, &m, k, i, m.is[k][i]);
			kube_store_end(s, kinds[k]);
		}
		while (kube_feed_is_due(&feed))
			tell(&feed, &m, 64);
		for (unsigned k = 0; k < KINDS; k++) {
			assert_true(m.is_complete[k]);
			for (int i = 0; i < NAMES; i++)
				assert_int_equal(m.known[k][i], m.is[k][i]);
		}
		kube_store_free(s);
	}
}

/* Once it knows all Services; and of a loss also where it was short. */
static void whether_it_is_to_say_who_has_what_is_told_once_each_time(void **state)
{
	struct kube_store *s = kube_store_new();
	struct kube_feed feed = {0};
	struct model m = {0};

	(void)state;
	put(s, KUBE_SERVICE, "a", "s1", "1", true);
	kube_feed_begin(&feed, s);
	kube_feed_hold(&feed, true);
	tell(&feed, &m, 0);
	assert_int_equal(m.n_holder, 0);
	for (unsigned i = 0; i < 2; i++) {
		tell(&feed, &m, 1000);
		assert_int_equal(m.n_holder, 1);
		assert_false(kube_feed_is_due(&feed));
	}
	kube_feed_hold(&feed, false);
	kube_feed_hold(&feed, true);
	assert_true(kube_feed_is_due(&feed));
	tell(&feed, &m, 1000);
	assert_int_equal(m.n_holder, 3);
	assert_false(kube_feed_is_due(&feed));
	kube_feed_hold(&feed, false);
	tell(&feed, &m, 1000);
	assert_int_equal(m.n_holder, 4);
	assert_false(m.is_holder);
	kube_feed_begin(&feed, s); /* to another one, which was told nothing */
	m = (struct model){0};
	kube_feed_hold(&feed, false);
	tell(&feed, &m, 1000);
	assert_int_equal(m.n_holder, 0);
	kube_store_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_last_version_is_told),
		cmocka_unit_test(what_the_agent_never_heard_of_goes_without_a_word),
		cmocka_unit_test(a_picture_takes_away_what_it_does_not_hold_once_it_is_complete),
		cmocka_unit_test(the_agent_ends_up_knowing_what_is_there),
		cmocka_unit_test(whether_it_is_to_say_who_has_what_is_told_once_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
