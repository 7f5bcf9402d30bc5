// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The fixture's objects (plan_fixture.h), put into its world as text. */
#include "base/strbuf.h"
#include "fake/plan_fixture.h"

#include <assert.h>

void fixture_put(struct fixture *f, const char *source, const char *text)
{
	world_put_source(f->world, source, text, strlen(text));
}

bool fixture_put_file(struct fixture *f, const char *path)
{
	_cleanup_(freep) char *text = xcalloc(1, 65536);
	FILE *file = fopen(path, "r");
	size_t n;

	if (!file)
		return false;
	n = fread(text, 1, 65535, file);
	fclose(file);
	world_put_source(f->world, path, text, n);
	return true;
}

/* --- objects as text ------------------------------------------------------------------------- */

static const char *api_version(const char *kind)
{
	if (strcmp(kind, "BGPPeer") == 0)
		return "metallb.io/v1beta2";
	if (strcmp(kind, "EndpointSlice") == 0)
		return "discovery.k8s.io/v1";
	if (strcmp(kind, "LodestoneConfig") == 0)
		return "lodestone.io/v1alpha1";
	if (strcmp(kind, "Service") == 0 || strcmp(kind, "Secret") == 0 ||
	    strcmp(kind, "Endpoints") == 0 || strcmp(kind, "Node") == 0 ||
	    strcmp(kind, "Namespace") == 0)
		return "v1";
	return "metallb.io/v1beta1";
}

static const char *namespace_of(const char *kind)
{
	if (strcmp(kind, "Service") == 0 || strcmp(kind, "Endpoints") == 0 ||
	    strcmp(kind, "EndpointSlice") == 0)
		return ", namespace: default";
	if (strcmp(kind, "Node") == 0 || strcmp(kind, "Namespace") == 0 ||
	    strcmp(kind, "LodestoneConfig") == 0)
		return "";
	return ", namespace: metallb-system";
}

void fixture_object(struct fixture *f, const char *kind, const char *name, const char *meta,
		    const char *body)
{
	struct arena *arena = arena_new();

	fixture_put(f, arena_printf(arena, "%s-%s", kind, name),
		    arena_printf(arena,
				 "apiVersion: %s\nkind: %s\nmetadata: {name: '%s'%s%s%s}\n%s\n",
				 api_version(kind), kind, name, namespace_of(kind),
				 meta[0] ? ", " : "", meta, body));
	arena_free(arena);
}

void fixture_drop(struct fixture *f, const char *kind, const char *name)
{
	struct arena *arena = arena_new();

	world_drop_source(f->world, arena_printf(arena, "%s-%s", kind, name));
	arena_free(arena);
}

void fixture_add_service(struct fixture *f, const char *name, const char *policy, const char *more)
{
	struct arena *arena = arena_new();

	fixture_object(f, "Service", name, "",
		       arena_printf(arena,
				    "spec: {type: LoadBalancer, externalTrafficPolicy: %s, ports: "
				    "[{port: 80, protocol: TCP, targetPort: 8080}]%s%s}",
				    policy, more[0] ? ", " : "", more));
	arena_free(arena);
}

static void add_endpoint_text(struct strbuf *s, const char *text, size_t len)
{
	const char *at = memchr(text, '@', len);
	const char flag = text[len - 1];
	const size_t n_address = at ? (size_t)(at - text) : len;
	size_t n_node = at ? len - n_address - 1 : 0;

	strbuf_printf(s, "  - {addresses: [%.*s]", (int)n_address, text);
	if (flag == '-' || flag == 'x') {
		n_node -= n_node > 0;
		strbuf_printf(s, ", conditions: {ready: false, serving: %s, terminating: %s}",
			      flag == '-' ? "true" : "false", flag == '-' ? "true" : "false");
	}
	if (n_node)
		strbuf_printf(s, ", nodeName: %.*s", (int)n_node, at + 1);
	strbuf_add(s, "}\n");
}

void fixture_add_slice(struct fixture *f, const char *service, const char *endpoints)
{
	struct arena *arena = arena_new();
	struct strbuf s;

	strbuf_init(&s, 1 << 20);
	strbuf_add(&s, "addressType: IPv4\nports: [{name: \"\", port: 8080, protocol: TCP}]\n"
		       "endpoints:\n");
	if (endpoints[0] == '\0')
		strbuf_add(&s, "  []\n");
	for (const char *at = endpoints; *at;) {
		const size_t len = strcspn(at, " ");

		add_endpoint_text(&s, at, len);
		at += len + (at[len] == ' ');
	}
	fixture_object(f, "EndpointSlice", service,
		       arena_printf(arena, "labels: {kubernetes.io/service-name: '%s'}", service),
		       s.data);
	strbuf_done(&s);
	arena_free(arena);
}

void fixture_basics(struct fixture *f)
{
	fixture_object(f, "IPAddressPool", "pool-a", "", "spec: {addresses: [192.168.100.0/24]}");
	fixture_object(f, "BGPPeer", "r1", "",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1}");
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {}");
}

void fixture_give_ipv6(struct fixture *f)
{
	struct plan_local_addr a = {.len = 64, .ifindex = 2};
	const bool ok = ip_addr_parse("2001:db8:1::10", &a.addr);

	assert(ok && f->node.n_addrs < ARRAY_SIZE(f->addrs));
	f->addrs[f->node.n_addrs++] = a;
}

struct fixture *fixture_announced(void)
{
	struct fixture *f = fixture_new();

	fixture_basics(f);
	fixture_add_service(f, "web", "Local", "");
	fixture_add_slice(f, "web", "10.244.0.5@node-a");
	(void)fixture_converge(f, 10);
	assert(fixture_held(f, "r1", "192.168.100.0/32"));
	return f;
}
