// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* kube/kube_sweep: what is deleted is of nodes that are not there, and only by who allocates. */
#include "kube/kube_sweep.h"

#include "base/mem.h"
#include "kube/kube_store.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static struct kube_store *store;
static struct kube_sweep sweep;
static nsec_t now;
static char asked[2048]; /* "METHOD what;" each */

static void put_node(const char *name)
{
	(void)kube_store_put(
		store, KUBE_NODE,
		&(struct kube_put){.ns = "", .name = name, .text = xstrdup("{}"), .len = 2});
}

#define ITEM(node)                                                                                 \
	"{\"metadata\":{\"name\":\"speaker-" node "\",\"labels\":{\"lodestone.io/node\":\"" node   \
	"\"}}}"
#define LIST(go_on, items) "{\"metadata\":{\"continue\":\"" go_on "\"},\"items\":[" items "]}"

/* The next request, answered so; false: none is due within an hour. */
static bool answer(int status, const char *body)
{
	const struct kube_note head = {.what = KUBE_NOTE_HEAD, .status = status};
	const nsec_t at = kube_sweep_deadline(&sweep);
	struct kube_request request;

	if (at > now + 3600 * NSEC_PER_SEC)
		return false;
	now = at > now ? at : now;
	if (kube_sweep_poll(&sweep, now) != KUBE_ASK_OPEN)
		return false;
	kube_request_init(&request);
	kube_sweep_transmit(&sweep, &request, now);
	(void)snprintf(asked + strlen(asked), sizeof(asked) - strlen(asked), "%s %s;",
		       request.method, strstr(request.target.data, "/n/") + 3);
	kube_request_done(&request);
	kube_sweep_notify(&sweep, &head, now);
	kube_sweep_receive(&sweep, body, strlen(body));
	kube_sweep_notify(&sweep, &(struct kube_note){.what = KUBE_NOTE_END}, now);
	return true;
}

#define SELECT "labelSelector=lodestone.io%2Fnode"

static void what_is_of_nodes_that_are_gone_goes(void **state)
{
	(void)state;
	kube_sweep_hold(&sweep, true, now);
	assert_true(answer(200, LIST("more", ITEM("node-a") "," ITEM("node-b"))));
	assert_true(answer(200, LIST("", ITEM("node-b") "," ITEM("node-c"))));
	asked[0] = '\0';
	for (int i = 0; i < 6; i++)
		assert_true(answer(200, "{}"));
	assert_string_equal(asked, "DELETE servicebgpstatuses?" SELECT "%3Dnode-b;"
				   "DELETE bgpsessionstates?" SELECT "%3Dnode-b;"
				   "DELETE configurationstates?" SELECT "%3Dnode-b;"
				   "DELETE servicebgpstatuses?" SELECT "%3Dnode-c;"
				   "DELETE bgpsessionstates?" SELECT "%3Dnode-c;"
				   "DELETE configurationstates?" SELECT "%3Dnode-c;");
	assert_true(kube_sweep_deadline(&sweep) == now + KUBE_SWEEP_EVERY_NS);
}

static void while_all_are_there_nothing_is_deleted(void **state)
{
	(void)state;
	kube_sweep_hold(&sweep, true, now);
	assert_true(answer(200, LIST("", ITEM("node-a"))));
	assert_null(strstr(asked, "DELETE"));
	assert_true(kube_sweep_deadline(&sweep) == now + KUBE_SWEEP_EVERY_NS);
	/* One goes, and it is looked soon. */
	kube_sweep_tick(&sweep, now);
	kube_store_remove(store, KUBE_NODE, "", "node-a");
	kube_sweep_tick(&sweep, now);
	assert_true(kube_sweep_deadline(&sweep) == now + KUBE_SWEEP_SOON_NS);
}

static void who_does_not_allocate_deletes_nothing(void **state)
{
	(void)state;
	assert_false(answer(200, LIST("", ITEM("node-b"))));
	kube_sweep_hold(&sweep, true, now);
	assert_true(answer(200, LIST("", ITEM("node-b"))));
	kube_sweep_hold(&sweep, false, now);
	assert_false(answer(200, "{}"));
	assert_null(strstr(asked, "DELETE"));
}

static void what_is_refused_is_found_again(void **state)
{
	(void)state;
	kube_sweep_hold(&sweep, true, now);
	assert_true(answer(403, "{}"));
	assert_true(answer(200, LIST("", ITEM("node-b"))));
	assert_true(answer(404, "{}")); /* the kind is not installed */
	assert_true(answer(500, "{}"));
	asked[0] = '\0';
	assert_true(answer(200, LIST("", ITEM("node-b"))));
	assert_string_equal(asked, "GET configurationstates?" SELECT "&limit=500;");
}

/* A label that is none of ours, as far as one can tell, goes into no request. */
static void what_is_no_label_is_left_alone(void **state)
{
	(void)state;
	kube_sweep_hold(&sweep, true, now);
	assert_true(answer(200, LIST("", ITEM("a&b") "," ITEM("") ",{\"metadata\":{}}")));
	assert_null(strstr(asked, "DELETE"));
	assert_true(kube_sweep_deadline(&sweep) == now + KUBE_SWEEP_EVERY_NS);
}

static int set_up(void **state)
{
	(void)state;
	now = 1000 * NSEC_PER_SEC;
	asked[0] = '\0';
	store = kube_store_new();
	kube_store_begin(store, KUBE_NODE);
	put_node("node-a");
	kube_store_end(store, KUBE_NODE);
	kube_sweep_init(&sweep, store, "n");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	kube_sweep_done(&sweep);
	kube_store_free(store);
	return 0;
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_of_nodes_that_are_gone_goes),
		TEST(while_all_are_there_nothing_is_deleted),
		TEST(who_does_not_allocate_deletes_nothing),
		TEST(what_is_refused_is_found_again),
		TEST(what_is_no_label_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
