// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * base/problem: lists own their text, sort as they are shown, drop doubles, and print the line of
 * --check.
 */
#include "base/problem.h"
#include "base/rng.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static const struct object_ref peer = {
	.kind = "BGPPeer",
	.ns = "metallb-system",
	.name = "tor-1",
	.uid = "u1",
	.file = "peers.yaml",
	.line = 12,
};

static void a_list_owns_copies_of_everything(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct problems list = {.arena = arena}, copy = {.arena = arena};
	char name[] = "tor-1", field[] = "spec.peerASN", file[] = "peers.yaml";
	struct object_ref ref = {.kind = "BGPPeer", .name = name, .file = file, .line = 3};
	struct problem_text text = {.field = field, .reason = "OutOfRange", .line = 9};

	(void)state;
	problem_add(&list, SEVERITY_ERROR, &ref, &text, "%d is not an ASN", -1);
	name[0] = field[0] = file[0] = 'X';
	problems_append(&copy, &list);
	list.items[0] = (struct problem){0};
	assert_int_equal(copy.n, 1);
	assert_int_equal(copy.items[0].severity, SEVERITY_ERROR);
	assert_string_equal(copy.items[0].object.kind, "BGPPeer");
	assert_string_equal(copy.items[0].object.name, "tor-1");
	assert_string_equal(copy.items[0].object.file, "peers.yaml");
	assert_null(copy.items[0].object.ns);
	assert_int_equal(copy.items[0].object.line, 3);
	assert_string_equal(copy.items[0].field, "spec.peerASN");
	assert_string_equal(copy.items[0].reason, "OutOfRange");
	assert_string_equal(copy.items[0].message, "-1 is not an ASN");
	assert_null(copy.items[0].remedy);
	assert_int_equal(copy.items[0].line, 9);
}

static void sorting_puts_errors_first_and_drops_doubles(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct problems list = {.arena = arena};
	struct object_ref later = peer, other = {.kind = "BGPPeer", .name = "tor-2"};

	(void)state;
	later.line = 99;
	problem_add(&list, SEVERITY_INFO, &peer, &(struct problem_text){.reason = "B"}, "m");
	problem_add(&list, SEVERITY_WARNING, NULL, &(struct problem_text){.reason = "A"}, "m");
	problem_add(&list, SEVERITY_ERROR, &later, &(struct problem_text){.reason = "A"}, "m");
	problem_add(&list, SEVERITY_ERROR, &peer, &(struct problem_text){.reason = "A"}, "m");
	problem_add(&list, SEVERITY_ERROR, &peer, &(struct problem_text){.reason = "A"}, "n");
	problem_add(&list, SEVERITY_ERROR, &other, &(struct problem_text){.reason = "A"}, "m");
	problem_add(&list, SEVERITY_ERROR, &peer, &(struct problem_text){"f", "A", NULL, 0}, "m");
	problems_sort(&list);

	assert_int_equal(list.n, 6);
	assert_int_equal(problems_count(&list, SEVERITY_ERROR), 4);
	assert_int_equal(problems_count(&list, SEVERITY_WARNING), 1);
	assert_int_equal(problems_count(&list, SEVERITY_INFO), 1);
	assert_null(list.items[0].object.ns); /* tor-2 has no namespace: before the others */
	assert_string_equal(list.items[1].message, "m");
	assert_int_equal(list.items[1].object.line, 12); /* of two equal ones the earlier line */
	assert_string_equal(list.items[2].message, "n");
	assert_string_equal(list.items[3].field, "f");
	assert_int_equal(list.items[4].severity, SEVERITY_WARNING);
	assert_int_equal(list.items[5].severity, SEVERITY_INFO);
}

static void sorting_nothing_is_harmless(void **state)
{
	struct problems list = {0};

	(void)state;
	problems_sort(&list);
	assert_int_equal(list.n, 0);
}

static void the_line_names_place_object_field_and_remedy(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct problem p = {
		.object = peer,
		.field = "spec.peerASN",
		.reason = "OutOfRange",
		.message = "70000000000 is not an ASN",
		.remedy = "use 1 to 4294967295",
		.line = 14,
	};

	(void)state;
	assert_string_equal(problem_line(arena, &p),
			    "peers.yaml:14: BGPPeer/tor-1: spec.peerASN: 70000000000 is not an "
			    "ASN; use 1 to 4294967295");
	p.line = 0;
	p.field = p.remedy = NULL;
	assert_string_equal(problem_line(arena, &p),
			    "peers.yaml:12: BGPPeer/tor-1: 70000000000 is not an ASN");
	p.object.line = 0;
	assert_string_equal(problem_line(arena, &p),
			    "peers.yaml: BGPPeer/tor-1: 70000000000 is not an ASN");
	p.object = (struct object_ref){0};
	assert_string_equal(problem_line(arena, &p), "70000000000 is not an ASN");
}

static void a_path_shares_its_slash_with_the_kind(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct problem p = {.object = {.kind = "File", .name = "/etc/a.yaml"}, .message = "m"};

	(void)state;
	assert_string_equal(problem_line(arena, &p), "File/etc/a.yaml: m");
	p.object.name = "a.yaml";
	assert_string_equal(problem_line(arena, &p), "File/a.yaml: m");
	p.object.name = NULL;
	assert_string_equal(problem_line(arena, &p), "File/-: m");
}

static void severities_have_names(void **state)
{
	(void)state;
	assert_string_equal(severity_text(SEVERITY_ERROR), "error");
	assert_string_equal(severity_text(SEVERITY_WARNING), "warning");
	assert_string_equal(severity_text(SEVERITY_INFO), "info");
}

/* Put together from sorted lists, from one, from nothing but single ones: the same order. */
static void however_it_was_put_together_it_is_sorted(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 5);
	for (size_t round = 0; round < 200; round++) {
		struct problems list = {.arena = arena_new()}, all = {.arena = arena_new()};
		const size_t runs = 1 + rng_below(&rng, 6);

		for (size_t i = 0; i < runs; i++) {
			for (size_t k = rng_below(&rng, 20); k > 0; k--) {
				char name[2] = {(char)('a' + rng_below(&rng, 26)), '\0'};
				const struct object_ref ref = {.kind = "K", .name = name};
				const struct problem_text text = {.reason = "R"};

				problem_add(&list, (enum severity)rng_below(&rng, 3), &ref, &text,
					    "m");
			}
			if (round % 2)
				problems_sort(&list);
			problems_borrow(&all, &list);
			list.n = round % 3 ? 0 : list.n;
		}
		problems_sort(&all);
		for (size_t i = 1; i < all.n; i++)
			assert_true(problem_cmp(&all.items[i - 1], &all.items[i]) < 0);
		for (size_t i = 0; i < list.n; i++) {
			size_t k = 0;

			while (k < all.n && problem_cmp(&all.items[k], &list.items[i]) != 0)
				k++;
			assert_true(k < all.n);
		}
		arena_free(list.arena);
		arena_free(all.arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(however_it_was_put_together_it_is_sorted),
		cmocka_unit_test(a_list_owns_copies_of_everything),
		cmocka_unit_test(sorting_puts_errors_first_and_drops_doubles),
		cmocka_unit_test(sorting_nothing_is_harmless),
		cmocka_unit_test(the_line_names_place_object_field_and_remedy),
		cmocka_unit_test(a_path_shares_its_slash_with_the_kind),
		cmocka_unit_test(severities_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
