// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/text_pack: what is packed comes out as it was, and is a good deal shorter.
 */
#include "api/text_pack.h"

#include "base/rng.h"
#include "unit/api/api_test.h"

static void expect_round_trip(const char *text, size_t most)
{
	_cleanup_(freep) char *packed = xstrdup(text);
	size_t len = api_text_pack(packed, strlen(packed));
	struct strbuf out;

	strbuf_init(&out, 1 << 20);
	api_text_unpack(&out, packed, len);
	assert_string_equal(out.data ? out.data : "", text);
	assert_in_range(len, 0, most);
	strbuf_done(&out);
}

static void what_is_printed_of_objects_becomes_short(void **state)
{
	struct api_batch b = decode_text(
		"apiVersion: v1\nkind: Service\nmetadata: {name: s00007, namespace: shop}\n"
		"spec:\n  type: LoadBalancer\n  ports:\n"
		"  - {name: http, port: 80, targetPort: 8080, protocol: TCP}\n"
		"status: {loadBalancer: {ingress: [{ip: 10.0.0.7}]}}\n"
		"---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n"
		"  name: s00007-x\n  namespace: shop\n"
		"  labels: {kubernetes.io/service-name: s00007}\naddressType: IPv4\n"
		"ports: [{name: http, port: 8080, protocol: TCP}]\nendpoints:\n"
		"- {addresses: [172.16.0.1], nodeName: node-a, conditions: {ready: true}}\n");

	(void)state;
	assert_int_equal(b.n, 2);
	for (size_t i = 0; i < b.n; i++) {
		const struct api_object *o = b.objects[i];
		struct strbuf out;

		strbuf_init(&out, 1 << 20);
		api_text_unpack(&out, o->text, o->text_len);
		assert_true(o->text_len * 3 < out.len);
		expect_round_trip(out.data, o->text_len);
		strbuf_done(&out);
	}
	api_batch_done(&b);
}

/* Each byte that a phrase has is what that phrase is packed to. */
static void each_phrase_is_found(void **state)
{
	unsigned n = 0;

	(void)state;
	for (char c = 1; c < ' ' - 1; c++) { /* the last stands for what was there before */
		struct strbuf phrase;

		strbuf_init(&phrase, 1 << 10);
		api_text_unpack(&phrase, &c, 1);
		if (phrase.len > 1) {
			assert_int_equal(api_text_pack(phrase.data, phrase.len), 1);
			assert_int_equal(phrase.data[0], c);
			n++;
		}
		strbuf_done(&phrase);
	}
	assert_int_equal(n, 30);
}

/* Pieces of phrases in any order, and whatever else may be printed. */
static void any_text_comes_out_as_it_was(void **state)
{
	static const char *const pieces[] = {
		"{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": ",
		", \"namespace\": ",
		", \"name",
		"}}]}",
		"}}]",
		"\xc3\xa4\xe2\x82\xac",
		"x",
		"\\u0001",
		"\"type\": LoadBalancer",
		", \"ports\": [{\"name\": ",
		"",
		"}",
		", \"port\": "};
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	for (int i = 0; i < 3000; i++) {
		struct strbuf text;

		strbuf_init(&text, 1 << 20);
		strbuf_add(&text, "");
		for (uint64_t n = rng_below(&rng, 12); n > 0; n--)
			strbuf_add(&text, pieces[rng_below(&rng, ARRAY_SIZE(pieces))]);
		expect_round_trip(text.data, text.len);
		strbuf_done(&text);
	}
}

/* Endpoints differ in their addresses and in the names of pods, of the rest little is kept. */
static void of_many_endpoints_little_is_kept(void **state)
{
	enum { N = 100 };
	_cleanup_(freep) char *packed = NULL;
	struct strbuf text, out;
	size_t len;

	(void)state;
	strbuf_init(&text, 1 << 20);
	strbuf_init(&out, 1 << 20);
	for (unsigned i = 0; i < N; i++)
		strbuf_printf(&text,
			      "}}, {\"addresses\": [\"172.17.3.%u\"], \"nodeName\": node-%u, "
			      "\"conditions\": {\"ready\": true, \"serving\": true}",
			      i, i * 7 % 10);
	packed = xstrdup(text.data);
	len = api_text_pack(packed, text.len);
	api_text_unpack(&out, packed, len);
	assert_string_equal(out.data, text.data);
	assert_in_range(len, 0, N * 18);
	strbuf_done(&text);
	strbuf_done(&out);
}

/* What is repeated, into itself also, from near and from farther back than can be said. */
static void what_is_repeated_comes_out_as_it_was(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 2);
	for (int i = 0; i < 300; i++) {
		const size_t letters = 1 + rng_below(&rng, 4);
		struct strbuf text;

		strbuf_init(&text, 1 << 20);
		strbuf_add(&text, "");
		for (uint64_t n = rng_below(&rng, i % 30 ? 40 : 4000); n > 0; n--) {
			char piece[64];
			size_t len = rng_below(&rng, sizeof(piece));

			for (size_t k = 0; k < len; k++)
				piece[k] = (char)('a' + rng_below(&rng, letters));
			strbuf_add_len(&text, piece, len);
			if (text.len > 0 && rng_below(&rng, 2) == 0) {
				const size_t from = rng_below(&rng, text.len);

				len = rng_below(&rng, text.len - from);
				memcpy(piece, text.data + from, len < 64 ? len : 64);
				strbuf_add_len(&text, piece, len < 64 ? len : 64);
			}
		}
		expect_round_trip(text.data, text.len);
		strbuf_done(&text);
	}
}

/* As far as there is room, and no farther. */
static void a_text_is_cut_where_the_room_ends(void **state)
{
	const char text[] = "abcdefgh abcdefgh abcdefgh, \"port\": abcdefgh";
	char packed[sizeof(text)];
	size_t len;

	(void)state;
	memcpy(packed, text, sizeof(text));
	len = api_text_pack(packed, strlen(text));
	assert_in_range(len, 1, strlen(text) - 12);
	for (size_t room = 0; room <= strlen(text); room++) {
		struct strbuf out;

		strbuf_init(&out, room);
		api_text_unpack(&out, packed, len);
		assert_int_equal(out.len, room);
		assert_memory_equal(out.data ? out.data : "", text, room);
		strbuf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_printed_of_objects_becomes_short),
		cmocka_unit_test(each_phrase_is_found),
		cmocka_unit_test(any_text_comes_out_as_it_was),
		cmocka_unit_test(of_many_endpoints_little_is_kept),
		cmocka_unit_test(what_is_repeated_comes_out_as_it_was),
		cmocka_unit_test(a_text_is_cut_where_the_room_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
