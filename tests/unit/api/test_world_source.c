// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/world_source: what an earlier run saved is a last good version like any other, until its
 * source says what has become of it; and what there is no room for costs nothing that is there.
 */
#include "api/world_source.h"

#include "api/text_pack.h"
#include "api/world.h"
#include "base/limits.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "unit/api/api_test.h"

#define NS(name) "apiVersion: v1\nkind: Namespace\nmetadata: {name: " name "}\n---\n"
#define NS_LABEL(name, l)                                                                          \
	"apiVersion: v1\nkind: Namespace\nmetadata: {name: " name ", labels: {l: " l "}}\n---\n"
#define NS_BAD(name) "apiVersion: v1\nkind: Namespace\nmetadata: {name: " name ", labels: 1}\n---\n"
#define BROKEN       "{[\n---\n"
#define ONE(name)    "{apiVersion: v1, kind: Namespace, metadata: {name: " name "}}"
#define TWO          "{apiVersion: v1, kind: List, items: [" ONE("x") ", " ONE("yy") "]}"

static void put(struct world *w, const char *source, const char *text)
{
	world_put_source(w, source, text, strlen(text));
}

static struct world *world_of(const char *source, const char *text)
{
	struct world *w = world_new();

	put(w, source, text);
	return w;
}

/* As a restart: what `old` would save becomes what the new world restores. */
static struct world *world_after_restart(const struct world *old)
{
	struct world *w = world_new();

	for (unsigned shard = 0; shard < WORLD_SHARDS; shard++) {
		struct world_place at = {0};
		const struct api_object *o;

		while ((o = world_shard_next(old, shard, &at))) {
			struct strbuf text;

			strbuf_init(&text, LIMIT_DOCUMENT_BYTES);
			api_text_unpack(&text, o->text, o->text_len);
			assert_true(world_restore(
				w, o->meta.file,
				&(struct world_document){text.data, text.len, o->meta.line}));
			strbuf_done(&text);
		}
		assert_true(world_shard_hash(w, shard) == world_shard_hash(old, shard));
	}
	return w;
}

/* The same, and the old world goes. */
static struct world *restarted(struct world *old)
{
	struct world *w = world_after_restart(old);

	world_free(old);
	return w;
}

/* "name=label" of all Namespaces, a "'" behind those of the earlier run. */
static void expect(const struct world *w, const char *want)
{
	struct world_list list = world_list(w, API_NAMESPACE);
	struct strbuf s;

	strbuf_init(&s, 1 << 20);
	strbuf_add(&s, "");
	for (size_t i = 0; i < list.n; i++) {
		const struct api_meta *m = &list.items[i]->meta;
		const char *label = labels_get(&m->labels, "l");

		strbuf_printf(&s, "%s%s%s%s%s", i ? " " : "", m->name, label ? "=" : "",
			      label ? label : "", list.items[i]->is_stale ? "'" : "");
	}
	assert_string_equal(s.data, want);
	strbuf_done(&s);
}

static void expect_problems(const struct world *w, const char *want)
{
	_cleanup_(freep) char *got = problems_text(world_problems(w));

	assert_string_equal(got, want);
}

static void expect_stale(const struct world *w, size_t objects, size_t sources)
{
	struct world_stale stale = world_stale(w);

	assert_int_equal(stale.objects, objects);
	assert_int_equal(stale.sources, sources);
}

static void an_earlier_runs_objects_are_in_force_until_their_source_is_seen(void **state)
{
	struct world *w = restarted(world_of("a", NS_LABEL("x", "one") NS("yy")));
	uint64_t before = world_generation(w);

	(void)state;
	expect(w, "x=one' yy'");
	expect_stale(w, 2, 1);
	expect_problems(w, "warning StaleSource -:0");
	assert_true(world_may_hide(w, API_SERVICE));
	assert_string_equal(world_find(w, API_NAMESPACE, "", "yy")->meta.file, "a");
	assert_int_equal(world_find(w, API_NAMESPACE, "", "yy")->meta.line, 5);
	put(w, "a", NS_LABEL("x", "one") NS("yy"));
	assert_true(world_generation(w) > before);
	expect(w, "x=one yy");
	expect_stale(w, 0, 0);
	expect_problems(w, "");
	assert_false(world_may_hide(w, API_SERVICE));
	world_free(w);
}

/* Whatever happens to a text in a running agent or between two runs: the same is in force. */
static void a_restart_and_a_running_agent_agree(void **state)
{
	static const char *const texts[] = {
		NS_LABEL("x", "one") NS("yy"),
		NS_LABEL("x", "two") NS("yy"),
		NS("yy"),
		NS_BAD("x") NS("yy"),
		NS_BAD("x"),
		NS_LABEL("x", "one") BROKEN,
		BROKEN,
		BROKEN NS_BAD("yy"),
		NS("q") BROKEN,
		"",
		"# nothing\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		for (size_t j = 0; j < ARRAY_SIZE(texts); j++) {
			struct world *running = world_of("a", texts[i]);
			struct world *anew = world_after_restart(running);

			put(running, "a", texts[j]);
			put(anew, "a", texts[j]);
			for (unsigned shard = 0; shard < WORLD_SHARDS; shard++)
				assert_true(world_shard_hash(running, shard) ==
					    world_shard_hash(anew, shard));
			world_free(running);
			world_free(anew);
		}
}

static void what_a_broken_text_does_not_name_stays_of_the_earlier_run(void **state)
{
	struct world *w = restarted(world_of("a", NS_LABEL("x", "one") NS("yy") NS("z")));

	(void)state;
	put(w, "a", NS_LABEL("x", "two") NS_BAD("yy") NS("z"));
	expect(w, "x=two yy' z");
	expect_stale(w, 1, 1);
	put(w, "a", NS_LABEL("x", "two") BROKEN);
	expect(w, "x=two yy' z");
	expect_problems(w, "error BadYAML line 5:5\nwarning StaleSource -:0\n"
			   "info LastGoodInForce -:5\ninfo LastGoodInForce -:9");
	assert_non_null(strstr(world_problems(w)->items[1].message, "the file does not say"));
	w = restarted(w); /* once more, and nothing is lost */
	expect(w, "x=two' yy' z'");
	put(w, "a", NS("z"));
	expect(w, "z");
	expect_stale(w, 0, 0);
	world_free(w);
}

/* In whatever order they are named. */
static void all_that_are_named_wrongly_keep_their_last_good_versions(void **state)
{
	struct world *w = world_of("a", NS("x") NS("yy") NS("z"));

	(void)state;
	put(w, "a", NS_BAD("z") NS_BAD("yy") NS_BAD("x"));
	expect(w, "x yy z");
	put(w, "a", NS_BAD("yy") NS_BAD("z") NS_BAD("x"));
	expect(w, "x yy z");
	world_free(w);
}

static void a_source_that_is_dropped_takes_its_objects_with_it(void **state)
{
	struct world *w = world_of("a", NS("x"));

	(void)state;
	put(w, "b", NS("yy"));
	w = restarted(w);
	world_source_problem(w, "a", "Unreadable", "permission denied", "chmod it");
	expect(w, "x' yy'");
	expect_stale(w, 2, 2);
	world_drop_source(w, "a");
	expect(w, "yy'");
	expect_stale(w, 1, 1);
	world_free(w);
}

static void what_is_no_object_is_not_restored(void **state)
{
	static const char *const texts[] = {
		"{[",
		"",
		"a: b",
		"{apiVersion: v1, kind: Namespace, metadata: {name: x, labels: 1}}",
		"{apiVersion: v1, kind: Pod, metadata: {name: x}}",
		TWO,
	};
	struct world *w = world_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const struct world_document text = {texts[i], strlen(texts[i]), 1};

		assert_false(world_restore(w, "a", &text));
	}
	expect(w, "");
	expect_problems(w, "");
	expect_stale(w, 0, 0);
	world_free(w);
}

static void of_many_such_sources_some_are_named_and_the_rest_counted(void **state)
{
	struct world *w = world_new();
	const struct problems *problems;
	size_t n_rest = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		char text[128], name[16];

		snprintf(name, sizeof(name), "f%03d", i);
		snprintf(text, sizeof(text), NS("n%d"), i);
		put(w, name, text);
	}
	w = restarted(w);
	expect_stale(w, 100, 100);
	problems = world_problems(w);
	assert_int_equal(problems->n, 32);
	for (size_t i = 0; i < problems->n; i++)
		n_rest +=
			strcmp(problems->items[i].message,
			       "here and in 68 more files 69 objects are those of an earlier run") ==
			0;
	assert_int_equal(n_rest, 1);
	world_free(w);
}

/* --- shards ---------------------------------------------------------------------------------- */

static size_t n_changed(const struct world *w, uint64_t hashes[WORLD_SHARDS])
{
	size_t n = 0;

	for (unsigned i = 0; i < WORLD_SHARDS; i++) {
		n += hashes[i] != world_shard_hash(w, i);
		hashes[i] = world_shard_hash(w, i);
	}
	return n;
}

static void a_change_of_one_source_changes_one_shard(void **state)
{
	uint64_t hashes[WORLD_SHARDS] = {0};
	struct world *w = world_new();

	(void)state;
	assert_int_equal(n_changed(w, hashes), 0);
	put(w, "a", NS_LABEL("x", "one"));
	assert_int_equal(n_changed(w, hashes), 1);
	put(w, "b", "# nothing to save\n");
	assert_int_equal(n_changed(w, hashes), 0);
	put(w, "a", NS_LABEL("x", "two"));
	assert_int_equal(n_changed(w, hashes), 1);
	put(w, "a", "\n" NS_LABEL("x", "two")); /* the line is saved, too */
	assert_int_equal(n_changed(w, hashes), 1);
	put(w, "a", "\n" NS_LABEL("x", "two") BROKEN);
	assert_int_equal(n_changed(w, hashes), 0);
	world_drop_source(w, "a");
	assert_int_equal(n_changed(w, hashes), 1);
	for (unsigned i = 0; i < WORLD_SHARDS; i++)
		assert_true(hashes[i] == 0);
	world_free(w);
}

static void sources_are_spread_over_the_shards(void **state)
{
	uint64_t hashes[WORLD_SHARDS] = {0};
	struct world *w = world_new();

	(void)state;
	for (int i = 0; i < 2000; i++) {
		char text[128], name[32];

		snprintf(name, sizeof(name), "/etc/lodestone/%d.yaml", i);
		snprintf(text, sizeof(text), NS("n%d"), i);
		put(w, name, text);
	}
	assert_in_range(n_changed(w, hashes), WORLD_SHARDS * 9 / 10, WORLD_SHARDS);
	for (int i = 0; i < 2000; i += 2) {
		char name[32];

		snprintf(name, sizeof(name), "/etc/lodestone/%d.yaml", i);
		world_drop_source(w, name);
	}
	assert_int_equal(world_list(w, API_NAMESPACE).n, 1000);
	for (int i = 0; i < 2000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(world_find(w, API_NAMESPACE, "", name) != NULL, i % 2);
	}
	world_free(w);
}

/* --- room ------------------------------------------------------------------------------------ */

static void without_room_what_is_new_is_left_out_and_what_was_there_stays(void **state)
{
	struct world *w = world_of("a", NS_LABEL("m", "one"));

	(void)state;
	world_limit_objects(w, 3);
	put(w, "b", NS("z") NS("yy") NS("x"));
	expect(w, "m=one x yy");
	expect_problems(w, "error TooManyObjects -:0");
	assert_true(world_may_hide(w, API_SERVICE));
	assert_false(world_has_room_again(w));
	put(w, "a",
	    NS("a") NS_LABEL("m", "two")); /* the old one changes, the new one has no room */
	expect(w, "m=two x yy");
	put(w, "b", NS("z") NS("yy") NS("x") NS("w")); /* new ones do not push old ones out */
	expect(w, "m=two x yy");
	assert_string_equal(world_problems(w)->items[1].message,
			    "2 of its objects are left out: the agent holds as many as it may");
	put(w, "b", NS_BAD("yy") NS("z"));
	expect(w, "m=two yy z");
	put(w, "a", "");
	assert_false(world_has_room_again(w));
	put(w, "b", NS("z") NS("yy") NS("x") NS("w"));
	expect(w, "w yy z");
	world_limit_objects(w, 4);
	assert_true(world_has_room_again(w));
	put(w, "b", NS("z") NS("yy") NS("x") NS("w")); /* the same text is looked at again */
	expect(w, "w x yy z");
	assert_false(world_has_room_again(w));
	expect_problems(w, "");
	world_free(w);
}

static void a_source_that_is_dropped_gives_its_room_back(void **state)
{
	struct world *w = world_of("a", NS("a") NS("b"));

	(void)state;
	world_limit_objects(w, 2);
	world_drop_source(w, "a");
	put(w, "b", NS("x") NS("z"));
	expect(w, "x z");
	expect_problems(w, "");
	world_free(w);
}

/* Last good versions stand where they belong among the others, so what was there is recognised. */
static void what_was_there_is_known_beside_last_good_versions(void **state)
{
	struct world *w = world_of("a", NS("b") NS("u") NS("z"));

	(void)state;
	world_limit_objects(w, 3);
	put(w, "a", NS("b") NS_BAD("u") NS_BAD("z"));
	put(w, "a", NS("a") NS("b") NS_BAD("u") NS_BAD("z"));
	expect(w, "b u z");
	world_free(w);
}

static void an_earlier_runs_objects_hold_their_places(void **state)
{
	struct world *w = restarted(world_of("b", NS("x") NS("yy")));

	(void)state;
	world_limit_objects(w, 2);
	put(w, "a", NS("a"));
	expect(w, "x' yy'");
	put(w, "b", NS("yy"));
	expect(w, "yy");
	assert_true(world_has_room_again(w));
	put(w, "a", NS("a"));
	expect(w, "a yy");
	world_free(w);
}

/* Never more than there is room for, and nothing that a text still names is lost. */
static void room_is_kept_whatever_comes(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3);
	for (int run = 0; run < 40; run++) {
		size_t max = 1 + rng_below(&rng, 12);
		struct world *w = world_new();

		world_limit_objects(w, max);
		for (int step = 0; step < 60; step++) {
			_cleanup_(arena_freep) struct arena *arena = arena_new();
			char name[2] = {(char)('a' + rng_below(&rng, 4))};
			char *text = arena_strdup(arena, "");

			if (rng_below(&rng, 8) == 0) {
				world_drop_source(w, name);
				continue;
			}
			for (unsigned n = 0; n < 6; n++)
				if (rng_below(&rng, 2))
					text = arena_printf(arena, "%s" NS("%s%u"), text, name, n);
			if (rng_below(&rng, 4) == 0)
				text = arena_printf(arena, "%s%s", text, BROKEN);
			put(w, name, text);
			assert_true(world_list(w, API_NAMESPACE).n <= max);
		}
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_earlier_runs_objects_are_in_force_until_their_source_is_seen),
		cmocka_unit_test(a_restart_and_a_running_agent_agree),
		cmocka_unit_test(what_a_broken_text_does_not_name_stays_of_the_earlier_run),
		cmocka_unit_test(all_that_are_named_wrongly_keep_their_last_good_versions),
		cmocka_unit_test(a_source_that_is_dropped_takes_its_objects_with_it),
		cmocka_unit_test(what_is_no_object_is_not_restored),
		cmocka_unit_test(of_many_such_sources_some_are_named_and_the_rest_counted),
		cmocka_unit_test(a_change_of_one_source_changes_one_shard),
		cmocka_unit_test(sources_are_spread_over_the_shards),
		cmocka_unit_test(without_room_what_is_new_is_left_out_and_what_was_there_stays),
		cmocka_unit_test(a_source_that_is_dropped_gives_its_room_back),
		cmocka_unit_test(what_was_there_is_known_beside_last_good_versions),
		cmocka_unit_test(an_earlier_runs_objects_hold_their_places),
		cmocka_unit_test(room_is_kept_whatever_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
