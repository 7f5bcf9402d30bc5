// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/emit: what is written is read back, whatever the names are.
 */
#include "api/emit.h"

#include "api/world.h"
#include "unit/api/api_test.h"

static struct world *read_back(struct strbuf *out)
{
	struct world *w = world_new();

	world_put_source(w, "addresses.yaml", out->data, out->len);
	assert_int_equal(world_problems(w)->n, 0);
	strbuf_done(out);
	return w;
}

static void emit(struct strbuf *out, const char *ns, const char *name, const struct ip_addr *addr,
		 const char *pool)
{
	const struct api_allocation a = {
		.ns = ns, .name = name, .addrs = addr, .n_addrs = 1, .pool = pool};

	api_emit_allocation(out, &a);
}

static void addresses_are_read_back_as_services_with_status(void **state)
{
	const struct ip_addr a = addr_of("192.0.2.1"), b = addr_of("2001:db8::1");
	struct strbuf out;
	struct world *w;
	const struct api_object *o;

	(void)state;
	strbuf_init(&out, 1 << 16);
	emit(&out, "web", "one", &a, "pool");
	emit(&out, "web", "two", &b, "");
	w = read_back(&out);
	assert_int_equal(world_list(w, API_SERVICE).n, 2);
	o = world_find(w, API_SERVICE, "web", "one");
	assert_int_equal(o->service.n_ingress, 1);
	assert_true(ip_addr_equal(&o->service.ingress[0], &a));
	assert_string_equal(api_annotation(&o->meta, "ip-allocated-from-pool"), "pool");
	assert_false(o->service.is_load_balancer);
	o = world_find(w, API_SERVICE, "web", "two");
	assert_true(ip_addr_equal(&o->service.ingress[0], &b));
	assert_null(api_annotation(&o->meta, "ip-allocated-from-pool"));
	world_free(w);
}

static void two_addresses_of_a_service_stand_in_one_document(void **state)
{
	const struct ip_addr addrs[] = {addr_of("192.0.2.1"), addr_of("2001:db8::1")};
	const struct api_allocation allocation = {
		.ns = "web", .name = "one", .addrs = addrs, .n_addrs = 2, .pool = "p"};
	struct strbuf out;
	struct world *w;

	(void)state;
	strbuf_init(&out, 1 << 16);
	api_emit_allocation(&out, &allocation);
	w = read_back(&out);
	assert_int_equal(world_find(w, API_SERVICE, "web", "one")->service.n_ingress, 2);
	world_free(w);
}

static void names_that_look_like_something_else_stay_names(void **state)
{
	static const char *const names[] = {"true", "123", "0x1f", "null", "1e3", "1.5"};
	const struct ip_addr a = addr_of("192.0.2.1");
	struct strbuf out;
	struct world *w;

	(void)state;
	strbuf_init(&out, 1 << 16);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		emit(&out, "123", names[i], &a, "x\"\\\n: #\x01");
	w = read_back(&out);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct api_object *o = world_find(w, API_SERVICE, "123", names[i]);

		assert_non_null(o);
		assert_string_equal(api_annotation(&o->meta, "ip-allocated-from-pool"),
				    "x\"\\\n: #\x01");
	}
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_back_as_services_with_status),
		cmocka_unit_test(two_addresses_of_a_service_stand_in_one_document),
		cmocka_unit_test(names_that_look_like_something_else_stay_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
