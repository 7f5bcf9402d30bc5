// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * kube/kube_object: what is kept of an object, and what the server's words mean.
 */
#include "kube/kube_object.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static struct arena *arena;

static struct kube_message read_event(enum kube_kind kind, const char *text)
{
	struct kube_message m;

	kube_read_event(arena, kind, text, strlen(text), &m);
	return m;
}

static struct kube_message read_item(enum kube_kind kind, const char *text)
{
	struct kube_message m;

	kube_read_item(arena, kind, text, strlen(text), &m);
	return m;
}

static void assert_kept(enum kube_kind kind, const char *object, const char *kept)
{
	struct kube_message m = read_item(kind, object);

	assert_int_equal(m.said, KUBE_SAID_OBJECT);
	assert_string_equal(m.text, kept);
	assert_int_equal(m.text_len, strlen(kept));
	free(m.text);
	free(m.status);
}

static void what_nobody_reads_is_dropped(void **state)
{
	(void)state;
	assert_kept(KUBE_SLICE,
		    "{\"metadata\":{\"name\":\"web-1\",\"namespace\":\"shop\",\"uid\":\"u1\","
		    "\"resourceVersion\":\"5\",\"managedFields\":[{\"f\":{}}],"
		    "\"ownerReferences\":[{}],\"labels\":{\"kubernetes.io/service-name\":\"web\","
		    "\"app\":\"x\"},\"annotations\":{\"endpoints.kubernetes.io/x\":\"1\"}},"
		    "\"addressType\":\"IPv4\",\"endpoints\":[{\"addresses\":[\"10.0.0.1\"],"
		    "\"conditions\":{\"ready\":true},\"targetRef\":{\"kind\":\"Pod\"},"
		    "\"nodeName\":\"a\",\"zone\":\"z\"}],\"ports\":[{\"port\":80}]}",
		    "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\","
		    "\"metadata\":{\"name\":\"web-1\",\"namespace\":\"shop\",\"uid\":\"u1\","
		    "\"labels\":{\"kubernetes.io/service-name\":\"web\"},\"annotations\":{}},"
		    "\"addressType\":\"IPv4\",\"endpoints\":[{\"addresses\":[\"10.0.0.1\"],"
		    "\"conditions\":{\"ready\":true},\"nodeName\":\"a\"}],"
		    "\"ports\":[{\"port\":80}]}");
	assert_kept(
		KUBE_NODE,
		"{\"metadata\":{\"name\":\"a\",\"labels\":{\"k\":\"v\"},\"annotations\":"
		"{\"lodestone.io/drain\":\"true\",\"other\":\"y\"}},\"spec\":{\"x\":1,\"podCIDRs\":[\"10.1.0.0/24\"],\"taints\":[{\"key\":\"k\",\"effect\":\"NoSchedule\"}]},\"status\":"
		"{\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"10.0.0.9\"}],"
		"\"images\":[{}],\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\","
		"\"lastHeartbeatTime\":\"now\"}]}}",
		"{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"a\","
		"\"labels\":{\"k\":\"v\"},\"annotations\":{\"lodestone.io/drain\":\"true\"}},"
		"\"spec\":{\"podCIDRs\":[\"10.1.0.0/24\"],\"taints\":[{\"key\":\"k\"}]},"
		"\"status\":{\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"10.0.0.9\"}],"
		"\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}");
	assert_kept(
		KUBE_SECRET,
		"{\"metadata\":{\"name\":\"s\",\"annotations\":{\"kubectl.kubernetes.io/last\":"
		"\"x\"}},\"type\":\"Opaque\",\"data\":{\"key\":\"c2VjcmV0\",\"password\":\"cA==\"}}",
		"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\","
		"\"annotations\":{}},\"type\":\"Opaque\",\"data\":{\"password\":\"cA==\"}}");
	assert_kept(KUBE_PEER,
		    "{\"kind\":\"BGPPeer\",\"apiVersion\":\"metallb.io/v1beta2\",\"metadata\":"
		    "{\"name\":\"p\"},\"spec\":{\"peerASN\":4200000000,\"any\":{\"x\":[1]}},"
		    "\"status\":{}}",
		    "{\"apiVersion\":\"metallb.io/v1beta2\",\"kind\":\"BGPPeer\",\"metadata\":"
		    "{\"name\":\"p\"},\"spec\":{\"peerASN\":4200000000,\"any\":{\"x\":[1]}}}");
}

static void two_versions_that_differ_in_what_nobody_reads_are_the_same_text(void **state)
{
	struct kube_message a, b;

	(void)state;
	a = read_event(KUBE_NODE,
		       "{\"type\":\"ADDED\",\"object\":{\"kind\":\"Node\",\"metadata\":"
		       "{\"name\":\"n\",\"resourceVersion\":\"1\"},\"status\":{"
		       "\"conditions\":[{\"type\":\"Ready\",\"lastHeartbeatTime\":\"1\"}]}}}");
	b = read_event(KUBE_NODE,
		       "{\"type\":\"MODIFIED\",\"object\":{\"apiVersion\":\"v1\",\"metadata\":"
		       "{\"name\":\"n\",\"resourceVersion\":\"2\"},\"status\":{\"images\":[],"
		       "\"conditions\":[{\"type\":\"Ready\",\"lastHeartbeatTime\":\"2\"}]}}}");
	assert_int_equal(a.said, KUBE_SAID_OBJECT);
	assert_string_equal(a.text, b.text);
	assert_string_equal(a.version, "1");
	assert_string_equal(b.version, "2");
	free(a.text);
	free(b.text);
	free(a.status);
	free(b.status);
}

static void events_are_told_apart(void **state)
{
	struct kube_message m;

	(void)state;
	m = read_event(KUBE_SERVICE, "{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"name\":"
				     "\"web\",\"namespace\":\"shop\",\"resourceVersion\":\"9\"}}}");
	assert_int_equal(m.said, KUBE_SAID_GONE);
	assert_string_equal(m.ns, "shop");
	assert_string_equal(m.name, "web");
	assert_null(m.text);
	m = read_event(KUBE_SERVICE, "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{"
				     "\"resourceVersion\":\"12\"}}}");
	assert_int_equal(m.said, KUBE_SAID_MARK);
	assert_false(m.is_initial_end);
	m = read_event(
		KUBE_SERVICE,
		"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"12\","
		"\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}");
	assert_true(m.is_initial_end);
	assert_string_equal(m.version, "12");
	m = read_event(KUBE_SERVICE, "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\","
				     "\"code\":410,\"message\":\"too old\"}}");
	assert_int_equal(m.said, KUBE_SAID_NO);
	assert_int_equal(m.code, 410);
	assert_string_equal(m.message, "too old");
}

static void what_is_no_event_says_nothing(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{\"type\":\"ADDED\"}",
		"{\"type\":\"ADDED\",\"object\":{}}",
		"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":5}}}",
		"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"\"}}}",
		"{\"type\":\"RENAMED\",\"object\":{\"metadata\":{\"name\":\"a\"}}}",
		"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{}}}",
		"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"\xff\"}}}",
		"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"\xc0\xaf\"}}}",
		"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"\xed\xa0\x80\"}}}",
		"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"\xe2\x82\"}}}",
		"{\"type\" \"ADDED\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(read_event(KUBE_SERVICE, bad[i]).said, KUBE_SAID_NOTHING);
	assert_int_equal(read_item(KUBE_SERVICE, "{\"metadata\":{}}").said, KUBE_SAID_NOTHING);
}

static void a_refusal_is_read_as_far_as_it_is_one(void **state)
{
	static const char future[] =
		"{\"kind\":\"Status\",\"message\":\"Too large\",\"code\":504,\"details\":{"
		"\"retryAfterSeconds\":3,\"causes\":[{\"reason\":\"ResourceVersionTooLarge\"}]}}";
	static const char *const others[] = {"", "<html>no</html>", "{\"a\":", "[]", "{}"};
	struct kube_message m;

	(void)state;
	kube_read_status(arena, future, strlen(future), &m);
	assert_true(m.is_from_future);
	assert_int_equal(m.retry_s, 3);
	assert_int_equal(m.code, 504);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		kube_read_status(arena, others[i], strlen(others[i]), &m);
		assert_int_equal(m.said, KUBE_SAID_NO);
		assert_string_equal(m.message, "");
		assert_false(m.is_from_future);
	}
}

static void a_list_says_its_version_and_how_it_goes_on(void **state)
{
	static const char *const metas[] = {"{\"resourceVersion\":\"5\",\"continue\":\"abc\"}",
					    "{\"resourceVersion\":\"5\",\"continue\":\"\"}", "{}"};
	struct kube_message m;

	(void)state;
	kube_read_list_meta(arena, metas[0], strlen(metas[0]), &m);
	assert_int_equal(m.said, KUBE_SAID_MARK);
	assert_string_equal(m.go_on, "abc");
	kube_read_list_meta(arena, metas[1], strlen(metas[1]), &m);
	assert_null(m.go_on);
	kube_read_list_meta(arena, metas[2], strlen(metas[2]), &m);
	assert_int_equal(m.said, KUBE_SAID_NOTHING);
}

static int set_up(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena = arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nobody_reads_is_dropped),
		cmocka_unit_test(two_versions_that_differ_in_what_nobody_reads_are_the_same_text),
		cmocka_unit_test(events_are_told_apart),
		cmocka_unit_test(what_is_no_event_says_nothing),
		cmocka_unit_test(a_refusal_is_read_as_far_as_it_is_one),
		cmocka_unit_test(a_list_says_its_version_and_how_it_goes_on),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
