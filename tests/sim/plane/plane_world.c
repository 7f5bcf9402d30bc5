// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The folder: a file for each Service (those of port 81 with a limit of packets), slice and
 * advertisement, changed at random, in one family or two, and lists of denied sources; three peers,
 * of which one takes IPv6 routes, too, and asks for blackholes, which the last Service may be one,
 * two pools whose IPv6 is soon exhausted, another node, which some endpoints are on, and the
 * settings, of which only the mode changes.
 */
#include "sim/plane/plane.h"

#include "base/strbuf.h"

#include <assert.h>

enum { ADVERT, SERVICE, SLICE, DENY, N_KINDS };
static const char *const kinds[N_KINDS] = {"BGPAdvertisement", "Service", "EndpointSlice",
					   "LodestoneConfig"};
static const unsigned counts[N_KINDS] = {PLANE_ADVERTS, PLANE_SERVICES, PLANE_SERVICES, 3};

#define ASKING 1          /* of these, p1 */
#define NODE_B 0x0a00000b /* which answers */
static const char *const fixed[][3] = {
	{"BGPPeer", "p0",
	 "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1, holdTime: 90s, "
	 "enableGracefulRestart: true}"},
	{"BGPPeer", "p1",
	 "spec: {myASN: 64512, peerASN: 64512, peerAddress: 10.0.0.2, holdTime: 30s, "
	 "enableGracefulRestart: true, dualStackAddressFamily: true}"},
	{"BGPPeer", "p2",
	 "spec: {myASN: 64512, peerASN: 64514, peerAddress: 10.0.0.3, "
	 "dualStackAddressFamily: true}"}, /* whose router knows IPv4 alone */
	{"IPAddressPool", "pool", "spec: {addresses: [192.168.100.0/26, \"2001:db8:100::/127\"]}"},
	{"Node", "node-a", "status: {addresses: [{type: InternalIP, address: 10.0.0.10}]}"},
	{"Node", "node-b", "status: {addresses: [{type: InternalIP, address: 10.0.0.11}]}"},
	{"IPAddressPool", "spare", "spec: {addresses: [\"2001:db8:101::/127\", 192.168.101.0/26]}"},
};

static void put_text(struct fixture *f, unsigned kind, unsigned number, const char *text)
{
	char name[16], meta[64] = "";

	(void)snprintf(name, sizeof(name), "%sn%u", kind == DENY ? "default." : "", number);
	if (kind == SLICE)
		(void)snprintf(meta, sizeof(meta), "labels: {kubernetes.io/service-name: %s}",
			       name);
	if (kind == SERVICE && text && strstr(text, "port: 81"))
		(void)snprintf(meta, sizeof(meta), "annotations: {lodestone.io/rate-limit: \"%u\"}",
			       100 + number);
	if (kind == SERVICE && number == PLANE_SERVICES - 1 && text && strstr(text, "Local"))
		(void)snprintf(meta, sizeof(meta),
			       "annotations: {lodestone.io/blackhole: \"true\"}");
	if (text)
		fixture_object(f, kinds[kind], name, meta, text);
	else
		fixture_drop(f, kinds[kind], name);
}

void plane_world_set_mode(struct plane *p, struct fixture *f)
{
	fixture_object(f, "LodestoneConfig", "default", "",
		       p->mode_off ? "spec: {drainSeconds: 20, dataplane: {mode: \"off\"}}"
				   : "spec: {drainSeconds: 20}");
}

void plane_world_set_orders(struct plane *p, struct fixture *f)
{
	static const char *const all[PLANE_ORDERS] = {"192.168.100.0/28", "192.168.100.3/32",
						      "2001:db8:100::/127"};
	size_t n = 0;

	for (unsigned i = 0; i < PLANE_ORDERS; i++) {
		const bool ok = ip_prefix_parse(all[i], &p->ordered[n]);

		assert(ok);
		n += p->orders >> i & 1;
	}
	f->settings.discards = p->ordered;
	f->settings.n_discards = n;
}

void plane_world_put_all(struct plane *p, struct fixture *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		fixture_object(f, fixed[i][0], fixed[i][1],
			       i == ASKING ? "annotations: {lodestone.io/rtbh: \"true\"}" : "",
			       fixed[i][2]);
	f->n_remotes = 1;
	f->remotes[0] = (struct plan_actual_remote){.addr = ip_addr_from_v4(NODE_B),
						    .state = REMOTE_ANSWERS};
	plane_world_set_mode(p, f);
	for (unsigned kind = 0; kind < N_KINDS; kind++)
		for (unsigned i = 0; i < counts[kind]; i++)
			if (p->texts[kind][i])
				put_text(f, kind, i, p->texts[kind][i]);
}

bool plane_world_has(const struct plane *p, const char *source)
{
	char name[32];

	for (unsigned kind = 0; kind < N_KINDS; kind++)
		for (unsigned i = 0; i < counts[kind]; i++) {
			(void)snprintf(name, sizeof(name), "%s-%sn%u", kinds[kind],
				       kind == DENY ? "default." : "", i);
			if (strcmp(name, source) == 0)
				return p->texts[kind][i];
		}
	return true;
}

/* --- random documents ------------------------------------------------------------------------- */

static char *random_advert(struct plane *p)
{
	static const char *const peers[] = {"", ", peers: [p0]", ", peers: [p1, p2]"};
	static const unsigned lengths[] = {26, 28, 32, 32}, lengths6[] = {127, 127, 128, 128};
	char text[160];

	(void)snprintf(text, sizeof(text),
		       "spec: {aggregationLength: %u, aggregationLengthV6: %u, "
		       "communities: [\"1:%u\"]%s}",
		       lengths[plane_chance(p, 4)], lengths6[plane_chance(p, 4)],
		       (unsigned)plane_chance(p, 3), peers[plane_chance(p, 3)]);
	return xstrdup(text);
}

#define IPV6_FIRST ", ipFamilies: [IPv6], ipFamilyPolicy: PreferDualStack"

static char *random_service(struct plane *p)
{
	static const char *const families[] = {"",
					       "",
					       ", ipFamilies: [IPv6]",
					       ", ipFamilyPolicy: PreferDualStack",
					       IPV6_FIRST,
					       ", ipFamilyPolicy: RequireDualStack"};
	char text[240];

	(void)snprintf(text, sizeof(text),
		       "spec: {type: LoadBalancer, externalTrafficPolicy: %s, ports: "
		       "[{name: a, port: %u, protocol: TCP}]%s}",
		       plane_chance(p, 2) ? "Local" : "Cluster", 80 + (unsigned)plane_chance(p, 2),
		       families[plane_chance(p, ARRAY_SIZE(families))]);
	return xstrdup(text);
}

static char *random_slice(struct plane *p)
{
	const bool six = plane_chance(p, 6) == 0;
	struct strbuf b;

	strbuf_init(&b, 1 << 12);
	strbuf_printf(&b,
		      "addressType: %s\nports: [{name: a, port: 8080, protocol: TCP}]\n"
		      "endpoints: [",
		      six ? "IPv6" : "IPv4");
	for (unsigned i = 0; i < 3; i++)
		if (plane_chance(p, 2))
			strbuf_printf(&b, "{addresses: [\"%s%u\"], nodeName: node-%c}, ",
				      six ? "fd00::" : "10.244.0.", i + 1,
				      plane_chance(p, 4) ? 'a' : 'b');
	strbuf_add(&b, "]");
	return b.data; /* goes to the folder */
}

/* Of few prefixes, so that lists have some in common. */
static char *random_deny(struct plane *p)
{
	struct strbuf b;

	strbuf_init(&b, 1 << 12);
	strbuf_add(&b, "spec: {dataplane: {deny: [");
	for (unsigned i = 0; i < 6; i++)
		strbuf_printf(&b, plane_chance(p, 3) ? "10.%u.0.0/16, " : "\"2001:db8:%u::/48\", ",
			      (unsigned)plane_chance(p, 8));
	strbuf_add(&b, "nonsense]}}");
	return b.data; /* goes to the folder */
}

static char *random_text(struct plane *p, unsigned kind)
{
	if (kind == ADVERT)
		return random_advert(p);
	if (kind == DENY)
		return random_deny(p);
	return kind == SERVICE ? random_service(p) : random_slice(p);
}

static void set_text(struct plane *p, unsigned kind, unsigned number, char *text)
{
	free(p->texts[kind][number]);
	p->texts[kind][number] = text;
	if (p->is_alive && p->f->synced) {
		put_text(p->f, kind, number, text);
		p->dirty = true;
	}
}

/* A typo: what was right stays in force, and the file is mended at the next change or at the end.
 */
static void break_text(struct plane *p, unsigned kind, unsigned number)
{
	if (p->texts[kind][number] && p->is_alive && p->f->synced) {
		put_text(p->f, kind, number, "spec: {aggregationLength: nonsense, ports: 7}\nx: {");
		p->dirty = true;
	}
}

void plane_world_change(struct plane *p)
{
	const unsigned kind = (unsigned)plane_chance(p, N_KINDS);
	const unsigned number = (unsigned)plane_chance(p, counts[kind]);

	if (plane_chance(p, 8) == 0)
		break_text(p, kind, number);
	else
		set_text(p, kind, number, plane_chance(p, 5) ? random_text(p, kind) : NULL);
}

void plane_world_random(struct plane *p)
{
	for (unsigned kind = 0; kind < N_KINDS; kind++)
		for (unsigned i = 0; i < counts[kind]; i++)
			set_text(p, kind, i, random_text(p, kind));
}

void plane_world_done(struct plane *p)
{
	for (unsigned kind = 0; kind < N_KINDS; kind++)
		for (unsigned i = 0; i < counts[kind]; i++)
			free(p->texts[kind][i]);
}
