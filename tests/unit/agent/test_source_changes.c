// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * agent/source_changes: what is read in many turns comes into the world in one.
 */
#include "agent/source_changes.h"

#include "api/world.h"
#include "base/strbuf.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "sys/worker.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NAMESPACE(name) "{apiVersion: v1, kind: Namespace, metadata: {name: " name "}}"

static void put(struct world *w, const char *source, const char *text)
{
	world_put_source(w, source, text, strlen(text));
}

static void add(struct source_changes *c, struct world *w, enum watch_event event, const char *path,
		const char *text, nsec_t until)
{
	struct watch_file file = {.event = event, .path = path, .err = -EACCES};

	if (text) {
		file.text = xstrdup(text);
		file.len = strlen(text);
	}
	source_changes_add(c, w, &file, until);
	assert_null(file.text);
}

static char *many_namespaces(unsigned n)
{
	struct strbuf out;

	strbuf_init(&out, 64 << 20);
	for (unsigned i = 0; i < n; i++)
		strbuf_printf(&out, "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: n%u}\n",
			      i);
	return out.data;
}

static size_t namespaces(const struct world *w)
{
	return world_list(w, API_NAMESPACE).n;
}

static void what_is_read_in_turns_comes_at_once(void **state)
{
	_cleanup_(freep) char *many = many_namespaces(2000);
	struct source_changes c = {0};
	struct world *w = world_new();
	unsigned turns = 1;

	(void)state;
	put(w, "gone", NAMESPACE("x"));
	assert_int_equal(namespaces(w), 1);
	add(&c, w, WATCH_GONE, "gone", NULL, 0);
	add(&c, w, WATCH_CHANGED, "many", many, 0);
	while (!source_changes_read_on(&c, 0)) {
		assert_int_equal(namespaces(w), 1);
		turns++;
	}
	assert_true(turns > 3); /* of 100 KB, with no time at all */
	assert_int_equal(namespaces(w), 1);
	add(&c, w, WATCH_FAILED, "failed", NULL, 0);
	source_changes_apply(&c, w);
	assert_int_equal(namespaces(w), 2000);
	assert_int_equal(world_problems(w)->n, 1);
	assert_null(world_find(w, API_NAMESPACE, "", "x"));
	assert_true(source_changes_read_on(&c, 0));
	world_free(w);
}

/* With time enough a turn is all it takes. */
static void a_small_edit_is_read_in_the_turn_that_found_it(void **state)
{
	_cleanup_(freep) char *many = many_namespaces(2000);
	struct source_changes c = {0};
	struct world *w = world_new();

	(void)state;
	add(&c, w, WATCH_CHANGED, "many", many, NSEC_NEVER);
	assert_true(source_changes_read_on(&c, 0));
	source_changes_done(&c); /* given up: nothing has happened */
	assert_int_equal(namespaces(w), 0);
	world_free(w);
}

struct reader {
	struct loop *loop;
	struct worker *worker;
	unsigned n_read;
};

static void note_read(void *ctx)
{
	struct reader *r = ctx;

	r->n_read++;
	loop_stop(r->loop);
}

static nsec_t wait_a_while(void *ctx, nsec_t now)
{
	(void)ctx;
	return now + 10 * NSEC_PER_SEC;
}

/* Every second document is the one that was there, and is taken over from what the world holds. */
static char *other_namespaces(unsigned n)
{
	struct strbuf out;

	strbuf_init(&out, 64 << 20);
	for (unsigned i = 0; i < n; i++)
		strbuf_printf(&out, "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: n%u}\n",
			      i % 2 ? i : i + n);
	return out.data;
}

/* As when the agent ends meanwhile. */
static void what_was_not_read_to_its_end_can_be_dropped(void **state)
{
	_cleanup_(freep) char *many = many_namespaces(2000);
	struct source_changes c = {0};
	struct world *w = world_new();

	(void)state;
	add(&c, w, WATCH_CHANGED, "many", many, 0);
	assert_false(source_changes_read_on(&c, 0));
	source_changes_done(&c);
	assert_int_equal(c.n, 0);
	assert_int_equal(namespaces(w), 0);
	world_free(w);
}

/* While the helper reads, the world is read and others are put, as in any turn. */
static void a_large_text_is_the_helpers(void **state)
{
	_cleanup_(freep) char *many = many_namespaces(4000), *other = other_namespaces(4000);
	struct reader r = {.loop = loop_new()};
	struct source_changes c = {0};
	struct world *w = world_new();

	(void)state;
	r.worker = worker_new(r.loop);
	source_changes_use_helper(&c, r.worker, note_read, &r);
	put(w, "many", many);
	add(&c, w, WATCH_CHANGED, "small", NAMESPACE("x"), NSEC_NEVER);
	assert_false(c.is_away);
	add(&c, w, WATCH_CHANGED, "many", other, NSEC_NEVER);
	assert_true(c.is_away);
	assert_false(source_changes_read_on(&c, NSEC_NEVER));
	put(w, "beside", NAMESPACE("beside"));
	assert_non_null(world_find(w, API_NAMESPACE, "", "n2"));
	assert_int_equal(namespaces(w), 4001);
	assert_int_equal(loop_run(r.loop, wait_a_while, NULL), 0);
	assert_int_equal(r.n_read, 1);
	assert_false(c.is_away);
	assert_true(source_changes_read_on(&c, 0));
	source_changes_apply(&c, w);
	assert_int_equal(namespaces(w), 4002);
	assert_null(world_find(w, API_NAMESPACE, "", "n2"));
	assert_non_null(world_find(w, API_NAMESPACE, "", "n3"));
	assert_non_null(world_find(w, API_NAMESPACE, "", "n4002"));
	worker_free(r.worker);
	loop_free(r.loop);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read_in_turns_comes_at_once),
		cmocka_unit_test(a_small_edit_is_read_in_the_turn_that_found_it),
		cmocka_unit_test(what_was_not_read_to_its_end_can_be_dropped),
		cmocka_unit_test(a_large_text_is_the_helpers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
