// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/world_index: order of the lists, slices by Service, and the property that the world does not
 * depend on the order in which its sources came.
 */
#include "api/world.h"

#include "base/rng.h"
#include "unit/api/api_test.h"

#define SLICE(ns, name, service)                                                                   \
	"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n"                \
	"metadata: {namespace: " ns ", name: " name                                                \
	", labels: {kubernetes.io/service-name: " service "}}\n---\n"

static void assert_slices(const struct world *w, const char *ns, const char *service,
			  const char *want)
{
	struct world_list list = world_slices(w, ns, service);
	struct strbuf got;

	strbuf_init(&got, 4096);
	strbuf_add(&got, "");
	for (size_t i = 0; i < list.n; i++)
		strbuf_printf(&got, "%s ", list.items[i]->meta.name);
	assert_string_equal(got.data ? got.data : "", want);
	strbuf_done(&got);
}

static void slices_are_found_by_their_service(void **state)
{
	static const char text[] = SLICE("b", "s2", "web") SLICE("a", "s9", "web") SLICE(
		"b", "s1", "web") SLICE("b", "s3", "wea")
		SLICE("b", "s4",
		      "web2") "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n"
			      "metadata: {namespace: b, name: orphan}\n";
	struct world *w = world_new();

	(void)state;
	world_put_source(w, "x", text, strlen(text));
	assert_int_equal(world_list(w, API_ENDPOINT_SLICE).n, 6);
	assert_slices(w, "b", "web", "s1 s2 ");
	assert_slices(w, "a", "web", "s9 ");
	assert_slices(w, "b", "wea", "s3 ");
	assert_slices(w, "b", "", "");
	assert_slices(w, "c", "web", "");
	world_free(w);
}

static void lists_are_sorted_by_namespace_then_name(void **state)
{
	static const char text[] =
		"apiVersion: v1\nkind: Service\nmetadata: {name: b, namespace: \"y\"}\n"
		"---\n"
		"apiVersion: v1\nkind: Service\nmetadata: {name: c, namespace: x}\n"
		"---\n"
		"apiVersion: v1\nkind: Node\nmetadata: {name: a}\n"
		"---\n"
		"apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: \"y\"}\n";
	struct world *w = world_new();
	struct world_list list;

	(void)state;
	world_put_source(w, "x", text, strlen(text));
	list = world_list(w, API_SERVICE);
	assert_int_equal(list.n, 3);
	assert_string_equal(list.items[0]->meta.name, "c");
	assert_string_equal(list.items[1]->meta.name, "a");
	assert_string_equal(list.items[2]->meta.name, "b");
	assert_ptr_equal(world_find(w, API_SERVICE, "y", "b"), list.items[2]);
	assert_null(world_find(w, API_SERVICE, "x", "b"));
	assert_null(world_find(w, API_NODE, "x", "a"));
	world_free(w);
}

#define N_SOURCES 40
#define N_NAMES   12

/* A source with three objects whose names collide with those of other sources. */
static char *random_source(struct arena *arena, struct rng *rng)
{
	char *text = arena_strdup(arena, "");

	for (int i = 0; i < 3; i++)
		text = arena_printf(arena,
				    "%sapiVersion: v1\nkind: Namespace\n"
				    "metadata: {name: n%d, labels: {l: v%d}}\n---\n",
				    text, (int)rng_below(rng, N_NAMES), (int)rng_below(rng, 100));
	return text;
}

static char *world_text(const struct world *w)
{
	struct world_list list = world_list(w, API_NAMESPACE);
	char *problems = problems_text(world_problems(w));
	struct strbuf s;

	strbuf_init(&s, 1 << 20);
	for (size_t i = 0; i < list.n; i++)
		strbuf_printf(&s, "%s=%s@%s:%u\n", list.items[i]->meta.name,
			      labels_get(&list.items[i]->meta.labels, "l"),
			      list.items[i]->meta.file, list.items[i]->meta.line);
	strbuf_add(&s, problems);
	free(problems);
	return s.data;
}

static void the_world_does_not_depend_on_the_order_of_sources(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	char *texts[N_SOURCES], *names[N_SOURCES], *want;
	struct world *first = world_new();
	struct rng rng;

	(void)state;
	rng_seed(&rng, 7);
	for (int i = 0; i < N_SOURCES; i++) {
		texts[i] = random_source(arena, &rng);
		names[i] = arena_printf(arena, "s%02d", i);
		world_put_source(first, names[i], texts[i], strlen(texts[i]));
	}
	want = world_text(first);
	for (int round = 0; round < 20; round++) {
		struct world *w = world_new();
		char *got;

		for (size_t i = N_SOURCES - 1; i > 0; i--) {
			size_t j = rng_below(&rng, i + 1);
			char *text = texts[i], *name = names[i];

			texts[i] = texts[j], names[i] = names[j];
			texts[j] = text, names[j] = name;
		}
		world_put_source(w, "gone", texts[0], strlen(texts[0]));
		for (int i = 0; i < N_SOURCES; i++)
			world_put_source(w, names[i], texts[i], strlen(texts[i]));
		world_drop_source(w, "gone");
		got = world_text(w);
		assert_string_equal(got, want);
		free(got);
		world_free(w);
	}
	free(want);
	world_free(first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slices_are_found_by_their_service),
		cmocka_unit_test(lists_are_sorted_by_namespace_then_name),
		cmocka_unit_test(the_world_does_not_depend_on_the_order_of_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
