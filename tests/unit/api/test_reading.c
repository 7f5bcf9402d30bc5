// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/reading, and what a source makes of it: whatever a text was before, a world that was put the
 * new one holds and says the same as one that never saw the old one; and an object whose words are
 * the same stays where it is.
 */
#include "api/reading.h"
#include "api/world.h"
#include "base/rng.h"
#include "unit/api/api_test.h"
#include "unit/rounds.h"

#define N_DOCS_MAX 14
#define N_NAMES    6
#define SOURCE     "a.yaml"

/* One document of the text: which object, in which words. */
struct doc {
	unsigned form, name, words, comments;
};
enum { NAMESPACE, COMMUNITY, LEGACY, FOREIGN, LIST, WRONG, LOST, N_FORMS };

struct text {
	struct doc docs[N_DOCS_MAX];
	size_t n;
};

static unsigned pick(struct rng *rng, unsigned n)
{
	return (unsigned)rng_below(rng, n);
}

static void print_doc(struct strbuf *out, const struct doc *d)
{
	for (unsigned i = 0; i < d->comments; i++)
		strbuf_add(out, "# a line\n");
	switch (d->form) {
	case NAMESPACE:
		strbuf_printf(out,
			      "apiVersion: v1\nkind: Namespace\nmetadata: {name: n%u, "
			      "labels: {l: w%u}}\n",
			      d->name, d->words);
		break;
	case COMMUNITY:
		strbuf_printf(out,
			      "apiVersion: metallb.io/v1beta1\nkind: Community\n"
			      "metadata: {name: c%u, namespace: m}\nspec:\n  communities:\n"
			      "  - {name: x, value: '1:%u'}\n",
			      d->name, d->words);
		break;
	case LEGACY: /* each has a note */
		strbuf_printf(out,
			      "apiVersion: v1\nkind: Service\nmetadata:\n  name: s%u\n"
			      "  annotations: {metallb.universe.tf/x: w%u}\n",
			      d->name, d->words);
		break;
	case FOREIGN:
		strbuf_printf(out, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d%u}\n",
			      d->name);
		break;
	case LIST:
		strbuf_printf(out,
			      "apiVersion: v1\nkind: List\nitems:\n"
			      "- {apiVersion: v1, kind: Namespace, metadata: {name: n%u}}\n"
			      "- {apiVersion: v1, kind: Namespace, metadata: {name: l%u, "
			      "labels: {l: w%u}}}\n",
			      d->name, d->name, d->words);
		break;
	case WRONG:
		strbuf_printf(out,
			      "apiVersion: v1\nkind: Namespace\n"
			      "metadata: {name: n%u, labels: 1}\n",
			      d->name);
		break;
	default:
		strbuf_add(out, "{[\n");
		break;
	}
}

static void put(struct world *w, const struct text *t)
{
	struct strbuf out;

	strbuf_init(&out, 1 << 20);
	for (size_t i = 0; i < t->n; i++) {
		strbuf_add(&out, "---\n");
		print_doc(&out, &t->docs[i]);
	}
	world_put_source(w, SOURCE, out.data ? out.data : "", out.len);
	strbuf_done(&out);
}

static struct doc random_doc(struct rng *rng, unsigned n_forms)
{
	return (struct doc){.form = pick(rng, n_forms),
			    .name = pick(rng, N_NAMES),
			    .words = pick(rng, 3),
			    .comments = pick(rng, 3)};
}

static void edit(struct rng *rng, struct text *t, unsigned n_forms)
{
	size_t at = t->n > 0 ? pick(rng, (unsigned)t->n) : 0;

	switch (pick(rng, 5)) {
	case 0: /* one more */
		if (t->n == N_DOCS_MAX)
			break;
		memmove(&t->docs[at + 1], &t->docs[at], (t->n - at) * sizeof(t->docs[0]));
		t->docs[at] = random_doc(rng, n_forms);
		t->n++;
		break;
	case 1: /* one less */
		if (t->n == 0)
			break;
		t->n--;
		memmove(&t->docs[at], &t->docs[at + 1], (t->n - at) * sizeof(t->docs[0]));
		break;
	case 2: /* two change places */
		if (t->n > 1) {
			const struct doc first = t->docs[at];

			t->docs[at] = t->docs[t->n - 1];
			t->docs[t->n - 1] = first;
		}
		break;
	case 3: /* other words */
		t->docs[at].words = pick(rng, 3);
		break;
	default: /* other lines */
		t->docs[at].comments = pick(rng, 3);
		break;
	}
}

/* All that there is to read of a world. */
static char *world_text(const struct world *w)
{
	struct strbuf out;

	strbuf_init(&out, 1 << 20);
	for (int kind = 0; kind < API_N_KINDS; kind++) {
		const struct world_list list = world_list(w, (enum api_kind)kind);

		for (size_t i = 0; i < list.n; i++) {
			const struct api_object *o = list.items[i];

			strbuf_printf(&out, "%s:%u %d %s\n", o->meta.file, o->meta.line,
				      o->is_stale, o->text);
		}
	}
	for (size_t i = 0; i < world_problems(w)->n; i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();

		strbuf_printf(&out, "%s\n", problem_line(arena, &world_problems(w)->items[i]));
	}
	strbuf_printf(&out, "%zu foreign, hash %lx\n", world_foreign(w),
		      (unsigned long)world_shard_hash(w, world_shard_of(SOURCE)));
	return out.data;
}

static void assert_same_worlds(const struct world *a, const struct world *b)
{
	_cleanup_(freep) char *x = world_text(a), *y = world_text(b);

	assert_string_equal(x, y);
}

/* With errors in it a world also holds what was right before, so only right texts are compared. */
static void what_was_before_makes_no_difference(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < test_rounds(50); seed++) {
		struct rng rng;
		struct world *w = world_new();
		struct text t = {0};

		rng_seed(&rng, seed);
		t.n = pick(&rng, N_DOCS_MAX);
		for (size_t i = 0; i < t.n; i++)
			t.docs[i] = random_doc(&rng, WRONG);
		for (int i = 0; i < 30; i++) {
			struct world *fresh = world_new();

			/* Sometimes the world was looked at before, so that it is kept up. */
			if (pick(&rng, 2) == 0)
				(void)world_problems(w);
			put(w, &t);
			put(fresh, &t);
			assert_same_worlds(w, fresh);
			world_free(fresh);
			for (unsigned k = pick(&rng, 3); k < 3; k++)
				edit(&rng, &t, WRONG);
		}
		world_free(w);
	}
}

/* Texts that are wrong come and go between; then nothing of them is left. */
static void errors_that_were_corrected_leave_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < test_rounds(50); seed++) {
		struct rng rng;
		struct world *w = world_new(), *fresh = world_new();
		struct text t = {0};

		rng_seed(&rng, seed);
		t.n = pick(&rng, N_DOCS_MAX);
		for (size_t i = 0; i < t.n; i++)
			t.docs[i] = random_doc(&rng, N_FORMS);
		for (int i = 0; i < 20; i++) {
			put(w, &t);
			(void)world_problems(w);
			edit(&rng, &t, N_FORMS);
		}
		for (size_t i = 0; i < t.n; i++)
			t.docs[i].form %= WRONG;
		put(w, &t);
		put(fresh, &t);
		assert_same_worlds(w, fresh);
		world_free(fresh);
		world_free(w);
	}
}

#define NS(name, more)                                                                             \
	"---\napiVersion: v1\nkind: Namespace\nmetadata: {name: " name ", labels: {" more "}}\n"

static void put_text(struct world *w, const char *text)
{
	world_put_source(w, SOURCE, text, strlen(text));
}

static const struct api_object *find(const struct world *w, const char *name)
{
	return world_find(w, API_NAMESPACE, "", name);
}

static void an_object_stays_where_its_words_do(void **state)
{
	struct world *w = world_new();
	const struct api_object *a, *c, *b;

	(void)state;
	put_text(w, NS("a", "x: k") NS("b", "x: k") NS("c", "x: k"));
	a = find(w, "a");
	b = find(w, "b");
	c = find(w, "c");
	assert_int_equal(c->meta.line, 10);

	/* The document between is another one, and longer; one is written otherwise. */
	put_text(w, NS("a", "x:   k") "# more\n" NS("b", "x: z") NS("c", "x: k"));
	assert_ptr_equal(find(w, "a"), a);
	assert_ptr_equal(find(w, "c"), c);
	assert_ptr_not_equal(find(w, "b"), b);
	assert_string_equal(labels_get(&find(w, "b")->meta.labels, "x"), "z");
	assert_int_equal(c->meta.line, 11);

	/* An item of a List, beside one that changed. */
	put_text(w, "apiVersion: v1\nkind: NamespaceList\nitems:\n- metadata: {name: a}\n"
		    "- metadata: {name: b}\n");
	a = find(w, "a");
	put_text(w, "apiVersion: v1\nkind: NamespaceList\nitems:\n- metadata: {name: b}\n\n"
		    "- metadata: {name: a}\n");
	assert_ptr_equal(find(w, "a"), a);
	assert_int_equal(a->meta.line, 6);
	world_free(w);
}

/* A document that has a problem is told in its new lines. */
static void problems_move_with_their_documents(void **state)
{
	struct world *w = world_new();
	const char *legacy = "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: s\n"
			     "  annotations: {metallb.universe.tf/x: k}\n";
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	unsigned line;

	(void)state;
	put_text(w, legacy);
	assert_int_equal(world_problems(w)->n, 1);
	line = world_problems(w)->items[0].line;
	put_text(w, arena_printf(arena, NS("a", "x: k") "%s", legacy));
	assert_int_equal(world_problems(w)->n, 1);
	assert_int_equal(world_problems(w)->items[0].line, line + 4);
	assert_int_equal(world_problems(w)->items[0].object.line, 6);
	world_free(w);
}

/* In pieces of any size it is the same; and until it is put, nothing is. */
static void a_text_may_be_read_in_pieces(void **state)
{
	static const char text[] = NS("a", "x: k") NS("b", "x: k") NS("c", "x: k");
	struct world *whole = world_new();

	(void)state;
	put_text(whole, text);
	for (size_t bytes = 1; bytes < 200; bytes += 7) {
		struct world *w = world_new();
		struct world_reading *r;
		size_t n = 1;

		put_text(w, NS("b", "x: k") NS("d", ""));
		r = world_read(w, SOURCE, text, strlen(text));
		while (!world_read_on(r, bytes))
			n++;
		assert_true(n >= 2 || bytes > 100);
		assert_non_null(find(w, "d"));
		assert_null(find(w, "a"));
		world_put(w, r);
		assert_same_worlds(w, whole);

		r = world_read(w, SOURCE, "", 0);
		assert_null(world_reading_free(r));
		assert_same_worlds(w, whole);
		world_free(w);
	}
	assert_null(world_reading_free(NULL));
	world_free(whole);
}

/* Many documents that go at once cost the others nothing but work. */
static void many_documents_may_go_at_once(void **state)
{
	struct world *w = world_new();
	struct strbuf text;
	const struct api_object *last;

	(void)state;
	strbuf_init(&text, 1 << 20);
	for (unsigned i = 0; i < 3000; i++)
		strbuf_printf(&text, NS("n%u", ""), i);
	put_text(w, text.data);
	last = find(w, "n2999");
	strbuf_done(&text);
	strbuf_init(&text, 1 << 20);
	for (unsigned i = 2000; i < 3000; i++)
		strbuf_printf(&text, NS("n%u", ""), i);
	put_text(w, text.data);
	strbuf_done(&text);
	assert_int_equal(world_list(w, API_NAMESPACE).n, 1000);
	assert_ptr_equal(find(w, "n2999"), last);
	world_free(w);
}

/* A document in the words of before is known, and what is not is decoded: by its length, too. */
static void what_is_known_is_not_decoded_again(void **state)
{
	static const char before[] = NS("a", "x: k") NS("b", "x: k") NS("c", "x: k");
	static const char after[] = NS("a", "x: k") NS("b", "x: kk") NS("c", "x: k");
	struct api_documents none = {0};
	struct api_reading first, second;

	(void)state;
	api_reading_init(&first, SOURCE, &none, before, strlen(before));
	assert_true(api_reading_go_on(&first, SIZE_MAX));
	assert_int_equal(first.n, 3);
	api_reading_init(&second, SOURCE, &first.documents, after, strlen(after));
	assert_true(api_reading_go_on(&second, SIZE_MAX));
	assert_int_equal(second.n, 1);
	assert_int_equal(second.n_old_of, 3);
	assert_int_equal(second.old_of[0], 0);
	assert_true(second.old_of[1] == API_DECODED);
	assert_int_equal(second.old_of[2], 2);
	api_reading_done(&second);
	api_reading_done(&first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_before_makes_no_difference),
		cmocka_unit_test(errors_that_were_corrected_leave_nothing),
		cmocka_unit_test(an_object_stays_where_its_words_do),
		cmocka_unit_test(what_is_known_is_not_decoded_again),
		cmocka_unit_test(problems_move_with_their_documents),
		cmocka_unit_test(a_text_may_be_read_in_pieces),
		cmocka_unit_test(many_documents_may_go_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
