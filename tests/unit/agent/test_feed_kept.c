// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the feeder drops of an object (kube/kube_kinds.h) is nothing that the decoder reads: objects
 * as an API server gives them, decoded as they are and as the feeder would send them, are equal.
 * And what it keeps is needed: dropped as well, it makes another object, or none.
 */
#include "api/objects.h"
#include "kube/kube_object.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#define META                                                                                          \
	"\"uid\":\"0b1c\",\"resourceVersion\":\"77\",\"generation\":3,"                               \
	"\"creationTimestamp\":\"2026-01-02T03:04:05Z\",\"managedFields\":[{\"manager\":\"kubectl\"," \
	"\"fieldsV1\":{\"f:metadata\":{}}}],\"ownerReferences\":[{\"kind\":\"X\"}],"                  \
	"\"finalizers\":[\"service.kubernetes.io/load-balancer-cleanup\"]"

static const struct {
	enum kube_kind kind;
	const char *text;
} objects[] = {
	{KUBE_SERVICE,
	 "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"web\","
	 "\"namespace\":\"shop\"," META ",\"labels\":{\"app\":\"web\"},\"annotations\":{"
	 "\"metallb.io/loadBalancerIPs\":\"192.0.2.1\",\"lodestone.io/med\":\"7\","
	 "\"metallb.universe.tf/address-pool\":\"p\","
	 "\"service.beta.kubernetes.io/load-balancer-source-ranges\":\"10.0.0.0/8\"}},\"spec\":{"
	 "\"type\":\"LoadBalancer\",\"selector\":{\"app\":\"web\"},\"clusterIP\":\"10.96.0.7\","
	 "\"clusterIPs\":[\"10.96.0.7\",\"fd00::7\"],\"ipFamilies\":[\"IPv4\",\"IPv6\"],"
	 "\"ipFamilyPolicy\":\"RequireDualStack\",\"ports\":[{\"name\":\"http\",\"port\":80,"
	 "\"protocol\":\"TCP\",\"targetPort\":\"web\",\"nodePort\":30080}],"
	 "\"loadBalancerClass\":\"x/y\",\"externalTrafficPolicy\":\"Local\","
	 "\"internalTrafficPolicy\":\"Cluster\",\"healthCheckNodePort\":30081,"
	 "\"sessionAffinity\":\"ClientIP\",\"sessionAffinityConfig\":{\"clientIP\":{"
	 "\"timeoutSeconds\":100}},\"loadBalancerSourceRanges\":[\"198.51.100.0/24\"],"
	 "\"allocateLoadBalancerNodePorts\":true,\"trafficDistribution\":\"PreferClose\"},"
	 "\"status\":{\"conditions\":[{\"type\":\"x\"}],\"loadBalancer\":{\"ingress\":[{\"ip\":"
	 "\"192.0.2.1\",\"ipMode\":\"VIP\"}]}}}"},
	{KUBE_SLICE,
	 "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{"
	 "\"name\":\"web-1\",\"namespace\":\"shop\",\"generateName\":\"web-\"," META
	 ",\"labels\":{\"kubernetes.io/service-name\":\"web\"}},\"addressType\":\"IPv4\","
	 "\"endpoints\":[{\"addresses\":[\"10.244.0.7\"],\"conditions\":{\"ready\":false,"
	 "\"serving\":true,\"terminating\":true},\"hostname\":\"h\",\"nodeName\":\"a\",\"zone\":\"z\","
	 "\"hints\":{\"forZones\":[{\"name\":\"z\"}],\"forNodes\":[{\"name\":\"a\"}]},"
	 "\"targetRef\":{\"kind\":\"Pod\",\"name\":\"web-1\",\"uid\":\"9\"}},{\"addresses\":"
	 "[\"10.244.0.8\"]}],\"ports\":[{\"name\":\"http\",\"port\":8080,\"protocol\":\"TCP\","
	 "\"appProtocol\":\"h2c\"}]}"},
	{KUBE_NODE,
	 "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"a\"," META
	 ",\"labels\":{\"kubernetes.io/hostname\":\"a\",\"rack\":\"1\"},\"annotations\":{"
	 "\"lodestone.io/drain\":\"true\"}},\"spec\":{\"podCIDR\":\"10.244.0.0/24\",\"podCIDRs\":[\"10.244.0.0/24\"],\"taints\":[{"
	 "\"key\":\"k\",\"effect\":\"NoSchedule\"}],\"unschedulable\":true},\"status\":{\"addresses\":["
	 "{\"type\":\"InternalIP\",\"address\":\"10.0.0.1\"},{\"type\":\"Hostname\",\"address\":"
	 "\"a\"}],\"capacity\":{\"cpu\":\"4\"},\"conditions\":[{\"type\":\"NetworkUnavailable\","
	 "\"status\":\"True\",\"lastHeartbeatTime\":\"x\",\"reason\":\"r\"}],\"images\":[{\"names\":"
	 "[\"i\"]}],\"nodeInfo\":{\"machineID\":\"m\"}}}"},
	{KUBE_NAMESPACE,
	 "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"shop\"," META
	 ",\"labels\":{\"team\":\"a\"}},\"spec\":{\"finalizers\":[\"kubernetes\"]},\"status\":{"
	 "\"phase\":\"Active\"}}"},
	{KUBE_SECRET,
	 "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\",\"namespace\":"
	 "\"metallb-system\"," META "},\"type\":\"kubernetes.io/basic-auth\",\"immutable\":true,"
	 "\"data\":{\"password\":\"c2VjcmV0\"}}"},
	{KUBE_PEER,
	 "{\"apiVersion\":\"metallb.io/v1beta2\",\"kind\":\"BGPPeer\",\"metadata\":{\"name\":\"p\","
	 "\"namespace\":\"metallb-system\"," META ",\"annotations\":{\"lodestone.io/role\":"
	 "\"customer\"}},\"spec\":{\"myASN\":64513,\"peerASN\":4200000000,\"peerAddress\":\"10.0.0.2\","
	 "\"holdTime\":\"90s\",\"bfdProfile\":\"f\",\"nodeSelectors\":[{\"matchLabels\":{\"rack\":"
	 "\"1\"}}],\"passwordSecret\":{\"name\":\"s\"}},\"status\":{}}"},
};

static struct arena *arena;

static uint64_t hash_of(const char *text, size_t len)
{
	const struct api_object *o = api_decode_object(arena, text, len);

	return o ? o->hash : 0;
}

static void what_is_dropped_is_not_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		const size_t len = strlen(objects[i].text);
		struct kube_message m;

		kube_read_item(arena, objects[i].kind, objects[i].text, len, &m);
		assert_int_equal(m.said, KUBE_SAID_OBJECT);
		assert_true(m.text_len < len);
		assert_true(hash_of(m.text, m.text_len) != 0);
		assert_true(hash_of(m.text, m.text_len) == hash_of(objects[i].text, len));
		free(m.text);
		free(m.status);
	}
}

/* The text without the member whose name begins at `at`; NULL: it is none. */
static char *without(const char *text, const char *at, const char *key)
{
	const size_t len = strlen(key);
	char *out;

	if (strncmp(at, "\"", 1) != 0 || strncmp(at + 1, key, len) != 0 ||
	    strncmp(at + 1 + len, "\":", 2) != 0)
		return NULL;
	out = xstrdup(text);
	out[at - text + 1] = '_'; /* a member that nobody knows */
	return out;
}

static void what_is_kept_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		const struct kube_resource *r = kube_resource(objects[i].kind);
		const char *text = objects[i].text;

		for (const char *const *path = r->keep; *path; path++) {
			const char *dot = strrchr(*path, '.');
			const char *key = dot ? dot + 1 : *path;
			unsigned n = 0, n_other = 0;

			for (const char *at = text; *at; at++) {
				char *other = without(text, at, key);

				if (!other)
					continue;
				n++;
				n_other += hash_of(other, strlen(other)) !=
					   hash_of(text, strlen(text));
				free(other);
			}
			if (n > 0 && n_other == 0)
				fail_msg("%s: nobody reads %s", r->kind, *path);
		}
	}
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
		cmocka_unit_test(what_is_dropped_is_not_read),
		cmocka_unit_test(what_is_kept_is_read),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
