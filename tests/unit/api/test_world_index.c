// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/world_index: order of the lists, slices by Service, and the properties that the world does
 * not depend on the order in which its sources came, nor on when somebody looked at it.
 */
#include "api/world.h"

#include "base/hash.h"
#include "base/rng.h"
#include "unit/api/api_test.h"
#include "unit/rounds.h"

#include <inttypes.h>

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

#define N_STEPS 120

/* What was done to a world, so that another one can be brought to the same. */
struct step {
	enum { STEP_PUT, STEP_DROP, STEP_COMPLAIN } what;
	const char *source, *text;
};

/* Right, wrong or lost; of three kinds, some of one identity, some even on one line. */
static const char *random_document(struct arena *arena, struct rng *rng)
{
	const int name = (int)rng_below(rng, 6), value = (int)rng_below(rng, 3);

	switch (rng_below(rng, 9)) {
	case 8:
		return arena_printf(arena,
				    "apiVersion: v1\nkind: Endpoints\nmetadata: {name: s%d, "
				    "namespace: a}\n",
				    name);
	case 0:
		return arena_printf(arena, "kind: Service\nmetadata: {name: s%d", name);
	case 1:
		return arena_printf(arena,
				    "apiVersion: v1\nkind: Service\nmetadata: {name: s%d, "
				    "namespace: a}\nspec: {ports: [{port: x}]}\n",
				    name);
	case 2:
		return arena_printf(
			arena,
			"apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Namespace, "
			"metadata: {name: n%d}}, {apiVersion: v1, kind: Namespace, metadata: "
			"{name: n%d, labels: {l: v%d}}}]\n",
			name, value, value);
	case 3:
		return arena_printf(arena,
				    "apiVersion: v1\nkind: Service\nmetadata: {name: s%d, "
				    "namespace: a, labels: {l: v%d}}\n",
				    name, value);
	default:
		return arena_printf(
			arena,
			"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
			"addressType: IPv4\nmetadata: {name: e%d, namespace: a, labels: "
			"{kubernetes.io/service-name: s%d}}\n",
			name, value);
	}
}

static struct step random_step(struct arena *arena, struct rng *rng)
{
	struct step s = {.source = arena_printf(arena, "f%u", (unsigned)rng_below(rng, 7))};
	unsigned n = (unsigned)rng_below(rng, 5);

	s.what = (int)(rng_below(rng, 6) ? STEP_PUT : rng_below(rng, STEP_COMPLAIN + 1));
	if (rng_below(rng, 20) == 0)
		n = 90; /* so many that the index begins anew */
	s.text = "";
	for (unsigned i = 0; i < n; i++)
		s.text = arena_printf(arena, "%s---\n%s", s.text, random_document(arena, rng));
	return s;
}

static void take_step(struct world *w, const struct step *s)
{
	switch (s->what) {
	case STEP_DROP:
		world_drop_source(w, s->source);
		break;
	case STEP_COMPLAIN:
		world_source_problem(w, s->source, "Unreadable", "it is", "make it readable");
		break;
	case STEP_PUT:
		world_put_source(w, s->source, s->text, strlen(s->text));
		break;
	}
}

static void add_list(struct strbuf *s, struct world_list list)
{
	for (size_t i = 0; i < list.n; i++)
		strbuf_printf(s, "%s/%s %" PRIx64 " %s:%u\n", list.items[i]->meta.ns,
			      list.items[i]->meta.name, list.items[i]->hash,
			      list.items[i]->meta.file, list.items[i]->meta.line);
	strbuf_add(s, "\n");
}

/* All that can be seen of a world. */
static char *everything(const struct world *w)
{
	struct strbuf s;
	char *problems, name[16];

	strbuf_init(&s, 1 << 20);
	for (int kind = 0; kind < API_N_KINDS; kind++) {
		const struct world_list list = world_list(w, kind);

		add_list(&s, list);
		strbuf_printf(&s, "%d\n", world_may_hide(w, kind));
		for (size_t i = 0; i < list.n; i++)
			assert_ptr_equal(world_find(w, kind, list.items[i]->meta.ns,
						    list.items[i]->meta.name),
					 list.items[i]);
	}
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		add_list(&s, world_slices(w, "a", name));
	}
	problems = problems_text(world_problems(w));
	strbuf_add(&s, problems);
	free(problems);
	return s.data;
}

static void a_world_is_the_same_whenever_it_was_looked_at(void **state)
{
	for (uint64_t seed = 1; seed <= test_rounds(2); seed++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct step *steps = arena_array_of(arena, N_STEPS, struct step);
		struct world *watched = world_new();
		struct rng rng;

		(void)state;
		rng_seed(&rng, seed);
		for (int n = 0; n < N_STEPS; n++) {
			steps[n] = random_step(arena, &rng);
			take_step(watched, &steps[n]);
			if (n % 10 != 9) {
				free(everything(watched));
				continue;
			}
			struct world *fresh = world_new();
			for (int i = 0; i <= n; i++)
				take_step(fresh, &steps[i]);
			char *want = everything(fresh), *got = everything(watched);
			assert_string_equal(got, want);
			free(want);
			free(got);
			world_free(fresh);
		}
		world_free(watched);
	}
}

/* Of a Service: all that a fragment of a plan would be made from. */
struct seen {
	const struct api_object *service, *slices[8];
	bool endpoints;
};
/* ... by generation, and the kinds' lists by theirs. */
struct memory {
	struct seen *seen;
	uint64_t *generations;
	size_t n;
	uint64_t of_kind[API_N_KINDS], hash[API_N_KINDS];
};

static struct seen look_at(const struct world *w, const struct api_object *service)
{
	struct seen ret = {.service = service};
	const struct world_list slices = world_slices(w, "a", service->meta.name);

	assert_in_range(slices.n, 0, ARRAY_SIZE(ret.slices));
	for (size_t i = 0; i < slices.n; i++)
		ret.slices[i] = slices.items[i];
	ret.endpoints = world_find(w, API_ENDPOINTS, "a", service->meta.name);
	return ret;
}

static void assert_kinds(const struct world *w, struct memory *m)
{
	for (int kind = 0; kind < API_N_KINDS; kind++) {
		const struct world_list list = world_list(w, kind);
		const uint64_t hash =
			hash_bytes(HASH_INIT, list.items, list.n * sizeof(struct api_object *));

		if (m->of_kind[kind] == world_kind_generation(w, kind))
			assert_int_equal(m->hash[kind], hash);
		m->of_kind[kind] = world_kind_generation(w, kind);
		m->hash[kind] = hash;
	}
}

/* Whatever generation was there before stands for the same as then. */
static void assert_generations(const struct world *w, struct memory *m, struct arena *arena)
{
	const struct world_list list = world_list(w, API_SERVICE);
	const uint64_t *generations = world_service_generations(w);
	struct seen *seen = arena_array_of(arena, list.n, struct seen);

	for (size_t i = 0; i < list.n; i++) {
		seen[i] = look_at(w, list.items[i]);
		for (size_t k = 0; k < m->n; k++)
			if (m->generations[k] == generations[i])
				assert_memory_equal(&m->seen[k], &seen[i], sizeof(seen[i]));
	}
	m->seen = seen;
	m->generations = arena_memdup(arena, generations, list.n * sizeof(*generations));
	m->n = list.n;
	assert_kinds(w, m);
}

static void a_generation_stands_for_the_same_objects(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= test_rounds(2); seed++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct world *w = world_new();
		struct memory m = {0};
		struct rng rng;

		rng_seed(&rng, seed);
		for (int n = 0; n < 10 * N_STEPS; n++) {
			const struct step step = random_step(arena, &rng);

			take_step(w, &step);
			assert_generations(w, &m, arena);
		}
		world_free(w);
	}
}

/* An edit of one slice leaves the other Services', and the other kinds' generations. */
static void an_edit_renews_what_it_is_about(void **state)
{
	static const char services[] =
		"apiVersion: v1\nkind: Service\nmetadata: {name: p, namespace: a}\n---\n"
		"apiVersion: v1\nkind: Service\nmetadata: {name: q, namespace: a}\n";
	static const char other[] = SLICE("a", "x", "q");
	struct world *w = world_new();
	uint64_t p, q, kind, slices;

	(void)state;
	world_put_source(w, "services", services, strlen(services));
	p = world_service_generations(w)[0], q = world_service_generations(w)[1];
	kind = world_kind_generation(w, API_SERVICE);
	slices = world_kind_generation(w, API_ENDPOINT_SLICE);
	world_put_source(w, "slice", other, strlen(other));
	assert_true(world_service_generations(w)[0] == p);
	assert_true(world_service_generations(w)[1] != q);
	assert_true(world_kind_generation(w, API_SERVICE) == kind);
	assert_true(world_kind_generation(w, API_ENDPOINT_SLICE) != slices);
	world_free(w);
}

/* Text that is put again changes nothing, so whoever holds a view may go on. */
static void views_stay_while_nothing_changes(void **state)
{
	static const char text[] = SLICE("a", "x", "web") "kind: Service\nmetadata: {name: s";
	struct world *w = world_new();
	const struct problems *problems;
	const struct problem *first;
	struct world_list list;

	(void)state;
	world_put_source(w, "f", text, strlen(text));
	list = world_list(w, API_ENDPOINT_SLICE);
	problems = world_problems(w);
	first = problems->items;
	world_put_source(w, "f", text, strlen(text));
	world_drop_source(w, "unknown");
	assert_ptr_equal(world_list(w, API_ENDPOINT_SLICE).items, list.items);
	assert_ptr_equal(world_problems(w), problems);
	assert_ptr_equal(world_problems(w)->items, first);
	world_free(w);
}

/* Each keeps its own number while others come before and behind it, and go. */
static void generations_stay_with_their_services(void **state)
{
	enum { N = 64 };
	struct world *w = world_new();
	uint64_t of[N] = {0};
	bool there[N] = {false};
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3);
	(void)world_list(w, API_SERVICE);
	for (unsigned step = 0; step < 6 * N; step++) {
		const size_t i = step < N ? N - 1 - step : rng_below(&rng, N);
		char name[16], text[128];
		size_t n = 0;

		(void)snprintf(name, sizeof(name), "s%02zu", i);
		(void)snprintf(text, sizeof(text),
			       "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\n", name);
		there[i] = !there[i];
		if (there[i])
			world_put_source(w, name, text, strlen(text));
		else
			world_drop_source(w, name);
		for (size_t k = 0; k < N; k++) {
			const uint64_t *generations = world_service_generations(w);

			if (!there[k])
				continue;
			if (k == i)
				of[k] = generations[n];
			assert_int_equal(generations[n++], of[k]);
		}
		assert_int_equal(world_list(w, API_SERVICE).n, n);
	}
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generations_stay_with_their_services),
		cmocka_unit_test(slices_are_found_by_their_service),
		cmocka_unit_test(lists_are_sorted_by_namespace_then_name),
		cmocka_unit_test(the_world_does_not_depend_on_the_order_of_sources),
		cmocka_unit_test(a_world_is_the_same_whenever_it_was_looked_at),
		cmocka_unit_test(a_generation_stands_for_the_same_objects),
		cmocka_unit_test(an_edit_renews_what_it_is_about),
		cmocka_unit_test(views_stay_while_nothing_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
