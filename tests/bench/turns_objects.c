// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "turns_objects.h"

#include "base/limits.h"
#include "base/mem.h"
#include "turns_net.h"
#include "turns_router.h"

#include <stdio.h>

#define N_ENDPOINTS 10
#define SLICE       100 /* endpoints, as the API's controller makes them */

static FILE *text_open(char **text, size_t *len)
{
	FILE *f = open_memstream(text, len);

	if (!f)
		bench_fail("open_memstream");
	return f;
}

static void text_put(const struct bench_agent *a, const char *name, FILE *f, char **text)
{
	if (fclose(f) != 0)
		bench_fail(name);
	bench_agent_put(a, name, *text);
	free(*text);
}

static void add_peer(FILE *f, const char *name, const char *address)
{
	fprintf(f,
		"apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"
		"metadata: {name: %s, namespace: metallb-system}\n"
		"spec: {myASN: 64512, peerASN: 64513, peerAddress: %s}\n---\n",
		name, address);
}

void turns_put_bgp(const struct bench_agent *a, unsigned community)
{
	char *text;
	size_t len;
	FILE *f = text_open(&text, &len);

	add_peer(f, "tor", TURNS_ROUTER);
	add_peer(f, "tor-2", TURNS_ROUTER_2);
	add_peer(f, "tor-3", TURNS_ROUTER_3);
	add_peer(f, "tor-4", TURNS_ROUTER_4);
	fprintf(f, "apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n"
		   "metadata: {name: all, namespace: metallb-system}\n");
	if (community)
		fprintf(f, "spec: {communities: ['64512:%u']}\n", community);
	fprintf(f, "---\napiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"
		   "metadata: {name: pool, namespace: metallb-system}\n"
		   "spec: {addresses: [198.18.0.0/15]}\n");
	text_put(a, "bgp", f, &text);
}

static void add_slice(FILE *f, const char *service, size_t k)
{
	fprintf(f,
		"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n"
		"  name: %s-%zu\n  namespace: shop\n"
		"  labels: {kubernetes.io/service-name: %s}\naddressType: IPv4\n"
		"ports: [{name: '', port: 8080, protocol: TCP}]\nendpoints:\n",
		service, k, service);
}

static void add_service(FILE *f, const char *service)
{
	fprintf(f,
		"apiVersion: v1\nkind: Service\nmetadata: {name: %s, namespace: shop}\n"
		"spec: {type: LoadBalancer, ports: [{port: 80, targetPort: 8080}]}\n",
		service);
}

static void add_endpoint(FILE *f, unsigned address, bool ready)
{
	fprintf(f, "- {addresses: [%u.%u.%u.%u], nodeName: bench, conditions: {ready: %s}}\n",
		address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255,
		ready ? "true" : "false");
}

void turns_put_slice(const struct bench_agent *a, size_t i, bool first_is_ready)
{
	char name[64], service[32], *text;
	size_t len;
	FILE *f = text_open(&text, &len);

	snprintf(service, sizeof(service), "s%05zu", i);
	snprintf(name, sizeof(name), "slice-%05zu", i);
	add_slice(f, service, 0);
	for (size_t k = 0; k < N_ENDPOINTS; k++)
		add_endpoint(f, 0xac100000u + (unsigned)(i / 16 * 256 + i % 16 * N_ENDPOINTS + k),
			     k > 0 || first_is_ready);
	text_put(a, name, f, &text);
}

void turns_put_service(const struct bench_agent *a, size_t i)
{
	char name[64], service[32], *text;
	size_t len;
	FILE *f = text_open(&text, &len);

	snprintf(service, sizeof(service), "s%05zu", i);
	snprintf(name, sizeof(name), "service-%05zu", i);
	add_service(f, service);
	text_put(a, name, f, &text);
}

void turns_put_huge(const struct bench_agent *a, size_t i, size_t n, size_t except)
{
	char name[64], service[32], *text;
	size_t len;
	FILE *f = text_open(&text, &len);

	snprintf(service, sizeof(service), "huge%zu", i);
	snprintf(name, sizeof(name), "huge-%zu", i);
	add_service(f, service);
	for (size_t k = 0; k < n; k++) {
		if (k % SLICE == 0) {
			fprintf(f, "---\n");
			add_slice(f, service, k / SLICE);
		}
		add_endpoint(f, 0x0a000001u + (unsigned)(i << 16 | k), k != except);
	}
	text_put(a, name, f, &text);
}

void turns_put_document(const struct bench_agent *a, unsigned round)
{
	char *text;
	size_t len;
	FILE *f = text_open(&text, &len);

	fprintf(f, "apiVersion: v1\nkind: List\nitems:\n");
	for (size_t i = 0; ftell(f) < (long)LIMIT_DOCUMENT_BYTES - 65536; i++) {
		fprintf(f,
			"- apiVersion: discovery.k8s.io/v1\n  kind: EndpointSlice\n  metadata:\n"
			"    name: none-%zu-%u\n    namespace: shop\n"
			"    labels: {kubernetes.io/service-name: none}\n  addressType: IPv4\n"
			"  ports: [{name: '', port: 8080, protocol: TCP}]\n  endpoints:\n",
			i, round);
		for (unsigned k = 0; k < SLICE; k++) {
			fprintf(f, "  ");
			add_endpoint(f, 0x0b000001u + (unsigned)(i * SLICE) + k, true);
		}
	}
	text_put(a, "document", f, &text);
}

void turns_put_denied(const struct bench_agent *a, size_t n, unsigned round)
{
	char *text;
	size_t len;
	FILE *f = text_open(&text, &len);

	fprintf(f, "apiVersion: lodestone.io/v1alpha1\nkind: LodestoneConfig\n"
		   "metadata: {name: default}\nspec:\n  dataplane:\n    deny:\n");
	for (size_t i = 0; i < n; i++) {
		const unsigned net = 0x20000000u + (unsigned)(i * 512) + (round & 1) * 256;

		fprintf(f, "    - %u.%u.%u.0/24\n", net >> 24, net >> 16 & 255, net >> 8 & 255);
	}
	text_put(a, "denied", f, &text);
}

void turns_put_received(const struct bench_agent *a, const char *allowed, unsigned max)
{
	char *text;
	size_t len;
	FILE *f = text_open(&text, &len);

	if (!allowed)
		fprintf(f, "# no such peer\n");
	else
		fprintf(f,
			"apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"
			"metadata: {name: feeder, namespace: metallb-system,\n"
			"  annotations: {lodestone.io/max-prefixes: '%u'}}\n"
			"spec: {myASN: 64512, peerASN: 64513, peerAddress: " TURNS_FEEDER
			", connectTime: 1s}\n---\n"
			"apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\n"
			"metadata: {name: feeder, namespace: frr-k8s-system}\n"
			"spec: {bgp: {routers: [{asn: 64512, neighbors: [{address: " TURNS_FEEDER
			", asn: 64513,\n  toReceive: {allowed: {%s}}}]}]}}\n",
			max, allowed);
	text_put(a, "received", f, &text);
}
